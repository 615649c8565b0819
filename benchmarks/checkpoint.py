"""Checkpoints of stock and lean: size, peak of memory, seconds to write and to load.

A model evolves with set_checkpointing(checkpoint_step=1), and what each yield
writes is measured in that process; a fresh process loads the newest.  Stock and
lean take turns; times are medians.  Lean's have fsync of file and folder in
them, stock's have not.  The plain pickle of a domain stands in the last column.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import anuga_lean.scenarios as scenarios
from anuga_lean.measure import probe
from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.environment import machine
from anuga_lean.measure.report import table

KINDS = ("stock", "lean", "lean zstd")
SETS = 4        # written by a run: the first has the mesh with it


def nbytes_in(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def watched(write: Callable[..., Any], folder: Path, found: list[dict[str, float]]) -> Any:
    """Return a function that does what `write` does and notes what that took."""
    def measured(*args: Any) -> Any:
        before = probe.read_memory().rss
        probe.reset_peak_rss()
        started = perf_counter()
        result = write(*args)
        seconds = perf_counter() - started
        found.append({"seconds": seconds, "peak": probe.read_memory().peak_rss - before,
                      "nbytes": nbytes_in(folder)})
        return result
    return measured


def write(kind: str, triangles: int, folder: Path) -> dict[str, Any]:
    """Evolve a model that writes checkpoints; what each of them took."""
    anuga = import_anuga(kind.split()[0])
    domain = scenarios.build("dam_break", anuga, triangles=triangles, tailwater=-2.0,
                             datadir=str(folder.parent))
    found: list[dict[str, float]] = []
    if kind == "stock":
        from anuga.shallow_water import shallow_water_domain

        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)

        class Pickle:
            dump = staticmethod(watched(_dump_and_close(shallow_water_domain.pickle.dump),
                                        folder, found))

        shallow_water_domain.pickle = Pickle
    else:
        options = {"compression": "zstd"} if kind.endswith("zstd") else {}
        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1, **options)
        sets = domain.checkpoint_sets
        sets.write = watched(sets.write, folder, found)
    for _ in domain.evolve(yieldstep=1e-4, finaltime=(SETS - 1) * 1e-4):
        pass
    each = [b["nbytes"] - a["nbytes"] for a, b in zip(found, found[1:], strict=False)]
    n = int(domain.number_of_triangles)
    return {"triangles": n, "first": found[0]["nbytes"] / n, "later": each[0] / n,
            "first_peak": found[0]["peak"], "peak": max(one["peak"] for one in found[1:]),
            "first_seconds": found[0]["seconds"],
            "seconds": statistics.median(one["seconds"] for one in found[1:]),
            "pickle": len(pickle.dumps(domain, protocol=4)) / n if kind == "lean" else None,
            "stage": domain.quantities["stage"].centroid_values.sum().hex()}


def _dump_and_close(dump: Callable[..., None]) -> Callable[..., None]:
    """ANUGA leaves the file to be closed by the collector; its last bytes count too."""
    def dumped(domain: Any, file: Any) -> None:
        dump(domain, file)
        file.close()
    return dumped


def load(kind: str, folder: Path) -> dict[str, Any]:
    """Load the newest checkpoint of a folder."""
    anuga = import_anuga(kind.split()[0])
    before = probe.read_memory().rss
    probe.reset_peak_rss()
    started = perf_counter()
    domain = anuga.load_checkpoint_file("scenario", str(folder))
    seconds = perf_counter() - started
    n = int(domain.number_of_triangles)
    return {"load_seconds": seconds, "load_peak": (probe.read_memory().peak_rss - before) / n,
            "loaded_stage": domain.quantities["stage"].centroid_values.sum().hex()}


def child(*arguments: str) -> dict[str, Any]:
    """Run a part of this file in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--child", *arguments], text=True,
                          capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def run(kind: str, triangles: int) -> dict[str, Any]:
    """Write and load once."""
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        place = str(Path(folder) / "CHECKPOINTS")
        found = child("write", kind, str(triangles), place) | child("load", kind, place)
    if found.pop("stage") != found.pop("loaded_stage"):
        raise SystemExit(f"{kind} loads another stage than it has written")
    return found


ROWS = (
    ("size with the mesh, B/tri", "first", ".1f", 1.0),
    ("size of the ones after it, B/tri", "later", ".1f", 1.0),
    ("peak while writing the first, MiB over the run", "first_peak", ".2f", 2.0**-20),
    ("peak while writing the others, MiB over the run", "peak", ".2f", 2.0**-20),
    ("seconds to write the first", "first_seconds", ".3f", 1.0),
    ("seconds to write the others", "seconds", ".3f", 1.0),
    ("seconds to load", "load_seconds", ".3f", 1.0),
    ("peak while loading, B/tri", "load_peak", ".0f", 1.0),
    ("plain pickle, B/tri", "pickle", ".1f", 1.0),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triangles", type=int, nargs="+", default=[250_000, 1_000_000],
                        metavar="N")
    parser.add_argument("--repeat", type=int, default=3, metavar="K")
    parser.add_argument("--kind", choices=KINDS, action="append", help="default: all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        part, kind, *rest = args.child
        Path(rest[-1]).mkdir(exist_ok=True)
        found = write(kind, int(rest[0]), Path(rest[1])) if part == "write" \
            else load(kind, Path(rest[0]))
        print("\n" + json.dumps(found))
        return
    results: dict[str, Any] = {}
    for triangles in args.triangles:
        kinds = args.kind or KINDS
        runs: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
        for turn in range(args.repeat):
            for kind in kinds:
                print(f"{triangles} triangles, {kind}, turn {turn + 1}", file=sys.stderr,
                      flush=True)
                runs[kind].append(run(kind, triangles))
        results[str(triangles)] = runs
        print(f"\n{runs[kinds[0]][0]['triangles']:,} triangles, DE0, one thread, "
              f"{machine()['processor']}, median of {args.repeat}")
        rows = [["", *kinds]]
        for label, key, form, unit in ROWS:
            rows.append([label, *(_median(runs[kind], key, form, unit) for kind in kinds)])
        print(table(rows), flush=True)
    if args.json is not None:
        args.json.write_text(json.dumps({"machine": machine(), "runs": results}, indent=1) + "\n")


def _median(runs: list[dict[str, Any]], key: str, form: str, unit: float) -> str:
    values = [run[key] for run in runs]
    return "-" if values[0] is None else f"{statistics.median(values) * unit:{form}}"


if __name__ == "__main__":
    main()
