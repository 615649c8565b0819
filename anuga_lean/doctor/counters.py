"""Reads what memory cgroups have counted: processes killed in them, of both versions."""

from __future__ import annotations

from pathlib import Path

from anuga_lean.doctor.evidence import LIKELY, PROOF, Cause, Facts
from anuga_lean.guard.limits import UNLIMITED, cgroup_folders, fields

_FILES = ("memory.events", "memory.oom_control")
_LIMITS = ("memory.max", "memory.limit_in_bytes")
_PEAKS = ("memory.peak", "memory.max_usage_in_bytes")


def read_folder(folder: Path, facts: Facts, strength: int = PROOF, below: bool = False) -> bool:
    """Add what the counters of a cgroup's folder prove.

    Parameters
    ----------
    folder : Path
    facts : Facts
    strength : int
        What a kill proves.
    below : bool
        Whether a cgroup within this one has counted a kill.

    Returns
    -------
    bool
        Whether a process was killed in it, or below.
    """
    counts = {name: fields(text) for name in _FILES if (text := _short(folder / name)) is not None}
    for name, counted in counts.items():
        if counted.get("oom_kill", 0):
            below = True
            facts.say(Cause.OOM_CGROUP, strength, str(folder / name),
                      f"oom_kill {counted['oom_kill']}")
    # Version 1 counts a kill where the process was, whose limit may stand further up.  Version 2
    # counts it further up too, but "oom" from that cgroup on whose limit was met.
    was_met = all(counted.get("oom", 1) for counted in counts.values())
    limit = _first(folder, _LIMITS)
    if below and was_met and limit:
        facts.limit = facts.limit or limit
        if facts.limit == limit:
            facts.peak = max(facts.peak, _first(folder, _PEAKS))
    return below


def read_own(facts: Facts, root: Path) -> None:
    """Add what the cgroups of this process have counted: since they are there, of any process."""
    below = False
    for folder, _, _ in cgroup_folders(root):
        below = read_folder(folder, facts, LIKELY, below)


def _first(folder: Path, names: tuple[str, ...]) -> int:
    for name in names:
        text = (_short(folder / name) or "").strip()
        if text.isascii() and text.isdigit() and int(text[:20]) < UNLIMITED:
            return int(text)
    return 0


def _short(path: Path) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(4096)
    except OSError:
        return None
