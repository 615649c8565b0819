"""The notes of a release, and the one place of the version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anuga_lean

ROOT = Path(__file__).parents[2]


def notes(*tag: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "release/release_notes.py", *tag], cwd=ROOT,
                          capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_notes_are_those_of_the_version() -> None:
    code, out, _ = notes(f"v{anuga_lean.__version__}")
    assert 0 == code and out.strip() in (ROOT / "CHANGELOG.md").read_text()


def test_a_tag_of_another_version_is_refused() -> None:
    code, out, error = notes("v9.9.9")
    assert (1, "") == (code, out)
    assert f"the tag is v9.9.9 and the package v{anuga_lean.__version__}" in error


def test_the_citation_has_the_version_of_the_package() -> None:
    assert f"\nversion: {anuga_lean.__version__}\n" in (ROOT / "CITATION.cff").read_text()
