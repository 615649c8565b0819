"""anuga_lean doctor: says why a run ended and what to ask for next, or what is wrong here.

Owns how the answer is printed; evidence and its weighing are in doctor/.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from anuga_lean._escapes import escaped
from anuga_lean.commands._options import (
    add_json_option,
    check_json_path,
    text_stream,
    write_json,
)
from anuga_lean.doctor.advice import advise
from anuga_lean.doctor.asking import collect
from anuga_lean.doctor.evidence import MIB, PROOF, Evidence, Facts
from anuga_lean.doctor.machine import examine
from anuga_lean.doctor.weighing import Diagnosis, weigh

SUMMARY = "say why a run was killed and what to ask for next, or what is wrong with this machine"
_LINES = 6          # of evidence that are printed; --json has all


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Says how a run ended, how sure that is, the lines that prove it, and what to ask for "
        "next time.  Without an argument it examines this machine, and exits with 1 if something "
        "is wrong.")
    parser.add_argument("target", nargs="?", metavar="JOBID|LOGFILE|RECORD|FOLDER",
                        help="number of a Slurm job; what a run printed; the record of a guarded "
                             "run; a folder with any of these")
    add_json_option(parser, "write all of it here too")


def run(args: argparse.Namespace) -> int:
    """Print a diagnosis of a run, or of this machine."""
    check_json_path(args.json)
    if args.target is None:
        return _machine(args.json)
    facts = collect(args.target)
    found = weigh(facts)
    print("\n".join(escaped(line) for line in _lines(args.target, found, facts)),
          file=text_stream(args.json))
    write_json(args.json, _as_json(args.target, found, facts))
    return 0


def _lines(target: str, found: Diagnosis, facts: Facts) -> list[str]:
    lines = [f"{target}: {found.cause.value} ({found.cause.word}, {found.sureness})"]
    lines += _quoted("because", target, found.because)
    lines += _quoted("also", target, [each for each in found.also if each.strength == PROOF])
    if facts.limit or facts.peak:
        lines.append("memory   " + ", ".join(
            f"{name} {nbytes / MIB:,.0f} MiB" for name, nbytes in
            (("limit", facts.limit), ("largest seen", facts.peak)) if nbytes))
    lines += [f"note     {each}" for each in facts.notes[:12]]
    lines += [f"next     {each}" for each in advise(found.cause, facts)]
    return lines + [f"missing  {each}" for each in facts.missing[:12]]


def _quoted(word: str, target: str, evidence: list[Evidence]) -> list[str]:
    lines = [f"{word:<8} {_short(each.source, target)}: {each.line}" for each in evidence[:_LINES]]
    if len(evidence) > _LINES:
        lines.append(f"{word:<8} and {len(evidence) - _LINES} lines more")
    return lines


def _short(source: str, target: str) -> str:
    """Return a source without the target's own name, which the first line gives."""
    rest = source.removeprefix(target)
    return source if rest == source else f"line {rest[1:]}" if rest[:1] == ":" else (
        rest.lstrip("/") or "its end")


def _as_json(target: str, found: Diagnosis, facts: Facts) -> dict[str, Any]:
    return {
        "target": target, "class": found.cause.word, "sure": found.sureness,
        "says": found.cause.value,
        "evidence": [{"class": each.cause.word, "strength": each.strength, "source": each.source,
                      "line": each.line} for each in [*found.because, *found.also]],
        "limit": facts.limit, "peak": facts.peak, "scheduler": facts.scheduler,
        "notes": facts.notes, "next": advise(found.cause, facts), "missing": facts.missing}


def _machine(path: Path | None) -> int:
    examined = examine(os.environ, Path())
    for name, value in [*examined.here.items(), *(
            ("wrong" if examined.wrong else "found", each)
            for each in examined.wrong or ["nothing is wrong"])]:
        print(escaped(f"{name:<14} {value}"), file=text_stream(path))
    write_json(path, {"here": examined.here, "wrong": examined.wrong})
    return 1 if examined.wrong else 0
