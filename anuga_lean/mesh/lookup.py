"""Finds points and lines in a mesh with ANUGA's own code, on a few of its triangles.

Owns the choice of the triangles that can matter: ANUGA's searches run on those
and give what they give on all.  Also `StockCopy`, the stand-in with real arrays
for what has to see every triangle.  Interpolation is in `interpolation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh as StockMesh
from numpy.typing import ArrayLike, NDArray

from anuga_lean.memory_limits import telling
from anuga_lean.mesh.tables import TABLES

if TYPE_CHECKING:
    from anuga_lean.mesh.mesh import Mesh

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_TRIANGLES_AT_ONCE = 1 << 13
_POINTS_AT_ONCE = 128
# Of a triangle's or a block's extent: wider than any tolerance or rounding in
# ANUGA's tests of a point against a triangle.
_MARGIN = 0.01
_telling = telling("looking triangles up")


class StockCopy(StockMesh):
    """ANUGA's Mesh with real arrays, made one by one from a lean mesh.

    Parameters
    ----------
    mesh : Mesh
        Kept alive by the copy.
    attributes : dict
        Everything but the tables.
    """

    def __init__(self, mesh: Mesh, attributes: dict[str, Any]) -> None:
        self.__dict__.update(attributes)
        self._lean = mesh

    def __getattr__(self, name: str) -> Any:
        if name not in TABLES or "_lean" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        values = getattr(self._lean, name).copy()
        setattr(self, name, values)
        return values


class SomeTriangles:
    """Some triangles of a mesh, sharing no node, as ANUGA's searches take a mesh.

    Parameters
    ----------
    corners : (3*m, 2) float64, m
    extent : tuple of float
        Least and largest x, least and largest y of the whole mesh.
    """

    def __init__(self, corners: Array, extent: tuple[float, float, float, float]) -> None:
        self.corners = np.ascontiguousarray(corners)
        self.extent = extent
        self.number_of_nodes = len(corners)
        self.triangles = np.arange(len(corners), dtype=np.int64).reshape(-1, 3)

    @property
    def boundary(self) -> dict[tuple[int, int], str]:
        """Return every edge as a boundary: none has a neighbour."""
        return {(k, i): "" for k in range(len(self.triangles)) for i in range(3)}

    def get_extent(self, absolute: bool = False) -> tuple[float, float, float, float]:
        """Return the extent of the whole mesh."""
        return self.extent

    def get_vertex_coordinates(self, absolute: bool = False) -> Array:
        """Return the corners."""
        return self.corners

    def get_vertex_coordinate(self, k: int, i: int, absolute: bool = False) -> Array:
        """Return corner i of triangle k."""
        return self.corners[3 * k + i]


def triangle_chunks(mesh: Mesh) -> Iterator[tuple[int, Array]]:
    """Yield the first triangle and the corners, (3*m, 2), of some triangles after others."""
    coordinates = mesh.vertex_coordinates
    for start in range(0, len(mesh), _TRIANGLES_AT_ONCE):
        yield start, np.array(coordinates[3 * start : 3 * (start + _TRIANGLES_AT_ONCE)])


def corners_of(mesh: Mesh, ks: Indices) -> Array:
    """Return the corners of triangles `ks`, (3*m, 2) float64, m."""
    places = (3 * ks[:, np.newaxis] + np.arange(3)).ravel()
    return np.array(mesh.vertex_coordinates[places]).reshape(-1, 2)


def triangles_near(mesh: Mesh, points: Array) -> Indices:
    """Return all triangles that may contain one of `points`, ascending.

    Parameters
    ----------
    points : (m, 2) float64, m, relative to the mesh's origin
    """
    if "vertex_coordinates" in mesh.real_arrays:
        candidates: list[Indices] = [np.arange(start, start + len(corners) // 3)
                      for start, corners in triangle_chunks(mesh)]
    else:
        blocks = mesh.blocks
        box = _widened(blocks.extent[:, 0::2], blocks.extent[:, 1::2])
        candidates = [blocks.members(b) for b in np.flatnonzero(_hit(*box, points))]
    near: list[Indices] = [np.empty(0, np.int64)]
    for ks in candidates:
        corner = corners_of(mesh, ks).reshape(-1, 3, 2)
        box = _widened(corner.min(axis=1), corner.max(axis=1))
        low, high = box[0].min(axis=0), box[1].max(axis=0)
        inside = ((low <= points) & (points <= high)).all(axis=1)
        near.append(ks[_hit(*box, points[inside])])
    return np.sort(np.concatenate(near))


def _widened(low: Array, high: Array) -> tuple[Array, Array]:
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


def _hit(low: Array, high: Array, points: Array) -> NDArray[np.bool_]:
    """Return for each box, (m, 2) corners, whether one of `points` lies in it."""
    hit = np.zeros(len(low), bool)
    for start in range(0, len(points), _POINTS_AT_ONCE):
        some = points[start : start + _POINTS_AT_ONCE, np.newaxis]
        hit |= ((low <= some) & (some <= high)).all(axis=2).any(axis=0)
    return hit


def absolute(mesh: Mesh, xy: Array) -> Array:
    """Return coordinates with the mesh's origin added, as ANUGA adds it."""
    reference = mesh.geo_reference
    return xy if reference.is_absolute() else reference.get_absolute(xy)


@_telling
def find_triangle(mesh: Mesh, point: Sequence[float] | Array) -> int:
    """Return the triangle that contains a point (absolute x, y, m).

    Notes
    -----
    ANUGA's first calls take the first triangle; later ones search a tree, in
    which a triangle that crosses a wider gap comes first.  On an edge the two
    may differ, here as there.  The tree is of the triangles near the point:
    those around it stand in the cells where the tree of all would have them.
    """
    from anuga.geometry.polygon import is_inside_polygon
    from anuga.pmesh.mesh_quadtree import MeshQuadtree

    mesh._point_lookup_count = getattr(mesh, "_point_lookup_count", 0) + 1
    place = np.asarray(point, float).reshape(1, 2)
    ks = triangles_near(mesh, mesh.geo_reference.get_relative(place))
    corners = absolute(mesh, corners_of(mesh, ks))
    if mesh._point_lookup_count <= mesh._SPATIAL_INDEX_THRESHOLD:
        for k, corner in zip(ks.tolist(), corners.reshape(-1, 3, 2), strict=True):
            if is_inside_polygon(point, corner, closed=True):
                return k
    elif len(ks) > 0:
        near = SomeTriangles(corners, mesh.get_extent(absolute=True))
        found, _, _, _, k = MeshQuadtree(near).search_fast(point)
        if found:
            return int(ks[k])
    raise Exception(f"Point {point} not found within a triangle")


@_telling
def find_nearest(mesh: Mesh, point: Sequence[float] | Array, tolerance: float) -> int:
    """Return the triangle whose centroid is nearest to a point (absolute x, y, m)."""
    nearest: Any = 0
    least: Any = np.inf
    for start in range(0, len(mesh), _TRIANGLES_AT_ONCE):
        xy = np.array(mesh.centroid_coordinates[start : start + _TRIANGLES_AT_ONCE])
        xy = absolute(mesh, xy)
        distance2 = (xy[:, 0] - point[0]) ** 2 + (xy[:, 1] - point[1]) ** 2
        k = np.argmin(distance2)
        if distance2[k] < least:
            nearest, least = start + k, distance2[k]
    if least > tolerance**2:
        raise Exception(f"Point {point} further than {tolerance:g} (m) from domain")
    return nearest


@_telling
def find_inside(mesh: Mesh, polygon: ArrayLike) -> Indices:
    """Return the triangles whose centroid is inside a polygon (absolute), ascending."""
    from anuga.geometry.polygon import inside_polygon

    found: list[Indices] = [np.empty(0, np.int64)]
    for start in range(0, len(mesh), _TRIANGLES_AT_ONCE):
        xy = np.array(mesh.centroid_coordinates[start : start + _TRIANGLES_AT_ONCE])
        found.append(start + np.asarray(inside_polygon(absolute(mesh, xy), polygon), np.int64))
    return np.concatenate(found)


@_telling
def intersect(mesh: Mesh, polyline: ArrayLike, verbose: bool) -> list[Any]:
    """Return where a polyline (absolute, m) crosses triangles: ANUGA's Triangle_intersections."""
    from anuga.abstract_2d_finite_volumes.neighbour_mesh import get_intersecting_segments
    from anuga.geometry.polygon_ext import _line_intersect

    line = mesh.geo_reference.get_relative(polyline)
    pieces = [np.array(piece, float) for piece in zip(line[:-1], line[1:], strict=True)]
    crossed: list[Indices] = [np.empty(0, np.int64)]
    for start, corners in triangle_chunks(mesh):
        found = np.zeros(len(corners) // 3, np.int64)
        for piece in pieces:
            count = _line_intersect(piece, corners, found)
            crossed.append(start + found[:count])
    ks = np.unique(np.concatenate(crossed))
    segments = get_intersecting_segments(corners_of(mesh, ks), len(ks), line, verbose=verbose)
    for segment in segments:
        segment.triangle_id = ks[segment.triangle_id]
    return segments
