/* Edge values of single triangles, and the boundary values of reflective walls:
 * what boundary objects and users ask for between the kernels.
 *
 * The same reconstruction as sweep.c, one triangle at a time; for the whole
 * mesh it costs several times a sweep.
 */
#include "block.h"
#include "predictor.h"
#include "prescribed.h"

/* One triangle with its neighbours, by local index in its block. */
typedef struct {
    const lean_run *r;
    const lean_block *block;
    int n_own, NL, ALL, c;
    int neighbour[3], n_boundary;
    double x[3], y[3];
} located;

static void local_neighbours(const located *t, int c, int out[3], int *n_boundary)
{
    const lean_mesh *m = t->r->mesh;
    *n_boundary = 0;
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
    for (int i = 0; i < 3; i++)
        *n_boundary += out[i] == c;
}

static void corners_of(const located *t, int c, double x[3], double y[3])
{
    const lean_mesh *m = t->r->mesh;
    const double *X = m->node_xy + 2 * t->block->node, *Y = X + t->block->n_node;
    for (int i = 0; i < 3; i++) {
        int v = m->vertex[t->block->vertex + (int64_t)i * t->ALL + c];
        x[i] = X[v];
        y[i] = Y[v];
    }
}

static void locate(const lean_run *r, int64_t k, located *t)
{
    const lean_mesh *m = r->mesh;
    int32_t p = m->position[k];
    t->r = r;
    t->block = m->block + p / m->block_size;
    t->c = p % m->block_size;
    t->n_own = t->block->n_own;
    t->NL = t->n_own + t->block->n_ring1;
    t->ALL = t->NL + t->block->n_ring2;
    local_neighbours(t, t->c, t->neighbour, &t->n_boundary);
    corners_of(t, t->c, t->x, t->y);
}

/* stage, depth, velocities of local triangle c, before any isolated rule. */
static void effective_state(const located *t, int c, double q[4])
{
    const lean_run *r = t->r;
    int32_t m = r->mesh->member[t->block->member + c];
    double w, uh, vh, z = r->elevation[m];
    lean_raw_state(r, m, &w, &uh, &vh);
    double lifted = w - z < 0.0 ? z : w, d = lean_max(lifted - z, 0.0);
    int dry = d <= r->p.h_min;
    double inverse = dry ? 1.0 : 1.0 / d;
    q[0] = lifted;
    q[1] = d;
    q[2] = (dry ? 0.0 : uh) * inverse;
    q[3] = (dry ? 0.0 : vh) * inverse;
}

static int is_alone(const located *t, int c)
{
    int n[3], boundary;
    local_neighbours(t, c, n, &boundary);
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

static void centroid_of(const located *t, int c, double *x, double *y)
{
    double X[3], Y[3];
    corners_of(t, c, X, Y);
    *x = lean_centroid(X[0], X[1], X[2]);
    *y = lean_centroid(Y[0], Y[1], Y[2]);
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

/* Edge values where prescribed ones bound them: OUT e; 0 if none does here.
 * IN q, n: state of the triangle and of its neighbours.                      */
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

/* Limited edge values of stage, depth and velocities: e[4][3]. */
static void edges_of(const located *t, double e[4][3])
{
    const lean_run *r = t->r;
    const int32_t *member = r->mesh->member + t->block->member;
    double q[4], n[3][4], ex[3], ey[3], x, y, nx[3], ny[3];
    effective_state(t, t->c, q);
    if (is_alone(t, t->c))
        q[2] = q[3] = 0.0;
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
    for (int i = 0; i < 3; i++) {
        ex[i] = lean_midpoint(t->x[(i + 1) % 3], t->x[(i + 2) % 3]) - x;
        ey[i] = lean_midpoint(t->y[(i + 1) % 3], t->y[(i + 2) % 3]) - y;
    }
    if (t->n_boundary == 3) {
        for (int a = 0; a < 4; a++)
            e[a][0] = e[a][1] = e[a][2] = q[a];
    } else if (t->n_boundary == 2) {
        int i = t->neighbour[0] != t->c ? 0 : t->neighbour[1] != t->c ? 1 : 2;
        double dx = nx[i] - x, dy = ny[i] - y, d2 = dx * dx + dy * dy;
        double gx = d2 > 0.0 ? dx / d2 : 0.0, gy = d2 > 0.0 ? dy / d2 : 0.0;
        for (int a = 0; a < 4; a++)
            lean_corner_edges(q[a], n[i][a], gx, gy, ex, ey, r->p.beta_w, e[a]);
    } else {
        const int32_t *place = prescribed_places(t);
        lean_stencil s = {ex[0], ex[1], ex[2], ey[0], ey[1], ey[2],
                          nx[1] - nx[0], nx[2] - nx[0], ny[1] - ny[0], ny[2] - ny[0], 0.0};
        s.inverse_area2 = 1.0 / (s.dy2 * s.dx1 - s.dy1 * s.dx2);
        if (place && edges_within(t, place, &s, q, n, e))
            return;
        const lean_parameters *P = &r->p;
        double wet = lean_wetness(q[1], n[0][1], n[1][1], n[2][1], P->h_min);
        double bw = P->beta_w_dry + (P->beta_w - P->beta_w_dry) * wet;
        double beta[4] = {bw, bw, P->beta_uh_dry + (P->beta_uh - P->beta_uh_dry) * wet,
                          P->beta_vh_dry + (P->beta_vh - P->beta_vh_dry) * wet};
        for (int a = 0; a < 4; a++)
            lean_limited_edges(q[a], n[0][a], n[1][a], n[2][a], &s, beta[a], &e[a][0], &e[a][1],
                               &e[a][2]);
    }
}

/* ADER-2: the five values v[5][3] advanced by r->predictor_dt, but for the bed. */
static void advance(const located *t, double v[5][3])
{
    const lean_run *r = t->r;
    const double dt = r->predictor_dt, h_min = r->p.h_min;
    double q[4], x, y, eta = r->friction[r->mesh->member[t->block->member + t->c]];
    effective_state(t, t->c, q);
    if (is_alone(t, t->c))
        q[2] = q[3] = 0.0;
    centroid_of(t, t->c, &x, &y);
    lean_slopes s = {lean_midpoint(t->x[1], t->x[2]) - x, lean_midpoint(t->y[1], t->y[2]) - y,
                     lean_midpoint(t->x[2], t->x[0]) - x, lean_midpoint(t->y[2], t->y[0]) - y,
                     q[0], q[1], q[2], q[3], v[0][0], v[0][1], v[3][0], v[3][1],
                     v[1][0], v[1][1], v[2][0], v[2][1]};
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

/* Edge values of triangle k: stage, xmomentum, ymomentum, height, elevation. */
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

void lean_edge_rows(const lean_run *r, const int64_t *k, int64_t nk, int quantity, double *out)
{
#pragma omp parallel for schedule(static) num_threads(r->n_threads) if (nk > 4096)
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

void lean_reflective_rows(const lean_run *r, const int64_t *ids, const int64_t *vol,
                          const int64_t *edge, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        located t;
        double v[5][3];
        int i = (int)edge[j];
        int64_t id = ids[j];
        values_of(r, vol[j], &t, v);
        double dx = t.x[(i + 2) % 3] - t.x[(i + 1) % 3], dy = t.y[(i + 2) % 3] - t.y[(i + 1) % 3];
        double l = lean_length(dx, dy), n1 = lean_normal_x(dy, l), n2 = lean_normal_y(dx, l);
        double r1 = -v[1][i] * n1 - v[2][i] * n2, r2 = -v[1][i] * n2 + v[2][i] * n1;
        r->stage_boundary[id] = v[0][i];
        r->xmomentum_boundary[id] = n1 * r1 - n2 * r2;
        r->ymomentum_boundary[id] = n2 * r1 + n1 * r2;
        r->height_boundary[id] = v[3][i];
        r->elevation_boundary[id] = v[4][i];
    }
}
