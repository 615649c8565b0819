# The door to levels.c: what an inlet is filled to; included by _kernels.pyx.

cdef extern from "levels.h" nogil:
    int32_t lean_narrow_level(int64_t n, const double *stage, const double *depth,
                              const double *area, double wanted, int32_t most, double *low,
                              double *high)

    int LEAN_IN_INLET

    ctypedef struct lean_inlet:
        int64_t m
        const int64_t *triangle
        const double *area
        const double *elevation
        double *stage
        double *xmomentum
        double *ymomentum

    double lean_water_in(const lean_inlet *)
    int lean_pour(const lean_inlet *, const int64_t *, double, double, double, const double *, int)


# Triangles of an inlet that the two functions below take at most.
IN_INLET = LEAN_IN_INLET


cdef int _take_inlet(lean_inlet *inlet, stage, elevation, xmomentum, ymomentum, triangles,
                     areas) except -1:
    """Give C the arrays of an inlet."""
    cdef int64_t n = _length(stage, "stage")
    inlet.m = _length(triangles, "triangles")
    if not 0 < inlet.m <= LEAN_IN_INLET:
        raise ArrayError(f"an inlet must have 1 to {LEAN_IN_INLET} triangles, not {inlet.m}")
    inlet.triangle = <const int64_t *> _read(triangles, _int64, inlet.m, "triangles")
    _check_range(inlet.triangle, inlet.m, 0, n, "triangles")
    inlet.area = <const double *> _read(areas, _float64, inlet.m, "areas")
    inlet.elevation = <const double *> _read(elevation, _float64, n, "elevation")
    inlet.stage = <double *> _address(stage, _float64, n, "stage")
    inlet.xmomentum = <double *> _address(xmomentum, _float64, n, "xmomentum")
    inlet.ymomentum = <double *> _address(ymomentum, _float64, n, "ymomentum")
    return 0


def water_in(stage not None, elevation not None, triangles not None, areas not None):
    """Return the water in an inlet, m3, as numpy sums it.

    Parameters
    ----------
    stage, elevation : (n,) float64, m
    triangles : (m,) int64
    areas : (m,) float64, m2

    Returns
    -------
    float or None
        None where the triangles do not ascend.
    """
    cdef lean_inlet inlet
    cdef int64_t j
    _take_inlet(&inlet, stage, elevation, stage, stage, triangles, areas)
    for j in range(1, inlet.m):
        if inlet.triangle[j] <= inlet.triangle[j - 1]:
            return None
    return lean_water_in(&inlet)


def pour(stage not None, elevation not None, xmomentum not None, ymomentum not None,
         triangles not None, areas not None, order not None, double volume, double highest,
         double protection, velocity, bint stops):
    """Fill an inlet from its lowest stage on, to one level, as ANUGA does.

    Parameters
    ----------
    stage, elevation, xmomentum, ymomentum : (n,) float64, m and m2/s
    triangles, order : (m,) int64
        Triangles, each once, and their places by ascending stage.
    areas : (m,) float64, m2
    volume : float, at least 0, m3
    highest : float, m
        Stages are to be below.
    protection : float, m2
        Of velocities where it is shallow.
    velocity : (2,) float64 or None
        Of all water; None: velocities stay what they are.
    stops : bool
        No momentum stays.

    Returns
    -------
    bool
        False, with nothing written, where a number is too high or not finite.
    """
    cdef lean_inlet inlet
    cdef const int64_t *places
    cdef const double *flow = NULL
    _take_inlet(&inlet, stage, elevation, xmomentum, ymomentum, triangles, areas)
    _check_apart([<size_t> inlet.stage, <size_t> inlet.xmomentum, <size_t> inlet.ymomentum],
                 [<size_t> inlet.elevation], _length(stage, "stage"))
    places = <const int64_t *> _read(order, _int64, inlet.m, "order")
    _check_range(places, inlet.m, 0, inlet.m, "order")
    if velocity is not None:
        flow = <const double *> _read(velocity, _float64, 2, "velocity")
    return lean_pour(&inlet, places, volume, highest, protection, flow, stops) != 0


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
