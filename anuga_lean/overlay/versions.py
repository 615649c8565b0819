"""Decides whether the installed ANUGA is a release that may be changed.

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
from typing import TYPE_CHECKING, NamedTuple

from anuga_lean._errors import BrokenInstallation, StockAnugaWarning, UnsupportedVersion

if TYPE_CHECKING:
    from anuga_lean.overlay.fingerprint import Difference

STRICT = "ANUGA_LEAN_STRICT"    # set, and neither empty nor 0: an error instead of the warning
SUPPORTED = ((4, 1), (4, 2))
SUPPORTED_RANGE = "4.1.0 or later, before 4.3"
_REQUIREMENT = "'anuga>=4.1,<4.3'"

_RELEASE = re.compile(r"(\d+)\.(\d+)(\.\d+)*(\.?post\d+)?")
# Variables in which launchers number the processes that they start.
_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID")


class Verdict(NamedTuple):
    """The verdict on an ANUGA: whether its release is known, and why not.

    Attributes
    ----------
    version : str
    why : str or None
        Why it runs as it is; None: it may be lean.
    todo : str
        What to type to make it lean.
    """

    version: str
    why: str | None = None
    todo: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it may be lean."""
        return self.why is None

    def __str__(self) -> str:
        return (f"anuga {self.version} runs as it is, on its own classes and in its own memory, "
                f"because {self.why}: {self.todo}")


_verdicts: dict[Path | None, Verdict] = {}
_said: set[Path | None] = set()


def is_known_here() -> bool:
    """Whether ANUGA may be lean in this process; warn once if not.

    Raises
    ------
    UnsupportedVersion
        It may not, and ANUGA_LEAN_STRICT asks for an error.
    BrokenInstallation
        It is not whole.
    """
    verdict = judge()
    if verdict.is_known:
        return True
    _refuse_if_strict(verdict)
    if folder() not in _said:
        _said.add(folder())
        if not any(os.environ.get(name, "0") not in ("", "0") for name in _RANKS):
            warnings.warn(f"{verdict} ({STRICT}=1 makes this an error).", StockAnugaWarning,
                          stacklevel=_level())
    return False


def refuse_early() -> None:
    """Raise what `import anuga` would raise, before the script begins.

    Raises
    ------
    UnsupportedVersion, BrokenInstallation
        As `is_known_here`; a script that imports no ANUGA needs none.
    """
    if folder() is None and _listed_version() is None:
        return
    _refuse_if_strict(judge())


def _refuse_if_strict(verdict: Verdict) -> None:
    if not verdict.is_known and os.environ.get(STRICT, "0") not in ("", "0"):
        raise UnsupportedVersion(
            f"anuga {verdict.version} cannot be lean, which {STRICT} asks for, because "
            f"{verdict.why}: {verdict.todo}.")


def judge() -> Verdict:
    """Return the verdict on the ANUGA that is loaded or would be, without running any of it.

    Raises
    ------
    BrokenInstallation
        It is not whole.
    """
    place = folder()
    if place not in _verdicts:
        _verdicts[place] = _judge(place)
    return _verdicts[place]


def folder() -> Path | None:
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


def _judge(place: Path | None) -> Verdict:
    if place is None:
        raise BrokenInstallation(_nothing_there())
    version = _version(place)
    if version is None:
        return Verdict("of unknown version", "it does not say its version", _reinstall())
    from anuga_lean.overlay.fingerprint import known_releases, numbers_of

    difference = _least_difference(place, version)
    if numbers_of(version)[:2] in SUPPORTED and difference.missing:
        _refuse_missing(place, version, difference.missing)
        return Verdict(version, f"it has no sources ({difference.missing[0]} and "
                       f"{len(difference.missing) - 1} more files), so that it cannot be told "
                       "from a changed one", _reinstall(version))
    differing = "" if difference.is_equal else \
        f", and it differs from {difference.release} in {difference.names()}"
    other = (f"install an anuga_lean that knows it, or {sys.executable} -m pip install "
             f"{_REQUIREMENT}")
    if not _RELEASE.fullmatch(version):
        return Verdict(version, "it is no release, so that no number stands for its compiled "
                       f"kernels{differing}", other)
    if numbers_of(version)[:2] not in SUPPORTED:
        return Verdict(version, "anuga_lean knows the inside of ANUGA "
                       f"{SUPPORTED_RANGE}{differing}", other)
    if difference.is_equal:
        return Verdict(version)
    if version in known_releases():
        return Verdict(version, "it is not the release of that number, from which differ "
                       f"{difference.names()}", _reinstall(version))
    return Verdict(version, f"it changes what anuga_lean knows of {difference.release}: "
                   f"{difference.names()}", other)


def _least_difference(place: Path, version: str) -> Difference:
    """Compare with the release of that number, else with the known ones of that minor.

    An unknown minor is compared with the newest release known, to say what differs.
    """
    from anuga_lean.overlay.fingerprint import compare_package, known_releases, numbers_of

    releases = known_releases()
    alike = [each for each in releases if numbers_of(each)[:2] == numbers_of(version)[:2]]
    found = []
    for release in [version] if version in alike else alike[::-1] or releases[-1:]:
        found.append(compare_package(place, version, release))
        if found[-1].is_equal:
            break
    return min(found, key=lambda each: each.number)


def _reinstall(version: str | None = None) -> str:
    what = "anuga" if version is None else f"anuga=={version}"
    return f"{sys.executable} -m pip install --force-reinstall --no-deps {what}"


def _version(place: Path) -> str | None:
    """Return the version of the package in a folder."""
    loaded = getattr(sys.modules.get("anuga"), "__version__", None)
    if loaded is not None:
        return str(loaded)
    from anuga_lean.overlay.fingerprint import version_in

    return version_in(place) or _listed_version()


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


def _refuse_missing(place: Path, version: str, missing: tuple[str, ...]) -> None:
    """Raise BrokenInstallation unless the files are there in compiled form."""
    gone = [each for each in missing if not (place / f"{each}c").exists()]
    if gone:
        more = f" and {len(gone) - 1} more files are" if len(gone) > 1 else " is"
        raise BrokenInstallation(f"the anuga {version} in {place} is not whole, {gone[0]}{more} "
                                 f"missing: {_reinstall(version)}")


def _level() -> int:
    """Return the stacklevel, for the caller, of the first frame that is not this package's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and (
            str(frame.f_globals.get("__name__")).partition(".")[0] in ("anuga_lean", "importlib")
            or frame.f_code.co_filename.startswith("<frozen importlib")):
        level, frame = level + 1, frame.f_back
    return level
