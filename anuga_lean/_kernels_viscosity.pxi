# The door to viscosity.c; included at the end of _kernels.pyx, after `Run`.

cdef extern from "viscosity.h" nogil:
    void lean_viscous_change(const lean_run *, double, double, const uint8_t *, const double *,
                             double *, double *)


def viscous_change(Run run not None, double viscosity, double dt, free_slip not None,
                   bed not None, xchange not None, ychange not None):
    """Write what a viscous step of `dt` s makes of the momenta to `xchange` and `ychange`.

    `free_slip` (n_boundary,) uint8, 1 at edges without stress; `bed` (n_boundary,) float64,
    m; both changes (n,) float64, m2/s.  The momenta themselves are left as they are.
    """
    cdef int64_t n = run.mesh.c.n, m = run.mesh.c.n_boundary
    cdef const uint8_t *slip = <const uint8_t *> _address(free_slip, np.uint8, m, "free_slip")
    cdef double *beds = _doubles(bed, m, "bed")
    cdef double *x = _doubles(xchange, n, "xchange")
    cdef double *y = _doubles(ychange, n, "ychange")
    if run.r.stage == NULL or run.r.stage_boundary == NULL and m or run.r.scratch == NULL:
        raise ValueError("state, boundary values and threads are to be bound first")
    with nogil:
        lean_viscous_change(&run.r, viscosity, dt, slip, beds, x, y)
