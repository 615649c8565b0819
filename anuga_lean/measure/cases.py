"""Runs the cases of each suite of measurements and turns their results into records.

Owns which runs make up a figure of each suite (memory, speed, checkpoint, ranks).  Running
one process is measurement.py's, the stored form records.py's.  A run that fails
gives a record with its error, never an exception.
"""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anuga_lean._errors import LeanError, MeasurementError
from anuga_lean.measure import allocations, checkpoints, whole
from anuga_lean.measure.builds import Build
from anuga_lean.measure.comparison import Comparison
from anuga_lean.measure.measurement import VARIANTS, Progress, Request, measure
from anuga_lean.measure.records import Figure, Record, figure

_Pair = tuple[dict[str, Any], dict[str, Any]]    # runs of the smaller and of the larger mesh

MIB = 2.0**-20
SITES_KEPT = 20
UNCERTAINTY = 0.02  # of a ratio of time, well below the gate's 10 %
MOST_TURNS = 2


@dataclass(frozen=True)
class Case:
    """A scenario and the conditions it is measured under.

    Attributes
    ----------
    scenario : str
        A name of `anuga_lean.scenarios`.
    parameters : mapping
        Of the scenario, its mesh size left out.
    sizes : sequence of mappings
        The parameter that gives the mesh size, smallest first; slopes are
        between the first and the last.
    steps, threads, numprocs, repeats : int
    allocations : bool
        Measure what tracemalloc and memray count, too, which takes most of the
        time of a memory record.
    """

    scenario: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sizes: Sequence[Mapping[str, int]] = ({},)
    steps: int = 10
    threads: int = 1
    numprocs: int = 1
    repeats: int = 1
    allocations: bool = True

    @property
    def flow_algorithm(self) -> str:
        """Return the flow algorithm that was asked for, or ANUGA's own choice."""
        return str(self.parameters.get("flow_algorithm", "DE0"))

    def request(self, build: Build, size: Mapping[str, int], **more: Any) -> Request:
        """Return the request of one run."""
        return Request(build.variant, self.scenario, {**self.parameters, **size},
                       steps=self.steps, threads=self.threads, numprocs=self.numprocs,
                       isa=build.isa, python=build.python, arrays=False, **more)

    def record(self, suite: str, builds: Sequence[str], build: str) -> Record:
        """Return a record without figures yet; `builds` are those that the command names."""
        sizes = {name: [size[name] for size in self.sizes] for name in self.sizes[0]}
        return Record(suite, self.scenario, build, parameters={**self.parameters, **sizes},
                      flow_algorithm=self.flow_algorithm, threads=self.threads,
                      numprocs=self.numprocs, repeats=self.repeats,
                      command=self.command(suite, builds))

    def failed(self, suite: str, build: str, error: Exception) -> Record:
        """Return the record of a build that cannot be measured at all."""
        record = self.record(suite, [build], build.partition("=")[0])
        record.error = str(error)
        return record

    def command(self, suite: str, builds: Sequence[str]) -> str:
        """Return the command that measures this again."""
        words = ["python", "benchmarks/child.py", suite, self.scenario, "--build", *builds]
        for name, value in self.parameters.items():
            words += ["--set", f"{name}={value}"]
        for name in self.sizes[0]:
            words += ["--size", name, *(str(size[name]) for size in self.sizes)]
        for name in ("steps", "threads", "numprocs", "repeats"):
            value = getattr(self, name)
            if value is not None and value != getattr(Case, name, None):
                words += [f"--{name}", str(value)]
        if suite == "memory" and not self.allocations:
            words.append("--no-allocations")
        return shlex.join(words)


def memory_record(case: Case, build: Build, folder: Path, name: str | None = None,
                  progress: Progress | None = None) -> Record:
    """Measure the memory of a scenario between two sizes: RSS, census, tracemalloc and memray.

    Every figure comes from runs of its own kind: RSS from plain ones, what
    Python and numpy allocate from traced ones, all that is allocated from
    runs under memray.
    """
    record = case.record("memory", [name or build.label], build.label)
    runs = _Runs(case, build, folder, progress)
    try:
        plain = [runs.both(f"plain {number + 1}") for number in range(case.repeats)]
        if case.allocations:
            traced = runs.both("traced", trace=True)
            recorded = runs.recorded()
    except LeanError as error:
        record.error = str(error)
        return record
    small, large = plain[0]
    describe(record, [small, large])
    count = small["number_of_triangles"], large["number_of_triangles"]

    def slopes(stage: str, key: str) -> Figure:
        return figure([_slope(pair, stage, key) for pair in plain], "B/tri", "memory")

    imports = [run["stages"]["import"]["rss"] for pair in plain for run in pair]
    record.figures = {
        "held": Figure(_per_triangle(large["census"]["nbytes"], large), "B/tri", None, "memory"),
        "rss_slope": slopes("evolve", "rss"),
        "peak_build": slopes("build", "peak_rss"),
        "peak_evolve": slopes("evolve", "peak_rss"),
        "import_rss": figure(imports, "MiB", "memory", MIB),
        "base_rss": figure([_at_no_triangles(pair, "evolve", "rss") for pair in plain], "MiB",
                           "memory", MIB),
    }
    if large["sww_nbytes"]:
        stored = _line(count, [small["sww_nbytes"], large["sww_nbytes"]])
        record.figures["sww"] = Figure(stored, "B/tri")
    if case.allocations:
        record.figures.update(_allocated(count, traced, recorded))
        record.sites = [site._asdict() for site in recorded[1].sites[:SITES_KEPT]]
    _count(record, large)
    return record


def _allocated(count: tuple[int, int], traced: Sequence[dict[str, Any]],
               recorded: Sequence[allocations.Allocations]) -> dict[str, Figure]:
    """Return the slopes of what tracemalloc and memray have counted."""
    peaks = [max(stage.get("peak_allocated", 0) for stage in run["stages"].values())
             for run in traced]
    alive = [run["stages"]["evolve"]["allocated"] for run in traced]
    nbytes = {"traced": alive, "traced_peak": peaks,
              "memray_peak": [found.nbytes for found in recorded]}
    return {name: Figure(_line(count, found), "B/tri", None, "memory")
            for name, found in nbytes.items()}


def speed_records(case: Case, builds: Sequence[Build], folder: Path,
                  names: Sequence[str] | None = None,
                  progress: Progress | None = None) -> dict[str, tuple[Record, list[float]]]:
    """Measure the time per step of one mesh on some builds, in turns.

    On a noisy machine there are up to `MOST_TURNS` times as many turns as asked
    for, until the median of the ratios is certain to `UNCERTAINTY`.

    Returns
    -------
    dict
        By label of the build: the record, and the seconds per step (median of
        its steps) of each of its runs.
    """
    asked = names or [build.label for build in builds]
    records = {build.label: case.record("speed", asked, build.label) for build in builds}
    seconds: dict[str, list[float]] = {build.label: [] for build in builds}
    number = 0
    while number < case.repeats or (number < MOST_TURNS * case.repeats and
                                    _uncertainty(builds, seconds) > UNCERTAINTY):
        for build in builds[:: -1 if number % 2 else 1]:
            record = records[build.label]
            if record.error is not None:
                continue
            run = _Runs(case, build, folder, progress, small_pages=False)
            try:
                result = run.one(case.sizes[-1], f"speed {number + 1}/{case.repeats}")
            except LeanError as error:
                record.error = str(error)
                seconds.pop(build.label)
                continue
            describe(record, [result])
            seconds[build.label].append(result["seconds_per_step"])
        number += 1
    for build in builds:
        record, found = records[build.label], seconds.get(build.label)
        stock = seconds.get(_counterpart(build))
        if not found:
            continue
        record.repeats = len(found)
        record.figures = {
            "seconds_per_step": figure(found, "s"),
            "ns_per_triangle": figure(found, "ns/tri", factor=1e9 / record.triangles[-1]),
            "cells_per_s": figure([record.triangles[-1] / one for one in found], "1/s"),
        }
        if stock and build.label != "stock":
            # Neighbours in time share what else the machine does.
            ratios = [one / other for one, other in zip(stock, found, strict=True)]
            name = "stock_over_lean" if build.variant == "lean" else "stock_over_this"
            # how fast ANUGA's releases are is nothing to be kept here
            of_ours = build.variant == "lean" or build.release is None
            record.figures[name] = figure(ratios, "x", "ratio" if of_ours else None)
    return {label: (records[label], seconds.get(label, [])) for label in records}


def _counterpart(build: Build) -> str:
    """Return the label of the stock build whose seconds a build's are compared with."""
    on_another = build.variant == "lean" and build.release is not None
    return str(build.release) if on_another else "stock"


def _uncertainty(builds: Sequence[Build], seconds: Mapping[str, Sequence[float]]) -> float:
    """Return how far the median of the ratios may be off: half their middle spread over root n.

    Of the least certain build; 0 if stock is not among them.
    """
    worst = 0.0
    for build in builds:
        stock, found = seconds.get(_counterpart(build), ()), seconds.get(build.label, ())
        ratios = [one / other for one, other in zip(stock, found, strict=False)]
        if build.label != "stock" and len(ratios) > 1:
            low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
            worst = max(worst, (high - low) / (2.0 * middle * len(ratios) ** 0.5))
    return worst


def checkpoint_record(case: Case, build: Build, folder: Path, compression: str | None = None,
                      progress: Progress | None = None) -> Record:
    """Measure checkpoints of one mesh: bytes, peak while writing, seconds."""
    label = f"{build.label} {compression}" if compression else build.label
    record = case.record("checkpoint", [build.label], label)
    if compression:
        record.command += f" --compression {compression}"
    runs = []
    try:
        for number in range(case.repeats):
            if progress is not None:
                progress(f"checkpoint {case.scenario} {label} {number + 1}/{case.repeats}")
            runs.append(checkpoints.write_and_load(build, case.scenario, dict(case.parameters),
                                                   dict(case.sizes[-1]), compression, folder,
                                                   case.threads))
    except LeanError as error:
        record.error = str(error)
        return record
    record.triangles = [runs[0]["triangles"]]
    record.version = _version(build, runs[0]["versions"])

    def of(key: str, unit: str, gate: str | None, factor: float = 1.0) -> Figure:
        return figure([run[key] for run in runs], unit, gate, factor)

    record.figures = {
        "first": of("first", "B/tri", "memory"),
        "later": of("later", "B/tri", "memory"),
        "peak_first": of("peak_first", "MiB", "memory", MIB),
        "peak_later": of("peak_later", "MiB", "memory", MIB),
        "seconds_first": of("seconds_first", "s", None),
        "seconds_later": of("seconds_later", "s", None),
        "seconds_load": of("seconds_load", "s", None),
        "peak_load": of("peak_load", "B/tri", "memory"),
    }
    if runs[0]["pickle"] is not None:
        record.figures["pickle"] = of("pickle", "B/tri", "memory")
    return record


def ranks_record(case: Case, build: Build, folder: Path, name: str | None = None,
                 progress: Progress | None = None) -> Record:
    """Measure RSS, PSS and USS of every rank of a run, read while all of them are alive."""
    record = case.record("ranks", [name or build.label], build.label)
    try:
        runs = [_Runs(case, build, folder, progress).one(case.sizes[-1], f"ranks {number + 1}")
                for number in range(case.repeats)]
    except LeanError as error:
        record.error = str(error)
        return record
    last = runs[-1]["ranks"]
    describe(record, [last[0]])
    record.triangles = [sum(rank["number_of_full_triangles"] for rank in last)]
    record.ranks = _of_ranks(last, "evolve")
    record.stages = last[0]["stages"]

    def total(key: str, of: Callable[[Iterable[float]], float] = sum,
              stage: str = "evolve") -> Figure:
        return figure([of(rank["stages"][stage][key] for rank in run["ranks"]) for run in runs],
                      "MiB", "memory", MIB)

    peaks = [max(max(stage["peak_rss"] for stage in rank["stages"].values())
                 for rank in run["ranks"]) for run in runs]
    record.figures = {"sum_rss": total("rss"), "sum_pss": total("pss"), "sum_uss": total("uss"),
                      "largest_pss": total("pss", max),
                      "import_pss": total("pss", max, "import"),
                      "largest_peak": figure(peaks, "MiB", "memory", MIB),
                      "seconds_per_step": figure([run["seconds_per_step"] for run in runs], "s")}
    return record


def comparison_records(comparison: Comparison, command: str) -> list[Record]:
    """Return a record for each side, stock and lean, of what `anuga_lean compare` ran."""
    request = comparison.request
    records = []
    for variant in VARIANTS:
        runs = getattr(comparison, variant)
        if not runs:
            continue
        record = Record("memory", request.scenario, variant, parameters=dict(request.parameters),
                        flow_algorithm=str(request.parameters.get("flow_algorithm", "DE0")),
                        threads=request.threads, repeats=len(runs), command=command)
        describe(record, [runs[-1]])
        record.figures = {"held": Figure(runs[-1]["census"]["bytes_per_triangle"], "B/tri", None,
                                         "memory")}
        peaks = [[stage["peak_rss"] for stage in run["stages"].values()] for run in runs]
        if all(None not in each for each in peaks):
            record.figures["peak_rss"] = figure([max(each) for each in peaks], "MiB", "memory", MIB)
        seconds = [run["seconds_per_step"] for run in runs]
        if None not in seconds:
            record.figures["seconds_per_step"] = figure(seconds, "s")
        for name in ("run_seconds", "evolve_seconds"):
            record.figures[name] = figure([run[name] for run in runs], "s")
        if request.numprocs > 1:
            last = runs[-1]["ranks"]
            record.numprocs = request.numprocs
            record.ranks = _of_ranks(last, next(reversed(last[0]["stages"])))
        if runs[-1]["split"]:
            several = getattr(comparison, f"{variant}_several")
            record.figures |= whole.figures(runs, several, comparison.several)
            record.split = whole.middle(runs)["split"]
            if variant == "lean" and comparison.stock:
                record.figures["evolve_stock_over_lean"] = whole.stock_over(comparison.stock, runs)
        _count(record, runs[-1])
        records.append(record)
    return records


def _count(record: Record, run: Mapping[str, Any]) -> None:
    """Put the census and the stages of a run into a record."""
    record.groups = {group: _per_triangle(nbytes, run)
                     for group, nbytes in run["census"]["groups"].items()}
    record.arrays = _arrays(run)
    record.stages = run["stages"]


class _Runs:
    """Runs of a case on a build, each in a folder that is emptied by the next."""

    def __init__(self, case: Case, build: Build, folder: Path, progress: Progress | None,
                 small_pages: bool = True) -> None:
        self.case, self.build, self.folder, self.progress = case, build, folder, progress
        self.small_pages = small_pages

    def one(self, size: Mapping[str, int], label: str, **more: Any) -> dict[str, Any]:
        case = self.case
        if self.progress is not None:
            words = [case.scenario, *(str(value) for value in size.values()), self.build.label]
            self.progress(f"{' '.join(words)}: {label}")
        request = case.request(self.build, size, small_pages=self.small_pages, **more)
        result = measure(request, self.folder / "run")
        if self.small_pages and result["stages"]["evolve"]["pss"] is None:
            raise MeasurementError("this kernel shows no /proc/self/smaps_rollup, which the memory "
                                   "of a process is read from: measure on Linux 4.14 or later")
        return result

    def both(self, label: str, **more: Any) -> _Pair:
        return (self.one(self.case.sizes[0], label, **more),
                self.one(self.case.sizes[-1], label, **more))

    def recorded(self) -> list[allocations.Allocations]:
        found = []
        for size in (self.case.sizes[0], self.case.sizes[-1]):
            self.one(size, "memray", memray=True)
            path = self.folder / "run" / "memray.bin"
            found.append(allocations.at_peak(path))
            path.unlink()
        return found


def _of_ranks(ranks: Iterable[Mapping[str, Any]], stage: str) -> list[dict[str, Any]]:
    found = []
    for rank in ranks:
        at, peaks = rank["stages"][stage], [each["peak_rss"] for each in rank["stages"].values()]
        found.append({"rank": rank["rank"], "number_of_triangles": rank["number_of_triangles"],
                      **{key: at[key] for key in ("rss", "pss", "uss")},
                      "peak_rss": None if None in peaks else max(peaks)})
    return found


def describe(record: Record, runs: Sequence[Mapping[str, Any]]) -> None:
    """Say in a record what ran."""
    record.triangles = [int(run["number_of_triangles"]) for run in runs]
    record.isa = runs[-1]["isa"]
    words = [f"anuga {runs[-1]['versions']['anuga']}"]
    if runs[-1]["versions"]["domain"].startswith("anuga_lean"):
        words.append(f"anuga_lean {runs[-1]['versions']['anuga_lean']}")
    record.version = " + ".join(words)


def _version(build: Build, versions: Mapping[str, Any]) -> str:
    lean = f" + anuga_lean {versions['anuga_lean']}" if build.variant == "lean" else ""
    return f"anuga {versions['anuga']}{lean}"


def _per_triangle(nbytes: float, run: Mapping[str, Any]) -> float:
    return float(nbytes / run["number_of_triangles"])


def _line(count: tuple[int, int], nbytes: Sequence[float]) -> float:
    return (nbytes[1] - nbytes[0]) / (count[1] - count[0])


def _slope(pair: _Pair, stage: str, key: str) -> float:
    counts = pair[0]["number_of_triangles"], pair[1]["number_of_triangles"]
    return _line(counts, [run["stages"][stage][key] for run in pair])


def _at_no_triangles(pair: _Pair, stage: str, key: str) -> float:
    return float(pair[0]["stages"][stage][key]
                 - _slope(pair, stage, key) * pair[0]["number_of_triangles"])


def _arrays(run: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for entry in run["census"]["entries"]:
        if entry["kind"] != "python":
            name = "/".join(filter(None, [entry["group"], entry["name"]]))
            found[name] = found.get(name, 0.0) + _per_triangle(entry["nbytes"], run)
    return found
