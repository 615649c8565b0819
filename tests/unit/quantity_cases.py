"""Ways into and out of a quantity, each a function of a new domain.

Run as a script, this file writes what plain ANUGA gives for every case to an
.npz file; test_quantity runs the same cases on lean domains and compares.

Longer than 500 lines: each case is a few lines of a script, and they are one list.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
Case = Callable[[Any, Path], Arrays | None]

CASES: dict[str, Case] = {}
MESHES = ("cross", "scattered", "lone")
SHOWN = ("stage", "elevation", "friction", "xmomentum", "height", "x", "y", "xvelocity")

LONE_NODE = 40
CROSS_TRIANGLES = 140


def case(function: Case) -> Case:
    """Register `function(domain, folder)`; what it returns is compared as well."""
    CASES[function.__name__] = function
    return function


def make_domain(anuga: Any, mesh: str) -> Any:
    """Return a small domain: structured, or Delaunay, the latter also with a lone node."""
    if mesh == "cross":
        domain = anuga.rectangular_cross_domain(7, 5, 13.0, 9.5)
    else:
        from scipy.spatial import Delaunay

        points = np.random.default_rng(4).random((90, 2)) * (700.0, 300.0)
        triangles = Delaunay(points).simplices
        corners = points[triangles]
        d1, d2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
        triangles[area < 0] = triangles[area < 0][:, ::-1]
        triangles = triangles[abs(area) > 1e-6]
        if mesh == "lone":
            points = np.insert(points, LONE_NODE, (350.0, 150.0), axis=0)
            triangles = triangles + (triangles >= LONE_NODE)
        geo = anuga.Geo_reference(56, 300000.0, 6180000.0)
        domain = anuga.Domain(points, triangles, geo_reference=geo)
    domain.set_store(False)
    return domain


def shown(domain: Any) -> Arrays:
    """Return all values of the quantities in SHOWN."""
    values = {}
    for name in SHOWN:
        q = domain.quantities[name]
        values[f"{name}.centroid"] = np.array(q.centroid_values)
        values[f"{name}.vertex"] = np.array(q.vertex_values)
        if name != "friction":
            values[f"{name}.edge"] = np.array(q.edge_values)
        if name != "xvelocity":  # scratch of the boundary conditions
            values[f"{name}.boundary"] = np.array(q.boundary_values)
    return values


def run_case(name: str, anuga: Any, folder: Path, mesh: str) -> Arrays:
    """Return the arrays of a case on a new domain."""
    domain = make_domain(anuga, mesh)
    extra = CASES[name](domain, folder) or {}
    return {**shown(domain), **{f"extra.{k}": np.asarray(v) for k, v in extra.items()}}


def slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sin(x / 7.0) * np.exp(-y / 50.0) + 0.01 * x


def patch(domain: Any) -> list[list[float]]:
    """Return a polygon, in absolute coordinates, around the middle of the domain."""
    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    x, y, dx, dy = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 4, (y1 - y0) / 4
    return [[x - dx, y - dy], [x + dx, y - dy], [x + dx, y + dy], [x - dx, y + dy]]


def _has_lone_node(domain: Any) -> bool:
    return len(np.unique(domain.triangles)) < domain.number_of_nodes


# -- setting ------------------------------------------------------------------


@case
def fresh(domain: Any, folder: Path) -> None:
    pass


@case
def constants(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", -0.3)
    domain.set_quantity("stage", 0.1, location="centroids")
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("xmomentum", 3, location="unique vertices")
    domain.set_quantity("height", np.float32(0.7))


@case
def constants_at_indices(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", slope)
    domain.set_quantity("elevation", -0.3, indices=[3, 5, -1])
    domain.set_quantity("stage", 1.1, indices=[0, 7], location="centroids")
    domain.set_quantity("xmomentum", 1.7, indices=[0, 7, 12], location="unique vertices")
    domain.set_quantity("friction", 0.03, indices=np.array([2, 4]))
    domain.set_quantity("height", 2.0, location="centroids")
    domain.set_quantity("height", 1.0, indices=[3, 9], location="unique vertices")


@case
def functions(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", slope)
    domain.set_quantity("stage", lambda x, y: x)
    domain.set_quantity("friction", lambda x, y: 0.01 + 0.02 * (y > y.mean()))
    domain.set_quantity("xmomentum", slope, location="centroids")
    domain.set_quantity("height", function=lambda x, y: 4.5)
    domain.set_quantity("xvelocity", lambda x, y: 2.5, location="centroids")


@case
def functions_at_indices(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", slope, indices=[3, 5, 8])
    domain.set_quantity("stage", slope, indices=[3, 5, 8], location="centroids")
    domain.set_quantity("friction", lambda x, y: 0.04, indices=[1, 2])


@case
def discontinuous_function(domain: Any, folder: Path) -> None:
    domain.set_quantity("stage", lambda x, y: np.arange(x.size) % 3 * 1.5)
    domain.set_quantity("elevation", lambda x, y: np.arange(x.size) // 3 * 1.5)
    domain.set_quantity("xmomentum", lambda x, y: list(np.arange(x.size) * 0.1))


@case
def arrays(domain: Any, folder: Path) -> None:
    n, nodes = domain.number_of_triangles, domain.number_of_nodes
    rng = np.random.default_rng(1)
    domain.set_quantity("stage", rng.random((n, 3)))
    domain.set_quantity("elevation", rng.random(nodes))
    domain.set_quantity("friction", rng.random(n), location="centroids")
    domain.set_quantity("xmomentum", rng.random((n, 1)), location="centroids")
    domain.set_quantity("height", list(rng.random(nodes)), location="unique vertices")
    domain.set_quantity("xvelocity", domain.quantities["elevation"].vertex_values)


@case
def arrays_at_indices(domain: Any, folder: Path) -> None:
    rng = np.random.default_rng(2)
    picked = [4, 1, 9]
    domain.set_quantity("stage", rng.random((3, 3)), indices=picked)
    domain.set_quantity("elevation", slope)
    domain.set_quantity("elevation", rng.random(3), indices=picked)
    domain.set_quantity("friction", rng.random(3), indices=picked, location="centroids")
    domain.set_quantity("xmomentum", rng.random((domain.number_of_triangles, 3)))
    domain.set_quantity("xmomentum", rng.random(3), indices=picked, location="unique vertices")


@case
def nans(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", np.nan)
    domain.set_quantity("stage", lambda x, y: np.where(x > x.mean(), np.nan, -0.0))


@case
def quantities(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", slope)
    domain.set_quantity("stage", domain.quantities["elevation"])
    domain.set_quantity("xmomentum", quantity=domain.quantities["x"])
    domain.set_quantity("friction", domain.quantities["elevation"], location="centroids")
    every = list(range(domain.number_of_triangles))
    domain.set_quantity("height", domain.quantities["y"], indices=every)
    domain.set_quantity("stage", 5.0)


@case
def expressions(domain: Any, folder: Path) -> Arrays:
    domain.set_quantity("elevation", slope)
    domain.set_quantity("stage", expression="elevation + 0.3")
    domain.set_quantity("xmomentum", expression="2*x + 3*y*elevation - stage/x")
    domain.set_quantity("height", expression="(stage**2 + elevation**2)**0.5")
    domain.set_quantity("friction", expression="0.01*stage")
    q = domain.create_quantity_from_expression("stage*elevation")
    return {"c": q.centroid_values, "e": np.array(q.edge_values), "v": np.array(q.vertex_values)}


@case
def additions(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", slope)
    domain.add_quantity("elevation", 3.0)
    domain.add_quantity("elevation", slope)
    domain.add_quantity("elevation", slope, location="centroids")
    domain.minimum_quantity("elevation", 5.5)
    domain.maximum_quantity("elevation", lambda x, y: 0.2 * y)
    domain.add_quantity("stage", expression="elevation*2")


@case
def polygon_and_region(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", slope)
    domain.set_quantity("elevation", 9.0, polygon=patch(domain))
    domain.set_quantity("stage", 2.0, polygon=patch(domain), smooth=True)
    import anuga

    region = anuga.Region(domain, polygon=patch(domain))
    domain.set_quantity("friction", 0.07, region=region)


@case
def points(domain: Any, folder: Path) -> None:
    import anuga

    if _has_lone_node(domain):
        return  # ANUGA 4.1.0 crashes on fitting such a mesh
    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    rng = np.random.default_rng(3)
    xy = np.column_stack([rng.uniform(x0, x1, 200), rng.uniform(y0, y1, 200)])
    z = rng.random(200)
    name = folder / f"points_{domain.number_of_triangles}_{os.getpid()}.csv"
    table = np.column_stack([xy, z]).tolist()
    rows = "\n".join(",".join(map(repr, row)) for row in table)
    name.write_text("x,y,elevation\n" + rows + "\n")
    domain.set_quantity("elevation", filename=str(name), alpha=0.1)
    domain.set_quantity("stage", geospatial_data=anuga.Geospatial_data(xy, z), alpha=0.01)
    domain.set_quantity("xmomentum", anuga.Geospatial_data(xy, 2 * z))


def _grid(domain: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    x, y = np.linspace(x0 - 1, x1 + 1, 23), np.linspace(y0 - 1, y1 + 1, 17)
    return x, y, np.random.default_rng(5).random((17, 23))


@case
def rasters(domain: Any, folder: Path) -> None:
    raster = _grid(domain)
    domain.set_quantity("elevation", raster=raster, location="vertices")
    domain.set_quantity("stage", raster=raster, location="centroids")
    domain.set_quantity("friction", raster=raster, location="centroids", indices=np.array([2, 3]))
    domain.set_quantity("xmomentum", raster=raster, location="centroids")


@case
def grid_files(domain: Any, folder: Path) -> None:
    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    cell = max(x1 - x0, y1 - y0) / 20
    values = np.random.default_rng(6).random((24, 24))
    name = folder / f"grid_{domain.number_of_triangles}_{os.getpid()}.asc"
    head = f"ncols 24\nnrows 24\nxllcorner {x0 - cell!r}\nyllcorner {y0 - cell!r}\n"
    head += f"cellsize {cell!r}\nNODATA_value -9999\n"
    name.write_text(head + "\n".join(" ".join(map(repr, row)) for row in values.tolist()))
    domain.set_quantity("elevation", filename=str(name))
    domain.set_quantity("stage", filename=str(name), location="centroids")


@case
def tif_file(domain: Any, folder: Path) -> None:
    if domain.geo_reference.get_zone() == -1 or importlib.util.find_spec("rasterio") is None:
        return  # such a file needs both
    import rasterio

    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    cell = max(x1 - x0, y1 - y0) / 20
    values = np.random.default_rng(8).random((26, 26)).astype(np.float32)
    name = folder / f"grid_{domain.number_of_nodes}_{os.getpid()}.tif"
    transform = rasterio.transform.from_origin(x0 - cell, y0 + 23 * cell, cell, cell)
    with rasterio.open(
        name, "w", driver="GTiff", height=26, width=26, count=1, dtype="float32",
        crs="EPSG:32756", transform=transform,
    ) as raster:
        raster.write(values, 1)
    domain.set_quantity("elevation", filename=str(name))
    domain.set_quantity("stage", filename=str(name), location="centroids")


@case
def fallible(domain: Any, folder: Path) -> None:
    domain.set_quantity("elevation", slope)
    for bad in (
        {"numeric": [1.0, 2.0], "location": "vertices"},
        {"numeric": 1.0, "location": "nowhere"},
        {"numeric": 1.0, "function": slope},
        {"numeric": "a word"},
        {"numeric": np.ones(3), "location": "centroids"},
        {"filename": "no_such_file.asc"},
        {"filename": "no_such_file.png"},
        {},
        {"numeric": lambda x, y: np.ones(5)},
    ):
        try:
            domain.quantities["elevation"].set_values(**bad)
        except Exception as error:
            assert not isinstance(error, AttributeError), error
        else:
            raise AssertionError(f"{bad} was taken")


@case
def tracer(domain: Any, folder: Path) -> Arrays:
    import anuga

    n = domain.number_of_triangles
    q = anuga.Quantity(domain, name="tracer", register=True)
    p = anuga.Quantity(domain, np.arange(3.0 * n).reshape(n, 3), name="other")
    q.set_values(slope)
    q.explicit_update[:] = 1.0
    q.semi_implicit_update[2] = -0.5
    q.update(0.1)
    q.backup_centroid_values()
    q.centroid_values[:] = 2.0
    q.saxpy_centroid_values(0.25, 0.75)
    p.semi_implicit_update += 0.25
    return {
        "c": q.centroid_values, "v": np.array(q.vertex_values), "e": np.array(q.edge_values),
        "explicit": q.explicit_update, "semi": q.semi_implicit_update,
        "backup": q.centroid_backup_values, "p": np.array(p.edge_values),
        "pc": p.centroid_values, "ps": p.semi_implicit_update, "pe": p.explicit_update,
    }


# -- getting ------------------------------------------------------------------


def _filled(domain: Any) -> None:
    domain.set_quantity("elevation", slope)
    domain.set_quantity("stage", lambda x, y: slope(y, x) + 0.5)
    at_centroids = np.random.default_rng(7).random(domain.number_of_triangles)
    domain.set_quantity("xmomentum", at_centroids, location="centroids")


@case
def values(domain: Any, folder: Path) -> Arrays:
    _filled(domain)
    got = {}
    for name in ("elevation", "stage", "xmomentum", "x", "friction"):
        q = domain.quantities[name]
        for location in ("vertices", "centroids", "edges"):
            if location == "edges" and name == "friction":
                continue
            got[f"{name}.{location}"] = q.get_values(location=location)
            got[f"{name}.{location}.at"] = q.get_values(location=location, indices=[3, 1, 1])
        got[f"{name}.nodes.at"] = q.get_values(location="unique vertices", indices=[3, 1, 1])
        got[f"{name}.extremum"] = q.get_maximum_value(), *q.get_minimum_location()
        got[f"{name}.integral"] = q.get_integral(), q.get_integral(indices=[1, 2])
    if not _has_lone_node(domain):
        got["nodes"] = domain.quantities["elevation"].get_values(location="unique vertices")
    if domain.number_of_triangles == CROSS_TRIANGLES:  # ANUGA 4.1.0 hangs on the others
        xy = np.asarray(domain.get_centroid_coordinates(absolute=True))[[2, 8, 11]]
        got["points"] = domain.quantities["stage"].get_values(interpolation_points=xy)
    return got


@case
def vertex_values(domain: Any, folder: Path) -> Arrays:
    _filled(domain)
    got = {}
    for smooth in (True, False, None):
        for averaging in (True, False, None):
            for name in ("stage", "xmomentum", "friction", "x"):
                q = domain.quantities[name]
                for precision in (float, np.float32):
                    out = q.get_vertex_values(
                        smooth=smooth, centroid_averaging=averaging, precision=precision
                    )
                    key = f"{smooth}{averaging}{name}{np.dtype(precision)}"
                    got.update({f"{key}{i}": np.asarray(a) for i, a in enumerate(out)})
    q.smooth_vertex_values()
    a, v = q.get_vertex_values(xy=False)
    return {**got, "a": a, "v": np.asarray(v)}


@case
def grid(domain: Any, folder: Path) -> Arrays:
    _filled(domain)
    cellsize = 1.0 if domain.number_of_triangles == CROSS_TRIANGLES else 20.0
    x, y, z = domain.quantities["stage"].save_to_array(cellsize=cellsize)
    return {"x": x, "y": y, "z": z}


@case
def boundaries(domain: Any, folder: Path) -> None:
    _filled(domain)
    domain.quantities["stage"].set_boundary_values_from_edges()
    domain.quantities["elevation"].set_boundary_values(2.0)
    domain.quantities["xmomentum"].set_boundary_values(lambda x, y: x + y)


@case
def direct_writes(domain: Any, folder: Path) -> Arrays:
    _filled(domain)
    q = domain.quantities["xvelocity"]
    q.vertex_values[3, 1] = 7.0
    q.vertex_values[5] += 2.0
    q.vertex_values[:, 1] *= 0.5
    q.vertex_values -= 0.25
    q.edge_values[4] = [1.0, 2.0, 3.0]
    stage = domain.quantities["stage"]
    stage.vertex_values[:] = 2.0
    before = np.array(stage.edge_values)
    stage.interpolate()
    elevation = domain.quantities["elevation"]
    elevation.vertex_values = np.asarray(elevation.vertex_values) * 2
    elevation.interpolate_from_vertices_to_edges()
    domain.quantities["xmomentum"].interpolate_from_edges_to_vertices()
    return {"before": before}


@case
def arithmetic(domain: Any, folder: Path) -> Arrays:
    _filled(domain)
    s, z, m, x = (domain.quantities[k] for k in ("stage", "elevation", "xmomentum", "x"))
    results = {
        "neg": -s, "add": s + z, "add1": s + 1, "radd": 2 + z, "sub": s - z, "mul": s * z,
        "rmul": 2.5 * m, "div": s / z, "div2": m / 3.0, "square": s**2, "root": (s * s) ** 0.5,
        "cube": z**3, "mix": s * m + x * z - m, "chain": s * z * z * z * z * z * z * z * m,
        "function": s + slope, "array": m * np.arange(3.0 * len(s)).reshape(-1, 3),
        "max": (s * 1.0).maximum(z), "min": (s * 1.0).minimum(m),
    }
    got = {}
    for name, q in results.items():
        got[name + ".c"], got[name + ".v"] = q.centroid_values, np.array(q.vertex_values)
        got[name + ".e"] = np.array(q.edge_values)
    return got


@case
def gradients(domain: Any, folder: Path) -> Arrays:
    _filled(domain)
    got = {}
    methods = (
        "compute_gradients", "compute_local_gradients", "extrapolate_second_order", "limit",
        "extrapolate_second_order_and_limit_by_edge", "extrapolate_first_order",
        "extrapolate_second_order_and_limit_by_vertex", "limit_vertices_by_all_neighbours",
        "limit_edges_by_all_neighbours", "limit_edges_by_neighbour",
    )
    for method in methods:
        for name in ("stage", "elevation"):
            q = domain.quantities[name]
            getattr(q, method)()
            got[f"{method}.{name}.v"] = np.array(q.vertex_values)
            got[f"{method}.{name}.e"] = np.array(q.edge_values)
            got[f"{method}.{name}.g"] = np.array(q.get_gradients())
    domain.quantities["stage"].extrapolate_second_order()
    domain.quantities["stage"].bound_vertices_below_by_constant(0.6)
    domain.quantities["elevation"].extrapolate_second_order()
    domain.quantities["elevation"].bound_vertices_below_by_quantity(domain.quantities["stage"])
    return got


@case
def reordered(domain: Any, folder: Path) -> None:
    _filled(domain)
    domain.set_quantity("friction", slope)
    domain.reorder(np.random.default_rng(9).permutation(domain.number_of_triangles))
    domain.add_quantity("stage", 1.0)


# -- during a run -------------------------------------------------------------


def _evolved(domain: Any) -> None:
    import anuga

    domain.set_quantity("elevation", lambda x, y: 0.1 * np.cos(x) - 0.2)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: 0.3 * (x < x.mean()))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    for _ in domain.evolve(yieldstep=0.05, finaltime=0.1):
        pass


@case
def after_run(domain: Any, folder: Path) -> Arrays:
    _evolved(domain)
    stage = domain.quantities["stage"]
    return {
        "edges": stage.get_values(location="edges", indices=[3, 1]),
        "some": stage.edge_values[[2, 5], [0, 2]],
        "vertex": stage.vertex_values[4],
        "maximum": stage.get_maximum_value(),
    }


@case
def set_after_run(domain: Any, folder: Path) -> None:
    _evolved(domain)
    domain.set_quantity("stage", 0.4, indices=[3, 5])
    domain.add_quantity("xmomentum", 0.1)
    domain.set_quantity("height", slope)
    domain.set_quantity("elevation", slope)


@case
def pickled_after_run(domain: Any, folder: Path) -> Arrays:
    _evolved(domain)
    q = pickle.loads(pickle.dumps(domain)).quantities["stage"]
    return {"c": q.centroid_values, "e": np.array(q.edge_values), "v": np.array(q.vertex_values)}


def write_reference(target: Path, folder: Path) -> None:
    """Write the arrays plain ANUGA gives to `target`."""
    import anuga

    arrays = {
        f"{mesh}/{name}/{key}": value
        for mesh in MESHES
        for name in CASES
        for key, value in run_case(name, anuga, folder, mesh).items()
    }
    np.savez(target, **arrays)


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]), Path(sys.argv[2]))
