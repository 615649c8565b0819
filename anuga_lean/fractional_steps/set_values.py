"""Sets the stage, the bed or a quantity by kernels, of all triangles or of a list.

Owns what stands in the place of ANUGA's Set_quantity, Set_stage and Set_elevation, which ask for
the coordinates of their triangles only where a function wants them.  A value that is neither a
number nor an array of one for each triangle, and what raises, is left to ANUGA's code, which then
gets the outcome of the function, not a second call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.fractional_steps.coordinates import centroid_columns, reads
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
            everywhere = isinstance(rows, slice) and rows == slice(None)
            self._columns = centroid_columns(self._operator.domain, self._view,
                                             None if everywhere else rows)
        return self._columns[column]


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
        view, domain, at = self.coord_c, self.domain, self.indices
        stored = getattr(view, "_stored", None)
        if stored is None or not _as_in_anuga().are_of(self) or stored() is not None:
            return method(self)
        if self.value is None or self.region.indices is not at \
                or in_corners and not domain.get_using_discontinuous_elevation():
            return _with_places(self, method)
        if at is not None:
            at = listed(at)
            if at is None:
                return _with_places(self, method)
        columns = centroid_columns(domain, view, at, reads(self.value)) \
            if self.value_type in _OF_PLACE else ()
        try:
            value = self.get_value(*columns)
        except Exception as error:
            outcome = Outcome(None, error)
        else:
            del columns
            found = value if type(value) is np.ndarray else number(value)
            try:
                # the function may have changed what the run is of
                run = run_for(domain, None if at is None else len(at))
                if found is not None and write_values(self, run, found, at):
                    return returned
            except ArrayError:
                pass            # a script's own arrays, which numpy takes
            outcome = Outcome(value)
        self.get_value = outcome.again
        self.coord_c = _NoPlaces()
        try:
            return method(self)
        finally:
            del self.get_value
            self.coord_c = view

    return wrapped


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
