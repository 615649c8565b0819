/* A block of triangles opened in a thread's arena: its geometry, its effective
 * state and its neighbours, with those of its two rings.
 *
 * Owns the loading; where the arrays stand is in arena.h, what is computed from
 * them in sweep.c, distribute.c and viscosity.c.
 */
#ifndef LEAN_BLOCK_H
#define LEAN_BLOCK_H

#include <assert.h>
#include <omp.h>
#include <string.h>

#include "arena.h"
#include "effective.h"

/* A phase of the work on a block: a function of its own, so that the registers a loop gets
 * do not depend on what stands beside it (0.8 % fewer instructions with sloped Manning).  */
#define LEAN_PHASE static __attribute__((noinline, unused))

/* The arena of the thread that asks. */
static inline double *arena_of(const lean_run *r)
{
    return r->scratch + (size_t)omp_get_thread_num() * r->scratch_stride;
}

/* Open block b in an arena of r->scratch_stride doubles.
 * OUT o lengths and arrays, none of them filled; those for the predictor and tracers only
 *     where the run has these */
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

/* Vertices and centroids of all triangles.  OUT x0 to y2, cx, cy. */
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

/* The first of n ascending numbers that is not below x; n if there is none. */
LEAN_INLINE int first_from(const int32_t *number, int n, int64_t x)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (number[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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

/* Effective stage, depth and velocities of all triangles, before the isolated-triangle rule.
 * OUT w, h, u, v; bed of own ones. */
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
    memcpy(o->bed, h, sizeof *h * (size_t)o->nb);
    for (int c = o->nb; c < ALL; c++) {
        int m = member[c];
        w[c] = W[m]; u[c] = UH[m]; v[c] = VH[m]; h[c] = Z[m];
    }
    if (r->n_undo > 0)
        for (int c = 0; c < ALL; c++)
            lean_raw_state(r, member[c], w + c, u + c, v + c);
#pragma omp simd
    for (int c = 0; c < ALL; c++) {
        lean_effective e = lean_effective_of(w[c], u[c], v[c], h[c], h_min);
        w[c] = e.w;
        h[c] = e.h;
        u[c] = e.u;
        v[c] = e.v;
    }
}

/* With a dry limiter above zero the order of ANUGA's loop shows: triangle c
 * sees its neighbour m at rest if m is isolated and comes before c.  rank is
 * m's index where m is isolated, else beyond any index.
 * IN r->isolated as mark_isolated left it; OUT rank. */
static inline void load_ranks(const lean_run *r, const opened *o)
{
    const uint8_t *restrict isolated = r->isolated;
    for (int c = 0; c < o->ALL; c++) {
        int32_t m = o->member[c];
        o->rank[c] = isolated[m] ? m : INT32_MAX;
    }
}

/* Surrogate neighbours and slots beyond the edges, of own and first-ring triangles.
 * OUT k0, k1, k2; t0 of own ones. */
static inline void load_neighbours(const lean_mesh *m, const opened *o)
{
    const int nb = o->nb, NL = o->NL, n1 = o->n1;
    lean_local *const k[3] = {o->k0, o->k1, o->k2};
    for (int i = 0; i < 3; i++) {
        const uint16_t *restrict slot = m->flux_slot + o->block->flux_slot + (size_t)i * nb;
        const uint16_t *restrict ring =
            m->ring_neighbour + o->block->ring_neighbour + (size_t)i * n1;
        lean_local *restrict q = k[i];
        int32_t *restrict t = o->t0 + (size_t)i * nb;
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

/* From the centroid of local triangle c to the middles of its edges, m. */
LEAN_INLINE lean_arms arms_of(const opened *o, lean_local c)
{
    return lean_arms_of(o->x0[c], o->x1[c], o->x2[c], o->y0[c], o->y1[c], o->y2[c], o->cx[c],
                        o->cy[c]);
}

/* The stencil of local triangle c, below NL, with at most one boundary edge. */
LEAN_INLINE lean_stencil stencil_of(const opened *o, lean_local c)
{
    lean_local a = o->k0[c], b = o->k1[c], d = o->k2[c];
    return lean_stencil_of(arms_of(o, c), o->cx[a], o->cy[a], o->cx[b], o->cy[b], o->cx[d],
                           o->cy[d]);
}

/* The stencil of ear c, whose one neighbour is n. */
LEAN_INLINE lean_ear_stencil ear_stencil_of(const opened *o, int c, int n)
{
    return lean_ear_stencil_of(arms_of(o, c), o->cx[n] - o->cx[c], o->cy[n] - o->cy[c]);
}

/* The area of local triangle c, m2. */
LEAN_INLINE double area_of(const opened *o, int c)
{
    return lean_area(o->x0[c], o->y0[c], o->x1[c], o->y1[c], o->x2[c], o->y2[c]);
}

/* Edge i of local triangle c. */
LEAN_INLINE lean_edge edge_of(const opened *o, int c, int i)
{
    const double *const x[3] = {o->x0, o->x1, o->x2}, *const y[3] = {o->y0, o->y1, o->y2};
    int a = (i + 1) % 3, b = (i + 2) % 3;
    return lean_edge_of(x[b][c] - x[a][c], y[b][c] - y[a][c]);
}

#endif
