/* The fluxes of an opened block: states beyond the boundary edges, the flux over every edge
 * from both sides, riverwalls, and what the fluxes make of the time step.
 *
 * Owns the sum over the edges of a triangle; the formulas of one edge are in central_flux.h
 * and riverwalls.h.
 */
#ifndef LEAN_FLUXES_H
#define LEAN_FLUXES_H

#include "block.h"
#include "central_flux.h"
#include "riverwalls.h"

/* States beyond the boundary edges: reflected here, or what the boundary
 * objects wrote.  At any boundary the bed is the inner one.
 * IN  edge states; r's boundary values where not reflective
 * OUT edge states of the boundary slots; r's boundary values where reflective */
LEAN_PHASE void load_boundary(const lean_run *r, const opened *o)
{
    const lean_mesh *m = r->mesh;
    for (int j = 0; j < o->block->n_boundary; j++) {
        int t = m->boundary_slot[o->block->boundary + j], i = t / o->NL, c = t % o->NL;
        int32_t id = m->boundary_index[o->block->boundary + j];
        int d = 3 * o->NL + j;
        if (r->reflective[id]) {
            o->sw[d] = o->sw[t];
            o->suh[d] = o->suh[t];
            o->svh[d] = o->svh[t];
            lean_reflect(edge_of(o, c, i), o->suh + d, o->svh + d);
            r->stage_boundary[id] = o->sw[d];
            r->xmomentum_boundary[id] = o->suh[d];
            r->ymomentum_boundary[id] = o->svh[d];
            r->elevation_boundary[id] = o->sz[t];
            r->height_boundary[id] = o->sh[t];
        } else {
            o->sw[d] = r->stage_boundary[id];
            o->suh[d] = r->xmomentum_boundary[id];
            o->svh[d] = r->ymomentum_boundary[id];
        }
        o->sz[d] = o->sz[t];
        o->sh[d] = lean_max(o->sw[d] - o->sz[t], 0.0);
    }
}

/* What the fluxes of some triangles sum up to: m3/s, m4/s2, and the largest wave speed, m/s. */
typedef struct {
    lean_lanes f0, f1, f2, speed;
} flux_sums;

/* Add the fluxes over edges e of as many triangles.
 * IN  left their own sides; their centroid depths h and beds z, m
 * INOUT s
 * Returns the mass part, m3/s.  The flux is added first and the pressure subtracted from that
 * sum: ANUGA's bits. */
LEAN_INLINE lean_lanes add_flux(flux_sums *s, lean_edges e, lean_edge_flux f,
                                lean_edge_state left, double g, lean_lanes h, lean_lanes z)
{
    lean_lanes a0 = f.f0 * -e.length, a1 = f.f1 * -e.length, a2 = f.f2 * -e.length;
    lean_lanes pressure = lean_pressure_term(f, left, e.length, g, h, z);
    s->f0 = s->f0 + a0;
    s->f1 = s->f1 + a1 - e.n1 * pressure;
    s->f2 = s->f2 + a2 - e.n2 * pressure;
    s->speed = lean_max_lanes(s->speed, f.speed);
    return a0;
}

/* Edge i of own triangles 0..n-1, n a multiple of LEAN_WIDTH; low_froude and tangential are
 * constants at the call.
 * The lengths found are those of the next triangles: else all that follows waits for the root,
 * which takes a quarter more time (docs/sweep.md). */
LEAN_INLINE void flux_edge(const lean_run *r, const opened *o, int i, int n, int low_froude,
                           int tangential)
{
    const int NL = o->NL, nb = o->nb;
    const double g = r->p.g, epsilon = r->p.epsilon;
    const int32_t *slot = o->t0 + (size_t)i * nb;
    const double *const x[3] = {o->x0, o->x1, o->x2}, *const y[3] = {o->y0, o->y1, o->y2};
    const double *xa = x[(i + 1) % 3], *xb = x[(i + 2) % 3];
    const double *ya = y[(i + 1) % 3], *yb = y[(i + 2) % 3];
    const double *sw = o->sw, *suh = o->suh, *svh = o->svh, *sh = o->sh, *sz = o->sz;
    const double *h = o->h, *bed = o->bed;
    double *f0 = o->f0, *f1 = o->f1, *f2 = o->f2, *speed = o->speed;
    double *mass = o->mass + (size_t)i * nb;
    const lean_lanes zero = lean_same(0.0);
    lean_lanes dx = lean_load(xb) - lean_load(xa), dy = lean_load(yb) - lean_load(ya);
    lean_lanes length = lean_lengths(dx, dy);
    for (int c = 0; c < n; c += LEAN_WIDTH) {
        const int t = i * NL + c, next = c + LEAN_WIDTH < n ? c + LEAN_WIDTH : c;
        lean_lanes next_dx = lean_load(xb + next) - lean_load(xa + next);
        lean_lanes next_dy = lean_load(yb + next) - lean_load(ya + next);
        lean_lanes next_length = lean_lengths(next_dx, next_dy);
        lean_edges e = {.length = length, .n1 = dy / length, .n2 = -(dx / length)};
        lean_edge_state left = {
            .h = lean_load(sh + t), .z = lean_load(sz + t), .uh = lean_load(suh + t),
            .vh = lean_load(svh + t), .w = lean_load(sw + t),
        };
        lean_edge_state right = {
            .h = lean_gather(sh, slot + c), .z = lean_gather(sz, slot + c),
            .uh = lean_gather(suh, slot + c), .vh = lean_gather(svh, slot + c),
            .w = lean_gather(sw, slot + c),
        };
        lean_edge_flux f = lean_central_flux(left, right, e, g, epsilon, low_froude, tangential);
        flux_sums s = {zero, zero, zero, zero};
        if (i > 0)
            s = (flux_sums){lean_load(f0 + c), lean_load(f1 + c), lean_load(f2 + c),
                            lean_load(speed + c)};
        lean_store(mass + c, add_flux(&s, e, f, left, g, lean_load(h + c), lean_load(bed + c)));
        lean_store(f0 + c, s.f0);
        lean_store(f1 + c, s.f1);
        lean_store(f2 + c, s.f2);
        lean_store(speed + c, s.speed);
        dx = next_dx;
        dy = next_dy;
        length = next_length;
    }
}

/* The state in a slot, the same in every lane. */
static lean_edge_state state_in(const opened *o, int slot)
{
    return (lean_edge_state){
        .w = lean_same(o->sw[slot]), .uh = lean_same(o->suh[slot]),
        .vh = lean_same(o->svh[slot]), .h = lean_same(o->sh[slot]),
        .z = lean_same(o->sz[slot]),
    };
}

/* The flux over edge i of own triangle c alone; wall is this edge's place among the walls, -1
 * where none stands.  INOUT f0, f1, f2 and speed of the triangle, OUT its mass */
static void flux_of_one(const lean_run *r, const opened *o, int c, int i, int32_t wall)
{
    const int NL = o->NL, t = o->t0[(size_t)i * o->nb + c];
    const int outside = t >= 3 * NL, n = outside ? c : t % NL;
    const double g = r->p.g, z = r->elevation[o->member[c]], zn = r->elevation[o->member[n]];
    const double z_left = o->sz[i * NL + c], z_right = o->sz[t];
    const lean_edge edge = edge_of(o, c, i);
    const lean_edges e = {lean_same(edge.length), lean_same(edge.n1), lean_same(edge.n2)};
    const lean_edge_state left = state_in(o, i * NL + c), right = state_in(o, t);
    double ze = lean_max(z_left, z_right), crest = wall < 0 ? ze : r->walls.elevation[wall];
    ze = lean_max(crest, ze);
    lean_edge_flux f = lean_central_flux_over(lean_same(ze), left, right, e, g, r->p.epsilon,
                                              r->p.low_froude, r->p.tangential);
    if (wall >= 0 && crest > lean_max(z, zn)) {
        const lean_wall_edge w = {
            .crest = crest,
            .ze = ze,
            .z_left = z_left,
            .z_right = z_right,
            .w_left = o->w[c],
            .w_right = outside ? o->h[c] + z_right : o->w[n],
            .q = r->walls.properties + r->walls.row[wall] * r->walls.columns,
            .seeps = r->walls.columns > 5,
        };
        lean_wall_flux over = {f.f0[0], f.f1[0], f.f2[0], f.speed[0]};
        lean_weir(&w, g, &over);
        lean_seepage(&w, g, &over);
        f.f0 = lean_same(over.f0);
        f.f1 = lean_same(over.f1);
        f.f2 = lean_same(over.f2);
        f.speed = lean_same(over.speed);
    }
    flux_sums s = {lean_same(o->f0[c]), lean_same(o->f1[c]), lean_same(o->f2[c]),
                   lean_same(o->speed[c])};
    lean_lanes mass = add_flux(&s, e, f, left, g, lean_same(o->h[c]), lean_same(z));
    o->mass[(size_t)i * o->nb + c] = mass[0];
    o->f0[c] = s.f0[0];
    o->f1[c] = s.f1[0];
    o->f2[c] = s.f2[0];
    o->speed[c] = s.speed[0];
}

/* The fluxes of every own triangle, edges 0, 1, 2 in turn, as if no riverwall stood anywhere.
 * IN  edge states, those beyond the boundary too; bed
 * OUT f0, f1, f2: m3/s, m4/s2 into the triangle; speed m/s; mass */
LEAN_PHASE void fluxes(const lean_run *r, const opened *o)
{
    const int nb = o->nb, n = nb - nb % LEAN_WIDTH;
    for (int i = 0; i < 3; i++)
        switch (r->p.low_froude | r->p.tangential << 2) {
        case 0: flux_edge(r, o, i, n, 0, 0); break;
        case 1: flux_edge(r, o, i, n, 1, 0); break;
        case 2: flux_edge(r, o, i, n, 2, 0); break;
        case 4: flux_edge(r, o, i, n, 0, 1); break;
        case 5: flux_edge(r, o, i, n, 1, 1); break;
        default: flux_edge(r, o, i, n, 2, 1); break;
        }
    for (int c = n; c < nb; c++) {
        o->f0[c] = o->f1[c] = o->f2[c] = o->speed[c] = 0.0;
        for (int i = 0; i < 3; i++)
            flux_of_one(r, o, c, i, -1);
    }
}

/* The triangles of block b at riverwalls once more, one by one: the sum over a triangle's
 * edges must be taken in their order.  OUT as fluxes, of these. */
LEAN_PHASE void fluxes_beside_walls(const lean_run *r, const opened *o, int b)
{
    for (int64_t j = r->walls.offset[b]; j < r->walls.offset[b + 1]; j++) {
        int c = r->walls.triangle[j];
        o->f0[c] = o->f1[c] = o->f2[c] = o->speed[c] = 0.0;
        for (int i = 0; i < 3; i++)
            flux_of_one(r, o, c, i, r->walls.place[3 * j + i]);
    }
}

/* The mass fluxes of block b that boundary_flux_sum adds up, put where its order wants them.
 * IN mass; OUT r->edge_flux, m3/s */
LEAN_PHASE void count_fluxes(const lean_run *r, const opened *o, int b)
{
    const int64_t first = r->counted_offset ? r->counted_offset[b] : o->block->boundary;
    const int64_t n = r->counted_offset ? r->counted_offset[b + 1] - first : o->block->n_boundary;
    const uint16_t *slot = (r->counted_offset ? r->counted_slot : r->mesh->boundary_slot) + first;
    const int32_t *index = (r->counted_offset ? r->counted_index : r->mesh->boundary_index) + first;
    for (int64_t j = 0; j < n; j++) {
        int i = slot[j] / o->NL, c = slot[j] % o->NL;
        r->edge_flux[index[j]] = o->mass[(size_t)i * o->nb + c];
    }
}

/* The least of n values, none of them NaN, 1e100 if there are none; eight lanes by hand. */
static double smallest_of(const double *x, int n)
{
    double lane[8];
    int c = 0;
    for (int j = 0; j < 8; j++)
        lane[j] = 1.0e100;
    for (; c + 8 <= n; c += 8)
        for (int j = 0; j < 8; j++)
            lane[j] = lean_min(x[c + j], lane[j]);
    for (; c < n; c++)
        lane[0] = lean_min(x[c], lane[0]);
    for (int j = 1; j < 8; j++)
        lane[0] = lean_min(lane[j], lane[0]);
    return lane[0];
}

/* Divide the fluxes by the area, the last operation on them.
 * INOUT f0, f1, f2: then m/s, m2/s2; IN speed; OUT ratio, in the place of mass
 * Returns the block's smallest radius over speed, s, 1e100 where only ghosts move or none. */
LEAN_PHASE double finish_fluxes(const lean_run *r, const opened *o)
{
    const int nb = o->nb;
    const double epsilon = r->p.epsilon;
    const int inscribed = r->mesh->use_inscribed_circle;
    const double *restrict x0 = o->x0, *restrict x1 = o->x1, *restrict x2 = o->x2;
    const double *restrict y0 = o->y0, *restrict y1 = o->y1, *restrict y2 = o->y2;
    double *restrict f0 = o->f0, *restrict f1 = o->f1, *restrict f2 = o->f2;
    const double *restrict speed = o->speed;
    double *restrict ratio = o->ratio;
#pragma omp simd
    for (int c = 0; c < nb; c++) {
        double radius = lean_radius(x0[c], y0[c], x1[c], y1[c], x2[c], y2[c]);
        double inverse = 1.0 / area_of(o, c);
        f0[c] *= inverse;
        f1[c] *= inverse;
        f2[c] *= inverse;
        double q = radius / speed[c];
        ratio[c] = speed[c] > epsilon ? q : 1.0e100;
    }
    if (inscribed)
        for (int c = 0; c < nb; c++) {
            double radius = lean_inscribed_radius(area_of(o, c),
                                                  lean_length(x1[c] - x2[c], y1[c] - y2[c]),
                                                  lean_length(x2[c] - x0[c], y2[c] - y0[c]),
                                                  lean_length(x0[c] - x1[c], y0[c] - y1[c]));
            ratio[c] = speed[c] > epsilon ? radius / speed[c] : 1.0e100;
        }
    if (r->full)
        for (int c = 0; c < nb; c++)
            if (!r->full[o->member[c]])
                ratio[c] = 1.0e100;
    return smallest_of(ratio, nb);
}

/* Write the fluxes to r's work arrays.  IN f0, f1, f2. */
LEAN_PHASE void store_fluxes(const lean_run *r, const opened *o)
{
    scatter_own(o, o->f0, r->stage_work);
    scatter_own(o, o->f1, r->xmomentum_work);
    scatter_own(o, o->f2, r->ymomentum_work);
}

#endif
