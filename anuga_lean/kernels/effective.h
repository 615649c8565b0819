/* The effective state of one triangle: what ANUGA's protect and centroid
 * passes leave (core_protect, core_extrapolate_centroid_pass).
 */
#ifndef LEAN_EFFECTIVE_H
#define LEAN_EFFECTIVE_H

#include "limiter.h"
#include "run.h"

/* Effective depth from raw stage and bed. */
LEAN_INLINE double lean_effective_depth(double w, double z)
{
    double lifted = w - z < 0.0 ? z : w;
    return lean_max(lifted - z, 0.0);
}

/* Raw values of triangle m as they were before an in-place distribute. */
LEAN_INLINE void lean_raw_state(const lean_run *r, int32_t m, double *w, double *uh, double *vh)
{
    if (r->n_undo > 0 && (r->undo_bits[m >> 6] >> (m & 63) & 1)) {
        const double *value = lean_find_undo(r, m);
        *w = value[0];
        *uh = value[1];
        *vh = value[2];
        return;
    }
    *w = r->stage[m];
    *uh = r->xmomentum[m];
    *vh = r->ymomentum[m];
}

#endif
