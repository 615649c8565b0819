"""Riverwalls of a lean domain: wall edges as a list, not as flags on every edge.

Owns the lean RiverWall, which shows ANUGA's own code only the triangles that
may touch a wall, the edge arrays a domain shows for it, and the tables the
kernels read.  Crest heights stay ANUGA's live array.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from anuga.structures.riverwall import RiverWall as _StockRiverWall

from anuga_lean.views import ArrayView

_PIECE = 65536      # triangles looked at together


class _NearWalls:
    """What RiverWall asks of a domain, of some of its triangles only.

    Parameters
    ----------
    domain : anuga_lean.domain.Domain
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
        self.edge_flux_type: np.ndarray | None = None
        self.edge_river_wall_counter: np.ndarray | None = None
        self.number_of_riverwall_edges = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)


class RiverWall(_StockRiverWall):
    """ANUGA's RiverWall without an array over all edges of a lean domain."""

    def create_riverwalls(self, riverwalls: dict, *args: Any, **kwargs: Any) -> None:
        """Make walls of the edges along given lines.

        Parameters
        ----------
        riverwalls : dict of str to list of (x, y, z)
            Corners of each wall, m; the other arguments are ANUGA's.
        """
        domain = self.domain
        if getattr(domain, "lean", None) is None:
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
        """Number what was found among the triangles near walls as the whole mesh does."""
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
    """Triangles with an edge that may be on one of the lines, and those at the boundary."""
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
    """Whether points are on a segment, by ANUGA's own formula with twice its tolerance.

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


class SparseEdges(ArrayView):
    """(3 n,) int64, one per edge of the mesh, nearly all zero.

    Parameters
    ----------
    domain : anuga_lean.domain.Domain
    edges : (m,) int64
        Edges (3 k + i) that are not zero, ascending.
    values : (m,) int64
    """

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

    def _write(self, key: Any, value: Any) -> None:
        full = self._all()
        full[key] = value
        self.edges = np.flatnonzero(full)
        self.values = full[self.edges]


class EdgeArray:
    """A domain's edge_flux_type or edge_river_wall_counter: None until there are walls."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, domain: Any, owner: type | None = None) -> Any:
        if domain is None:
            return self
        return domain.__dict__.get(self.name)

    def __set__(self, domain: Any, value: Any) -> None:
        if domain.lean is not None and value is not None and not isinstance(value, SparseEdges):
            value = np.asarray(value)
            edges = np.flatnonzero(value)
            value = SparseEdges(domain, edges, value[edges])
        domain.__dict__[self.name] = value


def tables(domain: Any) -> tuple | None:
    """What the kernels read of the walls: the arguments of `_kernels.Run.bind_walls`.

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
