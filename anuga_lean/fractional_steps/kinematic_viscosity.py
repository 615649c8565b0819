"""Runs ANUGA's Kinematic_viscosity_operator without the matrices it keeps.

Owns the life of the operator's arrays: from the first read of one to the end of the next
step.  A step makes only the one matrix it multiplies with (`viscosity_matrix`); ANUGA's own
conjugate gradients solve the equations.
Explicit steps are `viscosity_explicit`'s.  A domain that runs on ANUGA's kernels
gets exactly ANUGA's operator.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
from anuga.operators import kinematic_viscosity_operator as _stock
from anuga.operators.kinematic_viscosity_operator import (
    Kinematic_viscosity_operator as _StockOperator,
)
from anuga.utilities.sparse import Sparse_CSR
from numpy.typing import NDArray

from anuga_lean._errors import ModelError
from anuga_lean.arrays.signatures import documented_as
from anuga_lean.fractional_steps import viscosity_explicit
from anuga_lean.fractional_steps.viscosity_matrix import (
    Rows,
    scaled_system,
    symmetric_system,
    whole_matrix,
)
from anuga_lean.memory_limits import count_of, naming, telling
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.quantity.forms import Array
from anuga_lean.quantity.views import RealArrays


class _ArraysFollow(Exception):
    """Raised where ANUGA's constructor has checked its arguments and would make its arrays."""


@documented_as(_StockOperator)
class Kinematic_viscosity_operator(_StockOperator):
    """An operator that adds the viscous term to the momenta once per step; see ANUGA's class.

    Notes
    -----
    On a lean domain `geo_structure_indices`, `geo_structure_values`,
    `operator_data`, `operator_colind`, `operator_rowptr`, `elliptic_matrix`,
    `triangle_areas`, `boundary_term` and the system of the last step but for its
    boundary edges are made when asked for, from the present diffusivity, and let go
    after the next step, read-only from then on.  A write into one that ANUGA's steps read
    turns the domain to ANUGA's kernels and arrays; all others ANUGA overwrites in each step.
    """

    n: int      # triangles
    dt: float   # s
    mesh: Any
    _row_of: Rows   # while a step makes its system
    _constructing = False
    _stepping = False
    _solved_dt: float | None = None         # of the last system that a step has solved, s
    _slip: NDArray[np.int64] = np.zeros(0, np.int64)  # edges 3*k + i taken out of the geometry
    _geo_boundary_objects: list | None = None
    _geo_walls_set = False

    def __init__(self, domain: Any, *args: Any, **kwargs: Any) -> None:
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                with naming("kinematic viscosity", count_of, (domain,)):
                    self._construct(domain, *args, **kwargs)
        except MemoryError:     # ANUGA lists an operator before it is whole
            operators = domain.fractional_step_operators
            operators[:] = [each for each in operators if each is not self]
            raise
        finally:
            for each in said:
                warnings.warn(each.message, each.category, stacklevel=2)

    def _construct(self, domain: Any, *args: Any, **kwargs: Any) -> None:
        """Run ANUGA's constructor, on a lean domain up to its arrays."""
        self._constructing = not domain.on_stock_arrays
        try:
            super().__init__(domain, *args, **kwargs)
        except _ArraysFollow:
            given = inspect.signature(_StockOperator).bind(domain, *args, **kwargs)
            given.apply_defaults()
            self.set_triangle_areas(given.arguments["use_triangle_areas"])
            self.qty_considered = 1
            self.parabolic = False
            self.u_stats = self.v_stats = None
            if self.verbose:
                _stock.log.info("Kinematic Viscosity: Initialisation Done")
        except AssertionError as error:
            wrong = self.__dict__.get("diffusivity")
            if wrong is None or isinstance(wrong, _stock.Quantity):
                raise
            raise ModelError("diffusivity is a quantity, its name, a number or None, "
                             f"not {type(wrong).__name__}.") from error
        finally:
            self.__dict__.pop("_constructing", None)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._constructing and name in _MADE:
            raise _ArraysFollow
        super().__setattr__(name, value)

    # -- arrays that come and go -----------------------------------------------

    def __getattr__(self, name: str) -> Any:
        make = _MADE.get(name)
        if make is None and capabilities().viscosity_forms:
            make = _MADE_OF_FORMS.get(name)
        if make is None or "tot_len" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        make(self)
        return self.__dict__[name]

    def _make_geometry(self) -> None:
        self.geo_structure_indices = np.zeros((self.n, 3), int)
        self.geo_structure_values = np.zeros((self.n, 3))
        _stock.kinematic_viscosity_operator_ext.build_geo_structure(self)
        if capabilities().viscosity_forms:
            self._geo_structure_base = self.geo_structure_values.copy()
            self.geo_structure_values.reshape(-1)[self._slip] = 0.0

    def _make_matrix(self) -> None:
        self.operator_data = np.zeros(4 * self.n)
        self.operator_colind = np.zeros(4 * self.n, int)
        self.operator_rowptr = 4 * np.arange(self.n + 1)
        self.build_elliptic_matrix(self.diffusivity)
        if self._solved_dt is not None and self._is_momentum():
            diffusivity = self.diffusivity + 0.1 if self.add_safety else self.diffusivity
            _stock.kinematic_viscosity_operator_ext.update_elliptic_matrix(
                self, *self._weighted_by_depth(diffusivity))

    def _make_areas(self) -> None:
        inverse, place = 1.0 / np.asarray(self.mesh.areas), np.arange(self.n + 1)
        self.triangle_areas = Sparse_CSR(None, inverse, place[:-1].copy(), place, self.n, self.n)

    def _make_boundary_term(self) -> None:
        self.boundary_term = np.zeros(self.n)

    def _make_workspace(self) -> None:
        self._kv_V = np.zeros(self.tot_len)

    def _make_system(self) -> None:
        if self._solved_dt is None:
            raise AttributeError("nothing has been solved yet")
        dt, self.dt = self.dt, self._solved_dt
        momentum = self._is_momentum()
        height = self.domain.quantities["height"].centroid_values
        try:
            self._build_parabolic_csr(height if momentum else None, momentum)
        finally:
            self.dt = dt

    def _is_momentum(self) -> bool:
        return self.__dict__.get("form") == "momentum"

    def forget_arrays(self) -> None:
        """Drop every array that can be made again, and ANUGA's scratch."""
        held = self.__dict__
        if "_geo_structure_base" in held and "geo_structure_values" in held:
            self._slip = np.flatnonzero(self.geo_structure_values != self._geo_structure_base)
        for name in {*_MADE, *_MADE_OF_FORMS, "_row_of", "_system"} - {"_rhs_bdry"}:
            value = held.pop(name, None)    # _rhs_bdry is as short as the boundary: it stays
            for array in _arrays_of(value) if name in _MADE else ():
                array.flags.writeable = False   # a write would count for nothing
        if held.get("_scratch"):
            from anuga.shallow_water.sw_domain_openmp_ext import kv_scratch_free

            kv_scratch_free(self._scratch.pop("host"))
            self._scratch_walls.clear()
        self.mesh = self.domain.mesh

    def __getstate__(self) -> dict[str, Any]:
        """Return what the rest follows from; the scratch is an address of this process."""
        follows = {"_row_of", "_system", "_free_slip", "_geo_boundary_objects"}
        if not self.domain.on_stock_arrays:
            follows.add("_rhs_bdry")
        state = {name: value for name, value in self.__dict__.items() if name not in follows}
        return state | {name: {} for name in ("_scratch", "_scratch_walls") if name in state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore such a state, or one that ANUGA has pickled with an address in it."""
        self.__dict__.update(state)
        for name in ("_scratch", "_scratch_walls"):
            if name in state:
                self.__dict__[name] = {}

    def _written(self) -> dict[str, Any]:
        """Return what is held and was written to, of what ANUGA's steps read, by name."""
        held = {name: self.__dict__[name] for name in _READ_BY_STEPS if name in self.__dict__}
        if not held:
            return {}
        kept = dict(self.__dict__)
        for name in (*_MADE, *_MADE_OF_FORMS):
            self.__dict__.pop(name, None)
        self.mesh = self.domain.mesh
        try:
            return {name: array for name, array in held.items()
                    if not _equal(array, getattr(self, name))}
        finally:
            self.__dict__.clear()
            self.__dict__.update(kept)

    def _turn_with(self, written: dict[str, Any]) -> None:
        """Turn to ANUGA's kernels and arrays, with those that a script has written to."""
        self.domain.use_stock_kernels(
            f"writing to {', '.join(written)} of Kinematic_viscosity_operator")
        for name in written:
            getattr(self, name)     # is made now: what was written takes its place
        for name, array in written.items():
            if isinstance(array, np.ndarray) and not array.flags.writeable:
                array.flags.writeable = True
            setattr(self, name, array)

    # -- a step ------------------------------------------------------------------

    @telling("kinematic viscosity")
    def __call__(self) -> None:
        """Advance the momenta by the viscous stress over the domain's timestep."""
        explicit = self.__dict__.get("scheme") == "explicit"
        if not (explicit or self.domain.on_stock_arrays):
            written = self._written()
            if written:
                self._turn_with(written)
        if explicit or self.domain.on_stock_arrays:
            super().__call__()
            return
        self._stepping = True
        try:
            if self._is_momentum():
                self._conserving_step()
            else:
                super().__call__()
        finally:
            self._stepping = False
            self.forget_arrays()

    def _conserving_step(self) -> None:
        """Advance the momenta by the stress that the solved velocities give at the edges.

        kinematic_viscosity_operator.py, __call__, which in this form would hold 25
        bytes per triangle more while it solves.
        """
        domain = self.domain
        self.dt += domain.get_timestep()
        if self.dt < self.dt_apply:
            return
        self._update_wall_edges()
        domain.update_centroids_of_velocities_and_height()
        diffusivity = self.diffusivity + 0.1 if self.add_safety else self.diffusivity
        if not np.all(diffusivity.centroid_values >= 0.0):
            raise ModelError("the eddy viscosity is negative or not a number in "
                             f"{np.sum(~(diffusivity.centroid_values >= 0.0))} triangles.")
        self._take_coefficients(*self._weighted_by_depth(diffusivity))
        depth = domain.quantities["height"].centroid_values
        for axis in "xy":
            velocity = domain.quantities[f"{axis}velocity"]
            _, stats = self.parabolic_solve(
                velocity, velocity, diffusivity, u_out=velocity, update_matrix=False,
                output_stats=True, mass=depth, close_dry=True)
            setattr(self, {"x": "u_stats", "y": "v_stats"}[axis], stats)
            u = velocity.centroid_values
            self._exchange_ghost_vector(u)
            stress = self._parabolic_rhs(u, velocity.boundary_values)
            stress -= self._P * u
            stress /= self._areas()
            domain.quantities[f"{axis}momentum"].centroid_values[:] += stress
            del stress
        domain.distribute_to_vertices_and_edges()
        self.dt = 0.0

    def _weighted_by_depth(self, diffusivity: Any) -> tuple[Array, Array]:
        """Return diffusivity times depth at centroids, 0 where it is dry, and at boundary edges."""
        height = self.domain.quantities["height"]
        wet = height.centroid_values > self.domain.minimum_allowed_height
        return (np.where(wet, diffusivity.centroid_values * height.centroid_values, 0.0),
                diffusivity.boundary_values * height.boundary_values)

    def update_elliptic_matrix(self, a: Any = None) -> None:
        """Take the diffusivity from the Quantity `a`, or 1 m2/s."""
        if self._stepping:
            self._take_coefficients(a.centroid_values, a.boundary_values)
        else:
            super().update_elliptic_matrix(a)

    def _take_coefficients(self, cells: Array, edges: Array) -> None:
        """Make the system of this step from these: (n,) and (boundary_length,) float64."""
        self._row_of = Rows(self.domain, cells, edges, self._slip)
        self._system: Sparse_CSR | None = None
        if self.domain.numproc > 1 and not capabilities().viscosity_forms:
            # Each rank multiplies with this, and divides by the areas, in every iteration.
            self.elliptic_matrix = whole_matrix(self._row_of)
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

    def _build_parabolic_csr(
        self, mass: Array | None = None, close_dry: bool = False
    ) -> Sparse_CSR:
        """Return the matrix of the system to solve; it is the same for both velocities."""
        forms = capabilities().viscosity_forms
        if not self._stepping:
            return super()._build_parabolic_csr(*((mass, close_dry) if forms else ()))
        if self._system is not None:
            return self._system
        if not forms:
            self._system = scaled_system(self._row_of, self.dt, self.apply_triangle_areas)
            return self._system
        system = symmetric_system(
            self._row_of, self.dt, lambda empty: self._mass(mass, empty), close_dry)
        self._row_of = None  # type: ignore[assignment]  # nothing reads it before the next step
        self._system = self._P = system.matrix
        self._row_mass, self._rhs_bdry, self._rhs_fixed = system.mass, system.beyond, system.fixed
        self._solved_dt = self.dt
        return self._system

    # -- walls and the explicit scheme, ANUGA 4.2's ------------------------------

    def _update_wall_edges(self) -> None:
        """Take reflective edges out of the geometry when the boundary has changed."""
        objects = getattr(self.domain, "boundary_objects", None)
        if objects is self._geo_boundary_objects and self._geo_walls_set:
            return
        self._slip = np.array([3 * k + i for _, k, i in self._wall_edges()], np.int64)
        if self._stepping and "geo_structure_values" not in self.__dict__:
            self._geo_boundary_objects, self._geo_walls_set = objects, True
        else:
            super()._update_wall_edges()

    def free_slip(self) -> NDArray[np.uint8]:
        """Return 1 at boundary edges over which explicit steps let no stress act: (m,) uint8.

        They are numbered as ANUGA numbers them, by the edges that have a boundary object.
        """
        objects = getattr(self.domain, "boundary_objects", None)
        known = self.__dict__.get("_free_slip")
        if known is None or known[0] is not objects:
            flags = np.zeros(len(self.domain.boundary), np.uint8)
            flags[[j for j, _, _ in self._wall_edges()]] = 1
            known = self._free_slip = objects, flags
        return known[1]

    def _init_explicit(self, nu: float, verbose: bool) -> None:
        """Set up explicit steps with the viscosity `nu`, m2/s."""
        domain = self.domain
        if domain.on_stock_arrays:
            super()._init_explicit(nu, verbose)
            return
        self.mesh = domain.mesh
        self.nu = nu
        self.verbose = verbose
        self.n = len(domain)
        self.u_stats = self.v_stats = None
        self.substeps = 0
        self._scratch: dict[str, int] = {}
        self._scratch_walls: dict[str, Any] = {}
        self.stability_G = viscosity_explicit.stiffness(domain)
        if verbose:
            _stock.log.info(f"Kinematic Viscosity: explicit, nu = {nu:g}, stable for "
                            f"dt <= {self.max_stable_timestep():g}")

    def _explicit_step(self) -> None:
        if self.domain.on_stock_arrays:
            super()._explicit_step()
        else:
            viscosity_explicit.step(self)


def _arrays_of(value: Any) -> list[np.ndarray]:
    """Return the arrays that an attribute is or has."""
    each = [value] if isinstance(value, np.ndarray) else getattr(value, "__dict__", {}).values()
    return [array for array in each if isinstance(array, np.ndarray)]


def _equal(value: Any, other: Any) -> bool:
    """Whether two attributes have the same bits in their arrays."""
    return all([a.tobytes() == b.tobytes() for a, b in zip(
        _arrays_of(value), _arrays_of(other), strict=True)])


# What ANUGA makes once: its steps write to all other arrays before they read them.
_READ_BY_STEPS = ("geo_structure_indices", "geo_structure_values", "operator_colind",
                  "operator_rowptr", "triangle_areas")
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
_MADE_OF_FORMS = {
    "_geo_structure_base": Kinematic_viscosity_operator._make_geometry,
    "_P": Kinematic_viscosity_operator._make_system,
    "_row_mass": Kinematic_viscosity_operator._make_system,
    "_rhs_bdry": Kinematic_viscosity_operator._make_system,
    "_rhs_fixed": Kinematic_viscosity_operator._make_system,
}
Kinematic_viscosity_operator.__module__ = _StockOperator.__module__
