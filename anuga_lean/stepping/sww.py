"""Writes the SWW file of a lean domain, and goes on with one after a checkpoint.

Owns which variables get what, with the same bytes as ANUGA's writer puts into them, and that
a frame comes after the last one; `frames` makes the values, some megabytes at a time.
Creating the file, and frames that take the place of others or begin a new file, are ANUGA's.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from anuga.config import max_float
from anuga.file import netcdf
from anuga.file import sww as _sww
from numpy.typing import NDArray

from anuga_lean._errors import CheckpointWarning
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.memory_limits import count_of, stage
from anuga_lean.stepping import threads
from anuga_lean.stepping.classic_file import ClassicFile
from anuga_lean.stepping.frames import Dataset, Places, Spread, parts
from anuga_lean.stepping.sww_header import defining_at_once

Array = NDArray[np.float64]

_ROWS_AT_ONCE = 1 << 17     # of coordinates or triangles: 3 MiB of float64 or int64


class SWW_file(_sww.SWW_file):
    """ANUGA's writer; a domain on lean kernels is written without copies of stock arrays.

    Attributes
    ----------
    ranges : dict of str to (float, float)
        Least and largest value stored so far, of quantities that change; there
        only while frames are written in chunks.
    """

    writer: Any     # ANUGA's Write_sww, or for a frame `_Frame`
    recursion: Any  # how many files the run has begun because one got too large

    def __init__(self, domain: Any, *args: Any, **kwargs: Any) -> None:
        with defining_at_once(domain), _sorting_nodes(domain):
            super().__init__(domain, *args, **kwargs)

    def store_connectivity(self) -> None:
        """Store the triangles and what does not change."""
        if not _in_chunks(self.domain):
            super().store_connectivity()
            return
        with closing(netcdf.NetCDFFile(self.filename, "a")) as fid:
            self.domain.geo_reference.write_NetCDF(fid)
            self._store_triangles(fid)
            self._store_global_numbers(fid)
            self._store_static(Dataset(fid))

    def _store_triangles(self, fid: Any) -> None:
        domain, variables = self.domain, fid.variables
        smooth = domain.smooth is True
        points = np.asarray(domain.get_nodes()) if smooth else domain.get_vertex_coordinates()
        for some in parts(len(points), _ROWS_AT_ONCE):
            xy = np.asarray(points[some])
            for axis, name in enumerate("xy"):
                variables[name][some] = xy[:, axis].astype(self.precision)
        for some in parts(len(domain), _ROWS_AT_ONCE):
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

    def _store_static(self, file: Dataset) -> None:
        """Store what does not change."""
        writer = self.writer
        places = Places(self.domain, np.float32)    # in ANUGA whatever the file's precision
        for name, spread in places.store(file, writer.static_quantities).items():
            file.put(name + writer.RANGE, np.array([spread.low, spread.high]))
        for name in writer.static_c_quantities:
            values = self._centroids(name)
            for some in parts(len(values), _ROWS_AT_ONCE):
                file.put(name, values[some].astype(np.float32), some.start)

    @stage("storing a frame", count_of)
    def store_timestep(self) -> None:
        """Store a frame of what changes."""
        if not _in_chunks(self.domain):
            self.__dict__.pop("ranges", None)
            super().store_timestep()
        elif not self._append():
            writer = self.writer
            self._of_quantities, self.writer = writer, _Frame(self)
            try:
                super().store_timestep()
            finally:
                self.writer = writer
                del self._of_quantities

    def _append(self) -> bool:
        """Store a frame after the last one; return whether that is what ANUGA would do.

        It would not where the time does not go on, the file gets too large, cannot be opened
        now, is of another format, or has something in a frame that is not stored.
        """
        time = self.domain.relative_time
        try:
            file = ClassicFile.opened(self.filename)
        except OSError:
            return False
        if file is None:
            return False
        with closing(file):
            frame, nbytes, writer = file.frames, file.nbytes(), self.writer
            changing = {name for name, place in file.places.items() if place.in_frames}
            if changing != {"time", *writer.dynamic_quantities, *writer.dynamic_c_quantities} or \
                    frame and not time > file.get("time", frame - 1)[0] or \
                    nbytes + nbytes // (frame + 1) > self.max_size * 2**self.recursion:
                return False
            self.recursion = False
            file.put("time", time, frame=frame)
            self.store_values(file, frame)
            for name in self._overwrite_c_quantities:
                file.put(name, self._centroids(name))
            self._store_extrema(file)
            file.set_frames(frame + 1)
        return True

    def store_values(self, file: ClassicFile | Dataset, frame: int) -> None:
        """Store the values of a frame, and widen the stored ranges."""
        writer = self.__dict__.get("_of_quantities", self.writer)
        names = writer.dynamic_quantities
        least = self.minimum_storable_height if "stage" in names else None
        places = Places(self.domain, self.precision, least)
        for name, spread in places.store(file, names, frame).items():
            low, high = file.get(name + writer.RANGE)
            if spread.low < low:
                low = spread.low
                file.put(name + writer.RANGE, np.array([low]))
            if spread.high > high:
                high = spread.high
                file.put(name + writer.RANGE, np.array([high]), 1)
            self.__dict__.setdefault("ranges", {})[name] = float(low), float(high)
        for name in writer.dynamic_c_quantities:
            file.put(name, self._centroids(name), frame=frame)

    def _centroids(self, name: str) -> Array:
        """Return the values that a variable such as stage_c stores."""
        domain, base = self.domain, name[:-2]
        if base in self._tracer_names:
            return domain.tracer_centroid_values[domain._tracer_names.index(base)]
        return domain.quantities[base].centroid_values

    def _store_extrema(self, file: ClassicFile) -> None:
        """Store the extrema of monitored quantities that are known."""
        for name, known in (self.domain.quantities_to_be_monitored or {}).items():
            for place, end in enumerate(("min", "max")):
                if known[end] is not None:
                    file.put(f"{name}.extrema", known[end], place)
                    file.put(f"{name}.{end}_location", known[f"{end}_location"])
                    file.put(f"{name}.{end}_time", known[f"{end}_time"])


SWW_file.__module__ = _sww.SWW_file.__module__


@contextmanager
def _sorting_nodes(domain: Any) -> Iterator[None]:
    """Sort the corners of triangles by node in another thread, if frames need it and there is one.

    numpy's sort takes a third of what it takes to create a file, and no other order of it is
    ANUGA's.
    """
    thread = None
    if domain.smooth is True and _in_chunks(domain) and threads.usable(domain.omp_num_threads) > 1:
        thread = threading.Thread(target=_sort_nodes, args=(domain.mesh,))
        try:
            thread.start()
        except RuntimeError:    # there is no room for one
            thread = None
    try:
        yield
    finally:
        if thread is not None:
            thread.join()


def _sort_nodes(mesh: Any) -> None:
    """Sort them, or leave it to the first frame, which says for what there was no memory."""
    with suppress(MemoryError):
        mesh.node_order()


class _Frame(_sww.Write_sww):
    """A writer for ANUGA's code of a frame, which stores nothing but the time."""

    def __init__(self, file: SWW_file) -> None:
        super().__init__([], [])
        self._file = file

    def store_quantities(self, outfile: Any, *args: Any, **quantities: Any) -> int:
        """Store the time, as ANUGA does, then the quantities; return the frame's index."""
        frame = super().store_quantities(outfile, *args, **quantities)
        self._file.store_values(Dataset(outfile), frame)
        return frame

    def store_quantities_centroid(self, *args: Any, **quantities: Any) -> None:
        """Do nothing: `store_quantities` has stored them."""


# -- going on with a file after a checkpoint -------------------------------------

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
    if not domain.store:
        return False
    if file is None:    # a domain of another number of ranks, or one that did not store
        return _begin_file(domain)
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
    """Set the number of frames of a classic netCDF file."""
    file = ClassicFile.opened(path)
    if file is not None:    # HDF5 cannot be cut; ANUGA stores over frames of the same time
        with closing(file):
            file.set_frames(count)


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
        for some in parts(variable.shape[1], _ROWS_AT_ONCE):
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
