"""Measures what a guarded run costs: steps, memory, the thread that looks, and the way out.

Each figure is of processes of their own on one thread, guarded and not by turns.  Time and
instructions of a step are the difference between two numbers of steps, so that set-up and the
first set fall out; instructions are counted (`--instructions`, valgrind) without the thread, whose
cost is measured by itself, without Python's garbage collector, of which one run is worth as much as
thousands of steps' guarding, and with as many steps between two looks as without valgrind, under
which all steps are long.  `--stop` starts 500,000 triangles on three ranks, sends SIGUSR1 to
mpiexec and says how long it took to end, the longest step and the set included.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from anuga_lean.guard import stopping
from anuga_lean.guard.limits import Limits
from anuga_lean.guard.record import memory_of
from anuga_lean.guard.requests import Requests
from anuga_lean.guard.stopping import Options, RunGuard
from anuga_lean.guard.watch import FRACTIONS, Watch
from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.measurement import MPI_ENVIRONMENT
from anuga_lean.measure.report import table
from anuga_lean.stepping import guarding

MIB = 1 << 20
TIMESTEP = 0.001    # s; no step is cut by a yield or by the CFL condition
READINGS = 500
# Goes on until it is stopped, with a long way between two yields.
MODEL = """
import anuga
domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain({0}, {0}, len1=1000.0, len2=1000.0)
    domain.set_name("model")
    domain.store = False
    domain.set_quantity("elevation", 0.0)
    domain.set_quantity("stage", lambda x, y: 1.0 + (x < 300.0))
domain = anuga.distribute(domain)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
for t in domain.evolve(yieldstep=1e5, finaltime=1e6):
    pass
"""


class Noting(RunGuard):
    """A guard that notes how many steps it lets pass between two looks."""

    noted = 0

    def before_step(self, domain: Any) -> None:
        """Look, and note."""
        super().before_step(domain)
        self.noted = self.passes


def take_steps(triangles: int, steps: int, is_guarded: bool, passes: int | None) -> None:
    """Take steps between walls in this process; print its CPU time, s, and memory, bytes.

    With `passes` steps between two looks and without the thread, if that is not None.
    """
    anuga = import_anuga("lean")
    cells = round((triangles / 4) ** 0.5)
    domain = anuga.rectangular_cross_domain(cells, cells)
    domain.set_name("model")
    domain.store = False
    domain.set_quantity("elevation", lambda x, y: -x / 2.0)
    domain.set_quantity("stage", lambda x, y: 0.2 * x)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    domain.set_fixed_flux_timestep(TIMESTEP)
    guard = (Noting if passes is None else RunGuard)(Requests(), Options(
        folder="CHECKPOINTS", every=math.inf, fractions=FRACTIONS, stop_file="stop.flag",
        deadline=lambda: math.inf, record=Path("record.jsonl"), resume=False, command=""))
    if passes is not None:
        Watch.start = lambda self: None     # type: ignore[method-assign]
        stopping._MOST_PASSED, stopping._LOOKS = passes, math.inf
        gc.disable()
    if is_guarded:
        guarding.put(guard)
    begin = time.process_time()
    for _ in domain.evolve(duration=steps * TIMESTEP):
        pass
    print(json.dumps({"seconds": time.process_time() - begin, **memory_of(os.getpid()),
                      "passes": getattr(guard, "noted", passes)}))


def child(args: argparse.Namespace, steps: int, is_guarded: bool,
          passes: int = -1) -> dict[str, float]:
    """Return what a process that takes so many steps prints.

    From `passes` of 0 on, with that many steps between two looks, its instructions too.
    """
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        command = [sys.executable, os.path.abspath(__file__), "--child", str(steps),
                   str(int(is_guarded)), str(passes), "--triangles", str(args.triangles)]
        if passes >= 0:
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                       *command]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                              env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"})
    if done.returncode != 0:
        raise SystemExit(f"benchmarks/guarded.py: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if passes >= 0:
        total = re.search(r"Collected : (\d+)", done.stderr)
        assert total is not None, done.stderr
        found["instructions"] = int(total[1])
    return found


def costs(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return figures of a step, not guarded and guarded: the least of all turns."""
    found: dict[str, dict[str, float]] = {}
    ends: dict[tuple[bool, int], list[dict[str, float]]] = {}
    for _ in range(args.turns):
        for is_guarded in (False, True):
            for steps in args.steps:
                ends.setdefault((is_guarded, steps), []).append(child(args, steps, is_guarded))
    few, many = args.steps
    for is_guarded, name in ((False, "plain"), (True, "guarded")):
        def least(what: str, steps: int, is_guarded: bool = is_guarded) -> float:
            return min(each[what] for each in ends[is_guarded, steps])
        found[name] = {
            "CPU of a step, ms": (least("seconds", many) - least("seconds", few))
            / (many - few) * 1e3,
            **{f"{what}, MiB": least(what, many) / MIB for what in ("rss", "peak", "uss")}}
        if args.instructions:
            passes = int(max(each["passes"] for each in ends[True, many]))
            counted = [child(args, steps, is_guarded, passes)["instructions"]
                       for steps in args.steps]
            found[name]["instructions of a step"] = (counted[1] - counted[0]) / (many - few)
    return found


def reader() -> float:
    """Return the CPU time of one look at everything, s: once a second at rest."""
    watch = Watch(Requests(), Limits(os.environ), stop_file="stop.flag")
    before = resource.getrusage(resource.RUSAGE_THREAD)
    for _ in range(READINGS):
        watch.check()
    after = resource.getrusage(resource.RUSAGE_THREAD)
    watch.end()
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / READINGS


def stop(triangles: int, ranks: int) -> dict[str, float]:
    """Return how long a run on ranks takes from the signal to its end, and its longest set."""
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which(
        "mpiexec")
    if mpiexec is None:
        raise SystemExit("benchmarks/guarded.py: there is no mpiexec")
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        place = Path(folder)
        (place / "model.py").write_text(MODEL.format(round((triangles / 4) ** 0.5)))
        run = subprocess.Popen(
            [mpiexec, "-n", str(ranks), sys.executable, "-m", "anuga_lean", "run", "--guard",
             "--record", "record.jsonl", "model.py"], cwd=place, text=True,
            env={**os.environ, **MPI_ENVIRONMENT, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while len(list(place.glob("CHECKPOINTS/*.pickle"))) < ranks:
            if run.poll() is not None:
                raise SystemExit(f"benchmarks/guarded.py: {run.communicate()[0]}")
            time.sleep(0.05)
        time.sleep(5.0)
        began = time.monotonic()
        run.send_signal(signal.SIGUSR1)
        said = run.communicate()[0]
        seconds = time.monotonic() - began
        if run.returncode != 75:
            raise SystemExit(f"benchmarks/guarded.py: it ended with {run.returncode}: {said}")
        events = [json.loads(line) for line in (place / "record.jsonl").read_text().splitlines()]
    last = [each for each in events if each["event"] == "set"][-1]
    return {"signal to end, s": seconds, "of which the set, s": last["writing"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triangles", type=int, default=100_000, metavar="N")
    parser.add_argument("--steps", type=int, nargs=2, default=(20, 120), metavar="N")
    parser.add_argument("--turns", type=int, default=5, metavar="N")
    parser.add_argument("--instructions", action="store_true", help="count with valgrind as well")
    parser.add_argument("--stop", action="store_true", help="measure the way out only")
    parser.add_argument("--ranks", type=int, default=3, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", type=int, nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        steps, is_guarded, passes = args.child
        take_steps(args.triangles, steps, bool(is_guarded), passes if passes >= 0 else None)
        return
    found: dict[str, Any] = {}
    if args.stop:
        found = stop(args.triangles, args.ranks)
        print(table([["", ""], *([name, f"{value:.2f}"] for name, value in found.items())]))
    else:
        found = {**costs(args), "reader": reader()}
        print(f"{args.triangles:,} triangles:")
        print(table([["", "plain", "guarded", "more"], *(
            [name, f"{plain:,.3f}", f"{found['guarded'][name]:,.3f}",
             f"{found['guarded'][name] - plain:,.3f} ({found['guarded'][name] / plain - 1:+.2%})"]
            for name, plain in found["plain"].items())]))
        print(f"a look at everything: {found['reader'] * 1e6:.0f} us of CPU, "
              f"{found['reader']:.3%} of a core at rest")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
