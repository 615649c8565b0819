"""Holds the guard of this process, whom every domain asks at each step and each yield.

Owns what a guard is; the one there is lies in `anuga_lean.guard`, above all that it uses.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Guard(Protocol):
    """Looks on at the steps and yields of a domain, and may write a set or end the run.

    Attributes
    ----------
    passes : int
        So many steps begin before `before_step` is called again; each takes one off.
    asked : int
        What this rank asks for: the larger, the more it is; 0 is nothing.
    with_timestep : (2,) float64
        Where ranks put the time step, s, and what they ask for into one message.
    """

    passes: int
    asked: int
    with_timestep: np.ndarray

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

    def is_told(self, most: float) -> None:
        """Take note that a rank asks for something, which all ranks are told in a step."""


# The guard of this process; None where nothing has asked for one.  Read at each step, which in a
# model of some hundred triangles a call would make slower.
current: Guard | None = None


def put(guard: Guard | None) -> None:
    """Make a guard the one of this process; None takes it away."""
    global current
    current = guard


def guard() -> Guard | None:
    """Return the guard of this process; None where nothing has asked for one."""
    return current
