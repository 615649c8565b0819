/* What a riverwall does to the flux over an edge: weir overflow blended into the
 * shallow water flux, and seepage through the wall.
 *
 * Owns the arithmetic of one edge, as ANUGA 4.1.0 evaluates it
 * (gpu_adjust_edgeflux_with_weir and ..._with_throughflow); the weir is
 * Villemonte, Engineering News-Record 139 (1947).
 */
#ifndef LEAN_RIVERWALLS_H
#define LEAN_RIVERWALLS_H

#include "limiter.h"

/* Both sides of a wall edge, left is the triangle the flux is for. */
typedef struct {
    double crest;                     /* height of the wall, m                     */
    double ze;                        /* the higher of crest and beds              */
    double z_left, z_right;           /* beds at the edge                          */
    double w_left, w_right;           /* centroid stages; beyond a boundary, bed
                                         at the edge plus own depth                */
    const double *q;                  /* Qfactor s1 s2 h1 h2 Cd_through            */
    int seeps;                        /* 1: Cd_through is there                    */
} lean_wall_edge;

/* The flux over a wall edge, per metre: mass and momentum, m2/s, m3/s2, and speed, m/s. */
typedef struct {
    double f0, f1, f2, speed;
} lean_wall_flux;

/* Blend the flow over the wall, as over a weir, into the flux.  INOUT f: f0, f1, f2, speed */
static inline void lean_weir(const lean_wall_edge *e, double g, lean_wall_flux *f)
{
    const double thirds = 2.0 / 3.0;
    double left = lean_max(e->w_left - e->ze, 0.0), right = lean_max(e->w_right - e->ze, 0.0);
    double weir = lean_max(e->crest - lean_min(e->z_left, e->z_right), 0.0);
    if (left <= 0.0 && right <= 0.0)
        return;
    double low = lean_min(left, right), high = lean_max(left, right);
    double Q = e->q[0] * thirds * high * sqrt(thirds * g * high);
    double tail = e->q[0] * thirds * low * sqrt(thirds * g * low);
    double drowned = tail / lean_max(Q, LEAN_TINY);
    double heads = low / lean_max(high, LEAN_TINY), depths = low / lean_max(weir, LEAN_TINY);
    Q = Q * pow(1.0 - drowned, 0.385);
    if (right > left)
        Q *= -1.0;
    if (heads < e->q[2] && depths < e->q[4]) {
        double a = lean_min(lean_max(heads - e->q[1], 0.0) / (e->q[2] - e->q[1]), 1.0);
        double b = lean_min(lean_max(depths - e->q[3], 0.0) / (e->q[4] - e->q[3]), 1.0);
        double wanted = (Q * (1.0 - a) + a * f->f0) * (1.0 - b) + b * f->f0;
        double scale = fabs(f->f0) > 1.0e-100 ? wanted / f->f0 : 0.0;
        scale = lean_min(lean_max(scale, 0.0), 10.0);
        f->f0 = wanted;
        f->f1 *= scale;
        f->f2 *= scale;
    }
    if (fabs(f->f0) > 0.0)
        f->speed = sqrt(g * (high + weir)) + fabs(f->f0 / (high + 1.0e-12));
}

/* Add the flow through the wall.  INOUT f: f0, speed */
static inline void lean_seepage(const lean_wall_edge *e, double g, lean_wall_flux *f)
{
    double Cd = e->seeps ? e->q[5] : 0.0;
    double left = lean_max(lean_min(e->w_left, e->crest) - e->z_left, 0.0);
    double right = lean_max(lean_min(e->w_right, e->crest) - e->z_right, 0.0);
    double depth = e->w_left >= e->w_right ? left : right, head = fabs(e->w_left - e->w_right);
    if (Cd <= 0.0 || depth <= 0.0 || head <= 0.0)
        return;
    double Q = Cd * depth * sqrt(2.0 * g * head);
    f->f0 += e->w_right > e->w_left ? -Q : Q;
    double speed = Cd * sqrt(2.0 * g * head);
    f->speed = speed > f->speed ? speed : f->speed;
}

#endif
