"""Interpolates the frames of an SWW file at points, one after the other.

Owns the constructor of an `Interpolation_function` whose quantities are in a file, and the
weights of its points.  The search, the weights and the sums are ANUGA's, on the triangles
that can contain a point, as in `mesh.interpolation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean.results.stored import StoredQuantities, StoredRows, connected, ends


def is_view_of_mesh(triangles: Any) -> bool:
    """Return whether triangles are those of a lean mesh."""
    return hasattr(getattr(triangles, "owner", None), "blocks")


class _Near:
    """The triangles around some points, with the nodes that a file gives them."""

    def __init__(self, mesh: Any, ks: NDArray[np.int64], numbers: NDArray[Any],
                 outline: Any) -> None:
        from anuga_lean.mesh.lookup import corners_of

        self.nodes, places = np.unique(numbers, return_inverse=True)
        self.triangles = places.reshape(-1, 3).astype(np.int64)
        self.number_of_nodes = len(self.nodes)
        self.corners = corners_of(mesh, ks)
        self.centroid_coordinates = np.asarray(mesh.centroid_coordinates[ks])
        self.extent = mesh.get_extent()
        self.outline = outline

    def get_extent(self, absolute: bool = False) -> Any:
        return self.extent

    def get_vertex_coordinates(self, absolute: bool = False) -> Any:
        return self.corners

    def get_boundary_polygon(self, verbose: bool = False) -> Any:
        return self.outline


class _Source:
    """The mesh of a file, and its values at points.

    Parameters
    ----------
    nodes : (points, 2) float64, m
    triangles : (n, 3) int, or the view of a lean mesh that has these nodes
    """

    def __init__(self, nodes: NDArray[Any], triangles: Any) -> None:
        from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh
        from anuga.coordinate_transforms.geo_reference import Geo_reference

        from anuga_lean.mesh.interpolation import find_outline

        self.triangles = triangles
        self.number_of_nodes = len(nodes)
        if is_view_of_mesh(triangles):
            self.mesh = triangles.owner
        elif _share_no_node(nodes, triangles):
            self.mesh = Mesh(*connected(nodes[:, 0], nodes[:, 1], triangles))
            self.outline: Any = find_outline(self.mesh)
            return
        else:
            self.mesh = Mesh(nodes, triangles)
        reference = self.mesh.geo_reference
        self.mesh.geo_reference = Geo_reference()   # points and nodes are relative to it
        try:
            self.outline = self.mesh.get_boundary_polygon()
        finally:
            self.mesh.geo_reference = reference

    def find(self, points: NDArray[Any], of_centroids: bool, verbose: bool) -> None:
        """Find the triangles with the points."""
        from anuga.fit_interpolate.interpolate import Interpolate
        from anuga.pmesh.mesh_quadtree import MeshQuadtree
        from anuga.utilities.sparse import Sparse_CSR

        from anuga_lean.mesh.lookup import triangles_near

        ks = triangles_near(self.mesh, points)
        near = _Near(self.mesh, ks, np.asarray(self.triangles[ks]), self.outline)
        corners = _Corners(near)
        search = Interpolate.__new__(Interpolate)
        search.mesh, search.root = near, MeshQuadtree(corners)
        matrix, _, self.outside, self.centroids = search._build_interpolation_matrix_A(
            points, of_centroids, verbose)
        self.matrix = Sparse_CSR(matrix)
        self.nodes = near.nodes

    def values(self, row: Any, missing: float) -> NDArray[Any]:
        """Return values at the points from a row of values at the nodes of the file."""
        from anuga.utilities.numerical_tools import ensure_numeric

        if len(row) != self.number_of_nodes:
            raise AssertionError(
                "The number of columns in matrix A must be the same as the number of mesh "
                f"vertices. I got {len(row)} vertices and {self.number_of_nodes} matrix columns.")
        found = self.matrix * ensure_numeric(row[self.nodes], float)
        for i in self.outside:
            found[i] = missing
        return found


class _Corners:
    """The same triangles as the tree takes them: sharing no node."""

    def __init__(self, near: _Near) -> None:
        self.triangles = np.arange(len(near.corners), dtype=np.int64).reshape(-1, 3)
        self.get_extent = near.get_extent
        self.get_vertex_coordinates = near.get_vertex_coordinates


def _share_no_node(nodes: NDArray[Any], triangles: NDArray[Any]) -> bool:
    return len(nodes) == triangles.size and bool(
        (np.ravel(triangles) == np.arange(triangles.size, dtype=np.int32)).all())


def _stored(quantities: Any, name: str) -> Any:
    if isinstance(quantities, StoredQuantities):
        return quantities.stored(name)
    return quantities[name]


def interpolate_stored(
    self: Any, time: Any, quantities: Any, quantity_names: Any = None,
    vertex_coordinates: Any = None, triangles: Any = None, interpolation_points: Any = None,
    time_thinning: int = 1, verbose: bool = False, gauge_neighbour_id: Any = None,
    output_centroids: bool = False,
) -> None:
    """Do what ANUGA's `__init__` does, a frame at a time.

    Notes
    -----
    ANUGA 4.1.0, fit_interpolate/interpolate.py.  The quantities of an SWW file come with nodes
    and triangles.  Held over what the object keeps: a lean mesh and a row.
    """
    import anuga.utilities.log as log
    from anuga.geospatial_data.geospatial_data import ensure_absolute
    from anuga.utilities.numerical_tools import ensure_numeric

    def say(text: str = "") -> None:
        if verbose is True:
            log.info(text)

    say("Interpolation_function: input checks")
    time = ensure_numeric(time)
    if not np.all(time[1:] - time[:-1] >= 0):
        raise Exception(f"Time must be a monotonuosly increasing sequence {time}")
    names = list(quantities.keys()) if quantity_names is None else quantity_names
    vertex_coordinates = ensure_absolute(vertex_coordinates)
    if not is_view_of_mesh(triangles):
        triangles = ensure_numeric(triangles)
    self.spatial = True
    say(f"Interpolation_function: thinning by {time_thinning:d}")
    self.time = np.array(time[::time_thinning])
    rows = {name: _stored(quantities, name) for name in names}
    rows = {name: each.thinned(time_thinning) if isinstance(each, StoredRows) else each
            for name, each in rows.items()}
    say("Interpolation_function: precomputing")
    self.quantities_range = {
        name: ends(np.ma.getdata(row) for row in each.rows())
        if isinstance(each, StoredRows) else _ends_of_row(each) for name, each in rows.items()}
    self.quantity_names = names
    self.vertex_coordinates = vertex_coordinates
    self.interpolation_points = interpolation_points
    self.index = 0
    self.precomputed_values = {}
    self.centroids = []
    if interpolation_points is None:
        for name, each in rows.items():
            self.precomputed_values[name] = \
                each.copied() if isinstance(each, StoredRows) else each
        return
    _interpolate_at_points(self, rows, triangles, time_thinning, verbose, say,
                           output_centroids)


def _ends_of_row(values: Any) -> list[Any]:
    return ends([values[:].flatten()])


def _interpolate_at_points(self: Any, rows: dict[str, Any], triangles: Any, time_thinning: int,
                           verbose: bool, say: Callable[..., None],
                           output_centroids: bool) -> None:
    from anuga.geometry.polygon import outside_polygon
    from anuga.utilities.numerical_tools import NAN, ensure_numeric

    try:
        points = self.interpolation_points = ensure_numeric(self.interpolation_points)
    except (ValueError, TypeError):
        raise Exception(
            "Interpolation points must be an N x 2 numeric array or a list of points\n"
            f"Got: {str(self.interpolation_points)[:60]}....") from None
    source = _Source(self.vertex_coordinates, triangles)
    outline = source.outline
    outside = self.indices_outside_mesh = outside_polygon(points, outline)
    if len(outside) > 0 and verbose is True:
        _report_outside(points, outside, outline, say)
    frames = len(self.time)
    for name in rows:
        self.precomputed_values[name] = np.zeros((frames, len(points)), float)
    say("Build interpolator")
    say(f"Building interpolation matrix from source mesh ({self.vertex_coordinates.shape[0]} "
        f"vertices, {triangles.shape[0]} triangles)")
    if verbose:
        say("FitInterpolate: Building mesh")
        say("FitInterpolate: Building quad tree")
    say(f"Interpolating ({points.shape[0]} interpolation points, {frames} timesteps).")
    say(f"Timesteps were thinned by a factor of {time_thinning:d}" if time_thinning > 1 else "")
    source.find(ensure_numeric(points, float), output_centroids, False)
    self.centroids = source.centroids
    iterators = {name: each.rows() if isinstance(each, StoredRows) else None
                 for name, each in rows.items()}
    for frame in range(frames):
        say(f"  time step {frame} of {frames}")
        for name, each in rows.items():
            iterator = iterators[name]
            row = each[:] if iterator is None else next(iterator)
            say(f"    quantity {name}, size={len(row)}")
            self.precomputed_values[name][frame, :] = source.values(row, NAN)
    for iterator in iterators.values():
        if iterator is not None:
            iterator.close()
    say(self.statistics() if verbose is True else "")


def _report_outside(points: Any, outside: Any, outline: Any, say: Callable[..., None]) -> None:
    """Draw and name the points outside the mesh, as ANUGA does."""
    from anuga.geometry.polygon import plot_polygons

    plot_polygons([outline, points, [points[i] for i in outside]], ["line", "point", "outside"],
                  figname="points_boundary_out",
                  label="Interpolation points fall outside specified mesh")
    say("Interpolation points in Interpolation function fall outside specified mesh. "
        "Offending points:\n" + "".join(f"{i}: {points[i]}\n" for i in outside))
