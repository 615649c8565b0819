"""Knows processes by session and by when they began, and kills those of a session.

Imports nothing of numpy's: the process that starts members stays small.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def began_of(pid: int) -> int:
    """Return when a process began, clock ticks since the machine did; 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    words = text.rpartition(")")[2].split()
    return 0 if words[0] in "ZX" else int(words[19])    # a zombie waits for its parent


def age_of(pid: int) -> float:
    """Return how long ago a process began, s."""
    now = float(Path("/proc/uptime").read_text().split()[0])
    return now - began_of(pid) / os.sysconf("SC_CLK_TCK")


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
