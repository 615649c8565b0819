"""Soaks stock and lean: what a long life of a process costs it in bytes, files and threads.

Every case runs in a process of its own, `--variant` chooses stock, lean or both (the default),
`--case` some of:

run          a small model with rain, an inlet, a tide, frames and checkpoints, for `--steps`
             steps.  Stock grows by 1 KB a frame until 1,024 are stored: it reads the times of all
             frames at each, with a mask of one byte a frame, and numpy keeps two blocks of every
             size below 1,024 bytes
domains      domains made, evolved for a few steps and deleted: bytes and objects for each of the
             last half
checkpoints  sets written in one folder
loads        the same set loaded again and again
quantities   set_quantity with a number, a function and an array in turns
conversions  domains moved to stock arrays; lean only

Bytes of RSS and objects are the slope of a line through samples after the first tenth, each taken
after a garbage collection; cycles are the most objects that one has freed, files and threads how
many more there are, and slower by what factor the last fifth took more CPU than the first.
`--json FILE` stores the figures.  LIMITS holds the most of lean beyond stock: the command exits
with 1 if one is passed.  `--scale 0.02` makes all of it shorter.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.measurement import VARIANTS
from anuga_lean.measure.probe import read_memory
from anuga_lean.measure.report import table

STEPS = 20_000
# The most of a figure for each turn of a case on lean; of bytes, beyond stock's.
LIMITS = {
    "run": {"bytes": 10.0},
    "domains": {"bytes": 64.0, "objects": 0.1},
    "checkpoints": {"bytes": 64.0, "slower": 2.0},
    "loads": {"bytes": 64.0, "objects": 0.1},
    "quantities": {"bytes": 10.0, "objects": 0.1},
    "conversions": {"bytes": 64.0, "objects": 0.1},
}
_SAMPLES = 50


class Sample(NamedTuple):
    """What a process holds at one moment, after a collection, and what that has freed."""

    turn: int
    rss: int
    objects: int
    cycles: int
    files: int
    threads: int
    seconds: float


class Samples:
    """Samples of a process, in an array that does not grow."""

    def __init__(self) -> None:
        self._kept = np.ones((_SAMPLES, len(Sample._fields)))
        self._count = 0

    def take(self, turn: int) -> None:
        """Take a sample after `turn` turns."""
        cycles = gc.collect()
        own = Sample(turn, read_memory().rss, len(gc.get_objects()), cycles,
                     len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")),
                     time.process_time())
        self._kept[self._count] = own
        self._count += 1

    def figures(self, begin: float = 0.1) -> dict[str, float]:
        """Return what a turn costs after the part `begin` of all: a line through the samples."""
        kept = self._kept[: self._count]
        kept = kept[kept[:, 0] >= begin * kept[-1, 0]]
        turns = kept[:, 0]
        found = {"turns": float(turns[-1])}
        for name, column in (("bytes", 1), ("objects", 2)):
            found[name] = float(np.polyfit(turns, kept[:, column], 1)[0])
        found["cycles"] = float(kept[:, 3].max())
        for name, column in (("files", 4), ("threads", 5)):
            found[name] = float(kept[:, column].max() - kept[:, column].min())
        pace = np.diff(kept[:, 6]) / np.diff(turns)
        some = max(1, len(pace) // 5)
        found["slower"] = float(np.median(pace[-some:]) / np.median(pace[:some]))
        return found


def turns(count: int, act: Callable[[int], None]) -> Samples:
    """Act `count` times and take samples in between."""
    samples = Samples()
    every = -(-count // (_SAMPLES - 1))
    for turn in range(1, count + 1):
        act(turn)
        if turn % every == 0 or turn == count:
            samples.take(turn)
    return samples


def build(anuga: Any, cells: int = 10, store: bool = False) -> Any:
    """Return a slope of 4 * cells**2 triangles with a tide, rain and an inlet."""
    domain = anuga.rectangular_cross_domain(cells, cells, len1=40.0, len2=40.0)
    domain.set_name("soak")
    domain.set_store(store)
    domain.set_quantity("elevation", lambda x, y: -x / 40.0)
    domain.set_quantity("friction", 0.02)
    domain.set_quantity("stage", 0.1)
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [0.1 * math.sin(t / 60.0), 0.0, 0.0])
    domain.set_boundary({"left": wall, "right": tide, "top": wall, "bottom": wall})
    anuga.Rate_operator(domain, rate=1e-5)
    anuga.Inlet_operator(domain, [[10.3, 4.1], [10.4, 15.8]], Q=0.01)
    return domain


def set_checkpointing(domain: Any, step: int) -> None:
    """Have sets written, of which lean keeps two, and stock all."""
    keep = {"keep": 2} if "keep" in signature(domain.set_checkpointing).parameters else {}
    domain.set_checkpointing(checkpoint_dir="checkpoints", checkpoint_step=step, **keep)


def evolve(domain: Any, seconds: float = 1.0) -> None:
    """Evolve on for some seconds of the model's time, in one yieldstep."""
    for _ in domain.evolve(yieldstep=seconds, duration=seconds):
        pass


def run(anuga: Any, count: int) -> Samples:
    """Evolve for `count` steps."""
    domain = build(anuga, store=True)
    set_checkpointing(domain, 10)
    samples, steps, due = Samples(), 0, 0.0
    for _ in domain.evolve(yieldstep=1.0, finaltime=1e12):
        steps += domain.number_of_steps
        if steps >= due:
            samples.take(steps)
            due = steps + count / (_SAMPLES - 2)
        if steps >= count:
            return samples
    raise SystemExit("the model has ended too early")


def domains(anuga: Any, count: int) -> Samples:
    """Make, evolve and delete domains."""
    def act(turn: int) -> None:
        evolve(build(anuga, cells=8))

    return turns(count, act)


def checkpoints(anuga: Any, count: int) -> Samples:
    """Write sets in one folder."""
    domain = build(anuga)
    set_checkpointing(domain, 1)
    evolving = domain.evolve(yieldstep=0.1, finaltime=1e12)
    return turns(count, lambda turn: next(evolving))


def loads(anuga: Any, count: int) -> Samples:
    """Load one set again and again."""
    domain = build(anuga)
    set_checkpointing(domain, 1)
    evolve(domain)
    return turns(count, lambda turn: anuga.load_checkpoint_file("soak", "checkpoints"))


def quantities(anuga: Any, count: int) -> Samples:
    """Set a quantity by a number, a function, an array and an expression in turns."""
    domain = build(anuga)
    values = np.linspace(0.0, 1.0, len(domain))

    def act(turn: int) -> None:
        domain.set_quantity("friction", 0.01 + 1e-6 * turn)
        domain.set_quantity("elevation", lambda x, y: -x / 40.0 - 1e-6 * turn)
        domain.set_quantity("stage", values, location="centroids")
        domain.set_quantity("stage", expression="elevation + friction")

    return turns(count, act)


def conversions(anuga: Any, count: int) -> Samples:
    """Turn lean domains to stock arrays, and evolve them there."""
    def act(turn: int) -> None:
        domain = build(anuga, cells=8)
        evolve(domain, 0.2)
        domain.use_stock_kernels("soaking")
        evolve(domain, 0.2)

    return turns(count, act)


class Case(NamedTuple):
    """What is done again and again, how often, and from which part on it is measured."""

    act: Callable[[Any, int], Samples]
    turns: int
    begin: float = 0.1
    variants: tuple[str, ...] = tuple(VARIANTS)


CASES = {
    "run": Case(run, STEPS),
    "domains": Case(domains, 200, 0.5),
    "checkpoints": Case(checkpoints, 2000),
    "loads": Case(loads, 200, 0.5),
    "quantities": Case(quantities, 2000),
    "conversions": Case(conversions, 200, 0.5, ("lean",)),
}


def child(variant: str, name: str, count: int) -> None:
    """Soak in this process, and print a line of JSON."""
    anuga = import_anuga(variant)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        os.chdir(folder)
        with contextlib.redirect_stdout(io.StringIO()):
            samples = CASES[name].act(anuga, count)
        print("\n" + json.dumps(samples.figures(CASES[name].begin)), flush=True)
        os.chdir("/")


def measure(variant: str, name: str, count: int) -> dict[str, float]:
    """Soak in a process of its own; return its figures for each turn."""
    done = subprocess.run([sys.executable, __file__, "--child", variant, name, str(count)],
                          capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode != 0:
        raise SystemExit(f"{variant}, {name}: {done.stderr}")
    return json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])


def passed(name: str, found: dict[str, dict[str, float]]) -> list[str]:
    """Return a sentence for each limit of a case that lean passes; bytes are those beyond stock."""
    lean, stock = found["lean"], found.get("stock", {})
    said = []
    for figure, most in LIMITS[name].items():
        beyond = max(0.0, stock.get(figure, 0.0)) if figure in ("bytes", "objects") else 0.0
        if lean[figure] - beyond > most:
            said.append(f"{name}: {lean[figure]:.1f} {figure} a turn on lean, at most "
                        f"{beyond + most:.1f} are allowed")
    said += [f"{name}: {lean[figure]:.0f} more {figure} than at the start"
             for figure in ("files", "threads") if lean[figure] > 0]
    return said


def main(arguments: list[str] | None = None) -> int:
    """Soak, print, store and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="default: both")
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the case run")
    parser.add_argument("--scale", type=float, default=1.0, help="of the turns of all cases")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.child is not None:
        variant, name, count = args.child
        child(variant, name, int(count))
        return 0
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name in args.case or CASES:
        case = CASES[name]
        count = round(args.scale * (args.steps if name == "run" else case.turns))
        results[name] = {}
        for variant in args.variant or VARIANTS:
            if variant in case.variants:
                results[name][variant] = measure(variant, name, count)
                print(f"{name}, {variant}: done", file=sys.stderr, flush=True)
    shown = ("turns", "bytes", "objects", "cycles", "files", "threads", "slower")
    print(table([["a turn", *shown]] + [
        [f"{name}, {variant}", *(f"{figures[each]:,.1f}" for each in shown)]
        for name, found in results.items() for variant, figures in found.items()]))
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    said = [line for name, found in results.items() if "lean" in found
            for line in passed(name, found)]
    print("\n".join(said))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
