"""Friction's pow(h, 7/3): the vector kernels have the last bit of the C library's.

The baseline kernels call pow itself wherever the compiler has no fused
multiply-add for them, so they are the reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga


@pytest.fixture(scope="module")
def mesh() -> Any:
    """40,000 triangles: as many depths to try at a time."""
    return anuga.rectangular_cross_domain(100, 100).mesh


def _updated(mesh: Any, isa: str, depth: np.ndarray) -> np.ndarray:
    """Momenta after an update by friction alone, (2, n) m2/s."""
    from anuga_lean import _kernels

    n, blocks = len(depth), len(mesh.blocks.block)
    run = _kernels.Run(mesh.blocks.handle(), isa)
    state = [depth.copy(), np.full(n, 0.3), np.full(n, -0.7), np.zeros(n), np.zeros(n),
             np.full(n, 0.03)]
    run.bind_state(*state)
    run.bind_work(*np.zeros((3, n)))
    run.bind_flags(np.zeros(n, np.uint8), None, np.ones(blocks, np.uint8), np.zeros(blocks))
    run.set_parameters(9.8, 1e-12, 1e-12, (1.0, 0.0, 1.0, 0.0, 1.0, 0.0), 0)
    run.set_threads(1)
    run.update(_kernels.REPLACE, 0.1, True)
    return np.array(state[1:3])


@pytest.mark.parametrize("seed", range(5))
def test_every_instruction_set_has_the_bits_of_pow(mesh: Any, seed: int) -> None:
    from anuga_lean import _kernels

    rng = np.random.default_rng(seed)
    n = mesh.number_of_triangles
    depth = rng.uniform(0.0, 10.0, n) if seed % 2 else 10.0 ** rng.uniform(-11.0, 5.0, n)
    depth[:8] = [1.0, 8.0, 0.125, 1e-12, 2.0, np.nextafter(1.0, 2.0), np.nextafter(1.0, 0.0), 1e4]
    expected = _updated(mesh, "baseline", depth)
    assert not np.array_equal(expected, np.broadcast_to([[0.3], [-0.7]], (2, n)))
    for isa in _kernels.available_isas():
        assert np.array_equal(expected, _updated(mesh, isa, depth))
