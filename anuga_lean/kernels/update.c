/* The update of the conserved quantities over the whole mesh, in the user's
 * order: contiguous, chunk by chunk.
 */
#include <omp.h>
#include <string.h>

#include "geometry.h"
#include "isa.h"
#include "update_chunk.h"

enum { CHUNK = 512 };

static double triangle_area(const lean_mesh *m, int64_t k)
{
    int32_t p = m->position[k], b = p / m->block_size, c = p % m->block_size;
    const lean_block *q = m->block + b;
    int ALL = q->n_own + q->n_ring1 + q->n_ring2;
    const double *X = m->node_xy + 2 * q->node, *Y = X + q->n_node;
    const uint16_t *v = m->vertex + q->vertex;
    int i0 = v[c], i1 = v[ALL + c], i2 = v[2 * ALL + c];
    return lean_area(X[i0], Y[i0], X[i1], Y[i1], X[i2], Y[i2]);
}

static void mark_moved(const lean_mesh *m, int64_t lo, const lean_chunk *k, uint8_t *changed)
{
    int32_t last = -1;
    for (int c = 0; c < k->n; c++)
        if (k->moved[c] != 0.0) {
            int32_t b = m->position[lo + c] / m->block_size;
            if (b != last) {
#pragma omp atomic write
                changed[b] = 1;
                last = b;
            }
        }
}

static void update_one(const lean_run *r, int mode, double dt, int64_t lo, int n, uint8_t *changed,
                       lean_update_result *result)
{
    double temp[4 * CHUNK], keep[3][CHUNK];
    const size_t bytes = sizeof(double) * (size_t)n;
    lean_chunk k = {n,
                    r->stage + lo,
                    r->xmomentum + lo,
                    r->ymomentum + lo,
                    r->elevation + lo,
                    (r->friction_slope ? r->friction_slope : r->friction) + lo,
                    r->isolated + lo,
                    r->full ? r->full + lo : NULL,
                    r->stage_work + lo,
                    r->xmomentum_work + lo,
                    r->ymomentum_work + lo,
                    r->stage_semi ? r->stage_semi + lo : NULL,
                    r->xmomentum_semi ? r->xmomentum_semi + lo : NULL,
                    r->ymomentum_semi ? r->ymomentum_semi + lo : NULL,
                    r->friction_slope != NULL,
                    NULL, NULL, NULL, 0, 0};
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
            if (k.deficit[c] > 0.0)
                result->negative_volume += k.deficit[c] * triangle_area(r->mesh, lo + c);
    if (changed && k.any_moved)
        mark_moved(r->mesh, lo, &k, changed);
}

void LEAN_FOR(update)(const lean_run *r, int mode, double dt, uint8_t *changed,
                      lean_update_result *result)
{
    const int64_t n = r->mesh->n, chunks = (n + CHUNK - 1) / CHUNK;
    int64_t negative = 0;
    double volume = 0.0;
#pragma omp parallel for schedule(static) num_threads(r->n_threads) \
    reduction(+ : negative, volume)
    for (int64_t b = 0; b < chunks; b++) {
        int64_t lo = b * CHUNK;
        lean_update_result part = {0, 0.0};
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
