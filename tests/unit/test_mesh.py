"""The lean Mesh against ANUGA's: every table and every method; bad input is in test_mesh_input."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes.mesh_factory import rectangular, rectangular_cross
from anuga.coordinate_transforms.geo_reference import Geo_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.mesh_models import GEO, MESHES, assert_same, cross, interior, on_both, shuffled, strip

from anuga_lean._errors import InvalidMesh
from anuga_lean.arrays.view import ArrayView
from anuga_lean.mesh.blocks import Blocks
from anuga_lean.mesh.mesh import Mesh, StockMesh
from anuga_lean.mesh.mesh_arguments import accepting_lean_mesh
from anuga_lean.mesh.tables import TABLES


@pytest.fixture(params=MESHES, scope="module")
def both(request: pytest.FixtureRequest) -> tuple[Any, Mesh]:
    return on_both(MESHES[request.param]())


# -- tables ----------------------------------------------------------------------


def test_every_table_is_stocks(both: tuple[Any, Mesh]) -> None:
    assert_same(*both)


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_a_table_are_stocks(both: tuple[Any, Mesh], name: str) -> None:
    expected, actual = getattr(both[0], name), getattr(both[1], name)
    n = len(expected)
    rows = np.random.default_rng(0).integers(-n, n, 40)
    assert np.array_equal(expected[rows], actual[rows])
    assert np.array_equal(expected[n // 2:n // 2 + 7], actual[n // 2:n // 2 + 7])
    assert np.array_equal(expected[0], actual[0])
    if expected.ndim == 2:
        columns = rows % expected.shape[1]
        assert np.array_equal(expected[rows, columns], actual[rows, columns])
        assert np.array_equal(expected[:, 1], actual[:, 1])


@pytest.mark.parametrize("make", MESHES)
def test_no_table_is_held(make: str) -> None:
    mesh = Mesh(**MESHES[make]())
    for name in TABLES:
        np.asarray(getattr(mesh, name))
    held = {name: a.nbytes for name, a in vars(mesh).items() if isinstance(a, np.ndarray)}
    each = 8 * mesh.boundary_length
    assert {"boundary_cells": each, "boundary_edges": each, "xy_extent": 32} == held
    assert {} == mesh.real_arrays
    assert isinstance(mesh.areas, ArrayView)
    assert mesh.areas is mesh.areas


@pytest.mark.parametrize("block_size", [1, 2, 5, 64, 5000])
def test_block_size_changes_nothing(block_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stock = StockMesh(**interior())
    build = Blocks.build
    monkeypatch.setattr(Blocks, "build", lambda *a, **k: build(*a, **k, block_size=block_size))
    mesh = Mesh(**interior())
    assert block_size == mesh.blocks.block_size
    assert_same(stock, mesh)


def test_a_block_that_does_not_fit_is_cut_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = dict(zip(("coordinates", "triangles"), rectangular(120, 120)[:2], strict=True))
    build = Blocks.build
    monkeypatch.setattr(Blocks, "build", lambda *a, **k: build(*a, **k, block_size=28800))
    mesh = Mesh(**arguments)
    assert 14400 == mesh.blocks.block_size
    assert_same(StockMesh(**arguments), mesh)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_parts_of_a_mesh(data: st.DataObject) -> None:
    nodes, triangles = (np.asarray(a) for a in rectangular_cross(4, 3)[:2])
    chosen = data.draw(st.lists(
        st.integers(0, len(triangles) - 1), min_size=1, max_size=30, unique=True))
    turns = data.draw(st.lists(st.integers(0, 2), min_size=30, max_size=30))
    part = np.array([np.roll(triangles[k], t) for k, t in zip(chosen, turns, strict=False)])
    edges = st.tuples(st.integers(0, len(part) - 1), st.integers(0, 2))
    boundary = data.draw(st.dictionaries(edges, st.sampled_from(["a", "b"]), max_size=6))
    arguments = dict(coordinates=nodes, triangles=part, boundary=boundary)
    assert_same(*on_both(arguments))


# -- blocks ------------------------------------------------------------------------


@pytest.mark.parametrize("make", [interior, shuffled, strip], ids=lambda f: f.__name__)
def test_blocks_hold_two_rings(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Blocks.build
    monkeypatch.setattr(Blocks, "build", lambda *a, **k: build(*a, **k, block_size=37))
    mesh = Mesh(**make())
    b, surrogates = mesh.blocks, np.asarray(mesh.surrogate_neighbours)
    owned = []
    for number, block in enumerate(b.block):
        own, ring1, ring2 = (int(block[name]) for name in ("n_own", "n_ring1", "n_ring2"))
        member = b.member[block["member"]:][:own + ring1 + ring2]
        owned += member[:own].tolist()
        assert np.array_equal(b.position[member[:own]], number * 37 + np.arange(own))
        inside = set(member[:own].tolist())
        first = set(surrogates[member[:own]].ravel().tolist()) - inside
        second = set(surrogates[sorted(first)].ravel().tolist()) - inside - first
        assert first == set(member[own:own + ring1].tolist())
        assert second == set(member[own + ring1:].tolist())
        near = b.near_block[block["near"]:][:block["n_near"]]
        assert sorted(set((b.position[member[own:]] // 37).tolist())) == sorted(near.tolist())
        ring = b.ring_neighbour[block["ring_neighbour"]:][:3 * ring1].reshape(3, ring1)
        assert np.array_equal(surrogates[member[own:own + ring1]].T, member[ring])
    assert sorted(owned) == list(range(len(mesh)))


def test_ears() -> None:
    mesh = Mesh(**strip())
    b, count = mesh.blocks, np.asarray(mesh.number_of_boundaries)
    surrogates, block = np.asarray(mesh.surrogate_neighbours), mesh.blocks.block[0]
    member = b.member[:block["n_own"]]
    ear = member[b.ear_triangle]
    assert np.flatnonzero(count >= 2).tolist() == sorted(ear.tolist())
    for q, k in enumerate(ear):
        beyond = [m for m in surrogates[k] if m != k]
        assert beyond == [member[b.ear_neighbour[q]]]
        far = [m if m != beyond[0] else -1 for m in surrogates[beyond[0]]]
        assert far == b.ear_far[3 * q:3 * q + 3].tolist()


def test_counted_edges_are_those_of_stocks_boundary_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    build = Blocks.build
    monkeypatch.setattr(Blocks, "build", lambda *a, **k: build(*a, **k, block_size=37))
    mesh = Mesh(**interior())
    full = (np.arange(len(mesh)) % 5 != 0).astype(np.uint8)
    neighbours = np.asarray(mesh.neighbours)
    ghost = (neighbours >= 0) & (full[neighbours] == 0)
    expected = np.flatnonzero(((neighbours < 0) | ghost) & (full == 1)[:, None])
    offset, slot, index = mesh.blocks.counted_edges(full)
    actual = np.full(len(index), -1)
    for b, block in enumerate(mesh.blocks.block):
        here = slice(offset[b], offset[b + 1])
        i, c = np.divmod(slot[here], block["n_own"] + block["n_ring1"])
        actual[index[here]] = 3 * mesh.blocks.member[block["member"] + c] + i
    assert np.array_equal(expected, actual)


# -- methods ------------------------------------------------------------------------


@pytest.mark.parametrize("geo", [None, GEO], ids=["absolute", "georeferenced"])
@pytest.mark.parametrize("call", [
    "get_normals()", "get_normal(3, 1)", "get_edgelength(3, 1)", "get_number_of_triangles()",
    "get_number_of_nodes()", "get_nodes()", "get_nodes(absolute=True)", "get_node(4)",
    "get_node(4, absolute=True)", "get_vertex_coordinates()",
    "get_vertex_coordinates(absolute=True)", "get_vertex_coordinates(3)",
    "get_vertex_coordinates(3, absolute=True)", "get_vertex_coordinate(3, 2)",
    "get_vertex_coordinate(3, 2, absolute=True)", "get_edge_midpoint_coordinates()",
    "get_edge_midpoint_coordinates(absolute=True)", "get_edge_midpoint_coordinate(3, 2)",
    "get_triangles()", "get_triangles([3, 5])", "get_disconnected_triangles()",
    "get_unique_vertices()", "get_unique_vertices([3, 5])",
    "get_triangles_and_vertices_per_node(5)", "get_extent()", "get_extent(absolute=True)",
    "get_areas()", "get_area()", "get_radii()", "get_centroid_coordinates()",
    "get_centroid_coordinates(absolute=True)", "get_boundary_tags()", "get_boundary_polygon()",
    "get_lone_vertices()", "statistics()", "get_triangle_neighbours(3)",
    "get_triangle_neighbours(10**6)", "get_triangle_near_point([1001.0, 2000003.0])",
    "compute_vertex_coordinates()", "compute_edge_midpoint_coordinates()", "__repr__()",
    "__len__()", "check_integrity()", "get_georeference()",
])
def test_methods_give_what_stocks_give(call: str, geo: Geo_reference | None) -> None:
    stock, mesh = on_both(cross(geo_reference=geo))
    mesh.geo_reference = stock.geo_reference
    expected, actual = eval(f"stock.{call}"), eval(f"mesh.{call}")
    if isinstance(expected, np.ndarray):
        assert np.array_equal(expected, actual)
        assert expected.shape == actual.shape
    else:
        assert expected == actual
    assert {} == mesh.real_arrays


def test_triangles_of_every_node() -> None:
    stock, mesh = on_both(MESHES["lone nodes"]())
    for expected, actual in zip(stock.get_triangles_and_vertices_per_node(),
                                mesh.get_triangles_and_vertices_per_node(), strict=True):
        assert np.array_equal(expected, actual)


@pytest.mark.parametrize("geo", [None, GEO], ids=["absolute", "georeferenced"])
def test_finding_triangles(geo: Geo_reference | None) -> None:
    stock, mesh = on_both(cross(geo_reference=geo))
    origin = np.array([0.0, 0.0] if geo is None else [1000.0, 2.0e6])
    points = origin + np.random.default_rng(0).uniform([0, 0], [3, 7], (12, 2))
    for point in [[1e9, 0.0], *points.tolist(), [1e9, 0.0]]:
        try:
            expected = stock.get_triangle_containing_point(point)
        except Exception as error:
            with pytest.raises(Exception, match="not found within") as raised:
                mesh.get_triangle_containing_point(point)
            assert str(error) == str(raised.value)
        else:
            assert expected == mesh.get_triangle_containing_point(point)
    polygon = origin + np.array([[0.5, 0.5], [2.0, 0.5], [2.0, 5.0], [0.5, 5.0]])
    assert np.array_equal(stock.get_triangles_inside_polygon(polygon),
                          mesh.get_triangles_inside_polygon(polygon))
    line = (origin + np.array([[0.1, 0.2], [2.9, 6.3]])).tolist()
    assert repr(stock.get_intersecting_segments(line)) == repr(mesh.get_intersecting_segments(line))


def test_interpolation_object() -> None:
    stock, mesh = StockMesh(**cross()), Mesh(**cross())
    values = np.random.default_rng(0).random(3 * len(stock))
    points = [[0.3, 0.4], [1.1, 6.2]]
    expected = anuga_interpolator(stock).interpolate_block(values, points)
    assert np.array_equal(expected, mesh.get_interpolation_object().interpolate_block(
        values, points))
    assert mesh.get_interpolation_object() is mesh.get_interpolation_object()


def anuga_interpolator(stock: Any) -> Any:
    """ANUGA's own interpolator, also where the lean Mesh has replaced stock's."""
    from anuga.fit_interpolate import general_fit_interpolate
    from anuga.fit_interpolate.interpolate import Interpolate

    kept = general_fit_interpolate.Mesh
    general_fit_interpolate.Mesh = StockMesh
    try:
        return Interpolate(stock.vertex_coordinates, stock.get_disconnected_triangles())
    finally:
        general_fit_interpolate.Mesh = kept


def test_a_fit_on_a_lean_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    from anuga.fit_interpolate.fit import fit_to_mesh
    from anuga.fit_interpolate.general_fit_interpolate import FitInterpolate

    monkeypatch.setattr(FitInterpolate, "__init__", accepting_lean_mesh(FitInterpolate.__init__))
    stock, mesh = on_both(cross())
    points = np.random.default_rng(0).uniform([0, 0], [3, 7], (40, 2))
    expected, actual = (
        fit_to_mesh(points, mesh=one, point_attributes=points.sum(axis=1)) for one in (stock, mesh))
    assert np.array_equal(expected, actual)
    assert {} == mesh.real_arrays


def test_compiled_functions_of_anuga_take_rows() -> None:
    from anuga.shallow_water.sw_domain_openmp_ext import rotate

    stock, mesh = on_both(cross())
    q = np.array([1.0, 2.0, 3.0])
    expected = rotate(q.copy(), stock.get_normal(2, 1), direction=1)
    assert np.array_equal(expected, rotate(q.copy(), mesh.get_normal(2, 1), direction=1))


def test_set_to_inscribed_circle() -> None:
    stock, mesh = on_both(shuffled())
    assert stock.set_to_inscribed_circle(0.5) == mesh.set_to_inscribed_circle(0.5)
    assert np.array_equal(stock.radii, mesh.radii)
    assert {"radii"} == mesh.overridden


# -- real arrays ---------------------------------------------------------------------


def test_dense_makes_stocks_arrays(both: tuple[Any, Mesh]) -> None:
    stock, mesh = both[0], copy.deepcopy(both[1])
    view = mesh.areas
    mesh.take_stock_arrays()
    assert_same(stock, mesh)
    assert mesh.on_stock_arrays
    for name in TABLES:
        assert type(getattr(mesh, name)) is np.ndarray
        assert getattr(mesh, name).flags.c_contiguous
    assert view.become_array() is mesh.areas
    assert set() == mesh.overridden
    before = mesh.normals
    mesh.take_stock_arrays()
    assert before is mesh.normals


def test_dense_copy_is_transient(both: tuple[Any, Mesh]) -> None:
    stock, mesh = both
    dense = mesh.stock_copy()
    assert_same(stock, dense)
    assert isinstance(dense, StockMesh)
    assert type(dense.triangles) is np.ndarray
    assert dense.triangles is dense.triangles
    assert {} == mesh.real_arrays
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = dense.nonsense


def test_a_write_is_honoured() -> None:
    stock, mesh = on_both(cross())
    alias = mesh.radii
    for one in (stock, mesh):
        one.radii[3] = 9.0
        one.areas *= 2.0
        one.edgelengths = one.edgelengths + 1.0
        one.normals[[1, 2], [0, 1]] = 0.5
    assert_same(stock, mesh)
    assert 9.0 == alias[3]
    assert {"radii", "areas", "edgelengths", "normals"} == mesh.overridden
    assert mesh.overridden == set(mesh.real_arrays)
    assert not mesh.on_stock_arrays


def test_node_order_is_kept() -> None:
    stock, mesh = on_both(shuffled())
    indices, count = mesh.node_order()
    assert np.int32 == indices.dtype == count.dtype
    assert np.array_equal(stock.vertex_value_indices, indices)
    assert np.array_equal(stock.number_of_triangles_per_node, count)
    assert indices is mesh.node_order()[0]


# -- boundary, renumbering, copies ------------------------------------------------------


def test_the_boundary_given_is_completed_in_place() -> None:
    boundary = {(0, 1): "mine"}
    mesh = Mesh([[0, 0], [1.0, 0], [0, 1]], [[0, 1, 2]], boundary)
    assert mesh.boundary is boundary
    assert {(0, 1): "mine", (0, 0): "exterior", (0, 2): "exterior"} == boundary


def test_tagging_after_construction() -> None:
    stock, mesh = on_both(cross())
    for one in (stock, mesh):
        one.boundary[(5, 0)] = "wall"
        one.boundary[(0, 1)] = "left again"
        one.boundary_length = len(one.boundary)
        one.build_boundary_neighbours()
    assert_same(stock, mesh)
    for one in (stock, mesh):
        one.build_boundary_dictionary({(3, 1): "new"})
        one.build_boundary_neighbours()
    assert_same(stock, mesh)


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("real", ["lean", "overridden", "dense"])
def test_reorder(in_place: bool, real: str) -> None:
    stock, mesh = on_both(interior())
    if real == "dense":
        mesh.take_stock_arrays()
    if real == "overridden":
        stock.areas[3] = mesh.areas[3] = 5.0
    order = np.random.default_rng(0).permutation(len(mesh))
    expected, actual = (one.reorder(order, in_place=in_place) for one in (stock, mesh))
    assert (actual is mesh) == in_place
    assert isinstance(actual, Mesh)
    assert_same(expected, actual)
    assert_same(stock, mesh)
    again = np.random.default_rng(1).permutation(len(mesh))
    assert_same(expected.reorder(again), actual.reorder(again))
    lean = Mesh.__new__(Mesh)  # the blocks followed as well
    lean.__setstate__(dict(vars(actual), real_arrays={}, on_stock_arrays=False))
    assert {} == lean.real_arrays
    if real != "overridden":
        assert_same(expected, lean)


def test_reorder_refuses_what_is_no_permutation() -> None:
    mesh = Mesh(**cross())
    assert mesh.reorder(None) is None
    with pytest.raises(InvalidMesh, match="permutation"):
        mesh.reorder(np.zeros(len(mesh), int))
    assert_same(StockMesh(**cross()), mesh)


def test_copies_and_pickles(both: tuple[Any, Mesh]) -> None:
    stock, mesh = both
    assert len(mesh.get_triangles()) == len(mesh)
    for other in (copy.deepcopy(mesh), pickle.loads(pickle.dumps(mesh))):
        assert_same(stock, other)
        assert other.areas.owner is other
    assert copy.deepcopy(mesh).blocks is mesh.blocks


def test_a_pickle_of_stocks_mesh_becomes_lean() -> None:
    stock = StockMesh(**interior()).reorder(np.random.default_rng(0).permutation(252))
    mesh = Mesh.__new__(Mesh)
    mesh.__setstate__(dict(vars(stock)))
    assert_same(stock, mesh)
    assert {} == mesh.real_arrays
    assert not any(name in vars(mesh) for name in TABLES)


# -- bad input ---------------------------------------------------------------------------

def test_a_wall_given_as_missing_neighbours() -> None:
    nodes, triangles = rectangular(1, 1)[:2]
    assert_same(*on_both(dict(coordinates=nodes, triangles=triangles,
                             triangle_neighbours=np.full((2, 3), -1))))


def test_a_boundary_edge_without_tag() -> None:
    mesh = Mesh(**cross())
    del mesh.boundary[min(mesh.boundary)]
    with pytest.raises(InvalidMesh, match="has no neighbour and no tag"):
        mesh.build_boundary_neighbours()


@pytest.mark.parametrize("zeros", [(0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0)])
def test_the_extent_has_the_sign_of_zero_that_numpy_finds(zeros: tuple[float, float]) -> None:
    nodes = [[0.0, zeros[0]], [100.0, zeros[1]], [100.0, 100.0], [zeros[1], 100.0]]
    mesh = Mesh(nodes, [[0, 1, 2], [0, 2, 3]])
    x, y = np.asarray(mesh.get_vertex_coordinates()).T
    expected = [float(each).hex() for each in (x.min(), x.max(), y.min(), y.max())]
    assert expected == [float(each).hex() for each in mesh.get_extent()]
