/* Friction and the semi-implicit update of a run of triangles.
 *
 * Follows ANUGA 4.1.0: core_manning_friction_flat_semi_implicit, then
 * core_update_conserved_quantities with its one division per quantity, then
 * core_fix_negative_cells.  pow is the C library's: no other has its last bit.
 */
#ifndef LEAN_UPDATE_CHUNK_H
#define LEAN_UPDATE_CHUNK_H

#include "effective.h"
#include "manning.h"
#include "seven_thirds.h"

/* n triangles side by side: arrays of n each. */
typedef struct {
    int n;
    double *w, *uh, *vh;            /* INOUT: raw state in, new out, m, m2/s  */
    const double *z;                /* bed, m                                 */
    const double *eta;              /* Manning's n, or S, 1/s, where sloped   */
    const uint8_t *iso;             /* isolated triangles are at rest         */
    const uint8_t *full;            /* ghosts are not lifted; NULL: all full  */
    const double *f0, *f1, *f2;     /* flux divergence, m/s, m2/s2            */
    const double *s0, *s1, *s2;     /* semi-implicit rates, for lean_update_as_it_stands;
                                       NULL: zeros                            */
    int sloped;                     /* eta already is the friction factor S   */
    /* OUT, in the caller's scratch (4*n doubles): */
    double *depth;                  /* effective depth before the update      */
    double *deficit;                /* depth the new stage was lifted by      */
    double *moved;                  /* not 0 where the effective state changed */
    int n_negative, any_moved;
} lean_chunk;

/* The update proper. IN S friction factor, (w, uh, vh) effective state; lifts
 * full triangles whose new stage is below the bed.  Values are loaded before
 * the selections that use them: gcc vectorises no loop with a conditional load
 * for SSE2.                                                                  */
LEAN_INLINE void lean_semi_implicit(const lean_chunk *k, const double *restrict S, double dt,
                                    double h_min, int ghosts)
{
    const int n = k->n;
    double *restrict w = k->w, *restrict uh = k->uh, *restrict vh = k->vh;
    const double *restrict z = k->z;
    const double *restrict f0 = k->f0, *restrict f1 = k->f1, *restrict f2 = k->f2;
    const uint8_t *restrict full = k->full;
    double *restrict deficit = k->deficit, *restrict moved = k->moved;
#pragma omp simd
    for (int c = 0; c < n; c++) {
        double w0 = w[c], u0 = uh[c], v0 = vh[c], bed = z[c], s = S[c];
        double su = 0.0 + s * u0, sv = 0.0 + s * v0;
        double w1 = w0 + dt * f0[c], u1 = u0 + dt * f1[c], v1 = v0 + dt * f2[c];
        double mu = u0 - dt * su, mv = v0 - dt * sv;
        double qw = w1 * w0 / w0, qu = u1 * u0 / mu, qv = v1 * v0 / mv;
        double tw = w0 * w0, tu = mu * u0, tv = mv * v0;
        w1 = tw > 0.0 ? qw : w1;
        u1 = tu > 0.0 ? qu : u1;
        v1 = tv > 0.0 ? qv : v1;
        double floor = 0.0, lift = bed - w1;
        if (ghosts)
            floor = full[c] ? 0.0 : -INFINITY;
        int negative = w1 - bed < floor;
        double w2 = negative ? bed : w1, u2 = negative ? 0.0 : u1, v2 = negative ? 0.0 : v1;
        deficit[c] = negative ? lift : 0.0;
        int dry = w2 - bed <= h_min;
        double ue = dry ? 0.0 : u2, ve = dry ? 0.0 : v2;
        double t = w2 != w0 ? 1.0 : 0.0;
        t = ue != u0 ? 1.0 : t;
        t = ve != v0 ? 1.0 : t;
        moved[c] = t;
        w[c] = w2;
        uh[c] = u2;
        vh[c] = v2;
    }
}

/* The update from given semi-implicit rates and from the state just as it is.
 * INOUT k: w, uh, vh; OUT deficit, n_negative.  IN temp n doubles. */
static inline void lean_update_as_it_stands(lean_chunk *k, double dt, double *temp)
{
    double *const q[3] = {k->w, k->uh, k->vh};
    const double *const rate[3] = {k->f0, k->f1, k->f2}, *const semi[3] = {k->s0, k->s1, k->s2};
    k->deficit = temp;
    k->n_negative = 0;
    for (int a = 0; a < 3; a++)
        for (int c = 0; c < k->n; c++) {
            double q0 = q[a][c], q1 = q0 + dt * rate[a][c];
            double m = q0 - dt * (semi[a] ? semi[a][c] : 0.0);
            q[a][c] = q0 != 0.0 && m * q0 > 0.0 ? q1 * q0 / m : q1;
        }
    for (int c = 0; c < k->n; c++) {
        int negative = k->w[c] - k->z[c] < 0.0 && (!k->full || k->full[c]);
        k->deficit[c] = negative ? k->z[c] - k->w[c] : 0.0;
        k->n_negative += negative;
        k->w[c] = negative ? k->z[c] : k->w[c];
        k->uh[c] = negative ? 0.0 : k->uh[c];
        k->vh[c] = negative ? 0.0 : k->vh[c];
    }
}

/* Friction and the update: the effective state is taken from the raw one first.
 * INOUT k: w, uh, vh; OUT depth, deficit, moved, n_negative, any_moved
 * IN temp 4*n doubles: S, depth, deficit, moved; the last two hold the speeds that friction
 *    wants and their powers until the update writes them */
LEAN_INLINE void lean_update_chunk(const lean_parameters *p, lean_chunk *k, double dt, double *temp)
{
    const int n = k->n;
    const double g = p->g, h_min = p->h_min;
    double *restrict w = k->w, *restrict uh = k->uh, *restrict vh = k->vh;
    const double *restrict z = k->z, *restrict eta = k->eta;
    const uint8_t *restrict iso = k->iso;
    double *restrict S = temp, *restrict depth = temp + n;
    double *deficit = temp + 2 * (size_t)n, *moved = temp + 3 * (size_t)n;
    k->depth = depth;
    k->deficit = deficit;
    k->moved = moved;
#pragma omp simd
    for (int c = 0; c < n; c++) {
        double ww = w[c], bed = z[c], a = uh[c], b = vh[c];
        ww = lean_lifted(ww, bed);
        double d = lean_max(ww - bed, 0.0);
        int still = d <= h_min;
        a = still ? 0.0 : a;
        b = still ? 0.0 : b;
        still = iso[c] != 0;
        a = still ? 0.0 : a;
        b = still ? 0.0 : b;
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
        double *restrict wanted = deficit, *restrict power = moved;
#pragma omp simd
        for (int c = 0; c < n; c++) {
            double speed = S[c], e = eta[c], d = depth[c];
            speed = e > 1.0e-15 ? speed : 0.0;
            speed = d >= h_min ? speed : 0.0;
            wanted[c] = speed;
        }
        lean_powers(n, depth, wanted, power);
#pragma omp simd
        for (int c = 0; c < n; c++) {
            double speed = wanted[c], e = eta[c], p = power[c];
            double s = lean_manning(g, e, 1.0, speed) / p;
            S[c] = speed != 0.0 ? s : 0.0;
        }
    }
    if (k->full)
        lean_semi_implicit(k, S, dt, h_min, 1);
    else
        lean_semi_implicit(k, S, dt, h_min, 0);
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
