/* Where a triangle of the user's numbering stands in the blocks, and its vertices there. */
#ifndef LEAN_PLACE_H
#define LEAN_PLACE_H

#include "geometry.h"
#include "state.h"

/* A triangle in the block that owns it. */
typedef struct {
    const lean_block *block;
    int32_t c;                /* local index, below n_own */
} lean_place;

/* The number of the block that owns triangle k. */
static inline int32_t lean_owner(const lean_mesh *m, int64_t k)
{
    return m->position[k] / m->block_size;
}

/* IN k triangle, in range. */
static inline lean_place lean_place_of(const lean_mesh *m, int64_t k)
{
    return (lean_place){
        .block = m->block + lean_owner(m, k),
        .c = m->position[k] % m->block_size,
    };
}

/* NL of a block (state.h). */
static inline int32_t lean_local_count(const lean_block *block)
{
    return block->n_own + block->n_ring1;
}

/* ALL of a block. */
static inline int32_t lean_all_count(const lean_block *block)
{
    return lean_local_count(block) + block->n_ring2;
}

/* The block-local node at vertex i of local triangle c. */
static inline int32_t lean_local_node(const lean_mesh *m, const lean_block *block, int32_t c,
                                      int i)
{
    return m->vertex[block->vertex + i * (int64_t)lean_all_count(block) + c];
}

/* The vertices of local triangle c, m.  OUT x, y. */
static inline void lean_vertices_of(const lean_mesh *m, const lean_block *block, int32_t c,
                                    double x[3], double y[3])
{
    const double *X = m->node_xy + 2 * block->node, *Y = X + block->n_node;
    for (int i = 0; i < 3; i++) {
        int32_t node = lean_local_node(m, block, c, i);
        x[i] = X[node];
        y[i] = Y[node];
    }
}

/* The area of local triangle c, m2. */
static inline double lean_area_at(const lean_mesh *m, const lean_block *block, int32_t c)
{
    double x[3], y[3];
    lean_vertices_of(m, block, c, x, y);
    return lean_area(x[0], y[0], x[1], y[1], x[2], y[2]);
}

#endif
