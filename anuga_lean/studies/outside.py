"""Sees what members write beside their script, where they would overwrite each other's files.

Owns the look at that folder before the first member and after some; a script that writes into its
current folder is never seen here.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from pathlib import Path

from anuga_lean._errors import StudyError

LOOKS = 10      # members after which the folder is looked at


class Outside:
    """The files beside a script, as they were.

    Parameters
    ----------
    folder : Path
        Of the script.
    shared : sequence of str
        Patterns of files that members may write there.
    """

    def __init__(self, folder: Path, shared: Sequence[str]) -> None:
        self._folder, self._shared = folder, tuple(shared)
        self._before = self._files()
        self._left = LOOKS

    def _files(self) -> dict[str, tuple[int, int]]:
        found = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and not any(
                        fnmatch.fnmatch(entry.name, each) for each in self._shared):
                    about = entry.stat(follow_symlinks=False)
                    found[entry.name] = (about.st_mtime_ns, about.st_size)
        return found

    def check(self, member: str) -> None:
        """Raise StudyError if files have appeared or changed there since the study began."""
        if self._left == 0:
            return
        self._left -= 1
        written = sorted(name for name, about in self._files().items()
                         if self._before.get(name) != about)
        if written:
            raise StudyError(
                f"member {member}, or one beside it, has written {', '.join(written[:3])} into "
                f"{self._folder}, the folder of the script, where members overwrite each other's "
                "files: have it write into the current folder, which is the member's own, or name "
                "such files in the study file, shared = [\"*.log\"].")
