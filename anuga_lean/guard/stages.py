"""Notes what this process holds at the end of each stage of a run, and its peak within it.

Owns the names of the stages and when one is over; the lines of the record are `record`'s, and
that other ranks' figures come to rank 0 is `stopping`'s.
"""

from __future__ import annotations

import os

from anuga_lean.guard.limits import KIB, fields

IMPORTS, DOMAIN, DISTRIBUTE, QUANTITIES, FIRST_YIELD, EVOLVE = STAGES = (
    "imports", "domain", "distribute", "quantities", "first yield", "evolve")
# What sets the largest resident memory of a process back to what it holds, and nothing else
# (proc(5)).
_RESET = "/proc/self/clear_refs", "5"


class StageMemory:
    """Memory of this process by stage, from the start of its guard on.

    Attributes
    ----------
    ended : dict
        By stage: bytes of ``rss``, ``peak``, ``pss`` and ``uss``, see `memory_of`; what cannot be
        read is not there.
    seconds : dict
        By stage: when it ended, s of the clock that `end` is given.
    has_peaks : bool
        Whether the peak of a stage can be told from that of the stages before.
    """

    def __init__(self) -> None:
        self.ended: dict[str, dict[str, int]] = {}
        self.seconds: dict[str, float] = {}
        # The peak of the first stage is that since the process began.
        self.has_peaks = os.path.exists("/proc") and _reset_peak(probing=True)

    def end(self, stage: str, now: float) -> None:
        """Note the end of a stage: all since the end before; one that goes on is put together."""
        found, before = memory_of(os.getpid()), self.ended.get(stage, {})
        if not self.has_peaks:
            found.pop("peak", None)
        elif "peak" in found:
            found["peak"] = max(found["peak"], before.get("peak", 0))
            _reset_peak()
        self.ended[stage], self.seconds[stage] = found, now


def _reset_peak(probing: bool = False) -> bool:
    """Begin a new peak of this process; `probing`, only say whether that can be done."""
    path, what = _RESET
    if probing:
        return os.access(path, os.W_OK)
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(what)
    except OSError:
        return False
    return True


def memory_of(pid: int) -> dict[str, int]:
    """Return RSS, its peak, PSS and USS of a process, bytes; what cannot be read is not there."""
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            status = fields(file.read(), KIB)
        found = {name: status[key] for name, key in (("rss", "VmRSS"), ("peak", "VmHWM"))
                 if key in status}
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as file:
            rollup = fields(file.read(), KIB)
        found.update(pss=rollup["Pss"],
                     uss=rollup["Private_Clean"] + rollup["Private_Dirty"])
    except (OSError, KeyError):
        pass    # the process has gone, or the kernel has no such file
    return found
