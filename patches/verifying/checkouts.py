"""Reads a user's git checkout of ANUGA: which commit, and what it is a change of.

Owns every git command that looks at it.  Its configuration, hooks and filters are
programs of its owner: names are resolved there, all else is done in an empty
repository of our own that only borrows its objects.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from verifying.diffs import shown
from verifying.series import PatchError
from verifying.tree import STOCK, Tree

IS_ANUGA = ("anuga/__init__.py", "anuga/shallow_water/shallow_water_domain.py", "meson.build",
            "pyproject.toml")
BUILT = ("anuga", "meson.build", "pyproject.toml")  # what a wheel depends on
# Where a change starts unless it is said, in this order.
MAIN = ("upstream/HEAD", "upstream/main", "origin/HEAD", "origin/main", "origin/master", "main",
        "master")
# Refuses to run or to fetch anything that a repository asks for.
_SAFE = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}",
         "-c", "protocol.allow=never", "-c", "core.attributesFile=" + os.devnull)
_ENVIRONMENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_PAGER": "cat",
                "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


@dataclass(frozen=True)
class Range:
    """From a commit to another one.

    Attributes
    ----------
    folder : Path
    base, commit : str
        Hashes.
    release : str or None
        The known release whose source the base has.
    version : str
        What a build of the base calls itself.
    subject : str
        Of the commit.
    diff : bytes
    """

    folder: Path
    base: str
    commit: str
    release: str | None
    version: str
    subject: str
    diff: bytes


class Checkout:
    """A checkout, seen through a repository of our own.

    Parameters
    ----------
    folder : Path
    place : Path
        An empty folder, for that repository.

    Raises
    ------
    PatchError
        No git checkout of ANUGA.
    """

    def __init__(self, folder: Path, place: Path) -> None:
        self.folder, self.bare = folder, place / "borrowed.git"
        top = _git(folder, "rev-parse", "--show-toplevel")
        if top is None and any((each / ".git").exists() for each in (
                folder.absolute(), *folder.absolute().parents)):
            raise PatchError(f"git does not read {folder}: it is broken, or belongs to another "
                             "user (chown it, or clone it)")
        if top is None:
            raise PatchError(f"{folder} is no git checkout: give the clone of ANUGA that has the "
                             "change, or make a patch file with diff -ruN RELEASE CHANGED")
        self.folder = Path(top.strip())
        objects = _git(self.folder, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        shallow = _git(self.folder, "rev-parse", "--path-format=absolute", "--git-path", "shallow")
        assert objects is not None and shallow is not None
        subprocess.run(["git", "init", "-q", "--bare", str(self.bare)], check=True,
                       env=_environment())
        (self.bare / "objects" / "info" / "alternates").write_text(objects)
        if Path(shallow.strip()).exists():
            shutil.copy(shallow.strip(), self.bare / "shallow")

    def resolve(self, name: str) -> str | None:
        """Return the commit that a name stands for there."""
        found = _git(self.folder, "rev-parse", "--verify", "--quiet", "--end-of-options",
                     f"{name}^{{commit}}")
        return None if found is None else found.split()[-1]

    def git(self, *arguments: str, **variables: str) -> str | None:
        """Return what a command in our repository prints; None if it fails."""
        return _git(None, f"--git-dir={self.bare}", *arguments, **variables)

    def range(self, commit: str | None, against: str | None, release: str | None,
              trees: Mapping[str, str]) -> Range:
        """Return the change to verify.

        Parameters
        ----------
        commit : str or None
            Default: what is checked out; nothing may be uncommitted then.
        against : str or None
            What it is a change of: a commit, branch or tag there.
        release : str or None
            Instead of that, a known release.
        trees : mapping of str to str
            By known release, what `identity` gives of its tree.

        Raises
        ------
        PatchError
            It cannot be told, or there is no change.
        """
        found = self.resolve(commit or "HEAD")
        if found is None:
            raise PatchError(f"{self.folder} has no commit {commit or 'HEAD'}: git branch -a and "
                             "git fetch")
        self.check_anuga(found)
        if commit is None:
            self.check_clean(found)
        base = self.base(found, commit or "HEAD", against, release)
        self.check_anuga(base)
        if base == found:
            raise PatchError(f"{found[:12]} is what it is compared with: check the branch with the "
                             "change out, or name a commit with --commit")
        diff = _bytes(f"--git-dir={self.bare}", "diff", "--no-renames", "--no-ext-diff",
                      "--no-textconv", "--no-color", "--full-index", "--src-prefix=a/",
                      "--dst-prefix=b/", base, found)
        subject = shown((self.git("log", "-1", "--format=%s", found) or "").strip())
        return Range(self.folder, base, found, self.release_of(base, trees), self.version(base),
                     subject, diff)

    def check_anuga(self, commit: str) -> None:
        """Raise PatchError unless a commit has ANUGA's source, in plain files."""
        listed = self.git("ls-tree", "-r", "-z", commit)
        if listed is None:
            raise PatchError(f"{self.folder} has not all objects of {commit[:12]}: clone it "
                             "without --filter")
        modes = dict(reversed(entry.split("\t", 1)) for entry in listed.split("\0") if entry)
        for name in IS_ANUGA:
            if name not in modes:
                raise PatchError(f"{self.folder} is no checkout of ANUGA 4: {commit[:12]} has no "
                                 f"{name}")
        for name, mode in modes.items():
            if mode.startswith(("120000", "160000")):
                raise PatchError(f"{commit[:12]} has {shown(name)}, a symbolic link or submodule: "
                                 "only plain files are built")

    def check_clean(self, commit: str) -> None:
        """Raise PatchError if a file differs from the commit that is checked out, or is new."""
        index = str(self.bare / "index")
        here = (f"--work-tree={self.folder}",)
        if self.git("read-tree", commit, GIT_INDEX_FILE=index) is None:
            raise PatchError(f"{self.folder} cannot be read at {commit[:12]}")
        self.git(*here, "update-index", "-q", "--refresh", GIT_INDEX_FILE=index)
        changed = self.git(*here, "diff-files", "--name-only", "-z", GIT_INDEX_FILE=index) or ""
        new = _git(self.folder, f"--git-dir={self.bare}", *here, "ls-files", "--others", "-z",
                   "--exclude-standard", "--", "anuga", GIT_INDEX_FILE=index) or ""
        names = [name for name in [*changed.split("\0"), *new.split("\0")] if name]
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise PatchError(f"{self.folder} has changes that are not committed "
                             f"({shown(names[0])}{more}): commit them, or name a commit with "
                             "--commit, HEAD to leave them out")

    def base(self, commit: str, called: str, against: str | None, release: str | None) -> str:
        """Return the base of a commit: what was named, or where it leaves the main branch."""
        named = against or release
        if named is not None:
            found = self.resolve(named)
            if found is None:
                raise PatchError(f"{self.folder} has no {named}: name with --against what the "
                                 "change was made on, or git fetch --tags first")
            return found
        for name in MAIN:
            there = self.resolve(name)
            if there is None or there == commit:
                continue
            base = (self.git("merge-base", there, commit) or "").strip()
            if base and base != commit:
                return base
        raise PatchError(f"{self.folder} does not say what {called} is a change of: name the "
                         "commit, branch or tag with --against")

    def release_of(self, base: str, trees: Mapping[str, str]) -> str | None:
        """Return the release that builds the same."""
        ours = self.git("rev-parse", *(f"{base}:{name}" for name in BUILT))
        return next((name for name, known in trees.items() if known == ours), None)

    def version(self, base: str) -> str:
        """Return the nearest release and the commit."""
        tag = (_git(self.folder, "describe", "--tags", "--abbrev=0", base) or "").strip()
        return f"{tag if re.fullmatch(r'[0-9]+([.][0-9]+)+', tag) else '0.0.0'}+g{base[:9]}"

    def export(self, base: str, folder: Path) -> Path:
        """Write the files of a commit into a folder, once."""
        if not (folder / ".git" / "refs" / "tags" / STOCK).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            # Above all that lies in the tree: files as they are, and all of them.
            (self.bare / "info" / "attributes").write_text(
                "* -text -export-ignore -export-subst -filter -ident\n")
            archive = _bytes(f"--git-dir={self.bare}", "archive", "--format=tar", base)
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                tar.extractall(folder, **safe)  # type: ignore[arg-type]
        return folder


def identity(tree: Tree) -> str:
    """Return git's hashes of what a wheel of a release depends on."""
    return tree.git("rev-parse", *(f"{STOCK}:{name}" for name in BUILT))


def requirements_of(pyproject: Path) -> list[str]:
    """Return what a checkout asks to be installed, as lines of PKG-INFO.

    Raises
    ------
    PatchError
        This Python cannot read it, or it is not what ANUGA has.
    """
    if sys.version_info < (3, 11):
        raise PatchError("a checkout that is no known release needs Python 3.11 or newer, which "
                         "reads pyproject.toml")
    import tomllib

    try:
        project = tomllib.loads(pyproject.read_text())["project"]
        lines = [f"Requires-Dist: {each}" for each in project.get("dependencies", ())]
        for extra, some in project.get("optional-dependencies", {}).items():
            for each in some:
                name, _, condition = each.partition(";")
                both = f"({condition.strip()}) and " if condition.strip() else ""
                lines.append(f'Requires-Dist: {name.strip()}; {both}extra == "{extra}"')
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise PatchError(f"the pyproject.toml of the checkout cannot be read: {error}") from error
    for line in lines:
        if not re.fullmatch(r"""[\w .,;:<>=!~\[\]()"'*+-]+""", line) or "@" in line:
            raise PatchError(f"the pyproject.toml of the checkout asks for {shown(line)}, which is "
                             "no plain requirement: nothing is installed")
    return lines


def _environment(**variables: str) -> dict[str, str]:
    here = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return here | _ENVIRONMENT | variables


def _git(folder: Path | None, *arguments: str, **variables: str) -> str | None:
    done = subprocess.run(["git", *_SAFE, *arguments], cwd=folder, capture_output=True, text=True,
                          errors="replace", stdin=subprocess.DEVNULL,
                          env=_environment(**variables))
    return done.stdout if done.returncode == 0 else None


def _bytes(*arguments: str) -> bytes:
    return subprocess.run(["git", *_SAFE, *arguments], check=True, capture_output=True,
                          stdin=subprocess.DEVNULL, env=_environment()).stdout
