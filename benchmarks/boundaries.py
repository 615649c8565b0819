"""Measures what the boundary of a step takes by class of boundary, on stock and lean in turn.

One figure is the CPU time of `update_boundary` in a step whose whole boundary is of one
class, after the distribution, in microseconds.  Stock's distribution has computed every
edge value by then, lean's boundary computes those that it asks for.  "Own" are a user's,
which ANUGA asks edge by edge, by what they read.

With --whole the figures are those of a tsunami model: a long basin with a File_boundary or
Field_boundary on each of its 2,000 edges at 100,000 triangles, from an SWW file.
"""

from __future__ import annotations

import argparse
import hashlib
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


def _own(read: Callable[[Any, Any, Any], Any]) -> Make:
    """Return what makes a boundary of a user's that reads something of the domain."""
    def make(anuga: Any, domain: Any, source: str) -> Any:
        from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

        class Own(Boundary):
            def evaluate(self, vol_id: Any = None, edge_id: Any = None) -> Any:
                return read(domain, vol_id, edge_id)

        return Own()

    return make


def _of_normal(domain: Any, vol_id: Any, edge_id: Any) -> list[Any]:
    normal = domain.normals[vol_id, 2 * edge_id : 2 * edge_id + 2]
    return [0.3, 0.1 * normal[0], 0.1 * normal[1]]


def _of_midpoint(domain: Any, vol_id: Any, edge_id: Any) -> list[Any]:
    x, _ = domain.get_edge_midpoint_coordinate(vol_id, edge_id)
    return [0.3 + 1.0e-4 * x, 0.0, 0.0]


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
    "Characteristic_wave": _of_shallow_water("Characteristic_wave_boundary", _tide),
    "Time_stage_zero_momentum": _of_shallow_water("Time_stage_zero_momentum_boundary", _tide),
    "Own: numbers": _own(lambda d, k, i: [0.3, 0.0, 0.0]),
    "Own: conserved quantities": _own(lambda d, k, i: d.get_conserved_quantities(k, edge=i)),
    "Own: an edge value": _own(lambda d, k, i: [
        d.quantities["stage"].edge_values[k, i], 0.0, 0.0]),
    "Own: a centroid value": _own(lambda d, k, i: [
        d.quantities["stage"].centroid_values[k], 0.0, 0.0]),
    "Own: the normal": _own(_of_normal),
    "Own: the midpoint": _own(_of_midpoint),
}
WHOLE = ("File", "Field", "Transmissive_momentum_set_stage", "Own: conserved quantities")


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


def _basin(anuga: Any, triangles: int) -> Any:
    """Return a basin 37 times as long as wide, with two edges of the boundary a triangle row."""
    n = max(2, round(math.sqrt(triangles / 148)))
    domain = anuga.rectangular_cross_domain(37 * n, n, len1=SIDE, len2=SIDE)
    domain.set_store(False)
    domain.set_flow_algorithm("DE0")
    domain.set_quantity("elevation", lambda x, y: -20.0 + 21.0 * x / SIDE)
    domain.set_quantity("stage", lambda x, y: 0.3 + 1.0e-4 * x)
    return domain


def whole(variant: str, triangles: int, steps: int, names: list[str]) -> None:
    """Evolve a basin with each boundary; print CPU time of evolve and its boundaries by step."""
    anuga = import_anuga(variant)
    found, digests = {}, {}
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        source = _source(anuga, folder)
        for name in names:
            domain = _basin(anuga, triangles)
            boundary = CASES[name](anuga, domain, source)
            domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), boundary))
            for _ in domain.evolve(yieldstep=1.0e-3, finaltime=1.0e-3):
                pass
            began, taken, count = process_time(), 0.0, 0
            for _ in domain.evolve(yieldstep=0.02 * steps, duration=0.02 * steps,
                                   skip_initial_step=True):
                taken, count = process_time() - began, domain.number_of_steps
            found[name] = 1.0e6 * taken / count
            digests[name] = hashlib.sha256(b"".join(
                domain.quantities[each].centroid_values.tobytes()
                for each in ("stage", "xmomentum"))).hexdigest()
        print("\n" + json.dumps({"edges": len(domain.boundary), "microseconds": found,
                                 "digests": digests}))


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
    parser.add_argument("--whole", action="store_true", help="whole steps of a tsunami model")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--work", choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    names = args.case or list(WHOLE if args.whole else CASES)
    if args.work is not None:
        (whole if args.whole else work)(args.work, args.triangles, args.steps, names)
        return
    taken: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    for _ in range(args.repeat):
        for variant in VARIANTS:
            command = [sys.executable, __file__, *sys.argv[1:], "--work", variant]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            taken[variant].append(json.loads(done.stdout.splitlines()[-1]))
    edges = taken["lean"][0]["edges"]
    if taken["lean"][0].get("digests") != taken["stock"][0].get("digests"):
        raise SystemExit("stock and lean differ in a bit")
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
