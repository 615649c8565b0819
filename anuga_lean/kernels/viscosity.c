/* Eddy viscosity by one explicit step, d(uh)/dt = div(nu h grad u).
 *
 * Owns the stress over the three edges of every triangle; the momenta are left
 * alone, because each triangle reads its neighbours' as they were.  The order
 * of the operations is that of ANUGA 4.2.0 (core_kernels.c,
 * core_kinematic_viscosity_explicit): a weight per edge, nu times the harmonic
 * mean of the depths times length over distance, and the edges in turn.
 */
#include "viscosity.h"

#include "block.h"

/* ANUGA's velocity is uh * h / (h*h + this), m2. */
#define SOFT_DEPTH2 1.0e-8

/* ANUGA's inverse of a depth h, m: that over h, but soft at 0. */
static inline double per_depth(double h)
{
    return h / (h * h + SOFT_DEPTH2);
}

/* Depth and velocities of the block and its first ring, from the arrays as they stand.
 * OUT h, u, v */
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

/* Gathers what is beyond edge i of each own triangle.
 * IN  end: x and y of the edge's start, x and y of its end, one array each, m
 *     free_slip, bed as lean_viscous_change
 * OUT to, but for its weight */
static void look_beyond(const lean_run *r, const opened *o, int i, const double *const end[4],
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
        to->x[c] = lean_midpoint(end[0][c], end[2][c]);
        to->y[c] = lean_midpoint(end[1][c], end[3][c]);
    }
}

/* Adds the stress over that edge to (fx, fy), own each, m4/s2.
 * IN end as above; INOUT of: its weight is written */
static void add_stress(const lean_run *r, const opened *o, const double *const end[4],
                       const lean_beyond *of, double viscosity, double *restrict fx,
                       double *restrict fy)
{
    const double h_min = r->p.h_min;
    const double *restrict ax = end[0], *restrict ay = end[1], *restrict bx = end[2],
                 *restrict by = end[3];
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

/* Turns stresses into what they make of the momenta in dt: nothing where it is dry.
 * INOUT fx, fy: m4/s2 in, m2/s out */
static void over_time(const lean_run *r, const opened *o, double dt, double *restrict fx,
                      double *restrict fy)
{
    for (int c = 0; c < o->nb; c++)
        if (!(o->h[c] > r->p.h_min))
            fx[c] = fy[c] = 0.0;
#pragma omp simd
    for (int c = 0; c < o->nb; c++) {
        double scale = dt / area_of(o, c);
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
        open_block(r, b, arena_of(r), &o);
        load_geometry(r->mesh, &o);
        load_flow(r, &o);
        memset(o.f0, 0, o.nb * sizeof *o.f0);
        memset(o.f1, 0, o.nb * sizeof *o.f1);
        const double *const x[3] = {o.x0, o.x1, o.x2}, *const y[3] = {o.y0, o.y1, o.y2};
        for (int i = 0; i < 3; i++) {
            const int p = (i + 1) % 3, q = (i + 2) % 3;
            const double *const end[4] = {x[p], y[p], x[q], y[q]};
            look_beyond(r, &o, i, end, free_slip, bed, &o.beyond);
            add_stress(r, &o, end, &o.beyond, viscosity, o.f0, o.f1);
        }
        over_time(r, &o, dt, o.f0, o.f1);
        scatter_own(&o, o.f0, xchange);
        scatter_own(&o, o.f1, ychange);
    }
}
