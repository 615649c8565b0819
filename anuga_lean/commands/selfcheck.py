"""anuga_lean selfcheck: proves on this machine that lean gives the bits of stock."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from anuga_lean._errors import CommandError
from anuga_lean.commands._options import (
    add_json_option,
    check_json_path,
    text_stream,
    write_json,
)
from anuga_lean.commands._progress import ProgressLine
from anuga_lean.measure.environment import environment
from anuga_lean.measure.request import ISAS
from anuga_lean.overlay import install

SUMMARY = "prove on this machine that lean gives the bits of stock"
DEFAULT_STATES = 4000
MOST_STATES = 10_000_000
DEFAULT_SEED = 20260101


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Takes single steps from random states on small random meshes, with every flow algorithm, "
        "every boundary class of ANUGA's, rain, riverwalls, friction and low-Froude modes, and "
        "runs small models with SWW output, on stock and on lean with every instruction set of "
        "this processor, in processes of their own.  Exits with 1 if a bit differs, if a process "
        "dies, or if nothing could be compared.  A bug report wants the file of --json."
    )
    parser.add_argument("--states", type=int, default=DEFAULT_STATES, metavar="N",
                        help=f"at least so many one-step states (default {DEFAULT_STATES})")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, metavar="N",
                        help=f"other states than those of seed {DEFAULT_SEED}")
    parser.add_argument("--isa", metavar="NAME",
                        help=f"one of {', '.join(ISAS)} alone (default: all that run here)")
    parser.add_argument("--only", metavar="GROUP",
                        help="one group of the table; GROUP/ROW and GROUP/ROW/NUMBER go further")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Check and print; return 1 if a bit differs or nothing was proved."""
    if not 1 <= args.states <= MOST_STATES:
        raise CommandError(f"--states {args.states} is not between 1 and {MOST_STATES}")
    if args.seed < 0:
        raise CommandError(f"--seed {args.seed} is below zero")
    check_json_path(args.json)
    isas = _isas(args.isa)
    try:
        version = metadata.version("anuga")
    except metadata.PackageNotFoundError:
        raise CommandError("there is no ANUGA to compare with: pip install anuga") from None
    install.require_lean()
    from anuga_lean.selfcheck import verdict
    from anuga_lean.selfcheck.cases import plan
    from anuga_lean.selfcheck.check import selfcheck

    cases = plan(args.states, args.only)
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder, ProgressLine() as progress:
        outcome = selfcheck(cases, args.seed, isas, Path(folder), progress)
    found, compiled = environment(), verdict.compilers()
    print("\n".join([
        verdict.heading(found, compiled, outcome), "",
        verdict.outcome_table(outcome, args.only is not None), "", *verdict.notes(outcome),
        f"{outcome.seconds:.0f} s, {outcome.cpu_seconds:.0f} s of CPU in {1 + len(isas)} "
        "processes.", verdict.verdict(outcome, version)]), file=text_stream(args.json))
    write_json(args.json, {"command": shlex.join(["anuga_lean", *sys.argv[1:]]),
                           "environment": found, "compilers": compiled, "threads": 1,
                           **outcome.as_dict()})
    return 0 if outcome.verdict == "same" else 1


def _isas(asked: str | None) -> tuple[str, ...]:
    from anuga_lean._kernels import available_isas

    here = available_isas()
    if asked is None:
        return here
    if asked not in ISAS:
        raise CommandError(f"there is no ISA {asked!r}; there are {', '.join(ISAS)}")
    if asked not in here:
        raise CommandError(f"this processor cannot run {asked}; it runs {', '.join(here)}")
    return (asked,)
