/* Edge values of single triangles, and the boundary values of reflective walls:
 * what boundary objects and users ask for between the kernels.
 *
 * The same reconstruction as reconstruct.h, one triangle at a time; for the whole
 * mesh it costs several times a sweep.
 */
#include <math.h>
#include <string.h>

#include "effective.h"
#include "place.h"
#include "predictor.h"
#include "prescribed.h"

/* One triangle with its surrogate neighbours, by local index in its block. */
typedef struct {
    const lean_run *r;
    const lean_block *block;
    int n_own, NL, c;
    int neighbour[3], n_boundary;
    double x[3], y[3];        /* vertices, m */
} located;

/* The surrogate neighbours of local triangle c, below NL, itself where there is none.
 * OUT out; returns how many are itself. */
static int local_neighbours(const located *t, int c, int out[3])
{
    const lean_mesh *m = t->r->mesh;
    for (int i = 0; i < 3; i++) {
        if (c < t->n_own) {
            int s = m->flux_slot[t->block->flux_slot + (int64_t)i * t->n_own + c];
            out[i] = s >= 3 * t->NL ? c : s % t->NL;
        } else {
            out[i] = m->ring_neighbour[t->block->ring_neighbour +
                                       (int64_t)i * t->block->n_ring1 + (c - t->n_own)];
        }
    }
    if (c < t->n_own)
        for (int e = 0; e < t->block->n_exception; e++) {
            int s = m->exception_slot[t->block->exception + e];
            if (s % t->n_own == c)
                out[s / t->n_own] = m->exception_neighbour[t->block->exception + e];
        }
    return (out[0] == c) + (out[1] == c) + (out[2] == c);
}

/* Find triangle k, in range.  OUT t */
static void locate(const lean_run *r, int64_t k, located *t)
{
    const lean_mesh *m = r->mesh;
    const lean_place at = lean_place_of(m, k);
    t->r = r;
    t->block = at.block;
    t->c = at.c;
    t->n_own = at.block->n_own;
    t->NL = lean_local_count(at.block);
    t->n_boundary = local_neighbours(t, t->c, t->neighbour);
    lean_vertices_of(m, at.block, at.c, t->x, t->y);
}

/* OUT q: stage, depth, velocities of local triangle c, before any isolated-triangle rule. */
static void effective_state(const located *t, int c, double q[4])
{
    const lean_run *r = t->r;
    int32_t m = r->mesh->member[t->block->member + c];
    double w, uh, vh;
    lean_raw_state(r, m, &w, &uh, &vh);
    lean_effective e = lean_effective_of(w, uh, vh, r->elevation[m], r->p.h_min);
    q[0] = e.w;
    q[1] = e.h;
    q[2] = e.u;
    q[3] = e.v;
}

/* 1 if local triangle c, below NL, is isolated. */
static int is_alone(const located *t, int c)
{
    int n[3];
    local_neighbours(t, c, n);
    for (int i = 0; i < 3; i++) {
        double q[4];
        if (n[i] == c)
            continue;
        effective_state(t, n[i], q);
        if (!(q[1] < t->r->p.h_min))
            return 0;
    }
    return 1;
}

/* OUT q: effective_state of the triangle itself, at rest if it is isolated. */
static void own_state(const located *t, double q[4])
{
    effective_state(t, t->c, q);
    if (is_alone(t, t->c))
        q[2] = q[3] = 0.0;
}

/* The centroid of local triangle c, m.  OUT x, y */
static void centroid_of(const located *t, int c, double *x, double *y)
{
    double X[3], Y[3];
    lean_vertices_of(t->r->mesh, t->block, c, X, Y);
    *x = lean_centroid(X[0], X[1], X[2]);
    *y = lean_centroid(Y[0], Y[1], Y[2]);
}

/* From the triangle's centroid (x, y) to the middles of its edges, m. */
static lean_arms arms_of(const located *t, double x, double y)
{
    return lean_arms_of(t->x[0], t->x[1], t->x[2], t->y[0], t->y[1], t->y[2], x, y);
}

/* Places of the triangle's prescribed edges, NULL if it has none. */
static const int32_t *prescribed_places(const located *t)
{
    const lean_prescribed *p = &t->r->prescribed;
    if (!p->offset)
        return NULL;
    int64_t b = t->block - t->r->mesh->block, low = p->offset[b], high = p->offset[b + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (p->triangle[middle] < t->c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->offset[b + 1] && p->triangle[low] == t->c ? p->place + 3 * low : NULL;
}

/* Edge values where prescribed ones bound them; returns 0 if none does here.
 * IN place from prescribed_places; q, n: state of the triangle and of its neighbours; OUT e */
static int edges_within(const located *t, const int32_t place[3], const lean_stencil *s,
                        const double q[4], double n[3][4], double e[4][3])
{
    const lean_run *r = t->r;
    const int32_t *member = r->mesh->member + t->block->member;
    lean_vicinity near;
    lean_bounds bounds;
    for (int i = 0; i < 4; i++) {
        const double *state = i == 0 ? q : n[i - 1];
        near.w[i] = state[0];
        near.h[i] = state[1];
        near.u[i] = state[2];
        near.v[i] = state[3];
        near.z[i] = r->elevation[member[i == 0 ? t->c : t->neighbour[i - 1]]];
    }
    if (!lean_find_bounds(&r->prescribed, place, s, &near, &bounds))
        return 0;
    lean_edges_within(&r->p, &bounds, s, &near, e);
    return 1;
}

/* Edge values of a triangle with at most one boundary edge.
 * IN its stencil, its state q and its neighbours' n; OUT e as edges_of */
static void limited_edges(const located *t, const lean_stencil *s, const double q[4],
                          double n[3][4], double e[4][3])
{
    const lean_parameters *P = &t->r->p;
    const int32_t *place = prescribed_places(t);
    if (place && edges_within(t, place, s, q, n, e))
        return;
    double wet = lean_wetness(q[1], n[0][1], n[1][1], n[2][1], P->h_min);
    double bw = lean_strength(P->beta_w_dry, P->beta_w, wet);
    double beta[4] = {bw, bw, lean_strength(P->beta_uh_dry, P->beta_uh, wet),
                      lean_strength(P->beta_vh_dry, P->beta_vh, wet)};
    for (int a = 0; a < 4; a++)
        lean_limited_edges(q[a], n[0][a], n[1][a], n[2][a], *s, beta[a], &e[a][0], &e[a][1],
                           &e[a][2]);
}

/* Edge values of stage and depth, m, and velocities, m/s.  OUT e
 * A neighbour is seen at rest if it is isolated and comes before the triangle, as in
 * block.h, load_ranks. */
static void edges_of(const located *t, double e[4][3])
{
    const lean_run *r = t->r;
    const int32_t *member = r->mesh->member + t->block->member;
    double q[4], n[3][4], x, y, nx[3], ny[3];
    own_state(t, q);
    for (int i = 0; i < 3; i++) {
        int m = t->neighbour[i];
        if (m == t->c) {
            memcpy(n[i], q, sizeof q);
        } else {
            effective_state(t, m, n[i]);
            if (member[m] < member[t->c] && is_alone(t, m))
                n[i][2] = n[i][3] = 0.0;
        }
        centroid_of(t, m, nx + i, ny + i);
    }
    centroid_of(t, t->c, &x, &y);
    const lean_arms arms = arms_of(t, x, y);
    if (t->n_boundary == 3) {
        for (int a = 0; a < 4; a++)
            e[a][0] = e[a][1] = e[a][2] = q[a];
    } else if (t->n_boundary == 2) {
        int i = t->neighbour[0] != t->c ? 0 : t->neighbour[1] != t->c ? 1 : 2;
        lean_ear_stencil s = lean_ear_stencil_of(arms, nx[i] - x, ny[i] - y);
        for (int a = 0; a < 4; a++)
            lean_ear_edges(q[a], n[i][a], s, r->p.beta_w, e[a]);
    } else {
        lean_stencil s = lean_stencil_of(arms, nx[0], ny[0], nx[1], ny[1], nx[2], ny[2]);
        limited_edges(t, &s, q, n, e);
    }
}

/* ADER-2: the five values of values_of advanced by r->predictor_dt, but for the bed.
 * INOUT v */
static void advance(const located *t, double v[5][3])
{
    const lean_run *r = t->r;
    const double dt = r->predictor_dt, h_min = r->p.h_min;
    double q[4], x, y, eta = r->friction[r->mesh->member[t->block->member + t->c]];
    own_state(t, q);
    centroid_of(t, t->c, &x, &y);
    lean_slopes s = {
        .arm = arms_of(t, x, y),
        .w = q[0], .h = q[1], .u = q[2], .v = q[3],
        .w0 = v[0][0], .w1 = v[0][1], .h0 = v[3][0], .h1 = v[3][1],
        .uh0 = v[1][0], .uh1 = v[1][1], .vh0 = v[2][0], .vh1 = v[2][1],
    };
    lean_rates p = lean_predict(&s, r->p.g, h_min);
    if (!p.regular)
        return;
    for (int i = 0; i < 3; i++) {
        double speed = lean_dragged(eta, v[3][i], v[1][i], v[2][i], h_min);
        double power = speed != 0.0 ? pow(v[3][i], 7.0 / 3.0) : 1.0;
        double factor = lean_drag_factor(r->p.g, eta, r->p.sloped ? p.steepness : 1.0, speed,
                                         power, dt);
        v[0][i] += dt * p.dw;
        v[1][i] = (v[1][i] + dt * p.duh) * factor;
        v[2][i] = (v[2][i] + dt * p.dvh) * factor;
        v[3][i] = lean_max(v[3][i] + dt * p.dw, 0.0);
    }
}

/* Edge values of triangle k: stage, xmomentum, ymomentum, height, elevation, m and m2/s.
 * OUT t, v */
static void values_of(const lean_run *r, int64_t k, located *t, double v[5][3])
{
    double e[4][3];
    locate(r, k, t);
    edges_of(t, e);
    for (int i = 0; i < 3; i++) {
        v[0][i] = e[0][i];
        v[1][i] = e[2][i] * e[1][i];
        v[2][i] = e[3][i] * e[1][i];
        v[3][i] = e[1][i];
        v[4][i] = e[0][i] - e[1][i];
    }
    if (r->predictor_dt != 0.0)
        advance(t, v);
}

/* Triangles that a thread takes at once, and at most as many as are left to one. */
enum { ROWS_TAKEN = 32, ROWS_ALONE = 96 };

void lean_edge_rows(const lean_run *r, const int64_t *k, int64_t nk, int quantity, double *out)
{
#pragma omp parallel for schedule(dynamic, ROWS_TAKEN) num_threads(r->n_threads) \
    if (r->n_threads > 1 && nk > ROWS_ALONE)
    for (int64_t j = 0; j < nk; j++) {
        located t;
        double value[5][3];
        values_of(r, k[j], &t, value);
        for (int i = 0; i < 3; i++) {
            if (quantity >= 0)
                out[3 * j + i] = value[quantity][i];
            else
                for (int a = 0; a < 5; a++)
                    out[(a * nk + j) * 3 + i] = value[a][i];
        }
    }
}

/* The share of the momentum in front of an edge that crosses it, where the boundary sets the stage:
 * ANUGA 4.2.0, shallow_water/boundaries.py, _momentum_scale. IN depth beyond the edge and in front
 * of it, m. Not finite where numpy, which divides everywhere, would warn. */
static double share_that_crosses(double beyond, double inside)
{
    double b = beyond > 0.0 || beyond != beyond ? beyond : 0.0;
    double i = inside > 0.0 || inside != inside ? inside : 0.0;
    double ratio = b / (i > 0.0 ? i : 1.0);
    return b >= i && isfinite(ratio) ? 1.0 : ratio;
}

int lean_normal_rows(const lean_run *r, const lean_normal_edges *at, double stage, int scaled,
                     double *momentum)
{
    int odd = 0;
#pragma omp parallel for schedule(dynamic, ROWS_TAKEN) num_threads(r->n_threads) \
    if (r->n_threads > 1 && at->n > ROWS_ALONE) reduction(| : odd)
    for (int64_t j = 0; j < at->n; j++) {
        located t;
        double v[5][3];
        int i = (int)at->edge[j];
        double n1 = at->normal[j], n2 = at->normal[at->n + j];
        values_of(r, at->triangle[j], &t, v);
        double across = n1 * v[1][i] + n2 * v[2][i], beyond = stage - v[4][i];
        if (scaled) {
            odd |= beyond == 0.0 && signbit(beyond);    /* numpy's maximum is one of two zeros */
            across = across * share_that_crosses(beyond, v[3][i]);
        }
        momentum[j] = across * n1;
        momentum[at->n + j] = across * n2;
        odd |= !isfinite(momentum[j]) || !isfinite(momentum[at->n + j]) || !isfinite(stage);
    }
    if (odd)
        return 0;
    for (int64_t j = 0; j < at->n; j++) {
        r->stage_boundary[at->id[j]] = stage;
        r->xmomentum_boundary[at->id[j]] = momentum[j];
        r->ymomentum_boundary[at->id[j]] = momentum[at->n + j];
    }
    return 1;
}

void lean_reflective_rows(const lean_run *r, const int64_t *ids, const int64_t *vol,
                          const int64_t *edge, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        located t;
        double v[5][3];
        int i = (int)edge[j];
        int64_t id = ids[j];
        values_of(r, vol[j], &t, v);
        lean_edge e = lean_edge_of(t.x[(i + 2) % 3] - t.x[(i + 1) % 3],
                                   t.y[(i + 2) % 3] - t.y[(i + 1) % 3]);
        lean_reflect(e, &v[1][i], &v[2][i]);
        r->stage_boundary[id] = v[0][i];
        r->xmomentum_boundary[id] = v[1][i];
        r->ymomentum_boundary[id] = v[2][i];
        r->height_boundary[id] = v[3][i];
        r->elevation_boundary[id] = v[4][i];
    }
}
