"""Calls a user's function for the points of a mesh, a part of the mesh at a time.

Owns when a function is called for parts, how it is found out that it may not be, and the
corner values that result: one per node while all triangles there agree.  Which function
is called, and what the values are for, is in `setting`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from anuga_lean._errors import MemoryWarning, PartsWarning, SettingError
from anuga_lean.quantity import forms
from anuga_lean.quantity.forms import Array

if TYPE_CHECKING:
    from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain

Function = Callable[[Array, Array], ArrayLike]
Points = Callable[[int, int], Array]

LARGEST_CALL = "ANUGA_LEAN_LARGEST_CALL"
# 72 bytes per triangle for the points and values of one call: 290 MB.
_LARGEST_CALL = 4_000_000
_PARTS_OF_A_CALL = 4
# numpy's functions compute eight numbers at a time: a part ends where eight of them end.
_MULTIPLE = 8
_ROWS_AT_ONCE = 1 << 15
_FAR = 64       # triangles all over the mesh

_said = False


class _NotInParts(Exception):
    """The function gives other values, or fails, when it is called for a part."""


def largest_call() -> int:
    """Return how many triangles a mesh may have for a function to be called once.

    Raises
    ------
    SettingError
        If the variable ANUGA_LEAN_LARGEST_CALL is no positive integer.
    """
    text = os.environ.get(LARGEST_CALL, str(_LARGEST_CALL))
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise SettingError(f"{LARGEST_CALL}={text!r} must be a number of triangles, such as "
                           f"{_LARGEST_CALL}")
    return value


def at_vertices(f: Function, domain: Generic_Domain) -> forms.Values | None:
    """Return the values of `f` at the corners of all triangles, or None for one call.

    Notes
    -----
    None too where parts would not do; it has been said why.
    """
    corners = CornerValues(domain)
    xy = domain.get_vertex_coordinates()
    asked = _in_parts(f, lambda a, b: np.array(xy[3 * a : 3 * b]), 3, domain)
    if not _take(asked, lambda a, b, z: corners.put(a, z.reshape(-1, 3)), domain):
        return None
    return corners.finish()


def at_centroids(f: Function, domain: Generic_Domain) -> Array | None:
    """Return the values of `f` at all centroids, (n,), or None for one call."""
    values = np.empty(domain.number_of_triangles)
    xy = domain.get_centroid_coordinates()
    asked = _in_parts(f, lambda a, b: np.array(xy[a:b]), 1, domain)

    def put(a: int, b: int, z: Array) -> None:
        values[a:b] = z

    return values if _take(asked, put, domain) else None


def _take(
    asked: Iterator[tuple[int, int, Array]], put: Callable[[int, int, Array], None],
    domain: Generic_Domain,
) -> bool:
    try:
        for a, b, z in asked:
            put(a, b, z)
    except _NotInParts as reason:
        n = int(domain.number_of_triangles)
        warnings.warn(
            f"a function is called once with the points of all {n:,} triangles, which takes "
            f"some 72 bytes each, because {reason}.", MemoryWarning, stacklevel=6)
        return False
    return True


def _in_parts(
    f: Function, points: Points, per: int, domain: Generic_Domain
) -> Iterator[tuple[int, int, Array]]:
    """Yield (first triangle, end, values) of parts; raise _NotInParts."""
    n, most = int(domain.number_of_triangles), largest_call()
    part = max(_MULTIPLE, most // _PARTS_OF_A_CALL // _MULTIPLE * _MULTIPLE)
    _say_once(n, part)
    for a in range(0, n, part):
        b = min(a + part, n)
        xy = points(a, b)
        values = _asked(f, xy, per * (b - a))
        if a == 0:
            _check_company(f, points, n, xy, values)
        yield a, b, values


def _check_company(f: Function, points: Points, n: int, xy: Array, values: Array) -> None:
    """Call again for the first points, now together with some from all over the mesh."""
    count = max(1, len(xy) // 2 // _MULTIPLE) * _MULTIPLE
    far = np.concatenate([points(k, k + 1) for k in np.linspace(0, n - 1, _FAR).astype(int)])
    among = np.concatenate([xy[:count], far])
    again = _asked(f, among, len(among))
    if values[:count].tobytes() != again[:count].tobytes():
        raise _NotInParts("its values at some points depend on the others it is asked for")


def _asked(f: Function, xy: Array, count: int) -> Array:
    try:
        values = np.asarray(f(xy[:, 0], xy[:, 1]), float)
    except MemoryError:
        raise
    except Exception as error:  # a function with an error fails with all points, too
        raise _NotInParts(f"with {len(xy):,} of its points it failed: {error}") from error
    if values.shape != (count,):
        raise _NotInParts(f"with {len(xy):,} points it gave values of the shape {values.shape}")
    return values


def _say_once(n: int, part: int) -> None:
    global _said
    if not _said:
        _said = True
        warnings.warn(
            f"set_quantity asks a function for the values of {n:,} triangles in parts of {part:,}, "
            f"in ANUGA in one call: a function that looks at its points together, as by x.max(), "
            f"needs {LARGEST_CALL}={n} in the environment.", PartsWarning, stacklevel=8)


class CornerValues:
    """Corner values that come part by part, in ascending triangles."""

    def __init__(self, domain: Generic_Domain) -> None:
        self.domain = domain
        self.nodes = np.zeros(domain.number_of_nodes)
        self.known = np.zeros(domain.number_of_nodes, bool)
        self.array: Array | None = None

    def put(self, start: int, values: Array) -> None:
        """Take the values, (m, 3), of triangles `start`, `start` + 1, ..."""
        for a in range(0, len(values), _ROWS_AT_ONCE):
            rows = values[a : a + _ROWS_AT_ONCE]
            self._put(slice(start + a, start + a + len(rows)), np.ascontiguousarray(rows))

    def _put(self, ks: slice, values: Array) -> None:
        if self.array is None:
            triangles = self.domain.mesh.triangles[ks]
            new = ~self.known[triangles]
            self.nodes[triangles[new]] = values[new]
            self.known[triangles] = True
            if np.array_equal(self.nodes[triangles].view(np.int64), values.view(np.int64)):
                return
            self._spread(ks.start)
        self.array[ks] = values  # type: ignore[index]

    def _spread(self, end: int) -> None:
        """Give the triangles before `end` their own values: at some node two differ."""
        self.array = np.empty((self.domain.number_of_triangles, 3))
        for a in range(0, end, _ROWS_AT_ONCE):
            ks = slice(a, min(a + _ROWS_AT_ONCE, end))
            self.array[ks] = self.nodes[self.domain.mesh.triangles[ks]]

    def finish(self) -> forms.Values:
        """Return the values of all triangles in their smallest form."""
        if self.array is None:
            return forms.per_node(self.nodes)
        return forms.smallest(forms.Stored(self.array), self.domain)
