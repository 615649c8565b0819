"""Keeps how a study went on: members and memory every few seconds, in a file of its folder.

Owns `progress.jsonl` and its lines.  What it is read for is the page of a study (`overview`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from anuga_lean._errors import StudyError
from anuga_lean.studies.members import PROGRESS
from anuga_lean.studies.packing import Worker

_EVERY = 5.0        # s between two lines, at least
_SHARE = 1 / 500    # of the time since the study began here, if that is longer
_LARGEST = 1 << 26  # bytes of the file that are read


class Sample(msgspec.Struct):
    """How a study stood at a moment.

    Attributes
    ----------
    at : float
        s since 1970.
    workers : int
    limit, reserved : int
        Bytes that members may take on all workers together, and that are given to some now.
    used : int or None
        Bytes that they hold, where that is known of all workers.
    completed, failed, running, waiting : int
        Members.
    """

    at: float
    workers: int
    limit: int
    reserved: int
    used: int | None
    completed: int
    failed: int
    running: int
    waiting: int


class Log:
    """The file that a study's progress is written to.

    Parameters
    ----------
    folder : Path
        Of the study.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / PROGRESS
        self._began = self._last = time.monotonic() - 2 * _EVERY

    def note(self, workers: Iterable[Worker], used: dict[str, int], completed: int, failed: int,
             waiting: int, at_once: bool = False) -> None:
        """Write a line if it is time for one.

        Raises
        ------
        StudyError
            The file cannot be written.
        """
        now = time.monotonic()
        if not at_once and now - self._last < max(_EVERY, _SHARE * (now - self._began)):
            return
        self._last = now
        there = list(workers)
        known = [used.get(each.name) for each in there]
        sample = Sample(
            round(time.time(), 2), len(there), sum(each.nbytes for each in there),
            sum(each.nbytes - each.free_nbytes for each in there),
            None if None in known else sum(each or 0 for each in known), completed, failed,
            sum(len(each.running) for each in there), waiting)
        try:
            with open(self._path, "ab") as file:
                file.write(msgspec.json.encode(sample) + b"\n")
        except OSError as error:
            raise StudyError(f"{self._path} cannot be written: {error.strerror}.") from error


def read(folder: Path) -> list[Sample]:
    """Return the samples of a study's folder; a torn line, of a study that was killed, is left out.
    """
    try:
        with open(folder / PROGRESS, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LARGEST))
            lines = file.read(_LARGEST).splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Sample))
        except msgspec.DecodeError:
            continue
    return found
