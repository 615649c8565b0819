"""Shows how a study goes on: a table drawn anew in place on a terminal, lines in a log.

Owns what is seen while a study runs; what has become of it is said by `study`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from anuga_lean._escapes import escaped

if TYPE_CHECKING:
    from anuga_lean.studies.packing import Worker
    from anuga_lean.studies.running import Run

_LOG, _TERMINAL = 10.0, 0.5     # s between two lines, or two tables
_BAR = 20                       # characters
_RECENT = 300.0                 # s from which the time that is left is reckoned
MIB = 1 << 20


class Teller:
    """Prints how a study goes on, each time that it is called.

    Parameters
    ----------
    name : str
        Of the study.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.monotonic()
        self._last = -_LOG
        self._ends: list[tuple[float, int]] = []    # members that were done at some moments
        self._drawn = 0                             # lines of the table that stands there
        self._is_table = os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"
        self._has_colour = self._is_table and not os.environ.get("NO_COLOR")

    def __call__(self, run: Run) -> None:
        """Print a line or a table, if it is time for one."""
        now = time.monotonic()
        done = run.progress.completed + run.progress.failed
        is_end = not run.packing.waiting and done == run.progress.members
        if now - self._last < (_TERMINAL if self._is_table else _LOG) and not is_end:
            return
        self._last = now
        self._ends.append((now, done))
        while len(self._ends) > 2 and now - self._ends[1][0] > _RECENT:
            del self._ends[0]
        if self._is_table:
            self._draw(self._table(run, now - self._began))
        else:
            print(self._line(run, now - self._began), flush=True)

    def _left(self, run: Run) -> str:
        """Return the time that is left, by the members that were done of late; "" if unknown."""
        (begin, before), (now, done) = self._ends[0], self._ends[-1]
        if done in (before, run.progress.members):
            return ""
        return duration((run.progress.members - done) * (now - begin) / (done - before))

    def _line(self, run: Run, seconds: float) -> str:
        workers = run.packing.workers.values()
        held = sum(each.nbytes - each.free_nbytes for each in workers)
        there = sum(each.nbytes for each in workers)
        left = self._left(run)
        return (f"{run.progress.completed:,} of {run.progress.members:,} completed, "
                f"{run.progress.failed:,} failed, {_running(run)} running, "
                f"{len(run.packing.waiting):,} waiting, {run.progress.retried:,} tried again; "
                f"{held / MIB:,.0f} of {there / MIB:,.0f} MiB reserved, "
                f"{sum(run.used.values()) / MIB:,.0f} used, on {len(workers)} "
                f"worker{'s' if len(workers) != 1 else ''}; {duration(seconds)}"
                + (f", {left} left" if left else ""))

    def _table(self, run: Run, seconds: float) -> list[str]:
        found, columns = run.progress, shutil.get_terminal_size()
        share = (found.completed + found.failed) / max(1, found.members)
        left = self._left(run)
        failed = f"failed {found.failed:,}"
        lines = [
            f"{self._strong(escaped(self._name))}  {found.completed:,} of {found.members:,} "
            f"completed  [{_bar((share, '#'))}] {share:4.0%}",
            f"running {_running(run):,}   waiting {len(run.packing.waiting):,}   "
            f"{self._alarm(failed) if found.failed else failed}   tried again {found.retried:,}",
            f"{duration(seconds)}" + (f", about {left} left" if left else ""), "",
            self._strong(f"{'memory, MiB':<24} {'members':>7} {'reserved':>9} {'used':>9} "
                         f"{'of':>9}")]
        # Largest first: of a hundred workers not all have room.
        workers = sorted(run.packing.workers.values(), key=lambda each: -each.nbytes)
        room = max(1, columns.lines - len(lines) - 2)
        lines += [_row(each, run.used) for each in workers[:room]]
        if len(workers) > room:
            lines.append(f"and {len(workers) - room:,} more workers")
        return [self._cut(line, columns.columns) for line in lines]

    def _draw(self, lines: list[str]) -> None:
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        print(up + "".join(f"\x1b[K{line}\n" for line in lines) + "\x1b[J", end="", flush=True)
        self._drawn = len(lines)

    def _strong(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[m" if self._has_colour else text

    def _alarm(self, text: str) -> str:
        return f"\x1b[1;31m{text}\x1b[m" if self._has_colour else text

    @staticmethod
    def _cut(line: str, width: int) -> str:
        """Cut a line to the terminal's width, where each would take two rows and not be overdrawn.
        """
        seen, place = 0, 0
        while place < len(line):
            if line[place] == "\x1b":
                place = line.index("m", place) + 1
                continue
            if seen == width - 1:
                return line[:place] + ("\x1b[m" if "\x1b" in line else "")
            seen, place = seen + 1, place + 1
        return line


def _running(run: Run) -> int:
    return sum(len(each.running) for each in run.packing.workers.values())


def _row(worker: Worker, used: Mapping[str, int]) -> str:
    reserved = worker.nbytes - worker.free_nbytes
    held = used.get(worker.name)
    shares = (min(reserved, held or 0) / worker.nbytes, "#"), (reserved / worker.nbytes, "=")
    return (f"{escaped(worker.name)[-24:]:<24} {len(worker.running):>7,} {reserved / MIB:>9,.0f} "
            f"{'-' if held is None else f'{held / MIB:,.0f}':>9} {worker.nbytes / MIB:>9,.0f}  "
            f"[{_bar(*shares)}]")


def _bar(*shares: tuple[float, str]) -> str:
    """Return a bar of characters, each up to its share of the whole, the smallest share first."""
    found = ""
    for share, mark in shares:
        found += mark * (round(_BAR * min(1.0, share)) - len(found))
    return found.ljust(_BAR, ".")


def duration(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds, two of them at most."""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else (
        f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s")
