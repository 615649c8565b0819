"""Runs one measurement in this process: ``python -m anuga_lean.measure.child FOLDER FD``.

Reads FOLDER/request.json, runs the scenario on stock or lean ANUGA and writes
FOLDER/result.json; progress lines go to the file descriptor FD, so that
whatever ANUGA prints cannot mix with either (-1: no progress).  Under mpiexec
every rank writes a result of its own, and its progress into a named pipe of
FOLDER.  Started by measurement.py.

Whatever the harness loads is measured with the model: until the last reading
functions import what they need themselves, and only what they need.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import MethodType
from typing import TYPE_CHECKING, Any

from anuga_lean._errors import MeasurementError
from anuga_lean.measure import marks
from anuga_lean.measure.request import PROGRESS_PIPE, Request, result_name
from anuga_lean.measure.stages import Stages

if TYPE_CHECKING:
    from anuga_lean.measure.split import Split

COMPARED = ("stage", "xmomentum", "ymomentum", "height")
ENDLESS = 1.0e12  # s; a final time that only `steps` can end
PROGRESS_INTERVAL = 0.5  # s
WHOLE_ON_EACH = "evolve the whole model, as the script does not distribute it,"


class _EndOfStep:
    """Stands on a domain in the place of `apply_fractional_steps`, but in no checkpoint of it."""

    def __init__(self, clock: StepClock) -> None:
        self.clock = clock

    def __call__(self) -> None:
        self.clock.end_step()

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the domain's own method to what unpickles it."""
        domain = self.clock.domain
        return MethodType, (type(domain).apply_fractional_steps, domain)


class StepClock:
    """Times and counts the steps of a domain and can end it after so many.

    A step lasts from the end of the one before, or from the return of control
    after a yield, to the end of its fractional steps: storing and the vertex
    values made for a yield are not in it.

    Attributes
    ----------
    seconds : list of float
        Wall time of each step, s.
    timesteps : list of float
        `domain.timestep` of each step, s.
    evolving : float
        Wall time in `evolve`, s: all but what its caller does at a yield.

    Notes
    -----
    What it touches (`apply_fractional_steps`, `timestep`, `relative_time` at a
    yield, `relative_finaltime`) is the same in ANUGA 3.3 and 4.1.  Within a step
    `relative_time` is not: at the fractional steps of rk2 and rk3 it is the
    step's end in 3.3 and its begin in 4.1, so the clock adds up timesteps from
    the last yield, as evolve() does.
    """

    def __init__(self, domain: Any, limit: int | None, progress: Callable[[str], None],
                 first: Callable[[], None] | None = None, split: Split | None = None) -> None:
        self.domain = domain
        self.limit = limit
        self.progress = progress
        self.first = first  # called after the first step
        self.last: Callable[[], None] | None = None  # called when the limit is reached
        self.split = split  # told of the yields
        self.seconds: list[float] = []
        self.timesteps: list[float] = []
        self.evolving = 0.0
        self._original = domain.apply_fractional_steps
        self._reported = perf_counter()
        self._begin()
        self._entered: float | None = self._started
        domain.apply_fractional_steps = _EndOfStep(self)
        if split is not None:
            split.begin_evolve()

    def pause(self) -> None:
        """Stop the clock of `evolve` and tell the split of a yield."""
        if self._entered is not None:
            self.evolving += perf_counter() - self._entered
            self._entered = None
        if self.split is not None:
            self.split.pause()

    def resume(self) -> None:
        """Start the clocks of `evolve` and of the next step; call when a yield is over."""
        self._begin()
        self._entered = self._started
        if self.split is not None:
            self.split.resume()

    def _begin(self) -> None:
        self._time = self.domain.relative_time
        self._started = perf_counter()

    def detach(self) -> None:
        """Leave the domain as it was."""
        self.pause()
        self.domain.__dict__.pop("apply_fractional_steps", None)

    def end_step(self) -> None:
        """Run the fractional steps and note that a step is over."""
        self._original()
        now = perf_counter()
        domain = self.domain
        self.seconds.append(now - self._started)
        self.timesteps.append(domain.timestep)
        self._time += domain.timestep
        if len(self.seconds) == self.limit:
            # evolve() then yields and ends here, as it does at any final time.
            domain.relative_finaltime = self._time
            if self.last is not None:
                self.last()
        if now - self._reported > PROGRESS_INTERVAL:
            self._reported = now
            of = f"/{self.limit}" if self.limit else f", t={self._time:.6g} s"
            self.progress(f"step {len(self.seconds)}{of}")
        if self.first is not None and len(self.seconds) == 1:
            self.pause()
            self.first()
            self._entered = perf_counter()
            if self.split is not None:
                self.split.resume()
        self._started = perf_counter()


def run(request: Request, folder: Path, progress: Callable[[str], None],
        ranks: Ranks | None = None) -> dict[str, Any]:
    """Carry out a request in this process.

    Parameters
    ----------
    request : Request
    folder : path
    progress : callable
    ranks : Ranks, optional
        All processes of the run, if there are several.

    Returns
    -------
    dict
        What ``result.json`` holds; see benchmarks/README.md for each field.
    """
    recording = None
    if request.memray:
        from anuga_lean.measure.allocations import Recording

        recording = Recording(folder / f"memray{ranks.suffix if ranks else ''}.bin")
    stages = Stages(request.trace, ranks.barrier if ranks else None, recording, request.at)
    progress("import anuga")
    anuga = import_anuga(request.variant)
    if request.trace:
        if not request.is_script:
            import anuga_lean.scenarios  # noqa: F401  no part of what the build allocates

        import tracemalloc

        tracemalloc.start()
    split = None
    if request.split:
        from anuga_lean.measure.split import watch

        split = watch(anuga.Domain)
    stages.end("import")
    run_it = _run_script if request.is_script else _run_scenario
    result = run_it(request, folder, progress, anuga, stages, ranks.suffix if ranks else "", split)
    result["split"] = None if split is None else split.as_dict()
    result["began"] = stages.began
    if recording is not None:
        recording.end()
    if request.at is not None and request.at not in stages.result:
        raise MeasurementError(f"there is no stage or mark {request.at!r} in this run; there are "
                               f"{', '.join(stages.result)}")
    if ranks is not None:
        result["rank"] = ranks.rank
    return result


def _run_scenario(request: Request, folder: Path, progress: Callable[[str], None], anuga: Any,
                  stages: Stages, suffix: str, split: Split | None) -> dict[str, Any]:
    progress("build the model")
    import anuga_lean.scenarios as scenarios

    options = {"name": request.scenario, "datadir": str(folder), **request.parameters}
    if request.stages:
        marks.listen(stages.end)
    domain = scenarios.build(request.scenario, anuga, **options)
    stages.end("build")
    progress("evolve")
    clock = _evolve(domain, request, folder, progress, stages, split)
    if not request.checkpoint:
        stages.end("evolve")
    # The last reading is taken: from here on it does not matter what is loaded.
    from anuga_lean.arrays.census import census

    result = _figures(domain, clock, stages)
    if request.trace:
        result["allocated_arrays"] = _allocated_arrays()
    progress("count the arrays")
    result["census"] = census(domain).as_dict()
    if request.arrays:
        result.update(_write_arrays(domain, clock, folder / f"arrays{suffix}.npz"))
    sww = _sww(domain)
    result["sww"] = str(sww) if request.parameters.get("store") and sww.exists() else None
    result["sww_nbytes"] = sww.stat().st_size if result["sww"] else None
    result["versions"] = _versions(domain)
    return result


def _run_script(request: Request, folder: Path, progress: Callable[[str], None], anuga: Any,
                stages: Stages, suffix: str, split: Split | None) -> dict[str, Any]:
    """Run a user's script; report the figures of its last evolve and the steps of all."""
    import statistics

    from anuga_lean.arrays.census import census
    from anuga_lean.measure.script import run_script, sww_digests

    result: dict[str, Any] = {}
    files: list[dict[str, Any]] = []
    clocks: list[StepClock] = []
    stored: dict[Path, None] = {}

    def finished(domain: Any, clock: StepClock) -> None:
        clocks.append(clock)
        result.update(_figures(domain, clock, stages), census=census(domain).as_dict(),
                      versions=_versions(domain))
        if request.arrays:
            path = folder / f"arrays{suffix}_{len(files) + 1}.npz"
            files.append(_write_arrays(domain, clock, path))
        if domain.get_store():
            stored[_sww(domain).resolve()] = None

    def started(domain: Any) -> StepClock:
        serial = request.numprocs > 1 and getattr(domain, "numproc", 1) == 1
        progress(WHOLE_ON_EACH if serial else "evolve")
        return StepClock(domain, None, progress, split=split)

    del sys.path[0]  # where -m found this module
    os.chdir(str(request.cwd))
    progress("run the script")
    run_script(request.scenario, list(request.arguments), anuga, stages, started, finished)
    if not clocks:
        raise MeasurementError(f"the script {request.scenario} evolves no domain of ANUGA's, so "
                               "there is nothing to compare")
    seconds = [second for clock in clocks for second in clock.seconds]
    result.update(
        steps=len(seconds), seconds_per_step=statistics.median(seconds) if seconds else None,
        seconds_of_steps=sum(seconds), sww=None, sww_nbytes=None,
        evolve_seconds=sum(clock.evolving for clock in clocks),
        arrays=files[0]["arrays"] if files else None,
        more_arrays=[each["arrays"] for each in files[1:]],
        sww_digests={f"{path.name}/{name}": digest for path in stored if path.exists()
                     for name, digest in sww_digests(path).items()})
    return result


def _sww(domain: Any) -> Path:
    return Path(domain.get_datadir()) / f"{domain.get_name()}.sww"


def import_anuga(variant: str) -> Any:
    """Import ANUGA with the lean classes in, or certainly without."""
    from anuga_lean.overlay import install

    if variant == "lean":
        install.require_lean()
        return install.install()
    install.keep_stock()  # importing anuga_lean, and so this module, would make ANUGA lean
    import anuga

    if "anuga_lean.stepping.domain" in sys.modules:
        raise MeasurementError("anuga.Domain is lean in a process that measures stock")
    return anuga


def _evolve(domain: Any, request: Request, folder: Path, progress: Callable[[str], None],
            stages: Stages, split: Split | None) -> StepClock:
    yieldstep = request.yieldstep
    if yieldstep is None:
        import anuga_lean.scenarios as scenarios

        values = scenarios.complete(request.scenario, request.parameters)
        yieldstep = scenarios.find(request.scenario).yieldstep(values)
    finaltime = ENDLESS if request.finaltime is None else request.finaltime
    first = (lambda: stages.end("first step")) if request.stages else None
    clock = StepClock(domain, request.steps, progress, first, split)
    if request.checkpoint:
        from anuga_lean.measure.last_checkpoint import write_last

        write_last(domain, folder / "CHECKPOINTS", clock, stages)
    for position, _ in enumerate(domain.evolve(yieldstep=yieldstep, finaltime=finaltime)):
        clock.pause()
        if position == 0 and request.stages:
            stages.end("store" if request.parameters.get("store") else "start")
        clock.resume()
    clock.detach()
    return clock


def _figures(domain: Any, clock: StepClock, stages: Stages) -> dict[str, Any]:
    import statistics

    number_of_triangles = int(domain.number_of_triangles)
    depth = _centroids(domain, "stage") - _centroids(domain, "elevation")
    step = getattr(domain, "lean", None)
    wet = int((depth > domain.minimum_allowed_height).sum())
    return {
        "number_of_triangles": number_of_triangles,
        "number_of_full_triangles": int(getattr(domain, "number_of_full_triangles",
                                                number_of_triangles)),
        "parts": int(getattr(domain, "numproc", 1)),
        "wet_fraction": wet / number_of_triangles,
        "steps": len(clock.seconds),
        "seconds_per_step": statistics.median(clock.seconds) if clock.seconds else None,
        "seconds_of_steps": sum(clock.seconds),
        "evolve_seconds": clock.evolving,
        "time": float(domain.get_time()),
        "timesteps": [float(timestep) for timestep in clock.timesteps],
        "stages": stages.result,
        "runs_on": "stock" if step is None else "lean",
        "isa": getattr(getattr(step, "run", None), "isa", None),
    }


def _centroids(domain: Any, name: str) -> Any:
    import numpy as np

    return np.asarray(domain.quantities[name].centroid_values)


def _allocated_arrays() -> int:
    """Return the bytes of array data allocated since the build began and not freed."""
    import tracemalloc

    import numpy as np

    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    traces = tracemalloc.take_snapshot().filter_traces([arrays])
    tracemalloc.stop()
    return sum(statistic.size for statistic in traces.statistics("filename"))


def _write_arrays(domain: Any, clock: StepClock, path: Path) -> dict[str, Any]:
    """Save the compared arrays and name their checksums."""
    import hashlib

    import numpy as np

    arrays = {name: _centroids(domain, name) for name in COMPARED}
    arrays["timestep"] = np.array(clock.timesteps, dtype=np.float64)
    np.savez(path, **arrays)
    checksums = {
        name: hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()
        for name, values in arrays.items()
    }
    return {"arrays": str(path), "sha256": checksums}


def _versions(domain: Any) -> dict[str, Any]:
    import platform

    import anuga_lean
    from anuga_lean.measure.environment import versions

    found: dict[str, Any] = {"python": platform.python_version()}
    found.update(versions(("anuga", "anuga_lean", "numpy")))
    # run by another interpreter, this package is not installed there
    found["anuga_lean"] = anuga_lean.__version__
    found["domain"] = f"{type(domain).__module__}.{type(domain).__qualname__}"
    return found


class Ranks:
    """The processes of a run under mpiexec."""

    def __init__(self) -> None:
        from mpi4py import MPI

        self._mpi, self._world = MPI, MPI.COMM_WORLD
        self.rank = int(self._world.rank)
        self.suffix = "" if self.rank == 0 else f"_{self.rank}"

    def barrier(self) -> None:
        """Wait for all ranks, unless a script has ended MPI, as anuga.finalize() does."""
        if not self._mpi.Is_finalized():
            self._world.Barrier()

    def all_or_none(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what work gives; end all ranks if it raises, as the others would wait for ever."""
        try:
            return work()
        except BaseException as error:
            if self._mpi.Is_finalized() or (isinstance(error, SystemExit) and not error.code):
                raise
            sys.excepthook(type(error), error, error.__traceback__)
            sys.stdout.flush()
            sys.stderr.flush()
            self._world.Abort(1)
            raise

    def teller(self, folder: Path) -> Callable[[str], None]:
        """Return what sends a line of progress with this rank's number through a named pipe.

        A rank on another machine than the pipe's reader finds nobody there and tells nothing.
        """
        try:
            pipe = os.open(folder / PROGRESS_PIPE, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return lambda line: None
        return lambda line: self._tell(pipe, line)

    def _tell(self, pipe: int, line: str) -> None:
        # Shorter than a pipe takes at once, so that lines of ranks do not mix; a full pipe
        # belongs to a reader that is behind, whom the next line reaches.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(pipe, f"{self.rank} {line[:400]}\n".encode())


def main(folder: str, descriptor: str) -> None:
    """Run the request in `folder` and report progress on `descriptor`."""
    home = Path(folder)
    request = Request(**json.loads((home / "request.json").read_text()))
    ranks = Ranks() if request.numprocs > 1 else None
    if ranks is not None:
        result = ranks.all_or_none(lambda: run(request, home, ranks.teller(home), ranks))
    elif int(descriptor) < 0:
        result = run(request, home, lambda line: None)
    else:
        with os.fdopen(int(descriptor), "w", buffering=1) as channel:
            result = run(request, home, lambda line: print(line, file=channel))
    name = result_name(ranks.rank if ranks else 0)
    unfinished = home / f"{name}.tmp"
    unfinished.write_text(json.dumps(result))
    unfinished.replace(home / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
