"""Runs ANUGA's evolve such that it can stop and go on in the middle of a step.

Owns the yields of `evolve`, from where a checkpoint or Ctrl-C has left it, and the parts of a
step: one that was stopped is gone through again by ANUGA's own code, which passes over the
parts that are done.  Holding signals back is in `interrupts`, stopping a sweep in kernels/.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from anuga.shallow_water import shallow_water_domain as _swd

from anuga_lean.stepping import guarding
from anuga_lean.stepping.interrupts import HeldInterrupts, pending_between_steps
from anuga_lean.stepping.observers import ObservedDomain
from anuga_lean.stepping.plain_steps import OWN, PARTS_OF_STEP, StepInParts
from anuga_lean.stepping.plain_steps import PARTS as PLAIN_PARTS
from anuga_lean.stepping.plain_steps import STEPS as PLAIN_STEPS
from anuga_lean.stepping.sww import go_on_with_file
from anuga_lean.stepping.user_methods import OF_A_WHOLE_STEP, described, users_own
from anuga_lean.stepping.whole_domains import release_left_behind

_STEPS = ("evolve_one_euler_step", "evolve_one_rk2_step", "evolve_one_rk3_step",
          "evolve_one_ader2_step")
# What the loop of ANUGA's evolve keeps from one step to the next, and sets when it begins.
_OF_THE_LOOP = ("relative_yieldtime", "yieldtime", "yieldstep", "finaltime",
                "relative_finaltime", "evolve_starttime", "recorded_min_timestep",
                "recorded_max_timestep", "number_of_steps", "number_of_first_order_steps",
                "_order_")


class _Paused:
    """An evolve that was stopped: at a yield, or in or before a step.

    Parameters
    ----------
    call : dict
        Arguments of `evolve` by name.
    steps : iterator or None
        At a yield: what gives the times of ANUGA's evolve.
    time : float or None
        At a yield: the time that the script has still to be given, s.
    """

    def __init__(self, call: dict[str, Any], steps: Iterator[float] | None = None,
                 time: float | None = None) -> None:
        self.call = call
        self.steps = steps
        self.time = time
        self.step: Any = None
        self.loop: dict[str, Any] = {}
        self.is_loaded = False      # from a file: the script that goes on may be another one

    @classmethod
    def before_step(cls, domain: Any, call: dict[str, Any]) -> _Paused:
        """Return the pause of a domain that is between two steps."""
        paused = cls(call)
        paused.step = StepInParts(domain.relative_time)
        paused.loop = _loop_of(domain)
        return paused

    def goes_on_with(self, call: dict[str, Any], domain: Any) -> bool:
        """Whether an evolve with these arguments goes on from here; its end may be another one."""
        if not self.is_loaded:
            return self.call == call
        ends = [each for each in (call["finaltime"], call["duration"]) if each is not None]
        if call["yieldstep"] != self.call["yieldstep"] or len(ends) != 1:
            return False
        end = _seconds(ends[0], domain)
        if call["duration"] is not None:    # from now on, as in ANUGA
            end += domain.get_time()
        if abs(end - self.loop["finaltime"]) > 1e-9 * max(1.0, abs(end)):
            self.loop.update(finaltime=end, relative_finaltime=end - domain.starttime)
        return True


def _seconds(value: Any, domain: Any) -> float:
    """Return a time that a script has given, s; a date is one of the domain's time zone."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=domain.timezone)).timestamp()
    return float(value)


def _loop_of(domain: Any) -> dict[str, Any]:
    """Return what ANUGA's loop keeps from one step to the next."""
    return {name: domain.__dict__[name] for name in _OF_THE_LOOP if name in domain.__dict__}


class EvolvingDomain(ObservedDomain):
    """The part of LeanDomain that evolves."""

    _lean_evolving = False              # ANUGA's own evolve is running, not a script
    _lean_interrupts: HeldInterrupts | None = None      # while it does
    _lean_step: Any = None              # the step that was begun last
    _lean_part_of: Any = None           # the same, between its parts
    _lean_step_is_due = False           # ANUGA calls the next step, which may be a user's own
    _lean_paused: _Paused | None = None
    _lean_opening: _Paused | None = None    # which evolve goes on from, up to its first step
    _lean_resumed: tuple | None = None  # time, yield time, place of the checkpoint it goes on from
    _lean_keeps_sww = False             # and its file
    _lean_goes_on = False               # a resumed run, up to its first step
    _lean_call: dict[str, Any] | None = None    # arguments of the evolve that is running

    # -- going on from a checkpoint ------------------------------------------

    def mark_between_yields(self, call: dict[str, Any]) -> None:
        """Make the next evolve go on in the middle of one that had these arguments.

        Parameters
        ----------
        call : dict
            As `arguments_of_evolve` returns it.
        """
        self._lean_paused = _Paused.before_step(self, call)
        self._lean_paused.is_loaded = True

    def resumed_call(self) -> dict[str, Any] | None:
        """Return what `mark_between_yields` was told; None if the next evolve begins at a yield."""
        paused = self._lean_paused
        return paused.call if paused is not None and paused.is_loaded else None

    def arguments_of_evolve(self) -> dict[str, float | None] | None:
        """Return the arguments of the evolve that is between two steps, s; None at a yield."""
        if self._lean_call is None or not self._lean_evolving:
            return None
        return {name: None if value is None else _seconds(value, self)
                for name, value in self._lean_call.items()}

    def mark_resumed(self) -> None:
        """Make the next evolve continue exactly where the checkpoint was written.

        At the end of an evolve it is another one that goes on, which ANUGA begins afresh.
        """
        has_ended = self.relative_time == getattr(self, "relative_finaltime", None)
        self._lean_resumed = (self.relative_time, None if has_ended else getattr(
            self, "relative_yieldtime", None), (self.get_datadir(), self.get_name()))

    def keep_older_sww(self) -> None:
        """Make the next evolve begin a new SWW file and keep an earlier run's."""
        self._lean_moves_sww = True

    # -- evolve --------------------------------------------------------------

    def evolve(self, *args: Any, **kwargs: Any) -> Iterator[float]:
        """Evolve the model, yielding at every yieldstep; see ANUGA's method.

        Notes
        -----
        After Ctrl-C the same call goes on as if it had not been pressed.
        """
        release_left_behind()
        call = inspect.signature(super().evolve).bind(*args, **kwargs)
        call.apply_defaults()
        paused = self._take_paused(call.arguments)
        steps = None if paused is None else paused.steps
        t = None if paused is None else paused.time
        if steps is None:
            steps = self._begin(paused, args, kwargs)
        while True:
            if t is None:
                t = self._next_yield(steps, call.arguments)
            self._lean_paused = None    # no signal comes between this line and the yield
            if t is None:
                return
            try:
                yield t
            except KeyboardInterrupt:   # as the script asked for the next time
                self._lean_paused = _Paused(call.arguments, steps)
                raise
            t = None

    def _begin(self, paused: _Paused | None, args: Any, kwargs: Any) -> Iterator[float]:
        """Return the yields of ANUGA's evolve, from a step that was stopped if there is one."""
        if paused is not None:
            self._lean_opening = paused
            self._lean_keeps_sww = self._lean_resumed is None or go_on_with_file(self)
        elif self._lean_resumed is not None and self.evolved_called:
            self._lean_keeps_sww = go_on_with_file(self)
            self._lean_goes_on = self._lean_resumed[1] is not None
        steps: Iterator[float] = super().evolve(*args, **kwargs)
        return steps

    def _take_paused(self, call: dict[str, Any]) -> _Paused | None:
        """Return the evolve that this call goes on with; a step of another one is completed."""
        self._check_thread()
        paused = self._lean_paused
        if paused is not None and not paused.goes_on_with(call, self):
            self.complete_step()
            paused = None
        self._lean_paused = None
        return paused

    def _next_yield(self, steps: Iterator[float], call: dict[str, Any],
                    interrupts: HeldInterrupts | None = None) -> float | None:
        """Evolve up to the next yield and return its time, s; None at the end."""
        self._check_thread()
        if interrupts is None:
            interrupts = HeldInterrupts(holds=not self.parallel)
        self._lean_paused = _Paused(call, steps)
        self._lean_call = call
        try:
            interrupts.hold()
            self._lean_paused = None
            self._lean_interrupts = interrupts
            self._lean_evolving = True
            if not self.on_stock_arrays:
                self.lean.take_hidden()
                self.lean.plain.ask_again()
            t = self._advance(steps)
            self._lean_evolving = False
            if t is not None:
                self._at_yield()
                guard = guarding.guard()
                if guard is not None:
                    guard.at_yield(self)
            self._lean_paused = _Paused(call, steps, t)
        except BaseException as error:
            if error is interrupts.pending:
                self._lean_paused = self._paused_in_step(call)
            raise
        finally:
            self._lean_evolving = self._lean_keeps_sww = self._lean_goes_on = False
            self._lean_interrupts = self._lean_opening = self._lean_part_of = None
            self._lean_step_is_due = False
            self._lean_call = None
            interrupts.release()
        interrupts.raise_pending()
        return t

    def _check_thread(self) -> None:
        """Raise ThreadError before another thread's evolve is disturbed."""
        if not self.on_stock_arrays:
            self.lean.check_thread()

    def _advance(self, steps: Iterator[float]) -> float | None:
        """Return the time of the next yield, s; None at the end."""
        return next(steps, None)

    def _at_yield(self) -> None:
        """Do what is due at a yield before the script sees it."""

    # -- stopping in a step --------------------------------------------------

    def _paused_in_step(self, call: dict[str, Any]) -> _Paused:
        paused = _Paused(call)
        paused.step = self._lean_step
        self.relative_time = paused.step.time
        paused.loop = _loop_of(self)
        return paused

    def complete_step(self) -> None:
        """Take a step that Ctrl-C has stopped in its middle to its end.

        The next `evolve` does it by itself, and so do the methods that need a whole step:
        `set_quantity`, pickles, copies and checkpoints.  A script that reads or writes
        centroid values after Ctrl-C calls it first.
        """
        paused = self._lean_paused
        if paused is None or paused.step is None or paused.step.done == 0:
            return
        self._lean_paused = None
        interrupts = pending_between_steps()
        try:
            self._next_yield(self._begin(paused, (), paused.call), paused.call, interrupts)
        except KeyboardInterrupt as error:
            if error is not interrupts.pending:
                raise

    def get_timestepping_method(self) -> str:
        """Return 'euler', 'rk2', 'rk3' or 'ader2': ANUGA's evolve asks before every step."""
        self._lean_step_is_due = self._lean_interrupts is not None
        method: str = self.timestepping_method
        return method

    def _leave_own_step(self) -> None:
        """Turn to stock arrays if a user's own step calls its parts instead of ANUGA's step."""
        self._lean_step_is_due = False
        own = users_own(self) & OF_A_WHOLE_STEP
        if own:
            self.use_stock_kernels(described(own, self))

    def set_quantity(self, *args: Any, **kwargs: Any) -> None:
        """Set values of a quantity; see ANUGA's method."""
        self.complete_step()
        super().set_quantity(*args, **kwargs)

    def _note_update(self) -> None:
        """Note that the update of a step begins."""

    def update_timestep_as_anuga(self, yieldstep: float | None, finaltime: float | None) -> None:
        """Choose the timestep, which ANUGA's method does."""
        super().update_timestep(yieldstep, finaltime)

    def _goes_on_from_a_step(self) -> bool:
        """Whether this evolve goes on with another one's steps: take what its loop knew."""
        if self._lean_opening is not None:
            self.__dict__.update(self._lean_opening.loop)
            return True
        if self._lean_goes_on:      # ANUGA looks again when an evolve begins
            self._lean_goes_on = False
            return True
        return False


def with_parts_of_step(cls: type) -> type:
    """Decorate a subclass of EvolvingDomain: its steps can stop before each of their parts."""
    for name in PARTS_OF_STEP:
        part = _part(cls, name)
        OWN.add(part)
        setattr(cls, name, part)
    for name in _STEPS:
        setattr(cls, name, _step(cls, name))
    return cls


def _method(cls: type, name: str) -> Callable[..., Any]:
    """Return a method of the class, or one that calls the class after it."""
    own = cls.__dict__.get(name)
    if own is not None:
        return own

    @functools.wraps(getattr(_swd.Domain, name))
    def inherited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(super(cls, self), name)(*args, **kwargs)

    return inherited


def _part(cls: type, name: str) -> Callable[..., Any]:
    method = _method(cls, name)
    in_plain = PLAIN_PARTS.get(name)
    prepares_yield = name == "distribute_to_vertices_and_edges"

    @functools.wraps(method)
    def part(self: Any, *args: Any, **kwargs: Any) -> Any:
        step = self._lean_part_of
        if step is None:
            if self._lean_step_is_due:
                self._leave_own_step()
            if prepares_yield and self._lean_opening is not None:
                _forget_quiet(self)
                return None
            return method(self, *args, **kwargs)
        if step.passed < step.done:
            step.passed += 1
            return None
        self._lean_interrupts.ask()
        if step.plain is not None:
            result = method(self, *args, **kwargs) if in_plain is None \
                else in_plain(step.plain, *args, **kwargs)
        else:
            self._lean_part_of = None
            try:
                result = method(self, *args, **kwargs)
            finally:
                self._lean_part_of = step
        step.done += 1
        step.passed += 1
        return result

    return part


def _forget_quiet(domain: Any) -> None:
    """Note that a script may have written anything since the step was stopped."""
    domain._lean_asked = []
    if not domain.on_stock_arrays:
        domain.lean.quiet.wake_all()


def _step(cls: type, name: str) -> Callable[..., Any]:
    method = _method(cls, name)
    in_plain = PLAIN_STEPS.get(name)

    @functools.wraps(method)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._lean_interrupts is None:
            return method(self, *args, **kwargs)
        self._lean_step_is_due = False
        opening, self._lean_opening = self._lean_opening, None
        if opening is None or opening.step.done == 0:
            self._lean_step = begun = StepInParts(self.relative_time)
            self._lean_interrupts.raise_pending()
            guard = guarding.current
            if guard is not None:
                if guard.passes > 0:
                    guard.passes -= 1
                else:
                    guard.before_step(self)
            lean = self.lean
            if lean is not None and lean.plain.begins():
                if in_plain is not None and lean.plain.drives:
                    in_plain(lean.plain, begun, *args, **kwargs)
                    self._lean_unseen = bool(self._step_observers)
                    return None
                begun.plain = lean.plain
        else:
            self._lean_step = opening.step
            self._lean_step.passed, self._lean_step.plain = 0, None
        self._lean_part_of = self._lean_step
        try:
            result = method(self, *args, **kwargs)
        finally:
            self._lean_part_of = None
        self._lean_unseen = bool(self._step_observers)
        return result

    return step
