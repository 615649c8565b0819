"""Takes requests to stop, from signals on, and says which is the strongest.

Owns the handlers of SIGUSR1 and SIGTERM, which stand before numpy, ANUGA and MPI are loaded: a
scheduler may warn a job in its first second.  Imports nothing but what Python has loaded itself;
what watches files, the clock and memory is in `watch`, who asks at which step in `stopping`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from enum import IntEnum
from types import FrameType

EXIT_CODE = 75      # EX_TEMPFAIL of sysexits.h: run me again
PATIENCE = 5.0      # s; launchers pass a signal on more than once


class Kind(IntEnum):
    """What is asked for; of several ranks, and of several requests, the largest counts."""

    NOTHING = 0
    SAVE = 1        # a set is written, the run goes on
    STOP_TIME = 2
    STOP_MEMORY = 3
    STOP_FILE = 4
    STOP_SIGNAL = 5

    @property
    def stops(self) -> bool:
        """Return whether the run ends after the set."""
        return self >= Kind.STOP_TIME


class Requests:
    """What this process was asked for and has not done yet.

    Attributes
    ----------
    kind : Kind
    why : str
        Of the strongest request, as a part of a sentence.
    since : float
        When it came, s of the monotonic clock.
    changed : callable
        Called whenever `kind` is another one, from whatever thread or handler of a signal.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], None] = lambda: None
        self.kind = Kind.NOTHING
        self.why = ""
        self.since = 0.0
        self._previous: dict[int, object] = {}

    def ask(self, kind: Kind, why: str) -> None:
        """Ask for something, unless as much or more is asked for already."""
        if kind > self.kind:
            # `kind` last: it is what others look at, from another thread too
            self.why, self.since = why, time.monotonic()
            self.kind = kind
            self.changed()

    def saved(self) -> None:
        """Note that a set was written: what asked for no more is done."""
        if self.kind is Kind.SAVE:
            self.kind, self.why = Kind.NOTHING, ""
            self.changed()

    def catch_signals(self) -> None:
        """Take SIGUSR1 and SIGTERM for requests to stop, until `release_signals`."""
        for number in (signal.SIGUSR1, signal.SIGTERM):
            if number not in self._previous:
                self._previous[number] = signal.signal(number, self._on_signal)

    def release_signals(self) -> None:
        """Put the handlers of before back, where ours still stand."""
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, previous)     # type: ignore[arg-type]
        self._previous.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Ask for a stop; the second signal of somebody who cannot wait acts as without a guard."""
        if self.kind is Kind.STOP_SIGNAL and time.monotonic() - self.since > PATIENCE:
            signal.signal(number, self._previous.get(number, signal.SIG_DFL))  # type: ignore[arg-type]
            os.kill(os.getpid(), number)
            return
        self.ask(Kind.STOP_SIGNAL, f"{signal.Signals(number).name} came")


REQUESTS = Requests()
