/* Passive tracers carried by the water fluxes of an opened block, one at a time.
 *
 * Concentrations are reconstructed and limited like depths, and go with the mass
 * flux of the edge they leave through: both sides of an edge use one flux, so
 * that what leaves one triangle arrives in the other.
 */
#ifndef LEAN_TRACERS_H
#define LEAN_TRACERS_H

#include "block.h"

static void load_concentrations(const lean_run *r, const opened *o, int s, double *restrict c)
{
    const double *restrict m = r->tracers.conserved + (size_t)s * r->mesh->n;
    const double *restrict h = o->h;
    const double h_min = r->p.h_min;
    for (int j = 0; j < o->ALL; j++) {
        double inverse = 1.0 / h[j];
        c[j] = m[o->member[j]] * (h[j] <= h_min ? 0.0 : inverse);
    }
}

static void reconstruct_tracer(const lean_run *r, const opened *o, const lean_carried *t)
{
    const int NL = o->NL;
    const double h_min = r->p.h_min, strength = r->tracers.beta;
    const int32_t *restrict k0 = o->k0, *restrict k1 = o->k1, *restrict k2 = o->k2;
    const double *restrict cx = o->cx, *restrict cy = o->cy, *restrict h = o->h, *restrict q = t->c;
    const double *restrict x0 = o->x0, *restrict x1 = o->x1, *restrict x2 = o->x2;
    const double *restrict y0 = o->y0, *restrict y1 = o->y1, *restrict y2 = o->y2;
    double *restrict e = t->edge;
#pragma omp simd
    for (int c = 0; c < NL; c++) {
        int a = k0[c], b = k1[c], d = k2[c];
        double x = cx[c], y = cy[c], xa = cx[a], ya = cy[a], e0, e1, e2;
        lean_stencil s;
        s.ex0 = lean_midpoint(x1[c], x2[c]) - x; s.ey0 = lean_midpoint(y1[c], y2[c]) - y;
        s.ex1 = lean_midpoint(x2[c], x0[c]) - x; s.ey1 = lean_midpoint(y2[c], y0[c]) - y;
        s.ex2 = lean_midpoint(x0[c], x1[c]) - x; s.ey2 = lean_midpoint(y0[c], y1[c]) - y;
        s.dx1 = cx[b] - xa; s.dx2 = cx[d] - xa;
        s.dy1 = cy[b] - ya; s.dy2 = cy[d] - ya;
        s.inverse_area2 = 1.0 / (s.dy2 * s.dx1 - s.dy1 * s.dx2);
        double beta = strength * lean_wetness(h[c], h[a], h[b], h[d], h_min);
        lean_limited_edges(q[c], q[a], q[b], q[d], &s, beta, &e0, &e1, &e2);
        e[c] = e0; e[NL + c] = e1; e[2 * NL + c] = e2;
    }
}

static void reconstruct_tracer_corners(const lean_run *r, const opened *o, const lean_carried *t)
{
    const lean_mesh *m = r->mesh;
    for (int j = 0; j < o->block->n_corner; j++) {
        int64_t place = o->block->corner + j;
        int c = m->corner_triangle[place], n = m->corner_neighbour[place];
        double e[3] = {t->c[c], t->c[c], t->c[c]};
        if (n != c && r->tracers.beta > 0.0) {
            corner_stencil s = stencil_of_corner(o, c, n);
            lean_corner_edges(t->c[c], t->c[n], s.gx, s.gy, s.ex, s.ey, r->tracers.beta, e);
        }
        for (int i = 0; i < 3; i++)
            t->edge[i * o->NL + c] = e[i];
    }
}

/* Concentrations beyond the boundary edges stand behind the triangles' own. */
static void load_tracer_boundary(const lean_run *r, const opened *o, int s, const lean_carried *t)
{
    const double *beyond = r->tracers.boundary + (size_t)s * r->mesh->n_boundary;
    for (int j = 0; j < o->block->n_boundary; j++)
        t->edge[3 * o->NL + j] = beyond[r->mesh->boundary_index[o->block->boundary + j]];
}

static void carry(const opened *o, const lean_carried *t)
{
    const int nb = o->nb;
    memset(t->rate, 0, sizeof(double) * nb);
    for (int i = 0; i < 3; i++) {
        const int32_t *restrict slot = o->t0 + (size_t)i * nb;
        const double *restrict mass = o->mass + (size_t)i * nb, *restrict edge = t->edge;
        double *restrict rate = t->rate;
        for (int c = 0; c < nb; c++) {
            double inside = edge[i * o->NL + c], outside = edge[slot[c]];
            rate[c] += mass[c] * (mass[c] > 0.0 ? outside : inside);
        }
    }
    for (int c = 0; c < nb; c++)
        t->rate[c] *= 1.0 / lean_area(o->x0[c], o->y0[c], o->x1[c], o->y1[c], o->x2[c], o->y2[c]);
}

static void count_tracer(const lean_run *r, const opened *o, int s, const lean_carried *t)
{
    double *flux = r->tracers.boundary_flux + (size_t)s * r->mesh->n_boundary;
    for (int j = 0; j < o->block->n_boundary; j++) {
        int64_t place = o->block->boundary + j;
        int q = r->mesh->boundary_slot[place], i = q / o->NL, c = q % o->NL;
        double mass = o->mass[(size_t)i * o->nb + c];
        double full = r->full && !r->full[o->member[c]] ? 0.0 : 1.0;
        flux[r->mesh->boundary_index[place]] =
            full * (mass * t->edge[mass > 0.0 ? 3 * o->NL + j : q]);
    }
}

static void store_tracer_edges(const lean_run *r, const opened *o, int s, const lean_carried *t)
{
    double *to = r->tracers.edges + (size_t)s * 3 * r->mesh->n;
    for (int c = 0; c < o->nb; c++)
        for (int i = 0; i < 3; i++)
            to[3 * (size_t)o->member[c] + i] = t->edge[i * o->NL + c];
}

/* To be called while o->mass holds the mass fluxes of the block's edges; with
 * edges_only it need not. */
static void carry_tracers(const lean_run *r, const opened *o, int edges_only)
{
    const lean_carried t = o->carried;
    for (int s = 0; s < r->tracers.count; s++) {
        load_concentrations(r, o, s, t.c);
        reconstruct_tracer(r, o, &t);
        reconstruct_tracer_corners(r, o, &t);
        if (edges_only) {
            store_tracer_edges(r, o, s, &t);
            continue;
        }
        load_tracer_boundary(r, o, s, &t);
        carry(o, &t);
        count_tracer(r, o, s, &t);
        scatter_own(o, t.c, r->tracers.concentration + (size_t)s * r->mesh->n);
        scatter_own(o, t.rate, r->tracers.explicit_update + (size_t)s * r->mesh->n);
    }
}

#endif
