/* The edge values of an opened block: every triangle of NL by the limiter, then those few
 * once more, one by one, that prescribed values bound or that have one neighbour or none.
 *
 * Owns the loops over a block and what a triangle sees of its neighbours; the formulas of
 * one triangle are in limiter.h and prescribed.h.
 */
#ifndef LEAN_RECONSTRUCT_H
#define LEAN_RECONSTRUCT_H

#include "block.h"
#include "prescribed.h"

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

LEAN_INLINE void limit_all(const lean_run *r, const opened *o, int ordered)
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

/* The same where the order of ANUGA's loop shows: a dry limiter is above zero. */
LEAN_PHASE void reconstruct_in_order(const lean_run *r, const opened *o)
{
    limit_all(r, o, 1);
}

LEAN_PHASE void reconstruct(const lean_run *r, const opened *o)
{
    limit_all(r, o, 0);
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
LEAN_PHASE void reconstruct_prescribed(const lean_run *r, const opened *o, int b, int ordered)
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
LEAN_PHASE void reconstruct_corners(const lean_run *r, const opened *o)
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

#endif
