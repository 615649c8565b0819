/* Quiet blocks: those whose fluxes cannot differ from the last step's.
 *
 * A block is quiet when the effective state of its own triangles and of all
 * that its fluxes read is the same to the bit.  What the update changed it
 * says itself; what others may have written in between is found by comparing
 * a fingerprint of 64 bits per block.
 */
#include "effective.h"
#include "place.h"

/* Which blocks must be computed: changed ones, those in always, and those that
 * read a changed one.  A block reads the owners of its rings (near_block); the
 * reconstruction of ears, and of every triangle where the order of ANUGA's
 * loop shows (wide), reads one triangle further, hence their neighbours too.
 * Arrays of n_blocks bytes; near is scratch.                                 */
void lean_spread_activity(const lean_mesh *m, int wide, const uint8_t *changed,
                          const uint8_t *always, uint8_t *near, uint8_t *active)
{
    for (int32_t b = 0; b < m->n_blocks; b++) {
        uint8_t a = changed[b];
        for (int32_t j = 0; j < m->block[b].n_near; j++)
            a |= changed[m->near_block[m->block[b].near + j]];
        near[b] = a;
    }
    for (int32_t b = 0; b < m->n_blocks; b++) {
        uint8_t a = near[b] | always[b];
        if (wide || m->block[b].n_ear > 0)
            for (int32_t j = 0; j < m->block[b].n_near; j++)
                a |= near[m->near_block[m->block[b].near + j]];
        active[b] = a != 0;
    }
}

/* One more value into a hash of 64 bits. */
static uint64_t mix(uint64_t hash, double value)
{
    union { double d; uint64_t u; } x;
    x.d = value + 0.0; /* the two zeros are the same state */
    hash = (hash ^ x.u) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

/* The hash of a block's own triangles.
 * Of the effective state: what a dry triangle's momentum is told to be differs
 * from step to step and is never seen.                                       */
static uint64_t fingerprint(const lean_run *r, const lean_block *k)
{
    const int32_t *member = r->mesh->member + k->member;
    uint64_t a = 1, b = 2, c = 3, d = 4;
    for (int32_t j = 0; j < k->n_own; j++) {
        int32_t m = member[j];
        double w = r->stage[m], z = r->elevation[m];
        int dry = lean_effective_depth(w, z) <= r->p.h_min;
        a = mix(a, lean_lifted(w, z));
        b = mix(b, dry ? 0.0 : r->xmomentum[m]);
        c = mix(c, dry ? 0.0 : r->ymomentum[m]);
        d = mix(d, z);
    }
    return (a * 3 + b) * 5 + (c * 7 + d) * 11;
}

/* After an update: take the fingerprint of blocks that have none and did not
 * change.  OUT fingerprint and known, n_blocks each.                         */
void lean_take_fingerprints(const lean_run *r, const uint8_t *changed, uint64_t *print,
                            uint8_t *known)
{
#pragma omp parallel for schedule(dynamic, 16) num_threads(r->n_threads)
    for (int32_t b = 0; b < r->mesh->n_blocks; b++) {
        if (changed[b]) {
            known[b] = 0;
        } else if (!known[b]) {
            print[b] = fingerprint(r, r->mesh->block + b);
            known[b] = 1;
        }
    }
}

/* Before a sweep: mark blocks that are no longer what their fingerprint says. */
void lean_check_fingerprints(const lean_run *r, uint8_t *changed, const uint64_t *print,
                             uint8_t *known)
{
#pragma omp parallel for schedule(dynamic, 16) num_threads(r->n_threads)
    for (int32_t b = 0; b < r->mesh->n_blocks; b++) {
        if (changed[b])
            continue;
        if (!known[b] || fingerprint(r, r->mesh->block + b) != print[b]) {
            changed[b] = 1;
            known[b] = 0;
        }
    }
}

/* Mark the blocks of the triangles in the undo record. */
void lean_mark_undone(const lean_run *r, uint8_t *changed)
{
    for (int64_t j = 0; j < r->n_undo; j++)
        changed[lean_owner(r->mesh, r->undo_index[j])] = 1;
}
