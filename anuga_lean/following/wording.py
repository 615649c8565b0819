"""Writes a look at a run as text: a table, or one line of a log."""

from __future__ import annotations

import time

from anuga_lean.following.looking import Look, Row
from anuga_lean.guard.recorded import Sample
from anuga_lean.measure.report import table

MIB = 1024 * 1024
_OLD = 3.0      # s; what is older says so
_MOST_ROWS = 200


def lines(look: Look, most: int = _MOST_ROWS) -> list[str]:
    """Return a look as lines: what is on, memory of each rank, limit, sets, warnings.

    Parameters
    ----------
    look : Look
    most : int
        Ranks that are shown; of more, those that hold most.
    """
    found = [f"{look.name}, {_clock(look.wall)}"]
    if look.progress is not None:
        found[0] += f": {_progress(look)}"
    if look.rows:
        found += table(_table(look, most)).splitlines()
    found += _limit(look)
    if look.last_set is not None:
        found.append(f"last set at t={look.last_set[0]:g} s, {duration(look.last_set[1])} ago")
    found += [f"warning: {each}" for each in look.warnings[-3:]]
    found += [f"note: {each}" for each in look.notes]
    if look.ending is not None:
        found.append(look.ending.text)
    return found


def line(look: Look) -> str:
    """Return a look as one line of a log."""
    words = [f"{_clock(look.wall)} "]
    if look.progress is not None:
        words[0] += f"{_progress(look)}; "
    held = [f"{kind.upper()} {mib(look.total(kind))} MiB" for kind in ("pss", "rss")
            if look.total(kind) is not None]
    known = [row for row in look.rows if row.memory is not None and row.where != "gone"]
    if len(known) > 1:
        largest = max(known, key=lambda row: _held(row.memory))
        held.append(f"largest {largest.name} {mib(_held(largest.memory))} MiB")
    gone = [row.name for row in look.rows if row.where == "gone"]
    if gone:
        held.append(f"gone: {', '.join(gone[:8])}{' ...' if len(gone) > 8 else ''}")
    words[0] += ", ".join(held) or "no memory is known"
    if look.level is not None:
        words.append(f"{look.level}")
    if look.last_set is not None:
        words.append(f"last set t={look.last_set[0]:g} s {duration(look.last_set[1])} ago")
    return "; ".join(words)


def duration(seconds: float) -> str:
    """Write a time span in the two largest of d, h, min and s."""
    whole = int(seconds)
    for size, unit, below, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole // 60} min" if whole >= 120 else f"{whole} s"


def mib(nbytes: int | None) -> str:
    """Write bytes as MiB; a dash where not known."""
    return "-" if nbytes is None else f"{nbytes / MIB:,.0f}"


def _clock(wall: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(wall))


def _progress(look: Look) -> str:
    found = look.progress
    assert found is not None
    words = [f"t={found.time:,.6g} s"]
    if found.finaltime is not None and found.finaltime > 0.0:
        words[0] = (f"t={found.time:,.6g} of {found.finaltime:,.6g} s "
                    f"({found.time / found.finaltime:.0%})")
    if found.steps:
        words.append(f"{found.steps:,} steps")
    if found.ago > _OLD and look.ending is None:
        words.append(f"{duration(found.ago)} ago")
    if found.left is not None and look.ending is None:
        words.append(f"about {duration(found.left)} left" if found.left >= 1.0 else
                     "at its end any moment")
    return ", ".join(words)


def _held(memory: Sample | None) -> int:
    return 0 if memory is None else memory.pss or memory.rss or 0


def _table(look: Look, most: int) -> list[list[str]]:
    rows = [["MiB", "RSS", "PSS", "USS", "peak RSS", ""]]
    shown = look.rows
    if len(shown) > most:
        largest = sorted(look.rows, key=lambda row: _held(row.memory), reverse=True)[:most]
        shown = [row for row in look.rows if row in largest]
    for row in shown:
        memory = row.memory or Sample(None, None, None, None)
        rows.append([row.name, *(mib(each) for each in
                                 (memory.rss, memory.pss, memory.uss, memory.peak)), _where(row)])
    left = len(look.rows) - len(shown)
    if left:
        rows.append([f"{left} more", "", "", "", "", "hold less"])
    if len(look.rows) > 1 and any(row.where != "gone" for row in look.rows):
        rows.append(["all", *(mib(look.total(name)) for name in ("rss", "pss", "uss")), "", ""])
    return rows


def _where(row: Row) -> str:
    if row.where == "gone":
        return "has ended"
    words = [] if row.where == "here" else [f"on {row.where}"]
    if row.memory is None:
        words.append("not known")
    elif row.ago > _OLD:
        words.append(f"{duration(row.ago)} ago")
    return ", ".join(words)


def _limit(look: Look) -> list[str]:
    if look.level is None:
        return []
    text = f"nearest limit: {look.level} are taken"
    if look.level_ago > _OLD:
        text += f", {duration(look.level_ago)} ago"
    return ["; ".join([text, *look.holders])]
