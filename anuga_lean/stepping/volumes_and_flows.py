"""Computes volumes, boundary flows and wet triangles of a domain, from chunks of triangles.

The numbers are ANUGA's, to the bit, without its arrays.  What a user asks a quantity
is in quantity/, points, lines and the text about a mesh in mesh/, the SWW file in `sww`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from anuga.shallow_water import shallow_water_domain as _swd
from numpy.typing import NDArray

from anuga_lean.arrays.stock_arrays import unless_on_stock_arrays
from anuga_lean.memory_limits import telling
from anuga_lean.quantity.forms import chunks
from anuga_lean.quantity.integral import integral
from anuga_lean.stepping.progress import ProgressingDomain

Array = NDArray[np.float64]


class Depth:
    """Water depth of a lean domain, stage above elevation at centroids, as an integrand."""

    def __init__(self, domain: Any) -> None:
        self.domain = domain
        self.stage = domain.quantities["stage"].centroid_values
        self.elevation = domain.quantities["elevation"].centroid_values

    def get_integral(self, full_only: bool = True, region: Any = None,
                     indices: Any = None) -> float:
        """Return the volume in m3, of all, of a Region or of some triangles."""
        if region is None and indices is None:
            return integral(self.domain, self.stage, self.elevation, full_only)
        if indices is None:
            indices = region.get_indices(full_only)
        if len(indices) == 0:
            return 0.0
        depth = self.stage[indices] - self.elevation[indices]
        return np.sum(self.domain.areas[indices] * depth)


class ReportingDomain(ProgressingDomain):
    """The part of LeanDomain that answers between steps."""

    @unless_on_stock_arrays
    def _height_quantity(self) -> Any:
        """Return what get_water_volume integrates."""
        return Depth(self)

    def _volume_of(self, stage: Array) -> np.float64:
        """Return the water volume in m3 for this stage over full triangles, rounded as ANUGA's."""
        return integral(self, stage, self.quantities["elevation"].centroid_values)

    def _report_lifted(self, volume: float) -> None:
        """Say by how many m3 protecting the state has lifted stages, as ANUGA says it."""
        if volume > 0.0 and self.verbose:
            print(f"Cumulative mass protection: {volume} m^3")

    def note_lifted(self, count: int, volume: float) -> None:
        """Keep the total if an update has lifted so many depths, by so many m3, and warn."""
        if count == 0:
            return
        from anuga import numprocs
        if numprocs == 1 and volume > _swd._negative_volume_noise_floor:
            total = self._volume_of(self.lean.stages.stage_after_update())
            self.volume_history.append(total)
            if total > 0.0 and volume > self.negative_volume_warning_fraction * total:
                warnings.warn(
                    f"{count} negative cells set to zero depth, adding {volume:.3g} m^3 "
                    f"({100.0 * volume / total:.3g}% of the {total:.3g} m^3 in the domain): "
                    "possible loss of conservation. \nConsider using "
                    "domain.report_water_volume_statistics() to check the extent of the problem",
                    stacklevel=3)

    @unless_on_stock_arrays
    @telling("the flows through the boundary")
    def compute_boundary_flows(self) -> tuple[dict[str, float], float, float]:
        """Return the inflow by boundary tag, all inflow and all outflow, m3/s.

        Notes
        -----
        From the momentum at the edges' midpoints: not what the fluxes carry.
        """
        edges = np.array(list(self.boundary), np.int64).reshape(-1, 2)
        flows = -self._outflow(edges[:, 0], edges[:, 1])
        by_tag: dict[str, float] = {}
        inflow = outflow = 0.0
        for flow, tag in zip(flows, self.boundary.values(), strict=True):
            if flow > 0:
                inflow += flow
            else:
                outflow += flow
            by_tag[tag] = by_tag.get(tag, 0.0) + flow
        return by_tag, inflow, outflow

    def _outflow(self, ks: NDArray[np.int64], i: NDArray[np.int64]) -> Array:
        """Return the flow out of triangles `ks` through their edges `i`, (m,) m3/s."""
        each = np.arange(len(ks))
        momentum = np.stack(
            [self.quantities[name].form("edge").rows(self, ks)[each, i]
             for name in ("xmomentum", "ymomentum")], axis=1)
        columns = 2 * i[:, np.newaxis] + np.arange(2)
        normals = np.asarray(self.mesh.normals[ks])[each[:, np.newaxis], columns]
        lengths = np.asarray(self.mesh.edgelengths[ks])[each, i]
        # One by one: a product of matrices may add in another order than ANUGA's.
        return np.array([np.dot(m, n) for m, n in zip(momentum, normals, strict=True)]) * lengths

    @telling("the wet triangles")
    def get_wet_elements(self, indices: Any = None,
                         minimum_height: float | None = None) -> NDArray[np.int64]:
        """Return the triangles deeper than `minimum_height` (m; ANUGA's own if None)."""
        if self.on_stock_arrays or indices is not None:
            return super().get_wet_elements(indices, minimum_height)
        if minimum_height is None:
            from anuga.config import minimum_allowed_height

            minimum_height = minimum_allowed_height
        stage, bed = (self.quantities[name].centroid_values for name in ("stage", "elevation"))
        wet = np.empty(len(stage), bool)
        for ks in chunks(self):
            np.greater(stage[ks] - bed[ks], minimum_height, out=wet[ks])
        return np.flatnonzero(wet)
