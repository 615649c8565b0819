"""Finds the release of ANUGA that pip would install today, and what it changes that is used here.

Owns asking pip, where it is set up to look, and reading the wheel; nothing of the wheel is
run.  The fingerprints are `anuga_lean.overlay.fingerprint`'s.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from anuga_lean._errors import LeanError
from anuga_lean.overlay.fingerprint import compare_sources, known_releases

ASK = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]


class Newest(NamedTuple):
    """The newest release that pip finds.

    Attributes
    ----------
    version : str or None
        None if pip found none, offline for example.
    known : bool
        Whether there is a record of its fingerprints.
    line : str
        What there is to say, one line.
    """

    version: str | None
    known: bool
    line: str


def newest_release() -> Newest:
    """Ask pip for the newest ANUGA that has a wheel for this Python."""
    known = known_releases()
    asked = _pip(*ASK, "anuga")
    if asked.returncode != 0:
        return Newest(None, False, f"whether there is a newer ANUGA than {known[-1]} is not known: "
                      f"pip finds none, as it does offline ({_reason(asked)})")
    version = str(json.loads(asked.stdout)["install"][0]["metadata"]["version"])
    if version in known:
        return Newest(version, True, f"the newest ANUGA is {version}, which is known")
    return Newest(version, False, f"ANUGA {version} has appeared, which is not known: "
                  f"{changes(version)}")


def changes(version: str) -> str:
    """Say in a few words what the wheel of a release changes of the functions used here."""
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        done = _pip("download", "--quiet", "--dest", folder, f"anuga=={version}")
        if done.returncode != 0:
            return f"its wheel cannot be had ({_reason(done)})"
        (wheel,) = Path(folder).glob("*.whl")
        try:
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(Path(folder) / "unpacked")
            return str(compare_sources(Path(folder) / "unpacked"))
        except (zipfile.BadZipFile, LeanError) as error:
            return f"its fingerprints cannot be taken: {error}"


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command, *rest = arguments
    options = ["--no-deps", "--only-binary", ":all:", "--retries", "1", "--timeout", "20",
               "--disable-pip-version-check", "--no-input"]
    return subprocess.run([sys.executable, "-m", "pip", command, *options, *rest],
                          capture_output=True, text=True, cwd="/")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    last = errors[-1].removeprefix("ERROR: ") if errors else "it printed nothing"
    return f"pip ended with {done.returncode}: {last}"
