/* Neighbours by a node-to-edge table, and the Hilbert order. See topology.h. */
#include "topology.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geometry.h"

/* Vertex at which edge e starts, and at which it ends. */
static const int EDGE_START[3] = {1, 2, 0};
static const int EDGE_END[3] = {2, 0, 1};

/* The node at which edge ki = 3*k + e of triangle k ends. */
static int32_t edge_end(const int32_t *triangles, int32_t ki)
{
    int32_t k = ki / 3;
    return triangles[3 * (int64_t)k + EDGE_END[ki - 3 * k]];
}

/* The first two edges from one node that end at the same, smallest, node. */
static int find_duplicate(const int32_t *triangles, const int32_t *edge, int32_t n_edge,
                          lean_duplicate *duplicate)
{
    int32_t least = INT32_MAX;
    for (int32_t i = 0; i < n_edge; i++)
        for (int32_t j = i + 1; j < n_edge; j++) {
            int32_t end = edge_end(triangles, edge[i]);
            if (end >= least || end != edge_end(triangles, edge[j]))
                continue;
            least = end;
            duplicate->triangle[0] = edge[i] / 3;
            duplicate->edge[0] = edge[i] % 3;
            duplicate->triangle[1] = edge[j] / 3;
            duplicate->edge[1] = edge[j] % 3;
        }
    return least != INT32_MAX;
}

/* Edges grouped by their start node: those of node v are edge[first[v]] to
 * edge[first[v+1] - 1], edge 0 of all triangles before edge 1 before edge 2. */
static void group_edges(int32_t n, int32_t n_nodes, const int32_t *triangles,
                        int32_t *first, int32_t *edge)
{
    memset(first, 0, ((size_t)n_nodes + 1) * sizeof *first);
    for (int64_t i = 0; i < 3 * (int64_t)n; i++)
        first[triangles[i] + 1]++;
    for (int32_t v = 0; v < n_nodes; v++)
        first[v + 1] += first[v];
    for (int e = 0; e < 3; e++)
        for (int32_t k = 0; k < n; k++)
            edge[first[triangles[3 * (int64_t)k + EDGE_START[e]]]++] = 3 * k + e;
    memmove(first + 1, first, (size_t)n_nodes * sizeof *first);
    first[0] = 0;
}

int lean_find_neighbours(int32_t n, int32_t n_nodes, const int32_t *triangles,
                         int32_t *link, lean_duplicate *duplicate)
{
    int code = LEAN_OK;
    int32_t *first = malloc(((size_t)n_nodes + 1) * sizeof *first);
    int32_t *edge = malloc((3 * (size_t)n + 1) * sizeof *edge);
    if (first == NULL || edge == NULL) {
        code = LEAN_NO_MEMORY;
        goto done;
    }
    group_edges(n, n_nodes, triangles, first, edge);
    for (int32_t v = 0; v < n_nodes; v++)
        if (find_duplicate(triangles, edge + first[v], first[v + 1] - first[v], duplicate)) {
            code = LEAN_DUPLICATE_EDGE;
            goto done;
        }
    for (int32_t k = 0; k < n; k++) {
        const int32_t *vertex = triangles + 3 * (int64_t)k;
        for (int e = 0; e < 3; e++) {
            int32_t start = vertex[EDGE_START[e]], end = vertex[EDGE_END[e]], found = -1;
            for (int32_t j = first[end]; j < first[end + 1]; j++)
                if (edge_end(triangles, edge[j]) == start) {
                    found = edge[j];
                    break;
                }
            link[3 * (int64_t)k + e] = found;
        }
    }
done:
    free(first);
    free(edge);
    return code;
}

int64_t lean_count_flat(int32_t n, const double *node_xy, const int32_t *triangles,
                        int32_t *first)
{
    int64_t count = 0;
    *first = -1;
    for (int32_t k = 0; k < n; k++) {
        const int32_t *vertex = triangles + 3 * (int64_t)k;
        const double *p0 = node_xy + 2 * (int64_t)vertex[0];
        const double *p1 = node_xy + 2 * (int64_t)vertex[1];
        const double *p2 = node_xy + 2 * (int64_t)vertex[2];
        if (!(lean_area(p0[0], p0[1], p1[0], p1[1], p2[0], p2[1]) > 0.0)) {
            if (count++ == 0)
                *first = k;
        }
    }
    return count;
}

/* -- the Hilbert order ----------------------------------------------------- */

/* Distance along the curve of the cell (x, y) of the 2^16 by 2^16 grid. */
static uint32_t hilbert_distance(uint32_t x, uint32_t y)
{
    uint32_t distance = 0;
    for (uint32_t side = 1u << 15; side > 0; side >>= 1) {
        uint32_t right = (x & side) != 0, upper = (y & side) != 0;
        distance += side * side * ((3 * right) ^ upper);
        x &= side - 1;
        y &= side - 1;
        if (!upper) {
            if (right) {
                x = side - 1 - x;
                y = side - 1 - y;
            }
            uint32_t swap = x;
            x = y;
            y = swap;
        }
    }
    return distance;
}

/* The grid cell of a coordinate; outside the grid (or NaN) counts as its edge. */
static uint32_t grid_cell(double along)
{
    return along > 0.0 ? (along < 65535.0 ? (uint32_t)along : 65535u) : 0u;
}

/* The centroid of the triangle with these three nodes, m.  OUT x, y */
static void centroid(const double *node_xy, const int32_t *vertex, double *x, double *y)
{
    const double *p0 = node_xy + 2 * (int64_t)vertex[0];
    const double *p1 = node_xy + 2 * (int64_t)vertex[1];
    const double *p2 = node_xy + 2 * (int64_t)vertex[2];
    *x = lean_centroid(p0[0], p1[0], p2[0]);
    *y = lean_centroid(p0[1], p1[1], p2[1]);
}

/* Sort by the upper half of each entry, stably: three passes of 11 bits. */
static void sort_by_upper_half(uint64_t *entry, uint64_t *other, int32_t n)
{
    for (int shift = 32; shift < 64; shift += 11) {
        int32_t start[2049] = {0};
        for (int32_t i = 0; i < n; i++)
            start[((entry[i] >> shift) & 2047u) + 1]++;
        for (int digit = 0; digit < 2048; digit++)
            start[digit + 1] += start[digit];
        for (int32_t i = 0; i < n; i++)
            other[start[(entry[i] >> shift) & 2047u]++] = entry[i];
        uint64_t *swap = entry;
        entry = other;
        other = swap;
    }
}

int lean_hilbert_order(int32_t n, const double *node_xy, const int32_t *triangles,
                       int32_t *order)
{
    uint64_t *entry = malloc(2 * ((size_t)n + 1) * sizeof *entry);
    if (entry == NULL)
        return LEAN_NO_MEMORY;
    uint64_t *sorted = entry + n; /* after three passes */
    double x, y, x_min = INFINITY, x_max = -INFINITY, y_min = INFINITY, y_max = -INFINITY;
    for (int32_t k = 0; k < n; k++) {
        centroid(node_xy, triangles + 3 * (int64_t)k, &x, &y);
        x_min = x < x_min ? x : x_min;
        x_max = x > x_max ? x : x_max;
        y_min = y < y_min ? y : y_min;
        y_max = y > y_max ? y : y_max;
    }
    double side = x_max - x_min > y_max - y_min ? x_max - x_min : y_max - y_min;
    double scale = side > 0.0 ? 65535.0 / side : 0.0;
    for (int32_t k = 0; k < n; k++) {
        centroid(node_xy, triangles + 3 * (int64_t)k, &x, &y);
        uint32_t distance = hilbert_distance(grid_cell((x - x_min) * scale),
                                             grid_cell((y - y_min) * scale));
        entry[k] = (uint64_t)distance << 32 | (uint32_t)k;
    }
    sort_by_upper_half(entry, sorted, n);
    for (int32_t p = 0; p < n; p++)
        order[p] = (int32_t)(sorted[p] & 0xffffffffu);
    free(entry);
    return LEAN_OK;
}
