"""Stored comparisons for the tests of their page: what `anuga_lean compare --json` writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from report import nights

MIB = 2**20
STAGES = ("import", "build", "evolve")


def run(build: str, triangles: int = 1_000_000, ranks: int = 1, **given: Any) -> dict[str, Any]:
    """One run as measurement.measure gives it, cut down to what the page reads."""
    factor, seconds = {"stock": (1.0, 10.0), "lean": (0.13, 2.0)}[build]
    stages = {name: {"seconds": seconds * share, "rss": (60 + at * factor) * MIB,
                     "pss": (50 + at * factor) * MIB, "uss": (40 + at * factor) * MIB,
                     "peak_rss": (60 + peak * factor) * MIB}
              for name, share, at, peak in zip(STAGES, (0.1, 0.2, 0.7), (0, 800, 850),
                                               (5, 1600, 900), strict=True)}
    held = {"stock": 973.6, "lean": 125.3}[build]
    found = {"number_of_triangles": triangles, "number_of_full_triangles": triangles, "parts": 1,
             "wet_fraction": 0.8, "steps": 212, "time": 60.0, "stages": stages, "runs_on": build,
             "isa": "v3" if build == "lean" else None, "run_seconds": seconds + 0.2,
             "evolve_seconds": seconds * 0.7, "sww_digests": {},
             "census": {"nbytes": int(held * triangles), "bytes_per_triangle": held},
             "versions": {"anuga": "4.2.0", "anuga_lean": "0.1.0"},
             "over_time": {"seconds": [k * seconds / 40 for k in range(40)],
                           "rss": [int((60 + min(k, 10) * 85 * factor) * MIB)
                                   for k in range(40)]}, **given}
    if ranks > 1:
        found["over_time"] = None
        found["ranks"] = [{**found, "rank": rank} for rank in range(ranks)]
    return found


def stored(scenario: str = "model.py", wrong: tuple[str, ...] = (), ranks: int = 1,
           triangles: int = 1_000_000, only: str | None = None, **given: Any) -> dict[str, Any]:
    """A comparison with the record of each build, or one build without the other."""
    names = ["stage", "xmomentum", "ymomentum", "height", "timestep", "sww/stage", "sww/time"]
    if ranks > 1:
        names = [f"rank {rank}: {name}" for rank in range(ranks) for name in names]
    records = []
    builds = ("stock", "lean") if only is None else (only,)
    for build in builds:
        record = replace(nights.memory(scenario, build), triangles=[triangles], sites=[],
                         repeats=1, command=f"anuga_lean compare {scenario}")
        if ranks > 1:
            record = replace(record, ranks=nights.ranks(build, ranks).ranks, numprocs=ranks)
        records.append(record)
    return {
        "date": "2026-11-25", "equal": {} if only else {name: name not in wrong for name in names},
        "request": {"scenario": scenario, "parameters": {}, "threads": 1, "numprocs": ranks},
        **{build: [run(build, triangles, ranks, **given)] if build in builds else []
           for build in ("stock", "lean")},
        "datetime": "2026-11-25T02:30:11+00:00",
        "machine_info": {"anuga_lean": nights.MACHINE},
        "benchmarks": [{"name": record.key, "extra_info": record.as_dict()}
                       for record in records]}


def write(path: Path, **given: Any) -> Path:
    """A stored comparison in a file."""
    path.write_text(json.dumps(stored(**given)))
    return path
