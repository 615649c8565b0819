"""Writes the SWW file of a lean domain, some places at a time.

Owns the same variables with the same bytes as ANUGA's writer puts into the
file, from chunks that are freed once they are written.  Creating the file, the
order of its frames and what is in it are ANUGA's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from anuga.config import max_float
from anuga.file import netcdf
from anuga.file import sww as _sww
from numpy.typing import DTypeLike, NDArray

from anuga_lean._errors import CheckpointWarning
from anuga_lean._kernels import average_vertices
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.memory_limits import count_of, stage

Array = NDArray[np.float64]

_TRIANGLES_AT_ONCE = 1 << 13
_NODES_AT_ONCE = 1 << 12


class SWW_file(_sww.SWW_file):
    """ANUGA's writer; a domain on lean kernels is written without copies of stock arrays.

    Attributes
    ----------
    ranges : dict of str to (float, float)
        Least and largest value stored so far, of quantities that change; there
        only while frames are written in chunks.
    """

    writer: Any     # ANUGA's Write_sww, or for a frame `_Frame`

    def store_connectivity(self) -> None:
        """Store the triangles and what does not change."""
        if not _in_chunks(self.domain):
            super().store_connectivity()
            return
        with closing(netcdf.NetCDFFile(self.filename, "a")) as fid:
            self.domain.geo_reference.write_NetCDF(fid)
            self._store_triangles(fid)
            self._store_global_numbers(fid)
            _Places(self).store_static(fid)

    def _store_triangles(self, fid: Any) -> None:
        domain, variables = self.domain, fid.variables
        smooth = domain.smooth is True
        points = np.asarray(domain.get_nodes()) if smooth else domain.get_vertex_coordinates()
        for some in _parts(len(points), 3 * _TRIANGLES_AT_ONCE):
            xy = np.asarray(points[some])
            for axis, name in enumerate("xy"):
                variables[name][some] = xy[:, axis].astype(self.precision)
        for some in _parts(len(domain), _TRIANGLES_AT_ONCE):
            # ANUGA's detour through float32 would change numbers above 2**24.
            corners = 3 * np.arange(some.start, some.stop)[:, np.newaxis] + np.arange(3)
            triangles = np.asarray(domain.mesh.triangles[some]) if smooth else corners
            variables["volumes"][some] = triangles.astype(np.int32)

    def _store_global_numbers(self, fid: Any) -> None:
        domain = self.domain
        if domain.parallel:
            self.writer.store_parallel_data(
                fid, domain.number_of_global_triangles, domain.number_of_global_nodes,
                domain.tri_full_flag, domain.tri_l2g, domain.node_l2g)

    @stage("storing a frame", count_of)
    def store_timestep(self) -> None:
        """Store a frame of what changes."""
        if not _in_chunks(self.domain):
            self.__dict__.pop("ranges", None)
            super().store_timestep()
            return
        writer = self.writer
        self.writer = _Frame(self)
        try:
            super().store_timestep()
        finally:
            self.writer = writer


SWW_file.__module__ = _sww.SWW_file.__module__


class _Frame(_sww.Write_sww):
    """A writer for ANUGA's code of a frame, which stores nothing but the time."""

    def __init__(self, file: SWW_file) -> None:
        super().__init__([], [])
        self._file = file
        self._places = _Places(file)

    def store_quantities(self, outfile: Any, *args: Any, **quantities: Any) -> int:
        """Store the time, as ANUGA does, then the quantities; return the frame's index."""
        frame = super().store_quantities(outfile, *args, **quantities)
        self._places.store_dynamic(outfile, frame)
        return frame

    def store_quantities_centroid(self, *args: Any, **quantities: Any) -> None:
        """Do nothing: `store_quantities` has stored them."""


class _Places:
    """The values of a file's quantities at the places it stores them."""

    def __init__(self, file: SWW_file) -> None:
        self.file = file
        self.writer = file.writer
        self.domain = file.domain
        self.smooth = self.domain.smooth is True

    def _chunks(self) -> Iterator[tuple[slice, Any]]:
        """Yield the places of each chunk, and what `_values` needs of them."""
        domain = self.domain
        if not self.smooth:
            for ks in _parts(len(domain), _TRIANGLES_AT_ONCE):
                yield slice(3 * ks.start, 3 * ks.stop), ks
            return
        order, counts = domain.mesh.node_order()
        entry = 0
        for some in _parts(len(counts), _NODES_AT_ONCE):
            # ANUGA's averages pass over an entry at a node without triangles.
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

    def store_static(self, fid: Any) -> None:
        """Store what does not change."""
        for name in self.writer.static_quantities:
            spread = Spread()
            for some, known in self._chunks():
                values = self._values(name, known).astype(self.file.precision)
                fid.variables[name][some] = values
                spread.add(values)
            fid.variables[name + self.writer.RANGE][0] = spread.low
            fid.variables[name + self.writer.RANGE][1] = spread.high
        for name in self.writer.static_c_quantities:
            values = self.domain.quantities[name[:-2]].centroid_values
            _store_rows(fid.variables[name], (), values, np.float32)

    def store_dynamic(self, fid: Any, frame: int) -> None:
        """Store a frame of what changes, and widen the stored ranges."""
        spreads = {name: Spread() for name in self.writer.dynamic_quantities}
        for some, known in self._chunks():
            for name, values in self._storable(known):
                fid.variables[name][frame, some] = values.astype(self.file.precision)
                spreads[name].add(values)
        for name, spread in spreads.items():
            ends = fid.variables[name + self.writer.RANGE]
            low, high = ends[:]
            if spread.low < low:
                ends[0] = low = spread.low
            if spread.high > high:
                ends[1] = high = spread.high
            self.file.__dict__.setdefault("ranges", {})[name] = float(low), float(high)
        for name in self.writer.dynamic_c_quantities:
            _store_rows(fid.variables[name], (frame,), self._centroids(name[:-2]),
                        self.file.precision)

    def _storable(self, known: Any) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield each quantity with its values, those of still water where it is too shallow."""
        deep: Any = None
        precision = self.file.precision
        if "stage" in self.writer.dynamic_quantities:
            stage, elevation = (self._values(name, known) for name in ("stage", "elevation"))
            deep = stage - elevation >= self.file.minimum_storable_height
        for name in self.writer.dynamic_quantities:
            if name == "stage":
                # Not yet rounded where it is the bed's: so it enters the range.
                yield name, np.where(deep, stage.astype(precision), elevation)
                continue
            values = self._values(name, known).astype(precision)
            if deep is not None and name in ("xmomentum", "ymomentum"):
                values = np.where(deep, values, np.zeros_like(values))
            yield name, values

    def _centroids(self, name: str) -> Array:
        if name in self.file._tracer_names:
            row = self.domain._tracer_names.index(name)
            return self.domain.tracer_centroid_values[row]
        return self.domain.quantities[name].centroid_values


class Spread:
    """The least and the largest of numbers that come in parts; NaN if a number is."""

    def __init__(self) -> None:
        self.low: Any = np.inf
        self.high: Any = -np.inf

    def add(self, values: NDArray[Any]) -> None:
        """Take more numbers in."""
        self.low = np.minimum(self.low, np.min(values))
        self.high = np.maximum(self.high, np.max(values))


# -- going on with a file after a checkpoint -------------------------------------

_CLASSIC = {b"CDF\x01": ">u4", b"CDF\x02": ">u4", b"CDF\x05": ">u8"}


def go_on_with_file(domain: Any) -> bool:
    """Cut the domain's file after the frame of the present time, or the one before.

    Frames that were stored after the checkpoint was written are cut off.  If the
    file is gone a new one is begun, with a CheckpointWarning; so it is, without one, if
    the domain has got another name or datadir since it was loaded: the file is another run's.

    Returns
    -------
    bool
        Whether there is a file to go on with.
    """
    file = getattr(domain, "writer", None)
    if not domain.store or file is None:
        return False
    here = domain.get_datadir(), domain.get_name()
    if domain._lean_resumed[2:] not in ((), (here,)):
        return _begin_file(domain)
    if not os.path.exists(file.filename):
        warnings.warn(
            f"{file.filename}, to which the run of the checkpoint has stored, is not there: a new "
            f"file begins at t={domain.get_time():g} s.", CheckpointWarning, stacklevel=5)
        return _begin_file(domain)
    file._lock = _sww.acquire_sww_lock(file.filename)
    with closing(netcdf.NetCDFFile(file.filename)) as fid:
        times = np.asarray(fid.variables["time"][:], float)
    now = domain.relative_time
    count = int(np.count_nonzero(times <= now + 1e-9 * max(1.0, abs(now))))
    if count < len(times):
        _cut_frames(file.filename, count)
        _narrow_ranges(file, count)
    return True


def _begin_file(domain: Any) -> bool:
    """Make a file and store the present state in it; return True."""
    domain.distribute_to_vertices_and_edges()
    domain.initialise_storage()
    domain.store_timestep()
    return True


def move_aside(domain: Any) -> None:
    """Rename the file of an earlier run that this domain's would replace."""
    path = Path(domain.get_datadir()) / f"{domain.get_name()}.sww"
    if path.exists():
        aside = path.with_name(f"{path.stem}_until_{domain.get_time():g}.sww")
        path.rename(aside)
        warnings.warn(f"{path} of the run before was renamed to {aside.name}: a new file begins "
                      f"at t={domain.get_time():g} s.", CheckpointWarning, stacklevel=5)


def _cut_frames(path: str, count: int) -> None:
    """Set the number of frames of a classic netCDF file: it stands behind the magic number.

    NetCDF classic format specification, "header = magic numrecs ...".
    """
    with open(path, "r+b") as file:
        width = _CLASSIC.get(file.read(4))
        if width is not None:   # HDF5 cannot be cut; ANUGA stores over frames of the same time
            file.write(np.array(count, width).tobytes())


def _narrow_ranges(file: Any, count: int) -> None:
    """Set the ranges of what changes to those of the first `count` frames."""
    known = getattr(file, "ranges", {})
    with closing(netcdf.NetCDFFile(file.filename, "a")) as fid:
        for name, variable in fid.variables.items():
            ends = fid.variables.get(name + _sww.Write_sww.RANGE)
            if ends is not None and variable.dimensions[0] == "number_of_timesteps":
                ends[:] = known[name] if name in known else _range_of(variable, count)


def _range_of(variable: Any, count: int) -> tuple[float, float]:
    """Return the least and the largest value of frames, as ANUGA finds them one by one."""
    low, high = max_float, -max_float
    for frame in range(count):
        spread = Spread()
        for some in _parts(variable.shape[1], _NODES_AT_ONCE):
            spread.add(variable[frame, some])
        low = spread.low if spread.low < low else low
        high = spread.high if spread.high > high else high
    return low, high


def _in_chunks(domain: Any) -> bool:
    """Whether the stored values can be computed for some places at a time."""
    return (not on_stock_arrays(domain)
            and domain.number_of_full_nodes == domain.number_of_nodes
            and not any(getattr(quantity, "on_stock_arrays", True)
                        for quantity in domain.quantities.values()))


def _parts(count: int, most: int) -> Iterator[slice]:
    for start in range(0, count, most):
        yield slice(start, min(start + most, count))


def _store_rows(variable: Any, frame: tuple[int, ...], values: Array, dtype: DTypeLike) -> None:
    """Store centroid values in a variable, or in a frame of it."""
    for some in _parts(len(values), _TRIANGLES_AT_ONCE):
        variable[(*frame, some)] = values[some].astype(dtype)
