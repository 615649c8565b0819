r"""Shows looks one after the other: in place on a terminal, a line each in a log.

A table that is written over every few seconds needs three of a terminal's commands (up, clear
the line, clear what is below); a library for that would be the largest thing that this verb loads.
"""

from __future__ import annotations

import shutil
from typing import TextIO

from anuga_lean._escapes import escaped
from anuga_lean.following import wording
from anuga_lean.following.looking import Look

_OTHER_LINES = 12       # than those of ranks, at most, as a rule


class Log:
    """Writes a table first, then a line for each look, and what is new."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = False
        self._said: set[str] = set()

    def show(self, look: Look) -> None:
        """Show a look."""
        if not self._began:
            self._began = True
            self._write(*wording.lines(look))
        else:
            self._write(wording.line(look))
            news = [f"warning: {each}" for each in look.warnings if each not in self._said]
            self._write(*news, *([look.ending.text] if look.ending else []))
        self._said |= set(look.warnings)

    def _write(self, *lines: str) -> None:
        for each in lines:
            print(escaped(each), file=self._stream)
        self._stream.flush()

    def close(self) -> None:
        """End."""


class Screen:
    """Writes each look over the one before."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._height = 0
        self._stream.write("\x1b[?25l")     # no cursor

    def show(self, look: Look) -> None:
        """Show a look, cut to what there is room for."""
        width, height = shutil.get_terminal_size()
        lines = wording.lines(look, max(1, height - _OTHER_LINES))
        # An ending stays to be read, in as many lines as it needs.
        last = [lines.pop()] if look.ending is not None else []
        shown = [escaped(each)[:width - 1] for each in lines][:height - 2]
        up = f"\x1b[{self._height}A" if self._height else ""
        self._stream.write("\r" + up + "".join(f"\x1b[K{each}\n" for each in shown) + "\x1b[J"
                           + "".join(f"{escaped(each)}\n" for each in last))
        self._stream.flush()
        self._height = len(shown)

    def close(self) -> None:
        """Give the cursor back."""
        self._stream.write("\x1b[?25h")
        self._stream.flush()
