/* A block of triangles opened in a thread's arena: its geometry, its effective
 * state and its neighbours, with those of its two rings.
 *
 * Owns the loading; where the arrays stand is in arena.h, what is computed from
 * them in sweep.c, distribute.c and viscosity.c.
 */
#ifndef LEAN_BLOCK_H
#define LEAN_BLOCK_H

#include <assert.h>
#include <string.h>

#include "arena.h"
#include "effective.h"
#include "geometry.h"

/* A phase of the work on a block: a function of its own, so that the registers a loop gets
 * do not depend on what stands beside it (0.8 % fewer instructions with sloped Manning).  */
#define LEAN_PHASE static __attribute__((noinline, unused))

/* Open block b in an arena: its lengths and arrays, none of them filled. */
static inline void open_block(const lean_run *r, int b, double *arena, opened *o)
{
    const lean_block *k = r->mesh->block + b;
    const int local = k->n_own + k->n_ring1, all = local + k->n_ring2;
    *o = (opened){
        .block = k,
        .nb = k->n_own,
        .n1 = k->n_ring1,
        .NL = local,
        .ALL = all,
        .slots = 3 * local + k->n_boundary,
        .member = r->mesh->member + k->member,
    };
    const lean_extents extents = {
        .own = (size_t)o->nb,
        .local = (size_t)o->NL,
        .all = (size_t)o->ALL,
        .slots = (size_t)o->slots,
    };
    size_t used = lay_out(&extents, arena, r->tracers.count > 0 || r->predictor_dt != 0.0, o);
    assert(used <= r->scratch_stride);
    (void)used;
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
