"""Measures what storing a frame of the SWW file costs: time and peak memory, stock and lean.

Both have evolved the same model and take turns, a frame each, in a process of their own.
Seconds are medians over the frames of a process's CPU and of the wall clock; the peak is the
largest RSS of a frame over that before it.  Frames are smooth (one value per node) or unique
(three per triangle).  The command exits with 1 if the files of a pair differ in a byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import anuga_lean.scenarios as scenarios
from anuga_lean.measure import probe
from anuga_lean.measure.calls import _settle as settle
from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import VARIANTS
from anuga_lean.measure.report import table

KINDS = ("smooth", "unique")
WARM = 2        # frames before the first that counts


def child(variant: str, scenario: str, triangles: int, kind: str, centroids: bool) -> None:
    """Evolve a model in the current folder, then store a frame for each line of input."""
    anuga = import_anuga(variant)
    domain = scenarios.build(scenario, anuga, triangles=triangles, store=True, name="frames",
                             datadir=".")
    domain.set_store_vertices_uniquely(kind == "unique")
    domain.set_store_centroids(centroids)
    step = 0.2 * scenarios.find(scenario).yieldstep(
        scenarios.complete(scenario, {"triangles": triangles}))
    for _ in domain.evolve(yieldstep=step, finaltime=2.0 * step):
        pass
    settle()
    print("\n" + json.dumps({"triangles": int(domain.number_of_triangles)}), flush=True)
    for _ in sys.stdin:
        domain.relative_time += step
        probe.reset_peak_rss()
        before = probe.read_memory().rss
        wall, cpu = time.perf_counter(), time.process_time()
        domain.store_timestep()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = probe.read_memory().peak_rss - before
        print("\n" + json.dumps({"wall": wall, "cpu": cpu, "peak": peak}), flush=True)


class Storing:
    """A process that stores a frame when it is asked."""

    def __init__(self, variant: str, folder: Path, threads: int, *arguments: Any) -> None:
        folder.mkdir()
        self.file = folder / "frames.sww"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--child", variant,
             *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "NUMPY_MADVISE_HUGEPAGE": "0"})
        self.triangles = self._answer()["triangles"]

    def frame(self) -> dict[str, float]:
        """Store a frame; return what it took."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> str:
        """End the process; return the digest of its file."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        with open(self.file, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if sys.version_info >= (3, 11) \
                else hashlib.sha256(file.read()).hexdigest()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"storing to {self.file} has ended with {self._process.wait()}")


def measure(args: argparse.Namespace, triangles: int, kind: str) -> dict[str, Any]:
    """Measure stock and lean in turn; return the medians by variant and whether files are equal."""
    with tempfile.TemporaryDirectory(prefix="anuga_lean_", dir=args.folder) as scratch:
        pair = {variant: Storing(variant, Path(scratch) / variant, args.threads, args.scenario,
                                 triangles, kind, int(args.centroids)) for variant in VARIANTS}
        taken: dict[str, list[dict[str, float]]] = {variant: [] for variant in pair}
        for turn in range(args.frames + WARM):
            for variant in list(pair)[:: 1 if turn % 2 else -1]:
                taken[variant].append(pair[variant].frame())
        found: dict[str, Any] = {
            variant: {key: statistics.median(each[key] for each in frames[WARM:])
                      for key in ("wall", "cpu")} | {"peak": max(f["peak"] for f in frames[WARM:])}
            for variant, frames in taken.items()}
        found["triangles"] = pair["lean"].triangles
        found["equal"] = len({storing.end() for storing in pair.values()}) == 1
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triangles", type=int, action="append", metavar="N",
                        help="default: 100,000 and 500,000")
    parser.add_argument("--scenario", choices=("dam_break", "unstructured"), default="dam_break")
    parser.add_argument("--kind", choices=KINDS, action="append", help="default: both")
    parser.add_argument("--centroids", action="store_true", help="store values at centroids, too")
    parser.add_argument("--frames", type=int, default=15, metavar="N")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--folder", type=Path, help="where the files are written")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        variant, scenario, count, kind, centroids = args.child
        child(variant, scenario, int(count), kind, centroids == "1")
        return 0
    found = [{"kind": kind, **measure(args, count, kind)}
             for count in args.triangles or (100_000, 500_000) for kind in args.kind or KINDS]
    rows = [["a frame", "stock CPU ms", "lean", "ratio", "stock wall ms", "lean", "ratio",
             "stock peak MiB", "lean", "bytes"]]
    for each in found:
        stock, lean = each["stock"], each["lean"]
        rows.append([f"{each['triangles']:,}, {each['kind']}"] + [
            text for key in ("cpu", "wall") for text in (
                f"{1e3 * stock[key]:.1f}", f"{1e3 * lean[key]:.1f}",
                f"{lean[key] / stock[key]:.2f}")] + [
            f"{stock['peak'] / 2**20:.1f}", f"{lean['peak'] / 2**20:.1f}",
            "equal" if each["equal"] else "DIFFERENT"])
    print(table(rows))
    if args.json is not None:
        args.json.write_text(json.dumps(
            {"date": date.today().isoformat(), "machine": machine(), "scenario": args.scenario,
             "threads": args.threads, "centroids": args.centroids, "cases": found},
            indent=1) + "\n")
    return 0 if all(each["equal"] for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
