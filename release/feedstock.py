"""Prints the conda recipe for conda-forge: its source is the sdist of a release, by checksum.

``python release/feedstock.py dist/anuga_lean-0.1.0.tar.gz > recipe.yaml`` from the root of the
project.  release/conda/recipe.yaml holds everything else.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

RECIPE = Path(__file__).parent / "conda" / "recipe.yaml"
HERE = "source:\n  path: ../..\n"
THERE = """source:
  url: https://pypi.org/packages/source/a/${{{{ name }}}}/${{{{ name }}}}-${{{{ version }}}}.tar.gz
  sha256: {sha256}
"""
# What each feedstock has: whom to ask.
MAINTAINERS = "\nextra:\n  recipe-maintainers:\n    - anuga-lean\n"


def recipe(sdist: Path) -> str:
    """Return the recipe; exit with one sentence if the sdist is of another version."""
    text = RECIPE.read_text()
    found = re.search(r'^  version: "(.+)"$', text, re.MULTILINE)
    version = found[1] if found else "none"
    if sdist.name != f"anuga_lean-{version}.tar.gz":
        sys.exit(f"the recipe is of version {version} and the sdist is {sdist.name}: change "
                 "release/conda/recipe.yaml")
    start, end = text.split(HERE)
    checksum = hashlib.sha256(sdist.read_bytes()).hexdigest()
    body = start + THERE.format(sha256=checksum) + end
    # The schema's line and the words on this checkout stay here.
    return body[body.index("context:"):] + MAINTAINERS


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python release/feedstock.py SDIST: name the .tar.gz of the release")
    print(recipe(Path(sys.argv[1])), end="")
