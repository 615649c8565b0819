/* The two passes over the blocks. See blocks.h. */
#include "blocks.h"

#include <stdlib.h>
#include <string.h>

/* An own triangle has at most 3 neighbours, each of those at most 3 more. */
enum { MEMBERS_PER_OWN = 13, LARGEST_INDEX = 65535 };

/* What both passes need to look at one block after the other. */
typedef struct {
    int32_t *local;        /* (n,) local index of a triangle, -1 outside the block  */
    int32_t *local_node;   /* (n_nodes,) the same of a node                         */
    int32_t *member;       /* the block's triangles: own, first ring, second ring   */
    int32_t *node;         /* the block's nodes                                     */
    int32_t *seen_from;    /* (n_blocks,) the last block that found it near         */
    int32_t *near;         /* (n_blocks,) the near blocks                           */
} workspace;

/* Free the arrays of w, those that are NULL too. */
static void release(workspace *w)
{
    free(w->local);
    free(w->local_node);
    free(w->member);
    free(w->node);
    free(w->seen_from);
    free(w->near);
}

/* A new array of count entries, each -1, to be freed by the caller; NULL: no memory. */
static int32_t *minus_ones(size_t count)
{
    int32_t *array = malloc((count + 1) * sizeof *array);
    if (array != NULL)
        memset(array, 0xff, (count + 1) * sizeof *array);
    return array;
}

/* OUT w: its arrays, to be released.  Returns LEAN_OK, or LEAN_NO_MEMORY and reserves nothing. */
static int reserve(workspace *w, const lean_cut *cut)
{
    size_t own = (size_t)(cut->block_size < cut->n ? cut->block_size : cut->n);
    w->local = minus_ones((size_t)cut->n);
    w->local_node = minus_ones((size_t)cut->n_nodes);
    w->member = minus_ones(MEMBERS_PER_OWN * own);
    w->node = minus_ones(3 * MEMBERS_PER_OWN * own);
    w->seen_from = minus_ones((size_t)cut->n_blocks);
    w->near = minus_ones((size_t)cut->n_blocks);
    if (w->local && w->local_node && w->member && w->node && w->seen_from && w->near)
        return LEAN_OK;
    release(w);
    return LEAN_NO_MEMORY;
}

/* The boundary edge behind edge i of triangle k, tagged ones inside the mesh too; -1 if none. */
static int32_t boundary_edge(const lean_cut *cut, int32_t k, int i)
{
    int32_t edge = 3 * k + i, link = cut->link[3 * (int64_t)k + i];
    if (link < 0)
        return -1 - link;
    int32_t low = 0, high = cut->n_exception;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (cut->exception_edge[middle] < edge)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < cut->n_exception && cut->exception_edge[low] == edge)
        return cut->exception_index[low];
    return -1;
}

/* How many edges of triangle k have no triangle beyond, 0 to 3. */
static int edges_without_neighbour(const lean_cut *cut, int32_t k)
{
    const int32_t *link = cut->link + 3 * (int64_t)k;
    return (link[0] < 0) + (link[1] < 0) + (link[2] < 0);
}

/* Append the neighbours of members [from, to), the last ones so far, that are not members yet.
 * INOUT w: member, local; returns the number of members then. */
static int32_t add_ring(const lean_cut *cut, workspace *w, int32_t from, int32_t to)
{
    int32_t count = to;
    for (int32_t c = from; c < to; c++) {
        const int32_t *link = cut->link + 3 * (int64_t)w->member[c];
        for (int i = 0; i < 3; i++) {
            if (link[i] < 0 || w->local[link[i] / 3] >= 0)
                continue;
            w->local[link[i] / 3] = count;
            w->member[count++] = link[i] / 3;
        }
    }
    return count;
}

/* List the members, nodes and near blocks of block b.
 * IN w as leave_block leaves it; OUT w: all but seen_from; block: the counts of these */
static void enter_block(const lean_cut *cut, workspace *w, int32_t b, lean_block *block)
{
    int32_t first = b * cut->block_size;
    int32_t own = cut->n - first < cut->block_size ? cut->n - first : cut->block_size;
    for (int32_t c = 0; c < own; c++) {
        w->member[c] = cut->order[first + c];
        w->local[w->member[c]] = c;
    }
    int32_t local = add_ring(cut, w, 0, own);
    int32_t all = add_ring(cut, w, own, local);
    int32_t n_node = 0, n_near = 0;
    for (int32_t c = 0; c < all; c++) {
        const int32_t *vertex = cut->triangles + 3 * (int64_t)w->member[c];
        for (int i = 0; i < 3; i++)
            if (w->local_node[vertex[i]] < 0) {
                w->local_node[vertex[i]] = n_node;
                w->node[n_node++] = vertex[i];
            }
    }
    for (int32_t c = own; c < all; c++) {
        int32_t owner = cut->position[w->member[c]] / cut->block_size;
        if (w->seen_from[owner] != b) {
            w->seen_from[owner] = b;
            w->near[n_near++] = owner;
        }
    }
    block->n_own = own;
    block->n_ring1 = local - own;
    block->n_ring2 = all - local;
    block->n_node = n_node;
    block->n_near = n_near;
}

/* Clear what enter_block set of local and local_node. */
static void leave_block(workspace *w, const lean_block *block)
{
    int32_t all = block->n_own + block->n_ring1 + block->n_ring2;
    for (int32_t c = 0; c < all; c++)
        w->local[w->member[c]] = -1;
    for (int32_t v = 0; v < block->n_node; v++)
        w->local_node[w->node[v]] = -1;
}

void lean_invert_order(int32_t n, const int32_t *order, int32_t *position)
{
    for (int32_t p = 0; p < n; p++)
        position[order[p]] = p;
}

/* -- first pass ------------------------------------------------------------ */

/* Count what is rare.  IN w of the entered block; OUT block: n_boundary, n_exception, n_ear */
static void count_special(const lean_cut *cut, const workspace *w, lean_block *block)
{
    int32_t local = block->n_own + block->n_ring1;
    block->n_boundary = block->n_exception = block->n_ear = 0;
    for (int32_t c = 0; c < local; c++) {
        int32_t k = w->member[c];
        if (edges_without_neighbour(cut, k) >= 2)
            block->n_ear++;
        if (c >= block->n_own)
            continue;
        for (int i = 0; i < 3; i++)
            if (boundary_edge(cut, k, i) >= 0) {
                block->n_boundary++;
                block->n_exception += cut->link[3 * (int64_t)k + i] >= 0;
            }
    }
}

/* INOUT *most: at least value. */
static void larger(int32_t *most, int32_t value)
{
    *most = value > *most ? value : *most;
}

/* Place the block after the ones before it and add it to the totals.
 * IN block: counts; OUT block: where its parts begin; INOUT sizes
 * Returns LEAN_OK, or LEAN_BLOCK_TOO_LARGE and changes nothing. */
static int place_block(lean_block *block, lean_pool_sizes *sizes)
{
    int32_t local = block->n_own + block->n_ring1, all = local + block->n_ring2;
    if (3 * (int64_t)local + block->n_boundary > LARGEST_INDEX || all > LARGEST_INDEX
        || block->n_node > LARGEST_INDEX)
        return LEAN_BLOCK_TOO_LARGE;
    block->member = sizes->member;
    block->vertex = sizes->vertex;
    block->node = sizes->node;
    block->flux_slot = sizes->flux_slot;
    block->ring_neighbour = sizes->ring_neighbour;
    block->boundary = sizes->boundary;
    block->ear = sizes->ear;
    block->exception = sizes->exception;
    block->near = sizes->near;
    sizes->member += all;
    sizes->vertex += 3 * (int64_t)all;
    sizes->node += block->n_node;
    sizes->flux_slot += 3 * (int64_t)block->n_own;
    sizes->ring_neighbour += 3 * (int64_t)block->n_ring1;
    sizes->boundary += block->n_boundary;
    sizes->ear += block->n_ear;
    sizes->exception += block->n_exception;
    sizes->near += block->n_near;
    larger(&sizes->max_own, block->n_own);
    larger(&sizes->max_local, local);
    larger(&sizes->max_all, all);
    larger(&sizes->max_node, block->n_node);
    larger(&sizes->max_boundary, block->n_boundary);
    return LEAN_OK;
}

int lean_count_blocks(const lean_cut *cut, lean_block *block, lean_pool_sizes *sizes)
{
    workspace w;
    int code = reserve(&w, cut);
    if (code != LEAN_OK)
        return code;
    memset(sizes, 0, sizeof *sizes);
    for (int32_t b = 0; b < cut->n_blocks && code == LEAN_OK; b++) {
        enter_block(cut, &w, b, block + b);
        count_special(cut, &w, block + b);
        leave_block(&w, block + b);
        code = place_block(block + b, sizes);
    }
    release(&w);
    return code;
}

/* -- second pass ----------------------------------------------------------- */

/* Write the members, vertices, nodes and near blocks of the entered block.
 * IN block as placed; OUT these pools, the block's part */
static void fill_members(const lean_cut *cut, const workspace *w, const lean_block *block,
                         const lean_pools *pools)
{
    int32_t all = block->n_own + block->n_ring1 + block->n_ring2, nodes = block->n_node;
    uint16_t *vertex = pools->vertex + block->vertex;
    double *x = pools->node_xy + 2 * block->node, *y = x + nodes;
    memcpy(pools->member + block->member, w->member, (size_t)all * sizeof *w->member);
    memcpy(pools->node_id + block->node, w->node, (size_t)nodes * sizeof *w->node);
    memcpy(pools->near_block + block->near, w->near, (size_t)block->n_near * sizeof *w->near);
    for (int32_t c = 0; c < all; c++)
        for (int i = 0; i < 3; i++) {
            int32_t node = cut->triangles[3 * (int64_t)w->member[c] + i];
            vertex[(int64_t)i * all + c] = (uint16_t)w->local_node[node];
        }
    for (int32_t v = 0; v < nodes; v++) {
        x[v] = cut->node_xy[2 * (int64_t)w->node[v]];
        y[v] = cut->node_xy[2 * (int64_t)w->node[v] + 1];
    }
}

/* Write what lies beyond the edges of own triangles: slots, boundary edges, exceptions.
 * OUT these pools, the block's part; returns LEAN_OK or LEAN_BAD_EXCEPTION */
static int fill_own(const lean_cut *cut, const workspace *w, const lean_block *block,
                    const lean_pools *pools)
{
    int32_t own = block->n_own, local = own + block->n_ring1, j = 0, x = 0;
    uint16_t *slot = pools->flux_slot + block->flux_slot;
    for (int32_t c = 0; c < own; c++)
        for (int i = 0; i < 3; i++) {
            int32_t k = w->member[c], link = cut->link[3 * (int64_t)k + i];
            int32_t index = boundary_edge(cut, k, i);
            if (index < 0) {
                slot[i * own + c] = (uint16_t)(link % 3 * local + w->local[link / 3]);
                continue;
            }
            slot[i * own + c] = (uint16_t)(3 * local + j);
            pools->boundary_slot[block->boundary + j] = (uint16_t)(i * local + c);
            pools->boundary_index[block->boundary + j++] = index;
            if (link < 0)
                continue;
            if (w->local[link / 3] < 0)
                return LEAN_BAD_EXCEPTION;
            pools->exception_slot[block->exception + x] = (uint16_t)(i * own + c);
            pools->exception_neighbour[block->exception + x++] = (uint16_t)w->local[link / 3];
        }
    return LEAN_OK;
}

/* Write the neighbours of first-ring triangles.  OUT ring_neighbour, the block's part */
static void fill_ring(const lean_cut *cut, const workspace *w, const lean_block *block,
                      const lean_pools *pools)
{
    int32_t ring = block->n_ring1, own = block->n_own;
    uint16_t *neighbour = pools->ring_neighbour + block->ring_neighbour;
    for (int32_t r = 0; r < ring; r++)
        for (int i = 0; i < 3; i++) {
            int32_t link = cut->link[3 * (int64_t)w->member[own + r] + i];
            neighbour[i * ring + r] = (uint16_t)(link < 0 ? own + r : w->local[link / 3]);
        }
}

/* Write the ears of the block and its first ring.  OUT their pools, the block's part */
static void fill_ears(const lean_cut *cut, const workspace *w, const lean_block *block,
                         const lean_pools *pools)
{
    int64_t q = block->ear;
    for (int32_t c = 0; c < block->n_own + block->n_ring1; c++) {
        const int32_t *link = cut->link + 3 * (int64_t)w->member[c];
        if (edges_without_neighbour(cut, w->member[c]) < 2)
            continue;
        int32_t beyond = -1;
        for (int i = 0; i < 3; i++)
            beyond = link[i] >= 0 ? link[i] / 3 : beyond;
        pools->ear_triangle[q] = (uint16_t)c;
        pools->ear_neighbour[q] = (uint16_t)(beyond < 0 ? c : w->local[beyond]);
        for (int i = 0; i < 3; i++) {
            int32_t far = beyond < 0 ? -1 : cut->link[3 * (int64_t)beyond + i];
            pools->ear_far[3 * q + i] = far < 0 ? -1 : far / 3;
        }
        q++;
    }
}

int lean_fill_blocks(const lean_cut *cut, const lean_block *block, const lean_pools *pools)
{
    workspace w;
    int code = reserve(&w, cut);
    if (code != LEAN_OK)
        return code;
    for (int32_t b = 0; b < cut->n_blocks && code == LEAN_OK; b++) {
        lean_block counted = block[b]; /* the same counts again */
        enter_block(cut, &w, b, &counted);
        fill_members(cut, &w, block + b, pools);
        code = fill_own(cut, &w, block + b, pools);
        fill_ring(cut, &w, block + b, pools);
        fill_ears(cut, &w, block + b, pools);
        leave_block(&w, &counted);
    }
    release(&w);
    return code;
}
