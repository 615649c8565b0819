"""Runs a user's script in a measuring process.

Owns the watch over every `evolve` that the script calls: steps, memory, final
values.  What is noted at a stage is stages.py's, what is compared comparison.py's.
"""

from __future__ import annotations

import hashlib
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from anuga_lean.measure import marks
from anuga_lean.measure.stages import Stages

Finished = Callable[[Any, Any], None]


def run_script(path: str, arguments: list[str], anuga: ModuleType, stages: Stages,
               clock: Callable[[Any], Any], finished: Finished) -> None:
    """Run a script as ``__main__``.

    Parameters
    ----------
    path : str
    arguments : list of str
        The script's own.
    anuga : module
        Whose Domain.evolve is watched.
    stages : Stages
        Gets ``set up`` at the first step of each evolve, ``evolve`` at its end,
        ``after`` at the script's end, and every mark.
    clock : callable
        ``clock(domain)`` gives the StepClock of an evolve.
    finished : callable
        ``finished(domain, clock)`` at the end of each evolve, after its memory
        was noted.
    """
    _watch_evolve(anuga, stages, clock, finished)
    marks.listen(stages.end)
    sys.argv = [path, *arguments]
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise
    finally:
        marks.silence(stages.end)
    stages.end("after")


def _watch_evolve(anuga: ModuleType, stages: Stages, make_clock: Callable[[Any], Any],
                  finished: Finished) -> None:
    owner = next(each for each in anuga.Domain.__mro__ if "evolve" in vars(each))
    original = owner.evolve
    running: set[int] = set()

    def evolve(self: Any, *args: Any, **kwargs: Any) -> Iterator[float]:
        if id(self) in running:  # one evolve that calls another one's, as parallel domains do
            yield from original(self, *args, **kwargs)
            return
        stages.end("set up")
        running.add(id(self))
        clock = make_clock(self)
        try:
            for time in original(self, *args, **kwargs):
                clock.pause()
                yield time
                clock.resume()
        finally:
            running.discard(id(self))
            clock.detach()
            stages.end("evolve")
            finished(self, clock)

    owner.evolve = evolve


def sww_digests(path: Path) -> dict[str, str]:
    """Return the SHA-256 of every variable of an SWW file, read a frame at a time."""
    from netCDF4 import Dataset

    digests = {}
    with Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        for name, variable in dataset.variables.items():
            digest = hashlib.sha256(f"{variable.dtype} {variable.dimensions}".encode())
            frames = variable.shape[0] if variable.ndim > 1 else 0
            for frame in range(frames):
                digest.update(variable[frame].tobytes())
            if not frames:
                digest.update(variable[...].tobytes())
            digests[name] = digest.hexdigest()
    return digests
