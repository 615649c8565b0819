"""Interpolates rasters with ANUGA's code, for a part of a mesh at a time.

Owns the functions from points to values that `setting` calls part by part.
ANUGA's interpolation of all vertices at once takes 510 bytes per
triangle beside the raster.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anuga_lean.mesh import origin

if TYPE_CHECKING:
    from anuga.abstract_2d_finite_volumes.generic_domain import Generic_Domain

Array = NDArray[np.float64]
ValuesAt = Callable[[Array], Array]

# ANUGA copies the raster, and for a GeoTIFF reads it, for every part.
_TRIANGLES_PER_PART = 1 << 16


def parts(domain: Generic_Domain) -> Iterator[slice]:
    """Yield slices that cover the triangles of `domain`."""
    n = int(domain.number_of_triangles)
    for start in range(0, n, _TRIANGLES_PER_PART):
        yield slice(start, min(start + _TRIANGLES_PER_PART, n))


def file_values(filename: str) -> ValuesAt | None:
    """Return the function of points, (m, 2) m, for a grid file; None: ANUGA has to do it."""
    from anuga.file_conversion.dem2array import dem2array
    from anuga.file_conversion.grd2array import grd2array
    from anuga.fit_interpolate.interpolate2d import interpolate2d

    read = {".asc": grd2array, ".grd": grd2array, ".dem": dem2array}.get(
        os.path.splitext(filename)[1])
    return None if read is None else _values(interpolate2d, *read(filename))


def raster_values(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> ValuesAt | None:
    """Return the function of points, (m, 2) m, for a raster; None: ANUGA has to do it."""
    from anuga.fit_interpolate.interpolate2d import interpolate_raster

    return _values(interpolate_raster, x, y, z)


def _values(
    interpolate: Callable[..., Array], x: ArrayLike, y: ArrayLike, z: ArrayLike
) -> ValuesAt | None:
    # in an axis that does not ascend, what searchsorted finds depends on the point before
    origin.note(origin.RASTER)
    ascending = all(np.ndim(axis) == 1 and (np.diff(axis) >= 0).all() for axis in (x, y))
    if not ascending:
        return None
    return lambda points: interpolate(x, y, z, points, mode="linear", bounds_error=False)


def tif_values(filename: str, domain: Generic_Domain) -> ValuesAt | None:
    """Return the function of points, (m, 2) m, for a GeoTIFF; None: ANUGA has to do it.

    Notes
    -----
    ANUGA refuses points outside by looking at all of them, and takes those a little
    beyond one side in.  It is asked for the outermost first: if one side is
    passed at one place and another at another, it refuses here as there.
    """
    from anuga.file_conversion.tif2point_values import tif2point_values

    zone = domain.get_zone()
    if zone == -1 or os.path.splitext(filename)[1] != ".tif":
        return None
    south = domain.get_hemisphere() != "northern"
    xmin, xmax, ymin, ymax = domain.get_extent(absolute=True)
    outermost = np.array([[x, y] for x in (xmin, xmax) for y in (ymin, ymax)])

    def values_at(points: Array) -> Array:
        return tif2point_values(filename, zone=zone, south=south, points=points)

    try:
        values_at(outermost)
    except ValueError:
        return None
    return values_at
