"""Holds the edges on riverwalls as a list, not as flags on every edge of the mesh.

Owns the arrays over all edges that a lean domain shows for its walls, and the
tables the kernels read.  Finding the edges is in `riverwalls`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean._class_names import lasting
from anuga_lean.arrays.view import ArrayView

ATTRIBUTES = ("edge_flux_type", "edge_river_wall_counter")


@lasting("SparseEdges")
class SparseEdges(ArrayView):
    """An array-like of (3 n,) int64, one per edge of the mesh, nearly all zero.

    Its domain holds `array` in its place once it runs on ANUGA's kernels.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    edges : (m,) int64
        Edges (3 k + i) that are not zero, ascending.
    values : (m,) int64
    """

    array: np.ndarray | None = None

    def __init__(self, domain: Any, edges: np.ndarray, values: np.ndarray) -> None:
        super().__init__(domain, (3 * domain.number_of_elements,), np.int64)
        self.edges = np.ascontiguousarray(edges, np.int64)
        self.values = np.ascontiguousarray(values, np.int64)

    def _rows(self, ks: np.ndarray) -> np.ndarray:
        if len(self.edges) == 0:
            return np.zeros(len(ks), np.int64)
        at = np.minimum(np.searchsorted(self.edges, ks), len(self.edges) - 1)
        return np.where(self.edges[at] == ks, self.values[at], 0)

    def _all(self) -> np.ndarray:
        full = np.zeros(len(self), np.int64)
        full[self.edges] = self.values
        return full

    def _stored(self) -> np.ndarray | None:
        return self.array

    def _change(self, change: Callable[[np.ndarray], Any]) -> None:
        if not self._is_shown():
            raise ValueError("these are no longer the domain's flags of edges on riverwalls: read "
                             "them from the domain again")
        full = self._all()
        change(full)
        self.edges = np.flatnonzero(full)
        self.values = full[self.edges]

    def _materialise(self) -> None:
        if self._is_shown():
            self.owner.use_stock_kernels("handing out the memory of flags of edges on riverwalls")

    def _is_shown(self) -> bool:
        return any(self.owner.__dict__.get(name) is self for name in ATTRIBUTES)

    def hold(self) -> np.ndarray:
        """Return ANUGA's array, which takes the place of the list of edges."""
        if self.array is None:
            self.array = self._all()
        return self.array


class EdgeArray:
    """The attribute edge_flux_type or edge_river_wall_counter: None until there are walls."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        return domain.__dict__.get(self.name)

    def __set__(self, domain: Any, value: Any) -> None:
        if not domain.on_stock_arrays and value is not None and not isinstance(value, SparseEdges):
            value = np.asarray(value)
            edges = np.flatnonzero(value)
            value = SparseEdges(domain, edges, value[edges])
        domain.__dict__[self.name] = value


def tables(domain: Any) -> tuple | None:
    """Return what the kernels read of the walls: the arguments of `_kernels.Run.bind_walls`.

    None if no edge is on a wall.
    """
    if domain.number_of_riverwall_edges == 0 or domain.edge_flux_type is None:
        return None
    kind, counter = domain.edge_flux_type, domain.edge_river_wall_counter
    edges = kind.edges[kind.values == 1]
    place = counter[edges] - 1
    edges, place = edges[place >= 0], place[place >= 0]
    walls = domain.riverwallData
    blocks = domain.mesh.blocks
    triangles, at = np.unique(edges // 3, return_inverse=True)
    position = blocks.position[triangles]
    order = np.argsort(position, kind="stable")
    places = np.full((len(triangles), 3), -1, np.int32)
    places[at, edges % 3] = place
    offset = np.searchsorted(position[order] // blocks.block_size,
                             np.arange(len(blocks.block) + 1))
    return (offset.astype(np.int64), (position[order] % blocks.block_size).astype(np.uint16),
            np.ascontiguousarray(places[order]), walls.riverwall_elevation,
            np.ascontiguousarray(walls.hydraulic_properties_rowIndex, np.int64),
            walls.hydraulic_properties)
