/* See maxima.h.  The order of operations is that of ANUGA's operator (4.1.0 and 4.2.0,
 * operators/collect_max_quantities_operator.py).  Where x*x + y*y is certainly too small for
 * a new maximum, hypot, which takes longer than all else, is not called. */
#include "maxima.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "isa.h"

/* hypot(x, y) < h if x*x + y*y < SURELY*h*h: both are rounded, each by some 1e-16 of itself. */
#define SURELY (1.0 - 1.0e-12)
/* Squares below the one may have lost digits, those near the other leave none above them. */
#define LEAST_SQUARE 1.0e-280
#define LARGEST_SQUARE 1.0e280
/* Triangles that a thread takes at a time. */
#define AT_ONCE (1 << 12)

static inline int same_bits(double a, double b)
{
    uint64_t u, v;
    memcpy(&u, &a, sizeof u);
    memcpy(&v, &b, sizeof v);
    return u == v;
}

/* numpy's maximum of a and b. INOUT odd: 1 if they are zeros of both signs; then a. */
static inline double larger(double a, double b, int *odd)
{
    if (a == b && !same_bits(a, b))
        *odd = 1;
    return a >= b || a != a ? a : b;
}

/* Whether speed and momentum of triangle k certainly stay below their maxima.
 * IN depth at or above 0 or NaN, m */
static inline int stays_below(const lean_maxima *m, int64_t k, double x, double y, double depth)
{
    double square = x * x + y * y, momentum = m->max_momentum[k], speed = m->max_speed[k];
    if (signbit(momentum) || signbit(speed) || depth != depth)
        return 0;
    if (x == 0.0 && y == 0.0)
        return momentum >= 0.0 && speed >= 0.0;     /* both are +0.0: NaN does not pass */
    if (!(square >= LEAST_SQUARE && square <= LARGEST_SQUARE
          && square < SURELY * (momentum * momentum)))
        return 0;
    if (!(depth > m->least_depth))
        return speed >= 0.0;
    double fastest = speed * depth;
    return square < SURELY * (fastest * fastest);
}

static inline void store(double *where, double value)
{
    if (!same_bits(*where, value))      /* what is not written stays shared and clean */
        *where = value;
}

static int raise(const lean_maxima *m, int64_t k)
{
    int odd = 0;
    store(m->max_stage + k, larger(m->max_stage[k], m->stage[k], &odd));
    double above = m->stage[k] - m->elevation[k];
    int unclear = 0;
    double depth = larger(above, 0.0, &unclear);
    if (unclear)
        odd = 1;
    else
        store(m->max_depth + k, larger(m->max_depth[k], depth, &odd));
    double x = m->xmomentum[k], y = m->ymomentum[k];
    if (stays_below(m, k, x, y, depth))
        return odd;
    double momentum = hypot(x, y);
    double over = depth > m->least_depth || depth != depth ? depth : m->least_depth;
    double speed = momentum / over * (depth > m->least_depth ? 1.0 : 0.0);
    int met = 0;                        /* both are +0.0 or more */
    store(m->max_momentum + k, larger(m->max_momentum[k], momentum, &met));
    store(m->max_speed + k, larger(m->max_speed[k], speed, &met));
    return odd | met;
}

int LEAN_FOR(raise_maxima)(const lean_maxima *m)
{
    const double *of[LEAN_MAXIMA] = {m->max_stage, m->max_depth, m->max_speed, m->max_momentum};
    int odd = 0;
#pragma omp parallel for schedule(static) num_threads(m->n_threads) if (m->n_threads > 1) \
    reduction(| : odd)
    for (int64_t start = 0; start < m->n; start += AT_ONCE) {
        int64_t end = start + AT_ONCE < m->n ? start + AT_ONCE : m->n;
        for (int64_t k = start; k < end; k++)
            odd |= raise(m, k);
        for (int j = 0; j < LEAN_MAXIMA && m->copy[j] != NULL; j++)
            memcpy(m->copy[j] + start, of[j] + start, (size_t) (end - start) * sizeof(double));
    }
    return odd;
}
