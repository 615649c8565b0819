"""One measurement, one process: ``python -m anuga_lean.measure.child FOLDER FD``.

Reads FOLDER/request.json, runs the scenario on stock or lean ANUGA and writes
FOLDER/result.json; progress lines go to the file descriptor FD, so that
whatever ANUGA prints cannot mix with either.  Started by measurement.py.

Whatever the harness loads is measured with the model: until the last reading
functions import what they need themselves, and only what they need.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from anuga_lean.measure import probe
from anuga_lean.measure.request import MeasurementError, Request

COMPARED = ("stage", "xmomentum", "ymomentum", "height")
ENDLESS = 1.0e12  # s; a final time that only `steps` can end
PROGRESS_INTERVAL = 0.5  # s


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

    Notes
    -----
    What it touches (`apply_fractional_steps`, `timestep`, `relative_time` at a
    yield, `relative_finaltime`) is the same in ANUGA 3.3 and 4.1.  Within a step
    `relative_time` is not: at the fractional steps of rk2 and rk3 it is the
    step's end in 3.3 and its begin in 4.1, so the clock adds up timesteps from
    the last yield, as evolve() does.
    """

    def __init__(self, domain: Any, limit: int | None, progress: Callable[[str], None]) -> None:
        self.domain = domain
        self.limit = limit
        self.progress = progress
        self.seconds: list[float] = []
        self.timesteps: list[float] = []
        self._original = domain.apply_fractional_steps
        self._reported = perf_counter()
        self.resume()
        domain.apply_fractional_steps = self._end_step

    def resume(self) -> None:
        """Start the clock of the next step; call when a yield is over."""
        self._time = self.domain.relative_time
        self._started = perf_counter()

    def detach(self) -> None:
        """Leave the domain as it was."""
        del self.domain.apply_fractional_steps

    def _end_step(self) -> None:
        self._original()
        now = perf_counter()
        domain = self.domain
        self.seconds.append(now - self._started)
        self.timesteps.append(domain.timestep)
        self._time += domain.timestep
        if len(self.seconds) == self.limit:
            # evolve() then yields and ends here, as it does at any final time.
            domain.relative_finaltime = self._time
        if now - self._reported > PROGRESS_INTERVAL:
            self._reported = now
            of = f"/{self.limit}" if self.limit else f", t={self._time:.6g} s"
            self.progress(f"step {len(self.seconds)}{of}")
        self._started = perf_counter()


class Stages:
    """Memory and wall time of the stages import, build and evolve."""

    def __init__(self, trace: bool) -> None:
        self.tracemalloc = None
        if trace:
            import tracemalloc

            self.tracemalloc = tracemalloc
        self.result: dict[str, dict[str, Any]] = {}
        self._begin()

    def end(self, name: str) -> None:
        """Note a stage and begin the next."""
        figures: dict[str, Any] = {"seconds": perf_counter() - self._started}
        try:
            figures.update(probe.read_memory()._asdict())
        except probe.ProbeError:
            figures.update(dict.fromkeys(probe.Memory._fields))
        if self._is_tracing():
            figures["allocated"], figures["peak_allocated"] = self.tracemalloc.get_traced_memory()
        self.result[name] = figures
        self._begin()

    def _begin(self) -> None:
        probe.reset_peak_rss()
        if self._is_tracing():
            self.tracemalloc.reset_peak()
        self._started = perf_counter()

    def _is_tracing(self) -> bool:
        return self.tracemalloc is not None and self.tracemalloc.is_tracing()


def run(request: Request, folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Carry out a request in this process.

    Returns
    -------
    dict
        What ``result.json`` holds; see benchmarks/README.md for each field.
    """
    stages = Stages(request.trace)
    progress("import anuga")
    anuga = import_anuga(request.variant)
    if request.trace:
        import anuga_lean.scenarios as scenarios  # no part of what the build allocates

        stages.tracemalloc.start()
    stages.end("import")
    progress("build the model")
    import anuga_lean.scenarios as scenarios

    options = {"name": request.scenario, "datadir": str(folder), **request.parameters}
    domain = scenarios.build(request.scenario, anuga, **options)
    stages.end("build")
    progress("evolve")
    clock = _evolve(domain, request, progress)
    stages.end("evolve")
    # The last reading is taken: from here on it does not matter what is loaded.
    from anuga_lean.measure.census import census

    result = _figures(domain, clock, stages)
    if request.trace:
        result["allocated_arrays"] = _allocated_arrays()
        stages.tracemalloc.stop()
    progress("count the arrays")
    result["census"] = census(domain).as_dict()
    if request.arrays:
        result.update(_write_arrays(domain, clock, folder))
    sww = Path(domain.get_datadir()) / f"{domain.get_name()}.sww"
    result["sww"] = str(sww) if request.parameters.get("store") and sww.exists() else None
    result["versions"] = _versions(domain)
    return result


def import_anuga(variant: str) -> Any:
    """ANUGA with the lean classes in, or certainly without."""
    if variant == "lean":
        from anuga_lean import hook

        return hook.install()
    # Importing anuga_lean, and so this module, makes any later import of anuga a
    # lean one; here that must not happen.
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not type(finder).__module__.startswith("anuga_lean")
    ]
    import anuga

    if "anuga_lean.domain" in sys.modules:
        raise MeasurementError("anuga.Domain is lean in a process that measures stock")
    return anuga


def _evolve(domain: Any, request: Request, progress: Callable[[str], None]) -> StepClock:
    import anuga_lean.scenarios as scenarios

    yieldstep = request.yieldstep
    if yieldstep is None:
        values = scenarios.complete(request.scenario, request.parameters)
        yieldstep = scenarios.find(request.scenario).yieldstep(values)
    finaltime = ENDLESS if request.finaltime is None else request.finaltime
    clock = StepClock(domain, request.steps, progress)
    for _ in domain.evolve(yieldstep=yieldstep, finaltime=finaltime):
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
        "wet_fraction": wet / number_of_triangles,
        "steps": len(clock.seconds),
        "seconds_per_step": statistics.median(clock.seconds) if clock.seconds else None,
        "seconds_of_steps": sum(clock.seconds),
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
    """Bytes of array data allocated since the build began and not freed."""
    import tracemalloc

    import numpy as np

    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    traces = tracemalloc.take_snapshot().filter_traces([arrays])
    return sum(statistic.size for statistic in traces.statistics("filename"))


def _write_arrays(domain: Any, clock: StepClock, folder: Path) -> dict[str, Any]:
    """Save the compared arrays and name their checksums."""
    import hashlib

    import numpy as np

    arrays = {name: _centroids(domain, name) for name in COMPARED}
    arrays["timestep"] = np.array(clock.timesteps, dtype=np.float64)
    path = folder / "arrays.npz"
    np.savez(path, **arrays)
    checksums = {
        name: hashlib.sha256(np.ascontiguousarray(values)).hexdigest()
        for name, values in arrays.items()
    }
    return {"arrays": str(path), "sha256": checksums}


def _versions(domain: Any) -> dict[str, Any]:
    import platform
    from importlib import metadata

    versions: dict[str, Any] = {"python": platform.python_version()}
    for name in ("anuga", "anuga_lean", "numpy"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    versions["domain"] = f"{type(domain).__module__}.{type(domain).__qualname__}"
    return versions


def main(folder: str, descriptor: str) -> None:
    """Run the request in `folder`, telling progress on `descriptor`."""
    home = Path(folder)
    request = Request(**json.loads((home / "request.json").read_text()))
    with os.fdopen(int(descriptor), "w", buffering=1) as channel:
        result = run(request, home, lambda line: print(line, file=channel))
    unfinished = home / "result.json.tmp"
    unfinished.write_text(json.dumps(result))
    unfinished.replace(home / "result.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
