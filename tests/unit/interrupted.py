"""A small model with rain, an inlet, frames and checkpoints, and Ctrl-C at chosen places in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.stepping.interrupts import HeldInterrupts

LAST = 0.6
STATE = ("stage", "xmomentum", "ymomentum", "height")


def model(folder: Path, algorithm: str, cells: int = 32) -> Any:
    """A pool that runs over a slope, of some blocks of triangles, with a tide at one side."""
    domain = anuga.rectangular_cross_domain(cells, cells, 100.0, 100.0)
    domain.set_flow_algorithm(algorithm)
    domain.set_name("model")
    domain.set_datadir(str(folder))
    domain.set_quantity("elevation", lambda x, y: x / 50.0)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 40.0, 2.0, 0.3))
    wall = anuga.Reflective_boundary(domain)
    tide = anuga.Time_boundary(domain, lambda t: [1.5 + np.sin(t), 0.0, 0.0])
    domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
    anuga.Rate_operator(domain, rate=lambda t: 0.001 * (1.0 + np.sin(t)))
    anuga.Inlet_operator(domain, anuga.Region(domain, center=[50.0, 50.0], radius=10.0),
                         Q=lambda t: 2.0 + np.cos(t))
    domain.set_checkpointing(checkpoint_dir=str(folder / "sets"), checkpoint_step=1)
    return domain


def shown(domain: Any) -> tuple:
    """What a script can see at a yield: state, statistics and counters."""
    digest = hashlib.sha256()
    for name in STATE:
        digest.update(domain.quantities[name].centroid_values.tobytes())
    return (domain.get_time(), domain.number_of_steps, domain.recorded_min_timestep,
            domain.recorded_max_timestep, domain.yieldstep_counter, domain.timestep,
            domain.boundary_flux_integral.boundary_flux_integral.tobytes(), digest.hexdigest())


def evolved(domain: Any, presses: list[int] | None = None) -> list[tuple]:
    """What is shown at each yield up to LAST, evolve being called again after each Ctrl-C."""
    seen = []
    while True:
        try:
            for _ in domain.evolve(yieldstep=0.2, finaltime=LAST):
                seen.append(shown(domain))
            return seen
        except KeyboardInterrupt:
            assert presses is not None
            presses.append(len(seen))


def frames(folder: Path) -> dict[str, np.ndarray]:
    """The variables of the SWW file."""
    with netCDF4.Dataset(folder / "model.sww") as file:
        return {name: np.ma.getdata(variable[:]) for name, variable in file.variables.items()}


def sets(folder: Path) -> list[str]:
    """The names of the checkpoint files."""
    return sorted(path.name for path in (folder / "sets").iterdir())


@contextmanager
def pressed(patch: pytest.MonkeyPatch, places: set[int]) -> Iterator[list[int]]:
    """Press Ctrl-C at these of the places at which a step can stop; count them all in a list.

    The places are those at which the program asks: between blocks of a sweep, before each part
    of a step, between steps, and at yields.
    """
    asked: list[int] = []

    def ask(interrupts: HeldInterrupts) -> None:
        if interrupts.since == float("inf"):    # a step that is only to be completed
            return
        asked.append(len(asked))
        if asked[-1] in places:
            interrupts.pending = KeyboardInterrupt()
            raise interrupts.pending

    with patch.context() as patched:
        between = HeldInterrupts.raise_pending
        patched.setattr(HeldInterrupts, "pending", _Pending(), raising=False)
        patched.setattr(HeldInterrupts, "ask", ask)
        patched.setattr(HeldInterrupts, "raise_pending", lambda interrupts: (
            between(interrupts) if interrupts.since == float("inf") else ask(interrupts)))
        yield asked


class _Pending:
    """What is pending, and something where nothing is, so that every place asks."""

    def __get__(self, interrupts: Any, owner: type) -> object:
        return interrupts.__dict__.get("really_pending") or self

    def __set__(self, interrupts: Any, value: object) -> None:
        interrupts.__dict__["really_pending"] = value
