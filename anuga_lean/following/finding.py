"""Finds what a user means by a record, a folder or the number of a process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from anuga_lean._errors import CommandError, RecordError
from anuga_lean.following.processes import check_proc
from anuga_lean.guard.options import RECORDS
from anuga_lean.guard.recorded import RecordFile


def find(target: str, root: Path = Path("/")) -> tuple[RecordFile | None, int | None]:
    """Return the record, or the process, that is meant; the other one is None.

    Parameters
    ----------
    target : str
        Path of a record or a folder; or the number of a process.

    Raises
    ------
    CommandError
        There is none.
    """
    if not target:
        raise CommandError("the name is empty: give a record, a folder or the number of a process")
    path = Path(target)
    try:
        if path.is_dir():
            return newest_in(path), None
        if path.exists():
            return _checked(path), None
    except (OSError, ValueError) as error:      # too long, or a NUL in it
        raise CommandError(f"{target} cannot be read: {error}") from error
    if not (target.isascii() and target.isdigit() and 0 < len(target) < 10):
        raise CommandError(f"there is no file {target}, and it is no number of a process")
    check_proc(root)
    if not (root / "proc" / target).exists():
        raise CommandError(f"there is no process {target} on this machine: name the record of its "
                           "run, if it was a guarded one")
    return None, int(target)


def newest_in(folder: Path) -> RecordFile:
    """Return the record of a folder that was written to last.

    Raises
    ------
    CommandError
        There is none.
    """
    found = []
    for place in (folder, folder / RECORDS):
        for path in place.glob("*.jsonl"):
            try:
                found.append((path.stat().st_mtime, path))
            except OSError:
                continue    # a link to nothing
    for _, path in sorted(found, reverse=True):
        try:
            return _checked(path)
        except CommandError:
            continue        # another program's
    raise CommandError(f"there is no record of a run in {folder}: 'anuga_lean run --guard' writes "
                       "one; of another run name the number of the process")


def opened_by(pids: Iterable[int], root: Path = Path("/")) -> RecordFile | None:
    """Return the record that one of these processes is writing; None if there is none."""
    for pid in pids:
        folder = root / "proc" / str(pid) / "fd"
        try:
            paths = {os.readlink(folder / each) for each in os.listdir(folder)}
        except OSError:
            continue        # it has ended, or is another user's
        for path in sorted(each for each in paths if each.endswith(".jsonl")):
            try:
                return _checked(Path(path))
            except CommandError:
                continue
    return None


def _checked(path: Path) -> RecordFile:
    file = RecordFile(path)
    try:
        file.read()
    except RecordError as error:
        raise CommandError(str(error)) from error
    return file
