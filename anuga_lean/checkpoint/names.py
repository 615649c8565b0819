"""Reads the names of checkpoint files, and sorts them into sets.

A set is one file per rank for one moment.  Owns which names a domain can have, and whose
a file is. What is in a file is `reading`'s; files that only point to a set are `stubs`'s.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint.file import Reader
from anuga_lean.checkpoint.stubs import is_stub
from anuga_lean.memory_limits import raise_if_no_memory

SUFFIX, STOCK_SUFFIX = ".npz", ".pickle"
MESH_FILE = re.compile(r"[^/]*_mesh_[0-9a-f]{16}\.npz")

# What follows a name in that of a file, at most: a time such as _-1.2345678901234567e+300.pickle,
# or the key of a mesh file.
_LONGEST_END = 33
MOST_SETS = 10**15      # of one name: a larger number was not counted
_MOST_BYTES = 255       # of the name of a file, where the system does not say

_TIME = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_RANK = r"(?:_P(\d+)_(\d+))?"


@dataclass(frozen=True)
class Name:
    """The name of a file of a set: DOMAIN[_PRANKS_RANK]_TIME.npz, or .pickle for ANUGA's own."""

    path: Path
    domain: str
    count: int
    rank: int
    time: float
    is_stock: bool

    @classmethod
    def parse(cls, path: Path, domain: str | None = None) -> Name | None:
        """Return the name of a file; None if it belongs to no set, or to another domain."""
        stem = "(.*?)" if domain is None else f"({re.escape(domain)})"
        found = re.fullmatch(rf"{stem}{_RANK}_{_TIME}({re.escape(SUFFIX)}|"
                             rf"{re.escape(STOCK_SUFFIX)})", path.name, re.DOTALL)
        if found is None:
            return None
        name, count, rank, time, suffix = found.groups()
        return cls(path, name, int(count or 1), int(rank or 0), float(time),
                   suffix == STOCK_SUFFIX)

    def as_written(self, header: dict[str, Any]) -> Name:
        """Return the name as the header of the file tells it.

        `m_P2_1` may be rank 1 of 2 of `m`, or a serial domain's own name.
        """
        if self.count > 1 and header.get("ranks") == 1:
            return replace(self, domain=own_name(self.domain, self.count, self.rank), count=1,
                           rank=0)
        return self


def as_written(name: Name) -> Name:
    """Return the name as the file's header tells it; as it is if that cannot be read."""
    if name.count == 1 or name.is_stock:
        return name
    try:
        with Reader(name.path, verify=False) as reader:
            return name.as_written(reader.header)
    except CheckpointError:
        return name


def own_name(domain: str, count: int, rank: int) -> str:
    """Return the name of a rank's domain, as ANUGA gives it."""
    return domain if count == 1 else f"{domain}_P{count}_{rank}"


def prefix_of(path: Path) -> str:
    """Return the name of the domain that a set's file is named by, with its rank."""
    return path.stem.rpartition("_")[0]


def run_of_mesh(name: str) -> str | None:
    """Return the name of the domain that a mesh file is named by; None if it is none."""
    return name.rpartition("_mesh_")[0] if MESH_FILE.fullmatch(name) else None


def whole_name(domain: Any) -> str:
    """Return the name of a domain without what ANUGA adds for its rank."""
    name: str = domain.get_name()
    return name.removesuffix(own_name("", domain.numproc, domain.processor)) \
        if domain.parallel else name


def check_name(name: Any, folder: Path) -> None:
    """Raise CheckpointError unless files in a folder can bear the name of a domain."""
    if not isinstance(name, str):
        raise CheckpointError(f"the name {name!r} of the domain is no text: give set_name one.")
    if "/" in name or os.sep in name or "\0" in name:
        raise CheckpointError(
            f"the name {name!r} of the domain holds {'a NUL' if chr(0) in name else 'a path'}, and "
            "checkpoint files are named by it: give set_name a plain name, and a folder as "
            "checkpoint_dir.")
    try:
        nbytes = len(os.fsencode(name))
    except UnicodeEncodeError as error:
        raise CheckpointError(f"the name {ascii(name)} of the domain cannot be part of a file's "
                              f"({error.reason}): give set_name another.") from error
    try:
        most = os.pathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError):
        most = _MOST_BYTES
    if nbytes > most - _LONGEST_END:
        raise CheckpointError(
            f"the name {name[:20]!r}... of the domain has {nbytes} bytes, and checkpoint files add "
            f"up to {_LONGEST_END} where {folder} takes {most}: give set_name a shorter one.")


def files_of(folder: Path, domain: str | None = None) -> list[Name]:
    """Return the files of sets in a folder; other files and folders in it do not matter.

    Raises
    ------
    CheckpointError
        There is no such folder, or it cannot be read.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise_if_no_memory(error)
        raise CheckpointError(f"the checkpoint folder {folder} cannot be read: "
                              f"{error.strerror}.") from error
    found = [Name.parse(path, domain) for path in paths if not MESH_FILE.fullmatch(path.name)]
    return [name for name in found if name is not None and name.path.is_file()
            and not (name.is_stock and is_stub(name.path))]


@dataclass
class FoundSet:
    """A set in a folder, as its names and headers tell.

    Attributes
    ----------
    identity : str or None
        The same in every file of a set; None: unknown.
    number : int
        Counts the sets of a name in a folder; 0 in sets of ANUGA's own and of older versions.
    written : float
        When, in seconds of the epoch: of sets with a number it decides nothing.
    ranks : set of int
        Whose files are there.
    """

    time: float
    count: int
    is_stock: bool
    identity: str | None
    number: int
    written: float
    ranks: set[int]

    @property
    def is_complete(self) -> bool:
        """Whether the files of all ranks are there: a name may speak of any number."""
        return len(self.ranks) == self.count == max(self.ranks) + 1

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what has to agree between ranks."""
        return self.time, self.count, self.is_stock, self.identity

    @property
    def age(self) -> tuple[int, float, float]:
        """Return what sorts sets, the newest last."""
        return self.number, self.written, self.time


def sets_in(names: list[Name]) -> list[FoundSet]:
    """Return the sets that files belong to, the newest first."""
    found: dict[tuple[Any, ...], FoundSet] = {}
    for name in names:
        identity, number, when = None, 0, os.path.getmtime(name.path)
        if not name.is_stock:
            try:
                with Reader(name.path, verify=False) as reader:
                    if name.as_written(reader.header) is not name:
                        continue
                    if isinstance(reader.header["set"], str):
                        identity = reader.header["set"]
                    number = number_in(reader.header)
                    when = float(reader.header["written"])
            except (CheckpointError, KeyError, TypeError, ValueError, OverflowError):
                pass        # the file is reported when a run tries to load it
        key = (name.time, name.count, name.is_stock, identity)
        each = found.setdefault(key, FoundSet(*key, number, when, set()))
        each.ranks.add(name.rank)
    _place_unreadable(list(found.values()))
    return sorted(found.values(), key=lambda each: each.age, reverse=True)


def _place_unreadable(found: list[FoundSet]) -> None:
    """Give a set whose headers cannot be read its place by its time: behind the one before."""
    for each in found:
        if each.identity is None and not each.is_stock:
            before = max((other.age for other in found if other.identity is not None
                          and other.time <= each.time), default=None)
            if before is not None and before[0]:
                each.number, each.written = before[0], max(before[1], each.written)


def number_in(header: dict[str, Any]) -> int:
    """Return the number of a set; 0 if it has none."""
    number = header.get("number", 0)
    return number if type(number) is int and 0 < number < MOST_SETS else 0


def path_in(folder: Path, domain: str, count: int, rank: int, time: float,
            is_stock: bool = False) -> Path:
    """Return the file of a rank."""
    suffix = STOCK_SUFFIX if is_stock else SUFFIX
    return folder / f"{own_name(domain, count, rank)}_{time}{suffix}"
