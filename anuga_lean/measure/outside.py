"""Follows a measuring process, or its ranks, from outside: what they tell, and their memory.

Owns the wording of the progress of several ranks and of silence, and the samples of memory over
time.  Starting and ending processes is measurement.py's, what they tell child.py's.
"""

from __future__ import annotations

import os
import re
import select
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from anuga_lean.measure import probe

WATCH_INTERVAL = 0.1  # s between two looks at the memory of what runs
SILENCE = 30.0  # s without a line after which it is said where the run is
MOST_SAMPLES = 1000
_STEP = re.compile(r"step (\d+)(.*)")

Progress = Callable[[str], None]


class Heard:
    """Listens to the progress lines of a child, or of its ranks, and keeps what was told last.

    Parameters
    ----------
    reading : int
        File descriptor that lines come from; it is closed at their end.
    progress : callable, optional
        Gets each line, and after `SILENCE` without any a line that says so.
    numprocs : int
        From 2 on every line begins with the number of its rank.
    watched : Watched, optional
        Whose memory is said with a silence.
    """

    def __init__(self, reading: int, progress: Progress | None, numprocs: int = 1,
                 watched: Watched | None = None) -> None:
        self.last = ""
        self._told: dict[int, str] = {}
        self._progress = progress
        self._numprocs = numprocs
        self._watched = watched
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(reading,), daemon=True)
        self._thread.start()

    def _listen(self, reading: int) -> None:
        rest, heard = b"", time.monotonic()
        try:
            while True:
                ready, _, _ = select.select([reading], [], [], min(SILENCE / 4, 0.5))
                if ready:
                    read = os.read(reading, 1 << 16)
                    if not read:
                        return
                    *lines, rest = (rest + read).split(b"\n")
                    if lines:
                        heard = time.monotonic()
                        self._hear([line.decode(errors="replace") for line in lines])
                elif self._ended.is_set():
                    return
                elif time.monotonic() - heard > SILENCE:
                    heard = time.monotonic()
                    self._say_silence()
        finally:
            os.close(reading)

    def _hear(self, lines: list[str]) -> None:
        if self._numprocs == 1:
            for line in lines:
                self.last = line
                self._tell(line)
            return
        for line in lines:
            rank, _, said = line.partition(" ")
            self._told[int(rank)] = said
        self.last = of_ranks(self._told, self._numprocs)
        self._tell(self.last)

    def _say_silence(self) -> None:
        memory = self._watched.memory_text() if self._watched is not None else ""
        where = self.last or ("no rank has begun yet" if self._numprocs > 1 else "it begins")
        self._tell(f"nothing new for {SILENCE:.0f} s, at: {where}{memory}")

    def _tell(self, line: str) -> None:
        if self._progress is not None:
            self._progress(line)

    def join(self) -> None:
        """Hear what is left."""
        # A process that the child left behind may hold the pipe open for ever.
        self._ended.set()
        self._thread.join(timeout=5.0)


def of_ranks(told: Mapping[int, str], numprocs: int) -> str:
    """Return one line on what all ranks do: steps as that of the rank that is behind.

    Parameters
    ----------
    told : mapping of int to str
        By rank what it has told last.
    numprocs : int
        Ranks of the run; those that have told nothing start.
    """
    steps = {rank: found for rank in told if (found := _STEP.fullmatch(told[rank]))}
    if len(steps) == numprocs:
        behind = min(steps.values(), key=lambda found: int(found[1]))
        return f"{behind[0]} on {numprocs} ranks"
    groups: dict[str, list[int]] = {}
    for rank in range(numprocs):
        groups.setdefault(told.get(rank, "start"), []).append(rank)
    if len(groups) == 1:
        return f"{next(iter(groups))} on {numprocs} ranks"
    return "; ".join(f"{what} on {named(ranks)}" for what, ranks in groups.items())


def named(ranks: Iterable[int]) -> str:
    """Return ranks in words: `rank 3`, `ranks 0-2, 5`."""
    ranks = sorted(ranks)
    runs = [[rank for _, rank in run] for _, run in groupby(
        enumerate(ranks), key=lambda pair: pair[1] - pair[0])]
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return f"rank{'' if len(ranks) == 1 else 's'} {', '.join(texts)}"


class Watched:
    """Reads the memory of a child and of what it started, from outside, while they run.

    The child's own figures are lost with it if it is killed.

    Attributes
    ----------
    peak : int
        The largest peak RSS of a process, bytes.
    samples : list of (float, int)
        Moment, s of `time.perf_counter`, and RSS of all processes together, bytes: at most
        `MOST_SAMPLES`, of neighbours the larger one.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self.samples: list[tuple[float, int]] = []
        self._apart = WATCH_INTERVAL
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_INTERVAL):
            found = [each for pid in probe.family(self._pid)
                     if (each := probe.read_rss(pid)) is not None]
            self.peak = max([self.peak, *(peak for _, peak in found)])
            if found:
                self._keep(time.perf_counter(), sum(rss for rss, _ in found))

    def _keep(self, now: float, rss: int) -> None:
        if self.samples and now - self.samples[-1][0] < self._apart * 0.5:
            self.samples[-1] = max(self.samples[-1], (now, rss), key=lambda one: one[1])
            return
        self.samples.append((now, rss))
        if len(self.samples) > MOST_SAMPLES:
            pairs = zip(self.samples[::2], self.samples[1::2], strict=False)
            self.samples = [max(pair, key=lambda one: one[1]) for pair in pairs]
            self._apart *= 2

    def end(self) -> None:
        """Stop reading."""
        self._ended.set()
        self._thread.join()

    def text(self) -> str:
        """Return the last peak that was read, as the end of a sentence."""
        return f"; its last peak was {self.peak / 2**20:,.0f} MiB" if self.peak else ""

    def memory_text(self) -> str:
        """Return what all processes hold now, as the end of a sentence."""
        return f", {self.samples[-1][1] / 2**20:,.0f} MiB" if self.samples else ""
