"""Runs a dam break of 100 million triangles, and computes what stock would need for it.

Measures the lean run as it is, stage by stage up to a checkpoint, in a process of its
own, and checks what the checkpoint's files hold.  Stock's
need is its slope between two small meshes, measured in the same run of this
command: its own run would end in the kernel's hands.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from anuga_lean._errors import LeanError
from anuga_lean.measure import builds, probe
from anuga_lean.measure.cases import Case, memory_record
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import Request, measure
from anuga_lean.measure.report import table

SCENARIO = "dam_break"
SMALL = ({"triangles": 60_000}, {"triangles": 240_000})
GIB = 2.0**30
NEEDED = 114  # B/tri at the peak, for the warning before a run that cannot fit
WRITTEN = 75  # B/tri of a checkpoint with its mesh


def run(triangles: int, steps: int, folder: Path) -> dict[str, Any]:
    """Build and evolve the model on lean; return what measurement.measure gives."""
    return measure(
        Request("lean", SCENARIO, {"triangles": triangles, "flow_algorithm": "DE0"}, steps=steps,
                threads=1, arrays=False, small_pages=True, stages=True, checkpoint=True),
        folder, lambda line: print(f"  {line}", flush=True))


def verified(folder: Path) -> int:
    """Return the bytes of the files in a folder of checkpoints, all of which are whole."""
    status = subprocess.run([sys.executable, "-m", "anuga_lean", "checkpoint", "verify",
                             str(folder)]).returncode
    if status != 0:
        raise LeanError(f"the checkpoint of the run is not whole: exit code {status}")
    return sum(path.stat().st_size for path in folder.iterdir())


def stock_needs(triangles: int, folder: Path) -> dict[str, float]:
    """Return what stock would take for so many triangles, bytes, by figure."""
    case = Case(SCENARIO, {"flow_algorithm": "DE0"}, SMALL, steps=3, allocations=False)
    record = memory_record(case, builds.find("stock"), folder)
    if record.error is not None:
        raise LeanError(record.error)
    slope = {name: record.figures[name].value for name in ("peak_build", "peak_evolve")}
    base = record.figures["base_rss"].value * 2**20
    return {**slope, "nbytes": base + max(slope.values()) * triangles}


def stages_rows(result: dict[str, Any]) -> list[list[str]]:
    """Return RSS and peak at the end of each stage, in GiB and bytes per triangle."""
    n = result["number_of_triangles"]
    base = result["stages"]["import"]["rss"]
    rows = [["stage", "RSS, GiB", "peak, GiB", "RSS, B/tri", "peak, B/tri", "s"]]
    for name, each in result["stages"].items():
        rows.append([name, f"{each['rss'] / GIB:.2f}", f"{each['peak_rss'] / GIB:.2f}",
                     f"{(each['rss'] - base) / n:.1f}", f"{(each['peak_rss'] - base) / n:.1f}",
                     f"{each['seconds']:.0f}"])
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triangles", type=int, default=100_000_000)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--limit", type=float, metavar="GIB",
                        help=f"fail if the peak is above; else {NEEDED} bytes per triangle and "
                             "half a GiB")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    free = probe.read_available()
    if free is not None and free < NEEDED * args.triangles:
        raise SystemExit(
            f"{args.triangles:,} triangles take some {NEEDED * args.triangles / GIB:.1f} GiB while "
            f"they are built, {free / GIB:.1f} are available: end what else runs, or give "
            f"--triangles {int(free // NEEDED):,}")
    room = shutil.disk_usage(tempfile.gettempdir()).free
    if room < WRITTEN * args.triangles:
        raise SystemExit(
            f"the checkpoint of {args.triangles:,} triangles takes some "
            f"{WRITTEN * args.triangles / GIB:.1f} GiB in {tempfile.gettempdir()}, "
            f"{room / GIB:.1f} are free: set TMPDIR to a larger disk, or give "
            f"--triangles {int(room // WRITTEN):,}")
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        try:
            result = run(args.triangles, args.steps, Path(folder) / "lean")
            written = verified(Path(folder) / "lean" / "CHECKPOINTS")
            stock = stock_needs(args.triangles, Path(folder) / "stock")
        except LeanError as error:
            raise SystemExit(str(error)) from error
    n = result["number_of_triangles"]
    peak = max(stage["peak_rss"] for stage in result["stages"].values())
    print(f"{n:,} triangles, DE0, {result['steps']} steps, one thread, "
          f"{result['wet_fraction']:.0%} wet")
    print(table(stages_rows(result)))
    print(f"the checkpoint's files are whole: {written / GIB:.2f} GiB, {written / n:.1f} B/tri")
    print(f"lean: peak {peak / GIB:.2f} GiB; stock would need {stock['nbytes'] / GIB:.0f} GiB "
          f"({stock['peak_build']:.0f} B/tri while it is built, {stock['peak_evolve']:.0f} while "
          f"it evolves, between {SMALL[0]['triangles']:,} and {SMALL[1]['triangles']:,} triangles)")
    if args.json is not None:
        args.json.write_text(json.dumps(
            {"date": date.today().isoformat(), "machine": machine(),
             "asked": args.triangles, "triangles": n, "peak": peak,
             "checkpoint": written, "stages": result["stages"], "stock": stock}, indent=1) + "\n")
    limit = NEEDED * n / GIB + 0.5 if args.limit is None else args.limit
    if peak > limit * GIB:
        raise SystemExit(f"the peak is above {limit:.4g} GiB")


if __name__ == "__main__":
    main()
