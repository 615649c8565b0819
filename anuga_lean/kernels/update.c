/* The update of the conserved quantities over the whole mesh, in the user's
 * order: contiguous, chunk by chunk.
 */
#include <string.h>

#include "isa.h"
#include "phases.h"
#include "place.h"
#include "update_chunk.h"

/* Triangles at a time: their scratch stays on the stack and in the first cache; and how many
 * times as many a thread takes at once.  Wet ones take longer than dry ones, which lie together. */
enum { CHUNK = 512, CHUNKS_TAKEN = 8 };

/* Mark the blocks of those triangles, lo on, whose effective state has moved.
 * IN k->moved; OUT changed (n_blocks), written by many threads */
static void mark_moved(const lean_mesh *m, int64_t lo, const lean_chunk *k, uint8_t *changed)
{
    int32_t last = -1;
    for (int c = 0; c < k->n; c++)
        if (k->moved[c] != 0.0) {
            int32_t b = lean_owner(m, lo + c);
            if (b != last) {
#pragma omp atomic write
                changed[b] = 1;
                last = b;
            }
        }
}

/* The update of n triangles, lo on, at most CHUNK.  mode and changed as lean_kernels.update;
 * adds to *result. */
static void update_one(const lean_run *r, int mode, double dt, int64_t lo, int n, uint8_t *changed,
                       lean_update_result *result)
{
    LEAN_START(watch);
    double temp[4 * CHUNK], keep[3][CHUNK];
    const size_t bytes = sizeof(double) * (size_t)n;
    lean_chunk k = {
        .n = n,
        .w = r->stage + lo,
        .uh = r->xmomentum + lo,
        .vh = r->ymomentum + lo,
        .z = r->elevation + lo,
        .eta = (r->friction_rate ? r->friction_rate : r->friction) + lo,
        .iso = r->isolated + lo,
        .full = r->full ? r->full + lo : NULL,
        .f0 = r->stage_work + lo,
        .f1 = r->xmomentum_work + lo,
        .f2 = r->ymomentum_work + lo,
        .s0 = r->stage_semi ? r->stage_semi + lo : NULL,
        .s1 = r->xmomentum_semi ? r->xmomentum_semi + lo : NULL,
        .s2 = r->ymomentum_semi ? r->ymomentum_semi + lo : NULL,
        .sloped = r->friction_rate != NULL,
    };
    if (mode == LEAN_EXCHANGE) {
        memcpy(keep[0], k.w, bytes);
        memcpy(keep[1], k.uh, bytes);
        memcpy(keep[2], k.vh, bytes);
    }
    if (mode == LEAN_AS_IT_STANDS) {
        lean_update_as_it_stands(&k, dt, temp);
    } else {
        lean_update_chunk(&r->p, &k, dt, temp);
        memcpy(r->height + lo, k.depth, bytes);
    }
    if (mode == LEAN_EXCHANGE) {
        memcpy(r->stage_work + lo, keep[0], bytes);
        memcpy(r->xmomentum_work + lo, keep[1], bytes);
        memcpy(r->ymomentum_work + lo, keep[2], bytes);
    }
    result->n_negative += k.n_negative;
    if (k.n_negative > 0)
        for (int c = 0; c < n; c++)
            if (k.deficit[c] > 0.0) {
                lean_place at = lean_place_of(r->mesh, lo + c);
                result->negative_volume += k.deficit[c] * lean_area_at(r->mesh, at.block, at.c);
            }
    if (changed && k.any_moved)
        mark_moved(r->mesh, lo, &k, changed);
    LEAN_LAP(watch, update);
    LEAN_NOTE(watch, n);
}

void LEAN_FOR(update)(const lean_run *r, int mode, double dt, uint8_t *changed,
                      lean_update_result *result)
{
    const int64_t n = r->mesh->n, chunks = (n + CHUNK - 1) / CHUNK;
    int64_t negative = 0;
    double volume = 0.0;
#pragma omp parallel for schedule(dynamic, CHUNKS_TAKEN) num_threads(r->n_threads) \
    reduction(+ : negative, volume)
    for (int64_t b = 0; b < chunks; b++) {
        int64_t lo = b * CHUNK;
        lean_update_result part = {.n_negative = 0};
        update_one(r, mode, dt, lo, (int)(lo + CHUNK > n ? n - lo : CHUNK), changed, &part);
        negative += part.n_negative;
        volume += part.negative_volume;
    }
    result->n_negative = negative;
    result->negative_volume = volume;
    if (mode == LEAN_EXCHANGE)
        for (int64_t j = 0; j < r->n_undo; j++) {
            int32_t m = r->undo_index[j];
            r->stage_work[m] = r->undo_value[3 * j];
            r->xmomentum_work[m] = r->undo_value[3 * j + 1];
            r->ymomentum_work[m] = r->undo_value[3 * j + 2];
        }
}
