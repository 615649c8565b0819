"""Parses command lines: complaints in one sentence that name the whole verb, and what was meant.

Owns the parser class of all verbs; which verbs there are is __main__'s.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

# Least likeness of a suggestion, as difflib counts it: all options share their dashes.
_ALIKE, _ALIKE_OPTIONS = 0.6, 0.7


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line: full verb, ``error:``, what is wrong, what was meant.

    It does not know of options that it hands on: a verb that runs a script takes those away first.
    """

    def error(self, message: str) -> NoReturn:
        """Exit with 2 after one line on stderr."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")

    def parse_known_args(  # type: ignore[override]  # one of its four overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Complain here of what nobody knows, where the verb and its options are known."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            said = f"unrecognized arguments: {' '.join(unknown)}"
            self.error(said + self._meant(unknown[0]))
        if not hasattr(found, "prog"):
            found.prog = self.prog      # of the innermost verb, which is done first
        return found, []

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Add to argparse's complaint about a verb or another choice the ones that are alike."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            if action.choices is not None and "maybe you meant" not in str(error.message):
                error.message += did_you_mean(str(value), map(str, action.choices))
            raise

    def _meant(self, unknown: str) -> str:
        options = [each for action in self._actions for each in action.option_strings]
        if not unknown.startswith("-"):
            return ""
        return did_you_mean(unknown.partition("=")[0], options, _ALIKE_OPTIONS)


def did_you_mean(word: str, known: Iterable[str], alike: float = _ALIKE) -> str:
    """Return the end of a sentence that names what may have been meant, or nothing."""
    found = difflib.get_close_matches(word, list(known), 2, alike)
    return f"; did you mean {' or '.join(found)}?" if found else ""
