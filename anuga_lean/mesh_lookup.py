"""Finding things in a mesh with ANUGA's own code, on real arrays that do not stay.

Owns `DenseMesh`, the stand-in that ANUGA's compiled functions accept, and the
searches that need one.  Does not own the mesh: that is `mesh`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh as StockMesh
from numpy.typing import ArrayLike

from anuga_lean.mesh_tables import TABLES

if TYPE_CHECKING:
    from anuga_lean.mesh import Mesh


class DenseMesh(StockMesh):
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
        values = np.array(getattr(self._lean, name))
        setattr(self, name, values)
        return values


def find_triangle(mesh: Mesh, point: ArrayLike) -> int:
    """Return the triangle that contains a point (absolute x, y, m).

    The first calls look at every triangle near the point; later ones use
    ANUGA's quadtree, which the mesh keeps: on an edge the two may differ, and
    so do ANUGA's.
    """
    from anuga.geometry.polygon import is_inside_polygon

    mesh._point_lookup_count = getattr(mesh, "_point_lookup_count", 0) + 1
    if mesh._point_lookup_count > mesh._SPATIAL_INDEX_THRESHOLD:
        return _search_quadtree(mesh, point)
    corner = np.asarray(mesh.get_vertex_coordinates(absolute=True)).reshape(-1, 3, 2)
    low, high = corner.min(axis=1), corner.max(axis=1)
    margin = 0.01 * (high - low)  # wider than the tolerance of is_inside_polygon
    near = ((low - margin <= point) & (point <= high + margin)).all(axis=1)
    for k in np.flatnonzero(near).tolist():
        if is_inside_polygon(point, corner[k], closed=True):
            return k
    raise Exception(f"Point {point} not found within a triangle")


def _search_quadtree(mesh: Mesh, point: ArrayLike) -> int:
    if getattr(mesh, "_triangle_spatial_index", None) is None:
        from anuga.pmesh.mesh_quadtree import MeshQuadtree

        mesh._triangle_spatial_index = MeshQuadtree(mesh.dense_copy())
        mesh._triangle_spatial_index.mesh = None  # the tree has its own copy
    found, _, _, _, k = mesh._triangle_spatial_index.search_fast(point)
    if not found:
        raise Exception(f"Point {point} not found within a triangle")
    return k


def interpolator(mesh: Mesh) -> Any:
    """Return an anuga Interpolate object that works on a dense copy of `mesh`."""
    from anuga.fit_interpolate.general_fit_interpolate import FitInterpolate
    from anuga.fit_interpolate.interpolate import Interpolate

    made = Interpolate.__new__(Interpolate)
    FitInterpolate.__init__(made, mesh=mesh.dense_copy())
    made._point_coordinates = None
    made.interpolation_matrices = {}
    return made


def accepting_lean_mesh(init: Callable[..., None]) -> Callable[..., None]:
    """Return FitInterpolate's `init` so that it works on a lean mesh it is given.

    ANUGA's fit and interpolation pass the mesh's arrays to compiled code; the
    real arrays live as long as the fit does.
    """

    @functools.wraps(init)
    def wrapped(
        self: Any, vertex_coordinates: Any = None, triangles: Any = None, mesh: Any = None,
        *args: Any, **kwargs: Any,
    ) -> None:
        if mesh is not None and hasattr(mesh, "dense_copy") and not mesh.is_dense:
            mesh = mesh.dense_copy()
        init(self, vertex_coordinates, triangles, mesh, *args, **kwargs)

    return wrapped


def accepting_lean_mesh_to_search(init: Callable[..., None]) -> Callable[..., None]:
    """Return MeshQuadtree's `init` so that it works on a lean mesh it is given.

    The tree keeps a copy of what it needs, so that the real arrays go at once.
    """

    @functools.wraps(init)
    def wrapped(self: Any, mesh: Any, *args: Any, **kwargs: Any) -> None:
        if hasattr(mesh, "dense_copy") and not mesh.is_dense:
            init(self, mesh.dense_copy(), *args, **kwargs)
            self.mesh = mesh
        else:
            init(self, mesh, *args, **kwargs)

    return wrapped
