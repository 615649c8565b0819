/* What ANUGA stores about a mesh, computed from the blocks.
 *
 * Owns the values behind the views: every function gives the rows of one
 * table, either those asked for or all of them in the user's order.
 * Geometry comes from geometry.h, the layout of the blocks from state.h.
 */
#ifndef LEAN_DERIVE_H
#define LEAN_DERIVE_H

#include "state.h"

/* Tables of float64.  A row belongs to a triangle, except that the last two
 * have three rows, 3*k + i, per triangle k. */
enum lean_geometry {
    LEAN_NORMALS = 0,          /* 6 columns: x0 y0 x1 y1 x2 y2    */
    LEAN_EDGELENGTHS = 1,      /* 3, m                            */
    LEAN_AREAS = 2,            /* 1, m2                           */
    LEAN_RADII = 3,            /* 1, m                            */
    LEAN_CENTROIDS = 4,        /* 2, m                            */
    LEAN_VERTICES = 5,         /* 2, m                            */
    LEAN_MIDPOINTS = 6,        /* 2, m                            */
    LEAN_GEOMETRY_TABLES       /* how many                        */
};

/* Tables of int64; a row belongs to a triangle. */
enum lean_relation {
    LEAN_TRIANGLES = 0,            /* 3 columns: nodes                             */
    LEAN_NEIGHBOURS = 1,           /* 3: a triangle, or -1-j at boundary edge j    */
    LEAN_NEIGHBOUR_EDGES = 2,      /* 3: the edge on the other side, -1 if none    */
    LEAN_SURROGATE_NEIGHBOURS = 3, /* 3: a triangle, itself where there is none    */
    LEAN_NUMBER_OF_BOUNDARIES = 4, /* 1: edges without a triangle beyond           */
    LEAN_RELATION_TABLES           /* how many                                     */
};

/* Columns of a table, and its rows per triangle. */
int lean_geometry_columns(int table);
int lean_geometry_rows_per_triangle(int table);
int lean_relation_columns(int table);

/* IN  rows (n_rows,), each in range;  OUT values (n_rows, columns) */
void lean_geometry_rows(const lean_mesh *mesh, int table, const int64_t *rows,
                        int64_t n_rows, double *values);
void lean_relation_rows(const lean_mesh *mesh, int table, const int64_t *rows,
                        int64_t n_rows, int64_t *values);

/* OUT values (rows of the whole table, columns), in the user's order */
void lean_geometry_all(const lean_mesh *mesh, int table, double *values);
void lean_relation_all(const lean_mesh *mesh, int table, int64_t *values);

/* INOUT xy (count, 2) m, for the nodes first to first + count - 1: the rows of
 * nodes that belong to a triangle are set, the others are left alone. */
void lean_node_coordinates(const lean_mesh *mesh, int64_t first, int64_t count,
                           double *xy);

/* INOUT count (n_nodes,): incremented for each triangle corner at the node. */
void lean_count_triangles_per_node(const lean_mesh *mesh, int64_t *count);

/* OUT extent: least and largest x, least and largest y of a triangle's node */
void lean_extent(const lean_mesh *mesh, double extent[4]);

#endif
