"""Prints the notes of a release from CHANGELOG.md; refuses a tag that names another version.

``python release/release_notes.py [v0.1.0]`` from the root of the project.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def version(root: Path) -> str:
    """Return the version of the package."""
    text = (root / "anuga_lean" / "_package_version.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        sys.exit("anuga_lean/_package_version.py holds no version")
    return found[1]


def notes(root: Path) -> str:
    """Return what CHANGELOG.md says of the version, without its heading."""
    parts = re.split(r"^## (\S+).*\n", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    if not sections.get(version(root), "").strip():
        sys.exit(f"CHANGELOG.md has no section of {version(root)}: write it before the release")
    return sections[version(root)].strip() + "\n"


def main(root: Path, tags: list[str]) -> None:
    """Print the notes, or exit with one sentence."""
    if tags and tags[0] != f"v{version(root)}":
        sys.exit(f"the tag is {tags[0]} and the package v{version(root)}: change "
                 "anuga_lean/_package_version.py or the tag")
    print(notes(root), end="")


if __name__ == "__main__":
    main(ROOT, sys.argv[1:])
