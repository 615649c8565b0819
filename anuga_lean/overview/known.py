"""Reads all that the folder of a study knows: members, records, who runs, how it went on.

Owns what is worked out of it: kinds, time in which something ran, what was given at a moment.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from anuga_lean.studies import progress
from anuga_lean.studies.members import Description, Folder, Member
from anuga_lean.studies.records import End, Record, Try, is_running, read_record

_IDLE = 60.0        # s in which nothing runs: the study was away, and its clock stands


class Known(msgspec.Struct):
    """What is known of a study.

    Attributes
    ----------
    path : Path
    description : Description
    pairs : list of tuple
        Each member with its record, or None.
    running : set of str
        Members that somebody runs now.
    samples : list of Sample
    """

    path: Path
    description: Description
    pairs: list[tuple[Member, Record | None]]
    running: set[str]
    samples: list[progress.Sample]

    def ended(self) -> list[tuple[Member, Record]]:
        """Return the members that have been tried, and their records."""
        return [(member, record) for member, record in self.pairs
                if record is not None and record.tries]

    def completed(self) -> list[tuple[Member, Record]]:
        """Return the members that are completed."""
        return [pair for pair in self.ended() if pair[1].end is End.COMPLETED]

    def tries(self) -> list[tuple[Member, Try]]:
        """Return every try, in the order in which they ended."""
        found = [(member, each) for member, record in self.ended() for each in record.tries]
        return sorted(found, key=lambda pair: pair[1].began + pair[1].seconds)

    def kind(self, member: Member) -> str:
        """Return the name of what is alike for memory: a set of parameters, lean or stock."""
        said = ", ".join(f"{name}={value}" for name, value in member.parameters.items())
        return f"{self.description.runs_on(member)}, {said}" if said \
            else self.description.runs_on(member)


def read(path: Path) -> Known:
    """Read the folder of a study.

    Raises
    ------
    StudyError
        It is of none, or a record is damaged.
    """
    folder = Folder(path)
    description = folder.described()
    members = list(description.members())
    there = {each.name for each in (path / "members").iterdir()} \
        if (path / "members").is_dir() else set()
    return Known(
        path, description,
        [(each, read_record(folder.member(each.name)) if each.name in there else None)
         for each in members],
        {each.name for each in members
         if each.name in there and is_running(folder.member(each.name))},
        progress.read(path))


class Clock:
    """Time in which members ran, without the nights between two runs of a study.

    Parameters
    ----------
    spans : iterable of tuple of float
        Beginning and end of each try, s since 1970.
    """

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self._begins: list[float] = []
        self._ends: list[float] = []
        for begin, end in sorted(spans):
            if self._ends and begin - self._ends[-1] <= _IDLE:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)
        self._before = [0.0]
        for begin, end in zip(self._begins, self._ends, strict=True):
            self._before.append(self._before[-1] + end - begin)

    @property
    def seconds(self) -> float:
        """Return all the time in which members ran."""
        return self._before[-1]

    @property
    def runs(self) -> int:
        """Return how many stretches of it there are."""
        return len(self._begins)

    def at(self, wall: float) -> float:
        """Return the time at a moment, s."""
        place = bisect.bisect_right(self._begins, wall) - 1
        if place < 0:
            return 0.0
        return self._before[place] + min(wall, self._ends[place]) - self._begins[place]


def given(tries: Iterable[Any], clock: Clock, count: int) -> list[tuple[float, int]]:
    """Return the most bytes that were given to members at once, in each of so many stretches.

    Parameters
    ----------
    tries : iterable of Try
    clock : Clock
    count : int
    """
    width = clock.seconds / count or 1.0
    events = sorted((moment, change) for each in tries
                    for moment, change in ((clock.at(each.began), each.nbytes),
                                           (clock.at(each.began + each.seconds), -each.nbytes)))
    found, now, place = [], 0, 0
    for k in range(count):
        most = now
        while place < len(events) and events[place][0] < (k + 1) * width:
            now += events[place][1]
            place += 1
            # what ends and what begins at a moment are not there together
            if place == len(events) or events[place][0] > events[place - 1][0]:
                most = max(most, now)
        found.append(((k + 0.5) * width, most))
    return found
