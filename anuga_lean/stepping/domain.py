"""Stands for ANUGA's Domain: the same domain, stepped by lean kernels.

Owns how ANUGA's methods map onto `step.Step` and which of ANUGA's array
attributes are views.  A domain whose `lean` is None runs on ANUGA's kernels
over real arrays; `conversion.py` turns one kind into the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from anuga.operators.kinematic_viscosity_operator import Kinematic_viscosity_operator
from anuga.shallow_water.friction import manning_friction_semi_implicit

from anuga_lean._errors import BoundaryError, ModelError
from anuga_lean._kernels import release_free_memory
from anuga_lean.arrays.stock_arrays import unless_on_stock_arrays
from anuga_lean.memory_limits import count_of, stage
from anuga_lean.mesh.tables import ON_DOMAIN, with_tables
from anuga_lean.overlay.later_attributes import complete
from anuga_lean.stepping import conversion, features, ghosts, guarding, user_methods
from anuga_lean.stepping.bound_state import RECONSTRUCTED
from anuga_lean.stepping.boundary import is_wall, may_look, reflect_velocities
from anuga_lean.stepping.domain_attributes import (
    CheckpointFlag,
    FullFlags,
    MaxSpeed,
    SharedArray,
    Workspace,
    YieldTime,
)
from anuga_lean.stepping.evolving import EvolvingDomain, with_parts_of_step
from anuga_lean.stepping.prescribed import BoundaryLimitMask
from anuga_lean.stepping.shown_edges import ShownEdges
from anuga_lean.stepping.step import Step
from anuga_lean.stepping.sww import move_aside
from anuga_lean.stepping.tracers import DerivedTracerArray, TracerBackup, TracerEdges, TracerSource
from anuga_lean.stepping.wall_edges import EdgeArray
from anuga_lean.stepping.whole_domains import release_left_behind
from anuga_lean.stepping.yield_state import PastState, wanted

# Attributes that are the mesh's own.
_OF_MESH = ("boundary", "boundary_enumeration", "boundary_cells", "boundary_edges",
            "tag_boundary_cells", "geo_reference")
# Attributes that are not pickled.
_TRANSIENT = ("_lean_asked", "_lean_answer", "_lean_edges", "_lean_evolving", "_lean_messages",
              "_lean_interrupts", "_lean_step", "_lean_part_of", "_lean_paused", "_lean_unseen",
              "_lean_step_is_due", "_lean_call", "_lean_distributed", "_lean_own",
              "_lean_last_time", "_lean_idle_steps")


def _leave_to_stock_kernels(domain: LeanDomain) -> None:
    """Turn a domain to stock arrays if it has a feature without a lean kernel."""
    feature = None if domain.on_stock_arrays else features.unsupported(domain)
    if feature is not None:
        domain.use_stock_kernels(feature)


def _leave_set_edges(domain: LeanDomain, what: str) -> None:
    """Turn a domain to stock arrays if `what` uses edge values that were set, or if it must be."""
    _leave_to_stock_kernels(domain)
    if not domain.on_stock_arrays and domain._edges_were_set():
        domain.use_stock_kernels(f"{what} from edge values that were set")


@with_parts_of_step
@with_tables(SharedArray, ON_DOMAIN)
class LeanDomain(EvolvingDomain):
    """The lean half of a Domain, to be mixed in before ANUGA's class.

    Attributes
    ----------
    lean : anuga_lean.stepping.step.Step or None
        What steps this domain; None on stock arrays.
    """

    lean: Step = None           # type: ignore[assignment]
    _lean_constructing = False
    _lean_monitoring = False
    _lean_asked: list = []              # what _may_defer was last asked about
    _lean_answer = False
    _lean_edges: ShownEdges | None = None       # to the boundary that is evaluated just now
    _lean_distributed: user_methods.Distributed | None = None   # up to the fluxes
    _lean_own: frozenset[str] = frozenset()     # methods of a step, on lean kernels
    _lean_messages: dict = {}           # of the exchange with other ranks, by tag

    tri_full_flag = FullFlags()
    node_full_flag = Workspace("node_full_flag")
    _grad_workspace_x = Workspace("_grad_workspace_x")
    _grad_workspace_y = Workspace("_grad_workspace_y")
    _phi_workspace = Workspace("_phi_workspace")
    max_speed = MaxSpeed()
    boundary_limit_mask = BoundaryLimitMask()
    edge_flux_type = EdgeArray("edge_flux_type")
    edge_river_wall_counter = EdgeArray("edge_river_wall_counter")
    checkpoint = CheckpointFlag()
    relative_yieldtime = YieldTime()
    tracer_edge_values = TracerEdges("tracer_edge_values", 3)
    tracer_backup_values = TracerBackup("tracer_backup_values")
    tracer_boundary_flux = DerivedTracerArray("tracer_boundary_flux")
    tracer_external_source = TracerSource("tracer_external_source")

    @stage("the domain", count_of)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lean_constructing = True
        try:
            super().__init__(*args, **kwargs)
        finally:
            self._lean_constructing = False
        if not self.on_stock_arrays:
            # Zeros in pages that were never touched: freed before the quantities are made, they
            # would become one of theirs, which calloc clears, and so touches.
            self.__dict__.pop("boundary_limit_mask", None)
        release_free_memory()
        guard = guarding.guard()
        if guard is not None:
            guard.made(self)

    @property
    def on_stock_arrays(self) -> bool:
        """Whether ANUGA's kernels step this domain, on ANUGA's arrays."""
        return self.lean is None

    def _repr_html_(self) -> str:
        """Return what a notebook shows for this domain."""
        from anuga_lean.stepping import notebook_summary
        return notebook_summary.html_of(self)

    def _init_mesh(self, *args: Any, **kwargs: Any) -> dict:
        found = super()._init_mesh(*args, **kwargs)
        if conversion.is_lean_mesh(self.mesh):
            self.lean = Step(self)
        return found

    @stage("the quantities", count_of)
    def _init_quantities(self, *args: Any, **kwargs: Any) -> None:
        super()._init_quantities(*args, **kwargs)

    @unless_on_stock_arrays
    def _init_parallel(self, *args: Any, **kwargs: Any) -> None:
        ghosts.set_up(self, *args, **kwargs)

    # -- state ---------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return what the rest follows from: some 70 bytes per triangle."""
        self.complete_step()
        state = super().__getstate__()
        for name in _TRANSIENT:
            state.pop(name, None)
        for name in _OF_MESH:
            if state.get(name) is getattr(self.mesh, name, None):
                state.pop(name, None)
        if self._objects_follow():
            del state["boundary_objects"]
            state["_boundary_is_set"] = True
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of a lean domain, or of one of ANUGA's own, which becomes lean."""
        is_set = state.pop("_boundary_is_set", False)
        step = state.pop("lean", None)
        super().__setstate__(state)     # which would have a step forget what it has just got
        self.lean = step
        if "normals" in state and conversion.is_lean_mesh(self.mesh):
            conversion.adopt(self)
            complete(self)
            return
        for name in _OF_MESH:
            if name not in state:
                self.__dict__[name] = getattr(self.mesh, name)
        if is_set:
            self.boundary_objects = self._boundary_objects()
        complete(self)

    def _boundary_objects(self) -> list[tuple]:
        """Return ((triangle, edge), boundary) for each edge with one, as ANUGA lists them."""
        found = [(edge, self.boundary_map[self.boundary[edge]]) for edge in sorted(self.boundary)]
        return [pair for pair in found if pair[1] is not None]

    def _objects_follow(self) -> bool:
        """Whether `boundary_objects` says what `boundary` and `boundary_map` do."""
        held = self.__dict__.get("boundary_objects")
        if held is None or self.boundary_map is None \
                or not set(self.boundary.values()) <= set(self.boundary_map):
            return False
        found = self._boundary_objects()
        return len(found) == len(held) and all(
            [a[0] == b[0] and a[1] is b[1] for a, b in zip(found, held, strict=True)])

    def __copy__(self) -> Any:
        """Return a second domain on the same arrays, as in ANUGA; its kernels run both."""
        self.use_stock_kernels("a shallow copy, which shares the arrays of its original,")
        shared = type(self).__new__(type(self))
        shared.__setstate__(self.__getstate__())
        return shared

    @property
    def _Domain_C_struct(self) -> Any:
        """Return what the kernels were prepared with; None if they have to be prepared."""
        return self.__dict__.get("_Domain_C_struct") if self.on_stock_arrays else self.lean.run

    @_Domain_C_struct.setter
    def _Domain_C_struct(self, value: Any) -> None:
        self.__dict__["_Domain_C_struct"] = value
        if value is None and not self.on_stock_arrays and not self._lean_constructing:
            self.lean.forget_parameters()

    @unless_on_stock_arrays(ask=_leave_to_stock_kernels)
    def update_domain_c_struct(self) -> None:
        """Take the parameters that were changed since the first step."""
        for name in RECONSTRUCTED:
            found = np.shape(self.quantities[name].boundary_values)
            if found != (self.boundary_length,):
                raise BoundaryError(f"{name}.boundary_values has shape {found}, but there are "
                                    f"{self.boundary_length} boundary edges.")
        self.lean.take_parameters()

    def full_flags(self) -> np.ndarray | None:
        """Return 1 for full, 0 for ghost triangles, (n,) uint8; None if there are no ghosts."""
        return self.__dict__.get("_full_flags")

    def has_manning_friction(self) -> bool:
        """Whether ANUGA's Manning friction is among the forcing terms."""
        return manning_friction_semi_implicit in self.forcing_terms

    def shares_steps(self) -> bool:
        """Whether more than friction acts on a step between its fluxes and its update."""
        return bool(
            self._lean_own & user_methods.BETWEEN or self.vegetation_mode
            or self.protect_against_isolated_degenerate_timesteps
            or any([term is not manning_friction_semi_implicit for term in self.forcing_terms]))

    def use_stock_kernels(self, feature: str) -> None:
        """Build ANUGA's arrays and run its kernels from here on; warn once.

        Parameters
        ----------
        feature : str
            What has no lean kernel, as the warning names it.
        """
        if self.on_stock_arrays:
            return
        self.complete_step()
        with user_methods.as_distributed(self):
            conversion.turn_to_stock_arrays(self, feature)

    # -- distribute ----------------------------------------------------------

    def _may_defer(self) -> bool:
        """Whether no code reads the centroid values between distribute and update."""
        if self.verbose or self.boundary_map is None or self.shares_steps():
            return False
        boundaries = list(self.boundary_map.values())
        asked = boundaries + [getattr(boundary, "function", None) for boundary in boundaries]
        if len(asked) != len(self._lean_asked) or any(
                [a is not b for a, b in zip(asked, self._lean_asked, strict=True)]):
            self._lean_asked = asked
            self._lean_answer = not any(
                [may_look(boundary, self.number_of_triangles) for boundary in boundaries])
        return self._lean_answer

    @unless_on_stock_arrays(ask=_leave_to_stock_kernels)
    def distribute_to_vertices_and_edges(self, distribute_to_vertices: bool = True) -> None:
        """Protect the centroid values; edge and vertex values follow on demand."""
        if not distribute_to_vertices:
            self.lean.set_walls(self._walls())
            self._distribute(self._may_defer(), False)
            self._lean_distributed = user_methods.Distributed(self) \
                if self._lean_own & user_methods.BEFORE_FLUXES else None
            return
        self._lean_asked = []  # scripts may bind other names at a yield
        if self._has_nan():
            self.use_stock_kernels("NaN in the centroid values")
            super().distribute_to_vertices_and_edges(distribute_to_vertices)
            return
        self._distribute()

    def _distribute(self, defer: bool = False, at_yield: bool = True) -> None:
        self.lean.distribute(defer, at_yield, wanted(self))
        self._report_lifted(self.lean.lifted() if self.verbose else 0.0)

    def _has_nan(self) -> bool:
        """Whether a centroid value of the state or the bed is NaN; ANUGA runs on with those."""
        return any([np.isnan(np.sum(self.quantities[name].centroid_values))
                    for name in ("stage", "xmomentum", "ymomentum", "elevation", "friction")])

    @unless_on_stock_arrays(ask=_leave_to_stock_kernels)
    def distribute_to_edges(self) -> None:
        """Do the same as `distribute_to_vertices_and_edges`."""
        self._distribute()

    @unless_on_stock_arrays(ask=_leave_to_stock_kernels)
    def distribute_edges_to_vertices(self) -> None:
        """Do nothing: vertex values follow from the edges on demand."""

    @unless_on_stock_arrays(ask=_leave_to_stock_kernels)
    def protect_against_infinitesimal_and_negative_heights(self) -> None:
        """Lift stages to the bed and stop water too shallow to flow."""
        self._report_lifted(self.lean.protect())

    # -- boundary ------------------------------------------------------------

    @stage("the boundary", count_of)
    def set_boundary(self, boundary_map: dict) -> None:
        """Assign a boundary object to every tag; see ANUGA's method."""
        release_left_behind()
        super().set_boundary(boundary_map)

    def _walls(self) -> tuple:
        """Return the tags of the boundaries that the sweep reflects by itself."""
        if self._lean_own & user_methods.BEFORE_FLUXES:
            return ()   # it may write boundary values
        return tuple([tag for tag in self.tag_boundary_cells
                      if is_wall(self.boundary_map[tag])])

    def update_boundary(self) -> None:
        """Let every boundary object write its boundary values."""
        _leave_set_edges(self, "boundary values")
        user_methods.leave_if_written(self)
        if self.on_stock_arrays:
            super().update_boundary()
            return
        reflects = self.lean.edges.in_step and not self._lean_own & user_methods.BEFORE_FLUXES
        if self.number_of_tracers:
            self.update_tracer_boundary_values()
        for tag, edges in self.tag_boundary_cells.items():
            boundary = self.boundary_map[tag]
            if boundary is None or reflects and is_wall(boundary):
                continue
            self.evaluate_boundary(boundary, tag, edges)

    def evaluate_boundary(self, boundary: Any, tag: Any, edges: Any) -> None:
        """Let a boundary object write the boundary values of a tag's edges, (m,) int."""
        if self.on_stock_arrays:
            boundary.evaluate_segment(self, edges)
        else:
            self.lean.segments.evaluate(boundary, tag, edges)

    def reflect_edges(self, ids: Any, vol: Any, edge: Any) -> Any:
        """Write the boundary values of reflective walls.

        Parameters
        ----------
        ids, vol, edge : (m,) int64
            Boundary edges by number, and by triangle and edge.
        """
        user_methods.leave_if_written(self)
        if self.on_stock_arrays:
            return NotImplemented   # ANUGA's kernel does it
        self.lean.ready().reflect(ids, vol, edge)
        reflect_velocities(self, ids, vol, edge)
        return None

    def get_conserved_quantities(self, vol_id: int, vertex: int | None = None,
                                 edge: int | None = None) -> np.ndarray:
        """Return the conserved quantities at the centroid, a vertex or an edge: (3,)."""
        if self._lean_edges is not None and vertex is None and edge is not None \
                and not self.on_stock_arrays:
            found = self._lean_edges.conserved(vol_id, edge)
            if found is not None:
                return found
        return super().get_conserved_quantities(vol_id, vertex, edge)

    # -- fluxes and update ---------------------------------------------------

    @unless_on_stock_arrays(ask=lambda domain: _leave_set_edges(domain, "computing fluxes"))
    def compute_fluxes(self) -> None:
        """Compute the flux divergence and `flux_timestep`."""
        user_methods.leave_if_written(self)
        if self.on_stock_arrays:
            super().compute_fluxes()
            return
        self._lean_distributed = None
        if any([isinstance(operator, Kinematic_viscosity_operator)
                for operator in self.fractional_step_operators]):
            self.lean.edges.note_boundary_bed()
        self.flux_timestep = self.lean.compute_fluxes()

    def compute_forcing_terms(self) -> None:
        """Call every forcing term."""
        user_methods.leave_if_no_fluxes(self)
        super().compute_forcing_terms()

    def _edges_were_set(self) -> bool:
        """Whether a quantity was set after the last distribute, so that its edges count."""
        quantities = self.quantities
        return not all([quantities[name].is_reconstructed for name in RECONSTRUCTED])

    def apply_protection_against_isolated_degenerate_timesteps(self) -> None:
        """Set the momenta of single triangles far faster than all others to zero.

        As in ANUGA they are set at the vertices, which makes all other momenta what
        the vertex values of the last yield imply.
        """
        if self.on_stock_arrays:
            super().apply_protection_against_isolated_degenerate_timesteps()
            return
        if not self.protect_against_isolated_degenerate_timesteps:
            return
        speeds = self.lean.speeds.read()
        fastest, slowest = speeds.max(), speeds.min()
        if fastest < 10.0 or fastest == slowest:
            return
        bins = np.arange(slowest, fastest, (fastest - slowest) / 10)
        count = np.diff([*np.searchsorted(np.sort(speeds), bins), len(speeds)])
        if count[-1] > 0 and not count[4:9].any():
            triangles = np.flatnonzero(speeds > bins[-1])
            self.lean.forcing.on_state_written()
            for name in ("xmomentum", "ymomentum"):
                self.quantities[name].set_values(0.0, indices=triangles.tolist())
            speeds[triangles] = 0.0

    @unless_on_stock_arrays(ask=_leave_to_stock_kernels)
    def backup_conserved_quantities(self) -> None:
        """Keep the conserved quantities for `saxpy_conserved_quantities`."""
        self.lean.backup_conserved()

    @unless_on_stock_arrays
    def saxpy_conserved_quantities(self, a: float, b: float, c: float | None = None) -> None:
        """Average the conserved quantities with those that were kept."""
        self.lean.average(a, b, 1.0 if c is None else c)

    def update_conserved_quantities(self) -> None:
        """Apply fluxes and friction over `timestep`; warn of volume added by lifting."""
        user_methods.leave_if_no_fluxes(self)
        if not self.on_stock_arrays and not self.lean.edges.are_known:
            _leave_to_stock_kernels(self)
            if not self.on_stock_arrays and not self.lean.forcing.holds_last_fluxes():
                self.use_stock_kernels("updating a state that was not distributed")
        if self.on_stock_arrays:
            super().update_conserved_quantities()
            return
        if not self.get_using_discontinuous_elevation():
            raise ModelError(
                "ANUGA steps domains with discontinuous elevation only: "
                "domain.set_using_discontinuous_elevation(True).")
        self.note_lifted(*self.lean.update())

    def update_extrema(self) -> None:
        """Update the extrema of the monitored quantities, and let observers see the step."""
        if (self._lean_opening is not None or self._lean_goes_on) \
                and self._goes_on_from_a_step():    # they are known
            return
        past = None if self.lean is None else self.lean.yields.past
        if past is None:
            super().update_extrema()
        else:
            self._update_extrema_of(past)
        self._lean_step_is_due = False
        if self._lean_unseen:
            self._show_step()

    def _update_extrema_of(self, past: PastState) -> None:
        self._lean_monitoring = True
        past.remember(True)
        try:
            super().update_extrema()
        finally:
            self._lean_monitoring = False
            past.remember(False)

    # -- between runs --------------------------------------------------------

    @stage("creating the SWW file", count_of)
    def initialise_storage(self) -> None:
        """Create the SWW file and store what does not change."""
        if self._lean_keeps_sww:
            return
        if self.__dict__.pop("_lean_moves_sww", False):
            move_aside(self)
        super().initialise_storage()
        if not self.on_stock_arrays:
            release_free_memory()

    def store_timestep(self) -> None:
        """Store a frame of what changes, and give the memory of the buffers back to the system."""
        super().store_timestep()
        if not self.on_stock_arrays:
            release_free_memory()

    def _ensure_gpu_interface(self) -> None:
        """Build what compute mode 'unified' needs: ANUGA's arrays first."""
        if self.multiprocessor_mode != 1:
            self.use_stock_kernels("compute mode 'unified'")
        super()._ensure_gpu_interface()

    def set_gpu_interface(self) -> None:
        """Build what compute mode 'unified' needs: ANUGA's arrays first."""
        if self.multiprocessor_mode != 1:
            self.use_stock_kernels("compute mode 'unified'")
        super().set_gpu_interface()

    @unless_on_stock_arrays
    def reorder(self, new_order: Any) -> None:
        """Renumber the triangles: new_order[i] is the old index of triangle i."""
        with conversion.stock_arrays(self):
            super().reorder(new_order)
