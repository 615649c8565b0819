"""Quantity: ANUGA's bits in every case, and no array that could be computed."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit import quantity_cases as cases

import anuga_lean as anuga
from anuga_lean.arrays.view import ArrayView
from anuga_lean.quantity import forms

SET = {
    "nothing": lambda domain: None,
    "constant": lambda domain: 0.3,
    "function": lambda domain: cases.slope,
    "nodes": lambda domain: np.arange(float(domain.number_of_nodes)),
    "quantity": lambda domain: domain.quantities["elevation"],
}


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What plain ANUGA gives, by mesh/case/array."""
    folder = tmp_path_factory.mktemp("stock")
    target = folder / "reference.npz"
    made = subprocess.run(
        [sys.executable, cases.__file__, target, folder], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    with np.load(target) as arrays:
        return dict(arrays)


@pytest.fixture
def domain() -> Any:
    return cases.make_domain(anuga, "cross")


def held_nbytes(*things: Any) -> int:
    """Bytes of the distinct arrays in these attributes, and in theirs."""
    seen: dict[int, int] = {}

    def visit(thing: Any) -> None:
        if isinstance(thing, np.ndarray):
            seen[id(thing)] = thing.nbytes
        elif type(thing).__module__ == "anuga_lean.quantity.forms":
            for value in vars(thing).values():
                visit(value)

    for thing in things:
        visit(thing)
    return sum(seen.values())


def bits(values: Any) -> bytes:
    return np.ascontiguousarray(values).tobytes()


@pytest.mark.parametrize("mesh", cases.MESHES)
@pytest.mark.parametrize("name", cases.CASES)
def test_same_bits_as_anuga(
    mesh: str, name: str, reference: dict[str, np.ndarray], tmp_path: Path
) -> None:
    got = cases.run_case(name, anuga, tmp_path, mesh)
    start = f"{mesh}/{name}/"
    expected = {k[len(start) :]: v for k, v in reference.items() if k.startswith(start)}
    assert expected.keys() == got.keys()
    for key, values in expected.items():
        assert (values.dtype, values.shape) == (got[key].dtype, got[key].shape), key
        assert bits(values) == bits(got[key]), key


@pytest.mark.parametrize("name", ["fresh", "functions", "arrays_at_indices", "arithmetic", "nans"])
def test_same_bits_with_many_chunks(
    name: str, reference: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "TRIANGLES_PER_CHUNK", 17)
    test_same_bits_as_anuga("scattered", name, reference, tmp_path)


@pytest.mark.parametrize("source", SET)
@pytest.mark.parametrize("name", ["stage", "elevation", "friction", "xvelocity"])
def test_continuous_values_take_at_most_one_number_per_node(
    name: str, source: str, domain: Any
) -> None:
    domain.set_quantity("elevation", cases.slope)
    q = domain.quantities[name]
    values = SET[source](domain)
    if values is not None:
        q.set_values(values)
    assert held_nbytes(q._vertex, q._edge) <= 8 * domain.number_of_nodes
    if source in ("nothing", "constant") and name != "elevation":
        assert held_nbytes(q._vertex, q._edge) == 0


def test_centroid_values_leave_one_number_per_triangle(domain: Any) -> None:
    n = domain.number_of_triangles
    q = domain.quantities["stage"]
    q.set_values(np.arange(float(n)), location="centroids")
    assert held_nbytes(q._vertex, q._edge) == 8 * n


def test_discontinuous_values_are_held_once(domain: Any) -> None:
    n = domain.number_of_triangles
    q = domain.quantities["stage"]
    q.set_values(np.random.default_rng(1).random((n, 3)))
    assert held_nbytes(q._vertex, q._edge) == 24 * n


def test_coordinates_and_velocities_hold_nothing_until_read(domain: Any) -> None:
    for name in ("x", "y", "xvelocity", "yvelocity"):
        assert "_centroid_values" not in vars(domain.quantities[name])
    x = domain.quantities["x"].centroid_values
    assert domain.quantities["x"].centroid_values is x


@pytest.mark.parametrize("source", SET)
def test_centroid_values_keep_their_identity(source: str, domain: Any) -> None:
    q = domain.quantities["stage"]
    before = q.centroid_values
    if source != "nothing":
        domain.set_quantity("stage", SET[source](domain))
    q.centroid_values = np.ones(len(q))
    assert q.centroid_values is before


def test_a_held_view_follows_and_stays_the_same(domain: Any) -> None:
    q = domain.quantities["stage"]
    vertex, edge = q.vertex_values, q.edge_values
    q.set_values(cases.slope)
    assert q.vertex_values is vertex
    assert q.edge_values is edge
    assert bits(q.get_values()) == bits(vertex)
    q.take_stock_arrays()
    assert bits(q.vertex_values) == bits(vertex)


def test_a_copy_of_a_view_is_an_array_of_its_own(domain: Any) -> None:
    q = domain.quantities["stage"]
    before = copy.copy(q.vertex_values)
    q.set_values(3.0)
    assert type(before) is np.ndarray
    assert not np.any(before)


def test_what_a_view_computes_writes_through_to_it(domain: Any) -> None:
    values = domain.quantities["xvelocity"].vertex_values
    row = values[3]
    row[0] = 1.0
    assert [1.0, 0.0, 0.0] == list(row) == list(values[3])
    assert type(row + 1.0) is np.ndarray


def test_temporaries_go_without_the_garbage_collector(domain: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        temporary = domain.quantities["x"] * domain.quantities["y"] + 1.0
        alive = weakref.ref(temporary)
        _ = temporary.vertex_values[3], temporary.edge_values, temporary.explicit_update
        del temporary, _
        assert alive() is None
    finally:
        gc.enable()


def test_a_failed_set_values_changes_nothing(domain: Any) -> None:
    q = domain.quantities["stage"]
    q.set_values(cases.slope)
    before = [bits(v) for v in (q.centroid_values, q.vertex_values, q.edge_values)]
    beyond = len(q) + 5
    for kwargs in (
        {"indices": [0, 1, beyond]},
        {"indices": [0, 1, beyond], "location": "centroids"},
        {"indices": [0, 1, 10**6], "location": "unique vertices"},
    ):
        with pytest.raises(IndexError):
            q.set_values(7.0, **kwargs)
        after = [bits(v) for v in (q.centroid_values, q.vertex_values, q.edge_values)]
        assert before == after, kwargs


def test_boundary_values_from_edges_are_written_in_place(domain: Any) -> None:
    q = domain.quantities["stage"]
    q.set_values(cases.slope)
    before = q.boundary_values
    q.set_boundary_values_from_edges()
    assert q.boundary_values is before
    expected = np.array(q.edge_values)[domain.boundary_cells, domain.boundary_edges]
    assert bits(expected) == bits(before)


def test_distribute_forgets_what_was_set(domain: Any) -> None:
    q = domain.quantities["stage"]
    q.set_values(np.random.default_rng(1).random((len(q), 3)))
    assert not q.is_reconstructed
    q.on_distribute()
    assert q.is_reconstructed
    assert held_nbytes(q._vertex, q._edge) == 0
    q.set_values(1.0, location="centroids")
    assert not q.is_reconstructed


def test_updates_are_zeros_until_written(domain: Any) -> None:
    q = anuga.Quantity(domain, name="tracer", register=True)
    assert isinstance(q.semi_implicit_update, ArrayView)
    assert not np.any(q.semi_implicit_update)
    q.semi_implicit_update[3] = 2.0
    assert isinstance(q.semi_implicit_update, np.ndarray)
    assert q.held_update("explicit_update") is None
    q.drop_updates()
    assert not np.any(q.semi_implicit_update)
    assert domain.quantities["elevation"].explicit_update is None


def test_materialised_arrays_have_the_bits_of_the_views(domain: Any) -> None:
    cases._evolved(domain)
    before = cases.shown(domain)
    for q in domain.quantities.values():
        q.take_stock_arrays()
        assert q.on_stock_arrays
        for array in (q.vertex_values, q.edge_values, q.explicit_update):
            assert array is None or type(array) is np.ndarray
    after = cases.shown(domain)
    assert {k: bits(v) for k, v in before.items()} == {k: bits(v) for k, v in after.items()}


def test_holding_values_can_be_undone(domain: Any) -> None:
    domain.set_quantity("stage", cases.slope)
    before = cases.shown(domain)
    for q in domain.quantities.values():
        q.hold_values()
        assert held_nbytes(q._edge) in (0, 24 * len(q))
        q.compact()
        assert held_nbytes(q._vertex, q._edge) <= 8 * domain.number_of_nodes
    assert {k: bits(v) for k, v in before.items()} == {
        k: bits(v) for k, v in cases.shown(domain).items()
    }


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_copies_are_independent(copied: Callable[[Any], Any], domain: Any) -> None:
    domain.set_quantity("elevation", cases.slope)
    domain.set_quantity("stage", expression="elevation*x")
    before = cases.shown(domain)
    other = copied(domain)
    assert {k: bits(v) for k, v in before.items()} == {
        k: bits(v) for k, v in cases.shown(other).items()
    }
    other.set_quantity("stage", 4.0)
    assert bits(before["stage.vertex"]) == bits(domain.quantities["stage"].vertex_values)


def test_a_stored_array_is_not_shared_after_a_write(domain: Any) -> None:
    first, second = domain.quantities["stage"], domain.quantities["xvelocity"]
    first.set_values(np.random.default_rng(1).random((len(first), 3)))
    second.set_values(first)
    before = bits(first.vertex_values), bits(second.edge_values)
    second.vertex_values[0, 0] = 9.0
    assert before == (bits(first.vertex_values), bits(second.edge_values))
    assert second.vertex_values[0, 0] == 9.0


def test_other_domains_get_anugas_quantity() -> None:
    from anuga.advection import Advection_Domain

    points, triangles, boundary = anuga.rectangular(3, 3)
    q = Advection_Domain(points, triangles, boundary).quantities["stage"]
    q.set_values(cases.slope)
    assert q.on_stock_arrays
    assert type(q.edge_values) is type(q.vertex_values) is np.ndarray
    assert type(q.explicit_update) is np.ndarray


def test_friction_has_no_edges(domain: Any) -> None:
    q = domain.quantities["friction"]
    assert q.edge_values is None
    for operation in (lambda: q * 2.0, lambda: q.maximum(1.0)):
        with pytest.raises(TypeError):
            operation()


def test_wrong_shapes_are_refused(domain: Any) -> None:
    q = domain.quantities["xvelocity"]
    with pytest.raises(ValueError, match="shape"):
        q.vertex_values = np.ones((3, 3))
    with pytest.raises(AssertionError):
        q.set_vertex_values(np.ones(3))
    with pytest.raises(AssertionError):
        anuga.Quantity(object())


@pytest.mark.parametrize("method", ["limit_edges_by_neighbour", "extrapolate_second_order",
                                    "extrapolate_second_order_and_limit_by_vertex"])
def test_limiters_refuse_what_has_no_edge_values(method: str) -> None:
    """ANUGA's compiled functions end the process instead."""
    domain = anuga.rectangular_cross_domain(3, 3)
    with pytest.raises(TypeError, match="'friction' has values at centroids only"):
        getattr(domain.quantities["friction"], method)()
