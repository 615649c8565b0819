"""Measures the memory of what users call between steps, on stock and lean, bytes per triangle.

Every call is made in a fork of a process that has evolved the model, so that no
call sees what another left.  A figure is the slope between two mesh sizes:
imports and other constants fall out.  The calls are in anuga_lean.measure.calls.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from anuga_lean.measure.calls import CALLS, build, measure
from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.measurement import VARIANTS
from anuga_lean.measure.report import table

FIGURES = (("peak RSS", False, "peak"), ("kept RSS", False, "retained"),
           ("peak traced", True, "peak"), ("kept traced", True, "retained"),
           ("kept census", True, "census"))


def run_child(variant: str, triangles: int, names: list[str]) -> None:
    """Measure calls with the same options, and print a line of JSON for each."""
    anuga = import_anuga(variant)
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        os.chdir(folder)
        domain = build(anuga, triangles, Path(folder), **CALLS[names[0]].options)
        for name in names:
            for trace in (False, True):
                sys.stdout.flush()
                process = os.fork()
                if process == 0:
                    taken = measure(domain, CALLS[name], trace)
                    count = int(domain.number_of_triangles)
                    found = {"call": name, "trace": trace, "triangles": count, **taken._asdict()}
                    print("\n" + json.dumps(found), flush=True)
                    os._exit(0)
                if os.waitpid(process, 0)[1] != 0:
                    raise SystemExit(f"{name} failed")
        os.chdir("/")


def child(variant: str, triangles: int, names: list[str]) -> dict[tuple[str, bool], Any]:
    """Measure calls in forks of one process; return what was found by call and trace."""
    command = [sys.executable, __file__, "--child", variant, str(triangles), *names]
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode != 0:
        raise SystemExit(f"{variant}, {triangles} triangles: {done.stderr}")
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"call')]
    return {(each["call"], each["trace"]): each for each in found}


def slopes(variant: str, names: list[str], args: argparse.Namespace) -> dict[str, Any]:
    """Return every figure of some calls of one variant, B/tri."""
    small, large = (child(variant, n, names) for n in (args.small, args.large))
    found: dict[str, Any] = {name: {} for name in names}
    for name in names:
        for label, trace, key in FIGURES:
            low, high = small[name, trace], large[name, trace]
            between = high["triangles"] - low["triangles"]
            found[name][label] = (high[key] - low[key]) / between
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=60_000, metavar="N")
    parser.add_argument("--large", type=int, default=250_000, metavar="N")
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="default: both")
    parser.add_argument("--call", choices=CALLS, action="append", help="default: all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        variant, triangles, *names = args.child
        run_child(variant, int(triangles), names)
        return
    variants = args.variant or VARIANTS
    by_options: dict[str, list[str]] = {}
    for name in args.call or CALLS:
        by_options.setdefault(json.dumps(CALLS[name].options, sort_keys=True), []).append(name)
    results: dict[str, Any] = {}
    for variant in variants:
        results[variant] = {}
        for names in by_options.values():
            results[variant] |= slopes(variant, names, args)
            print(f"{variant}: {len(results[variant])} calls done", file=sys.stderr, flush=True)
    rows = [["B/tri", *(f"{v}: {label}" for v in variants for label, _, _ in FIGURES)]]
    rows += [[name, *(f"{results[v][name][label]:.1f}" for v in variants
                      for label, _, _ in FIGURES)] for name in results[variants[0]]]
    print(table(rows))
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
