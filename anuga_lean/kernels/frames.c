/* The values of a frame of the SWW file: at vertices from a block's edge values, at nodes from
 * the centroids around them.
 *
 * Owns how they are rounded and what is left out; which places make a part, and writing them,
 * is Python's (stepping/frames.py).  Bits are those of ANUGA 4.1.0: the sums of
 * quantity_openmp.c, _average_centroid_values, and core_distribute_edges_to_vertices, in their
 * order; what SWW_file.store_timestep makes of them in numpy.
 */
#include <math.h>

#include "block.h"
#include "isa.h"
#include "reconstruct.h"

/* Nodes at a time, quantities at a time, and quantities at most. */
enum { TILE = 256, GROUP = 4, MOST_COLUMNS = 64 };

/* Note which zeros there are. */
static void note_zeros(const double *v, int n, lean_spread *s)
{
    int zeros = 0;
#pragma omp simd reduction(| : zeros)
    for (int j = 0; j < n; j++) {
        int64_t bits;
        memcpy(&bits, v + j, sizeof bits);
        zeros |= (bits == 0) | (bits == INT64_MIN) << 1;
    }
    s->zeros |= zeros;
}

/* Take more numbers in. */
static void add_spread(const lean_spread *more, lean_spread *s)
{
    s->low = more->low < s->low ? more->low : s->low;
    s->high = more->high > s->high ? more->high : s->high;
    s->nan |= more->nan;
    s->zeros |= more->zeros;
}

/* Round n values as they are stored, and leave out those where the water is shallow.
 * IN w, z stage and elevation there, where any are left out; wide, kind: constants, kind
 * LEAN_AS_IT_IS where none are; INOUT v; adds to *s */
LEAN_INLINE void keep_kind(int wide, int kind, double least, const double *w, const double *z,
                           double *v, int n, lean_spread *s)
{
    double low = INFINITY, high = -INFINITY;
    int64_t nan = 0; /* as wide as the numbers: gcc 12 vectorises no loop with an int here */
#pragma omp simd reduction(min : low) reduction(max : high) reduction(| : nan)
    for (int j = 0; j < n; j++) {
        double x = wide ? v[j] : (double)(float)v[j];
        if (kind != LEAN_AS_IT_IS) {
            double bed = z[j], other = kind == LEAN_OF_STAGE ? bed : 0.0;
            x = w[j] - bed >= least ? x : other;
        }
        v[j] = x;
        low = x < low ? x : low;
        high = x > high ? x : high;
        nan |= x != x ? 1 : 0;
    }
    lean_spread own = {.low = low, .high = high, .nan = nan != 0};
    if (low == 0.0 || high == 0.0)
        note_zeros(v, n, &own);
    add_spread(&own, s);
}

/* The same for any width and kind. */
LEAN_PHASE void keep(const lean_frame *f, int kind, const double *w, const double *z, double *v,
                     int n, lean_spread *s)
{
    const int acts = f->leaves_out ? kind : LEAN_AS_IT_IS;
    if (f->wide && acts == LEAN_OF_STAGE)
        keep_kind(1, LEAN_OF_STAGE, f->least, w, z, v, n, s);
    else if (f->wide && acts == LEAN_OF_MOMENTUM)
        keep_kind(1, LEAN_OF_MOMENTUM, f->least, w, z, v, n, s);
    else if (f->wide)
        keep_kind(1, LEAN_AS_IT_IS, f->least, w, z, v, n, s);
    else if (acts == LEAN_OF_STAGE)
        keep_kind(0, LEAN_OF_STAGE, f->least, w, z, v, n, s);
    else if (acts == LEAN_OF_MOMENTUM)
        keep_kind(0, LEAN_OF_MOMENTUM, f->least, w, z, v, n, s);
    else
        keep_kind(0, LEAN_AS_IT_IS, f->least, w, z, v, n, s);
}

/* -- at nodes -------------------------------------------------------------------- */

/* Means of m quantities at n nodes; together, as each sum waits for its last addition.
 * IN  value[m] at centroids; count and end of each node's entries; m a constant; OUT mean[m] */
LEAN_INLINE void means(const lean_frame *f, const double *const *value, int m,
                       const int32_t *restrict count, const int64_t *restrict end, int n,
                       double *const *mean)
{
    const int32_t *restrict order = f->order;
    for (int j = 0; j < n; j++) {
        double total[GROUP] = {0.0};
        /* ANUGA leaves it at zero where there are no entries any more */
        int64_t e = end[j] > f->n_entry ? end[j] : end[j] - count[j];
        for (; e < end[j]; e++) {
            int32_t k = order[e] / 3;
            for (int i = 0; i < m; i++)
                total[i] += value[i][k];
        }
        for (int i = 0; i < m; i++)
            mean[i][j] = total[i];
    }
    for (int i = 0; i < m; i++) {
        double *restrict q = mean[i];
#pragma omp simd
        for (int j = 0; j < n; j++)
            q[j] = count[j] > 0 ? q[j] / count[j] : 0.0;
    }
}

/* The same of any number of quantities up to GROUP. */
static void means_of_group(const lean_frame *f, const double *const *value, int m,
                           const int32_t *count, const int64_t *end, int n, double *const *mean)
{
    switch (m) {
    case 1:
        means(f, value, 1, count, end, n, mean);
        break;
    case 2:
        means(f, value, 2, count, end, n, mean);
        break;
    case 3:
        means(f, value, 3, count, end, n, mean);
        break;
    default:
        means(f, value, 4, count, end, n, mean);
    }
}

/* Store one column of nodes from `at` on.  INOUT v the means; adds to *s */
static void store_means(const lean_frame *f, const lean_column *c, int64_t at, int n,
                        const double *w, const double *z, double *v, lean_spread *s)
{
    keep(f, c->kind, w, z, v, n, s);
    if (f->wide)
        memcpy((double *)c->out + at, v, (size_t)n * sizeof *v);
    else
        for (int j = 0; j < n; j++)
            ((float *)c->out)[at + j] = (float)v[j];
}

/* Nodes from `at` on, n of them, at most TILE, whose first entry is e; adds to spread.
 * Returns the entry after them. */
static int64_t store_nodes(const lean_frame *f, int64_t at, int n, int64_t e, lean_spread *spread)
{
    const int32_t *count = f->n_around + at;
    int64_t end[TILE];
    double w[TILE], z[TILE], v[GROUP][TILE];
    int column[GROUP], m = 0;
    const double *value[GROUP];
    double *mean[GROUP];
    for (int j = 0; j < n; j++)
        end[j] = e += count[j] > 1 ? count[j] : 1; /* ANUGA passes over an entry where it is 0 */
    if (f->leaves_out) {
        value[m] = f->stage;
        mean[m++] = w;
        value[m] = f->elevation;
        mean[m++] = z;
    }
    for (int i = 0; i < f->n_column || m > 0; m = 0) {
        const int first = m;
        for (; m < GROUP && i < f->n_column; i++) {
            if (f->leaves_out && f->column[i].value == f->stage)
                continue;
            column[m] = i;
            value[m] = f->column[i].value;
            mean[m] = v[m];
            m += 1;
        }
        means_of_group(f, value, m, count, end, n, mean);
        for (int g = first; g < m; g++)
            store_means(f, f->column + column[g], at, n, w, z, v[g], spread + column[g]);
    }
    for (int i = 0; i < f->n_column; i++)
        if (f->leaves_out && f->column[i].value == f->stage) {
            memcpy(v[0], w, (size_t)n * sizeof *w);
            store_means(f, f->column + i, at, n, w, z, v[0], spread + i);
        }
    return e;
}

void LEAN_FOR(frame_at_nodes)(const lean_frame *f, int n_threads)
{
#pragma omp parallel num_threads(n_threads)
    {
        const int64_t parts = omp_get_num_threads(), part = omp_get_thread_num();
        const int64_t begin = f->count * part / parts, stop = f->count * (part + 1) / parts;
        lean_spread spread[MOST_COLUMNS];
        int64_t e = f->entry;
        for (int i = 0; i < f->n_column; i++)
            spread[i] = f->column[i].spread;
        for (int64_t j = 0; j < begin; j++)
            e += f->n_around[j] > 1 ? f->n_around[j] : 1;
        for (int64_t at = begin; at < stop; at += TILE)
            e = store_nodes(f, at, (int)(stop - at < TILE ? stop - at : TILE), e, spread);
#pragma omp critical(lean_frame)
        for (int i = 0; i < f->n_column; i++)
            add_spread(spread + i, &f->column[i].spread);
    }
}

/* -- at vertices ----------------------------------------------------------------- */

/* Turn edge values of local triangles from..to-1 to those at their vertices. INOUT e */
LEAN_PHASE void to_vertices(const opened *o, int from, int to, double *restrict e)
{
    double *restrict e0 = e, *restrict e1 = e + o->NL, *restrict e2 = e + 2 * o->NL;
#pragma omp simd
    for (int c = from; c < to; c++) {
        double a = e0[c], b = e1[c], d = e2[c];
        e0[c] = b + d - a;
        e1[c] = d + a - b;
        e2[c] = a + b - d;
    }
}

/* Store own triangles from..to-1.  IN values at vertices i at v + i*NL; adds to *s */
LEAN_PHASE void store_column(const lean_frame *f, const opened *o, int from, int to, int kind,
                             double *v, void *out, lean_spread *s)
{
    for (int i = 0; i < 3; i++) {
        const int64_t at = (int64_t)i * o->NL + from;
        keep(f, kind, o->sw + at, o->sz + at, v + at, to - from, s);
    }
    const double *restrict v0 = v, *restrict v1 = v + o->NL, *restrict v2 = v + 2 * o->NL;
    const int32_t *restrict member = o->member;
    if (f->wide)
        for (int c = from; c < to; c++) {
            double *at = (double *)out + 3 * (member[c] - f->first);
            at[0] = v0[c];
            at[1] = v1[c];
            at[2] = v2[c];
        }
    else
        for (int c = from; c < to; c++) {
            float *at = (float *)out + 3 * (member[c] - f->first);
            at[0] = (float)v0[c];
            at[1] = (float)v1[c];
            at[2] = (float)v2[c];
        }
}

/* The own triangles of block b that belong to this part; adds to spread. */
static void store_block(const lean_run *r, const lean_frame *f, int b, lean_spread *spread)
{
    const lean_block *block = r->mesh->block + b;
    const int32_t *member = r->mesh->member + block->member; /* own ones ascend (blocks.py) */
    const int from = first_from(member, block->n_own, f->first);
    const int to = first_from(member, block->n_own, f->first + f->count);
    opened o;
    if (from == to)
        return;
    open_block(r, b, arena_of(r), &o);
    load_geometry(r->mesh, &o);
    load_state(r, &o);
    load_neighbours(r->mesh, &o);
    reconstruct_some(r, &o, from, to);
    if (r->prescribed.offset)
        reconstruct_prescribed(r, &o, b, 0);
    reconstruct_ears(r, &o);
    double *const edges[] = {o.sw, o.suh, o.svh, o.sh, o.sz};
    /* stage and bed last: they tell where the water is shallow */
    static const int order[] = {LEAN_XMOMENTUM, LEAN_YMOMENTUM, LEAN_HEIGHT, LEAN_STAGE,
                                LEAN_ELEVATION};
    for (int q = 0; q < f->n_column; q++)
        if (f->column[q].out || (f->leaves_out && (q == LEAN_STAGE || q == LEAN_ELEVATION)))
            to_vertices(&o, from, to, edges[q]);
    for (int i = 0; i < f->n_column; i++) {
        const lean_column *c = f->column + order[i];
        if (c->out)
            store_column(f, &o, from, to, c->kind, edges[order[i]], c->out, spread + order[i]);
    }
}

void LEAN_FOR(frame_at_vertices)(const lean_run *r, const lean_frame *f)
{
#pragma omp parallel num_threads(r->n_threads)
    {
        lean_spread spread[LEAN_ELEVATION + 1];
        for (int i = 0; i < f->n_column; i++)
            spread[i] = f->column[i].spread;
#pragma omp for schedule(dynamic, 1)
        for (int b = 0; b < r->mesh->n_blocks; b++)
            store_block(r, f, b, spread);
#pragma omp critical(lean_frame)
        for (int i = 0; i < f->n_column; i++)
            add_spread(spread + i, &f->column[i].spread);
    }
}
