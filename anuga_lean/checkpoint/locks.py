"""Keeps a second process from writing sets under the same names into the same folder.

The lock is the system's, of a file `.NAME.lock`: it ends with the process, however that ends, so
that a file left behind locks nothing.  It belongs to the process: domains of one name may follow
each other in it.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass
class _Held:
    descriptor: int
    process: int
    count: int = 1

    def is_of(self, path: Path) -> bool:
        """Whether this process has the lock of the file that is there now."""
        return self.process == os.getpid() and _is_file(self.descriptor, path)


_held: dict[Path, _Held] = {}


def acquire(path: Path) -> str | None:
    """Take a lock, or say which process has it.

    Parameters
    ----------
    path : Path
        Absolute.  No other code may open it: POSIX drops a lock when any descriptor of the file
        is closed.

    Returns
    -------
    str or None
        None: it is taken, or the file system has no locks, or it cannot be used at all, which
        writing a set will say.
    """
    held = _held.get(path)
    if held is not None and held.is_of(path):
        held.count += 1
        return None
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError:
            return None
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            who = os.pread(descriptor, 200, 0).decode(errors="replace")
            os.close(descriptor)
            return who if who.isprintable() and who else "another process"
        except OSError:
            os.close(descriptor)
            return None
        if _is_file(descriptor, path):
            break
        os.close(descriptor)    # who held it has removed the file meanwhile
    os.ftruncate(descriptor, 0)
    with suppress(OSError):     # a full disk: the lock holds without the text
        os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
    _held[path] = _Held(descriptor, os.getpid())
    return None


def release(path: Path) -> None:
    """Give a lock back; the last of the process's domains removes the file."""
    held = _held.get(path)
    if held is None or held.process != os.getpid():
        return
    held.count -= 1
    if held.count == 0:
        del _held[path]
        if _is_file(held.descriptor, path):
            with suppress(OSError):     # the folder is closed by now: an unlocked file stays
                path.unlink()
        os.close(held.descriptor)


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether a descriptor is of the file that is there now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False
