"""Copies of the installed ANUGA that claim to be, or are, something else."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

PACKAGE = Path(importlib.util.find_spec("anuga").origin).parent


def installed_version() -> str:
    from anuga_lean.overlay.fingerprint import version_in

    return version_in(PACKAGE)


def doctored(root: Path, version: str | None = None, edits: Mapping[str, tuple[str, str]] = {},
             without: Iterable[str] = (), listed: bool = True) -> Path:
    """Make a copy of the installed ANUGA, to be put first on PYTHONPATH; return its folder.

    Parameters
    ----------
    root : Path
    version : str, optional
        What it says it is, in its metadata too.
    edits : mapping
        By file, a text and what stands in its place.
    without : iterable of str
        Files that are not there.
    listed : bool
        Whether there is metadata.
    """
    version = version or installed_version()
    for path in PACKAGE.rglob("*"):
        name = path.relative_to(PACKAGE)
        if path.is_dir() or "tests" in name.parts or str(name) in without \
                or path.name.split(".")[0] in {Path(each).stem for each in (*edits, "_version.py")
                                               } and path.suffix == ".pyc":
            continue
        target = root / "anuga" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if str(name) == "_version.py":
            text = path.read_text().replace(f'"{installed_version()}"', f'"{version}"')
            target.write_text(text)
        elif str(name) in edits:
            old, new = edits[str(name)]
            assert old in path.read_text()
            target.write_text(path.read_text().replace(old, new, 1))
        else:
            target.symlink_to(path)     # with its compiled form, which goes by the time of this
    libraries = PACKAGE.with_name("anuga.libs")
    if libraries.is_dir():
        (root / libraries.name).symlink_to(libraries)
    if listed:
        list_as(root, version)
    return root


def list_as(root: Path, version: str) -> None:
    """Write the metadata of an ANUGA."""
    folder = root / f"anuga-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: anuga\nVersion: {version}\n")


def python(root: Path | None, cwd: Path, *arguments: str,
           **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, that ANUGA before all others."""
    values = {**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"}
    if root is not None:
        values["PYTHONPATH"] = str(root)
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=values,
                          capture_output=True, text=True, timeout=120)


def bare(folder: Path) -> Path:
    """Return a folder with anuga_lean and what it needs, but no ANUGA, for `python -S`."""
    folder.mkdir(exist_ok=True)
    for path in PACKAGE.parent.iterdir():
        if path.name != "anuga" and not path.name.startswith("anuga-"):
            (folder / path.name).symlink_to(path)
    return folder
