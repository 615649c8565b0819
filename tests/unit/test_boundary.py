"""Which boundaries may read the domain in the middle of a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga

DOMAIN: Any = None
LEVELS = np.array([0.1, 0.2, 0.3])


def _through_numpy(t: float) -> list[float]:
    return [float(np.interp(t, [0.0, 1.0, 2.0], LEVELS)), math.sin(t), 0.0]


def _through_a_helper(t: float) -> list[float]:
    return _through_numpy(t)


def _looks(t: float) -> list[float]:
    return [DOMAIN.quantities["stage"].centroid_values[0], 0.0, 0.0]


def _looks_through_an_import(t: float) -> list[float]:
    import sys

    return [0.0 * len(sys.modules), 0.0, 0.0]


def _looks_through_a_helper(t: float) -> list[float]:
    return _looks(t)


@pytest.fixture
def domain() -> Any:
    global DOMAIN
    DOMAIN = anuga.rectangular_cross_domain(3, 3)
    yield DOMAIN
    DOMAIN = None


def _may_look(domain: Any, boundary: Any) -> bool:
    from anuga_lean.stepping.boundary import may_look

    return may_look(boundary, domain.number_of_triangles)


@pytest.mark.parametrize("function", [
    lambda t: [1.0, 0.0, 0.0], _through_numpy, _through_a_helper,
], ids=["constant", "numpy", "helper"])
def test_a_function_of_time_alone_does_not_look(domain: Any, function: Callable) -> None:
    assert not _may_look(domain, anuga.Time_boundary(domain, function))


def test_a_closure_over_numbers_does_not_look(domain: Any) -> None:
    amplitude, scipy = 0.4, pytest.importorskip("scipy.interpolate")
    gauge = scipy.interp1d([0.0, 10.0], [0.0, 1.0])
    assert not _may_look(domain, anuga.Time_boundary(
        domain, lambda t: [amplitude * float(gauge(t)), 0.0, 0.0]))


@pytest.mark.parametrize("function", [
    _looks, _looks_through_a_helper, _looks_through_an_import,
], ids=["self", "helper", "import"])
def test_a_function_that_can_reach_the_domain_looks(domain: Any, function: Callable) -> None:
    assert _may_look(domain, anuga.Time_boundary(domain, function))


def test_a_closure_over_the_domains_arrays_looks(domain: Any) -> None:
    stage = domain.quantities["stage"].centroid_values
    row = stage[3:4]
    assert _may_look(domain, anuga.Time_boundary(domain, lambda t: [stage[0], 0.0, 0.0]))
    assert _may_look(domain, anuga.Time_boundary(domain, lambda t: [row[0], 0.0, 0.0]))


def test_a_method_and_a_users_boundary_look(domain: Any) -> None:
    class Gauge:
        def level(self, t: float) -> list[float]:
            return [0.0, 0.0, 0.0]

    class Mine(type(anuga.Dirichlet_boundary([0.0, 0.0, 0.0]))):
        pass

    assert _may_look(domain, anuga.Time_boundary(domain, Gauge().level))
    assert _may_look(domain, Mine([0.0, 0.0, 0.0]))


def test_plain_boundaries_do_not_look(domain: Any) -> None:
    for boundary in (anuga.Reflective_boundary(domain), anuga.Dirichlet_boundary([0.0, 0.0, 0.0]),
                     anuga.Transmissive_boundary(domain), None):
        assert not _may_look(domain, boundary)


def test_a_wall_that_was_changed_looks(domain: Any) -> None:
    wall = anuga.Reflective_boundary(domain)
    wall.evaluate_segment = lambda domain, edges: None
    assert _may_look(domain, wall)
