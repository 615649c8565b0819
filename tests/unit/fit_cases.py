"""Ways to fit a mesh to points, each a function of a new domain.

Run as a script, this file writes what plain ANUGA gives for every model and case
to a pickle; test_fitting makes the same fits on lean domains and compares.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Case = Callable[[Any, Any, Path], Any]

CASES: dict[str, Case] = {}
MODELS: dict[str, Callable[[Any], Any]] = {}


def case(function: Case) -> Case:
    """Register `function(anuga, domain, folder)`; what it returns is compared as well."""
    CASES[function.__name__] = function
    return function


def model(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Register `function(anuga)`, which makes a domain."""
    MODELS[function.__name__] = function
    return function


@model
def oblong(anuga: Any) -> Any:
    return anuga.rectangular_cross_domain(7, 5, 13.0, 9.5)


@model
def squares(anuga: Any) -> Any:
    """Right angles: the sums across their hypotenuses come to nothing, and are dropped."""
    return anuga.rectangular_cross_domain(24, 24, 1200.0, 1200.0, origin=(-600.0, -600.0))


@model
def referenced(anuga: Any) -> Any:
    from scipy.spatial import Delaunay

    points = np.random.default_rng(4).random((400, 2)) * (700.0, 300.0)
    triangles = Delaunay(points).simplices
    corners = points[triangles]
    d1, d2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
    triangles[area < 0] = triangles[area < 0][:, ::-1]
    geo = anuga.Geo_reference(56, 300000.0, 6180000.0)
    return anuga.Domain(points, triangles[abs(area) > 1e-6], geo_reference=geo)


@model
def fan(anuga: Any) -> Any:
    """A node of many triangles, whose row is long; obtuse ones give positive sums."""
    angle = np.linspace(0.0, 2.0 * np.pi, 150, endpoint=False)
    rim = np.column_stack([100.0 * np.cos(angle), 60.0 * np.sin(angle)])
    nodes = np.concatenate([rim, [[7.0, -3.0]]])
    each = np.arange(150)
    return anuga.Domain(nodes, np.column_stack([np.full(150, 150), each, (each + 1) % 150]))


def sample(domain: Any, count: int = 500) -> np.ndarray:
    """Return points (absolute, m): inside, outside, on nodes, on edges, on axes, twice."""
    rng = np.random.default_rng(count)
    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    xy = np.column_stack([rng.uniform(x0, x1, count), rng.uniform(y0, y1, count)])
    corner = np.asarray(domain.get_vertex_coordinates(absolute=True)).reshape(-1, 3, 2)
    ks = rng.integers(0, len(corner), count)
    xy[0:60] = corner[ks[0:60], 0]
    xy[60:140] = 0.5 * (corner[ks[60:140], 1] + corner[ks[60:140], 2])
    xy[140:170, 0] = 0.5 * (x0 + x1)
    xy[170:200, 1] = y0
    xy[200:215, 0] = x1 + 1.0
    xy[215:260] = xy[100:145]
    third = rng.random((40, 1))
    xy[260:300] = third * corner[ks[260:300], 2] + (1.0 - third) * corner[ks[260:300], 0]
    return xy


def heights(xy: np.ndarray) -> np.ndarray:
    return np.sin(xy[:, 0] / 70.0) * 3.0 + np.cos(xy[:, 1] / 30.0) + 0.001 * xy[:, 0]


def write_csv(domain: Any, folder: Path, count: int = 500) -> str:
    xy = sample(domain, count)
    z = heights(xy)
    name = folder / f"points_{domain.number_of_triangles}_{count}.csv"
    table = np.column_stack([xy, z, 2.0 * z - 1.0]).tolist()
    rows = "\n".join(",".join(map(repr, row)) for row in table)
    name.write_text("x,y,elevation,other\n" + rows + "\n")
    return str(name)


@case
def alphas(anuga: Any, domain: Any, folder: Path) -> Any:
    xy = sample(domain)
    found = []
    for alpha in (None, 1e-6, 1e-12, 0.3, 50.0):
        data = anuga.Geospatial_data(xy, heights(xy))
        domain.set_quantity("elevation", geospatial_data=data, alpha=alpha)
        found.append(np.array(domain.quantities["elevation"].centroid_values))
    return found


@case
def without_smoothing(anuga: Any, domain: Any, folder: Path) -> Any:
    xy = np.concatenate([np.asarray(domain.get_vertex_coordinates(absolute=True)),
                         np.asarray(domain.get_centroid_coordinates(absolute=True))])
    return fitted(anuga, domain, xy, heights(xy), alpha=0.0)


@case
def too_few_points(anuga: Any, domain: Any, folder: Path) -> Any:
    return fitted(anuga, domain, sample(domain)[:9], np.arange(9.0), alpha=0.0)


@case
def nodes_without_a_point(anuga: Any, domain: Any, folder: Path) -> Any:
    """A singular matrix."""
    xy = np.tile(np.asarray(domain.get_vertex_coordinates(absolute=True))[:30], (400, 1))
    return fitted(anuga, domain, xy, heights(xy), alpha=0.0)


@case
def file_in_blocks(anuga: Any, domain: Any, folder: Path) -> Any:
    domain.points_file_block_line_size = 37
    name = write_csv(domain, folder)
    domain.set_quantity("elevation", filename=name, alpha=0.01)
    domain.set_quantity("stage", filename=name, alpha=0.01, attribute_name="other")


@case
def file_in_one(anuga: Any, domain: Any, folder: Path) -> Any:
    domain.set_quantity("stage", filename=write_csv(domain, folder, 3000))


@case
def points_file(anuga: Any, domain: Any, folder: Path) -> Any:
    xy = sample(domain)
    name = str(folder / f"points_{domain.number_of_triangles}.pts")
    anuga.Geospatial_data(xy, {"elevation": heights(xy)}).export_points_file(name, absolute=False)
    domain.points_file_block_line_size = 100
    domain.set_quantity("elevation", filename=name, verbose=True)


@case
def of_another_origin(anuga: Any, domain: Any, folder: Path) -> Any:
    xy = sample(domain)
    geo = anuga.Geo_reference(56, 1234.5, -77.25)
    data = anuga.Geospatial_data(xy - (1234.5, -77.25), heights(xy), geo_reference=geo)
    domain.set_quantity("elevation", data, alpha=0.02)


@case
def cached(anuga: Any, domain: Any, folder: Path) -> Any:
    from anuga.caching import set_option

    set_option("cachedir", str(folder))
    name = write_csv(domain, folder)
    domain.set_quantity("elevation", filename=name, use_cache=True)
    domain.set_quantity("stage", filename=name, use_cache=True)


@case
def wrong(anuga: Any, domain: Any, folder: Path) -> Any:
    data = anuga.Geospatial_data(sample(domain)[:4], np.arange(4.0))
    found = []
    for arguments in ({"geospatial_data": data, "location": "centroids"},
                      {"filename": "missing.csv"}):
        try:
            domain.set_quantity("elevation", **arguments)
        except Exception as error:
            found.append(type(error).__name__)
    return found


@case
def plain_conjugate_gradients(anuga: Any, domain: Any, folder: Path) -> Any:
    xy = sample(domain)
    return [fitted(anuga, domain, xy, heights(xy), alpha=0.1, cg_precon="None"),
            fitted(anuga, domain, xy, heights(xy), alpha=0.1, use_c_cg=False)]


def fitted(anuga: Any, domain: Any, xy: np.ndarray, z: np.ndarray, **options: Any) -> Any:
    """Return what ANUGA's function fits, or what it raises."""
    from anuga.fit_interpolate.fit import fit_to_mesh

    try:
        return np.array(fit_to_mesh(xy, mesh=domain.mesh, point_attributes=z, **options))
    except Exception as error:
        return type(error).__name__


def run_case(anuga: Any, model: str, name: str, folder: Path) -> dict[str, Any]:
    """Return what a case returns, and the two quantities it may have set."""
    domain = MODELS[model](anuga)
    domain.set_store(False)
    returned = CASES[name](anuga, domain, folder)
    found: dict[str, Any] = {"returned": returned}
    for quantity in ("elevation", "stage"):
        q = domain.quantities[quantity]
        found[quantity] = [np.array(each) for each in (
            q.centroid_values, q.vertex_values, q.edge_values)]
    return found


def main() -> None:
    """Write what plain ANUGA finds."""
    import anuga

    folder = Path(sys.argv[2])
    found = {(model, name): run_case(anuga, model, name, folder)
             for model in MODELS for name in CASES}
    Path(sys.argv[1]).write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main()
