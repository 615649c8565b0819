"""Shows the tables that ANUGA keeps about a mesh, as views over the blocks.

Owns the list of tables (name, shape, dtype, range, which kernel derives it), the view
class and the property through which a mesh shows one.  Does not own the
blocks (`blocks`) or what a mesh does when a table is written (`mesh`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anuga_lean._class_names import lasting
from anuga_lean._kernels import GEOMETRY_TABLES, RELATION_TABLES
from anuga_lean.arrays.view import ArrayView
from anuga_lean.memory_limits import telling

if TYPE_CHECKING:
    from anuga_lean.mesh.mesh import Mesh


Limits = Callable[[int, int, int], tuple[int, int]]


class _Table(NamedTuple):
    """The way a table is derived: by which kernel, with how many rows and columns."""

    kind: str          # "geometry" or "relation", of _kernels' tables, or "node"
    rows: int          # per triangle
    columns: int       # 0 for a one-dimensional table
    doc: str
    # returns the least value and the end of the values, given the numbers of triangles, nodes
    # and boundary edges; None where the values are never used as indices
    limits: Limits | None = None


TABLES: dict[str, _Table] = {
    "normals": _Table(
        "geometry", 1, 6, "(n, 6) float64, outward unit normals x0 y0 x1 y1 x2 y2."),
    "edgelengths": _Table("geometry", 1, 3, "(n, 3) float64, m."),
    "areas": _Table("geometry", 1, 0, "(n,) float64, m2."),
    "radii": _Table(
        "geometry", 1, 0, "(n,) float64, m: the length in the CFL condition."),
    "centroid_coordinates": _Table("geometry", 1, 2, "(n, 2) float64, m."),
    "vertex_coordinates": _Table(
        "geometry", 3, 2, "(3*n, 2) float64, m: vertex i of triangle k in row 3*k + i."),
    "edge_midpoint_coordinates": _Table(
        "geometry", 3, 2, "(3*n, 2) float64, m: edge i of triangle k in row 3*k + i."),
    "triangles": _Table(
        "relation", 1, 3, "(n, 3) int64, nodes, counter-clockwise.",
        lambda n, nodes, edges: (0, nodes)),
    "neighbours": _Table(
        "relation", 1, 3, "(n, 3) int64, a triangle or -1-j at boundary edge j.",
        lambda n, nodes, edges: (-edges, n)),
    "neighbour_edges": _Table(
        "relation", 1, 3, "(n, 3) int64, the neighbour's edge, -1 without a neighbour.",
        lambda n, nodes, edges: (-1, 3)),
    "surrogate_neighbours": _Table(
        "relation", 1, 3, "(n, 3) int64, the neighbour, or the triangle itself.",
        lambda n, nodes, edges: (0, n)),
    "number_of_boundaries": _Table(
        "relation", 1, 0, "(n,) int64, edges without a neighbour.",
        lambda n, nodes, edges: (0, 4)),
    "nodes": _Table("node", 0, 2, "(number_of_nodes, 2) float64, m."),
    "number_of_triangles_per_node": _Table(
        "node", 0, 0, "(number_of_nodes,) int64.", lambda n, nodes, edges: (0, 3 * n + 1)),
    "node_index": _Table(
        "node", 0, 0, "(number_of_nodes + 1,) int64: where a node's corners begin in "
        "vertex_value_indices.", lambda n, nodes, edges: (0, 3 * n + 1)),
    "vertex_value_indices": _Table(
        "node", 3, 0, "(3*n,) int64: corners 3*k + i grouped by their node.",
        lambda n, nodes, edges: (0, 3 * n)),
}
# The attribute of a domain that shows a table.
ON_DOMAIN = {"edge_coordinates" if name == "edge_midpoint_coordinates" else name: name
             for name in TABLES}


def with_tables(show: Callable[[str], Any], attributes: Mapping[str, str]) -> Any:
    """Return a class decorator that adds an attribute for each table.

    Parameters
    ----------
    show : callable
        Makes the descriptor of a table, given its name.
    attributes : mapping of str to str
        The table that each attribute shows.
    """
    def add(cls: type) -> type:
        for attribute, table in attributes.items():
            setattr(cls, attribute, show(table))
        return cls
    return add


def _shape(mesh: Mesh, name: str) -> tuple[int, ...]:
    return shape_of(name, mesh.number_of_triangles, mesh.number_of_nodes)


def shape_of(name: str, n: int, number_of_nodes: int) -> tuple[int, ...]:
    """Return the shape of a table of a mesh of `n` triangles."""
    table = TABLES[name]
    rows = table.rows * n
    if table.kind == "node" and table.rows == 0:
        rows = number_of_nodes + (name == "node_index")
    return (rows, table.columns) if table.columns else (rows,)


_SHORT = 1 << 10        # rows whose memory cannot be missing: none of `_elements` looks for it
_INT64 = np.dtype(np.int64)
# Indices that are answered by one call of the kernels.
_ONE = (int, np.int64)
_COLUMNS = (int, np.int64, slice)
_ALL = slice(None)


@lasting("MeshTable")
class MeshTable(ArrayView):
    """One table of a mesh, computed from its blocks when it is indexed.

    Parameters
    ----------
    owner : Mesh
    name : str
        The attribute of the mesh, a key of `TABLES`.
    """

    def __init__(self, owner: Mesh, name: str) -> None:
        is_float = TABLES[name].kind == "geometry" or name == "nodes"
        super().__init__(owner, _shape(owner, name), np.float64 if is_float else np.int64)
        self.name = name
        self._by_chunks = TABLES[name].kind != "node"
        self._geometry = GEOMETRY_TABLES.get(name)      # the kernels' number of it
        self._read: dict[Any, Any] | None = None
        self._most = 0

    def keep_in(self, read: dict[Any, Any] | None, most: int = 0) -> None:
        """Keep in a dict what is read, and answer from it; None: no more.

        Parameters
        ----------
        read : dict or None
            Of this table and the mesh's present blocks.
        most : int
            So many elements or parts are kept.
        """
        self._read, self._most = read, most

    def __getitem__(self, key: Any) -> Any:
        """Return elements; operators and boundaries ask for a few rows in every step."""
        if type(key) is np.ndarray and key.size < _SHORT:
            rows = self._few(key)
            if rows is not None:
                return rows
        name = None if self._read is None else _name_of(key)
        return self._elements(key) if name is None else self.kept(name, self._elements, key)

    def kept(self, name: Any, compute: Callable[..., Any], *args: Any) -> Any:
        """Return what `compute` returns for the arguments, or has returned for this name."""
        read = self._read
        if read is None or self._stored() is not None:
            return compute(*args)
        found = read.get(name)
        if found is None:
            found = compute(*args)
            if len(read) < self._most:
                read[name] = found
        return found

    @telling("an array that is computed when it is read")
    def _elements(self, key: Any) -> Any:
        """Return elements, computed."""
        head, column = key if type(key) is tuple and len(key) == 2 else (key, None)
        if type(head) in _ONE:
            rows = self._few(np.array([head])) if key is head or type(column) in _COLUMNS else None
            if rows is not None:
                return self._picked(rows[0] if key is head else rows[0, column], key)
        elif key is head or type(column) is int:
            rows = self._few(head)
            if rows is not None:
                return rows if key is head else rows[:, column].copy()
        return super().__getitem__(key)

    def take(self, indices: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the elements `indices`, as `ndarray.take` does."""
        rows = None if args or kwargs or self.ndim > 1 else self._few(indices)
        return super().take(indices, *args, **kwargs) if rows is None else rows

    def _few(self, ks: Any) -> np.ndarray | None:
        """Return rows of geometry where they can be had at once; None for any other index."""
        table = self._geometry
        if table is None or type(ks) is not np.ndarray or ks.dtype != _INT64 or ks.ndim != 1 \
                or self.name in self.owner.real_arrays:
            return None
        try:
            values = self.owner.blocks.handle().geometry_rows(table, np.ascontiguousarray(ks))
        except IndexError:
            return None     # counted from the end, or out of bounds
        return values if self.ndim > 1 else values[:, 0]

    def _rows(self, ks: NDArray[np.int64]) -> np.ndarray:
        table = TABLES[self.name]
        ks = np.ascontiguousarray(ks)
        handle = self.owner.blocks.handle()
        if table.kind == "geometry":
            values = handle.geometry_rows(GEOMETRY_TABLES[self.name], ks)
        elif table.kind == "relation":
            values = handle.relation_rows(RELATION_TABLES[self.name], ks)
        else:
            return self._node_rows(ks)
        return values if table.columns else values[:, 0]

    def _all(self) -> np.ndarray:
        table = TABLES[self.name]
        handle = self.owner.blocks.handle()
        if table.kind == "geometry":
            values = handle.geometry_all(GEOMETRY_TABLES[self.name])
        elif table.kind == "relation":
            values = handle.relation_all(RELATION_TABLES[self.name])
        else:
            return self._node_all()
        if not table.columns:
            values.resize(len(values), refcheck=False)  # its own memory, as ANUGA's array has it
        return values

    def _node_rows(self, ks: NDArray[np.int64]) -> np.ndarray:
        if self.name == "nodes":
            return self.owner.blocks.node_rows(ks)
        if self.name == "vertex_value_indices":
            return self.owner.node_order()[0][ks].astype(np.int64)
        starts = self.owner.node_starts()
        if self.name == "node_index":
            return starts[ks].astype(np.int64)
        return (starts[ks + 1] - starts[ks]).astype(np.int64)

    def _node_all(self) -> np.ndarray:
        if self.name == "nodes":
            return self.owner.blocks.nodes()
        if self.name == "vertex_value_indices":
            return self.owner.compute_vertex_value_indices()
        count = self.owner.blocks.handle().triangles_per_node()
        if self.name == "node_index":
            return np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
        return count

    def _stored(self) -> np.ndarray | None:
        return self.owner.real_arrays.get(self.name)

    def _change(self, change: Callable[[np.ndarray], Any]) -> None:
        change(self.owner.override(self.name))

    def _materialise(self) -> None:
        self.owner.override(self.name)


def _name_of(key: Any) -> Any:
    """Return what stands for an index in a dict, for those that boundaries use; else None."""
    if type(key) is not tuple:
        return key if type(key) in _ONE else None
    if len(key) != 2:
        return None
    head, column = key
    if type(head) in _ONE:
        if type(column) in _ONE:
            return key
        if type(column) is slice and column.step is None and type(column.start) in _ONE \
                and type(column.stop) in _ONE:
            return head, column.start, column.stop
    elif type(head) is slice and type(column) is slice and head.step is None \
            and type(head.start) in _ONE and type(head.stop) in _ONE and column == _ALL:
        return head.start, head.stop, None
    return None


def table_property(name: str) -> property:
    """Return the property that shows table `name` of a mesh and takes a new one."""

    def get(mesh: Mesh) -> np.ndarray | MeshTable:
        real = mesh.real_arrays.get(name)
        return mesh.view(name) if real is None else real

    def put(mesh: Mesh, values: Any) -> None:
        own = isinstance(values, MeshTable) and values.owner is mesh and values.name == name
        if not own:  # `mesh.areas *= 2` assigns the view to itself after writing
            mesh.replace(name, np.asarray(values))

    return property(get, put, doc=TABLES[name].doc)
