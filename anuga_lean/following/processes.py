"""Reads the memory of the processes of a run that live on this node, and tells its ranks.

Owns how often a process is asked for what costs it time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from anuga_lean._errors import CommandError
from anuga_lean.guard.limits import KIB, fields
from anuga_lean.guard.recorded import Sample
from anuga_lean.measure.probe import family

# The kernel walks through the page tables for PSS and USS, and the process waits where it needs
# another page meanwhile: at most so much of its time.
SHARE = 0.001
_RANK = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "MV2_COMM_WORLD_RANK")
_SLURM = ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE")


class Reader:
    """Reads RSS, its peak, PSS and USS of processes, the last two rarely.

    Parameters
    ----------
    root : Path
        Folder under which ``proc`` lies; another one than ``/`` in tests.
    clock : callable
        s, monotonic.
    """

    def __init__(self, root: Path = Path("/"),
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._clock = clock
        self._walks: dict[int, tuple[float, dict[str, int]]] = {}   # when the next is due, the last

    def read(self, pid: int) -> Sample | None:
        """Return the memory of a process; None if it has ended."""
        folder = self.root / "proc" / str(pid)
        try:
            status = fields((folder / "status").read_text(errors="replace"), KIB)
        except OSError:
            self._walks.pop(pid, None)
            return None
        if "VmRSS" not in status:
            return None     # it has ended, and its parent has not looked
        due, rollup = self._walks.get(pid, (0.0, {}))
        began = self._clock()
        if began >= due:
            try:
                rollup = fields((folder / "smaps_rollup").read_text(errors="replace"), KIB)
            except OSError:
                rollup = {}     # of another user, or of a kernel without
            ended = self._clock()
            self._walks[pid] = ended + (ended - began) / SHARE, rollup
        uss = sum(rollup[name] for name in ("Private_Clean", "Private_Dirty")) if rollup else None
        return Sample(status["VmRSS"], status.get("VmHWM"), rollup.get("Pss"), uss)

    def together(self, pids: Iterable[int]) -> Sample | None:
        """Return the memory of processes that do one rank's work; None if all have ended.

        The peak is the first one's: peaks of several moments have no sum.
        """
        found = [each for each in map(self.read, pids) if each is not None]
        if not found:
            return None

        def added(name: str) -> int | None:
            values = [getattr(each, name) for each in found]
            return None if None in values else sum(values)

        return Sample(added("rss"), found[0].peak, added("pss"), added("uss"))


def check_proc(root: Path) -> None:
    """Raise CommandError if this system does not say what a process holds."""
    if not (root / "proc" / "self" / "status").exists():
        raise CommandError("the memory of a process is read in /proc, which this system does not "
                           "have: name the record of a guarded run instead")


def name_of(pid: int, root: Path = Path("/")) -> str:
    """Return the name of a process; "" if it has ended."""
    try:
        return (root / "proc" / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def variables_of(pid: int, names: Iterable[str], root: Path = Path("/")) -> dict[str, str]:
    """Return some variables that a process was started with; none if it is another user's."""
    try:
        text = (root / "proc" / str(pid) / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return {}
    pairs = (each.partition("=") for each in text.split("\0"))
    wanted = set(names)
    return {name: value for name, _, value in pairs if name in wanted}


def slurm_of(pid: int, root: Path = Path("/")) -> dict[str, str]:
    """Return what Slurm has told a process of its memory."""
    return variables_of(pid, _SLURM, root)


def grouped(pid: int, root: Path = Path("/")) -> dict[str, list[int]]:
    """Return a process and all that it has started, by rank where a launcher has started them.

    Returns
    -------
    dict of str to list of int
        ``rank 0``, ...; the launcher, and what else is no rank, under its own name; one entry
        where there are no ranks.
    """
    ranks: dict[int, list[int]] = {}
    rest = []
    for each in family(pid, root):
        found = variables_of(each, _RANK, root)
        text = next((found[name] for name in _RANK if name in found), "")
        if text.isascii() and text.isdigit() and len(text) < 9:
            ranks.setdefault(int(text), []).append(each)
        elif (root / "proc" / str(each)).exists():
            rest.append(each)
    named = {f"rank {rank}": ranks[rank] for rank in sorted(ranks)}
    if rest:
        named[name_of(rest[0], root) or f"process {rest[0]}"] = rest
    return named
