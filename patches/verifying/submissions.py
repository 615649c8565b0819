"""Reads a user's own patch: patch files, or a commit of a checkout of ANUGA.

Owns finding out what was given, which tree it is a change of, and whether it fits.
Reading diffs is diffs.py's, git checkouts are checkouts.py's, the verdict is
verifier.py's as for the patches of a series.  Nothing here runs anything of it.
"""

from __future__ import annotations

import email
import email.header
import email.policy
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verifying.diffs import FileDiff, read, shown
from verifying.series import Patch, PatchError
from verifying.tree import Change, Failure, Tree

WARNING = ("builds and runs the code of {}, with all rights that you have here: read it first, and "
           "use a container for what you do not trust")

Others = Callable[[Patch], Mapping[str, bool | None]]


@dataclass
class Submission:
    """A user's changes, one after the other, that get one verdict.

    Attributes
    ----------
    name : str
        Of its first file, or of its commit; a plain word.
    origin : dict
        What the stored verdict says about it: files and their SHA-256, or commits.
    texts : list of (str, bytes)
        What each file is called and holds.
    subject : str
    base : str
        What it is put on, for sentences: ``ANUGA 4.2.0``.
    """

    name: str
    origin: dict[str, object]
    texts: list[tuple[str, bytes]]
    subject: str
    base: str
    parts: list[list[FileDiff]] = field(default_factory=list)

    def read(self, tree: Tree) -> None:
        """Read the diffs; raise Failure if one is wrong."""
        self.parts = [part for called, text in self.texts
                      for part in read(text, called, lambda name: (tree.folder / name).is_file())]

    def text(self) -> list[bytes]:
        """Return the text of each part that git gets."""
        return [b"".join(diff.text() for diff in part) for part in self.parts]

    def patch(self, folder: Path) -> Patch:
        """Return a patch that the verifier takes, written anew into a folder."""
        path = folder / f"{self.name}.diff"
        folder.mkdir(parents=True, exist_ok=True)
        texts = []
        for number, text in enumerate(self.text()):
            texts.append(path.with_suffix(f".{number}.diff"))
            texts[-1].write_bytes(text)
        return Patch(self.name, path, self.subject, diffs=tuple(texts))


def given(targets: Sequence[str], folder: Path | None) -> list[Path]:
    """Return the paths among the targets; none if they are names of patches of the series.

    Raises
    ------
    PatchError
        A mixture, or a path that there is not.
    """
    paths = [Path(target) for target in targets if _is_path(target, folder)]
    if paths and len(paths) < len(targets):
        raise PatchError("give either names of our patches or files of your own: both "
                         "kinds at once have no common verdict")
    for path in paths:
        if not path.exists():
            raise PatchError(f"there is no {path}")
        if path.is_dir() and len(paths) > 1:
            raise PatchError(f"{path} is a folder: one checkout at a time")
    return paths


def _is_path(target: str, folder: Path | None) -> bool:
    path = Path(target)
    if folder is not None and path.is_file() and path.resolve().parent == folder.resolve():
        return False  # one of ours, which brings what it needs
    return path.exists() or "/" in target or path.suffix in (".diff", ".mbox")


def of_files(paths: Iterable[Path], base: str) -> Submission:
    """Return the submission that some patch files are, in the order given.

    Raises
    ------
    PatchError
        One cannot be read.
    """
    texts = []
    for path in paths:
        try:
            texts.append((shown(path.name), path.read_bytes()))
        except OSError as error:
            raise PatchError(f"{path} cannot be read: {error.strerror}") from error
    message = email.message_from_bytes(texts[0][1], policy=email.policy.compat32)
    subject = _subject(message["Subject"]) or texts[0][0]
    files = {name: hashlib.sha256(text).hexdigest() for name, text in texts}
    return Submission(plain_name(texts[0][0]), {"files": files}, texts, subject, base)


def _subject(said: object) -> str:
    words = str(email.header.make_header(email.header.decode_header(str(said)))) if said else ""
    return shown(re.sub(r"^\[[^]]*\]\s*", "", " ".join(words.split())))


def plain_name(text: str) -> str:
    """Return a word that may name a folder."""
    word = re.sub(r"\.(patch|diff|mbox|txt)$", "", text)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", word).strip("-")[:60] or "patch"


def put(submission: Submission, tree: Tree, others: Others) -> list[Change]:
    """Put a submission on a tree, as a commit of each part; return what it changes.

    Parameters
    ----------
    submission : Submission
    tree : Tree
        Left with the submission on it.
    others : callable
        By other release whether it fits that, None where no source is at hand.

    Raises
    ------
    Failure
        It is no text diff, leaves the tree, or does not fit: which hunk, and what to do.
    """
    tree.reset()
    submission.read(tree)
    for diff in (diff for part in submission.parts for diff in part):
        _check_links(submission, diff, tree)
    with tempfile.TemporaryDirectory(prefix="patch_") as place:
        path = submission.patch(Path(place))
        try:
            tree.put_diffs(path)
        except Failure as reason:
            tree.reset()
            raise Failure(_why(submission, str(reason), tree, others, path)) from None
        return tree.changes(path)


def _check_links(submission: Submission, diff: FileDiff, tree: Tree) -> None:
    """Raise Failure if a name leads through a symbolic link of the tree."""
    for name in filter(None, (diff.old, diff.new)):
        for above in (tree.folder / name, *(tree.folder / name).parents):
            if above == tree.folder:
                break
            if above.is_symlink():
                raise Failure(f"{submission.texts[0][0]} names {shown(name)}, which leads through "
                              f"the symbolic link {shown(above.name)}: nothing of it is applied")


def _why(submission: Submission, said: str, tree: Tree, others: Others, patch: Patch) -> str:
    """Say which hunk of which file does not fit, and what to do."""
    name = submission.name
    if tree.takes(patch, reverse=True):
        return f"{name} is in {submission.base} already: nothing is left to verify"
    tried = others(patch)
    fits = [release for release, fitting in tried.items() if fitting]
    if fits:
        advice = f"it fits ANUGA {fits[0]}: --release {fits[0]} verifies it there"
    else:
        absent = [release for release, fitting in tried.items() if fitting is None]
        untried = f" ({', '.join(absent)} was not tried: no verify has fetched it yet)" \
            if absent else ""
        advice = (f"make it anew on that{untried}, or give a checkout with the commit that it was "
                  "made on, and --against")
    return f"{name} does not fit {submission.base}: {_where(submission, said, tree)}; {advice}"


def _where(submission: Submission, said: str, tree: Tree) -> str:
    match = re.search(r"patch failed: (.+):(\d+)$", said)
    if match is None:
        missing = re.search(r"^error: (.+): (No such file or directory|does not exist in index)$",
                            said)
        if missing:
            return f"there is no {shown(missing[1])} in it"
        return shown(said.removeprefix("error: "))
    path, line = match[1], int(match[2])
    for diff in (diff for part in submission.parts for diff in part if path in (
            diff.old, diff.new)):
        for number, hunk in enumerate(diff.hunks, 1):
            if hunk.start == line:
                where = f"hunk {number} of {len(diff.hunks)} in {path}, line {line}"
                return where + _ends(tree.folder / path, hunk.expected)
    return f"{path}, line {line}"


def _ends(path: Path, expected: Sequence[bytes]) -> str:
    """Say so if only the carriage returns of one of ANUGA's files got lost."""
    if path.is_file() and b"\r\n" in path.read_bytes() and not any(
            line.endswith(b"\r") for line in expected):
        return (" (the file ends its lines with carriage returns and the patch does not: send it "
                "as git format-patch wrote it, in an attachment)")
    return ""
