"""Reads how much of each memory limit over this process is taken.

Owns which limits there are (cgroups of both versions, up to the root; the machine; a limit on
this process; what Slurm says where it set no cgroup) and what counts against them: memory that
the kernel cannot take back, so not the pages of files.  What is done about it is the watch's.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB
# The kernel's word for "no limit" in version 1 is the largest number of whole pages.
UNLIMITED = 1 << 60


class Level(NamedTuple):
    """How much of a limit is taken.

    Attributes
    ----------
    who : str
        Whose limit it is, as a reader can look it up: ``cgroup /job_34``, ``this machine``.
    used : int
        Bytes that cannot be reclaimed.
    limit : int
        Bytes.
    """

    who: str
    used: int
    limit: int

    @property
    def fraction(self) -> float:
        """Return the share of the limit that is taken, 0.0 to 1.0 and a little beyond."""
        return self.used / self.limit

    def __str__(self) -> str:
        return (f"{self.used / MIB:,.0f} of {self.limit / MIB:,.0f} MiB ({self.fraction:.0%}) of "
                f"{self.who}")


class _File:
    """A file of the kernel's that stays open: reading it again costs a tenth of opening it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> str:
        return os.pread(self._descriptor, 1 << 14, 0).decode("ascii", "replace")

    def close(self) -> None:
        os.close(self._descriptor)


def fields(text: str, per: int = 1) -> dict[str, int]:
    """Return the numbers of lines like ``Name: 123 kB`` or ``name 123`` by name, times `per`."""
    found = {}
    for line in text.splitlines():
        words = line.replace(":", " ").split()
        if len(words) > 1 and words[1].isdigit():
            found[words[0]] = int(words[1]) * per
    return found


# -- cgroups ---------------------------------------------------------------------


class _Cgroup:
    """A cgroup with a limit of its own, of either version."""

    def __init__(self, folder: Path, name: str, version: int) -> None:
        self.who = f"cgroup {name}"
        limit, usage = (("memory.max", "memory.current") if version == 2 else
                        ("memory.limit_in_bytes", "memory.usage_in_bytes"))
        # of the cgroup and all below it
        self._file_pages = ("inactive_file", "active_file") if version == 2 else (
            "total_inactive_file", "total_active_file")
        self._files = [_File(folder / each) for each in (usage, "memory.stat", limit)]
        if version == 2:
            # Above this one nothing is killed, but all of it hardly goes on.
            with contextlib.suppress(OSError):
                self._files.append(_File(folder / "memory.high"))

    def level(self) -> Level | None:
        usage, statistics, *limits = (each.read() for each in self._files)
        # "max", or a limit that has been taken off, is none
        known = [(int(each), file.path.name) for each, file in zip(
            limits, self._files[2:], strict=True)
            if each.strip().isdigit() and 0 < int(each) < UNLIMITED]
        if not known:
            return None
        limit, name = min(known, key=lambda each: each[0])
        found = fields(statistics)
        pages = sum(found.get(name, 0) for name in self._file_pages)
        return Level(f"{self.who} (memory.high)" if name == "memory.high" else self.who,
                     max(0, int(usage) - pages), limit)

    def close(self) -> None:
        for each in self._files:
            each.close()


def cgroup_folders(root: Path, pid: int | str = "self") -> list[tuple[Path, str, int]]:
    """Return the memory cgroups of a process, its own first: folder, name and version of each.

    Parameters
    ----------
    root : path
        Folder under which ``proc`` and ``sys`` lie; another one than ``/`` in tests.

    Notes
    -----
    A container may see its own cgroup as the root, or the host's path with nothing of it
    mounted: what cannot be found is looked for at the mount itself.
    """
    try:
        own = (root / "proc" / str(pid) / "cgroup").read_text()
        mounts = (root / "proc" / str(pid) / "mountinfo").read_text()
    except OSError:
        return []
    paths = {}
    for line in own.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            paths[2] = path
        elif "memory" in controllers.split(","):
            paths[1] = path
    found = []
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        before, after = left.split(), right.split()
        if len(before) < 5 or len(after) < 3:
            continue
        version = {"cgroup2": 2, "cgroup": 1}.get(after[0])
        if version is None or version not in paths or (
                version == 1 and "memory" not in after[2].split(",")):
            continue
        mounted, top = before[3], root / before[4].lstrip("/")
        inside = Path("/", os.path.relpath(paths[version], mounted)) if Path(
            paths[version]).is_relative_to(mounted) else Path("/")
        if not (top / str(inside).lstrip("/")).is_dir():
            inside = Path("/")
        for each in (inside, *inside.parents):
            found.append((top / str(each).lstrip("/"), str(each), version))
    return found


def _cgroups(root: Path, pids: Sequence[int | str]) -> list[_Cgroup]:
    found = []
    places = (each for pid in pids for each in cgroup_folders(root, pid))
    for folder, name, version in dict.fromkeys(places):
        # The root of version 2, and a controller that is not on, have no such files.
        with contextlib.suppress(OSError):
            found.append(_Cgroup(folder, name, version))
    return found


# -- all limits ------------------------------------------------------------------


class Limits:
    """The memory limits over this process, or over others.

    Parameters
    ----------
    environment : mapping
        For what Slurm says of the job's memory.
    pids : sequence of int
        The processes of this run on this node, which Slurm's number is for.
    root : path
        Folder under which ``proc`` and ``sys`` lie; another one than ``/`` in tests.
    of_pids : bool
        Whether the limits are those over `pids`, which another process looks at.

    Attributes
    ----------
    missing : list of str
        What cannot be read here, a line each.
    """

    def __init__(self, environment: Mapping[str, str], pids: Sequence[int] = (),
                 root: str | Path = "/", of_pids: bool = False) -> None:
        self._root = Path(root)
        self.pids = tuple(pids) or (os.getpid(),)
        self.missing: list[str] = []
        self._sources: list[Callable[[], Level | None]] = []
        self._of_pids = of_pids
        self._cgroups = _cgroups(self._root, self.pids if of_pids else ("self",))
        self._sources += [each.level for each in self._cgroups]
        self._slurm = slurm_memory(environment)
        if self._slurm is not None and not any(each() is not None for each in self._sources):
            self._sources.append(self._of_slurm)
        self._files: dict[str, _File] = {}
        process = str(self.pids[0]) if of_pids else "self"
        for name, place, what in (("machine", "meminfo", self._of_machine),
                                  ("process", f"{process}/status", self._of_process)):
            try:
                self._files[name] = _File(self._root / "proc" / place)
            except OSError:
                self.missing.append(f"/proc/{place} cannot be read: memory is not watched by it")
                continue
            self._sources.append(what)

    def read(self) -> list[Level]:
        """Return all levels, the one that is nearest to its limit first."""
        found = []
        for source in self._sources:
            # A cgroup may be removed while it is watched: its job has ended, or is ending.
            with contextlib.suppress(OSError):
                level = source()
                if level is not None:
                    found.append(level)
        return sorted(found, key=lambda each: each.fraction, reverse=True)

    def holders(self) -> list[str]:
        """Return who holds what of this node's memory, a phrase each."""
        own = sum(resident(pid, self._root) for pid in self.pids)
        count = len(self.pids)
        found = [f"this run holds {own / MIB:,.0f} MiB" if count == 1 else
                 f"the {count} ranks of this run hold {own / MIB:,.0f} MiB"]
        others = _largest_others(self._root, set(self.pids))
        if others:
            found.append("of others " + ", ".join(
                f"{name} (pid {pid}) {nbytes / MIB:,.0f} MiB" for nbytes, pid, name in others))
        return found

    def close(self) -> None:
        """Close the files that are read again and again."""
        for group in self._cgroups:
            group.close()
        for file in self._files.values():
            file.close()

    def _of_machine(self) -> Level | None:
        found = fields(self._files["machine"].read(), KIB)
        if not {"MemTotal", "MemAvailable"} <= set(found):
            return None
        return Level("this machine", found["MemTotal"] - found["MemAvailable"],
                     found["MemTotal"])

    def _of_process(self) -> Level | None:
        # of the first process: rank 0 is the one that holds most
        limit = (resource.prlimit(self.pids[0], resource.RLIMIT_DATA) if self._of_pids else
                 resource.getrlimit(resource.RLIMIT_DATA))[0]
        if limit == resource.RLIM_INFINITY:
            return None
        whose = f"process {self.pids[0]}" if self._of_pids else "this process"
        return Level(f"RLIMIT_DATA (ulimit -d) of {whose}",
                     fields(self._files["process"].read(), KIB).get("VmData", 0), limit)

    def _of_slurm(self) -> Level | None:
        assert self._slurm is not None
        name, limit = self._slurm
        return Level(name, sum(resident(pid, self._root) for pid in self.pids), limit)


def slurm_memory(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Return the variable of Slurm's that says this node's memory for the job, and its bytes."""
    def number(name: str) -> int:
        text = environment.get(name, "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

    if number("SLURM_MEM_PER_NODE"):
        return "SLURM_MEM_PER_NODE", number("SLURM_MEM_PER_NODE") * MIB
    if number("SLURM_MEM_PER_CPU") and number("SLURM_CPUS_ON_NODE"):
        return ("SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE",
                number("SLURM_MEM_PER_CPU") * number("SLURM_CPUS_ON_NODE") * MIB)
    return None


def resident(pid: int, root: Path = Path("/")) -> int:
    """Return the resident bytes of a process, pages of files and shared ones included; 0 if gone.

    Slurm's own sampling adds these up (jobacct_gather); PSS would cost the process a walk
    through its page tables.
    """
    try:
        return fields((root / "proc" / str(pid) / "status").read_text(), KIB).get("VmRSS", 0)
    except OSError:
        return 0


def _largest_others(root: Path, own: set[int], most: int = 3) -> list[tuple[int, int, str]]:
    """Return bytes, pid and name of the largest processes that are not of this run."""
    try:
        pids = [int(each) for each in os.listdir(root / "proc") if each.isdigit()]
    except OSError:
        return []
    found = []
    for pid in set(pids) - own:
        with contextlib.suppress(OSError):
            name = (root / "proc" / str(pid) / "comm").read_text().strip()
            found.append((resident(pid, root), pid, name))
    return sorted(found, reverse=True)[:most]
