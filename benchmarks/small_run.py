"""Measures what a small run takes, by stage, on stock and lean: memory and CPU seconds.

Each run is a process of its own: Python, numpy, ANUGA, a domain of 900 triangles, some steps
of it, a frame in an SWW file.  Memory is what the kernel says after a stage, and the peak
since the start; CPU seconds are user and system, least of some runs in turn, the end of the
process among them.  What is loaded is compiled first, as pip compiles it.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import subprocess
import sys
import tempfile
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from anuga_lean.measure.environment import machine
from anuga_lean.measure.report import table

STAGES = ("python", "numpy", "anuga", "domain", "evolve", "frame", "end")
CHILD = Path(__file__).with_name("small_run_child.py")
MIB = 2.0**20


def run(variant: str) -> dict[str, dict[str, float]]:
    """Run a small model in a process of its own; return what each stage had taken at its end."""
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, str(CHILD), variant], cwd=folder,
                              env={**os.environ, "OMP_NUM_THREADS": "1"},
                              capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{variant}: {done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found["end"] = {**found["frame"], "seconds": whole}
    return found


def compile_packages() -> None:
    """Compile what the runs load: with PYTHONDONTWRITEBYTECODE each would do so anew."""
    for package in ("anuga", "anuga_lean", "mpi4py", "netCDF4"):
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or () if spec is not None else ()):
            compileall.compile_dir(folder, quiet=2)


def measure(repeat: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return by variant and stage the median of each memory figure and the least seconds."""
    compile_packages()
    runs: dict[str, list[Any]] = {"stock": [], "lean": []}
    for turn in range(repeat):
        for variant in sorted(runs, reverse=bool(turn % 2)):
            runs[variant].append(run(variant))
    return {variant: {stage: {
        name: (min if name == "seconds" else _median)([each[stage][name] for each in found])
        for name in found[0][stage]} for stage in STAGES} for variant, found in runs.items()}


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.repeat)
    print(table([
        ["by the end of", *(f"{what}, {variant}" for what in (
            "peak RSS MiB", "PSS MiB", "USS MiB", "CPU s") for variant in ("stock", "lean"))],
        *([stage, *(f"{found[variant][stage][name] / MIB:.1f}"
                   for name in ("peak_rss", "pss", "uss") for variant in ("stock", "lean")),
           *(f"{found[variant][stage]['seconds']:.2f}" for variant in ("stock", "lean"))]
          for stage in STAGES)]))
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {"date": date.today().isoformat(), "machine": machine(), "repeat": arguments.repeat,
             "stages": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
