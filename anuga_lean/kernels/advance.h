/* ADER-2: the edge values of an opened block half a step later.
 *
 * Owns the loop over a block; the formulas of one triangle are in predictor.h.
 */
#ifndef LEAN_ADVANCE_H
#define LEAN_ADVANCE_H

#include "block.h"
#include "predictor.h"
#include "seven_thirds.h"

/* Advances the edge values by r->predictor_dt; the bed at the edges is left as it is.
 * IN  what load leaves, iso; r->friction
 * INOUT sw, suh, svh, sh of own and first-ring triangles */
LEAN_PHASE void advance_edges(const lean_run *r, const opened *o)
{
    const int NL = o->NL, sloped = r->p.sloped;
    const double g = r->p.g, h_min = r->p.h_min, dt = r->predictor_dt;
    double *restrict dw = o->shift.dw, *restrict duh = o->shift.duh,
           *restrict dvh = o->shift.dvh;
    double *restrict steep = o->shift.steep, *restrict eta = o->shift.eta;
    double *restrict regular = o->shift.regular, *restrict wanted = o->shift.wanted;
    double *restrict power = o->shift.power;
    const double *restrict w = o->w, *restrict h = o->h, *restrict u = o->u, *restrict v = o->v,
                 *restrict iso = o->iso;
    double *restrict sw = o->sw, *restrict sh = o->sh, *restrict suh = o->suh,
           *restrict svh = o->svh;
    for (int c = 0; c < NL; c++)
        eta[c] = r->friction[o->member[c]];
#pragma omp simd
    for (int c = 0; c < NL; c++) {
        double uc = u[c], vc = v[c], drag = eta[c];
        int alone = iso[c] != 0.0;
        uc = alone ? 0.0 : uc;
        vc = alone ? 0.0 : vc;
        lean_slopes s = {
            .arm = arms_of(o, c),
            .w = w[c], .h = h[c], .u = uc, .v = vc,
            .w0 = sw[c], .w1 = sw[NL + c], .h0 = sh[c], .h1 = sh[NL + c],
            .uh0 = suh[c], .uh1 = suh[NL + c], .vh0 = svh[c], .vh1 = svh[NL + c],
        };
        lean_rates q = lean_predict(&s, g, h_min);
        double steepness = sloped ? q.steepness : 1.0;
        dw[c] = q.regular ? q.dw : 0.0;
        duh[c] = q.regular ? q.duh : 0.0;
        dvh[c] = q.regular ? q.dvh : 0.0;
        steep[c] = q.regular ? steepness : 1.0;
        eta[c] = q.regular ? drag : 0.0;
        regular[c] = q.regular ? 1.0 : 0.0;
    }
    for (int i = 0; i < 3; i++) {
        double *restrict ew = sw + i * NL, *restrict eh = sh + i * NL, *restrict eu = suh + i * NL,
               *restrict ev = svh + i * NL;
#pragma omp simd
        for (int c = 0; c < NL; c++)
            wanted[c] = lean_dragged(eta[c], eh[c], eu[c], ev[c], h_min);
        lean_powers(NL, eh, wanted, power);
#pragma omp simd
        for (int c = 0; c < NL; c++) {
            double factor = lean_drag_factor(g, eta[c], steep[c], wanted[c], power[c], dt);
            double depth = eh[c], deeper = lean_max(depth + dt * dw[c], 0.0);
            ew[c] += dt * dw[c];
            eh[c] = regular[c] != 0.0 ? deeper : depth;
            eu[c] = (eu[c] + dt * duh[c]) * factor;
            ev[c] = (ev[c] + dt * dvh[c]) * factor;
        }
    }
}

#endif
