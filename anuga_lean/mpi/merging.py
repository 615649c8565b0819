"""Merges the SWW files of the ranks of a parallel run into one.

Owns ANUGA's `sww_merge_parallel` in a bounded amount of memory: what is
written passes through a buffer of `AT_ONCE` bytes, the places of the whole
mesh a window at a time where one frame is larger than that.  Header, names
and attributes are made by ANUGA's writer; `rank_files` reads the others.
"""

from __future__ import annotations

import contextlib
import os
from contextlib import closing
from typing import Any

import numpy as np
from anuga.config import netcdf_float32, netcdf_mode_w
from anuga.coordinate_transforms.geo_reference import Geo_reference
from anuga.file import netcdf
from anuga.file.sww import Write_sww

from anuga_lean._errors import SettingError
from anuga_lean._kernels import release_free_memory
from anuga_lean.mpi.rank_files import (
    AT_NODES,
    FRAMES,
    AllNodes,
    Corners,
    Nodes,
    Part,
    Triangles,
    parts_of_run,
    slices,
)
from anuga_lean.stepping.sww import Spread

AT_ONCE = 1 << 25   # bytes of the buffer


def sww_merge_parallel(domain_global_name: str, np: int, verbose: bool = False,
                       delete_old: bool = False, chunk_size: int | None = None) -> None:
    """Merge the SWW files of the ranks of a run into NAME.sww.

    Parameters
    ----------
    domain_global_name : str
        With the folder, without .sww: the files are NAME_P{np}_{rank}.sww.
    np : int
        Number of ranks.
    verbose : bool
        Say what is done.
    delete_old : bool
        Remove the files of the ranks once the merged one is whole.
    chunk_size : int, optional
        Most frames to hold at once; fewer are held where they are large.

    Raises
    ------
    MergeError
        The file of a rank is missing, cannot be read, or is of another run; a
        merged file of before is left as it is.
    ValueError
        `np` or `chunk_size` is less than 1.

    Notes
    -----
    ANUGA 4.1.0, utilities/sww_merge.py.  Variables are written in the order of
    their names, where ANUGA's depends on Python's hash seed.
    """
    for name, value in (("np", np), ("chunk_size", chunk_size)):
        if value is not None and value < 1:
            raise SettingError(f"sww_merge got {name}={value}: at least 1 is needed.")
    output = f"{domain_global_name}.sww"
    parts = parts_of_run(domain_global_name, np)
    if verbose:
        print(f"merging {np} SWW files into {output}")
    unfinished = f"{output}.part"
    try:
        with closing(netcdf.NetCDFFile(unfinished, netcdf_mode_w)) as file:
            _Merged(file, parts, chunk_size, verbose).write()
        os.replace(unfinished, output)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(unfinished)
        raise
    release_free_memory()
    for part in parts if delete_old else ():
        if verbose:
            print(f"deleting {part.path}")
        os.remove(part.path)


class _Merged:
    """The file that is written.

    Parameters
    ----------
    file : netCDF4.Dataset
        New and empty.
    parts : list of Part
        In the order of the ranks: of a node that several have the last one's value is stored.
    chunk_size : int or None
        Most frames to hold at once.
    """

    def __init__(self, file: Any, parts: list[Part], chunk_size: int | None,
                 verbose: bool) -> None:
        self.file = file
        self.parts = parts
        self.verbose = verbose
        self.frames = len(parts[0].times)
        self.chunk_size = chunk_size
        first = parts[0]
        self.triangles = int(first.attributes["number_of_global_triangles"])
        nodes = int(first.attributes["number_of_global_nodes"])
        self.smooth = first.points != 3 * first.triangles
        self.points: Nodes = Nodes(nodes) if self.smooth else Corners(3 * self.triangles)
        self.all_points = AllNodes(nodes) if self.smooth else self.points
        self.names: dict[str, list[str]] = {
            kind: [] for kind in ("static", "dynamic", "static_c", "dynamic_c")}
        for name, dimensions in sorted(first.dimensions.items()):
            if name in AT_NODES or name.endswith("_c"):
                kind = "dynamic" if dimensions[0] == FRAMES else "static"
                self.names[kind + ("_c" if name.endswith("_c") else "")].append(name)

    def write(self) -> None:
        """Write the whole file."""
        self.file.set_fill_off()    # every value is stored below
        self.file.set_auto_mask(False)
        self._write_header()
        for name in "xy":
            self._write_rows(name, self.all_points)
        self._write_triangles()
        for name in self.names["static"]:
            spread = self._write_rows(name, self.points)
            self.file.variables[name + Write_sww.RANGE][:] = spread.low, spread.high
        triangles = Triangles(self.triangles)
        for name in self.names["static_c"]:
            self._write_rows(name, triangles)
        self.file.variables["time"][:] = self.parts[0].times
        for name in self.names["dynamic"]:
            self._widen_range(name, self._write_frames(name, self.points))
        for name in self.names["dynamic_c"]:
            self._write_frames(name, triangles)

    def _write_header(self) -> None:
        first = self.parts[0].attributes
        writer = Write_sww(*(self.names[kind] for kind in (
            "static", "dynamic", "static_c", "dynamic_c")))
        writer.store_header(
            self.file, int(first["starttime"]), self.triangles, self.points.count,
            description=f"merged:{first['description']}", sww_precision=netcdf_float32,
            timezone=first.get("timezone", "UTC"))
        Geo_reference().write_NetCDF(self.file)
        for name in ("order", "xllcorner", "yllcorner"):
            setattr(self.file, name, first[name])
        with self.parts[0].opened() as file:
            Geo_reference(NetCDFObject=file).write_NetCDF(self.file)

    def _write_triangles(self) -> None:
        """Write the nodes of the triangles, where vertices are stored uniquely its own three."""
        volumes, places = self.file.variables["volumes"], Triangles(self.triangles)
        for window in slices(self.triangles, AT_ONCE // 12):
            if not self.smooth:
                corners = np.arange(3 * window.start, 3 * window.stop, dtype=np.int32)
                volumes[window] = corners.reshape(-1, 3)
                continue
            out = np.zeros((window.stop - window.start, 3), np.int32)
            for part in self.parts:
                with part.opened() as file:
                    nodes = file.variables["node_l2g"][:]
                    for some, kept, numbers in places.of(part, file, window, 12):
                        out[numbers] = nodes[part.corners(file, some, kept)]
            volumes[window] = out

    def _write_rows(self, name: str, places: Nodes) -> Spread:
        """Write a variable that does not change."""
        spread = Spread()
        for window in slices(places.count, AT_ONCE // 4):
            out = np.zeros(window.stop - window.start, np.float32)
            for part in self.parts:
                with part.opened() as file:
                    variable = file.variables[name]
                    for some, kept, numbers in places.of(part, file, window, 4):
                        out[numbers] = variable[some][kept]
            self.file.variables[name][window] = out
            spread.add(out)
        return spread

    def _write_frames(self, name: str, places: Nodes) -> tuple[float, float]:
        """Write a variable that changes; return its least and largest value."""
        if self.verbose:
            print(f"  {name}")
        low, high = np.inf, -np.inf
        at_once = min(self.chunk_size or self.frames, self.frames)
        few = max(1, min(at_once, AT_ONCE // 4 // places.count))
        for chunk in slices(self.frames, at_once, 1):
            # A NaN makes ANUGA pass over the ends of all frames that it holds at once.
            spread = Spread()
            for start in range(chunk.start, chunk.stop, few):
                frames = slice(start, min(start + few, chunk.stop))
                for window in slices(places.count, AT_ONCE // 4 // few):
                    self._write_window(name, places, frames, window, spread)
            low, high = min(low, float(spread.low)), max(high, float(spread.high))
        return low, high

    def _write_window(self, name: str, places: Nodes, frames: slice, window: slice,
                      spread: Spread) -> None:
        count = frames.stop - frames.start
        out = np.zeros((count, window.stop - window.start), np.float32)
        for part in self.parts:
            with part.opened() as file:
                variable = file.variables[name]
                for some, kept, numbers in places.of(part, file, window, 4 * count):
                    for row, values in zip(out, variable[frames, some], strict=True):
                        row[numbers] = values[kept]
        self.file.variables[name][frames, window] = out
        spread.add(out)

    def _widen_range(self, name: str, ends: tuple[float, float]) -> None:
        known = self.file.variables[name + Write_sww.RANGE]
        low, high = known[:]
        if ends[0] < low:
            known[0] = ends[0]
        if ends[1] > high:
            known[1] = ends[1]
