"""Culverts whose inlets are asked once: each step leaves what ANUGA's own function leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from anuga.parallel.parallel_inlet_enquiry import Parallel_Inlet_enquiry
from anuga.structures import structure_operator
from anuga.structures.boyd_box_operator import Boyd_box_operator
from anuga.structures.boyd_pipe_operator import Boyd_pipe_operator
from anuga.structures.inlet_enquiry import Inlet_enquiry
from anuga.structures.weir_orifice_trapezoid_operator import Weir_orifice_trapezoid_operator

import anuga_lean as anuga
from anuga_lean.fractional_steps import culverts

pytestmark = pytest.mark.filterwarnings("ignore:Enquiry point is in an inlet triangle")

STATE = ("stage", "xmomentum", "ymomentum", "elevation", "height")
ACCOUNT = ("smooth_delta_total_energy", "smooth_Q", "accumulated_flow", "discharge_abs_timemean",
           "discharge", "velocity", "driving_energy", "delta_total_energy", "outlet_depth")
STOCK: Callable[[Any], None] = structure_operator._call_c_culvert.__wrapped__
ENDS: dict[str, Any] = {"end_points": [[40.0, 50.0], [60.0, 50.0]], "apron": 6.0,
                        "enquiry_gap": 8.0, "verbose": False, "losses": 1.5}
MADE: dict[str, Callable[[Any], Any]] = {
    "box": lambda d: anuga.Boyd_box_operator(d, width=9.0, height=2.0, **ENDS),
    "box without a jet": lambda d: anuga.Boyd_box_operator(
        d, width=9.0, height=2.0, use_momentum_jet=False, use_velocity_head=False,
        smoothing_timescale=3.0, **ENDS),
    "box with inverts": lambda d: anuga.Boyd_box_operator(
        d, width=9.0, invert_elevations=[-0.5, -0.7], barrels=2.0, blockage=0.3, **ENDS),
    "pipe": lambda d: anuga.Boyd_pipe_operator(d, diameter=4.0, **ENDS),
    "weir": lambda d: anuga.Weir_orifice_trapezoid_operator(
        d, width=9.0, height=1.0, z1=1.0, z2=1.0, **ENDS),
    "over each other": lambda d: anuga.Boyd_box_operator(
        d, width=12.0, height=2.0, losses=0.5, apron=16.0, verbose=False,
        end_points=[[45.0, 50.0], [55.0, 50.0]]),
    # those of one process
    "box alone": lambda d: Boyd_box_operator(d, width=9.0, height=2.0, **ENDS),
    "pipe alone": lambda d: Boyd_pipe_operator(d, diameter=4.0, **ENDS),
    "weir alone": lambda d: Weir_orifice_trapezoid_operator(
        d, width=9.0, height=1.0, z1=1.0, z2=1.0, **ENDS),
}


@pytest.fixture
def domain() -> Any:
    made = anuga.rectangular_cross_domain(20, 20, len1=100.0, len2=100.0)
    made.set_store(False)
    made.set_quantity("elevation", lambda x, y: -1.0 + 0.01 * x + 0.1 * np.sin(y))
    made.set_quantity("stage", 1.0)
    made.yieldstep, made.timestep = 2.0, 0.1
    return made


def put(domain: Any, rng: np.random.Generator, kind: str) -> None:
    """A state: deep on one side or the other, level, with dry places, or dry."""
    n = domain.number_of_triangles
    quantities = domain.quantities
    bed = quantities["elevation"].centroid_values
    x = np.asarray(domain.centroid_coordinates)[:, 0]
    deep = {"left": np.where(x < 50.0, 2.0, 0.3), "right": np.where(x < 50.0, 0.3, 2.0),
            "patches": rng.choice([0.0, -0.0, 1.0e-9, 0.02, 1.5], n), "dry": np.zeros(n),
            "level": 1.0 - bed}[kind]
    quantities["stage"].centroid_values[:] = bed + deep
    for name in ("xmomentum", "ymomentum"):
        quantities[name].centroid_values[:] = rng.normal(size=n) * deep


def stepped(operator: Any, call: Callable[[Any], None], seed: int, kind: str) -> dict[str, Any]:
    """What three steps leave."""
    domain = operator.domain
    put(domain, np.random.default_rng(seed), kind)
    operator.__dict__.update(dict.fromkeys(ACCOUNT, 0.0), smooth_Q=0.3)
    found: dict[str, Any] = {}
    for turn in range(3):
        call(operator)
        found |= {f"{name} {turn}": domain.quantities[name].centroid_values.tobytes()
                  for name in STATE}
        found |= {f"{name} {turn}": (type(getattr(operator, name)),
                                     np.float64(getattr(operator, name)).tobytes())
                  for name in ACCOUNT}
        found[f"inlets {turn}"] = [operator.inlets.index(each)
                                   for each in (operator.inflow, operator.outflow)]
    return found


@pytest.mark.parametrize("kind", ["left", "right", "patches", "dry", "level"])
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_step_leaves_stocks_bits(domain: Any, make: Callable, kind: str,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    operator = make(domain)
    assert structure_operator._can_use_c_culvert(operator)
    asked: list[Any] = []
    move = culverts._move_water
    monkeypatch.setattr(culverts, "_move_water", lambda *args: asked.append(1) or move(*args))
    for seed in range(3):
        expected = stepped(operator, STOCK, seed, kind)
        assert not asked
        assert expected == stepped(operator, structure_operator._call_c_culvert, seed, kind)
        assert asked == 3 * [1]
        asked.clear()


@pytest.mark.parametrize("made, inlet, names", [
    ("box alone", Inlet_enquiry, culverts._ASKED),
    ("box", Parallel_Inlet_enquiry, culverts._ASKED + culverts._ASKED_ON_RANKS)])
def test_an_inlet_of_a_users_own_is_asked(domain: Any, made: str, inlet: type,
                                          names: tuple[str, ...],
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as by ANUGA, where a script has put something in the place of a method."""
    operator = MADE[made](domain)
    for name in names:
        assert_asked(operator, inlet, name, monkeypatch)


def assert_asked(operator: Any, inlet: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []

    def counting(calls: list[int], method: Callable) -> Callable:
        def called(*args: Any) -> Any:
            calls.append(1)
            return method(*args)
        return called

    for target in (operator.inlets[1], inlet):
        for call in (STOCK, structure_operator._call_c_culvert):
            calls: list[int] = []
            with monkeypatch.context() as patch:
                patch.setattr(target, name, counting(calls, getattr(target, name)))
                stepped(operator, call, 1, "left")
            times.append(len(calls))
    assert times[0] == times[1] and times[2] == times[3]
    assert times[2] > 0


def test_types_are_those_that_anuga_finds(domain: Any) -> None:
    class Mine(Boyd_pipe_operator):     # type: ignore[misc]
        pass

    kind = structure_operator._c_culvert_type_of
    operators = [make(domain) for make in MADE.values()]
    operators += [Mine(domain, diameter=4.0, **ENDS), anuga.Rate_operator(domain, rate=1.0)]
    expected = [kind.__wrapped__(each) for each in operators]
    for _ in range(2):
        assert expected == [kind(each) for each in operators]
    assert set(expected) == {0, 1, 2, None}
