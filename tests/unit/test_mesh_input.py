"""What no mesh can be made of: ANUGA's words, one sentence, nothing changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes.mesh_factory import rectangular

from anuga_lean._errors import InvalidMesh, MeshError
from anuga_lean.mesh.mesh import Mesh, StockMesh

SQUARE = [[0, 0], [1.0, 0], [1, 1], [0, 1]]


@pytest.mark.parametrize(("arguments", "message"), [
    ((SQUARE, [[0, 1, 4]]), r"non-existing coordinate sets: triangle 0 is \[0, 1, 4\], .* 4 nodes"),
    ((SQUARE, [[0, 1, 2], [0, -1, 2]]), "non-existing coordinate sets: triangle 1"),
    ((SQUARE, [[0, 2, 1]]), r"Degenerate Triangle\(s\) \[0\]: .* counter-clockwise"),
    ((SQUARE, [[0, 1, 2], [0, 1, 1]]), r"Degenerate Triangle\(s\) \[1\]: .* a node twice"),
    ((SQUARE, [[0, 2, 1], [0, 3, 2]]), r"\[0\] and 1 more"),
    (([[0, 0], [1, 0], [2.0, 0]], [[0, 1, 2]]), "Degenerate"),
    (([[0, 0], [1, 0], [0, np.nan]], [[0, 1, 2]]), r"\(0, nan\)"),
    ((SQUARE, [0, 1, 2]), r"Mx3 .* has the shape \(3,\)"),
    ((SQUARE, [[0, 1, 2, 3]]), r"Mx3 .* has the shape \(1, 4\)"),
    ((SQUARE, np.empty((0, 3), int)), r"Mx3 .* has the shape \(0, 3\)"),
    (([0, 1, 2], [[0, 1, 2]]), r"Nx2 .* has the shape \(3,\)"),
    ((np.zeros((4, 3)), [[0, 1, 2]]), r"Nx2 .* has the shape \(4, 3\)"),
    ((SQUARE, [[0, 1, 2]], {(1, 0): "x"}), r"Segment \(1, 0\) does not exist"),
    ((SQUARE, [[0, 1, 2]], {(0, 3): "x"}), r"Segment \(0, 3\) does not exist"),
    ((SQUARE, [[0, 1, 2]], {(0, -1): "x"}), r"Segment \(0, -1\) does not exist"),
    ((SQUARE, [[0, 1, 2]], {(0.5, 0): "x"}), r"Segment \(0.5, 0\) does not exist"),
    ((SQUARE, [[0, 1, 2]], [(0, 0)]), "the boundary is a list"),
    ((SQUARE, [[0, 1, 2]], {("0", 0): "x"}), r"Segment \(0, 0\) does not exist"),
    ((SQUARE, [[0, 1, 2]], {(0, np.nan): "x"}), r"Segment \(0, nan\) does not exist"),
    ((SQUARE, np.array([[0, 1, 2**32 + 2]])), "non-existing coordinate sets: triangle 0"),
    ((SQUARE, np.array([[0, 1, 2**63 + 2]], np.uint64)), "non-existing coordinate sets"),
    ((SQUARE, np.array([[0, 1, 838_860_800]], np.int32)), "non-existing coordinate sets"),
    ((SQUARE, np.array([[0, 1, -2]], np.int8)), "non-existing coordinate sets"),
    ((SQUARE, [[0, 1, 2]], {}, {"a": [1]}), "Not all elements exist: tag 'a' names triangle 1"),
])
def test_bad_input(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidMesh, match=message) as raised:
        Mesh(*arguments)
    assert isinstance(raised.value, MeshError)
    assert isinstance(raised.value, AssertionError)
    assert isinstance(raised.value, ValueError)
    assert "\n" not in str(raised.value)


def test_a_refused_boundary_is_left_alone() -> None:
    boundary = {(0, 0): "x", (7, 0): "x"}
    with pytest.raises(InvalidMesh):
        Mesh(SQUARE, [[0, 1, 2]], boundary)
    assert {(0, 0): "x", (7, 0): "x"} == boundary


def test_duplicate_edges_are_named_as_stock_names_them() -> None:
    nodes = [*SQUARE, [2.0, 0.5], [0.5, 2.0]]
    triangles = [[0, 1, 2], [0, 4, 5], [4, 5, 0], [0, 1, 3]]
    with pytest.raises(Exception, match="duplicating") as stock:
        StockMesh(nodes, triangles)
    with pytest.raises(MeshError, match="duplicating") as lean:
        Mesh(nodes, triangles)
    assert str(stock.value).rstrip() == str(lean.value)


def test_neighbours_that_cannot_be() -> None:
    nodes, triangles = rectangular(1, 1)[:2]
    none = np.full((2, 3), -1)
    bad = none.copy()
    bad[0, 1] = 5
    with pytest.raises(InvalidMesh, match="edge 1 of triangle 0 cannot have edge -1 of triangle 5"):
        Mesh(nodes, triangles, triangle_neighbours=bad, triangle_neighbour_edges=none)
    with pytest.raises(InvalidMesh, match="triangle 5, given as neighbour 1 of triangle 0"):
        Mesh(nodes, triangles, triangle_neighbours=bad)
    with pytest.raises(InvalidMesh, match=r"must have the shape \(2, 3\)"):
        Mesh(nodes, triangles, triangle_neighbours=bad[:1])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.float32,
                                   np.int64, object])
def test_neighbours_of_any_type_give_the_same_mesh(dtype: Any) -> None:
    """Edges are numbered 3*m + e, which does not fit the smaller types."""
    nodes, triangles = rectangular(7, 9)[:2]
    expected = Mesh(nodes, triangles)
    given = [np.where(np.asarray(each) < 0, np.iinfo(dtype).max if kind == "u" else -1, each)
             for kind in [np.dtype(dtype).kind]
             for each in (expected.neighbours, expected.neighbour_edges)]
    if np.dtype(dtype).kind == "u":     # these have no number for a boundary
        with pytest.raises(InvalidMesh, match="cannot have edge"):
            Mesh(nodes, triangles, triangle_neighbours=given[0].astype(dtype),
                 triangle_neighbour_edges=given[1].astype(dtype))
        return
    mesh = Mesh(nodes, triangles, triangle_neighbours=given[0].astype(dtype),
                triangle_neighbour_edges=given[1].astype(dtype))
    assert np.array_equal(expected.neighbours, mesh.neighbours)
    assert np.array_equal(expected.neighbour_edges, mesh.neighbour_edges)


def test_the_ceiling_is_checked_before_anything_is_allocated() -> None:
    triangles = np.broadcast_to(np.array([[0, 1, 2]], np.int32), (715_827_883, 3))
    with pytest.raises(InvalidMesh, match="at most 715,827,882 triangles .* has 715,827,883"):
        Mesh(SQUARE, triangles)
    nodes = np.broadcast_to(np.zeros((1, 2)), (2**31, 2))
    with pytest.raises(InvalidMesh, match="at most 2,147,483,646 nodes"):
        Mesh(nodes, [[0, 1, 2]])
