# The door to blocks.c and derive.c; included by _kernels.pyx.
#
# Owns what must be true of a mesh before C sees it, and the errors on the way
# out.  No arithmetic: that is C's.  Declares lean_mesh for all of the extension
# module; a kernel reads it from MeshHandle.c.

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
    int LEAN_NORMALS, LEAN_EDGELENGTHS, LEAN_AREAS, LEAN_RADII
    int LEAN_CENTROIDS, LEAN_VERTICES, LEAN_MIDPOINTS, LEAN_GEOMETRY_TABLES
    int LEAN_TRIANGLES, LEAN_NEIGHBOURS, LEAN_NEIGHBOUR_EDGES
    int LEAN_SURROGATE_NEIGHBOURS, LEAN_NUMBER_OF_BOUNDARIES, LEAN_RELATION_TABLES
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


# Tables of MeshHandle.geometry_rows and geometry_all, and of relation_rows and relation_all.
GEOMETRY_TABLES = MappingProxyType({
    "normals": LEAN_NORMALS, "edgelengths": LEAN_EDGELENGTHS, "areas": LEAN_AREAS,
    "radii": LEAN_RADII, "centroid_coordinates": LEAN_CENTROIDS,
    "vertex_coordinates": LEAN_VERTICES, "edge_midpoint_coordinates": LEAN_MIDPOINTS})
RELATION_TABLES = MappingProxyType({
    "triangles": LEAN_TRIANGLES, "neighbours": LEAN_NEIGHBOURS,
    "neighbour_edges": LEAN_NEIGHBOUR_EDGES,
    "surrogate_neighbours": LEAN_SURROGATE_NEIGHBOURS,
    "number_of_boundaries": LEAN_NUMBER_OF_BOUNDARIES})

cdef bint _is_inverse(const int32_t *order, const int32_t *position, int32_t n) noexcept nogil:
    """Whether order is a permutation of 0 to n - 1 and position its inverse."""
    cdef int32_t p
    for p in range(n):
        if order[p] < 0 or order[p] >= n or position[order[p]] != p:
            return False
    return True


cdef class Cut:
    """The arrays a mesh is cut from; `count` and `fill` are the two passes.

    Parameters
    ----------
    node_xy : (n_nodes, 2) float64, m
    triangles : (n, 3) int32, each from 0 to below n_nodes
    link : (n, 3) int32, 3*m + e beyond each edge, -1-j at boundary edge j
    order, position : (n,) int32, triangles in the order of the blocks, and its inverse
    exception_edge, exception_index : (m,) int32
        Tagged edges 3*k + i that have a neighbour, ascending, and their boundary edge.
    block_size : int, 1 or more
    """

    cdef lean_cut c
    cdef object arrays
    cdef object block
    cdef lean_pool_sizes sizes

    def __cinit__(self, const double[:, ::1] node_xy not None,
                  const int32_t[:, ::1] triangles not None, link not None, order not None,
                  position not None, exception_edge not None, exception_index not None,
                  int64_t block_size):
        _check_columns(node_xy.shape[1], 2, "node_xy")
        if node_xy.shape[0] > 0:
            _check_aligned(&node_xy[0, 0], sizeof(double), "node_xy")
        cdef int32_t n = _check_triangles(triangles, node_xy.shape[0])
        cdef int64_t m = _length(exception_edge, "exception_edge")
        self.arrays = (node_xy, triangles, link, order, position,
                       exception_edge, exception_index)
        self.c.n = n
        self.c.n_nodes = node_xy.shape[0]
        self.c.block_size = _count(block_size, 1, 2**31 - 1, "block_size")
        self.c.n_blocks = (n + block_size - 1) // block_size
        self.c.n_exception = _count(m, 0, 3 * <int64_t> n, "the number of exceptions")
        self.c.node_xy = &node_xy[0, 0]
        self.c.triangles = &triangles[0, 0]
        self.c.link = <const int32_t *> _read(link, np.int32, 3 * <int64_t> n, "link")
        self.c.order = <const int32_t *> _read(order, np.int32, n, "order")
        self.c.position = <const int32_t *> _read(position, np.int32, n, "position")
        self.c.exception_edge = <const int32_t *> _read(
            exception_edge, np.int32, m, "exception_edge")
        self.c.exception_index = <const int32_t *> _read(
            exception_index, np.int32, m, "exception_index")
        _check_range(self.c.link, 3 * <int64_t> n, -3 * <int64_t> n, 3 * <int64_t> n, "link")
        _check_range(self.c.exception_edge, m, 0, 3 * <int64_t> n, "exception_edge")
        _check_range(self.c.exception_index, m, 0, 3 * <int64_t> n, "exception_index")
        if not _is_inverse(self.c.order, self.c.position, n):
            raise ArrayError("position must be the inverse of order, a permutation of the "
                             f"{n} triangles")

    def count(self):
        """Return (block, sizes): (n_blocks,) block_dtype, and entries per pool."""
        block = np.zeros(self.c.n_blocks, block_dtype)
        cdef lean_block *b = <lean_block *> _address(block, block_dtype, self.c.n_blocks, "block")
        cdef int code
        with nogil:
            code = lean_count_blocks(&self.c, b, &self.sizes)
        _check_code(code, self._workspace())
        block.flags.writeable = False
        self.block = block
        return block, self.sizes

    cdef int64_t _workspace(self):
        """Return the bytes of the two arrays of kernels/blocks.c that grow with the mesh."""
        return 4 * (<int64_t> self.c.n + self.c.n_nodes)

    def fill(self, pools):
        """Fill the pools, attributes of `pools` by the names of state.h."""
        if self.block is None or getattr(pools, "block", None) is not self.block:
            raise ArrayError("the pools to fill must have the blocks that count() returned")
        cdef const lean_block *b = <const lean_block *> _read(
            self.block, block_dtype, self.c.n_blocks, "block")
        cdef lean_pool_sizes *s = &self.sizes
        cdef lean_pools p
        cdef int code
        p.member = <int32_t *> _room(pools, "member", np.int32, s.member)
        p.vertex = <uint16_t *> _room(pools, "vertex", np.uint16, s.vertex)
        p.node_xy = <double *> _room(pools, "node_xy", np.float64, 2 * s.node)
        p.node_id = <int32_t *> _room(pools, "node_id", np.int32, s.node)
        p.flux_slot = <uint16_t *> _room(pools, "flux_slot", np.uint16, s.flux_slot)
        p.ring_neighbour = <uint16_t *> _room(
            pools, "ring_neighbour", np.uint16, s.ring_neighbour)
        p.boundary_slot = <uint16_t *> _room(pools, "boundary_slot", np.uint16, s.boundary)
        p.boundary_index = <int32_t *> _room(pools, "boundary_index", np.int32, s.boundary)
        p.ear_triangle = <uint16_t *> _room(pools, "ear_triangle", np.uint16, s.ear)
        p.ear_neighbour = <uint16_t *> _room(pools, "ear_neighbour", np.uint16, s.ear)
        p.ear_far = <int32_t *> _room(pools, "ear_far", np.int32, 3 * s.ear)
        p.exception_slot = <uint16_t *> _room(pools, "exception_slot", np.uint16, s.exception)
        p.exception_neighbour = <uint16_t *> _room(
            pools, "exception_neighbour", np.uint16, s.exception)
        p.near_block = <int32_t *> _room(pools, "near_block", np.int32, s.near)
        with nogil:
            code = lean_fill_blocks(&self.c, b, &p)
        _check_code(code, self._workspace())


cdef size_t _room(object pools, str name, object dtype, int64_t size) except? 0:
    return _address(getattr(pools, name, None), dtype, size, name)


cdef bint _is_span(int64_t first, int64_t count, int64_t length) noexcept nogil:
    return 0 <= first and 0 <= count <= length and first <= length - count


cdef uint16_t _most(const uint16_t *p, int64_t n) noexcept nogil:
    """Return the largest of n numbers, 0 of none."""
    cdef uint16_t most = 0
    cdef int64_t j
    for j in range(n):
        most = p[j] if p[j] > most else most
    return most


cdef bint _are_within(const int32_t *p, int64_t n, int64_t least, int64_t end) noexcept nogil:
    cdef int32_t low = 0, high = -1
    cdef int64_t j
    if n == 0:
        return True
    low = high = p[0]
    for j in range(n):
        low = p[j] if p[j] < low else low
        high = p[j] if p[j] > high else high
    return least <= low and high < end


cdef const char *_fault_of_block(const lean_mesh *m, const lean_pool_sizes *length,
                                 int64_t n_nodes, int32_t b) noexcept nogil:
    """Return what of block b points outside of the mesh or its pool; NULL if nothing does."""
    cdef const lean_block *k = m.block + b
    cdef int64_t own = k.n_own, local = own + k.n_ring1, all = local + k.n_ring2, j
    cdef int64_t first = b * <int64_t> m.block_size
    cdef int64_t expected = min(<int64_t> m.block_size, m.n - first)
    if own != expected:
        return "n_own"
    if k.n_ring1 < 0 or k.n_ring2 < 0 or own > m.max_own or local > m.max_local \
            or all > m.max_all or k.n_node > m.max_node or k.n_boundary > m.max_boundary:
        return "max_own, max_local, max_all, max_node or max_boundary"
    if not _is_span(k.member, all, length.member) \
            or not _are_within(m.member + k.member, all, 0, m.n):
        return "member"
    for j in range(own):
        if m.position[m.member[k.member + j]] != first + j:
            return "position"
    if not _is_span(k.node, k.n_node, length.node) \
            or not _are_within(m.node_id + k.node, k.n_node, 0, n_nodes):
        return "node_id"
    if not _is_span(k.vertex, 3 * all, length.vertex) \
            or _most(m.vertex + k.vertex, 3 * all) >= k.n_node:
        return "vertex"
    if not _is_span(k.flux_slot, 3 * own, length.flux_slot) \
            or not _is_span(k.boundary, k.n_boundary, length.boundary) \
            or _most(m.flux_slot + k.flux_slot, 3 * own) >= 3 * local + k.n_boundary:
        return "flux_slot"
    if not _is_span(k.ring_neighbour, 3 * <int64_t> k.n_ring1, length.ring_neighbour) \
            or k.n_ring1 and _most(m.ring_neighbour + k.ring_neighbour, 3 * k.n_ring1) >= all:
        return "ring_neighbour"
    for j in range(k.boundary, k.boundary + k.n_boundary):
        if m.boundary_slot[j] >= 3 * local or m.boundary_slot[j] % local >= own:
            return "boundary_slot"
    if not _are_within(m.boundary_index + k.boundary, k.n_boundary, 0, m.n_boundary):
        return "boundary_index"
    if not _is_span(k.ear, k.n_ear, length.ear) \
            or not _are_within(m.ear_far + 3 * k.ear, 3 * k.n_ear, -1, m.n):
        return "ear_far"
    if k.n_ear and (_most(m.ear_triangle + k.ear, k.n_ear) >= local
                       or _most(m.ear_neighbour + k.ear, k.n_ear) >= all):
        return "ear_triangle or ear_neighbour"
    if not _is_span(k.exception, k.n_exception, length.exception) or k.n_exception and (
            _most(m.exception_slot + k.exception, k.n_exception) >= 3 * own
            or _most(m.exception_neighbour + k.exception, k.n_exception) >= local):
        return "exception_slot or exception_neighbour"
    if not _is_span(k.near, k.n_near, length.near) \
            or not _are_within(m.near_block + k.near, k.n_near, 0, m.n_blocks):
        return "near_block"
    return NULL


cdef int32_t _count_of(object blocks, str name, int64_t least, int64_t most) except? -1:
    value = getattr(blocks, name, None)
    if not isinstance(value, (int, np.integer)):
        raise ArrayError(f"a MeshHandle is made from Blocks that have been built: {name} is "
                         f"{value!r} in a {type(blocks).__name__}")
    return _count(value, least, most, name)


cdef class MeshHandle:
    """The mesh as the kernels see it; keeps the pools it points into alive, and read-only.

    Parameters
    ----------
    blocks : anuga_lean.mesh.blocks.Blocks

    Raises
    ------
    ArrayError
        If a pool is missing or points outside of another or of the mesh.
    """

    cdef lean_mesh c
    cdef dict pools
    cdef readonly Py_ssize_t number_of_nodes

    def __cinit__(self, blocks):
        cdef lean_pool_sizes length
        self.pools = {}     # the pools, not the blocks: those keep the handle
        self.number_of_nodes = _count_of(blocks, "number_of_nodes", 1, _MOST_NODES)
        self.c.n = _count_of(blocks, "number_of_triangles", 1, _MOST_TRIANGLES)
        self.c.block_size = _count_of(blocks, "block_size", 1, 2**31 - 1)
        self.c.n_blocks = (self.c.n + <int64_t> self.c.block_size - 1) // self.c.block_size
        self.c.n_boundary = _count_of(
            blocks, "number_of_boundary_edges", 0, 3 * <int64_t> self.c.n)
        self.c.use_inscribed_circle = bool(getattr(blocks, "use_inscribed_circle", False))
        self.c.max_own = _count_of(blocks, "max_own", 1, self.c.n)
        self.c.max_local = _count_of(blocks, "max_local", 1, self.c.n)
        self.c.max_all = _count_of(blocks, "max_all", 1, self.c.n)
        self.c.max_node = _count_of(blocks, "max_node", 1, self.number_of_nodes)
        self.c.max_boundary = _count_of(blocks, "max_boundary", 0, self.c.n_boundary)
        self.c.block = <const lean_block *> self._pool(
            blocks, "block", block_dtype, self.c.n_blocks)
        self.c.position = <const int32_t *> self._pool(blocks, "position", np.int32, self.c.n)
        self.c.member = <const int32_t *> self._pool(blocks, "member", np.int32)
        self.c.vertex = <const uint16_t *> self._pool(blocks, "vertex", np.uint16)
        self.c.node_id = <const int32_t *> self._pool(blocks, "node_id", np.int32)
        self.c.node_xy = <const double *> self._pool(
            blocks, "node_xy", np.float64, 2 * len(self.pools["node_id"]))
        self.c.flux_slot = <const uint16_t *> self._pool(blocks, "flux_slot", np.uint16)
        self.c.ring_neighbour = <const uint16_t *> self._pool(
            blocks, "ring_neighbour", np.uint16)
        self.c.boundary_slot = <const uint16_t *> self._pool(blocks, "boundary_slot", np.uint16)
        self.c.boundary_index = <const int32_t *> self._pool(
            blocks, "boundary_index", np.int32, len(self.pools["boundary_slot"]))
        self.c.ear_triangle = <const uint16_t *> self._pool(
            blocks, "ear_triangle", np.uint16)
        self.c.ear_neighbour = <const uint16_t *> self._pool(
            blocks, "ear_neighbour", np.uint16, len(self.pools["ear_triangle"]))
        self.c.ear_far = <const int32_t *> self._pool(
            blocks, "ear_far", np.int32, 3 * len(self.pools["ear_triangle"]))
        self.c.exception_slot = <const uint16_t *> self._pool(
            blocks, "exception_slot", np.uint16)
        self.c.exception_neighbour = <const uint16_t *> self._pool(
            blocks, "exception_neighbour", np.uint16, len(self.pools["exception_slot"]))
        self.c.near_block = <const int32_t *> self._pool(blocks, "near_block", np.int32)
        length.member = len(self.pools["member"])
        length.vertex = len(self.pools["vertex"])
        length.node = len(self.pools["node_id"])
        length.flux_slot = len(self.pools["flux_slot"])
        length.ring_neighbour = len(self.pools["ring_neighbour"])
        length.boundary = len(self.pools["boundary_slot"])
        length.ear = len(self.pools["ear_triangle"])
        length.exception = len(self.pools["exception_slot"])
        length.near = len(self.pools["near_block"])
        self._check_blocks(&length)
        for array in self.pools.values():
            array.flags.writeable = False

    cdef size_t _pool(self, object blocks, str name, object dtype,
                      int64_t size=-1) except? 0:
        array = getattr(blocks, name, None)
        cdef int64_t found = _length(array, name)
        cdef size_t address = _read(array, dtype, found if size < 0 else size, name)
        self.pools[name] = array
        return address

    cdef int _check_blocks(self, const lean_pool_sizes *length) except -1:
        """Raise ArrayError if an entry of a pool is none that the kernels may follow."""
        cdef int32_t b
        cdef const char *fault = NULL
        with nogil:
            for b in range(self.c.n_blocks):
                fault = _fault_of_block(&self.c, length, self.number_of_nodes, b)
                if fault != NULL:
                    break
        if fault != NULL:
            raise ArrayError(f"block {b} of the mesh is inconsistent: "
                             f"{fault.decode()} points outside of it")
        return 0

    cdef int _check_local(self, const int64_t *offset, const uint16_t *triangle,
                          bint ring) except -1:
        """Raise ArrayError unless those of each block are own (or first-ring) triangles of it."""
        cdef int32_t b
        cdef int64_t j
        for b in range(self.c.n_blocks):
            for j in range(offset[b], offset[b + 1]):
                if triangle[j] >= self.c.block[b].n_own + ring * self.c.block[b].n_ring1:
                    raise ArrayError(f"block {b} has no local triangle {triangle[j]}")
        return 0

    cdef int _check_slots(self, const int64_t *offset, const uint16_t *slot) except -1:
        """Raise ArrayError unless those of each block, i*NL + c, are edges of own triangles."""
        cdef int32_t b, local
        cdef int64_t j
        for b in range(self.c.n_blocks):
            local = self.c.block[b].n_own + self.c.block[b].n_ring1
            for j in range(offset[b], offset[b + 1]):
                if slot[j] >= 3 * local or slot[j] % local >= self.c.block[b].n_own:
                    raise ArrayError(f"block {b} has no edge {slot[j]} of its own triangles")
        return 0

    def geometry_rows(self, int table, const int64_t[::1] rows not None):
        """Return the rows of one of GEOMETRY_TABLES: (m, columns) float64; m, m2 for areas."""
        cdef int64_t m = rows.shape[0]
        if not 0 <= table < LEAN_GEOMETRY_TABLES:
            raise ValueError(f"there is no geometry table {table}")
        _check_rows(rows, self.c.n * <int64_t> lean_geometry_rows_per_triangle(table))
        values = np.empty((m, lean_geometry_columns(table)))
        cdef double[:, ::1] out = values
        if m > 0:
            with nogil:
                lean_geometry_rows(&self.c, table, &rows[0], m, &out[0, 0])
        return values

    def geometry_all(self, int table):
        """Return one of GEOMETRY_TABLES, in the user's order: (rows, columns) float64; m, m2."""
        if not 0 <= table < LEAN_GEOMETRY_TABLES:
            raise ValueError(f"there is no geometry table {table}")
        rows = self.c.n * <int64_t> lean_geometry_rows_per_triangle(table)
        values = np.empty((rows, lean_geometry_columns(table)))
        cdef double[:, ::1] out = values
        with nogil:
            lean_geometry_all(&self.c, table, &out[0, 0])
        return values

    def relation_rows(self, int table, const int64_t[::1] rows not None):
        """Return the rows of one of RELATION_TABLES: (m, columns) int64."""
        cdef int64_t m = rows.shape[0]
        if not 0 <= table < LEAN_RELATION_TABLES:
            raise ValueError(f"there is no relation table {table}")
        _check_rows(rows, self.c.n)
        values = np.empty((m, lean_relation_columns(table)), np.int64)
        cdef int64_t[:, ::1] out = values
        if m > 0:
            with nogil:
                lean_relation_rows(&self.c, table, &rows[0], m, &out[0, 0])
        return values

    def relation_all(self, int table):
        """Return one of RELATION_TABLES, in the user's order: (n, columns) int64."""
        if not 0 <= table < LEAN_RELATION_TABLES:
            raise ValueError(f"there is no relation table {table}")
        values = np.empty((self.c.n, lean_relation_columns(table)), np.int64)
        cdef int64_t[:, ::1] out = values
        with nogil:
            lean_relation_all(&self.c, table, &out[0, 0])
        return values

    def node_coordinates(self, double[:, ::1] xy not None, int64_t first=0):
        """Set the rows of `xy` (m, 2) float64, m, nodes `first` on, that triangles have."""
        cdef int64_t count = xy.shape[0]
        if first < 0 or first > self.number_of_nodes - count or xy.shape[1] != 2:
            raise ValueError(f"xy must have two columns and rows for the nodes {first} to "
                             f"{self.number_of_nodes - 1} at most, not the shape "
                             f"({count}, {xy.shape[1]})")
        if count == 0:
            return
        _check_aligned(&xy[0, 0], sizeof(double), "xy")
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
        """Return (4,) float64: least and largest x, least and largest y of the triangles, m."""
        extent = np.empty(4)
        cdef double[::1] out = extent
        with nogil:
            lean_extent(&self.c, &out[0])
        return extent
