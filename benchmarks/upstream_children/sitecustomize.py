"""Writes down how each evolve() ended, in every python of a validation case.

UPSTREAM_DUMP names a folder.  When an evolve() of an ANUGA domain ends, stock or
lean, the final values at centroids go to a .npz there and time and memory to a
.json.  ANUGA's own Domain.evolve is wrapped as soon as its module is loaded; the
lean class inherits it.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

MODULE = "anuga.shallow_water.shallow_water_domain"


def _memory(key: str) -> int:
    """Return VmRSS or VmHWM of this process, bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return 0


def _reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # not allowed here: the peak of evolve is then that of the process


class _Recorder:
    """What is written about one evolve()."""

    def __init__(self, domain: Any) -> None:
        self.domain = domain
        self.peak_before = _memory("VmHWM")
        _reset_peak()
        self.seconds = self.cpu_seconds = 0.0
        self.yields = 0

    def write(self) -> None:
        """Write both files under a new name."""
        import numpy as np

        folder = Path(os.environ["UPSTREAM_DUMP"])
        rank = os.environ.get("OMPI_COMM_WORLD_RANK", "0")
        stem = f"{Path(sys.argv[0]).stem}-{rank}"
        number = len(list(folder.glob(f"{stem}-*.json")))
        rss, peak = _memory("VmRSS"), _memory("VmHWM")
        arrays = {name: np.array(self.domain.quantities[name].centroid_values)
                  for name in (*self.domain.conserved_quantities, "elevation")}
        tracers = getattr(self.domain, "tracer_conserved_values", None)
        if isinstance(tracers, np.ndarray):
            arrays["tracers"] = tracers
        np.savez(folder / f"{stem}-{number}.npz", **arrays)
        lean = getattr(self.domain, "lean", None)
        figures = {
            "number_of_triangles": int(self.domain.number_of_triangles),
            "domain": type(self.domain).__module__ + "." + type(self.domain).__qualname__,
            "kernels": "stock" if lean is None else "lean",
            "time": float(self.domain.get_time()), "yields": self.yields,
            "seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "rss": rss,
            "peak_of_evolve": peak, "peak": max(peak, self.peak_before),
        }
        (folder / f"{stem}-{number}.json").write_text(json.dumps(figures))


def _recorded(evolve: Any) -> Any:
    def recorded(self: Any, *args: Any, **kwargs: Any) -> Iterator[float]:
        recorder = _Recorder(self)
        running = evolve(self, *args, **kwargs)
        try:
            while True:
                started = perf_counter(), process_time()
                try:
                    time = next(running)
                except StopIteration:
                    return
                finally:
                    recorder.seconds += perf_counter() - started[0]
                    recorder.cpu_seconds += process_time() - started[1]
                recorder.yields += 1
                yield time
        finally:
            recorder.write()

    return recorded


class _Loader:
    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        module.Domain.evolve = _recorded(module.Domain.evolve)


class _Finder:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> Any:
        if name != MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = _Loader(spec.loader)
        return spec


if "UPSTREAM_DUMP" in os.environ:
    sys.meta_path.insert(0, _Finder())
