"""Asks the function of ANUGA's Set_depth_friction_operator for one triangle after the other.

Owns the calls: as many as ANUGA makes, in its order, without an object for each triangle.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.arrays.stock_arrays import on_stock_arrays


class _OneByOne:
    """Stands for a numpy.vectorize of a function of one number.

    Parameters
    ----------
    vectorized : numpy.vectorize
    """

    def __init__(self, vectorized: Any) -> None:
        self._vectorized = vectorized
        self._function = vectorized.pyfunc

    def __call__(self, depth: np.ndarray) -> Any:
        first = self._function(depth.flat[0])   # whose type all values take
        if isinstance(first, tuple):
            return self._vectorized(depth)
        kind = np.asarray(first).dtype
        if kind != np.float64 or depth.dtype != np.float64 or depth.ndim != 1:
            return np.frompyfunc(self._function, 1, 1)(depth.astype(object)).astype(kind)
        found, others = _kernels.ask_each(self._function, depth)
        if others:
            returned = np.empty(len(others), object)
            for j, each in enumerate(others.values()):
                returned[j] = each
            found[list(others)] = returned.astype(kind)
        return found


def asking_one_by_one(call: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap Set_depth_friction_operator.__call__."""

    @functools.wraps(call)
    def __call__(self: Any) -> None:
        function = self.friction
        if on_stock_arrays(self.domain) or type(function) is not np.vectorize \
                or function.otypes is not None or function.excluded or function.cache \
                or function.signature is not None:
            call(self)
            return
        self.friction = _OneByOne(function)
        try:
            call(self)
        finally:
            self.friction = function

    return __call__
