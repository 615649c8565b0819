"""anuga_lean report: writes stored figures as one HTML page with pictures.

Owns which files are read and how the page is written, whole or not at all; what
is on it lives in measure/page/.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from anuga_lean._errors import CommandError, RecordError
from anuga_lean._escapes import escaped
from anuga_lean.commands._options import check_json_path
from anuga_lean.following.picture import beside
from anuga_lean.guard.recorded import RecordedRun, RecordFile
from anuga_lean.measure.page import (
    ComparedPage,
    Unreadable,
    compared_page,
    is_comparison,
    page_of,
    render,
)
from anuga_lean.measure.page.model import Page
from anuga_lean.measure.page.render import templates
from anuga_lean.measure.page.wording import plural
from anuga_lean.measure.records import Night, load, parse
from anuga_lean.plan import advice
from anuga_lean.plan.question import ALGORITHMS, Question

SUMMARY = "show stored figures as one HTML page"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Shows what 'anuga_lean compare --json FILE' has stored, alone on its page, or what "
        "'pytest benchmarks --benchmark-json FILE' has, one night or several, "
        "and records of guarded runs (anuga_lean_runs/*.jsonl), as one HTML file that needs no "
        "network; exits with 1 if it had to leave out a file."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=(
        "stored figures, JSON, or the record of a run, JSON lines"))
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), metavar="FILE",
                        help="the page to write (default report.html)")


def run(args: argparse.Namespace) -> int:
    """Write the page; return 1 if a file is missing on it."""
    check_output(args.output, args.files)
    templates()
    nights: list[Night] = []
    runs: list[tuple[Path, RecordedRun]] = []
    unreadable: list[Unreadable] = []
    stored: Any = None
    for path in args.files:
        try:
            if path.suffix == ".jsonl":
                runs.append((path, RecordFile(path).read()))
            else:
                stored = load(path)
                nights.append(parse(stored, path))
        except RecordError as error:
            unreadable.append(Unreadable(path, str(error)))
    if not nights and not runs:
        others = len(unreadable) - 1
        more = f" (and {others} more such file{'s' if others > 1 else ''})" if others else ""
        raise CommandError(f"nothing to show: {unreadable[0].reason}{more}")
    if len(args.files) == 1 and is_comparison(stored):
        page: Page | ComparedPage = compared_page(stored, args.files[0], triangles_that_fit)
    else:
        page = page_of(nights, unreadable, beside(runs) if runs else None)
    write_page(args.output, render(page))
    records = sum(len(night.records) for night in nights)
    shown = [f"{plural(records, 'record')} of {plural(len(nights), 'file')}"] if nights else []
    shown += [plural(len(runs), "run")] if runs else []
    print(f"{escaped(args.output)}: {', '.join(shown)}")
    for _, reason in unreadable:
        print(escaped(f"anuga_lean report: left out of {args.output}: {reason}"), file=sys.stderr)
    return 1 if unreadable else 0


def triangles_that_fit(nbytes: int, algorithm: str, store: bool) -> tuple[int, int]:
    """Return how many triangles a machine of so much memory has room for, on stock and on lean."""
    question = Question(1, algorithm=algorithm if algorithm in ALGORITHMS else "DE0", store=store)
    return (advice.most_triangles(question, nbytes, advice.of_node_stock),
            advice.most_triangles(question, nbytes, advice.of_node_lean()))


def check_output(output: Path, files: list[Path]) -> None:
    """Raise CommandError, before any work, if the page cannot be or would replace a file."""
    check_json_path(output)
    if output.exists() and not output.is_file():
        raise CommandError(f"{output} is no ordinary file: give another name after -o")
    if any(output.resolve() == path.resolve() for path in files):
        raise CommandError(f"{output} holds figures and would be overwritten: give another name "
                           "after -o")


def write_page(output: Path, text: str) -> None:
    """Write a page to a file, whole or not at all."""
    final = output.resolve()
    beside = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        # JSON may hold half of a surrogate pair, which no encoding has.
        beside.write_bytes(text.encode("utf-8", "replace"))
        os.replace(beside, final)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)
