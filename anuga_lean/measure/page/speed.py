"""Makes the panels on speed over mesh size, on ratios, and on gated figures over the nights.

Owns what a line is; charts.py draws.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from anuga_lean.measure.page import charts
from anuga_lean.measure.page.charts import Axes, Series, Value
from anuga_lean.measure.page.model import Key, Lines, Panel, Section, Table
from anuga_lean.measure.page.shown import Entry, Shown, commands
from anuga_lean.measure.page.wording import (
    conditions,
    count,
    date,
    figure_name,
    figure_text,
    joined,
    meshes,
    number,
    plural,
    short_mesh,
    spread_text,
    unit_name,
)
from anuga_lean.measure.records import Figure, Record

LEAST_RANGE = 0.1  # of the value: a history's scale never magnifies more than that
MOST_LINES = 6  # in one history
MOST_COMMITS = 6  # below one history, in two rows from four on
SPEED = "seconds_per_step"


class Point(NamedTuple):
    """A figure of one night, nights counted by date."""

    night: int
    entry: Entry
    figure: Figure


def per_triangle(record: Record) -> tuple[float, float] | None:
    """Return triangles and ns per triangle and step; None if a record has none."""
    figure = record.figures.get(SPEED)
    if figure is None or not record.triangles or record.triangles[-1] <= 0:
        return None
    triangles = record.triangles[-1]
    value = figure.value if figure.unit == "ns/tri" else figure.value / triangles * 1e9
    return float(triangles), value


def against_size(shown: Shown) -> Section:
    """Return the section on time per triangle over mesh size, a line a build and thread count."""
    timed = [entry for entry in shown.of("speed") if per_triangle(entry.record) is not None]
    kinds = list(dict.fromkeys(_kind(entry.record) for entry in sorted(
        timed, key=lambda entry: (shown.builds.index(entry.record.build), entry.record.threads))))
    panels: list[Panel] = []
    for found in shown.grouped(
            timed, lambda record: (record.scenario, record.flow_algorithm, record.numprocs)):
        lines: dict[tuple[str, int, str], list[Entry]] = {}
        for kind in kinds:
            of_kind = [entry for entry in found if _kind(entry.record) == kind]
            if of_kind:
                lines[kind] = sorted(of_kind, key=lambda entry: entry.record.triangles[-1])
        first = found[0].record
        words = [first.flow_algorithm]
        if first.numprocs > 1:
            words.append(plural(first.numprocs, "rank"))
        panels.append(Panel(
            f"speed-{len(panels)}", first.scenario, ", ".join(words),
            [_size_chart(shown, lines, kinds)], [_size_table(lines)],
            commands(entry for entries in lines.values() for entry in entries),
            shown.absent(found)))
    return Section("speed", "Speed against mesh size",
                   "Nanoseconds per triangle and step over the number of triangles (logarithmic); "
                   "lower is faster.", panels)


def ratios(shown: Shown) -> Section:
    """Return the section on figures that say how many times better lean is than stock."""
    panels: list[Panel] = []
    found = [(entry, name, figure) for entry in shown.entries
             for name, figure in entry.record.figures.items() if figure.unit == "x"]
    for name in dict.fromkeys(name for _, name, _ in found):
        chosen = sorted(((entry, figure) for entry, its, figure in found if its == name),
                        key=lambda one: (one[0].record.threads, one[0].record.triangles[-1:]))
        for of_scenario in shown.grouped((entry for entry, _ in chosen),
                                         lambda record: (record.suite, record.scenario)):
            panels.append(_ratio_panel(shown, f"ratio-{len(panels)}", name, of_scenario))
    return Section("ratios", "Stock over lean",
                   "How many times the figure of lean goes into that of stock; above one, lean "
                   "is better.", panels)


def history(shown: Shown) -> Section:
    """Return the section on gated figures over the stored nights, a chart for each figure."""
    followed: dict[tuple[str, str, str], dict[str, list[Point]]] = {}
    for number_of_night, night in enumerate(shown.nights):
        for record in night.records:
            for name, figure in record.figures.items():
                if figure.gate is not None and record.error is None:
                    chart = followed.setdefault((record.suite, name, record.scenario), {})
                    chart.setdefault(record.key, []).append(
                        Point(number_of_night, Entry(record, night), figure))
    panels: list[Panel] = []
    for (_, name, _), lines in followed.items():
        longer = [points for points in lines.values() if points[0].night < points[-1].night]
        for first in range(0, len(longer), MOST_LINES):
            panels.append(_history_panel(shown, f"history-{len(panels)}", name,
                                         longer[first : first + MOST_LINES]))
    intro = ("Figures that a night must not make worse: memory must not grow, ratios must not "
             "fall. Commits are below the points; scales do not begin at zero.")
    machines = dict.fromkeys(str(night.machine.get("processor", "not known"))
                             for night in shown.nights)
    if len(machines) > 1:
        intro += (f" The nights ran on different processors ({joined(machines)}): ratios of "
                  "different machines do not compare.")
    return Section("history", "History over the nights", intro, panels)


def _kind(record: Record) -> tuple[str, int, str]:
    return record.build, record.threads, record.isa or ""


def _kind_name(kind: tuple[str, int, str]) -> str:
    build, threads, isa = kind
    return ", ".join([build, plural(threads, "thread"), *([f"{isa} kernels"] if isa else [])])


def _size_chart(shown: Shown, lines: dict[tuple[str, int, str], list[Entry]],
                kinds: list[tuple[str, int, str]]) -> Lines:
    series = []
    for kind, entries in lines.items():
        points = [point for entry in entries
                  if (point := per_triangle(entry.record)) is not None]
        texts = [f"{number(y)} ns at {x:,.0f} triangles" for x, y in points]
        threads = f" {kind[1]}t"
        short = charts.shortened(kind[0], charts.LONGEST_LABEL - len(threads)) + threads
        series.append(Series(_kind_name(kind), short, shown.look(kind[0]), kinds.index(kind),
                             points, texts, f": {number(points[-1][1])} ns"))
    xs = [x for one in series for x, _ in one.points]
    ticks = charts.round_ticks(0.0, max(y for one in series for _, y in one.points))
    axes = Axes([(x, count(x)) for x in charts.log_ticks(min(xs), max(xs))], ticks,
                (min(xs), max(xs)), (ticks[0], ticks[-1]), log=True)
    return charts.lines("ns per triangle and step", series, axes, number)


def _size_table(lines: dict[tuple[str, int, str], list[Entry]]) -> Table:
    rows = []
    for kind, entries in lines.items():
        for entry in entries:
            figure, point = entry.record.figures[SPEED], per_triangle(entry.record)
            if point is not None:
                rows.append([_kind_name(kind), f"{point[0]:,.0f}", number(point[1]),
                             figure_text(figure), spread_text(figure)])
    return Table("Time per step", ["line", "triangles", "ns/tri", "time per step", "spread"], rows)


def _ratio_panel(shown: Shown, ident: str, name: str, entries: list[Entry]) -> Panel:
    first = entries[0].record
    values, rows = [], []
    for entry in entries:
        record, figure = entry.record, entry.record.figures[name]
        label = ", ".join([short_mesh(record), *_unusual(record)])
        values.append(Value(label, shown.look(record.build), figure.value, figure_text(figure)))
        rows.append([record.build, meshes(record.triangles[-1:]), conditions(record),
                     figure_text(figure), spread_text(figure)])
    heading = figure_name(name)
    return Panel(
        ident, first.scenario, f"{first.suite}, both measured in turns",
        [charts.bars(heading, first.scenario, {"": values}, mark=1.0,
                     legend=[Key("1×: no difference", "mark")])],
        [Table(f"{heading} ({name})", ["build", "mesh", "conditions", "ratio", "spread"], rows, 3)],
        commands(entries), shown.absent(entries))


def _unusual(record: Record) -> list[str]:
    """Return the conditions of a record but DE0 and one rank, which are usual."""
    return [*([record.flow_algorithm] if record.flow_algorithm != "DE0" else []),
            plural(record.threads, "thread"),
            *([plural(record.numprocs, "rank")] if record.numprocs > 1 else [])]


def _history_panel(shown: Shown, ident: str, name: str, lines: list[list[Point]]) -> Panel:
    first = lines[0][0].entry.record
    values = [point.figure.value for points in lines for point in points]
    low, high = min(values), max(values)
    room = max(0.0, LEAST_RANGE * abs(high) - (high - low)) / 2
    ticks = charts.round_ticks(low - room, high + room)
    nights = sorted({point.night for points in lines for point in points})
    named = _line_names([points[-1].entry.record for points in lines])
    brief = _line_names([points[-1].entry.record for points in lines], brief=True)
    series = [_history_series(shown, k, label, short, points) for k, (label, short, points)
              in enumerate(zip(named, brief, lines, strict=True))]
    every = math.ceil(len(nights) / MOST_COMMITS)
    axes = Axes([(float(night), shown.nights[night].commit[:7] or "?")
                 for night in nights[::every]], ticks,
                (float(nights[0]), float(nights[-1])), (ticks[0], ticks[-1]),
                staggered=len(nights[::every]) > MOST_COMMITS // 2)
    heading, unit = figure_name(name), unit_name(lines[0][0].figure.unit)
    rows = [[label, date(point.entry.night.date), point.entry.night.commit or "not known",
             figure_text(point.figure), spread_text(point.figure)]
            for label, points in zip(named, lines, strict=True) for point in points]
    return Panel(
        ident, f"{first.scenario}, {heading}", f"{first.suite}, {_same(lines)}",
        [charts.lines(unit, series, axes, lambda value: f"{value:,.4g}")],
        [Table(f"{heading} ({name})", ["line", "night", "commit", "value", "spread"], rows, 3)],
        commands(points[-1].entry for points in lines))


def _history_series(shown: Shown, position: int, label: str, short: str,
                    points: list[Point]) -> Series:
    last = points[-1]
    texts = [f"{figure_text(point.figure)} at {point.entry.night.commit or 'no commit'} on "
             f"{date(point.entry.night.date)}" for point in points]
    values = [point.figure.value for point in points]
    return Series(label, short or number(values[-1]), shown.look(last.entry.record.build), position,
                  [(float(point.night), point.figure.value) for point in points], texts,
                  f": {figure_text(last.figure)}, {_change(values)}")


def _line_names(records: list[Record], brief: bool = False) -> list[str]:
    """Return what tells the lines of one chart apart, the build always unless brief."""
    meshed = len({tuple(record.triangles) for record in records}) > 1
    varied = len({(record.flow_algorithm, record.threads, record.numprocs)
                  for record in records}) > 1
    if brief:
        built = len({record.build for record in records}) > 1
        return [" ".join([*([record.build] if built else []),
                          *([count(record.triangles[-1])] if meshed and record.triangles else []),
                          *([_brief(record)] if varied else [])]) for record in records]
    return [", ".join([record.build, *([short_mesh(record)] if meshed else []),
                       *(_unusual(record) if varied else [])]) for record in records]


def _brief(record: Record) -> str:
    """Return the conditions of a record, for the end of a line."""
    algorithm = record.flow_algorithm if record.flow_algorithm != "DE0" else ""
    ranks = f"{record.numprocs}p" if record.numprocs > 1 else ""
    return " ".join(filter(None, (algorithm, f"{record.threads}t", ranks)))


def _same(lines: list[list[Point]]) -> str:
    """Return mesh and conditions that the lines of a chart have in common."""
    records = [points[-1].entry.record for points in lines]
    found = {f"{meshes(record.triangles)}, {conditions(record)}" for record in records}
    return found.pop() if len(found) == 1 else f"{len(records)} lines"


def _change(values: list[float]) -> str:
    """Return how the last night differs from the one before."""
    before, after = values[-2:]
    if before == after:
        return "as the night before"
    if not before:
        return f"{number(after)} after 0"
    change = f"{(after - before) / abs(before):+.1%}".replace("-", "−")
    return f"{change} on the night before"
