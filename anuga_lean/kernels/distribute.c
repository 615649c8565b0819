/* ANUGA's protect, centroid pass and isolated-triangle rule, written back to
 * the centroid arrays: what a script sees at a yield.
 *
 * Which triangles are isolated depends on effective depths only, and lifting a
 * stage to its bed does not change its effective depth, so blocks can be done
 * in any order and by any number of threads with the same result.
 */
#include "block.h"
#include "isa.h"
#include "place.h"

/* 1 if own triangle c of the opened block is isolated.  IN depths, neighbours. */
static int alone(const opened *o, int c, double h_min)
{
    int a = o->k0[c], b = o->k1[c], d = o->k2[c];
    return lean_is_cut_off(o->h[a], a == c, h_min) && lean_is_cut_off(o->h[b], b == c, h_min) &&
           lean_is_cut_off(o->h[d], d == c, h_min);
}

/* Opens block b with its neighbours and effective depths only.  OUT o */
static void open_depths(const lean_run *r, int b, double *arena, opened *o)
{
    open_block(r, b, arena, o);
    load_neighbours(r->mesh, o);
    for (int c = 0; c < o->NL; c++) {
        int32_t m = o->member[c];
        double w, uh, vh;
        lean_raw_state(r, m, &w, &uh, &vh);
        o->h[c] = lean_effective_depth(w, r->elevation[m]);
    }
}

void LEAN_FOR(mark_isolated)(const lean_run *r)
{
#pragma omp parallel for schedule(dynamic, 4) num_threads(r->n_threads)
    for (int b = 0; b < r->mesh->n_blocks; b++) {
        opened o;
        open_depths(r, b, arena_of(r), &o);
        for (int c = 0; c < o.nb; c++)
            r->isolated[o.member[c]] = alone(&o, c, r->p.h_min);
    }
}

/* Record the raw state of triangle m.  Returns its place in the record, -1 if that is full.
 * By many threads at once, so that the record is in no order. */
static int64_t record(lean_run *r, int32_t m)
{
    int64_t at;
#pragma omp atomic capture
    at = r->n_undo++;
    if (at >= r->undo_capacity)
        return -1;
    r->undo_index[at] = m;
    r->undo_value[3 * at] = r->stage[m];
    r->undo_value[3 * at + 1] = r->xmomentum[m];
    r->undo_value[3 * at + 2] = r->ymomentum[m];
    return at;
}

/* Write back the effective state of own triangle c.
 * IN recording 1: keep what changes in the undo record.  Returns 1 if that is full: the triangle
 * is then left as it is. */
static int distribute_triangle(lean_run *r, const opened *o, int c, int recording)
{
    const int32_t m = o->member[c];
    const double z = r->elevation[m], w = r->stage[m], uh = r->xmomentum[m], vh = r->ymomentum[m];
    const double lifted = lean_lifted(w, z), d = lean_effective_depth(w, z);
    const int still = d <= r->p.h_min || alone(o, c, r->p.h_min);
    const double a = still ? 0.0 : uh, b = still ? 0.0 : vh;
    if (recording && (lifted != w || a != uh || b != vh) && record(r, m) < 0)
        return 1;
    r->stage[m] = lifted;
    r->xmomentum[m] = a;
    r->ymomentum[m] = b;
    r->height[m] = d;
    return 0;
}

int LEAN_FOR(distribute)(lean_run *r, int recording)
{
    int overflow = 0;
    const int64_t before = r->n_undo;
    r->n_undo = 0; /* depths below are of the arrays as they stand */
    lean_run raw = *r;
    r->n_undo = before;
#pragma omp parallel for schedule(dynamic, 4) num_threads(r->n_threads) \
    reduction(| : overflow)
    for (int b = 0; b < r->mesh->n_blocks; b++) {
        opened o;
        open_depths(&raw, b, arena_of(r), &o);
        for (int c = 0; c < o.nb; c++)
            overflow |= distribute_triangle(r, &o, c, recording);
    }
    if (overflow)
        r->n_undo = r->undo_capacity;
    return overflow;
}
