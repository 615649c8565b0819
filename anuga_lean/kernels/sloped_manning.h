/* Manning's friction on the bed that the edge values imply, for one opened block. */
#ifndef LEAN_SLOPED_MANNING_H
#define LEAN_SLOPED_MANNING_H

#include "block.h"
#include "manning.h"

/* Manning's factor S, 1/s, of every own triangle: the bed is the plane through its values at
 * the middles of the edges, the depth what stands above their mean.
 * IN  what load leaves, iso, sz; r's raw state and friction
 * OUT r->friction_rate of the triangles */
LEAN_PHASE void find_friction_rate(const lean_run *r, const opened *o)
{
    const int NL = o->NL;
    for (int c = 0; c < o->nb; c++) {
        int32_t m = o->member[c];
        double eta = r->friction[m], S = 0.0;
        if (eta > 1.0e-16) {
            double z0 = o->sz[c], z1 = o->sz[NL + c], z2 = o->sz[2 * NL + c];
            double x0 = lean_midpoint(o->x1[c], o->x2[c]), y0 = lean_midpoint(o->y1[c], o->y2[c]);
            double x1 = lean_midpoint(o->x2[c], o->x0[c]), y1 = lean_midpoint(o->y2[c], o->y0[c]);
            double x2 = lean_midpoint(o->x0[c], o->x1[c]), y2 = lean_midpoint(o->y0[c], o->y1[c]);
            double det = (y2 - y0) * (x1 - x0) - (y1 - y0) * (x2 - x0);
            double zx = ((y2 - y0) * (z1 - z0) - (y1 - y0) * (z2 - z0)) / det;
            double zy = ((x1 - x0) * (z2 - z0) - (x2 - x0) * (z1 - z0)) / det;
            double zs = sqrt(1.0 + zx * zx + zy * zy);
            double depth = o->w[c] - (z0 + z1 + z2) * (1.0 / 3.0);
            if (depth >= r->p.h_min) {
                double w, uh, vh;
                lean_raw_state(r, m, &w, &uh, &vh);
                int still = o->h[c] <= r->p.h_min || o->iso[c] != 0.0;
                uh = still ? 0.0 : uh;
                vh = still ? 0.0 : vh;
                S = lean_manning(r->p.g, eta, zs, sqrt(uh * uh + vh * vh));
                S /= pow(depth, 7.0 / 3.0);
            }
        }
        r->friction_rate[m] = S;
    }
}

#endif
