"""Holds Ctrl-C back while ANUGA's evolve runs, until a place from which a step can go on.

Owns the handler of SIGINT during an evolve.  Those places, and how a step goes on from one,
are in `evolving`; that a long sweep looks for signals is in kernels/sweep.c.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from time import monotonic
from types import FrameType

PATIENCE = 0.05     # s from a signal to the end of the step; then the step stops in its middle


class HeldInterrupts:
    """Keeps what the handler of SIGINT raises until it may be raised.

    Parameters
    ----------
    holds : bool
        False: leave signals alone, as in threads other than the main one, where Python runs
        no handlers.

    Attributes
    ----------
    pending : BaseException or None
        What the script's handler has raised, KeyboardInterrupt unless it has one of its own.
        A handler that raises nothing has run when the signal came.

    Notes
    -----
    A second SIGINT is raised where it finds the program: within an operator of the user's
    that does not return, say.
    """

    def __init__(self, holds: bool = True) -> None:
        self._holds = holds
        self._previous: Callable[[int, FrameType | None], object] | None = None
        self.pending: BaseException | None = None
        self.since = 0.0

    def hold(self) -> None:
        """Put a handler of ours in front of the script's."""
        if not self._holds or threading.current_thread() is not threading.main_thread():
            return
        previous = signal.getsignal(signal.SIGINT)
        if not callable(previous):      # ignored, or left to the system
            return
        self._previous = previous
        try:
            signal.signal(signal.SIGINT, self._note)
        except ValueError:      # not the main interpreter
            self._previous = None

    def release(self) -> None:
        """Put the script's handler back, unless there is another one by now."""
        if self._previous is not None and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._previous)
        self._previous = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._previous is None:
            return
        if self.pending is not None:
            self._previous(number, frame)
            return
        try:
            self._previous(number, frame)
        except BaseException as error:
            self.pending, self.since = error.with_traceback(None), monotonic()

    def ask(self) -> None:
        """Raise what is pending in the middle of a step, if the step takes too long to end."""
        if self.pending is not None and monotonic() - self.since > PATIENCE:
            raise self.pending

    def raise_pending(self) -> None:
        """Raise what is pending: between steps, or at a yield."""
        if self.pending is not None:
            raise self.pending


def pending_between_steps() -> HeldInterrupts:
    """Return interrupts with one pending that is raised between steps only."""
    interrupts = HeldInterrupts(holds=False)
    interrupts.pending, interrupts.since = KeyboardInterrupt(), float("inf")
    return interrupts
