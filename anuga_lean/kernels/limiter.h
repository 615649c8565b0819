/* Second-order reconstruction: centroid values to limited edge values.
 *
 * Owns the arithmetic of one triangle.  It follows ANUGA 4.1.0
 * (gpu_device_helpers.h, core_extrapolate_edge_pass_on) operation by operation
 * where rounding could tell; comments say where a shorter form is exact.
 */
#ifndef LEAN_LIMITER_H
#define LEAN_LIMITER_H

#include <math.h>

#define LEAN_INLINE static inline __attribute__((always_inline))
#define LEAN_TINY 1.0e-100

LEAN_INLINE double lean_max(double x, double y) { return x > y ? x : y; }
LEAN_INLINE double lean_min(double x, double y) { return x < y ? x : y; }

/* Geometry one triangle's reconstruction needs: edge midpoints relative to its
 * centroid, neighbour centroids relative to the first neighbour's. */
typedef struct {
    double ex0, ex1, ex2, ey0, ey1, ey2;
    double dx1, dx2, dy1, dy2, inverse_area2;
} lean_stencil;

/* Depth ratio that turns the limiter from its dry to its wet strength. */
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

/* Edge values of a triangle with at most one boundary edge.
 * IN centroid value q and those of its three surrogate neighbours.
 * ANUGA divides the admissible range by each edge difference; the largest
 * positive and the smallest negative difference decide, because a correctly
 * rounded quotient is monotone in its divisor, so two divisions give its bits. */
LEAN_INLINE void lean_limited_edges(double q, double q0, double q1, double q2,
                                    const lean_stencil *s, double beta,
                                    double *e0, double *e1, double *e2)
{
    double dq0 = q0 - q, dq1 = q1 - q0, dq2 = q2 - q0;
    double a = (s->dy2 * dq1 - s->dy1 * dq2) * s->inverse_area2;
    double b = (s->dx1 * dq2 - s->dx2 * dq1) * s->inverse_area2;
    double v0 = a * s->ex0 + b * s->ey0;
    double v1 = a * s->ex1 + b * s->ey1;
    double v2 = a * s->ex2 + b * s->ey2;
    double s1 = dq0 + dq1, s2 = dq0 + dq2;
    double upper = lean_max(lean_max(dq0, lean_max(s1, s2)), 0.0);
    double lower = lean_min(lean_min(dq0, lean_min(s1, s2)), 0.0);
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

/* Edge values of a triangle with two boundary edges: the gradient points to
 * its one neighbour's centroid.  IN gx, gy = direction over distance squared. */
LEAN_INLINE void lean_corner_edges(double q, double qn, double gx, double gy,
                                   const double ex[3], const double ey[3], double beta,
                                   double out[3])
{
    double dq = qn - q, a = dq * gx, b = dq * gy, v[3], r = 1000.0;
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
