"""Measures what a call of each operator takes, on stock and lean, all triangles and a few.

One process of each keeps a model that has evolved some steps; they take turns, so that
both meet the same machine, and begin each from the same state.  A case is a line of
`CASES`: its name, and a function that gives its operators to a domain.  On one thread a
figure is CPU time, on several wall time.

`--alone` tells what no implementation of a case goes below: the user's function called by itself,
on coordinates side by side in memory, or one write of what is set, as a share of stock's call.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.measurement import VARIANTS
from anuga_lean.measure.report import table

SIDE = 1000.0       # m, of the square model
FEW = 20.0          # m, radius of the places that a few triangles cover
Make = Callable[[Any, Any], Any]


def _bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 2.0 * np.sin(x / 90.0) * np.cos(y / 70.0)


def _water(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(0.3 + 0.1 * np.sin(x / 31.0), _bed(x, y))


def _level(t: float) -> float:
    return 0.3


def _falling(x: np.ndarray, y: np.ndarray, t: float) -> np.ndarray:
    return 1.0e-5 * (1.0 + np.cos(x / 200.0) * math.cos(t / 60.0))


def _field(domain: Any, low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, domain.number_of_triangles)


def _quantity(anuga: Any, domain: Any) -> Any:
    rate = anuga.Quantity(domain)
    rate.set_values(_field(domain, 0.0, 2.0e-5), location="centroids")
    return rate


class _Of:
    """A rate that is made of a domain."""

    def __init__(self, of: Callable[[Any, Any], Any]) -> None:
        self.of = of


def _rate(rate: Any, **options: Any) -> Make:
    """Return what makes a Rate_operator; what is an `_Of` is made of the domain."""
    def make(anuga: Any, domain: Any) -> Any:
        given = {name: value.of(anuga, domain) if isinstance(value, _Of) else value
                 for name, value in ({"rate": rate} | options).items()}
        return anuga.Rate_operator(domain, **given)

    return make


def _maxima(**options: Any) -> Make:
    def make(anuga: Any, domain: Any) -> Any:
        from anuga.operators.collect_max_quantities_operator import Collect_max_quantities_operator

        return Collect_max_quantities_operator(domain, **options)

    return make


def _of(module: str, name: str, *args: Any, **options: Any) -> Make:
    """Return what makes an operator of one of ANUGA's modules."""
    def make(anuga: Any, domain: Any) -> Any:
        domain.yieldstep = 1.0      # structures divide by it
        return getattr(import_module(f"anuga.{module}"), name)(domain, *args, **options)

    return make


def _region(place: dict[str, Any]) -> Make:
    def make(anuga: Any, domain: Any) -> Any:
        return anuga.Inlet_operator(domain, anuga.Region(domain, **place), Q=2.0)

    return make


_PLACE = {"center": (0.5 * SIDE, 0.5 * SIDE), "radius": FEW}
_LINE = [[0.4 * SIDE, 0.5 * SIDE], [0.4 * SIDE, 0.5 * SIDE + FEW]]
_CULVERT = {"losses": 1.5, "end_points": [[0.4 * SIDE, 0.4 * SIDE], [0.45 * SIDE, 0.4 * SIDE]],
            "apron": 5.0, "enquiry_gap": 10.0}
_HALF = {"polygon": [[0.0, 0.0], [0.5 * SIDE, 0.0], [0.5 * SIDE, SIDE], [0.0, SIDE]]}

def _scattered(anuga: Any, domain: Any) -> np.ndarray:
    return np.random.default_rng(1).permutation(domain.number_of_triangles)[:200]


_THIRD: dict[str, Any] = {"indices": _Of(lambda anuga, domain: np.arange(
    0, domain.number_of_triangles, 3))}
# What touches all triangles, or half of them.
_MANY: dict[str, Make] = {
    "rate: constant": _rate(1.0e-5),
    "rate: of t": _rate(lambda t: 1.0e-5 * (1.0 + math.sin(t))),
    "rate: of x, y and t": _rate(_falling),
    "rate: quantity": _rate(_Of(_quantity)),
    "rate: array": _rate(_Of(lambda anuga, domain: _field(domain, 0.0, 2.0e-5))),
    "rate: array of both signs": _rate(
        _Of(lambda anuga, domain: _field(domain, -1.0e-5, 2.0e-5))),
    "rate: infiltration": _rate(-1.0e-6),
    "rate: constant in half": _rate(1.0e-5, **_HALF),
    "rate: infiltration in half": _rate(-1.0e-6, **_HALF),
    "rate: of x, y and t in half": _rate(_falling, **_HALF),
    "rate: array of both signs in half": _rate(
        _Of(lambda anuga, domain: _field(domain, -1.0e-5, 2.0e-5)), **_HALF),
    "rate: constant in a third, scattered": _rate(1.0e-5, **_THIRD),
    "rate: infiltration in a third, scattered": _rate(-1.0e-6, **_THIRD),
    "maximum of the stage": _of("operators.collect_max_stage_operator",
                                "Collect_max_stage_operator"),
    "maxima": _maxima(),
    "maxima, stored": _maxima(store_to_sww=True),
    "stage set": _of("operators.set_stage_operator", "Set_stage_operator", _level),
    "stage set by place": _of("operators.set_stage_operator", "Set_stage_operator",
                              lambda x, y, t: 0.3 + 1.0e-5 * x),
    "stage set in half": _of("operators.set_stage_operator", "Set_stage_operator", _level,
                             **_HALF),
    "bed set": _of("operators.set_elevation_operator", "Set_elevation_operator", _level),
    "quantity set": _of("operators.set_quantity_operator", "Set_quantity_operator", "friction",
                        0.02),
    "friction by depth": _of("operators.set_friction_operators", "Set_depth_friction_operator",
                             lambda h: 0.03 if h < 1.0 else 0.02),
    "wind": _of("operators.wind_stress_operator", "Wind_stress_operator", 10.0, 180.0),
    "wind by place": _of("operators.wind_stress_operator", "Wind_stress_operator",
                         lambda t, x, y: 10.0 + 1.0e-3 * x, lambda t, x, y: 90.0 + 0.01 * y),
    "erosion": _of("operators.erosion_operators", "Erosion_operator", 0.1, -10.0),
    "quantity set by place": _of("operators.set_quantity_operator", "Set_quantity_operator",
                                 "friction", lambda x, y: 0.02 + 1.0e-6 * x),
    "bed set by place": _of("operators.set_elevation_operator", "Set_elevation_operator",
                            lambda x, y: 1.0e-3 * x),
    "stage set by place in half": _of("operators.set_stage_operator", "Set_stage_operator",
                                      lambda x, y: 0.3 + 1.0e-5 * x, **_HALF),
    "erosion in half": _of("operators.erosion_operators", "Erosion_operator", 0.1, -10.0, **_HALF),
    "barometric pressure": _of("operators.barometric_pressure", "Barometric_pressure_operator",
                               lambda t, x, y: 1.0e5 + x),
}
# What touches a few.
_FEW: dict[str, Make] = {
    "rate: constant, few": _rate(1.0e-3, **_PLACE),
    "rate: of t, few": _rate(lambda t: 1.0e-5 * (1.0 + math.sin(t)), **_PLACE),
    "rate: infiltration, few": _rate(-1.0e-6, **_PLACE),
    "rate: infiltration, few in no order": _rate(-1.0e-6, indices=_Of(_scattered)),
    "rate: array, few": _rate(_Of(lambda anuga, domain: _field(domain, 0.0, 2.0e-5)), **_PLACE),
    "rate: of x, y and t, few": _rate(_falling, **_PLACE),
    "inlet on a line": lambda anuga, domain: anuga.Inlet_operator(domain, _LINE, Q=2.0),
    "inlet in a circle": _region(_PLACE),
    "culvert, box": _of("structures.boyd_box_operator", "Boyd_box_operator", width=2.0,
                        **_CULVERT),
    "culvert, pipe": _of("structures.boyd_pipe_operator", "Boyd_pipe_operator", diameter=2.0,
                         **_CULVERT),
    "weir": _of("structures.weir_orifice_trapezoid_operator", "Weir_orifice_trapezoid_operator",
                width=2.0, height=1.5, z1=1.0, z2=1.0, **_CULVERT),
    "stage set, few": _of("operators.set_stage_operator", "Set_stage_operator", _level, **_PLACE),
    "quantity set, few": _of("operators.set_quantity_operator", "Set_quantity_operator", "friction",
                             0.02, **_PLACE),
    "bed set by place, few": _of("operators.set_elevation_operator", "Set_elevation_operator",
                                 lambda x, y: 1.0e-3 * x, **_PLACE),
    "stage set by place, few": _of("operators.set_stage_operator", "Set_stage_operator",
                                   lambda x, y: 0.3 + 1.0e-5 * x, **_PLACE),
    "friction by depth, few": _of("operators.set_friction_operators",
                                  "Set_depth_friction_operator",
                                  lambda h: 0.03 if h < 1.0 else 0.02, **_PLACE),
    "erosion, few": _of("operators.erosion_operators", "Erosion_operator", 0.1, -10.0, **_PLACE),
    "bed set, few": _of("operators.set_elevation_operator", "Set_elevation_operator", _level,
                        **_PLACE),
}
CASES: dict[str, Make] = _MANY | _FEW
# What looks at the values of the last yield.
_AFTER_A_STEP = {"maximum of the stage"}
_STATE = ("stage", "xmomentum", "ymomentum", "height", "elevation")


def build(anuga: Any, triangles: int, folder: Path) -> Any:
    """Return a model half under water that has evolved some steps."""
    m = max(2, round(math.sqrt(triangles / 4)))
    domain = anuga.rectangular_cross_domain(m, m, len1=SIDE, len2=SIDE)
    domain.set_store(False)
    domain.set_datadir(str(folder))
    domain.set_flow_algorithm("DE0")
    domain.set_quantity("elevation", _bed, location="centroids")
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", _water, location="centroids")
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for _ in domain.evolve(yieldstep=1.0, finaltime=1.0):
        pass
    return domain


def take(operator: Callable[[], Any], seconds: float) -> tuple[float, float]:
    """Return CPU and wall time of a call, s: the mean of as many as `seconds` hold."""
    operator()
    count, cpu, wall = 0, process_time(), perf_counter()
    while True:
        operator()
        count += 1
        if perf_counter() - wall > seconds:
            return (process_time() - cpu) / count, (perf_counter() - wall) / count


def alone(domain: Any, operator: Any) -> Callable[[], Any] | None:
    """Return what an operator cannot do without, on arrays of its own; None where there is none."""
    at = getattr(getattr(operator, "region", None), "indices", None)
    at = slice(None) if at is None else at
    x, y = np.array(np.asarray(domain.centroid_coordinates)[at].T, order="C")
    friction, kind = getattr(operator, "friction", None), getattr(operator, "value_type", None)
    if isinstance(friction, np.vectorize):
        stage, bed = (domain.quantities[name].centroid_values for name in ("stage", "elevation"))
        depths = (stage - bed)[at].tolist()

        def ask_each() -> None:
            for depth in depths:
                friction.pyfunc(depth)

        return ask_each
    if getattr(operator, "rate_spatial", False):
        return lambda: operator.rate(x, y, 0.5)
    if callable(getattr(operator, "speed", None)):
        def blow() -> None:
            operator.speed(0.5, x, y)
            angle = operator.phi(0.5, x, y)
            np.cos(angle)       # whose bits are numpy's own
            np.sin(angle)

        return blow
    if kind in ("x,y", "x,y,t"):
        return lambda: operator.value(x, y, *[0.5] * (kind == "x,y,t"))
    return None if kind is None else lambda: x.fill(0.5)


def work(variant: str, triangles: int) -> None:
    """Build a model, and measure the case that each line of standard input names."""
    anuga = import_anuga(variant)
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        domain = build(anuga, triangles, Path(folder))
        print("\n" + json.dumps(None), flush=True)
        made: dict[str, Any] = {}
        start: dict[str, np.ndarray] = {}
        for line in sys.stdin:
            name, threads, seconds, by_itself = json.loads(line)
            domain.set_omp_num_threads(threads)
            if name not in made:
                made.clear()
                made[name] = CASES[name](anuga, domain)
                if name in _AFTER_A_STEP:
                    for _ in domain.evolve(yieldstep=0.1, duration=0.1):
                        pass
                domain.fractional_step_operators.clear()
                start = {each: domain.quantities[each].centroid_values.copy() for each in _STATE}
            for each, values in start.items():
                domain.quantities[each].centroid_values[:] = values
            measured = alone(domain, made[name]) if by_itself else made[name]
            print("\n" + json.dumps((0.0, 0.0) if measured is None else take(measured, seconds)),
                  flush=True)


class Worker:
    """A process that measures calls on stock or on lean."""

    def __init__(self, variant: str, triangles: int) -> None:
        command = [sys.executable, __file__, "--work", variant, str(triangles)]
        self.process: Any = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def _answer(self) -> Any:
        """Return what the process prints in JSON; what ANUGA prints is passed over."""
        for line in self.process.stdout:
            try:
                return json.loads(line)
            except ValueError:
                continue
        raise SystemExit(f"a measuring process ended with {self.process.wait()}")

    def take(self, name: str, threads: int, seconds: float, by_itself: bool = False,
             ) -> tuple[float, float]:
        """Return CPU and wall time of a call, s, or of what `alone` gives."""
        self.process.stdin.write(json.dumps([name, threads, seconds, by_itself]) + "\n")
        self.process.stdin.flush()
        cpu, wall = self._answer()
        return cpu, wall

    def end(self) -> None:
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()


def measure(workers: dict[str, Worker], name: str, threads: int, args: argparse.Namespace,
            ) -> dict[str, float]:
    """Return the median time of a call by variant and of `alone`, s, and stock's over lean's."""
    taken: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for _ in range(args.repeat):
        for variant, worker in workers.items():
            taken[variant].append(worker.take(name, threads, args.seconds)[threads > 1])
    found = {variant: statistics.median(times) for variant, times in taken.items()}
    if args.alone:
        found["alone"] = statistics.median(
            workers["stock"].take(name, threads, args.seconds, True)[threads > 1]
            for _ in range(args.repeat))
    ratios = [stock / lean for stock, lean in zip(*(taken[v] for v in VARIANTS), strict=True)]
    return found | {"stock_over_lean": statistics.median(ratios)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triangles", type=int, default=490_000, metavar="N")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", default=None,
                        help="default: 1, and all cores")
    parser.add_argument("--repeat", type=int, default=7, metavar="N", help="turns of each")
    parser.add_argument("--seconds", type=float, default=0.2, metavar="S", help="of a turn")
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--alone", action="store_true",
                        help="the user's function, or one write, by itself, too")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work is not None:
        work(args.work[0], int(args.work[1]))
        return
    counts = args.threads or sorted({1, os.cpu_count() or 1})
    workers = {variant: Worker(variant, args.triangles) for variant in VARIANTS}
    results: dict[str, dict[int, dict[str, float]]] = {}
    for name in args.case or CASES:
        results[name] = {count: measure(workers, name, count, args) for count in counts}
        print(f"{name}: done", file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.end()
    rows = [["microseconds a call", *(f"{variant}, {count} thr." if variant in VARIANTS
                                      else f"ratio, {count} thr."
                                      for count in counts for variant in (*VARIANTS, "ratio")),
             *["alone, % of stock"] * args.alone]]
    for name, found in results.items():
        cells = [cell for each in found.values() for cell in (
            *(f"{1e6 * each[variant]:,.1f}" for variant in VARIANTS),
            f"{each['stock_over_lean']:.2f}")]
        if args.alone:
            first = found[counts[0]]
            cells.append(f"{100.0 * first['alone'] / first['stock']:.0f}" if first["alone"] else "")
        rows.append([name, *cells])
    print(table(rows))
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
