"""Keeps the places of full triangles that operators and regions list as a number, if they can.

Owns the attribute `full_indices` of Rate_operator and Region: where it would be 0, 1, 2, ...,
as it is for a whole mesh without ghosts, or with ghosts at the end, only how many there are
is held.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anuga_lean.arrays.stock_arrays import on_stock_arrays

_NAME = "full_indices"
_SHORT = 64             # not worth it
_AT_ONCE = 1 << 16


class FullIndices:
    """The attribute `full_indices`: int64, places of full triangles in a list of triangles."""

    def __get__(self, holder: Any, owner: type | None = None) -> Any:
        if holder is None:
            return self
        try:
            held = holder.__dict__[_NAME]
        except KeyError:
            raise AttributeError(
                f"{type(holder).__name__!r} object has no attribute {_NAME!r}") from None
        if not isinstance(held, int):
            return held
        places = np.arange(held)
        if on_stock_arrays(holder.domain):
            holder.__dict__[_NAME] = places
        else:
            places.flags.writeable = False      # it would be lost
        return places

    def __set__(self, holder: Any, value: Any) -> None:
        counts = not on_stock_arrays(holder.domain) and _counts(value)
        holder.__dict__[_NAME] = len(value) if counts else value

    def __delete__(self, holder: Any) -> None:
        del holder.__dict__[_NAME]


def full_places(holder: Any) -> tuple[Any, int]:
    """Return `full_indices`, None in place of 0, 1, 2, ..., and how many there are."""
    held = holder.__dict__[_NAME]
    return (None, held) if isinstance(held, int) else (held, len(held))


def _counts(value: Any) -> bool:
    """Whether an array is 0, 1, 2, ... and long enough to matter."""
    if not isinstance(value, np.ndarray) or value.dtype != np.int64 or value.ndim != 1 \
            or len(value) < _SHORT or value[0] != 0 or value[-1] != len(value) - 1:
        return False
    return all(np.array_equal(value[start:start + _AT_ONCE],
                              np.arange(start, min(start + _AT_ONCE, len(value))))
               for start in range(0, len(value), _AT_ONCE))
