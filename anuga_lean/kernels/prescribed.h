/* Edges at which the boundary prescribes values: these bound the reconstruction there in
 * place of a neighbour's.
 *
 * Owns the arithmetic of one triangle.  Follows ANUGA 4.2.0 (core_extrapolate_edge_pass_on
 * and gpu_calc_edge_values_with_gradient); ANUGA 4.1 is what an empty list gives.  Few
 * triangles have such an edge: they are done one by one after the vector loop.
 */
#ifndef LEAN_PRESCRIBED_H
#define LEAN_PRESCRIBED_H

#include "limiter.h"
#include "run.h"

enum { LEAN_STAGE_PRESCRIBED = 1, LEAN_MOMENTUM_PRESCRIBED = 2 };

/* A triangle, first, and its three surrogate neighbours: stage, depth, velocities and bed
 * as the reconstruction sees them.                                                       */
typedef struct {
    double w[4], h[4], u[4], v[4], z[4];
} lean_vicinity;

/* Bits of the edges that are bounded, and by how much their value may differ from the
 * centroid's: one row per edge, meant where its bit is set.                             */
typedef struct {
    int stage_edges, momentum_edges;
    double dw[3], dh[3], du[3], dv[3];
} lean_bounds;

/* The bounds of one triangle's edges.  fmin and fmax as ANUGA writes them.
 * IN place of each edge among the prescribed, -1: nothing prescribed; OUT b
 * Returns whether any edge is bounded: only where the depth varies by less than
 * half around the triangle, and the prescribed stage lies above the bed.                 */
static inline int lean_find_bounds(const lean_prescribed *p, const int32_t place[3],
                                   const lean_stencil *s, const lean_vicinity *q, lean_bounds *b)
{
    const double ex[3] = {s->arm.x0, s->arm.x1, s->arm.x2};
    const double ey[3] = {s->arm.y0, s->arm.y1, s->arm.y2};
    double hc = q->h[0];
    double lowest = fmin(fmin(q->h[1], fmin(q->h[2], q->h[3])), hc);
    double highest = fmax(fmax(q->h[1], fmax(q->h[2], q->h[3])), hc);
    b->stage_edges = b->momentum_edges = 0;
    if (!(2.0 * fmax(highest - hc, hc - lowest) < hc))
        return 0;
    double az, bz;
    lean_gradient(*s, q->z[2] - q->z[1], q->z[3] - q->z[1], &az, &bz);
    for (int i = 0; i < 3; i++) {
        int32_t j = place[i];
        if (j < 0)
            continue;
        double depth = p->stage[j] - (q->z[0] + az * ex[i] + bz * ey[i]);
        if (!(depth >= 1.0e-6))
            continue;
        if (p->bits[j] & LEAN_STAGE_PRESCRIBED) {
            b->stage_edges |= 1 << i;
            b->dw[i] = p->stage[j] - q->w[0];
            b->dh[i] = depth - hc;
        }
        if (p->bits[j] & LEAN_MOMENTUM_PRESCRIBED) {
            double inverse = 1.0 / depth;
            b->momentum_edges |= 1 << i;
            b->du[i] = p->xmomentum[j] * inverse - q->u[0];
            b->dv[i] = p->ymomentum[j] * inverse - q->v[0];
        }
    }
    return (b->stage_edges | b->momentum_edges) != 0;
}

/* r, or less where an edge difference v goes beyond low or high. */
static inline double lean_limit_ratio(double v, double low, double high, double r)
{
    if (v < -LEAN_TINY)
        return fmin(r, low / v);
    if (v > LEAN_TINY)
        return fmin(r, high / v);
    return r;
}

/* Edge values of one quantity.  A bounded edge i may go from the centroid's value q[0]
 * towards q[0] + d[i] and no further; what is beyond is taken off the gradient along that
 * edge, in the order of the edges: later ones see the gradient that is left.
 * IN q: the triangle's, its three surrogate neighbours'; edges: bits; OUT out            */
static inline void lean_bounded_edges(const double q[4], const lean_stencil *s, double beta,
                                      int edges, const double d[3], double out[3])
{
    if (edges == 0) {
        lean_limited_edges(q[0], q[1], q[2], q[3], *s, beta, out, out + 1, out + 2);
        return;
    }
    if (!(beta > 0.0)) {
        out[0] = out[1] = out[2] = q[0];
        return;
    }
    const double ex[3] = {s->arm.x0, s->arm.x1, s->arm.x2};
    const double ey[3] = {s->arm.y0, s->arm.y1, s->arm.y2};
    double dq0 = q[1] - q[0], dq1 = q[2] - q[1], dq2 = q[3] - q[1], a, b, lower, upper, v[3];
    lean_gradient(*s, dq1, dq2, &a, &b);
    for (int i = 0; i < 3; i++)
        v[i] = a * ex[i] + b * ey[i];
    lean_range(dq0, dq1, dq2, &lower, &upper);
    for (int i = 0; i < 3; i++) {
        if (!(edges & 1 << i))
            continue;
        double excess = fmin(fmax(v[i], fmin(d[i], 0.0)), fmax(d[i], 0.0)) - v[i];
        double r2 = ex[i] * ex[i] + ey[i] * ey[i];
        for (int j = 0; j < 3; j++)
            if (j != i)
                v[j] += excess * (ex[i] * ex[j] + ey[i] * ey[j]) / r2;
        v[i] += excess;
    }
    double margin = 1.0e-6 * fmax(fabs(v[0]), fmax(fabs(v[1]), fabs(v[2])));
    double r = 1000.0;
    for (int i = 0; i < 3; i++)
        if (!(edges & 1 << i))
            r = lean_limit_ratio(v[i], lower - margin, upper + margin, r);
    double phi = fmin(r * beta, 1.0);
    for (int i = 0; i < 3; i++)
        out[i] = q[0] + phi * v[i];
}

/* Edge values of stage, depth and velocities of a triangle with bounded edges.
 * IN b from lean_find_bounds; OUT e[4][3] */
static inline void lean_edges_within(const lean_parameters *p, const lean_bounds *b,
                                     const lean_stencil *s, const lean_vicinity *q,
                                     double e[4][3])
{
    double wet = lean_wetness(q->h[0], q->h[1], q->h[2], q->h[3], p->h_min);
    double beta = lean_strength(p->beta_w_dry, p->beta_w, wet);
    lean_bounded_edges(q->w, s, beta, b->stage_edges, b->dw, e[0]);
    lean_bounded_edges(q->h, s, beta, b->stage_edges, b->dh, e[1]);
    beta = lean_strength(p->beta_uh_dry, p->beta_uh, wet);
    lean_bounded_edges(q->u, s, beta, b->momentum_edges, b->du, e[2]);
    beta = lean_strength(p->beta_vh_dry, p->beta_vh, wet);
    lean_bounded_edges(q->v, s, beta, b->momentum_edges, b->dv, e[3]);
}

#endif
