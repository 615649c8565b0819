"""Shows ANUGA a domain where it evaluates a boundary for all edges of a segment.

Owns what ANUGA's `evaluate_segment` reads of a domain and a segment knows already; all else is
the domain's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean.stepping.bound_state import RECONSTRUCTED

if TYPE_CHECKING:
    from anuga_lean.stepping.segments import Segment

Array = NDArray[np.float64]


class _Picked:
    """Stands for an array: what is asked for as `evaluate_segment` does is there already.

    Parameters
    ----------
    segment : Segment
    known : callable
        Of the columns of an index whose rows are the segment's; None where it is another index.
    array : callable
        Returns the array.
    """

    def __init__(self, segment: Segment, known: Callable[[Any], Any],
                 array: Callable[[], Any]) -> None:
        self._segment, self._known, self._array = segment, known, array

    def __getitem__(self, key: Any) -> Any:
        rows, columns = key if type(key) is tuple and len(key) == 2 else (key, None)
        if rows is self._segment.cells or rows is self._segment.ids:
            found = self._known(columns)
            if found is not None:
                return found
        return self._array()[key]


class _ShownQuantity:
    """Stands for a quantity of the domain."""

    def __init__(self, segment: Segment, name: str) -> None:
        self._domain, self._name = segment.domain, name
        self.edge_values = _Picked(
            segment, lambda columns: segment.edge_values(name)
            if columns is segment.columns and name in RECONSTRUCTED else None,
            lambda: self._domain.quantities[name].edge_values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain.quantities[self._name], name)


class _ShownQuantities:
    """Stands for the domain's quantities."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._of: dict[str, _ShownQuantity] = {}

    def __getitem__(self, name: str) -> _ShownQuantity:
        if name not in self._of:
            self._of[name] = _ShownQuantity(self._segment, name)
        return self._of[name]


class ShownDomain:
    """Stands for the domain where ANUGA evaluates all edges of a segment."""

    def __init__(self, segment: Segment) -> None:
        asked = {(2 * segment.columns + i).tobytes(): i for i in (0, 1)}

        def normals(columns: Any) -> Array | None:
            i = asked.get(columns.tobytes()) \
                if type(columns) is np.ndarray and columns.dtype == np.int64 else None
            return None if i is None else segment.normals()[i]

        self._domain = domain = segment.domain
        self.quantities = _ShownQuantities(segment)
        self.boundary_cells = _Picked(
            segment, lambda _: segment.cells, lambda: domain.boundary_cells)
        self.boundary_edges = _Picked(
            segment, lambda _: segment.columns, lambda: domain.boundary_edges)
        self.normals = _Picked(segment, normals, lambda: domain.normals)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)
