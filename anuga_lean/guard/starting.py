"""Puts the guard into a process, and finds out when the time of its job ends.

The options are `options`'; signals are caught before this module is loaded, by `requests`.
"""

from __future__ import annotations

import argparse
import atexit
import math
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from anuga_lean._errors import CommandError
from anuga_lean.guard.options import GUARD_VARIABLE, RECORDS, add_options
from anuga_lean.guard.requests import REQUESTS
from anuga_lean.guard.stopping import Options, RunGuard
from anuga_lean.stepping import guarding


def begin(args: argparse.Namespace, command: Sequence[str]) -> RunGuard:
    """Put a guard into this process.

    Parameters
    ----------
    args : Namespace
        With the options that `add_options` adds.
    command : sequence of str
        The words that began this run.

    Raises
    ------
    CommandError
        The file that stops the run is there already.
    """
    if os.path.exists(args.stop_file):
        raise CommandError(f"{args.stop_file} is there and would stop the run at once: remove it, "
                           "or name another --stop-file")
    REQUESTS.catch_signals()
    words = list(command)
    if "--guard" in words and "--resume" not in words:
        words.insert(words.index("--guard") + 1, "--resume")
    guard = RunGuard(REQUESTS, Options(
        folder=args.checkpoint_dir, every=args.checkpoint_every, fractions=args.fractions,
        stop_file=args.stop_file, deadline=partial(_deadline, args.walltime, time.monotonic()),
        record=args.record or _new_record(), resume=args.resume, sets_up_only=args.set_up_only,
        command=shlex.join(words), started_in=os.getcwd()))
    guarding.put(guard)
    os.register_at_fork(after_in_child=partial(_leave, guard))
    return guard


def _leave(guard: RunGuard) -> None:
    """Let a process that the script has forked be as without a guard.

    The record and the sets are its parent's, and what ends it, as a pool's SIGTERM, ends it.
    """
    if guarding.current is guard:
        guarding.put(None)
        REQUESTS.release_signals()
        guard.leave()


def begin_by_environment() -> None:
    """Put a guard into a process whose environment asks for one, as `--guard` does.

    ``ANUGA_LEAN_GUARD=1`` guards a script that imports anuga_lean, ``ANUGA_LEAN_GUARD=resume``
    goes on from its newest set.
    """
    asked = os.environ.get(GUARD_VARIABLE, "")
    if guarding.guard() is None and asked not in ("", "0"):
        _begin_here(asked == "resume",
                    ["env", f"{GUARD_VARIABLE}=resume", sys.executable, *sys.argv])


def begin_resuming() -> None:
    """Let the models of this process go on from their newest sets, under a guard."""
    guard = guarding.guard()
    if guard is None:
        _begin_here(True, [sys.executable, *sys.argv])
    elif isinstance(guard, RunGuard):
        guard.options = guard.options._replace(resume=True)


def _begin_here(resumes: bool, command: Sequence[str]) -> None:
    """Put a guard into a process that was started without `anuga_lean run`."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    args = parser.parse_args(["--guard", *(["--resume"] if resumes else [])])
    atexit.register(_end, begin(args, command))


def _end(guard: RunGuard) -> None:
    """Note that Python ends: with an error that it has shown, or a code that it does not tell."""
    if getattr(sys, "last_value", None) is not None:
        guard.end("ended with an error", 1)
    else:
        guard.end("completed", None)


def _new_record() -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%S")
    return Path(RECORDS) / f"{stamp}_{os.getpid()}.jsonl"


def _deadline(walltime: float | None, began: float) -> float:
    """Return when the run's time ends, s of the monotonic clock: one rank asks Slurm."""
    ends = [] if walltime is None else [began + walltime]
    end = slurm_end(os.environ)
    if end is not None:
        ends.append(time.monotonic() + end - time.time())
    return min(ends, default=math.inf)


def slurm_end(environment: Mapping[str, str],
              ask: Callable[[str], str] | None = None) -> float | None:
    """Return when Slurm ends the job, s of the epoch; None outside of a job or if it has no end.

    Newer Slurm says so in SLURM_JOB_END_TIME, older ones when squeue asks.
    """
    known = environment.get("SLURM_JOB_END_TIME", "")
    if known.isascii() and known.isdigit() and len(known) < 12:
        return float(known)
    job = environment.get("SLURM_JOB_ID", "")
    if not (job.isascii() and job.isdigit()):
        return None
    text = (ask or _squeue)(job).strip()
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return None


def _squeue(job: str) -> str:
    try:
        return subprocess.run(["squeue", "-h", "-j", job, "-o", "%e"], capture_output=True,
                              text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"anuga_lean run: the end of job {job} is not known ({error}): give --walltime",
              file=sys.stderr)
        return ""
