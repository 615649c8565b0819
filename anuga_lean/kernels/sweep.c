/* One pass over the mesh: reconstruct the edge values of a block of triangles
 * in the thread's arena and turn them into fluxes.
 *
 * Owns the order of operations inside a block.  Bit identity with ANUGA 4.1.0
 * rests on: edges taken as i = 0, 1, 2, each adding its flux and then
 * subtracting its pressure term; both sides of an edge evaluated; the division
 * by the area last.  See limiter.h and central_flux.h for the formulas.
 */
#include <omp.h>
#include <string.h>

#include "block.h"
#include "central_flux.h"
#include "isa.h"
#include "predictor.h"
#include "prescribed.h"
#include "riverwalls.h"
#include "tracers.h"
#include "update_chunk.h"

/* What the reconstruction of local triangle c needs of its geometry. */
LEAN_INLINE lean_stencil stencil_of(const opened *o, int c)
{
    int a = o->k0[c], b = o->k1[c], d = o->k2[c];
    double x = o->cx[c], y = o->cy[c], xa = o->cx[a], ya = o->cy[a];
    lean_stencil s;
    s.ex0 = lean_midpoint(o->x1[c], o->x2[c]) - x; s.ey0 = lean_midpoint(o->y1[c], o->y2[c]) - y;
    s.ex1 = lean_midpoint(o->x2[c], o->x0[c]) - x; s.ey1 = lean_midpoint(o->y2[c], o->y0[c]) - y;
    s.ex2 = lean_midpoint(o->x0[c], o->x1[c]) - x; s.ey2 = lean_midpoint(o->y0[c], o->y1[c]) - y;
    s.dx1 = o->cx[b] - xa; s.dx2 = o->cx[d] - xa;
    s.dy1 = o->cy[b] - ya; s.dy2 = o->cy[d] - ya;
    s.inverse_area2 = 1.0 / (s.dy2 * s.dx1 - s.dy1 * s.dx2);
    return s;
}

LEAN_INLINE void reconstruct(const lean_run *r, const opened *o, int ordered)
{
    const int NL = o->NL;
    const lean_parameters P = r->p;
    const int32_t *restrict k0 = o->k0, *restrict k1 = o->k1, *restrict k2 = o->k2;
    const int32_t *restrict rank = o->rank, *restrict member = o->member;
    const double *restrict x0 = o->x0, *restrict x1 = o->x1, *restrict x2 = o->x2;
    const double *restrict y0 = o->y0, *restrict y1 = o->y1, *restrict y2 = o->y2;
    const double *restrict cx = o->cx, *restrict cy = o->cy;
    const double *restrict w = o->w, *restrict h = o->h, *restrict u = o->u, *restrict v = o->v;
    double *restrict iso = o->iso;
    double *restrict sw = o->sw, *restrict suh = o->suh, *restrict svh = o->svh,
           *restrict sh = o->sh, *restrict sz = o->sz;
#pragma omp simd
    for (int c = 0; c < NL; c++) {
        int a = k0[c], b = k1[c], d = k2[c];
        double x = cx[c], y = cy[c], xa = cx[a], ya = cy[a];
        lean_stencil s;
        s.ex0 = lean_midpoint(x1[c], x2[c]) - x; s.ey0 = lean_midpoint(y1[c], y2[c]) - y;
        s.ex1 = lean_midpoint(x2[c], x0[c]) - x; s.ey1 = lean_midpoint(y2[c], y0[c]) - y;
        s.ex2 = lean_midpoint(x0[c], x1[c]) - x; s.ey2 = lean_midpoint(y0[c], y1[c]) - y;
        s.dx1 = cx[b] - xa; s.dx2 = cx[d] - xa;
        s.dy1 = cy[b] - ya; s.dy2 = cy[d] - ya;
        s.inverse_area2 = 1.0 / (s.dy2 * s.dx1 - s.dy1 * s.dx2);
        double hc = h[c], h0 = h[a], h1 = h[b], h2 = h[d];
        int alone = ((h0 < P.h_min) | (a == c)) & ((h1 < P.h_min) | (b == c)) &
                    ((h2 < P.h_min) | (d == c));
        double uc = u[c], vc = v[c];
        uc = alone ? 0.0 : uc;
        vc = alone ? 0.0 : vc;
        iso[c] = alone ? 1.0 : 0.0;
        double ua = u[a], ub = u[b], ud = u[d], va = v[a], vb = v[b], vd = v[d];
        if (ordered) {
            int me = member[c];
            int ra = rank[a] < me, rb = rank[b] < me, rd = rank[d] < me;
            ua = ra ? 0.0 : ua; va = ra ? 0.0 : va;
            ub = rb ? 0.0 : ub; vb = rb ? 0.0 : vb;
            ud = rd ? 0.0 : ud; vd = rd ? 0.0 : vd;
            /* a triangle is its own neighbour at a boundary: it has zeroed itself */
            ua = a == c ? uc : ua; va = a == c ? vc : va;
            ub = b == c ? uc : ub; vb = b == c ? vc : vb;
            ud = d == c ? uc : ud; vd = d == c ? vc : vd;
        }
        double wet = lean_wetness(hc, h0, h1, h2, P.h_min);
        double beta = P.beta_w_dry + (P.beta_w - P.beta_w_dry) * wet;
        double W0, W1, W2, H0, H1, H2, U0, U1, U2, V0, V1, V2;
        lean_limited_edges(w[c], w[a], w[b], w[d], &s, beta, &W0, &W1, &W2);
        lean_limited_edges(hc, h0, h1, h2, &s, beta, &H0, &H1, &H2);
        beta = P.beta_uh_dry + (P.beta_uh - P.beta_uh_dry) * wet;
        lean_limited_edges(uc, ua, ub, ud, &s, beta, &U0, &U1, &U2);
        beta = P.beta_vh_dry + (P.beta_vh - P.beta_vh_dry) * wet;
        lean_limited_edges(vc, va, vb, vd, &s, beta, &V0, &V1, &V2);
        sw[c] = W0; sw[NL + c] = W1; sw[2 * NL + c] = W2;
        sh[c] = H0; sh[NL + c] = H1; sh[2 * NL + c] = H2;
        suh[c] = U0 * H0; suh[NL + c] = U1 * H1; suh[2 * NL + c] = U2 * H2;
        svh[c] = V0 * H0; svh[NL + c] = V1 * H1; svh[2 * NL + c] = V2 * H2;
        sz[c] = W0 - H0; sz[NL + c] = W1 - H1; sz[2 * NL + c] = W2 - H2;
    }
}

/* Keep the edge values of stage, depth and velocities, e[4][3], of local triangle c. */
static void keep_edges(const opened *o, int c, double e[4][3])
{
    for (int i = 0; i < 3; i++) {
        int t = i * o->NL + c;
        o->sw[t] = e[0][i];
        o->sh[t] = e[1][i];
        o->suh[t] = e[2][i] * e[1][i];
        o->svh[t] = e[3][i] * e[1][i];
        o->sz[t] = e[0][i] - e[1][i];
    }
}

/* Triangles with prescribed edges, one by one. */
static void reconstruct_prescribed(const lean_run *r, const opened *o, int b, int ordered)
{
    const lean_prescribed *p = &r->prescribed;
    for (int64_t j = p->offset[b]; j < p->offset[b + 1]; j++) {
        int c = p->triangle[j], alone = o->iso[c] != 0.0;
        const int near[4] = {c, o->k0[c], o->k1[c], o->k2[c]};
        lean_vicinity q;
        lean_bounds bounds;
        double e[4][3];
        for (int i = 0; i < 4; i++) {
            int m = near[i], rest = m == c ? alone : ordered && o->rank[m] < o->member[c];
            q.w[i] = o->w[m];
            q.h[i] = o->h[m];
            q.u[i] = rest ? 0.0 : o->u[m];
            q.v[i] = rest ? 0.0 : o->v[m];
            q.z[i] = r->elevation[o->member[m]];
        }
        lean_stencil s = stencil_of(o, c);
        if (!lean_find_bounds(p, p->place + 3 * j, &s, &q, &bounds))
            continue;
        lean_edges_within(&r->p, &bounds, &s, &q, e);
        keep_edges(o, c, e);
    }
}

/* 1 if the corner's neighbour (local index n) has zeroed itself before c. */
static int neighbour_at_rest(const lean_run *r, const opened *o, int c, int n, const int32_t *far)
{
    if (o->member[n] > o->member[c])
        return 0;
    for (int i = 0; i < 3; i++)
        if (far[i] >= 0) {
            double w, uh, vh;
            lean_raw_state(r, far[i], &w, &uh, &vh);
            if (!(lean_effective_depth(w, r->elevation[far[i]]) < r->p.h_min))
                return 0;
        }
    return 1;
}

/* Triangles with two or three boundary edges, one by one. */
static void reconstruct_corners(const lean_run *r, const opened *o)
{
    const lean_mesh *m = r->mesh;
    for (int j = 0; j < o->block->n_corner; j++) {
        int64_t q = o->block->corner + j;
        int c = m->corner_triangle[q], n = m->corner_neighbour[q];
        int alone = o->iso[c] != 0.0;
        double own[4] = {o->w[c], o->h[c], alone ? 0.0 : o->u[c], alone ? 0.0 : o->v[c]};
        double e[4][3];
        if (n == c) {
            for (int a = 0; a < 4; a++)
                e[a][0] = e[a][1] = e[a][2] = own[a];
        } else {
            int rest = neighbour_at_rest(r, o, c, n, m->corner_far + 3 * q);
            double other[4] = {o->w[n], o->h[n], rest ? 0.0 : o->u[n], rest ? 0.0 : o->v[n]};
            corner_stencil s = stencil_of_corner(o, c, n);
            for (int a = 0; a < 4; a++)
                lean_corner_edges(own[a], other[a], s.gx, s.gy, s.ex, s.ey, r->p.beta_w, e[a]);
        }
        keep_edges(o, c, e);
    }
}

/* ADER-2: advance the edge values by r->predictor_dt.  The bed at the edges is
 * left as it is.                                                             */
static void advance_edges(const lean_run *r, const opened *o)
{
    const int NL = o->NL, sloped = r->p.sloped;
    const double g = r->p.g, h_min = r->p.h_min, dt = r->predictor_dt;
    double *restrict dw = o->shift.dw, *restrict duh = o->shift.duh, *restrict dvh = o->shift.dvh;
    double *restrict steep = o->shift.steep, *restrict eta = o->shift.eta;
    double *restrict regular = o->shift.regular, *restrict wanted = o->shift.wanted;
    double *restrict power = o->shift.power;
    const double *restrict x0 = o->x0, *restrict x1 = o->x1, *restrict x2 = o->x2;
    const double *restrict y0 = o->y0, *restrict y1 = o->y1, *restrict y2 = o->y2;
    const double *restrict cx = o->cx, *restrict cy = o->cy, *restrict w = o->w, *restrict h = o->h,
                 *restrict u = o->u, *restrict v = o->v, *restrict iso = o->iso;
    double *restrict sw = o->sw, *restrict sh = o->sh, *restrict suh = o->suh, *restrict svh = o->svh;
    for (int c = 0; c < NL; c++)
        eta[c] = r->friction[o->member[c]];
#pragma omp simd
    for (int c = 0; c < NL; c++) {
        double x = cx[c], y = cy[c], uc = u[c], vc = v[c], drag = eta[c];
        int alone = iso[c] != 0.0;
        uc = alone ? 0.0 : uc;
        vc = alone ? 0.0 : vc;
        lean_slopes s = {lean_midpoint(x1[c], x2[c]) - x, lean_midpoint(y1[c], y2[c]) - y,
                         lean_midpoint(x2[c], x0[c]) - x, lean_midpoint(y2[c], y0[c]) - y,
                         w[c], h[c], uc, vc,
                         sw[c], sw[NL + c], sh[c], sh[NL + c],
                         suh[c], suh[NL + c], svh[c], svh[NL + c]};
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

static void edge_ends(const opened *o, int c, int i, double *dx, double *dy)
{
    const double *x[3] = {o->x0, o->x1, o->x2}, *y[3] = {o->y0, o->y1, o->y2};
    int a = (i + 1) % 3, b = (i + 2) % 3;
    *dx = x[b][c] - x[a][c];
    *dy = y[b][c] - y[a][c];
}

/* States beyond the boundary edges: reflected here, or what the boundary
 * objects wrote.  At any boundary the bed is the inner one.                  */
static void load_boundary(const lean_run *r, const opened *o)
{
    const lean_mesh *m = r->mesh;
    for (int j = 0; j < o->block->n_boundary; j++) {
        int t = m->boundary_slot[o->block->boundary + j], i = t / o->NL, c = t % o->NL;
        int32_t id = m->boundary_index[o->block->boundary + j];
        int d = 3 * o->NL + j;
        if (r->reflective[id]) {
            double dx, dy, n1, n2, p = o->suh[t], q = o->svh[t];
            edge_ends(o, c, i, &dx, &dy);
            double length = lean_length(dx, dy);
            n1 = lean_normal_x(dy, length);
            n2 = lean_normal_y(dx, length);
            double r1 = -p * n1 - q * n2, r2 = -p * n2 + q * n1;
            o->sw[d] = o->sw[t];
            o->suh[d] = n1 * r1 - n2 * r2;
            o->svh[d] = n2 * r1 + n1 * r2;
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

LEAN_INLINE void flux_edge(const lean_run *r, const opened *o, int i, int low_froude,
                           int tangential)
{
    const int nb = o->nb, NL = o->NL;
    const double g = r->p.g, epsilon = r->p.epsilon;
    const double *const x[3] = {o->x0, o->x1, o->x2}, *const y[3] = {o->y0, o->y1, o->y2};
    const double *restrict xa = x[(i + 1) % 3], *restrict xb = x[(i + 2) % 3];
    const double *restrict ya = y[(i + 1) % 3], *restrict yb = y[(i + 2) % 3];
    const double *sw = o->sw, *suh = o->suh, *svh = o->svh, *sh = o->sh, *sz = o->sz;
    const double *restrict h = o->h;
    const int32_t *restrict slot = o->t0 + (size_t)i * nb;
    double *restrict f0 = o->f0, *restrict f1 = o->f1, *restrict f2 = o->f2,
           *restrict speed = o->speed, *restrict mass = o->mass + (size_t)i * nb;
    const double *restrict zc_ = o->bed;
#pragma omp simd
    for (int c = 0; c < nb; c++) {
        int t = slot[c], s = i * NL + c;
        double dx = xb[c] - xa[c], dy = yb[c] - ya[c];
        double length = lean_length(dx, dy);
        double n1 = lean_normal_x(dy, length), n2 = lean_normal_y(dx, length);
        lean_edge_state left = {sw[s], suh[s], svh[s], sh[s], sz[s]};
        lean_edge_state right = {sw[t], suh[t], svh[t], sh[t], sz[t]};
        lean_edge_flux f = lean_central_flux(left, right, n1, n2, g, epsilon, low_froude,
                                             tangential);
        double a0 = f.f0 * -length, a1 = f.f1 * -length, a2 = f.f2 * -length;
        double pressure = length * (-g * 0.5 * (f.h_left * f.h_left - left.h * left.h -
                                                (left.h + h[c]) * (left.z - zc_[c])) +
                                    f.pressure);
        mass[c] = a0;
        f0[c] = f0[c] + a0;
        double m1 = f1[c] + a1, m2 = f2[c] + a2;
        f1[c] = m1 - n1 * pressure;
        f2[c] = m2 - n2 * pressure;
        speed[c] = lean_max(speed[c], f.speed);
    }
}

static void fluxes(const lean_run *r, const opened *o)
{
    const int nb = o->nb;
    memset(o->f0, 0, sizeof(double) * nb);
    memset(o->f1, 0, sizeof(double) * nb);
    memset(o->f2, 0, sizeof(double) * nb);
    memset(o->speed, 0, sizeof(double) * nb);
    gather_own(o, r->elevation, o->bed);
    for (int i = 0; i < 3; i++)
        switch (r->p.low_froude | r->p.tangential << 2) {
        case 0: flux_edge(r, o, i, 0, 0); break;
        case 1: flux_edge(r, o, i, 1, 0); break;
        case 2: flux_edge(r, o, i, 2, 0); break;
        case 4: flux_edge(r, o, i, 0, 1); break;
        case 5: flux_edge(r, o, i, 1, 1); break;
        default: flux_edge(r, o, i, 2, 1); break;
        }
}

/* The flux over edge i of own triangle c with a riverwall on it; wall is its
 * place, -1 for an edge without.  Adds to the block's fluxes.                */
static void flux_beside_wall(const lean_run *r, const opened *o, int c, int i, int32_t wall)
{
    const int NL = o->NL, s = i * NL + c, t = o->t0[(size_t)i * o->nb + c];
    const int outside = t >= 3 * NL, n = outside ? c : t % NL;
    const double g = r->p.g, z = r->elevation[o->member[c]], zn = r->elevation[o->member[n]];
    double dx, dy;
    edge_ends(o, c, i, &dx, &dy);
    double length = lean_length(dx, dy), n1 = lean_normal_x(dy, length), n2 = lean_normal_y(dx, length);
    lean_edge_state left = {o->sw[s], o->suh[s], o->svh[s], o->sh[s], o->sz[s]};
    lean_edge_state right = {o->sw[t], o->suh[t], o->svh[t], o->sh[t], o->sz[t]};
    double ze = lean_max(left.z, right.z), crest = wall < 0 ? ze : r->walls.elevation[wall];
    ze = lean_max(crest, ze);
    lean_edge_flux f = lean_central_flux_over(ze, left, right, n1, n2, g, r->p.epsilon,
                                              r->p.low_froude, r->p.tangential);
    if (wall >= 0 && crest > lean_max(z, zn)) {
        lean_wall_edge e = {crest, ze, left.z, right.z, o->w[c],
                            outside ? o->h[c] + right.z : o->w[n],
                            r->walls.properties + r->walls.row[wall] * r->walls.columns,
                            r->walls.columns > 5};
        lean_weir(&e, g, &f);
        lean_seepage(&e, g, &f);
    }
    double a0 = f.f0 * -length, a1 = f.f1 * -length, a2 = f.f2 * -length;
    double pressure = length * (-g * 0.5 * (f.h_left * f.h_left - left.h * left.h -
                                            (left.h + o->h[c]) * (left.z - z)) +
                                f.pressure);
    o->mass[(size_t)i * o->nb + c] = a0;
    o->f0[c] += a0;
    o->f1[c] += a1;
    o->f2[c] += a2;
    o->f1[c] -= n1 * pressure;
    o->f2[c] -= n2 * pressure;
    o->speed[c] = lean_max(o->speed[c], f.speed);
}

/* Triangles at riverwalls once more, one by one: the sum over a triangle's
 * edges must be taken in their order.                                        */
static void fluxes_beside_walls(const lean_run *r, const opened *o, int b)
{
    for (int64_t j = r->walls.offset[b]; j < r->walls.offset[b + 1]; j++) {
        int c = r->walls.triangle[j];
        o->f0[c] = o->f1[c] = o->f2[c] = o->speed[c] = 0.0;
        for (int i = 0; i < 3; i++)
            flux_beside_wall(r, o, c, i, r->walls.place[3 * j + i]);
    }
}

/* Mass fluxes that boundary_flux_sum adds up, put where the summing order wants. */
static void count_fluxes(const lean_run *r, const opened *o, int b)
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

/* The least of n values, 1e100 if there are none; eight lanes by hand. */
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

/* Divide by the area; the block's smallest radius over speed. */
static double finish_fluxes(const lean_run *r, const opened *o)
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
        double area = lean_area(x0[c], y0[c], x1[c], y1[c], x2[c], y2[c]);
        double radius = lean_radius(x0[c], y0[c], x1[c], y1[c], x2[c], y2[c]);
        double inverse = 1.0 / area;
        f0[c] *= inverse;
        f1[c] *= inverse;
        f2[c] *= inverse;
        double q = radius / speed[c];
        ratio[c] = speed[c] > epsilon ? q : 1.0e100;
    }
    if (inscribed)
        for (int c = 0; c < nb; c++) {
            double area = lean_area(x0[c], y0[c], x1[c], y1[c], x2[c], y2[c]);
            double radius = lean_inscribed_radius(area, lean_length(x1[c] - x2[c], y1[c] - y2[c]),
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

/* ANUGA's sloped Manning factor S, from the bed the edge values imply. */
static void slope_friction(const lean_run *r, const opened *o)
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
                S = -r->p.g * eta * eta * zs * sqrt(uh * uh + vh * vh);
                S /= pow(depth, 7.0 / 3.0);
            }
        }
        r->friction_slope[m] = S;
    }
}

static void store_fluxes(const lean_run *r, const opened *o)
{
    scatter_own(o, o->f0, r->stage_work);
    scatter_own(o, o->f1, r->xmomentum_work);
    scatter_own(o, o->f2, r->ymomentum_work);
}

/* RK2, second stage: the block's new state averaged with the backup that the
 * work arrays hold.  Leaves the new stage in height for the volume check.    */
static void second_stage(const lean_run *r, const opened *o, double dt, lean_update_result *result)
{
    const int nb = o->nb;
    const int32_t *restrict member = o->member;
    double *w = o->next.w, *uh = o->next.uh, *vh = o->next.vh, *z = o->next.z, *eta = o->next.eta,
           *temp = o->next.temp;
    uint8_t *iso = o->next.still, *full = o->next.full;
    gather_own(o, r->stage, w);
    gather_own(o, r->xmomentum, uh);
    gather_own(o, r->ymomentum, vh);
    gather_own(o, r->elevation, z);
    gather_own(o, r->friction_slope ? r->friction_slope : r->friction, eta);
    if (r->n_undo > 0)
        for (int c = 0; c < nb; c++)
            lean_raw_state(r, member[c], w + c, uh + c, vh + c);
    for (int c = 0; c < nb; c++) {
        iso[c] = o->iso[c] != 0.0;
        full[c] = r->full ? r->full[member[c]] : 1;
    }
    lean_chunk k = {nb, w, uh, vh, z, eta, iso, r->full ? full : NULL,
                    o->f0, o->f1, o->f2, NULL, NULL, NULL, r->friction_slope != NULL, NULL, NULL, NULL, 0, 0};
    lean_update_chunk(&r->p, &k, dt, temp);
    if (k.n_negative > 0)
        for (int c = 0; c < nb; c++)
            if (k.deficit[c] > 0.0)
                result->negative_volume += k.deficit[c] * lean_area(o->x0[c], o->y0[c], o->x1[c],
                                                                    o->y1[c], o->x2[c], o->y2[c]);
    result->n_negative += k.n_negative;
    double *restrict a = r->stage_work, *restrict b = r->xmomentum_work, *restrict d = r->ymomentum_work;
    for (int c = 0; c < nb; c++) {
        int32_t m = member[c];
        r->height[m] = w[c];
        a[m] = 0.5 * w[c] + 0.5 * a[m];
        b[m] = 0.5 * uh[c] + 0.5 * b[m];
        d[m] = 0.5 * vh[c] + 0.5 * d[m];
    }
}

static double sweep_block(const lean_run *r, int b, int mode, double dt, double *arena,
                          lean_update_result *result)
{
    opened o;
    open_block(r, b, arena, &o);
    load_geometry(r->mesh, &o);
    load_state(r, &o);
    load_neighbours(r->mesh, &o);
    const int ordered = r->p.beta_w_dry > 0.0 || r->p.beta_uh_dry > 0.0 || r->p.beta_vh_dry > 0.0;
    if (ordered) {
        load_ranks(r, &o);
        reconstruct(r, &o, 1);
    } else {
        reconstruct(r, &o, 0);
        if (mode < LEAN_SPEEDS)
            for (int c = 0; c < o.nb; c++)
                r->isolated[o.member[c]] = o.iso[c] != 0.0;
    }
    if (r->prescribed.offset)
        reconstruct_prescribed(r, &o, b, ordered);
    reconstruct_corners(r, &o);
    if (mode == LEAN_TRACER_EDGES) {
        carry_tracers(r, &o, 1);
        return 0.0;
    }
    if (r->predictor_dt != 0.0)
        advance_edges(r, &o);
    load_boundary(r, &o);
    fluxes(r, &o);
    if (r->walls.offset)
        fluxes_beside_walls(r, &o, b);
    if (r->tracers.count > 0 && mode != LEAN_SPEEDS)
        carry_tracers(r, &o, 0);
    if (mode != LEAN_SPEEDS)
        count_fluxes(r, &o, b);
    double smallest = finish_fluxes(r, &o);
    if (r->max_speed && mode != LEAN_SECOND_STAGE)
        for (int c = 0; c < o.nb; c++)
            r->max_speed[o.member[c]] = o.speed[c];
    if (mode == LEAN_SPEEDS)
        return smallest;
    if (r->friction_slope)
        slope_friction(r, &o);
    if (mode == LEAN_FLUXES)
        store_fluxes(r, &o);
    else
        second_stage(r, &o, dt, result);
    return smallest;
}

double LEAN_FOR(sweep)(const lean_run *r, int mode, double dt, lean_update_result *result)
{
    double smallest = 1.0e100, volume = 0.0;
    int64_t negative = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(r->n_threads) \
    reduction(min : smallest) reduction(+ : negative, volume)
    for (int b = 0; b < r->mesh->n_blocks; b++) {
        double q;
        if (mode == LEAN_FLUXES && !r->block_active[b]) {
            q = r->block_timestep[b];
        } else {
            lean_update_result part = {0, 0.0};
            double *arena = r->scratch + (size_t)omp_get_thread_num() * r->scratch_stride;
            q = sweep_block(r, b, mode, dt, arena, &part);
            if (mode < LEAN_SPEEDS)
                r->block_timestep[b] = q;
            negative += part.n_negative;
            volume += part.negative_volume;
        }
        smallest = q < smallest ? q : smallest;
    }
    if (result) {
        result->n_negative = negative;
        result->negative_volume = volume;
    }
    return smallest;
}
