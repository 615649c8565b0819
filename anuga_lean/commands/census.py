"""anuga_lean census: lists every array that a domain holds while it evolves, by owner."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace

from anuga_lean.commands._options import (
    add_json_option,
    add_model_options,
    check_json_path,
    request_from,
    text_stream,
    write_json,
)
from anuga_lean.commands._progress import ProgressLine
from anuga_lean.measure.measurement import measure
from anuga_lean.measure.report import census_table, heading
from anuga_lean.overlay import install

SUMMARY = "list the arrays a domain holds, by owner, in bytes per triangle"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Runs a few steps of a scenario in its own process and lists what the domain then holds; "
        "views and the arrays they look at count once."
    )
    add_model_options(parser, "merimbula", 5)
    parser.add_argument("--stock", action="store_true", help="stock ANUGA instead of lean")
    parser.add_argument(
        "--store", action=argparse.BooleanOptionalAction, default=False, help="with an SWW file"
    )
    parser.add_argument("--arrays", action="store_true", help="list every array, not every group")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Measure one run and print its census."""
    request = replace(request_from(args, "stock" if args.stock else "lean"), arrays=False)
    check_json_path(args.json)
    if not args.stock:
        install.require_lean()
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as temporary, ProgressLine() as progress:
        result = measure(request, temporary, progress)
    stream = text_stream(args.json)
    print(f"{request.variant}, {heading(request, result)}\n", file=stream)
    print(census_table(result["census"], args.arrays), file=stream)
    write_json(args.json, result["census"])
    return 0
