"""Reads what memory cgroups have counted: processes killed in them, of both versions."""

from __future__ import annotations

from pathlib import Path

from anuga_lean.doctor.evidence import LIKELY, PROOF, Cause, Facts
from anuga_lean.guard.limits import UNLIMITED, cgroup_folders, fields

_FILES = ("memory.events", "memory.oom_control")
_LIMITS = ("memory.max", "memory.limit_in_bytes")
_PEAKS = ("memory.peak", "memory.max_usage_in_bytes")


def read_folder(folder: Path, facts: Facts, strength: int = PROOF) -> bool:
    """Add what the counters of a cgroup's folder prove; False if there are none."""
    texts = {name: text for name in _FILES if (text := _short(folder / name)) is not None}
    for name, text in texts.items():
        kills = fields(text).get("oom_kill", 0)
        if kills:
            facts.say(Cause.OOM_CGROUP, strength, str(folder / name), f"oom_kill {kills}")
    if texts and any(each.strength == strength for each in facts.evidence):
        facts.limit = facts.limit or _first(folder, _LIMITS)
        facts.peak = max(facts.peak, _first(folder, _PEAKS))
    return bool(texts)


def read_own(facts: Facts, root: Path) -> None:
    """Add what the cgroups of this process have counted: since they are there, of any process."""
    for folder, _, _ in cgroup_folders(root):
        read_folder(folder, facts, LIKELY)


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
