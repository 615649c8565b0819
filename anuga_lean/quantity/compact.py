"""Holds what a lean quantity keeps, and shows ANUGA's attributes.

Owns construction, the arrays and forms behind every attribute, writes into
them, and turning all of them into ANUGA's real arrays.  How values get in and
out (set_values, arithmetic, averages) is in `quantity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Protocol, cast

import numpy as np
from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain
from anuga.abstract_2d_finite_volumes.quantity import Quantity as _StockQuantity
from numpy.typing import ArrayLike, NDArray

from anuga_lean._errors import QuantityError
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.arrays.view import ArrayView, array_of
from anuga_lean.memory_limits import telling
from anuga_lean.quantity import forms
from anuga_lean.quantity.filling import FilledWhenRead
from anuga_lean.quantity.forms import Array, Stored, Values
from anuga_lean.quantity.views import PlaceView, UpdateView, sink, view_of

RECONSTRUCTED = frozenset(["stage", "xmomentum", "ymomentum", "elevation", "height"])
AXIS_OF_COORDINATE = {"x": 0, "y": 1}
DERIVED_CENTROIDS = frozenset(["x", "y", "xvelocity", "yvelocity"])
UPDATES = ("explicit_update", "semi_implicit_update", "centroid_backup_values")


class VerticesOfYield(Protocol):
    """The vertex values of the last yield, where those are read between yields."""

    names: frozenset[str]

    def vertex(self, name: str) -> Values:
        """Return the vertex values of a quantity of `names`."""


def _update_property(name: str, what: str) -> property:
    """Return the attribute `name` of a quantity: one of its updates."""

    def get(self: CompactQuantity) -> Array | UpdateView | None:
        held = self.held_update(name)
        if held is not None or self.on_stock_arrays or self._qty_type != "evolved":
            return held
        if name != "semi_implicit_update" and self._is_stepped():
            self.domain.lean.stages.warn_of_not_kept(name, self.name)
        return view_of(self, name, UpdateView)

    def set_(self: CompactQuantity, value: Any) -> None:
        if self.on_stock_arrays:
            self._updates[name] = value
        elif isinstance(value, UpdateView) and value.owner is self and value.name == name:
            pass  # the end of an in-place operation
        elif value is not self.held_update(name):
            self.writable_update(name)[...] = value

    return property(get, set_, doc=f"{what}, (number_of_triangles,) float64 or None.")


def _array_of(form: Values) -> Array:
    """Return the array of a form on stock arrays, where there is no other form."""
    return cast(Stored, form).array


class CompactQuantity(FilledWhenRead, _StockQuantity):
    """The storage of `anuga_lean.quantity.quantity.Quantity`.

    Attributes
    ----------
    centroid_values : (number_of_triangles,) float64
        A real array in the caller's order whose identity never changes:
        assigning to the attribute copies into it.  That of x, y, xvelocity
        and yvelocity is allocated when first read.
    boundary_values : (boundary_length,) float64
        Along the boundary enumeration; real.
    on_stock_arrays : bool
        Whether all arrays are real, as in ANUGA.
    """

    _depth = 0  # of set_values and the like inside each other
    on_stock_arrays = False
    shown_edges: PlaceView | None = None    # while a boundary is evaluated edge by edge

    @telling("a quantity")
    def __init__(
        self,
        domain: Generic_Domain,
        vertex_values: Sequence[Sequence[float]] | Array | None = None,
        name: str | None = None,
        register: bool = False,
        qty_type: str | None = None,
    ) -> None:
        """See ANUGA's Quantity; a domain without lean kernels gets exactly that."""
        self._updates: dict[str, Array | None] = {}
        if on_stock_arrays(domain):
            self.on_stock_arrays = True
            super().__init__(domain, vertex_values, name, register, qty_type)
            return
        if not isinstance(domain, Generic_Domain):
            raise QuantityError(
                f"A Quantity needs a Generic_Domain as first argument, not {type(domain)}."
            )
        if qty_type is None:
            qty_type = getattr(domain, "_quantity_type_map", {}).get(name, "evolved")
        self.domain = domain
        self._qty_type = qty_type
        self._start(name)
        if vertex_values is not None:
            if len(vertex_values) != len(self):
                raise QuantityError(
                    f"Number of vertex values ({len(vertex_values)}) must be that of the "
                    f"triangles of the domain ({len(self)})."
                )
            self._vertex_values = vertex_values
            self.interpolate()
        if register:
            domain.quantities[self.name] = self

    def _start(self, name: str | None) -> None:
        self._vertex: Values | None = None
        self._edge: Values | None = None if self._qty_type == "centroid_only" else forms.ZERO
        if self._qty_type == "coordinate" and name in AXIS_OF_COORDINATE:
            self._edge = forms.Midpoints(forms.CornerCoordinates(AXIS_OF_COORDINATE[name]))
        self._x_gradient: Any = None
        self._y_gradient: Any = None
        self._phi: Any = None
        self.boundary_length = self.domain.boundary_length
        self.boundary_values = np.zeros(self.boundary_length)
        self.set_beta(1.0)
        type(self).counter += 1
        self.set_name(name)
        self._reconstructed_edge = forms.Reconstructed(self.name)
        self._reconstructed_vertex = forms.Corners(self._reconstructed_edge)
        if name not in DERIVED_CENTROIDS:
            self._centroid_values: Array = np.zeros(len(self))

    def __len__(self) -> int:
        return int(self.domain.number_of_triangles)

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the centroid coordinates, which follow from the mesh."""
        self.fill()
        state = dict(self.__dict__)
        state.pop("shown_edges", None)
        if not self.on_stock_arrays and self._qty_type == "coordinate":
            state.pop("_centroid_values", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state; a checkpoint may have an earlier name of the flag."""
        self.__dict__.update(state)
        if "_dense" in state:
            self.on_stock_arrays = self.__dict__.pop("_dense")

    # -- centroids ------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """Allocate centroid values that were not needed so far, or fill them."""
        if name != "_centroid_values" or "_qty_type" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if self._to_be_filled is not None:
            self.fill()
            return self._centroid_values
        if self._swallows():
            return sink(len(self))
        values = np.zeros(len(self))
        if self.name in AXIS_OF_COORDINATE:
            axis = AXIS_OF_COORDINATE[self.name]
            forms.centroid_means(forms.CornerCoordinates(axis), self.domain, values)
        self._centroid_values = values
        return values

    def derived_centroids(self, ks: NDArray[Any]) -> Array | None:
        """Return the centroid values of triangles `ks` if they need no array to be had.

        Parameters
        ----------
        ks : (m,) array of int, each in 0..number_of_triangles-1 for an answer
        """
        if self.on_stock_arrays or "_centroid_values" in self.__dict__ or ks.dtype.kind != "i" \
                or ks.min() < 0 or ks.max() >= len(self):
            return None
        if self.name not in AXIS_OF_COORDINATE:
            return np.zeros(len(ks))
        corners = forms.CornerCoordinates(AXIS_OF_COORDINATE[self.name])
        return forms.mean_of_corners(corners.rows(self.domain, ks))

    def _set_centroid_values(self, values: Any) -> None:
        if self.on_stock_arrays and "_centroid_values" not in self.__dict__:
            self._centroid_values = values
        elif np.shape(values) not in ((), (len(self),)):
            raise QuantityError(f"The centroid values of {self.name!r} need the shape "
                                f"{(len(self),)} of 1 per triangle, not {np.shape(values)}.")
        elif values is not self._centroid_values:
            if self._is_in_kernels():
                self.domain.lean.assigned.note(self.name, "centroid_values")
            self._centroid_values[...] = values

    centroid_values = property(attrgetter("_centroid_values"), _set_centroid_values)

    def _swallows(self) -> bool:
        """Whether the domain is writing coordinates that are derived anyway."""
        return self._qty_type == "coordinate" and getattr(
            self.domain, "_lean_constructing", False
        )

    # -- vertex and edge values -----------------------------------------------

    @property
    def vertex_values(self) -> Array | PlaceView:
        """The values at the vertices, (number_of_triangles, 3) float64."""
        if self.on_stock_arrays:
            return _StockQuantity.vertex_values.fget(self)
        return self._own("vertex") if self._depth else view_of(self, "vertex", PlaceView)

    @vertex_values.setter
    def vertex_values(self, values: ArrayLike | None) -> None:
        self._vertex_values = None if values is None else np.array(values, float)

    @property
    def _vertex_values(self) -> Array | PlaceView | None:
        if self._vertex is None:
            return None
        return _array_of(self._vertex) if self.on_stock_arrays else self.vertex_values

    @_vertex_values.setter
    def _vertex_values(self, values: ArrayLike | None) -> None:
        self._vertex = None if values is None else self._formed(values)

    @property
    def edge_values(self) -> Array | PlaceView | None:
        """The values at the edge midpoints, (number_of_triangles, 3) float64 or None."""
        shown = self.shown_edges
        if shown is not None and self._edge is shown._form:
            return shown
        if self._edge is None:
            return None
        if self.on_stock_arrays:
            # From 4.2 on ANUGA's mode 'unified' makes them at the first read after a yield.
            if getattr(self.domain, "_host_values_stale", False):
                self.domain._refresh_host_values()
            return _array_of(self._edge)
        if self._swallows():
            return sink(len(self), 3)
        return self._own("edge") if self._depth else view_of(self, "edge", PlaceView)

    @edge_values.setter
    def edge_values(self, values: ArrayLike | None) -> None:
        if values is not None and not self._depth and not self.on_stock_arrays:
            self._note_edge_written()
        self._edge = None if values is None else self._formed(values)

    def _formed(self, values: Any) -> Values:
        """Return the form of an (n, 3) array that replaces the present values."""
        if self.on_stock_arrays:
            return Stored(values)
        own = isinstance(values, ArrayView)     # whose copy is made at once
        array = values.copy() if own else np.array(values, float, order="C")
        if array.shape != (len(self), 3):
            raise QuantityError(
                f"The vertex or edge values of {self.name!r} need the shape "
                f"{(len(self), 3)} of 3 per triangle, not {array.shape}."
            )
        return forms.smallest(Stored(array), self.domain)

    def form(self, place: str) -> Values:
        """Return the present form of the 'vertex' or 'edge' values."""
        if place == "edge":
            if self._edge is None:
                raise TypeError(f"The quantity {self.name!r} has values at centroids only.")
            return self._edge
        if self._vertex is not None:
            return self._vertex
        return forms.Corners(self.form("edge")) if self._qty_type == "coordinate" else forms.ZERO

    def writable(self, place: str) -> Array:
        """Return a real (n, 3) array whose elements are the 'vertex' or 'edge' values."""
        if place == "edge" and not self._depth and not self.on_stock_arrays:
            self._note_edge_written()
        return self._own(place)

    def _own(self, place: str) -> Array:
        form = self.form(place)
        if not isinstance(form, Stored) or form.shared:
            form = Stored(form.all(self.domain))
            setattr(self, "_" + place, form)
        form.tight = False
        return form.array

    def _note_edge_written(self) -> None:
        if self._is_stepped():
            self.domain.lean.edges.on_written(self.name)

    def _is_stepped(self) -> bool:
        """Whether lean kernels reconstruct this quantity."""
        return self.name in RECONSTRUCTED and self._is_in_kernels()

    def _is_in_kernels(self) -> bool:
        """Whether lean kernels read the centroid values of this quantity."""
        return (
            (self.name in RECONSTRUCTED or self.name == "friction")
            and not on_stock_arrays(self.domain)
            and self.domain.quantities.get(self.name) is self
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Show real vertex and edge arrays; at the end, keep the smallest forms.

        If the block raises, the quantity is as it was before.
        """
        if self._depth or self.on_stock_arrays:
            yield
            return
        before = self._vertex, self._edge, self.centroid_values.copy()
        for form in before[:2]:
            if isinstance(form, Stored):
                form.shared = True
        self._depth = 1
        try:
            yield
        except BaseException:
            self._vertex, self._edge, self._centroid_values[:] = before
            raise
        finally:
            del self._depth
        self._remember(before[2])
        self.compact()

    def _remember(self, centroid_values: Array) -> None:
        """Tell the step what the centroid values were before they were set."""
        if self._is_stepped():
            self.domain.lean.edges.remember(self.name, centroid_values)

    def compact(self) -> None:
        """Replace real vertex and edge arrays by a smaller form, if one has the same bits."""
        if self.on_stock_arrays:
            return
        if self._vertex is not None:
            self._vertex = forms.smallest(self._vertex, self.domain)
        if isinstance(self._edge, Stored):
            recipes: list[Values] = []
            if self._vertex is not None:
                recipes.append(forms.Midpoints(self._vertex))
            if self._qty_type == "coordinate" and self.name in AXIS_OF_COORDINATE:
                axis = AXIS_OF_COORDINATE[self.name]
                recipes.append(forms.Midpoints(forms.CornerCoordinates(axis)))
            self._edge = forms.smallest(self._edge, self.domain, *recipes)

    # -- updates --------------------------------------------------------------

    explicit_update = _update_property("explicit_update", "Rate of change, unit/s")
    semi_implicit_update = _update_property(
        "semi_implicit_update", "Rate of change treated semi-implicitly, unit/s"
    )
    centroid_backup_values = _update_property(
        "centroid_backup_values", "Centroid values before the step"
    )

    def held_update(self, name: str) -> Array | None:
        """Return the real array of an update, None while it is only zeros."""
        own = self._updates.get(name)
        if self.on_stock_arrays or not self._is_stepped():
            return own
        step = self.domain.lean
        if name == "centroid_backup_values":
            return step.stages.backup_rows(self.name) if own is None else own
        live = (step.forcing.explicit_rows(self.name) if name == "explicit_update"
                else step.forcing.semi_implicit_rows(self.name))
        return own if live is None else live

    def writable_update(self, name: str) -> Array:
        """Return a real array of an update, allocated now if need be."""
        if not self.on_stock_arrays and name != "centroid_backup_values" and self._is_stepped():
            self.domain.lean.forcing.on_update_written(self.name, name)
        held = self.held_update(name)
        if held is None:
            held = self._updates[name] = np.zeros(len(self))
        return held

    def drop_updates(self) -> None:
        """Drop the updates: they are zeros again."""
        if not self.on_stock_arrays:
            self._updates.clear()

    # -- the run --------------------------------------------------------------

    @property
    def is_reconstructed(self) -> bool:
        """Whether the edge values are those of the last extrapolation."""
        return self._edge is self._reconstructed_edge

    @property
    def has_reconstructed_vertices(self) -> bool:
        """Whether the vertex values follow from those edge values."""
        return self._vertex is self._reconstructed_vertex

    def on_distribute(self, past: VerticesOfYield | None = None, at_yield: bool = True) -> None:
        """Drop the values that were set: from now on they come from the extrapolation.

        Parameters
        ----------
        past : VerticesOfYield or None
            What vertex values follow from until the next yield, if something reads them.
        at_yield : bool
            Whether vertex values are computed too.
        """
        self._edge = self._reconstructed_edge
        if past is None or self.name not in past.names:
            self._vertex = self._reconstructed_vertex
        elif at_yield:
            self._vertex = past.vertex(self.name)

    def have_vertices(self) -> None:
        """Set the vertex values to zeros if none were set, as ANUGA's kernels do."""
        if self._vertex is None:
            self._vertex = forms.ZERO

    def on_past(self, past: VerticesOfYield) -> None:
        """Keep the vertex values that are shown now, while the state goes on."""
        if self._vertex is self._reconstructed_vertex:
            self._vertex = past.vertex(self.name)

    def _hold_gradients(self) -> None:
        """Turn the gradients into real arrays, for code that writes into them."""
        if self._x_gradient is not None:
            self._x_gradient = array_of(self._x_gradient)
        if self._y_gradient is not None:
            self._y_gradient = array_of(self._y_gradient)

    def hold_values(self) -> None:
        """Hold vertex and edge values as arrays, e.g. while the mesh is renumbered.

        `compact` undoes this.
        """
        for place in ("vertex", "edge"):
            if not self.on_stock_arrays and getattr(self, "_" + place) is not None:
                self._own(place)

    def _hand_out(self, attribute: str) -> None:
        """Turn to real arrays because a script takes the memory of one of them.

        Parameters
        ----------
        attribute : str
            Its name, as the domain's warning says it.
        """
        domain = self.domain
        if domain.quantities.get(self.name) is not self:
            self.take_stock_arrays()
        if not on_stock_arrays(domain):
            domain.use_stock_kernels(f"handing out the memory of {attribute} of {self.name}")

    def take_stock_arrays(self) -> None:
        """Make every array real, as ANUGA would have it now.

        To be called while `domain.lean` can still give edge values.
        """
        if self.on_stock_arrays:
            return
        updates: dict[str, Array] = {}
        if self._qty_type == "evolved":
            for name in UPDATES:
                held = self.held_update(name)
                updates[name] = np.zeros(len(self)) if held is None else np.array(held)
        self.hold_values()
        _ = self.centroid_values
        for form in (self._vertex, self._edge):
            if isinstance(form, Stored):
                form.shared = False
        self._hold_gradients()
        self._updates = {name: updates.get(name) for name in UPDATES}
        self.on_stock_arrays = True
