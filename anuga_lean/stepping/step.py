"""Runs one time step of a lean domain: which kernel, in which order.

Owns the order of a step and the parts that act in it; each part, with the arrays it holds, is
in a module of its own.  Knows nothing of ANUGA beyond the domain it is given; `domain` maps
ANUGA's methods onto it, the arithmetic is in kernels/.
"""

from __future__ import annotations

from threading import get_ident
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._class_names import lasting
from anuga_lean.memory_limits import stage
from anuga_lean.stepping import huge_pages, threads, undo_record
from anuga_lean.stepping.assigned import Assigned
from anuga_lean.stepping.bound_state import RECONSTRUCTED, BoundState
from anuga_lean.stepping.edge_values import EdgeValues
from anuga_lean.stepping.forcing import Forcing
from anuga_lean.stepping.kernel_run import new_run
from anuga_lean.stepping.parameters import Parameters, set_parameters
from anuga_lean.stepping.plain_steps import PlainSteps
from anuga_lean.stepping.prescribed import Prescribed
from anuga_lean.stepping.quiet_blocks import QuietBlocks
from anuga_lean.stepping.runge_kutta import Stages, Substeps
from anuga_lean.stepping.segments import Segments
from anuga_lean.stepping.tracers import Tracers
from anuga_lean.stepping.walls import Walls
from anuga_lean.stepping.wave_speeds import WaveSpeeds
from anuga_lean.stepping.yield_state import YieldState


@lasting("Step")
class Step:
    """The state of a lean domain between and during its time steps.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain

    Attributes
    ----------
    run : _kernels.Run or None
        The kernels and the arrays they have; from the first kernel on.
    parameters, substeps, quiet, walls, stages, forcing, edges, segments, tracers, yields
        The parts of a step, each described in its class; new ones once the step starts afresh.
    speeds : WaveSpeeds
        The largest wave speed of each triangle, once asked for; outlives those parts.
    prescribed : Prescribed or None
        Boundary values that bounded the last reconstruction; outlives those parts.
    assigned : Assigned
        Warns of arrays put in the place of others; outlives those parts.

    Notes
    -----
    In an ordinary substep `distribute` is deferred: nothing is written, and the sweep computes
    the protected state of each triangle as it loads it.  Where other code may read the centroid
    values in the middle of a step (boundaries that call a user's function, yields), `distribute`
    writes them, and keeps a record of what it changed so that the sweep starts from the same
    values as ANUGA's.
    """

    def __init__(self, domain: Any) -> None:
        self.domain = domain
        self.speeds = WaveSpeeds(domain, self._compute_speeds)
        self.prescribed: Prescribed | None = None
        self.assigned = Assigned(domain)
        self._areas: np.ndarray | None = None
        self._areas_of: Any = None      # the blocks they are of
        self._start({})

    def _start(self, rates: dict[str, np.ndarray]) -> None:
        domain = self.domain
        self.run: Any = None        # a Run, from the first step on
        self._blocks: Any = None        # that `run` was built for
        self._in_huge_pages = False     # whether its arrays have been moved
        self.substeps = Substeps()
        self.parameters = Parameters(domain, self.substeps)
        self.quiet = QuietBlocks(domain)
        self.walls = Walls(domain, self.quiet)
        self.stages = Stages(domain, self.substeps, self.quiet)
        self.forcing = Forcing(domain, self.ready, self.stages, self.quiet, rates)
        self.edges = EdgeValues(domain, self.ready)
        self.segments = Segments(domain)
        self.tracers = Tracers(domain)
        self.yields = YieldState(domain, self.parameters)
        self._state = BoundState(domain)
        self._thread = threads.SteppingThread(domain)
        self._optional: tuple[np.ndarray | None, np.ndarray | None] = (None, None)
        self.plain = PlainSteps(domain, self)

    # -- copies and checkpoints ----------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {"domain": self.domain, "recording_speeds": self.speeds.are_recorded,
                "_semi": dict(self.forcing.rates), "prescribed": self.prescribed}

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the state of a copy and the parameters, which copies take anew, as ANUGA's do."""
        return self.__getstate__() | self.parameters.stored() | self.substeps.stored()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["domain"])  # type: ignore[misc]
        self.speeds.are_recorded = state.get("recording_speeds", False)
        self.prescribed = state.get("prescribed")
        self.forcing.rates = state.get("_semi", {})
        self.parameters.restore(state)
        self.substeps.restore(state)

    # -- preparation -----------------------------------------------------------

    def check_thread(self) -> None:
        """Raise ThreadError if another thread is in the middle of a step."""
        if self._thread.ident and self._thread.ident != get_ident():
            self._thread.check()

    def ready(self) -> _kernels.Run:
        """Return the run with everything bound, building it at the first call."""
        run = self.run
        self.check_thread()
        if run is None or not self.has_present_blocks():
            run = self._build()
        threads.give(run, self.domain)
        if self._state.bind(run, self.walls.reflective):
            self.quiet.wake_all()
        return run

    def give_threads(self, run: _kernels.Run) -> None:
        """Give a run the domain's threads, which is all that an operator's kernels need."""
        threads.give(run, self.domain)

    def has_present_blocks(self) -> bool:
        """Whether the run was built for the blocks that the mesh has now."""
        return self._blocks is self.domain.mesh.blocks

    def has_present_arrays(self) -> bool:
        """Whether the run has the arrays that the quantities hold now."""
        return self._state.is_present()

    def enter(self) -> None:
        """Note that this thread is in the middle of a step."""
        self._thread.enter()

    @stage("preparing the first step", lambda step: step.domain.number_of_triangles)
    def _build(self) -> _kernels.Run:
        domain = self.domain
        if self.run is not None:
            self.parameters.forget()
        self._blocks = domain.mesh.blocks
        self._optional = (None, None)
        run = new_run(domain)
        self.stages.start(run)
        self.forcing.start(run)
        self.quiet.start(run)
        self.walls.start()
        self._state = BoundState(domain)
        _kernels.release_free_memory()  # what setting up has left behind
        self.tracers.start(run)
        if self.prescribed is not None:
            self.prescribed.bind(run, domain)
        self.run = run
        self._in_huge_pages = False
        if self.parameters.values is None:      # else they are a checkpoint's
            self.parameters.take()
        self._give_parameters(run)
        for name in ("friction", "xvelocity", "yvelocity"):
            domain.quantities[name].have_vertices()
        return run

    # -- for operators -----------------------------------------------------------

    def usable_threads(self) -> int:
        """Return how many OpenMP threads a kernel of an operator may use."""
        return threads.made(self.domain)

    def areas(self) -> np.ndarray:
        """Return the areas of all triangles, (n,) float64, m2; held from the first call on."""
        blocks = self.domain.mesh.blocks
        if self._areas is None or self._areas_of is not blocks:
            self._areas, self._areas_of = np.asarray(self.domain.mesh.areas), blocks
        return self._areas

    def take_parameters(self) -> None:
        """Take ANUGA's parameters from the domain, as its C struct would now."""
        run = self.ready()
        self.parameters.take()
        self._give_parameters(run)

    def _give_parameters(self, run: _kernels.Run) -> None:
        set_parameters(run, self.parameters.of_kernels)
        self.walls.take_crests(run)

    def forget_parameters(self) -> None:
        """Take all anew at the next kernel, as ANUGA does when its C struct is dropped."""
        self.domain.complete_step()
        self._start(self.forcing.rates)

    def set_walls(self, tags: tuple[str, ...]) -> None:
        """Make the sweep compute the boundary values of these tags' edges."""
        if tags != self.walls.tags:
            self.ready()
            self.walls.reflect(tags)

    # -- distribute ------------------------------------------------------------

    def distribute(self, defer: bool, at_yield: bool = True,
                   past: frozenset[str] = frozenset()) -> None:
        """Protect, find the depth and bring isolated triangles to rest.

        Parameters
        ----------
        defer : bool
            True: leave it to the sweep; no code reads the values in between.
        at_yield : bool
            True: scripts may write anything before the next sweep.
        past : frozenset of str
            Quantities whose vertex values are read before the next yield.
        """
        if at_yield or len(self.domain.fractional_step_operators) > 1:
            self.take_hidden()
        run = self.ready()
        self.enter()
        if not at_yield:
            self.yields.keep(run, past, self.prescribed)
        run.clear_undo()
        self.prescribed = Prescribed.taken(self.prescribed, self.domain, run, self.quiet)
        run.set_predictor(0.0)
        self.edges.on_distribute(in_step=not at_yield)
        self.forcing.on_distribute(defer, self.domain.shares_steps())
        if not defer:
            undo_record.distribute(run, self.domain.number_of_elements)
            if self.tracers.count:
                self.tracers.find_concentrations(run)
            if at_yield:
                self.quiet.wake_all()
        if run.ordered:
            run.mark_isolated()
        if at_yield:
            self.yields.take(run, past, self.prescribed)
        for name in RECONSTRUCTED:
            self.domain.quantities[name].on_distribute(self.yields.past, at_yield)
        if at_yield:
            self._thread.leave()

    def predict(self, dt: float) -> None:
        """Advance the edge values by `dt` s, with which ADER-2 computes its fluxes."""
        self.run.set_predictor(dt)
        threads.give(self.run, self.domain)     # arenas with room for it
        self.edges.on_predict()
        self.quiet.wake_all()

    def write_deferred(self) -> None:
        """Write what a deferred `distribute` has left to the sweep: code outside reads it."""
        if self.run is None or not self.edges.are_known:
            return
        self.forcing.settle()
        if self.edges.in_step and self.walls.tags:
            self.walls.write_boundary_values(self.ready())

    def protect(self) -> float:
        """Only lift stages and stop shallow water, in place; return the volume lifted, m3."""
        volume = self._state.protect(self.ready())
        self.quiet.wake_all()
        return volume

    def take_hidden(self) -> None:
        """Assign centroid values that a script has put into the dict of a quantity."""
        self._state.take_hidden()

    def lifted(self) -> float:
        """Return the volume by which the last distribute lifted stages to the bed, m3."""
        return self._state.lifted(self.run)

    # -- fluxes ----------------------------------------------------------------

    def compute_fluxes(self, run: _kernels.Run | None = None,
                       timestep: float | None = None) -> float:
        """Compute the fluxes of this substep; return the flux timestep in s.

        Here and below, `run` is what `ready` has returned if nothing has acted since, and
        `timestep` the domain's, s, where the caller has it.
        """
        run = self.ready() if run is None else run
        substep, per_step = self.substeps.next(), self.substeps.per_step
        domain, stages = self.domain, self.stages
        asks = None if domain._lean_interrupts is None else domain._lean_interrupts.ask
        self._bind_optional(run, substep)
        fused = per_step != 1 and stages.may_fuse(substep) and not self.forcing.is_shared
        if not fused:       # a SECOND_STAGE computes all blocks, or those that a signal has left
            if per_step != 1 or self.tracers.count:
                run.compute_all()
            else:
                run.forget_stopped()
                run.find_active()
        try:
            if fused:
                run.set_manning(domain.has_manning_friction())
                smallest, count, volume = run.sweep(
                    _kernels.SECOND_STAGE, domain.timestep if timestep is None else timestep,
                    asks)
                stages.take_second(count, volume)
            else:
                stages.take_fluxes(run)
                smallest = run.sweep(_kernels.FLUXES, 0.0, asks)[0]
                self.forcing.is_open = True
        except BaseException:       # of a signal, in the middle of the sweep
            self.substeps.take_back()
            self.quiet.wake_all()
            raise
        if substep < per_step:
            domain.boundary_flux_sum[substep] = run.boundary_flux_sum()
            if self.tracers.count:
                self.tracers.count_boundary_fluxes(run, substep)
        return smallest if substep == 0 else domain.evolve_max_timestep

    def _bind_optional(self, run: _kernels.Run, substep: int) -> None:
        """Give the sweep the arrays that only some steps need."""
        rate, speeds = self.forcing.friction_rate_of_step(), self.speeds.of_substep(substep)
        if self._optional[0] is not rate or self._optional[1] is not speeds:
            self._bind_rate_and_speeds(run, rate, speeds)
            self.quiet.wake_all()

    def _bind_rate_and_speeds(self, run: _kernels.Run, rate: np.ndarray | None,
                              speeds: np.ndarray | None) -> None:
        run.bind_optional(rate, speeds)
        self._optional = rate, speeds

    def _compute_speeds(self, speeds: np.ndarray) -> bool:
        """Write the wave speeds of the present state; return whether it is that of a step."""
        run = self.ready()
        self._bind_rate_and_speeds(run, self.forcing.friction_rate, speeds)
        run.sweep(_kernels.SPEEDS)
        return self.edges.in_step and self.edges.are_known

    # -- update ----------------------------------------------------------------

    def update(self, run: _kernels.Run | None = None,
               timestep: float | None = None) -> tuple[int, float]:
        """Update the conserved quantities; return count and volume (m3) of depths lifted."""
        was_distributed = self.edges.on_update()
        touched = self.forcing.on_update()
        run = self.ready() if run is None else run
        if self.tracers.count:
            self.tracers.update(run)
        if self.stages.lifted is not None:
            return self.stages.lifted
        as_it_stands = not was_distributed or self.forcing.is_shared or bool(self.forcing.rates)
        marking = self.quiet.begin_update(
            self.substeps.per_step == 1 and not (touched or as_it_stands))
        if as_it_stands:
            result = self.forcing.update(run)
        else:
            result = run.update(self.stages.update_mode(),
                                self.domain.timestep if timestep is None else timestep,
                                self.forcing.take_friction(), marking)
        run.clear_undo()
        self.quiet.end_update(run, marking)
        if not self._in_huge_pages:     # now that all that a step needs has been written
            self._in_huge_pages = True
            huge_pages.move([*run.held().values(), *vars(self._blocks).values()])
        return result

    def backup_conserved(self, run: _kernels.Run | None = None) -> None:
        """Keep the conserved quantities for `average`."""
        shared = run is None and self.domain.shares_steps()
        run = self.ready() if run is None else run
        run.forget_stopped()
        if self.tracers.count:
            self.tracers.back_up()
        self.stages.back_up(run, shared)

    def average(self, a: float, b: float, c: float, run: _kernels.Run | None = None) -> None:
        """Set the conserved quantities to (a * present + b * kept) / c."""
        run = self.ready() if run is None else run
        inverse = 1.0 if c in (0.0, 1.0) else 1.0 / c
        if self.tracers.count:
            self.tracers.average(run, a, b, inverse)
        if self.stages.lifted is not None:
            self.forcing.take_friction()    # which the sweep has done
            self.stages.finish_second(run)
        else:
            self.stages.average(run, a, b, inverse)
