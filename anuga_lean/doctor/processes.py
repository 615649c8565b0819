"""Asks other processes: MPI which library it is, and the kernel who holds shared memory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_PATIENCE = 10.0        # s; a library on a slow file system
# Not initialised: that would start a daemon, and hang where MPI is broken.
_ASK = ("import mpi4py; mpi4py.rc.initialize = False; mpi4py.rc.finalize = False; "
        "from mpi4py import MPI; print(MPI.Get_library_version())")
_LIBRARY = re.compile(r"(Open MPI|MPICH|Intel\(R\) MPI)\D{0,40}?v?\s*(\d{1,4}(?:\.\d{1,4}){1,3})")
_HYDRA = re.compile(r"HYDRA[^\n]*\n\s*Version:\s+(\d{1,4}(?:\.\d{1,4}){1,3})")


class Mpi(NamedTuple):
    """What MPI says of itself.

    Attributes
    ----------
    of_mpi4py, of_mpiexec : str or None
        Name and version of the MPI that mpi4py uses, and of the one that mpiexec is of.
    has_mpi4py : bool
    why : str
        Why there is no library.
    """

    of_mpi4py: str | None
    of_mpiexec: str | None
    has_mpi4py: bool = True
    why: str = ""


def name_of(text: str) -> str | None:
    """Return name and version of what ``mpiexec --version`` or MPI's library says."""
    hydra = _HYDRA.search(text)
    if hydra:
        return f"MPICH {hydra[1]}"
    found = _LIBRARY.search(text)
    return f"{found[1]} {found[2]}" if found else None


def ask_mpi(environment: Mapping[str, str]) -> Mpi:
    """Return what MPI says, each asked in a process of its own, both at once."""
    there = find_spec("mpi4py") is not None
    library = _begin([sys.executable, "-c", _ASK], environment) if there else None
    launcher = _begin(["mpiexec", "--version"], environment)
    said, failed = _end(library)
    shown, _ = _end(launcher)
    why = "not installed" if not there else failed
    return Mpi(name_of(said), name_of(shown), there, why)


def _begin(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=dict(environment))
    except OSError:
        return None


def _end(process: subprocess.Popen[bytes] | None) -> tuple[str, str]:
    """Return what a process said, and the last line of its complaint."""
    if process is None:
        return "", "it does not start"
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "", f"no answer in {_PATIENCE:g} s"
    lines = err.decode("utf-8", "replace").strip().splitlines()
    return out.decode("utf-8", "replace"), lines[-1][:200] if lines else ""


def held_segments(root: Path, names: Iterable[str]) -> tuple[set[str], int]:
    """Return which files of /dev/shm a process has mapped, and how many cannot be looked at."""
    names = set(names)
    held: set[str] = set()
    hidden = 0
    try:
        processes = os.listdir(root / "proc")
    except OSError:
        return set(), 0
    for each in processes:
        if not each.isdigit():
            continue
        try:
            with open(root / "proc" / each / "maps", encoding="utf-8", errors="replace") as file:
                for line in file:
                    place = line.find("/dev/shm/")
                    if place >= 0:
                        held.add(line[place + 9:].rstrip("\n"))
        except PermissionError:
            hidden += 1
        except OSError:
            continue        # it has ended
    return held & names, hidden
