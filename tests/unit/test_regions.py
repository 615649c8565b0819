"""What operators hold of the triangles in their region."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from anuga.geometry.polygon import inside_polygon, line_intersect

import anuga_lean as anuga
from anuga_lean.arrays.census import census

YARD = [[3.0, 2.0], [5.0, 2.0], [5.0, 4.0], [3.0, 4.0]]


@pytest.fixture
def domain() -> Any:
    made = anuga.rectangular_cross_domain(30, 20, len1=30.0, len2=20.0)
    made.set_store(False)
    return made


def held(domain: Any) -> int:
    return sum(nbytes for group, nbytes in census(domain).groups().items()
               if group.startswith(("operators", "mesh/_")))


@pytest.mark.parametrize("where", [
    {"polygon": YARD},
    {"center": [4.0, 3.0], "radius": 1.2},
], ids=["polygon", "circle"])
@pytest.mark.parametrize("operator", [
    lambda d, **where: anuga.Set_elevation_operator(d, elevation=-1.0, **where),
    lambda d, **where: anuga.Set_stage_operator(d, stage=-1.0, **where),
    lambda d, **where: anuga.Rate_operator(d, rate=-1.0, **where),
], ids=["elevation", "stage", "rain"])
def test_a_few_triangles_cost_little(domain: Any, operator: Any, where: dict) -> None:
    before = held(domain)
    operator(domain, **where)
    # Set_elevation keeps one index per node of its own.
    assert held(domain) - before < 8 * domain.number_of_nodes + 300 * 16


def test_set_everywhere_holds_nothing_of_the_mesh(domain: Any) -> None:
    before = held(domain)
    setting = anuga.Set_elevation_operator(domain, elevation=lambda x, y: -x)
    assert before == held(domain)
    x = np.asarray(domain.vertex_coordinates)[:, 0].reshape(-1, 3)
    assert np.array_equal(x, setting.v_x)


def test_found_indices_own_their_memory(domain: Any) -> None:
    points = np.asarray(domain.get_centroid_coordinates())
    assert inside_polygon(points, YARD).base is None
    corners = np.asarray(domain.get_vertex_coordinates())
    assert line_intersect(corners, [[1.0, 1.0], [9.0, 1.3]]).base is None


def test_circle_finds_what_is_within(domain: Any) -> None:
    region = anuga.Region(domain, center=[4.1, 3.2], radius=1.3)
    x, y = np.asarray(domain.get_centroid_coordinates()).T
    within = np.flatnonzero((x - 4.1) ** 2 + (y - 3.2) ** 2 < 1.3**2)
    assert within.tolist() == region.indices.tolist()
    assert region.domain is domain
