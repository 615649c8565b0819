"""Is a model with switches, run stock or lean, whose memory `plan.py` measures.

`python plan_model.py '{"triangles": 100000, "mesh": "regions", "features": ["rain"]}' FOLDER`
leaves FOLDER/RANK.json: triangles of this rank, and the largest resident memory of its process
as the kernel tells it at the end, bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anuga
import numpy as np

SIDE = 1000.0
SQUARE = [[0.0, 0.0], [SIDE, 0.0], [SIDE, SIDE], [0.0, SIDE]]
INNER = [[300.0, 300.0], [600.0, 300.0], [600.0, 600.0], [300.0, 600.0]]
TAGS = {"south": [0], "east": [1], "north": [2], "west": [3]}
FILL = 0.65         # of the largest area is what the generator's triangles cover
POINTS = 20_000
DEFAULTS: dict[str, Any] = {
    "triangles": 40_000, "mesh": "rectangular", "algorithm": "DE0", "store": True,
    "features": [], "scheme": "metis", "steps": 4,
    "distribute": False}    # also on one rank, where it loads MPI and gives the domain back


def bed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -x / 100.0 + 4.0 * np.sin(y / 60.0) * np.cos(x / 50.0)


def water(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    ripple = 0.2 * np.sin(x / 23.0) * np.cos(y / 31.0)
    return np.maximum(np.where(x < 350.0, 1.5, -6.0) + ripple, bed(x, y))


def mesh_of(asked: dict[str, Any]) -> Any:
    n = asked["triangles"]
    if asked["mesh"] == "rectangular":
        m = max(1, round((n / 4.0) ** 0.5))
        return anuga.rectangular_cross_domain(m, m, len1=SIDE, len2=SIDE)
    if asked["mesh"] == "file":
        return anuga.Domain(asked["file"])
    covered = SIDE**2 + 2.0 * 300.0**2      # a third of the area within INNER
    largest = covered / (FILL * n)
    return anuga.create_domain_from_regions(
        SQUARE, TAGS, maximum_triangle_area=largest,
        interior_regions=[(INNER, largest / 3.0)], verbose=False)


def scattered() -> Any:
    xy = np.random.default_rng(1).uniform(0.0, SIDE, (POINTS, 2))
    return anuga.Geospatial_data(xy, {"elevation": bed(*xy.T)})


def set_quantities(domain: Any, features: list[str]) -> None:
    """Set quantities by functions at vertices, as a script does that does not say where."""
    place = {"location": "centroids"} if "centroids" in features else {}
    domain.set_quantity("friction", 0.03)
    if "fit" in features:
        domain.set_quantity("elevation", geospatial_data=scattered(), alpha=0.01)
    elif "raster" in features:
        axis = np.linspace(-5.0, SIDE + 5.0, 200)
        values = bed(*np.meshgrid(axis, axis, indexing="ij"))
        domain.set_quantity("elevation", raster=(axis, axis, values), location="centroids")
    else:
        domain.set_quantity("elevation", bed, **place)
    domain.set_quantity("stage", water, **place)


def culvert(domain: Any) -> None:
    anuga.Boyd_box_operator(
        domain, losses=1.5, width=20.0, end_points=[[400.0, 500.0], [600.0, 500.0]],
        apron=10.0, enquiry_gap=10.0, verbose=False)


SWITCHES: dict[str, Callable[[Any], Any]] = {
    "centroids": lambda d: None,
    "fit": lambda d: None,
    "raster": lambda d: None,
    "rain": lambda d: anuga.Rate_operator(d, rate=lambda t: 1e-5),
    "maxima": lambda d: d.set_collect_max_quantities(),
    "tracers": lambda d: d.add_tracer("dye", initial_value=1.0),
    "viscosity": lambda d: d.set_use_kinematic_viscosity(True),
    "erosion": lambda d: anuga.Bed_shear_erosion_operator(d, base=-20.0, polygon=INNER),
    "vegetation": lambda d: d.set_vegetation_drag(density=20.0, diameter=0.02, height=0.5),
    "monitors": lambda d: d.set_quantities_to_be_monitored("stage-elevation"),
    "riverwalls": lambda d: None if d.mesh.number_of_triangles < 100 else
        d.riverwallData.create_riverwalls({"bank": [[500.0, 0.0, 1.0], [500.0, SIDE, 1.0]]},
                                          verbose=False),
    "culverts": culvert,
    "inlets": lambda d: anuga.Inlet_operator(d, [[100.0, 100.0], [200.0, 150.0]], Q=3.0),
    "sediment": lambda d: (d.add_sediment_fraction("sand", diameter=2.0e-4),
                           anuga.Sediment_transport_operator(d)),
    "stock": lambda d: d.set_extrapolate_velocity(False),
    "sloped": lambda d: d.set_sloped_mannings_function(True),
}


def build(asked: dict[str, Any]) -> Any:
    domain = None
    if anuga.myid == 0:
        domain = mesh_of(asked)
        domain.set_flow_algorithm(asked["algorithm"])
        set_quantities(domain, asked["features"])
    if anuga.numprocs > 1 or asked["distribute"]:
        domain = anuga.distribute(domain, parameters={"partition_scheme": asked["scheme"]})
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    domain.set_name("model")
    domain.set_store(asked["store"])
    return domain


def main() -> None:
    """Run the model to its end."""
    asked = DEFAULTS | json.loads(sys.argv[1])
    domain = build(asked)
    kept = [SWITCHES[name](domain) for name in asked["features"]]
    yieldstep = 0.5 * (1e4 / asked["triangles"]) ** 0.5
    for _ in domain.evolve(yieldstep=yieldstep, finaltime=asked["steps"] * yieldstep):
        pass
    del kept
    anuga.barrier()     # all ranks are there while shared pages are counted
    whole = getattr(domain, "number_of_global_triangles", None) or domain.number_of_triangles
    told = {"whole": int(whole), "triangles": int(domain.number_of_triangles),
            "peak": field("status", "VmHWM"), "rss": field("smaps_rollup", "Rss"),
            "pss": field("smaps_rollup", "Pss")}
    anuga.barrier()
    Path(sys.argv[2], f"{anuga.myid}.json").write_text(json.dumps(told))


def field(file: str, name: str) -> int:
    """Return a line of a file of /proc/self, bytes."""
    with open(f"/proc/self/{file}", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
