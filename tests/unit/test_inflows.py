"""Inlets on one rank that are asked once: each step leaves what ANUGA's own code leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from anuga.parallel.parallel_inlet import Parallel_Inlet
from anuga.parallel.parallel_inlet_operator import Parallel_Inlet_operator

import anuga_lean as anuga
from anuga_lean import _kernels
from anuga_lean.fractional_steps import inflows

STATE = ("stage", "xmomentum", "ymomentum", "elevation")
ACCOUNT = ("applied_Q", "total_applied_volume", "total_requested_volume")
STOCK: Callable[[Any], None] = Parallel_Inlet_operator.__call__.__wrapped__
LEAN: Callable[[Any], None] = Parallel_Inlet_operator.__call__
LINE = [[12.0, 5.0], [13.0, 70.0]]
YARD = [[12.0, 5.0], [43.0, 5.0], [43.0, 70.0], [12.0, 70.0]]


@pytest.fixture
def domain() -> Any:
    made = anuga.rectangular_cross_domain(20, 20, len1=100.0, len2=100.0)
    made.set_store(False)
    made.timestep = 0.25
    return made


def put(domain: Any, seed: int, depths: list[float]) -> None:
    rng, n = np.random.default_rng(seed), domain.number_of_triangles
    bed = rng.normal(size=n) if seed % 2 else np.full(n, -0.5)
    depth = rng.choice(depths, n)
    for name, values in (("elevation", bed), ("stage", bed + depth),
                         ("xmomentum", rng.normal(size=n) * depth),
                         ("ymomentum", rng.normal(size=n) * depth)):
        domain.quantities[name].centroid_values[:] = values
    domain.fractional_step_volume_integral = 0.0


def stepped(operator: Any, call: Callable[[Any], None], seed: int, depths: list[float]
            ) -> dict[str, Any]:
    """What three steps leave, or the error of one."""
    domain = operator.domain
    put(domain, seed, depths)
    operator.__dict__.update(dict.fromkeys(ACCOUNT, 0.0))
    found: dict[str, Any] = {}
    for turn in range(3):
        domain.relative_time = 0.5 * turn
        try:
            call(operator)
        except AssertionError as error:
            found[f"error {turn}"] = str(error)
        found |= {f"{name} {turn}": domain.quantities[name].centroid_values.tobytes()
                  for name in STATE}
        numbers = [*(getattr(operator, name) for name in ACCOUNT),
                   domain.fractional_step_volume_integral]
        found[f"account {turn}"] = [(type(each), np.float64(each).tobytes()) for each in numbers]
    return found


@pytest.mark.parametrize("where", [LINE, YARD], ids=["few", "many"])
@pytest.mark.parametrize("options", [{}, {"velocity": [0.4, -0.1]}, {"zero_velocity": True},
                                     {"velocity": [0.4, -0.1], "zero_velocity": True}])
@pytest.mark.parametrize("flow", [
    2.0, 0.0, -0.0, -3.0, -1.0e5, 1.0e4, np.float64(0.3), lambda t: 3.0 - 8.0 * t,
    lambda t: np.array([1.0 + t]), lambda t: np.array(2.0 - 9.0 * t)])
def test_a_step_leaves_stocks_bits(domain: Any, flow: Any, options: dict[str, Any], where: list,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    operator = anuga.Inlet_operator(domain, where, Q=flow, **options)
    few = len(operator.inlet.triangle_indices) <= _kernels.IN_INLET
    assert few == (where is LINE)
    assert type(operator) is Parallel_Inlet_operator
    taken: list[bool] = []
    take = inflows._take_step
    monkeypatch.setattr(inflows, "_take_step", lambda *args: taken.append(take(*args)) or taken[-1])
    for seed, depths in enumerate([[0.4, 1.1], [0.0], [0.0, 0.3, 1.0e-9], [0.0, -0.0, -1.0e-17],
                                   [-0.5], [0.2, 1.0e39]]):
        expected = stepped(operator, STOCK, seed, depths)
        assert not taken
        assert expected == stepped(operator, LEAN, seed, depths)
        assert seed > 2 or taken == [True, True, True]
        taken.clear()


@pytest.mark.parametrize("name", inflows._ASKED)
def test_an_inlet_of_a_users_own_is_asked(domain: Any, name: str,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as by ANUGA, where a script has put something in the place of a method."""
    operator = anuga.Inlet_operator(domain, LINE, Q=lambda t: 2.0 - 5.0 * t)
    times: list[int] = []
    for target in (operator.inlet, Parallel_Inlet):
        for call in (STOCK, LEAN):
            calls: list[int] = []
            method = getattr(target, name)

            def called(*args: Any, calls: list[int] = calls, method: Any = method) -> Any:
                calls.append(1)
                return method(*args)

            with monkeypatch.context() as patch:
                patch.setattr(target, name, called)
                stepped(operator, call, 1, [0.4, 0.8])
            times.append(len(calls))
    assert times[0] == times[1] and times[2] == times[3]
    assert times[2] > 0


def test_a_flow_is_asked_for_as_often_and_may_write(domain: Any) -> None:
    asked: list[float] = []
    stage = domain.quantities["stage"].centroid_values

    def flow(t: float) -> float:
        asked.append(t)
        stage[::3] += 0.125
        return 2.0 + t

    class Mine(Parallel_Inlet_operator):
        def update_Q(self, t: float) -> float:
            asked.append(-t)
            domain.quantities["xmomentum"].centroid_values[::2] *= 0.5
            return super().update_Q(t) - 0.5

    for operator in (anuga.Inlet_operator(domain, LINE, Q=flow),
                     Mine(domain, anuga.Region(domain, poly=LINE), Q=flow)):
        found = []
        for call in (STOCK, LEAN):
            asked.clear()
            found.append((stepped(operator, call, 1, [0.4, 0.8]), asked.copy()))
        assert found[0] == found[1]
        assert len(asked) >= 6


@pytest.mark.parametrize("m", [1, 2, 7, 8, 9, 50, 127, 128])
def test_water_is_summed_as_by_numpy(m: int) -> None:
    rng = np.random.default_rng(m)
    stage, bed, areas = rng.normal(size=400), rng.normal(size=400), rng.random(m)
    triangles = np.sort(rng.permutation(400)[:m])
    water = np.sum((stage.take(triangles) - bed.take(triangles)) * areas)
    assert water == _kernels.water_in(stage, bed, triangles, areas)
    if m > 1:
        assert _kernels.water_in(stage, bed, triangles[::-1].copy(), areas) is None


def test_kernels_pour_where_all_is_finite(domain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = anuga.Inlet_operator(domain, LINE, Q=2.0)
    poured: list[bool] = []
    pour = inflows._pour_by_kernel
    monkeypatch.setattr(inflows, "_pour_by_kernel",
                        lambda *args: poured.append(pour(*args)) or poured[-1])
    put(domain, 1, [0.4, 1.1])
    operator()
    put(domain, 1, [0.4, 1.0e39])
    with pytest.raises(KeyError):       # ANUGA's code finds no lowest stage
        for _ in range(2):
            domain.quantities["stage"].centroid_values[:] = 1.0e39
            operator()
    assert poured == [True, False]
