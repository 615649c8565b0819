/* From triangles to neighbours, and the order blocks are cut in.
 *
 * Owns what is found out once about a mesh in the user's numbering; cutting
 * it into blocks is in blocks.h.  Memory linear in the mesh: no hash table.
 */
#ifndef LEAN_TOPOLOGY_H
#define LEAN_TOPOLOGY_H

#include <stdint.h>

/* Return codes of topology.c and blocks.c. */
enum {
    LEAN_OK = 0,
    LEAN_NO_MEMORY = 1,
    LEAN_DUPLICATE_EDGE = 2,
    LEAN_BLOCK_TOO_LARGE = 3,  /* a block does not fit its uint16 indices */
    LEAN_BAD_EXCEPTION = 4,    /* a tagged interior edge lies at no neighbour */
};

/* Two edges that run between the same nodes in the same direction. */
typedef struct {
    int32_t triangle[2];
    int32_t edge[2];
} lean_duplicate;

/* Find the neighbour beyond every edge.
 * IN  triangles (n, 3) node of each corner, in 0..n_nodes-1, counter-clockwise
 * OUT link      (n, 3) 3*m + e where edge e of triangle m is the other side,
 *               -1 at a boundary
 * OUT duplicate the first pair of equal edges, by start node, then end node
 * Returns LEAN_OK, LEAN_NO_MEMORY or LEAN_DUPLICATE_EDGE. */
int lean_find_neighbours(int32_t n, int32_t n_nodes, const int32_t *triangles,
                         int32_t *link, lean_duplicate *duplicate);

/* Count the triangles whose area is not positive (NaN included).
 * IN  node_xy (n_nodes, 2) m;  triangles (n, 3), indices in range
 * OUT first   the first such triangle, -1 if there is none */
int64_t lean_count_flat(int32_t n, const double *node_xy, const int32_t *triangles,
                        int32_t *first);

/* Order the triangles along a Hilbert curve through their centroids.
 * IN  node_xy (n_nodes, 2) m;  triangles (n, 3)
 * OUT order   (n,) a permutation; triangles in the same cell of the 2^16 by
 *             2^16 grid keep their order, so the result is deterministic
 * Returns LEAN_OK or LEAN_NO_MEMORY. */
int lean_hilbert_order(int32_t n, const double *node_xy, const int32_t *triangles,
                       int32_t *order);

#endif
