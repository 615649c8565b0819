"""Prints what a cell and step of a dam break costs here and in other shallow-water codes.

`python benchmarks/peers.py --qcc .../qcc --sfincs .../sfincs --lisflood .../lisflood` runs one dam
break on a flat bed without friction, of some 250,000 cells, on one core, in turn: lean DE0 and
DE1 on triangles; Basilisk's Saint-Venant solver (second order, as DE1) on a Cartesian grid, which
its qcc compiles here with -O3 -march=native; SFINCS without and with advection (single
precision); LISFLOOD-FP's acceleration solver.  A code that is not given is left out, and said so.
Each is started with a short and a long run, and their difference counts: set-up, reading and the
last output cancel.  CPU seconds, medians over the turns.

A cell and step is what these have in common, not what an answer costs: a triangle of the same
area has other time steps, and the inertial schemes do not converge at a shock.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from anuga_lean._errors import LeanError
from anuga_lean.measure.report import table

SIDE = 500          # cells of a Cartesian grid's side, 250 squares of four triangles
DX = 100.0          # m
DEEP, SHALLOW = 10.0, 2.0   # m, left and right of the dam
SHORT, LONG = 100.0, 300.0   # s of model time
LEAN = """
import sys
import anuga_lean as anuga
algorithm = sys.argv[1]
end, side, dx, deep, shallow = map(float, sys.argv[2:])
half = int(side) // 2
domain = anuga.rectangular_cross_domain(half, half, len1=side * dx, len2=side * dx)
domain.set_flow_algorithm(algorithm)
domain.set_store(False)
domain.set_quantity("friction", 0.0)
domain.set_quantity("elevation", 0.0)
domain.set_quantity("stage", lambda x, y: shallow + (x < side * dx / 2) * (deep - shallow))
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
steps = 0
for t in domain.evolve(yieldstep=end, finaltime=end):
    steps += domain.number_of_steps
print("steps", steps, "cells", len(domain))
"""
BASILISK = """
#include "saint-venant.h"
int main() { size(WIDTH); G = 9.8; N = 512; run(); }
event start(i = 0) { foreach() { zb[] = 0.; h[] = x < WIDTH/2. ? DEEP : SHALLOW; } }
event stop(t = END) { printf("steps %d cells %d\\n", i, N*N); }
"""
SFINCS = """
mmax = {side}
nmax = {side}
dx = {dx}
dy = {dx}
x0 = 0.0
y0 = 0.0
tref = 20000101 000000
tstart = 20000101 000000
tstop = 20000101 {clock}
inputformat = asc
depfile = dep
mskfile = msk
inifile = ini
manning = 0.0
advection = {advection}
huthresh = 0.01
dtout = 0.0
dthisout = 0.0
"""
LISFLOOD = """
DEMfile dem.asc
startfile start.asc
resroot res
dirroot results
sim_time {end}
initial_tstep 10.0
massint {end}
saveint 1e9
fpfric 0.0
acceleration
"""
Peer = Callable[[Path, float], "tuple[int, int]"]   # folder, s -> steps, cells


def start(folder: Path, *command: str) -> str:
    """Run a command on one core; return what it prints.

    Raises
    ------
    LeanError
        It failed.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False,
                          env=os.environ | {"OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise LeanError(f"{command[0]} ended with {done.returncode}: "
                        f"{(done.stderr or done.stdout)[-400:]}")
    return done.stdout


def counted(text: str) -> tuple[int, int]:
    """Return the steps and cells that a run of ours or Basilisk's has printed."""
    found = re.search(r"steps (\d+) cells (\d+)", text)
    if found is None:
        raise LeanError(f"a run printed no steps: {text[-400:]!r}")
    return int(found[1]), int(found[2])


def lean(algorithm: str) -> Peer:
    """Return the runs of anuga_lean with a flow algorithm."""
    def run(folder: Path, end: float) -> tuple[int, int]:
        return counted(start(folder, sys.executable, "-P", "-c", LEAN, algorithm,
                             *map(str, (end, SIDE, DX, DEEP, SHALLOW))))
    return run


def basilisk(qcc: Path, folder: Path) -> Peer:
    """Compile Basilisk's dam break for each of the two times; return its runs."""
    (folder / "dam.c").write_text(BASILISK)
    os.environ.setdefault("BASILISK", str(qcc.parent))
    for end in (SHORT, LONG):       # events are set up before main begins
        given = {"WIDTH": SIDE * DX, "DEEP": DEEP, "SHALLOW": SHALLOW, "END": end}
        start(folder, str(qcc), "-O3", "-march=native", "-grid=cartesian",
              *(f"-D{name}={value}" for name, value in given.items()), "dam.c",
              "-o", f"dam{end}", "-lm")
    return lambda at, end: counted(start(at, str(folder / f"dam{end}")))


def stages() -> np.ndarray:
    """Return the stage of each row of cells before the dam breaks, (SIDE,) float64, m."""
    x = (np.arange(SIDE) + 0.5) * DX
    return np.where(x < SIDE * DX / 2, DEEP, SHALLOW)


def sfincs(program: Path, folder: Path, advection: int) -> Peer:
    """Write the input of SFINCS; return its runs."""
    rows = np.zeros((SIDE, SIDE))
    np.savetxt(folder / "dep", rows, "%g")
    np.savetxt(folder / "msk", rows + 1, "%g")
    np.repeat(stages(), SIDE).astype(np.float32).tofile(folder / "ini")

    def run(at: Path, end: float) -> tuple[int, int]:
        clock = f"{int(end) // 3600:02d}{int(end) % 3600 // 60:02d}{int(end) % 60:02d}"
        (at / "sfincs.inp").write_text(SFINCS.format(
            side=SIDE, dx=DX, clock=clock, advection=advection))
        text = start(at, str(program))
        found = re.search(r"Average time step \(s\)\s*:\s*([\d.]+)", text)
        if found is None:
            raise LeanError(f"SFINCS named no time step: {text[-400:]!r}")
        return round(end / float(found[1])), SIDE * SIDE
    return run


def lisflood(program: Path, folder: Path) -> Peer:
    """Write the input of LISFLOOD-FP's acceleration solver; return its runs."""
    header = (f"ncols {SIDE}\nnrows {SIDE}\nxllcorner 0\nyllcorner 0\ncellsize {DX}\n"
              "NODATA_value -9999")
    np.savetxt(folder / "dem.asc", np.zeros((SIDE, SIDE)), "%g", header=header, comments="")
    np.savetxt(folder / "start.asc", np.tile(stages(), (SIDE, 1)), "%g", header=header,
               comments="")

    def run(at: Path, end: float) -> tuple[int, int]:
        (at / "dam.par").write_text(LISFLOOD.format(end=end))
        start(at, str(program), "dam.par")
        last = (at / "results" / "res.mass").read_text().split("\n")[-2].split()
        return int(last[3]), SIDE * SIDE
    return run


def cpu(run: Peer, folder: Path, end: float) -> tuple[float, int, int]:
    """Return the CPU seconds, steps and cells of a run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    steps, cells = run(folder, end)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, steps, cells)


def main() -> int:
    """Run all in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--qcc", type=Path, help="Basilisk's compiler, in its source folder")
    parser.add_argument("--sfincs", type=Path, help="the program of SFINCS")
    parser.add_argument("--lisflood", type=Path, help="the program of LISFLOOD-FP")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as work:
        peers: dict[str, tuple[Path, Peer]] = {}

        def add(name: str, make: Callable[[Path], Peer]) -> None:
            folder = Path(work, str(len(peers)))
            folder.mkdir()
            peers[name] = folder, make(folder)

        add("lean DE0", lambda folder: lean("DE0"))
        add("lean DE1", lambda folder: lean("DE1"))
        for name, program, make in (
            ("Basilisk, Saint-Venant", options.qcc, basilisk),
            ("SFINCS, inertial", options.sfincs, lambda at, to: sfincs(at, to, 0)),
            ("SFINCS, with advection", options.sfincs, lambda at, to: sfincs(at, to, 1)),
            ("LISFLOOD-FP, acceleration", options.lisflood, lisflood),
        ):
            if program is None:
                print(f"{name}: left out, its program is not given")
            else:
                add(name, functools.partial(make, program.resolve()))
        found: dict[str, list[float]] = {name: [] for name in peers}
        rows = []
        for _ in range(options.turns):
            for name, (folder, run) in peers.items():
                short, few, cells = cpu(run, folder, SHORT)
                long, many, _ = cpu(run, folder, LONG)
                found[name].append((long - short) / (many - few) / cells * 1e9)
                if len(found[name]) == 1:
                    rows.append([name, cells, many - few])
    print(table([["dam break, one core", "cells", "steps", "ns per cell and step"], *(
        [*map(str, row), f"{statistics.median(found[row[0]]):.0f}"] for row in rows)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
