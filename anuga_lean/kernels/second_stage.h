/* The second stage of RK2 on one opened block: update, and the average with the backup. */
#ifndef LEAN_SECOND_STAGE_H
#define LEAN_SECOND_STAGE_H

#include "block.h"
#include "update_chunk.h"

/* The new state of the block's own triangles, averaged with the backup in the work arrays.
 * IN    f0, f1, f2 per area, iso; r's raw state
 * INOUT r's work arrays: backup in, average out, 0.5 * new + 0.5 * backup in this order
 * OUT   r->height: the new stage, for the volume check; adds to *result */
LEAN_PHASE void second_stage(const lean_run *r, const opened *o, double dt,
                             lean_update_result *result)
{
    const int nb = o->nb;
    const int32_t *restrict member = o->member;
    double *w = o->next.w, *uh = o->next.uh, *vh = o->next.vh, *z = o->next.z, *eta = o->next.eta,
           *temp = o->next.temp;
    uint8_t *iso = o->next.still, *full = o->next.full;
    gather_own(o, r->stage, w);
    gather_own(o, r->xmomentum, uh);
    gather_own(o, r->ymomentum, vh);
    gather_own(o, r->elevation, z);
    gather_own(o, r->friction_rate ? r->friction_rate : r->friction, eta);
    if (r->n_undo > 0)
        for (int c = 0; c < nb; c++)
            lean_raw_state(r, member[c], w + c, uh + c, vh + c);
    for (int c = 0; c < nb; c++) {
        iso[c] = o->iso[c] != 0.0;
        full[c] = r->full ? r->full[member[c]] : 1;
    }
    lean_chunk k = {
        .n = nb,
        .w = w,
        .uh = uh,
        .vh = vh,
        .z = z,
        .eta = eta,
        .iso = iso,
        .full = r->full ? full : NULL,
        .f0 = o->f0,
        .f1 = o->f1,
        .f2 = o->f2,
        .sloped = r->friction_rate != NULL,
    };
    lean_update_chunk(&r->p, &k, dt, temp);
    if (k.n_negative > 0)
        for (int c = 0; c < nb; c++)
            if (k.deficit[c] > 0.0)
                result->negative_volume += k.deficit[c] * area_of(o, c);
    result->n_negative += k.n_negative;
    double *restrict a = r->stage_work, *restrict b = r->xmomentum_work,
           *restrict d = r->ymomentum_work;
    for (int c = 0; c < nb; c++) {
        int32_t m = member[c];
        r->height[m] = w[c];
        a[m] = 0.5 * w[c] + 0.5 * a[m];
        b[m] = 0.5 * uh[c] + 0.5 * b[m];
        d[m] = 0.5 * vh[c] + 0.5 * d[m];
    }
}

#endif
