# The door to fit.c; included by _kernels.pyx.  Declares `FitRows`, the matrix of a
# least-squares fit while it is put together, and the search of its points.

cdef extern from "fit.h" nogil:
    int LEAN_FIT_OK

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
    int lean_fit_link(int64_t, const int32_t *, const int64_t *, int32_t *, int32_t *)
    int64_t lean_fit_close(int32_t, int64_t *, int32_t *)
    int lean_fit_smooth(const lean_fit_rows *, int64_t, const int32_t *, const double *,
                        const double *, double *)
    void lean_fit_sort(const lean_fit_grid *, int64_t *, int32_t *)
    void lean_fit_find(const lean_fit_grid *, int64_t, int32_t, const double *, const double *,
                       int32_t *, int32_t *)
    int lean_fit_add_points(const lean_fit_rows *, int64_t, const int32_t *, const double *,
                            const double *, const double *, double *, double *)
    void lean_fit_join(int64_t, double *, const double *)
    int64_t lean_fit_matrix(int32_t, double, int64_t *, int32_t *, double *, const double *)


cdef const int32_t *_corners(object corner, int64_t m, int64_t n_nodes) except? NULL:
    """Return the nodes of m triangles, (m, 3) int32; check that they are among `n_nodes`."""
    cdef const int32_t *found = <const int32_t *> _read(corner, np.int32, 3 * m, "corner")
    _check_range(found, 3 * m, 0, n_nodes, "corner")
    return found


cdef double *_doubles(object values, int64_t size, str name) except? NULL:
    return <double *> _address(values, np.float64, size, name)


cdef const double *_given(object values, int64_t size, str name) except? NULL:
    return <const double *> _read(values, np.float64, size, name)


cdef int64_t *_rows(object row, int64_t n_places, bint written) except? NULL:
    """Return where rows of a matrix begin, (n_nodes + 1,) int64, ascending from 0 to `n_places`."""
    cdef int64_t n = _count(_length(row, "row"), 1, 2**31 - 1, "the length of row") - 1
    cdef int64_t *found = <int64_t *> _address(row, np.int64, n + 1, "row", written)
    _check_offsets(found, n, n_places, "row")
    return found


cdef int _check_fit(int code) except -1:
    if code != LEAN_FIT_OK:
        raise ArrayError("a triangle has an edge for which the rows of the matrix have no place")
    return 0


def fit_count(corner not None, count not None):
    """Add to `count`, (n_nodes,) int32, two for each corner, (m, 3) int32, at a node."""
    cdef int64_t m = _length(corner, "corner"), n = _length(count, "count")
    cdef const int32_t *c = _corners(corner, m, n)
    cdef int32_t *out = <int32_t *> _address(count, np.int32, n, "count")
    cdef int64_t end = 2147483647 - 6 * m     # or a sum would not fit
    _check_range(<const int32_t *> out, n, 0, end, "count")
    with nogil:
        lean_fit_count(m, c, out)


def fit_link(corner not None, row not None, used not None, column not None):
    """Write the two other nodes of each corner into the row of its node.

    `corner` (m, 3) int32; `row` (n_nodes + 1,) int64; `used` (n_nodes,) int32, places taken
    so far; `column` (row[n_nodes],) int32.
    """
    cdef int64_t m = _length(corner, "corner"), n = _length(row, "row") - 1
    cdef int64_t places = _length(column, "column")
    cdef const int64_t *r = _rows(row, places, False)
    cdef const int32_t *c = _corners(corner, m, n)
    cdef int32_t *u = <int32_t *> _address(used, np.int32, n, "used")
    cdef int32_t *out = <int32_t *> _address(column, np.int32, places, "column")
    cdef int code
    with nogil:
        code = lean_fit_link(m, c, r, u, out)
    _check_fit(code)


def fit_close(row not None, column not None):
    """Sort the rows, keep each column once in a row; return how many are left.

    `row` (n_nodes + 1,) int64; `column` (row[n_nodes],) int32.
    """
    cdef int64_t places = _length(column, "column")
    cdef int64_t *r = _rows(row, places, True)
    cdef int32_t n = len(row) - 1
    cdef int32_t *c = <int32_t *> _address(column, np.int32, places, "column")
    cdef int64_t left
    with nogil:
        left = lean_fit_close(n, r, c)
    return left


cdef class FitRows:
    """The rows of a matrix; no other code may write them before `matrix` has.

    Parameters
    ----------
    row : (n_nodes + 1,) int64, ascending
    column : (row[n_nodes],) int32, ascending in each row
    """

    cdef lean_fit_rows c
    cdef readonly object row
    cdef readonly object column

    def __cinit__(self, row not None, column not None):
        cdef int64_t places = _length(column, "column")
        self.c.row = _rows(row, places, True)
        self.c.column = <const int32_t *> _address(column, np.int32, places, "column")
        self.c.n_nodes = len(row) - 1
        _check_range(self.c.column, places, 0, self.c.n_nodes, "column")
        self.row, self.column = row, column
        row.flags.writeable = column.flags.writeable = False

    def smooth(self, corner not None, area not None, xy not None, value not None):
        """Add the smoothing of triangles to `value`, (columns,) float64.

        `corner` (m, 3) int32 nodes; `area` (m,) m2 and `xy` (m, 3, 2) m, float64.
        """
        cdef int64_t m = _length(corner, "corner")
        cdef const int32_t *c = _corners(corner, m, self.c.n_nodes)
        cdef const double *a = _given(area, m, "area")
        cdef const double *x = _given(xy, 6 * m, "xy")
        cdef double *v = _doubles(value, len(self.column), "value")
        cdef int code
        with nogil:
            code = lean_fit_smooth(&self.c, m, c, a, x, v)
        _check_fit(code)

    def add_points(self, corner not None, xy not None, point not None, z not None,
                   value not None, right not None):
        """Add points in triangles to `value`, (columns,), and `right`, (n_nodes,) float64.

        `corner` (m, 3) int32 nodes; `xy` (m, 3, 2) m, `point` (m, 2) m, `z` (m,), float64.
        """
        cdef int64_t m = _length(corner, "corner")
        cdef const int32_t *c = _corners(corner, m, self.c.n_nodes)
        cdef const double *x = _given(xy, 6 * m, "xy")
        cdef const double *p = _given(point, 2 * m, "point")
        cdef const double *values = _given(z, m, "z")
        cdef double *v = _doubles(value, len(self.column), "value")
        cdef double *r = _doubles(right, self.c.n_nodes, "right")
        cdef int code
        with nogil:
            code = lean_fit_add_points(&self.c, m, c, x, p, values, v, r)
        _check_fit(code)

    def join(self, value not None, more not None):
        """Add the sums over some points to those over others: (columns,) float64 each."""
        cdef int64_t count = len(self.column)
        cdef double *v = _doubles(value, count, "value")
        cdef const double *w = _given(more, count, "more")
        with nogil:
            lean_fit_join(count, v, w)

    def matrix(self, double alpha, smooth not None, products not None):
        """Make the matrix in `row`, `column` and `smooth`; return its number of entries.

        `smooth`, `products` : (columns,) float64.  The rows can be written again.
        """
        cdef int64_t count = len(self.column)
        cdef int64_t left
        self.row.flags.writeable = self.column.flags.writeable = True
        cdef int64_t *row = _rows(self.row, count, True)
        cdef int32_t *column = <int32_t *> _address(self.column, np.int32, count, "column")
        cdef double *d = _doubles(smooth, count, "smooth")
        cdef const double *a = _given(products, count, "products")
        with nogil:
            left = lean_fit_matrix(self.c.n_nodes, alpha, row, column, d, a)
        self.c.n_nodes = 0      # what is added later has no place
        return left


cdef class FitGrid:
    """The points, sorted by the cells of a grid.

    Parameters
    ----------
    points : (p, 2) float64, m
    origin : (x, y) of the corner of the grid, m
    per : cells per m, along x and y
    shape : (nx, ny) cells, 1 or more

    Attributes
    ----------
    triangle, depth : (p,) int32
        What `find` has found so far.
    """

    cdef lean_fit_grid c
    cdef readonly object points
    cdef readonly object triangle
    cdef readonly object depth
    cdef object first
    cdef object point

    def __cinit__(self, points not None, origin not None, per not None, shape not None):
        cdef int64_t *first
        cdef int32_t *point
        self.points = points
        self.c.n_points = _count(_length(points, "points"), 0, 2**31 - 1, "the number of points")
        self.c.xy = _given(points, 2 * self.c.n_points, "points")
        self.c.x0, self.c.y0 = origin
        self.c.per_x, self.c.per_y = per
        nx, ny = shape
        self.c.nx = _count(nx, 1, 2**31 - 1, "nx")
        self.c.ny = _count(ny, 1, 2**31 - 1, "ny")
        self.first = np.empty(nx * ny + 1, np.int64)
        self.point = np.empty(len(points), np.int32)
        self.triangle = np.full(len(points), -1, np.int32)
        self.depth = np.zeros(len(points), np.int32)
        first = <int64_t *> _address(self.first, np.int64, len(self.first), "first")
        point = <int32_t *> _address(self.point, np.int32, len(points), "point")
        self.c.first, self.c.point = first, point
        with nogil:
            lean_fit_sort(&self.c, first, point)

    def find(self, int32_t start, xy not None, extent not None):
        """Find points in triangles `start`, `start` + 1, ...; `start` ascends from call to call.

        `xy` (m, 3, 2) m and `extent` (4,) m of ANUGA's tree, which contains them: float64.
        """
        _length(xy, "xy")
        cdef int64_t m = xy.size // 6
        cdef const double *x = _given(xy, 6 * m, "xy")
        cdef const double *box = _given(extent, 4, "extent")
        cdef int32_t *triangle = <int32_t *> _address(
            self.triangle, np.int32, self.c.n_points, "triangle")
        cdef int32_t *depth = <int32_t *> _address(
            self.depth, np.int32, self.c.n_points, "depth")
        with nogil:
            lean_fit_find(&self.c, m, start, x, box, triangle, depth)
