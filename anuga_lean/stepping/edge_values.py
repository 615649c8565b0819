"""Gives edge values of some triangles, as the last distribution leaves them.

Owns which values at centroids they follow from: where a quantity was set since, ANUGA's are
still those of before.  The arithmetic is in kernels/edges.c; which quantities show them is
in quantity/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.stepping.shown_edges import ShownEdges

_LARGEST_KEPT = 65536       # triangles whose edge values are kept within a step


class EdgeValues:
    """Gives the edge values of a domain.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    ready : callable
        Returns the run, with the present arrays bound.

    Attributes
    ----------
    are_known : bool
        There was a distribution, and no update since.
    in_step : bool
        The last distribution was for a step, not for a yield.
    """

    def __init__(self, domain: Any, ready: Callable[[], _kernels.Run]) -> None:
        self._domain = domain
        self._ready = ready
        self.are_known = False
        self.in_step = False
        # triangles, (m,) int64, and edge values, (quantities, m, 3) float64, asked for last
        self._kept: tuple[np.ndarray, np.ndarray] | None = None
        self._places: dict[int, int] | None = None      # of those triangles
        # edge values, elements of them, and the values there, asked for last
        self._taken: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        # centroid values, (n,) float64, of the last distribution, where set since
        self._distributed: dict[str, np.ndarray] = {}
        self._bed: np.ndarray | None = None     # at boundary edges, (boundary_length,) m
        self.shown: ShownEdges | None = None    # to the boundary that is evaluated just now

    # -- the order of a step -------------------------------------------------

    def on_distribute(self, in_step: bool) -> None:
        """Note a distribution: edge values follow from the present centroid values."""
        self.are_known = True
        self.in_step = in_step
        self._forget()
        self._distributed.clear()

    def on_predict(self) -> None:
        """Note a prediction: edge values follow from the same centroid values, advanced in time."""
        self._forget()

    def on_update(self) -> bool:
        """Note an update: edge values are unknown from now on; return whether they were known."""
        were_known = self.are_known
        self.are_known = False
        self._distributed.clear()
        if self.shown is not None:
            self.shown.end()
        return were_known

    def _forget(self) -> None:
        """Drop what was computed."""
        self._kept = self._taken = None
        if self.shown is not None:
            self.shown.end()

    def note_boundary_bed(self) -> None:
        """Keep the bed at the boundary edges, which the update will change."""
        domain = self._domain
        rows = self.rows("elevation", domain.boundary_cells)
        self._bed = rows[np.arange(len(rows)), domain.boundary_edges]

    # -- what is asked -------------------------------------------------------

    def rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return the edge values of one quantity at some triangles: (len(rows), 3) float64.

        In a step, those of the other quantities are kept: boundaries ask for them next.
        """
        run = self._ready()
        rows = np.ascontiguousarray(rows, np.int64)
        if self._are_kept(rows):
            kept = self._kept
            if kept is None or len(rows) != 1:
                return self._keep(rows.copy())[_kernels.EDGE_QUANTITIES[name]]
            place = self._place(kept[0], int(rows[0]))
            if place is not None:
                return kept[1][_kernels.EDGE_QUANTITIES[name], place : place + 1]
        if not self._distributed:
            return run.edge_rows(name, rows)
        with self._as_distributed(run):
            return run.edge_rows(name, rows)

    def of_segment(self, triangles: np.ndarray) -> np.ndarray | None:
        """Return the edge values of triangles, by number of the quantity.

        Parameters
        ----------
        triangles : (m,) int64
            An array that does not change.

        Returns
        -------
        (quantities, m, 3) float64 or None
            Not to be written; None where none are kept.
        """
        return self._keep(triangles) if self._are_kept(triangles) else None

    def at_edges(self, triangles: np.ndarray, elements: np.ndarray) -> np.ndarray | None:
        """Return the same at an edge of each, (quantities, m); `elements` are 3 * place + edge."""
        known = self.of_segment(triangles)
        if known is None:
            return None
        taken = self._taken
        if taken is None or taken[0] is not known or taken[1] is not elements:
            taken = self._taken = (
                known, elements, known.reshape(len(known), -1).take(elements, axis=1))
        return taken[2]

    def are_of_present(self, triangles: np.ndarray) -> bool:
        """Whether a boundary's edge values follow from the centroid values as they are now."""
        return self._are_kept(triangles) and not self._distributed

    def now(self, triangles: np.ndarray) -> np.ndarray | None:
        """Return the same at a yield, too, where nothing is kept; None for too many triangles."""
        if self._are_kept(triangles):
            return self._keep(triangles)
        if len(triangles) > _LARGEST_KEPT:
            return None
        return self._compute(triangles)

    def _are_kept(self, triangles: np.ndarray) -> bool:
        return self.in_step and self.are_known and len(triangles) <= _LARGEST_KEPT

    def _keep(self, triangles: np.ndarray) -> np.ndarray:
        kept = self._kept
        if kept is None or kept[0] is not triangles and not np.array_equal(kept[0], triangles):
            kept = self._kept = (triangles, self._compute(triangles))
            self._places = None
        return kept[1]

    def _compute(self, triangles: np.ndarray) -> np.ndarray:
        run = self._ready()
        if not self._distributed:
            return run.all_edge_rows(triangles)
        with self._as_distributed(run):
            return run.all_edge_rows(triangles)

    def _place(self, triangles: np.ndarray, triangle: int) -> int | None:
        """Return where a triangle stands among those whose edge values are kept."""
        if self._places is None:
            self._places = {k: j for j, k in enumerate(triangles.tolist())}
        return self._places.get(triangle)

    def all(self, name: str) -> np.ndarray:
        """Return the edge values of one quantity: (number_of_triangles, 3) float64."""
        return self.range(name, 0, int(self._domain.number_of_elements))

    def range(self, name: str, start: int, stop: int) -> np.ndarray:
        """Return the edge values of triangles side by side: (stop - start, 3) float64."""
        run = self._ready()
        if not run.in_ranges:
            return self.rows(name, np.arange(start, stop))
        with self._as_distributed(run):
            return _kernels.edge_range(run, name, start, stop - start)

    def can_fill_frames(self) -> bool:
        """Whether `fill_frame` can: nothing is predicted, and the order of triangles tells nothing.
        """
        return not self.in_step and not self._ready().ordered

    def fill_frame(self, names: tuple[str, ...], first: int, least: float | None,
                   out: np.ndarray) -> list[tuple[float, float, bool]]:
        """Write what a frame stores at vertices; see _kernels.frame_at_vertices."""
        run = self._ready()
        with self._as_distributed(run):
            return _kernels.frame_at_vertices(run, names, first, least, out)

    def boundary_bed(self) -> np.ndarray | None:
        """Return the bed of the last fluxes at boundary edges, (boundary_length,) m, or None."""
        return None if self.are_known else self._bed

    # -- what is written -----------------------------------------------------

    def remember(self, name: str, values: np.ndarray) -> None:
        """Keep the centroid values `name` had: in ANUGA all edge values follow from them.

        Until the next distribution, and only the first that are set.
        """
        if self.are_known:
            self._distributed.setdefault(name, values)
        if self.shown is not None:
            self.shown.end()

    def on_written(self, name: str) -> None:
        """Turn to ANUGA's kernels: only those read edge values that a script has set."""
        self._domain.use_stock_kernels(f"writing edge values of {name}")

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
