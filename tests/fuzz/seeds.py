"""Writes the good input files that mutations begin with, a folder of each kind.

Owns what a kind of file is; how one is read is `reading`'s, how it is spoiled `mutations`'.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

SQUARE = [[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]]
TAGS = {"south": [0], "the east": [1], "north": [2], "west": [3]}


def write_seeds(folder: Path) -> dict[str, list[Path]]:
    """Write files of every kind into a folder; return their paths by kind."""
    import anuga_lean as anuga

    found: dict[str, list[Path]] = {}
    for kind, write in WRITERS.items():
        inside = folder / kind
        inside.mkdir(parents=True)
        write(anuga, inside)
        found[kind] = sorted(path for path in inside.iterdir() if path.suffix != ".prj")
    return found


def _pmesh(anuga: Any, area: float = 900.0) -> Any:
    return anuga.create_pmesh_from_regions(
        SQUARE, TAGS, maximum_triangle_area=area, use_cache=False,
        interior_regions=[([[20.0, 20.0], [50.0, 20.0], [50.0, 50.0], [20.0, 50.0]], area / 3.0)],
        interior_holes=[[[70.0, 70.0], [80.0, 70.0], [80.0, 80.0], [70.0, 80.0]]])


def _domain(anuga: Any) -> Any:
    domain = anuga.rectangular_cross_domain(4, 4, len1=100.0, len2=100.0)
    domain.set_quantity("elevation", lambda x, y: -x / 50.0)
    domain.set_quantity("stage", lambda x, y: 0.5 * (x < 50.0))
    return domain


def _tsh(anuga: Any, folder: Path, ending: str = "tsh") -> None:
    from anuga.load_mesh import loadASCII

    mesh = _pmesh(anuga)
    mesh.generate_mesh()
    loadASCII.export_mesh_file(str(folder / f"plain.{ending}"), mesh.mesh2io_dict())
    made = mesh.mesh2io_dict()
    x, y = np.asarray(made["vertices"]).T
    made["vertex_attributes"] = _Listed(np.column_stack([x * 0.1, y - 3.0]).tolist())
    made["vertex_attribute_titles"] = ["elevation", "friction"]
    made["triangle_tags"] = ["deep sea" if k % 3 else "" for k in range(len(made["triangles"]))]
    loadASCII.export_mesh_file(str(folder / f"attributes.{ending}"), made)


class _Listed(list):
    """A list that is not None, which ANUGA's writer asks of it element by element."""

    def __ne__(self, other: object) -> bool:
        return True


def _msh(anuga: Any, folder: Path) -> None:
    _tsh(anuga, folder, "msh")


def _pickle(anuga: Any, folder: Path) -> None:
    domain = _domain(anuga)
    domain.set_name("part")
    anuga.sequential_distribute_dump(domain, 2, partition_dir=str(folder))


def _partition(anuga: Any, folder: Path) -> None:
    from anuga.parallel.sequential_distribute import sequential_mesh_dump

    domain = _domain(anuga)
    domain.set_name("part")
    sequential_mesh_dump(domain, 2, partition_dir=str(folder))


def _points(anuga: Any, folder: Path) -> None:
    x, y = np.meshgrid(np.linspace(-5.0, 105.0, 9), np.linspace(-5.0, 105.0, 8))
    points = np.column_stack([x.ravel(), y.ravel()])
    data = anuga.Geospatial_data(points, {"elevation": points[:, 0] / 7.0 - 3.0})
    for ending in ("pts", "csv", "txt"):
        data.export_points_file(str(folder / f"points.{ending}"))


def _raster(anuga: Any, folder: Path) -> None:
    rows = [" ".join(f"{(i * 7 + j * 3) % 11 / 3.0:.4f}" for j in range(7)) for i in range(6)]
    head = ("ncols 7\nnrows 6\nxllcorner -20.0\nyllcorner -20.0\ncellsize 25.0\n"
            "NODATA_value -9999\n")
    (folder / "grid.asc").write_text(head + "\n".join(rows) + "\n")
    (folder / "grid.prj").write_text(
        "Projection UTM\nZone 56\nDatum WGS84\nZunits NO\nUnits METERS\nSpheroid WGS84\n"
        "Xshift 500000.0\nYshift 10000000.0\nParameters\n")
    anuga.asc2dem(str(folder / "grid.asc"))


def _tif(anuga: Any, folder: Path) -> None:
    if importlib.util.find_spec("rasterio") is None:
        return
    import rasterio

    values = np.random.default_rng(8).random((26, 26)).astype(np.float32)
    with rasterio.open(
        folder / "grid.tif", "w", driver="GTiff", height=26, width=26, count=1, dtype="float32",
        crs="EPSG:32756", transform=rasterio.transform.from_origin(-10.0, 110.0, 5.0, 5.0),
    ) as raster:
        raster.write(values, 1)


def _riverwall(anuga: Any, folder: Path) -> None:
    (folder / "wall.csv").write_text("50., 0., 0.3\n50., 50., 0.2\n50., 100., 0.4\n")
    (folder / "headed.csv").write_text("Qfactor: 1.5, s1: 0.94\n50., 0., 0.3\n50., 100., 0.4\n")


def _polygon(anuga: Any, folder: Path) -> None:
    (folder / "plain.csv").write_text("10.,10.\n90.,10.\n90.,90.\n10.,90.\n")
    (folder / "headed.csv").write_text("x,y\n10.,10.\n90.,10.\n90.,90.\n50.,60.\n10.,90.\n")


def _series(anuga: Any, folder: Path) -> None:
    from anuga import timefile2netcdf

    text = folder / "tide.txt"
    text.write_text("\n".join(f"{60.0 * i}, {0.1 * i} {0.0} {0.0}" for i in range(6)) + "\n")
    timefile2netcdf(str(text), str(folder / "tide.tms"),
                    quantity_names=["stage", "xmomentum", "ymomentum"], time_as_seconds=True)
    text.unlink()


def _ranks(anuga: Any, folder: Path) -> None:
    """The SWW files of two ranks, packed in one file as their bytes."""
    import netCDF4

    domain = _domain(anuga)
    domain.set_name("run")
    domain.set_datadir(str(folder))
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(),
                                      anuga.Reflective_boundary(domain)))
    for _ in domain.evolve(yieldstep=0.5, finaltime=1.0):
        pass
    whole = folder / "run.sww"
    n, nodes = len(domain), domain.number_of_nodes
    for rank in range(2):
        path = folder / f"rank{rank}.sww"
        path.write_bytes(whole.read_bytes())
        with netCDF4.Dataset(path, "a") as file:
            file.number_of_global_triangles, file.number_of_global_nodes = n, nodes
            for name, dimension, values in (
                    ("tri_l2g", "number_of_volumes", np.arange(n)),
                    ("tri_full_flag", "number_of_volumes", np.arange(n) % 2 == rank),
                    ("node_l2g", "number_of_points",
                     np.arange(len(file.dimensions["number_of_points"])))):
                file.createVariable(name, "i4", (dimension,))[:] = values
    for path in (whole, folder / "run.sww.lock"):
        path.unlink(missing_ok=True)


def _scenario(anuga: Any, folder: Path) -> None:
    (folder / "model.toml").write_text(SCENARIO)


def _figures(anuga: Any, folder: Path) -> None:
    from anuga_lean.measure.records import Figure, Record, night

    records = [Record(
        suite, "dam_break", build, version="anuga 4.2.0", parameters={"triangles": [1000, 4000]},
        triangles=[1000, 4000], command="anuga_lean compare", figures={
            "held": Figure(900.0, "B/tri", 0.01, "memory"), "time": Figure(60.0, "ns/tri")},
        groups={"mesh": 40.0}, arrays={"mesh/areas": 8.0},
        stages={"import": {"seconds": 0.5, "rss": 10**8, "pss": None, "peak_rss": 10**8}},
        ranks=[{"rank": 0, "number_of_triangles": 9, "rss": 1, "pss": 1, "uss": 1, "peak_rss": 2}],
        sites=[{"site": "mesh.py:1", "nbytes": 100, "share": 0.5}])
        for suite in ("memory", "speed") for build in ("stock", "lean")]
    (folder / "night.json").write_text(json.dumps(night(records)))


WRITERS: dict[str, Any] = {
    "tsh": _tsh, "msh": _msh, "pickle": _pickle, "partition": _partition, "points": _points,
    "raster": _raster, "tif": _tif, "riverwall": _riverwall, "polygon": _polygon, "series": _series,
    "ranks": _ranks, "scenario": _scenario, "figures": _figures}

SCENARIO = """\
[project]
scenario = "storm"
output_base_directory = "MODEL_OUTPUTS/"
yieldstep = 60.0
finaltime = 600.0
projection_information = -55
flow_algorithm = "DE0"

[mesh]
use_existing_mesh_pickle = false
bounding_polygon = "extent.csv"
default_res = 400.0

[initial_conditions]
elevation = [{polygon = "All", value = "dem.asc"}]
friction = [{polygon = "All", value = 0.03}]
stage = [{polygon = "All", value = 0.0}]
"""


def loaded_pickle(path: Path) -> Any:
    """What a partition file of one rank holds."""
    return pickle.loads(path.read_bytes())
