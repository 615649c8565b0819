# The door to everywhere.c; included at the end of _kernels.pyx, after `Run`.

cdef extern from "everywhere.h" nogil:
    void lean_fill(double *, int64_t, double, int32_t)
    void lean_fill_above(double *, const double *, int64_t, double, int32_t)
    void lean_add(double *, int64_t, double, int32_t)
    void lean_move_bed(double *, double *, int64_t, const double *, int, int32_t)
    double lean_erode(double *, double *, const double *, const double *, int64_t, double, double,
                      double, int32_t)
    void lean_centroid_columns(const lean_mesh *, double *, double *, int32_t)


def fill_all(Run run not None, x not None, double value):
    """Write one value into an array.

    Parameters
    ----------
    run : Run
        With threads.
    x : (n,) float64; written
    value : float
    """
    run._need("fill_all", THREADS)
    cdef int64_t n = run.mesh.c.n
    cdef double *p = <double *> _address(x, np.float64, n, "x")
    with nogil:
        lean_fill(p, n, value, run.r.n_threads)


def fill_all_above(Run run not None, x not None, least not None, double value):
    """Write the larger of `least` and one value into an array; of two zeros the value.

    Parameters
    ----------
    run : Run
        With threads.
    x : (n,) float64; written
    least : (n,) float64
    value : float
    """
    run._need("fill_all_above", THREADS)
    cdef int64_t n = run.mesh.c.n
    cdef double *p = <double *> _address(x, np.float64, n, "x")
    cdef const double *q = <const double *> _read(least, np.float64, n, "least")
    with nogil:
        lean_fill_above(p, q, n, value, run.r.n_threads)


def add_to_all(Run run not None, x not None, double value):
    """Add one value to all of an array.

    Parameters
    ----------
    run : Run
        With threads.
    x : (n,) float64; written
    value : float
    """
    run._need("add_to_all", THREADS)
    cdef int64_t n = run.mesh.c.n
    cdef double *p = <double *> _address(x, np.float64, n, "x")
    with nogil:
        lean_add(p, n, value, run.r.n_threads)


def move_bed(Run run not None, elevation not None, stage not None, value not None):
    """Set the bed of all triangles; the depth of the water stays.

    Parameters
    ----------
    run : Run
        With threads.
    elevation, stage : (n,) float64, m; written
    value : (n,) or (1,) float64, m
    """
    run._need("move_bed", THREADS)
    cdef int64_t n = run.mesh.c.n, m = _length(value, "value")
    cdef double *z = <double *> _address(elevation, np.float64, n, "elevation")
    cdef double *w = <double *> _address(stage, np.float64, n, "stage")
    cdef const double *v = <const double *> _read(value, np.float64, 1 if m == 1 else n, "value")
    with nogil:
        lean_move_bed(z, w, n, v, m != 1, run.r.n_threads)


def erode(Run run not None, elevation not None, stage not None, xmomentum not None,
          ymomentum not None, double threshold, double dt, double base):
    """Lower the bed where the momentum is above a threshold; return the largest change, m.

    Parameters
    ----------
    run : Run
        With threads.
    elevation, stage : (n,) float64, m; written
    xmomentum, ymomentum : (n,) float64, m2/s
    threshold : float, m2/s
    dt : float, s
    base : float, m
    """
    run._need("erode", THREADS)
    cdef int64_t n = run.mesh.c.n
    cdef double most
    cdef double *z = <double *> _address(elevation, np.float64, n, "elevation")
    cdef double *w = <double *> _address(stage, np.float64, n, "stage")
    cdef const double *p = <const double *> _read(xmomentum, np.float64, n, "xmomentum")
    cdef const double *q = <const double *> _read(ymomentum, np.float64, n, "ymomentum")
    with nogil:
        most = lean_erode(z, w, p, q, n, threshold, dt, base, run.r.n_threads)
    return most


def centroid_columns(Run run not None):
    """Return the coordinates of all centroids, x and y, (n,) float64 each, m.

    Parameters
    ----------
    run : Run
        With threads.
    """
    run._need("centroid_columns", THREADS)
    cdef int64_t n = run.mesh.c.n
    x, y = np.empty(n), np.empty(n)
    cdef double *p = <double *> _address(x, np.float64, n, "x")
    cdef double *q = <double *> _address(y, np.float64, n, "y")
    with nogil:
        lean_centroid_columns(&run.mesh.c, p, q, run.r.n_threads)
    return x, y
