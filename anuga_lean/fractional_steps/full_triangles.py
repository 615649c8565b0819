"""Keeps the places of full triangles that operators and regions list as a number, if they can.

Owns the attribute `full_indices` of Rate_operator and Region: where it would be 0, 1, 2, ...,
as it is for a whole mesh without ghosts, or with ghosts at the end, only how many there are
is held.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean.arrays.stock_arrays import on_stock_arrays

_NAME, _COUNT = "full_indices", "_lean_full_count"
_SHORT = 1 << 8         # not worth it
_AT_ONCE = 1 << 16


class FullIndices:
    """The attribute `full_indices` where it is not held: int64, places in a list of triangles."""

    def __get__(self, holder: Any, owner: type | None = None) -> Any:
        if holder is None:
            return self
        count = holder.__dict__.get(_COUNT)
        if count is None:
            raise AttributeError(f"{type(holder).__name__!r} object has no attribute {_NAME!r}")
        places = np.arange(count)
        if on_stock_arrays(holder.domain):
            holder.__dict__[_NAME] = places
        else:
            places.flags.writeable = False      # what is written would be lost
        return places


def counting(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method that sets `full_indices`: their number is held where it says all."""

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        held = self.__dict__
        held.pop(_COUNT, None)
        if _counts(held.get(_NAME)) and not on_stock_arrays(self.domain):
            held[_COUNT] = len(held.pop(_NAME))
        return result

    return wrapped


def full_places(holder: Any) -> tuple[Any, int]:
    """Return `full_indices`, None in place of 0, 1, 2, ..., and how many there are."""
    held = holder.__dict__.get(_NAME)
    return (None, holder.__dict__[_COUNT]) if held is None else (held, len(held))


def _counts(value: Any) -> bool:
    """Whether an array is 0, 1, 2, ... and long enough to matter."""
    if not isinstance(value, np.ndarray) or value.dtype != np.int64 or value.ndim != 1 \
            or len(value) < _SHORT or value[0] != 0 or value[-1] != len(value) - 1:
        return False
    return all(np.array_equal(value[start:start + _AT_ONCE],
                              np.arange(start, min(start + _AT_ONCE, len(value))))
               for start in range(0, len(value), _AT_ONCE))
