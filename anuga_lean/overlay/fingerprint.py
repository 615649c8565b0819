"""python -m anuga_lean.overlay.fingerprint: shows which functions used here a release changes.

Owns the records of the known releases (records/*.json) and the comparison of a folder of
sources with them; nothing of that folder is imported or run.  Compiled modules cannot be
read: the number of the release stands for them.  What a difference leads to is `versions`'.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean._errors import BrokenInstallation

_RECORDS = Path(__file__).with_name("records")
_VERSION = re.compile(rb"""^__version__\s*=\s*['"]([^'"\n]*)['"]""", re.MULTILINE)


class Difference(NamedTuple):
    """The functions and files in which a folder of ANUGA's sources differs from a known release.

    Attributes
    ----------
    version : str or None
        What the sources say, None if they do not.
    release : str
        The known release they are compared with.
    changed, added, gone : tuple of str
        Functions, `file:Class.method`, in the order of the files.
    missing : tuple of str
        Files that are not there.
    """

    version: str | None
    release: str
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Return how many functions and files differ."""
        return sum(map(len, (self.changed, self.added, self.gone, self.missing)))

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return self.number == 0

    def names(self, most: int = 3) -> str:
        """Return the first few functions that differ, and how many more there are."""
        found = [*self.changed, *self.gone, *self.missing, *self.added]
        first = [_short(each) for each in found[:most]]
        more = len(found) - len(first)
        return ", ".join(first) + (f" and {more} more" if more else "")

    def __str__(self) -> str:
        """Describe the difference in one line."""
        who = f"anuga {self.version or 'of unknown version'}"
        if self.is_equal:
            return (f"{who} has the fingerprints of {self.release}: none of the functions "
                    "that anuga_lean replaces or relies on differs")
        return (f"{who} differs from {self.release} in {len(self.changed)} functions that "
                f"anuga_lean replaces or relies on ({len(self.added)} more are new, "
                f"{len(self.gone)} and {len(self.missing)} whole files are gone): "
                f"{self.names(5)}")


def _short(name: str) -> str:
    file, _, function = name.partition(":")
    if not function:
        return name
    module = file.rpartition("/")[2].removesuffix(".py")
    return f"{module}.{function}"


def known_releases() -> list[str]:
    """Return the numbers of the releases with a record, oldest first."""
    return sorted((path.stem for path in _RECORDS.glob("*.json")), key=numbers_of)


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (4, 2, 1) of 4.2.1.dev3."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def record_of(release: str) -> dict[str, Any]:
    """Return the record of a known release.

    Returns
    -------
    dict
        `files`: length and checksum of each file; `functions`: by file and name, a
        checksum of each function.
    """
    return json.loads((_RECORDS / f"{release}.json").read_bytes())


def whole(source: bytes) -> list[int]:
    """Return length and checksum of a file: if they are equal, so are its functions."""
    return [len(source), zlib.crc32(source)]


def version_in(folder: Path) -> str | None:
    """Return the version that the sources in a folder say they are; runs nothing."""
    for file in ("_version.py", "__init__.py"):
        try:
            found = _VERSION.search((folder / file).read_bytes())
        except OSError:
            continue
        if found:
            return found[1].decode(errors="replace")
    return None


def package_in(folder: Path) -> Path:
    """Return the folder of the package: `folder` itself or `anuga` in it.

    Raises
    ------
    BrokenInstallation
        There is none.
    """
    for each in (folder / "anuga", folder):
        if (each / "abstract_2d_finite_volumes").is_dir():
            return each
    raise BrokenInstallation(f"{folder} holds no package anuga: name a site-packages folder, "
                             "an unpacked wheel or a checkout")


def compare_sources(folder: Path | str, release: str | None = None) -> Difference:
    """Compare the sources of ANUGA in a folder with a known release, without importing them.

    Parameters
    ----------
    folder : path
        A site-packages folder, an unpacked wheel, a checkout, or the package itself.
    release : str, optional
        By default the known release of that number, otherwise the newest one known.

    Returns
    -------
    Difference
        `str` of it is one line.

    Raises
    ------
    BrokenInstallation
        It holds no ANUGA, or files cannot be parsed.
    """
    package = package_in(Path(folder))
    version = version_in(package)
    releases = known_releases()
    if release is None:
        release = version if version in releases else releases[-1]
    return compare_package(package, version, release)


def compare_package(package: Path, version: str | None, release: str) -> Difference:
    """Compare a package folder that says it is `version` with the record of a known release."""
    record = record_of(release)
    changed: list[str] = []
    added: list[str] = []
    gone: list[str] = []
    missing: list[str] = []
    for file, as_known in record["files"].items():
        try:
            source = (package / file).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            missing.append(file)
            continue
        except OSError as error:
            raise _unreadable(package, file, f"cannot be read ({error.strerror})") from error
        if whole(source) == as_known:
            continue
        old, new = record["functions"][file], _functions(package, file, source)
        changed += [f"{file}:{name}" for name in old if name in new and old[name] != new[name]]
        added += [f"{file}:{name}" for name in new if name not in old]
        gone += [f"{file}:{name}" for name in old if name not in new]
    return Difference(version, release, tuple(changed), tuple(added), tuple(gone), tuple(missing))


def make_record(folder: Path | str) -> dict[str, Any]:
    """Return the record of the sources in a folder.

    Raises
    ------
    BrokenInstallation
        Files are missing or cannot be parsed, or say no version.
    """
    package = package_in(Path(folder))
    version = version_in(package)
    if version is None:
        raise BrokenInstallation(f"the sources in {package} do not say their version: "
                                 "build or install them, which writes _version.py")
    from anuga_lean.overlay.relied import RELIED

    found = {}
    for file in RELIED:
        try:
            found[file] = (package / file).read_bytes()
        except OSError as error:
            raise _unreadable(package, file, f"cannot be read ({error.strerror})") from error
    return {"anuga": version,
            "files": {file: whole(source) for file, source in found.items()},
            "functions": {file: _functions(package, file, source)
                          for file, source in found.items()}}


def write_record(record: dict[str, Any], folder: Path = _RECORDS) -> Path:
    """Write a record beside the others, a line for each file; return its path."""
    lines = [f' "anuga": {json.dumps(record["anuga"])}']
    for part in ("files", "functions"):
        inner = ",\n".join(f"  {json.dumps(file)}: {json.dumps(value)}"
                           for file, value in record[part].items())
        lines.append(f' "{part}": {{\n{inner}\n }}')
    path = folder / f"{record['anuga']}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return path


def _functions(package: Path, file: str, source: bytes) -> dict[str, int]:
    # what a release whose files are known does not pay for
    from anuga_lean.overlay.relied import RELIED
    from anuga_lean.overlay.sources import functions_of

    try:
        return functions_of(source, RELIED[file])
    except SyntaxError as error:
        why = f"is no Python ({error.msg}, line {error.lineno})"
        raise _unreadable(package, file, why) from error
    except ValueError as error:
        raise _unreadable(package, file, f"is no Python ({error})") from error


def _unreadable(package: Path, file: str, why: str) -> BrokenInstallation:
    return BrokenInstallation(
        f"the ANUGA in {package} is not whole, {file} {why}: "
        f"{sys.executable} -m pip install --force-reinstall --no-deps anuga")


def main(arguments: list[str] | None = None) -> int:
    """Compare a folder of sources, and write its record if asked to."""
    import argparse  # here, so that `import anuga` under anuga_lean does not load it

    parser = argparse.ArgumentParser(
        prog="python -m anuga_lean.overlay.fingerprint",
        description="Says which of the functions that anuga_lean replaces or relies on differ "
                    "between an ANUGA and the newest known release; nothing of it is run.")
    parser.add_argument("folder", nargs="?", type=Path, help="a site-packages folder, an "
                        "unpacked wheel or a checkout (default: the installed anuga)")
    parser.add_argument("--against", metavar="RELEASE", choices=known_releases(),
                        help=f"one of {', '.join(known_releases())} (default: the newest)")
    parser.add_argument("--write", action="store_true", help="write the record of this release "
                        "beside the others: the last step of supporting it")
    args = parser.parse_args(arguments)
    try:
        folder = args.folder or _installed()
        # against a record other than its own, so that a known release shows its changes, too
        own = version_in(package_in(folder))
        before = [each for each in known_releases() if each != own] or known_releases()
        found = compare_sources(folder, args.against or before[-1])
        print(found)
        for title, names in (("changed", found.changed), ("new", found.added),
                             ("gone", found.gone + found.missing)):
            for name in names:
                print(f"  {title:8} {name}")
        if args.write:
            print(f"wrote {write_record(make_record(folder))}")
    except BrokenInstallation as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _installed() -> Path:
    from importlib.util import find_spec

    spec = find_spec("anuga")
    if spec is None or spec.origin is None:
        raise BrokenInstallation("no anuga is installed here: name a folder with its sources")
    return Path(spec.origin).parent


if __name__ == "__main__":
    sys.exit(main())
