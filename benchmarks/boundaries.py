"""Measures what the boundary of a step takes by class of boundary, on stock and lean in turn.

One figure is the CPU time of `update_boundary` in a step whose whole boundary is of one
class, after the distribution, in microseconds.  Stock's distribution has computed every
edge value by then, lean's boundary computes those that it asks for.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

from operators import SIDE, build

from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.measurement import VARIANTS
from anuga_lean.measure.report import table

Make = Callable[[Any, Any, str], Any]


def _tide(t: float) -> float:
    return 0.3 + 0.1 * math.sin(t)


def _of_shallow_water(name: str, *args: Any) -> Make:
    def make(anuga: Any, domain: Any, source: str) -> Any:
        from anuga.shallow_water import boundaries

        return getattr(boundaries, name)(domain, *args)

    return make


CASES: dict[str, Make] = {
    "File": lambda a, d, source: a.File_boundary(source, d),
    "Field": lambda a, d, source: a.Field_boundary(source, d, mean_stage=0.05),
    "Time_space": lambda a, d, source: a.Time_space_boundary(
        d, lambda t, x, y: [_tide(t) + 1.0e-5 * x, 0.1, 0.2]),
    "Time": lambda a, d, source: a.Time_boundary(d, lambda t: [_tide(t), 0.1, 0.2]),
    "Dirichlet": lambda a, d, source: a.Dirichlet_boundary([0.3, 0.1, 0.1]),
    "Transmissive": lambda a, d, source: a.Transmissive_boundary(d),
    "Transmissive_momentum_set_stage": _of_shallow_water(
        "Transmissive_momentum_set_stage_boundary", _tide),
    "Transmissive_n_momentum_zero_t_momentum_set_stage": _of_shallow_water(
        "Transmissive_n_momentum_zero_t_momentum_set_stage_boundary", _tide),
    "Transmissive_stage_zero_momentum": _of_shallow_water(
        "Transmissive_stage_zero_momentum_boundary"),
    "Dirichlet_discharge": _of_shallow_water("Dirichlet_discharge_boundary", 0.3, 0.1),
    "Characteristic_stage": _of_shallow_water("Characteristic_stage_boundary", _tide),
    "Flather": _of_shallow_water("Flather_external_stage_zero_velocity_boundary", _tide),
    "Absorbing_wave": _of_shallow_water("Absorbing_wave_boundary", _tide),
}


def _source(anuga: Any, folder: str) -> str:
    """Write an SWW file that covers the model, and return its path."""
    domain = anuga.rectangular_cross_domain(10, 10, len1=SIDE, len2=SIDE)
    domain.set_name("source")
    domain.set_datadir(folder)
    domain.set_quantity("stage", lambda x, y: 0.3 + 1.0e-4 * x)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for _ in domain.evolve(yieldstep=1.0, finaltime=6.0):
        pass
    return str(Path(folder) / "source.sww")


def take(domain: Any, steps: int) -> float:
    """Return the least CPU time of an update of the boundary in some steps, microseconds."""
    taken = []
    for _ in range(steps):
        domain.distribute_to_vertices_and_edges(False)
        began = process_time()
        domain.update_boundary()
        taken.append(process_time() - began)
    return 1.0e6 * min(taken)


def work(variant: str, triangles: int, steps: int, names: list[str]) -> None:
    """Measure the cases on one variant and print them in a line of JSON."""
    anuga = import_anuga(variant)
    found = {}
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        source = _source(anuga, folder)
        domain = build(anuga, triangles, Path(folder))
        for name in names:
            boundary = CASES[name](anuga, domain, source)
            domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), boundary))
            found[name] = take(domain, steps)
        print("\n" + json.dumps({"edges": len(domain.boundary), "microseconds": found}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triangles", type=int, default=100_000, metavar="N")
    parser.add_argument("--steps", type=int, default=10, metavar="N")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="turns of each")
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--work", choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    names = args.case or list(CASES)
    if args.work is not None:
        work(args.work, args.triangles, args.steps, names)
        return
    taken: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    for _ in range(args.repeat):
        for variant in VARIANTS:
            command = [sys.executable, __file__, *sys.argv[1:], "--work", variant]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            taken[variant].append(json.loads(done.stdout.splitlines()[-1]))
    edges = taken["lean"][0]["edges"]
    results = {name: {variant: statistics.median(each["microseconds"][name] for each in turns)
                      for variant, turns in taken.items()} for name in names}
    print(table([[f"microseconds, {edges} edges", *VARIANTS, "stock / lean"], *(
        [name, *(f"{found[variant]:,.1f}" for variant in VARIANTS),
         f"{found['stock'] / found['lean']:.2f}"] for name, found in results.items())]))
    if args.json is not None:
        args.json.write_text(json.dumps({"edges": edges, "microseconds": results}, indent=1)
                             + "\n")


if __name__ == "__main__":
    main()
