"""Makes the page of one comparison: verdict, three cards, memory over time, groups, what it means.

Owns what is said of a comparison that `anuga_lean compare` has stored, of both builds or with
`--only` of one; the sections on ranks, call sites and time by part are those of the page of nights.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean._errors import RecordError
from anuga_lean.arrays.census import SECTIONS
from anuga_lean.measure.page import charts, evolving, memory
from anuga_lean.measure.page.charts import Value
from anuga_lean.measure.page.model import Bars, Command, Section, Table
from anuga_lean.measure.page.shown import Shown
from anuga_lean.measure.page.timeline import Run, Timeline, timeline
from anuga_lean.measure.page.wording import MIB, VECTORS, amount, count, date, number, plural
from anuga_lean.measure.records import Night, Record, parse
from anuga_lean.measure.verdict import Verdict, not_distributed, only_one, triangles_of, verdict

GIB = 2**30
LOOKS = {"stock": "b0", "lean": "b1"}  # of page.css, in the order of the page
MOST_TRIANGLES = (2**31 - 1) // 3  # edges have int32 numbers
LEAST_MEASURED = 200_000  # triangles; below, what is not the mesh's would count as if it were
SIZES = (16, 64, 256)  # GiB
# As `anuga_lean plan` asks for memory: so many times what a run takes, and so much.
TIMES, MORE = 1.2, GIB // 4
WHAT = {
    "quantities": "stage, momenta, bed, friction and their values at edges",
    "mesh": "vertices, neighbours, normals, lengths and areas",
    "kernels": "what the kernels keep from step to step",
    "domain": "fluxes, time steps and flags",
    "sww": "what writing frames keeps",
    "boundaries": "values at the boundary",
    "operators": "rain, inlets, culverts and the like",
}
PROCESS = ("Resident memory (RSS) of each run's process, from its start on; at the end of a line "
           "its peak.")
RANKS = ("PSS of all ranks together at the end of each stage, in which pages that they share count "
         "once; at the end of a line the largest.")

# Returns the triangles that fit into so many bytes by plan's table, on stock and lean, of a flow
# algorithm and with frames stored or not.
Planned = Callable[[int, str, bool], tuple[int, int]]


class Side(NamedTuple):
    """A build that was measured: its name and look, its runs and its record.

    Attributes
    ----------
    build : str
        ``stock`` or ``lean``.
    name : str
        With its version.
    look : str
    runs : list of mapping
        As `measurement.measure` gave them, one for each repeat.
    record : Record
    """

    build: str
    name: str
    look: str
    runs: list[Mapping[str, Any]]
    record: Record


@dataclass
class Card:
    """A figure: how much less it is on the second build, or itself if one was measured; bars."""

    title: str
    ratio: str
    less: str
    charts: list[Bars]
    note: str


@dataclass
class Capacity:
    """What fits: a sentence, a table by memory, and what both stand on."""

    sentence: str
    table: Table
    basis: str


@dataclass
class ComparedPage:
    """All that the page of a comparison shows; `alone`: one build was measured."""

    title: str
    date: str
    verdict: Verdict
    alone: bool
    notes: list[str]
    facts: list[str]
    cards: list[Card]
    timeline: Timeline | None
    instrument: str
    stages: Table
    groups: Bars
    arrays: Table
    capacity: Capacity | None
    sections: list[Section]
    commands: list[Command]
    machine: Table
    compared: Table


def is_comparison(stored: Any) -> bool:
    """Whether JSON is what `anuga_lean compare --json` writes, and no night."""
    return (isinstance(stored, Mapping) and {"equal", "request"} <= stored.keys()
            and any(stored.get(build) for build in LOOKS))


def compared_page(stored: Mapping[str, Any], path: str | Path, planned: Planned) -> ComparedPage:
    """Return the page of a stored comparison.

    Parameters
    ----------
    stored : mapping
        `Comparison.as_dict` and a night of its records.
    path : path
        What errors call it.
    planned : callable

    Raises
    ------
    RecordError
        It is damaged.
    """
    night = parse(stored, path)
    try:
        return _page(stored, night, planned)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise RecordError(f"{path} is no whole comparison: {type(error).__name__} of {error}; "
                          "anuga_lean compare --json writes it anew") from error


def _page(stored: Mapping[str, Any], night: Night, planned: Planned) -> ComparedPage:
    request, equal = stored["request"], stored["equal"]
    sides = _sides(stored, night)
    alone = len(sides) == 1
    if alone and equal:
        raise ValueError(f"{sides[0].build} alone, of which nothing can be equal")
    last, names = sides[-1].runs[-1], [side.name for side in sides]
    scenario = str(request["scenario"])
    notes = [text for text in (
        not_distributed(scenario, last),
        "The lean domain ran on stock's kernels: anuga_lean features says for which features."
        if sides[-1].build == "lean" and last["runs_on"] != "lean" else "") if text]
    shown = Shown([night])
    sections = [memory.ranks(shown), memory.sites(shown), evolving.split(shown)]
    commands = [Command("", text)
                for text in dict.fromkeys(side.record.command for side in sides) if text]
    return ComparedPage(
        Path(scenario).name, date(night.date),
        only_one(names[0]) if alone else verdict(equal, int(last["steps"])), alone, notes,
        _facts(request, last, names, night), _cards(sides),
        _over_time(sides), RANKS if last.get("ranks") else PROCESS,
        _stages(sides), _groups(sides),
        memory.columns("Bytes per triangle by array", "array", names,
                       [side.record.arrays for side in sides]),
        _capacity(request, sides, night, planned),
        [section for section in sections if section.panels],
        commands, _machine(night), _compared(equal))


def _sides(stored: Mapping[str, Any], night: Night) -> list[Side]:
    """Return what was measured, stock first; each side names the releases that it ran."""
    records = {record.build: record for record in night.records}
    found = []
    for build, look in LOOKS.items():
        if runs := stored[build]:
            versions = runs[-1]["versions"]
            name = (f"ANUGA {versions['anuga']}" if build == "stock"
                    else f"anuga_lean {versions['anuga_lean']}")
            found.append(Side(build, name, look, runs, records[build]))
    return found


def _facts(request: Mapping[str, Any], last: Mapping[str, Any], names: Sequence[str],
           night: Night) -> list[str]:
    words = [f"{triangles_of(last):,} triangles, {last['wet_fraction']:.0%} wet at the end",
             f"{plural(int(last['steps']), 'step')} to {last['time']:,.6g} s of model time"]
    if not _is_script(request):
        words.append(str(request["parameters"].get("flow_algorithm", "DE0")))
    words.append(plural(int(request["threads"]), "thread"))
    if request["numprocs"] > 1:
        words.append(plural(int(request["numprocs"]), "rank"))
    words.append(" against ".join(names))
    machine = night.machine
    words.append(", ".join(filter(None, (
        str(machine.get("processor") or ""), plural(int(machine.get("cores") or 1), "core"),
        f"{VECTORS[last['isa']]} kernels" if last.get("isa") in VECTORS else ""))))
    return words


def _is_script(request: Mapping[str, Any]) -> bool:
    """Whether a request was of a user's script."""
    return str(request["scenario"]).endswith(".py")


def _median(runs: Sequence[Mapping[str, Any]], of: Callable[[Mapping[str, Any]], Any],
            ) -> float | None:
    found = [of(run) for run in runs]
    return None if None in found else float(statistics.median(found))


def _peak(run: Mapping[str, Any]) -> float | None:
    peaks = [stage["peak_rss"] for stage in run["stages"].values()]
    return None if None in peaks else max(peaks)


def _cards(sides: Sequence[Side]) -> list[Card]:
    def each(of: Callable[[Mapping[str, Any]], Any]) -> list[float] | None:
        found = [_median(side.runs, of) for side in sides]
        return None if None in found else [value for value in found if value is not None]

    cards = []
    both, runs = len(sides) == 2, len(sides[-1].runs)
    medians = (f"{'medians' if both else 'median'} of {runs} runs{' each' * both}" if runs > 1
               else f"one run{' each' * both}")
    peaks = each(_peak)
    if peaks is not None:
        cards.append(_card("Peak RSS", "less", sides, peaks, _mib,
                           "Largest resident memory of the process"
                           f"{' of rank 0' if sides[-1].runs[0].get('ranks') else ''}, Python and "
                           "libraries included."))
    held = each(lambda run: run["census"]["bytes_per_triangle"])
    nbytes = each(lambda run: run["census"]["nbytes"])
    if held is not None and nbytes is not None:
        cards.append(_card(
            "Arrays", "less", sides, held, lambda value: f"{number(value)} B/triangle",
            f"What the model holds after its last step: {_and(nbytes, _mib)}."))
    whole, evolve = (each(lambda run, key=key: run[key])  # type: ignore[misc]
                     for key in ("run_seconds", "evolve_seconds"))
    if whole is not None:
        note = f"Wall time of the whole run, set-up included, {medians}."
        if evolve is not None:
            faster = f", {_times(evolve)} faster" if both else ""
            note = f"{note} evolve alone: {_and(evolve, _s)}{faster}."
        cards.append(_card("Time", "faster", sides, whole, _s, note))
    return cards


def _card(title: str, less: str, sides: Sequence[Side], values: Sequence[float],
          text: Callable[[float], str], note: str) -> Card:
    """Return a card: a figure of one build is a number, a bar of it would say nothing."""
    if len(sides) == 1:
        return Card(title, text(values[0]), "", [], note)
    drawn = [Value(side.name, side.look, value, text(value))
             for side, value in zip(sides, values, strict=True)]
    return Card(title, _times(values), less, [charts.bars("", title, {"": drawn})], note)


def _and(values: Sequence[float], text: Callable[[float], str]) -> str:
    return " and ".join(text(value) for value in values)


def _times(pair: Sequence[float]) -> str:
    return f"{number(pair[0] / pair[1])}×" if pair[1] > 0 else "–"


def _mib(nbytes: float) -> str:
    return f"{number(nbytes / GIB)} GiB" if nbytes >= 4 * GIB else f"{number(nbytes / MIB)} MiB"


def _s(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 600.0 else amount(seconds, "s")


def _spans(run: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Return name, begin and end of each stage, s since the start of the process."""
    took = sum(stage["seconds"] for stage in run["stages"].values())
    at = max(0.0, run["run_seconds"] - took)
    found: list[tuple[str, float, float]] = []
    for name, stage in run["stages"].items():
        found.append((name, at if found else 0.0, at + stage["seconds"]))
        at += stage["seconds"]
    return found


def _points(run: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return memory over time of a process; of ranks their PSS together at the end of stages."""
    spans = _spans(run)
    until = spans[-1][2]
    if run.get("ranks"):
        sums = [(end, sum(rank["stages"][name]["pss"] for rank in run["ranks"]))
                for name, _, end in spans
                if all(rank["stages"].get(name, {}).get("pss") for rank in run["ranks"])]
        return [(0.0, 0.0), *((end, float(value)) for end, value in sums)]
    series = run["over_time"]
    samples = [(float(at), float(rss)) for at, rss in zip(series["seconds"], series["rss"],
                                                          strict=True) if at <= until]
    ends = [(end, float(run["stages"][name]["rss"])) for name, _, end in spans
            if run["stages"][name]["rss"] is not None]
    return [(0.0, 0.0), *sorted([*samples, *ends])]


def _over_time(sides: Sequence[Side]) -> Timeline | None:
    runs = []
    for side in sides:
        run = side.runs[-1]
        points = _points(run)
        peak = _peak(run)
        if len(points) < 2 or peak is None:
            return None
        peak = max(value for _, value in points) if run.get("ranks") else peak
        runs.append(Run(side.name, side.look, points, _spans(run), peak))
    return timeline(runs)


def _stages(sides: Sequence[Side]) -> Table:
    found = [side.runs[-1]["stages"] for side in sides]
    rows = []
    for k, name in enumerate(dict.fromkeys(name for stages in found for name in stages)):
        cells = []
        for stages in found:
            at = stages.get(name)
            cells += ["–"] * 3 if at is None else [
                amount(at["seconds"], "s"),
                *("–" if at[key] is None else _mib(at[key]) for key in ("rss", "peak_rss"))]
        rows.append([f"{k + 1} {name}", *cells])
    head = [f"{side.name}: {what}" for side in sides
            for what in ("time", "RSS at its end", "peak RSS")]
    return Table("Each stage", ["stage", *head], rows)


def _groups(sides: Sequence[Side]) -> Bars:
    totals = [memory.by_section(side.record.groups) for side in sides]
    labels = [side.name if len(sides) > 1 else "" for side in sides]
    sections = [*SECTIONS, *(name for total in totals for name in total if name not in SECTIONS)]
    groups: dict[str, list[Value]] = {}
    for name in dict.fromkeys(sections):
        values = [Value(label, side.look, total.get(name, 0.0), f"{number(total[name])} B/triangle")
                  for label, side, total in zip(labels, sides, totals, strict=True)
                  if total.get(name, 0.0) >= memory.LEAST_SHOWN]
        if values:
            groups[f"{name}: {WHAT[name]}" if name in WHAT else name] = values
    return charts.bars("", "Bytes per triangle", groups)


def _capacity(request: Mapping[str, Any], sides: Sequence[Side], night: Night, planned: Planned,
              ) -> Capacity | None:
    if request["numprocs"] > 1:
        return None
    last = sides[-1].runs[-1]
    rows = [(size * GIB, f"{size} GiB") for size in SIZES]
    here = night.machine.get("memory_total")
    if isinstance(here, int) and here > GIB:
        rows.append((here, f"{number(here / GIB)} GiB (this machine)"))
    triangles = triangles_of(last)
    lines = [line for side in sides if (line := _line(side.runs[-1], triangles)) is not None]
    measured = triangles >= LEAST_MEASURED and len(lines) == len(sides)
    algorithm = str(request["parameters"].get("flow_algorithm", "DE0"))
    stores = bool(last["sww_digests"] if _is_script(request)
                  else request["parameters"].get("store"))

    def fit(nbytes: int) -> list[int]:
        if not measured:
            both = dict(zip(LOOKS, planned(nbytes, algorithm, stores), strict=True))
            return [both[side.build] for side in sides]
        room = (nbytes - MORE) / TIMES
        return [min(MOST_TRIANGLES, max(0, int((room - base) / each))) for base, each in lines]

    if measured:
        basis = (f"From this run: {_and([each for _, each in lines], number)} bytes of peak "
                 "RSS per triangle over what the imports take")
    else:
        basis = (f"From the table of anuga_lean plan, for {algorithm} on a mesh from regions: "
                 f"{triangles:,} triangles are too few to tell from, {LEAST_MEASURED:,} are enough")
    table = []
    for nbytes, label in sorted(rows):
        fits = fit(nbytes)
        more = [f"{number(fits[1] / fits[0])}×" if fits[0] else "–"] if len(fits) == 2 else []
        table.append([label, *map(_triangles, fits), *more])
    on = {"stock": "on ANUGA", "lean": "lean" if len(sides) == 2 else "on anuga_lean"}
    at_64 = ", ".join(f"{_triangles(most)}{' triangles' * (k == 0)} {on[side.build]}"
                      for k, (side, most) in enumerate(zip(sides, fit(64 * GIB), strict=True)))
    builds = {"stock": "ANUGA", "lean": "anuga_lean"}
    head = ["memory", *(builds[side.build] for side in sides), *["times more"] * (len(sides) == 2)]
    return Capacity(
        f"At 64 GiB: {at_64}.", Table("Triangles that fit", head, table),
        f"{basis}; a job is asked for {TIMES} times what it takes, and a quarter GiB, as "
        f"anuga_lean plan does; a mesh has at most {_triangles(MOST_TRIANGLES)} triangles.")


def _line(run: Mapping[str, Any], triangles: int) -> tuple[float, float] | None:
    """Return what the imports take, bytes, and the peak above that per triangle."""
    first, peak = run["stages"].get("import", {}).get("rss"), _peak(run)
    if first is None or peak is None or peak <= first:
        return None
    return float(first), (peak - first) / triangles


def _triangles(value: int) -> str:
    return count(float(value)) if value >= 1000 else str(value)


def _machine(night: Night) -> Table:
    machine = night.machine
    versions = machine.get("versions") or {}
    rows = [[name, text] for name, text in (
        ("processor", str(machine.get("processor") or "")),
        ("cores", str(machine.get("cores") or "")),
        ("memory", _mib(float(machine.get("memory_total") or 0))),
        ("system", str(machine.get("system") or "")),
        ("allocator", str(machine.get("allocator") or "")),
        ("huge pages", str(machine.get("transparent_hugepages") or "")),
        *((name, str(version or "")) for name, version in versions.items())) if text]
    return Table("Machine and versions", ["what", "which"], rows, 2)


def _compared(equal: Mapping[str, bool]) -> Table:
    return Table("Everything that was compared", ["result", "on both"],
                 [[name, "equal" if same else "different"]
                  for name, same in sorted(equal.items(), key=lambda item: item[1])], 2)
