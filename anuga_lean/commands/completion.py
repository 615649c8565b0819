"""anuga_lean completion: prints what makes a shell complete verbs, options and files.

Owns which arguments are files; the script itself is shtab's, and asks no Python at a TAB.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anuga_lean._errors import CommandError

SUMMARY = "print the completion of this command for bash, zsh or fish"
SHELLS = ("bash", "zsh", "fish")
# Arguments that are files though they are no Path: a script may be a scenario, a target a job.
_FILES = ("script", "scenario", "target")


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.description = (
        "Prints a script for a shell: put 'source <(anuga_lean completion bash)' into ~/.bashrc; "
        "write that of zsh to a file _anuga_lean in a folder of $fpath, that of fish to "
        "~/.config/fish/completions/anuga_lean.fish.  Wants shtab: "
        "pip install 'anuga_lean[completion]'.")
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"{', '.join(SHELLS)}")


def run(args: argparse.Namespace) -> int:
    """Print the script of a shell."""
    shtab = _shtab()
    for parser in _parsers(args.parser):
        for action in parser._actions:
            if action.type is Path or action.dest in _FILES:
                action.complete = shtab.FILE    # type: ignore[attr-defined]  # shtab's own
    print(shtab.complete(args.parser, args.shell))
    return 0


def _shtab() -> Any:
    try:
        import shtab
    except ImportError:
        raise CommandError("the completion is written by shtab, which is not installed: pip "
                           "install 'anuga_lean[completion]'") from None
    return shtab


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _parsers(each)
