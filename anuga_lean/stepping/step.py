"""One time step of a lean domain: which kernel, in which order.

Owns the work arrays, the snapshot of the parameters and the bookkeeping of
substeps.  Knows nothing of ANUGA beyond the domain it is given; `domain.py`
maps ANUGA's methods onto it, the arithmetic is in kernels/.
"""

from __future__ import annotations

import os
import threading
from threading import get_ident
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ThreadError
from anuga_lean.memory_limits import stage
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.stepping import threads, wall_edges
from anuga_lean.stepping.edge_values import STATE, Answers
from anuga_lean.stepping.flux_parameters import kernel_parameters, set_parameters
from anuga_lean.stepping.forcing import CONSERVED, OpenUpdates
from anuga_lean.stepping.prescribed import Prescribed, masks_of
from anuga_lean.stepping.tracers import Tracers
from anuga_lean.stepping.yield_state import PastState

RECONSTRUCTED = ("stage", "xmomentum", "ymomentum", "elevation", "height")

# What ANUGA's C struct takes from the domain when it is built, and keeps.
PARAMETERS = ("g", "epsilon", "H0", "minimum_allowed_height", "maximum_allowed_speed",
              "beta_w", "beta_w_dry", "beta_uh", "beta_uh_dry", "beta_vh", "beta_vh_dry",
              "low_froude", "timestep_fluxcalls", "extrapolate_velocity_second_order",
              "optimise_dry_cells", "evolve_max_timestep", "evolve_min_timestep")

# What goes with the parameters into a checkpoint.
_TAKEN = ("parameters", "kernel_parameters", "_calls", "_base_call", "_fluxcalls_seen",
          "_fluxcalls")

_KEPT = ("domain", "recording_speeds", "_semi", "prescribed", *_TAKEN)

# Where more than nine blocks in ten change, only one update in so many says
# which: to say so it reads every triangle's place in the blocks.
_MARK_EVERY = 16


class Step(OpenUpdates, Answers):
    """The state of a lean domain between and during its time steps.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain

    Notes
    -----
    In an ordinary substep `distribute` is deferred: nothing is written, and
    the sweep computes the protected state of each triangle as it loads it.
    Where foreign code may look at the centroid values in the middle of a step
    (boundaries that call a user's function, yields), `distribute` writes them,
    and keeps a record of what it changed so that the sweep starts from the
    same values as ANUGA's.

    Under RK2 the first update exchanges: the raw state goes to the work
    arrays as the backup while the new state takes its place, and the second
    sweep updates and averages in one go, so that two sets of conserved values
    are enough.
    """

    def __init__(self, domain: Any) -> None:
        self.domain = domain
        self._forget()

    def _forget(self) -> None:
        self.run: _kernels.Run | None = None
        self.parameters: dict[str, Any] | None = None  # taken when `run` was built
        self.kernel_parameters: tuple = ()             # those that the kernels have
        self._blocks: Any = None                   # that `run` was built for
        self.work: np.ndarray | None = None        # (3, n) fluxes, or RK2 backup
        self.backup: np.ndarray | None = None      # (3, n), only for rk3
        self.max_speed: np.ndarray | None = None
        self.friction_slope: np.ndarray | None = None
        self.recording_speeds = False
        self.speeds_are_zero = True
        self._walls: tuple = ()
        self._at_walls = np.array([], np.int64)     # blocks with riverwalls
        self._bound: tuple = ()
        self.in_step = False            # distributed for a step, not for a yield
        self._thread = 0                # that distributes or is in a step, 0 for none
        self.edges_known = False
        self.tracers: Tracers | None = None
        self._forget_updates()
        self._second_stage: tuple[int, float] | None = None
        self._updates = 0               # counted while nearly all blocks are moving
        self._calls = 0
        self._base_call = 1
        self._fluxcalls_seen = 1
        self._fluxcalls = 1
        self._edge_cache: tuple | None = None
        self.prescribed: Prescribed | None = None   # that bounded the last reconstruction
        self._boundary_bed: np.ndarray | None = None
        self.past: PastState | None = None      # that vertex values show until the next yield
        self._distributed: dict[str, np.ndarray] = {}  # centroid values set since

    def __getstate__(self) -> dict[str, Any]:
        return {"domain": self.domain, "recording_speeds": self.recording_speeds,
                "_semi": dict(self._semi), "prescribed": self.prescribed}

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the same and the parameters, which copies take anew, as ANUGA's do."""
        return self.__getstate__() | {name: getattr(self, name) for name in _TAKEN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._forget()
        self.__dict__.update({name: state[name] for name in _KEPT if name in state})

    # -- preparation -------------------------------------------------------

    def ready(self) -> _kernels.Run:
        """Return the run with everything bound, building it at the first call."""
        if self._thread and self._thread != get_ident():
            self._refuse_other_thread()
        run = self.run
        domain = self.domain
        if run is None or self._blocks is not domain.mesh.blocks:
            run = self._build()
        run.set_threads(threads.usable(domain.omp_num_threads))
        quantities = domain.quantities
        state = tuple([quantities[name].centroid_values for name in STATE])
        edges = tuple([quantities[name].boundary_values for name in RECONSTRUCTED])
        bound = state + edges
        if len(bound) != len(self._bound) or any(
                [a is not b for a, b in zip(bound, self._bound, strict=True)]):
            run.bind_state(*state)
            run.bind_boundary(self._reflective, *edges)
            self._bound = bound
            self._activate()
        return run

    def _refuse_other_thread(self) -> None:
        """Raise ThreadError unless the thread that began the step has ended since."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        if self._thread in names:
            raise ThreadError(
                f"the domain {self.domain.get_name()!r} is in the middle of a step in the thread "
                f"{names[self._thread]!r}: {threading.current_thread().name!r} may use it at a "
                "yield, or a copy.deepcopy of it.")
        self._thread = 0

    @stage("preparing the first step", lambda step: step.domain.number_of_triangles)
    def _build(self) -> _kernels.Run:
        domain = self.domain
        if self.run is not None:
            self.parameters = None
        self._blocks = domain.mesh.blocks
        run = _kernels.Run(domain.mesh.blocks.handle(), os.environ.get("ANUGA_LEAN_ISA") or None)
        n = domain.number_of_elements
        blocks = len(domain.mesh.blocks.block)
        self.work = np.zeros((3, n))
        run.bind_work(*self.work)
        full = domain.full_flags()
        run.bind_flags(np.zeros(n, np.uint8), full, np.ones(blocks, np.uint8), np.zeros(blocks))
        self._changed, always, near, known = np.zeros((4, blocks), np.uint8)
        run.bind_quiet(self._changed, always, near, np.zeros(blocks, np.uint64), known)
        self._reflective = np.zeros(domain.boundary_length, np.uint8)
        self._walls = ()
        self._bound = ()
        self._bind_counted(run, full)
        self._room(run, 0)
        _kernels.release_free_memory()  # what setting up has left behind
        self.tracers = Tracers(self.domain, run) if self.domain.number_of_tracers else None
        if self.prescribed is not None:
            self.prescribed.bind(run, domain)
        self.run = run
        if self.parameters is None:
            self.take_parameters()
        else:       # those of a checkpoint
            self._give_parameters()
        for name in ("friction", "xvelocity", "yvelocity"):
            domain.quantities[name].have_vertices()
        return run

    def _bind_counted(self, run: _kernels.Run, full: np.ndarray | None) -> None:
        if full is None:
            run.bind_counted(np.zeros(self.domain.boundary_length))
            return
        offset, slot, index = self.domain.mesh.blocks.counted_edges(full)
        run.bind_counted(np.zeros(len(index)), offset, slot, index)

    def _room(self, run: _kernels.Run, least: int) -> None:
        """Make room for `least` records of triangles that distribute changes."""
        n = self.domain.number_of_elements
        capacity = min(n, max(least, 1024, n // 256))
        index = np.zeros(capacity, np.int32)
        value = np.zeros(3 * capacity)
        old = run.bound("undo_index")
        bits = run.bound("undo_bits")
        if old is None:
            bits = np.zeros((n + 63) // 64, np.uint64)
        else:
            index[:len(old)] = old
            value[:3 * len(old)] = run.bound("undo_value")
        run.bind_undo(index, value, bits)

    def take_parameters(self) -> None:
        """Take ANUGA's parameters from the domain, as its C struct would now."""
        d = self.domain
        self._fluxcalls = d.timestep_fluxcalls
        if self.run is not None:
            self.parameters = {name: getattr(d, name) for name in PARAMETERS}
            self.kernel_parameters = kernel_parameters(d)
            self._give_parameters()

    def _give_parameters(self) -> None:
        """Let the kernels have the parameters, and the walls."""
        set_parameters(self.run, self.kernel_parameters)
        walls = wall_edges.tables(self.domain)
        self.run.bind_walls(*(walls or [None] * 6))
        self._at_walls = np.array([], np.int64) if walls is None else \
            np.flatnonzero(np.diff(walls[0]))
        self._mark_always()
        self._activate()

    def parameter(self, name: str) -> Any:
        """The value of a parameter that steps are taken with now."""
        taken = self.parameters
        return getattr(self.domain, name) if taken is None else taken[name]

    def forget_parameters(self) -> None:
        """Start afresh at the next kernel, as ANUGA does when its C struct is dropped."""
        kept = {name: getattr(self, name) for name in (
            "recording_speeds", "max_speed", "speeds_are_zero", "_semi", "prescribed")}
        self._forget()
        self.__dict__.update(kept)

    def _activate(self) -> None:
        """Have every block computed in the next sweep."""
        if self.run is not None:
            self._changed[:] = 1

    # -- boundary walls ----------------------------------------------------

    def set_walls(self, tags: tuple) -> None:
        """Let the sweep compute the boundary values of these tags' edges."""
        if tags == self._walls:
            return
        self.ready()
        self._reflective[:] = 0
        for tag in tags:
            self._reflective[self.domain.tag_boundary_cells[tag]] = 1
        self._walls = tags
        self._mark_always()
        self._activate()

    def _mark_always(self) -> None:
        """Never leave out blocks with boundary values or crests that others may change."""
        blocks = self.domain.mesh.blocks
        open_cells = np.asarray(self.domain.boundary_cells)[self._reflective == 0]
        always = self.run.bound("always")
        always[:] = 0
        always[blocks.position[open_cells] // blocks.block_size] = 1
        always[self._at_walls] = 1

    def note_boundary_bed(self) -> None:
        """Keep the bed at the boundary edges, which the update will change."""
        domain = self.domain
        rows = self.edge_rows("elevation", domain.boundary_cells)
        self._boundary_bed = rows[np.arange(len(rows)), domain.boundary_edges]

    def boundary_bed(self) -> np.ndarray | None:
        """Bed of the last fluxes at boundary edges, (boundary_length,) m; None if not kept."""
        return None if self.edges_known else self._boundary_bed

    def reflect(self, ids: np.ndarray, vol: np.ndarray, edge: np.ndarray) -> None:
        """Write the boundary values of reflective walls at edges `ids`."""
        self.ready().reflect(ids, vol, edge)

    # -- distribute --------------------------------------------------------

    def distribute(
        self, defer: bool, at_yield: bool = True, past: frozenset[str] = frozenset()
    ) -> float:
        """Protect, find the depth and bring isolated triangles to rest.

        Parameters
        ----------
        defer : bool
            True: leave it to the sweep; nobody looks in between.
        at_yield : bool
            True: scripts may write anything before the next sweep.
        past : frozenset of str
            Quantities whose vertex values are read before the next yield.

        Returns
        -------
        float
            Mass error in m3, 0.0 when deferred.
        """
        run = self.ready()
        self._thread = get_ident()
        if not at_yield:
            self._keep_past(past)
        run.clear_undo()
        if capabilities().prescribed_limiter:
            self._take_prescribed(run)
        run.set_predictor(0.0)
        self._edge_cache = None
        self._distributed.clear()
        self.is_open = False
        self._deferred = defer
        error = 0.0
        if not defer:
            error = run.distribute(True)
            while error < 0.0:
                self._room(run, 4 * len(run.bound("undo_index")))
                error = run.distribute(True)
            run.sort_undo()
            if self.tracers is not None:
                run.tracer_concentrations()
            if at_yield:
                self._activate()
        if run.ordered:
            run.mark_isolated()
        self.in_step = not at_yield
        self.is_shared = self.domain.shares_steps()
        self.edges_known = True
        if at_yield:
            self.past = PastState(self, past) if past else None
        quantities = self.domain.quantities
        for name in RECONSTRUCTED:
            quantities[name].on_distribute(self.past, at_yield)
        if at_yield:
            self._thread = 0
        return error

    def _take_prescribed(self, run: _kernels.Run) -> None:
        """Take the values that the boundaries prescribe now; they bound what is reconstructed."""
        masks = masks_of(self.domain)
        if masks.are_new:
            self.prescribed = Prescribed.of(self.domain)
            if self.prescribed is None:
                run.bind_prescribed(*[None] * 7)
            else:
                self.prescribed.bind(run, self.domain)
            masks.are_new = False
            self._activate()
        elif self.domain._lean_goes_on:     # from a checkpoint, which has those of its yield
            return
        run.take_prescribed()

    def _keep_past(self, names: frozenset[str]) -> None:
        """Take the state of the last yield if somebody began to need it since."""
        if not names:
            self.past = None
        elif self.past is None or not names <= self.past.names:
            self.past = PastState(self, names)
            for name in names:
                self.domain.quantities[name].on_past(self.past)

    def predict(self, dt: float) -> None:
        """Advance the edge values by `dt` s, with which ADER-2 computes its fluxes."""
        self.run.set_predictor(dt)
        self._edge_cache = None
        self._activate()

    def write_deferred(self) -> None:
        """Write what a deferred `distribute` has left to the sweep: others are to see it."""
        if self.run is None or not self.edges_known:
            return
        self._settle()
        if self.in_step and self._walls:
            walls = np.flatnonzero(self._reflective)
            domain = self.domain
            self.reflect(walls, domain.boundary_cells[walls], domain.boundary_edges[walls])

    def protect(self) -> float:
        """Only lift stages and stop shallow water, in place; return the mass error in m3."""
        run = self.ready()
        stage, bed = run.bound("stage"), run.bound("elevation")
        depth = stage - bed
        shallow = depth < self.domain.minimum_allowed_height
        run.bound("xmomentum")[shallow] = 0.0
        run.bound("ymomentum")[shallow] = 0.0
        below = np.flatnonzero(depth < 0.0)
        stage[below] = bed[below]
        run.clear_undo()
        self._activate()
        return float(np.sum(-depth[below] * self.domain.areas[below]))

    # -- fluxes and update -------------------------------------------------

    def compute_fluxes(self) -> float:
        """Compute the fluxes of this substep; return the flux timestep in s."""
        run = self.ready()
        substep = self._next_substep()
        domain = self.domain
        self._bind_optional(run, substep)
        if self._fluxcalls != 1 or self.tracers is not None:
            self._activate()
        run.find_active()
        if self._fusable(substep):
            run.set_manning(domain.has_manning_friction())
            smallest, count, volume = run.sweep(_kernels.SECOND_STAGE, domain.timestep)
            self._second_stage = (count, volume)
            self.fluxes_kept = False
        else:
            if self._backup_state == "exchanged":
                self._separate_backup(run)
            smallest = run.sweep(_kernels.FLUXES)[0]
            self.is_open = self.fluxes_kept = True
        if substep < self._fluxcalls:
            domain.boundary_flux_sum[substep] = run.boundary_flux_sum()
            if self.tracers is not None:
                self.tracers.count_boundary_fluxes(run, substep)
        return smallest if substep == 0 else domain.evolve_max_timestep

    def _next_substep(self) -> int:
        self._calls += 1
        if self._fluxcalls != self._fluxcalls_seen:
            self._fluxcalls_seen = self._fluxcalls
            self._base_call = self._calls
        return (self._calls - self._base_call) % self._fluxcalls

    def fluxes_computed_in_step(self) -> int:
        """How many substeps of the present step have their fluxes already."""
        if self._fluxcalls != self._fluxcalls_seen:
            return 0
        return (self._calls + 1 - self._base_call) % self._fluxcalls

    def _fusable(self, substep: int) -> bool:
        return (self._backup_state == "exchanged" and substep == 1 and not self.is_shared
                and self.domain.timestepping_method == "rk2")

    def _separate_backup(self, run: _kernels.Run) -> None:
        """The work arrays hold the backup but are wanted for fluxes: take others."""
        self.backup = self.work
        self.work = np.zeros_like(self.backup)
        run.bind_work(*self.work)
        self._backup_state = "copied"
        self._activate()

    def _bind_optional(self, run: _kernels.Run, substep: int) -> None:
        n = self.domain.number_of_elements
        if substep == 0:
            self.speeds_are_zero = False
        sloped = bool(self.domain.use_sloped_mannings)
        if sloped and self.friction_slope is None:
            self.friction_slope = np.zeros(n)
        if not sloped:
            self.friction_slope = None
        speeds = None
        if self.domain.protect_against_isolated_degenerate_timesteps:
            self.recording_speeds = True
        if self.recording_speeds:
            if self.max_speed is None:
                self.max_speed = np.zeros(n)
            speeds = self.max_speed if substep == 0 else None
        if run.bound("friction_slope") is not self.friction_slope \
                or run.bound("max_speed") is not speeds:
            run.bind_optional(self.friction_slope, speeds)
            self._activate()

    def update(self) -> tuple[int, float]:
        """Update the conserved quantities; return count and volume (m3) of depths lifted."""
        distributed = self.edges_known
        self.edges_known = self.is_open = False
        self._distributed.clear()
        run = self.ready()
        if self.tracers is not None:
            self.tracers.update(run)
        if self._second_stage is not None:
            return self._second_stage
        marking = self._fluxcalls == 1 and self._updates % _MARK_EVERY == 0 and not (
            self._touched or self._semi or self.is_shared or not distributed)
        self._changed[:] = not marking
        self._touched = False
        if self.is_shared or self._semi or not distributed:
            result = self._update_as_it_stands()
        else:
            result = self._update_and_mark(run, marking)
            self._deferred = False
        run.clear_undo()
        if marking:
            run.take_fingerprints()
        if self._updates % _MARK_EVERY or np.mean(self._changed) > 0.9:
            self._updates += 1          # nearly all is moving: look again later
        return result

    def _update_and_mark(self, run: _kernels.Run, marking: bool) -> tuple[int, float]:
        mode = _kernels.REPLACE
        if self._backup_state == "wanted":
            mode = _kernels.EXCHANGE
            self._backup_state = "exchanged"
            self.fluxes_kept = False
        result = run.update(mode, self.domain.timestep, self.friction_due, marking)
        self.friction_due = False
        return result

    def stage_after_update(self) -> np.ndarray:
        """Stage at centroids as the last update left it, before any averaging: (n,) m."""
        quantities = self.domain.quantities
        if self._second_stage is not None:
            return quantities["height"].centroid_values
        return quantities["stage"].centroid_values

    def backup_conserved(self) -> None:
        """Remember the conserved quantities for `average`."""
        self.ready()
        self._second_stage = None
        if self.tracers is not None:
            self.tracers.back_up()
        if self.domain.timestepping_method == "rk2" and not self.domain.shares_steps():
            self._backup_state = "wanted"
        else:
            self._copy_backup()

    def average(self, a: float, b: float, c: float) -> None:
        """Conserved := (a * conserved + b * remembered) / c."""
        run = self.ready()
        inverse = 1.0 if c in (0.0, 1.0) else 1.0 / c
        if self.tracers is not None:
            self.tracers.average(run, a, b, inverse)
        if self._second_stage is not None:
            self._second_stage = None
            self.friction_due = False
            self._backup_state = "none"
            run.finish_second_stage()
            run.clear_undo()
            return
        remembered = self.work if self._backup_state == "exchanged" else self.backup
        if remembered is None:
            raise RuntimeError("saxpy_conserved_quantities before backup_conserved_quantities")
        for row, name in zip(remembered, CONSERVED, strict=True):
            run.average(run.bound(name), row, a, b, inverse)
        self._activate()
