"""Blocks where nothing changes are not computed, and wake when their state is written to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga


@pytest.fixture
def domain() -> Any:
    """57,600 triangles, a puddle in one corner, stepped until it moves."""
    domain = anuga.rectangular_cross_domain(120, 120, len1=600.0, len2=600.0)
    domain.set_flow_algorithm("DE0")
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: 0.02 * x)
    domain.set_quantity("stage", lambda x, y: np.where(x < 30.0, 1.5, -1.0), location="centroids")
    stage = domain.quantities["stage"].centroid_values
    stage[:] = np.maximum(stage, domain.quantities["elevation"].centroid_values)
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for _ in domain.evolve(yieldstep=0.5, finaltime=4.0):
        pass
    return domain


def _step(domain: Any) -> np.ndarray:
    """Take one step outside evolve; return which blocks were computed."""
    domain.evolve_one_euler_step(1.0, domain.finaltime + 1.0)
    return domain.lean.run.bound("block_active").copy()


def _let_run(domain: Any) -> None:
    domain.finaltime = domain.relative_finaltime = 1000.0
    domain.yieldstep = domain.relative_yieldtime = 1000.0
    for _ in range(3):
        _step(domain)


def test_dry_blocks_are_not_computed(domain: Any) -> None:
    _let_run(domain)
    active = _step(domain)
    assert 0 < active.sum() < 0.6 * len(active)


def test_a_write_wakes_the_block(domain: Any) -> None:
    _let_run(domain)
    blocks = domain.mesh.blocks
    asleep = np.flatnonzero(_step(domain) == 0)[-1]
    k = int(np.flatnonzero(blocks.position // blocks.block_size == asleep)[0])
    domain.quantities["stage"].centroid_values[k] += 0.5
    assert 1 == _step(domain)[asleep]
    assert abs(domain.quantities["xmomentum"].centroid_values[k]) > 0.0


def test_nothing_sleeps_under_rk2(domain: Any) -> None:
    domain.set_flow_algorithm("DE1")
    domain.update_domain_c_struct()
    for _ in domain.evolve(yieldstep=0.5, finaltime=5.0):
        pass
    assert domain.lean.run.bound("block_active").all()
