/* Passive tracers carried by the water fluxes of an opened block, one at a time.
 *
 * Concentrations are reconstructed and limited like depths, and go with the mass
 * flux of the edge they leave through: both sides of an edge use one flux, so
 * that what leaves one triangle arrives in the other.
 */
#ifndef LEAN_TRACERS_H
#define LEAN_TRACERS_H

#include "block.h"

/* Centroid concentrations of tracer s: what is conserved over the effective depth, 0 where dry.
 * OUT c (ALL) */
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

/* Limited edge values of every triangle of NL, as if each had at most one boundary edge.
 * IN t->c; OUT t->edge */
static void reconstruct_tracer(const lean_run *r, const opened *o, const lean_carried *t)
{
    const lean_local NL = o->NL;
    const double h_min = r->p.h_min, strength = r->tracers.beta;
    const lean_local *restrict k0 = o->k0, *restrict k1 = o->k1, *restrict k2 = o->k2;
    const double *restrict h = o->h, *restrict q = t->c;
    double *restrict e = t->edge;
#pragma omp simd
    for (lean_local c = 0; c < NL; c++) {
        lean_local a = k0[c], b = k1[c], d = k2[c];
        double e0, e1, e2;
        lean_stencil s = stencil_of(o, c);
        double beta = strength * lean_wetness(h[c], h[a], h[b], h[d], h_min);
        lean_limited_edges(q[c], q[a], q[b], q[d], s, beta, &e0, &e1, &e2);
        e[c] = e0; e[NL + c] = e1; e[2 * NL + c] = e2;
    }
}

/* The ears once more, as reconstruct_ears.  IN t->c; OUT their t->edge */
static void reconstruct_tracer_ears(const lean_run *r, const opened *o, const lean_carried *t)
{
    const lean_mesh *m = r->mesh;
    for (int j = 0; j < o->block->n_ear; j++) {
        int64_t place = o->block->ear + j;
        int c = m->ear_triangle[place], n = m->ear_neighbour[place];
        double e[3] = {t->c[c], t->c[c], t->c[c]};
        if (n != c && r->tracers.beta > 0.0) {
            lean_ear_stencil s = ear_stencil_of(o, c, n);
            lean_ear_edges(t->c[c], t->c[n], s, r->tracers.beta, e);
        }
        for (int i = 0; i < 3; i++)
            t->edge[i * o->NL + c] = e[i];
    }
}

/* Concentrations of tracer s beyond the boundary edges stand behind the triangles' own.
 * OUT t->edge of the boundary slots */
static void load_tracer_boundary(const lean_run *r, const opened *o, int s, const lean_carried *t)
{
    const double *beyond = r->tracers.boundary + (size_t)s * r->mesh->n_boundary;
    for (int j = 0; j < o->block->n_boundary; j++)
        t->edge[3 * o->NL + j] = beyond[r->mesh->boundary_index[o->block->boundary + j]];
}

/* The rate of change of depth times concentration, edges 0, 1, 2 in turn, the area last.
 * IN t->edge, o->mass; OUT t->rate */
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
        t->rate[c] *= 1.0 / area_of(o, c);
}

/* What tracer s carries over the boundary edges of full triangles, 0 at those of ghosts.
 * IN t->edge, o->mass; OUT r->tracers.boundary_flux */
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

/* Edge concentrations of tracer s for a user to see.  IN t->edge; OUT r->tracers.edges */
static void store_tracer_edges(const lean_run *r, const opened *o, int s, const lean_carried *t)
{
    double *to = r->tracers.edges + (size_t)s * 3 * r->mesh->n;
    for (int c = 0; c < o->nb; c++)
        for (int i = 0; i < 3; i++)
            to[3 * (size_t)o->member[c] + i] = t->edge[i * o->NL + c];
}

/* Carries every tracer, one after the other in the same arrays.
 * IN  what load leaves; o->mass, which edges_only does not read
 * OUT r->tracers: edges if edges_only, else concentration, explicit_update, boundary_flux */
LEAN_PHASE void carry_tracers(const lean_run *r, const opened *o, int edges_only)
{
    const lean_carried t = o->carried;
    for (int s = 0; s < r->tracers.count; s++) {
        load_concentrations(r, o, s, t.c);
        reconstruct_tracer(r, o, &t);
        reconstruct_tracer_ears(r, o, &t);
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
