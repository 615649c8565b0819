"""Makes the page of one comparison: verdict, three cards, memory over time, groups, what it means.

Owns what is said of a comparison that `anuga_lean compare` has stored; the sections on ranks,
call sites and time by part are those of the page of nights.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anuga_lean._errors import RecordError
from anuga_lean.arrays.census import SECTIONS
from anuga_lean.measure.page import charts, evolving, memory
from anuga_lean.measure.page.charts import Value
from anuga_lean.measure.page.model import Bars, Command, Section, Table
from anuga_lean.measure.page.shown import Shown
from anuga_lean.measure.page.timeline import Run, Timeline, timeline
from anuga_lean.measure.page.wording import MIB, VECTORS, amount, count, date, number, plural
from anuga_lean.measure.records import Night, Record, parse
from anuga_lean.measure.verdict import Verdict, not_distributed, triangles_of, verdict

GIB = 2**30
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


@dataclass
class Card:
    """A figure of both builds: how much less it is, bars, and a second pair below."""

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
    """All that the page of a comparison shows."""

    title: str
    date: str
    verdict: Verdict
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
    """Whether JSON is what `anuga_lean compare --json` writes of both builds, and no night."""
    return (isinstance(stored, Mapping) and {"equal", "request"} <= stored.keys()
            and all(stored.get(side) for side in ("stock", "lean")))


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
    request = stored["request"]
    stock, lean = ({record.build: record for record in night.records}[build]
                   for build in ("stock", "lean"))
    last = stored["lean"][-1]
    names = [f"ANUGA {last['versions']['anuga']}", f"anuga_lean {last['versions']['anuga_lean']}"]
    scenario = str(request["scenario"])
    notes = [text for text in (
        not_distributed(scenario, last),
        "The lean domain ran on stock's kernels: anuga_lean features says for which features."
        if last["runs_on"] != "lean" else "") if text]
    shown = Shown([night])
    sections = [memory.ranks(shown), memory.sites(shown), evolving.split(shown)]
    commands = [Command("", text) for text in dict.fromkeys([stock.command, lean.command]) if text]
    return ComparedPage(
        Path(scenario).name, date(night.date), verdict(stored["equal"], int(last["steps"])), notes,
        _facts(request, last, names, night), _cards(stored, names),
        _over_time(stored, names), RANKS if last.get("ranks") else PROCESS,
        _stages(stored, names), _groups(stock, lean, names),
        memory.columns("Bytes per triangle by array", "array", names, [stock.arrays, lean.arrays]),
        _capacity(stored, night, planned), [section for section in sections if section.panels],
        commands, _machine(night), _compared(stored["equal"]))


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


def _cards(stored: Mapping[str, Any], names: Sequence[str]) -> list[Card]:
    def pair(of: Callable[[Mapping[str, Any]], Any]) -> list[float] | None:
        found = [_median(stored[side], of) for side in ("stock", "lean")]
        return None if None in found else [value for value in found if value is not None]

    cards = []
    runs = len(stored["lean"])
    medians = f"medians of {runs} runs each" if runs > 1 else "one run each"
    peaks = pair(_peak)
    if peaks is not None:
        drawn = [_bars("Peak RSS", names, peaks, _mib)]
        cards.append(Card("Peak RSS", _times(peaks), "less", drawn,
                          "Largest resident memory of the process"
                          f"{' of rank 0' if stored['lean'][0].get('ranks') else ''}, Python and "
                          "libraries included."))
    held = pair(lambda run: run["census"]["bytes_per_triangle"])
    nbytes = pair(lambda run: run["census"]["nbytes"])
    if held is not None and nbytes is not None:
        cards.append(Card(
            "Arrays", _times(held), "less",
            [_bars("Arrays", names, held, lambda value: f"{number(value)} B/triangle")],
            f"What the model holds after its last step: {_mib(nbytes[0])} and {_mib(nbytes[1])}."))
    whole, evolve = (pair(lambda run, key=key: run[key])  # type: ignore[misc]
                     for key in ("run_seconds", "evolve_seconds"))
    if whole is not None:
        note = f"Wall time of the whole run, set-up included, {medians}."
        if evolve is not None:
            note = (f"{note} evolve alone: {_s(evolve[0])} and {_s(evolve[1])}, "
                    f"{_times(evolve)} faster.")
        cards.append(Card("Time", _times(whole), "faster", [_bars("Time", names, whole, _s)],
                          note))
    return cards


def _times(pair: Sequence[float]) -> str:
    return f"{number(pair[0] / pair[1])}×" if pair[1] > 0 else "–"


def _bars(title: str, names: Sequence[str], pair: Sequence[float],
          text: Callable[[float], str]) -> Bars:
    values = [Value(name, look, value, text(value))
              for name, look, value in zip(names, ("b0", "b1"), pair, strict=True)]
    return charts.bars("", title, {"": values})


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


def _over_time(stored: Mapping[str, Any], names: Sequence[str]) -> Timeline | None:
    runs = []
    for side, look, name in zip(("stock", "lean"), ("b0", "b1"), names, strict=True):
        run = stored[side][-1]
        points = _points(run)
        peak = _peak(run)
        if len(points) < 2 or peak is None:
            return None
        peak = max(value for _, value in points) if run.get("ranks") else peak
        runs.append(Run(name, look, points, _spans(run), peak))
    return timeline(runs)


def _stages(stored: Mapping[str, Any], names: Sequence[str]) -> Table:
    stock, lean = (stored[side][-1]["stages"] for side in ("stock", "lean"))
    rows = []
    for k, name in enumerate(dict.fromkeys([*stock, *lean])):
        cells = []
        for stages in (stock, lean):
            at = stages.get(name)
            cells += ["–"] * 3 if at is None else [
                amount(at["seconds"], "s"),
                *("–" if at[key] is None else _mib(at[key]) for key in ("rss", "peak_rss"))]
        rows.append([f"{k + 1} {name}", *cells])
    head = [f"{name}: {what}" for name in names for what in ("time", "RSS at its end", "peak RSS")]
    return Table("Each stage", ["stage", *head], rows)


def _groups(stock: Record, lean: Record, names: Sequence[str]) -> Bars:
    totals = [memory.by_section(record.groups) for record in (stock, lean)]
    sections = [*SECTIONS, *(name for total in totals for name in total if name not in SECTIONS)]
    groups: dict[str, list[Value]] = {}
    for name in dict.fromkeys(sections):
        values = [Value(label, look, total.get(name, 0.0), f"{number(total[name])} B/triangle")
                  for label, look, total in zip(names, ("b0", "b1"), totals, strict=True)
                  if total.get(name, 0.0) >= memory.LEAST_SHOWN]
        if values:
            groups[f"{name}: {WHAT[name]}" if name in WHAT else name] = values
    return charts.bars("", "Bytes per triangle", groups)


def _capacity(stored: Mapping[str, Any], night: Night, planned: Planned) -> Capacity | None:
    request, last = stored["request"], stored["lean"][-1]
    if request["numprocs"] > 1:
        return None
    rows = [(size * GIB, f"{size} GiB") for size in SIZES]
    here = night.machine.get("memory_total")
    if isinstance(here, int) and here > GIB:
        rows.append((here, f"{number(here / GIB)} GiB (this machine)"))
    triangles = triangles_of(last)
    lines = [_line(stored[side][-1], triangles) for side in ("stock", "lean")]
    measured = triangles >= LEAST_MEASURED and None not in lines
    algorithm = str(request["parameters"].get("flow_algorithm", "DE0"))
    stores = bool(last["sww_digests"] if _is_script(request)
                  else request["parameters"].get("store"))

    def fit(nbytes: int) -> tuple[int, int]:
        if not measured:
            return planned(nbytes, algorithm, stores)
        room = (nbytes - MORE) / TIMES
        found = [min(MOST_TRIANGLES, max(0, int((room - line[0]) / line[1])))
                 for line in lines if line is not None]
        return found[0], found[1]

    fits = [(label, *fit(nbytes)) for nbytes, label in sorted(rows)]
    at_64 = fit(64 * GIB)
    if measured and lines[0] is not None and lines[1] is not None:
        basis = (f"From this run: {number(lines[0][1])} and {number(lines[1][1])} bytes of peak "
                 "RSS per triangle over what the imports take")
    else:
        basis = (f"From the table of anuga_lean plan, for {algorithm} on a mesh from regions: "
                 f"{triangles:,} triangles are too few to tell from, {LEAST_MEASURED:,} are enough")
    table = Table("Triangles that fit", ["memory", "ANUGA", "anuga_lean", "times more"],
                  [[label, _triangles(stock), _triangles(lean),
                    f"{number(lean / stock)}×" if stock else "–"] for label, stock, lean in fits])
    return Capacity(
        f"At 64 GiB: {_triangles(at_64[0])} triangles on ANUGA, {_triangles(at_64[1])} lean.",
        table, f"{basis}; a job is asked for {TIMES} times what it takes, and a quarter GiB, as "
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
