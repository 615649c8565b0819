"""One time step from any state on any small mesh is stock's, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anuga_lean.measure.comparison import same_bits
from isas import available_isas
from property.strategies import STATES, requests, states
from property.worker import read, write

TESTS = Path(__file__).resolve().parent.parent
# No tagged edges inside: a wall that only one of two triangles sees makes water.
BETWEEN_WALLS = {"edges": ["reflective"], "boundary": None}
MESHES = 160  # per algorithm, with STATES steps each: 4,000


class Worker:
    """A process with one variant's classes that answers requests."""

    def __init__(self, variant: str, folder: Path, isa: str = "") -> None:
        path = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(each for each in path if each)}
        self.log = (folder / f"{variant}{isa}.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "property.worker", variant],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=folder,
            env=environment | {"OMP_NUM_THREADS": "1"} | ({"ANUGA_LEAN_ISA": isa} if isa else {}),
        )

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request; the answer is read by `answer`."""
        write(self.process.stdin, request)

    def answer(self) -> list[dict[str, np.ndarray]]:
        """The answer to the oldest open request."""
        found = read(self.process.stdout)
        if not isinstance(found, list):
            self.log.seek(0)
            raise AssertionError(f"{found}\n{self.log.read()[-4000:]}")
        return found

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Worker, ...]]:
    """Stock first, then lean on every instruction set of this machine, the best one last."""
    folder = tmp_path_factory.mktemp("property")
    started = (Worker("stock", folder), *(Worker("lean", folder, isa) for isa in available_isas()))
    yield started
    for worker in started:
        worker.close()


def check(workers: tuple[Worker, ...], request: dict[str, Any]) -> None:
    """Ask all, compare every step with stock's."""
    request = request | {"states": states(request)}
    for worker in workers:
        worker.ask(request)
    stock, *leans = (worker.answer() for worker in workers)
    for isa, lean in zip(available_isas(), leans, strict=True):
        assert STATES == len(stock) == len(lean)
        for number, (expected, actual) in enumerate(zip(stock, lean, strict=True)):
            found = differences(expected, actual)
            assert not found, "\n".join([f"state {number} on {isa}:", *found])


def differences(expected: dict[str, np.ndarray], actual: dict[str, np.ndarray]) -> list[str]:
    """What is not the same after one step, by name."""
    return [
        f"stock {name} {expected.get(name)!r}\nlean  {name} {actual.get(name)!r}"
        for name in sorted(expected.keys() | actual.keys())
        if name not in expected or name not in actual or not same_bits(expected[name], actual[name])
    ]


@pytest.mark.parametrize("algorithm", ["DE0", "DE1", "DE2", "DE0_7", "DE1_7", "DE_ader2"])
def test_one_step_equals_stock(workers: tuple[Worker, ...], algorithm: str) -> None:
    """At least 1,000 steps per algorithm: centroid values, time step, boundary fluxes."""
    meshes = 0

    @settings(max_examples=MESHES, suppress_health_check=list(HealthCheck))
    @given(request=requests(algorithm))
    def compare(request: dict[str, Any]) -> None:
        nonlocal meshes
        check(workers, request)
        meshes += 1

    compare()
    assert 1000 <= meshes * STATES


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), data=st.data())
def test_lake_at_rest_stays_at_rest(
    workers: tuple[Worker, ...], seed: int, data: st.DataObject
) -> None:
    """Level water between walls over any bed: not a drop moves beyond rounding."""
    request = data.draw(requests("DE0"))
    rng = np.random.default_rng(seed)
    request |= {"edges": ["reflective"], "states": states(request)}
    for state in request["states"]:
        n = len(state["stage"])
        state["elevation"] = -rng.uniform(0.5, 2.0, n)
        state["stage"] = np.full(n, rng.uniform(0.0, 1.0))
        state["xmomentum"], state["ymomentum"] = np.zeros(n), np.zeros(n)
    workers[-1].ask(request)
    for before, after in zip(request["states"], workers[-1].answer(), strict=True):
        assert np.abs(after["stage"] - before["stage"]).max() < 1e-12
        assert np.abs(after["xmomentum"]).max() < 1e-11
        assert np.abs(after["ymomentum"]).max() < 1e-11


def test_volume_is_conserved_between_walls(workers: tuple[Worker, ...]) -> None:
    """Nothing flows through reflective walls, so the volume changes by rounding alone.

    A triangle that runs dry is filled up to its bed; under Euler that can be seen,
    and such steps are left out.
    """
    compared = 0

    @settings(max_examples=30, suppress_health_check=list(HealthCheck))
    @given(request=requests("DE0"))
    def compare(request: dict[str, Any]) -> None:
        nonlocal compared
        request = request | BETWEEN_WALLS | {"states": states(request)}
        for state in request["states"]:
            state["stage"] = np.maximum(state["stage"], state["elevation"] + 0.5)
        corners = request["points"][request["triangles"]]
        side, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = 0.5 * (side[:, 0] * other[:, 1] - side[:, 1] * other[:, 0])
        workers[-1].ask(request)
        for before, after in zip(request["states"], workers[-1].answer(), strict=True):
            depths = [each["stage"] - before["elevation"] for each in (before, after)]
            if (depths[1] > 0.0).all():
                volumes = [float((depth * area).sum()) for depth in depths]
                assert volumes[0] == pytest.approx(volumes[1], rel=1e-12)
                compared += 1

    compare()
    assert 500 <= compared


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), data=st.data())
def test_numbering_changes_nothing_beyond_rounding(
    workers: tuple[Worker, ...], seed: int, data: st.DataObject
) -> None:
    """The same water on renumbered triangles takes the same step."""
    request = data.draw(requests("DE0"))
    # Dry betas above zero would make the result depend on the order, as in stock.
    request |= BETWEEN_WALLS | {"betas": None, "states": states(request)}
    order = np.random.default_rng(seed).permutation(len(request["triangles"]))
    other = request | {
        "triangles": request["triangles"][order],
        "states": [
            {name: values[order] for name, values in state.items()} for state in request["states"]
        ],
    }
    workers[-1].ask(request)
    here = workers[-1].answer()
    workers[-1].ask(other)
    for first, second in zip(here, workers[-1].answer(), strict=True):
        assert first.keys() == second.keys()
        for name in ("stage", "xmomentum", "ymomentum", "height"):
            if name in first:
                np.testing.assert_allclose(second[name], first[name][order], rtol=1e-9, atol=1e-11)
