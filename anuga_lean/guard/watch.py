"""Watches memory, the clock and a file in a thread, and asks the run to save or to stop.

Owns how often they are looked at and from which level on something is asked for.  What a level
is stands in `limits`; who acts on a request, in `stopping`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from anuga_lean.guard.limits import Level, Limits
from anuga_lean.guard.requests import Kind, Requests

INTERVAL, SHORTEST = 1.0, 0.05      # s between two readings, at rest and near a limit
# A limit that is this far off in time asks for readings at rest; half of it, twice as often.
FAR = 60.0      # s
SAVES = 600.0   # s at least between two sets that are written because of memory
# A limit that is as near as this, and twice the time that a stop takes, asks for one as soon as
# growth has lasted for so much of that.
SOON, SHARE = 1.0, 0.2


class Fractions(NamedTuple):
    """Shares of a limit at which something is done.

    Attributes
    ----------
    warn : float
        One warning, which says who holds what.
    save : float
        A set is written, the run goes on.
    stop : float
        A set is written, the run stops: also where growth of the last seconds leads there within
        a minute and `warn` is passed.
    """

    warn: float = 0.80
    save: float = 0.90
    stop: float = 0.95


FRACTIONS = Fractions()


class Growth:
    """How fast a limit fills, from readings of the last seconds.

    Notes
    -----
    `rate` is the median of the growth in each of the last five seconds, of three at least: a
    single large allocation is no growth, one that goes on is.  `rate_of_late` is for what fills a
    limit before three seconds have passed.
    """

    SECONDS, FEWEST, WINDOWS = 5, 3, 3

    def __init__(self) -> None:
        self._who = ""
        self._readings: deque[tuple[float, int]] = deque()

    def add(self, now: float, level: Level) -> None:
        """Take a reading; those of another limit, and older ones, are forgotten."""
        if level.who != self._who:
            self._who = level.who
            self._readings.clear()
        self._readings.append((now, level.used))
        while len(self._readings) > 1 and now - self._readings[1][0] >= self.SECONDS:
            self._readings.popleft()

    @property
    def rate(self) -> float:
        """Return bytes per s; 0.0 where it is not known yet."""
        now = self._readings[-1][0]
        end = self._readings[-1]
        rates = []
        readings = iter(reversed(self._readings))
        for second in range(1, self.SECONDS + 1):
            before = next((each for each in readings if each[0] <= now - second), None)
            if before is None:
                break
            rates.append((end[1] - before[1]) / (end[0] - before[0]))
            end = before
        return float(np.median(rates)) if len(rates) >= self.FEWEST else 0.0

    def rate_of_late(self, seconds: float) -> float:
        """Return the least growth in the thirds of the last seconds, bytes per s.

        0.0 where a third has no reading of its own.
        """
        end = self._readings[-1]
        now, rates = end[0], []
        readings = iter(reversed(self._readings))
        for window in range(1, self.WINDOWS + 1):
            before = next((each for each in readings
                           if each[0] <= now - seconds * window / self.WINDOWS), None)
            if before is None or end[0] - before[0] > seconds:
                return 0.0
            rates.append((end[1] - before[1]) / (end[0] - before[0]))
            end = before
        return min(rates)

    @property
    def last_rate(self) -> float:
        """Return the growth between the last two readings, bytes per s."""
        if len(self._readings) < 2:
            return 0.0
        (began, before), (now, used) = self._readings[-2], self._readings[-1]
        return (used - before) / (now - began) if now > began else 0.0

    def seconds_to(self, nbytes: float, rate: float) -> float:
        """Return when so much will be taken at a rate, bytes per s; inf if that does not grow."""
        left = nbytes - self._readings[-1][1]
        if left <= 0.0:
            return 0.0
        return left / rate if rate > 0.0 else math.inf


class Watch:
    """Looks at everything that can end a run, once in `check`, or again and again in a thread.

    Parameters
    ----------
    requests : Requests
        Where it asks.
    limits : Limits or None
        None: memory is another rank's to watch.
    fractions : Fractions
    stop_file : str or None
        The run stops when a file of this name is there.
    deadline : float
        When it has to have stopped, s of the monotonic clock; inf for none.
    needed : callable
        Returns how long before `deadline` a stop has to be asked for, s.
    stopping : callable
        Returns how long a stop takes once it is asked for, s.
    every : float
        A set is asked for so often, s; inf for none.
    warn : callable
        Called once with a sentence, from the thread.
    clock : callable
        The monotonic clock, another one in tests.
    folder : str
        That `stop_file` is in, if it names none; empty for the present one.
    """

    def __init__(self, requests: Requests, limits: Limits | None,
                 fractions: Fractions = FRACTIONS, stop_file: str | None = None,
                 deadline: float = math.inf, needed: Callable[[], float] = lambda: 60.0,
                 stopping: Callable[[], float] = lambda: 0.0,
                 every: float = math.inf, warn: Callable[[str], None] = print,
                 clock: Callable[[], float] = time.monotonic, folder: str = "") -> None:
        self._folder = folder
        self.requests = requests
        self.limits = limits
        self.fractions = fractions
        self.stop_file = stop_file
        self.deadline = deadline
        self.level: Level | None = None     # the last reading
        self._every = every
        self._last_set = clock()
        self._needed = needed
        self._stopping = stopping
        self._warn = warn
        self._clock = clock
        self._growth = Growth()
        self._warned = False
        self._saved = -math.inf
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    # -- one look ------------------------------------------------------------

    def check(self) -> float:
        """Look at everything; return after how many seconds to look again."""
        if self.stop_file is not None and os.path.exists(
                os.path.join(self._folder, self.stop_file)):
            self.requests.ask(Kind.STOP_FILE, f"the file {self.stop_file} is there")
        left = self.deadline - self._clock()
        if left <= self._needed():
            self.requests.ask(Kind.STOP_TIME, f"its time ends in {max(0.0, left):.0f} s")
        if self._clock() - self._last_set >= self._every:
            self._last_set = self._clock()
            self.requests.ask(Kind.SAVE, f"{self._every:g} s have passed")
        due = self._last_set + self._every - self._clock()
        return min(self._check_memory(), max(SHORTEST, due))

    def _check_memory(self) -> float:
        levels = [] if self.limits is None else self.limits.read()
        if not levels:
            return INTERVAL
        level, now = levels[0], self._clock()
        self.level = level
        self._growth.add(now, level)
        stop = self.fractions.stop * level.limit
        if level.fraction >= self.fractions.stop:
            self.requests.ask(Kind.STOP_MEMORY, f"{level} are taken")
        elif level.fraction >= self.fractions.warn:
            soon = SOON + 2.0 * self._stopping()
            for rate, near in ((self._growth.rate_of_late(SHARE * soon), soon),
                               (self._growth.rate, FAR)):
                left = self._growth.seconds_to(stop, rate)
                if left < near:
                    self.requests.ask(Kind.STOP_MEMORY, (
                        f"{level} are taken and {rate / 2**20:,.1f} MiB more each second, so "
                        f"that {self.fractions.stop:.0%} are reached in {left:.0f} s"))
            if level.fraction >= self.fractions.save and now - self._saved >= SAVES:
                self._saved = now
                self.requests.ask(Kind.SAVE, f"{level} are taken")
            if not self._warned:
                self._warned = True
                self._warn(f"{level} are taken")
        left = min(self._growth.seconds_to(stop, rate)
                   for rate in (self._growth.rate, self._growth.last_rate))
        return min(INTERVAL, max(SHORTEST, INTERVAL * left / FAR))

    # -- again and again -----------------------------------------------------

    def start(self) -> None:
        """Look at everything in a thread, until `end`."""
        self._thread = threading.Thread(target=self._run, name="anuga_lean guard", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self.check()):
            pass

    def end(self) -> None:
        """End the thread and close the files."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self.limits is not None:
            self.limits.close()
