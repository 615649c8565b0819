"""Basic meshes and the ceiling of the numbers: ANUGA's arrays, refused before they are filled."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from anuga import extras
from anuga.abstract_2d_finite_volumes import mesh_factory
from anuga.abstract_2d_finite_volumes.basic_mesh import Basic_mesh

import anuga_lean as anuga
from anuga_lean._errors import MeshError

SQUARE = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]]
SIDES = {"south": [0], "east": [1], "north": [2], "west": [3]}
MOST = "at most 715,827,882 triangles"


@pytest.mark.parametrize("name", ["rectangular", "rectangular_cross"])
@pytest.mark.parametrize("arguments", [(3, 4), (1, 1, 2.0, 3.0), (6, 2, 5.0, 1.0, (3e5, -7.0))])
def test_rectangles_are_anugas(name: str, arguments: tuple[Any, ...]) -> None:
    nodes, triangles, boundary, neighbours, _ = getattr(
        mesh_factory, f"{name}_with_neighbours")(*arguments)
    expected = Basic_mesh(nodes, triangles, boundary=boundary, triangle_neighbours=neighbours)
    found = getattr(anuga, f"{name}_basic_mesh")(*arguments)
    assert type(found) is Basic_mesh
    order = np.random.default_rng(2).permutation(len(triangles))
    for _ in range(2):
        for key in ("nodes", "triangles", "neighbours", "centroid_coordinates"):
            one, other = getattr(expected, key), getattr(found, key)
            assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes()), key
        assert expected.boundary == found.boundary
        assert (len(expected), repr(expected)) == (len(found), repr(found))
        expected, found = (each.reorder(order, in_place=False) for each in (expected, found))


def test_neighbours_of_a_basic_mesh_are_anugas() -> None:
    rng = np.random.default_rng(3)
    from scipy.spatial import Delaunay

    nodes = rng.random((200, 2))
    triangles = Delaunay(nodes).simplices
    corner = nodes[triangles]
    d1, d2 = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    turned = d1[:, 0] * d2[:, 1] < d1[:, 1] * d2[:, 0]
    triangles[turned] = triangles[turned][:, ::-1]
    mesh, other = (Basic_mesh(nodes, triangles) for _ in range(2))
    Basic_mesh._build_neighbours.__wrapped__(other)
    assert other._neighbours.tobytes() == mesh.neighbours.tobytes()
    assert other._neighbours.dtype == mesh.neighbours.dtype


def test_edges_that_are_the_same_raise_anugas_error() -> None:
    raised = []
    for build in (Basic_mesh._build_neighbours.__wrapped__, Basic_mesh._build_neighbours):
        mesh = Basic_mesh(np.zeros((4, 2)), [[0, 1, 2], [0, 1, 3]])
        with pytest.raises(Exception) as error:  # noqa: PT011  whatever it is in ANUGA
            build(mesh)
        raised.append((error.type, str(error.value)))
    assert raised[0] == raised[1]


def test_a_basic_mesh_from_regions_is_anugas_domain() -> None:
    arguments = (SQUARE, SIDES, 60.0)
    basic = anuga.create_basic_mesh_from_regions(*arguments)
    domain = anuga.create_domain_from_regions(*arguments)
    assert np.array_equal(domain.triangles, basic.triangles)
    assert np.asarray(domain.nodes).tobytes() == basic.nodes.tobytes()
    assert domain.boundary == basic.boundary


@pytest.mark.parametrize("make", [
    lambda: anuga.rectangular_cross(30_000, 30_000),
    lambda: anuga.rectangular(30_000, 30_000),
    lambda: anuga.rectangular_cross_domain(30_000, 30_000),
    lambda: extras.rectangular_cross_mesh(30_000, 30_000),
    lambda: anuga.rectangular_cross_basic_mesh(30_000, 30_000),
    lambda: anuga.rectangular_basic_mesh(30_000, 30_000),
    lambda: anuga.create_domain_from_regions(SQUARE, SIDES, 1e-6),
    lambda: anuga.create_domain_from_regions(
        SQUARE, SIDES, 1e-6, interior_regions=[([[1, 1], [9, 1], [9, 9]], 1.0)]),
    lambda: anuga.create_basic_mesh_from_regions(SQUARE, SIDES, 1e-6),
])
def test_too_many_triangles_are_refused_at_once(make: Callable[[], Any]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MeshError, match=MOST):
        make()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000    # KiB


@pytest.mark.parametrize("options", [
    {"interior_regions": [(SQUARE, 4000.0)]}, {"interior_holes": [[[0, 0], [99, 0], [0, 99]]]},
    {"regionPtArea": [[50.0, 50.0, 4000.0]]}])
def test_an_area_that_is_used_nowhere_is_no_obstacle(options: dict[str, Any]) -> None:
    from anuga_lean.mesh.from_pmesh import _check_areas

    area = 1e4 / 800e6
    with pytest.raises(MeshError, match="this one has 800,"):
        _check_areas(SQUARE, area)
    _check_areas(SQUARE, area, **options)
    _check_areas("a file", area)


PEAK = """
import tracemalloc, anuga_lean as anuga
anuga.{name}(5, 5)
tracemalloc.start()
mesh = anuga.{name}(150, 150)
print(tracemalloc.get_traced_memory()[1] / len(mesh))
"""


@pytest.mark.parametrize("name, most", [
    ("rectangular_basic_mesh", 56.0), ("rectangular_cross_basic_mesh", 45.0)])
def test_the_peak_of_a_basic_mesh(name: str, most: float, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PEAK.format(name=name)], cwd=tmp_path,
                          capture_output=True, text=True, check=True)
    # ANUGA prints a line before it where there is no mpi4py; its own peak is 136.
    assert float(done.stdout.splitlines()[-1]) < most
