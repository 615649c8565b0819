"""Keeps how each member ended and who runs it now, in files of the member's folder.

Owns `record.json`, written whole once a try has ended, and `lease.json`, which names the process
that runs the member and is touched while it does.  So a study that was killed knows what is
missing, and two that run at once run nothing twice.

A holder that can be asked for by its number is: one here.  Of another machine a lease counts that
changes: clocks of two machines differ, and that of one may jump.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from anuga_lean._errors import StudyError
from anuga_lean.studies.members import write_whole
from anuga_lean.studies.processes import began_of, kill_session

RECORD, LEASE = "record.json", "lease.json"
BEAT = 10.0         # s between two touches of a lease
STALE = 60.0        # s without one, as seen from here, after which another machine is given up


class End(str, Enum):
    """How a try of a member ended."""

    COMPLETED = "completed"
    STOPPED = "stopped"         # on request, with a set to go on from
    MEMORY = "memory"           # killed for memory, or refused it
    TIMEOUT = "timeout"
    FAILED = "failed"           # an error of the script
    KILLED = "killed"           # by nobody who says why
    LOST = "lost"               # its worker went away


class Finding(msgspec.Struct):
    """What `anuga_lean doctor` says of the end of a try.

    Attributes
    ----------
    cause : str
        The class, as docs/killed.md lists them.
    sure : str
        ``sure``, ``likely`` or ``not sure``.
    says : str
        The class as a sentence.
    because : list of str
        The lines that say so, each with its file in front.
    """

    cause: str
    sure: str
    says: str
    because: list[str]


class Try(msgspec.Struct):
    """One try of a member.

    Attributes
    ----------
    end : End
    exit_code : int or None
    nbytes : int
        Memory that it was given.
    peak : int or None
        Memory at most, as far as it was seen; bytes.
    seconds, cpu_seconds : float or None
        Wall time; CPU seconds of all its processes.
    began : float
        Seconds since 1970.
    where : str
        Machine, and worker.
    says : str
        One sentence of why it ended so, empty if it was completed.
    triangles : int or None
        Of the largest domain that it evolved.
    time : float or None
        Model time at which it stopped on request, s.
    again : str
        What this try was for, where it was not the first one.
    kills : int
        Processes that the kernel killed in its cgroup.
    printed : list of int
        Bytes that stdout.txt and stderr.txt had from tries before.
    finding : Finding or None
        Where it was not completed.
    """

    end: End
    exit_code: int | None
    nbytes: int
    peak: int | None
    seconds: float
    cpu_seconds: float | None
    began: float
    where: str
    says: str = ""
    triangles: int | None = None
    time: float | None = None
    again: str = ""
    kills: int = 0
    printed: list[int] = []
    finding: Finding | None = None


class Record(msgspec.Struct):
    """What is known of a member: its tries, and what its summary function returned."""

    name: str
    tries: list[Try]
    summary: dict[str, Any] | None = None
    format: int = 1

    @property
    def end(self) -> End:
        """Return how its last try ended."""
        return self.tries[-1].end

    @property
    def peak(self) -> int | None:
        """Return its memory at most in the last try that was completed, bytes."""
        return next((each.peak for each in reversed(self.tries) if each.end is End.COMPLETED),
                    None)


def read_record(folder: Path) -> Record | None:
    """Return the record in a member's folder, None if there is none.

    Raises
    ------
    StudyError
        The file holds something else.
    """
    path = folder / RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StudyError(f"{path} is no record of a member: {error}; delete it, and the member "
                         "runs again.") from error


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a member, whole or not at all."""
    write_whole(folder / RECORD, msgspec.json.format(msgspec.json.encode(record)).decode())


# -- leases ----------------------------------------------------------------------


class Lease(msgspec.Struct):
    """Who runs a member: a process by where numbers of processes mean the same, and when it began.
    """

    token: str
    where: str
    pid: int
    began: int
    sessions: list[int] = []


class Held:
    """A lease that this process holds.

    Parameters
    ----------
    folder : Path
        Of the member.
    lease : Lease
    """

    def __init__(self, folder: Path, lease: Lease) -> None:
        self.folder, self.lease = folder, lease

    def beat(self) -> bool:
        """Show that the member is still being run; False if somebody has taken the lease over.

        So it was when this process was stopped, or cut off from the folder, for too long.
        """
        try:
            with locked(self.folder):
                if not self._is_ours():
                    return False
                os.utime(self.folder / LEASE)
        except OSError:     # a file system that does not answer now
            pass
        return True

    def session(self, number: int) -> None:
        """Note a session of processes that die with the holder, or are killed by the next one."""
        self.lease.sessions.append(number)
        with locked(self.folder):
            if self._is_ours():
                write_whole(self.folder / LEASE, msgspec.json.encode(self.lease).decode())

    def kill_sessions(self) -> None:
        """Kill what is left of the sessions."""
        for number in self.lease.sessions:
            kill_session(number, self.lease.began)

    def give_back(self) -> None:
        """End the lease, unless somebody has taken it over."""
        with locked(self.folder):
            if self._is_ours():
                (self.folder / LEASE).unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        found = _lease(self.folder)
        return found is not None and found.token == self.lease.token


def take(folder: Path) -> Held | None:
    """Take the lease of a member; None while somebody has it.

    What a holder that has ended has left running here is killed.
    """
    with locked(folder):
        found = _lease(folder)
        if found is not None:
            if found.where != _here() or _is_alive(found):
                return None
            Held(folder, found).kill_sessions()
        for left in folder.glob(".*.json*.part"):   # of a process that was killed while it wrote
            left.unlink(missing_ok=True)
        mine = Lease(uuid.uuid4().hex, _here(), os.getpid(), began_of(os.getpid()))
        write_whole(folder / LEASE, msgspec.json.encode(mine).decode())
    return Held(folder, mine)


def _lease(folder: Path) -> Lease | None:
    try:
        return msgspec.json.decode((folder / LEASE).read_bytes(), type=Lease)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _here() -> str:
    """Return what is the same for processes that know each other by number."""
    found = [os.uname().nodename]
    with contextlib.suppress(OSError):
        found.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        found.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(found)


def _is_alive(lease: Lease) -> bool:
    return began_of(lease.pid) == lease.began != 0


def is_running(folder: Path) -> bool:
    """Whether somebody runs a member now, as a look at its files says."""
    try:
        found = _lease(folder)
        if found is None or found.where == _here():
            return found is not None and _is_alive(found)
        return time.time() - (folder / LEASE).stat().st_mtime < STALE
    except OSError:
        return False


class Watch:
    """Looks at leases again and again, and ends those of another machine that no longer change."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[str, int, float]] = {}     # token, time of the file, since

    def is_free(self, folder: Path) -> bool:
        """Whether nobody runs a member."""
        try:
            with locked(folder):
                found = _lease(folder)
                if found is None:
                    return True
                if found.where == _here():
                    return not _is_alive(found)
                touched = (folder / LEASE).stat().st_mtime_ns
                now = time.monotonic()
                token, before, since = self._seen.get(folder, ("", 0, now))
                if (token, before) != (found.token, touched):
                    self._seen[folder] = found.token, touched, now
                    return False
                if now - since < STALE:
                    return False
                (folder / LEASE).unlink(missing_ok=True)
        except FileNotFoundError:       # the folder has not been made
            return True
        except OSError:     # a file system that does not answer now
            return False
        del self._seen[folder]
        return True


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a file lock over the leases of all members beside this one."""
    with open(folder.parent / ".leases", "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
