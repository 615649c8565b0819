"""Looks at a run: memory of its ranks, limits, how far it is, and how it has ended.

Owns what a look is made of and what is concluded from it; how it reads is `wording`'s.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean.following.finding import find, opened_by
from anuga_lean.following.processes import Reader, grouped, slurm_of
from anuga_lean.guard.limits import Level, Limits
from anuga_lean.guard.recorded import Moment, RecordedRun, Sample, began_by, total
from anuga_lean.guard.watch import FRACTIONS

KILLED, UNKNOWN = 137, 3    # exit codes: of signal 9, as a shell gives it; of an unknown end
_BACK = 600.0               # s: how fast a run is, is told from its last yields
_SEARCH = 10.0              # s between two searches for the record of a process


class Row(NamedTuple):
    """Memory of a rank.

    Attributes
    ----------
    name : str
    where : str
        ``here``, ``gone`` (it has ended), or the name of its node.
    memory : Sample or None
    ago : float
        How old it is, s; 0.0 if read now.
    """

    name: str
    where: str
    memory: Sample | None
    ago: float = 0.0


class Progress(NamedTuple):
    """How far a run is.

    Attributes
    ----------
    time, finaltime : float
        Of the model, s; `finaltime` of the evolve that is on, None if not known.
    steps : int or None
    ago : float
        How long ago that was, s.
    left : float or None
        Until `finaltime` as the last minutes went, s of wall time.
    """

    time: float
    finaltime: float | None
    steps: int | None
    ago: float
    left: float | None


class Ending(NamedTuple):
    """How a run has ended: the record's word for it, a sentence, and an exit code."""

    outcome: str
    text: str
    code: int


@dataclass
class Look:
    """What a run is like at a moment.

    Attributes
    ----------
    wall : float
        s since 1970.
    name : str
        Of the model, or of the process.
    rows : list of Row
    level : Level or None
        The nearest limit.
    level_ago : float
        How old that is, s.
    holders : list of str
        Who holds what, where a limit is near.
    progress : Progress or None
    last_set : tuple of float, or None
        Its model time, and how long ago it was written, s.
    warnings : list of str
        Of the run.
    notes : list of str
        What cannot be seen, and why.
    ending : Ending or None
        None as long as the run goes on.
    """

    wall: float
    name: str
    rows: list[Row] = field(default_factory=list)
    level: Level | None = None
    level_ago: float = 0.0
    holders: list[str] = field(default_factory=list)
    progress: Progress | None = None
    last_set: tuple[float, float] | None = None
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ending: Ending | None = None

    def total(self, name: str) -> int | None:
        """Return the sum of ``rss``, ``pss`` or ``uss``; None if one is not known."""
        memory = {k: row.memory for k, row in enumerate(self.rows) if row.memory is not None}
        return total(memory, name, [k for k, row in enumerate(self.rows) if row.where != "gone"])

    def as_json(self) -> dict[str, Any]:
        """Return all of it for ``--json``; memory in bytes."""
        return {
            "wall": self.wall, "name": self.name,
            "ranks": [{"name": row.name, "where": row.where, "ago": row.ago,
                       **(row.memory._asdict() if row.memory else {})} for row in self.rows],
            "sum": {name: self.total(name) for name in ("rss", "pss", "uss")},
            "limit": None if self.level is None else {**self.level._asdict(),
                                                      "ago": self.level_ago},
            "progress": None if self.progress is None else self.progress._asdict(),
            "last_set": None if self.last_set is None else
            dict(zip(("time", "ago"), self.last_set, strict=True)),
            "warnings": self.warnings, "notes": self.notes,
            "ending": None if self.ending is None else self.ending._asdict()}


class Follower:
    """Looks at one run again and again.

    Parameters
    ----------
    target : str
        Path of a record or of a folder with some; or the number of a process.
    root : Path
        Folder under which ``proc`` and ``sys`` lie; another one than ``/`` in tests.
    wall, clock : callable
        Wall time, s since 1970, and a monotonic clock, s.

    Raises
    ------
    CommandError
        There is no such run.
    """

    def __init__(self, target: str, root: Path = Path("/"),
                 wall: Callable[[], float] = time.time,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.record, self.pid = find(target, root)
        self._root = root
        self._wall = wall
        self._clock = clock
        self._reader = Reader(root, clock)
        self._limits: Limits | None = None
        self._search_at = -_SEARCH
        self._has_proc = (root / "proc" / "self" / "status").exists()
        # a process may end, and its number be given again
        self._pid_began = wall()

    def look(self) -> Look:
        """Return what the run is like now."""
        now = self._wall()
        if self.pid is not None:
            return self._at_process(now)
        assert self.record is not None
        # processes first: one that has ended has written its last line before
        rows, pids = self._rows_of(self.record.run, now)
        run = self.record.read()
        writes = not rows or rows[0].where != "gone"
        return self._with_record(Look(now, run.name or str(self.record.path), rows), run, pids,
                                 writes)

    def close(self) -> None:
        """Close what is read again and again."""
        self._forget_limits()

    # -- a process -----------------------------------------------------------

    def _at_process(self, now: float) -> Look:
        assert self.pid is not None
        alive = began_by(self.pid, self._pid_began, self._root)
        groups = grouped(self.pid, self._root) if alive else {}
        self._search(groups)
        rows, pids = [], []
        for name, members in groups.items():
            memory = self._reader.together(members)
            if memory is not None:
                rows.append(Row(name, "here", memory))
                pids += members
        if self.record is None:
            look = Look(now, f"process {self.pid}", rows)
            if not pids:
                look.ending = Ending("ended", (
                    f"process {self.pid} has ended; how, only a record says, which 'anuga_lean run "
                    "--guard' writes"), UNKNOWN)
            self._add_level(look, pids)
            return look
        run = self.record.read()
        look = self._with_record(Look(now, run.name or str(self.record.path), rows), run, pids,
                                 bool(pids))
        if pids:    # as long as it lives it may begin another try, with a record of its own
            look.ending = None
        return look

    def _search(self, groups: dict[str, list[int]]) -> None:
        """Look for the record that the process, or the next try of it, is writing."""
        ended = self.record is not None and bool(self.record.run.outcome)
        if not groups or self.record is not None and not ended:
            return
        if self._clock() - self._search_at < _SEARCH:
            return
        self._search_at = self._clock()
        found = opened_by((pid for pids in groups.values() for pid in pids), self._root)
        if found is not None:
            self.record = found

    # -- a record ------------------------------------------------------------

    def _rows_of(self, run: RecordedRun, now: float) -> tuple[list[Row], list[int]]:
        """Return the ranks of a record, and the pids of those that are on this node."""
        rows, pids = [], []
        last: dict[int, tuple[float, Sample]] = {}
        peaks: dict[int, int] = {}
        for moment in sorted(run.moments, key=lambda each: each.seconds):
            last |= {rank: (moment.seconds, each) for rank, each in moment.memory.items()}
            peaks |= {rank: max(each.peak or 0, peaks.get(rank, 0))
                      for rank, each in moment.memory.items()}
        here = platform.node()
        for place in run.places:
            seconds, memory = last.get(place.rank, (0.0, None))
            ago = max(0.0, now - run.began - seconds)
            name = f"rank {place.rank}"
            if place.node != here:
                rows.append(Row(name, place.node, memory, ago))
            elif not self._has_proc:
                rows.append(Row(name, "here", memory, ago))
            elif began_by(place.pid, run.began, self._root):
                memory = self._reader.read(place.pid)
                if memory is not None and memory.peak is not None:
                    # the kernel's begins anew with each stage
                    memory = memory._replace(peak=max(memory.peak, peaks.get(place.rank, 0)))
                rows.append(Row(name, "here", memory))
                pids.append(place.pid)
            else:
                rows.append(Row(name, "gone", memory, ago))
        return rows, pids

    def _with_record(self, look: Look, run: RecordedRun, pids: list[int], writes: bool) -> Look:
        """Add what a record says, and whether who writes it is there."""
        since = look.wall - run.began
        look.progress = progress(run, since)
        sets = run.of("set")
        if sets and sets[-1].time is not None:
            look.last_set = sets[-1].time, max(0.0, since - sets[-1].seconds)
        look.warnings = [each.text for each in run.of("warning")]
        elsewhere = sorted({place.node for place in run.places} - {platform.node()})
        if elsewhere and not run.outcome:
            nodes = ", ".join(elsewhere[:4]) + (" and others" if len(elsewhere) > 4 else "")
            look.notes.append(f"ranks on {nodes} are seen through the record only, as far as it "
                              "has them")
        if not self._has_proc and not run.outcome:
            look.notes.append("this system has no /proc: all that is known is the record's")
        look.ending = self._ending(run, writes)
        if look.ending is None:
            self._add_level(look, pids)
        if look.level is None:
            moments = [each for each in run.moments if each.level]
            if moments:
                look.level = moments[-1].level
                look.level_ago = max(0.0, since - moments[-1].seconds)
        return look

    def _ending(self, run: RecordedRun, writes: bool) -> Ending | None:
        if run.outcome:
            last = run.moments[-1]
            at = f" at t={last.time:g} s" if last.time is not None else ""
            why = f" because {run.why}" if run.why else ""
            known = run.exit_code if run.exit_code is not None else int(run.outcome != "completed")
            code = f", exit code {run.exit_code}" if run.exit_code is not None else ""
            return Ending(run.outcome, f"{run.outcome}{at}{why}{code}", known)
        is_here = bool(run.places) and run.places[0].node == platform.node() and self._has_proc
        if writes or not is_here:
            return None     # who writes the record is there, or cannot be seen
        last_seconds = max(each.seconds for each in run.moments)
        return Ending("killed", (
            "killed: its processes are gone, and its record, whose last line is "
            f"{last_seconds:,.0f} s after its start, has no end; 'anuga_lean doctor "
            f"{self.record.path if self.record else ''}' says more"), KILLED)

    # -- limits --------------------------------------------------------------

    def _add_level(self, look: Look, pids: list[int]) -> None:
        if not pids:
            return
        if self._limits is None or self._limits.pids[0] not in pids:
            self._forget_limits()
            self._limits = Limits(slurm_of(pids[0], self._root), pids, self._root, of_pids=True)
        self._limits.pids = tuple(pids)
        levels = self._limits.read()
        if levels:
            look.level = levels[0]
            if levels[0].fraction >= FRACTIONS.warn:
                look.holders = self._limits.holders()

    def _forget_limits(self) -> None:
        if self._limits is not None:
            self._limits.close()
            self._limits = None


def progress(run: RecordedRun, since: float) -> Progress | None:
    """Return how far a run is, `since` seconds after its record began; None if nothing says."""
    points = [each for each in run.moments
              if each.kind in ("yield", "set", "end") and each.time is not None]
    if not points or run.outcome and points[-1].kind != "end":
        return None     # a run that has completed does not say when
    last = points[-1]
    assert last.time is not None
    steps = next((each.steps for each in reversed(points) if each.steps), None)
    finaltime = next((each.finaltime for each in reversed(points) if each.finaltime is not None),
                     None)
    ago = max(0.0, since - last.seconds)
    left = None
    first = _first_of(points, last)
    if finaltime is not None and first is not None and not run.outcome:
        assert first.time is not None
        rate = (last.time - first.time) / (last.seconds - first.seconds)
        left = max(0.0, (finaltime - last.time) / rate - ago)
    return Progress(last.time, finaltime, steps, ago, left)


def _first_of(points: list[Moment], last: Moment) -> Moment | None:
    """Return the point from which on the speed is told: model and wall time grew since."""
    found = None
    assert last.time is not None
    for each in reversed(points[:-1]):
        assert each.time is not None
        if each.time > last.time or found is not None and last.seconds - each.seconds > _BACK:
            break
        if each.time < last.time and each.seconds < last.seconds:
            found = each
    return found

