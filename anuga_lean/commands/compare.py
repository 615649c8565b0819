"""anuga_lean compare: runs the same model or script on stock and on lean, side by side."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from anuga_lean._errors import CommandError, ConditionError
from anuga_lean._escapes import escaped
from anuga_lean.commands._options import (
    add_json_option,
    add_model_options,
    check_json_path,
    request_from,
    text_stream,
    write_json,
)
from anuga_lean.commands._progress import ProgressLine
from anuga_lean.commands.report import check_output, triangles_that_fit, write_page
from anuga_lean.measure import allocations, conditions
from anuga_lean.measure.cases import SITES_KEPT, comparison_records
from anuga_lean.measure.comparison import compare
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import VARIANTS, Progress, Request, measure
from anuga_lean.measure.page import compared_page, render
from anuga_lean.measure.page.render import templates
from anuga_lean.measure.records import Record, night
from anuga_lean.measure.report import alone_table, comparison_table, sites_table
from anuga_lean.overlay import install

SUMMARY = "run a model on stock and on lean and compare memory, time and results"
CONDITION_HOLDS = 3     # exit code; 1 is that results differ


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.set_defaults(takes_scripts=True)
    parser.description = (
        "Runs a scenario, or a script of yours, on stock and on lean ANUGA, every run in its own "
        "process, the two in turn, prints what each holds and takes, and exits with 1 if any "
        "result differs.  A script runs in the present folder and writes there what it always "
        "writes, each run over the one before; what follows -- is its own.  "
        "anuga_lean.mark('NAME') in it names a point: memory there is noted."
    )
    parser.epilog = (
        "Figures of --fail-if: "
        + "; ".join(f"{name}, {what}{f' ({unit})' if unit else ''}"
                    for name, (what, unit) in conditions.NAMES.items())
        + ".  They are lean's; after 'stock.' those of stock, after 'ratio.' stock over lean.  "
        f"Exit codes: 0 equal, 1 results differ, 2 no comparison, {CONDITION_HOLDS} a condition "
        "of --fail-if holds."
    )
    add_model_options(parser, "merimbula", 200, ", or the path of a script")
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
    parser.add_argument(
        "--stages",
        action="store_true",
        help="memory after mesh, domain, quantities, boundary, first output and first step, too",
    )
    parser.add_argument(
        "--split",
        action="store_true",
        help="split the time of evolve: distribute, fluxes, each operator, storing, ...; and run "
        "both on --threads (2), too: what does not shrink is the serial fraction",
    )
    parser.add_argument(
        "--np", dest="numprocs", type=int, default=1, metavar="N",
        help="on N ranks under mpiexec, with the memory of each (parallel, or a script)",
    )
    parser.add_argument(
        "--allocations",
        action="store_true",
        help="run both once more under memray: call sites that make the peak, and its flamegraphs",
    )
    parser.add_argument(
        "--at",
        metavar="NAME",
        help="with --allocations: what is alive, and the peak so far, at this stage or mark",
    )
    parser.add_argument(
        "--only", choices=VARIANTS,
        help="measure this one alone, without the other and without a comparison",
    )
    parser.add_argument(
        "--fail-if", type=_condition, action="append", default=[], metavar="CONDITION",
        help=f"exit with {CONDITION_HOLDS} if this holds, 'peak_rss > 2 GiB' or "
        "'ratio.arrays < 7' for example; may be given several times",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE",
                        help="write an HTML report here, flamegraphs beside it")
    add_json_option(parser)


def _condition(text: str) -> conditions.Condition:
    try:
        return conditions.parsed(text)
    except ConditionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Compare and print; return 1 if results differ, 3 if a condition holds."""
    request = replace(request_from(args, "stock"), numprocs=args.numprocs, stages=args.stages,
                      split=args.split)
    request.check()
    several = 1
    if args.split:
        several = _threads_of_split(args.threads)
        request = replace(request, threads=1)
    if args.repeat < 1:
        raise CommandError(f"--repeat {args.repeat} leaves nothing to compare; give 1 or more")
    if args.at is not None and not args.allocations:
        raise CommandError(f"--at {args.at} is a point of --allocations: give that, too")
    if args.allocations and args.numprocs > 1:
        raise CommandError("--allocations is of one process: leave --np out")
    if args.only is not None and args.split:
        raise CommandError("--split sets the two side by side: leave --only out")
    conditions.check(args.fail_if, args.only)
    check_json_path(args.json)
    install.require_lean()
    if args.output is not None:
        check_output(args.output, [args.json] if args.json else [])
        templates()
    if args.allocations:
        allocations.check_installed()
    command = shlex.join(["anuga_lean", *sys.argv[1:]])
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as temporary, ProgressLine() as progress:
        folder = Path(args.keep or temporary)
        comparison = compare(request, args.repeat, folder, progress, several, args.only)
        records = comparison_records(comparison, command)
        shown = [comparison_table(comparison, args.groups) if args.only is None
                 else alone_table(comparison, args.only, args.groups)]
        if args.allocations:
            shown += _attribute(request, args, folder, progress, records)
    verdicts = conditions.judge(args.fail_if, comparison)
    shown += [escaped(each.sentence()) for each in verdicts]
    print("\n".join(shown), file=text_stream(args.json))
    stored = {**comparison.as_dict(), **night(records),
              "conditions": [each.as_dict() for each in verdicts]}
    write_json(args.json, stored)
    if args.output is not None:
        page = compared_page(stored, "this comparison", triangles_that_fit)
        write_page(args.output, render(page))
        print(f"report: {escaped(args.output)}", file=text_stream(args.json))
    if args.only is None and not comparison.identical:
        return 1
    return CONDITION_HOLDS if any(each.holds for each in verdicts) else 0


def _threads_of_split(wanted: int) -> int:
    """Return on how many threads the further runs of a split are made; 1: there are none."""
    several, cores = max(2, wanted), machine()["cores"]
    if several <= cores:
        return several
    print(f"anuga_lean compare: this process has {cores} of the {several} cores that a serial "
          "fraction wants: the split is of one thread", file=sys.stderr)
    return 1


def _attribute(request: Request, args: argparse.Namespace, folder: Path, progress: Progress,
               records: list[Record]) -> list[str]:
    """Run both under memray; return tables of their call sites and where the flamegraphs are."""
    lines = []
    for record in records:
        variant = record.build
        progress(f"{variant}: memray")
        place = folder / f"{variant}_memray"
        measure(replace(request, variant=variant, memray=True, at=args.at, arrays=False), place)
        recording = place / "memray.bin"
        peak = allocations.at_peak(recording)
        record.sites = [site._asdict() for site in peak.sites[:SITES_KEPT]]
        until = f" until {args.at}" if args.at else ""
        lines += ["", sites_table(f"{variant}: peak{until}", peak)]
        if args.at is not None:
            alive = allocations.at_end(recording)
            lines += ["", sites_table(f"{variant}: alive at {args.at}", alive)]
        graph = Path(f"flamegraph-{variant}.html")
        if args.output is not None:
            graph = args.output.with_name(f"{args.output.stem}-{graph.name}")
        allocations.write_flamegraph(recording, graph)
        lines.append(f"flamegraph: {escaped(graph)}")
    return lines
