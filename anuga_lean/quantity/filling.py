"""Fills the centroid values of a quantity when they are read, not when they are set.

Owns the array in the meantime and who knows what is to stand in it.  An operator that sets
values in every step, where only frames read them, spares itself a pass over the mesh.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_NAME = "_centroid_values"


def _references(attributes: dict[str, Any]) -> int:
    return sys.getrefcount(attributes[_NAME])


_ALONE = _references({_NAME: np.empty(0)})


class FilledWhenRead:
    """Part of a quantity: `_centroid_values`, whose absence leads to `fill`."""

    on_stock_arrays: bool
    _centroid_values: Array
    # The array of the centroid values, and whose attribute is to stand in it.
    _to_be_filled: tuple[Array, Any, str] | None = None

    def may_be_filled_later(self) -> bool:
        """Whether nobody holds the array of the centroid values, who could read it unseen."""
        if self._to_be_filled is not None:
            return True
        attributes = self.__dict__
        return not self.on_stock_arrays and _NAME in attributes \
            and _references(attributes) <= _ALONE

    def fill_when_read(self, holder: Any, name: str) -> None:
        """Let the centroid values be those of another array once they are read.

        Parameters
        ----------
        holder : object
        name : str
            Of its own attribute that is the array then, (number_of_triangles,) float64.

        Notes
        -----
        Only where `may_be_filled_later` says so.
        """
        waiting = self._to_be_filled
        if waiting is None:
            self._to_be_filled = self.__dict__.pop(_NAME), holder, name
        elif waiting[1] is not holder or waiting[2] != name:
            self._to_be_filled = waiting[0], holder, name

    def fill(self) -> None:
        """Fill the centroid values now if they are waiting for that."""
        if self._to_be_filled is not None:
            values, holder, name = self._to_be_filled
            values[...] = holder.__dict__[name]
            self._centroid_values = values
            del self._to_be_filled
