"""Draws the record of a run: memory over time, with stages, yields, sets, warnings and limit.

Owns what is drawn of a record; `measure.page` has the page, its charts and how these look.
"""

from __future__ import annotations

import shlex
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from anuga_lean.following.wording import duration
from anuga_lean.guard.limits import Level
from anuga_lean.guard.recorded import Moment, RecordedRun, Sample, total
from anuga_lean.measure.page import Beside, charts
from anuga_lean.measure.page.charts import Axes, Below, Series, Value
from anuga_lean.measure.page.model import Bars, Command, Key, Lines, Panel, Section, Table
from anuga_lean.measure.page.shown import DASHES, LOOKS, MARKERS
from anuga_lean.measure.page.wording import MIB, mebibytes, plural

_MOST_POINTS = 160      # of a line: as many as its width has room for
_MOST_DOTS = 10
_MOST_RANKS = 5         # that have lines of their own
_MOST_ROWS = 80         # of a table
_EVOLVE = "evolve"      # the stage that no set-up is
_SHORT = 0.15           # of a run: a set-up that is shorter has a chart of its own
_IN_SIGHT = 6.0         # times what the run holds: a limit above is not drawn
# What is marked below the chart: label, name, kind of moment, look, marker.
_MARKED = (("yields", "yields that were recorded", "yield", "b5", "M-0.7 -5H0.7V5H-0.7Z"),
           ("sets", "sets of checkpoints", "set", "b1", MARKERS[4]),
           ("warned", "warnings", "warning", "alarm", MARKERS[3]))


def beside(runs: Sequence[tuple[Path, RecordedRun]]) -> Beside:
    """Return the section of some records, a panel each, for `measure.page.page_of`."""
    panels = [_panel(f"run-{k}", path, run) for k, (path, run) in enumerate(runs)]
    section = Section(
        "runs", "Memory of runs over time",
        "What a guarded run has recorded of itself: memory of its ranks when it began, at the end "
        "of each stage and at yields, at most every 30 s. PSS counts a page that several ranks "
        "share once, RSS once for each.", panels)
    files = [[str(path), _date(run.began), "–", "the record of a run"] for path, run in runs]
    return Beside(section, f"{plural(len(runs), 'run')}: " + "; ".join(
        f"{run.name or path.name}, {_end_of(run)}" for path, run in runs) + ".", files)


def _panel(ident: str, path: Path, run: RecordedRun) -> Panel:
    moments = sorted(run.moments, key=lambda each: each.seconds)
    last = max((each.seconds for each in moments), default=0.0)
    triangles = sum(each.triangles for each in run.places)
    words = [plural(len(run.places), "rank"), f"{triangles:,} triangles with ghosts"
             if len(run.places) > 1 else f"{triangles:,} triangles", run.algorithm,
             duration(last), _end_of(run)]
    drawn: list[Bars | Lines] = []
    if any(each.memory for each in moments):
        drawn.append(_of_run(run, moments, last))
    else:
        words.append("no memory is recorded")
    until = max((end for _, end, each in _spans(moments) if each.text != _EVOLVE), default=0.0)
    if drawn and 0.0 < until < _SHORT * last:     # too short to be seen beside the rest
        first = [each for each in moments if each.seconds <= until]
        drawn.append(_of_run(run, first, until, "MiB while setting up"))
    if drawn and len(run.places) > 1:
        drawn.append(_of_ranks(run, moments, last))
    stages = _of_stages(run, moments)
    if stages is not None:
        drawn.append(stages)
    again = [Command("doctor", f"anuga_lean doctor {shlex.quote(str(path))}")]
    if run.argv:
        again.insert(0, Command("the run", f"anuga_lean run --guard {shlex.join(run.argv)}"))
    return Panel(ident, run.name or path.name, ", ".join(filter(None, words)), drawn,
                 [*_tables(run, moments)], again)


def _end_of(run: RecordedRun) -> str:
    if not run.outcome:
        return "no end is recorded"
    why = f" because {run.why}" if run.why else ""
    code = f", exit code {run.exit_code}" if run.exit_code is not None else ""
    return f"{run.outcome}{why}{code}"


def _date(wall: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(wall)) if 0.0 < wall < 1e11 else "–"


# -- lines -----------------------------------------------------------------------


def _of_run(run: RecordedRun, moments: list[Moment], last: float,
            title: str = "MiB over time") -> Lines:
    """Return the chart of all ranks of the first one's node, against the limit."""
    first = run.places[0].node if run.places else ""
    ranks = [each.rank for each in run.places if each.node == first]
    kind, points = "PSS", _sums(moments, "pss", ranks)
    if not points:
        kind, points = "RSS", _sums(moments, "rss", ranks)
    name = f"{kind} of " + ("the run" if len(ranks) == len(run.places) == 1 else
                            f"the {len(ranks)} ranks" if len(ranks) == len(run.places) else
                            f"the {len(ranks)} ranks on {first}")
    series = [_series(name, kind, "b1", 0, points or [(0.0, 0.0)])]
    levels = [(each.seconds, each.level) for each in moments if each.level is not None]
    keys = []
    if levels:
        limit = levels[-1][1]
        taken = [(seconds, each.used / MIB) for seconds, each in levels if each.who == limit.who]
        if limit.limit / MIB <= _IN_SIGHT * max(1.0, *(y for _, y in series[0].points)):
            series.append(_series(f"taken of {limit.who}", "taken", "b5", 1, taken))
            series.append(_limit(limit, last))
        else:
            keys.append(Key(f"limit, far above: {mebibytes(limit.limit)} of {limit.who}", "alarm"))
    chart = charts.lines(title, series, _axes(series, last), lambda value: f"{value:,.0f}",
                         _strips(moments))
    chart.keys = [*keys, *_keys(moments)]
    chart.alt = " ".join([chart.alt, *_said(moments)])
    return chart


def _of_ranks(run: RecordedRun, moments: list[Moment], last: float) -> Lines:
    """Return the chart of each rank; of many, of rank 0, the largest, the median and the least."""
    known = sorted({rank for each in moments for rank in each.memory})
    has_pss = any(sample.pss for each in moments for sample in each.memory.values())
    kind = "pss" if has_pss else "rss"
    found = {f"rank {rank}": [(each.seconds, value / MIB) for each in moments
                              if rank in each.memory
                              and (value := getattr(each.memory[rank], kind)) is not None]
             for rank in known}
    if len(known) > _MOST_RANKS:
        rows = [(each.seconds, [value / MIB for sample in each.memory.values()
                                if (value := getattr(sample, kind)) is not None])
                for each in moments]
        rows = [(seconds, values) for seconds, values in rows if len(values) > 1]
        found = {"rank 0": found.get("rank 0", [])} | {
            name: [(seconds, float(of(values))) for seconds, values in rows]
            for name, of in (("largest", max), ("median", statistics.median), ("least", min))}
    series = [_series(name, name, f"b{(k + 1) % LOOKS}", k, points)
              for k, (name, points) in enumerate(found.items()) if points]
    return charts.lines(f"{kind.upper()} of each rank, MiB", series, _axes(series, last),
                        lambda value: f"{value:,.0f}")


def _series(name: str, short: str, look: str, position: int,
            points: list[tuple[float, float]]) -> Series:
    points = _fewer(points)
    texts = [f"{y:,.0f} MiB after {duration(x)}" for x, y in points]
    most = max(y for _, y in points)
    return Series(name, short, look, position, points, texts, f": at most {most:,.0f} MiB",
                  _MOST_DOTS)


def _limit(limit: Level, last: float) -> Series:
    height = limit.limit / MIB
    return Series(f"limit of {limit.who}", "limit", "alarm", len(DASHES) - 1,
                  [(0.0, height), (last, height)], [f"{height:,.0f} MiB"] * 2,
                  f": {height:,.0f} MiB")


def _fewer(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return as many points as can be seen: of those that are near to each other, the highest."""
    if len(points) <= _MOST_POINTS:
        return points
    begin, end = points[0][0], points[-1][0]
    width = (end - begin) / (_MOST_POINTS - 2) or 1.0
    found: dict[int, tuple[float, float]] = {}
    for each in points[1:-1]:
        place = int((each[0] - begin) / width)
        if place not in found or each[1] > found[place][1]:
            found[place] = each
    return [points[0], *(found[place] for place in sorted(found)), points[-1]]


def _sums(moments: list[Moment], name: str, ranks: list[int]) -> list[tuple[float, float]]:
    return [(each.seconds, nbytes / MIB) for each in moments
            if (nbytes := total(each.memory, name, ranks)) is not None]


def _axes(series: list[Series], last: float) -> Axes:
    ticks = charts.round_ticks(0.0, max(y for one in series for _, y in one.points) or 1.0)
    unit, name = next(((size, name) for size, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
                       if last >= 2.0 * size), (1.0, "s"))
    along = [each for each in charts.round_ticks(0.0, last / unit or 1.0)
             if each * unit <= last * 1.001 or each == 0.0]
    texts = [f"{each:g}" for each in along]
    texts[-1] += f" {name}"
    return Axes([(each * unit, text) for each, text in zip(along, texts, strict=True)], ticks,
                (0.0, max(last, 1e-3)), (ticks[0], ticks[-1]))


# -- what is marked --------------------------------------------------------------


def _spans(moments: list[Moment]) -> list[tuple[float, float, Moment]]:
    """Return begin and end of each stage, which begins where the one before it ends."""
    found, begin = [], 0.0
    for each in moments:
        if each.kind == "stage":
            found.append((begin, each.seconds, each))
            begin = each.seconds
    return found


def _strips(moments: list[Moment]) -> list[Below]:
    strips = []
    spans = _spans(moments)
    if spans:
        strips.append(Below("stages", stretches=[
            (begin, end, f"b{k % LOOKS}", f"{each.text}, {duration(begin)} to {duration(end)}")
            for k, (begin, end, each) in enumerate(spans)]))
    for label, _, kind, look, marker in _MARKED:
        marks = [(each.seconds, _mark(each)) for each in moments if each.kind == kind]
        if marks:
            strips.append(Below(label, look, marker, marks=marks))
    return strips


def _mark(each: Moment) -> str:
    at = "" if each.time is None else f" at t={each.time:g} s"
    return f"{each.text or each.kind}{at} after {duration(each.seconds)}"


def _keys(moments: list[Moment]) -> list[Key]:
    stages = [each for each in moments if each.kind == "stage"]
    found = [Key(f"{k + 1} {each.text}", f"b{k % LOOKS}") for k, each in enumerate(stages)]
    for _, name, kind, look, marker in _MARKED:
        count = sum(each.kind == kind for each in moments)
        if count:
            found.append(Key(f"{name}: {count:,}", f"{look} marks", "", marker))
    return found


def _said(moments: list[Moment]) -> list[str]:
    """Return in words what the strips show."""
    said = [f"Stage {each.text}: {duration(begin)} to {duration(end)}."
            for begin, end, each in _spans(moments)]
    said += [f"{key.label}." for key in _keys(moments) if key.marker]
    return said + [f"Warning: {_mark(each)}." for each in moments if each.kind == "warning"][:5]


# -- bars and tables -------------------------------------------------------------


def _of_stages(run: RecordedRun, moments: list[Moment]) -> Bars | None:
    """Return the peak of each stage, of the ranks or of rank 0 and the largest other one."""
    groups: dict[str, list[Value]] = {}
    for each in moments:
        peaks = {rank: sample.peak for rank, sample in each.memory.items() if sample.peak}
        if each.kind != "stage" or not peaks:
            continue
        if len(run.places) > _MOST_RANKS:
            others = [peak for rank, peak in peaks.items() if rank]
            named = {"rank 0": peaks.get(0), "largest other": max(others, default=None)}
        else:
            named = {f"rank {rank}" if len(run.places) > 1 else "": peak
                     for rank, peak in sorted(peaks.items())}
        groups[each.text] = [Value(name, f"b{(k + 1) % LOOKS}", float(peak), mebibytes(peak))
                             for k, (name, peak) in enumerate(named.items()) if peak]
    return charts.bars("peak RSS of each stage", run.name, groups) if groups else None


def _tables(run: RecordedRun, moments: list[Moment]) -> list[Table]:
    rows = [[each.text, duration(each.seconds), f"rank {rank}", *_cells(sample)]
            for each in moments if each.kind == "stage"
            for rank, sample in sorted(each.memory.items())]
    found = [Table("Each stage", ["stage", "until", "rank", "RSS", "PSS", "USS", "peak RSS"],
                   _some(rows), 3)] if rows else []
    ranks = sorted({rank for each in moments for rank in each.memory})
    events = [[each.kind if each.kind != "stage" else f"stage {each.text}", duration(each.seconds),
               "–" if each.time is None else f"{each.time:g}",
               f"{each.steps:,}" if each.kind == "yield" else "–",
               *(mebibytes(total(each.memory, name, each.memory) if each.memory else None)
                 for name in ("rss", "pss")),
               "–" if each.level is None else f"{each.level.fraction:.0%}"] for each in moments]
    found.append(Table(
        f"Each moment, sums of {plural(len(ranks), 'rank')} as far as they were looked at",
        ["event", "after", "model time, s", "steps", "RSS", "PSS", "of the limit"], _some(events)))
    warned = [[duration(each.seconds), each.text] for each in moments if each.kind == "warning"]
    if warned:
        found.append(Table("Warnings", ["after", "text"], _some(warned), 2))
    return found


def _cells(sample: Sample) -> list[str]:
    return [mebibytes(each) for each in (sample.rss, sample.pss, sample.uss, sample.peak)]


def _some(rows: list[list[str]]) -> list[list[str]]:
    """Return the first and the last rows of many, with a row that says how many are left out."""
    if len(rows) <= _MOST_ROWS:
        return rows
    half = _MOST_ROWS // 2
    left = len(rows) - 2 * half
    return [*rows[:half], [f"{left:,} more", *[""] * (len(rows[0]) - 1)], *rows[-half:]]
