# The door to topology.c, blocks.c and derive.c; included by _kernels.pyx.
#
# Owns the checks of dtype, shape and contiguity on the way in and the errors
# on the way out.  No arithmetic: that is C's.  Declares lean_mesh for all of
# the extension module; a kernel reads it from MeshHandle.c.

from libc.stdint cimport int32_t, int64_t, uint16_t

import numpy as np

from anuga_lean._errors import MeshError


cdef extern from "state.h" nogil:
    ctypedef struct lean_block:
        int64_t member, vertex, node, flux_slot, ring_neighbour
        int64_t boundary, ear, exception, near
        int32_t n_own, n_ring1, n_ring2, n_node
        int32_t n_boundary, n_ear, n_exception, n_near

    ctypedef struct lean_mesh:
        int32_t n, n_blocks, block_size, n_boundary, use_inscribed_circle
        int32_t max_own, max_local, max_all, max_node, max_boundary
        const lean_block *block
        const int32_t *member
        const uint16_t *vertex
        const double *node_xy
        const int32_t *node_id
        const uint16_t *flux_slot
        const uint16_t *ring_neighbour
        const uint16_t *boundary_slot
        const int32_t *boundary_index
        const uint16_t *ear_triangle
        const uint16_t *ear_neighbour
        const int32_t *ear_far
        const uint16_t *exception_slot
        const uint16_t *exception_neighbour
        const int32_t *near_block
        const int32_t *position


cdef extern from "topology.h" nogil:
    int LEAN_OK, LEAN_NO_MEMORY, LEAN_DUPLICATE_EDGE
    int LEAN_BLOCK_TOO_LARGE, LEAN_BAD_EXCEPTION

    ctypedef struct lean_duplicate:
        int32_t triangle[2]
        int32_t edge[2]

    int lean_find_neighbours(int32_t, int32_t, const int32_t *, int32_t *, lean_duplicate *)
    int64_t lean_count_flat(int32_t, const double *, const int32_t *, int32_t *)
    int lean_hilbert_order(int32_t, const double *, const int32_t *, int32_t *)


cdef extern from "blocks.h" nogil:
    ctypedef struct lean_cut:
        int32_t n, n_nodes, block_size, n_blocks
        const double *node_xy
        const int32_t *triangles
        const int32_t *link
        const int32_t *order
        const int32_t *position
        int32_t n_exception
        const int32_t *exception_edge
        const int32_t *exception_index

    ctypedef struct lean_pool_sizes:
        int64_t member, vertex, node, flux_slot, ring_neighbour
        int64_t boundary, ear, exception, near
        int32_t max_own, max_local, max_all, max_node, max_boundary

    ctypedef struct lean_pools:
        int32_t *member
        uint16_t *vertex
        double *node_xy
        int32_t *node_id
        uint16_t *flux_slot
        uint16_t *ring_neighbour
        uint16_t *boundary_slot
        int32_t *boundary_index
        uint16_t *ear_triangle
        uint16_t *ear_neighbour
        int32_t *ear_far
        uint16_t *exception_slot
        uint16_t *exception_neighbour
        int32_t *near_block

    void lean_invert_order(int32_t, const int32_t *, int32_t *)
    int lean_count_blocks(const lean_cut *, lean_block *, lean_pool_sizes *)
    int lean_fill_blocks(const lean_cut *, const lean_block *, const lean_pools *)


cdef extern from "derive.h" nogil:
    int lean_geometry_columns(int)
    int lean_geometry_rows_per_triangle(int)
    int lean_relation_columns(int)
    void lean_geometry_rows(const lean_mesh *, int, const int64_t *, int64_t, double *)
    void lean_relation_rows(const lean_mesh *, int, const int64_t *, int64_t, int64_t *)
    void lean_geometry_all(const lean_mesh *, int, double *)
    void lean_relation_all(const lean_mesh *, int, int64_t *)
    void lean_node_coordinates(const lean_mesh *, int64_t, int64_t, double *)
    void lean_count_triangles_per_node(const lean_mesh *, int64_t *)
    void lean_extent(const lean_mesh *, double *)


cdef extern from *:
    """
    #include <stddef.h>
    #if defined(__GLIBC__)
    #include <malloc.h>
    static void lean_trim(void) { malloc_trim(0); }
    #else
    static void lean_trim(void) {}
    #endif
    """
    void lean_trim() nogil


def release_free_memory():
    """Give memory that was freed back to the system, where the C library can.

    glibc keeps it below what was allocated later: at 1 M triangles the
    temporaries of a mesh would stay in the RSS with 35 bytes per triangle.
    Lower thresholds (mallopt) would take another 4 bytes per triangle off the
    peak of a run with rain at 250,000 triangles, and make it a fifth slower:
    the temporaries of each step would be mapped anew.
    """
    with nogil:
        lean_trim()


# lean_block as numpy sees it.
block_dtype = np.dtype(
    [(name, np.int64) for name in (
        "member", "vertex", "node", "flux_slot", "ring_neighbour",
        "boundary", "ear", "exception", "near")]
    + [(name, np.int32) for name in (
        "n_own", "n_ring1", "n_ring2", "n_node",
        "n_boundary", "n_ear", "n_exception", "n_near")],
    align=True,
)
if block_dtype.itemsize != sizeof(lean_block):
    raise ImportError("anuga_lean._kernels was built with another layout of lean_block")


class BlockTooLarge(MeshError):
    """A block does not fit 16-bit indices: cut with a smaller block_size."""


cdef size_t _address(object array, object dtype, Py_ssize_t size, str name) except? 0:
    """Where the elements of `array` stand, after checking that they are as C expects."""
    if array.dtype != dtype or array.size != size or not array.flags.c_contiguous:
        raise ValueError(
            f"{name} must be C-contiguous {np.dtype(dtype)} with {size} elements, "
            f"not {array.dtype} with {array.size}")
    return array.__array_interface__["data"][0]


cdef int _check_code(int code, int64_t nbytes) except -1:
    """Turn a return code into an error; `nbytes` is what the kernel allocates by itself."""
    if code == LEAN_NO_MEMORY:
        error = MemoryError(f"the mesh needs {nbytes} bytes more to be built")
        error.nbytes = nbytes       # numpy's say so, too, by shape and dtype
        raise error
    if code == LEAN_BLOCK_TOO_LARGE:
        raise BlockTooLarge("a block of the mesh does not fit 16-bit indices")
    if code == LEAN_BAD_EXCEPTION:
        raise MeshError("a tagged interior edge has a neighbour outside its block's halo")
    return 0


def find_neighbours(const int32_t[:, ::1] triangles not None, int32_t n_nodes):
    """Return link (n, 3) int32: 3*m + e beyond each edge, -1 at a boundary.

    The nodes in `triangles` must be in 0..n_nodes-1.
    """
    cdef int32_t n = triangles.shape[0]
    link = np.empty((n, 3), np.int32)
    cdef int32_t[:, ::1] out = link
    cdef lean_duplicate d
    cdef int code
    with nogil:
        code = lean_find_neighbours(n, n_nodes, &triangles[0, 0], &out[0, 0], &d)
    if code == LEAN_DUPLICATE_EDGE:
        raise MeshError(
            f"Edge {d.edge[1]} of triangle {d.triangle[1]} is duplicating "
            f"edge {d.edge[0]} of triangle {d.triangle[0]}.")
    _check_code(code, 4 * (<int64_t> n_nodes + 1) + 4 * (3 * <int64_t> n + 1))
    return link


def count_flat(const double[:, ::1] node_xy not None,
               const int32_t[:, ::1] triangles not None):
    """Return how many triangles have no positive area, and the first of them."""
    cdef int32_t first
    cdef int64_t count
    with nogil:
        count = lean_count_flat(triangles.shape[0], &node_xy[0, 0], &triangles[0, 0], &first)
    return count, first


def hilbert_order(const double[:, ::1] node_xy not None,
                  const int32_t[:, ::1] triangles not None):
    """Return (order, position), (n,) int32 each: the Hilbert order and its inverse."""
    cdef int32_t n = triangles.shape[0]
    order = np.empty(n, np.int32)
    position = np.empty(n, np.int32)
    cdef int32_t[::1] o = order
    cdef int32_t[::1] p = position
    cdef int code
    with nogil:
        code = lean_hilbert_order(n, &node_xy[0, 0], &triangles[0, 0], &o[0])
        if code == LEAN_OK:
            lean_invert_order(n, &o[0], &p[0])
    _check_code(code, 16 * (<int64_t> n + 1))
    return order, position


cdef class Cut:
    """The arrays a mesh is cut from; `count` and `fill` are the two passes."""

    cdef lean_cut c
    cdef object arrays

    def __init__(self, node_xy, triangles, link, order, position,
                 exception_edge, exception_index, int32_t block_size):
        cdef int32_t n = len(order)
        self.arrays = (node_xy, triangles, link, order, position,
                       exception_edge, exception_index)
        self.c.n = n
        self.c.n_nodes = len(node_xy)
        self.c.block_size = block_size
        self.c.n_blocks = (n + block_size - 1) // block_size
        self.c.n_exception = len(exception_edge)
        self.c.node_xy = <const double *> _address(
            node_xy, np.float64, 2 * self.c.n_nodes, "node_xy")
        self.c.triangles = <const int32_t *> _address(triangles, np.int32, 3 * n, "triangles")
        self.c.link = <const int32_t *> _address(link, np.int32, 3 * n, "link")
        self.c.order = <const int32_t *> _address(order, np.int32, n, "order")
        self.c.position = <const int32_t *> _address(position, np.int32, n, "position")
        self.c.exception_edge = <const int32_t *> _address(
            exception_edge, np.int32, self.c.n_exception, "exception_edge")
        self.c.exception_index = <const int32_t *> _address(
            exception_index, np.int32, self.c.n_exception, "exception_index")

    def count(self):
        """Return (block, sizes): (n_blocks,) block_dtype, and entries per pool."""
        block = np.zeros(self.c.n_blocks, block_dtype)
        cdef lean_block *b = <lean_block *> <size_t> block.__array_interface__["data"][0]
        cdef lean_pool_sizes sizes
        cdef int code
        with nogil:
            code = lean_count_blocks(&self.c, b, &sizes)
        _check_code(code, self._workspace())
        return block, sizes

    cdef int64_t _workspace(self):
        """Bytes of the two arrays of kernels/blocks.c that grow with the mesh."""
        return 4 * (<int64_t> self.c.n + self.c.n_nodes)

    def fill(self, pools):
        """Fill the pools, attributes of `pools` by the names of state.h."""
        cdef lean_pools p
        cdef lean_block *b = <lean_block *> _address(
            pools.block, block_dtype, self.c.n_blocks, "block")
        cdef int code
        p.member = <int32_t *> _pool(pools, "member", np.int32)
        p.vertex = <uint16_t *> _pool(pools, "vertex", np.uint16)
        p.node_xy = <double *> _pool(pools, "node_xy", np.float64)
        p.node_id = <int32_t *> _pool(pools, "node_id", np.int32)
        p.flux_slot = <uint16_t *> _pool(pools, "flux_slot", np.uint16)
        p.ring_neighbour = <uint16_t *> _pool(pools, "ring_neighbour", np.uint16)
        p.boundary_slot = <uint16_t *> _pool(pools, "boundary_slot", np.uint16)
        p.boundary_index = <int32_t *> _pool(pools, "boundary_index", np.int32)
        p.ear_triangle = <uint16_t *> _pool(pools, "ear_triangle", np.uint16)
        p.ear_neighbour = <uint16_t *> _pool(pools, "ear_neighbour", np.uint16)
        p.ear_far = <int32_t *> _pool(pools, "ear_far", np.int32)
        p.exception_slot = <uint16_t *> _pool(pools, "exception_slot", np.uint16)
        p.exception_neighbour = <uint16_t *> _pool(pools, "exception_neighbour", np.uint16)
        p.near_block = <int32_t *> _pool(pools, "near_block", np.int32)
        with nogil:
            code = lean_fill_blocks(&self.c, b, &p)
        _check_code(code, self._workspace())


cdef size_t _pool(object pools, str name, object dtype) except? 0:
    array = getattr(pools, name)
    return _address(array, dtype, array.size, name)


cdef class MeshHandle:
    """The mesh as the kernels see it; keeps the pools it points into alive.

    Parameters
    ----------
    blocks : anuga_lean.mesh.blocks.Blocks
    """

    cdef lean_mesh c
    cdef object pools
    cdef readonly Py_ssize_t number_of_nodes

    def __init__(self, blocks):
        # the pools, not the blocks: those keep the handle
        self.pools = tuple(a for a in vars(blocks).values() if isinstance(a, np.ndarray))
        self.number_of_nodes = blocks.number_of_nodes
        self.c.n = blocks.number_of_triangles
        self.c.n_blocks = len(blocks.block)
        self.c.block_size = blocks.block_size
        self.c.n_boundary = blocks.number_of_boundary_edges
        self.c.use_inscribed_circle = bool(blocks.use_inscribed_circle)
        self.c.max_own = blocks.max_own
        self.c.max_local = blocks.max_local
        self.c.max_all = blocks.max_all
        self.c.max_node = blocks.max_node
        self.c.max_boundary = blocks.max_boundary
        self.c.block = <const lean_block *> _pool(blocks, "block", block_dtype)
        self.c.member = <const int32_t *> _pool(blocks, "member", np.int32)
        self.c.vertex = <const uint16_t *> _pool(blocks, "vertex", np.uint16)
        self.c.node_xy = <const double *> _pool(blocks, "node_xy", np.float64)
        self.c.node_id = <const int32_t *> _pool(blocks, "node_id", np.int32)
        self.c.flux_slot = <const uint16_t *> _pool(blocks, "flux_slot", np.uint16)
        self.c.ring_neighbour = <const uint16_t *> _pool(blocks, "ring_neighbour", np.uint16)
        self.c.boundary_slot = <const uint16_t *> _pool(blocks, "boundary_slot", np.uint16)
        self.c.boundary_index = <const int32_t *> _pool(blocks, "boundary_index", np.int32)
        self.c.ear_triangle = <const uint16_t *> _pool(blocks, "ear_triangle", np.uint16)
        self.c.ear_neighbour = <const uint16_t *> _pool(blocks, "ear_neighbour", np.uint16)
        self.c.ear_far = <const int32_t *> _pool(blocks, "ear_far", np.int32)
        self.c.exception_slot = <const uint16_t *> _pool(blocks, "exception_slot", np.uint16)
        self.c.exception_neighbour = <const uint16_t *> _pool(
            blocks, "exception_neighbour", np.uint16)
        self.c.near_block = <const int32_t *> _pool(blocks, "near_block", np.int32)
        self.c.position = <const int32_t *> _pool(blocks, "position", np.int32)

    cdef int _check_rows(self, const int64_t[::1] rows, int64_t limit) except -1:
        cdef Py_ssize_t r
        for r in range(rows.shape[0]):
            if rows[r] < 0 or rows[r] >= limit:
                raise IndexError(
                    f"index {rows[r]} is out of bounds for axis 0 with size {limit}")
        return 0

    cdef int _check_local(self, const int64_t[::1] offset, const uint16_t[::1] triangle) except -1:
        """Raise IndexError unless those of each block are own or first-ring triangles of it."""
        cdef int32_t b
        cdef int64_t j
        for b in range(self.c.n_blocks):
            for j in range(offset[b], offset[b + 1]):
                if triangle[j] >= self.c.block[b].n_own + self.c.block[b].n_ring1:
                    raise IndexError(f"block {b} has no local triangle {triangle[j]}")
        return 0

    def geometry_rows(self, int table, const int64_t[::1] rows not None):
        """Return the rows of a geometry table: (m, columns) float64."""
        cdef int64_t m = rows.shape[0]
        if not 0 <= table <= 6:
            raise ValueError(f"there is no geometry table {table}")
        self._check_rows(rows, self.c.n * <int64_t> lean_geometry_rows_per_triangle(table))
        values = np.empty((m, lean_geometry_columns(table)))
        cdef double[:, ::1] out = values
        if m > 0:
            with nogil:
                lean_geometry_rows(&self.c, table, &rows[0], m, &out[0, 0])
        return values

    def geometry_all(self, int table):
        """Return a whole geometry table, in the user's order: (rows, columns) float64."""
        if not 0 <= table <= 6:
            raise ValueError(f"there is no geometry table {table}")
        rows = self.c.n * <int64_t> lean_geometry_rows_per_triangle(table)
        values = np.empty((rows, lean_geometry_columns(table)))
        cdef double[:, ::1] out = values
        with nogil:
            lean_geometry_all(&self.c, table, &out[0, 0])
        return values

    def relation_rows(self, int table, const int64_t[::1] rows not None):
        """Return the rows of a relation table: (m, columns) int64."""
        cdef int64_t m = rows.shape[0]
        if not 0 <= table <= 4:
            raise ValueError(f"there is no relation table {table}")
        self._check_rows(rows, self.c.n)
        values = np.empty((m, lean_relation_columns(table)), np.int64)
        cdef int64_t[:, ::1] out = values
        if m > 0:
            with nogil:
                lean_relation_rows(&self.c, table, &rows[0], m, &out[0, 0])
        return values

    def relation_all(self, int table):
        """Return a whole relation table, in the user's order: (n, columns) int64."""
        if not 0 <= table <= 4:
            raise ValueError(f"there is no relation table {table}")
        values = np.empty((self.c.n, lean_relation_columns(table)), np.int64)
        cdef int64_t[:, ::1] out = values
        with nogil:
            lean_relation_all(&self.c, table, &out[0, 0])
        return values

    def node_coordinates(self, double[:, ::1] xy not None, int64_t first=0):
        """Set the rows of `xy` (m, 2), nodes `first` on, that belong to nodes of triangles."""
        cdef int64_t count = xy.shape[0]
        if first < 0 or first + count > self.number_of_nodes or xy.shape[1] != 2:
            raise ValueError(f"xy must have two columns and rows for the nodes {first} to "
                             f"{self.number_of_nodes - 1} at most, not the shape "
                             f"({count}, {xy.shape[1]})")
        if count == 0:
            return
        with nogil:
            lean_node_coordinates(&self.c, first, count, &xy[0, 0])

    def triangles_per_node(self):
        """Return (n_nodes,) int64: how many triangles use each node."""
        count = np.zeros(self.number_of_nodes, np.int64)
        cdef int64_t[::1] out = count
        with nogil:
            lean_count_triangles_per_node(&self.c, &out[0])
        return count

    def extent(self):
        """Return (4,) float64: least and largest x, least and largest y of the triangles."""
        extent = np.empty(4)
        cdef double[::1] out = extent
        with nogil:
            lean_extent(&self.c, &out[0])
        return extent
