"""Makes the page of a study: ends, results against parameters, memory, what was learned, packing.

Owns what is on it; `against` draws parameters, `known` reads the folder, `measure.page` has the
parts of a page and how they look.
"""

from __future__ import annotations

import shlex
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from anuga_lean.following.wording import duration
from anuga_lean.measure.page import charts
from anuga_lean.measure.page.charts import Axes, Series, Value
from anuga_lean.measure.page.model import (
    Command,
    Failure,
    Headline,
    Lines,
    Panel,
    Problem,
    Section,
    StudyPage,
    Table,
)
from anuga_lean.measure.page.wording import MIB, mebibytes, number, plural
from anuga_lean.overview import known
from anuga_lean.overview.against import by_parameter, histogram, is_number
from anuga_lean.overview.known import Clock, Known
from anuga_lean.studies.findings import by_cause
from anuga_lean.studies.members import Member
from anuga_lean.studies.records import End, Record, Try
from anuga_lean.studies.reservations import quantile

_MOST_PARAMETERS, _MOST_RESULTS = 8, 8
_NAMES = 60         # members of a class that are named
_KINDS = 40         # rows of the table of reservations
_POINTS = 120       # of a line over time
_STEPS = 40         # of what was learned


def page_of(found: Known) -> StudyPage:
    """Return the page of a study, finished or not."""
    said = found.description
    ended, completed = found.ended(), found.completed()
    varied = [name for name in said.parameters[0]
              if len({str(each[name]) for each in said.parameters}) > 1]
    sections = [_results(completed, varied), _memory(completed, varied), _learned(found),
                _packing(found)]
    return StudyPage(
        f"Study {said.name}", _summary(found), _facts(found), _headlines(found),
        _problems(found), [each for each in sections if each.panels], {}, [], _files(found),
        _failures(found, ended), _retried(ended))


# -- the top ---------------------------------------------------------------------


def _counts(found: Known) -> Counter[str]:
    """Return the members by how they stand, a member that runs now as that alone."""
    counts: Counter[str] = Counter()
    for member, record in found.pairs:
        if member.name in found.running:
            counts["running"] += 1
        elif record is None or not record.tries:
            counts["not run"] += 1
        else:
            counts[record.end.value] += 1
    return counts


def _summary(found: Known) -> str:
    said, counts = found.description, _counts(found)
    others = ", ".join(f"{count:,} {name}" for name, count in counts.most_common()
                       if name != "completed")
    return (f"{counts['completed']:,} of {plural(len(found.pairs), 'member')} completed"
            + (f" ({others})" if others else "")
            + f": {plural(len(said.parameters), 'set')} of parameters, "
              f"{plural(said.replicates, 'replicate')} each, of the script {said.script}.")


def _facts(found: Known) -> list[str]:
    said, tries = found.description, found.tries()
    if not tries:
        return []
    first = min(each.began for _, each in tries)
    clock = _clock(tries)
    machines = sorted({each.where for _, each in tries if each.where})
    return [f"begun {_date(first)}", f"seen {_date(time.time())}",
            f"{duration(clock.seconds)} of running"
            + (f" in {clock.runs} stretches" if clock.runs > 1 else ""),
            f"{plural(len(tries), 'try').replace('trys', 'tries')} on "
            f"{machines[0] if len(machines) == 1 else plural(len(machines), 'machine')}",
            f"{plural(said.ranks, 'rank')} of {plural(said.threads, 'thread')}"]


def _date(wall: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(wall)) if 0.0 < wall < 1e11 else "–"


def _clock(tries: Sequence[tuple[Member, Try]]) -> Clock:
    return Clock((each.began, each.began + each.seconds) for _, each in tries)


def _headlines(found: Known) -> list[Headline]:
    counts, whole = _counts(found), len(found.pairs)
    looks = {"completed": "b1", "running": "b2", "not run": "b5"}
    ends = [Value(name, looks.get(name, "b0"), count, f"{count:,}")
            for name, count in counts.most_common()]
    shown = [Headline("completed", f"{counts['completed'] / whole:.0%}",
                      f"of {plural(whole, 'member')}",
                      charts.bars("", "members by end", {"": ends}))]
    last = [record.tries[-1] for _, record in found.completed()]
    peaks = [each.peak for each in last if each.peak]
    if peaks:
        given = statistics.median(each.nbytes for each in last if each.peak)
        shown.append(_middle("memory of a member, median", peaks, 1.0 / MIB, "MiB", Value(
            "given", "b5", given / MIB, mebibytes(given))))
    if last:
        shown.append(_middle("time of a member, median", [each.seconds for each in last], 1.0,
                             "s"))
    return shown


def _middle(title: str, values: Sequence[float], factor: float, unit: str,
            *more: Value) -> Headline:
    ordered = sorted(value * factor for value in values)
    texts = (("least", ordered[0]), ("median", statistics.median(ordered)),
             ("95 %", ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]),
             ("most", ordered[-1]))
    return Headline(title, f"{number(texts[1][1])} {unit}",
                    f"of {plural(len(ordered), 'completed member')}",
                    charts.bars("", title, {"": [
                        *(Value(name, "b1", value, f"{number(value)} {unit}")
                          for name, value in texts), *more]}))


def _problems(found: Known) -> list[Problem]:
    counts = _counts(found)
    again = f"anuga_lean study run STUDY.toml --folder {shlex.quote(str(found.path))}"
    problems = []
    if counts["running"]:
        problems.append(Problem(f"{plural(counts['running'], 'member')} running",
                                "The study is going on: this page is of the moment it was made."))
    if counts["not run"]:
        problems.append(Problem(
            f"{plural(counts['not run'], 'member')} of {len(found.pairs):,} not run yet",
            "What is shown here is of the others alone: largest members start first, so that "
            "those others may be no fair sample.", "" if counts["running"] else again))
    failed = sum(counts[each.value] for each in End if each is not End.COMPLETED)
    if failed:
        problems.append(Problem(f"{plural(failed, 'member')} not completed",
                                "They have no results; why is said under Ends.",
                                "" if counts["running"] else again))
    return problems


def _files(found: Known) -> Table:
    holds = {"results.csv": "a row for each member", "results.parquet": "the same table",
             "results.nc": "results over sets and replicates", "members": "folders of members",
             "study.json": "what the study is", "sets.json": "parameters of all sets",
             "progress.jsonl": "members and memory every few seconds"}
    return Table("Files", ["file", "holds"], [
        [str(found.path / name), text] for name, text in holds.items()
        if (found.path / name).exists()], 2)


# -- ends ------------------------------------------------------------------------


def _failures(found: Known, ended: Sequence[tuple[Member, Record]]) -> list[Failure]:
    shown = []
    for finding, names in by_cause((member.name, record) for member, record in ended):
        more = len(names) - _NAMES
        folder = found.path / "members" / names[0]
        shown.append(Failure(
            f"{finding.says[:1].upper()}{finding.says[1:]}",
            f"{plural(len(names), 'member')}; class {finding.cause}, {finding.sure}",
            ", ".join(names[:_NAMES]) + (f" and {more:,} more, which 'anuga_lean study status "
                                         "--json FILE' names" if more > 0 else ""),
            [f"{names[0]}, {line}" for line in finding.because],
            f"anuga_lean doctor {shlex.quote(str(folder))}"))
    return shown


def _retried(ended: Sequence[tuple[Member, Record]]) -> Table | None:
    """Return what became of members that were tried more than once, by how a try before ended."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for _, record in ended:
        for cause in {each.finding.cause if each.finding else each.end.value
                      for each in record.tries[:-1]}:
            found[cause]["members"] += 1
            found[cause]["completed"] += record.end is End.COMPLETED
    rows = [[cause, f"{counts['members']:,}", f"{counts['completed']:,}"]
            for cause, counts in sorted(found.items())]
    return Table("", ["ended before as", "members", "completed then"], rows) if rows else None


# -- results ---------------------------------------------------------------------


def _results(completed: Sequence[tuple[Member, Record]], varied: Sequence[str]) -> Section:
    values: dict[str, list[tuple[str, Any, float]]] = {}
    others = set()
    for member, record in completed:
        for name, value in (record.summary or {}).items():
            if is_number(value):
                values.setdefault(name, []).append((member.name, member.parameters, value))
            elif value is not None:
                others.add(name)
    names = list(values)[:_MOST_RESULTS]
    panels = []
    for number_, name in enumerate(names):
        drawn, tables = by_parameter(varied[:_MOST_PARAMETERS], values[name])
        if not drawn:
            drawn = [histogram(name, [y for _, _, y in values[name]], "")]
        panels.append(Panel(f"result-{number_}", name,
                            f"of {plural(len(values[name]), 'member')}", drawn, tables, []))
    left = [text for text, some in (
        ("further results", list(values)[_MOST_RESULTS:]),
        ("results that are no numbers", sorted(others - set(names))),
        ("further parameters", varied[_MOST_PARAMETERS:])) if some]
    return Section("results", "Results against parameters",
                   "Each result against each parameter that differs, the others as they come: the "
                   "median of the members, and the values that 5 and 95 % of them do not exceed. "
                   "A ring is a member."
                   + (f" Not drawn, but in results.csv or results.nc: {', '.join(left)}."
                      if left else ""), panels)


def _memory(completed: Sequence[tuple[Member, Record]], varied: Sequence[str]) -> Section:
    panels = []
    for ident, title, unit, look, of in (
            ("peak", "Memory", "MiB", "b1", lambda last: last.peak and last.peak / MIB),
            ("seconds", "Time", "s", "b2", lambda last: last.seconds)):
        values = [(member.name, member.parameters, float(of(record.tries[-1])))
                  for member, record in completed if of(record.tries[-1]) is not None]
        if not values:
            continue
        drawn, tables = by_parameter(varied[:_MOST_PARAMETERS], values, look)
        panels.append(Panel(
            ident, f"{title} of a member, {unit}", f"of {plural(len(values), 'completed member')}",
            [histogram(f"{unit} at most" if ident == "peak" else "seconds of the last try",
                       [y for _, _, y in values], unit, look), *drawn], tables, []))
    return Section("memory", "Memory and time of members",
                   "How many members took how much, and what that depends on.", panels)


# -- what was learned, and packing -----------------------------------------------


def _learned(found: Known) -> Section:
    tries = [(member, each) for member, each in found.tries() if each.nbytes]
    if not tries:
        return Section("learned", "", "", [])
    by_kind: dict[str, list[Try]] = defaultdict(list)
    for member, each in tries:
        by_kind[found.kind(member)].append(each)
    rows = []
    for kind, some in by_kind.items():
        peaks = [each.peak for each in some if each.end is End.COMPLETED and each.peak]
        first = min(some, key=lambda each: each.began)
        last = max(some, key=lambda each: each.began)
        rows.append((max(peaks, default=0), [
            kind, f"{len(some):,}", mebibytes(first.nbytes), mebibytes(last.nbytes),
            mebibytes(quantile(peaks) if peaks else None), mebibytes(max(peaks, default=None)),
            f"{sum(each.end is End.MEMORY for each in some):,}"]))
    rows.sort(key=lambda row: -row[0])
    table = Table(f"The {_KINDS} of {len(rows):,} kinds that took most" if len(rows) > _KINDS
                  else "By kind", ["kind", "tries", "given first", "given last", "95 % took",
                                   "took most", "met the limit"],
                  [row for _, row in rows[:_KINDS]])
    return Section("learned", "What was learned",
                   "What members were given, and what they took, in the order in which they "
                   "ended. Members are of a kind if their parameters are the same.",
                   [Panel("learned-order", "Given and taken",
                          f"{len(tries):,} tries of {plural(len(rows), 'kind')}",
                          [_moved([each for _, each in tries])], [table], [])])


def _moved(tries: Sequence[Try]) -> Lines:
    """Return what was given and taken by the order of ends, as medians of some tries each."""
    count = min(_STEPS, len(tries))
    edges = [round(k * len(tries) / count) for k in range(count + 1)]
    lines: dict[str, list[tuple[float, float]]] = {"given": [], "taken": [], "most taken": []}
    for begin, end in zip(edges, edges[1:], strict=False):
        some = tries[begin:end]
        lines["given"].append((end, statistics.median(each.nbytes for each in some)))
        peaks = [each.peak for each in some if each.peak]
        if peaks:
            lines["taken"].append((end, statistics.median(peaks)))
            lines["most taken"].append((end, max(peaks)))
    lines, unit = _in_units(lines)
    names = {"given": "given, median", "taken": "taken, median", "most taken": "taken at most"}
    series = [Series(names[short], short, look, position, points,
                     [f"after {x:,.0f} tries {number(y)} {unit}" for x, y in points], most_dots=8)
              for position, ((short, points), look) in enumerate(
                  zip(lines.items(), ("b0", "b1", "b5"), strict=True)) if points]
    return charts.lines(f"{unit} by the number of tries that have ended", series,
                        _axes(series, lambda x: f"{x:,.0f}"), _tick)


def _packing(found: Known) -> Section:
    tries = found.tries()
    clock = _clock(tries)
    if not tries or clock.seconds <= 0.0:
        return Section("packing", "", "", [])
    unit, name = next((each for each in ((3600.0, "h"), (60.0, "min"))
                       if clock.seconds > 3 * each[0]), (1.0, "s"))
    points = {"reserved": [(at / unit, float(nbytes)) for at, nbytes in known.given(
        [each for _, each in tries], clock, _POINTS)]}
    samples = found.samples
    for short, of in (("used", lambda each: each.used), ("limit", lambda each: each.limit)):
        thinned = samples[::max(1, len(samples) // _POINTS)]
        points[short] = [(clock.at(each.at) / unit, float(of(each))) for each in thinned
                         if of(each) is not None]
    points, of_memory = _in_units(points)
    names = {"reserved": "reserved, at most", "used": "used by members",
             "limit": "limit of all workers"}
    series = [Series(names[short], short, look, position, some,
                     [f"{x:.3g} {name} {number(y)} {of_memory}" for x, y in some], most_dots=8)
              for position, ((short, some), look) in enumerate(
                  zip(points.items(), ("b1", "b2", "alarm"), strict=True)) if some]
    reserved = sum(each.nbytes * each.seconds for _, each in tries)
    taken = sum((each.peak or 0) * each.seconds for _, each in tries)
    limit = max((each.limit for each in samples), default=0)
    rows = [["members at once, on average",
             number(sum(each.seconds for _, each in tries) / clock.seconds)],
            ["CPU seconds of members", number(sum(each.cpu_seconds or 0.0 for _, each in tries))],
            ["reserved, on average", mebibytes(reserved / clock.seconds)],
            ["peaks of what ran, on average", mebibytes(taken / clock.seconds)]]
    if limit:
        rows.append(["reserved of the limit, on average",
                     f"{reserved / clock.seconds / limit:.0%}"])
    return Section("packing", "Packing",
                   f"Memory that members had reserved and used at a time, against what they may "
                   f"take together, over the {duration(clock.seconds)} in which some ran.",
                   [Panel("packed", "Memory over time", "used includes cached files where members "
                          "have cgroups",
                          [charts.lines(f"{of_memory} over {name} of running", series, _axes(
                              series, lambda x: f"{x:.3g}"), _tick)],
                          [Table("In numbers", ["", ""], rows)],
                          [Command("how it goes", "anuga_lean study status "
                                   + shlex.quote(str(found.path)))])])


_Points = dict[str, list[tuple[float, float]]]


def _in_units(points: _Points) -> tuple[_Points, str]:
    """Return points whose y are bytes in a unit in which they are short, and its name."""
    most = max((y for some in points.values() for _, y in some), default=0.0)
    power, unit = next((each for each in ((20, "MiB"), (30, "GiB"), (40, "TiB"))
                        if most < 1e5 * 2.0**each[0]), (50, "PiB"))
    return {name: [(x, y / 2.0**power) for x, y in some] for name, some in points.items()}, unit


def _axes(series: Sequence[Series], text: Any) -> Axes:
    xs = [x for one in series for x, _ in one.points]
    ticks = charts.round_ticks(0.0, max(y for one in series for _, y in one.points))
    along = [each for each in charts.round_ticks(0.0, max(xs), 3) if each <= max(xs)]
    return Axes([(each, text(each)) for each in along], ticks, (0.0, max(xs)),
                (ticks[0], ticks[-1]))


def _tick(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2g}"
