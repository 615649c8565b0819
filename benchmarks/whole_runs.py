"""Measures whole runs of three sizes on stock and lean: arrays, peak RSS, wall time, evolve.

`python benchmarks/whole_runs.py` runs a dam break with frames on both in turn, every run a process
of its own, and stores benchmarks/whole_runs.json, from which readme.py makes README's first
table.  10 million triangles on stock take some 10 GiB and most of the time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.commands._progress import ProgressLine
from anuga_lean.measure import probe
from anuga_lean.measure.comparison import equalities
from anuga_lean.measure.environment import environment
from anuga_lean.measure.measurement import VARIANTS, Progress, Request, measure
from anuga_lean.measure.report import table

HERE = Path(__file__).resolve().parent
STORED = HERE / "whole_runs.json"
SIZES = (100_000, 1_000_000, 10_000_000)
LARGE = 5_000_000  # triangles; from so many on each is run once
REPEATS = 3
STEPS = 100
STOCK_NEEDS = 1_100  # bytes per triangle, so that no run meets the end of memory
MIB = 2**20
# What is stored, as README and `anuga_lean compare` name it, the unit and the digits.
ROWS = (("arrays", "arrays, MiB", MIB, ",.0f"), ("peak_rss", "peak RSS, MiB", MIB, ",.0f"),
        ("run_seconds", "whole run, s", 1, ",.1f"), ("evolve_seconds", "evolve, s", 1, ",.1f"))


def one_run(variant: str, triangles: int, steps: int, folder: Path,
            progress: Progress) -> dict[str, Any]:
    """Run one process; return its figures and where its results are."""
    request = Request(variant, "dam_break", {"triangles": triangles, "store": True}, steps=steps)
    found = measure(request, folder, lambda line: progress(f"{triangles:,} {variant}: {line}"))
    return {"arrays": found["census"]["nbytes"],
            "peak_rss": max(stage["peak_rss"] for stage in found["stages"].values()),
            "run_seconds": found["run_seconds"], "evolve_seconds": found["evolve_seconds"],
            "triangles": found["number_of_triangles"], "found": found}


def of_size(triangles: int, steps: int, repeats: int, progress: Progress) -> dict[str, Any]:
    """Run one size on both in turn; return medians and whether all results are equal.

    Raises
    ------
    LeanError
        Too little memory for stock.
    """
    available = probe.read_available()
    if available is not None and available < triangles * STOCK_NEEDS:
        raise LeanError(f"{triangles:,} triangles on stock take some "
                        f"{triangles * STOCK_NEEDS / 2**30:.1f} GiB, {available / 2**30:.1f} are "
                        "free: leave that size out with --sizes")
    runs: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    equal = True
    for number in range(repeats):
        with tempfile.TemporaryDirectory(prefix="anuga_lean_") as temporary:
            pair = {}
            for variant in VARIANTS[:: -1 if number % 2 else 1]:
                pair[variant] = one_run(variant, triangles, steps, Path(temporary) / variant,
                                        progress)
            same = equalities(*(pair[variant].pop("found") for variant in VARIANTS))
            equal = equal and bool(same) and all(same.values())
        for variant, run in pair.items():
            runs[variant].append(run)
    return {"triangles": runs["lean"][0]["triangles"], "steps": steps, "repeats": repeats,
            "equal": equal,
            **{variant: {name: statistics.median(run[name] for run in runs[variant])
                         for name, *_ in ROWS} for variant in VARIANTS}}


def rows_of(size: dict[str, Any]) -> list[list[str]]:
    """Return label, stock, lean and ratio of every figure of one size, as text."""
    return [[label, *(f"{size[variant][name] / factor:{form}}" for variant in VARIANTS),
             f"{size['stock'][name] / size['lean'][name]:.1f}"]
            for name, label, factor, form in ROWS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=lambda text: int(float(text)), nargs="+", default=SIZES,
                        metavar="N", help="triangles (default 1e5 1e6 1e7)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"default {STEPS}")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=(
        f"default {REPEATS}; from {LARGE:,} triangles on one"))
    parser.add_argument("-o", "--output", type=Path, default=STORED, metavar="FILE")
    args = parser.parse_args(arguments)
    sizes = []
    try:
        with ProgressLine() as progress:
            for triangles in args.sizes:
                repeats = 1 if triangles >= LARGE else args.repeats
                sizes.append(of_size(triangles, args.steps, repeats, progress))
    except LeanError as error:
        print(f"whole_runs.py: {error}", file=sys.stderr)
        return 2
    stored = {**record_of_here(), "sizes": sizes}
    args.output.write_text(json.dumps(stored, indent=1) + "\n")
    for size in sizes:
        said = "equal, bit for bit" if size["equal"] else "DIFFERENT"
        print(table([[f"{size['triangles']:,} triangles, {said}", *VARIANTS, "ratio"],
                     *rows_of(size)]))
    return 0 if all(size["equal"] for size in sizes) else 1


def record_of_here() -> dict[str, Any]:
    """Return when and on what this is measured."""
    import datetime
    import subprocess

    git = shutil.which("git")
    commit = "" if git is None else subprocess.run(
        [git, "rev-parse", "--short=9", "HEAD"], cwd=HERE, capture_output=True, text=True).stdout
    return {"date": datetime.date.today().isoformat(), "commit": commit.strip(),
            "machine": environment()}


if __name__ == "__main__":
    sys.exit(main())
