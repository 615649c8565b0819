/* Cutting a mesh into blocks.
 *
 * Owns the two passes that turn triangles, neighbours and an order into the
 * pools of state.h: the first counts, so that the caller can reserve exactly
 * what is needed, the second fills.  Owns no memory that outlives a call.
 */
#ifndef LEAN_BLOCKS_H
#define LEAN_BLOCKS_H

#include "state.h"
#include "topology.h"

/* What a mesh is cut from; nothing here is changed. */
typedef struct {
    int32_t n, n_nodes, block_size, n_blocks;
    const double *node_xy;           /* (n_nodes, 2) m */
    const int32_t *triangles;        /* (n, 3) */
    const int32_t *link;             /* (n, 3): 3*m + e, or -1-j at boundary edge j */
    const int32_t *order;            /* (n,) triangles in the order of the blocks */
    const int32_t *position;         /* (n,) its inverse */
    int32_t n_exception;             /* tagged edges that have a neighbour, */
    const int32_t *exception_edge;   /*   as 3*k + i, ascending,            */
    const int32_t *exception_index;  /*   and their boundary edge j         */
} lean_cut;

/* Entries to reserve in each pool, and the largest block. */
typedef struct {
    int64_t member, vertex, node, flux_slot, ring_neighbour;
    int64_t boundary, ear, exception, near;
    int32_t max_own, max_local, max_all, max_node, max_boundary;
} lean_pool_sizes;

/* Pools to fill, lengths as counted; meaning as in lean_mesh. */
typedef struct {
    int32_t *member;
    uint16_t *vertex;
    double *node_xy;
    int32_t *node_id;
    uint16_t *flux_slot, *ring_neighbour, *boundary_slot;
    int32_t *boundary_index;
    uint16_t *ear_triangle, *ear_neighbour;
    int32_t *ear_far;
    uint16_t *exception_slot, *exception_neighbour;
    int32_t *near_block;
} lean_pools;

/* OUT position (n,): the inverse of the permutation order. */
void lean_invert_order(int32_t n, const int32_t *order, int32_t *position);

/* First pass.
 * OUT block (n_blocks,) where each block's parts begin, and how many there are
 * OUT sizes the totals
 * Returns LEAN_OK, LEAN_NO_MEMORY, or LEAN_BLOCK_TOO_LARGE when the local
 * indices of a block do not fit in 16 bits: cut with a smaller block_size. */
int lean_count_blocks(const lean_cut *cut, lean_block *block, lean_pool_sizes *sizes);

/* Second pass.
 * IN  block as counted;  OUT every pool
 * Returns LEAN_OK, LEAN_NO_MEMORY or LEAN_BAD_EXCEPTION. */
int lean_fill_blocks(const lean_cut *cut, const lean_block *block, const lean_pools *pools);

#endif
