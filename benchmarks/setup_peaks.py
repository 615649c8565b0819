"""Measures the memory of what a script does before its first step, bytes per triangle.

Every way to make a domain or a basic mesh, and every way to set a quantity, each in a
process of its own that has done it on a small mesh before.  A figure is the slope
between two mesh sizes.  Peaks are over what the process, or the domain, held before;
left is what is there afterwards, kept what of it is in use: the rest was freed and not
handed back.  A quantity had been set before by a function of x and y.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anuga_lean.measure import probe
from anuga_lean.measure.calls import _settle as settle
from anuga_lean.measure.child import import_anuga
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import VARIANTS
from anuga_lean.measure.report import table

SIDE = 1000.0
SQUARE = [[0.0, 0.0], [SIDE, 0.0], [SIDE, SIDE], [0.0, SIDE]]
TAGS = {"south": [0], "east": [1], "north": [2], "west": [3]}
POINTS = 20_000
SMALL = 600     # triangles of the mesh on which everything is done first


class Making(NamedTuple):
    """A way to make a mesh: `make(anuga, triangles, file)`; `file` has that many triangles."""

    make: Callable[[Any, int, str], Any]
    suffix: str = ""


class Setting(NamedTuple):
    """A way to set a quantity: `make(domain, data)`; `data` is what `prepare(anuga)` returns."""

    make: Callable[[Any, Any], Any]
    prepare: Callable[[Any], Any] = lambda anuga: None
    environment: dict[str, str] = {}


def cells(triangles: int) -> tuple[int, int, float, float]:
    m = round((triangles / 4) ** 0.5)
    return m, m, SIDE, SIDE


def area(triangles: int) -> float:
    return 1.51 * SIDE**2 / triangles    # what Triangle makes of a largest area


def slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sin(x / 70.0) * np.exp(-y / 500.0) + 0.01 * x


def pmesh(anuga: Any, triangles: int) -> Any:
    return anuga.create_pmesh_from_regions(SQUARE, TAGS, area(triangles), use_cache=False)


def through_a_file(anuga: Any, triangles: int, file: str) -> Any:
    anuga.create_mesh_from_regions(SQUARE, TAGS, area(triangles), filename="made.msh")
    return anuga.Domain("made.msh")


def from_a_mesh(anuga: Any, triangles: int, file: str) -> Any:
    from anuga.extras import rectangular_cross_mesh

    return anuga.Domain(rectangular_cross_mesh(*cells(triangles)))


MAKING = {
    "rectangular_cross_domain": Making(
        lambda a, n, file: a.rectangular_cross_domain(*cells(n))),
    "Domain(*rectangular_cross)": Making(
        lambda a, n, file: a.Domain(*a.rectangular_cross(*cells(n)))),
    "Domain(Mesh)": Making(from_a_mesh),
    "create_domain_from_regions": Making(
        lambda a, n, file: a.create_domain_from_regions(SQUARE, TAGS, area(n))),
    "create_mesh_from_regions, Domain(.msh)": Making(through_a_file),
    "Domain(Pmesh)": Making(lambda a, n, file: a.Domain(pmesh(a, n))),
    "Domain(.tsh)": Making(lambda a, n, file: a.Domain(file), ".tsh"),
    "Domain(.msh)": Making(lambda a, n, file: a.Domain(file), ".msh"),
    "create_domain_from_file(.msh)": Making(
        lambda a, n, file: a.create_domain_from_file(file), ".msh"),
    "rectangular_cross_basic_mesh": Making(
        lambda a, n, file: a.rectangular_cross_basic_mesh(*cells(n))),
    "rectangular_cross_basic_mesh, neighbours": Making(
        lambda a, n, file: a.rectangular_cross_basic_mesh(*cells(n)).neighbours),
    "create_basic_mesh_from_regions": Making(
        lambda a, n, file: a.create_basic_mesh_from_regions(SQUARE, TAGS, area(n))),
    "basic_mesh_from_mesh_file(.tsh)": Making(
        lambda a, n, file: a.basic_mesh_from_mesh_file(file), ".tsh"),
    "basic_mesh_from_mesh_file(.msh)": Making(
        lambda a, n, file: a.basic_mesh_from_mesh_file(file), ".msh"),
}


def scattered(anuga: Any) -> Any:
    xy = np.random.default_rng(1).uniform(0.0, SIDE, (POINTS, 2))
    return anuga.Geospatial_data(xy, {"elevation": slope(*xy.T)})


def points_file(suffix: str) -> Callable[[Any], str]:
    def write(anuga: Any) -> str:
        scattered(anuga).export_points_file(f"points{suffix}")
        return f"points{suffix}"
    return write


def raster(anuga: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    axis = np.linspace(-5.0, SIDE + 5.0, 200)
    return axis, axis, np.random.default_rng(2).random((200, 200))


def grid_file(anuga: Any) -> str:
    values = np.random.default_rng(2).random((210, 210))
    head = "ncols 210\nnrows 210\nxllcorner -20\nyllcorner -20\ncellsize 5\nNODATA_value -9999\n"
    Path("grid.asc").write_text(
        head + "\n".join(" ".join(map(repr, row)) for row in values.tolist()))
    return "grid.asc"


def tif_file(anuga: Any) -> str:
    import rasterio

    with rasterio.open(
        "grid.tif", "w", driver="GTiff", height=210, width=210, count=1, dtype="float32",
        crs="EPSG:32756",
        transform=rasterio.transform.from_origin(-20.0, SIDE + 20.0, 5.0, 5.0),
    ) as file:
        file.write(np.random.default_rng(2).random((210, 210)).astype(np.float32), 1)
    return "grid.tif"


def sample_tif(domain: Any, name: str) -> None:
    domain.set_zone(56)
    domain.set_quantity("elevation", filename=name, location="vertices")


def culvert(domain: Any, data: Any) -> Any:
    import anuga

    return anuga.Boyd_box_operator(
        domain, losses=1.5, width=20.0, end_points=[[400.0, 500.0], [600.0, 500.0]],
        apron=10.0, enquiry_gap=10.0, verbose=False)


def inlet(domain: Any, data: Any) -> Any:
    import anuga

    return anuga.Inlet_operator(domain, [[100.0, 100.0], [200.0, 150.0]], Q=3.0)


def rain(domain: Any, data: Any) -> Any:
    import anuga

    return anuga.Rate_operator(domain, rate=1e-5, polygon=[[0.0, 0.0], [500.0, 0.0], [0.0, 500.0]])


def put(**options: Any) -> Callable[[Any, Any], None]:
    """Return a function that sets the elevation; its `data` go to the argument without a value."""
    def make(domain: Any, data: Any) -> None:
        domain.set_quantity("elevation", **{
            key: data if value is None else value for key, value in options.items()})
    return make


SETTING = {
    "f(x, y)": Setting(put(function=slope)),
    "f(x, y), centroids": Setting(put(function=slope, location="centroids")),
    "f(x, y) in parts": Setting(
        put(function=slope), environment={"ANUGA_LEAN_LARGEST_CALL": "50000"}),
    "a constant": Setting(put(numeric=0.5)),
    "an expression": Setting(lambda d, data: d.set_quantity(
        "stage", expression="0.5 * elevation + stage ** 2")),
    "algebra": Setting(lambda d, data: d.set_quantity(
        "stage", d.quantities["elevation"] * 2.0 + 1.0)),
    "maximum(quantity)": Setting(lambda d, data: d.set_quantity(
        "stage", d.quantities["elevation"].maximum(d.quantities["stage"]))),
    "another quantity": Setting(lambda d, data: d.set_quantity(
        "stage", d.quantities["elevation"])),
    "a constant in a polygon": Setting(put(
        numeric=0.3, polygon=[[0.0, 0.0], [500.0, 0.0], [0.0, 500.0]])),
    "raster (x, y, Z), vertices": Setting(put(raster=None, location="vertices"), raster),
    "raster (x, y, Z), centroids": Setting(put(raster=None, location="centroids"), raster),
    "grid file (.asc)": Setting(put(filename=None), grid_file),
    "GeoTIFF": Setting(sample_tif, tif_file),
    "Geospatial_data": Setting(put(geospatial_data=None, alpha=0.01), scattered),
    "points file (.pts)": Setting(put(filename=None, alpha=0.01), points_file(".pts")),
    "points file (.csv)": Setting(put(filename=None, alpha=0.01), points_file(".csv")),
    "points file, use_cache": Setting(
        put(filename=None, alpha=0.01, use_cache=True), points_file(".pts")),
    "Rate_operator in a polygon": Setting(rain),
    "Inlet_operator": Setting(inlet),
    "Boyd_box_operator": Setting(culvert),
}


class Taken(NamedTuple):
    """Bytes on top of what there was."""

    triangles: int
    peak: int
    left: int
    kept: int


FIGURES = ("peak", "left", "kept")


def measured(make: Callable[[], Any]) -> Taken:
    """Call `make` and measure it; hold what it returns until all is read."""
    settle()
    probe.reset_peak_rss()
    before = probe.read_memory().rss
    made = make()
    memory = probe.read_memory()
    settle()
    kept = probe.read_memory().rss - before
    return Taken(0 if made is None else len(made), memory.peak_rss - before,
                 memory.rss - before, kept)


def run_child(variant: str, name: str, triangles: int, file: str) -> Taken:
    """Measure one case in this process."""
    anuga = import_anuga(variant)
    # one of its own: to look into another run's is to load its mesh
    anuga.caching.set_option("cachedir", tempfile.mkdtemp(dir=os.getcwd()))
    if name in MAKING:
        case = MAKING[name]
        case.make(anuga, SMALL, file + ".small" + case.suffix)
        return measured(lambda: case.make(anuga, triangles, file + case.suffix))._replace(
            triangles=triangles)
    setting = SETTING[name]
    data = setting.prepare(anuga)
    for n in (SMALL, triangles):
        domain = anuga.rectangular_cross_domain(*cells(n))
        domain.set_store(False)
        for quantity in ("elevation", "stage"):
            domain.set_quantity(quantity, function=slope)
        if n == SMALL:
            setting.make(domain, data)
    os.environ.update(setting.environment)

    def make() -> Any:
        setting.make(domain, data)
        return domain

    return measured(make)


def write_files(folder: Path, sizes: list[int]) -> None:
    """Write mesh files of a square, by stock, in this process."""
    anuga = import_anuga("stock")
    for n in (SMALL, *sizes):
        mesh = pmesh(anuga, n)
        mesh.generate_mesh(verbose=False)
        for suffix in (".tsh", ".msh"):
            small = ".small" if n == SMALL else ""
            for size in sizes if n == SMALL else [n]:
                mesh.export_mesh_file(str(folder / f"mesh{size}{small}{suffix}"))


def child(*arguments: Any, folder: Path) -> str:
    command = [sys.executable, str(Path(__file__).resolve()), "--child", *map(str, arguments)]
    done = subprocess.run(
        ["setarch", "-R", *command] if Path("/usr/bin/setarch").exists() else command,
        capture_output=True, text=True, cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NUMPY_MADVISE_HUGEPAGE": "0"})
    if done.returncode != 0:
        raise SystemExit(f"{arguments}: {done.stderr}")
    return done.stdout


def slopes(variant: str, name: str, sizes: list[int], folder: Path) -> dict[str, float]:
    """Return the figures of one case, bytes per triangle."""
    small, large = (
        Taken(*json.loads(child(variant, name, n, folder / f"mesh{n}", folder=folder)
                          .splitlines()[-1])) for n in sizes)
    between = large.triangles - small.triangles
    return {key: (getattr(large, key) - getattr(small, key)) / between for key in FIGURES}


@contextmanager
def scratch(names: list[str], sizes: list[int]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as name:
        if any(each in MAKING and MAKING[each].suffix for each in names):
            child("files", name, *sizes, folder=Path(name))
        yield Path(name)


def main() -> None:
    """Measure and print."""
    names = [*MAKING, *SETTING]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=60_000, metavar="N")
    parser.add_argument("--large", type=int, default=250_000, metavar="N")
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="default: both")
    parser.add_argument("--case", choices=names, action="append", help="default: all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child is not None:
        if args.child[0] == "files":
            write_files(Path(args.child[1]), [int(n) for n in args.child[2:]])
        else:
            variant, name, n, file = args.child
            print("\n" + json.dumps(run_child(variant, name, int(n), file)))
        return
    variants, chosen = args.variant or list(VARIANTS), args.case or names
    found: dict[str, dict[str, Any]] = {}
    with scratch(chosen, [args.small, args.large]) as folder:
        for name in chosen:
            found[name] = {
                variant: slopes(variant, name, [args.small, args.large], folder)
                for variant in variants}
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    rows = [["B/tri", *(f"{v}: {key}" for v in variants for key in FIGURES)]]
    rows += [[name, *(f"{found[name][v][key]:.0f}" for v in variants for key in FIGURES)]
             for name in chosen]
    print(table(rows))
    if args.json is not None:
        args.json.write_text(json.dumps(
            {"date": date.today().isoformat(), "machine": machine(), "small": args.small,
             "large": args.large, "cases": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
