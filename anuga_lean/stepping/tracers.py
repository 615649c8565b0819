"""Steps the passive tracers of a lean domain, and decides which of their arrays exist.

Owns the binding of ANUGA's tracer arrays to the kernels, the backup that
Runge-Kutta averages with, and the stand-ins for the arrays that only ANUGA's
own kernels need (values at edges, per-triangle boundary fluxes).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._errors import OrderError


class Tracers:
    """Steps the tracers of a domain; only `start` is called where there are none.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain

    Attributes
    ----------
    count : int
        Tracers of the present run; 0 before the first kernel.
    backup : (count, number_of_triangles) float64 or None
        Conserved values (m, depth times concentration) that Runge-Kutta remembers; kept once
        it was needed.
    """

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self.count = 0
        self.backup: np.ndarray | None = None
        self._triangle: NDArray[np.int64] = np.zeros(0, np.int64)   # of each boundary edge

    def start(self, run: _kernels.Run) -> None:
        """Give the kernels of a new run the arrays of the tracers."""
        domain = self._domain
        self.backup = None
        self.count = count = domain.number_of_tracers
        if count == 0:
            return
        self._triangle = np.ascontiguousarray(domain.boundary_cells, np.int64)
        run.bind_tracers(count, domain.beta_tracer, domain.tracer_conserved_values,
                         domain.tracer_centroid_values, domain.tracer_explicit_update,
                         domain.tracer_boundary_values,
                         np.zeros((count, domain.boundary_length)))

    def find_concentrations(self, run: _kernels.Run) -> None:
        """Divide the conserved values by the depths."""
        run.tracer_concentrations()

    def count_boundary_fluxes(self, run: _kernels.Run, substep: int) -> None:
        """Store what crossed the boundary in this substep, per tracer, m3/s."""
        sums = self._domain.tracer_boundary_flux_sum
        sums[substep * self.count:(substep + 1) * self.count] = \
            run.tracer_boundary_flux_sum(self._triangle)

    def update(self, run: _kernels.Run) -> None:
        """Add the fluxes of this substep, times its length."""
        run.update_tracers(self._domain.timestep, self._domain.tracer_conserved_values)

    def back_up(self) -> None:
        """Keep the conserved values for `average`."""
        if self.backup is None:
            self.backup = np.empty_like(self._domain.tracer_conserved_values)
        np.copyto(self.backup, self._domain.tracer_conserved_values)

    def average(self, run: _kernels.Run, a: float, b: float, c_inverse: float) -> None:
        """Set the conserved values to (a * present + b * backup) * c_inverse."""
        if self.backup is None:
            raise OrderError("saxpy_conserved_quantities before backup_conserved_quantities")
        for row, kept in zip(self._domain.tracer_conserved_values, self.backup, strict=True):
            run.average(row, kept, a, b, c_inverse)


class DerivedTracerArray:
    """An attribute for an array of ANUGA's, (number_of_tracers, columns), derived when read."""

    def __init__(self, name: str, columns: int = 1) -> None:
        self.name = name
        self.columns = columns      # per triangle

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        if domain.on_stock_arrays or domain.number_of_tracers == 0:
            return domain.__dict__.get(self.name)
        return self.derive(domain)

    def __set__(self, domain: Any, value: Any) -> None:
        if domain.on_stock_arrays or value is None:
            domain.__dict__[self.name] = value

    def derive(self, domain: Any) -> np.ndarray:
        """Return the array as ANUGA would show it now."""
        return np.zeros((domain.number_of_tracers, self.columns * domain.number_of_triangles))


class TracerEdges(DerivedTracerArray):
    """The concentrations at edges, reconstructed from the present ones."""

    def derive(self, domain: Any) -> np.ndarray:
        if domain.lean.run is None:
            return super().derive(domain)
        return domain.lean.ready().tracer_edges()


class TracerBackup(DerivedTracerArray):
    """The conserved values that Runge-Kutta remembers, once it does."""

    def derive(self, domain: Any) -> np.ndarray:
        backup = domain.lean.tracers.backup
        return super().derive(domain) if backup is None else backup


class TracerSource(DerivedTracerArray):
    """The external source, (number_of_tracers, n) m/s, held once it is read."""

    def __set__(self, domain: Any, value: Any) -> None:
        domain.__dict__[self.name] = value if (
            domain.on_stock_arrays or value is not None and value.any()) else None

    def derive(self, domain: Any) -> np.ndarray:
        held = domain.__dict__.get(self.name)
        if held is None:
            held = domain.__dict__[self.name] = super().derive(domain)
        return held


DERIVED = ("tracer_edge_values", "tracer_backup_values", "tracer_boundary_flux",
           "tracer_external_source")
