"""Tells whether an operator runs ANUGA's code, and what its arrays are like.

Owns the check that nothing of the user's stands in the place of a method of ANUGA's; what is
done instead of such a method is in the module of its operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean.arrays.stock_arrays import on_stock_arrays

_EXACT = 2**53      # integers below it are float64 numbers


class Methods:
    """Methods of one of ANUGA's classes, as they were when ANUGA was loaded.

    Parameters
    ----------
    cls : type
    names : str
        Methods that an operator of this class, or of one that derives from it, is to have.
    """

    def __init__(self, cls: type, *names: str) -> None:
        self._functions = {name: getattr(cls, name) for name in names}

    def are_of(self, operator: Any) -> bool:
        """Whether an operator has them, without changes of a user's, on a lean domain."""
        cls, own = type(operator), operator.__dict__
        return not on_stock_arrays(operator.domain) and all(
            [getattr(cls, name) is function and name not in own
             for name, function in self._functions.items()])


def number(value: Any) -> float | None:
    """Return a number as the float that numpy makes of it among floats; None for all else."""
    if type(value) in (float, np.float64):
        return float(value)
    return float(value) if type(value) is int and abs(value) < _EXACT else None


def is_whole(array: Any, domain: Any) -> bool:
    """Whether kernels can write this array of one value per triangle."""
    return type(array) is np.ndarray and array.dtype == np.float64 \
        and array.shape == (domain.number_of_triangles,) and array.flags.c_contiguous \
        and array.flags.writeable


class Outcome:
    """What a call has returned or raised, to be had a second time."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.value: Any = None
        self._error: Exception | None = None
        try:
            self.value = function()
        except Exception as error:
            self._error = error

    def again(self, *args: Any, **kwargs: Any) -> Any:
        """Return it, or raise it."""
        if self._error is not None:
            raise self._error
        return self.value

    @property
    def is_returned(self) -> bool:
        """Whether the call came to its end."""
        return self._error is None
