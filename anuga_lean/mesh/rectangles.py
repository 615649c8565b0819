"""Makes rectangular meshes as ANUGA's factories do, in less memory.

Owns rectangular, rectangular_cross, their basic meshes and the mesh and domain of the latter.
ANUGA's own fill 80 bytes per triangle, 48 of them neighbours that a lean mesh
finds by itself in less; these give the same nodes to the last bit, the same
triangles and the same boundary dictionary, entries in the same order.  Calls
that ANUGA answers with an error, or with no triangles, are left to ANUGA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np
from anuga import extras
from anuga.abstract_2d_finite_volumes import basic_mesh, mesh_factory
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._errors import MeshError
from anuga_lean.memory_limits import stage
from anuga_lean.mesh.input_checks import check_number_of_triangles

Boundary = dict[tuple[int, int], str]
Parts = tuple[NDArray[np.float64], NDArray[Any], Boundary]
_Nodes = NDArray[Any]

_stock_rectangular = mesh_factory.rectangular
_stock_rectangular_cross = mesh_factory.rectangular_cross
_CELLS_PER_PART = 1 << 14


@stage("the nodes and corners", lambda m, n, *args, **kwargs: 2 * int(m) * int(n))
@wraps(_stock_rectangular)
def rectangular(
    m: int, n: int, len1: float = 1.0, len2: float = 1.0, origin: Any = (0.0, 0.0)
) -> Parts:
    if not _is_plain(m, n, origin):
        return _stock_rectangular(m, n, len1, len2, origin)
    check_number_of_triangles(2 * int(m) * int(n))
    return _halved(int(m), int(n), float(len1), float(len2), origin, np.int64)


@stage("the nodes and corners", lambda m, n, *args, **kwargs: 4 * int(m) * int(n))
@wraps(_stock_rectangular_cross)
def rectangular_cross(
    m: int, n: int, len1: float = 1.0, len2: float = 1.0, origin: Any = (0.0, 0.0)
) -> Parts:
    if not _is_plain(m, n, origin):
        return _stock_rectangular_cross(m, n, len1, len2, origin)
    check_number_of_triangles(4 * int(m) * int(n))
    return _crossed(int(m), int(n), float(len1), float(len2), origin, np.int64)


@wraps(basic_mesh.rectangular_basic_mesh)
def rectangular_basic_mesh(
    m: int, n: int, len1: float = 1.0, len2: float = 1.0, origin: Any = (0.0, 0.0)
) -> Any:
    return _basic(*rectangular(m, n, len1, len2, origin))


@wraps(basic_mesh.rectangular_cross_basic_mesh)
def rectangular_cross_basic_mesh(
    m: int, n: int, len1: float = 1.0, len2: float = 1.0, origin: Any = (0.0, 0.0)
) -> Any:
    return _basic(*rectangular_cross(m, n, len1, len2, origin))


def _basic(nodes: NDArray[np.float64], triangles: NDArray[Any], boundary: Boundary) -> Any:
    """Return a Basic_mesh that holds these arrays; its neighbours are found when asked for."""
    made = basic_mesh.Basic_mesh(nodes[:0], triangles[:0], boundary=boundary)
    made.nodes, made.triangles = nodes, triangles     # the constructor would copy them
    made.number_of_nodes, made.number_of_triangles = len(nodes), len(triangles)
    return made


def build_neighbours(stock: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return Basic_mesh's search for neighbours without a hash table of every edge."""

    @wraps(stock)
    def _build_neighbours(self: Any) -> None:
        triangles = self.triangles
        if self._triangle_neighbours is not None or not len(triangles) \
                or triangles.min() < 0 or triangles.max() >= self.number_of_nodes:
            stock(self)
            return
        try:
            links = _kernels.find_neighbours(
                np.ascontiguousarray(triangles, np.int32), self.number_of_nodes)
        except MeshError:   # ANUGA says which edges are the same
            stock(self)
            return
        self._neighbours = np.empty(triangles.shape, int)
        # a boundary's -1 stays -1
        np.floor_divide(links, 3, out=self._neighbours)

    return _build_neighbours


@wraps(extras.rectangular_cross_mesh)
def rectangular_cross_mesh(*args: Any, **kwargs: Any) -> Any:
    kwargs.pop("verbose", None)
    return extras.Mesh(*rectangular_cross_with_neighbours(*args, **kwargs))


@wraps(extras.rectangular_cross_domain)
def rectangular_cross_domain(*args: Any, **kwargs: Any) -> Any:
    verbose = kwargs.pop("verbose", False)
    mesh = extras.Mesh(*rectangular_cross_with_neighbours(*args, **kwargs))
    return extras.Domain(mesh, verbose=verbose)


@stage("the nodes and corners", lambda m, n, *args, **kwargs: 4 * int(m) * int(n))
def rectangular_cross_with_neighbours(
    m: int, n: int, len1: float = 1.0, len2: float = 1.0, origin: Any = (0.0, 0.0)
) -> Parts:
    """Return nodes, int32 triangles and boundary: a lean mesh finds the neighbours.

    Named as what ANUGA calls here, for the error of a call with other arguments.
    """
    if not _is_plain(m, n, origin):
        return _stock_rectangular_cross(m, n, len1, len2, origin)
    check_number_of_triangles(4 * int(m) * int(n))
    return _crossed(int(m), int(n), float(len1), float(len2), origin, np.int32)


def _is_plain(m: Any, n: Any, origin: Any) -> bool:
    """Whether there is at least one cell, and an origin of two numbers."""
    return int(m) > 0 and int(n) > 0 and np.array(origin, float).shape == (2,)


def _halved(m: int, n: int, len1: float, len2: float, origin: Any, dtype: type) -> Parts:
    """Return m by n cells of two triangles: mesh_factory_ext.rectangular_construct."""
    points = np.empty(((m + 1) * (n + 1), 2))
    _place(points, m + 1, n + 1, 0.0, (len1 / m, len2 / n), origin)
    triangles: NDArray[Any] = np.empty((m, n, 2, 3), dtype)
    for columns, _, a, b, c, d in _cells(m, n, dtype):
        _fill(triangles[columns], (c, d, a), (b, a, d))
    boundary = {}
    for i in range(m):
        boundary[2 * (i * n), 1] = "bottom"
        boundary[2 * (i * n + n - 1) + 1, 1] = "top"
    for j in range(n):
        boundary[2 * ((m - 1) * n + j), 2] = "right"
        boundary[2 * j + 1, 2] = "left"
    return points, triangles.reshape(-1, 3), boundary


def _crossed(m: int, n: int, len1: float, len2: float, origin: Any, dtype: type) -> Parts:
    """Return m by n cells of four triangles: mesh_factory_ext.rectangular_cross_construct."""
    corners, sides = (m + 1) * (n + 1), (len1 / m, len2 / n)
    points = np.empty((corners + m * n, 2))
    _place(points[:corners], m + 1, n + 1, 0.0, sides, origin)
    _place(points[corners:], m, n, 0.5, sides, origin)
    triangles: NDArray[Any] = np.empty((m, n, 4, 3), dtype)
    for columns, cell, a, b, c, d in _cells(m, n, dtype):
        e = cell + corners
        _fill(triangles[columns], (a, e, b), (c, e, a), (d, e, c), (b, e, d))
    boundary = {}
    for j in range(n):
        boundary[4 * j, 1] = "left"
        boundary[4 * ((m - 1) * n + j) + 2, 1] = "right"
    for i in range(m):
        boundary[4 * (i * n) + 1, 1] = "bottom"
        boundary[4 * (i * n + n - 1) + 3, 1] = "top"
    return points, triangles.reshape(-1, 3), boundary


def _place(
    points: NDArray[np.float64], m: int, n: int, shift: float, sides: tuple[float, float],
    origin: Any,
) -> None:
    """Write the nodes of an m by n grid, column after column.

    Multiplied and then added, each rounded: ANUGA's bits depend on it.
    """
    x0, y0 = np.array(origin, float)
    grid = points.reshape(m, n, 2)
    grid[:, :, 0] = ((np.arange(m) + shift) * sides[0] + x0)[:, None]
    grid[:, :, 1] = (np.arange(n) + shift) * sides[1] + y0


def _cells(
    m: int, n: int, dtype: type
) -> Iterator[tuple[slice, _Nodes, _Nodes, _Nodes, _Nodes, _Nodes]]:
    """Yield columns of cells: which, their numbers, and the nodes at their corners.

    The corners are those below left, above left, below right and above right.
    """
    j: _Nodes = np.arange(n, dtype=dtype)
    columns = max(1, _CELLS_PER_PART // n)
    for first in range(0, m, columns):
        i: _Nodes = np.arange(first, min(m, first + columns), dtype=dtype)[:, None]
        below = i * (n + 1) + j
        beyond = below + (n + 1)
        yield (slice(first, first + columns), i * n + j,
               below, below + 1, beyond, beyond + 1)


def _fill(cells: NDArray[Any], *triangles: tuple[_Nodes, _Nodes, _Nodes]) -> None:
    for t, nodes in enumerate(triangles):
        for i, node in enumerate(nodes):
            cells[:, :, t, i] = node
