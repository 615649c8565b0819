"""What a lean quantity shows where ANUGA has arrays.

Owns the array-likes over vertex, edge and update values, the sink for values
that are derived anyway, and the stand-in that ANUGA's compiled functions see.
The values themselves belong to `quantity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from anuga_lean.views import ArrayView

if TYPE_CHECKING:
    from anuga_lean.quantity import Quantity

Array = NDArray[np.float64]


class PlaceView(ArrayView):
    """The (n, 3) float64 vertex or edge values of a quantity.

    Writing to it makes the quantity hold a real array; writing to the edge
    values of what a run reconstructs makes the domain leave the lean kernels,
    as only ANUGA's own take edge values from outside.
    """

    def __init__(self, owner: Quantity, place: str) -> None:
        super().__init__(owner, (len(owner), 3), np.float64)
        self.place = place

    def _rows(self, ks: NDArray[np.int64]) -> Array:
        return np.array(self.owner.form(self.place).rows(self.owner.domain, ks))

    def _all(self) -> Array:
        return self.owner.form(self.place).all(self.owner.domain)

    def _stored(self) -> Array | None:
        return self.owner.form(self.place).array if self.owner.is_dense else None

    def _write(self, key: Any, value: Any) -> None:
        self.owner.writable(self.place)[key] = value


class UpdateView(ArrayView):
    """An (n,) float64 update of an evolved quantity: zeros until written to."""

    def __init__(self, owner: Quantity, name: str) -> None:
        super().__init__(owner, (len(owner),), np.float64)
        self.name = name

    def _rows(self, ks: NDArray[np.int64]) -> Array:
        return np.zeros(ks.size)

    def _all(self) -> Array:
        return np.zeros(len(self))

    def _stored(self) -> Array | None:
        return self.owner.held_update(self.name)

    def _write(self, key: Any, value: Any) -> None:
        self.owner.writable_update(self.name)[key] = value


_alive: WeakValueDictionary[tuple[int, str], ArrayView] = WeakValueDictionary()


def view_of(owner: Quantity, name: str, kind: type[PlaceView] | type[UpdateView]) -> ArrayView:
    """Return the one view of `name` there is while somebody holds it.

    A view keeps its owner alive, so the owner's id stays its own; the owner
    does not hold the view, so that both go without the garbage collector.
    """
    key = (id(owner), name)
    view = _alive.get(key)
    if view is None:
        view = _alive[key] = kind(owner, name)
    return view


class RealArrays:
    """A domain or a quantity whose views have turned into real arrays.

    Stands in for `original` where ANUGA's compiled functions, or code that
    writes through a reshaped array, ask for attributes.  Keeps nothing beyond
    `replaced`; lives as long as one call.
    """

    def __init__(self, original: Any, **replaced: Any) -> None:
        self.__dict__.update(replaced)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._original, name)
        return np.asarray(value) if isinstance(value, ArrayView) else value


def sink(*shape: int) -> Array:
    """Return a writable array of `shape` whose elements share one place in memory."""
    return np.lib.stride_tricks.as_strided(np.zeros(1), shape, (0,) * len(shape))
