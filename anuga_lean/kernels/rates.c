/* See rates.h.  The order of operations is that of ANUGA's Rate_operator.__call__ (4.1.0 and
 * 4.2.0, operators/rate_operators.py) and of numpy's pairwise sum; both are part of the
 * result.  Nothing is written before all is known, so that a call can still be left to
 * ANUGA's own code.
 *
 * Numbers are looked at LEAN_IN_LANES at a time: where they stand side by side they are used
 * there, otherwise they are gathered first.  What does not change is not written: of a dry
 * triangle that loses water three of four arrays stay untouched. */
#include "rates.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "isa.h"
#include "pairwise.h"
#include "zeros.h"

/* Triangles a thread changes, or checks, at a time. */
#define PER_CHUNK (1 << 12)
/* Numbers that there is room for where at most LEAN_IN_LANES are: gcc 12 unrolls loops whose end it
 * can tell from the room, into slower code. */
#define ROOM (2 * LEAN_IN_LANES)
/* ANUGA's slowing is (depth left) / (depth + this), m. */
#define SOFT_DEPTH 1.0e-10
#define ALWAYS static inline __attribute__((always_inline))

static inline int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t bits_of(double a)
{
    uint64_t u;
    memcpy(&u, &a, sizeof u);
    return u;
}

/* The sum of change times area, m3, at n <= LEAN_IN_LANES places; change NULL: `same`. */
ALWAYS double sum_in_lanes(const double *restrict change, double same,
                           const double *restrict area, int n)
{
    double lane[LEAN_LANES];
    int i = n - n % LEAN_LANES;
    double sum = -0.0;
    if (i > 0) {
        for (int l = 0; l < LEAN_LANES; l++)
            lane[l] = (change == NULL ? same : change[l]) * area[l];
        for (int j = LEAN_LANES; j < i; j += LEAN_LANES)
            for (int l = 0; l < LEAN_LANES; l++)
                lane[l] += (change == NULL ? same : change[j + l]) * area[j + l];
        sum = ((lane[0] + lane[1]) + (lane[2] + lane[3]))
            + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
    for (i = n - n % LEAN_LANES; i < n; i++)
        sum += (change == NULL ? same : change[i]) * area[i];
    return sum;
}

/* -- changes of stage --------------------------------------------------------------------- */

/* numpy's maximum of a and b; certain: a is no NaN. */
ALWAYS double larger(double a, double b, int second, int certain)
{
    double found = lean_zero_above(a, b, second ? (a > b ? a : b) : (a >= b ? a : b));
    return certain || a == a ? found : a;
}

/* The changes of stage at n places, m, and depth before them, m: no more is taken. */
ALWAYS void limited_changes(int second, int n, double scale, const double *restrict rate,
                            const double *restrict stage, const double *restrict elevation,
                            double *restrict change, double *restrict depth)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        depth[i] = stage[i] - elevation[i];
        change[i] = larger(rate == NULL ? scale : scale * rate[i], -depth[i], second,
                           rate == NULL);
    }
}

/* The changes of stage at n places, m. IN rate or NULL; with limited: stage and elevation.
 * OUT change; with limited: depth before it, m */
static void find_changes(const lean_rate *r, int limited, int n, const double *restrict rate,
                         const double *restrict stage, const double *restrict elevation,
                         double *restrict change, double *restrict depth)
{
    const double scale = r->scale;
    if (limited && r->second && rate == NULL)
        limited_changes(1, n, scale, NULL, stage, elevation, change, depth);
    else if (limited && r->second)
        limited_changes(1, n, scale, rate, stage, elevation, change, depth);
    else if (limited)
        limited_changes(0, n, scale, rate, stage, elevation, change, depth);
    else if (rate == NULL)
        for (int i = 0; i < n; i++)
            change[i] = scale;
    else
        for (int i = 0; i < n; i++)
            change[i] = scale * rate[i];
}

/* Numbers of at most LEAN_IN_LANES places, side by side. */
typedef struct {
    double value[ROOM];
} lean_gathered;

/* The n numbers of x at some indices, or where they stand; IN side: 1 if they stand side by
 * side. */
static inline const double *picked(const double *x, const int64_t *restrict index, int side,
                                   int n, lean_gathered *to)
{
    if (side)
        return x + index[0];
    for (int i = 0; i < n; i++)
        to->value[i] = x[index[i]];
    return to->value;
}

/* Whether n indices, each above the one before, follow one another. */
static inline int side_by_side(const int64_t *index, int64_t n)
{
    return index[n - 1] - index[0] == n - 1;
}

/* What the n <= LEAN_IN_LANES full places from the f-th on have to do with: OUT area, and change,
 * m, NULL where it is `scale` everywhere; rates, or NULL. Room: what these point to. */
typedef struct {
    lean_gathered area, rate, stage, elevation, change, depth;
    int64_t place[LEAN_IN_LANES], triangle[LEAN_IN_LANES];
} lean_room;

static inline const double *full_changes(const lean_rate *r, int limited, int64_t f, int n,
                                         lean_room *room, const double **area,
                                         const double **rates)
{
    const int64_t *place = NULL, *triangle = NULL;      /* NULL: from f on */
    const double *rate = NULL, *stage = NULL, *elevation = NULL;
    int together = 1, beside = 1;
    if (r->full != NULL) {
        int ascend = 1;
        place = r->full + f;
        for (int i = 1; i < n; i++)
            ascend &= place[i - 1] < place[i];
        together = ascend && side_by_side(place, n);
    }
    *area = place == NULL ? r->area + f : picked(r->area, place, together, n, &room->area);
    if (r->index != NULL && (limited || r->per_triangle)) {
        if (place == NULL || together)
            triangle = r->index + (place == NULL ? f : place[0]);
        else {
            for (int i = 0; i < n; i++)
                room->triangle[i] = r->index[place[i]];
            triangle = room->triangle;
        }
        beside = together && !r->any_order && side_by_side(triangle, n);
    } else if (r->index == NULL) {
        triangle = place;
        beside = together;
    }
    if (r->rate != NULL && r->per_triangle)
        rate = picked(r->rate, triangle, beside, n, &room->rate);
    else if (r->rate != NULL)
        rate = place == NULL ? r->rate + f : picked(r->rate, place, together, n, &room->rate);
    *rates = rate;
    if (rate == NULL && !limited)
        return NULL;
    if (limited && triangle == NULL) {
        stage = r->stage + f;
        elevation = r->elevation + f;
    } else if (limited) {
        stage = picked(r->stage, triangle, beside, n, &room->stage);
        elevation = picked(r->elevation, triangle, beside, n, &room->elevation);
    }
    find_changes(r, limited, n, rate, stage, elevation, room->change.value, room->depth.value);
    return room->change.value;
}

/* -- before anything is written ----------------------------------------------------------- */

/* Which zeros are among n numbers. */
static int zeros_among(const double *restrict change, int n)
{
    uint64_t negative = 0, positive = 0;
#pragma omp simd reduction(| : negative, positive)
    for (int i = 0; i < n; i++) {
        uint64_t bits = bits_of(change[i]), is_zero = change[i] == 0.0 ? ~(uint64_t) 0 : 0;
        negative |= bits & is_zero;
        positive |= ~bits & is_zero;
    }
    return (positive >> 63 ? LEAN_RATE_ZERO : 0) | (negative >> 63 ? LEAN_RATE_NEGATIVE_ZERO : 0);
}

/* The largest and the least of n changes, and zeros. INOUT part */
static inline void note_extremes(const double *restrict change, int n, lean_rate_part *part)
{
    double most = -INFINITY, least = INFINITY;
#pragma omp simd reduction(max : most) reduction(min : least)
    for (int i = 0; i < n; i++) {
        most = change[i] > most ? change[i] : most;
        least = change[i] < least ? change[i] : least;
    }
    if (most == 0.0 || least == 0.0)
        part->zeros |= zeros_among(change, n);
    part->most = most > part->most ? most : part->most;
    part->least = least < part->least ? least : part->least;
}

/* Whether n numbers are not all at or above 0, NaN among them. */
static int take(const double *restrict rate, int64_t n)
{
    /* The sign bit: below 0 or -0.0, or larger than infinity, which is NaN. */
    uint64_t signs = 0;
    for (int64_t i = 0; i < n; i++)
        signs |= bits_of(rate[i]) | (bits_of(INFINITY) - bits_of(rate[i]));
    if (!(signs >> 63))
        return 0;
    int found = 0;
    for (int64_t i = 0; i < n; i++)
        found |= !(rate[i] >= 0.0);
    return found;
}

/* The sum over n full triangles from the f-th. INOUT part: most, least, zeros and takes. */
static double sum_from(const lean_rate *r, int limited, int64_t f, int64_t n,
                       lean_rate_part *part)
{
    if (n > LEAN_IN_LANES) {
        int64_t half = first_half(n);
        double first = sum_from(r, limited, f, half, part);
        return first + sum_from(r, limited, f + half, n - half, part);
    }
    if (r->rate == NULL && !limited && r->full == NULL)
        return sum_in_lanes(NULL, r->scale, r->area + f, (int) n);
    lean_room room;
    const double *area, *rate;
    const double *change = full_changes(r, limited, f, (int) n, &room, &area, &rate);
    if (change == NULL)
        return sum_in_lanes(NULL, r->scale, area, (int) n);
    note_extremes(change, (int) n, part);
    if (!limited && rate != NULL)
        part->takes |= take(rate, n);
    return sum_in_lanes(change, 0.0, area, (int) n);
}

lean_rate_part LEAN_FOR(survey_rate)(const lean_rate *r, int limited, lean_rate_part *part)
{
    int64_t parts = cut(r->n_full, r->in_runs, part);
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->n_threads) if (r->n_threads > 1)
    for (int64_t p = 0; p < parts; p++) {
        part[p].most = -INFINITY;
        part[p].least = INFINITY;
        part[p].zeros = part[p].takes = 0;
        if (part[p].count > 0)
            part[p].sum = sum_from(r, limited, part[p].start, part[p].count, part + p);
        else
            part[p].sum = 0.0;
    }
    lean_rate_part all = {.count = r->n_full, .most = -INFINITY, .least = INFINITY};
    for (int64_t p = 0; p < parts; p++) {
        all.most = part[p].most > all.most ? part[p].most : all.most;
        all.least = part[p].least < all.least ? part[p].least : all.least;
        all.zeros |= part[p].zeros;
        all.takes |= part[p].takes;
    }
    all.sum = joined(r->n_full, r->in_runs, part, parts);
    return all;
}

void LEAN_FOR(changes_of_rate)(const lean_rate *r, int limited, double *change)
{
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1)
    for (int64_t f = 0; f < r->n_full; f += LEAN_IN_LANES) {
        lean_room room;
        int n = (int) least_of(LEAN_IN_LANES, r->n_full - f);
        const double *area, *rate;
        const double *found = full_changes(r, limited, f, n, &room, &area, &rate);
        for (int i = 0; i < n; i++)
            change[f + i] = found == NULL ? r->scale : found[i];
    }
}

/* Whether one of n <= PER_CHUNK places from p on has a rate that is not at or above 0. */
static int chunk_takes(const lean_rate *r, int64_t p, int64_t n)
{
    if (!r->per_triangle || r->index == NULL)
        return take(r->rate + p, n);
    const int64_t *restrict index = r->index + p;
    if (!r->any_order && side_by_side(index, n))
        return take(r->rate + index[0], n);
    int found = 0;
    for (int64_t i = 0; i < n; i++)
        found |= !(r->rate[index[i]] >= 0.0);
    return found;
}

int LEAN_FOR(check_rate)(const lean_rate *r, int rates)
{
    int misplaced = 0, takes = 0;
    if (r->index != NULL && !r->any_order && r->m > 0) {
        const int64_t *restrict index = r->index;
        misplaced |= index[0] < 0 || index[r->m - 1] >= r->n;
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1) \
    reduction(| : misplaced)
        for (int64_t c = 1; c < r->m; c += PER_CHUNK) {
            int64_t end = least_of(c + PER_CHUNK, r->m);
            /* The sign bit: outside the mesh, or not above the one before. */
            uint64_t signs = 0;
            for (int64_t p = c; p < end; p++)
                signs |= (uint64_t) index[p] | ((uint64_t) (r->n - 1) - (uint64_t) index[p])
                    | ((uint64_t) index[p] - (uint64_t) index[p - 1] - 1);
            misplaced |= (int) (signs >> 63);
        }
    }
    if (r->full != NULL) {
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1) \
    reduction(| : misplaced)
        for (int64_t c = 0; c < r->n_full; c += PER_CHUNK) {
            int64_t end = least_of(c + PER_CHUNK, r->n_full);
            uint64_t signs = 0;
            for (int64_t f = c; f < end; f++)
                signs |= (uint64_t) r->full[f] | ((uint64_t) (r->m - 1) - (uint64_t) r->full[f]);
            misplaced |= (int) (signs >> 63);
        }
    }
    if (misplaced)
        return LEAN_RATE_MISPLACED;
    if (r->rate == NULL || !rates)
        return 0;
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (r->n_threads > 1) \
    reduction(| : takes)
    for (int64_t c = 0; c < r->m; c += PER_CHUNK)
        if (!takes)
            takes |= chunk_takes(r, c, least_of(PER_CHUNK, r->m - c));
    return takes ? LEAN_RATE_TAKES : 0;
}

/* -- the writing -------------------------------------------------------------------------- */

/* Adds n changes of the same size, or at rates, to stages that stand side by side. */
static void add_beside(int n, double scale, const double *restrict rate, double *restrict stage)
{
    if (rate == NULL)
        for (int i = 0; i < n; i++)
            stage[i] = stage[i] + scale;
    else
        for (int i = 0; i < n; i++)
            stage[i] = stage[i] + scale * rate[i];
}

/* Bits of what n triangles have to do with a change: which arrays it leaves as they are. */
typedef struct {
    uint64_t height, stage, momenta;
} lean_touched;

/* The changes of n triangles and their depths before, m, and what they touch. */
ALWAYS lean_touched limited_by(int second, int n, double scale, const double *restrict rate,
                               const double *restrict stage, const double *restrict elevation,
                               const double *restrict height, double *restrict change,
                               double *restrict depth)
{
    uint64_t higher = 0, moved = 0, lost = 0;
#pragma omp simd reduction(| : higher, moved, lost)
    for (int i = 0; i < n; i++) {
        double deep = stage[i] - elevation[i];
        double by = larger(rate == NULL ? scale : scale * rate[i], -deep, second,
                           rate == NULL);
        depth[i] = deep;
        change[i] = by;
        moved |= bits_of(by) ^ bits_of(-0.0);      /* -0.0 changes nothing */
        lost |= by < 0.0 ? ~(uint64_t) 0 : 0;
        if (height != NULL)
            higher |= bits_of(height[i]) ^ bits_of(deep);
    }
    return (lean_touched) {.height = higher, .stage = moved, .momenta = lost};
}

static lean_touched find_limited(const lean_rate *r, int n, const double *rate,
                                 const double *stage, const double *elevation,
                                 const double *height, double *change, double *depth)
{
    const double scale = r->scale;
    if (!r->second)
        return limited_by(0, n, scale, rate, stage, elevation, height, change, depth);
    if (rate == NULL)
        return height == NULL
            ? limited_by(1, n, scale, NULL, stage, elevation, NULL, change, depth)
            : limited_by(1, n, scale, NULL, stage, elevation, height, change, depth);
    return height == NULL ? limited_by(1, n, scale, rate, stage, elevation, NULL, change, depth)
                          : limited_by(1, n, scale, rate, stage, elevation, height, change, depth);
}

/* The share of momentum that stays with a triangle. */
ALWAYS double share_left(double change, double depth)
{
    double left = (change + depth) / (depth + SOFT_DEPTH);
    return change < 0.0 ? left : 1.0;
}

/* Changes n <= LEAN_IN_LANES triangles from k on, limited. IN rate: theirs, or NULL */
static void limit_beside(const lean_rate *r, int64_t k, int n, const double *rate)
{
    double change_of[ROOM], depth_of[ROOM];
    const double *restrict change = change_of, *restrict depth = depth_of;
    double *restrict height = r->height == NULL ? NULL : r->height + k;
    double *restrict stage = r->stage + k;
    lean_touched touched = find_limited(r, n, rate, r->stage + k, r->elevation + k, height,
                                        change_of, depth_of);
    if (touched.height)
        for (int i = 0; i < n; i++)
            height[i] = depth[i];
    if (!touched.stage)
        return;
#pragma omp simd
    for (int i = 0; i < n; i++)
        stage[i] = stage[i] + change[i];
    if (!touched.momenta)
        return;
    double *restrict x = r->xmomentum + k, *restrict y = r->ymomentum + k;
#pragma omp simd
    for (int i = 0; i < n; i++) {
        double factor = share_left(change[i], depth[i]);
        x[i] *= factor;
        y[i] *= factor;
    }
}

/* Changes n <= LEAN_IN_LANES triangles of a list, limited. IN rate: theirs, or NULL */
static void limit_listed(const lean_rate *r, const int64_t *restrict triangle, int n,
                         const double *rate)
{
    double change[ROOM], depth[ROOM], factor[ROOM];
    lean_gathered stage, elevation;
    picked(r->stage, triangle, 0, n, &stage);
    picked(r->elevation, triangle, 0, n, &elevation);
    lean_touched touched = find_limited(r, n, rate, stage.value, elevation.value, NULL, change,
                                        depth);
    if (r->height != NULL)
        for (int i = 0; i < n; i++)
            r->height[triangle[i]] = depth[i];
    if (!touched.stage)
        return;
    for (int i = 0; i < n; i++)
        r->stage[triangle[i]] = stage.value[i] + change[i];
    if (!touched.momenta)
        return;
#pragma omp simd
    for (int i = 0; i < n; i++)
        factor[i] = share_left(change[i], depth[i]);
    for (int i = 0; i < n; i++) {
        r->xmomentum[triangle[i]] *= factor[i];
        r->ymomentum[triangle[i]] *= factor[i];
    }
}

/* Changes n <= LEAN_IN_LANES triangles from place p on. */
static void apply_at(const lean_rate *r, int limited, int64_t p, int n)
{
    const double *rate = r->rate == NULL ? NULL : r->rate + p;
    const int64_t *triangle = r->index == NULL ? NULL : r->index + p;
    int beside = triangle == NULL || (!r->any_order && side_by_side(triangle, n));
    int64_t k = triangle == NULL ? p : triangle[0];
    lean_gathered gathered;
    if (rate != NULL && r->per_triangle)
        rate = picked(r->rate, triangle, beside, n, &gathered);
    if (limited && beside)
        limit_beside(r, k, n, rate);
    else if (limited)
        limit_listed(r, triangle, n, rate);
    else if (beside)
        add_beside(n, r->scale, rate, r->stage + k);
    else if (rate == NULL)
        for (int i = 0; i < n; i++)
            r->stage[triangle[i]] = r->stage[triangle[i]] + r->scale;
    else
        for (int i = 0; i < n; i++)
            r->stage[triangle[i]] = r->stage[triangle[i]] + r->scale * rate[i];
}

void LEAN_FOR(apply_rate)(const lean_rate *r, int limited)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->n_threads) if (r->n_threads > 1)
    for (int64_t c = 0; c < r->m; c += PER_CHUNK) {
        int64_t end = least_of(c + PER_CHUNK, r->m);
        for (int64_t p = c; p < end; p += LEAN_IN_LANES)
            apply_at(r, limited, p, (int) least_of(LEAN_IN_LANES, end - p));
    }
}
