"""anuga_lean watch: shows memory and progress of a run while it is on, and how it ends.

Owns the options and the loop; what is looked at is in following/.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from anuga_lean._errors import CommandError
from anuga_lean.commands._options import (
    STDOUT,
    add_json_option,
    check_json_path,
    text_stream,
)
from anuga_lean.following.looking import Follower, Look
from anuga_lean.following.showing import Log, Screen
from anuga_lean.guard.options import duration

SUMMARY = "show memory and progress of a run while it is on"
EVERY, EVERY_IN_LOG = 2.0, 30.0     # s


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Shows RSS, PSS and USS of each rank, the nearest memory limit, model time, steps, time to "
        "finish, sets and warnings of a run, until it ends.  The exit code is the run's: 0 when it "
        "completed, 75 when it stopped on request, 137 when it was killed; 3 when nothing says "
        "how it ended.")
    parser.add_argument("target", nargs="?", default=".", metavar="RECORD|PID|FOLDER", help=(
        "record of a guarded run; number of a process, its own or mpiexec's, of any run; folder "
        "whose newest record is taken (default the current one)"))
    parser.add_argument("--every", type=duration, metavar="TIME", help=(
        f"time between two looks (default {EVERY:g}s, {EVERY_IN_LOG:g}s in a log)"))
    parser.add_argument("--once", action="store_true", help=(
        "look once; exits with 0 if the run is on"))
    parser.add_argument("--plain", action="store_true", help=(
        "lines for a log, as where the output is no terminal"))
    add_json_option(parser, "write each look here too, a line of JSON")


def run(args: argparse.Namespace) -> int:
    """Show a run until it ends; return the exit code that its end means."""
    check_json_path(args.json)
    moving = not args.plain and not args.once and text_stream(args.json).isatty()
    every = args.every or (EVERY if moving else EVERY_IN_LOG)
    follower = Follower(args.target)
    with contextlib.closing(follower), _shown(args, moving) as show:
        while True:
            began = time.monotonic()
            look = follower.look()
            show(look)
            if look.ending is not None:
                return look.ending.code
            if args.once:
                return 0
            time.sleep(max(0.0, every - (time.monotonic() - began)))


@contextlib.contextmanager
def _shown(args: argparse.Namespace, moving: bool) -> Iterator[Callable[[Look], None]]:
    """Give what shows a look, and writes it to the file that was asked for."""
    stream = text_stream(args.json)
    with contextlib.ExitStack() as stack:
        file = None
        if args.json is not None:
            file = sys.stdout if args.json == STDOUT else stack.enter_context(_opened(args.json))
        screen = stack.enter_context(contextlib.closing(Screen(stream) if moving else Log(stream)))

        def show(look: Look) -> None:
            screen.show(look)
            if file is not None:
                print(json.dumps(look.as_json()), file=file, flush=True)

        yield show


def _opened(path: Path) -> TextIO:
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
