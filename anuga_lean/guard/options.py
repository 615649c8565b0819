"""Reads the options of a guarded run.

Owns their names, units and defaults.  Loads nothing but Python's own: signals have to be caught
before numpy, ANUGA and MPI are loaded.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from anuga_lean.guard.watch import FRACTIONS, Fractions

GUARD_VARIABLE = "ANUGA_LEAN_GUARD"
FOLDER, RECORDS, STOP_FILE, EVERY = "CHECKPOINTS", "anuga_lean_runs", "stop.flag", 900.0
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(s|min|h|d)?")
_CLOCK = re.compile(r"(?:(\d{1,4})-)?(\d{1,4}):(\d{1,2})(?::(\d{1,2}))?")


def duration(text: str) -> float:
    """Return seconds of a text: `90`, `90s`, `15min`, `2h`, `1d`, or Slurm's `1-12:00:00`, `2:30`.

    Raises
    ------
    argparse.ArgumentTypeError
        It is none of these, or 0.
    """
    found, clock = _DURATION.fullmatch(text.strip()), _CLOCK.fullmatch(text.strip())
    seconds = 0.0
    if found:
        seconds = float(found[1]) * _UNITS[found[2] or "s"]
    elif clock:
        days, first, second, third = (int(each or 0) for each in clock.groups())
        # as Slurm reads it: minutes:seconds, or with days hours:minutes
        seconds = days * 86400.0 + (
            first * 3600.0 + second * 60.0 + third if clock[4] or clock[1]
            else first * 60.0 + second)
    if seconds <= 0.0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no duration above 0: give 90s, 15min, 2h or 1-12:00:00")
    return seconds


def fractions(text: str) -> Fractions:
    """Return the fractions of a text like `0.8,0.9,0.95`.

    Raises
    ------
    argparse.ArgumentTypeError
        They are not three that grow from above 0 to 1.
    """
    try:
        found = [float(each) for each in text.split(",")]
    except ValueError:
        found = []
    if len(found) != 3 or not 0.0 < found[0] <= found[1] <= found[2] <= 1.0:
        raise argparse.ArgumentTypeError(
            f"{text!r} are not three fractions of a limit that grow from above 0 to 1: give "
            "warn,save,stop, e.g. 0.80,0.90,0.95")
    return Fractions(*found)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a guarded run."""
    group = parser.add_argument_group("guarded runs", (
        "Stops in time with everything written when a signal (SIGUSR1, SIGTERM), a file, the end "
        "of its time or memory ask for it, and exits with 75: run it again with --resume."))
    group.add_argument("--guard", action="store_true", help="do so")
    group.add_argument("--resume", action="store_true", help=(
        "go on from the newest whole set of checkpoints of this model, if there is one"))
    group.add_argument("--restarts", type=int, default=0, metavar="N", help=(
        "run it again at most N times after it has stopped on request"))
    group.add_argument("--walltime", type=duration, metavar="TIME", help=(
        "stop before so much time has passed: 90min, 12h; under Slurm the job's own end is known"))
    group.add_argument("--stop-file", default=STOP_FILE, metavar="FILE", help=(
        "stop when this file is there (default %(default)s)"))
    group.add_argument("--checkpoint-every", type=duration, default=EVERY, metavar="TIME", help=(
        "wall time between two sets of checkpoints (default 15min)"))
    group.add_argument("--checkpoint-dir", default=FOLDER, metavar="FOLDER", help=(
        "of the sets, where the script names none (default %(default)s)"))
    group.add_argument("--fractions", type=fractions, default=FRACTIONS, metavar="W,S,S", help=(
        "shares of a memory limit at which the run warns, writes a set, and stops "
        "(default 0.80,0.90,0.95)"))
    group.add_argument("--set-up-only", action="store_true", help=(
        "end at the first evolve, before anything of it is done: the record has the memory of the "
        "stages up to it"))
    group.add_argument("--record", type=Path, metavar="FILE", help=(
        f"of the run, JSON lines (default a new file in {RECORDS})"))


# Of the options above, those that a value follows.
WITH_VALUE = ("--restarts", "--walltime", "--stop-file", "--checkpoint-every", "--checkpoint-dir",
              "--fractions", "--record")
