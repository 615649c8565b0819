/* The arena of a thread: all arrays that the work on one block needs.
 *
 * Owns their order, written once: lay_out hands the arrays out from a base, or measures
 * them where there is none.  block.h and what includes it fill them.
 *
 * The phases of a sweep, by which the life of each array is told below: load, reconstruct,
 * advance (ADER-2), boundary, fluxes, tracers, count, finish, slope (sloped Manning), and
 * store or second stage.  distribute.c and viscosity.c load and then do their own.
 */
#ifndef LEAN_ARENA_H
#define LEAN_ARENA_H

#include "run.h"

/* Index of a triangle of a block in its loops: as wide as a double where registers hold four of
 * these or more.  gcc 12 then computes with one register for each value, not with two, which
 * gains an eighth of the reconstruction; with SSE2 it would lose a third.  */
#if defined(__AVX2__)
typedef int64_t lean_local;
#else
typedef int32_t lean_local;
#endif

#define ALIGN8(n) (((size_t)(n) + 7) & ~(size_t)7)

/* Lengths of the arrays, of one block or the largest of all. */
typedef struct {
    size_t own, local, all;   /* triangles: own, with the first ring, with both */
    size_t slots;             /* 3*local edges and the boundary edges           */
} lean_extents;

/* The second stage of RK2: raw state in, new state out. */
typedef struct {
    double *w, *uh, *vh, *z;  /* own: stage, momenta, bed; m, m2/s                    */
    double *eta;              /* own: Manning's n, or S, 1/s, where sloped            */
    double *temp;             /* 4*own, of lean_update_chunk                          */
    uint8_t *still, *full;    /* own: isolated; not a ghost.  In the place of mass    */
} lean_next_state;

/* What lies beyond one edge of each own triangle, for the viscous stress: own each. */
typedef struct {
    double *h, *u, *v;        /* m, m/s; no depth where nothing acts                  */
    double *x, *y;            /* its centroid, or the middle of a boundary edge, m    */
    double *weight;           /* of the difference in velocity, m3/s                  */
} lean_beyond;

/* The predictor's change of all edge values of a triangle: NL each. */
typedef struct {
    double *dw, *duh, *dvh;   /* rates, m/s and m2/s2                                 */
    double *steep, *eta;      /* sqrt(1 + slope squared), Manning's n                 */
    double *regular;          /* 1.0, or 0.0: degenerate, nothing is shifted          */
    double *wanted, *power;   /* of lean_powers, one edge at a time                   */
} lean_shift;

/* One tracer at a time. */
typedef struct {
    double *c;                /* ALL: centroid concentrations                         */
    double *edge;             /* slots: concentrations at edges                       */
    double *rate;             /* own: rate of change of depth times concentration     */
} lean_carried;

/* A block opened in the arena.  In brackets the phases that an array lives in. */
typedef struct {
    const lean_block *block;
    int nb, n1, NL, ALL, slots;
    const int32_t *member;
    double *x0, *x1, *x2, *y0, *y1, *y2;  /* ALL: vertices, m           [load to the end]     */
    double *cx, *cy;                      /* ALL: centroid, m           [load to tracers]     */
    double *w, *h, *u, *v;                /* ALL: effective state       [load to slope]       */
    double *iso;                          /* NL: 1.0 where isolated     [reconstruct to end]  */
    double *sw, *suh, *svh, *sh, *sz;     /* slots: edge states         [reconstruct to slope] */
    double *f0, *f1, *f2;                 /* own: update by the fluxes  [fluxes to end];
                                             viscosity: stresses x, y in the first two        */
    double *speed;                        /* own: largest wave speed    [fluxes to finish]    */
    double *mass;                         /* 3*own: into each triangle over its edges, m3/s
                                                                        [fluxes to count]     */
    double *ratio;                        /* own: radius over speed, s; in the place of mass
                                                                        [finish]              */
    double *bed;                          /* own, m                     [load to fluxes]      */
    lean_next_state next;                 /* in the place of bed        [second stage]        */
    lean_beyond beyond;                   /* in the place of bed        [viscosity]           */
    lean_local *k0, *k1, *k2;             /* NL: surrogate neighbours   [load to tracers]     */
    int32_t *t0;                          /* 3*own: slot beyond an edge [load to tracers]     */
    int32_t *rank;                        /* ALL: see load_ranks        [load to reconstruct] */
    lean_shift shift;                     /* with `extra` only          [advance]             */
    lean_carried carried;                 /* in the place of shift      [tracers]             */
} opened;

/* The walk over the arena: a NULL base only measures. */
typedef struct {
    double *base;
    size_t used;              /* doubles, a multiple of 8: arrays begin at 64 bytes   */
    size_t shared, furthest;  /* where a shared place begins, the end of its largest  */
} lean_walk;

/* The next n doubles, NULL where it measures. */
static inline double *take(lean_walk *walk, size_t n)
{
    size_t at = walk->used;
    walk->used += ALIGN8(n);
    return walk->base ? walk->base + at : NULL;
}

/* The next n indices. */
static inline int32_t *take_indices(lean_walk *walk, size_t n)
{
    return (int32_t *)take(walk, (n + 1) / 2);
}

/* The next n local indices: the same room whatever their type, which sources compiled for
 * different instruction sets share. */
static inline lean_local *take_local(lean_walk *walk, size_t n)
{
    return (lean_local *)take(walk, n);
}

/* The next n bytes. */
static inline uint8_t *take_bytes(lean_walk *walk, size_t n)
{
    return (uint8_t *)take(walk, (n + 7) / 8);
}

/* Begins a place that several arrays share, one after the other in time. */
static inline void share(lean_walk *walk)
{
    walk->shared = walk->furthest = walk->used;
}

/* Goes back to where the shared place begins. */
static inline void or_else(lean_walk *walk)
{
    walk->furthest = walk->used > walk->furthest ? walk->used : walk->furthest;
    walk->used = walk->shared;
}

/* Ends the shared place: what follows stands behind the largest that shares it. */
static inline void end_share(lean_walk *walk)
{
    or_else(walk);
    walk->used = walk->furthest;
}

/* Walks the arena.
 * IN  e lengths; base of at least as many doubles as are returned, at 64 bytes, or NULL;
 *     extra: with room for the predictor and tracers
 * OUT o every array, but nothing else
 * Returns the doubles used.  None of the lengths being larger, they are not more.      */
static inline size_t lay_out(const lean_extents *e, double *base, int extra, opened *o)
{
    lean_walk walk = {.base = base}, *const p = &walk;
    o->x0 = take(p, e->all);
    o->x1 = take(p, e->all);
    o->x2 = take(p, e->all);
    o->y0 = take(p, e->all);
    o->y1 = take(p, e->all);
    o->y2 = take(p, e->all);
    o->cx = take(p, e->all);
    o->cy = take(p, e->all);
    o->w = take(p, e->all);
    o->h = take(p, e->all);
    o->u = take(p, e->all);
    o->v = take(p, e->all);
    o->iso = take(p, e->local);
    o->sw = take(p, e->slots);
    o->suh = take(p, e->slots);
    o->svh = take(p, e->slots);
    o->sh = take(p, e->slots);
    o->sz = take(p, e->slots);
    o->f0 = take(p, e->own);
    o->f1 = take(p, e->own);
    o->f2 = take(p, e->own);
    o->speed = take(p, e->own);

    share(p);
    o->mass = take(p, 3 * e->own);
    or_else(p);
    o->ratio = take(p, e->own);
    or_else(p);
    o->next.still = take_bytes(p, e->own);
    o->next.full = take_bytes(p, e->own);
    end_share(p);

    share(p);
    o->bed = take(p, e->own);
    or_else(p);
    o->next.w = take(p, e->own);
    o->next.uh = take(p, e->own);
    o->next.vh = take(p, e->own);
    o->next.z = take(p, e->own);
    o->next.eta = take(p, e->own);
    o->next.temp = take(p, 4 * e->own);
    or_else(p);
    o->beyond.h = take(p, e->own);
    o->beyond.u = take(p, e->own);
    o->beyond.v = take(p, e->own);
    o->beyond.x = take(p, e->own);
    o->beyond.y = take(p, e->own);
    o->beyond.weight = take(p, e->own);
    end_share(p);

    o->k0 = take_local(p, e->local);
    o->k1 = take_local(p, e->local);
    o->k2 = take_local(p, e->local);
    o->t0 = take_indices(p, 3 * e->own);
    o->rank = take_indices(p, e->all);
    if (!extra)
        return walk.used;

    share(p);
    o->shift.dw = take(p, e->local);
    o->shift.duh = take(p, e->local);
    o->shift.dvh = take(p, e->local);
    o->shift.steep = take(p, e->local);
    o->shift.eta = take(p, e->local);
    o->shift.regular = take(p, e->local);
    o->shift.wanted = take(p, e->local);
    o->shift.power = take(p, e->local);
    or_else(p);
    o->carried.c = take(p, e->all);
    o->carried.edge = take(p, e->slots);
    o->carried.rate = take(p, e->own);
    end_share(p);
    return walk.used;
}

#endif
