"""A user's own boundary, asked edge by edge: the bits, types and errors of ANUGA's loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary
from unit.test_segments import NAMES, domain, written

import anuga_lean as anuga
from anuga_lean._errors import StockKernelWarning

assert domain       # a fixture

READS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "conserved quantities": lambda d, k, i: d.get_conserved_quantities(k, edge=i),
    "of another edge": lambda d, k, i: d.get_conserved_quantities(k, edge=(i + 1) % 3),
    "of another triangle": lambda d, k, i: d.get_conserved_quantities(3, edge=i),
    "at the centroid": lambda d, k, i: d.get_conserved_quantities(k),
    "at a vertex": lambda d, k, i: d.get_conserved_quantities(k, vertex=i),
    "evolved quantities": lambda d, k, i: d.get_evolved_quantities(k, edge=i),
    **{name: lambda d, k, i, name=name: d.quantities[name].edge_values[k, i] for name in NAMES},
    "plain numbers": lambda d, k, i: d.quantities["stage"].edge_values[int(k), int(i)],
    "the next edge": lambda d, k, i: d.quantities["stage"].edge_values[k, (i + 1) % 3],
    "the last edge": lambda d, k, i: d.quantities["stage"].edge_values[k, -1],
    "from the end": lambda d, k, i: d.quantities["stage"].edge_values[k - len(d), i],
    "another triangle": lambda d, k, i: d.quantities["stage"].edge_values[k // 2, i],
    "a row": lambda d, k, i: d.quantities["stage"].edge_values[k],
    "part of a row": lambda d, k, i: d.quantities["stage"].edge_values[k, :2],
    "a fourth edge": lambda d, k, i: d.quantities["stage"].edge_values[k, 3],
    "a float": lambda d, k, i: d.quantities["stage"].edge_values[float(k), i],
    "a truth": lambda d, k, i: d.quantities["stage"].edge_values[k, i == 0].shape,
    "beyond": lambda d, k, i: d.quantities["stage"].edge_values[10**6, i],
    "a normal": lambda d, k, i: d.normals[k, 2 * i : 2 * i + 2],
    "a component": lambda d, k, i: d.normals[k, 2 * i + 1],
    "all normals": lambda d, k, i: d.normals[k],
    "normals, backwards": lambda d, k, i: d.normals[k, ::-1],
    "a midpoint": lambda d, k, i: d.get_edge_midpoint_coordinate(k, i),
    "a midpoint, absolute": lambda d, k, i: d.get_edge_midpoint_coordinate(k, i, absolute=True),
    "a midpoint of a float": lambda d, k, i: d.get_edge_midpoint_coordinate(float(k), i),
    "midpoints": lambda d, k, i: d.get_edge_midpoint_coordinates(k),
    "edge coordinates": lambda d, k, i: d.edge_coordinates[3 * k + i],
    "a centroid": lambda d, k, i: d.centroid_coordinates[k],
    "a seventh component": lambda d, k, i: d.normals[k, 6],
}


class Own(Boundary):
    """Notes what it is asked, what it reads, and the boundary values of the edges before."""

    def __init__(self, domain: Any, read: Callable[[Any, Any, Any], Any]) -> None:
        super().__init__()
        self.domain, self.read, self.seen = domain, read, []
        self.held = domain.quantities["stage"].edge_values

    def evaluate(self, vol_id: Any = None, edge_id: Any = None) -> Any:
        try:
            found = self.read(self.domain, vol_id, edge_id)
            answer = type(found) if np.isscalar(found) else np.ndarray, np.asarray(found).tobytes()
        except (IndexError, TypeError, AssertionError) as error:
            answer = type(error), str(error)
        before = self.domain.quantities["stage"].boundary_values.tobytes()
        self.seen.append((type(vol_id), int(vol_id), type(edge_id), int(edge_id), answer, before,
                          float(self.held[vol_id, edge_id])))
        return [0.01 * vol_id, float(edge_id), 0.5]


def _loop(domain: Any, boundary: Any) -> dict[str, np.ndarray]:
    return written(domain, lambda tag, edges: boundary.evaluate_segment(domain, edges))


def _evaluated(domain: Any, boundary: Any) -> dict[str, np.ndarray]:
    return written(domain, lambda tag, edges: domain.evaluate_boundary(boundary, tag, edges))


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_it_reads_is_what_it_read(domain: Any, read: Callable) -> None:
    boundary = Own(domain, read)
    values = _loop(domain, boundary)
    expected, boundary.seen = boundary.seen, []
    for _ in range(2):      # the second time with what was kept of the mesh
        found = _evaluated(domain, boundary)
        assert expected == boundary.seen
        boundary.seen = []
        for name in NAMES:
            np.testing.assert_array_equal(values[name], found[name])
    assert len(expected) == domain.boundary_length
    assert not domain.on_stock_arrays


@pytest.fixture
def nothing_shown(domain: Any) -> Iterator[None]:
    yield
    assert domain._lean_edges is None
    assert domain.lean is None or domain.lean.edges.shown is None
    assert all(q.shown_edges is None for q in domain.quantities.values())
    assert domain.mesh.view("normals")._read is None


@pytest.mark.usefixtures("nothing_shown")
@pytest.mark.parametrize("answer", [[1.0, 2.0], None], ids=["two values", "none"])
def test_what_it_must_not_return_is_refused_as_by_anuga(domain: Any, answer: Any) -> None:
    boundary = Own(domain, READS["stage"])
    boundary.evaluate = lambda vol_id, edge_id: answer
    with pytest.raises(Exception) as expected:
        _loop(domain, boundary)
    with pytest.raises(Exception) as found:
        _evaluated(domain, boundary)
    assert (type(expected.value), str(expected.value)) == (type(found.value), str(found.value))


@pytest.mark.usefixtures("nothing_shown")
@pytest.mark.parametrize("change", [
    lambda d: d.set_quantity("stage", 3.0),
    lambda d: d.distribute_to_vertices_and_edges(False),
    lambda d: d.quantities["stage"].centroid_values.__setitem__(slice(None), 2.5),
], ids=["set", "distributed", "written"])
def test_what_changes_in_between_is_seen_as_in_the_loop(domain: Any, change: Callable) -> None:
    state = {name: domain.quantities[name].centroid_values.copy() for name in NAMES[:3]}

    class Changing(Own):
        def evaluate(self, vol_id: Any = None, edge_id: Any = None) -> Any:
            if len(self.seen) in (3, 40):
                change(self.domain)
            return super().evaluate(vol_id, edge_id)

    def seen(run: Callable) -> Any:
        for name, values in state.items():
            domain.set_quantity(name, values, location="centroids")
        domain.distribute_to_vertices_and_edges(False)
        boundary = Changing(domain, lambda d, k, i: (
            *d.get_conserved_quantities(k, edge=i), d.quantities["stage"].edge_values[k, i]))
        run(domain, boundary)
        return boundary.seen

    # what is read first fixes ANUGA's edge values; here they are those of the distribution
    domain.quantities["stage"].edge_values[0, 0]
    expected, found = seen(_loop), seen(_evaluated)
    assert [each[:4] for each in expected] == [each[:4] for each in found]
    if "centroid_values" not in str(change.__code__.co_names):
        assert expected == found


@pytest.mark.usefixtures("nothing_shown")
def test_edge_values_that_it_sets_are_stocks(domain: Any) -> None:
    class Setting(Own):
        def evaluate(self, vol_id: Any = None, edge_id: Any = None) -> Any:
            if len(self.seen) == 5:
                self.domain.quantities["stage"].edge_values[vol_id, edge_id] = 9.0
            return super().evaluate(vol_id, edge_id)

    boundary = Setting(domain, READS["stage"])
    with pytest.warns(StockKernelWarning, match="edge values"):
        _evaluated(domain, boundary)
    assert domain.on_stock_arrays
    assert boundary.seen[5][4] == (np.float64, np.float64(9.0).tobytes())


@pytest.mark.usefixtures("nothing_shown")
def test_normals_that_it_writes_are_the_meshs(domain: Any) -> None:
    boundary = Own(domain, READS["a normal"])
    _evaluated(domain, boundary)
    k, i = int(domain.boundary_cells[0]), int(domain.boundary_edges[0])
    kept = domain.normals[k, 2 * i : 2 * i + 2].copy()
    domain.normals[k, 2 * i] = 5.0
    boundary.seen = []
    _evaluated(domain, boundary)
    assert boundary.seen[0][4][1] == np.array([5.0, kept[1]]).tobytes()


def test_nothing_of_it_is_pickled(domain: Any) -> None:
    import pickle

    class Pickling(Own):
        def evaluate(self, vol_id: Any = None, edge_id: Any = None) -> Any:
            if not self.seen:
                self.copy = pickle.loads(pickle.dumps(self.domain.quantities["stage"]))
            return super().evaluate(vol_id, edge_id)

    boundary = Pickling(domain, READS["stage"])
    _evaluated(domain, boundary)
    assert boundary.copy.shown_edges is None


def test_an_own_loop_is_left_alone(domain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(Boundary, "evaluate_segment",
                        lambda self, domain, edges: calls.append(len(edges)))
    _evaluated(domain, Own(domain, READS["stage"]))
    assert domain.boundary_length == sum(calls)
    assert isinstance(domain, anuga.Domain)
