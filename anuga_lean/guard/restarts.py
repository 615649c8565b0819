"""Runs a guarded script again and again as long as it stops on request and makes progress.

Owns the loop of `--restarts`; each try is a process of its own, whose record says how far it came.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from anuga_lean.guard.requests import EXIT_CODE

IN_VAIN = 2     # tries in turn that come no further


def run_again(arguments: Sequence[str], restarts: int, records: Path) -> int:
    """Run ``anuga_lean run`` with these arguments, at most `restarts` times more; return the code.

    Parameters
    ----------
    arguments : sequence of str
        Of the verb, without ``--restarts``.
    restarts : int
    records : Path
        Folder or file: where the record of each try is.

    Notes
    -----
    A signal to this process goes to the try that runs, and is the last one's end.
    """
    asked: list[int] = []
    child: list[subprocess.Popen[bytes]] = []

    def forward(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if child and child[0].poll() is None:
            child[0].send_signal(number)

    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, forward)
    reached, in_vain = -float("inf"), 0
    resume = [] if "--resume" in arguments else ["--resume"]
    for attempt in range(restarts + 1):
        words = [*(resume if attempt else []), *arguments]
        child[:] = [subprocess.Popen([sys.executable, "-m", "anuga_lean", "run", *words])]
        if asked:       # between two tries
            child[0].send_signal(asked[-1])
        code = child[0].wait()
        if code != EXIT_CODE or asked:
            return code if code >= 0 else 128 - code
        time = _time_reached(records, child[0].pid)
        in_vain = 0 if time > reached else in_vain + 1
        reached = max(reached, time)
        if in_vain >= IN_VAIN:
            print(f"anuga_lean run: {IN_VAIN} tries came no further than t={reached:g} s: no more "
                  "are made; anuga_lean doctor says what stopped them.", file=sys.stderr)
            return code
    return EXIT_CODE


def _time_reached(records: Path, pid: int) -> float:
    """Return the model time at the end of a try, s; -inf if its record does not say."""
    found = [records] if records.is_file() else sorted(records.glob(f"*_{pid}.jsonl"))
    for path in found[-1:]:
        for line in reversed(path.read_text(errors="replace").splitlines()):
            try:
                event: Any = json.loads(line)
            except ValueError:
                continue    # the last line of a process that was killed
            if isinstance(event, dict) and isinstance(event.get("time"), (int, float)):
                return float(event["time"])
    return -float("inf")
