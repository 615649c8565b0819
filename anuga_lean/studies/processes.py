"""Knows processes by session and by when they began, and kills those of a session.

Imports nothing of numpy's: the process that starts members stays small.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def began_of(pid: int) -> int:
    """Return when a process began, clock ticks since the machine did; 0 if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])


def kill_session(session: int, after: int = 0) -> None:
    """Kill every process of a session, of those that did not begin before `after`, clock ticks."""
    for pid in processes_of(session):
        if began_of(pid) >= after:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes_of(session: int) -> list[int]:
    """Return the processes of a session, zombies left out."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            text = Path("/proc", name, "stat").read_text()
        except OSError:
            continue
        words = text.rpartition(")")[2].split()
        if words[0] != "Z" and int(words[3]) == session:
            found.append(int(name))
    return found
