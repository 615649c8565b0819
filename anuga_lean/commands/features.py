"""anuga_lean features: prints what runs on lean kernels and what on stock's, what is replaced."""

from __future__ import annotations

import argparse

from anuga_lean.commands._options import (
    add_json_option,
    check_json_path,
    text_stream,
    write_json,
)
from anuga_lean.measure.report import features_table, replaced_table

SUMMARY = "list what runs on lean kernels and what on stock's, or every name replaced"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = "Prints every feature of a domain with the kernels that run it."
    parser.add_argument("--replaced", action="store_true", help="print instead every name of "
                        "ANUGA's and of Python's that anuga_lean makes mean something else, "
                        "and why")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print one of the two tables."""
    check_json_path(args.json)
    if args.replaced:
        from anuga_lean.overlay import install
        from anuga_lean.overlay.table import TABLE

        install.require_lean()      # where ANUGA runs as it is nothing is replaced
        print(replaced_table(TABLE), file=text_stream(args.json))
        rows = [{"module": row.module, "name": row.name, "own": row.own, "kind": row.kind,
                 "why": row.why, "when": row.when} for row in TABLE]
    else:
        from anuga_lean.stepping.features import FEATURES

        print(features_table(FEATURES), file=text_stream(args.json))
        rows = [feature._asdict() for feature in FEATURES]
    write_json(args.json, {"rows": rows})
    return 0
