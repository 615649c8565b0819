"""anuga_lean compare: the same model on stock and on lean, side by side."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from anuga_lean._errors import CommandError
from anuga_lean.commands._options import (
    add_json_option,
    add_model_options,
    check_json_path,
    request_from,
    write_json,
)
from anuga_lean.commands._progress import ProgressLine
from anuga_lean.measure.comparison import compare
from anuga_lean.measure.report import comparison_table

SUMMARY = "run a model on stock and on lean and compare memory, time and results"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Runs a scenario on stock and on lean ANUGA, every run in its own process, the two in "
        "turn, prints what each holds and takes, and exits with 1 if any result differs."
    )
    add_model_options(parser, "merimbula", 200)
    parser.add_argument(
        "--store",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write and compare SWW files (default: yes)",
    )
    parser.add_argument(
        "--repeat", type=int, default=3, metavar="N", help="pairs of runs (default 3)"
    )
    parser.add_argument("--groups", action="store_true", help="list every group of arrays")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep every run's files in this folder"
    )
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Compare and print; 1 if results differ."""
    request = request_from(args, "stock")
    if args.repeat < 1:
        raise CommandError(f"--repeat {args.repeat} leaves nothing to compare; give 1 or more")
    check_json_path(args.json)
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as temporary, ProgressLine() as progress:
        comparison = compare(request, args.repeat, args.keep or temporary, progress)
    print(comparison_table(comparison, args.groups))
    write_json(args.json, comparison.as_dict())
    return 0 if comparison.identical else 1
