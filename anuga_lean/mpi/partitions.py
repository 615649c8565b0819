"""Decides which rank gets which triangle.

Owns the orders that ANUGA's partitions by METIS and along the Morton and the
Hilbert curve give, made a chunk of the mesh at a time.  What a rank gets with
its triangles is `submeshes`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NamedTuple

import numpy as np
from anuga.parallel import partitioning
from numpy.typing import NDArray

from anuga_lean._errors import PartitionError
from anuga_lean._kernels import release_free_memory
from anuga_lean.memory_limits import is_limited

Order = NDArray[np.int64]
_Codes = Callable[["_Box", NDArray[np.float64]], NDArray[np.uint64]]

_TRIANGLES_AT_ONCE = 1 << 16
_MORTON_BITS, _HILBERT_BITS = 32, 16

# METIS numbers the corners of all triangles in int32.
_MOST_TRIANGLES_OF_METIS = (2**31 - 1) // 3

# Bits of a number moved apart, so that those of another fit between them: the
# distance by which each half moves, and the bits that stay.
_SPREAD = ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F),
           (2, 0x3333333333333333), (1, 0x5555555555555555))


def check_number_of_ranks(n_procs: int, number_of_triangles: int) -> None:
    """Raise PartitionError if there are more ranks than triangles."""
    if n_procs > number_of_triangles:
        raise PartitionError(
            f"Number of processors must be less than or equal to the number of triangles: "
            f"{n_procs} ranks cannot share {number_of_triangles} triangles, start fewer ranks")


# -- METIS -------------------------------------------------------------------------

_stock_metis = partitioning.metis_partition


@wraps(partitioning.metis_partition)
def metis_partition(domain: Any, n_procs: int) -> tuple[Order, Any]:
    n = domain.number_of_triangles
    check_number_of_ranks(n_procs, n)
    if n_procs == 1:
        return np.arange(n, dtype=int), [n]
    try:
        import pymetis  # noqa: F401
    except ImportError:
        return _stock_metis(domain, n_procs)    # it raises, and says what to install
    rank = _metis(domain, n_procs)
    count = np.bincount(rank)
    if len(count) < n_procs or not count.all():
        empty = n_procs - np.count_nonzero(count)
        raise PartitionError(
            f"Partition created where at least one submesh has no triangles: METIS left {empty} "
            f"of {n_procs} ranks without any of the {n:,}.  Try using a smaller number of mpi "
            f"processes.")
    return np.argsort(rank, kind="mergesort"), count


def _metis(domain: Any, n_procs: int) -> NDArray[np.int32]:
    """Return the rank of each triangle, (n,) int32.

    Notes
    -----
    pymetis.part_mesh makes lists of all corners and calls what is called here:
    METIS_PartMeshNodal (METIS 5 manual, section 5.3) with every option at its default.
    """
    from pymetis import GType, Options
    from pymetis._internal import part_mesh

    corner, offset, number_of_nodes = _corners(domain)
    release_free_memory()
    try:
        _, rank, _ = part_mesh(n_procs, offset, corner, [], GType.NODAL, len(offset) - 1,
                               number_of_nodes, 1, Options())
    except RuntimeError as error:       # what pymetis makes of METIS_ERROR_MEMORY, and of others
        if is_limited():
            raise MemoryError("METIS has ended") from error
        raise
    del corner, offset
    rank = np.array(rank, np.int32)
    release_free_memory()   # METIS leaves 150 bytes per triangle (at 1 M) to the C library
    return rank


def _corners(domain: Any) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Return the nodes of all triangles, where each triangle begins, and how many nodes."""
    n = domain.number_of_triangles
    if n > _MOST_TRIANGLES_OF_METIS:
        raise PartitionError(
            f"METIS parts at most {_MOST_TRIANGLES_OF_METIS:,} triangles (int32), this mesh has "
            f"{n:,}: distribute it with parameters={{'partition_scheme': 'hilbert'}}")
    corner = np.empty(3 * n, np.int32)
    for some in _parts(n):
        corner[3 * some.start : 3 * some.stop] = np.asarray(domain.triangles[some]).ravel()
    used = np.zeros(int(corner.max()) + 1, bool)
    used[corner] = True
    nodes = np.flatnonzero(used)
    if len(nodes) < len(used):  # METIS needs numbers without gaps
        place = np.zeros(len(used), np.int32)
        place[nodes] = np.arange(len(nodes), dtype=np.int32)
        corner = place[corner]
    return corner, np.arange(0, 3 * n + 1, 3, dtype=np.int32), len(nodes)


# -- curves that fill the plane ----------------------------------------------------


class _Box(NamedTuple):
    """The extent of the centroids, each (2,) float64, m."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@wraps(partitioning.morton_partition)
def morton_partition(domain: Any, n_procs: int) -> tuple[Order, NDArray[np.int64]]:
    return _along(_morton_codes, domain, n_procs)


@wraps(partitioning.hilbert_partition)
def hilbert_partition(domain: Any, n_procs: int) -> tuple[Order, NDArray[np.int64]]:
    return _along(_hilbert_codes, domain, n_procs)


def _along(codes: _Codes, domain: Any, n_procs: int) -> tuple[Order, NDArray[np.int64]]:
    """Return the triangles in the order of their codes, and how many each rank has."""
    n = domain.number_of_triangles
    check_number_of_ranks(n_procs, n)
    code = np.empty(n, np.uint64)
    box = _extent(domain)
    for some, centroids in _centroids(domain):
        code[some] = codes(box, centroids)
    order = np.argsort(code, kind="mergesort")
    count = np.full(n_procs, n // n_procs, int)
    count[: n % n_procs] += 1
    return order, count


def _extent(domain: Any) -> _Box:
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for _, centroids in _centroids(domain):
        low = np.minimum(low, centroids.min(axis=0))
        high = np.maximum(high, centroids.max(axis=0))
    return _Box(low, high)


def _morton_codes(box: _Box, xy: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the Z-order of points, 32 bits of x between 32 bits of y.

    Notes
    -----
    ANUGA 4.1.0, parallel/partitioning.py, morton_encode_2d: the box is a
    little wider than the points; the arithmetic is in its order.
    """
    most = 2**_MORTON_BITS - 1
    code = np.zeros(len(xy), np.uint64)
    for axis in (0, 1):
        low, high = box.low[axis], box.high[axis]
        width, padding = high - low, 1e-12
        if width == 0:
            width, padding = 1.0, 0.5
        low, high = low - width * padding, high + width * padding
        place = ((xy[:, axis] - low) / (high - low) * most).astype(np.uint64)
        code |= _spread(np.minimum(place, most)) << np.uint64(axis)
    return code


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return values of 32 bits with a zero before each bit."""
    for distance, kept in _SPREAD:
        values = (values | values << np.uint64(distance)) & np.uint64(kept)
    return values


def _hilbert_codes(box: _Box, xy: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the places of points along the Hilbert curve of 2^16 by 2^16 cells.

    Notes
    -----
    ANUGA 4.1.0, parallel/partitioning.py, hilbert_codes_from_points.
    """
    width = box.high - box.low
    width[width == 0.0] = 1.0
    most = 2**_HILBERT_BITS - 1
    cell = np.clip(((xy - box.low) / width * most).astype(np.uint64), 0, most)
    return partitioning.hilbert_index_2d(cell[:, 0], cell[:, 1], _HILBERT_BITS)


def _centroids(domain: Any) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    coordinates = domain.centroid_coordinates
    for some in _parts(domain.number_of_triangles):
        yield some, np.asarray(coordinates[some])


def _parts(n: int) -> Iterator[slice]:
    for start in range(0, n, _TRIANGLES_AT_ONCE):
        yield slice(start, min(start + _TRIANGLES_AT_ONCE, n))
