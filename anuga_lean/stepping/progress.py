"""Refuses to evolve where time would not go on, which ANUGA does for ever.

Owns what is asked of the arguments of `evolve` and of the constants that a script or a checkpoint
gives a domain, and of each step that was taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from anuga_lean._errors import ModelError

# Steps that may bring a yield no nearer, by this part of the way: a single one may be of no
# length, and the way of 1e15 steps has no end.
_MOST_IN_A_ROW, _LEAST_PART = 100, 1e-15
# What makes a step of NaN or of no length.
_STEPS = ("CFL", "evolve_max_timestep", "fixed_flux_timestep")

_ARGUMENTS = ("yieldstep", "outputstep", "finaltime", "duration", "skip_initial_step")

if TYPE_CHECKING:
    _ADomain: Any   # ANUGA's, which comes after this one in the bases of both lean domains
else:
    _ADomain = object


class ProgressingDomain(_ADomain):
    """The part of LeanDomain that sees to it that time goes on."""

    _lean_last_time: float | None = None    # after the last step, s; None before the first
    _lean_idle_steps = 0                    # that have ended there since

    def evolve(self, *args: Any, **kwargs: Any) -> Iterator[float]:
        """Evolve the model, yielding at every yieldstep; see ANUGA's method."""
        _check_arguments(self, dict(zip(_ARGUMENTS, args, strict=False)) | kwargs)
        self._lean_last_time = None
        steps: Iterator[float] = super().evolve(*args, **kwargs)
        return steps

    def update_extrema(self) -> None:
        """Update the extrema of monitored quantities, which ANUGA does after each step."""
        now, last = self.relative_time, self._lean_last_time
        if last is not None and \
                _LEAST_PART * (self.relative_finaltime - now) < now - last < math.inf:
            self._lean_last_time, self._lean_idle_steps = now, 0    # a yield is nearer
        else:
            self._look_at_progress(now, last)
        if self.quantities_to_be_monitored is not None:
            super().update_extrema()

    def _look_at_progress(self, now: float, last: float | None) -> None:
        """Count a step that may have brought no yield nearer; raise ModelError after too many."""
        if not math.isfinite(now):
            raise ModelError(f"the time has become {now} s after a step of {self.timestep} s: "
                             f"{_advice(self)}.")
        self._lean_last_time = now
        if last is None or now - last > _LEAST_PART * _until_yield(self):   # or evolve begins
            self._lean_idle_steps = 0
            return
        idle = self._lean_idle_steps
        self._lean_idle_steps += 1
        if idle >= _MOST_IN_A_ROW:
            raise ModelError(
                f"{idle} steps in a row, the last of {self.timestep} s, have not brought "
                f"t={self.get_time()} s nearer to the yield at {self.yieldtime} s: "
                f"{_advice(self)}.")


def _until_yield(domain: Any) -> float:
    """Return the seconds to the next yield; 0 at a yield, and if none comes."""
    left: float = min(domain.relative_yieldtime, domain.relative_finaltime) - domain.relative_time
    return left if left < math.inf else 0.0


def _advice(domain: Any) -> str:
    values = ", ".join(f"{name} = {getattr(domain, name)}" for name in _STEPS)
    return f"look at the boundaries, the operators and at {values}"


def _check_arguments(domain: Any, given: dict[str, Any]) -> None:
    """Raise ModelError if steps or yields would have no end."""
    goes_on = domain.evolved_called or given.get("skip_initial_step")
    begin = "relative_time" if goes_on else "evolve_starttime"      # as ANUGA takes it
    for name in ("starttime", begin):
        if not _is_number(getattr(domain, name)):
            raise ModelError(f"domain.{name} is {getattr(domain, name)!r}: set a finite time, s.")
    for name in _STEPS:
        value = getattr(domain, name)
        if name == "fixed_flux_timestep" and value is None:
            continue
        if not (_is_number(value) or value == math.inf) or not value > 0.0:
            raise ModelError(f"domain.{name} is {value!r}, with which no step would end: set a "
                             "number above 0.")
    now, step = getattr(domain, begin), given.get("yieldstep")
    if step is not None and not now + float(step) > now:
        raise ModelError(f"evolve(yieldstep={step!r}) from t={now + domain.starttime} s would "
                         "yield the same time for ever: give a number of seconds above 0.")
    for name in ("finaltime", "duration"):
        if isinstance(given.get(name), (float, np.floating)) and math.isnan(given[name]):
            raise ModelError(f"evolve({name}={given[name]!r}) would never end: give a number of "
                             "seconds.")


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False
