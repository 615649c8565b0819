"""Collect_max_stage by a kernel: the maxima that ANUGA's own code finds, vertices once a yield."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from anuga.operators.collect_max_stage_operator import Collect_max_stage_operator

import anuga_lean as anuga
from anuga_lean import _kernels
from anuga_lean.fractional_steps import max_stage

VALUES = np.array([0.0, -0.0, 1.0, -1.0, 3.0, np.inf, -np.inf, np.nan])


def model() -> Any:
    """A basin in which water sways, and its operator."""
    domain = anuga.rectangular_cross_domain(9, 9, len1=90.0, len2=90.0)
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: 0.01 * x)
    domain.set_quantity("stage", lambda x, y: np.maximum(0.01 * x, 0.8 - 0.005 * y))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    return domain, Collect_max_stage_operator(domain)


def test_maxima_are_anugas(monkeypatch: pytest.MonkeyPatch) -> None:
    """At centroids and vertices, after each yield; a script may set them anew."""
    found = []
    for call in (Collect_max_stage_operator.__call__.__wrapped__,
                 Collect_max_stage_operator.__call__):
        monkeypatch.setattr(Collect_max_stage_operator, "__call__", call)
        domain, operator = model()
        left = []
        for t in domain.evolve(yieldstep=4.0, finaltime=20.0):
            maxima = operator.max_stage
            left.append((maxima.centroid_values.tobytes(),
                         np.asarray(maxima.vertex_values).tobytes()))
            if t == 8.0:
                maxima.set_values(-5.0)
            if t == 12.0:
                maxima.vertex_values[:] = -7.0
        assert domain.number_of_steps > 0
        found.append(left)
    assert found[0] == found[1]


def test_vertices_are_looked_at_once_a_yield(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steps there are, and again where a step has lowered them."""
    raised: list[int] = []
    places = max_stage._raise_places
    monkeypatch.setattr(max_stage, "_raise_places",
                        lambda *given: raised.append(1) or places(*given))
    domain, operator = model()
    steps = 0

    def watch(domain: Any, t: float, timestep: float) -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            operator.max_stage.vertex_values[5] = -9.0

    domain.add_step_observer(watch)
    for _ in domain.evolve(yieldstep=8.0, finaltime=8.0):
        pass
    assert steps > 4
    assert 2 == len(raised)
    assert np.asarray(operator.max_stage.vertex_values)[5].min() > -9.0


def test_a_maximum_of_a_users_own_is_called() -> None:
    """Once in each step."""
    domain, operator = model()
    called: list[Any] = []
    operator.max_stage.maximum = called.append
    operator()
    assert [operator.stage] == called


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("isa", _kernels.available_isas())
def test_raise_to_is_numpys_maximum(threads: int, isa: str) -> None:
    """Of any numbers; where zeros of both signs meet it says so."""
    rng = np.random.default_rng(1)
    for n in (1, 63, 64, 20_000):
        for pool in (VALUES, VALUES[2:], rng.normal(size=99)):
            maximum, value = rng.choice(pool, (2, n))
            zeros = (maximum == value) & (np.signbit(maximum) != np.signbit(value)) \
                & (maximum == 0.0)
            expected = np.maximum(maximum, value)
            assert bool(zeros.any()) == _kernels.raise_to(threads, maximum, value, isa)
            assert expected[~zeros].tobytes() == maximum[~zeros].tobytes()
