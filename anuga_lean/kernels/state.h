/* The data the kernels work on: the mesh cut into blocks and the state of a run.
 *
 * Owns the struct layouts shared by every kernel.  The memory behind the
 * pointers belongs to numpy arrays held in Python; no kernel frees any of it.
 *
 * Words: a block's own triangles are numbered 0..n_own-1, its first ring of
 * (surrogate) neighbours n_own..n_own+n_ring1-1, the neighbours of those
 * (its second ring) follow.  NL = n_own + n_ring1, ALL = NL + n_ring2.
 * Edge i of a triangle runs from vertex i+1 to vertex i+2.
 */
#ifndef LEAN_STATE_H
#define LEAN_STATE_H

#include <stddef.h>
#include <stdint.h>

/* One block: where its parts begin in the pools, and how many there are. */
typedef struct {
    int64_t member;          /* first entry in lean_mesh.member, ALL entries           */
    int64_t vertex;          /* first entry in .vertex, 3*ALL                           */
    int64_t node;            /* first entry in .node_id (n_node) and, times 2, .node_xy */
    int64_t flux_slot;       /* first entry in .flux_slot, 3*n_own                      */
    int64_t ring_neighbour;  /* first entry in .ring_neighbour, 3*n_ring1               */
    int64_t boundary;        /* first entry in .boundary_slot / .boundary_index         */
    int64_t ear;             /* first entry in .ear_*                                   */
    int64_t exception;       /* first entry in .exception_*                             */
    int64_t near;            /* first entry in .near_block                              */
    int32_t n_own, n_ring1, n_ring2, n_node;
    int32_t n_boundary, n_ear, n_exception, n_near;
} lean_block;

typedef struct {
    int32_t n;               /* number of triangles                       */
    int32_t n_blocks;
    int32_t block_size;      /* own triangles per block (last may be less) */
    int32_t n_boundary;      /* number of boundary edges                  */
    int32_t use_inscribed_circle;
    int32_t max_own, max_local /* NL */, max_all, max_node, max_boundary;
    const lean_block *block;
    /* ALL entries per block: original (user) index of each local triangle. */
    const int32_t *member;
    /* vertex[i*ALL + c]: block-local node of vertex i of local triangle c. */
    const uint16_t *vertex;
    /* node_xy: n_node x coordinates, then n_node y coordinates, per block.  */
    const double *node_xy;
    const int32_t *node_id;  /* the mesh node behind each block-local node    */
    /* flux_slot[i*n_own + c]: where the state beyond edge i of own triangle c
     * stands in the scratch: e*NL + m for edge e of local triangle m, or
     * 3*NL + j for the block's boundary edge j.                              */
    const uint16_t *flux_slot;
    /* ring_neighbour[i*n_ring1 + (c-n_own)]: local index of surrogate
     * neighbour i of first-ring triangle c (c itself at a boundary).         */
    const uint16_t *ring_neighbour;
    const uint16_t *boundary_slot;   /* i*NL + c of each own boundary edge, ascending in (c, i) */
    const int32_t *boundary_index;   /* its place in the boundary enumeration */
    /* Ears: triangles of NL with two or three boundary edges.  ear_neighbour: the
     * one surrogate neighbour's local index, the triangle itself if it has
     * none.  ear_far[3]: original indices of that neighbour's surrogate
     * neighbours other than itself, -1 where there is none.                  */
    const uint16_t *ear_triangle;
    const uint16_t *ear_neighbour;
    const int32_t *ear_far;
    /* Own triangles with an interior segment tagged as boundary: exception_slot
     * is i*n_own + c; the flux sees the boundary there, the reconstruction the
     * triangle exception_neighbour (local index).                            */
    const uint16_t *exception_slot;
    const uint16_t *exception_neighbour;
    const int32_t *near_block;       /* blocks that own a ring member of this one */
    /* original index -> place in block order: block = p / block_size,
     * local = p % block_size.                                                */
    const int32_t *position;
} lean_mesh;

#endif
