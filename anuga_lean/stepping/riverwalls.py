"""Runs ANUGA's RiverWall on a lean domain: it gets only the triangles that may touch a wall.

Owns how wall edges are found.  What a domain shows of them and what the kernels
read is in `wall_edges`; crest heights stay ANUGA's live array.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from anuga.structures.riverwall import RiverWall as _StockRiverWall
from numpy.typing import NDArray

from anuga_lean._class_names import lasting
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.memory_limits import count_of, stage
from anuga_lean.stepping.wall_edges import SparseEdges

_PIECE = 65536      # triangles looked at together


@lasting("NearWalls")
class _NearWalls:
    """The part of a domain that RiverWall reads, for some of its triangles only.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    triangles : (m,) int64
        The triangles shown, ascending; they are numbered 0 to m-1.
    """

    def __init__(self, domain: Any, triangles: np.ndarray) -> None:
        self._domain = domain
        self.triangles = triangles
        self.number_of_elements = len(triangles)
        self.edges = (3 * triangles[:, None] + np.arange(3)).ravel()
        self.edge_coordinates = domain.edge_coordinates[self.edges]
        self.vertex_coordinates = domain.vertex_coordinates[self.edges]
        at = np.searchsorted(triangles, domain.boundary_cells)
        pairs = zip(at.tolist(), np.asarray(domain.boundary_edges).tolist(), strict=True)
        self.boundary = dict.fromkeys(pairs)
        self.edge_flux_type: Any = None             # ANUGA's RiverWall makes both
        self.edge_river_wall_counter: Any = None
        self.number_of_riverwall_edges = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)


@lasting("RiverWall")
class RiverWall(_StockRiverWall):
    """ANUGA's RiverWall without an array over all edges of a lean domain."""

    domain: Any
    riverwall_edges: NDArray[np.int64]

    @stage("the riverwalls", count_of)
    def create_riverwalls(self, riverwalls: dict, *args: Any, **kwargs: Any) -> None:
        """Make walls of the edges along given lines.

        Parameters
        ----------
        riverwalls : dict of str to list of (x, y, z)
            Corners of each wall, m; the other arguments are ANUGA's.
        """
        domain = self.domain
        if on_stock_arrays(domain):
            super().create_riverwalls(riverwalls, *args, **kwargs)
            return
        tol = kwargs.get("tol", args[2] if len(args) > 2 else 1.0e-4)
        lines = [riverwalls[name] for name in riverwalls.keys()]
        near = _NearWalls(domain, _triangles_near(domain, lines, tol))
        self.domain = near
        try:
            super().create_riverwalls(riverwalls, *args, **kwargs)
        finally:
            self.domain = domain
            if near.edge_flux_type is not None:
                self._take_over(near)

    def _take_over(self, near: _NearWalls) -> None:
        """Give what was found among the triangles near walls the numbers of the whole mesh."""
        domain = self.domain
        edges = np.flatnonzero(near.edge_flux_type)
        domain.edge_flux_type = SparseEdges(domain, near.edges[edges], near.edge_flux_type[edges])
        counter = np.flatnonzero(near.edge_river_wall_counter)
        domain.edge_river_wall_counter = SparseEdges(
            domain, near.edges[counter], near.edge_river_wall_counter[counter])
        domain.number_of_riverwall_edges = near.number_of_riverwall_edges
        self.riverwall_edges = near.edges[self.riverwall_edges] if self.names else \
            self.riverwall_edges


def _triangles_near(domain: Any, lines: list, tol: float) -> np.ndarray:
    """Return triangles with an edge that may be on a line, and those at the boundary."""
    found = [np.asarray(domain.boundary_cells, np.int64)]
    geo_reference = domain.mesh.geo_reference
    origin = geo_reference.get_xllcorner(), geo_reference.get_yllcorner()
    for first in range(0, domain.number_of_elements, _PIECE):
        last = min(first + _PIECE, domain.number_of_elements)
        xy = domain.edge_coordinates[3 * first:3 * last]
        for start, end in _segments(lines):
            edges = np.flatnonzero(_may_be_on(xy, start, end, origin, tol))
            found.append(first + edges // 3)
    return np.unique(np.concatenate(found))


def _segments(lines: list) -> Iterable[tuple]:
    for line in lines:
        for start, end in zip(line[:-1], line[1:], strict=True):
            if len(start) >= 2 and len(end) >= 2:
                yield start, end


def _may_be_on(xy: np.ndarray, start: Any, end: Any, origin: tuple, tol: float) -> np.ndarray:
    """Return which points are on a segment, by ANUGA's formula with twice its tolerance.

    The formula takes the distance as a difference of squares; another one would
    not agree with it where that cancels.
    """
    length = ((start[0] - end[0])**2 + (start[1] - end[1])**2)**0.5
    if length < tol:
        return np.zeros(len(xy), bool)
    along = -(start[0] - end[0]) / length, -(start[1] - end[1]) / length
    dx, dy = xy[:, 0] - (start[0] - origin[0]), xy[:, 1] - (start[1] - origin[1])
    distance = (dx**2 + dy**2)**0.5
    projection = dx * along[0] + dy * along[1]
    aside = distance**2. - projection**2.
    return (aside < (2 * tol)**2) & (projection > -2 * tol) & (projection < length + 2 * tol)


# dill names a method by where its function says it is
RiverWall.__module__ = RiverWall.create_riverwalls.__module__ = _StockRiverWall.__module__
