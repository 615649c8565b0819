"""Chooses which member starts next, on which worker, such that memory is never overcommitted.

Owns the order (largest first) and the account of each worker's memory and cores.  It knows no
process and no file, so that a whole study can be played through in a test.
"""

from __future__ import annotations

from typing import NamedTuple

_FIRST = 0.5        # members of a size and above that are to run and do not: they come first,
_KEPT = 0.75        # and get the memory that becomes free


class Request(NamedTuple):
    """What a member asks for.

    Attributes
    ----------
    name : str
    nbytes, cores : int
    seconds : float
        How long it will run, as far as others tell.
    is_later : bool
        Whether it should wait for what another one is about to tell.
    """

    name: str
    nbytes: int
    cores: int
    seconds: float = 1.0
    is_later: bool = False


class Worker:
    """A place where members run.

    Parameters
    ----------
    name : str
    nbytes : int
        Memory that its members may take together.
    cores : int

    Attributes
    ----------
    running : dict of str to Request
    """

    def __init__(self, name: str, nbytes: int, cores: int) -> None:
        self.name, self.nbytes, self.cores = name, nbytes, cores
        self.running: dict[str, Request] = {}
        self.free_nbytes, self.free_cores = nbytes, cores

    def has_room(self, request: Request) -> bool:
        """Whether a member may start now."""
        return request.nbytes <= self.free_nbytes and request.cores <= self.free_cores

    def may_ever(self, request: Request) -> bool:
        """Whether it may start when nothing else runs."""
        return request.nbytes <= self.nbytes and request.cores <= self.cores

    def start(self, request: Request) -> None:
        """Take a member's memory and cores off the account."""
        self.running[request.name] = request
        self.free_nbytes -= request.nbytes
        self.free_cores -= request.cores

    def end(self, name: str) -> None:
        """Put them back."""
        request = self.running.pop(name)
        self.free_nbytes += request.nbytes
        self.free_cores += request.cores


class Row:
    """Members that wait and ask for the same, the first that came in front."""

    def __init__(self, nbytes: int, cores: int, is_later: bool) -> None:
        self.nbytes, self.cores, self.is_later = nbytes, cores, is_later
        self.seconds = 0.0      # of all together
        self.members: dict[str, Request] = {}

    @property
    def first(self) -> Request:
        """Return the first in line."""
        return next(iter(self.members.values()))


class Waiting:
    """The members that wait, in rows by what they ask for.

    So choosing among ten thousand looks at a few rows only.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[bool, int, int], Row] = {}
        self._asks: dict[str, Request] = {}

    def __len__(self) -> int:
        return len(self._asks)

    def __contains__(self, name: str) -> bool:
        return name in self._asks

    def add(self, request: Request) -> None:
        """Let a member wait, or ask for something else than before."""
        if request.name in self._asks:
            if self._asks[request.name] == request:
                return
            self.remove(request.name)
        self._asks[request.name] = request
        key = (not request.is_later, request.nbytes, request.cores)
        row = self._rows.setdefault(key, Row(*request[1:3], request.is_later))
        row.members[request.name] = request
        row.seconds += request.seconds

    def remove(self, name: str) -> None:
        """Let a member wait no longer."""
        request = self._asks.pop(name)
        key = (not request.is_later, request.nbytes, request.cores)
        row = self._rows[key]
        del row.members[name]
        row.seconds -= request.seconds
        if not row.members:
            del self._rows[key]

    def names(self) -> list[str]:
        """Return the members that wait."""
        return list(self._asks)

    def rows(self) -> list[Row]:
        """Return the rows: those that should wait last, else the most memory first."""
        return [self._rows[key] for key in sorted(self._rows, reverse=True)]


class Place(NamedTuple):
    """How a row stands to the others.

    Attributes
    ----------
    lack : float
        Members of its size and above that are to run, and do not.
    smaller, smaller_nbytes : int
        Members that wait and ask for less memory; what they ask for together.
    """

    lack: float
    smaller: int
    smaller_nbytes: int


class Packing:
    """Starts members such that no core is idle, now or at the end: the largest that fits first.

    Attributes
    ----------
    waiting : Waiting
    workers : dict of str to Worker

    Notes
    -----
    Memory becomes free in small pieces.  Were a piece always given to who fits, small members would
    take them all, and the large ones be left to the end, with idle cores beside them; were the
    largest always waited for, cores would be idle now.  So the largest that fits starts if it
    leaves the other cores memory for smaller ones, and at any rate while those of its size and
    above hold fewer cores than is the share of their work in the time that all work takes at least.
    If they hold many fewer, the next one gets the memory that becomes free.
    """

    def __init__(self) -> None:
        self.waiting = Waiting()
        self.workers: dict[str, Worker] = {}

    def start_next(self) -> tuple[Worker, Request] | None:
        """Start the next member, if there is room for one; return where, and what it is given."""
        if not any(each.free_cores for each in self.workers.values()):
            return None
        rows = self.waiting.rows()
        places = self._places(rows)
        kept: set[str] = set()      # workers, for those that wait for their memory
        left_over: tuple[Worker, Request] | None = None
        for row in rows:
            request, place = row.first, places[row.nbytes]
            lack = 0.0 if row.is_later else place.lack
            worker = self._room_for(request, kept)
            if worker is None:
                able = [each for each in self.workers.values()
                        if each.may_ever(request) and each.name not in kept]
                if lack >= _KEPT and able:
                    kept.add(max(able, key=lambda each: (each.free_nbytes, each.free_cores)).name)
            elif lack >= _FIRST or _leaves_room(worker, request, place):
                return self._start(worker, request)
            elif left_over is None:
                left_over = worker, request
        if left_over is None or left_over[0].name in kept:
            return None
        return self._start(*left_over)

    def _start(self, worker: Worker, request: Request) -> tuple[Worker, Request]:
        self.waiting.remove(request.name)
        worker.start(request)
        return worker, request

    def _places(self, rows: list[Row]) -> dict[int, Place]:
        """Return how rows stand to the others, by the bytes they ask for."""
        running = [each for worker in self.workers.values() for each in worker.running.values()]
        # Work: all the seconds of those that wait, half of them of those that run.
        work = sorted([(each.nbytes, each.cores * each.seconds, 0, len(each.members))
                       for each in rows]
                      + [(each.nbytes, each.cores * each.seconds / 2.0, each.cores, 0)
                         for each in running], reverse=True)
        nbytes = max(1, sum(each.nbytes for each in self.workers.values()))
        cores = max(1, sum(each.cores for each in self.workers.values()))
        wide = rows[0].cores if rows else 1     # all members of a study have as many
        left = max(sum(size * seconds for size, seconds, _, _ in work) / wide / nbytes,
                   sum(seconds for _, seconds, _, _ in work) / cores)
        smaller = len(self.waiting)
        smaller_nbytes = sum(size * count for size, _, _, count in work)
        lack, found = 0.0, {}
        for size, seconds, held, count in work:
            lack += (seconds / left - held) / wide
            smaller -= count
            smaller_nbytes -= size * count
            found[size] = Place(lack, smaller, smaller_nbytes)
        return found

    def _room_for(self, request: Request, kept: set[str]) -> Worker | None:
        """Return the worker with least memory to spare that has room for a member."""
        free = [each for each in self.workers.values()
                if each.has_room(request) and each.name not in kept]
        return min(free, key=lambda each: each.free_nbytes, default=None)

    def too_large(self, request: Request) -> bool:
        """Whether no worker could ever run a member."""
        return not any(each.may_ever(request) for each in self.workers.values())


def _leaves_room(worker: Worker, request: Request, place: Place) -> bool:
    """Whether a worker has memory for smaller members on the cores that one leaves it."""
    more = min((worker.free_cores - request.cores) // max(1, request.cores), place.smaller)
    return not more or worker.free_nbytes - request.nbytes \
        >= more * place.smaller_nbytes / place.smaller
