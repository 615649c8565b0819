"""Cuts a mesh into blocks and holds them: the arrays that every kernel works on.

Owns the pools described in kernels/state.h (numpy arrays, so that a census of
arrays finds them) and their construction.  Does not own boundary tags or
anything named by ANUGA: that is `mesh`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._errors import BlockTooLarge, MeshError

BLOCK_SIZE = 1024
_SMALLEST_BLOCK_SIZE = 16

# Pool name: (dtype, count it is sized by, entries per count).
_POOLS: dict[str, tuple[type, str, int]] = {
    "member": (np.int32, "member", 1),
    "vertex": (np.uint16, "vertex", 1),
    "node_xy": (np.float64, "node", 2),
    "node_id": (np.int32, "node", 1),
    "flux_slot": (np.uint16, "flux_slot", 1),
    "ring_neighbour": (np.uint16, "ring_neighbour", 1),
    "boundary_slot": (np.uint16, "boundary", 1),
    "boundary_index": (np.int32, "boundary", 1),
    "ear_triangle": (np.uint16, "ear", 1),
    "ear_neighbour": (np.uint16, "ear", 1),
    "ear_far": (np.int32, "ear", 3),
    "exception_slot": (np.uint16, "exception", 1),
    "exception_neighbour": (np.uint16, "exception", 1),
    "near_block": (np.int32, "near", 1),
}
_LARGEST = ("max_own", "max_local", "max_all", "max_node", "max_boundary")


def _sort_within_blocks(
    order: NDArray[np.int32], position: NDArray[np.int32], block_size: int
) -> None:
    """Sort the triangles of each block by their index, in place.

    A block's triangles then come in runs that stand side by side in the user's
    arrays, which the kernels copy as a whole (is_run in kernels/block.h).
    """
    whole = len(order) // block_size * block_size
    order[:whole].reshape(-1, block_size).sort(axis=1)
    order[whole:].sort()
    position[order] = np.arange(len(order), dtype=np.int32)


class Blocks:
    """The pools of one mesh, made by `Blocks.build` and never changed afterwards.

    Attributes
    ----------
    number_of_triangles, number_of_nodes, number_of_boundary_edges : int
    block_size : int
        Own triangles per block; the last block may have fewer.
    use_inscribed_circle : bool
    max_own, max_local, max_all, max_node, max_boundary : int
        Sizes of the largest block, see kernels/state.h.
    block : (number of blocks,) structured array, one lean_block each
    position : (number_of_triangles,) int32
        Place of each triangle in the order of the blocks.
    lone_node : (number of lone nodes,) int32
        Nodes without a triangle, ascending.
    lone_node_xy : (number of lone nodes, 2) float64, m
    extent : (number of blocks, 4) float64, m
        Least and largest x, least and largest y of each block's triangles,
        those around it included.

    The other pools have the names, dtypes and meanings of kernels/state.h.
    """

    number_of_triangles: int
    number_of_nodes: int
    number_of_boundary_edges: int
    block_size: int
    use_inscribed_circle: bool
    max_own: int
    max_local: int
    max_all: int
    max_node: int
    max_boundary: int
    block: np.ndarray
    position: NDArray[np.int32]
    member: NDArray[np.int32]
    node_xy: NDArray[np.float64]
    node_id: NDArray[np.int32]
    flux_slot: NDArray[np.uint16]
    lone_node: NDArray[np.int32]
    lone_node_xy: NDArray[np.float64]
    extent: NDArray[np.float64]

    @classmethod
    def build(
        cls,
        nodes: NDArray[np.float64],
        triangles: NDArray[np.int32],
        neighbours: NDArray[np.int32],
        *,
        number_of_boundary_edges: int,
        exception_edge: NDArray[np.int32] | None = None,
        exception_index: NDArray[np.int32] | None = None,
        use_inscribed_circle: bool = False,
        block_size: int = BLOCK_SIZE,
    ) -> Blocks:
        """Cut a mesh into blocks along a Hilbert curve of the centroids.

        Parameters
        ----------
        nodes : (number_of_nodes, 2) float64, m
        triangles : (n, 3) int32
            Nodes, counter-clockwise; every index is in range.
        neighbours : (n, 3) int32
            ``3*m + e`` where edge e of triangle m is the other side, ``-1-j``
            at boundary edge j.
        number_of_boundary_edges : int
            Edges in the boundary enumeration, tagged interior ones included.
        exception_edge, exception_index : (number of tagged interior edges,) int32
            The edges ``3*k + i``, ascending, and their place in the boundary
            enumeration.
        use_inscribed_circle : bool
        block_size : int

        Raises
        ------
        MeshError
            If no block size keeps the local indices within 16 bits.
        """
        none = np.empty(0, np.int32)
        order, position = _kernels.hilbert_order(nodes, triangles)
        while True:
            _sort_within_blocks(order, position, block_size)
            cut = _kernels.Cut(
                nodes, triangles, neighbours, order, position,
                none if exception_edge is None else exception_edge,
                none if exception_index is None else exception_index, block_size,
            )
            try:
                block, sizes = cut.count()
                break
            except BlockTooLarge:
                if block_size <= _SMALLEST_BLOCK_SIZE:
                    raise MeshError(
                        f"blocks of {block_size} triangles of this mesh do not fit 16-bit "
                        f"indices: is one triangle the neighbour of very many?"
                    ) from None
                block_size //= 2
        blocks = cls()
        blocks.number_of_triangles = len(triangles)
        blocks.number_of_nodes = len(nodes)
        blocks.number_of_boundary_edges = int(number_of_boundary_edges)
        blocks.block_size = block_size
        blocks.use_inscribed_circle = bool(use_inscribed_circle)
        blocks.block = block
        blocks.position = position
        blocks._reserve(sizes)
        cut.fill(blocks)
        blocks._keep_lone_nodes(nodes, triangles)
        blocks._keep_extents()
        return blocks

    def _reserve(self, sizes: dict[str, int]) -> None:
        for name, (dtype, counted_by, each) in _POOLS.items():
            setattr(self, name, np.empty(each * sizes[counted_by], dtype))
        for name in _LARGEST:
            setattr(self, name, sizes[name])

    def _keep_lone_nodes(self, nodes: NDArray[np.float64], triangles: NDArray[np.int32]) -> None:
        used = np.zeros(len(nodes), bool)
        used[triangles.ravel()] = True
        self.lone_node = np.flatnonzero(~used).astype(np.int32)
        self.lone_node_xy = nodes[self.lone_node]

    def _keep_extents(self) -> None:
        begin = 2 * self.block["node"]
        starts = np.stack([begin, begin + self.block["n_node"]], axis=1).ravel()
        low, high = (f.reduceat(self.node_xy, starts).reshape(-1, 2)
                     for f in (np.minimum, np.maximum))
        self.extent = np.stack([low, high], axis=2).reshape(-1, 4)

    def members(self, b: int) -> NDArray[np.int64]:
        """Return the own triangles of block b, (m,) int64."""
        start = int(self.block["member"][b])
        return self.member[start : start + int(self.block["n_own"][b])].astype(np.int64)

    def handle(self) -> _kernels.MeshHandle:
        """Return what the kernels take, the same object at each call."""
        handle = self.__dict__.get("_handle")
        if handle is None:
            handle = self._handle = _kernels.MeshHandle(self)
        return handle

    @property
    def nbytes(self) -> int:
        """Return the bytes of all pools."""
        return sum(a.nbytes for a in self.__dict__.values() if isinstance(a, np.ndarray))

    # -- nodes ----------------------------------------------------------------

    def nodes(self) -> NDArray[np.float64]:
        """Return the coordinates of all nodes: (number_of_nodes, 2) float64, m."""
        xy = np.empty((self.number_of_nodes, 2))
        self.handle().node_coordinates(xy)
        xy[self.lone_node] = self.lone_node_xy
        return xy

    def node_parts(self) -> Iterator[NDArray[np.float64]]:
        """Yield the coordinates of all nodes a part at a time: (m, 2) float64, m, in order.

        Each part is found by a pass over all blocks, so that nothing is kept: a
        part is 256 KiB, and more where that would take over 64 passes.
        """
        most = max(1 << 14, -(-self.number_of_nodes // 64))
        for first in range(0, self.number_of_nodes, most):
            xy = np.empty((min(most, self.number_of_nodes - first), 2))
            self.handle().node_coordinates(xy, first)
            begin, end = np.searchsorted(self.lone_node, (first, first + len(xy)))
            xy[self.lone_node[begin:end] - first] = self.lone_node_xy[begin:end]
            yield xy

    def node_rows(self, vs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the coordinates of the nodes `vs`: (m, 2) float64, m.

        The first call makes an index of 4 bytes per node, which is kept.
        """
        place = self.__dict__.get("_node_place")
        if place is None:
            place = np.empty(self.number_of_nodes, np.int32)
            place[self.lone_node] = -1 - np.arange(len(self.lone_node), dtype=np.int32)
            place[self.node_id] = np.arange(len(self.node_id), dtype=np.int32)
            self._node_place = place
        at = place[vs].astype(np.int64)
        xy = np.empty((len(vs), 2))
        lone = at < 0
        xy[lone] = self.lone_node_xy[-1 - at[lone]]
        at = at[~lone]
        begin = self.block["node"]
        b = np.searchsorted(begin, at, side="right") - 1
        x_at = begin[b] + at  # a block holds its x coordinates, then its y coordinates
        xy[~lone, 0] = self.node_xy[x_at]
        xy[~lone, 1] = self.node_xy[x_at + self.block["n_node"][b]]
        return xy

    # -- edges ----------------------------------------------------------------

    def counted_edges(
        self, full: np.ndarray
    ) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.int32]]:
        """Return the edges through which water enters or leaves the full triangles.

        Parameters
        ----------
        full : (number_of_triangles,) array
            1 for full, 0 for ghost triangles.

        Returns
        -------
        offset : (number of blocks + 1,) int64
            Where each block's edges begin in `slot` and `index`.
        slot : (number of edges,) uint16
            ``i*NL + c`` of edge i of own triangle c, as in boundary_slot.
        index : (number of edges,) int32
            Rank of the edge when they are ordered by triangle, then edge: the
            order in which ANUGA sums their fluxes.
        """
        slots, keys, offset = [], [], [0]
        for block in self.block:
            local, own = int(block["n_own"] + block["n_ring1"]), int(block["n_own"])
            member = self.member[block["member"]:][:local]
            beyond = self.flux_slot[block["flux_slot"]:][:3 * own].reshape(3, own)
            ghost = np.append(full[member] == 0, True)  # the last stands for a boundary
            leaves = ghost[np.where(beyond < 3 * local, beyond % local, local)]
            i, c = np.nonzero(leaves & (full[member[:own]] == 1))
            slots.append((i * local + c).astype(np.uint16))
            keys.append(3 * member[c].astype(np.int64) + i)
            offset.append(offset[-1] + len(c))
        index = np.empty(offset[-1], np.int32)
        index[np.argsort(np.concatenate(keys))] = np.arange(offset[-1], dtype=np.int32)
        return np.array(offset, np.int64), np.concatenate(slots), index

    # -- copying --------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_handle", "_node_place")}

    def __deepcopy__(self, memo: dict[int, Any]) -> Blocks:
        """Return the blocks themselves: they never change."""
        return self
