"""Holds the guard of this process, whom every domain asks at each step and each yield.

Owns what a guard is; the one there is lies in `anuga_lean.guard`, above all that it uses.
"""

from __future__ import annotations

from typing import Any, Protocol


class Guard(Protocol):
    """Looks on at every step and every yield of a domain, and may write a set or end the run."""

    def made(self, domain: Any, scheme: str = "") -> None:
        """Note that a domain is there, or that a rank has its part of the partition `scheme`."""

    def begin(self, domain: Any, args: tuple[Any, ...],
              kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Prepare for an evolve, before anything of it is done.

        Returns
        -------
        tuple, dict or None
            The arguments that it is to have; None: it yields nothing.
        """

    def before_step(self, domain: Any) -> None:
        """Do what is asked for between two steps: the state is whole, the ranks are together."""

    def at_yield(self, domain: Any) -> None:
        """Do what is asked for at a yield, after its checkpoint."""

    def end(self, outcome: str, code: int | None) -> None:
        """Note how the process ends; its exit code, or None where that is not known yet."""

    def asks(self) -> float:
        """Return what this rank asks for: the larger, the more it is; 0.0 is nothing."""

    def is_told(self, most: float) -> None:
        """Take note of the most that a rank asks for, which all ranks are told in a step."""


_current: Guard | None = None


def put(guard: Guard | None) -> None:
    """Make a guard the one of this process; None takes it away."""
    global _current
    _current = guard


def guard() -> Guard | None:
    """Return the guard of this process; None where nobody has asked for one."""
    return _current
