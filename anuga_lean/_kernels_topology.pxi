# The door to topology.c, and to the C library's memory; included by _kernels.pyx.
#
# Owns what must be true of nodes and triangles before C sees them, and the errors of
# everything that is built from a mesh.

cdef extern from "topology.h" nogil:
    int LEAN_OK, LEAN_NO_MEMORY, LEAN_DUPLICATE_EDGE
    int LEAN_BLOCK_TOO_LARGE, LEAN_BAD_EXCEPTION

    ctypedef struct lean_duplicate:
        int32_t triangle[2]
        int32_t edge[2]

    int lean_find_neighbours(int32_t, int32_t, const int32_t *, int32_t *, lean_duplicate *)
    int64_t lean_count_flat(int32_t, const double *, const int32_t *, int32_t *)
    int lean_hilbert_order(int32_t, const double *, const int32_t *, int32_t *)


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


# Edges are numbered 3*k + i in int32.
cdef int64_t _MOST_TRIANGLES = (2**31 - 1) // 3
cdef int64_t _MOST_NODES = 2**31 - 2


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


cdef int32_t _check_triangles(const int32_t[:, ::1] triangles, int64_t n_nodes) except -1:
    """Return the number of triangles, after a check that their nodes are among `n_nodes`."""
    cdef int64_t n = triangles.shape[0]
    _check_columns(triangles.shape[1], 3, "triangles")
    _count(n, 0, _MOST_TRIANGLES, "the number of triangles")
    _count(n_nodes, 0, _MOST_NODES, "the number of nodes")
    if n > 0:
        _check_aligned(&triangles[0, 0], sizeof(int32_t), "triangles")
        _check_range(&triangles[0, 0], 3 * n, 0, n_nodes, "the nodes of triangles")
    return <int32_t> n


def find_neighbours(const int32_t[:, ::1] triangles not None, int64_t n_nodes):
    """Return the neighbour beyond each edge.

    Parameters
    ----------
    triangles : (n, 3) int32, each from 0 to below `n_nodes`

    Returns
    -------
    (n, 3) int32
        3*m + e where edge e of triangle m is the other side, -1 at a boundary.

    Raises
    ------
    MeshError
        If two triangles have an edge in the same direction.
    """
    cdef int32_t n = _check_triangles(triangles, n_nodes)
    link = np.empty((n, 3), np.int32)
    cdef int32_t[:, ::1] out = link
    cdef lean_duplicate d
    cdef int code
    with nogil:
        code = lean_find_neighbours(n, <int32_t> n_nodes, &triangles[0, 0], &out[0, 0], &d)
    if code == LEAN_DUPLICATE_EDGE:
        raise MeshError(
            f"Edge {d.edge[1]} of triangle {d.triangle[1]} is duplicating "
            f"edge {d.edge[0]} of triangle {d.triangle[0]}.")
    _check_code(code, 4 * (n_nodes + 1) + 4 * (3 * <int64_t> n + 1))
    return link


def count_flat(const double[:, ::1] node_xy not None,
               const int32_t[:, ::1] triangles not None):
    """Return how many triangles have no positive area, and the first of them.

    `node_xy` (n_nodes, 2) float64, m; `triangles` (n, 3) int32.
    """
    cdef int32_t first
    cdef int64_t count
    _check_columns(node_xy.shape[1], 2, "node_xy")
    if node_xy.shape[0] > 0:
        _check_aligned(&node_xy[0, 0], sizeof(double), "node_xy")
    cdef int32_t n = _check_triangles(triangles, node_xy.shape[0])
    with nogil:
        count = lean_count_flat(n, &node_xy[0, 0], &triangles[0, 0], &first)
    return count, first


def hilbert_order(const double[:, ::1] node_xy not None,
                  const int32_t[:, ::1] triangles not None):
    """Return (order, position), (n,) int32 each: the Hilbert order and its inverse.

    `node_xy` (n_nodes, 2) float64, m; `triangles` (n, 3) int32.
    """
    _check_columns(node_xy.shape[1], 2, "node_xy")
    if node_xy.shape[0] > 0:
        _check_aligned(&node_xy[0, 0], sizeof(double), "node_xy")
    cdef int32_t n = _check_triangles(triangles, node_xy.shape[0])
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
