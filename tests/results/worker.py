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
    """What is compared of a value: all bits of an array that is there, and its type.

    Of numbers that are none the sign is not: numpy gives any of two.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and np.isnan(value).any():
        value = value.copy()
        np.ma.getdata(value)[np.isnan(np.ma.getdata(value))] = np.nan
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


def of_file(path: Path) -> Any:
    """What is compared of a file: its bytes, of a GeoTIFF what a reader gets."""
    if path.suffix != ".tif":
        return path.read_bytes()
    import rasterio

    with rasterio.open(path) as file:
        return repr(file.profile), described(file.read())


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives: its value, what it says and warns of, or its error."""
    said = io.StringIO()
    with warnings.catch_warnings(record=True) as told, redirect_stdout(said):
        warnings.simplefilter("always")
        try:
            value = described(call())
        except Exception as error:
            value = ("raised", type(error).__name__, str(error))
    # numpy warns of what it computes: of fewer things where less is computed
    kinds = {(each.category.__name__, str(each.message)) for each in told
             if each.category is not RuntimeWarning}
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


POINTS = [[13.0, 7.5], [44.4, 31.0], [77.7, 60.1], [-5.0, 3.0], [10.0, 10.0], [50.0, 35.0]]
GAUGED = ["stage", "depth", "speed", "momentum", "elevation"]
LINES = ([[3.0, 4.0], [60.0, 44.0], [61.0, 68.0]], [[0.0, 35.0], [90.0, 35.0]])


def shifted(name: str, places: Any) -> list[list[float]]:
    """Places in the model, absolute."""
    if name.removeprefix("odd_") in ("smooth", "unique"):
        return [[x + 300_000.0, y + 6_000_000.0] for x, y in places]
    return [list(place) for place in places]


def functions(anuga: Any, names: list[str]) -> Calls:
    """`file_function`, `Interpolation_function`, gauges and sections."""
    from anuga.abstract_2d_finite_volumes import gauge
    from anuga.file.sww import get_mesh_and_quantities_from_file
    from anuga.fit_interpolate.interpolate import interpolate_sww2csv
    from anuga.shallow_water import sww_interrogate as s

    def function(file: str, **options: Any) -> Any:
        f = anuga.file_function(file, **options)
        values = []
        points = options.get("interpolation_points")
        if points is not None:
            values = [f(t, point_id=i) for t in (f.time[0], f.time.mean(), f.time[-1])
                      for i in range(len(points))]
            f.statistics()
        return vars(f), values

    def mesh(file: str) -> Any:
        mesh, quantities, time = get_mesh_and_quantities_from_file(file)
        return (np.asarray(mesh.nodes), np.asarray(mesh.triangles), list(quantities),
                quantities["stage"], dict(quantities.items()), time, mesh.get_extent(),
                sorted(mesh.boundary.items())[:50])

    for name in names:
        file, points = f"{name}.sww", shifted(name, POINTS)
        for label, options in {
            "default": {}, "bed": {"quantities": ["elevation", "stage"]}, "relative":
            {"use_relative_time": False}, "thinned": {"time_thinning": 2}, "limited":
            {"time_limit": 1.5}, "centroids": {"output_centroids": True},
            "one": {"quantities": "stage"}, "none": {"quantities": ["dew"]},
            "loud": {"verbose": True},
        }.items():
            yield f"{name} {label}", lambda file=file, points=points, options=options: function(
                file, interpolation_points=points[: 3 if "verbose" in options else None], **options)
        yield f"{name} whole", lambda file=file: function(file, quantities=["stage", "elevation"],
                                                          time_thinning=2)
        yield f"{name} mesh", lambda file=file: mesh(file)
        for number, line in enumerate(LINES):
            line = shifted(name, line)
            for loud in (False, True):
                yield f"{name} flow {number} {loud}", lambda file=file, line=line, loud=loud: \
                    s.get_flow_through_cross_section(file, line, verbose=loud)
            for kind in ("total", "specific"):
                yield f"{name} {kind} energy {number}", lambda file=file, line=line, kind=kind: \
                    s.get_energy_through_cross_section(file, line, kind=kind)
        yield f"{name} flows", lambda name=name, file=file: \
            s.get_flow_through_multiple_cross_sections(file, [shifted(name, x) for x in LINES])
        rows = "".join(f"p{i},{x},{y},0\n" for i, (x, y) in enumerate(points))
        Path("gauges.txt").write_text("name,easting,northing,elevation\n" + rows)
        for centroids in (False, True):
            yield f"{name} gauges {centroids}", lambda name=name, file=file, centroids=centroids: \
                gauge.sww2csv_gauges(
                    file, "gauges.txt", f"{name}_{centroids}_", GAUGED, use_cache=False,
                    output_centroids=centroids)
        yield f"{name} gauges of anuga", lambda name=name, file=file: anuga.sww2csv_gauges(
            file, "gauges.txt", f"{name}_", GAUGED, use_cache=False)
        yield f"{name} csv", lambda name=name, file=file, points=points: interpolate_sww2csv(
            file, points, f"{name}_depth.csv", f"{name}_u.csv", f"{name}_v.csv", use_cache=False,
            verbose=False)
        square = shifted(name, [(20.0, 10.0), (80.0, 10.0), (80.0, 60.0), (20.0, 60.0)])
        for label, options in {
            "": {}, "nodes": {"use_centroid_values": False}, "early": {"time_interval": [0.0, 1.5]},
            "square": {"polygon": square}, "late": {"time_interval": [90.0, 91.0]},
            "never": {"time_interval": [0.1, 0.2]}, "loud": {"verbose": True},
            "both": {"polygon": square, "time_interval": [1.0, 3.0], "use_centroid_values": False},
        }.items():
            yield f"{name} runup {label}", lambda file=file, options=options: \
                s.get_maximum_inundation_data(file, return_time=True, **options)
        yield f"{name} runup", lambda file=file: [
            s.get_maximum_inundation_elevation(file), s.get_maximum_inundation_location(file)]


def rasters(anuga: Any, names: list[str]) -> Calls:
    """`sww2dem` and `Make_Geotif`."""
    from anuga.utilities.plot_utils import Make_Geotif

    dems: dict[str, dict[str, Any]] = {
        "bed": {}, "depth": {"quantity": "depth"}, "loud": {"quantity": "stage", "verbose": True},
        "least": {"quantity": "momentum", "reduction": min}, "third": {
            "quantity": "speed", "reduction": 3, "verbose": True}, "last": {
            "quantity": "xmomentum", "reduction": -1}, "sum": {
            "quantity": "ymomentum", "reduction": sum, "block_size": 50},
        "expression": {"quantity": "stage - 2 * elevation", "number_of_decimal_places": 5},
        "none": {"quantity": "dew"}, "mean": {"quantity": "stage", "reduction": np.mean},
        "loud last": {"quantity": "stage", "reduction": -1, "verbose": True},
        "origin": {"quantity": "stage", "origin": (55, 10.0, 20.0), "NODATA_value": -1.0},
    }
    tifs: dict[str, dict[str, Any]] = {
        "first": {}, "max": {"myTimeStep": "max"}, "all": {"myTimeStep": "all"},
        "some": {"myTimeStep": [4, 1], "velocity_extrapolation": False, "verbose": True},
        "last": {"myTimeStep": "last", "k_nearest_neighbours": 1},
        "cut": {"bounding_polygon": [[20.0, 10.0], [80.0, 10.0], [50.0, 60.0]],
                "internal_holes": [[[40.0, 20.0], [50.0, 20.0], [45.0, 30.0]]],
                "CellSize": 2.0, "proj4string": "+proj=utm +zone=56 +south", "EPSG_CODE": None},
        "corners": {"lower_left": [10.0, 10.0], "upper_right": [70.0, 50.0],
                    "min_allowed_height": 0.1, "myTimeStep": 2},
        "no reference": {"EPSG_CODE": None}, "unknown": {"output_quantities": ["dew"]},
    }
    known = ["stage", "depth", "velocity", "friction", "depthIntegratedVelocity", "elevation"]
    for name in names:
        file = f"{name}.sww"
        for label, options in dems.items():
            for ending in ("asc", "ers") if label in ("bed", "loud") else ("asc",):
                out = f"{name}_{label}.{ending}"
                yield f"{name} dem {label} {ending}", lambda out=out, file=file, options=options: \
                    anuga.sww2dem(file, out, cellsize=3.7, **options)
        corner = {"easting_min": 20.5, "easting_max": 61.0, "northing_min": 1.0,
                  "northing_max": 44.0}
        x, y = shifted(name, [(0.0, 0.0)])[0]
        corner = {key: value + (x if key.startswith("e") else y) for key, value in corner.items()}
        yield f"{name} dem window", lambda name=name, file=file, corner=corner: anuga.sww2dem(
            file, f"{name}_window.asc", "stage", cellsize=2.0, **corner)
        for label, options in tifs.items():
            asked = {"output_quantities": known, "CellSize": 4.5, "EPSG_CODE": 32756,
                     "output_dir": f"{name}_{label}"} | options
            yield f"{name} tif {label}", lambda file=file, asked=asked: Make_Geotif(file, **asked)
    yield "points", lambda: Make_Geotif(
        np.random.default_rng(2).random((40, 3)), ["z"], CellSize=0.2, EPSG_CODE=32756)


def plotters(anuga: Any, names: list[str]) -> Calls:
    """`SWW_plotter`, which ANUGA has stream by itself; its mesh is lean here."""
    def plotter(name: str) -> Any:
        p = anuga.SWW_plotter(f"{name}.sww", plot_dir=None)
        line = shifted(name, LINES[0])
        return [p.depth.max(axis=0), p.max_speed, p.speed_depth[2],
                p.elev_delta and p.elev_delta[3], p.stage[:, [3, 5]], p.depth.min(),
                p.xvel[1:3], p.yvel[-1],
                p.get_flow_through_cross_section(line), p.water_volume(),
                p.water_volume(True, polygon=shifted(name, [(9, 9), (60, 12), (50, 60)])),
                p.water_volume(triangle_ids=[3, 7]), p.water_volume(per_unit_area=True),
                np.asarray(p.get_triangles_inside_polygon(shifted(name, [
                    (10.0, 10.0), (60.0, 12.0), (50.0, 60.0)])))]

    for name in names:
        yield name, lambda name=name: plotter(name)


GROUPS = {"plots": plots, "functions": functions, "rasters": rasters, "plotters": plotters}


def main(variant: str, folder: str, group: str) -> None:
    """Make the calls of a group and pickle what they give."""
    names = sorted(path.stem for path in Path(folder).glob("*.sww"))
    here = Path(folder).resolve() / f"{variant}_{group}"
    here.mkdir()
    for name in names:
        (here / f"{name}.sww").symlink_to(Path(folder).resolve() / f"{name}.sww")
    os.chdir(here)
    anuga = importlib.import_module("anuga" if variant == "stock" else "anuga_lean")
    assert anuga.Domain, "now ANUGA is loaded"
    # what it would print before the names of the caller's function and file
    anuga.utilities.log.log = lambda message, level=None: print(message)
    if variant == "lean":
        from anuga_lean.results import frames

        frames.PLACES = PLACES
    found = {label: outcome(call) for label, call in GROUPS[group](anuga, names)}
    written = {str(path.relative_to(here)): of_file(path) for path in sorted(here.rglob("*"))
               if path.is_file() and path.suffix in (".asc", ".prj", ".csv", ".tif", ".ers", "")}
    (here / "found.pickle").write_bytes(pickle.dumps((found, written)))


if __name__ == "__main__":
    main(*sys.argv[1:])
