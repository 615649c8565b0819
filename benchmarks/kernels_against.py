"""Times the kernels of another commit and those of this environment in turns, on one thread.

`python benchmarks/kernels_against.py 81a70b0` builds that commit into a cache, starts one process
for it and one for the anuga_lean that this Python has (`make venv`), has both step the same model
in turns, and prints by flow algorithm and instruction set the CPU time per triangle and step of
the kernels and how many times faster these are.  Ends with 1 if a bit of their states differs, or
if a case is below `--least`.  A folder that holds a compiled anuga_lean may stand for a commit.

About 3 minutes, and one more to build.  Commits before e79d43c need ANUGA 4.1.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import anuga_lean
from anuga_lean import _kernels
from anuga_lean._errors import LeanError

TREE = Path(__file__).resolve().parent.parent
CHILD = TREE / "benchmarks" / "kernels_child.py"
ALGORITHMS = ("DE0", "DE1")


class Case(NamedTuple):
    """What both sides step: a flow algorithm, an instruction set and a mesh."""

    algorithm: str
    isa: str
    side: int
    polygons: bool


class Side:
    """One process that steps a case on the anuga_lean of a folder, when it is told."""

    def __init__(self, folder: Path, case: Case) -> None:
        self.command = [sys.executable, "-P", str(CHILD), str(folder), case.algorithm,
                        str(case.side), *["--polygons"] * case.polygons]
        environment = {**os.environ, "ANUGA_LEAN_ISA": case.isa, "OMP_NUM_THREADS": "1"}
        environment.pop("ANUGA_LEAN", None)
        self.process = subprocess.Popen(
            self.command, env=environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.folder = folder
        try:
            self.triangles = int(self._answer()["triangles"])
        except LeanError:
            self.end()
            raise

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise LeanError(f"the model did not run on {self.folder}: {shlex.join(self.command)} "
                            "says why")
        found: dict[str, Any] = json.loads(line)
        return found

    def step(self, steps: int) -> tuple[dict[str, float], str]:
        """Take steps; return the median CPU seconds of each call, and a hash of the state."""
        with suppress(BrokenPipeError):     # of one that has ended, which the answer shows
            print(steps, file=self.process.stdin, flush=True)
        found = self._answer()
        return ({name: statistics.median(seconds) for name, seconds in found["seconds"].items()},
                found["digest"])

    def end(self) -> None:
        """Let the process end."""
        self.process.communicate()


def installed(tree: Path, folder: Path, *options: str) -> Path:
    """Build the package of a tree into a folder, with options of pip's; return the folder.

    Raises
    ------
    LeanError
        It does not build.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", *options,
         "--target", str(folder), str(tree)], capture_output=True, text=True)
    if done.returncode:
        raise LeanError(f"{tree} does not build: {done.stderr.strip()}")
    return folder


def built(name: str, cache: Path) -> Path:
    """Return a folder with a compiled anuga_lean: `name` itself, or a commit of that name.

    Raises
    ------
    LeanError
        There is neither.
    """
    if any(Path(name).glob("anuga_lean/_kernels*.so")):
        return Path(name).resolve()
    done = subprocess.run(["git", "-C", str(TREE), "rev-parse", "--verify", "--quiet",
                           f"{name}^{{commit}}"], capture_output=True, text=True)
    if done.returncode:
        raise LeanError(f"{name} is neither a commit of {TREE} nor a folder with a compiled "
                        "anuga_lean in it")
    commit = done.stdout.strip()
    folder = cache / f"{commit}-{sys.implementation.cache_tag}"
    if not any(folder.glob("anuga_lean/_kernels*.so")):
        print(f"building {commit[:10]}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="anuga_lean_") as work:
            archive = subprocess.run(["git", "-C", str(TREE), "archive", commit],
                                     capture_output=True, check=True).stdout
            subprocess.run(["tar", "-x", "-C", work], input=archive, check=True)
            installed(Path(work), folder)
    return folder


def compare(case: Case, folders: tuple[Path, Path], steps: int, turns: int) -> dict[str, Any]:
    """Step a case on both folders in turns; return figures of one line of the table."""
    sides: list[Side] = []
    seconds: list[list[dict[str, float]]] = [[], []]
    equal = True
    try:
        for folder in folders:
            sides.append(Side(folder, case))
        if sides[0].triangles != sides[1].triangles:
            raise LeanError(f"the meshes differ: {sides[0].triangles:,} and "
                            f"{sides[1].triangles:,} triangles")
        for turn in range(turns + 1):
            first = turn % 2
            taken = {k: sides[k].step(steps) for k in (first, 1 - first)}
            equal = equal and taken[0][1] == taken[1][1]
            if turn:                                    # the first only warms up
                for k in (0, 1):
                    seconds[k].append(taken[k][0])
    finally:
        for side in sides:
            side.end()
    whole = [[sum(turn.values()) for turn in side] for side in seconds]
    return {
        "triangles": sides[0].triangles,
        "ns": [1e9 * statistics.median(side) / sides[0].triangles for side in whole],
        "sweep": [1e9 * statistics.median(turn["compute_fluxes"] for turn in side)
                  / sides[0].triangles for side in seconds],
        "ratio": statistics.median(old / new for old, new in zip(*whole, strict=True)),
        "equal": equal,
    }


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="or a folder with a compiled anuga_lean")
    parser.add_argument("--with", dest="new", default=str(Path(anuga_lean.__file__).parent.parent),
                        metavar="COMMIT", help="in the place of this environment's anuga_lean")
    parser.add_argument("--algorithms", nargs="+", default=ALGORITHMS, metavar="NAME")
    parser.add_argument("--isas", nargs="+", default=_kernels.available_isas(), metavar="NAME")
    parser.add_argument("--side", type=int, default=200, help="its square times 4 triangles")
    parser.add_argument("--polygons", action="store_true", help="an irregular mesh")
    parser.add_argument("--steps", type=int, default=10, help="of one side before the other's")
    parser.add_argument("--turns", type=int, default=21)
    parser.add_argument("--least", type=float, help="the ratio below which a case fails")
    parser.add_argument("--cache", type=Path,
                        default=Path.home() / ".cache" / "anuga_lean" / "kernels")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print a line per case; return 1 if bits differ or one is below the least."""
    args = parse(arguments)
    wrong = 0
    try:
        folders = built(args.commit, args.cache), built(args.new, args.cache)
        print(f"{'':14}{'old: kernels':>14}{'sweep':>7}{'new: kernels':>14}{'sweep':>7}"
              f"{'old / new':>11}   bits", flush=True)
        for algorithm in args.algorithms:
            for isa in args.isas:
                case = Case(algorithm, isa, args.side, args.polygons)
                row = compare(case, folders, args.steps, args.turns)
                print(f"{algorithm:5}{isa:9}{row['ns'][0]:14.1f}{row['sweep'][0]:7.1f}"
                      f"{row['ns'][1]:14.1f}{row['sweep'][1]:7.1f}{row['ratio']:11.3f}   "
                      f"{'equal' if row['equal'] else 'DIFFER'}", flush=True)
                wrong |= not row["equal"] or (args.least is not None and row["ratio"] < args.least)
    except LeanError as error:
        print(f"kernels_against.py: {error}", file=sys.stderr)
        return 2
    print("CPU ns per triangle and step on one thread, medians of "
          f"{args.turns} turns of {args.steps} steps")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
