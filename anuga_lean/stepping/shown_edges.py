"""Shows a boundary that ANUGA asks edge by edge the edge values of its own triangles, at once.

Owns where the values of a triangle stand while the edges of a segment are gone through, so
that one value costs a look into an array, and what such a boundary has read of the mesh.
Everything else is answered as always: values of other triangles, and all of them once the edge
values are others (`edge_values`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean.quantity.views import PlaceView, ShownRows

_CONSERVED = list(_kernels.EDGE_QUANTITIES)[:3]      # stage and momenta
_ONE = (int, np.int64)      # an index of one element
_TABLES = ("normals", "edge_midpoint_coordinates", "centroid_coordinates")


class ShownEdges(ShownRows):
    """The edge values of the triangles of a segment.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    cells, columns : (m,) int64
        The edges, by triangle and edge.
    """

    def __init__(self, domain: Any, cells: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        super().__init__(cells, columns)
        self._domain = domain
        self._views: dict[str, tuple[Any, PlaceView]] = {}      # with their owners
        self._conserved: NDArray[np.float64] | None = None      # (3, m, 3)
        self._edges: Any = None         # where they are shown now
        self._blocks: Any = None        # that what was read of the mesh is of
        self._read: dict[str, dict[Any, Any]] = {}

    def begin(self) -> None:
        """Show the values as they are now."""
        domain, shown = self._domain, []
        rows = domain.lean.edges.now(self.cells)
        if rows is None:
            return
        for name, number in _kernels.EDGE_QUANTITIES.items():
            owner, view = self._views.get(name, (None, None))
            if view is None or domain.quantities[name] is not owner:
                owner = domain.quantities[name]
                view = owner.edge_values
                if type(view) is not PlaceView:
                    continue
                self._views[name] = owner, view
            if view.show(rows[number], self):
                shown.append(name)
        self._conserved = rows[:3] if shown[:3] == _CONSERVED else None
        mesh = domain.mesh
        if self._blocks is not mesh.blocks:
            self._blocks, self._read = mesh.blocks, {name: {} for name in _TABLES}
        for name, read in self._read.items():
            mesh.view(name).keep_in(read, 8 * len(self.cells))
        self._edges = domain.lean.edges
        self._edges.shown = domain._lean_edges = self

    def end(self) -> None:
        """Show them no more."""
        for _, view in self._views.values():
            view.hide()
        for name in self._read:
            self._domain.mesh.view(name).keep_in(None)
        self._conserved = None
        if self._edges is not None:
            self._edges.shown = self._domain._lean_edges = self._edges = None

    def conserved(self, vol_id: Any, edge: Any) -> NDArray[np.float64] | None:
        """Return the conserved quantities at an edge, (3,), or None where they are not shown."""
        if self._conserved is None or type(vol_id) not in _ONE or type(edge) not in _ONE:
            return None
        place = self.places.get(vol_id)
        return None if place is None else self._conserved[:, place, edge].copy()
