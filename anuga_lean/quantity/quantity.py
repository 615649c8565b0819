"""Stands for ANUGA's Quantity, without the arrays that can be computed again.

Owns reading values, arithmetic, and ANUGA's compiled functions; everything not found
here is ANUGA's own.  Setting values is in `setting`, what is kept in `compact`, its forms
in `forms`; edge values during a run come from stepping/.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from anuga.abstract_2d_finite_volumes import quantity_openmp_ext as _stock_kernels
from anuga.abstract_2d_finite_volumes.quantity import Quantity as _StockQuantity
from anuga.config import epsilon
from anuga.geospatial_data.geospatial_data import Geospatial_data
from anuga.utilities import log
from numpy.typing import ArrayLike, NDArray

from anuga_lean._class_names import lasting
from anuga_lean._errors import QuantityError
from anuga_lean._kernels import average_centroids, average_vertices
from anuga_lean.arrays.signatures import documented_as
from anuga_lean.arrays.stock_arrays import unless_on_stock_arrays
from anuga_lean.arrays.view import elements_of
from anuga_lean.memory_limits import telling
from anuga_lean.quantity import forms
from anuga_lean.quantity.forms import Array
from anuga_lean.quantity.integral import integral
from anuga_lean.quantity.setting import SettableQuantity
from anuga_lean.quantity.views import GradientView, RealArrays


@lasting("Quantity")
@documented_as(_StockQuantity)
class Quantity(SettableQuantity):
    """Values of one quantity on every triangle of a domain.

    Has the constructor, the attributes and the methods of ANUGA's Quantity and
    gives the same bits.  A failed `set_values` leaves it as it was.
    """

    # -- getting --------------------------------------------------------------

    @telling("values of a quantity")
    def get_values(
        self,
        interpolation_points: Any = None,
        location: str = "vertices",
        indices: list[int] | NDArray[Any] | None = None,
        use_cache: bool = False,
        verbose: bool = False,
    ) -> Array:
        """Return values at a location, or at points; see ANUGA's method."""
        if location == "centroids" and isinstance(indices, list) and interpolation_points is None:
            values = self.derived_centroids(np.array(indices))
            if values is not None:
                return values
        everywhere = location == "unique vertices" and indices is None
        if self.on_stock_arrays or interpolation_points is not None or not everywhere:
            return super().get_values(
                interpolation_points, location, indices, use_cache, verbose
            )
        if verbose is True:
            log.info(f"Getting values from {location}")
        _, counts = self.domain.mesh.node_order()
        if not counts.all():
            raise QuantityError(
                f"Node {int(np.argmin(counts))} belongs to no triangle and has no value."
            )
        return self._node_means(
            len(counts), bool(self.domain.get_using_discontinuous_elevation())
        )

    @unless_on_stock_arrays
    def get_vertex_values(
        self,
        xy: bool = True,
        smooth: bool | None = None,
        centroid_averaging: bool | None = None,
        precision: type | None = None,
    ) -> tuple[Any, ...]:
        """Return (X, Y, A, V), or (A, V) without `xy`; see ANUGA's method.

        Notes
        -----
        With `smooth`, V shows the mesh's triangles and holds nothing.
        """
        domain = self.domain
        smooth = getattr(domain, "smooth", False) if smooth is None else smooth
        precision = float if precision is None else precision
        if smooth is True:
            if centroid_averaging is None:
                centroid_averaging = domain.get_using_centroid_averaging()
            triangles, points = domain.get_triangles(), domain.get_nodes
            values = self._node_means(domain.number_of_full_nodes, bool(centroid_averaging))
        else:
            triangles, points = domain.get_disconnected_triangles(), domain.get_vertex_coordinates
            values = self.form("vertex").all(domain).reshape(-1)
        values = values.astype(precision, copy=False)
        if xy is not True:
            return values, triangles
        xy_of_points = np.asarray(points())
        x: Array = xy_of_points[:, 0].astype(precision)
        y: Array = xy_of_points[:, 1].astype(precision)
        return x, y, values, triangles

    def _node_means(self, number_of_nodes: int, of_centroids: bool) -> Array:
        """Return the average at each node, in ANUGA's order of summation."""
        order, counts = self.domain.mesh.node_order()
        means = np.zeros(number_of_nodes)
        if of_centroids:
            average_centroids(order, counts, self.centroid_values, means)
        else:
            vertex = self.form("vertex").all(self.domain).reshape(-1)
            average_vertices(order, counts, vertex, means)
        return means

    @telling("values of a quantity")
    def get_integral(
        self, full_only: bool = True, region: Any = None, indices: ArrayLike | None = None
    ) -> float:
        """Return the integral over the domain, a region or some triangles, unit*m2."""
        if self.on_stock_arrays or region is not None or indices is not None:
            return super().get_integral(full_only, region, indices)
        return integral(self.domain, self.centroid_values, full_only=full_only)

    @unless_on_stock_arrays
    def get_interpolated_values(
        self, interpolation_points: Any, use_cache: bool = False, verbose: bool = False
    ) -> Array:
        """Return values at points (absolute x, y, m); see ANUGA's method."""
        if isinstance(interpolation_points, Geospatial_data):
            interpolation_points = interpolation_points.get_data_points(absolute=True)
        points = self.domain.geo_reference.get_relative(interpolation_points)

        def corner_values(ks: NDArray[np.int64]) -> Array:
            return self.form("vertex").rows(self.domain, ks).reshape(-1)

        return self.domain.get_interpolation_object().interpolate_rows(
            corner_values, points, verbose=verbose)

    def get_extremum_index(self, mode: str | None = None, indices: Any = None) -> int:
        """Return the triangle of the largest ('max') or smallest ('min') centroid value."""
        if indices is not None or mode not in (None, "max", "min"):
            return super().get_extremum_index(mode, indices)
        values = self.centroid_values
        found: Any = np.argmin(values) if mode == "min" else np.argmax(values)
        return found

    def get_maximum_value(self, indices: Any = None) -> float:
        """Return the largest centroid value, of all or some triangles."""
        return self.centroid_values[self.get_maximum_index(indices)]

    def get_minimum_value(self, indices: Any = None) -> float:
        """Return the smallest centroid value, of all or some triangles."""
        return self.centroid_values[self.get_minimum_index(indices)]

    def save_to_array(self, *args: Any, **kwargs: Any) -> tuple[Array, Array, Array]:
        """Interpolate to a regular grid; see ANUGA's method."""

        def get_vertex_values(**options: Any) -> tuple[NDArray[Any], ...]:
            return tuple(np.asarray(a) for a in self.get_vertex_values(**options))

        stand_in = RealArrays(self, get_vertex_values=get_vertex_values)
        return _StockQuantity.save_to_array(stand_in, *args, **kwargs)

    # -- arithmetic -----------------------------------------------------------

    def _operand(self, other: Any) -> Quantity | None:
        """Return `other` as a lean quantity of this domain, None where ANUGA's code must do."""
        if self.on_stock_arrays:
            return None
        if not isinstance(other, _StockQuantity):
            q = Quantity(self.domain)
            q.set_values(other)
            other = q
        usable = isinstance(other, Quantity) and not other.on_stock_arrays
        return other if usable and other.domain is self.domain else None

    @telling("a quantity of two others")
    def _result(self, operation: forms.Operation, other: Quantity) -> Quantity:
        """Return a quantity of `operation` applied at each location separately."""
        result = Quantity(self.domain)
        # Monitors read centroids only, and no edge value leads to one.
        without_edges = getattr(self.domain, "_lean_monitoring", False)
        for place in ("vertex",) if without_edges else ("edge", "vertex"):
            form = forms.combined(operation, self.form(place), other.form(place), self.domain)
            setattr(result, "_" + place, form)
        result._centroid_values = operation(self.centroid_values, other.centroid_values)
        return result

    @unless_on_stock_arrays
    def __neg__(self) -> Quantity:
        result = Quantity(self.domain)
        result._vertex = forms.combined(_Negated(), self.form("vertex"), forms.ZERO, self.domain)
        result.interpolate()
        return result

    @telling("a quantity of two others")
    def __add__(self, other: Any) -> Quantity:
        q = self._operand(other)
        if q is None:
            return super().__add__(other)
        result = Quantity(self.domain)
        result._vertex = forms.combined(
            np.add, self.form("vertex"), q.form("vertex"), self.domain
        )
        result.interpolate()
        return result

    def __mul__(self, other: Any) -> Quantity:
        q = self._operand(other)
        return super().__mul__(other) if q is None else self._result(np.multiply, q)

    def __truediv__(self, other: Any) -> Quantity:
        q = self._operand(other)
        return super().__truediv__(other) if q is None else self._result(_Divided(), q)

    def __pow__(self, other: Any) -> Quantity:
        if self.on_stock_arrays or not isinstance(other, Real):
            return super().__pow__(other)
        return self._result(_Power(other), self)

    def maximum(self, other: Any) -> Quantity:
        """Raise the values to those of `other` where they are lower; return self."""
        return self._keep(np.maximum, "maximum", other)

    def minimum(self, other: Any) -> Quantity:
        """Lower the values to those of `other` where they are higher; return self."""
        return self._keep(np.minimum, "minimum", other)

    @telling("a quantity of two others")
    def _keep(self, operation: np.ufunc, name: str, other: Any) -> Quantity:
        q = self._operand(other)
        if q is None:
            with self._writing():
                return getattr(super(), name)(other)
        result = self._result(operation, q)
        self._vertex, self._edge = result._vertex, result._edge
        self._remember(self.centroid_values.copy())
        self.centroid_values[:] = result.centroid_values
        self.compact()
        return self

    # -- ANUGA's compiled functions -------------------------------------------

    def _run(self, function: Callable[..., None], *args: Any) -> None:
        """Run a compiled function of ANUGA that may write vertex and edge values."""
        self._hold_gradients()
        self.form("edge")  # raises where there are no edge values: these functions need them
        with self._writing():
            function(RealArrays(self, domain=RealArrays(self.domain)), *args)

    def run_compiled(self, *args: Any, function: Callable[..., None], **options: Any) -> None:
        """Run a compiled function of ANUGA that a script calls by itself."""
        real = [RealArrays(each) if isinstance(each, Quantity) else each for each in args]
        with self._writing():
            function(RealArrays(self, domain=RealArrays(self.domain)), *real, **options)

    def _read(self, function: Callable[..., None]) -> None:
        """Run a compiled function of ANUGA that writes neither."""
        self._hold_gradients()
        function(
            RealArrays(
                self,
                domain=RealArrays(self.domain),
                vertex_values=elements_of(self.vertex_values),
                edge_values=elements_of(self.edge_values),
            )
        )

    def compute_gradients(self) -> None:
        """Set x_gradient and y_gradient from the centroid values of neighbours."""
        self._read(_stock_kernels.compute_gradients)

    def compute_local_gradients(self) -> None:
        """Set x_gradient and y_gradient from the vertex values."""
        corners = self.form("vertex")
        if self.on_stock_arrays or not corners.lasting:
            self._read(_stock_kernels.compute_local_gradients)
        else:
            self._x_gradient = GradientView(self, corners, 0)
            self._y_gradient = GradientView(self, corners, 1)

    def extrapolate_second_order(self) -> None:
        """Set vertex and edge values from centroid values and gradients."""
        self.compute_gradients()
        self._run(_stock_kernels.extrapolate_from_gradient)

    def extrapolate_second_order_and_limit_by_edge(self) -> None:
        """Set vertex and edge values, limited by edge values."""
        work = (np.zeros(len(self)) for _ in range(3))
        self._run(_stock_kernels.extrapolate_second_order_and_limit_by_edge, *work)

    def extrapolate_second_order_and_limit_by_vertex(self) -> None:
        """Set vertex and edge values, limited by vertex values."""
        work = (np.zeros(len(self)) for _ in range(3))
        self._run(_stock_kernels.extrapolate_second_order_and_limit_by_vertex, *work)

    def limit(self) -> None:
        """Limit vertex values by the centroid values around."""
        self._run(_stock_kernels.limit_old)

    def limit_vertices_by_all_neighbours(self) -> None:
        """Limit vertex values by the centroid values of all neighbours."""
        self._run(_stock_kernels.limit_vertices_by_all_neighbours)

    def limit_edges_by_all_neighbours(self) -> None:
        """Limit edge values by the centroid values of all neighbours."""
        self._run(_stock_kernels.limit_edges_by_all_neighbours)

    def limit_edges_by_neighbour(self) -> None:
        """Limit each edge value by the neighbour's centroid value."""
        self._run(_stock_kernels.limit_edges_by_neighbour)

    def bound_vertices_below_by_constant(self, bound: float) -> None:
        """Keep vertex values at or above `bound`."""
        self._run(_stock_kernels.bound_vertices_below_by_constant, bound)

    def bound_vertices_below_by_quantity(self, quantity: Quantity) -> None:
        """Keep vertex values at or above those of `quantity`."""
        if quantity.domain is not self.domain:
            raise QuantityError(
                f"{self.name!r} cannot be bounded by {quantity.name!r} of another domain."
            )
        self._run(_stock_kernels.bound_vertices_below_by_quantity, RealArrays(quantity))

    def update(self, timestep: float) -> None:
        """Advance centroid values by the updates; `timestep` in s."""
        _stock_kernels.update(
            RealArrays(
                self,
                explicit_update=elements_of(self.explicit_update),
                semi_implicit_update=elements_of(self.semi_implicit_update),
            ),
            timestep,
        )

    def backup_centroid_values(self) -> None:
        """Copy centroid values to centroid_backup_values."""
        self.writable_update("centroid_backup_values")[:] = self.centroid_values

    def saxpy_centroid_values(self, a: float, b: float) -> None:
        """Set centroid values to a times themselves plus b times the backup."""
        _stock_kernels.saxpy_centroid_values(RealArrays(self), a, b)


@lasting("Negated")
class _Negated:
    """Changing the sign."""

    def __call__(self, values: Array, _: Array) -> Array:
        return -values


@lasting("Divided")
class _Divided:
    """As ANUGA divides quantities: by a little more, so that 0 is no divisor."""

    def __call__(self, numerator: Array, denominator: Array) -> Array:
        return numerator / (denominator + epsilon)


@lasting("Power")
class _Power:
    """A power with a number as exponent, with numpy's special cases for 2, 0.5 and -1."""

    def __init__(self, exponent: Any) -> None:
        self.exponent = exponent

    def __call__(self, base: Array, _: Array) -> Array:
        return base**self.exponent


Quantity.__module__ = _StockQuantity.__module__
