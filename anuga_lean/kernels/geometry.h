/* The geometry of one triangle, from its three vertices.
 *
 * Owns the formulas and nothing else: no loop, no memory.  Every function is
 * static inline, takes doubles by value and is free of branches, so that a
 * loop over triangles that calls it vectorises.
 *
 * The order of the floating-point operations is part of the contract: it is
 * that of ANUGA 4.1.0, general_mesh.py, General_mesh.__init__, and gives the
 * same bits as long as nothing is contracted (-ffp-contract=off).
 *
 * Units: m, and m2 for areas.  Edge i of a triangle runs from vertex i+1 to
 * vertex i+2 (modulo 3), counter-clockwise; its normal points outwards.
 */
#ifndef LEAN_GEOMETRY_H
#define LEAN_GEOMETRY_H

#include <math.h>

/* Length of the vector (dx, dy); also the distance between two points. */
static inline double lean_length(double dx, double dy)
{
    return sqrt(dx * dx + dy * dy);
}

/* An edge: its length, m, and its outward unit normal. */
typedef struct {
    double length, n1, n2;
} lean_edge;

/* The edge along (dx, dy), m, not both 0: divisions by the length, not multiplications by
 * its inverse, which would round differently. */
static inline lean_edge lean_edge_of(double dx, double dy)
{
    double length = lean_length(dx, dy);
    return (lean_edge){.length = length, .n1 = dy / length, .n2 = -(dx / length)};
}

/* The vector (*a, *b) reflected at the edge: rotated to its normal, turned back there,
 * rotated again, which rounds as ANUGA 4.1.0 does (Reflective_boundary). INOUT a, b. */
static inline void lean_reflect(lean_edge e, double *a, double *b)
{
    double r1 = -*a * e.n1 - *b * e.n2, r2 = -*a * e.n2 + *b * e.n1;
    *a = e.n1 * r1 - e.n2 * r2;
    *b = e.n2 * r1 + e.n1 * r2;
}

/* The middle of an edge, one coordinate. */
static inline double lean_midpoint(double a, double b)
{
    return 0.5 * (a + b);
}

/* x / 3.0, correctly rounded, without a division: the remainder x - 3*q is
 * exact (both subtractions are of numbers within a factor of two), and a third
 * of a double is never closer than 1/6 ulp to the middle between two others. */
static inline double lean_third(double x)
{
    const double third = 1.0 / 3.0;
    double q = x * third;
    double remainder = (x - 2.0 * q) - q;
    return q + remainder * third;
}

/* The centroid, one coordinate: vertices in the order 0, 1, 2. */
static inline double lean_centroid(double a0, double a1, double a2)
{
    return lean_third(a0 + a1 + a2);
}

/* The area, positive for a counter-clockwise triangle. */
static inline double lean_area(double x0, double y0, double x1, double y1,
                               double x2, double y2)
{
    return -((x1 * y0 - x0 * y1) + (x2 * y1 - x1 * y2) + (x0 * y2 - x2 * y0)) / 2.0;
}

/* The lesser of two numbers, the second if one is NaN. */
static inline double lean_least(double a, double b)
{
    return a < b ? a : b;
}

/* The smallest distance from the centroid to the middle of an edge. */
static inline double lean_radius(double x0, double y0, double x1, double y1,
                                 double x2, double y2)
{
    double xc = lean_centroid(x0, x1, x2), yc = lean_centroid(y0, y1, y2);
    double a0 = xc - lean_midpoint(x1, x2), b0 = yc - lean_midpoint(y1, y2);
    double a1 = xc - lean_midpoint(x2, x0), b1 = yc - lean_midpoint(y2, y0);
    double a2 = xc - lean_midpoint(x0, x1), b2 = yc - lean_midpoint(y0, y1);
    double d0 = a0 * a0 + b0 * b0, d1 = a1 * a1 + b1 * b1, d2 = a2 * a2 + b2 * b2;
    /* one root of the least square: the rounded root is monotone */
    return sqrt(lean_least(lean_least(d0, d1), d2));
}

/* The radius of the inscribed circle from the area and the edge lengths; they
 * are summed in the order edge 2, edge 0, edge 1. */
static inline double lean_inscribed_radius(double area, double l0, double l1, double l2)
{
    return 2.0 * area / (l2 + l0 + l1);
}

#endif
