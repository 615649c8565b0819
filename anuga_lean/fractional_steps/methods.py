"""Tells whether an operator runs ANUGA's code, and what its arrays are like.

Owns the check that nothing of the user's stands in the place of a method of ANUGA's; what is
done instead of such a method is in the module of its operator.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_EXACT = 2**53      # integers below it are float64 numbers
_FEW = 1 << 14      # triangles that everywhere.c leaves to one thread
_ndarray, _INT64 = np.ndarray, np.dtype(np.int64)


class Methods:
    """Methods of one of ANUGA's classes, as they were when ANUGA was loaded.

    Parameters
    ----------
    cls : type
    names : str
        Methods that an operator of this class, or of one that derives from it, is to have.
    """

    def __init__(self, cls: type, *names: str) -> None:
        self._functions = tuple((name, getattr(cls, name)) for name in names)

    def are_of(self, operator: Any) -> bool:
        """Whether an operator has them, without changes of a user's, on a lean domain."""
        cls, own = type(operator), operator.__dict__
        for name, function in self._functions:
            if getattr(cls, name) is not function or name in own:
                return False
        return not getattr(operator.domain, "on_stock_arrays", True)


def number(value: Any) -> float | None:
    """Return a number as the float that numpy makes of it among floats; None for all else."""
    if type(value) in (float, np.float64):
        return float(value)
    return float(value) if type(value) is int and abs(value) < _EXACT else None


def listed(indices: Any) -> np.ndarray | None:
    """Return a list of triangles as kernels take it, (m,) int64; None where it is none, or empty.

    A kernel refuses one that has a triangle twice.
    """
    if type(indices) is list:
        indices = np.array(indices)
    return indices if type(indices) is _ndarray and indices.dtype == _INT64 and len(indices) \
        else None


def run_for(domain: Any, count: int | None) -> Any:
    """Return a run whose kernels work on so many triangles, with arrays given to them; None: all.

    It need not be ready for a step. A few triangles are done on one thread.
    """
    lean = domain.lean
    run = lean.run
    if run is None or not lean.has_present_blocks():
        return lean.ready()
    lean.check_thread()
    if count is None or count > _FEW:
        lean.give_threads(run)
    return run


class Outcome:
    """What a call has returned, or the error that it has raised, to be had a second time."""

    def __init__(self, value: Any, error: Exception | None = None) -> None:
        self._value = value
        self._error = error

    def again(self, *args: Any, **kwargs: Any) -> Any:
        """Return it, or raise it."""
        if self._error is not None:
            raise self._error
        return self._value
