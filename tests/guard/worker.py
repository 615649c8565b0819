"""Runs parity cases with sets written between steps, and goes on from each of these.

`python -m guard.worker write FOLDER MOMENTS CASE,...` runs every case to its end twice, the
second time with a set before each of some steps of its last evolve.  `python -m guard.worker
resume FOLDER MOMENTS CASE,...` loads each set in a process that has built none of the models.
Leaves FOLDER/CASE/RUN.npz, as `checkpoint.worker` does, of which it has the rest.
"""

from __future__ import annotations

import importlib
import json
import random
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from anuga_lean.stepping import guarding
from checkpoint.worker import CHECKPOINTS, Steps, evolved, forked, legs_of, whole
from parity.runner import load


class SavesBefore:
    """A guard that writes a set before some of the steps, by their numbers."""

    def __init__(self, numbers: set[int], steps: Steps) -> None:
        self.numbers = numbers
        self.steps = steps
        self.sets: list[tuple[float, int]] = []
        self.domain: Any = None

    def begin(self, domain: Any, args: Any, kwargs: Any) -> None:
        pass

    def before_step(self, domain: Any) -> None:
        number = len(self.steps.lengths)
        if domain is self.domain and number in self.numbers:
            assert domain.checkpoint_sets.write(domain)
            self.sets.append((domain.get_time(), number))

    def at_yield(self, domain: Any) -> None:
        pass

    def asks(self) -> float:
        return 0.0

    def is_told(self, most: float) -> None:
        pass


def saving(anuga: ModuleType, build: Any, steps: Steps, folder: Path,
           moments: int) -> dict[str, np.ndarray]:
    """Run a case to its end, with sets between the steps of its last leg."""
    with np.load(folder / "whole.npz") as known:
        number_of_steps, number_of_legs = len(known["timesteps"]), int(known["legs"])
    chosen = random.Random(folder.name).sample(
        range(number_of_steps), min(moments, number_of_steps))
    guard = SavesBefore(set(chosen), steps)
    legs = legs_of(anuga, build)
    for _ in range(number_of_legs - 1):
        evolved(steps, *next(legs))
    domain, options = next(legs)
    guard.domain = domain
    guarding.put(guard)
    domain.set_checkpointing(checkpoint_time=1e9, checkpoint_dir=CHECKPOINTS)
    found = evolved(steps, domain, options)
    if options.pop("duration", None) is not None:
        options["finaltime"] = domain.finaltime
    (folder / "sets.json").write_text(json.dumps(
        {"domain": domain.get_name(), "options": options, "sets": guard.sets}))
    return found


def write(anuga: ModuleType, build: Any, folder: Path, moments: int) -> None:
    forked(folder / "whole", lambda steps: whole(anuga, build, steps), anuga)
    if (folder / "whole.npz").exists():
        forked(folder / "saving", lambda steps: saving(anuga, build, steps, folder, moments),
               anuga)


def resume(anuga: ModuleType, build: Any, folder: Path, moments: int) -> None:
    plan = json.loads((folder / "sets.json").read_text())
    for time, number in plan["sets"]:
        place = folder / f"resumed_{number}"
        shutil.copytree(folder / "saving", place)

        def resumed(steps: Steps, time: float = time) -> dict[str, np.ndarray]:
            domain = anuga.load_checkpoint_file(plan["domain"], CHECKPOINTS, time)
            return evolved(steps, domain, plan["options"])

        forked(folder / f"from_{number}", resumed, anuga, place)
        shutil.rmtree(place)


def main(argv: list[str]) -> None:
    """The command line described above."""
    what, folder, moments, names = argv
    anuga = load("lean")
    cases = importlib.import_module("parity.cases").CASES
    for name in names.split(","):
        place = Path(folder).resolve() / name
        place.mkdir(parents=True, exist_ok=True)
        {"write": write, "resume": resume}[what](anuga, cases[name].build, place, int(moments))


if __name__ == "__main__":
    main(sys.argv[1:])
