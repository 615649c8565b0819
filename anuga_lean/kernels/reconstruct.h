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

/* Edge states of triangles from..to-1 of NL, as if each had at most one boundary edge and none
 * prescribed.  ordered: the order of ANUGA's loop shows, see load_ranks.
 * IN  what load leaves; rank if ordered
 * OUT iso, sw, suh, svh, sh, sz of the triangles' edges */
LEAN_INLINE void limit_some(const lean_run *r, const opened *o, int ordered, int from, int to)
{
    const lean_local NL = o->NL;
    const lean_parameters P = r->p;
    const lean_local *restrict k0 = o->k0, *restrict k1 = o->k1, *restrict k2 = o->k2;
    const int32_t *restrict rank = o->rank, *restrict member = o->member;
    const double *restrict w = o->w, *restrict h = o->h, *restrict u = o->u, *restrict v = o->v;
    double *restrict iso = o->iso;
    double *restrict sw = o->sw, *restrict suh = o->suh, *restrict svh = o->svh,
           *restrict sh = o->sh, *restrict sz = o->sz;
#pragma omp simd
    for (lean_local c = from; c < to; c++) {
        lean_local a = k0[c], b = k1[c], d = k2[c];
        lean_stencil s = stencil_of(o, c);
        double hc = h[c], h0 = h[a], h1 = h[b], h2 = h[d];
        lean_local alone = lean_is_cut_off(h0, a == c, P.h_min) &
                           lean_is_cut_off(h1, b == c, P.h_min) &
                           lean_is_cut_off(h2, d == c, P.h_min);
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
        double beta = lean_strength(P.beta_w_dry, P.beta_w, wet);
        double W0, W1, W2, H0, H1, H2, U0, U1, U2, V0, V1, V2;
        lean_limited_edges(w[c], w[a], w[b], w[d], s, beta, &W0, &W1, &W2);
        lean_limited_edges(hc, h0, h1, h2, s, beta, &H0, &H1, &H2);
        sw[c] = W0; sw[NL + c] = W1; sw[2 * NL + c] = W2;
        sh[c] = H0; sh[NL + c] = H1; sh[2 * NL + c] = H2;
        sz[c] = W0 - H0; sz[NL + c] = W1 - H1; sz[2 * NL + c] = W2 - H2;
        beta = lean_strength(P.beta_uh_dry, P.beta_uh, wet);
        lean_limited_edges(uc, ua, ub, ud, s, beta, &U0, &U1, &U2);
        suh[c] = U0 * H0; suh[NL + c] = U1 * H1; suh[2 * NL + c] = U2 * H2;
        beta = lean_strength(P.beta_vh_dry, P.beta_vh, wet);
        lean_limited_edges(vc, va, vb, vd, s, beta, &V0, &V1, &V2);
        svh[c] = V0 * H0; svh[NL + c] = V1 * H1; svh[2 * NL + c] = V2 * H2;
    }
}

/* limit_some of all where the order of ANUGA's loop does not show: no dry limiter above zero. */
LEAN_PHASE void reconstruct(const lean_run *r, const opened *o)
{
    limit_some(r, o, 0, 0, o->NL);
}

/* The same of triangles from..to-1. */
LEAN_PHASE void reconstruct_some(const lean_run *r, const opened *o, int from, int to)
{
    limit_some(r, o, 0, from, to);
}

/* limit_some of all where it does. */
LEAN_PHASE void reconstruct_in_order(const lean_run *r, const opened *o)
{
    limit_some(r, o, 1, 0, o->NL);
}

/* Write which own triangles are isolated.  IN iso; OUT r->isolated of these */
static void store_isolated(const lean_run *r, const opened *o)
{
    for (int c = 0; c < o->nb; c++)
        r->isolated[o->member[c]] = o->iso[c] != 0.0;
}

/* Write the edge states of local triangle c.
 * IN e edge values of stage, depth, m, and velocities, m/s; OUT its entries of sw to sz */
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

/* The triangles of block b with prescribed edges once more, one by one.
 * IN iso and what reconstruct read; OUT edge states of those whose values are bounded */
LEAN_PHASE void reconstruct_prescribed(const lean_run *r, const opened *o, int b, int ordered)
{
    const lean_prescribed *p = &r->prescribed;
    for (int64_t j = p->offset[b]; j < p->offset[b + 1]; j++) {
        int c = p->triangle[j], alone = o->iso[c] != 0.0;
        const int near[4] = {c, (int)o->k0[c], (int)o->k1[c], (int)o->k2[c]};
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

/* 1 if ear c sees its neighbour n (local indices) at rest: ANUGA's loop came to n before, and
 * every surrogate neighbour of n is dry.
 * IN far original indices of those, -1 where there is none */
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

/* The ears of the block and its first ring once more, one by one; here a triangle without any
 * neighbour counts as one: it is constant.
 * IN iso and what reconstruct read; OUT their edge states */
LEAN_PHASE void reconstruct_ears(const lean_run *r, const opened *o)
{
    const lean_mesh *m = r->mesh;
    for (int j = 0; j < o->block->n_ear; j++) {
        int64_t q = o->block->ear + j;
        int c = m->ear_triangle[q], n = m->ear_neighbour[q];
        int alone = o->iso[c] != 0.0;
        double own[4] = {o->w[c], o->h[c], alone ? 0.0 : o->u[c], alone ? 0.0 : o->v[c]};
        double e[4][3];
        if (n == c) {
            for (int a = 0; a < 4; a++)
                e[a][0] = e[a][1] = e[a][2] = own[a];
        } else {
            int rest = neighbour_at_rest(r, o, c, n, m->ear_far + 3 * q);
            double other[4] = {o->w[n], o->h[n], rest ? 0.0 : o->u[n], rest ? 0.0 : o->v[n]};
            lean_ear_stencil s = ear_stencil_of(o, c, n);
            for (int a = 0; a < 4; a++)
                lean_ear_edges(own[a], other[a], s, r->p.beta_w, e[a]);
        }
        keep_edges(o, c, e);
    }
}

#endif
