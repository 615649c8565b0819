"""Splits the wall time of `evolve` by what it is spent on, inside a measuring process.

Owns which methods of a domain make up which part, and the clock.  A part holds all that it
calls; what no part holds is the rest: the parts add up to the whole.  The methods are wrapped on
ANUGA's classes by functions of this package, which lean domains take for ANUGA's own
(`stepping.user_methods`): they stay on lean kernels and keep nothing more.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

START = "start"         # of an evolve, up to its first step
REST = "rest"
STORING = "storing"
OPERATORS = "operators"  # an operator is operators/NAME
PARTS = {
    "distribute": ("distribute_to_vertices_and_edges",),
    "boundary objects": ("update_boundary",),
    "fluxes": ("compute_fluxes",),
    "update": ("compute_forcing_terms", "update_timestep", "update_conserved_quantities",
               "backup_conserved_quantities", "saxpy_conserved_quantities"),
    "exchange": ("update_ghosts",),
    STORING: ("store_timestep", "initialise_storage"),
}
# The same within a lean domain, which need not call the domain's own methods.
WITHIN_LEAN = {
    "anuga_lean.stepping.step:Step": {
        "distribute": "distribute", "compute_fluxes": "fluxes", "update": "update",
        "backup_conserved": "update", "average": "update"},
    "anuga_lean.stepping.segments:Segments": {"evaluate": "boundary objects"},
}
_STEPS = ("evolve_one_euler_step", "evolve_one_rk2_step", "evolve_one_rk3_step",
          "evolve_one_ader2_step")


class Split:
    """The seconds of each part of every `evolve` so far.

    Attributes
    ----------
    seconds : dict of str to float
        By part, s; an operator's is ``operators/NAME``.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys([START, *PARTS, OPERATORS, REST], 0.0)
        self._outside: str | None = None    # what time goes to that no part holds; None: paused
        self._paused: str | None = None     # the same, for after the pause
        self._inside = False
        self._last = 0.0
        self._names: dict[int, str] = {}    # of operators, by id

    def begin_evolve(self) -> None:
        """Count from here on; up to the first step everything is the start."""
        self._outside, self._inside = START, False
        self._last = perf_counter()

    def pause(self) -> None:
        """Count no longer: the script, or the harness, has the control."""
        if self._outside is not None:
            self._charge(self._outside)
            self._paused, self._outside = self._outside, None

    def resume(self) -> None:
        """Count again after `pause`."""
        self._outside = self._paused
        self._last = perf_counter()

    def begin_step(self) -> None:
        """End the start, if this is the first step."""
        if self._outside == START:
            self._charge(START)
            self._outside = REST

    def begin(self) -> bool:
        """Begin a part; return False if another one holds it or nothing is counted."""
        if self._inside or self._outside is None or self._outside == START:
            return False
        self._charge(self._outside)
        self._inside = True
        return True

    def end(self, part: str) -> None:
        """End the part that `begin` has begun."""
        self._charge(part)
        self._inside = False

    def _charge(self, part: str) -> None:
        now = perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._last
        self._last = now

    def each(self, operators: list[Any]) -> Iterator[Any]:
        """Yield operators; what the loop does with each is charged to it."""
        for operator in list.__iter__(operators):   # one that is appended meanwhile comes, too
            self._charge(OPERATORS)
            yield operator
            self._charge(f"{OPERATORS}/{self._name(operator, operators)}")

    def _name(self, operator: Any, operators: list[Any]) -> str:
        """Return the operator's class, with a number if the domain has several of it."""
        found = self._names.get(id(operator))
        if found is None:
            name = type(operator).__name__
            alike = [each for each in list.__iter__(operators) if type(each) is type(operator)]
            at = next(i for i, each in enumerate(alike) if each is operator)
            found = name if len(alike) == 1 else f"{name} {at + 1}"
            self._names[id(operator)] = found
        return found

    def as_dict(self) -> dict[str, float]:
        """Return the seconds of each part that took any."""
        return {part: seconds for part, seconds in self.seconds.items() if seconds}


class _Operators(list[Any]):
    """A domain's operators, for the time that `apply_fractional_steps` runs."""

    def __init__(self, operators: list[Any], split: Split) -> None:
        super().__init__(operators)
        self._split = split

    def __iter__(self) -> Iterator[Any]:
        return self._split.each(self)


def watch(cls: type) -> Split:
    """Time the parts of every domain of ANUGA's class, and of those that ANUGA derives from it."""
    split = Split()
    classes = [cls, *cls.__subclasses__()]
    parts = {name: part for part, names in PARTS.items() for name in names}
    wrap: dict[str, Callable[..., Any]] = {
        **{name: functools.partial(_part, split, part) for name, part in parts.items()},
        **{name: functools.partial(_step, split) for name in _STEPS},
        "apply_fractional_steps": functools.partial(_operators, split),
    }
    found = [(each, name, getattr(each, name)) for each in classes for name in wrap
             if name in vars(each) or each is cls and hasattr(cls, name)]
    for each, name, original in found:
        setattr(each, name, wrap[name](original))
    for place, methods in WITHIN_LEAN.items():
        module, _, class_name = place.partition(":")
        if module in sys.modules:       # not in a process that runs stock
            within = getattr(sys.modules[module], class_name)
            for name, part in methods.items():
                setattr(within, name, _part(split, part, getattr(within, name)))
    return split


def _part(split: Split, part: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not split.begin():
            return original(self, *args, **kwargs)
        try:
            return original(self, *args, **kwargs)
        finally:
            split.end(part)

    return timed


def _step(split: Split, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        split.begin_step()
        return original(self, *args, **kwargs)

    return step


def _operators(split: Split, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not split.begin():
            return original(self, *args, **kwargs)
        held = self.fractional_step_operators
        shown = self.fractional_step_operators = _Operators(held, split)
        try:
            return original(self, *args, **kwargs)
        finally:
            if self.fractional_step_operators is shown:
                held[:] = list.__iter__(shown)
                self.fractional_step_operators = held
            split.end(OPERATORS)

    return timed
