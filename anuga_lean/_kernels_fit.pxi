# The door to fit.c; included by _kernels.pyx.  Declares `FitRows`, the matrix of a
# least-squares fit while it is put together, and the search of its points.

from libc.stdint cimport int32_t, int64_t


cdef extern from "fit.h" nogil:
    ctypedef struct lean_fit_rows:
        int32_t n_nodes
        const int64_t *row
        const int32_t *column

    ctypedef struct lean_fit_grid:
        int64_t n_points
        const double *xy
        double x0, y0, per_x, per_y
        int32_t nx, ny
        const int64_t *first
        const int32_t *point

    void lean_fit_count(int64_t, const int32_t *, int32_t *)
    void lean_fit_link(int64_t, const int32_t *, const int64_t *, int32_t *, int32_t *)
    int64_t lean_fit_close(int32_t, int64_t *, int32_t *)
    void lean_fit_smooth(const lean_fit_rows *, int64_t, const int32_t *, const double *,
                         const double *, double *)
    void lean_fit_sort(const lean_fit_grid *, int64_t *, int32_t *)
    void lean_fit_find(const lean_fit_grid *, int64_t, int32_t, const double *, const double *,
                       int32_t *, int32_t *)
    void lean_fit_add_points(const lean_fit_rows *, int64_t, const int32_t *, const double *,
                             const double *, const double *, double *, double *)
    void lean_fit_join(int64_t, double *, const double *)
    int64_t lean_fit_matrix(int32_t, double, int64_t *, int32_t *, double *, const double *)


cdef int32_t *_corners(object corner, int64_t m) except NULL:
    return <int32_t *> _address(corner, np.int32, 3 * m, "corner")


cdef double *_doubles(object values, int64_t size, str name) except NULL:
    return <double *> _address(values, np.float64, size, name)


def fit_count(corner not None, count not None):
    """Add to `count`, (n_nodes,) int32, two for each corner, (m, 3) int32, at a node."""
    cdef int64_t m = len(corner)
    cdef int32_t *c = _corners(corner, m)
    cdef int32_t *out = <int32_t *> _address(count, np.int32, len(count), "count")
    with nogil:
        lean_fit_count(m, c, out)


def fit_link(corner not None, row not None, used not None, column not None):
    """Write the two other nodes of each corner into the row of its node."""
    cdef int64_t m = len(corner)
    cdef int32_t *c = _corners(corner, m)
    cdef int64_t *r = <int64_t *> _address(row, np.int64, len(used) + 1, "row")
    cdef int32_t *u = <int32_t *> _address(used, np.int32, len(used), "used")
    cdef int32_t *out = <int32_t *> _address(column, np.int32, row[-1], "column")
    with nogil:
        lean_fit_link(m, c, r, u, out)


def fit_close(row not None, column not None):
    """Sort the rows, let a column stand once in each; return how many are left."""
    cdef int32_t n = len(row) - 1
    cdef int64_t *r = <int64_t *> _address(row, np.int64, n + 1, "row")
    cdef int32_t *c = <int32_t *> _address(column, np.int32, row[-1], "column")
    cdef int64_t left
    with nogil:
        left = lean_fit_close(n, r, c)
    return left


cdef class FitRows:
    """Rows of a matrix: `row`, (n_nodes + 1,) int64, and `column`, int32, ascending."""

    cdef lean_fit_rows c
    cdef readonly object row
    cdef readonly object column

    def __init__(self, row, column):
        self.row, self.column = row, column
        self.c.n_nodes = len(row) - 1
        self.c.row = <const int64_t *> _address(row, np.int64, len(row), "row")
        self.c.column = <const int32_t *> _address(column, np.int32, row[-1], "column")

    def smooth(self, corner, area, xy, value):
        """Add the smoothing of triangles: (m, 3) nodes, (m,) m2, (m, 3, 2) m."""
        cdef int64_t m = len(corner)
        cdef int32_t *c = _corners(corner, m)
        cdef double *a = _doubles(area, m, "area")
        cdef double *x = _doubles(xy, 6 * m, "xy")
        cdef double *v = _doubles(value, len(self.column), "value")
        with nogil:
            lean_fit_smooth(&self.c, m, c, a, x, v)

    def add_points(self, corner, xy, point, z, value, right):
        """Add points in triangles: (m, 3) nodes, (m, 3, 2) m, (m, 2) m, (m,) values."""
        cdef int64_t m = len(corner)
        cdef int32_t *c = _corners(corner, m)
        cdef double *x = _doubles(xy, 6 * m, "xy")
        cdef double *p = _doubles(point, 2 * m, "point")
        cdef double *values = _doubles(z, m, "z")
        cdef double *v = _doubles(value, len(self.column), "value")
        cdef double *r = _doubles(right, self.c.n_nodes, "right")
        with nogil:
            lean_fit_add_points(&self.c, m, c, x, p, values, v, r)

    def join(self, value, more):
        """Add the sums over some points to those over others."""
        cdef int64_t count = len(self.column)
        cdef double *v = _doubles(value, count, "value")
        cdef double *w = _doubles(more, count, "more")
        with nogil:
            lean_fit_join(count, v, w)

    def matrix(self, double alpha, smooth, products):
        """Make the matrix in `row`, `column` and `smooth`; return its number of entries."""
        cdef int64_t count = len(self.column)
        cdef int64_t left
        cdef int64_t *row = <int64_t *> _address(self.row, np.int64, self.c.n_nodes + 1, "row")
        cdef int32_t *column = <int32_t *> _address(self.column, np.int32, count, "column")
        cdef double *d = _doubles(smooth, count, "smooth")
        cdef double *a = _doubles(products, count, "products")
        with nogil:
            left = lean_fit_matrix(self.c.n_nodes, alpha, row, column, d, a)
        return left


cdef class FitGrid:
    """Points, (p, 2) float64 m, by the cells of a grid of `shape` (nx, ny) over `box`.

    `triangle` and `depth`, (p,) int32, are what `find` has found so far.
    """

    cdef lean_fit_grid c
    cdef readonly object points
    cdef readonly object triangle
    cdef readonly object depth
    cdef object first
    cdef object point

    def __init__(self, points, origin, per, shape):
        cdef int64_t *first
        cdef int32_t *point
        self.points = points
        self.c.n_points = len(points)
        self.c.xy = _doubles(points, 2 * self.c.n_points, "points")
        self.c.x0, self.c.y0 = origin
        self.c.per_x, self.c.per_y = per
        self.c.nx, self.c.ny = shape
        self.first = np.empty(shape[0] * shape[1] + 1, np.int64)
        self.point = np.empty(len(points), np.int32)
        self.triangle = np.full(len(points), -1, np.int32)
        self.depth = np.zeros(len(points), np.int32)
        first = <int64_t *> _address(self.first, np.int64, len(self.first), "first")
        point = <int32_t *> _address(self.point, np.int32, len(points), "point")
        self.c.first, self.c.point = first, point
        with nogil:
            lean_fit_sort(&self.c, first, point)

    def find(self, int32_t start, xy, extent):
        """Look into triangles `start`, `start` + 1, ..., (m, 3, 2) m; ascending calls."""
        cdef int64_t m = xy.size // 6
        cdef double *x = _doubles(xy, 6 * m, "xy")
        cdef double *box = _doubles(extent, 4, "extent")
        cdef int32_t *triangle = <int32_t *> _address(
            self.triangle, np.int32, self.c.n_points, "triangle")
        cdef int32_t *depth = <int32_t *> _address(
            self.depth, np.int32, self.c.n_points, "depth")
        with nogil:
            lean_fit_find(&self.c, m, start, x, box, triangle, depth)
