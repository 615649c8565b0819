/* The matrix of a fit, and the triangles of its points. See fit.h. */
#include "fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_ENTRY 1e-10
#define TOLERANCE 1e-12   /* of a point's distance from an edge, in edge lengths */
#define FEW 48            /* numbers that are sorted, or looked through, one by one */
#define DEEPEST 4096      /* cells inside of each other: no double is left between their sides */
#define BORDER 0.55       /* part of a cell's side that each of its quadrants has */

/* -- rows ------------------------------------------------------------------ */

void lean_fit_count(int64_t m, const int32_t *corner, int32_t *count)
{
    for (int64_t i = 0; i < 3 * m; i++)
        count[corner[i]] += 2;
}

int lean_fit_link(int64_t m, const int32_t *corner, const int64_t *row, int32_t *used,
                  int32_t *column)
{
    for (int64_t k = 0; k < m; k++)
        for (int i = 0; i < 3; i++) {
            const int32_t v = corner[3 * k + i];
            int32_t *place = column + row[v] + used[v];
            if (used[v] < 0 || used[v] > row[v + 1] - row[v] - 2)
                return LEAN_FIT_NO_PLACE;
            place[0] = corner[3 * k + (i + 1) % 3];
            place[1] = corner[3 * k + (i + 2) % 3];
            used[v] += 2;
        }
    return LEAN_FIT_OK;
}

/* Order of two int32_t for qsort. */
static int ascending(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Sort the numbers of a row: as a rule a dozen, twice the triangles at a node. */
static void sort(int32_t *value, int64_t count)
{
    if (count > FEW) {
        qsort(value, (size_t)count, sizeof *value, ascending);
        return;
    }
    for (int64_t i = 1; i < count; i++) {
        const int32_t moved = value[i];
        int64_t j = i;
        for (; j > 0 && value[j - 1] > moved; j--)
            value[j] = value[j - 1];
        value[j] = moved;
    }
}

int64_t lean_fit_close(int32_t n_nodes, int64_t *row, int32_t *column)
{
    int64_t left = 0, begin = 0;
    for (int32_t v = 0; v < n_nodes; v++) {
        const int64_t end = row[v + 1], first = left;
        sort(column + begin, end - begin);
        for (int64_t i = begin; i < end; i++)
            if (left == first || column[left - 1] != column[i])
                column[left++] = column[i];
        row[v] = first;
        begin = end;
    }
    row[n_nodes] = left;
    return left;
}

/* -1 if the row has no such column. */
static inline int64_t place_of(const lean_fit_rows *rows, int32_t v, int32_t w)
{
    int64_t i = rows->row[v], end = rows->row[v + 1];
    while (end - i > FEW) {
        const int64_t middle = i + (end - i) / 2;
        if (rows->column[middle] <= w)
            i = middle;
        else
            end = middle;
    }
    for (; i < end; i++)
        if (rows->column[i] == w)
            return i;
    return -1;
}

static inline double kept(double sum)
{
    return sum <= LEAST_ENTRY && sum >= -LEAST_ENTRY ? 0.0 : sum;
}

/* Returns LEAN_FIT_OK or LEAN_FIT_NO_PLACE. */
static inline int add(const lean_fit_rows *rows, int32_t v, int32_t w, double *value,
                      double more)
{
    const int64_t place = place_of(rows, v, w);
    if (place < 0)
        return LEAN_FIT_NO_PLACE;
    value[place] = kept(value[place] + more);
    return LEAN_FIT_OK;
}

/* -- smoothing --------------------------------------------------------------- */

int lean_fit_smooth(const lean_fit_rows *rows, int64_t m, const int32_t *corner,
                    const double *area, const double *xy, double *value)
{
    int code = LEAN_FIT_OK;
    for (int64_t k = 0; k < m; k++) {
        const int32_t *v = corner + 3 * k;
        const double *c = xy + 6 * k;
        const double x1 = c[2] - c[0], y1 = c[3] - c[1];
        const double x2 = c[4] - c[0], y2 = c[5] - c[1];
        const double det = y2 * x1 - y1 * x2;
        const double a[3] = {(y1 - y2) / det, y2 / det, -y1 / det};
        const double b[3] = {(x2 - x1) / det, -x2 / det, x1 / det};

        for (int i = 0; i < 3; i++)
            code |= add(rows, v[i], v[i], value, (a[i] * a[i] + b[i] * b[i]) * area[k]);
        for (int i = 0; i < 3; i++) {
            const int j = (i + 1) % 3;
            const double product = (a[i] * a[j] + b[i] * b[j]) * area[k];
            code |= add(rows, v[i], v[j], value, product);
            code |= add(rows, v[j], v[i], value, product);
        }
    }
    return code;
}

/* -- points in triangles ------------------------------------------------------ */

/* The cell of a coordinate along one side of a grid; outside counts as the cell at the edge. */
static inline int32_t cell(double x, double x0, double per, int32_t count)
{
    const double c = (x - x0) * per;
    if (!(c > 0.0)) /* NaN too */
        return 0;
    return c < count - 1 ? (int32_t)c : count - 1;
}

/* The cell of a point (x, y), row by row. */
static int64_t cell_of(const lean_fit_grid *g, const double *xy)
{
    return (int64_t)cell(xy[1], g->y0, g->per_y, g->ny) * g->nx
        + cell(xy[0], g->x0, g->per_x, g->nx);
}

void lean_fit_sort(const lean_fit_grid *g, int64_t *first, int32_t *point)
{
    const int64_t cells = (int64_t)g->nx * g->ny;
    memset(first, 0, ((size_t)cells + 1) * sizeof *first);
    for (int64_t i = 0; i < g->n_points; i++)
        first[cell_of(g, g->xy + 2 * i) + 1]++;
    for (int64_t c = 0; c < cells; c++)
        first[c + 1] += first[c];
    for (int64_t i = 0; i < g->n_points; i++)
        point[first[cell_of(g, g->xy + 2 * i)]++] = (int32_t)i;
    memmove(first + 1, first, (size_t)cells * sizeof *first);
    first[0] = 0;
}

/* Quadrant of a cell's middle a point is in, 1 to 4 from the upper right on
 * counter-clockwise; 0 on an axis (and for NaN). */
static int quadrant(const double *box, double x, double y)
{
    const double middle_x = (box[0] + box[1]) / 2, middle_y = (box[2] + box[3]) / 2;
    const int above = middle_y < y, below = middle_y > y;
    if (middle_x < x)
        return above ? 1 : below ? 4 : 0;
    if (middle_x > x)
        return above ? 2 : below ? 3 : 0;
    return 0;
}

/* INOUT box of a cell: then that of its quadrant quad, 1 to 4; they overlap, as ANUGA's do. */
static void enter(double *box, int quad)
{
    const double width = box[1] - box[0], height = box[3] - box[2];
    if (quad == 1 || quad == 4)
        box[0] = box[1] - width * BORDER;
    else
        box[1] = box[0] + width * BORDER;
    if (quad == 1 || quad == 2)
        box[2] = box[3] - height * BORDER;
    else
        box[3] = box[2] + height * BORDER;
}

/* Depth of the cell a triangle stands in, -1 if the way to the point leads past it. */
static int32_t depth_of(const double *extent, const double *t, double x, double y)
{
    double box[4] = {extent[0], extent[1], extent[2], extent[3]};
    for (int32_t depth = 0; depth < DEEPEST; depth++) {
        const int quad = quadrant(box, t[0], t[1]);
        if (quad == 0 || quad != quadrant(box, t[2], t[3]) || quad != quadrant(box, t[4], t[5]))
            return depth;
        if (quad != quadrant(box, x, y))
            return -1;
        enter(box, quad);
    }
    return DEEPEST;
}

/* 1 if the point is on the edge, up to TOLERANCE; IN both ends (x, y) of it. */
static int is_on_edge(double x, double y, const double *from, const double *to)
{
    const double ax = x - from[0], ay = y - from[1];
    const double bx = to[0] - from[0], by = to[1] - from[1];
    const double across = fabs(ay * bx + -ax * by), length2 = bx * bx + by * by;
    const int is_near = length2 == 0.0 ? across <= TOLERANCE : across / length2 <= TOLERANCE;
    return is_near && ax * bx + ay * by >= 0 && ax * ax + ay * ay <= length2;
}

/* ANUGA 4.1.0, quad_tree.c, __is_inside_triangle with closed = 1; the point is in
 * the triangle's box. */
static int contains(const double *t, double x, double y)
{
    const double cx = t[4] - t[0], cy = t[5] - t[1];
    const double bx = t[2] - t[0], by = t[3] - t[1];
    const double cc = cx * cx + cy * cy, cb = cx * bx + cy * by, bb = bx * bx + by * by;
    const double det = bb * cc - cb * cb;

    if (fabs(det) > 0.0) {
        const double px = x - t[0], py = y - t[1];
        const double cp = cx * px + cy * py, bp = bx * px + by * py;
        const double alpha = (cp * bb - bp * cb) / det;
        const double beta = (bp * cc - cp * cb) / det;
        if (alpha > 0.0 && beta > 0.0 && alpha + beta < 1.0)
            return 1;
    }
    return is_on_edge(x, y, t, t + 2) || is_on_edge(x, y, t + 2, t + 4)
        || is_on_edge(x, y, t + 4, t);
}

/* The least, the largest of three numbers. */
static inline double least(double a, double b, double c)
{
    const double ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* See least. */
static inline double most(double a, double b, double c)
{
    const double ab = a > b ? a : b;
    return ab > c ? ab : c;
}

void lean_fit_find(const lean_fit_grid *g, int64_t m, int32_t start, const double *xy,
                   const double *extent, int32_t *triangle, int32_t *depth)
{
    for (int64_t k = 0; k < m; k++) {
        const double *t = xy + 6 * k;
        const double low_x = least(t[0], t[2], t[4]), high_x = most(t[0], t[2], t[4]);
        const double low_y = least(t[1], t[3], t[5]), high_y = most(t[1], t[3], t[5]);
        const int32_t i0 = cell(low_x, g->x0, g->per_x, g->nx);
        const int32_t i1 = cell(high_x, g->x0, g->per_x, g->nx);
        const int32_t j1 = cell(high_y, g->y0, g->per_y, g->ny);

        for (int32_t j = cell(low_y, g->y0, g->per_y, g->ny); j <= j1; j++) {
            const int64_t *first = g->first + (int64_t)j * g->nx;
            for (int64_t i = first[i0]; i < first[i1 + 1]; i++) {
                const int32_t p = g->point[i];
                const double x = g->xy[2 * (int64_t)p], y = g->xy[2 * (int64_t)p + 1];
                if (!(x >= low_x && x <= high_x && y >= low_y && y <= high_y)
                        || !contains(t, x, y))
                    continue;
                const int32_t at = depth_of(extent, t, x, y);
                if (at >= 0 && (triangle[p] < 0 || at < depth[p])) {
                    triangle[p] = start + (int32_t)k;
                    depth[p] = at;
                }
            }
        }
    }
}

/* -- points into the matrix ---------------------------------------------------- */

/* Unit normal of the side from a to b, away from the corner `far`. */
static void outward(const double *a, const double *b, const double *far, double *normal)
{
    double nx = -(b[1] - a[1]), ny = b[0] - a[0];
    const double length = sqrt(nx * nx + ny * ny);
    nx /= length;
    ny /= length;
    if (nx * (far[0] - b[0]) + ny * (far[1] - b[1]) > 0) {
        nx = -nx;
        ny = -ny;
    }
    normal[0] = nx;
    normal[1] = ny;
}

/* Weights of the corners at a point: its distance from the side across, over the
 * corner's own. */
static void weigh(const double *t, double x, double y, double *weight)
{
    for (int i = 0; i < 3; i++) {
        const double *corner = t + 2 * i;
        const double *a = t + 2 * ((i + 1) % 3), *b = t + 2 * ((i + 2) % 3);
        double n[2];
        outward(a, b, corner, n);
        weight[i] = ((x - a[0]) * n[0] + (y - a[1]) * n[1])
            / ((corner[0] - a[0]) * n[0] + (corner[1] - a[1]) * n[1]);
    }
}

int lean_fit_add_points(const lean_fit_rows *rows, int64_t m, const int32_t *corner,
                        const double *xy, const double *point, const double *z,
                        double *value, double *right)
{
    int code = LEAN_FIT_OK;
    for (int64_t p = 0; p < m; p++) {
        const int32_t *v = corner + 3 * p;
        double weight[3];
        weigh(xy + 6 * p, point[2 * p], point[2 * p + 1], weight);
        for (int i = 0; i < 3; i++) {
            right[v[i]] += weight[i] * z[p];
            for (int j = 0; j < 3; j++)
                code |= add(rows, v[i], v[j], value, weight[i] * weight[j]);
        }
    }
    return code;
}

void lean_fit_join(int64_t count, double *value, const double *more)
{
    for (int64_t i = 0; i < count; i++)
        value[i] = kept(value[i] + more[i]);
}

int64_t lean_fit_matrix(int32_t n_nodes, double alpha, int64_t *row, int32_t *column,
                        double *smooth, const double *products)
{
    int64_t left = 0, begin = 0;
    for (int32_t v = 0; v < n_nodes; v++) {
        const int64_t end = row[v + 1];
        row[v] = left;
        for (int64_t i = begin; i < end; i++) {
            double entry = smooth[i];
            const int is_smoothed = entry != 0.0, is_met = products[i] != 0.0;
            if (is_smoothed)
                entry *= alpha;
            if (is_met)
                entry = is_smoothed ? entry + products[i] : products[i];
            if (is_met ? kept(entry) == 0.0 : !is_smoothed)
                continue;
            column[left] = column[i];
            smooth[left++] = entry;
        }
        begin = end;
    }
    row[n_nodes] = left;
    return left;
}
