/* The effective state of one triangle: what ANUGA's protect and centroid
 * passes leave (core_protect, core_extrapolate_centroid_pass).
 */
#ifndef LEAN_EFFECTIVE_H
#define LEAN_EFFECTIVE_H

#include "limiter.h"
#include "run.h"

/* Effective stage from raw stage and bed, m: not below the bed. */
LEAN_INLINE double lean_lifted(double w, double z)
{
    return w - z < 0.0 ? z : w;
}

/* Effective depth from raw stage and bed, m. */
LEAN_INLINE double lean_effective_depth(double w, double z)
{
    return lean_max(lean_lifted(w, z) - z, 0.0);
}

/* Stage and depth, m, and velocities, m/s, before any isolated-triangle rule. */
typedef struct {
    double w, h, u, v;
} lean_effective;

/* IN raw stage and momenta, bed.  The velocity is the momentum times the inverse depth, as
 * ANUGA has it: the quotient rounds differently. */
LEAN_INLINE lean_effective lean_effective_of(double w, double uh, double vh, double z,
                                             double h_min)
{
    double lifted = lean_lifted(w, z), d = lean_max(lifted - z, 0.0);
    int dry = d <= h_min;
    double inverse = 1.0 / d;
    inverse = d > h_min ? inverse : 1.0;
    uh = dry ? 0.0 : uh;
    vh = dry ? 0.0 : vh;
    return (lean_effective){.w = lifted, .h = d, .u = uh * inverse, .v = vh * inverse};
}

/* 1 if a triangle gets no water from beyond an edge: the surrogate neighbour is dry, or (own)
 * the triangle itself.  Isolated is one of which this holds at all three edges.
 * IN the neighbour's effective depth, m. */
LEAN_INLINE int lean_is_cut_off(double h, int own, double h_min)
{
    return (h < h_min) | own;
}

/* The raw values of triangle m as the sweep reads them: as they were before an in-place
 * distribute.  OUT w, m; uh and vh, m2/s. */
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
