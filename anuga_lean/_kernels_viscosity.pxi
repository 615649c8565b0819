# The door to viscosity.c; included at the end of _kernels.pyx, after `Run`.

cdef extern from "viscosity.h" nogil:
    void lean_viscous_change(const lean_run *, double, double, const uint8_t *, const double *,
                             double *, double *)


def viscous_change(Run run not None, double viscosity, double dt, free_slip not None,
                   bed not None, xchange not None, ychange not None):
    """Compute what a viscous step makes of the momenta, which are left as they are.

    Parameters
    ----------
    run : Run
        With state, boundary, parameters and threads.
    viscosity : float, m2/s
    dt : float, s
    free_slip : (n_boundary,) uint8, 1 at edges without stress
    bed : (n_boundary,) float64, m, at the boundary edges
    xchange, ychange : (n,) float64, m2/s; written
    """
    cdef int64_t n = run.mesh.c.n, m = run.mesh.c.n_boundary
    run._need("viscous_change", STATE | BOUNDARY | PARAMETERS | THREADS)
    cdef const uint8_t *slip = <const uint8_t *> _read(free_slip, np.uint8, m, "free_slip")
    cdef const double *beds = <const double *> _read(bed, np.float64, m, "bed")
    cdef double *x = <double *> _address(xchange, np.float64, n, "xchange")
    cdef double *y = <double *> _address(ychange, np.float64, n, "ychange")
    with nogil:
        lean_viscous_change(&run.r, viscosity, dt, slip, beds, x, y)
