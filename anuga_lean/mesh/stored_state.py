"""Makes what pickles and checkpoints hold of a mesh, and checks what they bring back.

Owns the compact form: nodes, triangles, boundary tags and, where they do not follow from
the triangles, neighbours.  `mesh` restores a mesh from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean._errors import InvalidMesh
from anuga_lean.arrays.parts import ArrayParts
from anuga_lean.mesh.tables import ON_DOMAIN, TABLES, shape_of

_ROWS_PER_PART = 1 << 14    # of a table that is written

Links = Callable[[slice], NDArray[np.int32]]


def compact_state(mesh: Any, links: Links | None, held: Callable[[ArrayParts], Any]
                  ) -> dict[str, Any]:
    """Return nodes, triangles, links and boundary tags, 20 bytes per triangle.

    Parameters
    ----------
    mesh : Mesh
        On blocks.
    links : callable or None
        Returns 3*m + e beyond each edge of some triangles, (m, 3) int32; None if the links
        follow from the triangles.
    held : callable
        Returns what is to stand for an array that is had in parts.
    """
    n = len(mesh)
    triangles = mesh.view("triangles")
    tags = list(dict.fromkeys(mesh.boundary.values()))
    place = {tag: i for i, tag in enumerate(tags)}
    return {
        "nodes": held(ArrayParts(float, (mesh.number_of_nodes, 2), mesh.blocks.node_parts)),
        "triangles": held(ArrayParts(np.int32, triangles.shape, lambda: (
            triangles[some].astype(np.int32) for some in _slices(n)))),
        "links": None if links is None else held(
            ArrayParts(np.int32, (n, 3), lambda: map(links, _slices(n)))),
        "tags": tags,
        "tag": np.array([place[tag] for tag in mesh.boundary.values()], np.int32),
    }


def _slices(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS_PER_PART):
        yield slice(start, min(start + _ROWS_PER_PART, count))


def check_compact(compact: dict[str, Any], node_order: Any) -> None:
    """Raise InvalidMesh unless the numbers of a compact form are in range.

    `Mesh` checks nodes, triangles and tags when it takes them.
    """
    n, nodes = len(compact["triangles"]), len(compact["nodes"])
    if node_order is not None:
        corners, count = node_order
        check_range("the corners at the nodes", corners, 3 * n)
        check_range("the numbers of triangles at a node", count, 3 * n + 1)
        if count.shape != (nodes,) or corners.shape != (3 * n,) or count.sum() != 3 * n:
            raise InvalidMesh(f"{len(corners):,} corners at the nodes of {n:,} triangles")
    numbered = compact["numbered"]
    if numbered is not None:
        check_range("boundary_cells", numbered["boundary_cells"], n)
        check_range("boundary_edges", numbered["boundary_edges"], 3)


def check_tables(mesh: Any, names: Iterable[str]) -> None:
    """Raise InvalidMesh unless these real tables are such that ANUGA's kernels may run."""
    n, nodes, edges = len(mesh), mesh.number_of_nodes, mesh.boundary_length
    for name in names:
        found, table = mesh.real_arrays[name], TABLES[name]
        shape = shape_of(name, n, nodes)
        kind = "f" if table.limits is None else "i"
        if not isinstance(found, np.ndarray) or found.dtype.kind != kind:
            raise InvalidMesh(f"{name} is no array of {'numbers' if kind == 'f' else 'integers'}")
        if found.shape != shape:
            shown = next(each for each, table_name in ON_DOMAIN.items() if table_name == name)
            raise InvalidMesh(f"domain.{shown} has shape {found.shape}, a mesh of {n:,} triangles "
                              f"and {nodes:,} nodes needs {shape}")
        if table.limits is not None:
            least, end = table.limits(n, nodes, edges)
            check_range(name, found, end, least)


def check_range(name: str, values: Any, end: int, least: int = 0) -> None:
    """Raise InvalidMesh unless all are integers from `least` to below `end`."""
    if not isinstance(values, np.ndarray) or values.dtype.kind != "i" \
            or values.size and not least <= values.min() <= values.max() < end:
        raise InvalidMesh(f"{name} are not integers from {least} to below {end:,}")


def checked_links(links: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    """Return the links of `n` triangles, (n, 3) int32, each -1 or 3*m + e."""
    if links.shape != (n, 3) or links.dtype != np.int32 or links.min() < -1 \
            or links.max() >= 3 * n:
        raise InvalidMesh(f"the neighbours of {n:,} triangles are out of range")
    return links
