"""How many steps begin without a look of the guard, and that a request does not wait for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import anuga_lean as anuga
from anuga_lean.guard import stopping
from anuga_lean.guard.requests import Kind, Requests
from anuga_lean.guard.stopping import RunGuard
from anuga_lean.stepping import guarding
from guard.worker import options
from mpirun import needs_mpi, on_ranks

BEGAN = 100.0       # s of the clock of these tests, which each step moves on


class Looking(RunGuard):
    """A guard that notes before which steps it looks."""

    def __init__(self) -> None:
        super().__init__(Requests(), options(False))
        self.looks: list[int] = []

    def before_step(self, domain: Any) -> None:
        self.looks.append(domain.number_of_steps)
        super().before_step(domain)


class Asking(anuga.Operator):
    """An operator that asks for a stop in one of the steps."""

    def __init__(self, domain: Any, number: int) -> None:
        super().__init__(domain)
        self.number = number

    def __call__(self) -> None:
        if self.domain.number_of_steps == self.number:
            guarding.guard().requests.ask(Kind.STOP_FILE, "this test asks")

    def parallel_safe(self) -> bool:
        return True


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    guard = Looking()
    guarding.put(guard)
    yield guard
    guarding.put(None)
    guard.end("completed", 0)


def model(seconds: float, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A domain whose steps take so long by the guard's clock."""
    domain = anuga.rectangular_cross_domain(2, 2)
    domain.store = False
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(),
                                      anuga.Reflective_boundary(domain)))
    domain.set_fixed_flux_timestep(0.01)
    monkeypatch.setattr(stopping, "monotonic", lambda: BEGAN + seconds * domain.number_of_steps)
    return domain


@pytest.mark.parametrize(("seconds", "looks"), [
    (0.0001, [0, 1, 33, 65, 97]), (0.0009, [0, 1, 6, 11, 16]), (0.003, [0, 1, 3, 5, 7]),
    (0.005, [0, 1, 2, 3, 4]), (3.0, [0, 1, 2, 3, 4])])
def test_looks_are_milliseconds_apart(guard: Looking, monkeypatch: pytest.MonkeyPatch,
                                      seconds: float, looks: list[int]) -> None:
    for _ in model(seconds, monkeypatch).evolve(yieldstep=1.0, finaltime=1.0):
        pass
    assert looks == guard.looks[:5]


def test_steps_that_become_long_are_looked_at(guard: Looking,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    domain = model(1.0, monkeypatch)
    monkeypatch.setattr(stopping, "monotonic", lambda: BEGAN + (
        n / 1e4 if (n := domain.number_of_steps) < 40 else n - 39.0))
    for _ in domain.evolve(yieldstep=0.8, finaltime=0.8):
        pass
    assert [0, 1, 33, *range(65, 80)] == guard.looks
    assert 25.0 < guard._longest["step"] < 26.0     # no step of those that passed was longer


@pytest.mark.parametrize("number", [0, 1, 2, 40, 64])
def test_a_request_is_met_at_the_next_step(guard: Looking, monkeypatch: pytest.MonkeyPatch,
                                           number: int) -> None:
    domain = model(0.0001, monkeypatch)
    Asking(domain, number)
    with pytest.raises(SystemExit) as stopped:
        for _ in domain.evolve(yieldstep=1.0, finaltime=1.0):
            pass
    assert (75, number + 1) == (stopped.value.code, domain.number_of_steps)


RANKS = """
import json
import anuga_lean as anuga
from anuga_lean.guard import stopping
from guard.test_passes import Asking, Looking
from anuga_lean.stepping import guarding

guard = Looking()
guarding.put(guard)
domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain(4, 2)
    domain.set_name("model")
    domain.store = False
domain = anuga.distribute(domain)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
domain.set_fixed_flux_timestep(0.01)
each = (0.0001, 0.00038)[anuga.myid]
stopping.monotonic = lambda: 100.0 + each * domain.number_of_steps

if anuga.myid == 1:
    Asking(domain, 27)
try:
    for t in domain.evolve(yieldstep=1.0, finaltime=2.0):
        pass
finally:
    with open(f"looks_{anuga.myid}.json", "w") as file:
        json.dump([guard.looks, domain.number_of_steps], file)
"""


@needs_mpi
def test_ranks_without_a_message_in_each_step_look_together(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.py").write_text(RANKS)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    done = on_ranks(2, tmp_path, "model.py")
    assert 75 == done.returncode, done.stdout + done.stderr
    found = [json.loads((tmp_path / f"looks_{rank}.json").read_text()) for rank in range(2)]
    # The rank with the longer steps says how many pass: 10 of 0.38 ms within 4 ms.
    assert [[[0, 1, 12, 23, 34], 34]] * 2 == found
