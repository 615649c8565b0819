"""Reads some places of some frames of an SWW file, and puts them together again.

Owns how many places are read at a time, and the arrays in which rows become what ANUGA
makes of a whole variable: all frames, the largest values, the values of the largest
magnitude.  Rows are as netCDF4 gives them, masked arrays; what ANUGA computes on whole
arrays is computed on rows of the same type, so that masks and types are ANUGA's too.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLACES = 1 << 16    # read and computed at a time
MOST_SPANS = 4      # of triangles whose nodes are all over the file

Row = Any           # (places,) ndarray or MaskedArray
MAXIMA = "max"      # what a script gives for the largest values over time


@contextlib.contextmanager
def opened(name: str) -> Iterator[Any]:
    """Open a file as ANUGA does."""
    from anuga.file.netcdf import NetCDFFile

    with closing(NetCDFFile(name)) as file:
        yield file


def spans(count: int, most: int | None = None) -> Iterator[slice]:
    """Yield slices that cover `count` places, `most` or PLACES at a time."""
    most = most or PLACES
    for start in range(0, count, most):
        yield slice(start, min(start + most, count))


def plain(row: Row) -> NDArray[np.float32]:
    """Return a row as ANUGA copies it into an array of its own."""
    out = np.zeros(len(row), np.float32)
    out[:] = row
    return out


def chosen_frames(wanted: Any, count: int) -> Any:
    """Return the frames that `timeSlices` names: a list, or MAXIMA."""
    if wanted == "all":
        return list(range(count))
    if wanted == "last":
        return [count - 1]
    if wanted == MAXIMA:
        return MAXIMA
    try:
        return list(wanted)
    except TypeError:
        return [wanted]


class Frames:
    """The rows of all frames: (frames, places), filled a part of a row at a time."""

    def __init__(self, frames: int, places: int) -> None:
        self.shape: tuple[int, ...] = frames, places
        self._data: NDArray[Any] | None = None
        self._mask: NDArray[np.bool_] | None = None
        self._is_masked = False
        self._fill_value: Any = None

    def put(self, frame: int, span: slice, row: Row) -> None:
        """Take a part of the row of the next frame of this part."""
        self._take((frame, span), row)

    def _take(self, at: Any, row: Row) -> None:
        if self._data is None:
            self._data = np.empty(self.shape, row.dtype)
        self._data[at] = np.ma.getdata(row)
        if isinstance(row, np.ma.MaskedArray):
            self._is_masked = True
            if self._fill_value is None:
                self._fill_value = getattr(row, "_fill_value", None)
            mask = np.ma.getmask(row)
            if mask is not np.ma.nomask:
                if self._mask is None:
                    self._mask = np.zeros(self.shape, bool)
                self._mask[at] = mask

    def array(self) -> Any:
        """Return what ANUGA has after computing with all rows at once."""
        assert self._data is not None
        if not self._is_masked:
            return self._data
        mask = np.ma.nomask if self._mask is None else self._mask
        found: Any = np.ma.MaskedArray(self._data, mask=mask)
        found._fill_value = self._fill_value    # as it is: fill_value= makes it of the array's type
        return found


class Places(Frames):
    """One row, (places,), filled a part at a time."""

    def __init__(self, places: int) -> None:
        super().__init__(1, places)
        self.shape = (places,)

    def put(self, frame: int, span: slice, row: Row) -> None:
        """Take a part of the row."""
        self._take(span, row)


class Largest(Frames):
    """The largest values over time, (1, places)."""

    def __init__(self, places: int) -> None:
        super().__init__(1, places)
        self._span: slice | None = None
        self._row: Row = None
        self._none: Any = np.ma.nomask

    def put(self, frame: int, span: slice, row: Row) -> None:
        """Take a part of a row; the first frame comes first, part after part."""
        values, mask = np.ma.getdata(row), np.ma.getmask(row)
        if isinstance(row, np.ma.MaskedArray):
            self._is_masked = True
            values = row.filled(np.ma.maximum_fill_value(row))
        if self._data is None:
            self._data = np.empty(self.shape, values.dtype)
        if mask is not np.ma.nomask and self._mask is None:
            self._mask = np.zeros(self.shape, bool)     # frames before this one had all values
        here = self._data[0, span]
        if span != self._span:
            here[:] = values
        else:
            np.maximum(here, values, out=here)
        if self._mask is not None:
            if span != self._span:
                self._mask[0, span] = mask
            else:
                self._mask[0, span] &= mask
        self._span = span

    def array(self) -> Any:
        """Return what ANUGA has for the largest of all rows."""
        found = super().array()
        if self._mask is not None:
            np.copyto(found.data, found.fill_value, where=self._mask)
        return found


class LargestMagnitude:
    """The values of the largest magnitude over time, (1, places) float64; the first of equals."""

    def __init__(self, places: int) -> None:
        self._values = np.zeros((1, places))
        self._span: slice | None = None
        self._best = np.zeros(0, np.float32)

    def put(self, frame: int, span: slice, row: Row) -> None:
        """Take a part of a row; the first frame comes first, part after part."""
        here, size, values = self._values[0, span], np.abs(row), row
        if isinstance(row, np.ma.MaskedArray):
            size = size.filled(np.ma.maximum_fill_value(size))
            values = np.where(np.ma.getmaskarray(row), np.nan, row.data)
        if span != self._span:
            self._warn()
            self._span, self._best = span, np.array(size)
            here[:] = values
            return
        with np.errstate(invalid="ignore"):
            better = (size > self._best) | (np.isnan(size) & ~np.isnan(self._best))
        here[better] = values[better]
        self._best[better] = size[better]

    def _warn(self) -> None:
        if np.isneginf(self._best).any():   # no frame has a value there: as numpy says it
            warnings.warn("Warning: converting a masked element to nan.", stacklevel=2)

    def array(self) -> Any:
        """Return them."""
        self._warn()
        return self._values


class Variable:
    """A variable of a file, as rows of its frames.

    Parameters
    ----------
    variable : netCDF4.Variable
        (frames, places), or (places,): the same in every frame.
    """

    def __init__(self, variable: Any) -> None:
        self.stored = variable
        self.changes = len(variable.shape) > 1
        self.places = int(variable.shape[-1])

    def row(self, frame: Any, span: slice) -> Row:
        """Return some places of a frame."""
        return self.stored[frame, span] if self.changes else self.stored[span]

    def collector(self, frames: Any) -> Any:
        """Return what ANUGA's choice of frames is collected in."""
        if not self.changes:
            return Places(self.places)
        return Largest(self.places) if frames == MAXIMA else Frames(len(frames), self.places)


def numbered(frames: Any, count: int) -> list[tuple[int, Any]]:
    """Return place and number of the frames to be read: for MAXIMA, those of the whole file."""
    return list(enumerate(range(count) if frames == MAXIMA else frames))


def read_variable(variable: Any, frames: Any, count: int) -> Any:
    """Return the chosen frames of a variable, or the largest values, as `getInds` does."""
    read = Variable(variable)
    found = read.collector(frames)
    for span in spans(read.places):
        if not read.changes:
            found.put(0, span, read.row(0, span))
            continue
        for place, frame in numbered(frames, count):
            row = read.row(frame, span)
            found.put(place, span, row if frames == MAXIMA else plain(row))
    return found.array()


class Triangles:
    """Some triangles, and the nodes among which theirs are.

    Attributes
    ----------
    span : slice
        Of the triangles.
    window : slice
        Of the nodes.
    corners : tuple of three (m,) int arrays
        The nodes of the triangles, counted from the first of the window.
    """

    def __init__(self, volumes: Any, span: slice) -> None:
        self.span = span
        some = volumes[span]
        first = int(some.min()) if len(some) else 0
        self.window = slice(first, int(some.max()) + 1 if len(some) else 0)
        some = some - first
        self.corners = some[:, 0], some[:, 1], some[:, 2]

    def mean(self, row: Row) -> Row:
        """Return values at centroids of a row of the window."""
        i, j, k = self.corners
        return (row[i] + row[j] + row[k]) / 3.0


def parts_of_mesh(volumes: Any, by_nodes: bool) -> Iterator[Triangles]:
    """Yield parts of a mesh; few where each has nodes all over the file.

    Parameters
    ----------
    volumes : netCDF4.Variable or array, (n, 3)
    by_nodes : bool
        Whether values at nodes are read for each part.
    """
    count = int(volumes.shape[0])
    size = PLACES
    if by_nodes and count > PLACES:
        window = Triangles(volumes, slice(0, PLACES)).window
        if window.stop - window.start > 4 * PLACES:
            size = max(PLACES, -(-count // MOST_SPANS))
    for span in spans(count, size):
        yield Triangles(volumes, span)
