"""Measures checkpoints: bytes, peak and seconds to write, and to load in another process.

``python -m anuga_lean.measure.checkpoints write|load FOLDER`` is one process of
it and prints one line of JSON last.  A model evolves with
set_checkpointing(checkpoint_step=1) and what each yield writes is measured
there; lean's seconds have fsync of file and folder in them, stock's have not.
"""

from __future__ import annotations

import json
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import anuga_lean.scenarios as scenarios
from anuga_lean._errors import MeasurementError
from anuga_lean._package_version import __version__
from anuga_lean.measure import probe
from anuga_lean.measure.builds import Build
from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.environment import versions
from anuga_lean.measure.measurement import child_environment, fixed_addresses, how_it_ended

SETS = 4  # written by a run: the first has the mesh with it
YIELDSTEP = 1.0e-4  # s


def write_and_load(build: Build, scenario: str, parameters: Mapping[str, Any],
                   size: Mapping[str, int], compression: str | None, folder: Path,
                   threads: int = 1) -> dict[str, Any]:
    """Write checkpoints in one process and load the newest in another.

    Returns
    -------
    dict
        ``triangles``, ``first`` and ``later`` (B/tri of a set with and without
        mesh), ``peak_first`` and ``peak_later`` (bytes over the RSS before),
        ``seconds_first``, ``seconds_later`` (median), ``seconds_load``,
        ``peak_load`` (B/tri), ``pickle`` (B/tri, lean only), ``versions``.

    Raises
    ------
    MeasurementError
        A process failed, or what was loaded is not what was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="checkpoints_", dir=folder) as place:
        request = {"variant": build.variant, "scenario": scenario,
                   "parameters": {**parameters, **size}, "compression": compression,
                   "checkpoints": str(Path(place) / "CHECKPOINTS")}
        (Path(place) / "request.json").write_text(json.dumps(request))
        found = [_run(build, part, Path(place), threads, scenario) for part in ("write", "load")]
    result = {**found[0], **found[1]}
    if result.pop("stage") != result.pop("loaded_stage"):
        raise MeasurementError(f"{build.label} loads another stage of {scenario} than it wrote")
    return result


def _run(build: Build, part: str, folder: Path, threads: int, scenario: str) -> dict[str, Any]:
    log = folder / f"{part}.log"
    with open(log, "w") as stream:
        status = subprocess.run(
            [*fixed_addresses(), build.python, "-m", "anuga_lean.measure.checkpoints", part,
             str(folder)],
            env=child_environment(build.python, threads, build.isa, folder, small_pages=True),
            cwd=folder,
            stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT).returncode
    if status != 0:
        raise MeasurementError(f"the {build.label} run to {part} checkpoints of {scenario} "
                               f"{how_it_ended(status, log)}")
    found: dict[str, Any] = json.loads(log.read_text().splitlines()[-1])
    return found


def write(request: Mapping[str, Any]) -> dict[str, Any]:
    """Evolve a model that writes checkpoints; return what each of them took."""
    anuga = import_anuga(request["variant"])
    folder = Path(request["checkpoints"])
    domain = scenarios.build(request["scenario"], anuga,
                             **{"datadir": str(folder.parent), **request["parameters"]})
    found: list[dict[str, float]] = []
    if request["variant"] == "stock":
        from anuga.shallow_water import shallow_water_domain

        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)

        class Pickle:
            dump = staticmethod(_watched(_dump_and_close(shallow_water_domain.pickle.dump),
                                         folder, found))

        shallow_water_domain.pickle = Pickle
    else:
        domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1,
                                 compression=request["compression"])
        sets = domain.checkpoint_sets
        sets.write = _watched(sets.write, folder, found)
    for _ in domain.evolve(yieldstep=YIELDSTEP, finaltime=(SETS - 1) * YIELDSTEP):
        pass
    each = [after["nbytes"] - before["nbytes"]
            for before, after in zip(found, found[1:], strict=False)]
    n = int(domain.number_of_triangles)
    pickled = len(pickle.dumps(domain, protocol=4)) / n if request["variant"] == "lean" else None
    return {"triangles": n, "first": found[0]["nbytes"] / n, "later": each[0] / n,
            "peak_first": found[0]["peak"], "peak_later": max(one["peak"] for one in found[1:]),
            "seconds_first": found[0]["seconds"],
            "seconds_later": statistics.median(one["seconds"] for one in found[1:]),
            "pickle": pickled, "versions": {**versions(("anuga",)), "anuga_lean": __version__},
            "stage": domain.quantities["stage"].centroid_values.sum().hex()}


def _watched(write: Callable[..., Any], folder: Path,
             found: list[dict[str, float]]) -> Callable[..., Any]:
    """Return a function that does what `write` does and notes what that took."""
    def measured(*args: Any) -> Any:
        before = probe.read_memory().rss
        probe.reset_peak_rss()
        started = perf_counter()
        result = write(*args)
        seconds = perf_counter() - started
        found.append({"seconds": seconds, "peak": probe.read_memory().peak_rss - before,
                      "nbytes": sum(path.stat().st_size for path in folder.iterdir())})
        return result
    return measured


def _dump_and_close(dump: Callable[..., None]) -> Callable[..., None]:
    """Return ANUGA's dump so that it closes its file: the last bytes count, too."""
    def dumped(domain: Any, file: Any) -> None:
        dump(domain, file)
        file.close()
    return dumped


def load(request: Mapping[str, Any]) -> dict[str, Any]:
    """Load the newest checkpoint."""
    anuga = import_anuga(request["variant"])
    before = probe.read_memory().rss
    probe.reset_peak_rss()
    started = perf_counter()
    name = request["parameters"].get("name", scenarios.OPTIONS["name"])
    domain = anuga.load_checkpoint_file(name, request["checkpoints"])
    seconds = perf_counter() - started
    peak = probe.read_memory().peak_rss - before
    return {"seconds_load": seconds, "peak_load": peak / int(domain.number_of_triangles),
            "loaded_stage": domain.quantities["stage"].centroid_values.sum().hex()}


def main(part: str, folder: str) -> None:
    """Run one of the two processes."""
    request = json.loads((Path(folder) / "request.json").read_text())
    Path(request["checkpoints"]).mkdir(exist_ok=True)
    found = (write if part == "write" else load)(request)
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
