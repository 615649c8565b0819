"""How ANUGA's operators find and remember the triangles of a region.

Owns the wrappers that give its loops over single elements real arrays for a
moment, let go of the arrays that a few indices were cut from, and show corner
coordinates without holding them.  `hook` puts them in place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean.views import ArrayView


class _RealDomain:
    """A lean domain whose arrays are real, each made once; lives as long as one call."""

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
    """Return `method` of something with a domain, run on real arrays that do not stay."""

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        domain = self.domain
        if getattr(domain, "lean", None) is None:
            return method(self, *args, **kwargs)
        self.domain = _RealDomain(domain)
        try:
            return method(self, *args, **kwargs)
        finally:
            self.domain = domain

    return wrapped


def trimmed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` so that a few indices do not keep an array of the mesh's size."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return found.copy() if isinstance(found, np.ndarray) and found.base is not None else found

    return wrapped


class CornerCoordinate:
    """v_x or v_y of an operator: corner coordinates of its triangles, (m, 3) float64, m.

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
        return domain.vertex_coordinates[place][:, self.axis].reshape(-1, 3)

    def __set__(self, operator: Any, value: Any) -> None:
        if getattr(operator.domain, "lean", None) is None:
            operator.__dict__[self.name] = value
