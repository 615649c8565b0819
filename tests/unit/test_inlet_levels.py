"""What an inlet is filled to, and the areas that it keeps."""

from __future__ import annotations

import numpy as np
import pytest
from anuga.structures import inlet as anugas

import anuga_lean as anuga
from anuga_lean import _kernels
from anuga_lean.fractional_steps.inlets import level_stages_to_average


@pytest.mark.parametrize("m", [1, 2, 9, 40])
@pytest.mark.parametrize("change", [0.0, 1e-17, 1e-9, 1e-3, 0.4, 50.0, -1e-9, -1e-3, -0.4, -50.0])
def test_the_level_is_anugas(m: int, change: float) -> None:
    rng = np.random.default_rng(m)
    for _ in range(20):
        bed = rng.normal(size=m) * rng.choice([0.0, 1.0, 1e3])
        depth = rng.choice([0.0, 1e-9, 0.3, 2.0], m) * rng.choice([1.0, rng.random()])
        areas = rng.random(m) + 0.1
        given = bed + depth, bed, areas, float(np.dot(depth, areas) / areas.sum())
        expected = anugas.level_stages_to_average.__wrapped__(*given, given[3] + change)
        found = level_stages_to_average(*given, given[3] + change)
        assert found is not given[0]
        np.testing.assert_array_equal(expected.view(np.int64), found.view(np.int64))


@pytest.mark.parametrize("draws", [False, True])
def test_all_steps_but_the_last_are_taken_by_the_kernel(draws: bool) -> None:
    rng = np.random.default_rng(3)
    stages, areas = rng.normal(size=70), rng.random(70) + 0.5
    depths = rng.random(70) if draws else None
    low, high, steps = _kernels.narrow_level(stages, depths, areas, 3.0, -9.0, 9.0, 100)
    assert 35 < steps < 55
    assert low < high < low + 1e-9

    def volume(level: float) -> float:
        if depths is None:
            return float(areas @ np.maximum(level - stages, 0.0))
        return -float(areas @ np.minimum(depths, np.maximum(stages - level, 0.0)))

    wanted = -3.0 if draws else 3.0
    assert volume(low) < wanted <= volume(high)


@pytest.mark.parametrize("wanted", [np.nan, np.inf])
def test_the_kernel_leaves_what_it_cannot_decide(wanted: float) -> None:
    stages = np.array([0.0, np.nan if np.isinf(wanted) else 1.0])
    assert (0.0, 1.0, 0) == _kernels.narrow_level(stages, None, np.ones(2), wanted, 0.0, 1.0, 9)


def test_other_triangles_have_other_areas() -> None:
    domain = anuga.rectangular_cross_domain(4, 4)
    domain.set_store(False)
    inlet = anugas.Inlet(domain, [[0.1, 0.1], [0.9, 0.2]])
    first = inlet.get_areas()
    assert first.tolist() == np.asarray(domain.areas)[inlet.triangle_indices].tolist()
    first[:] = -1.0     # a copy
    assert inlet.get_areas().min() > 0.0
    inlet.triangle_indices = np.array([0, 5, 7, 11])
    assert inlet.get_areas().tolist() == np.asarray(domain.areas)[[0, 5, 7, 11]].tolist()
    inlet.triangle_indices[0] = 13
    assert inlet.get_areas().tolist() == np.asarray(domain.areas)[[13, 5, 7, 11]].tolist()


@pytest.mark.filterwarnings("ignore::anuga_lean._errors.StockKernelWarning")
def test_areas_that_a_script_has_written_count() -> None:
    domain = anuga.rectangular_cross_domain(4, 4)
    domain.set_store(False)
    inlet = anugas.Inlet(domain, [[0.1, 0.1], [0.9, 0.2]])
    inlet.get_areas()
    domain.areas[inlet.triangle_indices[0]] = 7.0
    assert inlet.get_areas()[0] == 7.0
