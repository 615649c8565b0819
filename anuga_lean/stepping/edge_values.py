"""What views, boundaries and scripts ask a step for: edge values, wave speeds, its arrays.

Owns the edge values of given triangles, those of the last distribution where
values were set since, and the recorded wave speeds.  The order of a step is in
`step`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.stepping.forcing import CONSERVED

STATE = ("stage", "xmomentum", "ymomentum", "height", "elevation", "friction")


class Answers:
    """The part of `step.Step` that is asked."""

    domain: Any
    run: Any
    ready: Any
    in_step: bool
    edges_known: bool
    max_speed: np.ndarray | None
    friction_slope: np.ndarray | None

    def edge_rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Edge values of one quantity at given triangles: (len(rows), 3) float64.

        In a step, those of the other quantities are kept: boundaries ask for them next.
        """
        run = self.ready()
        rows = np.ascontiguousarray(rows, np.int64)
        if not self.in_step or len(rows) > 65536 or not self.edges_known:
            with self._as_distributed(run):
                return run.edge_rows(name, rows)
        cache = self._edge_cache
        if cache is None or len(cache[0]) != len(rows) or not np.array_equal(cache[0], rows):
            with self._as_distributed(run):
                cache = (rows.copy(), run.all_edge_rows(rows))
            self._edge_cache = cache
        return cache[1][_kernels._EDGE_QUANTITIES[name]]

    def conserved_at_edges(self, triangles: np.ndarray) -> dict[int, np.ndarray]:
        """Conserved quantities at the edges of some triangles, (3, 3) by triangle: [name, edge]."""
        triangles = np.ascontiguousarray(triangles, np.int64)
        which = [_kernels._EDGE_QUANTITIES[name] for name in CONSERVED]
        rows = self.ready().all_edge_rows(triangles)[which].transpose(1, 0, 2)
        return dict(zip(triangles.tolist(), rows, strict=True))

    def edge_all(self, name: str) -> np.ndarray:
        """Edge values of one quantity: (number_of_triangles, 3) float64."""
        run = self.ready()
        with self._as_distributed(run):
            return run.edge_rows(name, np.arange(self.domain.number_of_elements))

    def remember(self, name: str, values: np.ndarray) -> None:
        """Keep the centroid values `name` had: in ANUGA all edge values follow from them.

        Until the next distribution, and only the first that are set.
        """
        if self.edges_known:
            self._distributed.setdefault(name, values)

    @contextmanager
    def _as_distributed(self, run: _kernels.Run) -> Iterator[None]:
        """Show the centroid values of the last distribution where they were set since."""
        pairs = [(run.bound(name), then) for name, then in self._distributed.items()]

        def exchange() -> None:
            for now, then in pairs:
                now[:], then[:] = then.copy(), now.copy()

        exchange()
        try:
            yield
        finally:
            exchange()

    def warn_of_not_kept(self, array: str, name: str) -> None:
        """Say that an array about to be shown as zeros is not that of the last substep."""
        if self._calls and name in CONSERVED and self.domain.timestepping_method == "rk2":
            warnings.warn(
                f"{array} of {name} is not kept beyond a step of rk2 and reads as zeros until "
                "the next one begins: read it in a step.", UserWarning, stacklevel=4)

    def on_edge_written(self, name: str) -> None:
        """A user wrote edge values: only ANUGA's kernels read those."""
        self.domain.use_stock_kernels(f"writing edge values of {name}")

    def speeds(self) -> np.ndarray:
        """Largest wave speed at each triangle's edges, (n,) m/s, recorded from now on."""
        if self.max_speed is None:
            self.max_speed = np.zeros(self.domain.number_of_elements)
            if not self.speeds_are_zero:
                self.ready().bind_optional(self.friction_slope, self.max_speed)
                self.run.sweep(_kernels.SPEEDS)
                if not (self.in_step and self.edges_known):  # else the step's own state
                    warnings.warn(
                        "max_speed was not recorded in the last step: these are the speeds of "
                        "the present state; from the next step on they are those of the step, "
                        "as in ANUGA.", UserWarning, stacklevel=4)
        self.recording_speeds = True
        return self.max_speed

    def on_state_written(self) -> None:
        """Somebody writes to the state between fluxes and update."""
        self._touched = True

    def record_speeds(self, speeds: np.ndarray) -> None:
        """Record the wave speeds in this array from now on: (n,) float64, m/s."""
        self.max_speed = speeds
        self.recording_speeds = True

    def zero_speeds(self) -> None:
        """Set max_speed to zero, without allocating it."""
        self.speeds_are_zero = True
        if self.max_speed is not None:
            self.max_speed[:] = 0.0

    def census_arrays(self) -> dict[str, np.ndarray]:
        """The arrays this step holds beyond the quantities', by name."""
        held = {} if self.run is None else {
            name: array for name, array in self.run.held().items() if name not in STATE}
        for name in ("work", "backup", "max_speed", "friction_slope"):
            array = getattr(self, name)
            if array is not None:
                held[name] = array
        held |= {f"{name}_distributed": array for name, array in self._distributed.items()}
        held |= {f"{name}_semi_implicit": array for name, array in self._semi.items()}
        if self.tracers is not None and self.tracers.backup is not None:
            held["tracer_backup"] = self.tracers.backup
        return held
