"""Makes `sww2dem`'s grids from an SWW file, some nodes and some triangles at a time.

Owns the values at nodes that a grid is made of, and the grid made part of the mesh after
part.  What a triangle puts into a grid is ANUGA's compiled function's.  GeoTIFFs are
`geotiffs`'.
"""

from __future__ import annotations

import os
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean.results.frames import opened, parts_of_mesh, spans
from anuga_lean.results.stored import ends

# What stands in a grid where no triangle of a part is: a number that none of its values is.
_EMPTY = np.array([0x7FF8DEAD00000001], np.uint64)


def sww2dem(
    name_in: str, name_out: str, quantity: str | None = None, reduction: Any = None,
    cellsize: float = 10, number_of_decimal_places: int | None = None,
    NODATA_value: float = -9999.0,  # noqa: N803
    easting_min: float | None = None, easting_max: float | None = None,
    northing_min: float | None = None, northing_max: float | None = None, verbose: bool = False,
    origin: Any = None, datum: str = "WGS84", block_size: Any = None,
) -> str | None:
    """Write a grid of a quantity or an expression, .asc or .ers; see ANUGA's function.

    Notes
    -----
    ANUGA 4.1.0, file_conversion/sww2dem.py.  Held: a number per node and two per cell.
    """
    from anuga.file_conversion import sww2dem as stock

    extension_in = os.path.splitext(name_in)[1]
    basename, extension = os.path.splitext(name_out)
    extension = extension.lower()
    if extension_in != ".sww":
        raise OSError(f"Input format for {name_in} must be .sww")
    if extension not in (".asc", ".ers"):
        raise OSError(f"Format for {name_out} must be either asc or ers.")
    quantity = "elevation" if quantity is None else quantity
    quantity = stock.quantity_formula.get(quantity, quantity)
    block_size = stock.DEFAULT_BLOCK_SIZE if block_size is None else block_size
    assert isinstance(block_size, int | float)
    if verbose:
        stock.log.info(f"Reading from {name_in}")
        stock.log.info(f"Output directory is {name_out}")
    with opened(name_in) as file:
        read = _Read(file, max if reduction is None else reduction, origin)
        if verbose:
            read.describe(name_in, stock.log.info)
        values = read.values(quantity, block_size, verbose, stock.log.info)
        if verbose:
            low, high = ends([values])
            stock.log.info(f"Processed values for {quantity} are in [{low:f}, {high:f}]")
        grid = _Grid(read, cellsize, (easting_min, easting_max), (northing_min, northing_max))
        if verbose:
            stock.log.info("Creating grid")
        cells = grid.filled(file.variables, values, NODATA_value)
        if verbose:
            stock.log.info(f"Interpolated values are in [{np.min(cells):f}, {np.max(cells):f}]")
        if extension == ".ers":
            if verbose:
                print(f"Writing {name_out}")
            grid.write_ers(name_out, cells, quantity, datum, NODATA_value)
            return None
        if verbose:
            print(f"Writing {basename}.prj")
        _write_prj(f"{basename}.prj", file, read.zone, datum)
        if verbose:
            print(f"Writing {name_out}")
        grid.write_asc(name_out, cells, NODATA_value,
                       3 if number_of_decimal_places is None else number_of_decimal_places,
                       verbose)
    return basename


class _Read:
    """The file, and what of it is asked for."""

    def __init__(self, file: Any, reduction: Any, origin: Any) -> None:
        from anuga.coordinate_transforms.geo_reference import Geo_reference

        for name in ("false_easting", "false_northing", "hemisphere", "zone"):
            getattr(file, name)     # ANUGA reads them before anything else
        self.file = file
        self.reduction = reduction
        self.is_function = type(reduction) is types.BuiltinFunctionType
        self.times = file.variables["time"][slice(None) if self.is_function else reduction]
        self.points = len(file.dimensions["number_of_points"])
        if origin is None:
            try:
                reference = Geo_reference(NetCDFObject=file)
            except AttributeError:  # a file may have none, as ANUGA takes it
                reference = Geo_reference()
            self.zone = reference.get_zone()
            self.corner = reference.get_xllcorner(), reference.get_yllcorner()
        else:
            self.zone, *corner = origin[:3]
            self.corner = corner[0], corner[1]
        self.extent = [ends(self.coordinates(axis)) for axis in "xy"]

    def coordinates(self, axis: str) -> Iterator[NDArray[np.float64]]:
        """Yield some x or y after others, m."""
        variable = self.file.variables[axis]
        for span in spans(self.points):
            yield np.array(variable[span], float)

    def _rows(self, name: str, one: bool) -> Iterator[Any]:
        variable = self.file.variables[name]
        if variable.ndim == 1:
            yield variable[:]
            return
        frames: Any = range(variable.shape[0])
        if one and not self.is_function:    # as ANUGA cuts it out of all
            frames = frames[self.reduction : self.reduction + 1] if self.reduction >= 0 else ()
        for frame in frames:
            yield variable[frame]

    def describe(self, name: str, say: Any) -> None:
        """Log what the file holds."""
        say("------------------------------------------------")
        say("Statistics of SWW file:")
        say(f"  Name: {name}")
        say("  Reference:")
        say(f"    Lower left corner: [{self.corner[0]:f}, {self.corner[1]:f}]")
        if self.is_function:
            say(f"    Start time: {self.file.starttime:f}")
        else:
            say(f"    Time: {self.times:f}")
        say("  Extent:")
        for axis, (low, high) in zip("xy", self.extent, strict=True):
            say(f"    {axis} [m] in [{low:f}, {high:f}], len({axis}) == {self.points:d}")
        if self.is_function:
            say(f"    t [s] in [{min(self.times):f}, {max(self.times):f}], "
                f"len(t) == {len(self.times):d}")
        else:
            say(f"    t [s] = {self.times:f}, len(t) == 1")
        say("  Quantities [SI units]:")
        for quantity in ("stage", "xmomentum", "ymomentum", "elevation"):
            found = ends(self._rows(quantity, quantity != "elevation"))
            low, high = map(float, found or (min(()), max(())))
            say(f"    {quantity} in [{low:f}, {high:f}]")

    def values(self, quantity: str, block_size: Any, verbose: bool,
               say: Any) -> NDArray[np.float64]:
        """Return the expression at the nodes, reduced over time; (points,)."""
        from anuga.abstract_2d_finite_volumes.util import apply_expression_to_dictionary
        from anuga.utilities.system_tools import get_vars_in_expression

        names = get_vars_in_expression(quantity)
        variables = self.file.variables
        if any(name not in variables for name in names):
            # what ANUGA ends with here: it raises a class and a text
            raise TypeError("exceptions must derive from BaseException")
        found = np.zeros(self.points, float)
        if verbose:
            say(f"Slicing sww file, num points: {self.points}, block size: {block_size}")
        for start in range(0, self.points, block_size):
            some = slice(start, min(start + block_size, self.points))
            values = apply_expression_to_dictionary(quantity, {
                name: variables[name][(slice(None), some) if variables[name].ndim == 2 else some]
                for name in names})
            found[some] = self._reduced(values) if values.ndim == 2 else values
        return found

    def _reduced(self, values: Any) -> NDArray[np.float64]:
        """Return the frame, or what Python's function makes of each place's values over time."""
        found = np.zeros(values.shape[1], float)
        if not self.is_function:
            for k in range(values.shape[1]):
                found[k] = values[self.reduction, k]
            return found
        slow = np.ones(values.shape[1], bool)
        if self.reduction in (max, min):
            # the first of equal ones, as with zeros of both signs
            data = np.ma.getdata(values)
            at = data.argmax(axis=0) if self.reduction is max else data.argmin(axis=0)
            slow = np.isnan(data).any(axis=0) | np.ma.getmaskarray(values).any(axis=0)
            found[:] = np.take_along_axis(data, at[np.newaxis], axis=0)[0]
        for k in np.flatnonzero(slow):
            found[k] = self.reduction(values[:, k])
        return found


class _Grid:
    """Rows and columns of the grid, and where they are."""

    def __init__(self, read: _Read, cellsize: float, eastings: Any, northings: Any) -> None:
        ranges = []
        for found, given, corner in zip(read.extent, (eastings, northings), read.corner,
                                        strict=True):
            ranges.append([end if asked is None else asked - corner
                           for end, asked in zip(found, given, strict=True)])
        (xmin, xmax), (ymin, ymax) = ranges
        assert xmax >= xmin, ("xmax must be greater than or equal to xmin.\n"
                              f"I got xmin = {xmin:f}, xmax = {xmax:f}")
        assert ymax >= ymin, ("ymax must be greater than or equal to xmin.\n"
                              f"I got ymin = {ymin:f}, ymax = {ymax:f}")
        self.cellsize = cellsize
        self.columns = int((xmax - xmin) / cellsize) + 1
        self.rows = int((ymax - ymin) / cellsize) + 1
        self.old = read.corner
        self.corner = xmin + read.corner[0], ymin + read.corner[1]
        self.zone = read.zone

    def filled(self, variables: Any, values: NDArray[np.float64],
               missing: float) -> NDArray[np.float64]:
        """Return the cells, (rows * columns,)."""
        from anuga.file_conversion.calc_grid_values_ext import calc_grid_values

        found = np.full(self.rows * self.columns, missing, float)
        scratch = np.zeros(self.rows * self.columns)
        for part in parts_of_mesh(variables["volumes"], by_nodes=True):
            x, y = (np.array(variables[axis][part.window], float) + old - new
                    for axis, old, new in zip("xy", self.old, self.corner, strict=True))
            corners = np.stack([np.ma.getdata(each) for each in part.corners], axis=1)
            calc_grid_values(
                self.rows, self.columns, self.cellsize, _EMPTY.view(float)[0], x, y,
                np.zeros(6 * len(corners)), corners.astype(int),
                np.ascontiguousarray(values[part.window]), scratch)
            here = scratch.view(np.uint64) != _EMPTY[0]
            found[here] = scratch[here]
        return found

    def write_ers(self, name: str, cells: NDArray[np.float64], quantity: str, datum: str,
                  missing: float) -> None:
        """Write an ERMapper grid, north first."""
        from anuga.abstract_2d_finite_volumes import ermapper_grids

        header = {
            "datum": f'"{datum}"', "projection": f'"UTM-{self.zone}"', "coordinatetype": "EN",
            "eastings": str(self.corner[0]), "northings": str(self.corner[1]),
            "nullcellvalue": str(missing), "xdimension": str(self.cellsize),
            "ydimension": str(self.cellsize), "value": f'"{quantity}"'}
        ermapper_grids.write_ermapper_grid(
            name, cells.reshape(self.rows, self.columns)[::-1, :], header)

    def write_asc(self, name: str, cells: NDArray[np.float64], missing: float, digits: Any,
                  verbose: bool) -> None:
        """Write an ESRI grid, north first."""
        with open(name, "w") as file:
            for title, value in (
                    ("ncols", self.columns), ("nrows", self.rows),
                    ("xllcorner", int(self.corner[0])), ("yllcorner", int(self.corner[1])),
                    ("cellsize", f"{self.cellsize:f}"), ("NODATA_value", int(missing))):
                file.write(f"{title:<14}{value}\n")
            for i in range(self.rows):
                if verbose and i % ((self.rows + 10) // 10) == 0:
                    print(f"Doing row {i} of {self.rows}")
                start = (self.rows - i - 1) * self.columns
                np.savetxt(file, cells[start : start + self.columns].reshape(1, -1),
                           f"%.{digits:g}e", " ")


def _write_prj(name: str, file: Any, zone: Any, datum: str) -> None:
    with open(name, "w") as out:
        for title, value in (
                ("Projection", "UTM"), ("Zone", int(zone)), ("Datum", datum), ("Zunits", "NO"),
                ("Units", "METERS"), ("Spheroid", datum),
                ("Xshift", int(file.false_easting)), ("Yshift", int(file.false_northing))):
            out.write(f"{title:<14}{value}\n")
        out.write("Parameters\n")
