/* The least-squares fit of a mesh to points: its matrix and its points.
 *
 * Owns the rows of the matrix, in which every entry of ANUGA's hash tables has
 * one place, the sums into them, and which triangle a point is in.  Solving is
 * ANUGA's.  Triangles come in chunks of ascending numbers: the sums of an entry
 * run over triangles, and over points, in ANUGA's order, which fixes the bits.
 *
 * ANUGA drops an entry whose sum has come to at most 1e-10 in magnitude, and
 * what is added later starts anew: here such a sum is 0, which no kept one is.
 */
#ifndef LEAN_FIT_H
#define LEAN_FIT_H

#include <stdint.h>

/* Return codes: a row of the matrix has no place for what is to go there. */
enum { LEAN_FIT_OK = 0, LEAN_FIT_NO_PLACE = 1 };

/* Row v of the matrix has the columns column[row[v]] .. column[row[v+1] - 1]. */
typedef struct {
    int32_t n_nodes;
    const int64_t *row;
    const int32_t *column;
} lean_fit_rows;

/* A grid over some points, so that a triangle meets those around it only. */
typedef struct {
    int64_t n_points;
    const double *xy;        /* (n_points, 2) m */
    double x0, y0;           /* the grid's corner, m */
    double per_x, per_y;     /* cells per m */
    int32_t nx, ny;
    const int64_t *first;    /* (nx*ny + 1): where a cell's points begin */
    const int32_t *point;    /* (n_points) points by cell, ascending within one */
} lean_fit_grid;

/* Count the places that the triangles need in the rows of their nodes.
 * IN    corner (m, 3) nodes
 * INOUT count  (n_nodes) two more for each corner at the node */
void lean_fit_count(int64_t m, const int32_t *corner, int32_t *count);

/* Write the two other nodes of each corner into the row of its node.
 * IN    row    (n_nodes + 1) where the rows begin
 * INOUT used   (n_nodes) places taken so far in each row
 * OUT   column as many as counted
 * Returns LEAN_FIT_OK or LEAN_FIT_NO_PLACE. */
int lean_fit_link(int64_t m, const int32_t *corner, const int64_t *row, int32_t *used,
                  int32_t *column);

/* Sort the rows, let each column stand once, and close the gaps.
 * INOUT row (n_nodes + 1), column
 * Returns the number of columns that are left. */
int64_t lean_fit_close(int32_t n_nodes, int64_t *row, int32_t *column);

/* Add the integrals over triangles of the products of the gradients of two nodes.
 * IN    area  (m) m2;  xy (m, 3, 2) the corners, m
 * INOUT value one per column
 * Returns LEAN_FIT_OK or LEAN_FIT_NO_PLACE.
 * ANUGA 4.1.0, fitsmooth.c, _build_smoothing_matrix. */
int lean_fit_smooth(const lean_fit_rows *rows, int64_t m, const int32_t *corner,
                    const double *area, const double *xy, double *value);

/* Sort points into the cells of a grid.
 * IN  grid  all but first and point
 * OUT first, point */
void lean_fit_sort(const lean_fit_grid *grid, int64_t *first, int32_t *point);

/* Find the triangle that ANUGA's quadtree of the whole mesh gives for each point.
 * IN    start    number of the first of the m triangles; chunks ascend
 *       xy       (m, 3, 2) the corners, m
 *       extent   (4) xmin, xmax, ymin, ymax of the tree's root, m
 * INOUT triangle (n_points) the best so far, -1 if none
 *       depth    (n_points) of that triangle in the tree
 * A triangle stands in the smallest cell of the tree that does not have it whole
 * in one quadrant; of those that contain the point and stand in a cell on the way
 * to it the first from the root counts, in one cell the one of least number. */
void lean_fit_find(const lean_fit_grid *grid, int64_t m, int32_t start, const double *xy,
                   const double *extent, int32_t *triangle, int32_t *depth);

/* Add points that are in triangles to A'A and A'z, in the order given.
 * IN    corner (m, 3) nodes of the triangle of each point;  xy (m, 3, 2) its corners, m
 *       point  (m, 2) m;  z (m) the values there
 * INOUT value one per column;  right (n_nodes)
 * Returns LEAN_FIT_OK or LEAN_FIT_NO_PLACE.
 * ANUGA 4.1.0, fitsmooth.c, _build_matrix_AtA_Atz_points, on one thread. */
int lean_fit_add_points(const lean_fit_rows *rows, int64_t m, const int32_t *corner,
                        const double *xy, const double *point, const double *z,
                        double *value, double *right);

/* Add the A'A of some points to that of those before.
 * INOUT value (count);  IN more (count) */
void lean_fit_join(int64_t count, double *value, const double *more);

/* Make the matrix A'A + alpha*D of its parts and drop the places of no entry.
 * IN    products (row[n_nodes]) A'A
 * INOUT row, column, smooth: D, then the matrix
 * Returns the number of entries.
 * ANUGA 4.1.0, sparse_dok.c, add_sparse_dok: what only D has stays even if alpha
 * makes it 0. */
int64_t lean_fit_matrix(int32_t n_nodes, double alpha, int64_t *row, int32_t *column,
                        double *smooth, const double *products);

#endif
