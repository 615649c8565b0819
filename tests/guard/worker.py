"""Runs parity cases with sets written between steps, and goes on from each of these.

`python -m guard.worker write MOMENTS FOLDER CASE,...` runs every case to its end twice, the
second time under a guard with a set before each of some steps of its last evolve.  `python -m
guard.worker load MOMENTS FOLDER CASE,...` loads each set in a process that has built none of the
models, `resume` builds them anew and goes on as `anuga_lean run --resume` does.  Leaves
FOLDER/CASE/RUN.npz, as `checkpoint.worker` does, of which it has the rest.
"""

from __future__ import annotations

import importlib
import json
import math
import random
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from anuga_lean.guard.requests import Requests
from anuga_lean.guard.stopping import Options, RunGuard
from anuga_lean.guard.watch import FRACTIONS
from anuga_lean.stepping import guarding
from checkpoint.worker import CHECKPOINTS, Steps, evolved, forked, legs_of, whole
from parity.runner import load


def options(resumes: bool) -> Options:
    return Options(folder=CHECKPOINTS, every=math.inf, fractions=FRACTIONS, stop_file="stop.flag",
                   deadline=lambda: math.inf, record=Path("record.jsonl"), resume=resumes,
                   command="anuga_lean run --guard")


class SavesBefore(RunGuard):
    """A guard that writes a set before some of the steps, by their numbers."""

    def __init__(self, numbers: set[int], steps: Steps) -> None:
        super().__init__(Requests(), options(False))
        self.numbers = numbers
        self.steps = steps
        self.sets: list[tuple[float, int]] = []
        self.domain: Any = None

    def before_step(self, domain: Any) -> None:
        number = len(self.steps.lengths)
        if domain is self.domain and number in self.numbers:
            assert domain.checkpoint_sets.write(domain)
            self.sets.append((domain.get_time(), number))

    def at_yield(self, domain: Any) -> None:
        pass


def saving(anuga: ModuleType, build: Any, steps: Steps, folder: Path,
           moments: int) -> dict[str, np.ndarray]:
    """Run a case to its end, with sets between the steps of its last leg."""
    with np.load(folder / "whole.npz") as known:
        number_of_steps, number_of_legs = len(known["timesteps"]), int(known["legs"])
    chosen = random.Random(folder.name).sample(
        range(number_of_steps), min(moments, number_of_steps))
    guard = SavesBefore(set(chosen), steps)
    guarding.put(guard)
    legs = legs_of(anuga, build)
    for _ in range(number_of_legs - 1):
        evolved(steps, *next(legs))
    domain, given = next(legs)
    guard.domain = domain
    found = evolved(steps, domain, given)
    guard.end("completed", 0)
    if given.pop("duration", None) is not None:
        given["finaltime"] = domain.finaltime
    (folder / "sets.json").write_text(json.dumps({
        "domain": domain.get_name(), "options": given, "sets": guard.sets,
        "legs": number_of_legs}))
    return found


def write(anuga: ModuleType, build: Any, folder: Path, moments: int) -> None:
    forked(folder / "whole", lambda steps: whole(anuga, build, steps), anuga)
    if (folder / "whole.npz").exists():
        forked(folder / "saving", lambda steps: saving(anuga, build, steps, folder, moments),
               anuga)


def load_each(anuga: ModuleType, build: Any, folder: Path, moments: int) -> None:
    plan = json.loads((folder / "sets.json").read_text())
    for time, number in plan["sets"]:
        place = folder / f"loaded_{number}"
        shutil.copytree(folder / "saving", place)

        def loaded(steps: Steps, time: float = time) -> dict[str, np.ndarray]:
            domain = anuga.load_checkpoint_file(plan["domain"], CHECKPOINTS, time)
            return evolved(steps, domain, plan["options"])

        forked(folder / f"from_{number}", loaded, anuga, place)
        shutil.rmtree(place)


def resume_each(anuga: ModuleType, build: Any, folder: Path, moments: int) -> None:
    plan = json.loads((folder / "sets.json").read_text())
    for time, number in plan["sets"]:
        place = folder / f"resumed_{number}"
        shutil.copytree(folder / "saving", place)
        (place / "record.jsonl").unlink()
        for later, _ in plan["sets"]:
            if later > time:
                (place / CHECKPOINTS / f"{plan['domain']}_{later}.npz").unlink(missing_ok=True)

        def resumed(steps: Steps) -> dict[str, np.ndarray]:
            guarding.put(RunGuard(Requests(), options(True)))
            legs = legs_of(anuga, build)
            found: dict[str, np.ndarray] = {}
            for _ in range(plan["legs"]):
                found = evolved(steps, *next(legs))
            return found

        forked(folder / f"again_{number}", resumed, anuga, place)
        shutil.rmtree(place)


def main(argv: list[str]) -> None:
    """The command line described above."""
    what, moments, folder, names = argv
    anuga = load("lean")
    cases = importlib.import_module("parity.cases").CASES
    for name in names.split(","):
        place = Path(folder).resolve() / name
        place.mkdir(parents=True, exist_ok=True)
        act = {"write": write, "load": load_each, "resume": resume_each}[what]
        act(anuga, cases[name].build, place, int(moments))


if __name__ == "__main__":
    main(sys.argv[1:])
