/* One pass over the mesh: each block of triangles is loaded into the thread's arena, its edge
 * values are reconstructed and turned into fluxes, and these into what the mode asks for.
 *
 * Owns the order of the phases; each is in the header of its name.  Bit identity with ANUGA
 * 4.1.0 rests on the order of operations within them, which they tell.
 */
#include "advance.h"
#include "block.h"
#include "fluxes.h"
#include "isa.h"
#include "phases.h"
#include "reconstruct.h"
#include "second_stage.h"
#include "sloped_manning.h"
#include "tracers.h"

/* The sweep of block b in an arena: load, reconstruct, advance, boundary, fluxes, tracers,
 * count, finish, slope, and store or second stage, each where the run and the mode want it.
 * Returns the block's smallest radius over speed, s; adds to *result in LEAN_SECOND_STAGE. */
static double sweep_block(const lean_run *r, int b, int mode, double dt, double *arena,
                          lean_update_result *result)
{
    LEAN_START(watch);
    opened o;
    open_block(r, b, arena, &o);
    load_geometry(r->mesh, &o);
    LEAN_LAP(watch, geometry);
    load_state(r, &o);
    LEAN_LAP(watch, state);
    load_neighbours(r->mesh, &o);
    LEAN_LAP(watch, neighbours);
    const int ordered = r->p.beta_w_dry > 0.0 || r->p.beta_uh_dry > 0.0 || r->p.beta_vh_dry > 0.0;
    if (ordered) {
        load_ranks(r, &o);
        reconstruct_in_order(r, &o);
    } else {
        reconstruct(r, &o);
        if (mode < LEAN_SPEEDS)
            store_isolated(r, &o);
    }
    LEAN_LAP(watch, reconstruct);
    if (r->prescribed.offset)
        reconstruct_prescribed(r, &o, b, ordered);
    reconstruct_ears(r, &o);
    LEAN_LAP(watch, ears);
    if (mode == LEAN_TRACER_EDGES) {
        carry_tracers(r, &o, 1);
        return 0.0;
    }
    if (r->predictor_dt != 0.0)
        advance_edges(r, &o);
    LEAN_LAP(watch, advance);
    load_boundary(r, &o);
    LEAN_LAP(watch, boundary);
    fluxes(r, &o);
    LEAN_LAP(watch, fluxes);
    if (r->walls.offset)
        fluxes_beside_walls(r, &o, b);
    LEAN_LAP(watch, walls);
    if (r->tracers.count > 0 && mode != LEAN_SPEEDS)
        carry_tracers(r, &o, 0);
    LEAN_LAP(watch, tracers);
    if (mode != LEAN_SPEEDS)
        count_fluxes(r, &o, b);
    double smallest = finish_fluxes(r, &o);
    LEAN_LAP(watch, finish);
    if (r->max_speed && mode != LEAN_SECOND_STAGE)
        scatter_own(&o, o.speed, r->max_speed);
    if (mode == LEAN_SPEEDS)
        return smallest;
    if (r->friction_rate)
        find_friction_rate(r, &o);
    LEAN_LAP(watch, slope);
    if (mode == LEAN_FLUXES) {
        store_fluxes(r, &o);
        LEAN_LAP(watch, store);
    } else {
        second_stage(r, &o, dt, result);
        LEAN_LAP(watch, second_stage);
    }
    LEAN_NOTE(watch, o.nb);
    return smallest;
}

/* 1 if this thread asks now whether to stop, and is told to.  INOUT *since: blocks that the
 * thread which has begun the sweep has taken since it last asked. */
static int asked_to_stop(const lean_run *r, int32_t *since)
{
    if (r->poll == NULL || omp_get_thread_num() != 0 || ++*since < r->poll_every)
        return 0;
    *since = 0;
    return r->poll(r->asked);
}

/* A share of the blocks: side by side along the curve, so that who takes one after the other finds
 * what they read around them, and writes no line of memory that another thread writes just then. */
typedef struct {
    int32_t next, end;
    char apart[56];           /* from the next one: no two in a line of memory */
} lean_share;

enum { MOST_SHARES = 64 };

/* Deals n blocks out.  OUT share; returns how many there are. */
static int deal(int n, int n_threads, lean_share *share)
{
    int n_shares = n_threads < MOST_SHARES ? n_threads : MOST_SHARES;
    for (int s = 0; s < n_shares; s++) {
        share[s].next = (int32_t) ((int64_t) n * s / n_shares);
        share[s].end = (int32_t) ((int64_t) n * (s + 1) / n_shares);
    }
    return n_shares;
}

/* The next block for a thread, -1 if none is left: of its share, and once that is used up, of the
 * one of which most is left, which is its own from then on.  INOUT share, *own */
static int take_block(lean_share *share, int n_shares, int *own)
{
    for (;;) {
        int32_t b;
#pragma omp atomic capture
        b = share[*own].next++;
        if (b < share[*own].end)
            return b;
        int most = 0;
        for (int s = 0; s < n_shares; s++) {
            int32_t next;
#pragma omp atomic read
            next = share[s].next;
            if (share[s].end - next > most) {
                most = share[s].end - next;
                *own = s;
            }
        }
        if (most == 0)
            return -1;
    }
}

double LEAN_FOR(sweep)(const lean_run *r, int mode, double dt, lean_update_result *result)
{
    double smallest = 1.0e100, volume = 0.0;
    int64_t negative = 0;
    int32_t since = 0;
    int stop = 0;
    lean_share share[MOST_SHARES];
    const int n_shares = deal(r->mesh->n_blocks, r->n_threads, share);
#pragma omp parallel num_threads(r->n_threads) reduction(min : smallest) \
    reduction(+ : negative, volume)
    for (int own = omp_get_thread_num() % n_shares, b;
         (b = take_block(share, n_shares, &own)) >= 0;) {
        double q;
        int stopped;
#pragma omp atomic read
        stopped = stop;
        if (stopped)
            break;
        if (asked_to_stop(r, &since)) {
#pragma omp atomic write
            stop = 1;
            break;
        }
        if (mode < LEAN_SPEEDS && !r->block_active[b]) {
            q = r->block_timestep[b];
        } else {
            lean_update_result part = {.n_negative = 0};
            double *arena = arena_of(r);
            q = sweep_block(r, b, mode, dt, arena, &part);
            if (mode < LEAN_SPEEDS)
                r->block_timestep[b] = q;
            negative += part.n_negative;
            volume += part.negative_volume;
            if (mode == LEAN_SECOND_STAGE)
                r->block_active[b] = 0;
        }
        smallest = q < smallest ? q : smallest;
    }
    if (result) {
        result->n_negative += negative;
        result->negative_volume += volume;
    }
    return smallest;
}
