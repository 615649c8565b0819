"""Stands in ANUGA's modules for the functions that read results back.

Owns that nothing of this folder is loaded before one of them is called.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any


def loaded_when_called(stock: Callable[..., Any], own: str) -> Callable[..., Any]:
    """Return a function that calls `own`, `module:name` of this folder, in the place of `stock`.

    `own` takes ANUGA's arguments; ANUGA's function is its `__wrapped__`.
    """
    module, _, name = own.partition(":")

    @functools.wraps(stock)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found = importlib.import_module(f"anuga_lean.results.{module}")
        return getattr(found, name)(*args, **kwargs)

    return wrapped


def interpolating_stored(init: Callable[..., None]) -> Callable[..., None]:
    """Return the `__init__` of ANUGA's Interpolation_function; quantities may be in a file."""

    @functools.wraps(init)
    def wrapped(self: Any, time: Any, quantities: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(quantities, dict):
            from anuga_lean.results import stored

            if stored.are_stored(quantities):
                from anuga_lean.results.interpolation import interpolate_stored

                interpolate_stored(self, time, quantities, *args, **kwargs)
                return
        init(self, time, quantities, *args, **kwargs)

    return wrapped


def opened_for_function(name: str, mode: str) -> Any:
    """Open the file of a `file_function`; of an SWW file frames are read when they are used."""
    from anuga.file.netcdf import NetCDFFile

    from anuga_lean.results.stored import File

    file = NetCDFFile(name, mode)
    return File(name, file) if name.endswith(".sww") else file


def keeping_one_frame(init: Callable[..., None]) -> Callable[..., None]:
    """Return the `__init__` of what an SWW_plotter reads from; it keeps rows of one frame."""

    @functools.wraps(init)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.CACHED_READS = min(self.CACHED_READS, 4)   # what any of its quantities is made of

    return wrapped


def of_all_triangles(water_volume: Callable[..., Any]) -> Callable[..., Any]:
    """Return an SWW_plotter's `water_volume`, which makes a list of all triangles' numbers."""

    @functools.wraps(water_volume)
    def wrapped(self: Any, per_unit_area: bool = False, triangle_ids: Any = None,
                polygon: Any = None, verbose: bool = False) -> Any:
        if triangle_ids is None and polygon is None:
            triangle_ids = slice(None)
        return water_volume(self, per_unit_area, triangle_ids, polygon, verbose)

    return wrapped
