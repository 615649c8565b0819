"""The mask of prescribed edges, its tables, and what is refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.arrays.census import census
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.stepping.prescribed import LimitMasks, Prescribed

anuga.Domain  # noqa: B018  ANUGA comes in
pytestmark = pytest.mark.skipif(
    not capabilities().prescribed_limiter, reason="this ANUGA has no prescribed edges")


def domain_with(**boundaries: Any) -> Any:
    domain = anuga.rectangular_cross_domain(8, 8)
    domain.set_store(False)
    domain.set_quantity("stage", 1.0)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall) | boundaries)
    return domain


def step(domain: Any) -> None:
    for _ in domain.evolve(yieldstep=1.0e-3, duration=1.0e-3):
        pass


def test_mask_is_anugas_and_holds_nothing() -> None:
    domain = domain_with(left=anuga.Dirichlet_boundary([1.0, 0.0, 0.0]))
    before = census(domain).nbytes
    mask = domain.boundary_limit_mask
    assert (256,) == mask.shape
    assert before == census(domain).nbytes
    expected = np.zeros(256, np.int64)
    for (k, i), tag in domain.boundary.items():
        if tag == "left":
            expected[k] |= 9 << i
    assert np.array_equal(expected, mask)
    assert 8 == np.count_nonzero(mask)


@pytest.mark.parametrize("through", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_copies_have_mask_and_edges(through: Any) -> None:
    domain = domain_with(right=anuga.Dirichlet_boundary([1.2, 0.3, 0.0]))
    step(domain)
    other = through(domain)
    assert np.array_equal(domain.boundary_limit_mask, other.boundary_limit_mask)
    assert np.array_equal(domain.lean.prescribed.value, other.lean.prescribed.value)
    assert np.array_equal(domain.quantities["stage"].edge_values,
                          other.quantities["stage"].edge_values)


def test_values_are_those_of_the_last_distribute() -> None:
    domain = domain_with(right=anuga.Dirichlet_boundary([1.2, 0.3, 0.0]))
    domain.distribute_to_vertices_and_edges()
    assert not domain.lean.prescribed.value.any()
    domain.update_boundary()
    assert not domain.lean.prescribed.value.any()
    domain.distribute_to_vertices_and_edges()
    assert [1.2, 0.3, 0.0] == domain.lean.prescribed.value[:, 0].tolist()


def test_a_script_may_clear_the_mask() -> None:
    domain = domain_with(right=anuga.Dirichlet_boundary([1.2, 0.3, 0.0]))
    step(domain)
    domain.boundary_limit_mask[:] = 0
    domain.distribute_to_vertices_and_edges()
    assert domain.lean.prescribed is None
    step(domain)


def test_an_edge_inside_is_refused() -> None:
    domain = domain_with()
    inside = next(k for k in range(256) if (np.asarray(domain.neighbours[k]) >= 0).all())
    domain.boundary_limit_mask[inside] = 1
    with pytest.raises(ValueError, match=f"edge 0 of triangle {inside}, which is not on the bou"):
        domain.distribute_to_vertices_and_edges()


def test_values_from_a_file_are_checked() -> None:
    for masks in ({300: 1}, {-1: 1}, {3: 64}):
        with pytest.raises(ValueError, match="boundary_limit_mask of"):
            LimitMasks(masks).check(256)
    edge, bits = np.array([3, 5], np.int32), np.array([1, 3], np.uint8)
    Prescribed(edge, bits, np.zeros((3, 2))).check(6)
    for wrong in (Prescribed(edge, bits, np.zeros((3, 1))),
                  Prescribed(edge[::-1], bits, np.zeros((3, 2))),
                  Prescribed(edge, bits + np.uint8(3), np.zeros((3, 2))),
                  Prescribed(edge.astype(np.int64), bits, np.zeros((3, 2)))):
        with pytest.raises(ValueError, match="prescribed edges"):
            wrong.check(6)
    with pytest.raises(ValueError, match="beyond the 5"):
        Prescribed(edge, bits, np.zeros((3, 2))).check(5)


def test_the_kernels_door_refuses_tables_that_do_not_fit() -> None:
    domain = domain_with(right=anuga.Dirichlet_boundary([1.2, 0.3, 0.0]))
    step(domain)
    run, known = domain.lean.run, domain.lean.prescribed
    right = dict(offset=known.offset, triangle=known.triangle, place=known.place,
                 bits=known.bits, edge=known.edge, block=known.block, value=known.value)
    wrong = {
        "offset": known.offset + 1,
        "triangle": np.full_like(known.triangle, 60000),
        "place": known.place + np.int32(len(known.edge)),
        "edge": known.edge + np.int32(1000),
        "block": known.block + np.int32(7),
        "value": known.value[:2].copy(),
    }
    for name, value in wrong.items():
        with pytest.raises((IndexError, ValueError)):
            run.bind_prescribed(**right | {name: value})
    run.bind_prescribed(**right)
