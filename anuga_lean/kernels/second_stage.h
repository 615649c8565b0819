/* The second stage of RK2 on one opened block: update, and the average with the backup. */
#ifndef LEAN_SECOND_STAGE_H
#define LEAN_SECOND_STAGE_H

#include "block.h"
#include "update_chunk.h"

/* RK2, second stage: the block's new state averaged with the backup that the
 * work arrays hold.  Leaves the new stage in height for the volume check.    */
LEAN_PHASE void second_stage(const lean_run *r, const opened *o, double dt, lean_update_result *result)
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
    gather_own(o, r->friction_slope ? r->friction_slope : r->friction, eta);
    if (r->n_undo > 0)
        for (int c = 0; c < nb; c++)
            lean_raw_state(r, member[c], w + c, uh + c, vh + c);
    for (int c = 0; c < nb; c++) {
        iso[c] = o->iso[c] != 0.0;
        full[c] = r->full ? r->full[member[c]] : 1;
    }
    lean_chunk k = {nb, w, uh, vh, z, eta, iso, r->full ? full : NULL,
                    o->f0, o->f1, o->f2, NULL, NULL, NULL, r->friction_slope != NULL, NULL, NULL, NULL, 0, 0};
    lean_update_chunk(&r->p, &k, dt, temp);
    if (k.n_negative > 0)
        for (int c = 0; c < nb; c++)
            if (k.deficit[c] > 0.0)
                result->negative_volume += k.deficit[c] * lean_area(o->x0[c], o->y0[c], o->x1[c],
                                                                    o->y1[c], o->x2[c], o->y2[c]);
    result->n_negative += k.n_negative;
    double *restrict a = r->stage_work, *restrict b = r->xmomentum_work, *restrict d = r->ymomentum_work;
    for (int c = 0; c < nb; c++) {
        int32_t m = member[c];
        r->height[m] = w[c];
        a[m] = 0.5 * w[c] + 0.5 * a[m];
        b[m] = 0.5 * uh[c] + 0.5 * b[m];
        d[m] = 0.5 * vh[c] + 0.5 * d[m];
    }
}

#endif
