/* Friction and the semi-implicit update of a run of triangles.
 *
 * Follows ANUGA 4.1.0: core_manning_friction_flat_semi_implicit, then
 * core_update_conserved_quantities with its one division per quantity, then
 * core_fix_negative_cells.  pow is the C library's: no other has its last bit.
 */
#ifndef LEAN_UPDATE_CHUNK_H
#define LEAN_UPDATE_CHUNK_H

#include "effective.h"

typedef struct {
    int n;
    double *w, *uh, *vh;            /* INOUT, n: raw state in, new state out  */
    const double *z;                /* bed                                    */
    const double *eta;              /* Manning's n, or S where sloped         */
    const uint8_t *iso;             /* isolated triangles are at rest         */
    const uint8_t *full;            /* ghosts are not lifted; NULL: all full  */
    const double *f0, *f1, *f2;     /* flux divergence                        */
    int sloped;                     /* eta already is the friction factor S   */
    /* OUT, in the caller's scratch (4*n doubles): */
    double *depth;                  /* effective depth before the update      */
    double *deficit;                /* depth the new stage was lifted by      */
    double *moved;                  /* not 0 where the effective state changed */
    int n_negative, any_moved;
} lean_chunk;

LEAN_INLINE void lean_update_chunk(const lean_parameters *p, lean_chunk *k, double dt, double *temp)
{
    const int n = k->n;
    const double g = p->g, h_min = p->h_min;
    double *restrict w = k->w, *restrict uh = k->uh, *restrict vh = k->vh;
    const double *restrict z = k->z, *restrict eta = k->eta;
    const double *restrict f0 = k->f0, *restrict f1 = k->f1, *restrict f2 = k->f2;
    const uint8_t *restrict iso = k->iso, *restrict full = k->full;
    double *restrict S = temp, *restrict depth = temp + n, *restrict deficit = temp + 2 * (size_t)n,
           *restrict moved = temp + 3 * (size_t)n;
    k->depth = depth;
    k->deficit = deficit;
    k->moved = moved;
#pragma omp simd
    for (int c = 0; c < n; c++) {
        double ww = w[c] - z[c] < 0.0 ? z[c] : w[c];
        double d = lean_max(ww - z[c], 0.0);
        int still = (d <= h_min) | (iso[c] != 0);
        double a = still ? 0.0 : uh[c], b = still ? 0.0 : vh[c];
        w[c] = ww;
        uh[c] = a;
        vh[c] = b;
        depth[c] = d;
        S[c] = sqrt(a * a + b * b);
    }
    if (!p->manning) {
        for (int c = 0; c < n; c++)
            S[c] = 0.0;
    } else if (k->sloped) {
        for (int c = 0; c < n; c++)
            S[c] = eta[c];
    } else {
        for (int c = 0; c < n; c++) {
            double speed = S[c], s = 0.0;
            if (speed != 0.0 && eta[c] > 1.0e-15 && depth[c] >= h_min)
                s = (-g * eta[c] * eta[c] * speed) / pow(depth[c], 7.0 / 3.0);
            S[c] = s;
        }
    }
#pragma omp simd
    for (int c = 0; c < n; c++) {
        double w0 = w[c], u0 = uh[c], v0 = vh[c];
        double su = 0.0 + S[c] * u0, sv = 0.0 + S[c] * v0;
        double w1 = w0 + dt * f0[c], u1 = u0 + dt * f1[c], v1 = v0 + dt * f2[c];
        double q = w1 * w0 / w0, sign = w0 * w0;
        w1 = sign > 0.0 ? q : w1;
        double m = u0 - dt * su;
        q = u1 * u0 / m;
        sign = m * u0;
        u1 = sign > 0.0 ? q : u1;
        m = v0 - dt * sv;
        q = v1 * v0 / m;
        sign = m * v0;
        v1 = sign > 0.0 ? q : v1;
        int ghost = full ? full[c] == 0 : 0;
        int negative = (w1 - z[c] < 0.0) & !ghost;
        deficit[c] = negative ? z[c] - w1 : 0.0;
        w1 = negative ? z[c] : w1;
        u1 = negative ? 0.0 : u1;
        v1 = negative ? 0.0 : v1;
        int dry = w1 - z[c] <= h_min;
        double ue = dry ? 0.0 : u1, ve = dry ? 0.0 : v1;
        double t = w1 != w0 ? 1.0 : 0.0;
        t = ue != u0 ? 1.0 : t;
        t = ve != v0 ? 1.0 : t;
        moved[c] = t;
        w[c] = w1;
        uh[c] = u1;
        vh[c] = v1;
    }
    /* apart from the loop above: gcc 12 miscompiles conditional reductions in a
     * masked AVX-512 simd loop */
    int count = 0, any = 0;
    for (int c = 0; c < n; c++)
        count += deficit[c] > 0.0;
    for (int c = 0; c < n; c++)
        any |= moved[c] != 0.0;
    k->n_negative = count;
    k->any_moved = any;
}

#endif
