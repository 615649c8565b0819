"""The maxima that a run keeps, by a kernel: each call leaves what ANUGA's own code leaves."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from anuga.operators.collect_max_quantities_operator import Collect_max_quantities_operator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anuga_lean as anuga
from anuga_lean.arrays.census import census
from anuga_lean.fractional_steps import maxima

STOCK: Callable[[Any], None] = Collect_max_quantities_operator.__call__.__wrapped__
STATE = ("stage", "elevation", "xmomentum", "ymomentum")
MAXIMA = ("max_stage", "max_depth", "max_speed", "max_uh")
VALUES = np.array([0.0, -0.0, 1.0, -1.0, 3.0, 4.0, 1.0e-3, 1.0e-200, -1.0e-200, 1.0e200])


@pytest.fixture(scope="module")
def domain() -> Any:
    """A domain of 1,156 triangles."""
    return anuga.rectangular_cross_domain(17, 17)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few triangles are shared among threads."""
    monkeypatch.setattr(maxima, "_PER_THREAD", 1 << 7)


def called(operator: Any, call: Callable[[Any], None], before: dict[str, np.ndarray]
           ) -> tuple[dict[str, Any], list[str]]:
    """What some calls leave, as bits, and what they warn of."""
    for name, values in before.items():
        setattr(operator, name, values.copy())
        if operator.store_to_sww:
            operator.domain.quantities[name].centroid_values[:] = 7.0
    operator.counter = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            call(operator)
    left: dict[str, Any] = {name: getattr(operator, name).tobytes() for name in MAXIMA}
    if operator.store_to_sww:
        left |= {f"{name} stored": operator.domain.quantities[name].centroid_values.tobytes()
                 for name in MAXIMA}
    return left | {"counter": operator.counter}, sorted({str(each.message) for each in caught})


@pytest.fixture(autouse=True)
def one_thread_again(domain: Any) -> Iterator[None]:
    """Leave the process on one thread, for all tests after this one."""
    yield
    domain.set_omp_num_threads(1, verbose=False)


@settings(max_examples=150, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), state=st.sampled_from(["common", "turning", "nan"]),
       start=st.sampled_from(["first", "lower", "around", "turning"]), stored=st.booleans(),
       frequency=st.sampled_from([1, 2, 4]), least=st.sampled_from([None, 0.3, 0.0, 1]),
       threads=st.sampled_from([1, 2, 3]))
def test_any_call_leaves_stocks_bits(domain: Any, seed: int, state: str, start: str, stored: bool,
                                     frequency: int, least: float | None, threads: int) -> None:
    """From any state and any maxima so far."""
    rng, n = np.random.default_rng(seed), domain.number_of_triangles
    pool = np.append(VALUES, np.nan) if state == "nan" else VALUES

    def pick(kind: str) -> np.ndarray:
        return rng.normal(size=n) if kind == "common" else rng.choice(pool, n)

    for name in STATE:
        domain.quantities[name].centroid_values[:] = pick(state)
    domain.set_omp_num_threads(threads, verbose=False)
    operator = Collect_max_quantities_operator(
        domain, update_frequency=frequency, velocity_zero_height=least, store_to_sww=stored)
    before = {name: getattr(operator, name) for name in MAXIMA}
    if start != "first":
        factor = {"lower": 0.5, "around": 1.0 + 1.0e-15 * rng.integers(-2, 3, n), "turning": 1.0}
        with np.errstate(all="ignore"):
            STOCK(operator)
        before = {name: getattr(operator, name) * factor[start] for name in MAXIMA}
    if start == "turning":
        before = {name: pick("turning") for name in MAXIMA}
    domain.fractional_step_operators.clear()
    assert called(operator, STOCK, before) == called(operator, type(operator).__call__, before)


def test_runs_on_the_kernel(domain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """ANUGA's code is not called where the kernel is meant for it."""
    done: list[bool] = []
    raised = maxima._raise
    monkeypatch.setattr(maxima, "_raise", lambda each: done.append(raised(each)) or done[-1])
    for name in STATE:
        domain.quantities[name].centroid_values[:] = np.linspace(0.1, 0.9, len(domain))
    operator = Collect_max_quantities_operator(domain, store_to_sww=True)
    domain.fractional_step_operators.clear()
    operator()
    assert [True] == done


def test_what_a_script_keeps_stays_as_it_was(domain: Any) -> None:
    """ANUGA puts new arrays in the place of the old ones; so it looks here."""
    operator = Collect_max_quantities_operator(domain)
    domain.fractional_step_operators.clear()
    for name in STATE:
        domain.quantities[name].centroid_values[:] = np.linspace(0.1, 0.9, len(domain))
    operator()
    kept, view = operator.max_stage, operator.max_speed[3:9]
    before = kept.copy(), view.copy()
    domain.quantities["stage"].centroid_values[:] += 5.0
    domain.quantities["xmomentum"].centroid_values[:] += 50.0
    operator()
    np.testing.assert_array_equal(before[0], kept)
    np.testing.assert_array_equal(before[1], view)
    assert (operator.max_stage > kept).all()
    assert (operator.max_speed[3:9] > view).all()
    alone = operator.max_depth.ctypes.data
    operator()
    assert alone == operator.max_depth.ctypes.data


def test_a_copy_of_a_users_own_is_called(domain: Any) -> None:
    """A subclass that copies the maxima itself does so, once a call."""
    if not hasattr(Collect_max_quantities_operator, "_copy_to_domain_quantities"):
        pytest.skip("ANUGA 4.1 has no such method")

    class Doubling(Collect_max_quantities_operator):    # type: ignore[misc]
        def _copy_to_domain_quantities(self) -> None:
            super()._copy_to_domain_quantities()
            self.domain.quantities["max_stage"].centroid_values[:] *= 2.0

    operator = Doubling(domain, store_to_sww=True)
    domain.fractional_step_operators.clear()
    domain.quantities["stage"].centroid_values[:] = 3.0
    operator()
    assert 3.0 == operator.max_stage[0]
    assert 6.0 == domain.quantities["max_stage"].centroid_values[0]


@pytest.fixture
def stored(domain: Any) -> Any:
    """An operator whose maxima frames store, after a call."""
    for name in STATE:
        domain.quantities[name].centroid_values[:] = np.linspace(0.1, 0.9, len(domain))
    operator = Collect_max_quantities_operator(domain, store_to_sww=True)
    domain.fractional_step_operators.clear()
    operator()
    return operator


def higher(operator: Any) -> None:
    """A call at a higher stage."""
    operator.domain.quantities["stage"].centroid_values[:] += 1.0
    operator()


def test_quantities_are_filled_when_they_are_read(stored: Any) -> None:
    """Not in every step; in the array that was there."""
    quantity = stored.domain.quantities["max_stage"]
    place = quantity.centroid_values.ctypes.data
    higher(stored)
    assert "_centroid_values" not in quantity.__dict__
    stored.domain.fractional_step_operators.append(stored)
    counted = [each.group for each in census(stored.domain).entries
               if "max_" in each.group + each.name and each.nbytes == 8 * len(stored.domain)]
    assert 8 == len(counted)
    assert 1 == counted.count("quantities/max_stage")
    np.testing.assert_array_equal(stored.__dict__["max_stage"], quantity.centroid_values)
    assert place == quantity.centroid_values.ctypes.data
    assert 1.9 == quantity.centroid_values.max()


def test_an_array_that_a_script_holds_is_filled_in_every_step(stored: Any) -> None:
    """As in ANUGA, where the quantity's array stays the same."""
    held = stored.domain.quantities["max_depth"].centroid_values
    part = stored.domain.quantities["max_speed"].centroid_values[7:9]
    before = part.copy()
    stored.domain.quantities["elevation"].centroid_values[:] = -1.0
    stored.domain.quantities["xmomentum"].centroid_values[:] = 50.0
    higher(stored)
    assert 2.9 == held.max()
    assert (part > before).all()


@pytest.mark.parametrize("write", [
    lambda operator: operator.max_stage.fill(0.0),
    lambda operator: setattr(operator, "max_stage", np.zeros(len(operator.domain))),
    lambda operator: delattr(operator, "max_stage"),
])
def test_what_a_script_does_to_the_maxima_comes_after(stored: Any,
                                                      write: Callable[[Any], None]) -> None:
    """The quantity has what they were at the call."""
    write(stored)
    assert 0.9 == stored.domain.quantities["max_stage"].centroid_values.max()


def test_a_quantity_that_is_replaced_keeps_its_values(stored: Any) -> None:
    """Later calls fill the new one."""
    old = stored.domain.quantities["max_stage"]
    anuga.Quantity(stored.domain, name="max_stage", register=True, qty_type="centroid_only")
    higher(stored)
    assert 0.9 == old.centroid_values.max()
    assert 1.9 == stored.domain.quantities["max_stage"].centroid_values.max()


def test_a_copy_of_the_quantity_has_the_maxima(stored: Any) -> None:
    """Of a pickle too."""
    higher(stored)
    state = stored.domain.quantities["max_stage"].__getstate__()
    assert 1.9 == state["_centroid_values"].max()
    assert "_to_be_filled" not in state


def test_nothing_outlives_its_domain() -> None:
    """Neither an operator nor a quantity that waits."""
    domain = anuga.rectangular_cross_domain(4, 4)
    operator = Collect_max_quantities_operator(domain, store_to_sww=True)
    operator()
    alive = weakref.ref(operator), weakref.ref(domain.quantities["max_uh"])
    assert "_centroid_values" not in domain.quantities["max_uh"].__dict__
    del operator, domain
    gc.collect()
    assert [None, None] == [each() for each in alive]


def test_one_that_a_script_deletes_is_missed_as_in_anuga(domain: Any) -> None:
    operator = Collect_max_quantities_operator(domain)
    domain.fractional_step_operators.clear()
    del operator.max_speed
    with pytest.raises(AttributeError, match="max_speed"):
        operator()
