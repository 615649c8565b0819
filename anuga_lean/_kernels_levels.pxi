# The door to levels.c: what an inlet is filled to; included by _kernels.pyx.

cdef extern from "levels.h" nogil:
    int32_t lean_narrow_level(int64_t n, const double *stage, const double *depth,
                              const double *area, double wanted, int32_t most, double *low,
                              double *high)


def narrow_level(const double[::1] stages not None, const double[::1] depths,
                 const double[::1] areas not None, double wanted, double low, double high,
                 int64_t most):
    """Bisect an interval of levels as long as rounding cannot decide a step.

    Parameters
    ----------
    stages : (m,) float64, m
    depths : (m,) float64, m, or None
        Given: water is drawn down to the level; None: filled up to it.
    areas : (m,) float64, m2
    wanted : float, m3
    low, high : float, m
    most : int
        Steps at most.

    Returns
    -------
    low, high, steps : float, m; float, m; int
        The interval after that many steps; the next one is for whoever knows how the volume is
        summed.
    """
    cdef int64_t m = stages.shape[0]
    cdef const double *depth = NULL
    cdef int32_t steps = _count(most, 0, 0x7FFFFFFF, "most")
    if areas.shape[0] != m or (depths is not None and depths.shape[0] != m):
        raise ArrayError(f"{m} stages need as many areas and depths, not {areas.shape[0]} and "
                         f"{m if depths is None else depths.shape[0]}.")
    if m == 0:
        return low, high, 0
    _check_aligned(&stages[0], sizeof(double), "stages")
    _check_aligned(&areas[0], sizeof(double), "areas")
    if depths is not None:
        _check_aligned(&depths[0], sizeof(double), "depths")
        depth = &depths[0]
    with nogil:
        steps = lean_narrow_level(m, &stages[0], depth, &areas[0], wanted, steps, &low, &high)
    return low, high, steps
