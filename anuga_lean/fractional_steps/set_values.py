"""Sets the stage, the bed or a quantity by kernels, of all triangles or of a list.

Owns what stands in the place of ANUGA's Set_quantity, Set_stage and Set_elevation, and how the
coordinates of their triangles are found: not at all where no function wants them.  A value that
is neither a number nor an array of one for each triangle, and what raises, is left to ANUGA's
code, which then gets the outcome of the function, not a second call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.arrays.picked import Picked
from anuga_lean.fractional_steps.methods import (
    Methods,
    Outcome,
    listed,
    number,
    run_for,
)

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

    def __init__(self, operator: Any, view: Any) -> None:
        self._operator, self._view = operator, view
        self._columns: Any = None

    def __getitem__(self, key: Any) -> Any:
        rows, column = key
        if self._columns is None:
            self._columns = centroid_columns(self._operator.domain, self._view, rows)
        return self._columns[column]


def centroid_columns(domain: Any, view: Any, rows: Any) -> list[Any]:
    """Return x and y of centroids, m, as ANUGA's operators take them.

    Parameters
    ----------
    view : ArrayView
        The mesh's centroid_coordinates, which rows of all triangles write through to.
    rows : slice(None), or index of some triangles
    """
    if isinstance(rows, slice) and rows == slice(None):
        found = _kernels.centroid_columns(domain.lean.ready())
        return [Picked.of(each, view, itemgetter((rows, j))) for j, each in enumerate(found)]
    try:
        return list(_kernels.centroid_columns(run_for(domain, len(rows)), rows))
    except ArrayError:
        values = view[rows]
        return [values[:, j].copy() for j in (0, 1)]


def _with_places(operator: Any, method: Callable[[Any], Any]) -> Any:
    """Call ANUGA's method of an operator with the coordinates that it uses."""
    view = operator.coord_c
    operator.coord_c = _Places(operator, view) if operator.value_type in _OF_PLACE \
        else _NoPlaces()
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
        The function of this module that writes a value.
    returned : bool or None
        What the method returns where it has set a value.
    """
    write_values = globals()[write]
    in_corners = write_values is write_bed      # where the bed is continuous

    @functools.wraps(method)
    def wrapped(self: Any) -> Any:
        view = self.coord_c
        if not _as_in_anuga().are_of(self) or not hasattr(view, "_stored") \
                or view._stored() is not None:
            return method(self)
        if self.value is None or self.region.indices is not self.indices \
                or in_corners and not self.domain.get_using_discontinuous_elevation():
            return _with_places(self, method)
        at = self.indices
        if at is not None:
            at = listed(at)
            if at is None:
                return _with_places(self, method)
        columns = centroid_columns(self.domain, view, slice(None) if at is None else at) \
            if self.value_type in _OF_PLACE else ()
        try:
            value = self.get_value(*columns)
        except Exception as error:
            outcome = Outcome(None, error)
        else:
            del columns
            if _written(write_values, self, value, at):
                return returned
            outcome = Outcome(value)
        self.get_value = outcome.again
        self.coord_c = _NoPlaces()
        try:
            return method(self)
        finally:
            del self.get_value
            self.coord_c = view

    return wrapped


def _written(write: Callable[..., bool], operator: Any, value: Any, at: Any) -> bool:
    """Whether kernels have written a value; ANUGA's code is to do it where they have not."""
    found = value if type(value) is np.ndarray else number(value)
    if found is None:
        return False
    try:
        return write(operator, run_for(operator.domain, None if at is None else len(at)), found, at)
    except ArrayError:
        return False    # a script's own arrays, which numpy takes


def write_quantity(operator: Any, run: Any, value: Any, at: Any) -> bool:
    """Write values into a quantity."""
    _kernels.fill(run, operator.quantity_c, value, at)
    return True


def write_stage(operator: Any, run: Any, value: Any, at: Any) -> bool:
    """Write stages (m), or the bed where that is higher."""
    # which zero numpy takes of two depends on the machine
    return not _kernels.fill_above(run, operator.quantity_c, operator.elev_c, value, at)


def write_bed(operator: Any, run: Any, value: Any, at: Any) -> bool:
    """Write a bed (m) under the water, whose depth stays."""
    _kernels.move_bed(run, operator.elev_c, operator.stage_c, value, at)
    return True
