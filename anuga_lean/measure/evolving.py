"""Measures `evolve` as a whole, split by part, on one thread and on several.

Owns the order of the runs of that suite and its records.  What the split is lives in split.py,
the figures in whole.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.measure import whole
from anuga_lean.measure.builds import Build
from anuga_lean.measure.cases import Case, describe
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import Progress, measure
from anuga_lean.measure.records import Record

SEVERAL = 2  # threads, where the machine has them


def evolve_records(case: Case, builds: Sequence[Build], folder: Path,
                   names: Sequence[str] | None = None,
                   progress: Progress | None = None) -> dict[str, Record]:
    """Measure the wall time of `evolve` of one mesh on some builds, in turns.

    Returns
    -------
    dict
        By label of the build: its record.
    """
    asked = names or [build.label for build in builds]
    records = {build.label: case.record("evolve", asked, build.label) for build in builds}
    counts = [1, *([SEVERAL] if machine()["cores"] >= SEVERAL else [])]
    runs: dict[tuple[str, int], list[dict[str, Any]]] = {
        (build.label, threads): [] for build in builds for threads in counts}
    for number in range(case.repeats):
        turn = [(build, threads) for build in builds for threads in counts]
        for build, threads in turn[:: -1 if number % 2 else 1]:
            record = records[build.label]
            if record.error is not None:
                continue
            if progress is not None:
                progress(f"{case.scenario} {build.label}: evolve {number + 1}/{case.repeats}, "
                         f"threads {threads}")
            try:
                request = replace(case.request(build, case.sizes[-1], split=True), threads=threads)
                runs[build.label, threads].append(measure(request, folder / "run"))
            except LeanError as error:
                record.error = str(error)
    for build in builds:
        record, one = records[build.label], runs[build.label, 1]
        if record.error is not None:
            continue
        describe(record, one[-1:])
        record.figures = whole.figures(one, runs.get((build.label, SEVERAL), []), SEVERAL)
        record.split = whole.middle(one)["split"]
        if build.variant == "lean" and "stock" in records and records["stock"].error is None:
            record.figures["evolve_stock_over_lean"] = whole.stock_over(runs["stock", 1], one)
    return records
