"""Reads text files of any size and content: regular ones only, their beginning and end.

Owns the bounds.  Nothing of a file is run, and what is shown of it goes through `_escapes`.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from anuga_lean._errors import CommandError

HEAD, TAIL = 1 << 20, 4 << 20       # bytes read of a file
LONGEST = 1 << 14                   # characters of a line that are looked at in one piece
MOST_FILES = 40
SUFFIXES = {".out", ".err", ".log", ".txt", ".json", ".jsonl", ".o", ".e", ".yaml", ".stderr",
            ".stdout"}
NAMES = {"dmesg", "stdout", "stderr", "nohup.out", "memory.events", "memory.oom_control"}
# What programs on Windows put in front of a text, PowerShell's `>` among them.
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Text(NamedTuple):
    """What was read of a file: its lines with their numbers; whether something was left out."""

    name: str
    lines: list[tuple[int, str]]
    cut: bool

    def where(self, number: int) -> str:
        """Return file and line; the numbers are not known behind what was left out."""
        return f"{self.name}:{number}" if number else self.name


def read(path: Path, begin: int = 0) -> Text:
    """Return the lines of a file, of what comes after its first bytes.

    Raises
    ------
    CommandError
        If it is no regular file, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise CommandError(f"{path} is no file with text: give a log, a record, a folder "
                                   "or the number of a job")
            cut = status.st_size - begin > HEAD + TAIL
            file.seek(begin)
            data = file.read(HEAD if cut else HEAD + TAIL)
            end = b""
            if cut:
                file.seek(-TAIL, os.SEEK_END)
                end = file.read(TAIL)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding != "utf-8" and (status.st_size - TAIL) % 2:
        end = end[1:]       # its units of two bytes are counted from the beginning
    found = list(numbered(data.decode(encoding, "replace").removeprefix("\ufeff")))
    found += [(0, line) for _, line in numbered(end.decode(encoding, "replace"))]
    return Text(str(path), found, cut)


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines with their numbers; long ones in pieces that overlap.

    What a line shows by turns, as a bar of progress does, are several of its number.
    """
    for number, shown in enumerate(text.split("\n"), 1):
        for line in shown.rstrip("\r").split("\r"):
            for begin in range(0, max(1, len(line)), LONGEST):
                yield number, line[max(0, begin - 256):begin + LONGEST]


def files_of(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the files of a folder and of its runs' records that can be logs, newest first.

    Returns
    -------
    list of Path
        At most `MOST_FILES`.
    list of str
        What was left out, a sentence each.
    """
    found = []
    for place in (folder, folder / "anuga_lean_runs"):
        try:
            names = sorted(place.iterdir())
        except OSError as error:
            if place == folder:
                raise CommandError(f"{folder} cannot be read: {error}") from error
            continue
        for path in names:
            if path.suffix in SUFFIXES or path.name in NAMES or path.name.startswith("slurm-"):
                try:
                    status = path.stat()
                except OSError:
                    continue    # a link to nothing
                if stat.S_ISREG(status.st_mode):
                    found.append((status.st_mtime, path))
    found.sort(key=lambda each: each[0], reverse=True)
    left = len(found) - MOST_FILES
    return [path for _, path in found[:MOST_FILES]], (
        [f"{left} older files of {folder} were left out: name one to have it read"]
        if left > 0 else [])
