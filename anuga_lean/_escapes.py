"""Writes what a file says so that a terminal and a page show it and do nothing else.

Owns what counts as harmless.  `_errors` and `measure/report.py: table` use it for all that they
show; what is printed in another way is given to `escaped` first.
"""

from __future__ import annotations

import re

# Not of letters, marks, digits, signs or a blank: controls, what turns the direction of a line,
# halves of surrogate pairs, ends of lines and paragraphs.
_HARMLESS = re.compile(r"[ -~]*")


def escaped(text: object, lines: bool = False) -> str:
    r"""Return a text with \x1b and the like in the place of all that is not printed as it is.

    Parameters
    ----------
    text : object
        What is no str is turned into one.
    lines : bool
        Whether ends of lines and tabs are left, as in text of ours that has several lines.
    """
    text = str(text)
    if _HARMLESS.fullmatch(text):
        return text
    kept = "\n\t" if lines else ""
    return "".join(
        each if each.isprintable() or each in kept else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
