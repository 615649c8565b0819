"""Operators on all triangles, and on some: what kernels write is what ANUGA's own code writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from anuga.operators.barometric_pressure import Barometric_pressure_operator
from anuga.operators.erosion_operators import Erosion_operator
from anuga.operators.set_elevation_operator import Set_elevation_operator
from anuga.operators.set_friction_operators import Set_depth_friction_operator
from anuga.operators.set_quantity_operator import Set_quantity_operator
from anuga.operators.set_stage_operator import Set_stage_operator
from anuga.operators.wind_stress_operator import Wind_stress_operator

import anuga_lean as anuga
from anuga_lean import _kernels
from anuga_lean._errors import ArrayError

NAMES = ("stage", "xmomentum", "ymomentum", "elevation", "friction")
MANY = np.arange(100, 25000)        # more than one thread takes alone
TWICE = np.repeat(np.arange(300), 2)
SHUFFLED = np.random.default_rng(4).permutation(MANY)
YARD = [[10.0, 10.0], [60.0, 10.0], [60.0, 50.0], [10.0, 50.0]]


@pytest.fixture(scope="module")
def domain() -> Any:
    """More triangles than one thread takes alone, wet and dry."""
    made = anuga.rectangular_cross_domain(80, 80, len1=80.0, len2=80.0)
    made.set_store(False)
    made.set_quantity("elevation", lambda x, y: 0.3 * np.sin(x / 5.0) * np.cos(y / 7.0))
    made.set_quantity("friction", 0.03)
    made.set_boundary(dict.fromkeys(made.get_boundary_tags(), anuga.Reflective_boundary(made)))
    next(iter(made.evolve(yieldstep=1.0, finaltime=1.0)))
    return made


@pytest.fixture
def state(domain: Any) -> Callable[[], dict[str, np.ndarray]]:
    """Sets random values and zeros of both signs, and gives those that are there."""
    rng = np.random.default_rng(3)
    n = domain.number_of_triangles
    depth = rng.choice([0.0, 1e-4, 0.5], n)
    values = {"elevation": rng.choice([-0.0, 0.0, 0.2, -0.7], n),
              "friction": np.full(n, 0.03)}
    values["stage"] = values["elevation"] + depth
    values |= {name: rng.choice([-0.0, 0.0, 0.4, -1.7], n) for name in ("xmomentum", "ymomentum")}
    domain.timestep = 0.37
    for name, each in values.items():
        domain.quantities[name].centroid_values[:] = each
    yield lambda: {name: domain.quantities[name].centroid_values.copy() for name in NAMES}
    domain.fractional_step_operators.clear()


def test_only_plain_arrays_of_numbers_are_whole() -> None:
    """What kernels could not write as it is."""
    right, locked = np.zeros(6), np.zeros(6)
    locked.flags.writeable = False
    wrong = (locked, np.zeros(5), np.zeros((6, 1)), np.zeros(12)[::2], np.zeros(6, np.float32),
             np.zeros(6).view(np.recarray), [0.0] * 6, None)
    assert _kernels.are_whole((right, np.ones(6)), 6)
    assert [False] * len(wrong) == [_kernels.are_whole((right, each), 6) for each in wrong]


EVERYWHERE: dict[str, Callable[[Any], Any]] = {
    "stage": lambda d: Set_stage_operator(d, stage=0.1),
    "stage of zero": lambda d: Set_stage_operator(d, stage=0.0),
    "stage of minus zero": lambda d: Set_stage_operator(d, stage=lambda t: -0.0),
    "stage that is no number": lambda d: Set_stage_operator(d, stage=lambda t: float("nan")),
    "stage by numpy": lambda d: Set_stage_operator(d, stage=lambda t: np.float64(t)),
    "stage by an array": lambda d: Set_stage_operator(
        d, stage=lambda t: np.linspace(-1.0, 1.0, d.number_of_triangles)),
    "stage that fails": lambda d: Set_stage_operator(d, stage=_fails_later()),
    "stage by place": lambda d: Set_stage_operator(d, stage=lambda x, y: 0.01 * x - 0.02 * y),
    "stage by y": lambda d: Set_stage_operator(d, stage=lambda x, y: 0.01 * y - 0.3),
    "stage by neither": lambda d: Set_stage_operator(d, stage=lambda x, y: -0.1),
    "stage by place and time": lambda d: Set_stage_operator(
        d, stage=lambda x, y, t: 0.01 * x - t),
    "bed": lambda d: Set_elevation_operator(d, elevation=-0.3),
    "bed by an integer": lambda d: Set_elevation_operator(d, elevation=lambda t: 1),
    "bed by place": lambda d: Set_elevation_operator(d, elevation=lambda x, y: 0.01 * x * y),
    "quantity": lambda d: Set_quantity_operator(d, "xmomentum", lambda t: 0.2),
    "quantity by place": lambda d: Set_quantity_operator(d, "friction", lambda x, y: 1e-4 * x),
    "erosion": lambda d: Erosion_operator(d, threshold=0.5, base=-0.4),
    "erosion to zero": lambda d: Erosion_operator(d, base=0.0),
    "wind": lambda d: Wind_stress_operator(d, 12.0, 201.0),
    "wind by place": lambda d: Wind_stress_operator(
        d, lambda t, x, y: 10.0 + 0.01 * x, lambda t, x, y: 1e5 * y),
    "wind by x": lambda d: Wind_stress_operator(
        d, lambda t, x, y: 0.1 * x, lambda t, x, y: 3.0 * x),
    "wind of one speed": lambda d: Wind_stress_operator(d, 11.0, lambda t, x, y: 3.0 * y),
    "wind of one angle": lambda d: Wind_stress_operator(d, lambda t, x, y: 0.1 * x * y, 77.0),
    "wind that turns too far": lambda d: Wind_stress_operator(
        d, lambda t, x, y: 0.1 * x, lambda t, x, y: 1e120 * y),
    "pressure": lambda d: Barometric_pressure_operator(
        d, lambda t, x, y: (1e5 + 30.0 * x * y).reshape(1, -1)),
    "one pressure": lambda d: Barometric_pressure_operator(d, 1e5),
    "friction by depth": lambda d: Set_depth_friction_operator(
        d, friction=lambda h: 0.03 if h < 0.2 else 0.02 * h),
    "friction by depth, integer first": lambda d: Set_depth_friction_operator(
        d, friction=lambda h: 1 if h < 0.4 else 0.2),
    "friction by depth of several types": lambda d: Set_depth_friction_operator(
        d, friction=lambda h: 0.03 if h > 0.4 else None if h else np.float32(0.1)),
}
SOMEWHERE: dict[str, Callable[[Any], Any]] = {
    "stage": lambda d: Set_stage_operator(d, stage=lambda t: 0.1, polygon=YARD),
    "stage by place": lambda d: Set_stage_operator(d, stage=lambda x, y: 0.01 * x, polygon=YARD),
    "stage of zero": lambda d: Set_stage_operator(d, stage=0.0, polygon=YARD),
    "stage that fails": lambda d: Set_stage_operator(d, stage=_fails_later(), polygon=YARD),
    "stage by an array": lambda d: Set_stage_operator(
        d, stage=lambda t: np.linspace(-1.0, 1.0, MANY.size), indices=MANY),
    "bed": lambda d: Set_elevation_operator(d, elevation=-0.3, indices=MANY),
    "bed by place": lambda d: Set_elevation_operator(
        d, elevation=lambda x, y, t: 0.01 * x * y, indices=[3, 4, 77]),
    "bed by place, in no order": lambda d: Set_elevation_operator(
        d, elevation=lambda x, y: 0.01 * x * y, indices=[77, -3, 4, 4]),
    "bed by y": lambda d: Set_elevation_operator(
        d, elevation=lambda x, y: -0.01 * y, indices=MANY),
    "bed by x, each twice": lambda d: Set_elevation_operator(
        d, elevation=lambda x, y: 0.01 * x, indices=[7, 7, 5, 5]),
    "bed by a bed": lambda d: Set_elevation_operator(
        d, elevation=lambda t: d.quantities["stage"].centroid_values[:2], indices=[0, 1]),
    "quantity": lambda d: Set_quantity_operator(d, "ymomentum", 0.2, center=[40.0, 40.0],
                                                radius=8.0),
    "quantity by place": lambda d: Set_quantity_operator(
        d, "friction", lambda x, y: 1e-4 * x * y, indices=MANY),
    "quantity, each twice": lambda d: Set_quantity_operator(
        d, "friction", lambda x, y: np.arange(4.0), indices=[7, 7, 5, 5]),
    "erosion": lambda d: Erosion_operator(d, threshold=0.5, base=-0.4, indices=MANY),
    "stage by place, shuffled": lambda d: Set_stage_operator(
        d, stage=lambda x, y: 0.01 * x, indices=SHUFFLED),
    "bed by place, shuffled": lambda d: Set_elevation_operator(
        d, elevation=lambda x, y: 0.01 * x * y, indices=SHUFFLED),
    "quantity by place, shuffled": lambda d: Set_quantity_operator(
        d, "friction", lambda x, y: 1e-4 * x * y, indices=SHUFFLED),
    "erosion, shuffled": lambda d: Erosion_operator(
        d, threshold=0.5, base=-0.4, indices=SHUFFLED),
    "erosion, each twice": lambda d: Erosion_operator(d, base=-0.4, indices=TWICE),
    "friction by depth": lambda d: Set_depth_friction_operator(
        d, friction=lambda h: 0.03 if h < 0.2 else 0.02 * h, polygon=YARD),
}


def _fails_later() -> Callable[[float], float]:
    calls: list[float] = []

    def stage(t: float) -> float:
        calls.append(t)
        if len(calls) > 1:
            raise ValueError("there is no such time")
        return 0.0

    return stage


def as_in_anuga(operator: Any) -> Callable[[Any], Any]:
    """What ANUGA calls the operator with."""
    for name in ("__call__", "update_quantities"):
        found = getattr(type(operator), name, None)
        if hasattr(found, "__wrapped__"):
            return found.__wrapped__
    stock = type(operator).__mro__[1]
    assert stock.__call__ is not type(operator).__call__
    return stock.__call__


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_kernels_take_triangles_in_any_order_but_none_twice(domain: Any, threads: int) -> None:
    domain.set_omp_num_threads(threads)
    try:
        run = domain.lean.ready()
        found = _kernels.centroid_columns(run, SHUFFLED)
        for at in (None, SHUFFLED, MANY[:7]):
            both = _kernels.centroid_columns(run, at)
            for read in ((True, False), (False, True), (False, False)):
                one = _kernels.centroid_columns(run, at, *read)
                for wanted, column, expected in zip(read, one, both, strict=True):
                    assert (column is None) != wanted
                    np.testing.assert_array_equal(expected if wanted else column, column)
        few, more = np.array([7, 3, 40, 0]), SHUFFLED[:100]
        for some in (few, more):
            np.testing.assert_array_equal(np.asarray(domain.centroid_coordinates)[some],
                                          np.column_stack(_kernels.centroid_columns(
                                              domain.lean.ready(), some)))
        for at in (np.r_[some, other] for some in (SHUFFLED, few, more)
                   for other in (some[0], -1, domain.number_of_triangles)):
            with pytest.raises(ArrayError, match="each once"):
                _kernels.centroid_columns(domain.lean.ready(), at)
    finally:
        domain.set_omp_num_threads(1)
    np.testing.assert_array_equal(np.asarray(domain.centroid_coordinates)[SHUFFLED],
                                  np.column_stack(found))


@pytest.mark.filterwarnings("ignore:Erosion_operator. the erosion operators")
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("make", [
    *(pytest.param(make, id=name) for name, make in EVERYWHERE.items()),
    *(pytest.param(make, id=f"{name}, somewhere") for name, make in SOMEWHERE.items()),
])
def test_kernels_write_what_anuga_writes(domain: Any, state: Callable, make: Callable,
                                         threads: int) -> None:
    operator = make(domain)
    before = state()
    as_in_anuga(operator)(operator)
    expected, reported = state(), getattr(operator, "max_change", None)
    assert not hasattr(operator, "max_change") or reported > 0.0
    for name, values in before.items():
        domain.quantities[name].centroid_values[:] = values
    domain.set_omp_num_threads(threads)
    try:
        operator()
    finally:
        domain.set_omp_num_threads(1)
    for name, values in state().items():
        np.testing.assert_array_equal(expected[name].view(np.int64), values.view(np.int64), name)
    assert reported == getattr(operator, "max_change", None)
    assert not domain.on_stock_arrays


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.0e101, -1.0e100])
@pytest.mark.parametrize("of", ["speed", "angle"])
def test_a_wind_that_numpy_may_warn_of_adds_nothing(domain: Any, state: Callable, of: str,
                                                    bad: float, threads: int) -> None:
    before, n = state(), domain.number_of_triangles
    wind = {"speed": np.linspace(-9.0, 9.0, n), "angle": np.linspace(0.0, 700.0, n)}
    momenta = [domain.quantities[name].centroid_values for name in ("xmomentum", "ymomentum")]
    domain.set_omp_num_threads(threads)
    try:
        for at in (0, n // 2, n - 1):
            given = wind | {of: wind[of].copy()}
            given[of][at] = bad
            assert not _kernels.blow(domain.lean.ready(), *momenta, **given, factor=1e-3, dt=0.5,
                                     limit=1.0e100)
            assert before["xmomentum"].tobytes() == momenta[0].tobytes()
        assert _kernels.blow(domain.lean.ready(), *momenta, **wind, factor=1e-3, dt=0.5,
                             limit=1.0e100)
    finally:
        domain.set_omp_num_threads(1)
    assert before["xmomentum"].tobytes() != momenta[0].tobytes()


def test_a_value_of_a_users_own_is_asked(domain: Any, state: Callable) -> None:
    class Mine(Set_stage_operator):
        def get_value(self, x: Any = None, y: Any = None, t: Any = None) -> Any:
            return 0.1 * np.asarray(x)

    operator = Mine(domain, stage=0.0)
    operator()
    x = np.asarray(domain.centroid_coordinates)[:, 0]
    bed = domain.quantities["elevation"].centroid_values
    np.testing.assert_array_equal(np.maximum(bed, 0.1 * x), state()["stage"])


def test_a_patched_value_is_asked(domain: Any, state: Callable) -> None:
    operator = Set_quantity_operator(domain, "friction", 0.1)
    operator.get_value = lambda x, y: 0.5 + 0.0 * x
    operator()
    assert (state()["friction"] == 0.5).all()


def test_a_function_is_called_once_a_step(domain: Any, state: Callable) -> None:
    calls: list[float] = []

    def stage(t: float) -> list[float]:
        calls.append(t)
        return [0.3]    # no number: ANUGA's own code takes it

    operator = Set_stage_operator(domain, stage=stage)
    calls.clear()
    operator()
    assert 1 == len(calls)
    assert "get_value" not in operator.__dict__


def test_a_function_of_depth_is_called_as_often_as_anuga_calls_it(
        domain: Any, state: Callable) -> None:
    depths: list[float] = []
    operator = Set_depth_friction_operator(domain, friction=lambda h: depths.append(h) or 0.1)
    as_in_anuga(operator)(operator)
    expected, depths[:] = depths.copy(), []
    operator()
    assert expected == depths
    assert [type(each) for each in expected] == [type(each) for each in depths]
