"""Puts patches on a folder of ANUGA's source under git.

Owns the commits, `git am`, the check that `patch -p1` makes the same, and what a
patch changes.  Building from the tree is builds.py's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from verifying.series import Patch, PatchError

STOCK = "stock"  # tag of the release as it is
_IDENTITY = ("-c", "user.name=verify", "-c", "user.email=verify@localhost")
_COMPILED = (".c", ".cpp", ".h", ".hpp", ".pyx", ".pxd", ".pxi")


class Failure(Exception):
    """A patch is not what it says: one sentence."""


class Change(NamedTuple):
    """The change of one file by a patch: lines added and removed, 0 of binary ones."""

    path: str
    added: int
    removed: int

    @property
    def compiled(self) -> bool:
        """Whether the file is compiled."""
        return self.path.endswith(_COMPILED)


class Tree:
    """A folder of source that git has a commit of.

    Parameters
    ----------
    folder : Path
        Has a repository of its own: `Tree.of` makes one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, folder: Path) -> Tree:
        """Return a repository of all that is in a folder now, or the one that it has."""
        tree = cls(folder)
        if not (folder / ".git" / "refs" / "tags" / STOCK).exists():
            shutil.rmtree(folder / ".git", ignore_errors=True)
            tree.git("init", "-q")
            tree.git("config", "core.autocrlf", "false")
            tree.git("add", "-A", "-f")
            tree.git("commit", "-q", "-m", "The release as it is")
            tree.git("tag", STOCK)
        return tree

    def git(self, *arguments: str) -> str:
        """Return what a git command prints, without the user's own settings.

        Raises
        ------
        Failure
            Git fails: its last line.
        """
        nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        here = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(["git", *_IDENTITY, *arguments], cwd=self.folder, text=True,
                              capture_output=True, env=here | nowhere, errors="replace")
        if done.returncode != 0:
            raise Failure(_reason(done.stderr + done.stdout) or f"git {arguments[0]} failed")
        return done.stdout

    def reset(self) -> None:
        """Go back to the release; write only files that differ, so builds stay incremental."""
        if (self.folder / ".git" / "rebase-apply").exists():
            self.git("am", "--abort")
        self.git("reset", "-q", "--hard", STOCK)
        self.git("clean", "-fdqx")

    def changes(self, patch: Patch) -> list[Change]:
        """Return what a patch changes, read from its text."""
        found: dict[str, Change] = {}
        for path in patch.diffs or (patch.path,):
            for entry in filter(None, self.git("apply", "--numstat", "-z",
                                               str(path)).split("\0")):
                added, removed, name = entry.split("\t")
                before = found.get(name, Change(name, 0, 0))
                counts = (0 if n == "-" else int(n) for n in (added, removed))
                found[name] = Change(name, *(n + m for n, m in zip(before[1:], counts,
                                                                   strict=True)))
        return list(found.values())

    def put_diffs(self, patch: Patch) -> None:
        """Put a submission on the tree; raise Failure with git's line if it does not fit."""
        for path in patch.diffs:
            self.git("apply", "--index", "--whitespace=nowarn", str(path))
            self.git("commit", "-q", "--allow-empty", "-m", patch.name)

    def takes(self, patch: Patch, reverse: bool = False) -> bool:
        """Whether a submission, or its opposite, fits the release; leave the tree as it was."""
        self.reset()
        try:
            for path in reversed(patch.diffs) if reverse else patch.diffs:
                self.git("apply", "--index", "--whitespace=nowarn", *["-R"] * reverse, str(path))
        except Failure:
            return False
        finally:
            self.reset()
        return True

    def apply(self, patches: Sequence[Patch]) -> None:
        """Put patches on the release, with `git am`; `patch -p1` must make the same files.

        Raises
        ------
        Failure
            One does not apply; it is named.
        """
        self.reset()
        for patch in patches:
            if patch.diffs:
                self.put_diffs(patch)
                continue
            try:
                paths = [change.path for change in self.changes(patch)]
            except Failure as reason:
                raise Failure(f"{patch.path.name} is no patch: {reason}") from None
            with tempfile.TemporaryDirectory(prefix="patch_") as place:
                self._copy(paths, Path(place))
                try:
                    # Some of ANUGA's files have carriage returns, which am takes away.
                    self.git("am", "-q", "--keep-cr", str(patch.path))
                except Failure as reason:
                    self.reset()
                    raise Failure(f"{patch.path.name} does not apply: {reason}") from None
                self._same_by_patch(patch, paths, Path(place))

    def _copy(self, paths: Sequence[str], place: Path) -> None:
        for path in paths:
            if (self.folder / path).exists():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.folder / path, place / path)

    def _same_by_patch(self, patch: Patch, paths: Sequence[str], place: Path) -> None:
        """Raise Failure unless `patch -p1` makes of the copies what git has made."""
        done = subprocess.run(
            ["patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch", "-i",
             str(patch.path)], cwd=place, capture_output=True, text=True, errors="replace")
        if done.returncode != 0:
            raise Failure(f"{patch.path.name} does not apply with patch -p1: "
                          f"{_reason(done.stdout + done.stderr)}")
        for path in paths:
            here, there = self.folder / path, place / path
            if (here.read_bytes() if here.exists() else None) != \
                    (there.read_bytes() if there.exists() else None):
                raise Failure(f"{patch.path.name} makes another {path} with patch -p1 than with "
                              "git am")


def check_programs() -> None:
    """Raise PatchError unless git and patch are there."""
    missing = [name for name in ("git", "patch") if shutil.which(name) is None]
    if missing:
        raise PatchError(f"{' and '.join(missing)} must be installed to apply patches")


def _reason(said: str) -> str:
    """Return the line of git's or patch's output that says most."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error:", "fatal:", "Hunk", "patch:"))
              and "FAILED" in line or line.startswith(("error:", "fatal:", "patch:"))]
    return (errors or lines or [""])[0]
