"""Prints how many cycles each phase of a sweep and of the update takes per triangle.

`python benchmarks/phases.py` builds this tree's kernels once more with counters
(`-Dphases=true`), steps a model on one thread for each flow algorithm and instruction set, and
prints the median over the blocks, which another process on the machine does not change.  `--from
FOLDER` takes a folder with such a build.  The cycles are those of the time stamp counter, not of
the clock that the processor runs at now.  About a minute, and one more to build.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from kernels_against import ALGORITHMS, CHILD, TREE, installed

from anuga_lean import _kernels
from anuga_lean._errors import LeanError


def read(path: Path) -> dict[str, np.ndarray]:
    """Return cycles per triangle by phase, one for each block that has run it."""
    with path.open("rb") as file:
        names = file.readline().decode().split()
        records = np.fromfile(file, np.uint32).reshape(-1, len(names))
    triangles = records[:, 0]
    whole = triangles >= 256        # the others' overhead is that of a small block
    return {name: records[whole & (column > 0), 1 + k] / triangles[whole & (column > 0)]
            for k, (name, column) in enumerate(zip(names[1:], records.T[1:], strict=True))}


def count(folder: Path, algorithm: str, isa: str, side: int, polygons: bool,
          steps: int) -> dict[str, float]:
    """Run the model in a process of its own; return the median cycles per triangle by phase.

    Raises
    ------
    LeanError
        It did not run, or its kernels count nothing.
    """
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as work:
        file = Path(work, "cycles")
        done = subprocess.run(
            [sys.executable, "-P", str(CHILD), str(folder), algorithm, str(side)]
            + ["--polygons"] * polygons, input=f"{steps}\n", capture_output=True, text=True,
            env={**os.environ, "ANUGA_LEAN_ISA": isa, "OMP_NUM_THREADS": "1",
                 "ANUGA_LEAN_PHASES": str(file)})
        if done.returncode:
            raise LeanError(f"the model did not run on {folder}: {done.stderr.strip()}")
        if not file.exists():
            raise LeanError(f"the kernels in {folder} count no cycles: build them with "
                            "-Csetup-args=-Dphases=true")
        found = read(file)
    return {name: float(np.median(cycles)) for name, cycles in found.items() if len(cycles)}


def table(columns: dict[str, dict[str, float]]) -> str:
    """Return a line per phase, a column per case, and the sum of each."""
    names = list(dict.fromkeys(name for found in columns.values() for name in found))
    lines = [" " * 14 + "".join(f"{case:>15}" for case in columns)]
    for name in names:
        if any(found.get(name, 0.0) >= 0.05 for found in columns.values()):
            lines.append(f"{name.replace('_', ' '):14}" + "".join(
                f"{found.get(name, 0.0):15.1f}" for found in columns.values()))
    lines.append(f"{'sum':14}" + "".join(f"{sum(found.values()):15.1f}"
                                         for found in columns.values()))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Build, count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="folder", type=Path, metavar="FOLDER")
    parser.add_argument("--algorithms", nargs="+", default=ALGORITHMS, metavar="NAME")
    parser.add_argument("--isas", nargs="+", default=_kernels.available_isas(), metavar="NAME")
    parser.add_argument("--side", type=int, default=200, help="its square times 4 triangles")
    parser.add_argument("--polygons", action="store_true", help="an irregular mesh")
    parser.add_argument("--steps", type=int, default=30)
    args = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="anuga_lean_") as work:
            folder = args.folder or installed(TREE, Path(work), "-Csetup-args=-Dphases=true")
            columns = {
                f"{algorithm} {isa}": count(folder.resolve(), algorithm, isa, args.side,
                                            args.polygons, args.steps)
                for algorithm in args.algorithms for isa in args.isas}
    except LeanError as error:
        print(f"phases.py: {error}", file=sys.stderr)
        return 2
    print(table(columns))
    print("median cycles per triangle of a block, each time a block is swept or updated; the sum "
          "adds the phases that a case has, each once")
    return 0


if __name__ == "__main__":
    sys.exit(main())
