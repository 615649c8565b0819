"""Says where members run: threads of this process, or the workers of a Dask scheduler.

Owns the few calls of Dask that a study needs, with Dask's own policies on memory and retries
switched off, so that there is one policy.  Which member starts where is `packing`'s.
"""

from __future__ import annotations

import logging
import math
import os
import queue
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import msgspec

from anuga_lean._errors import StudyError
from anuga_lean.guard.limits import Limits
from anuga_lean.studies.launching import USED, Order, end_members, run_member, used_now
from anuga_lean.studies.packing import Request, Worker
from anuga_lean.studies.processes import age_of

MIB = 1 << 20
RESERVE = 0.1       # of what is free, for the rest of the machine
_SCHEDULER_AWAY = 30.0      # s in which it has to answer, or to come back
SOONEST = 60.0      # s before a worker's end in which no member starts
Ended = tuple[str, BaseException | None]      # a member, and what kept it from being run


class Engine(Protocol):
    """A place where members run."""

    def workers(self) -> list[Worker]:
        """Return the workers that are there now; one keeps its account as long as it lives."""

    def submit(self, worker: Worker, order: Order, threads: int) -> None:
        """Start a member on a worker."""

    def wait(self, seconds: float) -> list[Ended]:
        """Return the members that have ended, whose records say how; wait for the first."""

    def ask_for(self, waiting: int) -> None:
        """Have workers for the members that wait."""

    def may_start(self, request: Request) -> bool:
        """Whether a larger worker can be had for a member that none has room for."""

    def most(self) -> int:
        """Return the bytes of the largest worker that there is, or could be."""

    def used(self) -> dict[str, int]:
        """Return the bytes that members hold now, by worker, where that is known."""

    def close(self) -> None:
        """End what runs, and the workers that this engine has started."""


def free_memory() -> tuple[int, str]:
    """Return the bytes that this process and its children may still take, and whose limit it is."""
    limits = Limits({})
    levels = limits.read()
    limits.close()
    if not levels:
        raise StudyError("how much memory is free cannot be read here (no /proc/meminfo, no "
                         "cgroup): give --memory.")
    tight = min(levels, key=lambda each: each.limit - each.used)
    return tight.limit - tight.used, tight.who


class Jobs(msgspec.Struct):
    """The jobs that a study may have.

    Attributes
    ----------
    count : int
        At once.
    nbytes : int
        Memory of a job.
    cores : int
    seconds : float
        Time limit of a job.
    largest : int or None
        Memory of a job for a member that needs more, at most; that of the largest node if left
        out.
    partition : str or None
    directives : list of str
        Further ones for the job files, e.g. ``--account=hydro``.
    """

    count: int
    nbytes: int
    cores: int
    seconds: float
    largest: int | None = None
    partition: str | None = None
    directives: list[str] = []


class Local:
    """Members run on this machine, driven by threads of this process.

    Parameters
    ----------
    nbytes : int or None
        Memory for all members together; nine tenths of what is free if left out.
    cores : int or None
    """

    def __init__(self, nbytes: int | None = None, cores: int | None = None) -> None:
        if sys.platform != "linux":
            raise StudyError("members of a study are started and watched by what only Linux has "
                             "(prctl, /proc): run the study there, or on workers of --on.")
        if nbytes is None:
            nbytes = int((1.0 - RESERVE) * free_memory()[0])
        cores = cores or len(os.sched_getaffinity(0))
        self._worker = Worker(os.uname().nodename, nbytes, cores)
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="member")
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._closing = threading.Event()

    def workers(self) -> list[Worker]:
        """Return this machine."""
        return [self._worker]

    def submit(self, worker: Worker, order: Order, threads: int) -> None:
        """Start a member."""
        future: Future[None] = self._threads.submit(
            run_member, order, threads, self._closing.is_set)
        future.add_done_callback(
            lambda done: self._ended.put((order.job.name, done.exception())))

    def wait(self, seconds: float) -> list[Ended]:
        """Return the members that have ended."""
        found = []
        try:
            found.append(self._ended.get(timeout=seconds))
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            return found

    def ask_for(self, waiting: int) -> None:
        """Do nothing: this machine is all there is."""

    def may_start(self, request: Request) -> bool:
        """Return False."""
        return False

    def most(self) -> int:
        """Return the bytes of this machine's members together."""
        return self._worker.nbytes

    def used(self) -> dict[str, int]:
        """Return what the members of this process hold."""
        return {self._worker.name: used_now()}

    def close(self) -> None:
        """End what runs, and the threads."""
        self._closing.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        end_members()
        self._threads.shutdown(wait=True)


def quiet_dask() -> Any:
    """Import Dask with its own policies on memory, retries and lost workers switched off."""
    try:
        import dask
        import distributed
    except ImportError as error:
        raise StudyError(f"{error.name or 'dask'} is not installed: pip install "
                         "'anuga_lean[study]'.") from error
    dask.config.set({
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.work-stealing": False,
        "distributed.worker.memory.target": False, "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False, "distributed.worker.memory.terminate": False,
    })
    # Of a scheduler that goes away a study says one sentence itself.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    return distributed


class Dask:
    """Members run on the workers of a Dask scheduler.

    Parameters
    ----------
    address : str or cluster of Dask's
    folder : Path
        What each worker has to see under the same path.

    Notes
    -----
    A worker's memory and cores are what it offers as the resources ``MEMORY`` (bytes) and
    ``CORES``; one that offers none is asked for its own machine's.  One that was started with a
    lifetime, or in a job of Slurm, says when it ends: members are told, and none starts shortly
    before.
    """

    def __init__(self, address: Any, folder: Path) -> None:
        distributed = quiet_dask()
        try:
            self._client = distributed.Client(address, timeout=_SCHEDULER_AWAY)
        except (OSError, TimeoutError, ValueError) as error:    # ValueError: of the address
            raise StudyError(f"no Dask scheduler answers at {address}: start 'dask scheduler' and "
                             f"'dask worker', or name another address ({error}).") from error
        self._folder, self._address = str(folder), getattr(address, "scheduler_address", address)
        self._futures: dict[Any, tuple[str, str]] = {}
        self._offers: dict[str, dict[str, float]] = {}
        self.ends: dict[str, float] = {}    # of a worker, or the job that it is in, s since 1970
        self._lost: list[Ended] = []
        self._known: dict[str, Worker] = {}
        self._used: dict[str, int] = {}
        self._away_since: float | None = None
        self._client.subscribe_topic(USED, self._heard)
        self._as_completed = distributed.as_completed(with_results=False)

    def workers(self) -> list[Worker]:
        """Return the scheduler's workers that have time left for a member, or run some.

        Raises
        ------
        StudyError
            The scheduler does not come back, or a worker cannot run members.
        """
        there = self._there()
        new = [address for address in there if address not in self._known]
        if new:
            for address, found in self._asked(new).items():
                if not isinstance(found, tuple):
                    raise StudyError(f"the Dask worker {address} cannot run members: {found}; it "
                                     "needs anuga_lean, and the study's folder at the same path.")
                if found[2] is not None:
                    self.ends[address] = found[2]
                offers = self._offers[address] = dict(there[address].get("resources") or {})
                self._known[address] = Worker(
                    address, int(offers.get("MEMORY") or found[0]),
                    int(offers.get("CORES", there[address]["nthreads"])))
        gone = set(self._known) - set(there)
        for address in gone:
            del self._known[address]
            self._offers.pop(address, None)
            self.ends.pop(address, None)
        # Dask would let these wait for a worker of that address, or begin them elsewhere.
        for future, (name, address) in list(self._futures.items()):
            if address in gone:
                del self._futures[future]
                self._lost.append((name, RuntimeError(f"{address} is gone")))
                future.cancel()
        now = time.time()
        return [each for each in self._known.values()
                if each.running or self.ends.get(each.name, math.inf) - now > SOONEST]

    def _there(self) -> dict[str, Any]:
        """Return what the scheduler says of its workers; none while it is away.

        A client connects again by itself, for half a minute, and says until then what it knew.
        One that lost the scheduler while it did so connects for ever.
        """
        if self._client.status == "running":
            if self._away_since is not None:
                self._away_since = None
                self._client.subscribe_topic(USED, self._heard)
            found = self._client.scheduler_info(n_workers=-1)
            workers: dict[str, Any] = found.get("workers", {})
            # A client asks for itself, too, every 2 s, for none or five of the workers, and what
            # it was told last is the answer: those that it leaves out are not gone.
            if len(workers) < found.get("n_workers", 0):
                return {name: {} for name in self._known} | workers
            if self._client.status == "running":
                return workers
        now = time.monotonic()
        self._away_since = self._away_since or now
        if self._client.status in ("closing", "closed") or \
                now - self._away_since > 2.0 * _SCHEDULER_AWAY:
            raise StudyError(
                f"the Dask scheduler at {self._address} went away and did not come back in "
                f"{_SCHEDULER_AWAY:.0f} s: start it and its workers, and type 'anuga_lean study "
                "resume'.")
        return {}

    def _asked(self, workers: list[str]) -> dict[str, Any]:
        """Return what workers offer; one that goes away meanwhile is left out."""
        try:
            found = self._client.run(_offered, self._folder, workers=workers, on_error="return")
        except OSError:     # the scheduler is gone
            return {}
        # What goes wrong at the worker comes as a text; an OSError is of the way to it.
        return {address: each for address, each in found.items()
                if not isinstance(each, OSError | TimeoutError)}

    def submit(self, worker: Worker, order: Order, threads: int) -> None:
        """Start a member on a worker."""
        order.end = self.ends.get(worker.name)
        asks = {"MEMORY": order.nbytes, "CORES": order.job.ranks * threads}
        future = self._client.submit(
            run_member, order, threads, workers=[worker.name], allow_other_workers=False,
            pure=False, retries=0, key=f"{order.job.name}-{os.urandom(4).hex()}",
            # two studies on one scheduler share what its workers offer
            resources={name: asks[name] for name in asks if name in self._offers[worker.name]})
        self._futures[future] = (order.job.name, worker.name)
        self._as_completed.add(future)

    def wait(self, seconds: float) -> list[Ended]:
        """Return the members that have ended.

        Their results stay where they are: one that was on a worker that dies meanwhile would be
        waited for, for ever.
        """
        until = time.monotonic() + seconds
        found, self._lost = self._lost, []
        while not found:
            for future in self._as_completed.next_batch(block=False):
                if future not in self._futures:
                    continue
                name, _ = self._futures.pop(future)
                error = future.exception() if future.status == "error" else None
                if future.status in ("cancelled", "lost"):
                    error = RuntimeError(f"Dask has {future.status} it")
                found.append((name, error))
            if time.monotonic() > until:
                break
            if not found:
                time.sleep(0.02)
        return found

    def ask_for(self, waiting: int) -> None:
        """Do nothing: workers come and go as others start them."""

    def may_start(self, request: Request) -> bool:
        """Return False."""
        return False

    def most(self) -> int:
        """Return the bytes of the largest worker."""
        return max((each.nbytes for each in self._known.values()), default=0)

    def used(self) -> dict[str, int]:
        """Return what members hold, as their workers have said it last: no worker is waited for."""
        return {name: self._used[name] for name in self._known if name in self._used}

    def _heard(self, event: tuple[float, Any]) -> None:
        address, held = event[1]
        self._used[address] = held

    def close(self) -> None:
        """Leave the scheduler; what runs there ends with its worker."""
        self._client.close()


def _offered(folder: str, dask_worker: Any = None) -> tuple[int, str, float | None] | str:
    """Return what a worker offers, or what is wrong with it."""
    try:
        return _offer(folder, dask_worker)
    except (OSError, StudyError) as error:
        return str(error)


def _offer(folder: str, dask_worker: Any = None) -> tuple[int, str, float | None]:
    """Return a worker's memory, its machine, and when it ends, if it can run members.

    Parameters
    ----------
    folder : str
        Of the study.
    dask_worker : Worker
        Dask gives it.
    """
    from anuga_lean.guard.starting import slurm_end

    if not Path(folder).is_dir():
        raise FileNotFoundError(f"there is no folder {folder} on this machine")
    ends = [slurm_end(os.environ)]
    lifetime = getattr(dask_worker, "lifetime", None)
    if lifetime:    # counted from a little after this
        ends.append(time.time() - age_of(os.getpid()) + lifetime)
    return (int((1.0 - RESERVE) * free_memory()[0]), os.uname().nodename,
            min((each for each in ends if each is not None), default=None))
