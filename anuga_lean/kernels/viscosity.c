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

static inline double per_depth(double h)
{
    return h / (h * h + SOFT_DEPTH2);
}

/* Depth and velocities of the block and its first ring, from the raw arrays. */
static void load_flow(const lean_run *r, const opened *o)
{
    const int NL = o->NL;
    const int32_t *restrict member = o->member;
    double *restrict h = o->h, *restrict u = o->u, *restrict v = o->v;
    for (int c = 0; c < NL; c++) {
        int32_t k = member[c];
        h[c] = r->stage[k] - r->elevation[k];
        u[c] = r->xmomentum[k];
        v[c] = r->ymomentum[k];
    }
#pragma omp simd
    for (int c = 0; c < NL; c++) {
        double f = per_depth(h[c]);
        u[c] *= f;
        v[c] *= f;
    }
}

/* Gathers what is beyond edge i, from corner (ax, ay) to (bx, by), of each triangle. */
static void look_beyond(const lean_run *r, const opened *o, int i, const double *const corner[4],
                        const uint8_t *free_slip, const double *bed, const lean_beyond *to)
{
    const int NL = o->NL;
    const uint16_t *slot = r->mesh->flux_slot + o->block->flux_slot + (size_t)i * o->nb;
    const int32_t *boundary = r->mesh->boundary_index + o->block->boundary;
    for (int c = 0; c < o->nb; c++) {
        int s = slot[c];
        if (s < 3 * NL) {
            s -= s >= 2 * NL ? 2 * NL : s >= NL ? NL : 0;
            to->h[c] = o->h[s];
            to->u[c] = o->u[s];
            to->v[c] = o->v[s];
            to->x[c] = o->cx[s];
            to->y[c] = o->cy[s];
            continue;
        }
        int32_t j = boundary[s - 3 * NL];
        double h = free_slip[j] ? -INFINITY : r->stage_boundary[j] - bed[j], f = per_depth(h);
        to->h[c] = h;
        to->u[c] = r->xmomentum_boundary[j] * f;
        to->v[c] = r->ymomentum_boundary[j] * f;
        to->x[c] = lean_midpoint(corner[0][c], corner[2][c]);
        to->y[c] = lean_midpoint(corner[1][c], corner[3][c]);
    }
}

/* Adds the stress over that edge to (fx, fy). */
static void add_stress(const lean_run *r, const opened *o, const double *const corner[4],
                       const lean_beyond *of, double viscosity, double *restrict fx,
                       double *restrict fy)
{
    const double h_min = r->p.h_min;
    const double *restrict ax = corner[0], *restrict ay = corner[1], *restrict bx = corner[2],
                 *restrict by = corner[3];
    const double *restrict h = o->h, *restrict u = o->u, *restrict v = o->v,
                 *restrict cx = o->cx, *restrict cy = o->cy;
    const double *restrict H = of->h, *restrict U = of->u, *restrict V = of->v,
                 *restrict X = of->x, *restrict Y = of->y;
    double *restrict weight = of->weight;
    /* In two loops, or gcc moves the roots and divisions into a branch. */
#pragma omp simd
    for (int c = 0; c < o->nb; c++) {
        double length = lean_length(bx[c] - ax[c], by[c] - ay[c]);
        double distance = lean_length(X[c] - cx[c], Y[c] - cy[c]);
        weight[c] = viscosity * (2.0 * h[c] * H[c] / (h[c] + H[c])) * length / distance;
    }
    for (int c = 0; c < o->nb; c++) {
        if (H[c] <= h_min)
            continue;
        fx[c] += weight[c] * (U[c] - u[c]);
        fy[c] += weight[c] * (V[c] - v[c]);
    }
}

/* Turns stresses into what they make of the momenta: nothing where it is dry. */
static void over_time(const lean_run *r, const opened *o, double dt, double *restrict fx,
                      double *restrict fy)
{
    const double *restrict x0 = o->x0, *restrict x1 = o->x1, *restrict x2 = o->x2,
                 *restrict y0 = o->y0, *restrict y1 = o->y1, *restrict y2 = o->y2;
    for (int c = 0; c < o->nb; c++)
        if (!(o->h[c] > r->p.h_min))
            fx[c] = fy[c] = 0.0;
#pragma omp simd
    for (int c = 0; c < o->nb; c++) {
        double scale = dt / lean_area(x0[c], y0[c], x1[c], y1[c], x2[c], y2[c]);
        fx[c] *= scale;
        fy[c] *= scale;
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
        memset(o.f0, 0, o.nb * sizeof *o.f0);
        memset(o.f1, 0, o.nb * sizeof *o.f1);
        const double *const x[3] = {o.x0, o.x1, o.x2}, *const y[3] = {o.y0, o.y1, o.y2};
        for (int i = 0; i < 3; i++) {
            const int p = (i + 1) % 3, q = (i + 2) % 3;
            const double *const corner[4] = {x[p], y[p], x[q], y[q]};
            look_beyond(r, &o, i, corner, free_slip, bed, &o.beyond);
            add_stress(r, &o, corner, &o.beyond, viscosity, o.f0, o.f1);
        }
        over_time(r, &o, dt, o.f0, o.f1);
        scatter_own(&o, o.f0, xchange);
        scatter_own(&o, o.f1, ychange);
    }
}
