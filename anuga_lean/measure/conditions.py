"""Reads conditions on measured figures, such as ``peak_rss > 2 GiB``, and says which hold.

Owns the names, their units and the sentences; nothing of a condition is ever run as code.
Figures are comparison.py's, what a command does about them commands/compare.py's.
"""

from __future__ import annotations

import operator
import re
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

from anuga_lean._errors import ConditionError
from anuga_lean.measure.comparison import Comparison
from anuga_lean.measure.measurement import VARIANTS

# Name, what it is, its unit; an empty unit is a plain number.
NAMES = {
    "peak_rss": ("largest resident memory of the process, of rank 0 if there are several", "B"),
    "arrays": ("bytes that the domain's arrays hold for each triangle", "B/tri"),
    "seconds": ("wall time of the whole run, imports too", "s"),
    "evolve_seconds": ("wall time of all evolves", "s"),
    "seconds_per_step": ("wall time of a time step", "s"),
    "triangles": ("number of triangles", ""),
    "steps": ("number of time steps", ""),
}
SIDES = (*VARIANTS, "ratio")    # ratio: stock over lean
_UNITS = {
    "B": {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
          "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
    "s": {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0},
    "B/tri": {"B/tri": 1.0, "": 1.0}, "": {"": 1.0},
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_SIGNS = tuple(_COMPARISONS)
_NUMBER = r"\d{1,18}(?:\.\d{0,18})?(?:[eE][+-]?\d{1,2})?"
_FORM = re.compile(rf"\s*(?:(\w+)\.)?(\w+)\s*(<=|>=|<|>)\s*({_NUMBER})\s*([A-Za-z/]*)\s*")


class Condition(NamedTuple):
    """A figure, a comparison and a limit.

    Attributes
    ----------
    text : str
        As it was given.
    side : str
        ``lean``, ``stock``, or ``ratio``: stock over lean.
    name : str
        One of `NAMES`.
    sign : str
        ``<``, ``<=``, ``>`` or ``>=``.
    limit : float
        In the unit of `NAMES`; without one for a ratio.
    """

    text: str
    side: str
    name: str
    sign: str
    limit: float

    @property
    def unit(self) -> str:
        """Return the unit of the limit."""
        return "" if self.side == "ratio" else NAMES[self.name][1]


class Verdict(NamedTuple):
    """A condition with the figure that was measured, and whether it holds."""

    condition: Condition
    value: float
    holds: bool

    def sentence(self) -> str:
        """Return the condition and the figure in words."""
        word = "holds" if self.holds else "does not hold"
        return f"{self.condition.text} {word}: {amount(self.value, self.condition.unit)}"

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {**self.condition._asdict(), "unit": self.condition.unit, "value": self.value,
                "holds": self.holds}


def parsed(text: str) -> Condition:
    """Return a condition from its text.

    Raises
    ------
    ConditionError
        It has another form, an unknown name or a unit that does not fit.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConditionError(f"{text!r} is no condition: write a name, one of {', '.join(_SIGNS)}, "
                             "a number and its unit, such as 'peak_rss > 2 GiB'")
    side, name, sign, number, unit = found.groups(default="")
    if side and side not in SIDES:
        raise ConditionError(f"{text!r}: there is no side {side!r}; there are {', '.join(SIDES)}")
    if name not in NAMES:
        raise ConditionError(f"{text!r}: there is no figure {name!r}; there are "
                             f"{', '.join(NAMES)}, of lean or after "
                             f"{', '.join(f'{each}.' for each in SIDES)}")
    units = {"": 1.0} if side == "ratio" else _UNITS[NAMES[name][1]]
    if unit not in units:
        listed = ", ".join(each for each in units if each) or "no unit"
        raise ConditionError(f"{text!r}: {name} has {listed}, not {unit or 'a plain number'}"
                             if side != "ratio" else f"{text!r}: a ratio has no unit")
    limit = float(number) * units[unit]
    return Condition(" ".join(text.split()), side or "lean", name, sign, limit)


def check(conditions: list[Condition], only: str | None) -> None:
    """Raise ConditionError, before any work, for a figure that one side alone cannot give."""
    for each in conditions:
        if only is not None and each.side != only:
            raise ConditionError(f"{each.text!r} wants {each.side}, and --only {only} measures "
                                 f"{only} alone")


def judge(conditions: list[Condition], comparison: Comparison) -> list[Verdict]:
    """Return each condition with its figure.

    Raises
    ------
    ConditionError
        A figure could not be measured here.
    """
    verdicts = []
    for each in conditions:
        if each.side == "ratio":
            stock, lean = (_measured(each, comparison, side) for side in VARIANTS)
            if not lean:
                raise ConditionError(f"{each.text!r}: {each.name} of lean is 0")
            value = stock / lean
        else:
            value = _measured(each, comparison, each.side)
        verdicts.append(Verdict(each, value, _COMPARISONS[each.sign](value, each.limit)))
    return verdicts


def _measured(condition: Condition, comparison: Comparison, side: str) -> float:
    value = figures(comparison, side)[condition.name]
    if value is None:
        raise ConditionError(f"{condition.text!r}: {condition.name} of {side} could not be "
                             "measured here")
    return value


def figures(comparison: Comparison, side: str) -> dict[str, float | None]:
    """Return every figure of `NAMES` of one side, medians over the repeats."""
    runs = getattr(comparison, side)
    return {
        "peak_rss": comparison.peak_rss(side),
        "arrays": comparison.median(side, "census", "bytes_per_triangle"),
        "seconds": statistics.median(_seconds(run, "") for run in runs),
        "evolve_seconds": statistics.median(_seconds(run, "evolve") for run in runs),
        "seconds_per_step": comparison.median(side, "seconds_per_step"),
        "triangles": comparison.median(side, "number_of_triangles"),
        "steps": comparison.median(side, "steps"),
    }


def _seconds(run: dict[str, Any], beginning: str) -> float:
    return float(sum(stage["seconds"] for name, stage in run["stages"].items()
                     if name.startswith(beginning)))


def amount(value: float, unit: str) -> str:
    """Return a figure with the unit that people read it in."""
    if unit == "B":
        return f"{value / 2**20:,.1f} MiB"
    return f"{value:,.4g} {unit}".rstrip()
