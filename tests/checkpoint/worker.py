"""Runs parity cases to their end, broken off, and resumed, and leaves what each computed.

`python -m checkpoint.worker write FOLDER CASE,...` runs every case twice: to its end, and
with a checkpoint at every yield until the process ends in the middle of the run.
`python -m checkpoint.worker resume FOLDER CASE,...` goes on from one of these checkpoints,
from one of those of that run, and from the first, in a process that has built none of the
models.  With `write stock` and `resume stock`
ANUGA's own classes do.  Every run is forked from one interpreter that has ANUGA loaded and
leaves FOLDER/CASE/RUN.npz, or RUN.err with the traceback.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from parity.runner import load, stored

CHECKPOINTS = "CHECKPOINTS"
# Of operators and boundaries, what tells the wall time or the process and not the model.
NOT_RESULTS = {"walltime_prev", "last_walltime", "evolve_start_walltime", "_communication_time"}


class Steps:
    """The lengths of all time steps of the domain that evolves just now."""

    def __init__(self, anuga: ModuleType) -> None:
        self.lengths: list[float] = []
        self.domain: Any = None
        apply_fractional_steps = anuga.Domain.apply_fractional_steps
        steps = self

        def noting(self: Any) -> None:
            if self is steps.domain:
                steps.lengths.append(self.timestep)
            apply_fractional_steps(self)

        anuga.Domain.apply_fractional_steps = noting


def numbers_of(owner: Any) -> Iterator[tuple[str, Any]]:
    """What an operator or a boundary has counted, and the arrays it keeps."""
    for name, value in sorted(vars(owner).items()):
        if isinstance(value, (bool, int, float, np.number)) and name not in NOT_RESULTS:
            yield name, value
        elif getattr(getattr(value, "dtype", None), "kind", "O") in "biuf":     # or a view
            yield name, np.asarray(value)


def seen(domain: Any) -> dict[str, np.ndarray]:
    """Everything that a yield shows of a model."""
    found: dict[str, Any] = {
        "time": domain.get_time(),
        "flux integral": domain.get_boundary_flux_integral(),
        "volume integral": domain.get_fractional_step_volume_integral(),
        "flux sums": domain.boundary_flux_sum,
        "volumes": domain.volume_history,
        "yield number": domain.yieldstep_counter,
        "recorded": [domain.number_of_steps, domain.recorded_min_timestep,
                     domain.recorded_max_timestep, domain.flux_timestep],
    }
    for name, quantity in domain.quantities.items():
        found[f"{name} at centroids"] = quantity.centroid_values
        if name in ("stage", "xmomentum", "ymomentum"):
            found[f"{name} at edges"] = quantity.edge_values
            found[f"{name} at the boundary"] = quantity.boundary_values
    if domain.number_of_tracers:
        for name in ("centroid_values", "conserved_values", "boundary_values"):
            found[f"tracers {name}"] = getattr(domain, f"tracer_{name}")
        found["tracer integrals"] = [
            domain.get_tracer_boundary_flux_integral(name) for name in domain._tracer_names]
    for name, block in (domain.quantities_to_be_monitored or {}).items():
        for key, value in block.items():
            found[f"monitored {name} {key}"] = np.array(value, float)
    for place, operator in enumerate(domain.fractional_step_operators):
        for name, value in numbers_of(operator):
            found[f"operator {place} {name}"] = value
    return {name: np.array(value) for name, value in found.items()}


def evolved(steps: Steps, domain: Any, options: dict[str, Any],
            stop: Callable[[int], None] = lambda count: None) -> dict[str, np.ndarray]:
    """Evolve; what every yield shows, the time steps, and the variables of the SWW file."""
    steps.domain, steps.lengths = domain, []
    yields, counts = [], []
    for _ in domain.evolve(**options):
        yields.append(seen(domain))
        counts.append(len(steps.lengths))
        stop(len(yields))
    found = {f"{at} {name}": value for at, each in enumerate(yields)
             for name, value in each.items()}
    found |= {"timesteps": np.array(steps.lengths), "counts": np.array(counts)}
    found |= stored(Path(domain.get_name() + ".sww"))
    found["kernels"] = np.array("stock" if getattr(domain, "lean", None) is None else "lean")
    return found


def legs_of(anuga: ModuleType, build: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Build a case; its domain and how to evolve it, for every leg of it.

    What a case does at its yields is left out: no checkpoint knows it.
    """
    legs = build(anuga)
    for domain, yieldstep, finaltime, *rest in legs if inspect.isgenerator(legs) else [legs]:
        options = {"yieldstep": yieldstep, "finaltime": finaltime}
        for each in rest:
            options |= each if isinstance(each, dict) else {}
        yield domain, options


def whole(anuga: ModuleType, build: Any, steps: Steps) -> dict[str, np.ndarray]:
    """Run a case to its end; what its last leg shows."""
    found: dict[str, np.ndarray] = {}
    legs = legs_of(anuga, build)
    count = 0
    while True:
        try:
            domain, options = next(legs)
        except Exception:   # there is none, or it sums up what it has not seen at its yields
            return found
        count += 1
        found = evolved(steps, domain, options) | {"legs": np.array(count)}


def broken(anuga: ModuleType, build: Any, steps: Steps, folder: Path) -> dict[str, np.ndarray]:
    """Run the last leg of a case beyond its middle, with checkpoints."""
    with np.load(folder / "whole.npz") as known:
        number_of_yields, number_of_legs = len(known["counts"]), int(known["legs"])
    plan: dict[str, Any] = {"middle": max(1, number_of_yields // 2), "times": [],
                            "yields": number_of_yields}

    def stop(count: int) -> None:
        plan["times"].append(domain.get_time())
        if count == min(plan["middle"] + 2, number_of_yields):
            if options.pop("duration", None) is not None:
                options["finaltime"] = domain.finaltime
            plan.update(domain=domain.get_name(), options=options)
            (folder / "plan.json").write_text(json.dumps(plan))
            os._exit(0)     # as if killed: nothing is closed, nothing is written any more

    legs = legs_of(anuga, build)
    for _ in range(number_of_legs - 1):
        evolved(steps, *next(legs))
    domain, options = next(legs)
    keep = {} if anuga.__name__ == "anuga" else {"keep": 1000}
    domain.set_checkpointing(checkpoint_step=1, checkpoint_dir=CHECKPOINTS, **keep)
    return evolved(steps, domain, options, stop)


def write(anuga: ModuleType, build: Any, folder: Path) -> None:
    """Run a case to its end and until it is broken off."""
    forked(folder / "whole", lambda steps: whole(anuga, build, steps), anuga)
    if (folder / "whole.npz").exists():
        forked(folder / "broken", lambda steps: broken(anuga, build, steps, folder), anuga)


def resume(anuga: ModuleType, build: Any, folder: Path) -> None:
    """Go on from the checkpoint in the middle, then from the first."""
    plan = json.loads((folder / "plan.json").read_text())
    prefix = "stock_" if anuga.__name__ == "anuga" else ""
    place_of_run = folder / f"{prefix}resumed"
    shutil.copytree(folder / "broken", place_of_run)
    after = plan["middle"] + 1      # its set was written again by the run before
    for name, place in (("middle", plan["middle"]), ("after", after), ("first", 1)):
        if place >= plan["yields"]:     # a short leg: nothing is left to compare
            continue
        def resumed(steps: Steps, place: int = place) -> dict[str, np.ndarray]:
            time = plan["times"][place - 1]
            domain = anuga.load_checkpoint_file(plan["domain"], CHECKPOINTS, time)
            return evolved(steps, domain, plan["options"]) | {"began": np.array(place)}

        forked(folder / f"{prefix}{name}", resumed, anuga, place_of_run)


def forked(target: Path, action: Callable[[Steps], dict[str, np.ndarray]], anuga: ModuleType,
           place: Path | None = None) -> None:
    """Act in a child process, in a folder of its own or in `place`; keep what it returns."""
    place = place or target
    place.mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        if status and not target.with_suffix(".err").exists():
            target.with_suffix(".err").write_text(f"the process died, wait status {status}\n")
        return
    status = 1
    try:
        os.chdir(place)
        log = os.open(target.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = action(Steps(anuga))
        found["warnings"] = np.array([f"{each.category.__name__}: {each.message}"
                                      for each in caught], str)
        np.savez(target.with_suffix(".npz"), **found)
        status = 0
    except BaseException:
        target.with_suffix(".err").write_text(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(status)


def main(argv: list[str]) -> None:
    """The command line described above."""
    what, *variant, folder, names = argv
    anuga = load(variant[0] if variant else "lean")
    cases = importlib.import_module("parity.cases").CASES
    action = {"write": write, "resume": resume}[what]
    for name in names.split(","):
        place = Path(folder).resolve() / name
        place.mkdir(parents=True, exist_ok=True)
        try:
            action(anuga, cases[name].build, place)
        except Exception:
            (place / f"{what}.err").write_text(traceback.format_exc())


if __name__ == "__main__":
    main(sys.argv[1:])
