/* See maxima.h.  The order of operations is that of ANUGA's operator (4.1.0 and 4.2.0,
 * operators/collect_max_quantities_operator.py).  Where x*x + y*y is certainly too small for a
 * new maximum its root is not taken, and what does not change is not written. */
#include "maxima.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "hypot.h"
#include "isa.h"

/* hypot(x, y) < h if x*x + y*y < SURELY*h*h: both are rounded, each by some 1e-16 of itself. */
#define SURELY (1.0 - 1.0e-12)
/* Squares below the one may have lost digits, those near the other leave none above them. */
#define LEAST_SQUARE 1.0e-280
#define LARGEST_SQUARE 1.0e280
/* Triangles that are looked at together, and those a thread takes; copies are made after as many,
 * which takes four fifths of the time of 4,096 and half that of 512. */
#define TOGETHER 64
#define AT_ONCE (1 << 13)
/* Numbers that there is room for where at most TOGETHER are, as in rates.c. */
#define ROOM (4 * TOGETHER)
/* Numbers that are copied together. */
#define COPIED (1 << 9)

static inline uint64_t bits_of(double a)
{
    uint64_t u;
    memcpy(&u, &a, sizeof u);
    return u;
}

/* All bits if `holds`, so that loops need no other integers than those of doubles' width. */
#define WHEN(holds) ((holds) ? ~(uint64_t) 0 : (uint64_t) 0)

/* Not 0 if a and b are zeros of both signs. */
static inline uint64_t opposite_zeros(double a, double b)
{
    return WHEN(a == b) & (bits_of(a) ^ bits_of(b));
}

/* numpy's maximum of a and b, but a of zeros of both signs. */
static inline double larger(double a, double b)
{
    return (!(a >= b)) & (a == a) ? b : a;
}

/* Raises n maxima to values. Returns opposite zeros. */
static inline uint64_t raise(double *restrict maximum, const double *restrict value, int n)
{
    double found[ROOM];
    uint64_t odd = 0, changed = 0;
#pragma omp simd reduction(| : odd, changed)
    for (int i = 0; i < n; i++) {
        double old = maximum[i], raised = larger(old, value[i]);
        odd |= opposite_zeros(old, value[i]);
        found[i] = raised;
        changed |= bits_of(raised) ^ bits_of(old);
    }
    if (changed)
        memcpy(maximum, found, (size_t) n * sizeof *found);
    return odd;
}

/* Raises maxima of depth, and finds the depth, 0 where there is none; where that is a zero of
 * either sign the maximum stays.  OUT depth, m. Returns opposite zeros. */
static inline uint64_t raise_depth(double *restrict maximum, const double *restrict stage,
                                   const double *restrict elevation, double *restrict depth,
                                   int n)
{
    double found[ROOM];
    uint64_t odd = 0, changed = 0;
#pragma omp simd reduction(| : odd, changed)
    for (int i = 0; i < n; i++) {
        double above = stage[i] - elevation[i], deep = larger(above, 0.0), old = maximum[i];
        uint64_t unclear = opposite_zeros(above, 0.0);
        double raised = unclear ? old : larger(old, deep);
        odd |= unclear | opposite_zeros(old, deep);
        depth[i] = deep;
        found[i] = raised;
        changed |= bits_of(raised) ^ bits_of(old);
    }
    if (changed)
        memcpy(maximum, found, (size_t) n * sizeof *found);
    return odd;
}

/* Whether the momenta and speeds of n triangles from k on certainly stay below their maxima.
 * IN depth at or above 0 or NaN, m */
static inline int stay_below(const lean_maxima *m, int64_t k, int n, const double *restrict depth)
{
    const double *restrict x = m->xmomentum + k, *restrict y = m->ymomentum + k;
    const double *restrict momentum = m->max_momentum + k, *restrict speed = m->max_speed + k;
    const double least = m->least_depth;
    uint64_t may_rise = 0, signs = 0;
#pragma omp simd reduction(| : may_rise, signs)
    for (int i = 0; i < n; i++) {
        double square = x[i] * x[i] + y[i] * y[i], fastest = speed[i] * depth[i];
        double bound = depth[i] > least ? fastest * fastest : LARGEST_SQUARE;
        double lower = momentum[i] * momentum[i];
        bound = bound < lower ? bound : lower;      /* NaN: compared below */
        int still = (x[i] == 0.0) & (y[i] == 0.0);
        int slow = (square >= LEAST_SQUARE) & (square < SURELY * bound);
        int known = (momentum[i] >= 0.0) & (speed[i] >= 0.0) & (depth[i] == depth[i]);
        may_rise |= WHEN(!(known & (still | slow)));
        signs |= bits_of(momentum[i]) | bits_of(speed[i]);
    }
    return may_rise == 0 && signs >> 63 == 0;
}

/* Raises the maxima of n <= TOGETHER triangles from k on; returns whether zeros met. */
static uint64_t raise_all(const lean_maxima *m, int64_t k, int n)
{
    const double least = m->least_depth;
    double depth[ROOM], momentum[ROOM], speed[ROOM];
    uint64_t odd = raise(m->max_stage + k, m->stage + k, n);
    odd |= raise_depth(m->max_depth + k, m->stage + k, m->elevation + k, depth, n);
    if (stay_below(m, k, n, depth))
        return odd;
    lean_hypots(m->xmomentum + k, m->ymomentum + k, n, m->own_hypot, momentum);
#pragma omp simd
    for (int i = 0; i < n; i++) {
        double over = depth[i] <= least ? least : depth[i];
        speed[i] = momentum[i] / over * (depth[i] > least ? 1.0 : 0.0);
    }
    odd |= raise(m->max_momentum + k, momentum, n);
    return odd | raise(m->max_speed + k, speed, n);
}

/* Copies n numbers where they differ: most maxima stay what they are. */
static inline void bring(double *to, const double *from, int64_t n)
{
    size_t nbytes = (size_t) n * sizeof *to;
    if (memcmp(to, from, nbytes) != 0)
        memcpy(to, from, nbytes);
}

int LEAN_FOR(raise_maxima)(const lean_maxima *m)
{
    const double *of[LEAN_MAXIMA] = {m->max_stage, m->max_depth, m->max_speed, m->max_momentum};
    uint64_t odd = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(m->n_threads) if (m->n_threads > 1) \
    reduction(| : odd)
    for (int64_t start = 0; start < m->n; start += AT_ONCE) {
        int64_t end = start + AT_ONCE < m->n ? start + AT_ONCE : m->n;
        for (int64_t k = start; k < end; k += TOGETHER)
            odd |= raise_all(m, k, (int) (k + TOGETHER < end ? TOGETHER : end - k));
        for (int j = 0; j < LEAN_MAXIMA && m->copy[j] != NULL; j++)
            for (int64_t k = start; k < end; k += COPIED)
                bring(m->copy[j] + k, of[j] + k, k + COPIED < end ? COPIED : end - k);
    }
    return odd != 0;
}

int LEAN_FOR(raise_to)(double *maximum, const double *value, int64_t n, int32_t n_threads)
{
    uint64_t odd = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads) if (n_threads > 1) \
    reduction(| : odd)
    for (int64_t start = 0; start < n; start += AT_ONCE) {
        int64_t end = start + AT_ONCE < n ? start + AT_ONCE : n;
        for (int64_t k = start; k < end; k += TOGETHER)
            odd |= raise(maximum + k, value + k,
                         (int) (k + TOGETHER < end ? TOGETHER : end - k));
    }
    return odd != 0;
}

void LEAN_FOR(hypots)(const double *x, const double *y, int64_t n, int own, double *h)
{
    for (int64_t k = 0; k < n; k += TOGETHER)
        lean_hypots(x + k, y + k, (int) (k + TOGETHER < n ? TOGETHER : n - k), own, h + k);
}
