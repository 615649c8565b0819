/* A block of triangles opened in a thread's arena: its geometry, its effective
 * state and its neighbours, with those of its two rings.
 *
 * Owns the arena's layout and the loading; what is computed from it is in
 * sweep.c and distribute.c.
 */
#ifndef LEAN_BLOCK_H
#define LEAN_BLOCK_H

#include <string.h>

#include "effective.h"
#include "geometry.h"

#define ALIGN8(n) (((size_t)(n) + 7) & ~(size_t)7)

/* A block opened in the arena. Arrays of ALL, NL, n_own or slots entries. */
typedef struct {
    const lean_block *block;
    int nb, n1, NL, ALL, slots;
    const int32_t *member;
    double *x0, *x1, *x2, *y0, *y1, *y2;      /* ALL: vertex coordinates     */
    double *cx, *cy, *w, *h, *u, *v;          /* ALL: centroid, state        */
    double *iso;                              /* NL: 1.0 where isolated      */
    double *sw, *suh, *svh, *sh, *sz;         /* slots: edge states          */
    double *f0, *f1, *f2, *speed, *mass;      /* n_own; mass is 3*n_own      */
    double *spare;                            /* 10*n_own, for the update    */
    double *extra;                            /* lean_extra_doubles, only with
                                                 a predictor or tracers       */
    int32_t *k0, *k1, *k2, *t0;               /* NL neighbours; 3*n_own slots */
    int32_t *rank;                            /* ALL: see load_ranks         */
} opened;

static inline double *take(double **p, size_t n)
{
    double *a = *p;
    *p += ALIGN8(n);
    return a;
}

static inline void open_block(const lean_run *r, int b, double *arena, opened *o)
{
    const lean_mesh *m = r->mesh;
    const lean_block *k = m->block + b;
    double *p = arena;
    o->block = k;
    o->nb = k->n_own;
    o->n1 = k->n_ring1;
    o->NL = k->n_own + k->n_ring1;
    o->ALL = o->NL + k->n_ring2;
    o->slots = 3 * o->NL + k->n_boundary;
    o->member = m->member + k->member;
    size_t all = o->ALL, nb = o->nb;
    o->x0 = take(&p, all); o->x1 = take(&p, all); o->x2 = take(&p, all);
    o->y0 = take(&p, all); o->y1 = take(&p, all); o->y2 = take(&p, all);
    o->cx = take(&p, all); o->cy = take(&p, all);
    o->w = take(&p, all); o->h = take(&p, all); o->u = take(&p, all); o->v = take(&p, all);
    o->iso = take(&p, o->NL);
    o->sw = take(&p, o->slots); o->suh = take(&p, o->slots); o->svh = take(&p, o->slots);
    o->sh = take(&p, o->slots); o->sz = take(&p, o->slots);
    o->f0 = take(&p, nb); o->f1 = take(&p, nb); o->f2 = take(&p, nb); o->speed = take(&p, nb);
    o->mass = take(&p, 3 * nb);
    o->spare = take(&p, 10 * nb);
    int32_t *q = (int32_t *)p;
    o->k0 = q; q += ALIGN8(o->NL);
    o->k1 = q; q += ALIGN8(o->NL);
    o->k2 = q; q += ALIGN8(o->NL);
    o->t0 = q; q += ALIGN8(3 * nb);
    o->rank = q; q += ALIGN8(o->ALL);
    o->extra = (double *)q;
}

/* 8 local (predictor), or ALL, slots, own and local (one tracer at a time). */
static inline size_t lean_extra_doubles(const lean_mesh *m)
{
    size_t slots = ALIGN8(3 * (size_t)m->max_local + (size_t)m->max_boundary);
    size_t tracer = ALIGN8(m->max_all) + slots + ALIGN8(m->max_own);
    size_t predictor = 8 * ALIGN8(m->max_local);
    return tracer > predictor ? tracer : predictor;
}

static inline void load_geometry(const lean_mesh *m, const opened *o)
{
    const int ALL = o->ALL, nn = o->block->n_node;
    const double *restrict X = m->node_xy + 2 * o->block->node, *restrict Y = X + nn;
    const uint16_t *restrict a = m->vertex + o->block->vertex, *restrict b = a + ALL,
                   *restrict d = b + ALL;
    double *restrict x0 = o->x0, *restrict x1 = o->x1, *restrict x2 = o->x2;
    double *restrict y0 = o->y0, *restrict y1 = o->y1, *restrict y2 = o->y2;
    double *restrict cx = o->cx, *restrict cy = o->cy;
#pragma omp simd
    for (int c = 0; c < ALL; c++) {
        double p0 = X[a[c]], p1 = X[b[c]], p2 = X[d[c]];
        double q0 = Y[a[c]], q1 = Y[b[c]], q2 = Y[d[c]];
        x0[c] = p0; x1[c] = p1; x2[c] = p2;
        y0[c] = q0; y1[c] = q1; y2[c] = q2;
        cx[c] = lean_centroid(p0, p1, p2);
        cy[c] = lean_centroid(q0, q1, q2);
    }
}

enum { RUN = 8 };

/* 1 if own triangles c..c+7 stand side by side in the user's order: own
 * triangles are sorted (blocks.py), so their first and last tell.            */
LEAN_INLINE int is_run(const int32_t *member, int c)
{
    return member[c + RUN - 1] - member[c] == RUN - 1;
}

/* to[c] = from[member[c]] for the block's own triangles. */
static inline void gather_own(const opened *o, const double *restrict from, double *restrict to)
{
    const int32_t *restrict member = o->member;
    int c = 0;
    for (; c + RUN <= o->nb; c += RUN) {
        if (is_run(member, c))
            memcpy(to + c, from + member[c], RUN * sizeof *to);
        else
            for (int j = 0; j < RUN; j++)
                to[c + j] = from[member[c + j]];
    }
    for (; c < o->nb; c++)
        to[c] = from[member[c]];
}

/* to[member[c]] = from[c] for the block's own triangles. */
static inline void scatter_own(const opened *o, const double *restrict from, double *restrict to)
{
    const int32_t *restrict member = o->member;
    int c = 0;
    for (; c + RUN <= o->nb; c += RUN) {
        if (is_run(member, c))
            memcpy(to + member[c], from + c, RUN * sizeof *to);
        else
            for (int j = 0; j < RUN; j++)
                to[member[c + j]] = from[c + j];
    }
    for (; c < o->nb; c++)
        to[member[c]] = from[c];
}

/* Effective stage, depth and velocities of the block and its rings. */
static inline void load_state(const lean_run *r, const opened *o)
{
    const int ALL = o->ALL;
    const int32_t *restrict member = o->member;
    const double *restrict W = r->stage, *restrict UH = r->xmomentum, *restrict VH = r->ymomentum,
                 *restrict Z = r->elevation;
    double *restrict w = o->w, *restrict h = o->h, *restrict u = o->u, *restrict v = o->v;
    const double h_min = r->p.h_min;
    gather_own(o, W, w);
    gather_own(o, UH, u);
    gather_own(o, VH, v);
    gather_own(o, Z, h);
    for (int c = o->nb; c < ALL; c++) {
        int m = member[c];
        w[c] = W[m]; u[c] = UH[m]; v[c] = VH[m]; h[c] = Z[m];
    }
    if (r->n_undo > 0)
        for (int c = 0; c < ALL; c++)
            lean_raw_state(r, member[c], w + c, u + c, v + c);
#pragma omp simd
    for (int c = 0; c < ALL; c++) {
        double z = h[c], ww = w[c], a = u[c], b = v[c];
        ww = ww - z < 0.0 ? z : ww;
        double d = lean_max(ww - z, 0.0);
        int dry = d <= h_min;
        double inverse = 1.0 / d;
        inverse = d > h_min ? inverse : 1.0;
        a = dry ? 0.0 : a;
        b = dry ? 0.0 : b;
        w[c] = ww; h[c] = d; u[c] = a * inverse; v[c] = b * inverse;
    }
}

/* With a dry limiter above zero the order of ANUGA's loop shows: triangle c
 * sees its neighbour m at rest if m is isolated and comes before c.  rank is
 * m's index where m is isolated, else beyond any index.                      */
static inline void load_ranks(const lean_run *r, const opened *o)
{
    const uint8_t *restrict isolated = r->isolated;
    for (int c = 0; c < o->ALL; c++) {
        int32_t m = o->member[c];
        o->rank[c] = isolated[m] ? m : INT32_MAX;
    }
}

/* What a corner triangle's reconstruction needs of its one neighbour n. */
typedef struct {
    double ex[3], ey[3];      /* midpoints of its edges from its centroid         */
    double gx, gy;            /* towards n's centroid, over the distance squared  */
} corner_stencil;

static inline corner_stencil stencil_of_corner(const opened *o, int c, int n)
{
    double x = o->cx[c], y = o->cy[c];
    double dx = o->cx[n] - x, dy = o->cy[n] - y, d2 = dx * dx + dy * dy;
    corner_stencil s = {{lean_midpoint(o->x1[c], o->x2[c]) - x,
                         lean_midpoint(o->x2[c], o->x0[c]) - x,
                         lean_midpoint(o->x0[c], o->x1[c]) - x},
                        {lean_midpoint(o->y1[c], o->y2[c]) - y,
                         lean_midpoint(o->y2[c], o->y0[c]) - y,
                         lean_midpoint(o->y0[c], o->y1[c]) - y},
                        d2 > 0.0 ? dx / d2 : 0.0, d2 > 0.0 ? dy / d2 : 0.0};
    return s;
}

static inline void load_neighbours(const lean_mesh *m, const opened *o)
{
    const int nb = o->nb, NL = o->NL, n1 = o->n1;
    int32_t *const k[3] = {o->k0, o->k1, o->k2};
    for (int i = 0; i < 3; i++) {
        const uint16_t *restrict slot = m->flux_slot + o->block->flux_slot + (size_t)i * nb;
        const uint16_t *restrict ring = m->ring_neighbour + o->block->ring_neighbour + (size_t)i * n1;
        int32_t *restrict q = k[i], *restrict t = o->t0 + (size_t)i * nb;
#pragma omp simd
        for (int c = 0; c < nb; c++) {
            int s = slot[c], n = s;
            n = s >= NL ? s - NL : n;
            n = s >= 2 * NL ? s - 2 * NL : n;
            n = s >= 3 * NL ? c : n;
            t[c] = s;
            q[c] = n;
        }
        for (int c = 0; c < n1; c++)
            q[nb + c] = ring[c];
    }
    for (int e = 0; e < o->block->n_exception; e++) {
        int s = m->exception_slot[o->block->exception + e];
        k[s / nb][s % nb] = m->exception_neighbour[o->block->exception + e];
    }
}

#endif
