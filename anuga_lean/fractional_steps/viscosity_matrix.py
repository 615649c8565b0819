"""Makes the systems that kinematic viscosity solves, chunk by chunk.

Owns the rows of the matrix of div(a grad) and the two systems over the triangles
that ANUGA's releases put together from them, with the bits of ANUGA's own.
When a matrix exists, and what is multiplied with it, is `kinematic_viscosity`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from anuga.utilities.sparse import Sparse_CSR
from numpy.typing import NDArray

from anuga_lean.quantity.forms import Array

Places = NDArray[np.int64]

# Building a row takes some 700 bytes: this many at a time stay in the cache.
_ROWS_PER_CHUNK = 4096


class Entries(NamedTuple):
    """Entries of a matrix moved to the right-hand side: row, column and value, (m,) each."""

    rows: Places
    columns: Places
    values: Array


class System(NamedTuple):
    """A symmetric system over the triangles, and what its right-hand side takes in.

    `beyond` are entries at boundary edges, by their number; `fixed` those at
    triangles that keep their value.
    """

    matrix: Sparse_CSR
    mass: Array
    beyond: Entries
    fixed: Entries


class Rows:
    """Rows of the matrix of div(a grad), from the mesh and a diffusivity.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    cells : (n,) float64, m2/s, or m3/s where `a` includes the depth
        `a` at the centroids; read when rows are asked for.
    edges : (boundary_length,) float64
        `a` at the boundary edges.
    slip : (m,) int64
        Boundary edges over which nothing acts: 3*k + i, ascending.
    """

    def __init__(self, domain: Any, cells: Array, edges: Array, slip: Places) -> None:
        self.domain = domain
        self.n = int(domain.number_of_triangles)
        self.cells, self.edges, self.slip = cells, edges, slip
        self.xy = np.asarray(domain.mesh.centroid_coordinates)
        self.areas = np.asarray(domain.mesh.areas)

    def __call__(self, ks: Places) -> tuple[Places, Array]:
        """Return columns and values of rows `ks`: (m, 4) int64 and float64.

        Entries 0 to 2 belong to the edges, 3 to the triangle itself; boundary
        edge j has column n + j.  Where edges slip, `ks` are consecutive.
        """
        a = self.cells
        neighbour, shape = edge_shapes(self.domain.mesh, ks, self.xy)
        geometry = -shape
        if self.slip.size:
            first, last = np.searchsorted(self.slip, [3 * ks[0], 3 * ks[-1] + 3])
            geometry.reshape(-1)[self.slip[first:last] - 3 * ks[0]] = 0.0
        inside = neighbour >= 0
        other, edge = np.where(inside, neighbour, 0), np.where(inside, 0, -1 - neighbour)
        beyond = np.where(inside, a[other], self.edges[edge] if self.edges.size else 0.0)
        weight = 0.5 * (a[ks][:, np.newaxis] + beyond) * geometry
        value = np.empty((len(ks), 4))
        np.negative(weight, out=value[:, :3])
        value[:, 3] = 0.0 + weight[:, 0] + weight[:, 1] + weight[:, 2]
        value[a[ks] <= 0.0] = 0.0
        column = np.empty((len(ks), 4), np.int64)
        column[:, :3] = np.where(inside, neighbour, self.n + edge)
        column[:, 3] = ks
        return column, value

    def sorted(self, ks: Places) -> tuple[Places, Array]:
        """Return the same with each row in ascending order of its columns."""
        column, value = self(ks)
        place = 4 * column + np.arange(4)
        place.sort(axis=1)
        return place >> 2, np.take_along_axis(value, place & 3, axis=1)


def edge_shapes(mesh: Any, ks: Places, xy: Array | None = None) -> tuple[Places, Array]:
    """Return what lies beyond the edges of triangles `ks`, and length over distance: (m, 3) each.

    Parameters
    ----------
    mesh : anuga_lean.mesh.mesh.Mesh
    ks : (m,) int64
    xy : (n, 2) float64, optional
        Centroids, m, if they are at hand.

    Notes
    -----
    The distance is that to the neighbour's centroid, or to the middle of a boundary edge.
    """
    neighbour = mesh.neighbours[ks]
    inside = neighbour >= 0
    other = np.where(inside, neighbour, 0)
    place = (3 * ks[:, np.newaxis] + np.arange(3)).ravel()
    far = mesh.edge_midpoint_coordinates[place].reshape(-1, 3, 2)
    there = mesh.centroid_coordinates[other.ravel()].reshape(-1, 3, 2) if xy is None else xy[other]
    far = np.where(inside[..., np.newaxis], there, far)
    step = (mesh.centroid_coordinates[ks] if xy is None else xy[ks])[:, np.newaxis] - far
    distance = np.sqrt(step[..., 0] * step[..., 0] + step[..., 1] * step[..., 1])
    return neighbour, mesh.edgelengths[ks] / distance


def chunks(n: int) -> Iterator[Places]:
    """Yield the numbers of n rows, some at a time."""
    for start in range(0, n, _ROWS_PER_CHUNK):
        yield np.arange(start, min(start + _ROWS_PER_CHUNK, n))


def whole_matrix(rows: Rows) -> Sparse_CSR:
    """Return the matrix of div(a grad), columns for boundary edges included."""
    n = rows.n
    data, columns = np.empty((n, 4)), np.empty((n, 4), np.int64)
    for ks in chunks(n):
        columns[ks], data[ks] = rows.sorted(ks)
    return Sparse_CSR(None, data.ravel(), columns.ravel(), 4 * np.arange(n + 1), n,
                      n + rows.edges.size)


def scaled_system(rows: Rows, dt: float, by_areas: bool) -> Sparse_CSR:
    """Return I - dt*A/areas over the triangles, ANUGA 4.1's."""
    n = rows.n
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(4 - np.bincount(rows.domain.boundary_cells, minlength=n), out=starts[1:])
    data, columns = np.empty(starts[-1]), np.empty(starts[-1], np.int64)
    for ks in chunks(n):
        column, value = rows.sorted(ks)
        inside = column < n
        chosen = column[inside]
        values = -dt * value[inside]
        if by_areas:
            values /= rows.areas[chosen]
        values[(column == ks[:, np.newaxis])[inside]] += 1.0
        part = slice(starts[ks[0]], starts[ks[-1] + 1])
        data[part], columns[part] = values, chosen
    return Sparse_CSR(None, data, columns, starts, n, n)


def symmetric_system(
    rows: Rows, dt: float, mass_where: Callable[[NDArray[np.bool_]], Array], close_dry: bool
) -> System:
    """Return M - dt*A over the triangles and its right-hand side, ANUGA 4.2's.

    Parameters
    ----------
    rows : Rows
    dt : float
        s.
    mass_where : callable
        Returns the diagonal M, (n,) float64, given which rows of A are empty.
    close_dry : bool
        An edge to a triangle with an empty row carries nothing; else the value
        there is known, and goes to the right-hand side.

    Notes
    -----
    kinematic_viscosity_operator.py, _build_parabolic_csr.  Between two empty rows
    it keeps entries of zeros in `fixed`; these are left out.
    """
    n = rows.n
    data, columns = np.empty((n, 4)), np.empty((n, 4), np.int64)
    empty = np.empty(n, bool)
    for ks in chunks(n):
        columns[ks], data[ks] = rows.sorted(ks)
        empty[ks] = (data[ks] == 0.0).all(axis=1)
    mass = mass_where(empty)
    starts = np.zeros(n + 1, np.int64)
    kept_data, kept_columns = data.reshape(-1), columns.reshape(-1)
    beyond, fixed = [], []
    end = 0
    for ks in chunks(n):
        value, column = data[ks], columns[ks]           # copies: what is kept overwrites them
        diagonal = column == ks[:, np.newaxis]
        inside = column < n
        to_empty = inside & ~diagonal & empty[np.minimum(column, n - 1)]
        row = np.broadcast_to(np.arange(len(ks))[:, np.newaxis], column.shape)
        if close_dry:
            value[diagonal] += np.bincount(row[to_empty], value[to_empty], minlength=len(ks))
        else:
            known = to_empty & ~empty[ks][:, np.newaxis]
            fixed.append((ks[row[known]], column[known], value[known]))
        beyond.append((ks[row[~inside]], column[~inside] - n, value[~inside]))
        keep = inside & ~to_empty
        values = -dt * value[keep]
        values[diagonal[keep]] += mass[ks]
        part = slice(end, end + values.size)
        kept_data[part], kept_columns[part] = values, column[keep]
        starts[ks + 1] = end + np.cumsum(keep.sum(axis=1))
        end = part.stop
    matrix = Sparse_CSR(None, kept_data[:end], kept_columns[:end], starts, n, n)
    return System(matrix, mass, _entries(beyond), _entries(fixed))


def _entries(parts: list[tuple[Places, Places, Array]]) -> Entries:
    if not parts:
        return Entries(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Entries(*(np.concatenate(each) for each in zip(*parts, strict=True)))
