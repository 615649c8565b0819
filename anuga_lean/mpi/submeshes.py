"""Makes the part of a mesh that a rank gets: triangles, ghosts, and the ranks it exchanges with.

Owns the numbering of a rank's triangles and nodes, its ghost layers, its
boundary tags and its lists of what to send and to receive, all as ANUGA's
build_submesh and extract_submesh give them, for one rank at a time and
without renumbering the mesh.  Sending it is `distribution`'s.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._errors import MemoryWarning
from anuga_lean.memory_limits import stage
from anuga_lean.mpi import partitions

Indices = NDArray[np.int64]
BoundaryDict = dict[tuple[int, int], str]
Messages = dict[int, list[Indices]]

_TRIANGLES_AT_ONCE = 1 << 16
_SCHEMES = {
    "metis": "metis_partition", "morton": "morton_partition", "hilbert": "hilbert_partition",
}


@dataclass
class Submesh:
    """The part of one rank: first its full triangles, then its ghosts.

    Attributes
    ----------
    points : (number of nodes, 2) float64, m
    vertices : (n, 3) int32
    boundary : dict
        ``{(triangle, edge): tag}``, the tag 'ghost' where the ghosts end.
    full_send_dict, ghost_recv_dict : dict
        ``{rank: [triangles of this rank, their numbers in the parted mesh]}``.
    tri_l2g, node_l2g : (n,), (number of nodes,) int32
        Numbers in the mesh that was parted.
    number_of_full_triangles, number_of_full_nodes : int
    """

    points: NDArray[np.float64]
    vertices: NDArray[np.int32]
    boundary: BoundaryDict
    full_send_dict: Messages
    ghost_recv_dict: Messages
    tri_l2g: NDArray[np.int32]
    node_l2g: NDArray[np.int32]
    number_of_full_triangles: int
    number_of_full_nodes: int


class Source:
    """A mesh to partition: a lean one, one of ANUGA's, or its Basic_mesh.

    Attributes
    ----------
    number_of_triangles, number_of_nodes : int
    triangles, neighbours, nodes, centroid_coordinates
        Rows by index, as a mesh has them; neighbours are negative at a boundary.
    boundary : dict
    """

    def __init__(self, mesh: Any) -> None:
        self.number_of_triangles: int = mesh.number_of_triangles
        self.number_of_nodes: int = mesh.number_of_nodes
        self.triangles = mesh.triangles
        self.nodes = mesh.nodes
        self.boundary: BoundaryDict = mesh.boundary
        if hasattr(mesh, "_triangle_neighbours"):   # a Basic_mesh computes these when read
            self.neighbours = _basic_neighbours(mesh)
            self.centroid_coordinates = _BasicCentroids(mesh)
        else:
            self.neighbours = mesh.neighbours
            self.centroid_coordinates = mesh.centroid_coordinates


def _basic_neighbours(mesh: Any) -> Any:
    """Return the neighbours of a Basic_mesh; find them in int32 if it has none yet."""
    if mesh._neighbours is not None:
        return mesh._neighbours
    if mesh._triangle_neighbours is not None:
        return mesh._triangle_neighbours
    corners = np.ascontiguousarray(mesh.triangles, np.int32)
    links = _kernels.find_neighbours(corners, mesh.number_of_nodes)
    links[links >= 0] //= 3
    return links


class _BasicCentroids:
    """The centroids of a Basic_mesh, computed for the triangles asked for."""

    def __init__(self, mesh: Any) -> None:
        self._mesh = mesh

    def __getitem__(self, some: slice) -> NDArray[np.float64]:
        node, corner = self._mesh.nodes, self._mesh.triangles[some]
        return (node[corner[:, 0]] + node[corner[:, 1]] + node[corner[:, 2]]) / 3.0


class Partition:
    """A mesh and the rank of each of its triangles.

    Parameters
    ----------
    mesh : Mesh or Basic_mesh
    number_of_ranks : int
    parameters : mapping, optional
        ANUGA's of `distribute`: partition_scheme and ghost_layer_width are read.

    Attributes
    ----------
    order : (n,) int32
        The triangles by rank: of rank p those from ``first[p]`` to before ``first[p + 1]``.
        A triangle's place in it is its number in the parted mesh.
    first : (number_of_ranks + 1,) int64
    ghosts : list of (m,) int32
        Of each rank, ascending numbers in the parted mesh.

    Raises
    ------
    PartitionError
        If a rank would have no triangle.
    """

    @stage("parting the mesh", lambda self, mesh, *args, **kwargs: mesh.number_of_triangles)
    def __init__(
        self, mesh: Any, number_of_ranks: int, parameters: Mapping[str, Any] | None = None
    ) -> None:
        parameters = {} if parameters is None else parameters
        self.source = Source(mesh)
        self.number_of_ranks = number_of_ranks
        self.ghost_layer_width = parameters.get("ghost_layer_width", 2)
        order, count = self._parted(parameters.get("partition_scheme", "metis"))
        self.order = order.astype(np.int32)
        self.first = np.concatenate([[0], np.cumsum(count)])
        self.rank = np.empty(len(order), np.int32)
        for p in range(number_of_ranks):
            self.rank[self.order[self.first[p] : self.first[p + 1]]] = p
        self._place = np.empty(len(order), np.int32)
        self._place[self.order] = np.arange(len(order), dtype=np.int32)
        del order
        self.ghosts = self._find_ghosts()
        self._edges = _TaggedEdges(self.source.boundary, self._place)
        _kernels.release_free_memory()

    def _parted(self, scheme: str) -> tuple[Indices, Any]:
        """Return the triangles in the order of ranks and how many each has."""
        from anuga.parallel import partitioning

        if scheme == "rcm":
            warnings.warn(
                "the partition scheme 'rcm' makes a matrix of all neighbours by ANUGA's own "
                "function: 'hilbert' takes a part of the mesh at a time", MemoryWarning,
                stacklevel=6)
            return partitioning.rcm_partition(self.source, self.number_of_ranks)
        # ANUGA takes any other name for METIS
        return getattr(partitions, _SCHEMES.get(scheme, "metis_partition"))(
            self.source, self.number_of_ranks)

    def full(self, p: int) -> NDArray[np.int32]:
        """Return the full triangles of a rank, numbered as in the mesh."""
        return self.order[self.first[p] : self.first[p + 1]]

    # -- ghost layers -------------------------------------------------------------

    def _find_ghosts(self) -> list[NDArray[np.int32]]:
        ghosts = []
        for p, layer in enumerate(self._first_layers()):
            layers = [layer]
            for _ in range(1, self.ghost_layer_width):
                beyond = np.unique(self._beyond(layers[-1]))
                beyond = beyond[self.rank[beyond] != p]
                layers.append(np.setdiff1d(beyond, np.concatenate(layers), assume_unique=True))
            ghosts.append(np.sort(self._place[np.concatenate(layers)]))
        return ghosts

    def _first_layers(self) -> list[Indices]:
        """Return the triangles beyond an edge of each rank's, numbered as in the mesh."""
        ranks, beyond = [], []
        for start in range(0, len(self.order), _TRIANGLES_AT_ONCE):
            some = slice(start, start + _TRIANGLES_AT_ONCE)
            neighbours = np.asarray(self.source.neighbours[some])
            own = self.rank[some, np.newaxis]
            other = self.rank[np.maximum(neighbours, 0)]
            row, edge = np.nonzero((neighbours >= 0) & (other != own))
            ranks.append(own[row, 0])
            beyond.append(neighbours[row, edge])
        rank, triangle = np.concatenate(ranks), np.concatenate(beyond)
        return [np.unique(triangle[rank == p]).astype(np.int64)
                for p in range(self.number_of_ranks)]

    def _beyond(self, triangles: Indices) -> Indices:
        neighbours = np.asarray(self.source.neighbours[triangles])
        return neighbours[neighbours >= 0].astype(np.int64)

    # -- the part of a rank ---------------------------------------------------------

    def submesh(self, p: int, renumbered: bool = False) -> Submesh:
        """Return the part of rank p.

        Parameters
        ----------
        p : int
        renumbered : bool
            Whether tri_l2g has the numbers of the triangles in the parted mesh.
        """
        triangles = np.concatenate([self.full(p), self.order[self.ghosts[p]]])
        count = int(self.first[p + 1] - self.first[p])
        vertices, node_l2g, full_nodes = self._numbered_nodes(triangles, count)
        return Submesh(
            points=np.ascontiguousarray(self.source.nodes[node_l2g]),
            vertices=vertices,
            boundary=self._boundary(p, triangles, count),
            full_send_dict=self._send(p),
            ghost_recv_dict=self._receive(p, count),
            tri_l2g=self._numbers(p) if renumbered else triangles,
            node_l2g=node_l2g,
            number_of_full_triangles=count,
            number_of_full_nodes=full_nodes,
        )

    def triangles_of(self, p: int) -> NDArray[np.int32]:
        """Return the triangles of a rank, full before ghosts, numbered as in the mesh."""
        return np.concatenate([self.full(p), self.order[self.ghosts[p]]])

    def _numbers(self, p: int) -> NDArray[np.int32]:
        """Return the numbers of a rank's triangles in the partitioned mesh."""
        full = np.arange(self.first[p], self.first[p + 1], dtype=np.int32)
        return np.concatenate([full, self.ghosts[p]])

    def _numbered_nodes(
        self, triangles: NDArray[np.int32], number_of_full: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
        """Return the corners in the rank's numbers, its nodes, and how many are of full triangles.

        Nodes of full triangles come first, then those of ghosts only, each in
        the order of the mesh.
        """
        vertices = np.empty((len(triangles), 3), np.int32)
        for start in range(0, len(triangles), _TRIANGLES_AT_ONCE):
            some = slice(start, start + _TRIANGLES_AT_ONCE)
            vertices[some] = self.source.triangles[triangles[some]]
        kind = np.zeros(self.source.number_of_nodes, np.int8)
        kind[vertices[number_of_full:]] = 2
        kind[vertices[:number_of_full]] = 1
        full, ghost = np.flatnonzero(kind == 1), np.flatnonzero(kind == 2)
        nodes = np.concatenate([full, ghost]).astype(np.int32)
        del kind
        place = np.empty(self.source.number_of_nodes, np.int32)
        place[nodes] = np.arange(len(nodes), dtype=np.int32)
        for start in range(0, len(vertices), _TRIANGLES_AT_ONCE):
            some = slice(start, start + _TRIANGLES_AT_ONCE)
            vertices[some] = place[vertices[some]]
        return vertices, nodes, len(full)

    def _boundary(self, p: int, triangles: NDArray[np.int32], number_of_full: int) -> BoundaryDict:
        """Return the tags: of full triangles, then of the edges at which ghosts end."""
        lower, upper = self.first[p], self.first[p + 1]
        boundary = self._edges.between(lower, upper)
        ghosts = triangles[number_of_full:]
        neighbours = np.asarray(self.source.neighbours[ghosts])
        place = np.where(neighbours >= 0, self._place[np.maximum(neighbours, 0)], -1)
        own = (lower <= place) & (place < upper)
        outside = ~own & ~np.isin(place, self.ghosts[p])
        rows, edges = np.nonzero(outside)
        for row, k, i in zip(rows.tolist(), ghosts[rows].tolist(), edges.tolist(), strict=True):
            boundary[number_of_full + row, i] = self.source.boundary.get((k, i), "ghost")
        return boundary

    def _receive(self, p: int, number_of_full: int) -> Messages:
        """Return whose values this rank's ghosts take, by rank."""
        ghosts = self.ghosts[p]
        cuts = np.searchsorted(ghosts, self.first)
        return {
            q: [np.arange(number_of_full + begin, number_of_full + end, dtype=np.int64),
                ghosts[begin:end].astype(np.int64)]
            for q, (begin, end) in enumerate(zip(cuts[:-1].tolist(), cuts[1:].tolist(),
                                                 strict=True)) if begin < end
        }

    def _send(self, p: int) -> Messages:
        """Return which of this rank's triangles are ghosts of others.

        The ranks come as ANUGA lists them: by the first triangle they take.
        """
        lower, upper = self.first[p], self.first[p + 1]
        taken = []
        for q, ghosts in enumerate(self.ghosts):
            begin, end = np.searchsorted(ghosts, (lower, upper))
            if begin < end:
                taken.append((int(ghosts[begin]), q, ghosts[begin:end].astype(np.int64)))
        taken.sort(key=lambda each: each[:2])
        return {q: [numbers - lower, numbers] for _, q, numbers in taken}


class _TaggedEdges:
    """The boundary dictionary by number in the partitioned mesh."""

    def __init__(self, boundary: BoundaryDict, place: NDArray[np.int32]) -> None:
        edge = np.array(list(boundary), np.int64).reshape(-1, 2)
        tags = list(boundary.values())
        number = place[edge[:, 0]]
        rows = np.argsort(number, kind="stable")
        self._number, self._edge = number[rows], edge[rows, 1]
        self._tags = [tags[row] for row in rows.tolist()]

    def between(self, lower: int, upper: int) -> BoundaryDict:
        """Return the tags of the triangles from `lower` to before `upper`, counted from there."""
        begin, end = np.searchsorted(self._number, (lower, upper))
        some = slice(begin, end)
        keys = zip((self._number[some] - lower).tolist(), self._edge[some].tolist(), strict=True)
        return dict(zip(keys, self._tags[some], strict=True))
