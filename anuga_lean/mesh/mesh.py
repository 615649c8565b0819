"""Stands for ANUGA's Mesh: the same mesh, held as blocks instead of stock arrays.

Owns the construction of a mesh, boundary tags and their enumeration, and what
happens when a script needs or writes a real array.
The blocks are in `blocks`, the derived tables in `tables`.

Longer than 500 lines: a method for each of ANUGA's Mesh that a mesh in blocks answers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh as StockMesh
from anuga.coordinate_transforms.geo_reference import Geo_reference
from numpy.typing import ArrayLike, NDArray

from anuga_lean import _kernels
from anuga_lean._class_names import lasting
from anuga_lean._errors import InvalidMesh
from anuga_lean.arrays.parts import ArrayParts
from anuga_lean.arrays.signatures import documented_as
from anuga_lean.arrays.stock_arrays import unless_on_stock_arrays
from anuga_lean.memory_limits import count_given, count_of, stage
from anuga_lean.mesh import lookup, messages
from anuga_lean.mesh.blocks import Blocks
from anuga_lean.mesh.input_checks import (
    checked_boundary,
    checked_nodes,
    checked_triangles,
    find_links,
    links_follow,
)
from anuga_lean.mesh.lookup import StockCopy
from anuga_lean.mesh.statistics import statistics_of
from anuga_lean.mesh.stored_state import check_compact, check_tables, checked_links, compact_state
from anuga_lean.mesh.tables import TABLES, MeshTable, table_property, with_tables

__all__ = ["StockCopy", "InvalidMesh", "Mesh"]

BoundaryDict = dict[tuple[int, int], str]

# What is never copied or pickled: it is made again when asked for.
_ONE = (int, np.int64)      # an index of one element
_TRANSIENT = ("_views", "_node_starts", "_triangle_spatial_index")
# What follows from nodes, triangles and boundary tags.
_NUMBERED = ("boundary_length", "boundary_enumeration", "boundary_cells", "boundary_edges",
             "tag_boundary_cells")
_DERIVED = ("blocks", "boundary", *_NUMBERED, "lone_vertices", "interpolation_object")
_NODES_AT_ONCE = 1 << 16


@lasting("Mesh")
@documented_as(StockMesh)
@with_tables(table_property, {name: name for name in TABLES})
class Mesh(StockMesh):
    """ANUGA's Mesh in about 40 bytes per triangle.

    Parameters
    ----------
    coordinates : (number_of_nodes, 2) array_like, m
    triangles : (n, 3) array_like of int
        Nodes of each triangle, counter-clockwise.
    boundary : dict, optional
        ``{(triangle, edge): tag}``; edges without a neighbour that are not in
        it are added to it with ANUGA's default tag, as ANUGA does.
    tagged_elements : dict, optional
        ``{tag: triangles}``; its values become int64 arrays, as ANUGA does.
    geo_reference : Geo_reference, optional
    use_inscribed_circle : bool
    triangle_neighbours, triangle_neighbour_edges : (n, 3) array_like of int, optional
        Neighbours found earlier, negative at a boundary.
    verbose : bool

    Attributes
    ----------
    blocks : Blocks
    real_arrays : dict
        Tables that exist as real arrays, because of `take_stock_arrays` or a write.
    overridden : set of str
        Tables that a script has written; lean kernels would not see the change.
    on_stock_arrays : bool
        Whether every table is a real array, as ANUGA's kernels need them.

    Raises
    ------
    InvalidMesh
        A `MeshError` that is also an `AssertionError`, as ANUGA raises.
    """

    @stage("the mesh", count_given)
    def __init__(
        self,
        coordinates: ArrayLike,
        triangles: ArrayLike,
        boundary: BoundaryDict | None = None,
        tagged_elements: dict[str, ArrayLike] | None = None,
        geo_reference: Geo_reference | None = None,
        use_inscribed_circle: bool = False,
        triangle_neighbours: ArrayLike | None = None,
        triangle_neighbour_edges: ArrayLike | None = None,
        verbose: bool = False,
    ) -> None:
        nodes = checked_nodes(coordinates)
        corners = checked_triangles(triangles, nodes)
        if verbose:
            messages.begin(len(corners))
        self._start(len(corners), len(nodes), verbose)
        self.use_inscribed_circle = use_inscribed_circle
        self.geo_reference = Geo_reference() if geo_reference is None else geo_reference
        self.xy_extent = np.array([*nodes.min(axis=0), *nodes.max(axis=0)])
        links, self._links_follow = find_links(
            corners, len(nodes), triangle_neighbours, triangle_neighbour_edges)
        checked_boundary(boundary, len(corners))
        self._tag_boundary(boundary, np.flatnonzero(links.ravel() < 0))
        self._number_boundary()
        self._cut(nodes, corners, links)
        self.build_tagged_elements_dictionary(tagged_elements)
        self.lone_vertices = self.blocks.lone_node.tolist()
        del nodes, corners, links
        _kernels.release_free_memory()
        if verbose:
            messages.end(self)

    def _start(self, number_of_triangles: int, number_of_nodes: int, verbose: bool) -> None:
        self.number_of_triangles = number_of_triangles
        self.number_of_nodes = number_of_nodes
        self.verbose = verbose
        self.real_arrays: dict[str, np.ndarray] = {}
        self.overridden: set[str] = set()
        self.on_stock_arrays = False
        self._views: dict[str, MeshTable] = {}
        self._node_order: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None
        self._node_order_follows = True     # from sorting the corners by node
        self._links_follow = True           # from the nodes of the triangles
        self._node_starts: NDArray[np.int32] | None = None

    # -- tables ---------------------------------------------------------------

    def view(self, name: str) -> MeshTable:
        """Return the view of a table, the same object at each call."""
        if name not in self._views:
            self._views[name] = MeshTable(self, name)
        return self._views[name]

    def override(self, name: str) -> np.ndarray:
        """Make a table a real array because it is about to be written."""
        if name not in self.real_arrays:
            self.replace(name, self.view(name).copy())
        return self.real_arrays[name]

    def replace(self, name: str, values: np.ndarray) -> None:
        """Show `values` in the place of a table from now on."""
        self.real_arrays[name] = values
        if not self.on_stock_arrays:
            self.overridden.add(name)

    def take_stock_arrays(self) -> None:
        """Make every table a real array, as ANUGA's kernels need them."""
        for name in TABLES:
            if name not in self.real_arrays:
                self.real_arrays[name] = self.view(name).copy()
        self.on_stock_arrays = True

    def stock_copy(self) -> StockCopy:
        """Return a mesh of ANUGA's own class whose tables are real arrays.

        Each is made when it is first used, and goes with the copy.
        """
        hidden = ("blocks", "real_arrays", "overridden", "on_stock_arrays", "_node_order",
                  *_TRANSIENT)
        return StockCopy(self, {k: v for k, v in vars(self).items() if k not in hidden})

    def compute_vertex_value_indices(self) -> NDArray[np.int64]:
        """Return a new (3*n,) array: corners 3*k + i grouped by their node.

        Notes
        -----
        numpy's default sort is not stable and its order among equal nodes
        depends on the dtype: sums over a node's triangles follow this order,
        so it is ANUGA's only if int64 is sorted by the same function.
        """
        if self._node_order is not None:
            return self._node_order[0].astype(np.int64)
        return np.argsort(np.asarray(self.triangles).ravel()).astype(np.int64, copy=False)

    def node_order(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return (vertex_value_indices, number_of_triangles_per_node) as int32.

        Made at the first call and kept: 14 bytes per triangle.
        """
        if self._node_order is None:
            indices = self.compute_vertex_value_indices().astype(np.int32)
            count = np.asarray(self.number_of_triangles_per_node).astype(np.int32)
            self._node_order = (indices, count)
        return self._node_order

    def _keep_node_order(self, indices: np.ndarray, count: np.ndarray) -> None:
        """Keep an order that sorting would not give: ANUGA renumbers, and does not sort."""
        self._node_order = None
        self._node_order_follows = np.array_equal(self.compute_vertex_value_indices(), indices)
        if not self._node_order_follows:
            self._node_order = (indices.astype(np.int32), count.astype(np.int32))

    def node_starts(self) -> NDArray[np.int32]:
        """Return node_index as int32, kept: 2 bytes per triangle."""
        if self._node_starts is None:
            self._node_starts = np.asarray(self.view("node_index")).astype(np.int32)
        return self._node_starts

    # -- building -------------------------------------------------------------

    @stage("the blocks of the mesh", count_of)
    def _cut(self, nodes: np.ndarray, triangles: np.ndarray, links: np.ndarray) -> None:
        """Cut the blocks; `links` is changed: boundary edges get their number."""
        edge = 3 * self.boundary_cells + self.boundary_edges
        index = np.arange(len(edge), dtype=np.int32)
        flat = links.reshape(-1)
        untagged = flat < 0
        untagged[edge] = False
        if untagged.any():      # the kernels would take its -1 for boundary edge 0
            k, i = divmod(int(np.argmax(untagged)), 3)
            raise InvalidMesh(
                f"edge {i} of triangle {k} has no neighbour and no tag in the boundary "
                f"dictionary: give it one")
        del untagged
        inside = flat[edge] >= 0
        flat[edge[~inside]] = -1 - index[~inside]
        self.blocks = Blocks.build(
            nodes, triangles, links,
            number_of_boundary_edges=len(edge),
            exception_edge=edge[inside].astype(np.int32),
            exception_index=index[inside],
            use_inscribed_circle=self.use_inscribed_circle,
        )

    def _links(self, some: slice = slice(None)) -> NDArray[np.int32]:
        """Return 3*m + e beyond each edge, -1 without a neighbour, from the blocks."""
        edges = np.asarray(self.neighbour_edges[some])
        links = (3 * np.asarray(self.surrogate_neighbours[some]) + edges).astype(np.int32)
        links[edges < 0] = -1
        return links

    def _tag_boundary(self, boundary: BoundaryDict | None, open_edges: NDArray[np.int64]) -> None:
        """Complete the tags of `boundary`."""
        from anuga.config import default_boundary_tag

        boundary = {} if boundary is None else boundary
        for edge in open_edges.tolist():
            boundary.setdefault((edge // 3, edge % 3), default_boundary_tag)
        self.boundary = boundary
        self.boundary_length = len(boundary)

    def _number_boundary(self) -> None:
        """Enumerate the edges of `boundary`, by triangle and edge, and list them by tag."""
        edges = sorted(self.boundary)
        self.boundary_enumeration = {(k, i): j for j, (k, i) in enumerate(edges)}
        self.boundary_cells = np.array([k for k, _ in edges], int)
        self.boundary_edges = np.array([i for _, i in edges], int)
        self.tag_boundary_cells = self._cells_by_tag(edges)

    def _cells_by_tag(self, edges: list[tuple[int, int]]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {tag: [] for tag in self.get_boundary_tags()}
        for j, edge in enumerate(edges):
            found[self.boundary[edge]].append(j)
        return found

    def build_boundary_dictionary(self, boundary: BoundaryDict | None = None) -> None:
        """Take new boundary tags; edges without a neighbour get the default tag.

        The edges are numbered anew by `build_boundary_neighbours` only, as in ANUGA.
        """
        checked_boundary(boundary, len(self))
        if self.on_stock_arrays:
            super().build_boundary_dictionary(boundary)
            return
        self._tag_boundary(boundary, 3 * self.boundary_cells + self.boundary_edges)

    @unless_on_stock_arrays
    def build_boundary_neighbours(self) -> None:
        """Enumerate the boundary edges anew, after `boundary` has changed."""
        if self.boundary is None:
            raise InvalidMesh(
                "Boundary dictionary must be defined before building boundary structure: "
                "call build_boundary_dictionary()")
        checked_boundary(self.boundary, len(self))
        numbered = 3 * self.boundary_cells + self.boundary_edges
        self._number_boundary()
        self._renumber(numbered)

    def _renumber(self, numbered: NDArray[np.int64]) -> None:
        """Cut again if the boundary edges are not those `numbered` in the blocks."""
        edge = 3 * self.boundary_cells + self.boundary_edges
        if np.array_equal(edge, numbered):
            return
        self._cut(np.asarray(self.nodes), np.asarray(self.triangles).astype(np.int32),
                  self._links())

    def build_tagged_elements_dictionary(
        self, tagged_elements: dict[str, ArrayLike] | None = None
    ) -> None:
        """Take lists of triangles by tag; they become int64 arrays in place."""
        tagged_elements = {} if tagged_elements is None else tagged_elements
        for tag, triangles in tagged_elements.items():
            ks = np.array(triangles, int)
            if ks.size and ks.max() >= len(self):
                raise InvalidMesh(
                    f"Not all elements exist: tag {tag!r} names triangle {ks.max()}, "
                    f"the mesh has {len(self)}")
            tagged_elements[tag] = ks
        self.tagged_elements: dict[str, Any] = tagged_elements

    @unless_on_stock_arrays
    def build_neighbour_structure(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing while the mesh is lean: neighbours are in the blocks."""

    @unless_on_stock_arrays
    def build_surrogate_neighbour_structure(self) -> None:
        """Do nothing while the mesh is lean: neighbours are in the blocks."""

    @unless_on_stock_arrays
    def build_inverted_triangle_structure(self) -> None:
        """Do nothing while the mesh is lean: the node tables are computed."""

    # -- ANUGA's methods that would be wasteful on views -----------------------

    def compute_vertex_coordinates(self) -> NDArray[np.float64]:
        """Return the vertex coordinates of all triangles: a new (3*n, 2) array, m."""
        return self.view("vertex_coordinates").copy()

    def compute_edge_midpoint_coordinates(self) -> NDArray[np.float64]:
        """Return the edge midpoints of all triangles: a new (3*n, 2) array, m."""
        return self.view("edge_midpoint_coordinates").copy()

    def get_edge_midpoint_coordinate(self, i: Any, j: Any, absolute: bool = False) -> Any:
        """Return the midpoint of edge j of triangle i, (2,) m; boundaries ask for it each step."""
        compute = super().get_edge_midpoint_coordinate
        if absolute or type(i) not in _ONE or type(j) not in _ONE:
            return compute(i, j, absolute)
        return self.view("edge_midpoint_coordinates").kept((i, j, "edge"), compute, i, j)

    def get_extent(self, absolute: bool = False) -> tuple[float, float, float, float]:
        """Return least and largest x, least and largest y of the triangles, m."""
        if "vertex_coordinates" in self.real_arrays:
            return super().get_extent(absolute=absolute)
        extent = self.blocks.handle().extent()
        # Of zeros of both signs numpy's order decides which is the least.
        if not extent.all() and self._has_negative_zeros():
            return super().get_extent(absolute=absolute)
        if absolute is True and not self.geo_reference.is_absolute():
            extent[:2] += self.geo_reference.get_xllcorner()
            extent[2:] += self.geo_reference.get_yllcorner()
        return tuple(extent)

    def _has_negative_zeros(self) -> bool:
        """Whether a coordinate of a node is -0.0."""
        for start in range(0, self.number_of_nodes, _NODES_AT_ONCE):
            some = np.asarray(self.nodes[start:start + _NODES_AT_ONCE])
            if np.any(np.signbit(some) & (some == 0.0)):
                return True
        return False

    def get_unique_vertices(self, indices: Iterable[int] | None = None) -> list[int]:
        """Return the nodes of the triangles `indices`, sorted."""
        return list(np.unique(np.asarray(self.get_triangles(indices=indices))))

    def set_to_inscribed_circle(self, safety_factor: float = 1) -> tuple[float, float]:
        """Replace the radii; return the largest and smallest old-to-new ratio."""
        old = self.radii.copy()
        corner = np.asarray(self.vertex_coordinates).reshape(-1, 3, 2)
        side = [np.sqrt(((corner[:, i] - corner[:, i - 2]) ** 2).sum(axis=1)) for i in range(3)]
        new = np.asarray(self.areas) / (2 * (side[0] + side[1] + side[2])) * safety_factor
        self.radii[:] = new
        ratio = np.append(old / new, 1.0)
        return ratio.max(), ratio.min()

    def check_integrity(self) -> None:
        """Check that the tables agree with each other, as ANUGA does."""
        self.stock_copy().check_integrity()

    def get_intersecting_segments(
        self, polyline: ArrayLike, use_cache: bool = False, verbose: bool = False
    ) -> list[Any]:
        """Return where a polyline crosses triangles, as ANUGA does; nothing is cached."""
        return lookup.intersect(self, polyline, verbose)

    def get_triangle_containing_point(self, point: Sequence[float] | NDArray[np.float64]) -> int:
        """Return the triangle that contains a point (absolute x, y, m)."""
        return lookup.find_triangle(self, point)

    def get_triangle_near_point(
        self, point: Sequence[float] | NDArray[np.float64], tolerance: float = 1.0e20
    ) -> int:
        """Return the triangle whose centroid is nearest to a point (absolute x, y, m)."""
        return lookup.find_nearest(self, point, tolerance)

    def get_triangles_inside_polygon(
        self, polygon: ArrayLike, verbose: bool = False
    ) -> NDArray[np.int64]:
        """Return the triangles whose centroid is inside a polygon (absolute x, y, m)."""
        return lookup.find_inside(self, polygon)

    def statistics(self, nbins: int = 10) -> str:
        """Return a text about extent, areas and boundary; see ANUGA's method."""
        return statistics_of(self, nbins)

    def get_interpolation_object(self) -> Any:
        """Return an interpolator on triangles that share no node; it is kept."""
        if not hasattr(self, "interpolation_object"):
            from anuga_lean.mesh.interpolation import PointInterpolator

            self.interpolation_object = PointInterpolator(self)
        return self.interpolation_object

    # -- renumbering and copying ----------------------------------------------

    def reorder(
        self,
        new_order: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        in_place: bool = True,
        original_method: bool = False,
        verbose: bool = False,
    ) -> Mesh | None:
        """Renumber the triangles: new triangle j is old triangle new_order[j]."""
        if self.real_arrays or original_method or new_order is None or len(new_order) == 0:
            if self.real_arrays:
                self.take_stock_arrays()
            mesh = super().reorder(new_order, in_place, original_method, verbose)
            if mesh is not None and not original_method:
                mesh._cut_real_arrays()
            return mesh
        order = np.array(new_order)
        n = len(self)
        if len(order) != n or not np.array_equal(np.sort(order), np.arange(n)):
            raise InvalidMesh(f"new_order should be a permutation of 0, 1, ..., {n - 1}")
        mesh = self if in_place is True else copy.deepcopy(self)
        mesh._reorder(order)
        return mesh

    def _reorder(self, order: NDArray[np.int64]) -> None:
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        nodes = self.blocks.nodes()
        triangles = np.asarray(self.triangles).astype(np.int32)[order]
        links = self._links()[order]
        links = np.where(links < 0, -1, 3 * place[links // 3] + links % 3).astype(np.int32)
        corners, count = self.node_order()  # ANUGA renumbers it, and does not sort again
        self._node_order = (3 * place[corners // 3] + corners % 3, count)
        self._node_order_follows = False
        self.boundary = {(int(place[k]), i): tag for (k, i), tag in self.boundary.items()}
        self.tagged_elements = {
            tag: place[ks].astype(int) for tag, ks in self.tagged_elements.items()}
        self._triangle_spatial_index = None
        self._number_boundary()
        self._cut(nodes, triangles, links)

    def _cut_real_arrays(self) -> None:
        """Make the blocks follow the real arrays after ANUGA has permuted them."""
        self._keep_node_order(self.vertex_value_indices, self.number_of_triangles_per_node)
        triangles = np.asarray(self.triangles).astype(np.int32)
        self._cut(np.ascontiguousarray(self.nodes), triangles, self._links())

    # -- pickling ---------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return what the rest follows from, 20 bytes per triangle, as real arrays."""
        return self._state(lambda table: np.concatenate(list(table.parts())))

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the same with the tables as `ArrayParts`, which take no memory."""
        return self._state(lambda table: table)

    def _state(self, held: Callable[[ArrayParts], Any]) -> dict[str, Any]:
        state = {k: v for k, v in self.__dict__.items() if k not in _TRANSIENT}
        if self.blocks is None:     # ANUGA's kernels run on real tables
            return state
        if self._node_order_follows:
            state["_node_order"] = None
        state = {k: v for k, v in state.items() if k not in _DERIVED}
        edges = np.array([3 * k + i for k, i in self.boundary], np.int64)
        numbered = None
        if not np.array_equal(np.sort(edges), 3 * self.boundary_cells + self.boundary_edges) \
                or self.tag_boundary_cells != self._cells_by_tag(sorted(self.boundary)):
            # `boundary` was changed and not numbered again
            numbered = {name: getattr(self, name) for name in _NUMBERED}
        links = None if self._links_follow else self._links
        state["_compact"] = compact_state(self, links, held) | {
            "boundary": edges, "numbered": numbered}
        return state

    def __deepcopy__(self, memo: dict[int, Any]) -> Mesh:
        """Return a mesh on the same blocks, which never change."""
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        state = {k: v for k, v in self.__dict__.items() if k not in _TRANSIENT}
        twin.__dict__.update(copy.deepcopy(state, memo), _views={}, _node_starts=None)
        return twin

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a lean mesh, or make one of the state of ANUGA's own Mesh."""
        if "is_dense" in state:     # the name of the flag in earlier checkpoints
            state = {**state, "on_stock_arrays": state["is_dense"]}
            del state["is_dense"]
        if "_compact" in state:
            self.__dict__.update(state, _views={}, _node_starts=None)
            self._expand(**self.__dict__.pop("_compact"))
            return
        if "blocks" in state:
            self.__dict__.update(state, _views={}, _node_starts=None)
            return
        own = {k: v for k, v in state.items() if k not in TABLES and k not in _TRANSIENT}
        self._start(state["number_of_triangles"], state["number_of_nodes"], False)
        self.__dict__.update(own)
        edges = np.asarray(state["neighbour_edges"])
        links = (3 * np.asarray(state["surrogate_neighbours"]) + edges).astype(np.int32)
        links[edges < 0] = -1
        nodes = np.ascontiguousarray(state["nodes"], float)
        triangles = np.asarray(state["triangles"]).astype(np.int32)
        self._links_follow = links_follow(links, triangles, len(nodes))
        self._cut(nodes, triangles, links)
        self._keep_node_order(
            state["vertex_value_indices"], state["number_of_triangles_per_node"])

    def take_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint file, whose numbers may be anything: checks them."""
        if state.get("blocks") is not None:
            raise InvalidMesh("a mesh is restored from its triangles, not from blocks")
        compact = state.get("_compact")
        if compact is not None:
            check_compact(compact, state.get("_node_order"))
        self.__setstate__(state)
        if compact is None:
            check_tables(self, TABLES)

    def _expand(self, nodes: Any, triangles: Any, links: Any, boundary: NDArray[np.int64],
                tags: list[Any], tag: NDArray[np.int32], numbered: Any) -> None:
        """Make what follows from nodes, triangles and boundary tags; checks them."""
        nodes = checked_nodes(nodes)
        corners = checked_triangles(triangles, nodes)
        if (len(corners), len(nodes)) != (self.number_of_triangles, self.number_of_nodes):
            raise InvalidMesh(
                f"{len(corners):,} triangles and {len(nodes):,} nodes where "
                f"{self.number_of_triangles:,} and {self.number_of_nodes:,} are meant")
        found = find_links(corners, len(nodes), None, None)[0] if links is None else \
            checked_links(links, len(corners))
        self.boundary = {(k, i): tags[j] for k, i, j in zip(
            (boundary // 3).tolist(), (boundary % 3).tolist(), tag.tolist(), strict=True)}
        self.boundary_length = len(self.boundary)
        checked_boundary(self.boundary, len(corners))
        if numbered is None:
            self._number_boundary()
        else:
            self.__dict__.update({name: numbered[name] for name in _NUMBERED})
        self._cut(nodes, corners, found)
        self.lone_vertices = self.blocks.lone_node.tolist()


Mesh.__module__ = StockMesh.__module__
