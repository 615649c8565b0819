"""Reads, checks and rewrites unified diffs from outside.

Owns what a diff says, that it stays inside the tree and is text, and its canonical
form, which is all that git ever sees of it: git cannot read it in another way.
Whether it fits a tree is submissions.py's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from verifying.tree import Failure

LARGEST = 32 * 2**20  # bytes of a patch
NOWHERE = "/dev/null"
MODES = ("100644", "100755")
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_MESSAGE = re.compile(rb"From [0-9a-f]{40} ")
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}


@dataclass
class Hunk:
    """Lines that replace others, each with its sign, from one line of the old file on."""

    start: int
    lines: list[bytes]
    head: bytes

    @property
    def expected(self) -> list[bytes]:
        """Return the lines that the file has to have."""
        return [line[1:] for line in self.lines if line[:1] in b" -"]


@dataclass
class FileDiff:
    """The change of one file; `old` is None if the file is new, `new` if it is deleted."""

    old: str | None
    new: str | None
    moved: str = ""  # "rename" or "copy"
    old_mode: str | None = None
    new_mode: str | None = None
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Return the name of the file."""
        return self.new or self.old or ""

    def text(self) -> bytes:
        """Return the change in git's form."""
        old, new = self.old or self.new, self.new or self.old
        lines = [f"diff --git a/{old} b/{new}"]
        if self.old is None:
            lines.append(f"new file mode {self.new_mode or MODES[0]}")
        elif self.new is None:
            lines.append(f"deleted file mode {self.old_mode or MODES[0]}")
        elif self.old_mode and self.new_mode and self.old_mode != self.new_mode:
            lines += [f"old mode {self.old_mode}", f"new mode {self.new_mode}"]
        if self.moved:
            lines += [f"{self.moved} from {old}", f"{self.moved} to {new}"]
        if self.hunks:
            lines += [f"--- {_side('a', self.old)}", f"+++ {_side('b', self.new)}"]
        body = [line for hunk in self.hunks for line in (hunk.head, *hunk.lines)]
        return b"".join(line + b"\n" for line in [*(each.encode() for each in lines), *body])


def _side(letter: str, name: str | None) -> str:
    if name is None:
        return NOWHERE
    return f"{letter}/{name}\t" if " " in name else f"{letter}/{name}"


def read(text: bytes, called: str, exists: Callable[[str], bool]) -> list[list[FileDiff]]:
    """Return the diffs of a text, those of each message of a mailbox apart.

    Parameters
    ----------
    text : bytes
        A mail or mailbox of git format-patch, or what git diff or diff -u prints.
    called : str
        The name of the file, for sentences.
    exists : callable
        Whether the tree has a file: tells how many folders the names begin with.

    Raises
    ------
    Failure
        No text diff, or one that leaves the tree.
    """
    if not text.strip():
        raise Failure(f"{called} is empty")
    if len(text) > LARGEST:
        raise Failure(f"{called} has {len(text):,} bytes: more than {LARGEST:,} are not read")
    if re.search(rb"^(diff --git .*|--- .*|\+\+\+ .*|@@ -\d.* @@.*)\r$", text, re.MULTILINE):
        raise Failure(f"{called} has carriage returns at the ends of its own lines, as a mail "
                      "program or an editor leaves them: take them away with sed 's/\\r$//', or "
                      "better, ask for the patch as an attachment")
    parts = _Reader(text, called, exists).parts()
    if not any(parts):
        raise Failure(f"{called} has no diff in it: git format-patch, git diff and diff -u write "
                      "one")
    return [part for part in parts if part]


class _Reader:
    """Reads the lines once; the counts of a hunk say what belongs to it."""

    def __init__(self, text: bytes, called: str, exists: Callable[[str], bool]) -> None:
        self.lines = text.split(b"\n")
        self.called, self.exists = called, exists
        self.at = 0

    def parts(self) -> list[list[FileDiff]]:
        """See read."""
        found: list[list[FileDiff]] = [[]]
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if _MESSAGE.match(line):
                found.append([])
            elif line.startswith(b"diff --git "):
                found[-1].append(self.of_git())
                continue
            elif self.begins():
                found[-1].append(self.plain(FileDiff(None, None), False))
                continue
            elif line.startswith((b"diff --cc ", b"diff --combined ", b"@@@ ")):
                raise Failure(f"{self.called} has the diff of a merge, line {self.at + 1}: make "
                              "one against a single commit")
            elif re.match(rb"Binary files .* differ$", line):
                raise self.binary(shown(line[13:-7]))
            elif line.startswith(b"Only in "):
                raise Failure(f"{self.called} leaves a file out ({shown(line)}): make it with "
                              "diff -ruN")
            elif _HUNK.match(line):
                raise Failure(f"{self.called} has a hunk of no file, line {self.at + 1}")
            self.at += 1
        return found

    def begins(self) -> bool:
        """Whether the two names of a plain diff follow, and a hunk."""
        here = self.lines[self.at : self.at + 3]
        return len(here) == 3 and here[0].startswith(b"--- ") and here[1].startswith(b"+++ ") \
            and _HUNK.match(here[2]) is not None

    def binary(self, name: str) -> Failure:
        """Return the reason to refuse a binary change."""
        return Failure(f"{self.called} changes {name} as binary, which cannot be read: leave it "
                       "out, git diff -- . ':!NAME' does")

    def of_git(self) -> FileDiff:
        """Return a change that begins at diff --git."""
        names = self.names(self.lines[self.at][len(b"diff --git "):])
        diff, plain, self.at = FileDiff(*names), False, self.at + 1
        while self.at < len(self.lines):
            line = self.lines[self.at]
            word, _, rest = line.partition(b" mode ")
            mode = rest.decode("ascii", "replace")
            if word in (b"new file", b"new") and rest:
                diff.new_mode = mode
                diff.old = None if word == b"new file" else diff.old
            elif word in (b"deleted file", b"old") and rest:
                diff.old_mode = mode
                diff.new = None if word == b"deleted file" else diff.new
            elif match := re.match(rb"(rename|copy) (from|to) (.+)$", line):
                diff.moved = match[1].decode()
                name = self.checked(match[3], 0)
                diff.old, diff.new = (name, diff.new) if match[2] == b"from" else (diff.old, name)
            elif line.startswith((b"GIT binary patch", b"Binary files ")):
                raise self.binary(shown(diff.path.encode()))
            elif self.begins():
                plain = True
                break
            elif not re.match(rb"(index|similarity index|dissimilarity index) ", line):
                break
            self.at += 1
        for mode in filter(None, (diff.old_mode, diff.new_mode)):
            if mode not in MODES:
                what = {"120000": "a symbolic link", "160000": "a submodule"}.get(mode)
                raise Failure(f"{self.called} makes {shown(diff.path.encode())} "
                              f"{what or 'a file of mode ' + shown(mode.encode())}: "
                              "only plain files are taken")
        if diff.old and diff.new and diff.old != diff.new and not diff.moved:
            raise Failure(f"{self.called} names two files in one diff, {shown(diff.old)} and "
                          f"{shown(diff.new)}")
        return self.plain(diff, True) if plain else diff

    def names(self, rest: bytes) -> tuple[str, str]:
        """Return the two names of diff --git: equal but for their first folder, or moved."""
        if rest.startswith(b'"'):
            both = re.findall(rb'"(?:[^"\\]|\\.)*"|\S+', rest)
        else:
            both = [rest[: len(rest) // 2], rest[len(rest) // 2 + 1:]]
            if both[0].partition(b"/")[2] != both[1].partition(b"/")[2]:
                both = rest.split(b" ")  # moved: lines that follow name them
        if len(both) != 2:
            both = [rest.split(b" ")[0], rest.split(b" ")[-1]]
        level = 1 if both[0] != both[1] or both[0].startswith(b"a/") else 0
        return self.checked(both[0], level), self.checked(both[1], level)

    def plain(self, diff: FileDiff, git: bool) -> FileDiff:
        """Return a change that begins at ---: names, where git has not given them, and hunks."""
        sides = [self.lines[self.at + n][4:].split(b"\t")[0].rstrip() for n in (0, 1)]
        dates = [self.lines[self.at + n].partition(b"\t")[2] for n in (0, 1)]
        first = _HUNK.match(self.lines[self.at + 2])
        assert first is not None
        self.at += 2
        absent = [side == NOWHERE.encode() or date.startswith(b"1970-01-01")
                  or (date.startswith(b"1969-12-31") and count == b"0")
                  for side, date, count in zip(sides, dates, (first[2], first[4]), strict=True)]
        if all(absent):
            raise Failure(f"{self.called} has a diff of no file, line {self.at - 1}")
        if not git:
            name = self.common(sides, absent)
            diff.old, diff.new = (None if gone else name for gone in absent)
        else:  # the names again, which must be the same
            for side, gone, name in zip(sides, absent, (diff.old, diff.new), strict=True):
                told = None if gone else unquoted(side, self.called)
                if told is None and name is None:
                    continue
                if told is None or name is None or not f"/{told}".endswith(f"/{name}"):
                    raise Failure(f"{self.called} names {shown(side)} where its line diff --git "
                                  f"names {shown((name or NOWHERE).encode())}")
        while self.at < len(self.lines) and _HUNK.match(self.lines[self.at]):
            diff.hunks.append(self.hunk(diff))
        return diff

    def common(self, sides: Sequence[bytes], absent: Sequence[bool]) -> str:
        """Return the one file that a plain diff is about: the new name if the tree has both."""
        given = [side for side, gone in zip(sides, absent, strict=True) if not gone][::-1]
        tried = [self.checked(side, level) for level in (1, 0, 2) for side in given
                 if side.count(b"/") >= level]
        return next((name for name in tried if self.exists(name)),
                    tried[0])

    def hunk(self, diff: FileDiff) -> Hunk:
        """Return one hunk, with as many lines as its head says."""
        head = self.lines[self.at]
        match = _HUNK.match(head)
        assert match is not None
        old, new = (1 if count is None else int(count) for count in (match[2], match[4]))
        number = len(diff.hunks) + 1
        found = Hunk(int(match[1]), [], match[0])
        self.at += 1
        while old > 0 or new > 0:
            line = self.lines[self.at] if self.at < len(self.lines) else None
            if line == b"" and self.at < len(self.lines) - 1:
                line = b" "  # mail programs take blanks at the end of a line away
            sign = b"" if line is None else line[:1]
            if line is None or sign not in (b" ", b"-", b"+", b"\\") or \
                    (sign in b" -" and old == 0) or (sign in b" +" and new == 0):
                raise Failure(f"{self.called} is torn: hunk {number} of {shown(diff.path.encode())}"
                              f" breaks off at its line {self.at + 1}")
            old -= sign in (b" ", b"-")
            new -= sign in (b" ", b"+")
            found.lines.append(line)
            self.at += 1
        if self.at < len(self.lines) and self.lines[self.at].startswith(b"\\ "):
            found.lines.append(self.lines[self.at])
            self.at += 1
        return found

    def checked(self, name: bytes, level: int) -> str:
        """Return a name without its first folders; raise unless what is left is in the tree."""
        whole = unquoted(name, self.called)
        parts = whole.split("/")
        for wrong, why in (
                (whole.startswith("/"), "is absolute"),
                (".." in parts, "climbs out of the tree"),
                ("" in parts or "." in parts, "is no plain path"),
                (any(part.lower() in (".git", "git~1") for part in parts), "belongs to git"),
                (not whole.isprintable() or '"' in whole or "\\" in whole,
                 "has characters that no file of ANUGA has")):
            if wrong:
                raise Failure(f"{self.called} names {shown(name)}, which {why}: nothing of it is "
                              "applied")
        return "/".join(parts[level:] or parts[-1:])


def unquoted(name: bytes, called: str) -> str:
    """Return the name that git has written in quotes, with escapes if it has odd bytes."""
    if name[:1] == b'"' and name[-1:] == b'"' and len(name) > 1:
        name = re.sub(rb'\\([0-7]{3}|.)', lambda match: bytes([
            (int(match[1], 8) if len(match[1]) == 3 else _ESCAPES.get(match[1].decode(
                "latin-1"), ord(match[1]))) & 255]), name[1:-1])
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise Failure(f"{called} names {shown(name)}, which is no UTF-8") from None


def shown(text: bytes | str) -> str:
    """Return words from outside without the control characters that a terminal obeys."""
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return "".join(c if c.isprintable() else "?" for c in words)[:200]
