/* Second-order reconstruction: centroid values to limited edge values.
 *
 * Owns the arithmetic of one triangle.  It follows ANUGA 4.1.0
 * (gpu_device_helpers.h, core_extrapolate_edge_pass_on) operation by operation
 * where rounding could tell; comments say where a shorter form is exact.
 */
#ifndef LEAN_LIMITER_H
#define LEAN_LIMITER_H

#include <math.h>

#include "geometry.h"

/* For what must become part of a vector loop. */
#define LEAN_INLINE static inline __attribute__((always_inline))
/* Divisors no larger than this count as 0. */
#define LEAN_TINY 1.0e-100

/* The larger, the smaller of two numbers; the second if one is NaN, or of two zeros. */
LEAN_INLINE double lean_max(double x, double y) { return x > y ? x : y; }
LEAN_INLINE double lean_min(double x, double y) { return x < y ? x : y; }

/* From a triangle's centroid to the middle of each edge, m. */
typedef struct {
    double x0, x1, x2, y0, y1, y2;
} lean_arms;

/* IN vertices (x0, y0) to (x2, y2) and centroid (x, y), m. */
LEAN_INLINE lean_arms lean_arms_of(double x0, double x1, double x2, double y0, double y1,
                                   double y2, double x, double y)
{
    return (lean_arms){
        .x0 = lean_midpoint(x1, x2) - x, .y0 = lean_midpoint(y1, y2) - y,
        .x1 = lean_midpoint(x2, x0) - x, .y1 = lean_midpoint(y2, y0) - y,
        .x2 = lean_midpoint(x0, x1) - x, .y2 = lean_midpoint(y0, y1) - y,
    };
}

/* The geometry of one triangle's reconstruction from three surrogate neighbours.  Handed on by
 * value: gcc 12 vectorises no loop in which the address of this struct is taken. */
typedef struct {
    lean_arms arm;
    double dx1, dx2, dy1, dy2;    /* from the first neighbour's centroid to the others', m */
    double inverse_area2;         /* of twice the area between the three centroids, 1/m2   */
} lean_stencil;

/* IN arms; centroids (xa, ya), (xb, yb), (xd, yd) of the neighbours beyond edges 0, 1, 2, m. */
LEAN_INLINE lean_stencil lean_stencil_of(lean_arms arm, double xa, double ya, double xb,
                                         double yb, double xd, double yd)
{
    double dx1 = xb - xa, dx2 = xd - xa, dy1 = yb - ya, dy2 = yd - ya;
    return (lean_stencil){
        .arm = arm,
        .dx1 = dx1,
        .dx2 = dx2,
        .dy1 = dy1,
        .dy2 = dy2,
        .inverse_area2 = 1.0 / (dy2 * dx1 - dy1 * dx2),
    };
}

/* The gradient (*a, *b), per m, of the plane through the neighbours' values, the second and
 * third of which differ from the first by dq1 and dq2.  OUT a, b. */
LEAN_INLINE void lean_gradient(lean_stencil s, double dq1, double dq2, double *a,
                               double *b)
{
    *a = (s.dy2 * dq1 - s.dy1 * dq2) * s.inverse_area2;
    *b = (s.dx1 * dq2 - s.dx2 * dq1) * s.inverse_area2;
}

/* How far edge values may differ from the centroid's: by no more than the neighbours' do.
 * IN dq0 first neighbour's less the centroid's, dq1 and dq2 as above; OUT lower, upper. */
LEAN_INLINE void lean_range(double dq0, double dq1, double dq2, double *lower, double *upper)
{
    double s1 = dq0 + dq1, s2 = dq0 + dq2;
    *upper = lean_max(lean_max(dq0, lean_max(s1, s2)), 0.0);
    *lower = lean_min(lean_min(dq0, lean_min(s1, s2)), 0.0);
}

/* What turns the limiter from its dry (0) to its wet strength (1).
 * IN depths of a triangle and its surrogate neighbours, and h_min, m. */
LEAN_INLINE double lean_wetness(double hc, double h0, double h1, double h2, double h_min)
{
    const double c = 1.0 / (0.3 - 0.1), d = 1.0 - (c * 0.3);
    double lowest = lean_min(lean_min(h0, lean_min(h1, h2)), hc);
    double highest = lean_max(lean_max(h0, lean_max(h1, h2)), hc);
    double positive = lean_max(lowest, 0.0);
    double a = c * positive / lean_max(hc, 1.0e-06) + d;
    double b = c * lean_max(hc, 0.0) / lean_max(highest, 1.0e-06) + d;
    double factor = lean_max(0.0, lean_min(a, lean_min(b, 1.0)));
    return lean_min(1.2 * lean_max(lowest - h_min, 0.0) / (positive + h_min), factor);
}

/* The limiter's strength beta at that wetness, between the dry and the wet one. */
LEAN_INLINE double lean_strength(double beta_dry, double beta, double wet)
{
    return beta_dry + (beta - beta_dry) * wet;
}

/* Edge values of a triangle with at most one boundary edge.
 * IN centroid value q and those of its three surrogate neighbours; OUT e0, e1, e2.
 * ANUGA divides the admissible range by each edge difference; the largest
 * positive and the smallest negative difference decide, because a correctly
 * rounded quotient is monotone in its divisor, so two divisions give its bits. */
LEAN_INLINE void lean_limited_edges(double q, double q0, double q1, double q2,
                                    lean_stencil s, double beta,
                                    double *e0, double *e1, double *e2)
{
    double dq0 = q0 - q, dq1 = q1 - q0, dq2 = q2 - q0, a, b, lower, upper;
    lean_gradient(s, dq1, dq2, &a, &b);
    double v0 = a * s.arm.x0 + b * s.arm.y0;
    double v1 = a * s.arm.x1 + b * s.arm.y1;
    double v2 = a * s.arm.x2 + b * s.arm.y2;
    lean_range(dq0, dq1, dq2, &lower, &upper);
    double rise = lean_max(lean_max(v0, v1), v2);
    double fall = lean_min(lean_min(v0, v1), v2);
    double up = upper / rise, down = lower / fall;
    double r = 1000.0;
    double t = lean_min(r, up);
    r = rise > LEAN_TINY ? t : r;
    t = lean_min(r, down);
    r = fall < -LEAN_TINY ? t : r;
    double phi = lean_min(r * beta, 1.0);
    /* Constant where the limiter is off, even if there is no gradient: three
     * centroids in a line make it infinite or NaN. */
    double sloped0 = q + v0 * phi, sloped1 = q + v1 * phi, sloped2 = q + v2 * phi;
    *e0 = beta > 0.0 ? sloped0 : q;
    *e1 = beta > 0.0 ? sloped1 : q;
    *e2 = beta > 0.0 ? sloped2 : q;
}

/* The geometry of an ear's reconstruction from its one neighbour; an ear is a triangle with
 * two boundary edges. */
typedef struct {
    lean_arms arm;
    double gx, gy;            /* towards the neighbour's centroid over the distance squared, 1/m */
} lean_ear_stencil;

/* IN arms; (dx, dy) from its centroid to the neighbour's, m. */
LEAN_INLINE lean_ear_stencil lean_ear_stencil_of(lean_arms arm, double dx, double dy)
{
    double d2 = dx * dx + dy * dy;
    return (lean_ear_stencil){
        .arm = arm,
        .gx = d2 > 0.0 ? dx / d2 : 0.0,
        .gy = d2 > 0.0 ? dy / d2 : 0.0,
    };
}

/* Edge values of an ear: the gradient points to its neighbour.
 * IN centroid values q and qn, the neighbour's; OUT out. */
LEAN_INLINE void lean_ear_edges(double q, double qn, lean_ear_stencil s, double beta,
                                double out[3])
{
    const double ex[3] = {s.arm.x0, s.arm.x1, s.arm.x2};
    const double ey[3] = {s.arm.y0, s.arm.y1, s.arm.y2};
    double dq = qn - q, a = dq * s.gx, b = dq * s.gy, v[3], r = 1000.0;
    double lower = dq >= 0.0 ? 0.0 : dq, upper = dq >= 0.0 ? dq : 0.0;
    for (int i = 0; i < 3; i++) {
        v[i] = a * ex[i] + b * ey[i];
        if (v[i] < -LEAN_TINY)
            r = lean_min(r, lower / v[i]);
        else if (v[i] > LEAN_TINY)
            r = lean_min(r, upper / v[i]);
    }
    double phi = lean_min(r * beta, 1.0);
    for (int i = 0; i < 3; i++)
        out[i] = q + v[i] * phi;
}

#endif
