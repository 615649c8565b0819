"""Sets the stage, the bed or a quantity of all triangles without arrays of their length.

Owns what stands in the place of ANUGA's Set_quantity, Set_stage and Set_elevation where they
act on all triangles, and how the coordinates of their triangles are found: not at all where
no function wants them.  A value that is no number, and what raises, is left to ANUGA's code.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.arrays.picked import Picked
from anuga_lean.fractional_steps.methods import Methods, Outcome, is_whole, number

_OF_PLACE = ("x,y", "x,y,t")


@functools.cache
def _as_in_anuga() -> Methods:
    from anuga.operators.set_quantity import Set_quantity

    return Methods(Set_quantity, "get_value")


class _NoPlaces:
    """Stands for the coordinates of centroids where nothing uses them."""

    def __getitem__(self, key: Any) -> None:
        return None


class _Places:
    """Stands for the coordinates of centroids: both columns are computed together."""

    def __init__(self, operator: Any) -> None:
        self._operator, self._view = operator, operator.coord_c
        self._columns: Any = None

    def __getitem__(self, key: Any) -> Any:
        rows, column = key
        if self._columns is None:
            if isinstance(rows, slice) and rows == slice(None):
                found = _kernels.centroid_columns(self._operator.domain.lean.ready())
                self._columns = [Picked.of(each, self._view, itemgetter((rows, j)))
                                 for j, each in enumerate(found)]
            else:
                values = self._view[rows]
                self._columns = [values[:, j].copy() for j in (0, 1)]
        return self._columns[column]


def _with_places(operator: Any, method: Callable[[Any], Any]) -> Any:
    """Call ANUGA's method of an operator with the coordinates that it uses."""
    view = operator.coord_c
    operator.coord_c = _Places(operator) if operator.value_type in _OF_PLACE else _NoPlaces()
    try:
        return method(operator)
    finally:
        operator.coord_c = view


def setting(method: Callable[[Any], Any], write: str, returned: Any) -> Callable[[Any], Any]:
    """Wrap ANUGA's method that sets a value on the triangles of an operator.

    Parameters
    ----------
    method : callable
    write : str
        The function of this module that writes a number on all triangles.
    returned : bool or None
        What the method returns where it has set a value.
    """
    write_all = globals()[write]

    @functools.wraps(method)
    def wrapped(self: Any) -> Any:
        if not _as_in_anuga().are_of(self) or not hasattr(self.coord_c, "_stored") \
                or self.coord_c._stored() is not None:
            return method(self)
        if self.indices is not None or self.value is None or self.value_type in _OF_PLACE \
                or not is_whole(self.quantity_c, self.domain):
            return _with_places(self, method)
        outcome = Outcome(self.get_value)
        if outcome.is_returned and write_all(self, outcome.value):
            return returned
        self.get_value = outcome.again
        try:
            return _with_places(self, method)
        finally:
            del self.get_value

    return wrapped


def write_quantity(operator: Any, value: Any) -> bool:
    """Write a value into a quantity of all triangles; False where it is no number."""
    found = number(value)
    if found is None:
        return False
    _kernels.fill_all(operator.domain.lean.ready(), operator.quantity_c, found)
    return True


def write_stage(operator: Any, value: Any) -> bool:
    """Write a stage (m), or the bed where that is higher; False where it is no number."""
    found = number(value)
    if found is None or not is_whole(operator.elev_c, operator.domain):
        return False
    if found == 0.0:    # which zero numpy takes of two depends on the machine
        np.maximum(operator.elev_c, value, out=operator.quantity_c)
    else:
        _kernels.fill_all_above(operator.domain.lean.ready(), operator.quantity_c,
                                operator.elev_c, found)
    return True


def write_bed(operator: Any, value: Any) -> bool:
    """Write a bed (m) under the water, whose depth stays; False where it is no number."""
    found = number(value)
    if found is None or not operator.domain.get_using_discontinuous_elevation() \
            or not all([is_whole(each, operator.domain)
                        for each in (operator.elev_c, operator.stage_c)]):
        return False
    _kernels.move_bed(operator.domain.lean.ready(), operator.elev_c, operator.stage_c,
                      np.array([found]))
    return True
