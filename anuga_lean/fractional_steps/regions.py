"""Lets ANUGA's operators find and remember the triangles of a region in less memory.

Owns the wrappers that give ANUGA's loops over single elements real arrays for the time of
a call, drop the arrays that a few indices were taken from, and show corner coordinates
without holding them.  `overlay` puts them in place.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.arrays.view import ArrayView

_ROWS_AT_ONCE = 3 << 13     # whole triangles


class _RealDomain:
    """Stands for a lean domain during one call, with real arrays, each made once."""

    def __init__(self, domain: Any) -> None:
        self._domain = domain

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._domain, name)
        if isinstance(value, ArrayView):
            value = np.asarray(value)
        self.__dict__[name] = value
        return value

    def get_centroid_coordinates(self, *args: Any, **kwargs: Any) -> np.ndarray:
        """Return the centroids as a real array, (n, 2) float64, m."""
        return np.asarray(self._domain.get_centroid_coordinates(*args, **kwargs))


def on_real_arrays(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method of an object with a domain: it runs on real arrays that do not stay."""
    return _with(_RealDomain, method)


class AbsolutePoints:
    """Coordinates of a lean mesh with its origin added, computed a part at a time.

    Parameters
    ----------
    view : (m, 2) array-like, m, relative to the origin
    reference : Geo_reference
    """

    def __init__(self, view: Any, reference: Any) -> None:
        self.view = view
        self.reference = reference
        self.shape = view.shape

    def __len__(self) -> int:
        return len(self.view)

    def __getitem__(self, key: Any) -> Any:
        rows = np.array(self.view[key])
        return rows if self.reference.is_absolute() else self.reference.get_absolute(rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


class _SearchedDomain:
    """Stands for a lean domain during one call, with coordinates as `AbsolutePoints`."""

    def __init__(self, domain: Any) -> None:
        self._domain = domain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)

    def _points(self, name: str, absolute: bool) -> Any:
        view = getattr(self._domain.mesh, name)
        return AbsolutePoints(view, self._domain.geo_reference) if absolute else view

    def get_centroid_coordinates(self, absolute: bool = False) -> Any:
        """Return the centroids, (n, 2) m."""
        return self._points("centroid_coordinates", absolute)

    def get_vertex_coordinates(self, absolute: bool = False) -> Any:
        """Return the corners, (3*n, 2) m."""
        return self._points("vertex_coordinates", absolute)


class _NoCoordinates(_SearchedDomain):
    """Stands for a lean domain where ANUGA reads coordinates that it does not use."""

    def get_full_vertex_coordinates(self, absolute: bool = False) -> None:
        """Return no coordinates: the triangles have been found."""

    def get_centroid_coordinates(self, absolute: bool = False) -> None:
        """Return no coordinates."""

    def get_full_centroid_coordinates(self, absolute: bool = False) -> None:
        """Return no coordinates: the step of an inlet asks for them, too."""


def on_parts(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method of an object with a domain: it searches a lean one part by part."""
    return _with(_SearchedDomain, method)


def without_coordinates(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method of an object with a domain: the coordinates it does not use are not made."""
    return _with(_NoCoordinates, method)


def _with(stand_in: type, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        domain = self.domain
        if on_stock_arrays(domain):
            return method(self, *args, **kwargs)
        self.domain = stand_in(domain)
        try:
            return method(self, *args, **kwargs)
        finally:
            self.domain = domain

    return wrapped


def searching_parts(function: Callable[..., Any], per: int | None) -> Callable[..., Any]:
    """Wrap a function that gives indices of points or triangles, for a lean mesh.

    Parameters
    ----------
    function : callable
        Of rows of coordinates.
    per : int or None
        How many rows it decides about at a time; None if it needs all.

    Notes
    -----
    A few indices do not keep an array of the mesh's size.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if per is None or not args or not isinstance(args[0], (ArrayView, AbsolutePoints)) \
                or kwargs.get("verbose") or len(args) > 2 or len(args[0]) == 0:
            found = function(*args, **kwargs)
            return found.copy() if isinstance(found, np.ndarray) and found.base is not None \
                else found
        rows = args[0]
        return np.concatenate([
            start // per + function(np.asarray(rows[start : start + _ROWS_AT_ONCE]),
                                    *args[1:], **kwargs)
            for start in range(0, len(rows), _ROWS_AT_ONCE)])

    return wrapped


def allocating_less(allocate: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap allocate_inlet_procs so that it takes no corners of a whole lean mesh.

    Notes
    -----
    It decides which ranks have triangles of an inlet.  Those are found here, as
    it finds them, and given to it as a region.
    """

    @functools.wraps(allocate)
    def allocate_inlet_procs(domain: Any, region: Any, *args: Any, **kwargs: Any) -> Any:
        if on_stock_arrays(domain):
            return allocate(domain, region, *args, **kwargs)
        from anuga import Region

        if not isinstance(region, Region):
            given = inspect.signature(allocate).bind(domain, region, *args, **kwargs).arguments
            if given.get("verbose"):    # what ANUGA says as it begins to search
                print(22 * "=" if len(region) == 2 else 23 * "+")
            found = Region.__new__(_found_class(Region))
            found.domain = domain
            found.full_indices = _triangles_of(domain, region)
            found.type = region
            region = found
        return allocate(_NoCoordinates(domain), region, *args, **kwargs)

    return allocate_inlet_procs


@functools.cache
def _found_class(base: type) -> type:
    """Return the class of a Region that knows only its triangles and its type."""
    return type("FoundRegion", (base,), {"get_type": lambda self: self.type})


def _triangles_of(domain: Any, region: Any) -> np.ndarray:
    """Return the full triangles on a line, or with a centroid in or an edge on a polygon."""
    from anuga.geometry.polygon import inside_polygon, line_intersect

    searched = _SearchedDomain(domain)
    full = int(domain.number_of_full_triangles)
    corners = AbsolutePoints(domain.mesh.vertex_coordinates, domain.geo_reference)
    ends = [region] if len(region) == 2 else [
        [region[j], region[(j + 1) % len(region)]] for j in range(len(region))]
    on_lines = [each[each < full] for each in (line_intersect(corners, line) for line in ends)]
    if len(region) == 2:
        return on_lines[0]
    inside = np.asarray(inside_polygon(searched.get_centroid_coordinates(absolute=True), region))
    flags = np.asarray(domain.tri_full_flag[inside])
    return np.unique(np.concatenate([inside[flags == 1], *on_lines]))


class CornerCoordinate:
    """The attribute v_x or v_y of an operator: corner coordinates of its triangles, (m, 3), m.

    Notes
    -----
    ANUGA's are views into the mesh's vertex coordinates, which only an
    elevation that is continuous needs.
    """

    def __init__(self, name: str, axis: int) -> None:
        self.name = name
        self.axis = axis

    def __get__(self, operator: Any, owner: type | None = None) -> Any:
        if operator is None:
            return self
        try:
            return operator.__dict__[self.name]
        except KeyError:
            pass
        domain, ks = operator.domain, operator.indices
        ks = np.arange(len(domain)) if ks is None else np.asarray(ks, np.int64)
        place = (3 * ks[:, np.newaxis] + np.arange(3)).ravel()
        corners = domain.vertex_coordinates[place][:, self.axis].reshape(-1, 3)
        corners.flags.writeable = False     # made anew at each read: a write would be lost
        return corners

    def __set__(self, operator: Any, value: Any) -> None:
        if on_stock_arrays(operator.domain):
            operator.__dict__[self.name] = value
