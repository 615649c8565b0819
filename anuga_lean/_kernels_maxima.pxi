# The door to maxima.c: the largest values that triangles have had; included by _kernels.pyx.

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
        double *max_stage
        double *max_depth
        double *max_speed
        double *max_momentum
        double *copy[4]

    int lean_raise_maxima(const lean_maxima *)


def raise_maxima(int64_t threads, stage not None, elevation not None, xmomentum not None,
                 ymomentum not None, double least_depth, max_stage not None, max_depth not None,
                 max_speed not None, max_momentum not None, copies=None):
    """Raise maxima to the present state, all (n,) float64; return whether numpy has to, too.

    Parameters
    ----------
    threads : int
    stage, elevation, xmomentum, ymomentum : m and m2/s
    least_depth : float, above 0, m
        A speed counts where it is deeper.
    max_stage, max_depth, max_speed, max_momentum : m, m, m/s and m2/s; written
    copies : four arrays or None
        Get what those are then.

    Returns
    -------
    bool
        Whether 0.0 and -0.0 have met, of which numpy chooses in a way of its own: the maxima
        are right once they have been raised by numpy again.
    """
    cdef int64_t n = _length(stage, "stage"), j
    cdef lean_maxima m
    cdef int odd
    m.n_threads = _count(threads, 1, _MOST_THREADS, "the number of threads")
    if not 0.0 < least_depth < 1.0e300:
        raise ArrayError(f"least_depth must be a number above 0, not {least_depth}")
    m.n, m.least_depth = n, least_depth
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
        odd = lean_raise_maxima(&m)
    return odd != 0
