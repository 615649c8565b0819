"""One rank of models that go on from between two steps: `ranks.py WHAT FOLDER CASE...`.

`whole` runs each case to its end; `saving` does so with a set before one of its steps, whose share
of all steps is drawn by the name of the case; `resumed` builds each anew and goes on from that set
as `anuga_lean run --resume` does; `source` writes what a boundary reads.  Each in a process of its
own: ANUGA numbers what a process makes.  Leaves FOLDER/CASE/WHAT_RANK.npz.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import anuga_lean as anuga
from anuga_lean.guard.requests import Requests
from anuga_lean.guard.stopping import RunGuard
from anuga_lean.stepping import guarding
from guard.worker import options

CORNERS = [[50.0, 100.0], [400.0, 100.0], [400.0, 400.0], [50.0, 400.0]]


class SavesOnce(RunGuard):
    """A guard that counts steps, and writes a set before one of them."""

    def __init__(self, number: int) -> None:
        super().__init__(Requests(), options(False))
        self.number, self.count = number, 0

    def before_step(self, domain: Any) -> None:
        if self.count == self.number:
            assert domain.checkpoint_sets.write(domain)
        self.count += 1

    def at_yield(self, domain: Any) -> None:
        pass


def rain(domain: Any) -> None:
    anuga.Rate_operator(domain, rate=lambda t: 0.002 + 0.0001 * t)


def water(domain: Any) -> None:
    anuga.Inlet_operator(domain, [[300.0, 100.0], [300.0, 400.0]], 15.0)
    anuga.Boyd_box_operator(
        domain, losses=1.5, width=30.0, height=2.0, end_points=[[150.0, 250.0], [550.0, 250.0]],
        apron=5.0, enquiry_gap=10.0, verbose=False)


def seen(domain: Any) -> None:
    domain.set_collect_max_quantities()
    from anuga.operators.collect_max_stage_operator import Collect_max_stage_operator

    Collect_max_stage_operator(domain)
    domain.set_quantities_to_be_monitored(["stage", "xmomentum"], polygon=CORNERS)


def walls(domain: Any) -> None:
    domain.riverwallData.create_riverwalls(
        {"bank": [[100.0, 0.0, 2.0], [100.0, 500.0, 2.5]]}, {"bank": {"Qfactor": 0.9}},
        verbose=False)


def dyed(domain: Any) -> None:
    domain.add_tracer("dye", initial_value=0.2)


def viscous(domain: Any) -> None:
    anuga.Kinematic_viscosity_operator(domain, diffusivity=3.0)


def eroded(domain: Any) -> None:
    anuga.Bed_shear_erosion_operator(domain, threshold=0.0, base=-30.0, shear_factor=2.0e3,
                                     polygon=CORNERS)


def fixed(domain: Any) -> None:
    domain.set_fixed_flux_timestep(0.15)


Feature = Callable[[Any], None]
CASES: dict[str, tuple[str, tuple[Feature, ...]]] = {
    "DE0": ("DE0", (rain, water, seen)), "DE1": ("DE1", (rain, water, seen)),
    "DE2": ("DE2", (rain, water, seen)), "DE_ader2": ("DE_ader2", (rain, water, seen)),
    "rk3": ("DE1", (rain, water, seen)), "fixed": ("DE1", (fixed, rain)),
    "walls": ("DE1", (walls, rain)), "dyed": ("DE1", (dyed, rain)),
    "viscous": ("DE1", (viscous, rain)), "eroded": ("DE1", (eroded,)),
    "file": ("DE0", (rain,)),
}


def built(case: str, folder: Path) -> Any:
    algorithm, features = CASES[case]
    domain = None
    if anuga.myid == 0:
        domain = anuga.rectangular_cross_domain(14, 10, len1=700.0, len2=500.0)
        domain.set_flow_algorithm(algorithm)
        if case == "rk3":
            domain.set_timestepping_method("rk3")
        domain.set_name("model")
        domain.set_quantity("elevation", lambda x, y: -x / 90.0 + 3.0 * np.sin(y / 60.0))
        domain.set_quantity("friction", 0.03)
        domain.set_quantity("stage", lambda x, y: np.where(x < 250.0, 3.5, -4.0))
    domain = anuga.distribute(domain)
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [1.0 + 0.4 * np.sin(t / 3.0), 0.0, 0.0])
    if case == "file":
        tide = anuga.File_boundary(str(folder / "source.sww"), domain)
    domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
    for feature in features:
        feature(domain)
    return domain


def source(folder: Path) -> None:
    """Write what the boundary of the case `file` reads."""
    domain = anuga.rectangular_cross_domain(7, 5, len1=700.0, len2=500.0)
    domain.set_name("source")
    domain.set_datadir(str(folder))
    domain.set_quantity("stage", lambda x, y: 1.0 + x / 700.0)
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"),
                                      anuga.Reflective_boundary(domain)))
    for _ in domain.evolve(yieldstep=2.0, finaltime=20.0):
        pass


def evolved(domain: Any) -> dict[str, np.ndarray]:
    """What a run shows at its end: all quantities, maxima, and its SWW file."""
    from netCDF4 import Dataset

    for _ in domain.evolve(yieldstep=3.0, finaltime=9.0):
        pass
    found = {name: np.array(each.centroid_values) for name, each in domain.quantities.items()}
    found["counts"] = np.array([
        domain.number_of_steps, domain.get_boundary_flux_integral(),
        domain.get_fractional_step_volume_integral(), domain.get_time()])
    for operator in domain.fractional_step_operators:
        if hasattr(operator, "max_stage"):
            held = operator.max_stage   # a quantity of one operator, an array of the other
            found[type(operator).__name__] = np.array(getattr(held, "centroid_values", held))
    with Dataset(domain.writer.filename) as file:
        file.set_auto_mask(False)
        found |= {f"sww {name}": np.array(each[...]) for name, each in file.variables.items()}
    return found


def run(case: str, name: str, folder: Path, place: Path, guard: RunGuard | None) -> None:
    place.mkdir(exist_ok=True)
    os.chdir(place)
    if guard is not None:
        guarding.put(guard)
    found = evolved(built(case, folder))
    np.savez(folder / case / f"{name}_{anuga.myid}.npz", **found)
    anuga.barrier()


def main(what: str, target: str, cases: list[str]) -> None:
    folder = Path(target).resolve()
    if what == "source":
        source(folder)
        return
    for case in cases:
        place = folder / case
        place.mkdir(exist_ok=True)
        steps = place / f"steps_{anuga.myid}"
        if what == "whole":
            guard = SavesOnce(-1)
            run(case, what, folder, place / what, guard)
            steps.write_text(str(guard.count))
        elif what == "saving":
            share = random.Random(case).uniform(0.1, 0.9)
            run(case, what, folder, place / what, SavesOnce(int(share * int(steps.read_text()))))
        else:
            run(case, what, folder, place / "saving", RunGuard(Requests(), options(True)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
