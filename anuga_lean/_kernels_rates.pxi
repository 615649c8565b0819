# The door to rates.c and maxima.c, kernels of operators; included by _kernels.pyx.

from libc.math cimport isfinite


cdef extern from "rates.h" nogil:
    int LEAN_RATE_MISPLACED, LEAN_RATE_TAKES, LEAN_RATE_ZERO, LEAN_RATE_NEGATIVE_ZERO

    ctypedef struct lean_rate:
        int32_t n_threads
        int64_t n, m
        const int64_t *index
        int32_t any_order
        int64_t n_full
        const int64_t *full
        const double *area
        const double *rate
        int32_t per_triangle
        double scale
        int32_t second, in_runs
        const double *elevation
        double *stage
        double *height
        double *xmomentum
        double *ymomentum

    ctypedef struct lean_rate_part:
        int64_t start, count
        double sum, most, least
        int32_t zeros, takes

    int64_t lean_rate_parts(int64_t)


cdef extern from "maxima.h" nogil:
    int LEAN_MAXIMA

    ctypedef struct lean_maxima:
        int32_t n_threads
        int64_t n
        const double *stage
        const double *elevation
        const double *xmomentum
        const double *ymomentum
        double least_depth
        int32_t own_hypot
        double *max_stage
        double *max_depth
        double *max_speed
        double *max_momentum
        double *copy[4]


cdef extern from "operator_kernels.h" nogil:
    ctypedef struct lean_operators:
        int (*check_rate)(const lean_rate *, int) noexcept nogil
        lean_rate_part (*survey_rate)(const lean_rate *, int, lean_rate_part *) noexcept nogil
        void (*changes_of_rate)(const lean_rate *, int, double *) noexcept nogil
        void (*apply_rate)(const lean_rate *, int) noexcept nogil
        int (*raise_maxima)(const lean_maxima *) noexcept nogil
        int (*raise_to)(double *, const double *, int64_t, int32_t) noexcept nogil
        void (*hypots)(const double *, const double *, int64_t, int, double *) noexcept nogil

    const lean_operators *lean_select_operators(const char *)


cdef const lean_operators *_operators_of(str isa) except NULL:
    """Return the kernels of an instruction set, of the best this CPU has for None."""
    cdef bytes name
    cdef const lean_operators *found
    if isa is None:
        return lean_select_operators(NULL)
    name = isa.encode()
    found = lean_select_operators(name)
    if found == NULL:
        raise _no_isa(isa)
    return found


cdef bint _spans_apart(size_t a, int64_t n, size_t b, int64_t m):
    """Whether n numbers from a and m from b share none."""
    return a >= b + <size_t> m * sizeof(double) or b >= a + <size_t> n * sizeof(double)


cdef bint _apart(size_t a, size_t b, int64_t n):
    """Whether n numbers from a and n from b share none."""
    return _spans_apart(a, n, b, n)


cdef int _check_apart(list written, list read, int64_t n) except -1:
    """Raise ArrayError if n numbers from one of `written` overlap with others that are named."""
    cdef size_t each, other
    cdef Py_ssize_t i
    for i in range(len(written)):
        each = written[i]
        for other in written[i + 1:] + read:
            if not _apart(each, other, n):
                raise ArrayError("an array that is written must not share memory with others")
    return 0


cdef class RateChange:
    """Changes stages at a rate, with these arrays, as often as it is called.

    Parameters
    ----------
    stage, elevation, height, xmomentum, ymomentum : (n,) float64
        m and m2/s; all but `elevation` are written, `height` may be None.
    area : (m,) float64, m2
    index : (m,) int64 or None
        The triangle at each place, each at most once; None: all triangles, m = n.
    full : (n_full,) int64 or None
        Places that count in the sum; None: the first n_full.
    n_full : int
    rate : (n,) float64 or None
        One per triangle of the mesh.
    second : bool
        Whether numpy's maximum of 0.0 and -0.0 is the second; no matter if ZEROS_BY_SIGN.
    in_runs : bool
        Whether numpy sums 8,192 numbers, and then the next ones, instead of all in halves.
    isa : str or None
        As of `Run`.

    Raises
    ------
    ArrayError
        If an array does not fit, or rates lie in an array that is written.
    """

    cdef lean_rate c
    cdef const lean_operators *kernels
    cdef tuple arrays
    cdef list written
    cdef object room
    cdef lean_rate_part *part
    cdef bint took      # a rate of the last call was below 0, or NaN

    def __cinit__(self, stage, elevation, height, xmomentum, ymomentum, area, index, full,
                  int64_t n_full, rate, bint second, bint in_runs, str isa=None):
        cdef lean_rate *c = &self.c
        cdef int64_t n = _length(stage, "stage"), m = _length(area, "area")
        self.kernels = _operators_of(isa)
        self.arrays = (stage, elevation, height, xmomentum, ymomentum, area, index, full, rate)
        c.n, c.m, c.second, c.in_runs = n, m, second, in_runs
        if index is None and m != n:
            raise ArrayError(f"area must have {n} elements, one per triangle, not {m}")
        c.stage = <double *> _address(stage, np.float64, n, "stage")
        c.xmomentum = <double *> _address(xmomentum, np.float64, n, "xmomentum")
        c.ymomentum = <double *> _address(ymomentum, np.float64, n, "ymomentum")
        c.elevation = <const double *> _read(elevation, np.float64, n, "elevation")
        if height is not None:
            c.height = <double *> _address(height, np.float64, n, "height")
        c.area = <const double *> _read(area, np.float64, m, "area")
        if index is not None:
            c.index = <const int64_t *> _read(index, np.int64, m, "index")
        if n_full < 0 or full is None and n_full > m:
            raise ArrayError(f"n_full must be from 0 to {m}, not {n_full}")
        if full is not None:
            c.full = <const int64_t *> _read(full, np.int64, n_full, "full")
        c.n_full = n_full
        written = [<size_t> c.stage, <size_t> c.xmomentum, <size_t> c.ymomentum]
        if height is not None:
            written.append(<size_t> c.height)
        self.written = written
        read = [<size_t> c.elevation]
        if rate is not None:
            c.rate = <const double *> _read(rate, np.float64, n, "rate")
            c.per_triangle = index is not None
            read.append(<size_t> c.rate)
        _check_apart(written, read, n)
        self.room = np.empty(lean_rate_parts(n_full) * sizeof(lean_rate_part), np.uint8)
        self.part = <lean_rate_part *> _address(self.room, np.uint8, len(self.room), "room")

    def change(self, int64_t threads, double scale, bint limited, rate=None):
        """Change the stage; where limited write `height` and scale the momenta.

        Parameters
        ----------
        threads : int
        scale : float
            Times the rate, m; without rates the change.
        limited : bool
            No more is taken than a triangle has.  With rates it does not count: it is so if
            a rate is below 0, or NaN.
        rate : (m,) float64 or None
            One per place, of this call; None: what the object was made with, or the change
            is the same everywhere.

        Returns
        -------
        tuple or None
            The water added, m3; the largest and least change of stage, m; whether it was
            limited; those changes, (n_full,) float64, where the sign of a largest or least
            0 depends on numpy.  Of full triangles alone; the largest and least are
            infinite where the change is the same everywhere.  None if that water is not
            finite: nothing is written then.

        Raises
        ------
        ArrayError
            If an index is not in the mesh, or there twice, or rates do not fit, or lie in an array
            that is written.
        """
        cdef lean_rate here = self.c
        cdef lean_rate *c = &here
        cdef lean_rate_part found
        cdef double *change
        cdef int code, ahead
        c.n_threads = _count(threads, 1, _MOST_THREADS, "the number of threads")
        c.scale = scale
        if rate is not None:
            c.rate = <const double *> _read(rate, np.float64, c.m, "rate")
            c.per_triangle = False
            for each in self.written:
                if not _spans_apart(each, c.n, <size_t> c.rate, c.m):
                    raise ArrayError("rates must not share memory with an array that is written")
        # rates that were at or above 0 are surveyed as such, which finds out if they still are
        ahead = self.took or c.full != NULL or c.n_full != c.m
        with nogil:
            code = self.kernels.check_rate(c, ahead)
        if code & LEAN_RATE_MISPLACED and c.index != NULL and _each_once(c.index, c.m, c.n):
            c.any_order = True
            code = self.kernels.check_rate(c, ahead)
        with nogil:
            if not code & LEAN_RATE_MISPLACED:
                if c.rate != NULL:
                    limited = (code & LEAN_RATE_TAKES) != 0
                found = self.kernels.survey_rate(c, limited, self.part)
                if c.rate != NULL and not ahead and found.takes:
                    limited = True
                    found = self.kernels.survey_rate(c, limited, self.part)
                self.took = c.rate != NULL and limited
        if code & LEAN_RATE_MISPLACED:
            raise ArrayError(f"index must be of numbers from 0 to below {c.n}, each once, and full "
                             f"from 0 to below {c.m}")
        if not isfinite(found.sum):
            return None
        most, least, changes = found.most, found.least, None
        if found.most == 0.0 or found.least == 0.0:
            if found.zeros == LEAN_RATE_ZERO | LEAN_RATE_NEGATIVE_ZERO:
                changes = np.empty(c.n_full)
                change = <double *> _address(changes, np.float64, c.n_full, "changes")
                with nogil:
                    self.kernels.changes_of_rate(c, limited, change)
            zero = -0.0 if found.zeros & LEAN_RATE_NEGATIVE_ZERO else 0.0
            most = found.most if found.most != 0.0 else zero
            least = found.least if found.least != 0.0 else zero
        with nogil:
            self.kernels.apply_rate(c, limited)
        return found.sum, most, least, limited, changes


def raise_maxima(int64_t threads, stage not None, elevation not None, xmomentum not None,
                 ymomentum not None, double least_depth, max_stage not None, max_depth not None,
                 max_speed not None, max_momentum not None, bint own_hypot, copies=None,
                 str isa=None):
    """Raise maxima to the present state, all (n,) float64; return whether numpy has to, too.

    Parameters
    ----------
    threads : int
    stage, elevation, xmomentum, ymomentum : m and m2/s
    least_depth : float, above 0, m
        A speed counts where it is deeper.
    max_stage, max_depth, max_speed, max_momentum : m, m, m/s and m2/s; written
    own_hypot : bool
        As of `hypots`.
    copies : four arrays or None
        Get what those are then.
    isa : str or None
        As of `Run`.

    Returns
    -------
    bool
        Whether 0.0 and -0.0 have met, of which numpy chooses in a way of its own: the maxima
        are right once they have been raised by numpy again.
    """
    cdef int64_t n = _length(stage, "stage"), j
    cdef lean_maxima m
    cdef int odd
    cdef const lean_operators *kernels = _operators_of(isa)
    m.n_threads = _count(threads, 1, _MOST_THREADS, "the number of threads")
    if not 0.0 < least_depth < 1.0e300:
        raise ArrayError(f"least_depth must be a number above 0, not {least_depth}")
    m.n, m.least_depth, m.own_hypot = n, least_depth, own_hypot
    m.stage = <const double *> _read(stage, np.float64, n, "stage")
    m.elevation = <const double *> _read(elevation, np.float64, n, "elevation")
    m.xmomentum = <const double *> _read(xmomentum, np.float64, n, "xmomentum")
    m.ymomentum = <const double *> _read(ymomentum, np.float64, n, "ymomentum")
    m.max_stage = <double *> _address(max_stage, np.float64, n, "max_stage")
    m.max_depth = <double *> _address(max_depth, np.float64, n, "max_depth")
    m.max_speed = <double *> _address(max_speed, np.float64, n, "max_speed")
    m.max_momentum = <double *> _address(max_momentum, np.float64, n, "max_momentum")
    for j in range(LEAN_MAXIMA):
        m.copy[j] = NULL
    places = [<size_t> m.max_stage, <size_t> m.max_depth, <size_t> m.max_speed,
              <size_t> m.max_momentum]
    if copies is not None:
        copies = tuple(copies)
        if len(copies) != LEAN_MAXIMA:
            raise ArrayError(f"copies must be {LEAN_MAXIMA} arrays, not {len(copies)}")
        for j in range(LEAN_MAXIMA):
            m.copy[j] = <double *> _address(copies[j], np.float64, n, "a copy")
            places.append(<size_t> m.copy[j])
    read = [<size_t> m.stage, <size_t> m.elevation, <size_t> m.xmomentum, <size_t> m.ymomentum]
    _check_apart(places, read, n)
    with nogil:
        odd = kernels.raise_maxima(&m)
    return odd != 0


def raise_to(int64_t threads, maximum not None, value not None, str isa=None):
    """Raise maxima to values, (n,) float64 each; return whether numpy has to, too.

    Parameters
    ----------
    threads : int
    maximum : written
    value : read
    isa : str or None
        As of `Run`.

    Returns
    -------
    bool
        As of `raise_maxima`.
    """
    cdef int64_t n = _length(maximum, "maximum")
    cdef const lean_operators *kernels = _operators_of(isa)
    cdef int32_t count = _count(threads, 1, _MOST_THREADS, "the number of threads")
    cdef double *m = <double *> _address(maximum, np.float64, n, "maximum")
    cdef const double *v = <const double *> _read(value, np.float64, n, "value")
    cdef int odd
    _check_apart([<size_t> m], [<size_t> v], n)
    with nogil:
        odd = kernels.raise_to(m, v, n, count)
    return odd != 0


def hypots(x not None, y not None, bint own, str isa=None):
    """Return hypot(x, y), (n,) float64 each, by a formula of our own or by the C library."""
    cdef int64_t n = _length(x, "x")
    cdef const lean_operators *kernels = _operators_of(isa)
    cdef const double *a = <const double *> _read(x, np.float64, n, "x")
    cdef const double *b = <const double *> _read(y, np.float64, n, "y")
    found = np.empty(n)
    cdef double *h = <double *> _address(found, np.float64, n, "h")
    with nogil:
        kernels.hypots(a, b, n, own, h)
    return found
