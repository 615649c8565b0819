/* What operators do to all triangles, or to those of a list; see everywhere.h.
 *
 * The order of operations is that of ANUGA's numpy (4.1.0 and 4.2.0, operators/).
 */
#include "everywhere.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "isa.h"
#include "place.h"
#include "plane_gradient.h"
#include "zeros.h"

enum {
    FEW = 1 << 14,      /* below so many triangles one thread is done before others have begun */
    TILE = 256,         /* triangles together; whole vectors of any processor */
    RUN = 4             /* of a block, side by side in the caller's order */
};

/* A thread's part of n triangles. */
typedef struct {
    int64_t begin, end;
} span;

static inline int threads_for(int64_t n, int32_t n_threads)
{
    return n > FEW ? n_threads : 1;
}

/* The part of the thread that asks, of whole tiles. */
static inline span span_of(int64_t n)
{
    const int64_t tiles = (n + TILE - 1) / TILE, parts = omp_get_num_threads(),
                  part = omp_get_thread_num();
    const int64_t end = tiles * (part + 1) / parts * TILE;
    return (span){tiles * part / parts * TILE, end < n ? end : n};
}

static inline uint64_t bits_of(double a)
{
    uint64_t u;
    memcpy(&u, &a, sizeof u);
    return u;
}

static void fill_span(double *x, const int64_t *at, span s, const double *value, int step)
{
    if (at == NULL && step)
        memmove(x + s.begin, value + s.begin, (size_t)(s.end - s.begin) * sizeof *x);
    else if (at == NULL)
        for (int64_t k = s.begin; k < s.end; k++)
            x[k] = *value;
    else
        for (int64_t j = s.begin; j < s.end; j++)
            x[at[j]] = value[step * j];
}

static void fill(double *x, const int64_t *at, int64_t n, const double *value, int step,
                 int32_t n_threads)
{
    if (n <= FEW)
        fill_span(x, at, (span){0, n}, value, step);
    else
#pragma omp parallel num_threads(n_threads)
        fill_span(x, at, span_of(n), value, step);
}

/* numpy's maximum of a and b, but b of zeros of both signs; *odd is not 0 where those met. */
static inline double larger_noted(double a, double b, uint64_t *odd)
{
    *odd |= a == b ? bits_of(a) ^ bits_of(b) : 0;
    return a > b || a != a ? a : b;
}

static uint64_t fill_above_span(double *x, const double *least, const int64_t *at, span s,
                                const double *value, int step)
{
    uint64_t odd = 0;
    if (at == NULL && step)
#pragma omp simd reduction(| : odd)
        for (int64_t k = s.begin; k < s.end; k++)
            x[k] = larger_noted(least[k], value[k], &odd);
    else if (at == NULL) {
        const double all = *value;
#pragma omp simd reduction(| : odd)
        for (int64_t k = s.begin; k < s.end; k++)
            x[k] = larger_noted(least[k], all, &odd);
    } else
        for (int64_t j = s.begin; j < s.end; j++)
            x[at[j]] = larger_noted(least[at[j]], value[step * j], &odd);
    return odd;
}

static int fill_above(double *x, const double *least, const int64_t *at, int64_t n,
                      const double *value, int step, int32_t n_threads)
{
    uint64_t odd = 0;
    if (n <= FEW)
        return fill_above_span(x, least, at, (span){0, n}, value, step) != 0;
#pragma omp parallel num_threads(n_threads) reduction(| : odd)
    odd |= fill_above_span(x, least, at, span_of(n), value, step);
    return odd != 0;
}

static void add(double *x, int64_t n, double value, int32_t n_threads)
{
#pragma omp parallel for simd schedule(static) num_threads(threads_for(n, n_threads))
    for (int64_t k = 0; k < n; k++)
        x[k] += value;
}

static inline void move_one(double *elevation, double *stage, double value)
{
    double depth = *stage - *elevation;
    *elevation = value;
    *stage = value + depth;
}

static void move_bed_span(double *elevation, double *stage, const int64_t *at, span s,
                          const double *value, int step)
{
    if (at == NULL)
#pragma omp simd
        for (int64_t k = s.begin; k < s.end; k++)
            move_one(elevation + k, stage + k, value[step * k]);
    else
        for (int64_t j = s.begin; j < s.end; j++)
            move_one(elevation + at[j], stage + at[j], value[step * j]);
}

static void move_bed(double *elevation, double *stage, const int64_t *at, int64_t n,
                     const double *value, int step, int32_t n_threads)
{
    if (n <= FEW)
        move_bed_span(elevation, stage, at, (span){0, n}, value, step);
    else
#pragma omp parallel num_threads(n_threads)
        move_bed_span(elevation, stage, at, span_of(n), value, step);
}

/* -- erosion ---------------------------------------------------------------------- */

/* What erosion of one triangle needs, the same for all. */
typedef struct {
    double threshold, dt, base;
} scour;

static inline double erode_one(const scour *how, double *elevation, double *stage, double x,
                               double y)
{
    double momentum = sqrt(x * x + y * y);
    double change = (momentum > how->threshold ? momentum : 0.0) * how->dt;
    double depth = *stage - *elevation;
    *elevation = lean_smaller(*elevation, lean_larger(*elevation - change, how->base));
    *stage = *elevation + depth;
    return change;
}

static double erode(double *elevation, double *stage, const double *xmomentum,
                    const double *ymomentum, const int64_t *at, int64_t n, double threshold,
                    double dt, double base, int32_t n_threads)
{
    const scour how = {threshold, dt, base};
    double most = 0.0;
    int64_t nan = 0;    /* as wide as the numbers: gcc 12 vectorises no loop with an int here */
#pragma omp parallel num_threads(threads_for(n, n_threads)) reduction(max : most) \
    reduction(| : nan)
    {
        const span s = span_of(n);
        if (at == NULL)
#pragma omp simd reduction(max : most) reduction(| : nan)
            for (int64_t k = s.begin; k < s.end; k++) {
                double change = erode_one(&how, elevation + k, stage + k, xmomentum[k],
                                          ymomentum[k]);
                most = change > most ? change : most;
                nan |= change != change ? 1 : 0;
            }
        else
            for (int64_t j = s.begin; j < s.end; j++) {
                int64_t k = at[j];
                double change = erode_one(&how, elevation + k, stage + k, xmomentum[k],
                                          ymomentum[k]);
                most = change > most ? change : most;
                nan |= change != change ? 1 : 0;
            }
    }
    return nan ? NAN : most;
}

/* -- places ------------------------------------------------------------------------- */

typedef double quad __attribute__((vector_size(RUN * sizeof(double))));

/* What stands at RUN places of p. */
static inline quad gathered(const double *p, const uint16_t *at)
{
    return (quad){p[at[0]], p[at[1]], p[at[2]], p[at[3]]};
}

/* As lean_third. */
static inline quad thirds(quad sum)
{
    const double third = 1.0 / 3.0;
    const quad q = sum * third, remainder = (sum - 2.0 * q) - q;
    return q + remainder * third;
}

/* Write RUN values to places k, which ascend. */
static inline void put(double *restrict p, const int32_t *restrict k, quad value)
{
    if (k[RUN - 1] - k[0] == RUN - 1)
        memcpy(p + k[0], &value, sizeof value);
    else
        for (int j = 0; j < RUN; j++)
            p[k[j]] = value[j];
}

/* One column where the other is NULL. */
static void centroids_of_block(const lean_mesh *mesh, const lean_block *block, double *x, double *y)
{
    const int all = lean_all_count(block), n = block->n_own;
    const double *X = mesh->node_xy + 2 * block->node, *Y = X + block->n_node;
    const double *restrict P = x != NULL ? X : Y, *restrict Q = Y;
    double *restrict p = x != NULL ? x : y, *restrict q = x != NULL ? y : NULL;
    const int32_t *restrict member = mesh->member + block->member;
    const uint16_t *restrict a = mesh->vertex + block->vertex, *restrict b = a + all,
                   *restrict d = b + all;
    int c = 0;
    for (; c + RUN <= n; c += RUN) {
        put(p, member + c,
            thirds(gathered(P, a + c) + gathered(P, b + c) + gathered(P, d + c)));
        if (q != NULL)
            put(q, member + c,
                thirds(gathered(Q, a + c) + gathered(Q, b + c) + gathered(Q, d + c)));
    }
    for (; c < n; c++) {
        p[member[c]] = lean_centroid(P[a[c]], P[b[c]], P[d[c]]);
        if (q != NULL)
            q[member[c]] = lean_centroid(Q[a[c]], Q[b[c]], Q[d[c]]);
    }
}

/* Centroids from the sums of vertices. INOUT x */
static inline void divide_sums(int64_t n, double *restrict x)
{
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        x[c] = lean_third(x[c]);
}

/* One column where the other is NULL. */
static void centroids_of_part(const lean_mesh *mesh, const int64_t *restrict at, span s, double *x,
                              double *y)
{
    double *restrict p = x != NULL ? x : y, *restrict q = x != NULL ? y : NULL;
    const lean_block *block = NULL;
    const uint16_t *vertex = NULL;
    const double *P = NULL, *Q = NULL;
    uint32_t first = 0, all = 0, within = 0;    /* of the block: most follow in the same one */
    for (int64_t j = s.begin; j < s.end; j++) {
        const uint32_t k = (uint32_t)mesh->position[at[j]];
        if (k - first >= within) {
            const uint32_t b = k / (uint32_t)mesh->block_size;
            block = mesh->block + b;
            within = (uint32_t)mesh->block_size;
            first = b * within;
            all = (uint32_t)lean_all_count(block);
            vertex = mesh->vertex + block->vertex;
            P = mesh->node_xy + 2 * block->node;
            Q = P + block->n_node;
            if (x == NULL)
                P = Q;
        }
        const uint16_t *v = vertex + (k - first);
        const int v0 = v[0], v1 = v[all], v2 = v[2 * all];
        p[j] = P[v0] + P[v1] + P[v2];
        if (q != NULL)
            q[j] = Q[v0] + Q[v1] + Q[v2];
    }
    divide_sums(s.end - s.begin, p + s.begin);
    if (q != NULL)
        divide_sums(s.end - s.begin, q + s.begin);
}

/* Tile by tile: sums are divided while they are in the cache. */
static void centroids_of_list(const lean_mesh *mesh, const int64_t *at, span s, double *x,
                              double *y)
{
    for (int64_t j = s.begin; j < s.end; j += TILE)
        centroids_of_part(mesh, at, (span){j, j + TILE < s.end ? j + TILE : s.end}, x, y);
}

static void centroids(const lean_mesh *mesh, const int64_t *at, int64_t n, double *x, double *y,
                      int32_t n_threads)
{
    if (at == NULL) {
#pragma omp parallel for schedule(static) num_threads(threads_for(n, n_threads))
        for (int32_t b = 0; b < mesh->n_blocks; b++)
            centroids_of_block(mesh, mesh->block + b, x, y);
    } else if (n <= FEW) {
        centroids_of_list(mesh, at, (span){0, n}, x, y);
    } else {
#pragma omp parallel num_threads(n_threads)
        centroids_of_list(mesh, at, span_of(n), x, y);
    }
}

/* -- forces on all triangles ---------------------------------------------------------- */

/* Cosines and sines of n angles as numpy computes them. */
static void directions(const lean_wind *w, const double *restrict angle, intptr_t n,
                       double *cosine, double *sine)
{
    double radians[TILE];
    const intptr_t steps[] = {sizeof(double), sizeof(double)};
    for (intptr_t j = 0; j < n; j++)
        radians[j] = angle[j] * (0x1.921fb54442d18p+1 / 180.0);
    w->cos((char *[]){(char *)radians, (char *)cosine}, &n, steps, w->of_cos);
    w->sin((char *[]){(char *)radians, (char *)sine}, &n, steps, w->of_sin);
}

static void blow_tile(const lean_wind *w, const double *restrict speed, int step,
                      const double *restrict cosine, const double *restrict sine, int turns,
                      int n, double *restrict xmomentum, double *restrict ymomentum)
{
#pragma omp simd
    for (int j = 0; j < n; j++) {
        double u = speed[step * j] * cosine[turns * j], v = speed[step * j] * sine[turns * j];
        double stress = w->dt * (w->factor * sqrt(u * u + v * v));
        xmomentum[j] += stress * u;
        ymomentum[j] += stress * v;
    }
}

/* Whether one of n numbers is not within a limit, or NaN. */
static int exceeds(const double *restrict value, int64_t n, double limit, int32_t n_threads)
{
    int64_t odd = 0;
#pragma omp parallel for simd schedule(static) num_threads(threads_for(n, n_threads)) \
    reduction(| : odd)
    for (int64_t k = 0; k < n; k++)
        odd |= fabs(value[k]) < limit ? 0 : 1;
    return odd != 0;
}

static int blow(const lean_wind *w, int64_t n, double *xmomentum, double *ymomentum,
                int32_t n_threads)
{
    if (exceeds(w->speed, w->speed_step ? n : 1, w->limit, n_threads)
        || (w->angle != NULL && exceeds(w->angle, n, w->limit, n_threads)))
        return 1;
#pragma omp parallel num_threads(threads_for(n, n_threads))
    {
        const span s = span_of(n);
        double cosine[TILE], sine[TILE];
        for (int64_t k = s.begin; k < s.end; k += TILE) {
            const int m = (int)(s.end - k < TILE ? s.end - k : TILE);
            const double *speed = w->speed + w->speed_step * k;
            if (w->angle) {
                directions(w, w->angle + k, m, cosine, sine);
                blow_tile(w, speed, w->speed_step, cosine, sine, 1, m, xmomentum + k,
                          ymomentum + k);
            } else
                blow_tile(w, speed, w->speed_step, w->cosine, w->sine, 0, m, xmomentum + k,
                          ymomentum + k);
        }
    }
    return 0;
}

static void press(const lean_mesh *mesh, const double *pressure, double dt, double density,
                  const double *stage, const double *elevation, double *xmomentum,
                  double *ymomentum, int32_t n_threads)
{
#pragma omp parallel for schedule(static) num_threads(threads_for(mesh->n, n_threads))
    for (int32_t b = 0; b < mesh->n_blocks; b++) {
        const lean_block *block = mesh->block + b;
        const int32_t *member = mesh->member + block->member;
        const int32_t *node = mesh->node_id + block->node;
        for (int32_t c = 0; c < block->n_own; c++) {
            double x[3], y[3], q[3], px, py;
            const int32_t k = member[c];
            lean_vertices_of(mesh, block, c, x, y);
            for (int i = 0; i < 3; i++)
                q[i] = pressure[node[lean_local_node(mesh, block, c, i)]];
            lean_plane_gradient(x, y, q, &px, &py);
            const double weight = dt * (stage[k] - elevation[k]);
            xmomentum[k] += weight * px / density;
            ymomentum[k] += weight * py / density;
        }
    }
}

const lean_everywhere LEAN_FOR(everywhere) = {
    .fill = fill,
    .fill_above = fill_above,
    .add = add,
    .move_bed = move_bed,
    .erode = erode,
    .centroids = centroids,
    .blow = blow,
    .press = press,
};
