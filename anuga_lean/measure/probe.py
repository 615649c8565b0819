"""Reads what the Linux kernel says about a process's memory, in bytes.

Owns reading and resetting the counters under /proc.  Knows nothing of arrays
(arrays/census.py) nor of the order of a measurement (child.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from anuga_lean._errors import ProbeError

KIB = 1024


class Memory(NamedTuple):
    """Memory of one process.

    Attributes
    ----------
    rss : int
        Resident bytes, shared pages counted whole, pages of mapped files included.
    pss : int or None
        Resident bytes, every shared page divided by the number of its users.
    uss : int or None
        Resident bytes that no other process has mapped.
    peak_rss : int
        Largest `rss` since the start or since `reset_peak_rss`.

    Notes
    -----
    `rss`, `pss` and `uss` are sums over the page tables (smaps_rollup), exact
    to the page.  Where the kernel has no smaps_rollup (before 4.14) or hides
    it, `pss` and `uss` are None and `rss` is VmRSS of status, a counter that
    since Linux 6.2 is kept by processor: it lags by up to 128 KiB for each
    processor and kind of page (anonymous, file, shared memory), more beyond 16
    processors; newer kernels (6.18 here, and no difference was seen) add the
    processors up.  `peak_rss` has no exact source: the kernel compares the
    lagging counter only, and was up to 200 KiB below the true peak on two
    processors.  It is never given below `rss`.
    """

    rss: int
    pss: int | None
    uss: int | None
    peak_rss: int

    @property
    def shared(self) -> int | None:
        """Return the resident bytes that others have mapped, too; None if not known."""
        return None if self.uss is None else self.rss - self.uss


def read_memory(pid: int | str = "self", root: str | Path = "/") -> Memory:
    """Read the memory of a process.

    Parameters
    ----------
    pid : int or "self"
    root : path
        Folder under which ``proc`` lies; another one than ``/`` in tests.

    Raises
    ------
    ProbeError
        No such process, or no /proc here.
    """
    folder = Path(root) / "proc" / str(pid)
    try:
        status = _read_fields(folder / "status")
        rss, peak_rss = status["VmRSS"], status["VmHWM"]
    except (OSError, KeyError) as error:
        raise ProbeError(
            f"{folder / 'status'} gives no VmRSS and VmHWM; memory is measured on Linux only"
        ) from error
    pss = uss = None
    try:
        rollup = _read_fields(folder / "smaps_rollup")
        rss, pss = rollup["Rss"], rollup["Pss"]
        uss = rollup["Private_Clean"] + rollup["Private_Dirty"]
    except (OSError, KeyError):
        pass  # not there or not ours to read: what status says remains
    return Memory(rss, pss, uss, max(peak_rss, rss))


def reset_peak_rss(pid: int | str = "self", root: str | Path = "/") -> bool:
    """Set the peak of a process back to its present RSS; return False if not allowed."""
    try:
        # 5 is the one value that touches nothing but VmHWM (proc(5)).
        (Path(root) / "proc" / str(pid) / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def read_rss(pid: int, root: str | Path = "/") -> tuple[int, int] | None:
    """Return RSS of a process, and its peak since the start or the last reset; None if it has gone.

    Cheaper for that process than `read_memory`, which makes the kernel walk its pages.
    """
    try:
        fields = _read_fields(Path(root) / "proc" / str(pid) / "status")
    except OSError:
        return None
    return (fields["VmRSS"], fields["VmHWM"]) if "VmHWM" in fields else None


def read_available(root: str | Path = "/") -> int | None:
    """Return the bytes that can be taken without swapping; None where the kernel does not say."""
    try:
        return _read_fields(Path(root) / "proc" / "meminfo").get("MemAvailable")
    except OSError:
        return None


def family(pid: int, root: str | Path = "/") -> list[int]:
    """Return a process and all that it has started, as far as they live."""
    found, new = [], [pid]
    while new:
        pid = new.pop()
        found.append(pid)
        threads = Path(root) / "proc" / str(pid) / "task"
        try:
            names = os.listdir(threads)
        except OSError:
            continue    # that process has ended in between
        for name in names:
            try:
                new += [int(word) for word in (threads / name / "children").read_text().split()]
            except OSError:
                pass    # that thread has
    return found


def _read_fields(path: Path) -> dict[str, int]:
    """Return every ``Name: 123 kB`` line of a file, in bytes."""
    fields = {}
    for line in path.read_text().splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB":
            fields[name] = int(words[0]) * KIB
    return fields
