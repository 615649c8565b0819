"""What each rank gets is what ANUGA's build_submesh and extract_submesh give it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes.basic_mesh import Basic_mesh
from anuga.parallel import distribute_mesh, partitioning

import anuga_lean as anuga
from anuga_lean._errors import MemoryWarning, PartitionError
from anuga_lean.mpi import partitions
from anuga_lean.mpi.submeshes import Partition, Submesh

# That one is announced: test_what_takes_all_neighbours_at_once_is_said.
pytestmark = pytest.mark.filterwarnings("ignore:the partition scheme 'rcm'")

SCHEMES = ("metis", "morton", "hilbert", "rcm")


def cross() -> anuga.Domain:
    return anuga.rectangular_cross_domain(13, 9, len1=40.0, len2=30.0)


def polygon() -> anuga.Domain:
    """A mesh with tags inside: two basins with a tagged edge between them."""
    return anuga.create_domain_from_regions(
        [[0, 0], [100, 0], [100, 60], [0, 60]],
        boundary_tags={"bottom": [0], "right": [1], "top": [2], "left": [3]},
        maximum_triangle_area=20.0, breaklines=[[[50.0, 5.0], [50.0, 55.0]]],
        interior_holes=[[[20, 20], [30, 20], [30, 30], [20, 30]]],
        hole_tags=[{"hole": [0, 1, 2, 3]}], use_cache=False, verbose=False)


def shuffled() -> anuga.Domain:
    """A mesh whose neighbours are far apart in its numbering, with tags inside it."""
    points, triangles, boundary = anuga.rectangular_cross(11, 12)
    order = np.random.default_rng(7).permutation(len(triangles))
    place = np.argsort(order)
    tags = {(int(place[k]), i): tag for (k, i), tag in boundary.items()}
    triangles = np.asarray(triangles)[order]
    inside = [(k, i) for k in range(40, 44) for i in range(3) if (k, i) not in tags][:5]
    return anuga.Domain(points, triangles, tags | dict.fromkeys(inside, "weir"))


MODELS = (cross, polygon, shuffled)


def stock_submeshes(domain: anuga.Domain, ranks: int, parameters: dict) -> list[tuple]:
    mesh = domain.mesh.stock_copy()
    source = SimpleNamespace(
        mesh=mesh, quantities={}, triangles=mesh.triangles, neighbours=mesh.neighbours,
        number_of_triangles=len(mesh), centroid_coordinates=mesh.centroid_coordinates)
    parted, count, _, _, order = distribute_mesh.partition_mesh(source, ranks, parameters)
    whole = distribute_mesh.build_submesh(parted, {}, count, parameters)
    return [(*distribute_mesh.extract_submesh(whole, count, order, p),
             len(whole["full_nodes"][p]), len(whole["full_triangles"][p])) for p in range(ranks)]


def check(expected: tuple, actual: Submesh, width: int) -> None:
    (points, vertices, boundary, _, receive, send, _, _, tri_l2g, node_l2g, stock_width,
     full_nodes, full_triangles) = expected
    assert width == stock_width
    assert np.array_equal(points, actual.points)
    assert np.array_equal(vertices, actual.vertices)
    assert list(boundary.items()) == list(actual.boundary.items())
    assert np.array_equal(tri_l2g, actual.tri_l2g)
    assert np.array_equal(node_l2g, actual.node_l2g)
    assert (full_nodes, full_triangles) == (
        actual.number_of_full_nodes, actual.number_of_full_triangles)
    for theirs, ours in ((receive, actual.ghost_recv_dict), (send, actual.full_send_dict)):
        assert list(theirs) == list(ours)
        for q, (local, number) in theirs.items():
            assert np.array_equal(local, ours[q][0]) and np.array_equal(number, ours[q][1])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("model", MODELS)
def test_each_part_equals_stock(model: Callable[[], anuga.Domain], scheme: str) -> None:
    for ranks, width in ((2, 2), (3, 1), (4, 4), (7, 2)):
        domain = model()
        parameters = {"partition_scheme": scheme, "ghost_layer_width": width}
        expected = stock_submeshes(domain, ranks, parameters)
        partition = Partition(domain.mesh, ranks, parameters)
        assert 0 < sum(len(ghosts) for ghosts in partition.ghosts)
        for p in range(ranks):
            check(expected[p], partition.submesh(p), partition.ghost_layer_width)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_parts_of_a_basic_mesh(scheme: str) -> None:
    mesh = polygon().mesh
    arrays = (np.array(mesh.nodes), np.array(mesh.triangles), dict(mesh.boundary))
    parameters = {"partition_scheme": scheme}
    basic = Basic_mesh(*arrays)
    parted, count, _, _, order = distribute_mesh.partition_mesh(basic, 3, parameters)
    whole = distribute_mesh.build_submesh(parted, {}, count, parameters)
    for given in (None, np.array(basic.neighbours)):
        partition = Partition(Basic_mesh(*arrays, triangle_neighbours=given), 3, parameters)
        for p in range(3):
            expected = (*distribute_mesh.extract_submesh(whole, count, order, p),
                        len(whole["full_nodes"][p]), len(whole["full_triangles"][p]))
            check(expected, partition.submesh(p), 2)


@pytest.mark.parametrize("name", ["metis_partition", "morton_partition", "hilbert_partition"])
@pytest.mark.parametrize("model", MODELS)
def test_orders_equal_stock(model: Callable[[], anuga.Domain], name: str) -> None:
    domain = model()
    mesh = domain.mesh.stock_copy()
    stock = getattr(partitions, name).__wrapped__
    for ranks in (1, 2, 5, 16):
        expected_order, expected_count = stock(mesh, ranks)
        order, count = getattr(partitioning, name)(domain, ranks)
        assert order.dtype == expected_order.dtype
        assert np.array_equal(expected_order, order)
        assert np.array_equal(expected_count, count)


def test_a_mesh_in_a_line() -> None:
    """All centroids have nearly the same y: the box has no height."""
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 1.0], [1.5, 1.0], [2.0, 0.0], [2.5, 1.0]])
    triangles = np.array([[0, 1, 2], [1, 4, 3]])
    mesh = SimpleNamespace(
        number_of_triangles=2, triangles=triangles,
        centroid_coordinates=points[triangles].mean(axis=1))
    for name in ("morton_partition", "hilbert_partition"):
        expected = getattr(partitions, name).__wrapped__(mesh, 2)
        actual = getattr(partitions, name)(mesh, 2)
        assert all(map(np.array_equal, expected, actual))


def test_more_ranks_than_triangles() -> None:
    domain = anuga.rectangular_cross_domain(1, 1)
    for scheme in ("metis", "morton", "hilbert"):
        with pytest.raises(PartitionError, match="5 ranks cannot share 4 triangles"):
            Partition(domain.mesh, 5, {"partition_scheme": scheme})


def test_a_rank_without_triangles() -> None:
    domain = anuga.rectangular_cross_domain(2, 2)
    with pytest.raises(PartitionError, match="Try using a smaller number of mpi processes"):
        Partition(domain.mesh, 15)


def test_too_many_triangles_for_metis() -> None:
    mesh = SimpleNamespace(number_of_triangles=2**31 // 3 + 1)
    with pytest.raises(PartitionError, match="'partition_scheme': 'hilbert'"):
        partitions.metis_partition(mesh, 2)


def test_what_takes_all_neighbours_at_once_is_said() -> None:
    with pytest.warns(MemoryWarning, match="'hilbert' takes a part of the mesh at a time"):
        Partition(cross().mesh, 2, {"partition_scheme": "rcm"})


def test_without_pymetis_anuga_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = anuga.rectangular_cross_domain(3, 3)
    monkeypatch.setitem(sys.modules, "pymetis", None)
    with pytest.raises(ImportError, match="pymetis"):
        partitions.metis_partition(mesh, 2)
    order, count = partitions.metis_partition(mesh, 1)
    assert [36] == count
    assert np.array_equal(np.arange(36), order)
