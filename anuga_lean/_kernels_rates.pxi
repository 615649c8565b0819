# The door to rates.c: water added or taken at a rate; included by _kernels.pyx.

cdef extern from "rates.h" nogil:
    int LEAN_RATE_MISPLACED, LEAN_RATE_TAKES, LEAN_RATE_ZERO, LEAN_RATE_NEGATIVE_ZERO

    ctypedef struct lean_rate:
        int32_t n_threads
        int64_t n, m
        const int64_t *index
        int64_t n_full
        const int64_t *full
        const double *area
        const double *rate
        int32_t per_triangle
        double scale
        int32_t second
        const double *elevation
        double *stage
        double *height
        double *xmomentum
        double *ymomentum

    ctypedef struct lean_rate_part:
        int64_t start, count
        double sum, most, least

    int64_t lean_rate_parts(int64_t)
    int lean_rate_check(const lean_rate *)
    lean_rate_part lean_rate_survey(const lean_rate *, int, lean_rate_part *)
    int lean_rate_zeros(const lean_rate *, int)
    void lean_rate_apply(const lean_rate *, int)


cdef bint _apart(size_t a, size_t b, int64_t n):
    """Whether n numbers from a and n from b share none."""
    cdef size_t nbytes = n * sizeof(double)
    return a >= b + nbytes or b >= a + nbytes


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
    """One change of stages at a rate; nothing is written before `apply`.

    Parameters
    ----------
    threads : int
    stage, elevation, height, xmomentum, ymomentum : (n,) float64
        m and m2/s; all but `elevation` are written, `height` may be None.
    area : (m,) float64, m2
    index : (m,) int64 or None
        The triangle at each place, ascending; None: all triangles, m = n.
    full : (n_full,) int64 or None
        Places that count in the sum; None: the first n_full.
    n_full : int
    rate : float64 array or None
        One per place, or per triangle; None: `scale` everywhere.
    scale : float
        Times the rate, m.
    second : bool
        Whether numpy's maximum of 0.0 and -0.0 is the second.

    Attributes
    ----------
    takes : bool
        Whether a rate is below 0, or NaN.

    Raises
    ------
    ArrayError
        If an array does not fit, indices do not ascend, or rates lie in an array that is written.
    """

    cdef lean_rate c
    cdef tuple arrays
    cdef readonly bint takes

    def __cinit__(self, int64_t threads, stage, elevation, height, xmomentum, ymomentum, area,
                  index, full, int64_t n_full, rate, double scale, bint second):
        cdef lean_rate *c = &self.c
        cdef int64_t n = _length(stage, "stage"), m = _length(area, "area"), size
        cdef int code
        self.arrays = (stage, elevation, height, xmomentum, ymomentum, area, index, full, rate)
        c.n_threads = _count(threads, 1, _MOST_THREADS, "the number of threads")
        c.n, c.m, c.scale, c.second = n, m, scale, second
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
        read = [<size_t> c.elevation]
        if rate is not None:
            size = _length(rate, "rate")
            if size != m and size != n:
                raise ArrayError(f"rate must have {m} or {n} elements, not {size}")
            c.rate = <const double *> _read(rate, np.float64, size, "rate")
            c.per_triangle = index is not None and size == n
            read.append(<size_t> c.rate)
        _check_apart(written, read, n)
        with nogil:
            code = lean_rate_check(c)
        if code & LEAN_RATE_MISPLACED:
            raise ArrayError(f"index must ascend from 0 or more to below {n}, and full must be "
                             f"from 0 to below {m}")
        self.takes = (code & LEAN_RATE_TAKES) != 0

    def survey(self, bint limited):
        """Return the water added, m3, and the largest and least change of stage, m.

        `limited`: no more is taken than a triangle has.  Full triangles alone count; a NaN
        among them shows in the first.
        """
        cdef int64_t parts = lean_rate_parts(self.c.n_full)
        room = np.empty(parts * sizeof(lean_rate_part), np.uint8)
        cdef lean_rate_part *part = <lean_rate_part *> _address(
            room, np.uint8, len(room), "room")
        cdef lean_rate_part found
        with nogil:
            found = lean_rate_survey(&self.c, limited, part)
        return found.sum, found.most, found.least

    def zeros(self, bint limited):
        """Return whether 0.0, and whether -0.0, is among the changes of full triangles."""
        cdef int found
        with nogil:
            found = lean_rate_zeros(&self.c, limited)
        return (found & LEAN_RATE_ZERO) != 0, (found & LEAN_RATE_NEGATIVE_ZERO) != 0

    def apply(self, bint limited):
        """Change the stage; if `limited` write `height` and scale the momenta."""
        with nogil:
            lean_rate_apply(&self.c, limited)
