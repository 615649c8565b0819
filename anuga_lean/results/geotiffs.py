"""Makes `Make_Geotif`'s rasters from an SWW file, one frame and one quantity at a time.

Owns the neighbours of the cells and the frame that a raster shows.  Values at centroids are
`centroids`', the file is written by ANUGA's `make_grid`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean.results.centroids import Centroids
from anuga_lean.results.frames import MAXIMA, Places, Variable, opened, parts_of_mesh, spans


def make_geotif(
    swwFile: Any = None, output_quantities: Any = ("depth",), myTimeStep: Any = 0,  # noqa: N803
    CellSize: float = 100.0, lower_left: Any = None, upper_right: Any = None,  # noqa: N803
    EPSG_CODE: int | None = None, proj4string: str | None = None,  # noqa: N803
    velocity_extrapolation: bool = True, min_allowed_height: float = 1.0e-05,
    output_dir: str = "TIFS", bounding_polygon: Any = None, internal_holes: Any = None,
    verbose: bool = False, k_nearest_neighbours: int = 3, creation_options: Any = (),
) -> None:
    """Write a raster of each quantity and frame; see ANUGA's function.

    Notes
    -----
    ANUGA 4.1.0, utilities/plot_utils.py.  Held over the tree of the centroids, some 50 bytes
    per triangle: one quantity of one frame and what it is made of.
    """
    from anuga.utilities import plot_utils

    stock = plot_utils.Make_Geotif.__wrapped__
    arguments = locals()
    asked = [arguments[name] for name in stock.__code__.co_varnames[:stock.__code__.co_argcount]]
    is_one = (EPSG_CODE is None) != (proj4string is None)
    if not isinstance(swwFile, str) or not is_one or not _has_rasterio():
        stock(*asked)   # an array of points, or one of ANUGA's errors
        return
    with opened(swwFile) as file:
        here = Centroids(file, myTimeStep, velocity_extrapolation, min_allowed_height)
        if not here.are_read_as_asked():
            stock(*asked)
            return
        with contextlib.suppress(OSError):
            os.mkdir(output_dir)
        if verbose:
            print("Reading sww File ...")
            print("Extracting required data ...")
        grid = _Grid(file, CellSize, lower_left, upper_right, k_nearest_neighbours, verbose)
        cut = grid.cut(bounding_polygon, internal_holes)
        frames, values = here.frames, _Values(here)
        steps: list[Any] = [MAXIMA] if frames == MAXIMA else list(range(len(frames)))
        times = here.time()
        name = os.path.splitext(os.path.basename(swwFile))[0]
        for step in steps:
            if verbose:
                print("Reduction = ", step)
            if frames != MAXIMA:
                here.choose([frames[step]])
            label = step if step == MAXIMA else f"{step}_Time_{round(times[step])}"
            for quantity in output_quantities:
                if verbose:
                    print(f"output_quantity {quantity}")
                found = values.of(quantity)
                if found is not None:
                    gridq = grid.interpolated(found)
                del found
                for cells in cut:
                    gridq[cells] = np.nan
                if verbose:
                    print("Making raster ...")
                gridq = gridq.reshape(len(grid.y), len(grid.x))
                plot_utils.make_grid(
                    np.flipud(gridq), grid.y, grid.x, f"{output_dir}/{name}_{quantity}_{label}.tif",
                    EPSG_CODE=EPSG_CODE, proj4string=proj4string,
                    creation_options=creation_options)


def _has_rasterio() -> bool:
    from importlib.util import find_spec

    return find_spec("rasterio") is not None


class _Values:
    """What a raster shows of a frame, or of the largest values, at centroids."""

    def __init__(self, here: Centroids) -> None:
        self.here = here
        self.frames = here.frames
        if here.frames != MAXIMA:
            here.choose(here.frames[:1])
        assert len(here.bed) == here.triangles      # read now, it stays that of the first frame
        here.choose(self.frames)

    def of(self, quantity: str) -> Any:
        """Return values at centroids, (triangles,); None for what ANUGA does not know."""
        here = self.here
        if quantity == "stage":
            return here.variable("stage")[0, :]
        if quantity == "depth":
            depth = here.depths(here.variable("stage"))[0, :]
            positive = Places(len(depth))
            for span in spans(len(depth)):
                positive.put(0, span, depth[span] * (depth[span] > 0.0))
            return positive.array()
        if quantity == "velocity":
            return here.moving((4,))[0][0, :]
        if quantity == "friction":
            frames = here.frames
            here.choose(self.frames)    # ANUGA takes what there is of all frames
            found = here.friction()
            here.choose(frames)
            return found
        if quantity == "depthIntegratedVelocity":
            xmomentum, ymomentum = here.moving((0, 1))
            return (xmomentum[0, :] ** 2 + ymomentum[0, :] ** 2) ** 0.5
        return here.bed if quantity == "elevation" else None


class _Grid:
    """The cells, and the triangles whose centroids are nearest to theirs."""

    def __init__(self, file: Any, cellsize: float, lower_left: Any, upper_right: Any,
                 neighbours: int, verbose: bool) -> None:
        xy = _centroids(file)
        if verbose:
            print("Computing grid of output locations...")
        if lower_left is None:
            lower_left = [xy[:, 0].min(), xy[:, 1].min()]
        if upper_right is None:
            upper_right = [xy[:, 0].max(), xy[:, 1].max()]
        self.x, self.y = (
            np.linspace(low, high, int(round((high - low) * 1.0 / (1.0 * cellsize)) + 1))
            for low, high in zip(lower_left, upper_right, strict=True))
        x, y = np.meshgrid(self.x, self.y)
        self.cells = np.stack([x.ravel(), y.ravel()], axis=1)
        if verbose:
            print("Making interpolation functions...")
        self.interpolated = _interpolation(xy, self.cells, neighbours)

    def cut(self, polygon: Any, holes: Any) -> list[Any]:
        """Return the cells that are to show nothing."""
        from anuga.geometry.polygon import inside_polygon, outside_polygon

        found = []
        if polygon is not None:
            outside = outside_polygon(self.cells, polygon)
            if len(outside) > 0:
                found.append(outside)
        if holes is not None:
            inside = [inside_polygon(self.cells, hole) for hole in holes]
            if len(inside[0]) > 0:
                found += inside
        return found


def _centroids(file: Any) -> NDArray[np.float64]:
    """Return the centroids, absolute, (triangles, 2) m."""
    variables = file.variables
    found = np.empty((int(variables["volumes"].shape[0]), 2))
    for part in parts_of_mesh(variables["volumes"], by_nodes=True):
        for axis, corner in enumerate((file.xllcorner, file.yllcorner)):
            row = Variable(variables["xy"[axis]]).row(0, part.window)
            found[part.span, axis] = np.ma.getdata(part.mean(row) + corner)
    return found


def _interpolation(xy: NDArray[np.float64], cells: NDArray[np.float64],
                   neighbours: int) -> Callable[[Any], Any]:
    """Return the function that gives values in cells of those at centroids."""
    if neighbours == 1:
        import scipy.interpolate

        nearest = scipy.interpolate.NearestNDInterpolator(
            xy, np.arange(len(xy), dtype="int64"))(cells).astype(int)
        return lambda quantity: quantity[nearest]
    import scipy.spatial

    distances, triangles = scipy.spatial.cKDTree(xy).query(cells, k=neighbours)
    weights = 1.0 / (distances + 1.0e-100)

    def interpolated(quantity: Any) -> Any:
        total: Any = 0.0
        weighted: Any = 0.0
        for i in range(neighbours):
            total += weights[:, i]
            weighted += quantity[triangles[:, i]] * weights[:, i]
        return weighted / total

    return interpolated
