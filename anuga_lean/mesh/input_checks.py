"""Checks what a mesh is made from, before anything is allocated for it.

Owns the errors about nodes, triangles, given neighbours and boundary tags, and
the int32 ceiling.  Does not own the mesh: `mesh` calls these in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anuga_lean import _kernels
from anuga_lean._errors import InvalidMesh, MeshError

# Edges are numbered 3*k + i in int32.
MOST_TRIANGLES = (2**31 - 1) // 3
MOST_NODES = 2**31 - 2
_ROWS_PER_CHUNK = 1 << 16


def checked_nodes(coordinates: ArrayLike) -> NDArray[np.float64]:
    """Return the nodes, (number_of_nodes, 2) float64: the given array if it is like that."""
    nodes = np.asarray(coordinates)
    if nodes.ndim != 2 or nodes.shape[1] != 2:
        raise InvalidMesh(
            f"Nodes must be an Nx2 numeric array or a sequence of 2-tuples; "
            f"the supplied array has the shape {nodes.shape}")
    if len(nodes) > MOST_NODES:
        raise InvalidMesh(
            f"a mesh has at most {MOST_NODES:,} nodes (int32), this one has {len(nodes):,}")
    return np.ascontiguousarray(nodes, np.float64)


def checked_triangles(triangles: ArrayLike, nodes: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return (n, 3) int32: triangles whose nodes exist and whose area is positive."""
    given = np.asarray(triangles)
    if given.ndim != 2 or given.shape[1] != 3 or len(given) == 0:
        raise InvalidMesh(
            f"Triangles must be an Mx3 numeric array or a sequence of 3-tuples; "
            f"the supplied array has the shape {given.shape}")
    check_number_of_triangles(len(given))
    if given.dtype.kind not in "iu":
        given = given.astype(np.int64)
    if given.min() < 0 or given.max() >= len(nodes):
        row = int(np.flatnonzero(((given < 0) | (given >= len(nodes))).any(axis=1))[0])
        raise InvalidMesh(
            f"Vertex indices reference non-existing coordinate sets: triangle {row} is "
            f"{given[row].tolist()}, the mesh has {len(nodes)} nodes")
    corners = np.ascontiguousarray(given, np.int32)
    count, first = _kernels.count_flat(nodes, corners)
    if count:
        raise InvalidMesh(_describe_flat(nodes, corners, count, first))
    return corners


def check_number_of_triangles(n: int) -> None:
    """Raise InvalidMesh if the edges of `n` triangles cannot be numbered."""
    if n > MOST_TRIANGLES:
        raise InvalidMesh(
            f"a mesh has at most {MOST_TRIANGLES:,} triangles (int32 edge numbers), "
            f"this one has {n:,}: run it in parts with anuga.distribute")


def _describe_flat(
    nodes: NDArray[np.float64], corners: NDArray[np.int32], count: int, first: int
) -> str:
    """Say which triangles have no positive area, and why the first has none."""
    corner = corners[first].tolist()
    others = "" if count == 1 else f" and {count - 1:,} more"
    where = ", ".join(f"({x:g}, {y:g})" for x, y in nodes[corner])
    if len(set(corner)) < 3:
        why = f"it names a node twice: {corner}"
    elif not np.isfinite(nodes[corner]).all():
        why = f"its nodes {corner} are at {where}"
    else:
        why = f"its nodes {corner} at {where} are not in counter-clockwise order"
    return f"Degenerate Triangle(s) [{first}]{others}: the area is not positive; {why}"


def find_links(
    corners: NDArray[np.int32],
    number_of_nodes: int,
    neighbours: ArrayLike | None,
    neighbour_edges: ArrayLike | None,
) -> tuple[NDArray[np.int32], bool]:
    """Return (links, whether they follow from the nodes of the triangles).

    The links are (n, 3) int32: 3*m + e beyond each edge, -1 at a boundary.
    Neighbours that were given are taken as they are, as ANUGA does; their
    edges are found if they were not given.
    """
    if neighbours is None:
        return _kernels.find_neighbours(corners, number_of_nodes), True
    given = _checked_table(neighbours, len(corners), "triangle_neighbours")
    if neighbour_edges is None:
        return _find_edges(given, corners, number_of_nodes)
    links = _joined(given, neighbour_edges, len(corners))
    return links, links_follow(links, corners, number_of_nodes)


def links_follow(
    links: NDArray[np.int32], corners: NDArray[np.int32], number_of_nodes: int
) -> bool:
    """Whether the neighbours are those that the nodes of the triangles imply."""
    try:
        return np.array_equal(links, _kernels.find_neighbours(corners, number_of_nodes))
    except MeshError:   # e.g. three triangles at an edge
        return False


def _joined(given: np.ndarray, neighbour_edges: ArrayLike, n: int) -> NDArray[np.int32]:
    """Return the links to the neighbours and edges given, -1 for a negative neighbour."""
    edges = _checked_table(neighbour_edges, n, "triangle_neighbour_edges")
    links = np.empty((n, 3), np.int32)
    for start in range(0, n, _ROWS_PER_CHUNK):
        rows = slice(start, start + _ROWS_PER_CHUNK)
        m, e = given[rows], edges[rows]
        bad = (m >= n) | ((m >= 0) & ((e < 0) | (e > 2)))
        if bad.any():
            row, i = (int(x[0]) for x in np.nonzero(bad))
            raise InvalidMesh(
                f"edge {i} of triangle {start + row} cannot have edge {e[row, i]} of triangle "
                f"{m[row, i]} as its neighbour: check the triangle_neighbours given")
        links[rows] = np.where(m < 0, -1, 3 * m + e)
    return links


def _checked_table(values: ArrayLike, n: int, name: str) -> np.ndarray:
    table = np.asarray(values)
    if table.dtype not in (np.int32, np.int64):     # edge numbers 3*m + e fit these
        table = table.astype(np.int64)
    if table.shape != (n, 3):
        raise InvalidMesh(f"{name} must have the shape ({n}, 3), not {table.shape}")
    return table


def _find_edges(
    given: np.ndarray, corners: NDArray[np.int32], number_of_nodes: int
) -> tuple[NDArray[np.int32], bool]:
    """Return the links to the neighbours given, whose edges are not known."""
    links = _kernels.find_neighbours(corners, number_of_nodes)
    follow = True
    for start in range(0, len(corners), _ROWS_PER_CHUNK):
        rows = slice(start, start + _ROWS_PER_CHUNK)
        m, found = given[rows], links[rows]
        differs = np.where(m < 0, -1, m) != np.where(found < 0, -1, found // 3)
        for row, i in np.argwhere(differs).tolist():
            links[start + row, i] = _link_back(given, start + row, i)
            follow = False
    return links, follow


def _link_back(given: np.ndarray, k: int, i: int) -> int:
    """Return the link beyond edge i of triangle k: the last edge that points back."""
    m = int(given[k, i])
    if m < 0:
        return -1
    back = np.flatnonzero(given[m] == k) if m < len(given) else np.empty(0, np.int64)
    if len(back) == 0:
        raise InvalidMesh(
            f"triangle {m}, given as neighbour {i} of triangle {k}, does not point back: "
            f"check the triangle_neighbours given")
    return 3 * m + int(back[-1])


def checked_boundary(boundary: Mapping[tuple[int, int], Any] | None, n: int) -> None:
    """Check that every edge with a tag exists in a mesh of `n` triangles."""
    if boundary is not None and not isinstance(boundary, Mapping):
        raise InvalidMesh(f"the boundary is a {type(boundary).__name__}: give a dictionary of tags "
                          "by (triangle, edge)")
    for k, i in boundary or ():
        whole = isinstance(k, (int, np.integer)) and isinstance(i, (int, np.integer))
        if not whole or not (0 <= k < n and 0 <= i < 3):
            raise InvalidMesh(
                f"Segment ({k}, {i}) does not exist: the boundary dictionary tags edges 0 to 2 "
                f"of triangles 0 to {n - 1}")
