"""Notes memory and wall time of the stages of one run, inside its process.

Owns the order of the readings at the end of a stage.  What memory figures mean
is probe.py's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from anuga_lean._errors import ProbeError
from anuga_lean.measure import probe


class Stages:
    """Notes current and peak memory at the end of every stage and at every mark.

    Parameters
    ----------
    trace : bool
        Note what tracemalloc counts, too, once it has been started.
    barrier : callable, optional
        Called before and after every reading, so that all ranks of a run are
        alive and at the same stage while PSS is read.
    recording : object, optional
        Its `end()` is called at the stage or mark `at`.
    at : str, optional

    Attributes
    ----------
    result : dict
        By stage or mark: ``seconds`` since the one before, ``rss``, ``pss``,
        ``uss``, ``peak_rss`` since the one before, bytes (None where the kernel
        does not tell), and under tracemalloc ``allocated`` and
        ``peak_allocated``.
    began : float
        When the first stage did, s of `time.perf_counter`.
    """

    def __init__(self, trace: bool, barrier: Callable[[], None] | None = None,
                 recording: Any = None, at: str | None = None) -> None:
        self.trace = trace
        self.barrier = barrier
        self.recording = recording
        self.at = at
        self.result: dict[str, dict[str, Any]] = {}
        self._begin()
        self.began = self._started

    def end(self, name: str) -> None:
        """Note a stage, or a mark within one, and begin the next."""
        figures: dict[str, Any] = {"seconds": perf_counter() - self._started}
        if self.recording is not None and name == self.at:
            self.recording.end()
        if self.barrier is not None:
            self.barrier()
        try:
            figures.update(probe.read_memory()._asdict())
        except ProbeError:
            figures.update(dict.fromkeys(probe.Memory._fields))
        tracemalloc = self._tracing()
        if tracemalloc is not None:
            figures["allocated"], figures["peak_allocated"] = tracemalloc.get_traced_memory()
        self.result[self._unused(name)] = figures
        if self.barrier is not None:
            self.barrier()
        self._begin()

    def _unused(self, name: str) -> str:
        """Return the name, with a number behind it if it was there before."""
        number, found = 1, name
        while found in self.result:
            number += 1
            found = f"{name} {number}"
        return found

    def _begin(self) -> None:
        probe.reset_peak_rss()
        tracemalloc = self._tracing()
        if tracemalloc is not None:
            tracemalloc.reset_peak()
        self._started = perf_counter()

    def _tracing(self) -> Any:
        """Return the module tracemalloc if it is at work; a run without it must not load it."""
        module = sys.modules.get("tracemalloc") if self.trace else None
        return module if module is not None and module.is_tracing() else None
