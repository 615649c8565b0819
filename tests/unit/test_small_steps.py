"""What a step calls in Python, which is what a step of a small model costs beyond its kernels."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import pytest
from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain

import anuga_lean as anuga

# Calls of Python functions in a step, ANUGA's included.  An observer is code of a user's between
# two steps, after which a step asks anew what the domain has of a user's.
MOST = {("DE0", False): 57, ("DE0", True): 79, ("DE1", False): 84, ("DE1", True): 106,
        ("DE2", False): 123, ("DE2", True): 144}


def model(folder: Path, algorithm: str) -> Any:
    domain = anuga.rectangular_cross_domain(5, 5)
    domain.set_datadir(str(folder))
    domain.set_flow_algorithm(algorithm)
    domain.store = False
    domain.set_quantity("elevation", lambda x, y: -x / 2.0)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: 0.2 * x)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    domain.set_fixed_flux_timestep(2.0**-10)
    return domain


def calls(domain: Any, steps: int) -> int:
    """The calls of Python functions in an evolve of so many steps."""
    count = 0

    def note(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for _ in domain.evolve(duration=steps * 2.0**-10):
            pass
    finally:
        sys.setprofile(before)
    assert steps == domain.number_of_steps
    return count


@pytest.mark.parametrize(("algorithm", "observed"), MOST)
def test_a_step_makes_few_calls(algorithm: str, observed: bool, tmp_path: Path) -> None:
    domain = model(tmp_path, algorithm)
    if observed:
        domain.add_step_observer(lambda *_: None)
    calls(domain, 8)
    few, many = calls(domain, 64), calls(domain, 192)
    assert not domain.on_stock_arrays
    assert (many - few) / 128 <= MOST[algorithm, observed]


class Timed(anuga.Domain):
    """As the class of the ranks of a parallel run, which agree on the timestep."""

    calls: list[str] = []

    def update_timestep(self, yieldstep: float, finaltime: float) -> None:
        self.calls.append("update_timestep")
        super().update_timestep(yieldstep, finaltime)


@pytest.mark.parametrize("module", ["anuga.parallel", "a.user"])
@pytest.mark.parametrize("algorithm", ["DE0", "DE1", "DE2"])
def test_methods_of_a_subclass_are_called(
    algorithm: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every step, whether they count as ANUGA's or as a user's."""
    domain = model(tmp_path, algorithm)
    known = model(tmp_path, algorithm)
    method = FunctionType(Timed.update_timestep.__code__, {"__name__": module},
                          closure=Timed.update_timestep.__closure__)
    monkeypatch.setattr(Timed, "update_timestep", method)
    monkeypatch.setattr(Timed, "calls", [])
    domain.__class__ = Timed
    calls(domain, 40)
    calls(known, 40)
    assert 40 == len(Timed.calls)
    assert not domain.on_stock_arrays
    for name in ("stage", "xmomentum", "ymomentum"):
        assert known.quantities[name].centroid_values.tobytes() \
            == domain.quantities[name].centroid_values.tobytes()


@pytest.mark.parametrize("algorithm", ["DE1", "DE2"])
def test_the_exchange_of_ghosts_may_be_a_user_s(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched into the class that ANUGA's own method calls, between substeps too."""
    domain = model(tmp_path, algorithm)
    calls(domain, 8)
    called: list[float] = []
    exchange = Generic_Domain.update_ghosts

    def patched(self: Any, *args: Any) -> None:
        called.append(self.relative_time)
        exchange(self, *args)

    monkeypatch.setattr(Generic_Domain, "update_ghosts", patched)
    calls(domain, 40)
    substeps = {"DE1": 2, "DE2": 3}[algorithm]
    assert 1 + 40 * substeps == len(called)
    assert not domain.on_stock_arrays


@pytest.mark.parametrize("algorithm", ["DE1", "DE2"])
def test_boundaries_see_the_time_of_their_substep(algorithm: str, tmp_path: Path) -> None:
    domain = model(tmp_path, algorithm)
    seen: list[float] = []

    def tide(t: float) -> list[float]:
        seen.append(t)
        return [0.5, 0.0, 0.0]

    domain.set_boundary({"left": anuga.Time_boundary(domain, tide)})
    calls(domain, 8)
    dt = 2.0**-10
    parts = {"DE1": [0.0, 1.0], "DE2": [0.0, 1.0, 0.5]}[algorithm]
    steps = [(step + part) * dt for step in range(8) for part in parts]
    assert steps == seen[-1 - len(steps):-1]    # the last is of the yield
    assert not domain.on_stock_arrays


def test_what_an_observer_changes_counts_in_the_next_step(tmp_path: Path) -> None:
    """Forcing terms, boundaries and methods that come while steps go on."""
    domain = model(tmp_path, "DE1")
    called: list[str] = []
    wall = domain.boundary_map["left"]

    def tide(t: float) -> list[float]:
        called.append("tide")
        return [1.0, 0.0, 0.0]

    def change(each: Any, t: float, timestep: float) -> None:
        if each.number_of_steps == 3:
            each.forcing_terms.append(lambda _: called.append("forcing"))
        if each.number_of_steps == 6:
            del each.forcing_terms[-1]
            each.set_boundary({"left": anuga.Time_boundary(each, tide)})
        if each.number_of_steps == 9:
            each.set_boundary({"left": wall})
            compute = each.compute_fluxes
            each.compute_fluxes = lambda: (called.append("fluxes"), compute())[1]
        if each.number_of_steps == 12:
            del each.compute_fluxes

    domain.add_step_observer(change)
    calls(domain, 20)
    assert {"forcing": 6, "fluxes": 6} == {
        name: called.count(name) for name in ("forcing", "fluxes")}
    assert 6 <= called.count("tide") <= 8     # set_boundary itself may ask
