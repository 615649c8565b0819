"""Measures the memory of what reads results back: ANUGA's tools that take an SWW file.

Each in a process of its own that has done it on a small file before.  A figure is the
largest RSS over that at the start of the call, bytes per triangle of the file; returned is
what of it the caller gets, as arrays.  One file serves all; `--unique` stores vertices
uniquely, `--no-centroids` leaves out the values at centroids.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean.measure import probe
from anuga_lean.measure.calls import _settle as settle
from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import MPI_ENVIRONMENT, VARIANTS
from anuga_lean.measure.report import table

SIDE = 1000.0
SMALL, SMALL_FRAMES = 2_500, 3
SECTION = [[100.0, 120.0], [700.0, 640.0]]
POINTS = [[100.0, 100.0], [512.3, 300.1], [880.0, 730.0]]
RANKS = 2
# Names of which none is in another: gauges are read from all files that have a name in theirs.
SMALLER = {"run": "tiny"}
RANKED = {"run": "whole", "tiny": "least"}


def plots(anuga: Any) -> Any:
    return anuga.utilities.plot_utils


def raster(anuga: Any, name: str, steps: Any) -> None:
    plots(anuga).Make_Geotif(f"{name}.sww", ["depth", "velocity"], steps, CellSize=10.0,
                             EPSG_CODE=32756, output_dir="rasters")


def gauges(anuga: Any, name: str) -> None:
    rows = "".join(f"p{i},{x},{y},0\n" for i, (x, y) in enumerate(POINTS))
    Path("gauges.csv").write_text("name,easting,northing,elevation\n" + rows)
    anuga.sww2csv_gauges(f"{name}.sww", "gauges.csv", quantities=["stage", "depth", "speed"],
                         use_cache=False)


def plotter(anuga: Any, name: str) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    return anuga.SWW_plotter(f"{name}.sww", plot_dir="plots")


def energy(anuga: Any, name: str) -> Any:
    from anuga.shallow_water.sww_interrogate import get_energy_through_cross_section

    return get_energy_through_cross_section(f"{name}.sww", SECTION)


def flows(anuga: Any, name: str) -> Any:
    from anuga.shallow_water.sww_interrogate import get_flow_through_multiple_cross_sections

    return get_flow_through_multiple_cross_sections(f"{name}.sww", [SECTION, SECTION[::-1]])


def inundation(anuga: Any, name: str) -> Any:
    from anuga.shallow_water.sww_interrogate import get_maximum_inundation_data

    return get_maximum_inundation_data(f"{name}.sww")


def mesh(anuga: Any, name: str) -> Any:
    from anuga.file.sww import get_mesh_and_quantities_from_file

    return get_mesh_and_quantities_from_file(f"{name}.sww")[1:]


CASES: dict[str, Callable[[Any, str], Any]] = {
    "get_output": lambda a, name: plots(a).get_output(f"{name}.sww"),
    "get_output, 'max'": lambda a, name: plots(a).get_output(f"{name}.sww", timeSlices="max"),
    "get_output, 'last'": lambda a, name: plots(a).get_output(f"{name}.sww", timeSlices="last"),
    "get_centroids": lambda a, name: plots(a).get_centroids(f"{name}.sww"),
    "get_centroids, [1, 2]": lambda a, name: plots(a).get_centroids(
        f"{name}.sww", timeSlices=[1, 2]),
    "get_centroids, 'max'": lambda a, name: plots(a).get_centroids(
        f"{name}.sww", timeSlices="max"),
    "Make_Geotif, 'max'": lambda a, name: raster(a, name, "max"),
    "Make_Geotif, 'all'": lambda a, name: raster(a, name, "all"),
    "Make_Geotif, [1]": lambda a, name: raster(a, name, [1]),
    "sww2dem, elevation": lambda a, name: a.sww2dem(f"{name}.sww", "bed.asc", cellsize=10.0),
    "sww2dem, depth": lambda a, name: a.sww2dem(
        f"{name}.sww", "depth.asc", quantity="depth", cellsize=10.0),
    "sww_merge": lambda a, name: a.sww_merge(RANKED[name], RANKS),
    "file_function": lambda a, name: a.file_function(
        f"{name}.sww", quantities=["stage", "elevation", "xmomentum", "ymomentum"],
        interpolation_points=POINTS),
    "sww2csv_gauges": gauges,
    "get_flow_through_cross_section": lambda a, name: a.get_flow_through_cross_section(
        f"{name}.sww", SECTION),
    "get_flow_through_multiple_cross_sections": flows,
    "get_energy_through_cross_section": energy,
    "get_maximum_inundation_data": inundation,
    "get_mesh_and_quantities_from_file": mesh,
    "SWW_plotter": plotter,
}
# Of a plotter that is open already.
PLOTTED: dict[str, Callable[[Any], Any]] = {
    "SWW_plotter: depth.max(axis=0)": lambda p: p.depth.max(axis=0),
    "SWW_plotter: max_speed": lambda p: p.max_speed,
    "SWW_plotter: save_depth_frame": lambda p: p.save_depth_frame(-1),
    "SWW_plotter: water_volume": lambda p: p.water_volume(),
    "SWW_plotter: get_flow_through_cross_section":
        lambda p: p.get_flow_through_cross_section(SECTION),
}


def returned(result: Any) -> int:
    """Return the bytes of the arrays that a result holds, each once."""
    seen: dict[int, int] = {}

    def add(value: Any) -> None:
        if isinstance(value, np.ndarray):
            mask = np.ma.getmask(value)
            for array in (np.asarray(value), *((mask,) if mask.ndim else ())):
                while isinstance(array.base, np.ndarray):
                    array = array.base
                seen[array.__array_interface__["data"][0]] = array.nbytes
        elif isinstance(value, dict):
            for each in value.values():
                add(each)
        elif isinstance(value, list | tuple):
            for each in value[:1000]:
                add(each)
        elif type(value).__name__ in ("get_output", "get_centroids"):
            add(vars(value))

    add(result)
    return sum(seen.values())


def write_file(name: str, triangles: int, frames: int, unique: int, centroids: int) -> None:
    """Write the file, or where several ranks do this the files of the ranks, by lean."""
    anuga = import_anuga("lean")
    cells = round((triangles / 4) ** 0.5)
    domain = anuga.rectangular_cross_domain(cells, cells, len1=SIDE, len2=SIDE)
    domain.set_name(name)
    domain.set_quantity("elevation", lambda x, y: -x / 1000.0)
    domain.set_quantity("stage", lambda x, y: np.where(x < 300.0, 0.5, -1.0))
    domain = anuga.distribute(domain)
    domain.set_store_vertices_uniquely(bool(unique))
    domain.set_store_centroids(bool(centroids))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for _ in domain.evolve(yieldstep=0.05, finaltime=0.05 * (frames - 1)):
        pass
    anuga.finalize()


def run_child(variant: str, case: str, name: str) -> dict[str, int]:
    """Measure one case in this process."""
    anuga = import_anuga(variant)
    make = PLOTTED[case] if case in PLOTTED else functools.partial(CASES[case], anuga)
    files = SMALLER[name], name
    small, large = (plotter(anuga, each) for each in files) if case in PLOTTED else files
    make(small)
    settle()
    probe.reset_peak_rss()
    before = probe.read_memory().rss
    made = make(large)
    return {"peak": probe.read_memory().peak_rss - before, "returned": returned(made)}


def child(*arguments: Any, folder: Path, launcher: tuple[str, ...] = ()) -> str:
    command = [*launcher, sys.executable, str(Path(__file__).resolve()), "--child",
               *map(str, arguments)]
    done = subprocess.run(
        command if launcher or not Path("/usr/bin/setarch").exists()
        else ["setarch", "-R", *command],
        capture_output=True, text=True, cwd=folder,
        env={**os.environ, **MPI_ENVIRONMENT, "OMP_NUM_THREADS": "1",
             "NUMPY_MADVISE_HUGEPAGE": "0"})
    if done.returncode != 0:
        raise SystemExit(f"{arguments}: {done.stderr}")
    return done.stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triangles", type=int, default=250_000, metavar="N")
    parser.add_argument("--frames", type=int, default=41, metavar="N")
    parser.add_argument("--unique", action="store_true")
    parser.add_argument("--no-centroids", dest="centroids", action="store_false")
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="default: both")
    parser.add_argument("--case", choices=[*CASES, *PLOTTED], action="append",
                        help="default: all")
    parser.add_argument("--folder", type=Path, help="keep the files here, and use what is there")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        if args.child[0] == "write":
            name, *numbers = args.child[1:]
            write_file(name, *(int(n) for n in numbers))
        else:
            print("\n" + json.dumps(run_child(*args.child)))
        return
    variants, chosen = args.variant or list(VARIANTS), args.case or [*CASES, *PLOTTED]
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as scratch:
        folder = args.folder or Path(scratch)
        for name, triangles, frames in ((SMALLER["run"], SMALL, SMALL_FRAMES),
                                        ("run", args.triangles, args.frames)):
            stored = int(args.unique), int(args.centroids)
            if not (folder / f"{name}.sww").exists():
                child("write", name, triangles, frames, *stored, folder=folder)
            if "sww_merge" in chosen and not (folder / f"{RANKED[name]}_P{RANKS}_0.sww").exists():
                child("write", RANKED[name], triangles, frames, *stored, folder=folder,
                      launcher=("mpiexec", "-n", str(RANKS)))
        for case in chosen:
            found[case] = {}
            for variant in variants:
                figures = json.loads(child(variant, case, "run", folder=folder).splitlines()[-1])
                found[case][variant] = {
                    key: nbytes / args.triangles for key, nbytes in figures.items()}
            print(f"{case}: {found[case]}", file=sys.stderr, flush=True)
        nbytes = (folder / "run.sww").stat().st_size
    rows = [["B/tri", *(f"{v}: {key}" for v in variants for key in ("peak", "returned"))]]
    rows += [[case, *(f"{found[case][v][key]:.0f}" for v in variants
                      for key in ("peak", "returned"))] for case in chosen]
    print(table(rows))
    if args.json is not None:
        args.json.write_text(json.dumps(
            {"date": date.today().isoformat(), "machine": machine(),
             "triangles": args.triangles, "frames": args.frames, "unique": args.unique,
             "centroids": args.centroids, "file_nbytes": nbytes, "cases": found},
            indent=1) + "\n")


if __name__ == "__main__":
    main()
