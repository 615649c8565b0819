"""Rate operators by kernels: each call leaves the bits that ANUGA's own code leaves."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from anuga.operators.rate_operators import Rate_operator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anuga_lean as anuga
from anuga_lean import _kernels
from anuga_lean.arrays import pairwise_sum
from anuga_lean.fractional_steps import rate_changes, rates

STOCK: Callable[[Any], None] = Rate_operator.__call__.__wrapped__
STATE = ("stage", "xmomentum", "ymomentum", "height", "elevation")
ACCOUNT = ("local_influx", "local_max", "local_min", "cumulative_influx")
# Numbers where something turns: both zeros, what is less than dry, what swallows the rest.
VALUES = np.array([0.0, -0.0, 1.0, -1.0, 0.3, 1.0e-3, -2.0e-3, 1.0e-11, 1.0e-300, 7.0, 1.0e9])
RATES = np.array([0.0, -0.0, 1.0e-3, -1.0e-3, 2.0, -2.0, 1.0e-12, -1.0e-12, 1.0e6])
SIDES = (3, 17, 54)     # a rectangle's: 36, 1,156 and 11,664 triangles; 8,192 are summed at once


@pytest.fixture(scope="module")
def domains() -> list[Any]:
    """A domain of each size."""
    found = [anuga.rectangular_cross_domain(m, m, len1=30.0, len2=20.0) for m in SIDES]
    for domain in found:
        domain.timestep = 0.25
    return found


@pytest.fixture(autouse=True)
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels take the shortest list, on threads that short ones are shared among."""
    monkeypatch.setattr(rates, "_PER_THREAD", 1 << 7)


def put(domain: Any, state: dict[str, np.ndarray]) -> None:
    """Give a domain a state, in its own arrays."""
    for name, values in state.items():
        domain.quantities[name].centroid_values[:] = values
    domain.fractional_step_volume_integral = 0.0


def called(operator: Any, call: Callable[[Any], None], state: dict[str, np.ndarray]
           ) -> tuple[dict[str, Any], list[str]]:
    """What a call leaves, as types and bits, and what it warns of."""
    put(operator.domain, state)
    operator.cumulative_influx = 0.0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(operator)
    left: dict[str, Any] = {name: operator.domain.quantities[name].centroid_values.tobytes()
                            for name in STATE}
    numbers = {name: getattr(operator, name) for name in ACCOUNT}
    numbers["integral"] = operator.domain.fractional_step_volume_integral
    left |= {name: (type(value), np.asarray(value).tobytes()) for name, value in numbers.items()}
    return left, [str(each.message) for each in caught]


def assert_same(operator: Any, state: dict[str, np.ndarray]) -> None:
    """Assert that kernels leave what ANUGA's code leaves."""
    assert called(operator, STOCK, state) == called(operator, type(operator).__call__, state)


def random_state(domain: Any, seed: int, common: bool) -> dict[str, np.ndarray]:
    """A state of values where something turns, or of common ones."""
    rng = np.random.default_rng(seed)
    n = domain.number_of_triangles

    def pick() -> np.ndarray:
        return rng.normal(size=n) if common else rng.choice(VALUES, n)

    state = {name: pick() for name in STATE}
    dry = rng.random(n) < 0.3
    state["stage"][dry] = state["elevation"][dry]
    if common:
        state["stage"] = np.maximum(state["stage"], state["elevation"])
    return state


def random_rate(domain: Any, kind: str, rng: np.random.Generator, pool: np.ndarray) -> Any:
    """A rate of a kind."""
    n = domain.number_of_triangles
    one, field = float(rng.choice(pool)), rng.choice(pool, n)
    field *= np.where(rng.random(n) < 0.3, 1.0, rng.random(n))      # sums that are rounded
    if kind == "quantity":
        quantity = anuga.Quantity(domain)
        quantity.set_values(field, location="centroids")
        return quantity
    return {"number": one, "of t": lambda t: one, "of one element": lambda t: np.array([one]),
            "float32": lambda t: np.float32(one), "integer": 1, "array": field,
            "of x and y": lambda x, y: one - 1.0e-3 * y,
            "of x, y and t": lambda x, y, t: one * (1.0 + t) + 1.0e-3 * x,
            "constant of x, y and t": lambda x, y, t: one,
            "integers of x, y and t": lambda x, y, t: np.arange(len(x))}[kind]


KINDS = ("number", "of t", "of one element", "float32", "integer", "quantity", "array",
         "of x and y", "of x, y and t", "constant of x, y and t", "integers of x, y and t")
WHERE = ("everywhere", "polygon", "circle", "few", "unsorted", "twice", "region")


def place(domain: Any, where: str, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments that say where a rate acts."""
    n = domain.number_of_triangles
    half = [[-1.0, -1.0], [15.0, -1.0], [15.0, 21.0], [-1.0, 21.0]]
    return {"everywhere": {}, "polygon": {"polygon": half},
            "circle": {"center": [10.0, 10.0], "radius": 9.0},
            "few": {"indices": np.unique(rng.integers(0, n, 9))},
            "unsorted": {"indices": rng.permutation(n)[:n // 2]},
            "twice": {"indices": np.sort(rng.integers(0, n, n))},
            "region": {"region": anuga.Region(domain, polygon=half)}}[where]


@pytest.fixture(autouse=True)
def one_thread_again(domains: list[Any]) -> Iterator[None]:
    """Leave the process on one thread, for all tests after this one."""
    yield
    domains[0].set_omp_num_threads(1, verbose=False)


@settings(max_examples=200, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(0, len(SIDES) - 1),
       kind=st.sampled_from(KINDS), where=st.sampled_from(WHERE), common=st.booleans(),
       factor=st.sampled_from([1.0, -1.0, 0.0, 1.0e-3, 1]), timestep=st.sampled_from([0.25, 0.0]),
       ghosts=st.sampled_from(["none", "last", "some", "all"]), threads=st.sampled_from([1, 2, 3]),
       pool=st.sampled_from([RATES, abs(RATES), -abs(RATES), np.array([np.nan, 1.0, np.inf])]))
def test_any_call_leaves_stocks_bits(
        domains: list[Any], seed: int, size: int, kind: str, where: str, common: bool,
        factor: float, timestep: float, ghosts: str, threads: int, pool: np.ndarray) -> None:
    """Every form of a rate, everywhere or in some place, on 1, 2 and 3 threads."""
    domain, rng = domains[size], np.random.default_rng(seed)
    domain.timestep = timestep
    domain.set_omp_num_threads(threads, verbose=False)
    full = np.ones(domain.number_of_triangles, np.int64)
    full[{"none": slice(0, 0), "last": slice(-len(full) // 3, None), "some": full[::7].cumsum(),
          "all": slice(None)}[ghosts]] = 0
    domain.tri_full_flag = full
    operator = anuga.Rate_operator(domain, rate=random_rate(domain, kind, rng, pool),
                                   factor=factor, **place(domain, where, rng))
    domain.fractional_step_operators.clear()
    assert_same(operator, random_state(domain, seed, common))


USUAL = ("number", "of t", "of one element", "quantity", "array", "of x, y and t")


@pytest.mark.parametrize("kind", USUAL)
@pytest.mark.parametrize("where", ["everywhere", "polygon", "circle", "region", "unsorted"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_usual_forms_run_on_kernels(domains: list[Any], monkeypatch: pytest.MonkeyPatch,
                                    kind: str, where: str, sign: float) -> None:
    """What the kernels are there for is not left to ANUGA's code."""
    domain, rng = domains[1], np.random.default_rng(3)
    domain.timestep = 0.25
    domain.tri_full_flag = np.ones(domain.number_of_triangles, np.int64)
    done: list[bool] = []
    change = rates._change
    monkeypatch.setattr(rates, "_change", lambda *args: done.append(change(*args)) or done[-1])
    operator = anuga.Rate_operator(
        domain, rate=random_rate(domain, kind, rng, np.array([1.0e-3, 2.0e-3])), factor=sign,
        **place(domain, where, rng))
    domain.fractional_step_operators.clear()
    assert_same(operator, random_state(domain, 5, True))
    assert [True] == done


@pytest.mark.parametrize("where", ["everywhere", "circle", "few"])
def test_what_a_script_changes_between_calls_is_seen(domains: list[Any], where: str) -> None:
    """An operator keeps its kernels no longer than its arrays are the same."""
    domain, rng = domains[1], np.random.default_rng(4)
    domain.timestep = 0.25
    domain.tri_full_flag = np.ones(domain.number_of_triangles, np.int64)
    field = rng.choice(RATES, domain.number_of_triangles)
    operator = anuga.Rate_operator(domain, rate=field, **place(domain, where, rng))
    domain.fractional_step_operators.clear()
    state = random_state(domain, 6, True)
    assert_same(operator, state)
    field[::2] *= -3.0
    assert_same(operator, state)
    for rate in (field.copy(), 2.0e-3, -1.0e-3, lambda x, y, t: 1.0e-3 * x,
                 lambda x, y: 1.0e-3 * y, lambda t: np.array([-1.0e-3])):
        operator.set_rate(rate)
        assert_same(operator, state)
    operator.areas = np.array(operator.areas) * 2.0
    assert_same(operator, state)
    if where != "everywhere":
        operator.indices[:2] = operator.indices[:2][::-1].copy()
        assert_same(operator, state)
        operator.indices = operator.indices[1:].copy()
        operator.set_areas()
        operator.set_full_indices()
        operator.set_rate(lambda x, y, t: 1.0e-3 * x - 2.0e-3 * y)
        assert_same(operator, state)
        operator.indices += 1
        assert_same(operator, state)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("where", ["everywhere", "polygon", "unsorted"])
def test_rates_that_begin_and_end_to_take(domains: list[Any], where: str, threads: int) -> None:
    """One rate below 0, or NaN, limits what all take; an operator looks anew at each call."""
    domain, rng = domains[2], np.random.default_rng(9)
    domain.timestep = 0.25
    domain.set_omp_num_threads(threads, verbose=False)
    domain.tri_full_flag = np.ones(domain.number_of_triangles, np.int64)
    field = abs(rng.choice(RATES, domain.number_of_triangles))
    operator = anuga.Rate_operator(domain, rate=field, **place(domain, where, rng))
    domain.fractional_step_operators.clear()
    state = random_state(domain, 6, True)
    somewhere = 7_000 if operator.indices is None else operator.indices[-1]
    for value in (1.0, -1.0e-3, -0.0, 0.0, np.nan, -2.0, -3.0, 0.5, np.inf, 0.25):
        field[somewhere] = value
        assert_same(operator, state)


def test_a_users_own_spatial_rate_gets_both_columns(domains: list[Any]) -> None:
    """Of the function that is its rate, which reads none, it may make something else."""
    class Mine(Rate_operator):
        def get_spatial_rate(self, x: Any = None, y: Any = None, t: Any = None) -> Any:
            given.append((x, y))
            return 1.0e-3 * (x + y)

    given: list[Any] = []
    domain = domains[1]
    operator = Mine(domain, rate=lambda x, y, t: 0.0)
    operator()
    xy = np.asarray(domain.centroid_coordinates)
    for column, expected in zip(given[0], xy.T, strict=True):
        assert isinstance(column, np.ndarray)
        np.testing.assert_array_equal(expected, column)
    domain.fractional_step_operators.clear()


def test_short_lists_run_on_kernels(domains: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call binds nothing anew, and forgets nothing but with its operator."""
    domain = domains[1]
    domain.timestep = 0.25
    operator = anuga.Rate_operator(domain, rate=1.0e-3, center=[10.0, 10.0], radius=3.0)
    domain.fractional_step_operators.clear()
    operator()
    made = rate_changes._bound[id(operator)]
    assert made.change is not None
    operator()
    assert made is rate_changes._bound[id(operator)]
    key = id(operator)
    del operator
    gc.collect()
    assert key not in rate_changes._bound


@pytest.mark.parametrize("limited", [False, True])
def test_zeros_of_both_signs_are_numpys(domains: list[Any], limited: bool) -> None:
    """A largest, or least, change of 0.0 and -0.0 has the sign that numpy's has."""
    domain = domains[2]
    domain.timestep = 0.25
    domain.tri_full_flag = np.ones(domain.number_of_triangles, np.int64)
    state = random_state(domain, 5, True)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rate = rng.choice([0.0, -0.0], domain.number_of_triangles)
        rate[rng.integers(0, len(rate), 40)] = -1.0e-3 if limited else 1.0e-3
        operator = anuga.Rate_operator(domain, rate=rate)
        domain.fractional_step_operators.clear()
        assert_same(operator, state)


@pytest.mark.parametrize("in_runs", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [1, 127, 8192, 8193, 12_345, 100_000])
def test_water_is_summed_as_numpys_of_any_release(count: int, threads: int, in_runs: bool) -> None:
    """In halves; or, before numpy 2.3, 8,192 numbers in halves and then the next ones."""
    rng = np.random.default_rng(count)
    areas, rate = (rng.random(count) * 10.0 ** rng.integers(-9, 9, count) for _ in range(2))
    state = {name: np.zeros(count) for name in STATE}
    made = _kernels.RateChange(
        **state, area=areas, index=None, full=None, n_full=count, rate=rate, second=True,
        in_runs=in_runs)
    found = made.change(threads, 0.5, False)
    water = rate * 0.5 * areas
    summed = pairwise_sum._in_runs if in_runs else pairwise_sum._pairwise
    assert found is not None
    assert summed(pairwise_sum._Stream(iter([water])), count) == found[0]


def test_rates_run_on_kernels_on_this_numpy() -> None:
    """One of its two ways of summing is known."""
    assert pairwise_sum.numpy_sums_pairwise() != pairwise_sum.numpy_sums_in_runs()
    assert rate_changes.second_of_zeros() is not None
