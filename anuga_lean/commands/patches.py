"""anuga_lean patches verify: verifies patches for ANUGA itself, ours or a user's.

Owns the search for the checkout that has the patches.  Patches and the program that verifies
them are in its folder patches/ and work without this package: see patches/verify.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from anuga_lean._errors import CommandError

SUMMARY = "verify patches for ANUGA itself, ours or a user's, from a checkout"
SCRIPT = Path("patches") / "verify.py"


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb; those of verify never reach the parser."""
    parser.usage = "anuga_lean patches [-h] [--checkout FOLDER] verify ..."
    parser.set_defaults(prog="anuga_lean patches verify")
    parser.description = (
        "Runs patches/verify.py of a checkout of anuga_lean, with this Python: the patches are "
        "no part of the installed package.  It verifies ours, or patch files and git checkouts of "
        "ANUGA that a user made.  What follows verify is its own: anuga_lean patches "
        "verify --help."
    )
    parser.add_argument("--checkout", type=Path, metavar="FOLDER",
                        help="default: the present folder, or the next one above it with patches/")
    parser.add_argument("action", choices=["verify"], metavar="verify", help="the one there is")


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate our arguments from those of verify."""
    if "verify" not in arguments:
        return list(arguments), []
    position = list(arguments).index("verify")
    return list(arguments[: position + 1]), list(arguments[position + 1 :])


def run(args: argparse.Namespace) -> int:
    """Run the script; return its exit code."""
    script = find(args.checkout)
    known = os.environ | {"ANUGA_LEAN_PATCHES_PROGRAM": "anuga_lean patches verify"}
    known.pop("ANUGA_LEAN", None)  # what it starts is stock ANUGA
    process = subprocess.Popen([sys.executable, str(script), *args.rest], env=known)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it hears that too, and says so
            continue


def find(checkout: Path | None) -> Path:
    """Return the script that verifies, of a folder or of the next one above the present one.

    Raises
    ------
    CommandError
        There is none.
    """
    folders = [checkout] if checkout is not None else [Path.cwd(), *Path.cwd().parents]
    for folder in folders:
        if (folder / SCRIPT).is_file():
            return (folder / SCRIPT).resolve()
    if checkout is not None:
        raise CommandError(f"there is no {checkout / SCRIPT}: --checkout is the folder of a "
                           "checkout of anuga_lean")
    raise CommandError(f"there is no {SCRIPT} in {Path.cwd()} or above: the patches are not "
                       "installed with the package, run this in a checkout of anuga_lean or name "
                       "one with --checkout FOLDER")
