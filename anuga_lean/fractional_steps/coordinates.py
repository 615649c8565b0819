"""Computes coordinates of centroids for a user's function of place: those that it reads.

Owns both columns as ANUGA's operators take them, and the look into a function's code for
arguments that it never names.  What it is given in their place computes its elements, should
something else look at them, such as a debugger.
"""

from __future__ import annotations

import dis
import functools
from operator import itemgetter
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.arrays.picked import Picked
from anuga_lean.arrays.view import ArrayView
from anuga_lean.fractional_steps.methods import run_for

Read = tuple[bool, bool]    # whether x is read, and y

_OF_VARIABLES = frozenset((*dis.haslocal, *dis.hasfree))
_SEE_ALL = frozenset(("locals", "vars", "dir", "eval", "exec"))     # variables that no code names


class _Unread(ArrayView):
    """A column that its function does not read, (m,) float64, m.

    Parameters
    ----------
    view : ArrayView
        Coordinates of all triangles.
    at : (m,) int64 or None
        Triangles; None: all.
    column : int
    """

    def __init__(self, view: ArrayView, at: Any, column: int) -> None:
        super().__init__(view, (len(view if at is None else at),), np.float64)
        self._at, self._column = at, column

    def _rows(self, ks: Any) -> Any:
        return self.owner[ks if self._at is None else self._at[ks]][:, self._column]


def reads(function: Any, first: int = 0) -> Read:
    """Return whether a function may read its argument number `first`, x, and the next one, y."""
    if type(function) is MethodType:
        function, first = function.__func__, first + 1
    if type(function) is not FunctionType or function.__code__.co_argcount < first + 2:
        return True, True
    code = function.__code__
    x, y = code.co_varnames[first:first + 2]
    named = _named(code)
    return x in named, y in named


@functools.lru_cache(maxsize=64)
def _named(code: CodeType) -> frozenset[str]:
    """Return the variables that a code reads, writes, deletes or shares with inner functions."""
    if not _SEE_ALL.isdisjoint(code.co_names):
        return frozenset(code.co_varnames)
    found: set[str] = set()
    for each in dis.get_instructions(code):
        if each.opcode in _OF_VARIABLES:
            found.update(each.argval if type(each.argval) is tuple else (each.argval,))
    return frozenset(found)


def centroid_columns(domain: Any, view: Any, at: Any, read: Read = (True, True)) -> Any:
    """Return x and y of centroids, m, as ANUGA's operators take them.

    Parameters
    ----------
    view : ArrayView
        The mesh's centroid_coordinates, which rows of all triangles write through to.
    at : index of some triangles, or None
        None: all.
    read : (bool, bool)
        Which of them are computed now.
    """
    run = run_for(domain, None if at is None else len(at))
    try:
        found = _kernels.centroid_columns(run, at, *read)
    except ArrayError:
        values = view[at]
        return [values[:, j].copy() for j in (0, 1)]
    return [_Unread(view, at, j) if each is None else each if at is not None
            else Picked.of(each, view, itemgetter((slice(None), j)))
            for j, each in enumerate(found)]
