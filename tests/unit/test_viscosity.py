"""Kinematic viscosity on a lean domain: which arrays exist when."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.measure.census import census

ARRAYS = ("geo_structure_indices", "geo_structure_values", "operator_data", "operator_colind",
          "operator_rowptr", "elliptic_matrix", "triangle_areas", "boundary_term")


@pytest.fixture
def domain() -> Any:
    made = anuga.rectangular_cross_domain(20, 10, len1=20.0, len2=10.0)
    made.set_store(False)
    made.set_quantity("stage", lambda x, y: 1.0 + 0.2 * np.sin(x))
    made.set_quantity("xmomentum", lambda x, y: 0.3 * np.cos(y))
    wall = anuga.Reflective_boundary(made)
    made.set_boundary(dict.fromkeys(made.get_boundary_tags(), wall))
    made.set_use_kinematic_viscosity(True)
    return made


def evolve(domain: Any) -> None:
    for _ in domain.evolve(yieldstep=0.2, duration=0.4):
        pass


def held(domain: Any) -> int:
    return sum(nbytes for group, nbytes in census(domain).groups().items() if "kinematic" in group)


def test_holds_nothing_between_steps(domain: Any) -> None:
    assert 0 == held(domain)
    evolve(domain)
    assert domain.lean is not None
    assert 0 == held(domain)


def test_arrays_that_were_asked_for_go_with_the_next_step(domain: Any) -> None:
    operator = domain.kv_operator
    for name in ARRAYS:
        assert getattr(operator, name) is getattr(operator, name)
    assert 0 < held(domain)
    evolve(domain)
    assert 0 == held(domain)


def test_a_serial_step_makes_no_elliptic_matrix(
    domain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    operator = domain.kv_operator
    monkeypatch.setattr(type(operator), "_whole_matrix", lambda self: made.append(1))
    evolve(domain)
    assert [] == made


def test_unknown_attributes_are_refused(domain: Any) -> None:
    with pytest.raises(AttributeError, match="no attribute 'operator_date'"):
        domain.kv_operator.operator_date  # noqa: B018


def test_a_copy_goes_on_alike(domain: Any) -> None:
    evolve(domain)
    copy = pickle.loads(pickle.dumps(domain))
    evolve(domain)
    evolve(copy)
    for name in ("stage", "xmomentum", "xvelocity"):
        assert np.array_equal(domain.quantities[name].centroid_values,
                              copy.quantities[name].centroid_values)


def test_stays_right_on_stock_kernels(domain: Any) -> None:
    evolve(domain)
    copy = pickle.loads(pickle.dumps(domain))
    evolve(domain)
    with pytest.warns(anuga.StockKernelWarning):
        copy.use_stock_kernels("a test")
    evolve(copy)
    assert copy.kv_operator.operator_data.shape == (4 * len(copy),)
    assert np.array_equal(domain.quantities["stage"].centroid_values,
                          copy.quantities["stage"].centroid_values)


@pytest.mark.parametrize("bad", [[1.0], {"height": 1}])
def test_refuses_what_is_no_diffusivity(domain: Any, bad: Any) -> None:
    with pytest.raises(AssertionError, match="diffusivity is a quantity, its name, a number"):
        anuga.Kinematic_viscosity_operator(domain, diffusivity=bad)
