"""Fits a mesh to points by ANUGA's least squares, without ANUGA's tables.

Owns the matrix of the fit, put together in place, and the search for the triangles
of the points.  ANUGA keeps a quadtree of every triangle and hash tables of every
entry, 790 bytes per triangle at the peak.  Reading the points, the checks of their
number and the conjugate gradients are ANUGA's: `Fit.fit` runs as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from anuga.config import default_smoothing_parameter
from anuga.fit_interpolate.fit import Fit
from anuga.pmesh.mesh_quadtree import MeshQuadtree
from anuga.utilities import log
from anuga.utilities.numerical_tools import ensure_numeric
from anuga.utilities.sparse import Sparse_CSR
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._errors import MemoryWarning, PointsError
from anuga_lean._kernels import release_free_memory
from anuga_lean.mesh import origin
from anuga_lean.mesh.lookup import absolute, corners_of

if TYPE_CHECKING:
    from anuga_lean.mesh.mesh import Mesh

Array = NDArray[np.float64]

_TRIANGLES_AT_ONCE = 1 << 14
_POINTS_AT_ONCE = 1 << 14
# What ANUGA's own fit takes at the peak, measured at 250,000 triangles.
_STOCK_BYTES_PER_TRIANGLE = 790


class LeanFit(Fit):
    """ANUGA's Fit on a lean mesh, for one attribute and a given alpha.

    Parameters
    ----------
    mesh : Mesh
    alpha : float or None
        Weight of smoothness; None is ANUGA's default.
    verbose, cg_precon, use_c_cg
        As ANUGA's.

    Notes
    -----
    Takes some 100 bytes per triangle while it solves: 16 for each of the 7 entries
    of a row, a row for every second triangle, and 9 vectors of a number per node.
    A node of no triangle has an empty row and gets 0; ANUGA reads memory there that
    was never set.  On several OpenMP threads ANUGA adds the points in an order that
    differs from run to run; here it is that of one thread.
    """

    def __init__(
        self, mesh: Mesh, alpha: float | str | None = None, verbose: bool = False,
        cg_precon: str = "Jacobi", use_c_cg: bool = True,
    ) -> None:
        self.mesh = mesh
        self.alpha = default_smoothing_parameter if alpha is None else alpha
        self.cg_precon, self.use_c_cg = cg_precon, use_c_cg
        self.AtA: Array | None = None       # one number per place of `_rows`
        self.Atz: Array | None = None       # (number_of_nodes,)
        self.point_count = 0
        if verbose:
            log.info("FitInterpolate: Building quad tree")     # what ANUGA says of its own
            log.info("Building smoothing matrix")
        self._rows: Any = rows_of(mesh)

    @property
    def mesh_boundary_polygon(self) -> Array:
        """Return the outline of the mesh, (m, 2) m, which the fit itself does not need."""
        return ensure_numeric(self.mesh.get_boundary_polygon())

    def _build_matrix_AtA_Atz(  # noqa: N802
        self, point_coordinates: Any, z: Any = None, attribute_name: str | None = None,
        verbose: bool = False, output: str = "dot",
    ) -> None:
        """Add points, (p, 2) m absolute, and the values there, (p,)."""
        points, values = _checked(point_coordinates, z)
        products, right = np.zeros(len(self._rows.column)), np.zeros(len(self._rows.row) - 1)
        triangle = find_triangles(self.mesh, points)
        inside = np.flatnonzero(triangle >= 0)
        for start in range(0, len(inside), _POINTS_AT_ONCE):
            some = inside[start : start + _POINTS_AT_ONCE]
            ks = triangle[some].astype(np.int64)
            self._rows.add_points(
                _corners(self.mesh, ks), absolute(self.mesh, corners_of(self.mesh, ks)),
                points[some], values[some], products, right)
        self.point_count += len(values)
        if verbose and output == "dot":
            print("\b.", end=" ", flush=True)
        if self.AtA is None or self.Atz is None:
            self.AtA, self.Atz = products, right
        else:
            self._rows.join(self.AtA, products)
            self.Atz += right

    def _build_coefficient_matrix_B(self, verbose: bool = False) -> None:  # noqa: N802
        """Make the matrix to solve and drop the parts it is made of."""
        rows: Any = self._rows
        smooth = np.zeros(len(rows.column))
        for ks in _slices(self.mesh):
            rows.smooth(
                _corners(self.mesh, ks), np.ascontiguousarray(self.mesh.areas[ks]),
                _coordinates(self.mesh, ks), smooth)
        count = rows.matrix(float(self.alpha), smooth, self.AtA)
        row, column = rows.row, rows.column
        self.AtA = self._rows = rows = None     # both take as much as the matrix
        smooth.resize(count, refcheck=False)
        release_free_memory()
        nodes = len(row) - 1
        self.B = Sparse_CSR(data=smooth, Colind=column[:count].astype(np.int64), rowptr=row,
                            m=nodes, n=nodes)


def rows_of(mesh: Mesh) -> _kernels.FitRows:
    """Return the places of the matrix: for each node itself and those it has an edge to.

    Takes 26 bytes per triangle, keeps 18.
    """
    count = np.ones(mesh.number_of_nodes, np.int32)
    for ks in _slices(mesh):
        _kernels.fit_count(_corners(mesh, ks), count)
    row = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=row[1:])
    column = np.empty(row[-1], np.int32)
    column[row[:-1]] = np.arange(len(count), dtype=np.int32)
    count[:] = 1
    for ks in _slices(mesh):
        _kernels.fit_link(_corners(mesh, ks), row, count, column)
    column.resize(_kernels.fit_close(row, column), refcheck=False)
    return _kernels.FitRows(row, column)


def find_triangles(mesh: Mesh, points: Array) -> NDArray[np.int32]:
    """Return the triangle each of `points` is in, -1 outside.

    Parameters
    ----------
    points : (p, 2) float64, m, absolute

    Notes
    -----
    On an edge, and within 1e-12 of its length beside one, ANUGA's tree decides.
    """
    if len(points) == 0:
        return np.empty(0, np.int32)
    tree = MeshQuadtree.__new__(MeshQuadtree)
    tree.mesh = mesh
    tree.set_extents()
    extent = np.asarray(mesh.get_extent(absolute=True), float).reshape(2, 2)
    cells = max(1, int(np.sqrt(len(points))))
    size = extent[:, 1] - extent[:, 0]
    grid = _kernels.FitGrid(
        points, (extent[0, 0], extent[1, 0]), tuple(cells / size), (cells, cells))
    for ks in _slices(mesh):
        grid.find(ks.start, absolute(mesh, _coordinates(mesh, ks)), tree.extents)
    return grid.triangle


def _checked(point_coordinates: Any, z: Any) -> tuple[Array, Array]:
    if z is None:
        raise PointsError("a fit needs the values at the points: pass point_attributes")
    points = np.ascontiguousarray(ensure_numeric(point_coordinates, float))
    values = np.ascontiguousarray(ensure_numeric(z, float))
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < len(values):
        raise PointsError(
            f"a fit needs an x and a y for each of {len(values)} values, "
            f"not points of the shape {points.shape}")
    return points[: len(values)], values


def _slices(mesh: Mesh) -> Iterator[slice]:
    for start in range(0, len(mesh), _TRIANGLES_AT_ONCE):
        yield slice(start, min(start + _TRIANGLES_AT_ONCE, len(mesh)))


def _corners(mesh: Mesh, ks: Any) -> NDArray[np.int32]:
    return np.ascontiguousarray(mesh.triangles[ks], np.int32)


def _coordinates(mesh: Mesh, ks: slice) -> Array:
    """Return the corners of triangles `ks`, (3*m, 2) m, relative to the mesh's origin."""
    return np.ascontiguousarray(mesh.vertex_coordinates[3 * ks.start : 3 * ks.stop])


def fit_lean_mesh(
    stock: Callable[..., Any], point_coordinates: Any, vertex_coordinates: Any = None,
    triangles: Any = None, mesh: Any = None, point_attributes: Any = None,
    alpha: float | str | None = default_smoothing_parameter, verbose: bool = False,
    mesh_origin: Any = None, data_origin: Any = None, max_read_lines: int | None = None,
    attribute_name: str | None = None, cg_precon: str = "Jacobi", use_c_cg: bool = True,
) -> Any:
    """Return what ANUGA's _fit_to_mesh, `stock`, gives for a lean mesh: values at its nodes."""
    origin.note(origin.FIT)
    reason = _why_not(alpha, point_attributes)
    if reason:
        warnings.warn(
            f"ANUGA's own fit runs, which takes some {_STOCK_BYTES_PER_TRIANGLE} bytes per "
            f"triangle ({_STOCK_BYTES_PER_TRIANGLE * len(mesh) / 2**20:,.0f} MiB here), "
            f"because {reason}.", MemoryWarning, stacklevel=3)
        return stock(point_coordinates, None, None, mesh, point_attributes, alpha, verbose,
                     mesh_origin, data_origin, max_read_lines, attribute_name, cg_precon,
                     use_c_cg)
    fitted = LeanFit(mesh, alpha, verbose, cg_precon, use_c_cg)
    return fitted.fit(
        point_coordinates, point_attributes, point_origin=data_origin,
        max_read_lines=max_read_lines, attribute_name=attribute_name, verbose=verbose)


def _why_not(alpha: Any, values: Any) -> str | None:
    """Say why LeanFit cannot do a fit; None if it can."""
    if isinstance(alpha, str):
        return f"alpha={alpha!r} is to be found among 20 by solving for each: give a number instead"
    if values is not None and np.ndim(values) > 1:
        return (f"the points have {np.shape(values)[1]} attributes: fit one after the other "
                "instead")
    return None
