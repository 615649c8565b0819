"""Lets a script name a point of its run: `anuga_lean.mark("mesh ready")`.

Owns the list of functions that are called at a mark.  Outside of a measurement it is empty
and a mark does nothing.
"""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[str], None]] = []


def mark(name: str) -> None:
    """Name the present point of a run; `anuga_lean compare` notes memory there.

    Parameters
    ----------
    name : str
        Shown in the table of stages; the figures beside it are current memory
        at the mark and its peak since the mark or stage before it.

    Examples
    --------
    >>> import anuga_lean
    >>> anuga_lean.mark("mesh ready")
    """
    for listener in tuple(_listeners):
        listener(name)


def listen(listener: Callable[[str], None]) -> None:
    """Call `listener` with the name of every mark from now on."""
    _listeners.append(listener)


def silence(listener: Callable[[str], None]) -> None:
    """Undo `listen`."""
    _listeners.remove(listener)
