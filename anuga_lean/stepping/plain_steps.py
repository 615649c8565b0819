"""Takes the parts of a step in which no code acts but ANUGA's and this package's.

Owns what makes a step plain, which is asked once where it begins, and what of its parts is left
then.  Any other step goes through `domain` and `step`, whose parts ask again what was done in
between; both call the same kernels with the same arrays in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from anuga.operators.boundary_flux_integral_operator import boundary_flux_integral_operator
from anuga.operators.kinematic_viscosity_operator import Kinematic_viscosity_operator
from anuga.shallow_water.shallow_water_domain import Domain as AnugasDomain

from anuga_lean import _kernels
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.stepping import features, user_methods
from anuga_lean.stepping.bound_state import RECONSTRUCTED
from anuga_lean.stepping.boundary import is_wall, walls_are_anugas
from anuga_lean.stepping.prescribed import Prescribed, masks_of
from anuga_lean.stepping.yield_state import wanted

if TYPE_CHECKING:
    from anuga_lean.stepping.step import Step

# Methods that ANUGA's steps call besides their parts: a user's own may change what is asked here.
_BETWEEN_PARTS = ("update_ghosts", "set_relative_time", "get_relative_time",
                  "_clip_timestep_to_output_times", "_time_remaining_until")
_NAMES = frozenset(user_methods.STEPPING + _BETWEEN_PARTS)
_functions_of = attrgetter(*user_methods.STEPPING, *_BETWEEN_PARTS)


def _all_functions_of(domain: Any) -> tuple[Any, ...]:
    """Return what a step of a domain calls, and what ANUGA's exchange of ghosts calls in turn."""
    return *_functions_of(type(domain)), super(AnugasDomain, domain).update_ghosts.__func__


# What ANUGA's steps call, in whatever order, and may be stopped before.
PARTS_OF_STEP = ("backup_conserved_quantities", "distribute_to_vertices_and_edges",
                 "update_boundary", "compute_fluxes", "compute_forcing_terms",
                 "update_timestep", "update_conserved_quantities", "saxpy_conserved_quantities")
_parts_of = attrgetter(*PARTS_OF_STEP)
# These methods as lean domains have them.  A class that has others, as that of the ranks of a
# parallel run, which agree on the timestep, has them called.
OWN: set[Callable[..., Any]] = set()
# What ANUGA's evolve calls from one step to the next.
_BETWEEN_STEPS = ("apply_fractional_steps", "update_extrema", "get_timestepping_method")
_functions_between = attrgetter(*_BETWEEN_STEPS)
# Where no code of a user's runs between steps, so many begin without asking, as long as these are
# short.  What another thread or a handler of a signal changes comes at no certain step anyway.
_UNASKED, _TRIANGLES_UNASKED = 31, 100_000
# What a step is plain by, as long as each is the same object.
_settings_of = attrgetter(
    "multiprocessor_mode", "n_sediment_classes", "tracer_speed_factor", "number_of_tracers",
    "verbose", "vegetation_mode", "protect_against_isolated_degenerate_timesteps",
    "use_sloped_mannings", "quantities_to_be_monitored", "using_discontinuous_elevation",
    "timestepping_method", "timestep_fluxcalls", "centroid_transmissive_bc", "omp_num_threads",
    "boundary_map", "tag_boundary_cells", "quantities", "mesh")


class StepInParts:
    """A step: how many of its parts are done, and how many of those were passed over again."""

    __slots__ = ("done", "passed", "plain", "time")

    def __init__(self, time: float) -> None:
        self.time = time        # relative, s, when it began
        self.done = self.passed = 0
        self.plain: PlainSteps | None = None    # what takes its parts, if it is plain


class PlainSteps:
    """The parts of a domain's plain steps.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    step : Step
        Of the domain; its parts and its run are used as they are.
    """

    def __init__(self, domain: Any, step: Step) -> None:
        self._domain = domain
        self._step = step
        self._run: Any = None       # of the last plain step
        self._functions: tuple = ()
        self._settings: tuple = ()
        self._lists: tuple = ()
        self._boundaries: list[tuple[Any, Any]] = []    # each, and its function
        self._open: list[tuple[Any, Any, Any]] = []     # those that are evaluated, tags and edges
        self._walls: tuple[str, ...] = ()
        self._owners: list[Any] = []        # the quantities that the kernels reconstruct
        self._parameters: Any = None
        self._has_friction = False
        self.drives = False     # whole steps are taken here, not by ANUGA's methods part by part
        self._limits = capabilities().prescribed_limiter
        self._taking = False    # prescribed values, of the same edges as in the last step
        self._unasked = 0       # steps that may begin without asking again

    # -- whether a step is plain -----------------------------------------------

    def begins(self) -> bool:
        """Return whether the step that begins is plain; the kernels have its arrays then."""
        domain, step = self._domain, self._step
        if self._unasked > 0 and domain.lean is step:
            self._unasked -= 1
            return True
        if domain.lean is not step:     # on stock arrays
            return False
        if not (self._is_as_before() or self._is_plain()):
            self._run = None
            return False
        if len(domain.fractional_step_operators) > 1:
            step.take_hidden()
        if not self._run_is_ready():
            self._run = step.ready()
            self._owners = [domain.quantities[name] for name in RECONSTRUCTED]
        for quantity in self._owners:
            quantity.on_distribute(None, False)
        if step.forcing.rates or step.forcing.friction_is_due:
            return False
        step.enter()
        masks = masks_of(domain) if self._limits else None
        self._taking = masks is not None and not (masks.are_new or domain._lean_goes_on)
        self._unasked = 0 if self._users_act_between_steps() else min(
            _UNASKED, _TRIANGLES_UNASKED // domain.number_of_triangles)
        return True

    def ask_again(self) -> None:
        """Ask whether the next step is plain: code of a user's may run before."""
        self._unasked = 0

    def _users_act_between_steps(self) -> bool:
        """Whether code of a user's may run between two steps without a yield."""
        domain = self._domain
        return bool(domain._step_observers) \
            or any([type(operator) is not boundary_flux_integral_operator
                    for operator in domain.fractional_step_operators]) \
            or not all(map(user_methods.is_anugas, _functions_between(type(domain)))) \
            or not domain.__dict__.keys().isdisjoint(_BETWEEN_STEPS)

    def _is_as_before(self) -> bool:
        """Whether all that the last answer was found from is still the same."""
        domain = self._domain
        if self._run is None \
                or not _kernels.are_same(_all_functions_of(domain), self._functions) \
                or not domain.__dict__.keys().isdisjoint(_NAMES) \
                or not _kernels.are_same(_settings_of(domain), self._settings) \
                or self._lists != (domain.fractional_step_operators, domain.forcing_terms,
                                   list(domain.boundary_map.values())) \
                or domain.mesh.overridden or not domain._lean_asked or not walls_are_anugas() \
                or self._step.parameters.values is not self._parameters:
            return False
        for boundary, function in self._boundaries:
            if "evaluate_segment" in boundary.__dict__ or \
                    function is not None and boundary.function is not function:
                return False
        return domain.quantities_to_be_monitored is None or not wanted(domain)

    def _is_plain(self) -> bool:
        """Ask all, and remember what the answer was found from."""
        domain = self._domain
        if domain.parallel:     # its ranks agree on the timestep in its own update_timestep
            return False
        functions = _all_functions_of(domain)
        boundaries = domain.boundary_map
        if boundaries is None or not all(map(user_methods.is_anugas, functions)) \
                or not domain.__dict__.keys().isdisjoint(_NAMES) \
                or features.unsupported(domain) is not None or domain._lean_own \
                or self._step.parameters.values is None or domain.number_of_tracers \
                or domain.use_sloped_mannings or len(domain.forcing_terms) > 1 \
                or not domain.using_discontinuous_elevation or wanted(domain) \
                or not domain._may_defer() \
                or any([isinstance(operator, Kinematic_viscosity_operator)
                        for operator in domain.fractional_step_operators]) \
                or not all([hasattr(boundary, "__dict__") or boundary is None
                            for boundary in boundaries.values()]):
            return False
        self._functions, self._settings = functions, _settings_of(domain)
        self._lists = (list(domain.fractional_step_operators), list(domain.forcing_terms),
                       list(boundaries.values()))
        self._boundaries = [(boundary, getattr(boundary, "function", None))
                            for boundary in boundaries.values() if boundary is not None]
        self._walls = domain._walls()
        self._open = [(boundaries[tag], tag, edges)
                      for tag, edges in domain.tag_boundary_cells.items()
                      if boundaries[tag] is not None and not is_wall(boundaries[tag])]
        self._parameters = self._step.parameters.values
        self.drives = OWN.issuperset(_parts_of(type(domain)))
        self._has_friction = bool(domain.forcing_terms)
        return True

    def _run_is_ready(self) -> bool:
        """Whether `Step.ready` would find nothing to do."""
        step = self._step
        step.check_thread()
        return self._run is not None and step.run is self._run \
            and step.has_present_blocks() and step.has_present_arrays()

    # -- whole steps, in the order of ANUGA's ------------------------------------

    def evolve_one_euler_step(self, parts: StepInParts, yieldstep: float | None,
                              finaltime: float | None) -> None:
        """Take one step forward."""
        self._first_substep(parts, yieldstep, finaltime)

    def evolve_one_rk2_step(self, parts: StepInParts, yieldstep: float | None,
                            finaltime: float | None) -> None:
        """Take two steps forward, and the average of the state before and after."""
        domain, interrupts = self._domain, self._domain._lean_interrupts
        before = domain.relative_time
        if interrupts.pending is not None:
            interrupts.ask()
        self._step.backup_conserved(self._run)
        parts.done = 1
        timestep = self._first_substep(parts, yieldstep, finaltime)
        domain.relative_time += timestep
        if domain.full_send_dict and domain.ghost_layer_width < 4:
            domain.update_ghosts()
        self._fluxes(parts, timestep)
        self._update(parts, timestep)
        if interrupts.pending is not None:
            interrupts.ask()
        self._step.average(0.5, 0.5, 1.0, self._run)
        domain.relative_time = before

    def evolve_one_rk3_step(self, parts: StepInParts, yieldstep: float | None,
                            finaltime: float | None) -> None:
        """Take three steps forward, averaged with the state before after the second and third."""
        domain, interrupts = self._domain, self._domain._lean_interrupts
        before = domain.relative_time
        if interrupts.pending is not None:
            interrupts.ask()
        self._step.backup_conserved(self._run)
        parts.done = 1
        timestep = self._first_substep(parts, yieldstep, finaltime)
        domain.relative_time += timestep
        if domain.full_send_dict:
            domain.update_ghosts()
        self._fluxes(parts, timestep)
        self._update(parts, timestep)
        if interrupts.pending is not None:
            interrupts.ask()
        self._step.average(0.25, 0.75, 1.0, self._run)
        parts.done += 1
        domain.relative_time = before + timestep * 0.5
        if domain.full_send_dict:
            domain.update_ghosts()
        self._fluxes(parts, timestep)
        self._update(parts, timestep)
        if interrupts.pending is not None:
            interrupts.ask()
        self._step.average(2.0, 1.0, 3.0, self._run)
        domain.relative_time = before

    def _first_substep(self, parts: StepInParts, yieldstep: float | None,
                       finaltime: float | None) -> float:
        """Take a step forward and return its length, s."""
        domain, interrupts = self._domain, self._domain._lean_interrupts
        self._fluxes(parts, None)
        if interrupts.pending is not None:
            interrupts.ask()
        domain.update_timestep_as_anuga(yieldstep, finaltime)
        parts.done += 1
        timestep: float = domain.timestep
        self._update(parts, timestep)
        return timestep

    def _fluxes(self, parts: StepInParts, timestep: float | None) -> None:
        """Go from the centroid values to the rates at which they change.

        `timestep` is None in the first substep, which it follows from.
        """
        interrupts, step = self._domain._lean_interrupts, self._step
        if interrupts.pending is not None:
            interrupts.ask()
        self.distribute_to_vertices_and_edges()
        parts.done += 1
        if self._open:
            if interrupts.pending is not None:
                interrupts.ask()
            self.update_boundary()
        parts.done += 1
        if interrupts.pending is not None:
            interrupts.ask()
        self._domain.flux_timestep = step.compute_fluxes(self._run, timestep)
        parts.done += 1
        if interrupts.pending is not None:
            interrupts.ask()
        if self._has_friction:
            step.forcing.add_friction()
        parts.done += 1

    def _update(self, parts: StepInParts, timestep: float) -> None:
        domain, interrupts = self._domain, self._domain._lean_interrupts
        if interrupts.pending is not None:
            interrupts.ask()
        domain._note_update()
        count, volume = self._step.update(self._run, timestep)
        if count > 0:
            domain.note_lifted(count, volume)
        parts.done += 1

    # -- its parts ---------------------------------------------------------------

    def distribute_to_vertices_and_edges(self, distribute_to_vertices: bool = True) -> None:
        """Leave the distribution to the sweep."""
        domain, step, run = self._domain, self._step, self._run
        if step.walls.tags != self._walls:
            step.walls.reflect(self._walls)
        step.yields.past = None
        if not self._taking:
            step.prescribed = Prescribed.taken(step.prescribed, domain, run, step.quiet)
        run.defer_distribute(self._taking)
        step.edges.on_distribute(True)
        step.forcing.on_distribute(True, False)

    def update_boundary(self) -> None:
        """Let the boundary objects that are no walls write their boundary values."""
        for boundary, tag, edges in self._open:
            self._domain.evaluate_boundary(boundary, tag, edges)

    def compute_fluxes(self) -> None:
        """Compute the flux divergence and `flux_timestep`."""
        self._domain.flux_timestep = self._step.compute_fluxes(self._run)

    def compute_forcing_terms(self) -> None:
        """Leave friction to the update."""
        if self._has_friction:
            self._step.forcing.add_friction()

    def update_conserved_quantities(self) -> None:
        """Apply fluxes and friction over `timestep`; warn of volume added by lifting."""
        count, volume = self._step.update(self._run)
        if count > 0:
            self._domain.note_lifted(count, volume)

    def backup_conserved_quantities(self) -> None:
        """Keep the conserved quantities for `saxpy_conserved_quantities`."""
        self._step.backup_conserved(self._run)

    def saxpy_conserved_quantities(self, a: float, b: float, c: float | None = None) -> None:
        """Average the conserved quantities with those that were kept."""
        self._step.average(a, b, 1.0 if c is None else c, self._run)


# The parts, and whole steps, that are taken in another way here.
STEPS = {"evolve_one_euler_step": PlainSteps.evolve_one_euler_step,
         "evolve_one_rk2_step": PlainSteps.evolve_one_rk2_step,
         "evolve_one_rk3_step": PlainSteps.evolve_one_rk3_step}
PARTS: dict[str, Callable[..., None]] = {
    name: function for name, function in vars(PlainSteps).items()
    if name in user_methods.STEPPING and name not in STEPS}
