"""Chooses which member starts next, on which worker, such that memory is never overcommitted.

Owns the order (largest first) and the account of each worker's memory and cores.  It knows no
process and no file, so that a whole study can be played through in a test.
"""

from __future__ import annotations

from typing import NamedTuple


class Request(NamedTuple):
    """What a member asks for."""

    name: str
    nbytes: int
    cores: int


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


class Waiting:
    """The members that wait, by what they ask for.

    Those that ask for the same lie in one row, the first that came in front, so that choosing
    among ten thousand looks at a few rows only.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], dict[str, None]] = {}
        self._asks: dict[str, Request] = {}

    def __len__(self) -> int:
        return len(self._asks)

    def __contains__(self, name: str) -> bool:
        return name in self._asks

    def add(self, request: Request) -> None:
        """Let a member wait, or ask for something else than before."""
        if request.name in self._asks:
            self.remove(request.name)
        self._asks[request.name] = request
        self._rows.setdefault((request.nbytes, request.cores), {})[request.name] = None

    def remove(self, name: str) -> None:
        """Let a member wait no longer."""
        request = self._asks.pop(name)
        row = self._rows[request.nbytes, request.cores]
        del row[name]
        if not row:
            del self._rows[request.nbytes, request.cores]

    def names(self) -> list[str]:
        """Return the members that wait."""
        return list(self._asks)

    def rows(self) -> list[Request]:
        """Return what waiting members ask for, most memory first, each with the first in line."""
        return [Request(next(iter(self._rows[key])), *key)
                for key in sorted(self._rows, reverse=True)]


class Packing:
    """Starts the largest member that fits, and lets none wait for ever.

    Parameters
    ----------
    patience : float
        s that a member waits while smaller ones pass it; then the worker that has most free
        takes no other.

    Attributes
    ----------
    waiting : Waiting
    workers : dict of str to Worker
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.waiting = Waiting()
        self.workers: dict[str, Worker] = {}
        # By what is asked for, not by member: those in line for the same change their order.
        self._passed: dict[tuple[int, int], float] = {}     # since when smaller ones pass them
        self._kept: tuple[str, tuple[int, int]] | None = None   # a worker, and for whom

    def start_next(self, now: float) -> tuple[Worker, Request] | None:
        """Start the next member, if there is room for one; return where, and what it is given."""
        rows = self.waiting.rows()
        asked = {each[1:] for each in rows}
        self._passed = {key: since for key, since in self._passed.items() if key in asked}
        if self._kept is not None and (self._kept[0] not in self.workers
                                       or self._kept[1] not in asked):
            self._kept = None
        for request in rows:
            worker = self._room_for(request)
            if worker is None:
                self._note(request, now)
                continue
            self.waiting.remove(request.name)
            worker.start(request)
            self._passed.pop(request[1:], None)
            if self._kept is not None and self._kept[1] == request[1:]:
                self._kept = None
            return worker, request
        return None

    def _room_for(self, request: Request) -> Worker | None:
        """Return the worker with least memory to spare that has room for a member."""
        free = [each for each in self.workers.values() if each.has_room(request)
                and (self._kept is None or self._kept[0] != each.name
                     or self._kept[1] == request[1:])]
        return min(free, key=lambda each: each.free_nbytes, default=None)

    def _note(self, request: Request, now: float) -> None:
        """Keep a worker for a member that has been passed for too long."""
        since = self._passed.setdefault(request[1:], now)
        if self._kept is not None or now - since < self.patience:
            return
        able = [each for each in self.workers.values() if each.may_ever(request)]
        if able:
            worker = max(able, key=lambda each: (each.free_nbytes, each.free_cores))
            self._kept = (worker.name, request[1:])

    def too_large(self, request: Request) -> bool:
        """Whether no worker could ever run a member."""
        return not any(each.may_ever(request) for each in self.workers.values())
