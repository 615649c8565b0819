"""Sets the values of a quantity.

Owns set_values in all its forms, and interpolation between centroids, vertices
and edges, where ANUGA's own code would hold, or need, real (n, 3) arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from anuga.abstract_2d_finite_volumes.quantity import Quantity as _StockQuantity
from anuga.caching import cache
from anuga.geospatial_data.geospatial_data import ensure_absolute
from anuga.utilities import log
from anuga.utilities.numerical_tools import ensure_numeric, is_scalar
from numpy.typing import ArrayLike, NDArray

from anuga_lean._errors import QuantityError, UnsupportedFeature
from anuga_lean._kernels import release_free_memory
from anuga_lean.arrays.stock_arrays import unless_on_stock_arrays
from anuga_lean.arrays.view import ArrayView
from anuga_lean.memory_limits import stage
from anuga_lean.quantity import forms
from anuga_lean.quantity.compact import CompactQuantity
from anuga_lean.quantity.forms import Array, Stored
from anuga_lean.quantity.views import RealArrays

Indices = Sequence[int] | NDArray[np.integer[Any]]   # of triangles or nodes

# The temporaries of a smaller quantity are a few MB, less than the search for them is worth.
_FEWEST_TRIMMED = 50_000


class SettableQuantity(CompactQuantity):
    """A compact quantity that takes values as ANUGA's does."""

    @stage(lambda quantity, *args, **kwargs: f"setting the quantity {quantity.name!r}",
           lambda quantity, *args, **kwargs: len(quantity))
    def set_values(self, numeric: Any = None, *args: Any, **kwargs: Any) -> None:
        """Set values from any source ANUGA's set_values takes, in the same way."""
        if isinstance(numeric, ArrayView):
            numeric = np.asarray(numeric)
        with self._writing():
            super().set_values(numeric, *args, **kwargs)
        if not self._depth and len(self) >= _FEWEST_TRIMMED:
            release_free_memory()

    def set_values_from_constant(
        self, X: float, location: str, indices: Indices | None, verbose: bool
    ) -> None:
        """Set values from one number; on all vertices, in O(1) memory."""
        everywhere = indices is None and np.ndim(X) == 0
        if self.on_stock_arrays or location == "centroids":
            super().set_values_from_constant(X, location, indices, verbose)
        elif location != "unique vertices":
            if everywhere:
                self._vertex = forms.Constant(X)
            else:
                with self._writing():
                    super().set_values_from_constant(X, location, indices, verbose)
        elif everywhere:
            self.form("edge")
            self._edge = forms.Constant(X)  # the edges, as in ANUGA
        elif indices is not None and len(indices):
            self._set_nodes(indices, X)
            self.interpolate()

    def set_values_from_array(
        self,
        values: ArrayLike,
        location: str = "vertices",
        indices: Indices | None = None,
        use_cache: bool = False,
        verbose: bool = False,
    ) -> None:
        """Set values from an array, shaped as for ANUGA's method."""
        if not self.on_stock_arrays and location == "vertices" and indices is None:
            values = np.array(values, float, order="C")
            if values.shape == (len(self), 3):
                self._vertex = forms.smallest(Stored(values), self.domain)
                return
        with self._writing():
            super().set_values_from_array(values, location, indices, use_cache, verbose)

    def set_values_from_quantity(
        self, q: _StockQuantity, location: str, indices: Indices | None, verbose: bool
    ) -> None:
        """Set values from the vertex values of another quantity."""
        lean = isinstance(q, CompactQuantity) and not q.on_stock_arrays and not self.on_stock_arrays
        if not lean or indices is not None or q.domain is not self.domain:
            with self._writing():
                super().set_values_from_quantity(q, location, indices, verbose)
            return
        vertex = forms.smallest(q.form("vertex"), self.domain)
        if isinstance(vertex, Stored):
            vertex.shared = True
        self._vertex = vertex
        self.interpolate()

    def set_values_from_function(
        self,
        f: Callable[[Array, Array], ArrayLike],
        location: str = "vertices",
        indices: Indices | None = None,
        use_cache: bool = False,
        verbose: bool = False,
    ) -> None:
        """Set values from `f(x, y)`, called with coordinates, m, relative to the origin.

        Notes
        -----
        Called once with all of them, as in ANUGA, up to 4 million triangles
        (`from_function.largest_call`), and for parts of the mesh beyond.  `x` and `y`
        are columns of one array, as in ANUGA: numpy's functions may give other bits
        for arrays of another stride.
        """
        from anuga_lean.quantity import from_function

        in_parts = indices is None and use_cache is not True and not self.on_stock_arrays \
            and len(self) > from_function.largest_call()
        if self.on_stock_arrays or (location == "centroids" and indices is not None):
            super().set_values_from_function(f, location, indices, use_cache, verbose)
        elif location == "centroids":
            values = from_function.at_centroids(f, self.domain) if in_parts else None
            if values is None:
                values = self._evaluated(
                    f, self.domain.get_centroid_coordinates(), use_cache, verbose)
            self.set_values(values, location=location)
        elif location == "vertices":
            if verbose is True and use_cache is not True:
                log.info("Evaluating function in set_values")
            form = from_function.at_vertices(f, self.domain) if in_parts else None
            if form is not None:
                self._vertex = form
                return
            values = self._evaluated(
                f, self.domain.get_vertex_coordinates(), use_cache, verbose
            )
            if is_scalar(values):
                self.set_values_from_constant(values, location, indices, verbose)
            else:
                self._set_vertices(values, indices)
        else:
            raise UnsupportedFeature(
                f"A function can set values at vertices or centroids, not at {location!r}."
            )

    @staticmethod
    def _evaluated(
        f: Callable[[Array, Array], ArrayLike], points: Any, use_cache: bool, verbose: bool
    ) -> Any:
        xy = np.asarray(points)
        x, y = xy[:, 0], xy[:, 1]
        return cache(f, (x, y), verbose=verbose) if use_cache is True else f(x, y)

    @staticmethod
    def _say_fitted(verbose: bool) -> None:
        if verbose:
            log.info("Applying fitted data to quantity")

    def _set_vertices(self, values: Any, indices: Indices | None) -> None:
        """Set vertex i of triangle k to `values[3*k + i]`, for all k or those of `indices`."""
        n = len(self)
        if indices is None and isinstance(values, np.ndarray) and values.shape == (3 * n,):
            array = np.ascontiguousarray(values, float).reshape(n, 3)
            form = forms.smallest(Stored(array), self.domain)
            if isinstance(form, Stored) and np.may_share_memory(array, values):
                form = Stored(array.copy())
            self._vertex = form
            return
        with self._writing():
            vertex = self._own("vertex")
            if indices is None:
                for i in range(3):
                    vertex[:, i] = values[i::3]
            else:
                for k in indices:
                    for i in range(3):
                        vertex[k, i] = values[3 * k + i]

    @unless_on_stock_arrays
    def set_vertex_values(
        self,
        A: ArrayLike,
        indices: Indices | None = None,
        use_cache: bool = False,
        verbose: bool = False,
    ) -> None:
        """Set vertex values from one value per node, or for the nodes `indices`."""
        values: Array = ensure_numeric(A, float)
        wanted = (self.domain.number_of_nodes if indices is None else len(indices),)
        if values.shape != wanted:
            raise QuantityError(
                f"One value is needed for each of {wanted[0]} nodes, not an array of "
                f"{values.shape}."
            )
        if indices is None:
            self._vertex = forms.per_node(values.copy())
        else:
            self._set_nodes(indices, values)
        self.interpolate()

    def _set_nodes(self, indices: Indices, values: ArrayLike) -> None:
        """Set the vertex values at the nodes `indices`."""
        number_of_nodes = self.domain.number_of_nodes
        chosen = np.asarray(indices).astype(np.int64)
        present = self.form("vertex")
        if isinstance(present, (forms.Constant, forms.PerNode)):
            nodes = np.empty(number_of_nodes)
            nodes[:] = present.value if isinstance(present, forms.Constant) else present.values
            nodes[chosen] = values
            self._vertex = forms.per_node(nodes)
            return
        nodes, is_chosen = np.zeros(number_of_nodes), np.zeros(number_of_nodes, bool)
        nodes[chosen], is_chosen[chosen] = values, True
        with self._writing():
            vertex = self._own("vertex")
            for ks in forms.chunks(self.domain):
                triangles = self.domain.mesh.triangles[ks]
                mask = is_chosen[triangles]
                vertex[ks][mask] = nodes[triangles[mask]]

    def _from_stock(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Run ANUGA's method `name` on a stand-in whose arrays are real."""
        with self._writing():
            getattr(_StockQuantity, name)(
                RealArrays(self, domain=RealArrays(self.domain)), *args, **kwargs)

    def set_values_from_utm_grid_file(
        self, filename: str, location: str = "vertices", indices: Indices | None = None,
        verbose: bool = False,
    ) -> None:
        """Interpolate from a grid file (.asc, .grd, .dem); see ANUGA's method."""
        from anuga_lean.quantity import from_raster

        whole = indices is not None or self.on_stock_arrays
        values_at = None if whole else from_raster.file_values(filename)
        if values_at is None:
            self._from_stock(
                "set_values_from_utm_grid_file", filename, location, indices, verbose)
        else:
            self._set_everywhere(values_at, location)
            self._say_fitted(verbose)

    def set_values_from_utm_raster(
        self, raster: Any, location: str = "centroids", indices: Indices | None = None,
        verbose: bool = False,
    ) -> None:
        """Interpolate from a raster `(x, y, Z)`; see ANUGA's method."""
        from anuga_lean.quantity import from_raster

        whole = indices is not None or self.on_stock_arrays
        values_at = None if whole else from_raster.raster_values(*raster)
        if values_at is None:
            self._from_stock("set_values_from_utm_raster", raster, location, indices, verbose)
        else:
            self._set_everywhere(values_at, location)
            self._say_fitted(verbose)

    def set_values_from_tif_file(
        self, filename: str, location: str = "centroids", indices: Indices | None = None,
        verbose: bool = False,
    ) -> None:
        """Sample a GeoTIFF file; see ANUGA's method."""
        from anuga_lean.quantity import from_raster

        whole = indices is not None or self.on_stock_arrays
        values_at = None if whole else from_raster.tif_values(filename, self.domain)
        if values_at is None:
            self._from_stock("set_values_from_tif_file", filename, location, indices, verbose)
        else:
            self._set_everywhere(values_at, location)
            self._say_fitted(verbose)

    def _set_everywhere(self, values_at: Callable[[Array], Array], location: str) -> None:
        """Set values from a function of points, (m, 2) m absolute, a part at a time."""
        from anuga_lean.quantity import from_function

        with self._writing():
            if location == "centroids":
                for ks, values in self._evaluated_in_parts(values_at, "centroid_coordinates", 1):
                    self.centroid_values[ks] = values
                return
            corners = from_function.CornerValues(self.domain)
            for ks, values in self._evaluated_in_parts(values_at, "vertex_coordinates", 3):
                corners.put(ks.start, np.asarray(values, float).reshape(-1, 3))
            self._vertex = corners.finish()
            self.interpolate()

    def _evaluated_in_parts(
        self, values_at: Callable[[Array], Array], coordinates: str, per: int
    ) -> Iterator[tuple[slice, Array]]:
        from anuga_lean.quantity import from_raster

        view, reference = getattr(self.domain, coordinates), self.domain.geo_reference
        for ks in from_raster.parts(self.domain):
            points = np.array(view[per * ks.start : per * ks.stop])
            yield ks, values_at(ensure_absolute(points, geo_reference=reference))

    def set_values_from_lat_long_grid_file(self, *args: Any, **kwargs: Any) -> None:
        """Interpolate from a grid file in degrees; see ANUGA's method."""
        self._from_stock("set_values_from_lat_long_grid_file", *args, **kwargs)

    def set_boundary_values_from_edges(self) -> None:
        """Set boundary values to the edge values of the triangles inside, in place."""
        if self.name == "elevation" and self._is_stepped():
            noted = self.domain.lean.edges.boundary_bed()
            if noted is not None:
                self.boundary_values[:] = noted
                return
        ks = np.asarray(self.domain.boundary_cells, dtype=np.int64)
        edges = np.asarray(self.domain.boundary_edges, dtype=np.int64)
        rows = self.form("edge").rows(self.domain, ks)
        self.boundary_values[:] = rows[np.arange(ks.size), edges]

    # -- interpolation --------------------------------------------------------

    @unless_on_stock_arrays
    def interpolate(self) -> None:
        """Set centroid and edge values from the vertex values."""
        if self._vertex is None and self._edge is None:
            return
        self._vertex = forms.smallest(self.form("vertex"), self.domain)
        if not self._depth:
            self._remember(self.centroid_values.copy())
        forms.centroid_means(self._vertex, self.domain, self.centroid_values)
        if self._edge is not None:
            self._edge = forms.midpoints(self._vertex, self.domain)

    def interpolate_old(self) -> None:
        """Do the same as `interpolate`."""
        self.interpolate()

    @unless_on_stock_arrays
    def interpolate_from_vertices_to_edges(self) -> None:
        """Set edge values from the vertex values."""
        if self._edge is not None:
            self._vertex = forms.smallest(self.form("vertex"), self.domain)
            self._edge = forms.midpoints(self._vertex, self.domain)

    @unless_on_stock_arrays
    def interpolate_from_edges_to_vertices(self) -> None:
        """Set vertex values from the edge values."""
        if self._edge is not None:
            self._vertex = forms.smallest(forms.Corners(self._edge), self.domain)

    @unless_on_stock_arrays
    def extrapolate_first_order(self) -> None:
        """Set vertex and edge values to the centroid values."""
        if self._edge is not None:
            self._vertex = self._edge = forms.per_triangle(self.centroid_values)
            self._hold_gradients()
            if self._x_gradient is not None:
                self._x_gradient[:] = 0.0
                self._y_gradient[:] = 0.0
