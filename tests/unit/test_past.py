"""What a domain keeps of the last yield, and for which readers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.stepping.yield_state import wanted

pytestmark = pytest.mark.filterwarnings("ignore:.*erosion operators are the expensive way")
LEVELS = {"stage", "elevation", "height"}


@pytest.fixture
def domain() -> Any:
    made = anuga.rectangular_cross_domain(14, 7, len1=14.0, len2=7.0)
    made.set_store(False)
    made.set_quantity("elevation", lambda x, y: -0.1 * x)
    made.set_quantity("stage", lambda x, y: np.maximum(-0.1 * x, 0.3 - 0.08 * x))
    made.set_boundary(dict.fromkeys(made.get_boundary_tags(), anuga.Reflective_boundary(made)))
    return made


def bed_shear(domain: Any) -> None:
    anuga.Bed_shear_erosion_operator(domain, base=-9.0, indices=[3, 4, 5])


def expression(domain: Any) -> None:
    domain.set_quantities_to_be_monitored("stage-elevation")


def momenta(domain: Any) -> None:
    domain.set_quantities_to_be_monitored("xmomentum + stage")


def flat_slice(domain: Any) -> None:
    anuga.Flat_slice_erosion_operator(domain, elevation=lambda t: -1.0, indices=[3])


def quantity(domain: Any) -> None:
    domain.set_quantities_to_be_monitored("stage")


@pytest.mark.parametrize(
    ("reader", "names", "nbytes"),
    [
        (bed_shear, LEVELS, 16),
        (expression, LEVELS, 16),
        (momenta, LEVELS | {"xmomentum", "ymomentum"}, 32),
        (flat_slice, set(), 0),
        (quantity, set(), 0),
    ],
)
def test_keeps_what_is_read(domain: Any, reader: Any, names: set[str], nbytes: int) -> None:
    reader(domain)
    assert names == wanted(domain)
    for _ in domain.evolve(yieldstep=0.2, finaltime=0.4):
        pass
    past = domain.lean.yields.past
    held = 0 if past is None else sum(array.nbytes for array in past.arrays.values())
    assert nbytes * len(domain) == held


def test_vertices_stay_those_of_the_yield(domain: Any) -> None:
    expression(domain)
    seen: list[np.ndarray] = []

    class Look(anuga.Operator):
        def __call__(self) -> None:
            seen.append(np.array(self.domain.quantities["stage"].vertex_values))

        def parallel_safe(self) -> bool:
            return True

    Look(domain)
    shown: list[np.ndarray] = []
    for _ in domain.evolve(yieldstep=0.3, finaltime=0.6):
        shown.append(np.array(domain.quantities["stage"].vertex_values))
        before = len(seen)
    later = seen[before - 1]
    assert np.array_equal(shown[1], later)
    assert not np.array_equal(shown[2], later)


def test_nothing_is_kept_once_nobody_reads(domain: Any) -> None:
    expression(domain)
    for t in domain.evolve(yieldstep=0.2, finaltime=0.6):
        if t > 0.3:
            domain.set_quantities_to_be_monitored(None)
    assert domain.lean.yields.past is None


def test_a_copy_keeps_its_own(domain: Any) -> None:
    bed_shear(domain)
    for _ in domain.evolve(yieldstep=0.2, finaltime=0.4):
        pass
    other = copy.deepcopy(domain)
    expected = np.array(domain.quantities["elevation"].x_gradient)
    assert np.array_equal(expected, np.asarray(other.quantities["elevation"].x_gradient))


def test_gradients_can_be_written(domain: Any) -> None:
    bed_shear(domain)
    for _ in domain.evolve(yieldstep=0.2, finaltime=0.4):
        pass
    stage = domain.quantities["stage"]
    before = np.array(stage.x_gradient)
    stage.x_gradient[7] = 5.0
    before[7] = 5.0
    assert np.array_equal(before, np.asarray(stage.x_gradient))
    stage.compute_gradients()
    assert isinstance(stage.x_gradient, np.ndarray)
