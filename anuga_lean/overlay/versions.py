"""Whether the ANUGA that is here is one that may be changed.

Owns what follows from its version and its fingerprints.  A release that is known, or a
patch of one whose sources say the same where it matters, runs lean.  Every other one runs
as it is: nothing of it is replaced, one warning says why, results are ANUGA's own.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from anuga_lean._errors import BrokenInstallation, StockAnugaWarning, UnsupportedVersion

STRICT = "ANUGA_LEAN_STRICT"    # set, and neither empty nor 0: an error instead of the warning
SUPPORTED = ((4, 1), (4, 2))
SUPPORTED_RANGE = "4.1.0 or later, before 4.3"
_REQUIREMENT = "'anuga>=4.1,<4.3'"

_RELEASE = re.compile(r"(\d+)\.(\d+)(\.\d+)*(\.?post\d+)?")
# Variables in which launchers number the processes that they start.
_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID")


class Verdict(NamedTuple):
    """What an ANUGA is, and in one sentence why it runs as it is; None: it may be lean."""

    version: str
    reason: str | None


_verdicts: dict[Path | None, Verdict] = {}
_said: set[Path | None] = set()


def is_known_here() -> bool:
    """Whether ANUGA may be lean in this process; warns once if not.

    Raises
    ------
    UnsupportedVersion
        It may not, and ANUGA_LEAN_STRICT asks for an error.
    BrokenInstallation
        It is not whole.
    """
    verdict = judge()
    if verdict.reason is None:
        return True
    if _is_strict():
        raise UnsupportedVersion(f"{verdict.reason}, and {STRICT} is set.")
    folder = _folder()
    if folder not in _said:
        _said.add(folder)
        if not any(os.environ.get(name, "0") not in ("", "0") for name in _RANKS):
            warnings.warn(f"{verdict.reason} ({STRICT}=1 makes this an error).",
                          StockAnugaWarning, stacklevel=_level())
    return False


def refuse_early() -> None:
    """Raise what `import anuga` would raise, before a script has begun.

    Raises
    ------
    UnsupportedVersion, BrokenInstallation
        As `is_known_here`; a script that imports no ANUGA needs none.
    """
    if _folder() is None and _listed_version() is None:
        return
    verdict = judge()
    if verdict.reason is not None and _is_strict():
        raise UnsupportedVersion(f"{verdict.reason}, and {STRICT} is set.")


def _is_strict() -> bool:
    return os.environ.get(STRICT, "0") not in ("", "0")


def judge() -> Verdict:
    """Return what the ANUGA is that is loaded or would be; loads and runs nothing of it.

    Raises
    ------
    BrokenInstallation
        It is not whole.
    """
    folder = _folder()
    if folder not in _verdicts:
        _verdicts[folder] = _judge(folder)
    return _verdicts[folder]


def is_supported(version: str) -> bool:
    """Whether a version is of a minor release whose inside is known here."""
    from anuga_lean.overlay.fingerprint import numbers_of

    return numbers_of(version)[:2] in SUPPORTED


def _folder() -> Path | None:
    """Return the folder of the package, None if there is no ANUGA."""
    module = sys.modules.get("anuga")
    if module is not None:
        origin = getattr(module, "__file__", None)
    else:
        spec = find_spec("anuga")
        origin = None if spec is None else spec.origin
        if spec is not None and origin is None:
            raise BrokenInstallation(
                f"{next(iter(spec.submodule_search_locations or ['anuga']))} has no __init__.py, "
                f"so that it is no ANUGA: {_reinstall()}")
    return None if origin is None else Path(origin).parent


def _judge(folder: Path | None) -> Verdict:
    if folder is None:
        raise BrokenInstallation(_nothing_there())
    version = _version(folder)
    if version is None:
        return Verdict("unknown", _as_it_is("of unknown version", "it does not say its version",
                                            _reinstall()))
    from anuga_lean.overlay import fingerprint

    numbers = fingerprint.numbers_of(version)
    releases = fingerprint.known_releases()
    alike = [each for each in releases if fingerprint.numbers_of(each)[:2] == numbers[:2]]
    # an unknown minor is compared with the newest one only to say what differs
    candidates = [version] if version in alike else alike[::-1] or releases[-1:]
    found = []
    for release in candidates:
        found.append(fingerprint.compare_package(folder, version, release))
        if found[-1].is_equal:
            break
    difference = min(found, key=lambda each: each.count)
    if alike and difference.missing:
        _refuse_missing(folder, version, difference.missing)
        return Verdict(version, _as_it_is(
            version, f"it has no sources ({difference.missing[0]} and "
            f"{len(difference.missing) - 1} more files), so that it cannot be told from a "
            "changed one", _reinstall(version)))
    if not _RELEASE.fullmatch(version):
        why = "it is no release, so that no number stands for its compiled kernels"
        if not difference.is_equal:
            why += f", and it differs from {difference.release} in {difference.names()}"
        return Verdict(version, _as_it_is(version, why))
    if numbers[:2] not in SUPPORTED:
        why = f"anuga_lean knows the inside of {SUPPORTED_RANGE}"
        if not difference.is_equal:
            why += f"; from {difference.release} differ {difference.names()}"
        return Verdict(version, _as_it_is(version, why))
    if difference.is_equal:
        return Verdict(version, None)
    if version in releases:
        return Verdict(version, _as_it_is(
            version, "it is not the release of that number: there differ "
            f"{difference.names()}", _reinstall(version)))
    return Verdict(version, _as_it_is(
        version, f"it changes what anuga_lean knows of {difference.release}: "
        f"{difference.names()}"))


def _as_it_is(version: str, why: str, todo: str | None = None) -> str:
    todo = todo or (f"for lean ones install a newer anuga_lean, or {sys.executable} -m pip "
                    f"install {_REQUIREMENT}")
    return (f"anuga {version} runs on its own classes and kernels, in its own memory, because "
            f"{why}: {todo}")


def _reinstall(version: str | None = None) -> str:
    what = "anuga" if version is None else f"anuga=={version}"
    return f"{sys.executable} -m pip install --force-reinstall --no-deps {what}"


def _version(folder: Path) -> str | None:
    """Return the version of the package in a folder."""
    loaded = getattr(sys.modules.get("anuga"), "__version__", None)
    if loaded is not None:
        return str(loaded)
    from anuga_lean.overlay.fingerprint import version_in

    return version_in(folder) or _listed_version()


def _listed_version() -> str | None:
    """Return what the environment says is installed: an editable build has no other number."""
    from importlib import metadata

    try:
        return metadata.version("anuga")
    except metadata.PackageNotFoundError:
        return None


def _nothing_there() -> str:
    listed = _listed_version()
    if listed is not None:
        return (f"anuga {listed} is listed as installed for {sys.executable} but its package is "
                f"not there: {_reinstall(listed)}")
    return (f"there is no anuga for {sys.executable}: {sys.executable} -m pip install "
            f"{_REQUIREMENT}")


def _refuse_missing(folder: Path, version: str, missing: tuple[str, ...]) -> None:
    """Raise BrokenInstallation unless the files are there in compiled form."""
    gone = [each for each in missing if not (folder / f"{each}c").exists()]
    if gone:
        more = f" and {len(gone) - 1} more files are" if len(gone) > 1 else " is"
        raise BrokenInstallation(f"the anuga {version} in {folder} is not whole, {gone[0]}{more} "
                                 f"missing: {_reinstall(version)}")


def _level() -> int:
    """Return the stacklevel, for the caller, of the first frame that is not this package's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and (
            str(frame.f_globals.get("__name__")).partition(".")[0] in ("anuga_lean", "importlib")
            or frame.f_code.co_filename.startswith("<frozen importlib")):
        level, frame = level + 1, frame.f_back
    return level
