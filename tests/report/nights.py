"""Stored nights for the tests of the page: files such as a night of benchmarks writes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from anuga_lean.measure.records import Figure, Record

MIB = 2**20
MACHINE = {
    "processor": "AMD EPYC 9R45", "architecture": "x86_64", "avx2": True, "avx512": True,
    "cores": 2, "system": "Linux 6.1.0", "page_size": 4096, "memory_total": 8 * 2**30,
    "transparent_hugepages": "madvise", "allocator": "glibc 2.36",
    "limits": {"address space": None, "stack": 8 * MIB},
    "versions": {"python": "3.11.2", "anuga": "4.1.0", "anuga_lean": "0.1.0", "memray": None},
}
# What must not reach the page as markup, wherever it stands.
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"

_STOCK = {"quantities/stage": 152.0, "quantities/xmomentum": 152.0, "quantities/elevation": 96.0,
          "mesh/neighbours": 72.0, "mesh/geometry": 208.0, "domain": 196.0, "boundaries": 0.4,
          "sww": 24.0, "operators/rate_0": 63.6}
_LEAN = {"quantities/stage": 16.0, "quantities/xmomentum": 16.0, "quantities/elevation": 8.0,
         "mesh/neighbours": 26.0, "mesh/geometry": 9.0, "kernels": 21.4, "domain": 0.6,
         "boundaries": 0.3, "sww": 14.0, "operators/rate_0": 0.02}
BUILDS = {"stock": ("anuga 4.1.0", _STOCK, 1.0),
          "lean": ("anuga 4.1.0 + anuga_lean 0.1.0", _LEAN, 0.13),
          "3.3.10": ("anuga 3.3.10", {**_STOCK, "domain": 240.0}, 1.07)}


def memory(scenario: str = "dam_break", build: str = "lean", grown: float = 1.0,
           **given: Any) -> Record:
    """A record of the suite memory, with everything it may hold."""
    version, groups, factor = BUILDS[build]
    factor *= grown
    gate = "memory" if build == "lean" else None
    figures = {
        "held": Figure(sum(groups.values()) * grown, "B/tri", None, gate),
        "rss_slope": Figure(849.0 * factor, "B/tri", 0.012, gate),
        "peak_build": Figure(1630.0 * factor, "B/tri", 0.021),
        "peak_evolve": Figure(905.0 * factor, "B/tri", 0.008, gate),
        "traced": Figure(971.0 * factor, "B/tri"),
        "traced_peak": Figure(1650.0 * factor, "B/tri"),
        "memray_peak": Figure(1672.0 * factor, "B/tri"),
        "sww": Figure(24.0, "B/tri"),
        "import_rss": Figure(212.5, "MiB", 0.003),
    }
    stages = {stage: {"seconds": seconds, "rss": (212 + rss * factor) * MIB,
                      "pss": (205 + rss * factor) * MIB, "uss": (198 + rss * factor) * MIB,
                      "peak_rss": (212 + peak * factor) * MIB}
              for stage, seconds, rss, peak in (("import", 1.9, 0, 3), ("build", 12.4, 860, 1554),
                                                ("evolve", 31.0, 870, 905))}
    sites = [{"site": f"anuga/abstract_2d_finite_volumes/{file}", "nbytes": share * factor * 1e9,
              "share": share}
             for file, share in (("neighbour_mesh.py:212 in __init__", 0.41),
                                 ("general_mesh.py:142 in __init__", 0.23),
                                 ("quantity.py:88 in __init__", 0.11), ("others", 0.25))]
    return Record(**{
        "suite": "memory", "scenario": scenario, "build": build, "version": version,
        "triangles": [250_000, 1_000_000], "repeats": 3,
        "isa": "v4" if build == "lean" else None,
        "command": f"pytest benchmarks/test_memory.py -k '{scenario} and {build}'",
        "figures": figures, "groups": groups,
        "arrays": {f"{name}/centroid_values": value for name, value in groups.items()},
        "stages": stages, "sites": sites, **given})


def speed(scenario: str = "dam_break", build: str = "lean", triangles: int = 1_000_000,
          threads: int = 1, grown: float = 1.0, **given: Any) -> Record:
    """A record of the suite speed."""
    nanoseconds = {"stock": 236.0, "lean": 44.0, "3.3.10": 251.0}[build] / threads**0.9
    nanoseconds *= (1.0 + 2_000 / triangles) * grown * (1.25 if triangles > 300_000 else 1.0)
    figures = {"seconds_per_step": Figure(nanoseconds * triangles * 1e-9, "s", 0.034)}
    if build == "lean":
        figures["stock_over_lean"] = Figure(
            (4.1 if triangles < 50_000 else 5.4 if triangles < 500_000 else 5.9) / grown
            / threads**0.1, "x", 0.041, "ratio")
    return Record(**{
        "suite": "speed", "scenario": scenario, "build": build, "version": BUILDS[build][0],
        "triangles": [triangles], "threads": threads, "repeats": 5,
        "command": f"pytest benchmarks/test_speed.py -k '{scenario}-{triangles}-{threads}'",
        "figures": figures, **given})


def checkpoint(build: str = "lean", **given: Any) -> Record:
    """A record of the suite checkpoint."""
    values = {"stock": (964.0, 964.0, 916.0, 915.0, 1.88, 1.99, 0.57),
              "lean": (60.0, 32.0, 1.3, 1.2, 0.27, 0.14, 0.46)}[build]
    names = (("first", "B/tri"), ("later", "B/tri"), ("peak_first", "MiB"), ("peak_later", "MiB"),
             ("seconds_first", "s"), ("seconds_later", "s"), ("seconds_load", "s"))
    gate = "memory" if build == "lean" else None
    figures = {name: Figure(value, unit, 0.05, gate if unit == "B/tri" else None)
               for (name, unit), value in zip(names, values, strict=True)}
    return Record(**{
        "suite": "checkpoint", "scenario": "dam_break", "build": build, "figures": figures,
        "version": BUILDS[build][0], "triangles": [1_000_000], "repeats": 2,
        "command": "pytest benchmarks/test_checkpoint.py", **given})


def ranks(build: str = "lean", numprocs: int = 4, **given: Any) -> Record:
    """A record of the suite ranks."""
    own = {"stock": 318.0, "lean": 92.0}[build]
    found = [{"rank": rank, "number_of_triangles": 250_000 + 311 * rank,
              "rss": (own + 84 + 9 * rank) * MIB, "pss": (own + 27 + 9 * rank) * MIB,
              "uss": (own + 9 * rank) * MIB, "peak_rss": (own + 140) * MIB}
             for rank in range(numprocs)]
    figures = {"largest_rank": Figure((own + 84 + 9 * (numprocs - 1)), "MiB", 0.01)}
    return Record(**{
        "suite": "ranks", "scenario": "merimbula", "build": build, "figures": figures,
        "version": BUILDS[build][0], "triangles": [1_000_000], "numprocs": numprocs,
        "ranks": found, "command": f"mpiexec -n {numprocs} python -m anuga_lean.measure.child",
        **given})


def evolve(build: str = "lean", **given: Any) -> Record:
    """A record of the suite evolve."""
    split = {"stock": {"start": 2.1, "fluxes": 8.2, "update": 3.3, "operators/Rate_operator 1": 1.9,
                       "storing": 1.4, "rest": 0.0117},
             "lean": {"start": 0.8, "fluxes": 1.6, "update": 0.7, "operators/Rate_operator 1": 0.2,
                      "storing": 0.9, "rest": 0.0113}}[build]
    figures = {"evolve_seconds": Figure(sum(split.values()), "s", 0.02),
               "serial_fraction": Figure(7.31, "%", 0.04)}
    return Record(**{
        "suite": "evolve", "scenario": "catchment_full", "build": build, "figures": figures,
        "version": BUILDS[build][0], "triangles": [500_000], "repeats": 5, "split": split,
        "command": "pytest benchmarks/test_evolve.py", **given})


def instructions(build: str = "lean-v3", **given: Any) -> Record:
    """A record of the suite instructions."""
    functions = {"fluxes": 197.49, "reconstruct": 175.45, "(Python)": 31.5, "lean_sum": 0.01}
    figures = {"instructions": Figure(sum(functions.values()), "instr/tri", None, "instructions")}
    return Record(**{
        "suite": "instructions", "scenario": "dam_break", "build": build, "figures": figures,
        "version": BUILDS["lean"][0], "triangles": [20_000], "functions": functions,
        "command": "pytest benchmarks/test_instructions.py", **given})


def usual(grown: float = 1.0) -> list[Record]:
    """What a night holds: all suites, one record that could not be measured."""
    records = [memory(scenario, build, grown if build == "lean" else 1.0)
               for scenario in ("dam_break", "merimbula") for build in ("stock", "lean")]
    records.append(memory("dam_break", "3.3.10"))
    records.append(memory("merimbula", "3.3.10", figures={}, groups={}, arrays={}, stages={},
                          sites=[], error="ANUGA 3.3.10 has no flow algorithm DE0_7: the model "
                                          "stopped while it was built"))
    records += [speed(scenario, build, triangles, threads, grown if build == "lean" else 1.0)
                for scenario in ("dam_break", "merimbula") for build in ("stock", "lean")
                for threads in (1, 2) for triangles in (10_000, 100_000, 1_000_000)]
    return [*records, evolve("stock"), evolve("lean"), instructions(), checkpoint("stock"),
            checkpoint("lean"), ranks("stock"), ranks("lean")]


def hostile() -> list[Record]:
    """Markup in every text a record has."""
    return [
        memory(HOSTILE, "lean", version=HOSTILE, command=HOSTILE, flow_algorithm=HOSTILE,
               isa=HOSTILE, figures={HOSTILE: Figure(3.5, HOSTILE, 0.1, "memory"),
                                     "held": Figure(111.0, "B/tri", None, "memory")},
               groups={HOSTILE: 4.0}, arrays={HOSTILE: 4.0},
               stages={HOSTILE: {"seconds": 1.0, "peak_rss": 5 * MIB}},
               sites=[{"site": HOSTILE, "nbytes": 1000, "share": 0.5}],
               ranks=[{"rank": HOSTILE, "rss": 4 * MIB, "pss": 3 * MIB, "uss": 2 * MIB}]),
        speed(HOSTILE, command=HOSTILE),
        evolve(scenario=HOSTILE, split={HOSTILE: 4.0}, command=HOSTILE),
        instructions(HOSTILE, functions={HOSTILE: 4.0}, toolchain={HOSTILE: HOSTILE}),
        memory(build="lean", flow_algorithm="DE1", figures={}, error=HOSTILE, command=HOSTILE),
    ]


def write(path: Path, records: Iterable[Record], date: str = "2026-11-25T02:30:11.520000+00:00",
          commit: str = "4256346ed2e6fd7cc969bc90b534cfab78ce7eda", dirty: bool = False,
          machine: dict[str, Any] | None = None) -> Path:
    """A file as pytest-benchmark writes it, cut down to what is read."""
    found = {
        "machine_info": {"node": "night", "anuga_lean": MACHINE if machine is None else machine},
        "commit_info": {"id": commit, "dirty": dirty, "branch": "main"},
        "benchmarks": [{"name": f"test[{record.key}]", "extra_info": record.as_dict()}
                       for record in records],
        "datetime": date, "version": "5.1.0",
    }
    path.write_text(json.dumps(found))
    return path


def three_nights(folder: Path) -> list[Path]:
    """The usual suites three times, lean a little better each time."""
    return [write(folder / f"night-{day}.json", usual(grown),
                  f"2026-11-{day}T02:30:11.520000+00:00", commit * 40)
            for day, grown, commit in ((21, 1.08, "a"), (23, 1.03, "b"), (25, 1.0, "c"))]
