/* Eddy viscosity by one explicit step, d(uh)/dt = div(nu h grad u).
 *
 * Owns the stress over the three edges of every triangle; the momenta are left
 * alone, because each triangle reads its neighbours' as they were.  The order
 * of the operations is that of ANUGA 4.2.0 (core_kernels.c,
 * core_kinematic_viscosity_explicit): a weight per edge, nu times the harmonic
 * mean of the depths times length over distance, and the edges in turn.
 */
#include "viscosity.h"

#include <omp.h>

#include "block.h"

/* ANUGA's velocity is uh * h / (h*h + this), m2. */
#define SOFT_DEPTH2 1.0e-8

typedef struct {
    double depth, u, v;       /* m, m/s */
} flow;

static inline flow flow_of(double depth, double uh, double vh)
{
    double per_depth = depth / (depth * depth + SOFT_DEPTH2);
    flow f = {depth, uh * per_depth, vh * per_depth};
    return f;
}

/* Depth and velocities of the block and its first ring, from the raw arrays. */
static void load_flow(const lean_run *r, const opened *o)
{
    for (int c = 0; c < o->NL; c++) {
        int32_t k = o->member[c];
        flow f = flow_of(r->stage[k] - r->elevation[k], r->xmomentum[k], r->ymomentum[k]);
        o->h[c] = f.depth;
        o->u[c] = f.u;
        o->v[c] = f.v;
    }
}

/* Adds to stress[2] what acts over an edge of length l at distance d. */
static inline void add_stress(double viscosity, flow here, flow beyond, double l, double d,
                              double stress[2])
{
    double mean = 2.0 * here.depth * beyond.depth / (here.depth + beyond.depth);
    double weight = viscosity * mean * l / d;
    stress[0] += weight * (beyond.u - here.u);
    stress[1] += weight * (beyond.v - here.v);
}

static void stress_on(const lean_run *r, const opened *o, int c, double viscosity,
                      const uint8_t *free_slip, const double *bed, double stress[2])
{
    const lean_mesh *m = r->mesh;
    const double x[3] = {o->x0[c], o->x1[c], o->x2[c]}, y[3] = {o->y0[c], o->y1[c], o->y2[c]};
    const flow here = {o->h[c], o->u[c], o->v[c]};
    for (int i = 0; i < 3; i++) {
        const int a = (i + 1) % 3, b = (i + 2) % 3;
        int s = m->flux_slot[o->block->flux_slot + (int64_t)i * o->nb + c];
        flow beyond;
        double fx, fy;
        if (s < 3 * o->NL) {
            s -= s >= 2 * o->NL ? 2 * o->NL : s >= o->NL ? o->NL : 0;
            beyond.depth = o->h[s];
            beyond.u = o->u[s];
            beyond.v = o->v[s];
            fx = o->cx[s];
            fy = o->cy[s];
        } else {
            int32_t j = m->boundary_index[o->block->boundary + s - 3 * o->NL];
            if (free_slip[j])
                continue;
            beyond = flow_of(r->stage_boundary[j] - bed[j], r->xmomentum_boundary[j],
                             r->ymomentum_boundary[j]);
            fx = lean_midpoint(x[a], x[b]);
            fy = lean_midpoint(y[a], y[b]);
        }
        if (beyond.depth <= r->p.h_min)
            continue;
        add_stress(viscosity, here, beyond, lean_length(x[b] - x[a], y[b] - y[a]),
                   lean_length(fx - o->cx[c], fy - o->cy[c]), stress);
    }
}

void lean_viscous_change(const lean_run *r, double viscosity, double dt,
                         const uint8_t *free_slip, const double *bed,
                         double *xchange, double *ychange)
{
#pragma omp parallel for schedule(static) num_threads(r->n_threads)
    for (int b = 0; b < r->mesh->n_blocks; b++) {
        opened o;
        open_block(r, b, r->scratch + (size_t)omp_get_thread_num() * r->scratch_stride, &o);
        load_geometry(r->mesh, &o);
        load_flow(r, &o);
        for (int c = 0; c < o.nb; c++) {
            double stress[2] = {0.0, 0.0};
            if (o.h[c] > r->p.h_min)
                stress_on(r, &o, c, viscosity, free_slip, bed, stress);
            double scale = dt / lean_area(o.x0[c], o.y0[c], o.x1[c], o.y1[c], o.x2[c], o.y2[c]);
            xchange[o.member[c]] = scale * stress[0];
            ychange[o.member[c]] = scale * stress[1];
        }
    }
}
