"""Stores the values of quantities in an SWW file, megabytes at a time.

Owns the buffer between the kernels and netCDF4, which part of a file's places it holds, and
the least and the largest value stored.  The values are rounded in kernels/frames.c where they
are means at nodes or follow from the edge values; the rest is made here, as ANUGA makes it, from
a quantity's form.  Which quantities a file has, and its times, are `sww`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from anuga_lean import _kernels
from anuga_lean._kernels import average_vertices

Array = NDArray[np.float64]

# The buffer, and how much of it is made at once where numpy makes it.
_BUFFER_NBYTES = 4 << 20
_VALUES_AT_ONCE = 1 << 19       # through netCDF4
_TRIANGLES_AT_ONCE = 1 << 13
_NODES_AT_ONCE = 1 << 12
_HELD_BACK = ("stage", "xmomentum", "ymomentum")    # where the water is shallow


class Spread:
    """The least and the largest of numbers that come in parts; NaN if a number is."""

    def __init__(self) -> None:
        self.low: Any = np.inf
        self.high: Any = -np.inf
        self.is_open = False        # one of them is a zero, whose sign the order decides

    def add(self, values: NDArray[Any]) -> None:
        """Take more numbers in."""
        self._add(np.min(values), np.max(values))

    def add_found(self, low: float, high: float, is_open: bool) -> None:
        """Take in what a kernel has found of more numbers."""
        self._add(np.float64(low), np.float64(high))
        self.is_open |= is_open

    def _add(self, low: Any, high: Any) -> None:
        self.low = np.minimum(self.low, low)
        self.high = np.maximum(self.high, high)


class Places:
    """The places at which a file stores quantities: the nodes, or the vertices of triangles.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
        On lean kernels.
    precision : dtype
        The file's.
    least : float or None
        Water less than so many metres deep is left out: the stage is then the bed's, and
        the momenta are 0.  None: all is stored as it is.
    """

    def __init__(self, domain: Any, precision: DTypeLike, least: float | None = None) -> None:
        self.domain = domain
        self.precision = np.dtype(precision)
        self.least = least
        self.smooth = domain.smooth is True

    def store(self, file: Any, names: list[str], frame: int | None = None) -> dict[str, Spread]:
        """Store quantities in the variables of their names, or in a frame of these.

        Parameters
        ----------
        file : classic_file.ClassicFile or Dataset
        names : list of str
        frame : int, optional

        Returns
        -------
        dict of str to Spread
            Of the values stored; a stage that is the bed's counts before it is rounded.
        """
        spreads = {name: Spread() for name in names}
        if not names:
            return spreads
        by_kernel = self._by_kernel(names)
        by_hand = [name for name in names if name not in by_kernel]
        for some in (by_kernel, by_hand):
            for part, rows in self._parts(len(some)):
                if some is by_kernel:
                    found = self._take(some, part, rows)
                    for name, each in zip(some, found, strict=True):
                        spreads[name].add_found(*each)
                else:
                    self._make(some, part, rows, spreads)
                for name, row in zip(some, rows, strict=True):
                    file.put(name, row, part.start, frame)
        return {name: self._closed(name, spread) for name, spread in spreads.items()}

    def _parts(self, count: int) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield each part of the places with room for `count` values at each, (count, m)."""
        if count == 0:
            return
        total = len(self.domain.mesh.node_order()[1]) if self.smooth else 3 * len(self.domain)
        most = max(3, _BUFFER_NBYTES // (count * self.precision.itemsize) // 3 * 3)
        buffer = np.empty(count * min(most, total), self.precision)
        for part in parts(total, most):
            m = part.stop - part.start
            yield part, buffer[: count * m].reshape(count, m)

    # -- by kernel ---------------------------------------------------------------

    def _by_kernel(self, names: list[str]) -> list[str]:
        """Return those of `names` that a kernel stores."""
        if self.precision not in (np.float32, np.float64):
            return []
        domain = self.domain
        if self.smooth:
            return names if domain.get_using_centroid_averaging() else []
        if not domain.lean.edges.can_fill_frames():
            return []
        found = [name for name in names if self._is_reconstructed(name)]
        whole = self.least is None or all(
            self._is_reconstructed(name) for name in ("elevation", *_HELD_BACK))
        return found if whole else [name for name in found if name not in _HELD_BACK]

    def _is_reconstructed(self, name: str) -> bool:
        return self.domain.quantities[name].has_reconstructed_vertices

    def _take(self, names: list[str], part: slice, rows: NDArray[Any]) -> Any:
        """Have a kernel fill the rows; return what it has found of their spreads."""
        domain = self.domain
        if not self.smooth:
            return domain.lean.edges.fill_frame(tuple(names), part.start // 3, self.least, rows)
        order, counts = domain.mesh.node_order()
        if part.start == 0:
            self._entry = 0
        values = {name: domain.quantities[name].centroid_values
                  for name in {*names, "stage", "elevation"}}
        found, self._entry = _kernels.frame_at_nodes(
            domain.lean.ready(), tuple(names), tuple(values[name] for name in names),
            values["stage"], values["elevation"], self.least, order, counts[part],
            self._entry, rows)
        return found

    # -- by hand -----------------------------------------------------------------

    def _make(self, names: list[str], part: slice, rows: NDArray[Any],
              spreads: dict[str, Spread]) -> None:
        """Fill the rows from the quantities' forms."""
        for some, known in self._chunks(part):
            for name, values in self._storable(names, known):
                rows[names.index(name), some.start - part.start : some.stop - part.start] = values
                spreads[name].add(values)

    def _chunks(self, part: slice) -> Iterator[tuple[slice, Any]]:
        """Yield the places of each chunk of a part, and what `_values` needs of them."""
        if not self.smooth:
            for ks in parts(part.stop // 3, _TRIANGLES_AT_ONCE, part.start // 3):
                yield slice(3 * ks.start, 3 * ks.stop), ks
            return
        order, counts = self.domain.mesh.node_order()
        entry = int(np.maximum(counts[: part.start], 1).sum())
        for some in parts(part.stop, _NODES_AT_ONCE, part.start):
            end = entry + int(np.maximum(counts[some], 1).sum())
            yield some, (order[entry:end], counts[some])
            entry = end

    def _values(self, name: str, known: Any) -> Array:
        """Return the values of a quantity at the places of a chunk, (m,) float64."""
        quantity = self.domain.quantities[name]
        if not self.smooth:
            return quantity.form("vertex").rows(self.domain, known).reshape(-1)
        corners, counts = known
        ks, i = np.divmod(corners, 3)
        if self.domain.get_using_centroid_averaging():
            values = quantity.centroid_values[ks]
        else:
            rows = quantity.form("vertex").rows(self.domain, ks.astype(np.int64))
            values = rows[np.arange(len(ks)), i]
        means = np.zeros(len(counts))
        average_vertices(np.arange(len(ks), dtype=np.int32), counts, values, means)
        return means

    def _storable(self, names: list[str], known: Any) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield each quantity with its values, those of still water where it is too shallow."""
        precision, deep = self.precision, None
        if self.least is not None and any(name in _HELD_BACK for name in names):
            stage, elevation = (self._values(name, known) for name in ("stage", "elevation"))
            deep = stage - elevation >= self.least
        for name in names:
            if deep is None or name not in _HELD_BACK:
                yield name, self._values(name, known).astype(precision)
            elif name == "stage":
                # Not yet rounded where it is the bed's: so it enters the range.
                yield name, np.where(deep, stage.astype(precision), elevation)
            else:
                values = self._values(name, known).astype(precision)
                yield name, np.where(deep, values, np.zeros_like(values))

    def _closed(self, name: str, spread: Spread) -> Spread:
        """Return the spread with the signs of zero that numpy gives it."""
        if not spread.is_open:
            return spread
        closed = Spread()
        places = len(self.domain.mesh.node_order()[1]) if self.smooth else 3 * len(self.domain)
        for _, known in self._chunks(slice(0, places)):
            for _, values in self._storable([name], known):
                closed.add(values)
        return closed


class Dataset:
    """Stores values through netCDF4, as a `ClassicFile` stores them.

    Parameters
    ----------
    fid : netCDF4.Dataset
    """

    def __init__(self, fid: Any) -> None:
        self._fid = fid

    def get(self, name: str) -> Any:
        """Return all values of a variable."""
        return self._fid.variables[name][:]

    def put(self, name: str, values: NDArray[Any], start: int = 0, frame: int | None = None
            ) -> None:
        """Write values of a variable from one of them on, rounded to its type."""
        variable = self._fid.variables[name]
        variable.set_auto_maskandscale(False)       # there is nothing to mask or to scale
        before = () if frame is None else (frame,)
        for some in parts(len(values), _VALUES_AT_ONCE):
            variable[(*before, slice(start + some.start, start + some.stop))] = \
                values[some].astype(variable.dtype, copy=False)


def parts(stop: int, most: int, start: int = 0) -> Iterator[slice]:
    """Yield slices of at most `most` that cover what is from `start` to below `stop`."""
    for first in range(start, stop, most):
        yield slice(first, min(first + most, stop))
