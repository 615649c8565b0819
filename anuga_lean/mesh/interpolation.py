"""Interpolates values at points as ANUGA does, from the triangles around the points.

Owns the stand-in for ANUGA's Interpolate on triangles that share no node.  Its
search, its weights and its sums are ANUGA's; they run on the triangles that can
contain a point.  Which those are is found in `lookup`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh as StockMesh
from anuga.fit_interpolate.interpolate import Interpolate
from anuga.pmesh.mesh_quadtree import MeshQuadtree
from anuga.utilities.numerical_tools import NAN, ensure_numeric
from anuga.utilities.sparse import Sparse, Sparse_CSR
from numpy.typing import NDArray

from anuga_lean._errors import PointsError
from anuga_lean.mesh.lookup import SomeTriangles, corners_of, triangle_chunks, triangles_near

if TYPE_CHECKING:
    from anuga_lean.mesh.mesh import Mesh

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class _Weights(NamedTuple):
    """The weights that turn corner values into values at some points."""

    points: Array               # (p, 2) m, relative to the mesh's origin
    of_centroids: bool
    triangles: Indices          # (m,), those with a point in them, ascending
    matrix: Any                 # Sparse_CSR, (p, 3*m)
    inside: Any                 # indices of points, as ANUGA lists them
    outside: Any
    centroids: list[Any]


class PointInterpolator(Interpolate):
    """ANUGA's Interpolate over the corners of a mesh, 3*k + i at corner i of triangle k.

    Parameters
    ----------
    mesh : Mesh

    Notes
    -----
    Keeps the weights of the points it was last asked for, some 100 bytes per
    point, and the outline of the mesh, 16 bytes per boundary edge.
    """

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._point_coordinates = None
        self._weights: _Weights | None = None
        self._outline: Array | None = None

    def interpolate_block(
        self, f: Any, point_coordinates: Any, NODATA_value: float = NAN,  # noqa: N803
        use_cache: bool = False, verbose: bool = False, output_centroids: bool = False,
    ) -> NDArray[Any]:
        """Return values at points; `f` has 3*n rows.  See ANUGA's method."""
        f = ensure_numeric(f, float)
        if len(f) != 3 * len(self.mesh):
            raise PointsError(
                f"Interpolation needs values at the {3 * len(self.mesh)} corners of the mesh, "
                f"not {len(f)}")

        def corner_values(ks: Indices) -> NDArray[Any]:
            return f[(3 * ks[:, np.newaxis] + np.arange(3)).ravel()]

        return self.interpolate_rows(
            corner_values, point_coordinates, NODATA_value, verbose, output_centroids)

    def interpolate_rows(
        self, corner_values: Callable[[Indices], NDArray[Any]], point_coordinates: Any,
        missing: float = NAN, verbose: bool = False, output_centroids: bool = False,
    ) -> NDArray[Any]:
        """Return values at points.

        Parameters
        ----------
        corner_values : callable
            Gives the values at the corners of triangles `ks`: (3*m,) or (3*m, columns).
        point_coordinates : (p, 2) array_like, m, relative to the mesh's origin
        missing : float
            The value at points outside.
        """
        if hasattr(point_coordinates, "get_data_points"):
            point_coordinates = point_coordinates.get_data_points(absolute=True)
        points = ensure_numeric(point_coordinates, float)
        if points.shape[1] != 2:
            raise PointsError(
                f"Two columns must be specified in point coordinates: their shape is "
                f"{points.shape}")
        weights = self._weights
        if weights is None or weights.of_centroids is not bool(output_centroids) \
                or not np.array_equal(weights.points, points):
            weights = self._weights = self._find(points, bool(output_centroids), verbose)
        self.inside_poly_indices, self.outside_poly_indices = weights.inside, weights.outside
        self.centroids = weights.centroids
        values = weights.matrix * corner_values(weights.triangles)
        for i in weights.outside:
            values[i] = missing
        return values

    def _find(self, points: Array, of_centroids: bool, verbose: bool) -> _Weights:
        ks = triangles_near(self.mesh, points)
        near = _Searched(self.mesh, ks, self.outline())
        search = Interpolate.__new__(Interpolate)
        search.mesh, search.root = near, MeshQuadtree(near)
        found, inside, outside, centroids = search._build_interpolation_matrix_A(
            points, of_centroids, verbose)
        used = np.unique([j // 3 for _, j in found.Data]).astype(np.int64)
        place = {int(k): m for m, k in enumerate(used)}
        matrix = Sparse(len(points), 3 * len(used))
        matrix.Data = {(i, 3 * place[j // 3] + j % 3): x for (i, j), x in found.Data.items()}
        return _Weights(points.copy(), of_centroids, ks[used], Sparse_CSR(matrix), inside,
                        outside, centroids)

    def outline(self) -> Array:
        """Return the polygon that ANUGA takes for the mesh's boundary, (m, 2) m."""
        if self._outline is None:
            self._outline = np.array(find_outline(self.mesh), float)
        return self._outline

    def __getstate__(self) -> dict[str, Any]:
        return {"mesh": self.mesh, "_point_coordinates": None, "_weights": None,
                "_outline": None}

    def __repr__(self) -> str:
        return f"Interpolation object based on: {self.mesh!r}"


class _Searched(SomeTriangles):
    """Triangles near some points, with the outline of their mesh."""

    def __init__(self, mesh: Mesh, ks: Indices, outline: Array) -> None:
        super().__init__(corners_of(mesh, ks), mesh.get_extent())
        self.centroid_coordinates = np.asarray(mesh.centroid_coordinates[ks])
        self.outline = outline
        self.number_of_nodes = 3 * len(mesh)    # three of their own for each triangle

    def get_boundary_polygon(self, verbose: bool = False) -> Array:
        """Return the outline."""
        return self.outline


def find_outline(mesh: Mesh) -> list[list[float]]:
    """Return the polygon ANUGA walks around a mesh whose triangles share no node.

    Notes
    -----
    From a point ANUGA goes on along one of the edges that begin there.  The
    walk is ANUGA's, over the triangles at the points it passes: as a rule
    those on the boundary; where it passes others, it is made again.
    """
    extent = mesh.get_extent()
    passed = _complex(_boundary_points(mesh))
    while True:
        ks = _triangles_at(mesh, passed, extent)
        polygon = StockMesh.get_boundary_polygon(SomeTriangles(corners_of(mesh, ks), extent))
        more = np.setdiff1d(_complex(np.array(polygon)), passed)
        if len(more) == 0:
            return polygon
        # The points around as well: a walk inside the mesh would add one each time.
        at = _triangles_at(mesh, more, extent)
        passed = np.union1d(passed, _complex(corners_of(mesh, at)))


def _complex(xy: Array) -> NDArray[np.complex128]:
    """Return points as numbers that compare equal where both coordinates do."""
    return np.unique(xy[:, 0] + 1j * xy[:, 1])


def _boundary_points(mesh: Mesh) -> Array:
    """Return the ends of the boundary's edges, and the lowest leftmost points."""
    xmin, _, ymin, _ = mesh.get_extent()
    edges = np.array(list(mesh.boundary), np.int64).reshape(-1, 2)
    corner = corners_of(mesh, edges[:, 0]).reshape(-1, 3, 2)
    each = np.arange(len(edges))
    ends = [corner[each, (edges[:, 1] + 1) % 3], corner[each, (edges[:, 1] + 2) % 3]]
    least, nearest = np.inf, corner[0]
    for _, corners in triangle_chunks(mesh):
        distance = np.sqrt((corners[:, 0] - xmin) ** 2 + (corners[:, 1] - ymin) ** 2)
        if distance.min() < least:
            least = distance.min()
            nearest = np.empty((0, 2))
        nearest = np.concatenate([nearest, corners[distance == least]])
    return np.concatenate([*ends, nearest])


def _triangles_at(mesh: Mesh, passed: NDArray[np.complex128], extent: Any) -> Indices:
    """Return the triangles with a corner among `passed`, ascending."""
    found: list[Indices] = [np.empty(0, np.int64)]
    for start, corners in triangle_chunks(mesh):
        at = np.isin(corners[:, 0] + 1j * corners[:, 1], passed).reshape(-1, 3)
        found.append(start + np.flatnonzero(at.any(axis=1)))
    return np.concatenate(found)
