"""Computes eddy viscosity by explicit steps on a lean domain.

Owns the bound on a step and the loop over sub-steps; the arithmetic of one is
in kernels/viscosity.c.  Nothing is held between steps but a byte per boundary edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anuga_lean._kernels import viscous_change
from anuga_lean.fractional_steps.viscosity_matrix import chunks, edge_shapes
from anuga_lean.quantity.forms import Array


def stiffness(domain: Any) -> float:
    """Return the largest sum of length over distance, per area, of a triangle: 1/m2.

    The largest of all ranks, who call this together.
    """
    mesh, largest = domain.mesh, 0.0
    for ks in chunks(len(domain)):
        _, shape = edge_shapes(mesh, ks)
        largest = np.maximum(largest, (shape.sum(axis=1) / mesh.areas[ks]).max())
    found = np.array([largest])
    if domain.numproc > 1:
        import anuga.utilities.parallel_abstraction as pypar
        from mpi4py.MPI import IN_PLACE, MAX

        pypar.comm.Allreduce(IN_PLACE, found, op=MAX)
    return float(found[0])


def step(operator: Any) -> None:
    """Advance the momenta of a lean domain by its timestep, in sub-steps that are stable."""
    domain = operator.domain
    dt = domain.get_timestep()
    operator.substeps = 0
    if dt <= 0.0 or operator.nu <= 0.0:
        return
    operator.substeps = count = max(1, int(np.ceil(dt / operator.max_stable_timestep())))
    bed, free_slip = _boundary_bed(domain), operator.free_slip()
    momenta = [domain.quantities[name].centroid_values for name in ("xmomentum", "ymomentum")]
    if domain.lean.edges.are_known:
        for name in ("xmomentum", "ymomentum"):     # their edge values stay those of before
            domain.lean.edges.remember(name, domain.quantities[name].centroid_values.copy())
    change = np.empty((2, len(domain)))
    for _ in range(count):
        if domain.parallel:
            domain.update_ghosts()
        viscous_change(domain.lean.ready(), operator.nu, dt / count, free_slip, bed, *change)
        for momentum, by in zip(momenta, change, strict=True):
            momentum += by


def _boundary_bed(domain: Any) -> Array:
    """Return the bed of the last extrapolation at the boundary edges, (boundary_length,) m."""
    noted = domain.lean.edges.boundary_bed()
    if noted is not None:
        return noted
    cells, edges = (np.asarray(each, np.int64)
                    for each in (domain.boundary_cells, domain.boundary_edges))
    return np.ascontiguousarray(domain.quantities["elevation"].edge_values[cells, edges])
