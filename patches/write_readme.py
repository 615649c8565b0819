"""Makes the tables of patches/README.md from the stored verdicts of each release.

`python patches/write_readme.py` writes them between their marks from
patches/RELEASE/verified.json, `--check` says whether they agree.  The JSON comes from
`python patches/verify.py --release RELEASE --full --json patches/RELEASE/verified.json`.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(path) for path in (HERE, HERE.parent / "benchmarks")
                if str(path) not in sys.path]
if importlib.util.find_spec("anuga_lean") is None:
    sys.path.insert(0, str(HERE.parent))

from readme import put  # noqa: E402
from verifying import verdicts  # noqa: E402
from verifying.markdown import table  # noqa: E402

from anuga_lean._errors import LeanError  # noqa: E402

RELEASES = ("4.2.0", "4.1.0")  # in the order of the README
README = HERE / "README.md"
MAKER = "patches/write_readme.py"


def stored(release: str) -> Path:
    """Return the file with the verdicts of a release."""
    return HERE / release / "verified.json"


def left_out(release: str) -> str:
    """Return what was tried and left out, as the folder of the release says."""
    path = HERE / release / "left-out.md"
    if not path.exists():
        return "Nothing is noted yet."
    lines = path.read_text().strip().splitlines()
    return "\n".join(lines[1:] if lines[:1] and lines[0].startswith("#") else lines).strip()


def made(text: str, paths: Sequence[Path]) -> str:
    """Return a README with its tables made anew."""
    for path in paths:
        about, found = verdicts.read_verdicts(path)
        release = about["release"]
        text = put(text, f"patches {release}", MAKER, partial(table, about, found))
        text = put(text, f"left out {release}", MAKER, partial(left_out, release))
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, check them, or print one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if they disagree")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="stored verdicts of one release; default: those of all")
    args = parser.parse_args(arguments)
    paths = [args.json] if args.json else [stored(release) for release in RELEASES]
    try:
        text = README.read_text()
        new = made(text, paths)
    except (LeanError, ValueError) as error:
        print(f"write_readme.py: {error}", file=sys.stderr)
        return 2
    if args.check:
        if new != text:
            print("write_readme.py: the tables of patches/README.md are not those of "
                  f"{', '.join(map(str, paths))}: python patches/write_readme.py writes them",
                  file=sys.stderr)
        return int(new != text)
    README.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
