"""ANUGA's Kinematic_viscosity_operator without the matrices it keeps.

Owns when the operator's arrays exist: from the moment something asks for one
to the end of the next step.  A step makes only the one matrix it multiplies with,
chunk by chunk; the equations are solved by ANUGA's own conjugate gradients.
A domain that runs on ANUGA's kernels gets exactly ANUGA's operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from anuga.operators import kinematic_viscosity_operator as _stock
from anuga.operators.base_operator import Operator
from anuga.operators.kinematic_viscosity_operator import (
    Kinematic_viscosity_operator as _StockOperator,
)
from anuga.utilities.sparse import Sparse_CSR
from numpy.typing import NDArray

from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.quantity_values import Array
from anuga_lean.quantity_views import RealArrays

# Building a row takes some 700 bytes: this many at a time stay in the cache.
_ROWS_PER_CHUNK = 4096


class Kinematic_viscosity_operator(_StockOperator):
    """Adds the viscous term to the momenta once per step; see ANUGA's class.

    Parameters
    ----------
    domain : anuga.Domain
    diffusivity : str, float, Quantity or None
        Of the velocities, m2/s; by default the quantity 'height'.
    use_triangle_areas, add_safety, verbose : bool
        As in ANUGA.

    Notes
    -----
    `geo_structure_indices`, `geo_structure_values`, `operator_data`,
    `operator_colind`, `operator_rowptr`, `elliptic_matrix`, `triangle_areas`
    and `boundary_term` are arrays of ANUGA's own code.  They are made when
    asked for, the matrix from the present diffusivity, and let go after the
    next step.
    """

    _stepping = False

    def __init__(self, domain: Any, *args: Any, **kwargs: Any) -> None:
        if domain.lean is not None and capabilities().viscosity_forms:
            domain.use_stock_kernels("kinematic viscosity in the forms of this ANUGA")
        if domain.lean is None:
            super().__init__(domain, *args, **kwargs)
            return
        self._init_lean(domain, *args, **kwargs)

    def _init_lean(
        self,
        domain: Any,
        diffusivity: Any = "height",
        use_triangle_areas: bool = True,
        add_safety: bool = False,
        verbose: bool = False,
    ) -> None:
        Operator.__init__(self, domain)
        self.mesh = domain.mesh
        self.boundary = domain.boundary
        self.boundary_enumeration = domain.boundary_enumeration
        self.diffusivity = _diffusivity(domain, diffusivity)
        self.add_safety = add_safety
        self.smooth = 0.1
        self.n = len(domain)
        self.n_full = domain.number_of_full_triangles
        self.dt = self.dt_apply = 0.0
        self.boundary_len = len(domain.boundary)
        self.tot_len = self.n + self.boundary_len
        self.verbose = verbose
        self.set_triangle_areas(use_triangle_areas)
        self.qty_considered = 1
        self.parabolic = False
        self.u_stats = self.v_stats = None

    # -- arrays that come and go -----------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name not in _MADE or "tot_len" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        _MADE[name](self)
        return self.__dict__[name]

    def _make_geometry(self) -> None:
        self.geo_structure_indices = np.zeros((self.n, 3), int)
        self.geo_structure_values = np.zeros((self.n, 3))
        _stock.kinematic_viscosity_operator_ext.build_geo_structure(self)

    def _make_matrix(self) -> None:
        self.operator_data = np.zeros(4 * self.n)
        self.operator_colind = np.zeros(4 * self.n, int)
        self.operator_rowptr = 4 * np.arange(self.n + 1)
        self.build_elliptic_matrix(self.diffusivity)

    def _make_areas(self) -> None:
        inverse, place = 1.0 / np.asarray(self.mesh.areas), np.arange(self.n + 1)
        self.triangle_areas = Sparse_CSR(None, inverse, place[:-1].copy(), place, self.n, self.n)

    def _make_boundary_term(self) -> None:
        self.boundary_term = np.zeros(self.n)

    def _make_workspace(self) -> None:
        self._kv_V = np.zeros(self.tot_len)

    def forget_arrays(self) -> None:
        """Let go of every array that can be made again."""
        for name in (*_MADE, "_row_of", "_system"):
            self.__dict__.pop(name, None)
        self.mesh = self.domain.mesh

    # -- a step ------------------------------------------------------------------

    def __call__(self) -> None:
        """Advance the velocities by one implicit step of length `dt`, s."""
        if self.domain.lean is None:
            super().__call__()
            return
        self._stepping = True
        try:
            super().__call__()
        finally:
            self._stepping = False
            self.forget_arrays()

    def update_elliptic_matrix(self, a: Any = None) -> None:
        """Take the diffusivity from the Quantity `a`, or 1 m2/s."""
        if not self._stepping:
            super().update_elliptic_matrix(a)
            return
        self._row_of = _Rows(self.domain, a)
        self._system: Sparse_CSR | None = None
        if self.domain.numproc > 1:
            # Each rank multiplies with this, and divides by the areas, in every iteration.
            self.elliptic_matrix = self._whole_matrix()
            self.mesh = RealArrays(self.domain.mesh, areas=self._row_of.areas)

    def _update_elliptic_boundary_term(self, b: Array) -> None:
        """Set `boundary_term` to what boundary values `b`, (boundary_length,), add."""
        if not self._stepping:
            super()._update_elliptic_boundary_term(b)
            return
        cells = np.asarray(self.domain.boundary_cells, np.int64)
        edges = np.asarray(self.domain.boundary_edges, np.int64)
        _, values = self._row_of(cells)
        self.boundary_term = np.zeros(self.n)
        # In the order of the edges, as ANUGA's product adds up a row.
        np.add.at(self.boundary_term, cells, values[np.arange(len(cells)), edges] * b)
        if self.apply_triangle_areas:
            inside = np.unique(cells)
            self.boundary_term[inside] *= 1.0 / self._row_of.areas[inside]

    def _build_parabolic_csr(self, *args: Any, **kwargs: Any) -> Sparse_CSR:
        """Return I - dt*A/areas over the triangles; the same for both velocities."""
        if not self._stepping:
            return super()._build_parabolic_csr(*args, **kwargs)
        if self._system is None:
            self._system = self._parabolic_system()
        return self._system

    def _parabolic_system(self) -> Sparse_CSR:
        n, areas = self.n, self._row_of.areas
        starts = np.zeros(n + 1, np.int64)
        np.cumsum(4 - np.bincount(self.domain.boundary_cells, minlength=n), out=starts[1:])
        data, columns = np.empty(starts[-1]), np.empty(starts[-1], np.int64)
        for ks in _chunks(n):
            column, value = _sorted_rows(*self._row_of(ks))
            inside = column < n
            chosen = column[inside]
            values = -self.dt * value[inside]
            if self.apply_triangle_areas:
                values /= areas[chosen]
            values[(column == ks[:, np.newaxis])[inside]] += 1.0
            part = slice(starts[ks[0]], starts[ks[-1] + 1])
            data[part], columns[part] = values, chosen
        return Sparse_CSR(None, data, columns, starts, n, n)

    def _whole_matrix(self) -> Sparse_CSR:
        """Return the matrix of div(a grad), columns for boundary edges included."""
        n = self.n
        data, columns = np.empty((n, 4)), np.empty((n, 4), np.int64)
        for ks in _chunks(n):
            columns[ks], data[ks] = _sorted_rows(*self._row_of(ks))
        starts = 4 * np.arange(n + 1)
        return Sparse_CSR(None, data.ravel(), columns.ravel(), starts, n, self.tot_len)


_MADE = {
    "geo_structure_indices": Kinematic_viscosity_operator._make_geometry,
    "geo_structure_values": Kinematic_viscosity_operator._make_geometry,
    "operator_data": Kinematic_viscosity_operator._make_matrix,
    "operator_colind": Kinematic_viscosity_operator._make_matrix,
    "operator_rowptr": Kinematic_viscosity_operator._make_matrix,
    "elliptic_matrix": Kinematic_viscosity_operator._make_matrix,
    "triangle_areas": Kinematic_viscosity_operator._make_areas,
    "boundary_term": Kinematic_viscosity_operator._make_boundary_term,
    "_kv_V": Kinematic_viscosity_operator._make_workspace,
}
Kinematic_viscosity_operator.__module__ = _StockOperator.__module__


class _Rows:
    """Rows of the matrix of div(a grad), from the mesh and a diffusivity.

    Parameters
    ----------
    domain : anuga_lean.domain.Domain
    a : Quantity
        Its centroid and boundary values are read when rows are asked for.
    """

    def __init__(self, domain: Any, a: Any) -> None:
        self.domain = domain
        self.a = a
        self.xy = np.asarray(domain.mesh.centroid_coordinates)
        self.areas = np.asarray(domain.mesh.areas)

    def __call__(self, ks: NDArray[np.int64]) -> tuple[NDArray[np.int64], Array]:
        """Return columns and values of rows `ks`: (m, 4) int64 and float64.

        Entries 0 to 2 belong to the edges, 3 to the triangle itself; boundary
        edge j has column number_of_triangles + j.
        """
        mesh, h = self.domain.mesh, self.a.centroid_values
        neighbour = mesh.neighbours[ks]
        inside = neighbour >= 0
        other, edge = np.where(inside, neighbour, 0), np.where(inside, 0, -1 - neighbour)
        place = (3 * ks[:, np.newaxis] + np.arange(3)).ravel()
        far = mesh.edge_midpoint_coordinates[place].reshape(-1, 3, 2)
        far = np.where(inside[..., np.newaxis], self.xy[other], far)
        step = self.xy[ks][:, np.newaxis] - far
        distance = np.sqrt(step[..., 0] * step[..., 0] + step[..., 1] * step[..., 1])
        geometry = -mesh.edgelengths[ks] / distance
        beyond = np.where(inside, h[other], self.a.boundary_values[edge])
        weight = 0.5 * (h[ks][:, np.newaxis] + beyond) * geometry
        value = np.empty((len(ks), 4))
        np.negative(weight, out=value[:, :3])
        value[:, 3] = 0.0 + weight[:, 0] + weight[:, 1] + weight[:, 2]
        value[h[ks] <= 0.0] = 0.0
        column = np.empty((len(ks), 4), np.int64)
        column[:, :3] = np.where(inside, neighbour, self.domain.number_of_triangles + edge)
        column[:, 3] = ks
        return column, value


def _chunks(n: int) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of n rows, some at a time."""
    for start in range(0, n, _ROWS_PER_CHUNK):
        yield np.arange(start, min(start + _ROWS_PER_CHUNK, n))


def _sorted_rows(
    column: NDArray[np.int64], value: Array
) -> tuple[NDArray[np.int64], Array]:
    """Return both with each row in ascending order of its columns."""
    place = 4 * column + np.arange(4)
    place.sort(axis=1)
    return place >> 2, np.take_along_axis(value, place & 3, axis=1)


def _diffusivity(domain: Any, given: Any) -> Any:
    """Return the Quantity that `given` stands for."""
    if isinstance(given, str):
        return domain.get_quantity(given)
    if given is None or isinstance(given, (int, float)):
        quantity = _stock.Quantity(domain)
        quantity.set_values(1.0 if given is None else given)
        quantity.set_boundary_values(1.0 if given is None else given)
        return quantity
    if not isinstance(given, _stock.Quantity):
        raise AssertionError(
            f"diffusivity is a quantity, its name, a number or None, not {type(given).__name__}.")
    return given
