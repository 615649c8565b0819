"""Reads the names of checkpoint files, and sorts them into sets.

A set is one file per rank for one moment.  What is in a file is `reading`'s.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint.file import Reader
from anuga_lean.memory_limits import raise_if_no_memory

SUFFIX, STOCK_SUFFIX = ".npz", ".pickle"
MESH_FILE = re.compile(r"[^/]+_mesh_[0-9a-f]{16}\.npz")

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
        stem = "(.+?)" if domain is None else f"({re.escape(domain)})"
        found = re.fullmatch(rf"{stem}{_RANK}_{_TIME}({re.escape(SUFFIX)}|"
                             rf"{re.escape(STOCK_SUFFIX)})", path.name)
        if found is None:
            return None
        name, count, rank, time, suffix = found.groups()
        return cls(path, name, int(count or 1), int(rank or 0), float(time),
                   suffix == STOCK_SUFFIX)


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
    return [name for name in found if name is not None and name.path.is_file()]


@dataclass
class FoundSet:
    """A set in a folder, as its names and headers tell.

    Attributes
    ----------
    identity : str or None
        The same in every file of a set; None: unknown.
    written : float
        When, in seconds of the epoch.
    ranks : set of int
        Whose files are there.
    """

    time: float
    count: int
    is_stock: bool
    identity: str | None
    written: float
    ranks: set[int]

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what has to agree between ranks."""
        return self.time, self.count, self.is_stock, self.identity


def sets_in(names: list[Name]) -> list[FoundSet]:
    """Return the sets that files belong to, the newest first."""
    found: dict[tuple[Any, ...], FoundSet] = {}
    for name in names:
        identity, when = None, os.path.getmtime(name.path)
        if not name.is_stock:
            try:
                with Reader(name.path, verify=False) as reader:
                    identity, when = reader.header.get("set"), float(reader.header["written"])
            except (CheckpointError, KeyError, TypeError, ValueError):
                pass        # the file is reported when a run tries to load it
        key = (name.time, name.count, name.is_stock, identity)
        each = found.setdefault(key, FoundSet(*key, when, set()))
        each.ranks.add(name.rank)
    return sorted(found.values(), key=lambda each: (each.written, each.time), reverse=True)


def path_in(folder: Path, domain: str, count: int, rank: int, time: float,
            is_stock: bool = False) -> Path:
    """Return the file of a rank."""
    own = domain if count == 1 else f"{domain}_P{count}_{rank}"
    return folder / f"{own}_{time}{STOCK_SUFFIX if is_stock else SUFFIX}"
