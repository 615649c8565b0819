"""Measures one record from the command line; a report names this command beside each figure.

Every number of it is measured in a process of its own; nothing is measured in
this one.  `python benchmarks/child.py memory dam_break --build lean
--size triangles 60000 240000` prints the figures, `--json FILE` stores them.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import anuga_lean.scenarios as models
from anuga_lean._errors import LeanError
from anuga_lean.measure import builds
from anuga_lean.measure.cases import (
    Case,
    checkpoint_record,
    memory_record,
    ranks_record,
    speed_records,
)
from anuga_lean.measure.evolving import evolve_records
from anuga_lean.measure.instructions import instructions_record
from anuga_lean.measure.records import MEASURED, Record
from anuga_lean.measure.report import figures_table


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=MEASURED)
    parser.add_argument("scenario", choices=models.SCENARIOS)
    parser.add_argument("--build", nargs="+", default=["stock", "lean"], metavar="NAME",
                        help="stock, lean, lean-v3, a version such as 3.3.10, LABEL=PATH")
    parser.add_argument("--size", nargs="+", default=["triangles", "60000", "240000"],
                        metavar=("PARAMETER", "VALUE"),
                        help="parameter of the mesh size and its values, ascending")
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--numprocs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--compression", choices=("zstd",))
    parser.add_argument("--no-allocations", dest="allocations", action="store_false",
                        help="memory: leave tracemalloc and memray out")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(arguments)


def value_of(text: str) -> Any:
    """Return ``True``, ``None``, a number or text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def records(args: argparse.Namespace, folder: Path) -> list[Record]:
    """Measure on every build."""
    parameters = {name: value_of(value)
                  for name, _, value in (each.partition("=") for each in args.set)}
    parameter, *sizes = args.size
    case = Case(args.scenario, parameters, [{parameter: int(size)} for size in sizes],
                steps=args.steps, threads=args.threads, numprocs=args.numprocs,
                repeats=args.repeats, allocations=args.allocations)

    def progress(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    found = [builds.find(name, progress=progress) for name in args.build]
    if args.suite == "speed":
        rows = speed_records(case, found, folder, args.build, progress)
        return [record for record, _ in rows.values()]
    if args.suite == "memory":
        return [memory_record(case, build, folder, name, progress)
                for name, build in zip(args.build, found, strict=True)]
    if args.suite == "checkpoint":
        return [checkpoint_record(case, build, folder, args.compression, progress)
                for build in found]
    if args.suite == "instructions":
        return [instructions_record(case, build, folder, name, progress)
                for name, build in zip(args.build, found, strict=True)]
    if args.suite == "evolve":
        return list(evolve_records(case, found, folder, args.build, progress).values())
    return [ranks_record(case, build, folder, name, progress)
            for name, build in zip(args.build, found, strict=True)]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 1 if a run failed."""
    args = parse(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
            measured = records(args, Path(folder))
    except LeanError as error:
        print(f"child.py: {error}", file=sys.stderr)
        return 2
    print(figures_table(measured))
    if args.json is not None:
        args.json.write_text(json.dumps([record.as_dict() for record in measured], indent=1) + "\n")
    return 1 if any(record.error for record in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
