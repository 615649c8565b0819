"""Holds values at the three corners or edges of every triangle in the smallest exact form.

Owns the ways an (n, 3) array of a quantity can be known without being held,
the search for the smallest of them that gives the same bits, and arithmetic
between them.  Which of them a quantity has at the moment is in `quantity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from anuga_lean._class_names import lasting

if TYPE_CHECKING:
    from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain

Array = NDArray[np.float64]
Rows = slice | NDArray[np.int64]
Operation = Callable[[Array, Array], Array]

TRIANGLES_PER_CHUNK = 1 << 13
DEEPEST_RECIPE = 6


class Values:
    """A form of the values at the corners, or at the edges, of every triangle: (n, 3) float64.

    Attributes
    ----------
    lasting : bool
        False if the values change with the state of the run.
    depth : int
        Recipes that stand behind each other until an array is reached.
    """

    lasting = True
    depth = 0

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        """Return the values of triangles `ks`, (m, 3); not to be written to."""
        raise NotImplementedError

    def all(self, domain: Generic_Domain) -> Array:
        """Return the values of every triangle as a new (n, 3) array."""
        values = np.empty((domain.number_of_triangles, 3))
        for ks in chunks(domain):
            values[ks] = self.rows(domain, ks)
        return values


@lasting("Constant")
class Constant(Values):
    """One value everywhere."""

    def __init__(self, value: float) -> None:
        self.value = np.float64(value)

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        return np.broadcast_to(self.value, (_count(ks), 3))

    def all(self, domain: Generic_Domain) -> Array:
        shape = (domain.number_of_triangles, 3)
        if self.value == 0.0 and not np.signbit(self.value):
            return np.zeros(shape)
        return np.full(shape, self.value)


@lasting("PerTriangle")
class PerTriangle(Values):
    """The same value at the three places of a triangle: (n,) float64."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        values = self.values[ks]
        return np.broadcast_to(values[:, np.newaxis], (values.size, 3))


@lasting("PerNode")
class PerNode(Values):
    """Corner values that all triangles at a node agree on: (number_of_nodes,) float64."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        return self.values[domain.mesh.triangles[ks]]


@lasting("Stored")
class Stored(Values):
    """A real (n, 3) array.

    Attributes
    ----------
    shared : bool
        Something else relies on the array: copy it before writing.
    tight : bool
        Nothing smaller gives the same bits.
    """

    def __init__(self, array: Array, *, shared: bool = False) -> None:
        self.array = array
        self.shared = shared
        self.tight = False

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        return self.array[ks]

    def all(self, domain: Generic_Domain) -> Array:
        return self.array.copy()


@lasting("Midpoints")
class Midpoints(Values):
    """Edge values from corner values, as ANUGA's _interpolate computes them."""

    def __init__(self, corners: Values) -> None:
        self.corners = _relied_upon(corners)
        self.lasting = corners.lasting
        self.depth = corners.depth + 1

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        v = self.corners.rows(domain, ks)
        edges = np.empty((v.shape[0], 3))
        for i, (a, b) in enumerate(((1, 2), (0, 2), (0, 1))):
            np.multiply(0.5, v[:, a] + v[:, b], out=edges[:, i])
        return edges


@lasting("Corners")
class Corners(Values):
    """Corner values from edge values, as core_distribute_edges_to_vertices computes them."""

    def __init__(self, edges: Values) -> None:
        self.edges = _relied_upon(edges)
        self.lasting = edges.lasting
        self.depth = edges.depth + 1

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        e = self.edges.rows(domain, ks)
        corners = np.empty((e.shape[0], 3))
        for i, (a, b) in enumerate(((1, 2), (2, 0), (0, 1))):
            np.subtract(e[:, a] + e[:, b], e[:, i], out=corners[:, i])
        return corners


@lasting("CornerCoordinates")
class CornerCoordinates(Values):
    """The x (axis 0) or y (axis 1) coordinates of the corners, m, relative to the mesh's origin."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        if isinstance(ks, slice):
            places: Rows = slice(3 * ks.start, 3 * ks.stop)
        else:
            places = (3 * ks[:, np.newaxis] + np.arange(3)).ravel()
        return domain.mesh.vertex_coordinates[places][:, self.axis].reshape(-1, 3)


@lasting("Reconstructed")
class Reconstructed(Values):
    """Edge values as the kernels last extrapolated them from the centroids."""

    lasting = False

    def __init__(self, name: str) -> None:
        self.name = name

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        if isinstance(ks, slice):
            return domain.lean.edges.range(self.name, ks.start, ks.stop)
        return domain.lean.edges.rows(self.name, ks)

    def all(self, domain: Generic_Domain) -> Array:
        return domain.lean.edges.all(self.name)


@lasting("Combined")
class Combined(Values):
    """The outcome of an operation on two forms, computed when it is read."""

    def __init__(self, operation: Operation, left: Values, right: Values) -> None:
        self.operation = operation
        self.left = _relied_upon(left)
        self.right = _relied_upon(right)
        self.depth = max(left.depth, right.depth) + 1

    def rows(self, domain: Generic_Domain, ks: Rows) -> Array:
        return self.operation(self.left.rows(domain, ks), self.right.rows(domain, ks))


ZERO = Constant(0.0)


def chunks(domain: Generic_Domain) -> Iterator[slice]:
    """Yield slices that cover the triangles of `domain`."""
    n = int(domain.number_of_triangles)
    for start in range(0, n, TRIANGLES_PER_CHUNK):
        yield slice(start, min(start + TRIANGLES_PER_CHUNK, n))


def centroid_means(corners: Values, domain: Generic_Domain, out: Array) -> None:
    """Write the mean of each triangle's corner values to `out`, (n,) float64."""
    if isinstance(corners, Constant):
        c = float(corners.value)
        out[:] = (c + c + c) / 3.0
        return
    for ks in chunks(domain):
        out[ks] = mean_of_corners(corners.rows(domain, ks))


def mean_of_corners(v: Array) -> Array:
    """Return the mean of each triangle's corner values, (n, 3) float64, in ANUGA's order."""
    mean = v[:, 0] + v[:, 1]
    mean += v[:, 2]
    return np.divide(mean, 3.0, out=mean)


def plane_gradient(corner: Array, values: Array) -> tuple[Array, Array]:
    """Return the gradient (m,) and (m,) of the plane through three corners of a triangle.

    Parameters
    ----------
    corner : (m, 3, 2) float64
        Coordinates, m.
    values : (m, 3) float64

    Notes
    -----
    util_ext.h, _gradient: flat where the triangle is degenerate.
    """
    (x1, y1), (x2, y2) = ((corner[:, i] - corner[:, 0]).T for i in (1, 2))
    q1, q2 = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    area = y2 * x1 - y1 * x2
    scale = x1 * x1 + y1 * y1 + x2 * x2 + y2 * y2
    flat = np.abs(area) <= np.finfo(float).eps * scale
    area = np.where(flat, 1.0, area)
    return (np.where(flat, 0.0, (y2 * q1 - y1 * q2) / area),
            np.where(flat, 0.0, (x1 * q2 - x2 * q1) / area))


def midpoints(corners: Values, domain: Generic_Domain) -> Values:
    """Return the edge values that belong to `corners`."""
    if isinstance(corners, Constant):
        c = float(corners.value)
        return Constant(0.5 * (c + c))
    return Midpoints(corners) if corners.lasting else Stored(Midpoints(corners).all(domain))


def per_triangle(centroid_values: Array) -> Values:
    """Return values that equal their centroid's, from a copy of `centroid_values`."""
    if _is_uniform(centroid_values):
        return Constant(centroid_values[0])
    return PerTriangle(centroid_values.copy())


def per_node(values: Array) -> Values:
    """Return corner values taken from one value per node; keeps `values`."""
    return Constant(values[0]) if _is_uniform(values) else PerNode(values)


def smallest(values: Values, domain: Generic_Domain, *others: Values) -> Values:
    """Return the smallest known form of `values` with the same bits.

    Parameters
    ----------
    values : Values
        Returned as it is unless it is an array not yet searched.
    *others : Values
        Recipes that may give the same bits.

    Notes
    -----
    Looks for one value, one per triangle, one per node, then the recipes.
    Takes one array of a value per node on top, and stops at the first chunk
    that disagrees.
    """
    if not values.lasting or values.depth > DEEPEST_RECIPE:
        values = Stored(values.all(domain))
    if not isinstance(values, Stored) or values.tight:
        return values
    array = values.array
    if _is_uniform(array.reshape(-1)):
        return Constant(array[0, 0])
    if all(
        (_bits(array[ks]) == _bits(array[ks, :1])).all() for ks in chunks(domain)
    ):
        return PerTriangle(array[:, 0].copy())
    nodes = _common_node_values(array, domain)
    if nodes is not None:
        return PerNode(nodes)
    for other in others:
        if all(
            (_bits(array[ks]) == _bits(other.rows(domain, ks))).all() for ks in chunks(domain)
        ):
            return other
    values.tight = True
    return values


def combined(
    operation: Operation, left: Values, right: Values, domain: Generic_Domain
) -> Values:
    """Return `operation(left, right)`, element by element.

    Parameters
    ----------
    operation : callable
        Of two equally shaped float64 arrays; importable, so that it can be pickled.
    """
    kinds = {type(left), type(right)} - {Constant}
    if not kinds:
        a, b = (np.array([cast(Constant, each).value]) for each in (left, right))
        return Constant(operation(a, b)[0])
    for kind in (PerNode, PerTriangle):
        if kinds == {kind}:
            return kind(operation(*_alike(left, right)))
    if left.lasting and right.lasting and max(left.depth, right.depth) < DEEPEST_RECIPE:
        return Combined(operation, left, right)
    outcome = np.empty((domain.number_of_triangles, 3))
    for ks in chunks(domain):
        outcome[ks] = operation(left.rows(domain, ks), right.rows(domain, ks))
    return Stored(outcome)


def _alike(left: Any, right: Any) -> tuple[Array, Array]:
    """Return the arrays of both forms, a constant repeated to the other's shape."""
    if isinstance(left, Constant):
        return np.broadcast_to(left.value, right.values.shape), right.values
    if isinstance(right, Constant):
        return left.values, np.broadcast_to(right.value, left.values.shape)
    return left.values, right.values


def _common_node_values(array: Array, domain: Generic_Domain) -> Array | None:
    """Return the value at each node if all triangles there have the same one."""
    nodes = np.zeros(domain.number_of_nodes)
    for ks in chunks(domain):
        triangles = domain.mesh.triangles[ks]
        nodes[triangles] = array[ks]
        if (_bits(nodes[triangles]) != _bits(array[ks])).any():
            return None
    for ks in chunks(domain):
        if (_bits(nodes[domain.mesh.triangles[ks]]) != _bits(array[ks])).any():
            return None
    return nodes


def _is_uniform(values: Array) -> bool:
    """Whether all of `values`, 1-d, have the bits of the first one."""
    step = 3 * TRIANGLES_PER_CHUNK
    return values.size > 0 and all(
        (_bits(values[start : start + step]) == _bits(values[:1])).all()
        for start in range(0, values.size, step)
    )


def _bits(values: Array) -> NDArray[np.int64]:
    return values.view(np.int64)


def _count(ks: Rows) -> int:
    return ks.stop - ks.start if isinstance(ks, slice) else ks.size


def _relied_upon(values: Values) -> Values:
    if isinstance(values, Stored):
        values.shared = True
    return values
