# The door to everywhere.c and to erosion in whole_blocks.c; included at the end of _kernels.pyx, after `Run`.
#
# A list `at` of triangles has each at most once; None for all of them.  A value is a number, or an array with
# one for each of those triangles.

from libc.stdlib cimport calloc, free

from cpython.exc cimport PyErr_CheckSignals
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_FromDouble

cdef extern from "Python.h":
    object PyObject_CallOneArg(object, object)

cdef extern from "numpy/ufuncobject.h":
    ctypedef struct PyUFuncObject:
        int nin, nout, ntypes
        const char *types
        void **functions
        void **data


cdef object _empty = np.empty
cdef int64_t _HUGE = 1 << 22        # bytes of an array from which on numpy asks for huge pages


cdef struct _places:
    const int64_t *at
    int64_t n


cdef int _find(_places *places, Run run, object at) except -1:
    """Fill in the triangles of a list, or all."""
    places.at = NULL
    places.n = run.mesh.c.n
    if at is not None:
        places.n = _length(at, "at")
        places.at = <const int64_t *> _read(at, _int64, places.n, "at")
        if not _each_once(places.at, places.n, run.mesh.c.n):
            raise ArrayError(f"at must be of numbers from 0 to below {run.mesh.c.n}, each once")
    return 0


cdef int _each_once(const int64_t *at, int64_t n, int64_t end) except -1:
    """Whether n numbers are from 0 to below `end`, none twice."""
    cdef void *seen
    cdef int differ
    cdef int64_t i, j, places
    if lean_ascend(at, n, end):
        return 1
    if n > end:
        return 0
    if n <= 48:     # in pairs: a bit for each triangle of the mesh would take longer to clear
        for i in range(n):
            if at[i] < 0 or at[i] >= end:
                return 0
            for j in range(i):
                if at[i] == at[j]:
                    return 0
        return 1
    places = lean_places_for(n)
    if places * 8 < end // 8:
        seen = calloc(places, sizeof(int64_t))
    else:
        places = 0
        seen = calloc(end // 8 + 1, 1)
    if seen == NULL:
        raise MemoryError()
    with nogil:
        if places:
            differ = lean_differ_few(at, n, end, <int64_t *> seen, places)
        else:
            differ = lean_differ(at, n, end, <uint8_t *> seen)
    free(seen)
    return differ


cdef struct _values:
    const double *of
    int step                # 0: one for all
    double one


cdef int _take(_values *values, object given, int64_t n, str name) except -1:
    """Fill in a number, or one for each of n triangles."""
    values.step = isinstance(given, np.ndarray)
    values.one = 0.0
    if values.step:
        values.of = <const double *> _read(given, _float64, n, name)
    else:
        values.one = given
        values.of = &values.one
    return 0


cdef int _check_same_or_apart(const double *written, const _values *values, _places *places,
                              int64_t n) except -1:
    """Raise ArrayError if a value may be written before it is read."""
    cdef size_t x = <size_t> written, y = <size_t> values.of
    if values.step and not (x == y and places.at == NULL) \
            and x < y + places.n * sizeof(double) and y < x + n * sizeof(double):
        raise ArrayError("the values must not share memory with what is written")
    return 0


def fill(Run run not None, x not None, value not None, at=None):
    """Write a value into an array.

    Parameters
    ----------
    run : Run
        With threads.
    x : (n,) float64; written
    value : float or (m,) float64
    at : (m,) int64 or None
    """
    run._need("fill", THREADS)
    cdef _places places
    cdef _values values
    cdef int64_t n = run.mesh.c.n
    _find(&places, run, at)
    _take(&values, value, places.n, "value")
    cdef double *p = <double *> _address(x, _float64, n, "x")
    _check_same_or_apart(p, &values, &places, n)
    with nogil:
        run.kernels.everywhere.fill(p, places.at, places.n, values.of, values.step,
                                    run.r.n_threads)


def fill_above(Run run not None, x not None, least not None, value not None, at=None):
    """Write the larger of `least` and a value into an array.

    Parameters
    ----------
    run : Run
        With threads.
    x : (n,) float64; written
    least : (n,) float64
    value : float or (m,) float64
    at : (m,) int64 or None

    Returns
    -------
    bool
        Whether zeros of both signs met: which of them numpy takes is open, x has the values'.
    """
    run._need("fill_above", THREADS)
    cdef _places places
    cdef _values values
    cdef int64_t n = run.mesh.c.n
    cdef bint odd
    _find(&places, run, at)
    _take(&values, value, places.n, "value")
    cdef double *p = <double *> _address(x, _float64, n, "x")
    cdef const double *q = <const double *> _read(least, _float64, n, "least")
    if not _apart(<size_t> p, <size_t> q, n):
        raise ArrayError("x must not share memory with least")
    _check_same_or_apart(p, &values, &places, n)
    with nogil:
        odd = run.kernels.everywhere.fill_above(p, q, places.at, places.n, values.of, values.step,
                                                run.r.n_threads)
    return odd


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
    cdef double *p = <double *> _address(x, _float64, n, "x")
    with nogil:
        run.kernels.everywhere.add(p, n, value, run.r.n_threads)


def move_bed(Run run not None, elevation not None, stage not None, value not None, at=None):
    """Set the bed; the depth of the water stays.

    Parameters
    ----------
    run : Run
        With threads.
    elevation, stage : (n,) float64, m; written
    value : float or (m,) float64, m
    at : (m,) int64 or None
    """
    run._need("move_bed", THREADS)
    cdef _places places
    cdef _values values
    cdef int64_t n = run.mesh.c.n
    _find(&places, run, at)
    _take(&values, value, places.n, "value")
    cdef double *z = <double *> _address(elevation, _float64, n, "elevation")
    cdef double *w = <double *> _address(stage, _float64, n, "stage")
    if not _apart(<size_t> z, <size_t> w, n):
        raise ArrayError("elevation must not share memory with stage")
    for p in (<size_t> z, <size_t> w):
        _check_same_or_apart(<double *> <size_t> p, &values, &places, n)
    with nogil:
        run.kernels.everywhere.move_bed(z, w, places.at, places.n, values.of, values.step,
                                        run.r.n_threads)


def erode(Run run not None, elevation not None, stage not None, xmomentum not None,
          ymomentum not None, double threshold, double dt, double base, at=None):
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
    at : (m,) int64 or None
    """
    run._need("erode", THREADS)
    cdef _places places
    cdef int64_t n = run.mesh.c.n
    cdef double most
    _find(&places, run, at)
    cdef double *z = <double *> _address(elevation, _float64, n, "elevation")
    cdef double *w = <double *> _address(stage, _float64, n, "stage")
    cdef const double *p = <const double *> _read(xmomentum, _float64, n, "xmomentum")
    cdef const double *q = <const double *> _read(ymomentum, _float64, n, "ymomentum")
    with nogil:
        most = run.kernels.everywhere.erode(z, w, p, q, places.at, places.n, threshold, dt, base,
                                            run.r.n_threads)
    return most


def edge_range(Run run not None, str quantity not None, int64_t first, int64_t count):
    """Return the edge values of triangles side by side, (count, 3) float64, m or m2/s.

    Parameters
    ----------
    run : Run
        With state, parameters, and threads with room; `in_ranges`.
    quantity : str, of EDGE_QUANTITIES
    first, count : int
        The first triangle, and how many.
    """
    run._need("edge_range", STATE | PARAMETERS | THREADS | ROOM)
    cdef int q = EDGE_QUANTITIES.get(quantity, -1)
    if not LEAN_STAGE <= q <= LEAN_ELEVATION:
        raise ValueError(f"edge values are those of {', '.join(EDGE_QUANTITIES)}, "
                         f"not of {quantity!r}")
    _check_in_ranges(run, "edge_range")
    if first < 0 or count < 0 or count > run.mesh.c.n or first > run.mesh.c.n - count:
        raise ArrayError(f"there are no {count} triangles from {first} on")
    values = np.empty((count, 3))
    cdef double[:, ::1] out = values
    if count > 0:
        with nogil:
            run.kernels.edge_range(&run.r, first, count, q, &out[0, 0])
    return values


cdef int _check_in_ranges(Run run, str name) except -1:
    if not run.in_ranges:
        raise ValueError(f"{name} cannot use values that depend on the order of the triangles or "
                         "are predicted")
    return 0


def scour(Run run not None, elevation not None, stage not None, xmomentum not None,
          ymomentum not None, double threshold, double shear_factor, double dt, double base,
          chosen=None):
    """Lower the bed by the shear of the water, whose surface is as the run's edge values say.

    Parameters
    ----------
    run : Run
        With state (other arrays than those written here), parameters, and threads with room;
        not ordered, nothing predicted.
    elevation, stage : (n,) float64, m; written
    xmomentum, ymomentum : (n,) float64, m2/s
    threshold : float, m/s
    shear_factor : float
    dt : float, s
    base : float, m
    chosen : (n,) uint8 or None
        1 for the triangles to erode; None for all.
    """
    cdef lean_scour s
    cdef int64_t n = run.mesh.c.n
    run._need("scour", STATE | PARAMETERS | THREADS | ROOM)
    _check_in_ranges(run, "scour")
    s.threshold, s.shear_factor, s.dt, s.base = threshold, shear_factor, dt, base
    s.chosen = NULL
    if chosen is not None:
        s.chosen = <const uint8_t *> _read(chosen, np.uint8, n, "chosen")
    s.elevation = <double *> _address(elevation, _float64, n, "elevation")
    s.stage = <double *> _address(stage, _float64, n, "stage")
    s.xmomentum = <const double *> _read(xmomentum, _float64, n, "xmomentum")
    s.ymomentum = <const double *> _read(ymomentum, _float64, n, "ymomentum")
    for name in ("stage", "elevation"):
        bound = <size_t> _read(run.bound(name), _float64, n, name)
        if not _apart(bound, <size_t> s.elevation, n) or not _apart(bound, <size_t> s.stage, n):
            raise ArrayError(f"the run's {name} must not be what is written")
    with nogil:
        run.kernels.scour(&run.r, &s)


def centroid_columns(Run run not None, at=None, bint x=True, bint y=True):
    """Return the coordinates of centroids, x and y, (m,) float64 each, m; None what is not wanted.

    Parameters
    ----------
    run : Run
        With threads.
    at : (m,) int64 or None
    x, y : bool
        What is wanted.
    """
    run._need("centroid_columns", THREADS)
    cdef _places places
    _find(&places, run, at)
    cdef double *p = NULL
    cdef double *q = NULL
    if at is None and places.n * <int64_t> sizeof(double) < _HUGE:
        xs, ys = _empty((2, places.n))      # twice as large
        xs, ys = xs if x else None, ys if y else None
    else:
        xs, ys = _empty(places.n) if x else None, _empty(places.n) if y else None
    if x:
        p = <double *> _address(xs, _float64, places.n, "x")
    if y:
        q = <double *> _address(ys, _float64, places.n, "y")
    if x or y:
        with nogil:
            run.kernels.everywhere.centroids(&run.mesh.c, places.at, places.n, p, q,
                                             run.r.n_threads)
    return xs, ys


cdef int _loop_of(object ufunc, void **loop, void **given) except -1:
    """Find numpy's loop of a function of one float64; -1 where it is not numpy's."""
    cdef PyUFuncObject *f
    cdef int j
    if type(ufunc) is not np.ufunc:
        raise ArrayError(f"{ufunc!r} must be a function of numpy's")
    f = <PyUFuncObject *> ufunc
    if f.nin == 1 and f.nout == 1:
        for j in range(f.ntypes):
            if f.types[2 * j] == 12 and f.types[2 * j + 1] == 12:      # NPY_DOUBLE
                loop[0], given[0] = f.functions[j], f.data[j]
                return 0
    raise ArrayError(f"{ufunc!r} must have a loop of one float64")


def blow(Run run not None, xmomentum not None, ymomentum not None, speed not None,
         angle not None, double factor, double dt, double limit):
    """Add the stress of a wind to the momenta of all triangles.

    Parameters
    ----------
    run : Run
        With threads.
    xmomentum, ymomentum : (n,) float64, m2/s; written
    speed : float or (n,) float64, m/s
    angle : (n,) float64, degrees; or (float, float), its cosine and sine
    factor : float
        Stress by speed squared.
    dt : float, s
    limit : float
        Above 0; of an angle as cosine and sine nothing is asked.

    Returns
    -------
    bool
        Whether all speeds and angles were within the limit; else nothing is added.
    """
    run._need("blow", THREADS)
    cdef lean_wind wind
    cdef _values values
    cdef double cosine = 0.0, sine = 0.0
    cdef int64_t n = run.mesh.c.n
    cdef double *x = <double *> _address(xmomentum, _float64, n, "xmomentum")
    cdef double *y = <double *> _address(ymomentum, _float64, n, "ymomentum")
    _take(&values, speed, n, "speed")
    memset(&wind, 0, sizeof(wind))
    wind.speed, wind.speed_step = values.of, values.step
    wind.factor, wind.dt, wind.limit = factor, dt, limit
    if isinstance(angle, tuple):
        cosine, sine = angle
        wind.cosine, wind.sine = &cosine, &sine
    else:
        wind.angle = <const double *> _read(angle, _float64, n, "angle")
        _loop_of(np.cos, <void **> &wind.cos, &wind.of_cos)
        _loop_of(np.sin, <void **> &wind.sin, &wind.of_sin)
    for p in (<size_t> wind.speed, <size_t> wind.angle, <size_t> y):
        if not _apart(<size_t> x, p, n) or p != <size_t> y and not _apart(<size_t> y, p, n):
            raise ArrayError("the momenta must not share memory with the wind")
    cdef bint beyond
    with nogil:
        beyond = run.kernels.everywhere.blow(&wind, n, x, y, run.r.n_threads)
    return not beyond


def press(Run run not None, pressure not None, double dt, double density, stage not None,
          elevation not None, xmomentum not None, ymomentum not None):
    """Add what the gradient of a pressure does to the momenta of all triangles.

    Parameters
    ----------
    run : Run
        With threads.
    pressure : (number of nodes,) float64, Pa
    dt : float, s
    density : float, kg/m3
    stage, elevation : (n,) float64, m
    xmomentum, ymomentum : (n,) float64, m2/s; written
    """
    run._need("press", THREADS)
    cdef int64_t n = run.mesh.c.n
    cdef const double *p = <const double *> _read(
        pressure, _float64, run.mesh.number_of_nodes, "pressure")
    cdef const double *w = <const double *> _read(stage, _float64, n, "stage")
    cdef const double *z = <const double *> _read(elevation, _float64, n, "elevation")
    cdef double *x = <double *> _address(xmomentum, _float64, n, "xmomentum")
    cdef double *y = <double *> _address(ymomentum, _float64, n, "ymomentum")
    with nogil:
        run.kernels.everywhere.press(&run.mesh.c, p, dt, density, w, z, x, y, run.r.n_threads)


def ask_each(function not None, x not None):
    """Call a function for each of some numbers, one after the other.

    Parameters
    ----------
    function : callable
        Of a float.
    x : (m,) float64

    Returns
    -------
    values : (m,) float64
        What it has returned, where that is a float of Python's or numpy's; else 0.
    others : dict of int to object
        What else it has returned, by place.
    """
    cdef int64_t j, m = _length(x, "x")
    cdef const double *given = <const double *> _read(x, _float64, m, "x")
    cdef dict others = {}
    values = np.zeros(m)
    cdef double *found = <double *> _address(values, _float64, m, "values")
    for j in range(m):
        returned = PyObject_CallOneArg(function, PyFloat_FromDouble(given[j]))
        if type(returned) is float or type(returned) is _float64:
            found[j] = PyFloat_AS_DOUBLE(returned)
        else:
            others[j] = returned
        if j & 0xfff == 0xfff:
            PyErr_CheckSignals()    # a function may be compiled
    return values, others
