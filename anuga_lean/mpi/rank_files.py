"""Reads the SWW files that the ranks of a parallel run have stored, as parts of one mesh.

Owns which triangles and nodes are a rank's own, where those are in the whole mesh,
and whether the files belong together.  What is made of them is `merging`'s.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean._errors import MergeError

AT_ONCE = 1 << 22   # bytes that are read of a variable at a time

Numbers = NDArray[np.int64]
# What netCDF and ANUGA raise for bytes that mean nothing.
_UNREADABLE = (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError)
FRAMES = "number_of_timesteps"
AT_NODES = ("elevation", "friction", "height", "stage", "xmomentum", "xvelocity", "ymomentum",
            "yvelocity")
_COUNTS = ("number_of_volumes", "number_of_points")
_WHOLE_NUMBERS = ("number_of_global_triangles", "number_of_global_nodes")
_ATTRIBUTES = (*_WHOLE_NUMBERS, "starttime", "description", "order", "xllcorner", "yllcorner")
_Some = tuple[slice, NDArray[np.bool_], Numbers]


class Part:
    """The file of one rank, open only while it is read.

    Attributes
    ----------
    full : (ceil(n / 8),) uint8
        A bit per triangle of the file: whether it is a full one.
    full_nodes : (ceil(nodes / 8),) uint8
        A bit per node: whether a full triangle has it; of smooth files only.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.full_nodes: NDArray[np.uint8] | None = None
        with self.opened() as file:
            self.attributes = {name: file.getncattr(name) for name in file.ncattrs()}
            self.dimensions = {name: each.dimensions for name, each in file.variables.items()}
            self.sizes = {name: len(each) for name, each in file.dimensions.items()}
            self.shapes = {name: each.shape for name, each in file.variables.items()}
            self.kinds = {name: np.dtype(each.dtype).kind for name, each in file.variables.items()}
            self._check_names()
            self.triangles, self.points = (self.sizes[name] for name in _COUNTS)
            self.times = np.asarray(file.variables["time"][:])
            self._check_numbers()
            self.number_of_full = self._read_flags(file)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Any]:
        """Open the file, with plain arrays."""
        from netCDF4 import Dataset  # loaded by what reads or writes such files

        try:
            with closing(Dataset(self.path)) as file:
                file.set_auto_mask(False)
                yield file
        except MergeError:
            raise
        except _UNREADABLE as error:
            raise MergeError(f"{self.path} cannot be read ({error}): it is no whole SWW file; run "
                             "the model again.") from error

    def _check_names(self) -> None:
        """Raise MergeError unless the file has the counts, times and attributes of an SWW file."""
        missing = [name for names, there in (
            (_COUNTS, self.sizes), (("time", "volumes", "x", "y"), self.dimensions),
            (_ATTRIBUTES, self.attributes)) for name in names if name not in there]
        if missing:
            raise MergeError(f"{self.path} has no {', '.join(missing)}: it is no whole SWW file; "
                             "run the model again.")
        wrong = [f"{name}={self.attributes[name]!r}" for name in _WHOLE_NUMBERS
                 if not isinstance(self.attributes[name], (int, np.integer))]
        wrong += [f"{name}={self.attributes[name]!r}"
                  for name in ("starttime", "xllcorner", "yllcorner")
                  if not isinstance(self.attributes[name], (int, float, np.number))
                  or not np.isfinite(self.attributes[name])]
        wrong += [f"{name} of the shape {shape}" for name, shape in self.shapes.items()
                  if not self._is_as_written(name, shape)]
        if wrong:
            raise MergeError(f"{self.path} has {', '.join(wrong)}: it is damaged; run the model "
                             "again.")

    def _is_as_written(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether a variable has the shape and the kind of numbers that ANUGA gives it."""
        triangles, points = (self.sizes[count] for count in _COUNTS)
        expected = {"tri_l2g": triangles, "tri_full_flag": triangles, "x": points, "y": points,
                    "time": self.sizes.get(FRAMES)}
        if points != 3 * triangles:
            expected["node_l2g"] = points
        if name in expected:
            kinds = "f" if name in ("time", "x", "y") else "iu"
            return shape == (expected[name],) and self.kinds[name] in kinds
        if name == "volumes":
            return shape == (triangles, 3) and self.kinds[name] in "iu"
        if name not in AT_NODES and not name.endswith("_c"):
            return True     # is not merged
        places = triangles if name.endswith("_c") else points
        frames = (self.sizes.get(FRAMES),) * (self.dimensions[name][:1] == (FRAMES,))
        return shape == (*frames, places) and self.kinds[name] in "iuf"

    def _check_numbers(self) -> None:
        needed = {"tri_l2g", "tri_full_flag"}
        if self.points != 3 * self.triangles:   # else vertices are numbered by their triangles
            needed.add("node_l2g")
        missing = needed - set(self.dimensions)
        if missing:
            raise MergeError(
                f"{self.path} has no {', '.join(sorted(missing))}, so that it is not the file of a "
                "rank of a parallel run: merge the files that such a run has stored.")

    def _read_flags(self, file: Any) -> int:
        """Note which triangles are full; return how many."""
        flags = np.zeros(self.triangles, bool)
        numbers = file.variables["tri_l2g"]
        count = int(self.attributes["number_of_global_triangles"])
        for some in slices(self.triangles, AT_ONCE // 4):
            found = file.variables["tri_full_flag"][some]
            if ((found != 0) & (found != 1)).any():
                raise MergeError(f"{self.path} has flags of full triangles that are not 0 or 1: it "
                                 "is damaged; run the model again.")
            flags[some] = found
            self._check_range("triangles", numbers[some], count)
        self.full = np.packbits(flags)
        if self.points != 3 * self.triangles:
            count = int(self.attributes["number_of_global_nodes"])
            for some in slices(self.points, AT_ONCE // 4):
                self._check_range("nodes", file.variables["node_l2g"][some], count)
        return int(np.count_nonzero(flags))

    def _check_range(self, name: str, numbers: NDArray[Any], count: int) -> None:
        low, high = numbers.min(), numbers.max()
        if low < 0 or high >= count:
            least = f"from {low} " if low < 0 else ""
            raise MergeError(f"{self.path} numbers its {name} {least}up to {high} in a mesh of "
                             f"{count}: it is damaged; run the model again.")

    def find_full_nodes(self, file: Any) -> None:
        """Note which nodes belong to full triangles."""
        if self.full_nodes is not None:
            return
        found = np.zeros(self.points, bool)
        for some in slices(self.triangles, AT_ONCE // 12):
            found[self.corners(file, some, self.are_full(some))] = True
        self.full_nodes = np.packbits(found)

    def corners(self, file: Any, some: slice, kept: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return the nodes, in the file, of the triangles of a slice that are kept."""
        nodes: NDArray[np.int32] = file.variables["volumes"][some][kept]
        if len(nodes):
            self._check_range("corners", nodes, self.points)
        return nodes

    def are_full(self, some: slice) -> NDArray[np.bool_]:
        """Return which triangles of a slice are full; it begins at a multiple of 8."""
        return _bits(self.full, some)


def _bits(packed: NDArray[np.uint8], some: slice) -> NDArray[np.bool_]:
    octets = packed[some.start // 8:-(-some.stop // 8)]
    return np.unpackbits(octets, count=some.stop - some.start).view(bool)


def slices(count: int, most: int, step: int = 8) -> Iterator[slice]:
    """Yield slices of at most `most` places, or one step, that begin at multiples of the step."""
    most = max(step, most // step * step)
    for start in range(0, count, most):
        yield slice(start, min(start + most, count))


def parts_of_run(name: str, ranks: int) -> list[Part]:
    """Return the files of all ranks, checked to be of one run."""
    paths = [f"{name}_P{ranks}_{rank}.sww" for rank in range(ranks)]
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise MergeError(
            f"of the {ranks} files to merge {len(missing)} are not there, first {missing[0]}: give "
            "the name with its folder and the number of ranks that the model was run on.")
    parts = [Part(path) for path in paths]
    description = parts[0].attributes["description"]    # the one that the merged file gets
    if not isinstance(description, str):
        raise MergeError(f"{paths[0]} has description={description!r}, which is no text: it is "
                         "damaged; run the model again.")
    for part in parts[1:]:
        reason = _difference(parts[0], part)
        if reason:
            raise MergeError(f"{part.path} is of another run than {parts[0].path} ({reason}): run "
                             "the model again, or give the number of ranks of the last run.")
    nodes = int(parts[0].attributes["number_of_global_nodes"])
    if nodes > sum(3 * part.triangles + part.points for part in parts):
        raise MergeError(f"{parts[0].path} speaks of a mesh of {nodes} nodes, which the files of "
                         f"the {ranks} ranks do not have: run the model again.")
    found = sum(part.number_of_full for part in parts)
    count = int(parts[0].attributes["number_of_global_triangles"])
    if found != count:
        raise MergeError(f"the files {paths[0]} to {paths[-1]} have {found} full triangles of a "
                         f"mesh of {count}, so that one is of another run: run the model again.")
    return parts


def _difference(first: Part, other: Part) -> str | None:
    """Return what shows that two files are not of the same run."""
    for name in ("number_of_global_triangles", "number_of_global_nodes", "starttime",
                 "xllcorner", "yllcorner"):
        ours, theirs = other.attributes.get(name), first.attributes.get(name)
        if ours != theirs:
            return f"its {name} is {ours}, not {theirs}"
    if len(other.times) != len(first.times):
        return f"it has {len(other.times)} frames, not {len(first.times)}"
    if not np.array_equal(other.times, first.times):
        frame = int(np.flatnonzero(other.times != first.times)[0])
        return f"its frame {frame} is of {other.times[frame]:g} s, not {first.times[frame]:g} s"
    names = {name for name in set(first.dimensions) ^ set(other.dimensions)
             if not name.endswith("_range")}    # what is merged has ranges of its own
    return f"only one has {', '.join(sorted(names))}" if names else None


# -- places ----------------------------------------------------------------------


class Nodes:
    """The nodes of full triangles in a smooth file; `count` of them in the whole mesh."""

    ratio = 1

    def __init__(self, count: int) -> None:
        self.count = count

    def of(self, part: Part, file: Any, window: slice, width: int) -> Iterator[_Some]:
        """Yield places of a rank's file that lie in a window of the whole mesh.

        Parameters
        ----------
        width : int
            Bytes that are read of each.

        Yields
        ------
        some : slice
            Of the variable in the file.
        kept : (m,) bool
            Which of those count and lie in the window.
        numbers : (count of kept,) int64
            Where they are in the window.
        """
        for some in slices(self.prepare(part, file), AT_ONCE // (self.ratio * width)):
            kept, numbers = self.numbers(part, file, some)
            if window.stop - window.start < self.count:
                inside = (numbers >= window.start) & (numbers < window.stop)
                kept[kept] = inside
                numbers = numbers[inside] - window.start
            if len(numbers):
                yield slice(self.ratio * some.start, self.ratio * some.stop), kept, numbers

    def prepare(self, part: Part, file: Any) -> int:
        """Return how many of these places the file of a rank has."""
        part.find_full_nodes(file)
        return part.points

    def numbers(self, part: Part, file: Any, some: slice) -> tuple[NDArray[np.bool_], Numbers]:
        """Return which places of a slice count, and the global numbers of those."""
        assert part.full_nodes is not None
        kept = _bits(part.full_nodes, some)
        return kept, file.variables["node_l2g"][some][kept].astype(np.int64)


class AllNodes(Nodes):
    """All nodes, those of ghost triangles, too."""

    def prepare(self, part: Part, file: Any) -> int:
        return part.points

    def numbers(self, part: Part, file: Any, some: slice) -> tuple[NDArray[np.bool_], Numbers]:
        kept = np.ones(some.stop - some.start, bool)
        return kept, file.variables["node_l2g"][some].astype(np.int64)


class Triangles(Nodes):
    """The full triangles of a file."""

    def prepare(self, part: Part, file: Any) -> int:
        return part.triangles

    def numbers(self, part: Part, file: Any, some: slice) -> tuple[NDArray[np.bool_], Numbers]:
        kept = part.are_full(some)
        return kept, file.variables["tri_l2g"][some][kept].astype(np.int64)


class Corners(Triangles):
    """The corners of full triangles in a file with unique vertices; three for each."""

    ratio = 3

    def numbers(self, part: Part, file: Any, some: slice) -> tuple[NDArray[np.bool_], Numbers]:
        kept, numbers = super().numbers(part, file, some)
        corners = 3 * numbers[:, np.newaxis] + np.arange(3)
        return np.repeat(kept, 3), corners.reshape(-1)
