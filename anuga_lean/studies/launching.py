"""Runs one member to its end: its lease, its limit, its process, its record.

Owns what a worker does, on whichever machine; `spawner` starts the process, `outcomes` says how it
ended, `ends` whether there is another try.
"""

from __future__ import annotations

import atexit
import contextlib
import fnmatch
import functools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from anuga_lean._errors import StudyError
from anuga_lean.guard.limits import cgroup_folders
from anuga_lean.guard.recorded import event_of
from anuga_lean.studies import records
from anuga_lean.studies.findings import finding, how_again
from anuga_lean.studies.member import ENDED, JOB, RESULT, Job
from anuga_lean.studies.outcomes import (
    RUN,
    end_of,
    has_ended,
    left_over,
    peak_of,
    result_of,
    stop_of,
    triangles_of,
)
from anuga_lean.studies.processes import began_of, processes_of
from anuga_lean.studies.records import End, Record, Try

MIB = 1 << 20
# What a process may ask of the kernel beyond what it will touch: stacks of threads, arenas.
BEYOND = 128 * MIB
_GONE = "the process that had started it was killed"
_LOOK = 1.0         # s between two looks at memory, lease and deadline
_OURS = {JOB, RESULT, ENDED, records.RECORD, records.LEASE, "parameters.json", "stdout.txt",
         "stderr.txt", RUN}


class Order(msgspec.Struct):
    """A member, and what a worker is to do with it.

    Attributes
    ----------
    job : Job
    nbytes : int
        What it is given.
    timeout : float or None
        s of wall time.
    keep : list of str or None
        Patterns of the files that stay once it is completed.
    end : float or None
        When the worker ends with its job, s since 1970.
    """

    job: Job
    nbytes: int
    timeout: float | None = None
    keep: list[str] | None = None
    end: float | None = None


class Spawned:
    """A spawner, and what it says of each member.

    Raises
    ------
    StudyError
        It cannot load ANUGA.
    """

    def __init__(self, preload: bool, threads: int) -> None:
        command = [sys.executable, "-m", "anuga_lean.studies.spawner"]
        self._process = subprocess.Popen(
            command + (["--preload"] if preload else []), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True,
            cwd="/",    # python -m looks for modules there first
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "ANUGA_LEAN": "0"})
        assert self._process.stdout is not None
        first = event_of(self._process.stdout.readline().decode("utf-8", "replace"))
        if not first.get("ready"):
            self._process.communicate()
            raise StudyError("no member can be started: the process that loads ANUGA for them "
                             f"ended with {first.get('failed', 'no word')}.")
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.Queue[dict[str, Any]]] = {}
        self.is_alive, self.is_closing = True, False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        atexit.register(self.close)

    def start(self, name: str, job_file: Path) -> queue.Queue[dict[str, Any]]:
        """Start a member; return where its beginning and its end will be told."""
        told: queue.Queue[dict[str, Any]] = queue.Queue()
        with self._lock:
            if not self.is_alive:
                told.put({"lost": _GONE})
                return told
            self._waiting[name] = told
            self._tell({"name": name, "job": str(job_file)})
        return told

    def kill(self, name: str) -> None:
        """Kill all processes of a member."""
        with self._lock:
            self._tell({"kill": name})

    def _tell(self, order: dict[str, str]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                fact = json.loads(line)
                with self._lock:
                    told = self._waiting.get(fact["name"])
                    if "exit_code" in fact or "lost" in fact:
                        self._waiting.pop(fact["name"], None)
                if told is not None:
                    told.put(fact)
        with self._lock:
            self.is_alive = False
            for told in self._waiting.values():
                told.put({"lost": _GONE})
            self._waiting.clear()

    def close(self) -> None:
        """End the spawner and every member that it has started."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self.is_closing = True
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process.wait()
        self._listener.join()
        atexit.unregister(self.close)


_spawned: dict[tuple[bool, int], Spawned] = {}
_spawning = threading.Lock()


def spawner(preload: bool, threads: int,
            is_closing: Callable[[], bool] = lambda: False) -> Spawned | None:
    """Return this process's spawner of a kind, a new one where there is none alive.

    None if whoever calls is to start no member any more: one that began after `end_members` would
    be waited for.
    """
    with _spawning:
        if is_closing():
            return None
        found = _spawned.get((preload, threads))
        if found is None or not found.is_alive:
            found = _spawned[preload, threads] = Spawned(preload, threads)
        return found


def end_members() -> None:
    """Kill the members that this process runs; no try of theirs is recorded."""
    with _spawning:
        for each in _spawned.values():
            each.close()
        _spawned.clear()


def run_member(order: Order, threads: int,
               is_closing: Callable[[], bool] = lambda: False) -> None:
    """Run a member until a try has ended, and write its record.

    A member that is completed already, and one that somebody else runs, is left alone.

    Parameters
    ----------
    order : Order
    threads : int
        OpenMP threads.
    is_closing : callable
        Whether no member is to start any more.

    Raises
    ------
    StudyError
        Its folder cannot be written.
    """
    folder = Path(order.job.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lease = records.take(folder)
        if lease is None:
            return
        try:
            record = records.read_record(folder) or Record(order.job.name, [])
            if record.tries and record.end is End.COMPLETED:
                return
            found = left_over(folder, order.job.ranks, record)
            if found is not None:
                _record(order, folder, record, found)
            else:
                _try(order, folder, threads, lease, record, is_closing)
        finally:
            lease.give_back()
    except OSError as error:
        raise StudyError(f"the folder {folder} of member {order.job.name} cannot be written: "
                         f"{error.strerror or error}"
                         + (f": {error.filename}." if error.filename else ".")) from error


def _try(order: Order, folder: Path, threads: int, lease: records.Held, record: Record,
         is_closing: Callable[[], bool]) -> None:
    began, clock = time.time(), time.monotonic()
    job = order.job
    hand = spawner(job.preloaded, threads, is_closing)
    if hand is None:
        return
    job.nbytes = order.nbytes
    _tell_the_end(job, order.end, began)
    job.is_ended = job.ranks == 1 and result_of(folder, ENDED) is not None
    group = make_cgroup(job.name, order.nbytes)
    job.cgroup = None if group is None else str(group)
    job.data_limit = order.nbytes + BEYOND if group is None and job.ranks == 1 else None
    (folder / RESULT).unlink(missing_ok=True)
    printed = [_size(folder / "stdout.txt"), _size(folder / "stderr.txt")]
    (folder / JOB).write_bytes(msgspec.json.encode(job))
    (folder / "parameters.json").write_text(json.dumps(job.parameters), encoding="utf-8")
    told = hand.start(job.name, folder / JOB)
    watched = _watching[job.name] = _Watched(order, hand, group)
    fact: dict[str, Any] = {}
    beat, is_ours = clock, True
    while not ("exit_code" in fact or "lost" in fact):
        try:
            fact = told.get(timeout=_LOOK)
        except queue.Empty:
            watched.look(time.monotonic() - clock)
        if "pid" in fact and watched.session is None:
            watched.session = fact["pid"]
            lease.session(fact["pid"])
        if time.monotonic() - beat > records.BEAT:
            beat = time.monotonic()
            is_ours = lease.beat()
            if not is_ours:
                hand.kill(job.name)
            _tell_used()
    del _watching[job.name]
    _tell_used()
    if "lost" in fact:      # what its script has started itself is still there
        lease.kill_sessions()
    killed, used = (0, None) if group is None else end_cgroup(group)
    result = result_of(folder)
    if "lost" in fact and hand.is_closing and not has_ended(result, job, None):
        return
    if not (is_ours and lease.beat()):      # the record is that of who runs it now
        return
    seen = peak_of(folder, result)
    taken = (seen,) if job.is_ended else (used, seen)     # the summary's own is less
    peak = min((each for each in taken if each), default=used or watched.peak or None)
    end, says = end_of(fact, result, killed, job, watched.why)
    last = Try(
        end, fact.get("exit_code"), order.nbytes, peak, round(time.monotonic() - clock, 3),
        fact.get("cpu_seconds"), began, os.uname().nodename, says,
        triangles_of(folder, result),
        stop_of(folder).get("time") if end is End.STOPPED else None,
        how_again(record.tries, order.nbytes), killed, printed)
    last.finding = finding(folder, last)
    _record(order, folder, record, last)


def _tell_the_end(job: Job, end: float | None, now: float) -> None:
    """Have a guarded member stop, with a set, before its worker ends with its job."""
    if end is None or not job.options:
        return
    job.options += ["--walltime", f"{max(1, int(end - now))}s"]
    # Otherwise the guard of each member asks squeue.
    if "SLURM_JOB_ID" in os.environ:
        job.environment.setdefault("SLURM_JOB_END_TIME", f"{int(end)}")


def _record(order: Order, folder: Path, record: Record, last: Try) -> None:
    """Write the record of a member with its last try.

    In this order: wherever this process is killed, a member that is completed is found to be so.
    """
    record.tries.append(last)
    if last.end is End.COMPLETED:
        result = result_of(folder)
        record.summary = result.summary if result else None
        _clear(folder, order.keep)
    else:
        (folder / RESULT).unlink(missing_ok=True)
        if last.end is End.FAILED:      # what it lacks may be the script's
            (folder / ENDED).unlink(missing_ok=True)
    records.write_record(folder, record)
    if last.end is End.COMPLETED:
        for name in (RESULT, ENDED, JOB):
            (folder / name).unlink(missing_ok=True)


class _Watched:
    """What is seen of a member while it runs."""

    def __init__(self, order: Order, hand: Spawned, group: Path | None) -> None:
        self._order, self._hand, self._group = order, hand, group
        self.session: int | None = None
        self.peak = self._held = 0
        self.is_late = self.is_fat = False

    def look(self, seconds: float) -> None:
        """Note its memory, and kill it if it is late or, with no cgroup, far over its limit."""
        if self.session is None:
            return
        if self._group is None:
            self._held = sum(_pss(pid) for pid in processes_of(self.session))
            self.peak = max(self.peak, self._held)
            self.is_fat = self._held > 1.1 * self._order.nbytes
        self.is_late = self._order.timeout is not None and seconds > self._order.timeout
        if self.is_late or self.is_fat:
            self._hand.kill(self._order.job.name)

    @property
    def why(self) -> tuple[End, str] | None:
        """Return why it was killed here; None if it was not."""
        if self.is_late:
            return End.TIMEOUT, f"it ran longer than {self._order.timeout:g} s"
        if self.is_fat:
            return End.MEMORY, (f"it was killed at {self.peak / MIB:,.0f} MiB, beyond its limit of "
                                f"{self._order.nbytes / MIB:,.0f} MiB")
        return None

    def held(self) -> int:
        """Return the bytes that it holds, cached files of its cgroup among them."""
        if self._group is not None:
            for name in _USAGE:
                with contextlib.suppress(OSError, ValueError):
                    return int((self._group / name).read_text())
        return self._held


_watching: dict[str, _Watched] = {}     # the members that this process runs
_USAGE = ("memory.current", "memory.usage_in_bytes")
USED = "anuga_lean_used"    # the topic under which a worker of Dask's says what its members hold


def used_now() -> int:
    """Return the bytes that the members of this process hold."""
    return sum(each.held() for each in list(_watching.values()))


def _tell_used() -> None:
    """Say what members hold, where this process is a worker of Dask's."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return
    with contextlib.suppress(ValueError):       # no worker
        worker = distributed.get_worker()
        worker.log_event(USED, (worker.address, used_now()))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _clear(folder: Path, keep: list[str] | None) -> None:
    """Delete the files of a completed member that are not to stay."""
    if keep is None:
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):      # holds a file that stays
                path.rmdir()
        elif name not in _OURS and not any(fnmatch.fnmatch(name, each) for each in keep):
            path.unlink(missing_ok=True)


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines()
                 if line.startswith("Pss:")), 0)


# -- cgroups ---------------------------------------------------------------------


def _home() -> tuple[Path, int] | None:
    """Return a cgroup of ours under which members get theirs, and its version."""
    with _making_home:      # members begin in several threads
        return _made_home()


_making_home = threading.Lock()


@functools.cache
def _made_home() -> tuple[Path, int] | None:
    for folder, _, version in cgroup_folders(Path("/"))[:1]:
        home = folder / f"{_HOME}{os.getpid()}"
        _remove_left_over(folder)
        try:
            home.mkdir(exist_ok=True)
            probe = home / "probe"
            probe.mkdir()
            able = (probe / _NAMES[version][0]).exists()
            probe.rmdir()
        except OSError:
            shutil.rmtree(home, ignore_errors=True)
            continue
        if able:
            atexit.register(_remove, home)
            return home, version
        _remove(home)
    return None


def _remove_left_over(folder: Path) -> None:
    """Remove the cgroups of processes that were killed."""
    for home in folder.glob(f"{_HOME}*"):
        pid = home.name.removeprefix(_HOME)
        if pid.isdigit() and not began_of(int(pid)):
            with contextlib.suppress(FileNotFoundError):    # another worker removes it, too
                for each in [*home.iterdir(), home]:
                    if each.is_dir():
                        _remove(each)


_HOME = "anuga_lean_"   # and the number of the process
_NAMES = {1: ("memory.limit_in_bytes", "memory.oom_control", "memory.max_usage_in_bytes"),
          2: ("memory.max", "memory.events", "memory.peak")}


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def make_cgroup(name: str, nbytes: int) -> Path | None:
    """Make a cgroup with a limit for a member, None where this process may not."""
    found = _home()
    if found is None:
        return None
    folder, version = found[0] / name, found[1]
    try:
        folder.mkdir(exist_ok=True)
        (folder / _NAMES[version][0]).write_text(str(nbytes), encoding="ascii")
        if version == 2:
            with contextlib.suppress(OSError):      # a kernel without swap accounting
                (folder / "memory.swap.max").write_text("0", encoding="ascii")
    except OSError:
        _remove(folder)
        return None
    return folder


def end_cgroup(folder: Path) -> tuple[int, int | None]:
    """Remove a member's cgroup; return how many the kernel killed in it, and its peak, bytes."""
    version = 2 if (folder / "memory.events").exists() else 1
    _, events, peak = _NAMES[version]
    killed, most = 0, None
    with contextlib.suppress(OSError, ValueError):
        words = (folder / events).read_text().split()
        killed = int(dict(zip(words[::2], words[1::2], strict=False)).get("oom_kill", 0))
    with contextlib.suppress(OSError, ValueError):
        most = int((folder / peak).read_text())
    for _ in range(50):     # a process that was killed leaves it a little later
        try:
            folder.rmdir()
            break
        except OSError:
            time.sleep(0.01)
    return killed, most
