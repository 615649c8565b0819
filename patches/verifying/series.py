"""Reads the patches of a release from their folder: order, subject, what each needs.

Owns reading; applying is tree.py's.  Needs nothing but Python.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SERIES = "series"  # what stands for all patches in order, as a name
_NAME = re.compile(r"\d{4}-[\w.-]+\.patch")
_NEEDS = re.compile(r"^Needs:(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE | re.IGNORECASE)
_NUMBERED = re.compile(r"\b\d{4}\b(?:-[\w.-]*\w)?")
_NOTHING = ("", "nothing", "none", "-")


class PatchError(Exception):
    """There is no such patch, or a patch is not what it should be: one sentence."""


@dataclass(frozen=True)
class Patch:
    """One patch file in git's mailbox format.

    Attributes
    ----------
    name : str
        ``0003-edge-values-on-demand``, its file's name.
    path : Path
    subject : str
        Without ``[PATCH 3/9]``.
    needs : tuple of str
        Names of the earlier patches that its text needs, all of them, in order.
    diffs : tuple of Path
        Of a submission, see submissions.py: what takes the place of the mail.
    """

    name: str
    path: Path
    subject: str
    needs: tuple[str, ...] = ()
    diffs: tuple[Path, ...] = ()


def read_series(folder: Path) -> list[Patch]:
    """Return the patches that the file ``series`` of a folder lists, in its order.

    A patch says what it needs of the earlier ones in a line of its message,
    ``Needs: 0001-topic, 0002 (why)``; without one, or with ``none``, it applies alone.

    Raises
    ------
    PatchError
        No such file, a patch that is listed and not there or the other way
        round, a need that is no earlier patch.
    """
    listed = folder / SERIES
    if not listed.is_file():
        raise PatchError(f"there is no {listed}: give the folder that holds it with --patches")
    names = [line.split("#")[0].strip() for line in listed.read_text().splitlines()]
    names = [name for name in names if name]
    if not names or len(set(names)) < len(names):
        raise PatchError(f"{listed} lists {'a patch twice' if names else 'no patch'}")
    for name in names:
        if not _NAME.fullmatch(name):
            raise PatchError(f"{listed} lists {name!r}, which is no NNNN-topic.patch")
        if not (folder / name).is_file():
            raise PatchError(f"{listed} lists {name}, which is not there")
    left = sorted(path.name for path in folder.glob("*.patch") if path.name not in names)
    if left:
        raise PatchError(f"{listed} does not list {', '.join(left)}")
    found: list[Patch] = []
    for name in names:
        found.append(_read(folder / name, found))
    return found


def _read(path: Path, earlier: Sequence[Patch]) -> Patch:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    subject = re.sub(r"^\[PATCH[^]]*\]\s*", "", " ".join(str(message["Subject"] or "").split()))
    text = path.read_text(errors="replace").partition("\ndiff --git ")[0]
    if not subject or not message["From"]:
        raise PatchError(f"{path} has no From: and Subject:, as git format-patch writes them: "
                         "git am would not take it")
    said = re.sub(r"\([^)]*\)", "", " ".join(_NEEDS.findall(text))).strip()
    given = [word.removesuffix(".patch") for word in _NUMBERED.findall(said)]
    if not given and said.rstrip(".").lower() not in _NOTHING:
        raise PatchError(f"{path} says 'Needs: {said}': name the patches, as 0001-topic")
    known = {name: patch for patch in earlier for name in (patch.name, patch.name[:4])}
    needs: dict[str, None] = {}
    for need in given:
        if need not in known:
            raise PatchError(f"{path} needs {need!r}, which is no earlier patch of the series")
        needs.update(dict.fromkeys([*known[need].needs, known[need].name]))
    ordered = tuple(patch.name for patch in earlier if patch.name in needs)
    return Patch(path.name.removesuffix(".patch"), path, subject, ordered)


def select(patches: Sequence[Patch], names: Iterable[str]) -> list[str]:
    """Return the names to verify, in the order of the series; without names all, and the series.

    A name may be the number (``3`` or ``0003``), the topic, the file or all of it.

    Raises
    ------
    PatchError
        A name that there is not.
    """
    names = list(names)
    if not names:
        return [*(patch.name for patch in patches), SERIES]
    known = {SERIES: SERIES}
    for patch in patches:
        number, _, topic = patch.name.partition("-")
        for each in (number, str(int(number)), topic, patch.name, patch.path.name):
            known[each] = patch.name
    chosen = set()
    for name in names:
        if name not in known:
            raise PatchError(f"there is no patch {name!r}; there are "
                             f"{', '.join(patch.name for patch in patches)}, and {SERIES} for all "
                             "of them in order")
        chosen.add(known[name])
    return [name for name in [*(patch.name for patch in patches), SERIES] if name in chosen]
