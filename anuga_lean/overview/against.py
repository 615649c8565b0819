"""Draws parameters against results: small charts, one of each pair, readable without colour.

Owns how members are put into groups and what of a group is drawn; `measure.page` draws.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from anuga_lean.measure.page import charts
from anuga_lean.measure.page.charts import Axes, Series, share
from anuga_lean.measure.page.model import Bar, Bars, Dot, Group, Lines, Part, Table
from anuga_lean.measure.page.wording import number, plural

_DISTINCT = 16      # values of a parameter that are shown one by one
_BINS = 12          # groups of those that have more
_CATEGORIES = 12
_CLOUD = 200        # members that are drawn one by one
_APART = 0.12       # of the axis, between two labels that stand in two rows
_LABEL = 22         # characters of a value


class Point(NamedTuple):
    """A member: its name, the value of a parameter, and a result."""

    name: str
    x: Any
    y: float


class Spread(NamedTuple):
    """Results of some members: how many, and the values that 5, 50 and 95 % do not exceed."""

    members: int
    low: float
    middle: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Return how some values are spread."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(len(ordered), ordered[round(0.05 * last)], statistics.median(ordered),
                  ordered[round(0.95 * last)])


def is_number(value: Any) -> bool:
    """Whether a value is a number that can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) \
        and math.isfinite(value) and abs(value) < 1e300


def chart(parameter: str, points: Sequence[Point], look: str = "b1") -> Bars | Lines:
    """Return the chart of a result against a parameter, a number or not."""
    if all(is_number(each.x) for each in points):
        return _lines(parameter, points, look)
    return _bars(parameter, points, look)


def table(parameter: str, points: Sequence[Point]) -> Table:
    """Return the figures behind a chart."""
    groups = _numeric(points) if all(is_number(each.x) for each in points) else {
        shown: [each.y for each in found] for shown, found in _categories(points).items()}
    rows = []
    for x, values in groups.items():
        found = spread(values)
        rows.append([x if isinstance(x, str) else f"{x:.6g}", f"{found.members:,}",
                     *map(number, found[1:])])
    return Table(f"By {parameter}", [parameter, "members", "5 %", "median", "95 %"], rows)


def _numeric(points: Sequence[Point]) -> dict[float, list[float]]:
    """Return results by value of the parameter, or by the middle of as many members each."""
    by_value: dict[float, list[float]] = {}
    for each in points:
        by_value.setdefault(float(each.x), []).append(each.y)
    if len(by_value) <= _DISTINCT:
        return dict(sorted(by_value.items()))
    ordered = sorted(points, key=lambda each: each.x)
    edges = [round(k * len(ordered) / _BINS) for k in range(_BINS + 1)]
    found: dict[float, list[float]] = {}
    for begin, end in zip(edges, edges[1:], strict=False):
        if end > begin:
            middle = float(statistics.median(each.x for each in ordered[begin:end]))
            found.setdefault(middle, []).extend(each.y for each in ordered[begin:end])
    return found


def scale(values: Iterable[float]) -> tuple[float, str]:
    """Return by what numbers are divided so that they are short, and how that is said."""
    most = max((abs(each) for each in values), default=0.0)
    if most == 0.0 or 1e-2 <= most < 1e4:
        return 1.0, ""
    power = 3 * math.floor(math.log10(most) / 3)
    return 10.0**power, f", in units of 1e{power}"


def _lines(parameter: str, points: Sequence[Point], look: str) -> Lines:
    groups = _numeric(points)
    along, along_said = scale(groups)
    up, up_said = scale(each.y for each in points)
    found = {x / along: spread(each / up for each in values) for x, values in groups.items()}
    several = any(each.members > 1 for each in found.values())
    wanted = (("95 % are below", "95 %", "high", 2), ("median", "median", "middle", 1),
              ("5 % are below", "5 %", "low", 4)) if several else (
        ("each member", "", "middle", 1),)
    series = [Series(name, short, look if name in ("median", "each member") else "b5", position,
                     [(x, getattr(each, field)) for x, each in found.items()],
                     [f"{x:.6g}: {number(getattr(each, field) * up)}"
                      for x, each in found.items()])
              for name, short, field, position in wanted]
    cloud = list(points) if several and len(points) <= _CLOUD else []
    ys = [y for one in series for _, y in one.points] + [each.y / up for each in cloud]
    xs = list(found)
    ticks = charts.round_ticks(min(ys), max(ys))
    low, high = min(xs), max(xs)
    is_log = low > 0.0 and high / low > 100.0
    if is_log:
        at = charts.log_ticks(low, high, 4)
    elif len(xs) <= 4:
        at = xs
    else:
        at = charts.round_ticks(low, high, 3)
        low, high = min(low, at[0]), max(high, at[-1])
    at = _apart(at, low, high, is_log)
    axes = Axes([(each, f"{each:.4g}") for each in at], ticks, (low, high), (ticks[0], ticks[-1]),
                is_log, staggered=len(at) > 3)
    drawn = charts.lines(f"against {charts.shortened(parameter, 40)}{along_said}{up_said}", series,
                         axes, lambda value: f"{value:.4g}")
    drawn.cloud = [Dot(axes.place_x(each.x / along), axes.place_y(each.y / up),
                       f"{each.name}: {number(each.y)}") for each in cloud]
    return drawn


def _apart(ticks: Sequence[float], low: float, high: float, is_log: bool) -> list[float]:
    """Return those ticks of x whose labels do not lie on one another."""
    places = [math.log10(each) if is_log else each for each in (low, high, *ticks)]
    least = _APART * (places[1] - places[0])
    kept: list[int] = []
    for k, place in enumerate(places[2:]):
        if not kept or place - places[2 + kept[-1]] >= least:
            kept.append(k)
    return [ticks[k] for k in kept]


def _categories(points: Sequence[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for each in points:
        found.setdefault(charts.shortened(str(each.x) or '""', _LABEL), []).append(each)
    if len(found) <= _CATEGORIES:
        return found
    kept = sorted(found, key=lambda shown: -len(found[shown]))[:_CATEGORIES - 1]
    rest = [each for shown, some in found.items() if shown not in kept for each in some]
    return {shown: found[shown] for shown in found if shown in kept} | {
        f"{len(found) - len(kept)} others": rest}


def _bars(parameter: str, points: Sequence[Point], look: str) -> Bars:
    groups = {shown: spread(each.y for each in some)
              for shown, some in _categories(points).items()}
    up, up_said = scale(each.y for each in points)
    low = min(0.0, *(each.low for each in groups.values()))
    whole = max(each.high for each in groups.values()) - low or 1.0
    drawn = []
    for shown, each in groups.items():
        text = number(each.middle / up) if each.members == 1 else \
            f"{number(each.middle / up)} ({number(each.low / up)} to {number(each.high / up)})"
        width = max(share(each.high - each.low, whole), 0.5)
        drawn.append(Bar(shown, text, [Part("blank", share(each.low - low, whole)),
                                       Part(look, width)],
                         share(each.middle - low, whole)))
    said = "; ".join(f"{bar.label} {bar.text}" for bar in drawn)
    return Bars(f"against {parameter}: median, and 5 % to 95 % of the members. {said}.",
                [Group("", drawn)],
                f"against {charts.shortened(parameter, 40)}{up_said}: median (5 to 95 %)")


def histogram(title: str, values: Sequence[float], unit: str, look: str = "b1") -> Bars:
    """Return how many members have a value in each of about ten ranges."""
    edges = charts.round_ticks(min(values), max(values), 9)
    counts = [0] * (len(edges) - 1)
    for value in values:
        counts[min(len(counts) - 1, sum(value >= edge for edge in edges[1:]))] += 1
    found = [charts.Value(f"{low:.4g} to {high:.4g} {unit}", look, count, plural(count, "member"))
             for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    first = next(k for k, each in enumerate(found) if each.value)
    last = max(k for k, each in enumerate(found) if each.value)
    return charts.bars(title, "members by range", {"": found[first:last + 1]})


def by_parameter(names: Iterable[str], members: Sequence[tuple[str, Mapping[str, Any], float]],
                 look: str = "b1") -> tuple[list[Bars | Lines], list[Table]]:
    """Return charts and tables of a result against each parameter.

    Parameters
    ----------
    names : iterable of str
        Parameters that differ.
    members : sequence of tuple
        Name, parameters and result of each member.
    """
    drawn: list[Bars | Lines] = []
    tables = []
    for name in names:
        points = [Point(member, parameters[name], y) for member, parameters, y in members]
        if len({each.x for each in points}) > 1:
            drawn.append(chart(name, points, look))
            tables.append(table(name, points))
    return drawn, tables
