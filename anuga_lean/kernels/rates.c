/* See rates.h.  The order of operations is that of ANUGA's Rate_operator.__call__ (4.1.0 and
 * 4.2.0, operators/rate_operators.py) and of numpy's pairwise sum; both are part of the
 * result.  Nothing is written before all is known, so that a call can still be left to
 * ANUGA's own code. */
#include "rates.h"

#include <math.h>
#include <stddef.h>

#include "isa.h"

/* Triangles a thread changes at a time. */
#define PER_CHUNK (1 << 12)
/* ANUGA's slowing is (depth left) / (depth + this), m. */
#define SOFT_DEPTH 1.0e-10

static inline int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many of n numbers numpy sums first. */
static inline int64_t first_half(int64_t n)
{
    int64_t half = n / 2;
    return half - half % LEAN_LANES;
}

/* OUT part: start and count; returns how many there are. */
static int64_t cut(int64_t start, int64_t n, lean_rate_part *part)
{
    if (n <= LEAN_PER_PART) {
        part->start = start;
        part->count = n;
        return 1;
    }
    int64_t half = first_half(n);
    int64_t cuts = cut(start, half, part);
    return cuts + cut(start + half, n - half, part + cuts);
}

/* The sum of n numbers from those of their parts. INOUT part: the next one. */
static double joined(int64_t n, const lean_rate_part **part)
{
    if (n <= LEAN_PER_PART)
        return (*part)++->sum;
    int64_t half = first_half(n);
    double first = joined(half, part);
    return first + joined(n - half, part);
}

/* The sum of at most LEAN_IN_LANES numbers. */
static double sum_in_lanes(const double *restrict x, int n)
{
    double lane[LEAN_LANES];
    int i = n - n % LEAN_LANES;
    if (i == 0) {
        double sum = -0.0;
        for (; i < n; i++)
            sum += x[i];
        return sum;
    }
    for (int l = 0; l < LEAN_LANES; l++)
        lane[l] = x[l];
    for (int j = LEAN_LANES; j < i; j += LEAN_LANES)
        for (int l = 0; l < LEAN_LANES; l++)
            lane[l] += x[j + l];
    double sum = ((lane[0] + lane[1]) + (lane[2] + lane[3]))
               + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    for (; i < n; i++)
        sum += x[i];
    return sum;
}

/* numpy's maximum of a and b. */
static inline double larger(double a, double b, int second)
{
    return (second ? a > b : a >= b) || a != a ? a : b;
}

/* The changes of stage at n places, m. OUT change; depth before it, if limited. */
static inline __attribute__((always_inline)) void find_changes(
    const lean_rate *r, int limited, int n, const int64_t *restrict place,
    const int64_t *restrict triangle, double *restrict change, double *restrict depth)
{
    const double scale = r->scale;
    if (r->rate == NULL)
        for (int i = 0; i < n; i++)
            change[i] = scale;
    else {
        const int64_t *at = r->per_triangle ? triangle : place;
        for (int i = 0; i < n; i++)
            change[i] = scale * r->rate[at[i]];
    }
    if (!limited)
        return;
    const int second = r->second;
    for (int i = 0; i < n; i++)
        depth[i] = r->stage[triangle[i]] - r->elevation[triangle[i]];
    for (int i = 0; i < n; i++)
        change[i] = larger(change[i], -depth[i], second);
}

/* The same for n places side by side, from place p, of all triangles. */
static inline __attribute__((always_inline)) void find_changes_of_all(
    const lean_rate *r, int limited, int n, int64_t p, double *restrict change,
    double *restrict depth)
{
    const double scale = r->scale;
    if (r->rate == NULL)
        for (int i = 0; i < n; i++)
            change[i] = scale;
    else {
        const double *restrict rate = r->rate + p;
        for (int i = 0; i < n; i++)
            change[i] = scale * rate[i];
    }
    if (!limited)
        return;
    const int second = r->second;
    const double *restrict stage = r->stage + p, *restrict elevation = r->elevation + p;
    for (int i = 0; i < n; i++) {
        depth[i] = stage[i] - elevation[i];
        change[i] = larger(change[i], -depth[i], second);
    }
}

/* Places and triangles of n full triangles from the f-th. OUT place, triangle */
static inline void find_places(const lean_rate *r, int64_t f, int n, int64_t *restrict place,
                               int64_t *restrict triangle)
{
    for (int i = 0; i < n; i++)
        place[i] = r->full == NULL ? f + i : r->full[f + i];
    for (int i = 0; i < n; i++)
        triangle[i] = r->index == NULL ? place[i] : r->index[place[i]];
}

/* The changes of n <= LEAN_IN_LANES full triangles from the f-th, m, and of their water, m3. */
static void find_full(const lean_rate *r, int limited, int64_t f, int n, double *restrict change,
                      double *restrict volume)
{
    double depth[LEAN_IN_LANES];
    if (r->full == NULL && r->index == NULL) {
        const double *restrict area = r->area + f;
        find_changes_of_all(r, limited, n, f, change, depth);
        for (int i = 0; i < n; i++)
            volume[i] = change[i] * area[i];
        return;
    }
    int64_t place[LEAN_IN_LANES], triangle[LEAN_IN_LANES];
    find_places(r, f, n, place, triangle);
    find_changes(r, limited, n, place, triangle, change, depth);
    for (int i = 0; i < n; i++)
        volume[i] = change[i] * r->area[place[i]];
}

/* The sum over n full triangles from the f-th. INOUT part: most and least. */
static double sum_from(const lean_rate *r, int limited, int64_t f, int64_t n,
                       lean_rate_part *part)
{
    if (n > LEAN_IN_LANES) {
        int64_t half = first_half(n);
        double first = sum_from(r, limited, f, half, part);
        return first + sum_from(r, limited, f + half, n - half, part);
    }
    double change[LEAN_IN_LANES], volume[LEAN_IN_LANES];
    find_full(r, limited, f, (int) n, change, volume);
    if (r->rate != NULL || limited) {
        double most = part->most, least = part->least;
#pragma omp simd reduction(max : most) reduction(min : least)
        for (int i = 0; i < (int) n; i++) {
            most = change[i] > most ? change[i] : most;
            least = change[i] < least ? change[i] : least;
        }
        part->most = most;
        part->least = least;
    }
    return sum_in_lanes(volume, (int) n);
}

lean_rate_part LEAN_FOR(survey_rate)(const lean_rate *r, int limited, lean_rate_part *part)
{
    int64_t parts = cut(0, r->n_full, part);
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1)
    for (int64_t p = 0; p < parts; p++) {
        part[p].most = -INFINITY;
        part[p].least = INFINITY;
        part[p].sum = sum_from(r, limited, part[p].start, part[p].count, part + p);
    }
    lean_rate_part all = {.count = r->n_full, .most = -INFINITY, .least = INFINITY};
    for (int64_t p = 0; p < parts; p++) {
        all.most = part[p].most > all.most ? part[p].most : all.most;
        all.least = part[p].least < all.least ? part[p].least : all.least;
    }
    const lean_rate_part *next = part;
    all.sum = 0.0 + joined(r->n_full, &next);
    return all;
}

int LEAN_FOR(zeros_of_rate)(const lean_rate *r, int limited)
{
    int found = 0;
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1) \
    reduction(| : found)
    for (int64_t f = 0; f < r->n_full; f += LEAN_IN_LANES) {
        double change[LEAN_IN_LANES], volume[LEAN_IN_LANES];
        int n = (int) least_of(LEAN_IN_LANES, r->n_full - f);
        find_full(r, limited, f, n, change, volume);
        for (int i = 0; i < n; i++)
            if (change[i] == 0.0)
                found |= signbit(change[i]) ? LEAN_RATE_NEGATIVE_ZERO : LEAN_RATE_ZERO;
    }
    return found;
}

int LEAN_FOR(check_rate)(const lean_rate *r)
{
    int misplaced = 0, takes = 0;
    if (r->index != NULL && r->m > 0) {
        misplaced |= r->index[0] < 0 || r->index[r->m - 1] >= r->n;
#pragma omp parallel for simd schedule(static) num_threads(r->n_threads) \
    if (r->n_threads > 1) reduction(| : misplaced)
        for (int64_t p = 1; p < r->m; p++)
            misplaced |= r->index[p - 1] >= r->index[p];
    }
    if (r->full != NULL) {
#pragma omp parallel for simd schedule(static) num_threads(r->n_threads) \
    if (r->n_threads > 1) reduction(| : misplaced)
        for (int64_t f = 0; f < r->n_full; f++)
            misplaced |= (uint64_t) r->full[f] >= (uint64_t) r->m;
    }
    if (misplaced)
        return LEAN_RATE_MISPLACED;
    if (r->rate == NULL)
        return 0;
    if (r->per_triangle && r->index != NULL) {
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1) \
    reduction(| : takes)
        for (int64_t p = 0; p < r->m; p++)
            takes |= !(r->rate[r->index[p]] >= 0.0);
    } else {
#pragma omp parallel for simd schedule(static) num_threads(r->n_threads) \
    if (r->n_threads > 1) reduction(| : takes)
        for (int64_t p = 0; p < r->m; p++)
            takes |= !(r->rate[p] >= 0.0);
    }
    return takes ? LEAN_RATE_TAKES : 0;
}

/* Changes n <= LEAN_IN_LANES triangles from p on, of all. */
static void apply_to_all(const lean_rate *r, int limited, int64_t p, int n)
{
    double change[LEAN_IN_LANES], depth[LEAN_IN_LANES];
    double *restrict stage = r->stage + p;
    find_changes_of_all(r, limited, n, p, change, depth);
    for (int i = 0; i < n; i++)
        stage[i] = stage[i] + change[i];
    if (!limited)
        return;
    double *restrict height = r->height + p;
    double *restrict x = r->xmomentum + p, *restrict y = r->ymomentum + p;
    if (r->height != NULL)
        for (int i = 0; i < n; i++)
            height[i] = depth[i];
    for (int i = 0; i < n; i++) {
        double left = (change[i] + depth[i]) / (depth[i] + SOFT_DEPTH);
        double factor = change[i] < 0.0 ? left : 1.0;
        x[i] *= factor;
        y[i] *= factor;
    }
}

/* Changes n <= LEAN_IN_LANES triangles from the p-th of the list on. */
static void apply_to_listed(const lean_rate *r, int limited, int64_t p, int n)
{
    double change[LEAN_IN_LANES], depth[LEAN_IN_LANES];
    int64_t place[LEAN_IN_LANES];
    const int64_t *restrict triangle = r->index + p;
    for (int i = 0; i < n; i++)
        place[i] = p + i;
    find_changes(r, limited, n, place, triangle, change, depth);
    for (int i = 0; i < n; i++)
        r->stage[triangle[i]] = r->stage[triangle[i]] + change[i];
    if (!limited)
        return;
    for (int i = 0; i < n; i++) {
        int64_t k = triangle[i];
        if (r->height != NULL)
            r->height[k] = depth[i];
        if (change[i] < 0.0) {
            double factor = (change[i] + depth[i]) / (depth[i] + SOFT_DEPTH);
            r->xmomentum[k] *= factor;
            r->ymomentum[k] *= factor;
        }
    }
}

void LEAN_FOR(apply_rate)(const lean_rate *r, int limited)
{
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1)
    for (int64_t c = 0; c < r->m; c += PER_CHUNK) {
        int64_t end = least_of(c + PER_CHUNK, r->m);
        for (int64_t p = c; p < end; p += LEAN_IN_LANES) {
            int n = (int) least_of(LEAN_IN_LANES, end - p);
            if (r->index == NULL)
                apply_to_all(r, limited, p, n);
            else
                apply_to_listed(r, limited, p, n);
        }
    }
}
