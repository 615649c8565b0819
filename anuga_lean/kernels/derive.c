/* Rows of ANUGA's mesh tables from the blocks. See derive.h. */
#include "derive.h"

#include "place.h"

/* -- geometry -------------------------------------------------------------- */

/* Edge i of the triangle with these vertices. */
static lean_edge edge_of(const double x[3], const double y[3], int i)
{
    int a = (i + 1) % 3, b = (i + 2) % 3;
    return lean_edge_of(x[b] - x[a], y[b] - y[a]);
}

/* The radius that a mesh counts as a triangle's, m: ANUGA's or the inscribed circle's. */
static double radius(const lean_mesh *mesh, const double x[3], const double y[3])
{
    if (!mesh->use_inscribed_circle)
        return lean_radius(x[0], y[0], x[1], y[1], x[2], y[2]);
    return lean_inscribed_radius(lean_area(x[0], y[0], x[1], y[1], x[2], y[2]),
                                 edge_of(x, y, 0).length, edge_of(x, y, 1).length,
                                 edge_of(x, y, 2).length);
}

/* One row of a geometry table; i counts the rows of the triangle.  OUT row (columns). */
static void geometry_row(const lean_mesh *mesh, int table, lean_place at, int i, double *row)
{
    double x[3], y[3];
    lean_vertices_of(mesh, at.block, at.c, x, y);
    switch (table) {
    case LEAN_NORMALS:
        for (int e = 0; e < 3; e++) {
            row[2 * e] = edge_of(x, y, e).n1;
            row[2 * e + 1] = edge_of(x, y, e).n2;
        }
        break;
    case LEAN_EDGELENGTHS:
        for (int e = 0; e < 3; e++)
            row[e] = edge_of(x, y, e).length;
        break;
    case LEAN_AREAS:
        row[0] = lean_area(x[0], y[0], x[1], y[1], x[2], y[2]);
        break;
    case LEAN_RADII:
        row[0] = radius(mesh, x, y);
        break;
    case LEAN_CENTROIDS:
        row[0] = lean_centroid(x[0], x[1], x[2]);
        row[1] = lean_centroid(y[0], y[1], y[2]);
        break;
    case LEAN_VERTICES:
        row[0] = x[i];
        row[1] = y[i];
        break;
    case LEAN_MIDPOINTS:
        row[0] = lean_midpoint(x[(i + 1) % 3], x[(i + 2) % 3]);
        row[1] = lean_midpoint(y[(i + 1) % 3], y[(i + 2) % 3]);
        break;
    }
}

int lean_geometry_columns(int table)
{
    static const int columns[] = {6, 3, 1, 1, 2, 2, 2};
    return columns[table];
}

int lean_geometry_rows_per_triangle(int table)
{
    return table >= LEAN_VERTICES ? 3 : 1;
}

void lean_geometry_rows(const lean_mesh *mesh, int table, const int64_t *rows,
                        int64_t n_rows, double *values)
{
    int per = lean_geometry_rows_per_triangle(table), columns = lean_geometry_columns(table);
    for (int64_t r = 0; r < n_rows; r++)
        geometry_row(mesh, table, lean_place_of(mesh, rows[r] / per), (int)(rows[r] % per),
                     values + r * columns);
}

void lean_geometry_all(const lean_mesh *mesh, int table, double *values)
{
    int per = lean_geometry_rows_per_triangle(table), columns = lean_geometry_columns(table);
    for (int32_t b = 0; b < mesh->n_blocks; b++) {
        const lean_block *block = mesh->block + b;
        for (int32_t c = 0; c < block->n_own; c++) {
            int64_t row = (int64_t)mesh->member[block->member + c] * per;
            lean_place at = {.block = block, .c = c};
            for (int i = 0; i < per; i++)
                geometry_row(mesh, table, at, i, values + (row + i) * columns);
        }
    }
}

/* -- relations ------------------------------------------------------------- */

/* The neighbour, in local numbering, beyond an edge tagged inside the mesh;
 * -1 when edge i of own triangle c is not one. */
static int32_t exception(const lean_mesh *mesh, const lean_block *block, int32_t c, int i)
{
    for (int64_t x = block->exception; x < block->exception + block->n_exception; x++)
        if (mesh->exception_slot[x] == i * block->n_own + c)
            return mesh->exception_neighbour[x];
    return -1;
}

/* The edge of local triangle m that runs against edge i of triangle c; -1 if none does. */
static int32_t opposite_edge(const lean_mesh *mesh, const lean_block *block, int32_t c, int i,
                             int32_t m)
{
    int32_t start = lean_local_node(mesh, block, c, (i + 1) % 3);
    int32_t end = lean_local_node(mesh, block, c, (i + 2) % 3);
    for (int e = 0; e < 3; e++)
        if (lean_local_node(mesh, block, m, (e + 1) % 3) == end
            && lean_local_node(mesh, block, m, (e + 2) % 3) == start)
            return e;
    return -1;
}

/* What lies beyond edge i: the local triangle (-1: none), its edge, and the
 * boundary edge (-1: none).  Both are there for a tagged interior edge. */
typedef struct {
    int32_t triangle, edge, boundary;
} beyond;

/* IN i edge, 0 to 2. */
static beyond look_beyond(const lean_mesh *mesh, lean_place at, int i)
{
    const lean_block *block = at.block;
    int32_t local = lean_local_count(block);
    int32_t slot = mesh->flux_slot[block->flux_slot + (int64_t)i * block->n_own + at.c];
    beyond found = {.triangle = slot % local, .edge = slot / local, .boundary = -1};
    if (slot < 3 * local)
        return found;
    found.boundary = mesh->boundary_index[block->boundary + slot - 3 * local];
    found.triangle = exception(mesh, block, at.c, i);
    found.edge = found.triangle < 0
                     ? -1 : opposite_edge(mesh, block, at.c, i, found.triangle);
    return found;
}

/* Entry i of a row of a relation table of three columns. */
static int64_t relation(const lean_mesh *mesh, int table, lean_place at, int i)
{
    const int32_t *member = mesh->member + at.block->member;
    if (table == LEAN_TRIANGLES)
        return mesh->node_id[at.block->node + lean_local_node(mesh, at.block, at.c, i)];
    beyond found = look_beyond(mesh, at, i);
    if (table == LEAN_NEIGHBOUR_EDGES)
        return found.edge;
    if (table == LEAN_NEIGHBOURS && found.boundary >= 0)
        return -1 - (int64_t)found.boundary;
    return member[found.triangle >= 0 ? found.triangle : at.c];
}

/* One row of a relation table.  OUT row (columns). */
static void relation_row(const lean_mesh *mesh, int table, lean_place at, int64_t *row)
{
    if (table == LEAN_NUMBER_OF_BOUNDARIES) {
        row[0] = 0;
        for (int i = 0; i < 3; i++)
            row[0] += look_beyond(mesh, at, i).triangle < 0;
        return;
    }
    for (int i = 0; i < 3; i++)
        row[i] = relation(mesh, table, at, i);
}

int lean_relation_columns(int table)
{
    return table == LEAN_NUMBER_OF_BOUNDARIES ? 1 : 3;
}

void lean_relation_rows(const lean_mesh *mesh, int table, const int64_t *rows,
                        int64_t n_rows, int64_t *values)
{
    int columns = lean_relation_columns(table);
    for (int64_t r = 0; r < n_rows; r++)
        relation_row(mesh, table, lean_place_of(mesh, rows[r]), values + r * columns);
}

void lean_relation_all(const lean_mesh *mesh, int table, int64_t *values)
{
    int columns = lean_relation_columns(table);
    for (int32_t b = 0; b < mesh->n_blocks; b++) {
        const lean_block *block = mesh->block + b;
        for (int32_t c = 0; c < block->n_own; c++) {
            lean_place at = {.block = block, .c = c};
            int64_t k = mesh->member[block->member + c];
            relation_row(mesh, table, at, values + k * columns);
        }
    }
}

/* -- nodes ----------------------------------------------------------------- */

void lean_node_coordinates(const lean_mesh *mesh, int64_t first, int64_t count, double *xy)
{
    for (int32_t b = 0; b < mesh->n_blocks; b++) {
        const lean_block *block = mesh->block + b;
        const double *x = mesh->node_xy + 2 * block->node, *y = x + block->n_node;
        const int32_t *id = mesh->node_id + block->node;
        for (int32_t v = 0; v < block->n_node; v++) {
            int64_t row = id[v] - first;
            if (row < 0 || row >= count)
                continue;
            xy[2 * row] = x[v];
            xy[2 * row + 1] = y[v];
        }
    }
}

void lean_count_triangles_per_node(const lean_mesh *mesh, int64_t *count)
{
    for (int32_t b = 0; b < mesh->n_blocks; b++) {
        const lean_block *block = mesh->block + b;
        const int32_t *id = mesh->node_id + block->node;
        for (int32_t c = 0; c < block->n_own; c++)
            for (int i = 0; i < 3; i++)
                count[id[lean_local_node(mesh, block, c, i)]]++;
    }
}

void lean_extent(const lean_mesh *mesh, double extent[4])
{
    extent[0] = extent[2] = INFINITY;
    extent[1] = extent[3] = -INFINITY;
    for (int32_t b = 0; b < mesh->n_blocks; b++) {
        const lean_block *block = mesh->block + b;
        const double *x = mesh->node_xy + 2 * block->node, *y = x + block->n_node;
        for (int32_t v = 0; v < block->n_node; v++) {
            extent[0] = x[v] < extent[0] ? x[v] : extent[0];
            extent[1] = x[v] > extent[1] ? x[v] : extent[1];
            extent[2] = y[v] < extent[2] ? y[v] : extent[2];
            extent[3] = y[v] > extent[3] ? y[v] : extent[3];
        }
    }
}
