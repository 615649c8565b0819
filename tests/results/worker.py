"""Reads files back on stock or lean and pickles what came: `worker.py VARIANT FOLDER GROUP`."""

from __future__ import annotations

import importlib
import io
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

PLACES = 48     # read at a time, of 252 triangles
Calls = Iterator[tuple[str, Callable[[], Any]]]


def described(value: Any) -> Any:
    """What is compared of a value: all bits of an array that is there, and its type."""
    if isinstance(value, np.ma.MaskedArray):
        mask = np.ma.getmask(value)
        return ("masked", value.dtype.str, value.shape, value.filled(7.0).tobytes(),
                mask is np.ma.nomask, np.asarray(mask).tobytes(), repr(value.fill_value))
    if isinstance(value, np.ndarray):
        return (type(value).__name__, value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, np.generic):
        return (type(value).__name__, value.tobytes())
    if isinstance(value, dict):
        return {key: described(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return (type(value).__name__, [described(each) for each in value])
    if type(value).__module__.startswith("anuga."):
        return (type(value).__name__, described(vars(value)))
    return (type(value).__name__, repr(value))


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives: its value, what it says and warns of, or its error."""
    said = io.StringIO()
    with warnings.catch_warnings(record=True) as told, redirect_stdout(said):
        warnings.simplefilter("always")
        try:
            value = described(call())
        except Exception as error:
            value = ("raised", type(error).__name__, str(error))
    kinds = {(each.category.__name__, str(each.message)) for each in told}
    return {"value": value, "said": said.getvalue(), "warned": sorted(kinds)}


def plots(anuga: Any, names: list[str]) -> Calls:
    """`get_output`, `get_centroids` and what is made of them."""
    from anuga.utilities import plot_utils as p

    for name in names:
        file = f"{name}.sww"
        for frames in ("all", "last", "max", 3, [0, 2], [4, 1, 1], [-1], np.int64(2), (5,), [9],
                       "first"):
            yield f"get_output {name} {frames!r}", \
                lambda file=file, frames=frames: p.get_output(file, 0.05, frames)
            for velocities in (False, True):
                yield f"get_centroids {name} {frames!r} {velocities}", \
                    lambda file=file, frames=frames, velocities=velocities: p.get_centroids(
                        file, velocities, timeSlices=frames, minimum_allowed_height=0.05)
        yield f"defaults {name}", lambda file=file: [p.get_output(file), p.get_centroids(file)]
        for frames in ("all", "max", [1, 3]):
            yield f"of output {name} {frames!r}", lambda file=file, frames=frames: p.get_centroids(
                p.get_output(file, timeSlices=frames), minimum_allowed_height=None)
        yield f"combined {name}", lambda file=file: p.combine_outputs([file, file], 0.02)
        yield f"near {name}", lambda file=file: p.get_triangle_near_point(
            p.get_output(file), [41.0, 33.0])
        yield f"volume {name}", lambda file=file: p.water_volume(
            p.get_output(file), p.get_centroids(file))


GROUPS = {"plots": plots}


def main(variant: str, folder: str, group: str) -> None:
    """Make the calls of a group and pickle what they give."""
    names = sorted(path.stem for path in Path(folder).glob("*.sww"))
    here = Path(folder).resolve() / f"{variant}_{group}"
    here.mkdir()
    for name in names:
        (here / f"{name}.sww").symlink_to(Path(folder).resolve() / f"{name}.sww")
    os.chdir(here)
    anuga = importlib.import_module("anuga" if variant == "stock" else "anuga_lean")
    anuga.Domain
    if variant == "lean":
        from anuga_lean.results import frames

        frames.PLACES = PLACES
    found = {label: outcome(call) for label, call in GROUPS[group](anuga, names)}
    written = {path.name: path.read_bytes() for path in sorted(here.rglob("*"))
               if path.suffix in (".asc", ".prj", ".csv", ".tif", ".ers")}
    (here / "found.pickle").write_bytes(pickle.dumps((found, written)))


if __name__ == "__main__":
    main(*sys.argv[1:])
