"""Reads the record of a run (`record`), while the run writes it or afterwards.

Owns the check of every value: the file may be torn, of another program or of a newer version.
What is concluded is `doctor`'s, what is shown of it `following`'s.
"""

from __future__ import annotations

import json
import math
import os
import platform
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean._errors import RecordError
from anuga_lean.guard.limits import Level

FORMAT = 1      # of what `record` writes
_LARGEST = 1 << 60
_LATE = 5.0             # s that a process may have begun after its record, by two clocks
_MOST_AT_ONCE = 1 << 22     # bytes
_LONGEST_LINE = 1 << 22
_MOST_RANKS = 1 << 20


# -- single values ---------------------------------------------------------------


def event_of(line: str) -> dict[str, Any]:
    """Return the event of a line; {} if it is none, as where a process was killed as it wrote."""
    if not line.startswith("{"):
        return {}
    try:
        return as_dict(json.loads(line))
    except (ValueError, RecursionError):
        return {}


def as_dict(value: Any) -> dict[str, Any]:
    """Return a value that is to be a dictionary; an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a value that is to be a list; an empty one if it is none."""
    return value if isinstance(value, list) else []


def as_number(value: Any) -> float:
    """Return a value that is to be a number; 0.0 if it is none, or cannot be of a run."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(value) if abs(value) < _LARGEST and math.isfinite(value) else 0.0


# -- a run -----------------------------------------------------------------------


class Place(NamedTuple):
    """Where a rank runs, and its triangles."""

    rank: int
    node: str
    pid: int
    triangles: int


class Sample(NamedTuple):
    """Memory of a rank, bytes; None where the record does not say."""

    rss: int | None
    peak: int | None
    pss: int | None
    uss: int | None


@dataclass
class Moment:
    """An event of a run.

    Attributes
    ----------
    kind : str
        ``begin``, ``stage``, ``yield``, ``set``, ``warning``, ``end``, or what a newer version
        writes.
    seconds : float
        Since the record began.
    time : float or None
        Of the model, s.
    steps : int
    finaltime : float or None
        Of the evolve that is on, s.
    memory : dict of int to Sample
        By rank, as far as it was looked at.
    level : Level or None
        The limit that was nearest.
    text : str
        Name of a stage, text of a warning, outcome of an end.
    """

    kind: str
    seconds: float
    time: float | None = None
    steps: int = 0
    finaltime: float | None = None
    memory: dict[int, Sample] = field(default_factory=dict)
    level: Level | None = None
    text: str = ""


@dataclass
class RecordedRun:
    """What a record says of a run.

    Attributes
    ----------
    began : float
        s since 1970 at second 0 of the record; 0.0 if it does not say.
    name : str
        Of the domain.
    places : list of Place
        By rank.
    moments : list of Moment
        As they were written: of a stage it was known later that it was one.
    outcome : str
        ``completed``, ``stopped``, ...; "" as long as there is no end.
    exit_code : int or None
        None where the record does not know it, too.
    why : str
        Of a stop.
    argv : list of str
        Of the script.
    versions, slurm : dict of str to str
    """

    began: float = 0.0
    name: str = ""
    algorithm: str = ""
    places: list[Place] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    outcome: str = ""
    exit_code: int | None = None
    why: str = ""
    argv: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    slurm: dict[str, str] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Moment]:
        """Return the moments of some kinds."""
        return [each for each in self.moments if each.kind in kinds]

    @property
    def here(self) -> list[Place]:
        """Return the ranks on this node."""
        return [each for each in self.places if each.node == platform.node()]

    @property
    def level(self) -> Level | None:
        """Return the nearest limit when it was last looked at."""
        return next((each.level for each in reversed(self.moments) if each.level), None)

    def add(self, event: dict[str, Any]) -> None:
        """Take in an event."""
        kind = str(event.get("event"))[:40]
        if kind == "begin":
            self._begin(event)
        moment = Moment(kind, max(0.0, as_number(event.get("seconds"))), _maybe(event.get("time")),
                        int(as_number(event.get("steps"))), _maybe(event.get("finaltime")),
                        self._memory(event), _level(event.get("level")))
        if kind == "begin":
            moment.level = next(iter(filter(None, map(_level, as_list(event.get("limits"))))), None)
        elif kind == "stage":
            moment.text = str(event.get("stage"))[:80]
        elif kind == "warning":
            moment.text = str(event.get("text"))[:1000]
        elif kind == "end":
            self.outcome = moment.text = str(event.get("outcome"))[:80]
            code = event.get("exit_code")
            self.exit_code = int(as_number(code)) if code is not None else None
            self.why = str(event.get("why") or "")[:1000]
        self.moments.append(moment)

    def _begin(self, event: dict[str, Any]) -> None:
        self.began = as_number(event.get("wall")) - as_number(event.get("seconds"))
        self.name = str(event.get("name") or "")[:200]
        self.algorithm = str(event.get("algorithm") or "")[:40]
        self.argv = [str(each)[:400] for each in as_list(event.get("argv"))[:100]]
        self.places = [
            Place(rank, str(each.get("node")), int(as_number(each.get("pid"))),
                  int(as_number(each.get("triangles"))))
            for rank, each in enumerate(map(as_dict, as_list(event.get("ranks"))[:_MOST_RANKS]))]
        for name in ("versions", "slurm"):
            setattr(self, name, {str(key)[:80]: str(value)[:80] for key, value in
                                 list(as_dict(event.get(name)).items())[:40]})

    def _memory(self, event: dict[str, Any]) -> dict[int, Sample]:
        """Return memory by rank: of the first rank's node, or of the ranks that are named."""
        found = {}
        first = self.places[0].node if self.places else ""
        ranks = [each.rank for each in self.places if each.node == first]
        for rank, values in zip(ranks, as_list(event.get("memory")), strict=False):
            found[rank] = _sample(as_dict(values))
        for values in map(as_dict, as_list(event.get("ranks")) if "stage" in event else []):
            found[int(as_number(values.get("rank")))] = _sample(values)
        return {rank: sample for rank, sample in found.items() if sample.rss is not None}


def _maybe(value: Any) -> float | None:
    return as_number(value) if isinstance(value, (int, float)) else None


def _bytes(value: Any) -> int | None:
    found = int(as_number(value))
    return found if found > 0 else None


def _sample(values: dict[str, Any]) -> Sample:
    return Sample(*(_bytes(values.get(name)) for name in Sample._fields))


def _level(value: Any) -> Level | None:
    values = as_dict(value)
    limit = int(as_number(values.get("limit")))
    if limit <= 0:
        return None
    return Level(str(values.get("who"))[:200], int(as_number(values.get("used"))), limit)


def total(memory: dict[int, Sample], name: str, ranks: Iterable[int]) -> int | None:
    """Return the sum of ``rss``, ``pss`` or ``uss`` over ranks; None unless all are known."""
    found: list[int | None] = [getattr(memory[rank], name) if rank in memory else None
                               for rank in ranks]
    known = [each for each in found if each is not None]
    return sum(known) if known and len(known) == len(found) else None


# -- the file --------------------------------------------------------------------


class RecordFile:
    """A record that is read again and again, as far as it has whole lines.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    run : RecordedRun
        The last one of the file: it may have several, of tries that were given one record, or of
        a serial model and the one that its ranks share.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = RecordedRun()
        self._place = 0
        self._rest = b""
        self._first = True

    def read(self) -> RecordedRun:
        """Take in what has been written since; return the last run.

        Raises
        ------
        RecordError
            It cannot be read, or is no record of a run.
        """
        try:
            # what is no file might never answer
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise RecordError(f"{self.path} is no file")
                if status.st_size < self._place:    # written anew
                    self._place, self._rest, self._first = 0, b"", True
                    self.run = RecordedRun()
                file.seek(self._place)
                while data := file.read(_MOST_AT_ONCE):
                    self._place += len(data)
                    self._take(data)
        except OSError as error:
            raise RecordError(f"{self.path} cannot be read: {error.strerror}") from error
        if self._first and self._rest:
            self._refuse()
        return self.run

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self._refuse()
        for line in lines:
            event = event_of(line.decode("utf-8", "replace"))
            if self._first and event.get("event") != "begin":
                self._refuse()
            self._first = False
            if event:
                self._add(event)

    def _add(self, event: dict[str, Any]) -> None:
        if event.get("event") == "begin" and self.run.places:
            first = as_dict((as_list(event.get("ranks")) or [None])[0])
            if self.run.outcome or as_number(first.get("pid")) != self.run.places[0].pid:
                self.run = RecordedRun()
        self.run.add(event)

    def _refuse(self) -> None:
        raise RecordError(f"{self.path} is no record of a run, as 'anuga_lean run --guard' writes "
                          "one: JSON lines, of which the first begins a run")


# -- its processes ---------------------------------------------------------------


def began_by(pid: int, wall: float, root: Path = Path("/")) -> bool:
    """Return whether a process lives that began before some time, s since 1970, on this node."""
    try:
        words = (root / "proc" / str(pid) / "stat").read_text().rpartition(")")[2].split()
        up = float((root / "proc" / "uptime").read_text().split()[0])
        begun = time.time() - up + int(words[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return False
    return begun <= wall + _LATE and words[0] != "Z"
