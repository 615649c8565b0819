"""Asks the function of ANUGA's Set_depth_friction_operator for some triangles at a time.

Owns the calls: as many as ANUGA makes, in its order, without an object for each triangle.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean.arrays.stock_arrays import on_stock_arrays

_AT_ONCE = 4096     # triangles


class _InParts:
    """Stands for a numpy.vectorize of a function of one number.

    Parameters
    ----------
    vectorized : numpy.vectorize
    """

    def __init__(self, vectorized: Any) -> None:
        self._vectorized = vectorized
        self._function = vectorized.pyfunc
        self._of_objects = np.frompyfunc(vectorized.pyfunc, 1, 1)

    def __call__(self, depth: np.ndarray) -> Any:
        first = self._function(depth.flat[0])   # whose type all values take
        if isinstance(first, tuple):
            return self._vectorized(depth)
        kind = np.asarray(first).dtype.char
        found = np.empty(len(depth), kind)
        for start in range(0, len(depth), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            found[part] = np.asanyarray(
                self._of_objects(depth[part].astype(object)), dtype=kind)
        return found


def asking_in_parts(call: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap Set_depth_friction_operator.__call__."""

    @functools.wraps(call)
    def __call__(self: Any) -> None:
        function = self.friction
        if on_stock_arrays(self.domain) or type(function) is not np.vectorize \
                or function.otypes is not None or function.excluded or function.cache \
                or function.signature is not None:
            call(self)
            return
        self.friction = _InParts(function)
        try:
            call(self)
        finally:
            self.friction = function

    return __call__
