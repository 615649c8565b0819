"""Shows array-likes on a lean quantity where ANUGA has arrays.

Owns the array-likes over vertex, edge and update values, the sink for values
that are derived anyway, and the stand-in that ANUGA's compiled functions see.
The values themselves belong to `quantity`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from anuga_lean._class_names import lasting
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.arrays.view import ArrayView, elements_of
from anuga_lean.quantity.forms import Values, _relied_upon, chunks, plane_gradient

if TYPE_CHECKING:
    from anuga_lean.quantity.quantity import Quantity

Array = NDArray[np.float64]
_ONE = (int, np.int64)      # an index of one element


class ShownRows:
    """Triangles, with an edge of each, that are gone through one after the other.

    Parameters
    ----------
    cells, columns : (m,) int64
        The edges, by triangle and edge.

    Attributes
    ----------
    places : dict of int to int
        Of each triangle among `cells`.
    place : int
        Of the edge that is looked at just now.
    cell, column : object
        Its triangle and edge: what asks with these very objects asks for its value.
    """

    def __init__(self, cells: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        self.cells, self.columns = cells, columns
        self.places = {k: j for j, k in enumerate(cells.tolist())}
        self.place = 0
        self.cell: Any = self
        self.column: Any = self

    def own(self, rows: Any) -> list[Any]:
        """Return the values at the edges, of (m, 3) of the triangles, as numpy's numbers."""
        return list(rows[np.arange(len(rows)), self.columns])


@lasting("PlaceView")
class PlaceView(ArrayView):
    """The (n, 3) float64 vertex or edge values of a quantity.

    Writing to it makes the quantity hold a real array; writing to the edge
    values of what a run reconstructs makes the domain leave the lean kernels,
    as only ANUGA's own take edge values from outside.
    """

    def __init__(self, owner: Quantity, place: str) -> None:
        super().__init__(owner, (len(owner), 3), np.float64)
        self.place = place
        self._known: Array | None = None        # rows that are shown
        self._of: ShownRows | None = None
        self._form: Values | None = None        # that they are of
        self._own: list[Any] | None = None      # their values at the edges that are gone through

    def show(self, rows: Array, of: ShownRows) -> bool:
        """Answer what is asked one by one from known rows, as long as the form is the present one.

        Parameters
        ----------
        rows : (m, 3) float64
        of : ShownRows

        Returns
        -------
        bool
            Whether the values are what a run reconstructs, so that they can be shown.
        """
        owner = self.owner
        if owner.on_stock_arrays or not owner.is_reconstructed:
            return False
        self._known, self._of, self._form, self._own = rows, of, owner._edge, None
        owner.shown_edges = self
        return True

    def hide(self) -> None:
        """Compute again what is asked."""
        self._known = self._of = self._form = self._own = None
        self.owner.__dict__.pop("shown_edges", None)

    def __getitem__(self, key: Any) -> Any:
        """Return elements; boundaries of a user's ask for one at an edge after the other."""
        if type(key) is tuple and len(key) == 2:
            of, (k, i) = self._of, key
            if of is not None and self.owner._edge is self._form:
                if k is of.cell and i is of.column:
                    if self._own is None:
                        self._own = of.own(self._known)
                    return self._own[of.place]
                if type(k) in _ONE and type(i) in _ONE:
                    place = of.places.get(k)
                    if place is not None:
                        return self._known[place, i]    # type: ignore[index]  # with `of`
            if type(k) in _ONE and type(i) in _ONE and 0 <= k < len(self) and 0 <= i < 3 \
                    and self._stored() is None:
                return self._rows(np.array([k]))[0, i]
        return super().__getitem__(key)

    def _rows(self, ks: NDArray[np.int64]) -> Array:
        return np.array(self.owner.form(self.place).rows(self.owner.domain, ks))

    def _all(self) -> Array:
        return self.owner.form(self.place).all(self.owner.domain)

    def _stored(self) -> Array | None:
        return self.owner.form(self.place).array if self.owner.on_stock_arrays else None

    def _change(self, change: Callable[[Array], Any]) -> None:
        change(self.owner.writable(self.place))

    def _materialise(self) -> None:
        self.owner._hand_out(f"{self.place}_values")


@lasting("UpdateView")
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

    def _change(self, change: Callable[[Array], Any]) -> None:
        change(self.owner.writable_update(self.name))

    def _materialise(self) -> None:
        self.owner._hand_out(self.name)


@lasting("GradientView")
class GradientView(ArrayView):
    """One component of the (n,) float64 gradient through the vertex values, unit/m.

    Parameters
    ----------
    owner : Quantity
    corners : Values
        The vertex values at the time; they must last.
    axis : int
        0 for x, 1 for y.
    """

    def __init__(self, owner: Quantity, corners: Values, axis: int) -> None:
        super().__init__(owner, (len(owner),), np.float64)
        self.corners = _relied_upon(corners)
        self.axis = axis
        self._array: Array | None = None

    def _rows(self, ks: NDArray[np.int64]) -> Array:
        domain = self.owner.domain
        place = (3 * ks[:, np.newaxis] + np.arange(3)).ravel()
        corner = domain.mesh.vertex_coordinates[place].reshape(-1, 3, 2)
        values = np.asarray(self.corners.rows(domain, ks))
        return plane_gradient(corner, values)[self.axis]

    def _all(self) -> Array:
        domain = self.owner.domain
        return np.concatenate([self._rows(np.arange(ks.start, ks.stop)) for ks in chunks(domain)])

    def _stored(self) -> Array | None:
        return self._array

    def _change(self, change: Callable[[Array], Any]) -> None:
        change(self.become_array())

    def _materialise(self) -> None:
        if self is not (self.owner._y_gradient if self.axis else self.owner._x_gradient):
            raise ValueError("these gradients are no longer the quantity's: read x_gradient or "
                             "y_gradient again, or take a copy with numpy.array(...)")
        self._array = self._all()


_View = TypeVar("_View", PlaceView, UpdateView)
_alive: WeakValueDictionary[tuple[int, str], ArrayView] = WeakValueDictionary()


def view_of(owner: Quantity, name: str, kind: type[_View]) -> _View:
    """Return the view of `name`, the same object as long as one is held.

    A view keeps its owner alive, so the owner's id stays its own; the owner
    does not hold the view, so that both go without the garbage collector.
    """
    key = (id(owner), name)
    view: Any = _alive.get(key)     # of this kind, which its name tells
    if view is None:
        view = _alive[key] = kind(owner, name)
    return view


class RealArrays:
    """Stands for a domain or a quantity, with real arrays in place of views.

    Stands in for `original` where ANUGA's compiled functions, or code that
    writes through a reshaped array, ask for attributes.  Keeps nothing beyond
    `replaced`; lives as long as one call.
    """

    def __init__(self, original: Any, **replaced: Any) -> None:
        self.__dict__.update(replaced)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._original, name)
        return elements_of(value)


def with_neighbours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function of a mesh that hands its neighbours to compiled code which could write."""
    takes = inspect.signature(function)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        given = takes.bind(*args, **kwargs)
        mesh = given.arguments["mesh"]
        given.arguments["mesh"] = RealArrays(mesh, neighbours=np.array(mesh.neighbours))
        return function(*given.args, **given.kwargs)

    return called


class _HeldArrays(RealArrays):
    """Stands for a quantity where only arrays count that it holds."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._original, name)
        return value._stored() if isinstance(value, ArrayView) else value


def counting_held(report: Callable[..., str]) -> Callable[..., str]:
    """Wrap a report on the memory of a domain's quantities: nothing stands for an array-like."""
    @functools.wraps(report)
    def wrapped(domain: Any) -> str:
        if on_stock_arrays(domain):
            return report(domain)
        held = {name: _HeldArrays(each) for name, each in domain.quantities.items()}
        return report(RealArrays(domain, quantities=held))

    return wrapped


def sink(*shape: int) -> Array:
    """Return a writable array of `shape` whose elements share one place in memory."""
    return np.lib.stride_tricks.as_strided(np.zeros(1), shape, (0,) * len(shape))
