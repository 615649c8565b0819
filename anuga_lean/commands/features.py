"""anuga_lean features: what runs on lean kernels and what on stock's."""

from __future__ import annotations

import argparse

from anuga_lean.measure.report import features_table

SUMMARY = "list what runs on lean kernels and what on stock's"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb: none."""
    parser.description = "Prints every feature of a domain with the kernels that run it."


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from anuga_lean.features import FEATURES

    print(features_table(FEATURES))
    return 0
