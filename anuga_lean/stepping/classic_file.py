"""Writes values into a netCDF classic file, straight to the places that its header names.

Owns the layout of the format and the order in which a frame arrives: the number of frames
comes last, so that a process which is killed before it leaves a file without the new frame.
The netCDF library reads 4 MiB whenever it opens a file, and reads and writes 8 KiB at a time;
it still makes the file, and what is written here is what it would write.

Notes
-----
NetCDF classic format specification: a header, then the values, big-endian, each variable's
from its `begin` on; what grows with the frames stands frame by frame behind the others.
"""

from __future__ import annotations

import math
import os
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anuga_lean._errors import StoringError

# Of the version in the fourth byte: formats of a count and of an offset.
_VERSIONS = {b"CDF\x01": (">I", ">I"), b"CDF\x02": (">I", ">Q"), b"CDF\x05": (">Q", ">Q")}
# By nc_type; those from 7 on are of version 5.
_TYPES = {1: ">i1", 2: ">S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8",
          7: ">u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_HEADER_NBYTES = 1 << 14        # read first; most headers are smaller
_LONGEST_HEADER = 1 << 24
_VALUES_AT_ONCE = 1 << 15


class _Unreadable(Exception):
    """A header that is not one of the format, or goes on behind what was read of it."""


class Place(NamedTuple):
    """Where the values of a variable stand."""

    begin: int      # in the file, of the first frame where there are frames
    dtype: np.dtype[Any]
    length: int     # in values, in a frame where there are frames
    in_frames: bool


class ClassicFile:
    """A classic file that is open for writing; close it.

    Parameters
    ----------
    path : str

    Attributes
    ----------
    places : dict of str to Place
        By the names of the variables.
    frames : int
        How many there are, as the header says.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._buffer: NDArray[np.uint8] | None = None
        self._file = os.open(path, os.O_RDWR)
        try:
            self.frames, self.places, self._frame_nbytes = self._read_header()
        except BaseException:
            self.close()
            raise

    @classmethod
    def opened(cls, path: str) -> ClassicFile | None:
        """Return the file; None if it is of another format, or its header is damaged."""
        try:
            return cls(path)
        except _Unreadable:
            return None

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def nbytes(self) -> int:
        """Return the size of the file."""
        return os.fstat(self._file).st_size

    # -- values ------------------------------------------------------------------

    def get(self, name: str, frame: int | None = None) -> NDArray[Any]:
        """Return all values of a variable, in a frame where it has frames."""
        place = self.places[name]
        nbytes = place.length * place.dtype.itemsize
        data = os.pread(self._file, nbytes, self._at(name, 0, place.length, frame))
        if len(data) < nbytes:
            raise StoringError(f"{self._path} ends before the values of {name}: it has been cut")
        return np.frombuffer(data, place.dtype).astype(place.dtype.newbyteorder("="))

    def put(self, name: str, values: ArrayLike, start: int = 0, frame: int | None = None) -> None:
        """Write values of a variable from one of them on, rounded to its type.

        Parameters
        ----------
        name : str
        values : (m,) array of numbers
        start : int
            Place of the first.
        frame : int, optional
            Where the variable has frames.

        Raises
        ------
        StoringError
            If the system refuses it, as on a full disk.
        ValueError
            If the variable has no such places.
        """
        place, values = self.places[name], np.atleast_1d(np.asarray(values))
        at = self._at(name, start, len(values), frame)
        if self._buffer is None:
            self._buffer = np.empty(8 * _VALUES_AT_ONCE, np.uint8)
        buffer = self._buffer.view(place.dtype)[:_VALUES_AT_ONCE]
        for first in range(0, len(values), _VALUES_AT_ONCE):
            some = values[first : first + _VALUES_AT_ONCE]
            np.copyto(buffer[: len(some)], some, casting="unsafe")
            self._write(buffer[: len(some)].data.cast("B"), at + first * place.dtype.itemsize)

    def set_frames(self, count: int) -> None:
        """Say in the header how many frames there are."""
        self._write(struct.pack(self._count, count), 4)
        self.frames = count

    def _at(self, name: str, start: int, count: int, frame: int | None) -> int:
        """Return where values stand."""
        place = self.places[name]
        if place.in_frames == (frame is None) or not 0 <= start <= start + count <= place.length:
            raise ValueError(f"{name} of {self._path} has no values {start} to {start + count} in "
                             f"frame {frame}")
        return place.begin + (frame or 0) * self._frame_nbytes + start * place.dtype.itemsize

    def _write(self, data: Any, at: int) -> None:
        left = memoryview(data)
        while len(left):
            try:
                done = os.pwrite(self._file, left, at)
            except OSError as error:
                raise StoringError(
                    f"{self._path} cannot be written at byte {at}: {error.strerror}; it holds the "
                    f"{self.frames} frames before") from error
            left, at = left[done:], at + done

    # -- the header ----------------------------------------------------------------

    def _read_header(self) -> tuple[int, dict[str, Place], int]:
        nbytes = _HEADER_NBYTES
        while True:
            data = os.pread(self._file, nbytes, 0)
            version = _VERSIONS.get(data[:4])
            if version is None:
                raise _Unreadable
            self._count = version[0]
            try:
                return _Header(data, *version).read()
            except _Unreadable:
                if len(data) < nbytes or nbytes >= _LONGEST_HEADER:
                    raise
            nbytes *= 8


class _Header:
    """Reads a header from its first byte to its last."""

    def __init__(self, data: bytes, count: str, offset: str) -> None:
        self._data, self._count, self._offset = data, count, offset
        self._at = 4

    def read(self) -> tuple[int, dict[str, Place], int]:
        """Return the number of frames, the places of the variables, and the bytes of a frame."""
        frames = self._number(self._count)
        if frames == 2 ** (8 * struct.calcsize(self._count)) - 1:
            raise _Unreadable       # "streaming": to be counted from the file's size
        lengths = []
        for _ in range(self._list(_DIMENSIONS)):
            self._name()
            lengths.append(self._number(self._count))
        self._pass_attributes()
        places, nbytes = {}, []
        for _ in range(self._list(_VARIABLES)):
            name, place = self._variable(lengths)
            places[name] = place
            if place.in_frames:
                nbytes.append(place.length * place.dtype.itemsize)
        # One alone stands without a gap.
        padded = nbytes if len(nbytes) == 1 else [-(-n // 4) * 4 for n in nbytes]
        return frames, places, sum(padded)

    def _variable(self, lengths: list[int]) -> tuple[str, Place]:
        name = self._name()
        which = [self._number(self._count) for _ in range(self._number(self._count))]
        if any(d >= len(lengths) for d in which):
            raise _Unreadable
        shape = [lengths[d] for d in which]
        self._pass_attributes()
        dtype = self._type()
        self._number(self._count)       # its size, which the shape tells, too
        begin = self._number(self._offset)
        in_frames = shape[:1] == [0]    # the length of the dimension that grows
        return name, Place(begin, dtype, math.prod(shape[in_frames:]), in_frames)

    def _pass_attributes(self) -> None:
        for _ in range(self._list(_ATTRIBUTES)):
            self._name()
            nbytes = self._type().itemsize * self._number(self._count)
            self._take(-(-nbytes // 4) * 4)

    def _list(self, tag: int) -> int:
        """Return how many entries a list has."""
        found, count = self._number(">I"), self._number(self._count)
        if found not in (0, tag) or (found == 0 and count):
            raise _Unreadable
        return count

    def _type(self) -> np.dtype[Any]:
        found = _TYPES.get(self._number(">I"))
        if found is None:
            raise _Unreadable
        return np.dtype(found)

    def _name(self) -> str:
        length = self._number(self._count)
        return self._take(-(-length // 4) * 4)[:length].decode("utf-8", "surrogateescape")

    def _number(self, of: str) -> int:
        return int(struct.unpack(of, self._take(struct.calcsize(of)))[0])

    def _take(self, nbytes: int) -> bytes:
        taken = self._data[self._at : self._at + nbytes]
        if len(taken) < nbytes:
            raise _Unreadable
        self._at += nbytes
        return taken
