"""Measures what a step of a small model costs on stock and lean, and what of it the kernels are.

Each variant runs in a process of its own on one thread; the two take turns, so that both meet
the same load, and the least CPU time of a turn counts.  The kernels are timed by calling what
a step calls of them, the check of its arguments included.  With `--instructions` valgrind
counts instructions instead, as the difference between two numbers of steps: it gives the same
figures on any machine with the same instruction set.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.measurement import VARIANTS
from anuga_lean.measure.report import table

TIMESTEP = 0.001    # s; no step is cut by a yield or by the CFL condition
ALGORITHMS = ("DE0", "DE1")
# Functions of the kernels that a step calls, as valgrind names them.
KERNELS = re.compile(r"\?\?\?:(lean_(?:sweep|update|distribute|mark_isolated)_\w+|"
                     r"lean_(?:finish_second_stage|check_fingerprints|spread_activity)) ")
COUNTED = (100, 300)    # steps


def model(variant: str, algorithm: str, cells: int) -> Any:
    """Water that runs down a slope between walls, some steps on its way."""
    anuga = import_anuga(variant)
    domain = anuga.rectangular_cross_domain(cells, cells)
    domain.set_name("small")
    domain.store = False
    domain.set_flow_algorithm(algorithm)
    domain.set_quantity("elevation", lambda x, y: -x / 2.0)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: 0.2 * x)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    domain.set_fixed_flux_timestep(TIMESTEP)
    take_steps(domain, 10)
    return domain


def take_steps(domain: Any, steps: int) -> float:
    """Take so many steps without a yield between them; return the CPU time in s."""
    begin = time.process_time()
    for _ in domain.evolve(duration=steps * TIMESTEP):
        pass
    return time.process_time() - begin


def call_kernels(domain: Any, steps: int) -> float:
    """Call the kernels that so many steps call; return the CPU time in s."""
    from anuga_lean import _kernels

    run = domain.lean.ready()
    is_rk2 = domain.get_timestepping_method() == "rk2"
    update = _kernels.EXCHANGE if is_rk2 else _kernels.REPLACE
    begin = time.process_time()
    for _ in range(steps):
        run.defer_distribute(True)
        if is_rk2:
            run.compute_all()
        else:
            run.find_active()
        run.sweep(_kernels.FLUXES)
        run.boundary_flux_sum()
        run.update(update, TIMESTEP, True)
        run.wake_all()
        if is_rk2:
            run.defer_distribute(True)
            run.sweep(_kernels.SECOND_STAGE, TIMESTEP)
            run.boundary_flux_sum()
            run.finish_second_stage()
    return time.process_time() - begin


def serve(variant: str, algorithm: str, cells: int) -> None:
    """Take as many steps as each line of the input says; print their CPU time."""
    domain = model(variant, algorithm, cells)
    for line in sys.stdin:
        what, steps = line.split()
        print((take_steps if what == "steps" else call_kernels)(domain, int(steps)), flush=True)


class Child:
    """A process that takes steps when it is told to."""

    def __init__(self, variant: str, algorithm: str, cells: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", variant, algorithm, "--cells", str(cells)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"})

    def microseconds(self, what: str, steps: int) -> float:
        """Return the CPU time of one of so many steps."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{what} {steps}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline()) / steps * 1e6

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


def times(algorithm: str, cells: int, steps: int, turns: int) -> dict[str, float]:
    """Return the microseconds of a step on stock and lean, and of its kernels."""
    children = {variant: Child(variant, algorithm, cells) for variant in VARIANTS}
    found: dict[str, list[float]] = {"stock": [], "lean": [], "kernels": []}
    for _ in range(turns):
        for variant in VARIANTS:
            found[variant].append(children[variant].microseconds("steps", steps))
        found["kernels"].append(children["lean"].microseconds("kernels", steps))
    for child in children.values():
        child.end()
    return {name: min(values) for name, values in found.items()}


def count(variant: str, algorithm: str, cells: int, steps: int) -> dict[str, int]:
    """Return the instructions of a process that takes so many steps: all, and in kernels."""
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        out = Path(folder, "callgrind")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable,
                   __file__, "--serve", variant, algorithm, "--cells", str(cells)]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, input=f"steps {steps}\n", capture_output=True, text=True,
                              env=env, check=True)
        total = re.search(r"Collected : (\d+)", done.stderr)
        listed = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100",
                                 str(out)], capture_output=True, text=True, check=True).stdout
    assert total is not None, done.stderr
    kernels = [int(line.split()[0].replace(",", "")) for line in listed.splitlines()
               if KERNELS.search(line)]
    return {variant: int(total[1]), "kernels": sum(kernels)}


def instructions(algorithm: str, cells: int) -> dict[str, float]:
    """Return the instructions of a step on stock and lean, and of its kernels."""
    found: dict[str, float] = {}
    for variant in VARIANTS:
        few, many = (count(variant, algorithm, cells, steps) for steps in COUNTED)
        for name in few:
            if name != "kernels" or variant == "lean":
                found[name] = (many[name] - few[name]) / (COUNTED[1] - COUNTED[0])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=5, metavar="N",
                        help="squares of four triangles along each side")
    parser.add_argument("--steps", type=int, default=4000, metavar="N", help="of a turn")
    parser.add_argument("--turns", type=int, default=5, metavar="N")
    parser.add_argument("--instructions", action="store_true", help="count with valgrind as well")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--serve", nargs=2, metavar=("VARIANT", "ALGORITHM"),
                        help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(*args.serve, args.cells)
        return
    if args.instructions and shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed: apt-get install valgrind.")
    found: dict[str, dict[str, Any]] = {}
    for algorithm in ALGORITHMS:
        taken = times(algorithm, args.cells, args.steps, args.turns)
        found[algorithm] = {"microseconds": taken}
        if args.instructions:
            found[algorithm]["instructions"] = instructions(algorithm, args.cells)
    rows = []
    for algorithm, kinds in found.items():
        for unit, taken in kinds.items():
            taken["lean - kernels"] = taken["lean"] - taken["kernels"]
            digits = 1 if unit == "microseconds" else 0
            rows.append([algorithm, unit, *(f"{taken[name]:,.{digits}f}" for name in (
                "stock", "lean", "kernels", "lean - kernels"))])
    print(f"A step of {4 * args.cells**2} triangles:")
    print(table([["", "unit", "stock", "lean", "kernels", "lean - kernels"], *rows]))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
