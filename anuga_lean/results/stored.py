"""Stands for quantities of an SWW file that are read when they are asked for.

Owns the dict of quantities that ANUGA's readers hand on, the file that `file_function`
opens, and the mesh of a file.  What reads them row by row is in `interpolation` and
`sections`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean.results.frames import opened

QUANTITIES = ("elevation", "stage", "xmomentum", "ymomentum")


class StoredRows:
    """A (frames, places) variable of a file, as ANUGA's readers hold it.

    Parameters
    ----------
    file : str
        Name of the file.
    name : str
    shape : tuple of int
    every : int
        Frames from one that is taken to the next.
    """

    ndim = 2

    def __init__(self, file: str, name: str, shape: tuple[int, ...], every: int = 1) -> None:
        self.file = file
        self.name = name
        self.every = every
        self.frames = range(0, shape[0], every)
        self.shape = len(self.frames), shape[1]

    def thinned(self, every: int) -> StoredRows:
        """Return those of every so many frames."""
        return StoredRows(self.file, self.name, self.shape, every)

    def rows(self) -> Generator[Any, None, None]:
        """Yield the frames one by one, as netCDF4 gives them."""
        with opened(self.file) as file:
            variable = file.variables[self.name]
            for frame in self.frames:
                yield variable[frame]

    def array(self) -> Any:
        """Return all of it, as netCDF4 gives it."""
        with opened(self.file) as file:
            return file.variables[self.name][:: self.every]

    def copied(self) -> NDArray[Any]:
        """Return all of it as a plain array."""
        found: NDArray[Any] | None = None
        for frame, row in enumerate(self.rows()):
            if found is None:
                found = np.empty(self.shape, row.dtype)
            found[frame] = np.ma.getdata(row)
        return np.asarray(self.array()) if found is None else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all of it, for code of ANUGA's that is not ours."""
        return np.asarray(self.array(), dtype)


class StoredQuantities(dict[str, Any]):
    """Quantities by name, each read whole when it is asked for; a dict as ANUGA's."""

    def __init__(self, rows: dict[str, Any]) -> None:
        super().__init__(rows)

    def stored(self, name: str) -> Any:
        """Return what is read by rows, or the array that is there."""
        return super().__getitem__(name)

    def __getitem__(self, name: str) -> Any:
        """Return the array; it stays."""
        found = super().__getitem__(name)
        if isinstance(found, StoredRows):
            found = found.array()
            self[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        """Yield the names; defined here, so that a copy of it asks for the arrays."""
        return super().__iter__()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the array, or the default."""
        return self[name] if name in self else default

    def pop(self, name: str, *default: Any) -> Any:
        """Return the array and take it out."""
        if name in self:
            self[name]
        return super().pop(name, *default)

    def values(self) -> Any:
        """Return the arrays."""
        return self.copy().values()

    def items(self) -> Any:
        """Return names and arrays."""
        return self.copy().items()

    def copy(self) -> dict[str, Any]:
        """Return a plain dict."""
        return {name: self[name] for name in self}

    def __reduce__(self) -> Any:
        """Pickle as a plain dict."""
        return dict, (self.copy(),)


def are_stored(quantities: dict[str, Any]) -> bool:
    """Return whether quantities are in a file."""
    return isinstance(quantities, StoredQuantities) \
        or any(isinstance(each, StoredRows) for each in quantities.values())


class File:
    """A file whose variables of many frames are StoredRows."""

    def __init__(self, name: str, file: Any) -> None:
        self._file = file
        self.variables = {each: _Variable(name, each, variable) if len(variable.shape) == 2
                          and variable.dimensions[0] == "number_of_timesteps" else variable
                          for each, variable in file.variables.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Variable:
    def __init__(self, file: str, name: str, variable: Any) -> None:
        self._stored = StoredRows(file, name, variable.shape)
        self._variable = variable

    def __getitem__(self, key: Any) -> Any:
        return self._stored if key == slice(None) else self._variable[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._variable, name)


def ends(rows: Iterable[Any]) -> list[Any]:
    """Return what Python's min and max give for all values of all rows, one after the other."""
    found: list[Any] = []
    for row in rows:
        several: Iterable[Any] = row
        if not np.ma.is_masked(row) and not np.isnan(row).any():
            row = np.ma.getdata(row)
            # the first of equal ones, as with zeros of both signs
            several = [row[(row == end).argmax()] for end in (row.min(), row.max())] \
                if len(row) else []
        for value in several:
            if not found:
                found = [value, value]
            if value < found[0]:
                found[0] = value
            if value > found[1]:
                found[1] = value
    return found


# -- meshes ---------------------------------------------------------------------------------


def connected(x: NDArray[Any], y: NDArray[Any],
              volumes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return nodes, each place once, and triangles of them; in the order of the file.

    Parameters
    ----------
    x, y : (points,) float, m
    volumes : (n, 3) int32

    Returns
    -------
    nodes : (m, 2) float64, m
    triangles : (n, 3) int32
    """
    order = np.lexsort((y, x)).astype(np.int32)     # points at one place in the order of the file
    starts = np.ones(len(order), bool)
    starts[1:] = (x[order[1:]] != x[order[:-1]]) | (y[order[1:]] != y[order[:-1]])
    first = order[starts]
    number = np.empty(len(first), np.int32)
    number[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    number = number[np.cumsum(starts, dtype=np.int32) - np.int32(1)]
    new = np.empty(len(order), np.int32)
    new[order] = number
    del number, starts, order
    first.sort()
    return np.stack([x[first], y[first]], axis=1).astype(float), new[volumes]


def read_mesh(filename: str) -> tuple[Any, StoredQuantities, Any]:
    """Return the mesh of a file, the quantities that are read when they are used, and its times.

    Raises
    ------
    anuga.file.sww.DataDomainError
        The triangles of the file make no mesh.

    Notes
    -----
    ANUGA 4.1.0, file/sww.py, `get_mesh_and_quantities_from_file`.
    """
    from anuga.abstract_2d_finite_volumes.neighbour_mesh import Mesh
    from anuga.coordinate_transforms.geo_reference import Geo_reference
    from anuga.file.sww import DataDomainError

    with opened(filename) as file:
        time = file.variables["time"][:]
        time += file.starttime
        quantities = StoredQuantities({
            name: StoredRows(filename, name, file.variables[name].shape)
            if len(file.variables[name].shape) == 2 else file.variables[name][:]
            for name in QUANTITIES})
        x, y = (np.ma.getdata(file.variables[axis][:]) for axis in "xy")
        triangles = np.ma.getdata(file.variables["volumes"][:])
        try:
            reference = Geo_reference(NetCDFObject=file)
        except Exception:       # a file may have none, as ANUGA takes it
            reference = None
        smooth = file.smoothing == "Yes"
    if smooth:
        nodes = np.stack([x, y], axis=1)
    else:
        nodes, triangles = connected(x, y, triangles)
    del x, y
    try:
        mesh = Mesh(nodes, triangles, None, geo_reference=reference)
    except AssertionError as error:
        raise DataDomainError(f'Domain could not be created: {error}. "') from error
    return mesh, quantities, time


def get_mesh_and_quantities(filename: str, quantities: Any = None,
                            verbose: bool = False) -> tuple[Any, Any, Any]:
    """Return mesh, quantities and times of a file; quantities are read when they are asked for.

    Parameters
    ----------
    filename : str
    quantities : ignored, as ANUGA does
    verbose : bool
    """
    import anuga.utilities.log as log

    if verbose:
        log.info(f"Reading from {filename}")
        log.info(f"    building mesh from sww file {filename}")
    return read_mesh(filename)
