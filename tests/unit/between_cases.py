"""What users call between steps, each call a function of an evolved domain.

Run as a script, this file writes what plain ANUGA answers to a pickle;
test_between_steps asks lean domains the same and compares.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from unit.between_models import MODELS, build, evolve, flooded, lone_nodes  # noqa: E402

Call = Callable[[Any], Any]

CALLS: dict[str, Call] = {}
STORED: dict[str, Callable[[Any], None]] = {}


def call(function: Call) -> Call:
    """Register `function(domain)`; what it returns is compared."""
    CALLS[function.__name__] = function
    return function


def way_to_store(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Register a way to set up storage; every variable of the SWW file is compared."""
    STORED[function.__name__] = function
    return function


# -- places -------------------------------------------------------------------


def places(domain: Any) -> np.ndarray:
    """Points (absolute, m): anywhere, outside, at and close to nodes, edges and centroids."""
    random = np.random.default_rng(5)
    origin = [domain.geo_reference.get_xllcorner(), domain.geo_reference.get_yllcorner()]
    corner = np.array(domain.get_vertex_coordinates()).reshape(-1, 3, 2)
    some = corner[random.permutation(len(corner))[:60]]
    middle = (some[:, 0] + some[:, 1]) / 2
    third = some[:, 1] + (some[:, 2] - some[:, 1]) / 3
    anywhere = random.random((300, 2)) * (800.0, 380.0) - (50.0, 40.0)
    close = middle + random.normal(size=middle.shape) * 1e-9
    found = np.concatenate([anywhere, some[:, 0], middle, third, close, some.mean(axis=1)])
    return found + origin


def asked(function: Callable[[], Any]) -> Any:
    """Return what `function` returns, or the type of what it raises."""
    try:
        return function()
    except AssertionError:      # ours are more than that
        return "AssertionError"
    except Exception as error:  # ANUGA raises nothing narrower
        return type(error).__name__


# -- calls --------------------------------------------------------------------


@call
def volumes(domain: Any) -> list[Any]:
    return [domain.get_water_volume(), domain.get_water_volume(indices=[3, 5, 5, 90]),
            domain.volumetric_balance_statistics(), domain.compute_total_volume()]


@call
def volume_report(domain: Any) -> Any:
    return domain.report_water_volume_statistics(verbose=False, returnStats=True)


@call
def volume_of_region(domain: Any) -> float:
    import anuga

    x0, _, y0, _ = domain.get_extent(absolute=True)
    center = (x0 + 200.0, y0 + 100.0)
    region = anuga.Region(domain, center=center, radius=80.0)
    return domain.get_water_volume(region=region)


@call
def integrals(domain: Any) -> list[float]:
    found = [domain.get_quantity(name).get_integral() for name in sorted(domain.quantities)]
    stage = domain.get_quantity("stage")
    return [*found, stage.get_integral(full_only=False), stage.get_integral(indices=[1, 2, 8])]


@call
def boundary_flows(domain: Any) -> list[Any]:
    return [domain.compute_boundary_flows(), domain.get_boundary_flux_integral(),
            domain.boundary_statistics()]


@call
def cross_sections(domain: Any) -> list[Any]:
    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    lines = ([[x0 + 101, y0 + 5], [x0 + 301, y0 + 151], [x0 + 650, y1 - 9]],
             [[x0, y0 + 150], [x1, y0 + 150]], [[x0 + 353, y0], [x0 + 351, y1]])
    return [asked(lambda ask=ask, line=line: ask(line)) for line in lines for ask in (
        domain.get_flow_through_cross_section,
        lambda line: domain.get_energy_through_cross_section(line, kind="total"),
        lambda line: domain.get_energy_through_cross_section(line, kind="specific"))]


@call
def speeds(domain: Any) -> list[str]:
    domain, found = copy.deepcopy(domain), []
    for _ in domain.evolve(yieldstep=0.5, duration=1.0):
        text = domain.timestepping_statistics(track_speeds=True)
        found.append(text[text.index("------"):])  # the line before holds wall time and RSS
    return found[1:]  # lean domains record speeds once they are asked for


@call
def quantity_extremes(domain: Any) -> list[Any]:
    found = []
    for name in ("stage", "xmomentum", "friction", "x"):
        q = domain.get_quantity(name)
        found += [q.get_maximum_value(), q.get_maximum_index(), q.get_minimum_value(),
                  q.get_minimum_index(), q.get_maximum_location(), q.get_minimum_location(),
                  q.get_maximum_value(indices=[7, 3, 9]), q.get_minimum_index(indices=[7, 3, 9])]
    return found


@call
def monitored(domain: Any) -> str:
    domain.set_quantities_to_be_monitored(["stage", "xmomentum", "stage-elevation"])
    domain.update_extrema()
    return domain.quantity_statistics()


@call
def inundation(domain: Any) -> list[Any]:
    return [domain.get_maximum_inundation_elevation(), domain.get_maximum_inundation_location(),
            domain.get_wet_elements(), domain.get_wet_elements(minimum_height=0.5),
            domain.get_wet_elements(indices=[1, 3, 10, 60]),
            domain.get_maximum_inundation_elevation(minimum_height=0.3)]


@call
def at_points(domain: Any) -> list[Any]:
    points = places(domain)
    return [asked(lambda name=name, some=some: domain.get_quantity(name).get_values(some))
            for some in (points, points[:7].tolist(), points[5:6], points[300:])
            for name in ("stage", "elevation", "xmomentum", "friction", "x")]


@call
def at_geospatial_points(domain: Any) -> np.ndarray:
    import anuga

    points = anuga.Geospatial_data(places(domain)[:40], geo_reference=anuga.Geo_reference(56))
    return asked(lambda: domain.get_quantity("stage").get_values(interpolation_points=points))


@call
def interpolator(domain: Any) -> list[Any]:
    points = np.array(domain.geo_reference.get_relative(places(domain)))
    values, _ = domain.get_quantity("elevation").get_vertex_values(xy=False, smooth=False)
    several = np.stack([values, values**2], axis=1)
    found = domain.get_interpolation_object()
    return [asked(each) for each in (
        lambda: found.interpolate(several, points, start_blocking_len=100),
        lambda: found.interpolate(values, points, NODATA_value=-9.0),
        lambda: [list(found.inside_poly_indices), list(found.get_outside_poly_indices())],
        lambda: found.interpolate(values * 2.0),
        lambda: found.interpolate(values, points, output_centroids=True),
        lambda: np.array(found.centroids),
        lambda: found.interpolate(values[1:], points),
        lambda: found.interpolate(values, points[:, :1]))]


@call
def triangles_containing(domain: Any) -> list[Any]:
    return [asked(lambda p=p: int(domain.get_triangle_containing_point(p)))
            for p in places(domain)]


@call
def triangles_near(domain: Any) -> list[Any]:
    near = domain.mesh.get_triangle_near_point
    return [asked(lambda p=p: int(near(p, tolerance=60.0))) for p in places(domain)[::3]]


@call
def triangles_inside(domain: Any) -> Any:
    x0, _, y0, _ = domain.get_extent(absolute=True)
    polygon = [[x0 + 50, y0 - 20], [x0 + 400, y0 + 30], [x0 + 300, y0 + 250]]
    return np.array(domain.mesh.get_triangles_inside_polygon(polygon))


@call
def crossed(domain: Any) -> list[Any]:
    x0, x1, y0, y1 = map(float, domain.get_extent(absolute=True))
    line = [[x0 - 9, y0 + 40], [x0 + 350, y0 + 155], [x1, y1 - 9]]
    segments = domain.get_intersecting_segments(line)
    return [(int(s.triangle_id), float(s.length), np.array(s.segment), np.array(s.normal))
            for s in segments]


@call
def texts(domain: Any) -> list[Any]:
    return [domain.statistics(), domain.mesh.statistics(nbins=5),
            domain.load_balance_statistics()["n_wet_full"]]


@call
def plotter(domain: Any) -> list[Any]:
    from anuga.utilities.animate import Domain_plotter

    made = Domain_plotter(domain, plot_dir=None, absolute=True)
    return [np.array(part) for part in (made.triang.triangles, made.triang.x, made.xc, made.y,
                                        made.speed, made.depth)]


@call
def edges_after_setting(domain: Any) -> list[np.ndarray]:
    import anuga

    domain = build(anuga, "cross", Path(domain.get_datadir()))
    evolve(domain)
    domain.set_quantity("stage", 0.9, indices=[3, 5, 700])
    domain.add_quantity("xmomentum", 0.1)
    domain.quantities["height"].interpolate()
    return [np.array(getattr(domain.quantities[name], place))
            for name in ("stage", "xmomentum", "ymomentum", "height")
            for place in ("centroid_values", "vertex_values", "edge_values")]


@call
def values_at(domain: Any) -> list[Any]:
    q = {name: domain.get_quantity(name) for name in ("stage", "x", "xvelocity", "elevation")}
    return [np.array(q[name].get_values(location=where, indices=some)) for name in q
            for where in ("centroids", "vertices", "edges", "unique vertices")
            for some in (None, [3, 1, 40], [-1, 2])
            if not (where == "unique vertices" and some == [-1, 2])]


STORABLE = ("stage", "elevation", "xmomentum", "ymomentum", "height", "friction", "xvelocity")

# -- storage ------------------------------------------------------------------


@way_to_store
def smooth(domain: Any) -> None:
    domain.set_quantities_to_be_stored(
        {"elevation": 1, "friction": 1, "stage": 2, "xmomentum": 2, "ymomentum": 2, "height": 2})


@way_to_store
def averaged_vertices(domain: Any) -> None:
    domain.set_using_centroid_averaging(False)


@way_to_store
def lone_nodes_averaged(domain: Any) -> None:
    """Centroid values, averaged: a node without triangles shifts what comes after it."""


@way_to_store
def unique_vertices(domain: Any) -> None:
    domain.set_store_vertices_uniquely(True)
    domain.set_store_centroids(False)
    domain.set_minimum_storable_height(0.2)


@way_to_store
def centroids_only(domain: Any) -> None:
    domain.set_store_centroids(True)
    domain.add_tracer("salt", initial_value=np.arange(len(domain)) * 0.01)
    domain.add_tracer("mud", initial_value=1.0)
    domain.set_quantities_to_be_stored(
        {"elevation": 2, "stage": 3, "friction": 4, "height": 2, "xvelocity": 3})


@way_to_store
def in_several_files(domain: Any) -> None:
    domain.max_size = 90_000
    domain.set_store_vertices_uniquely(True)
    domain.set_quantities_to_be_monitored(["stage"])


@way_to_store
def everything_at_nodes(domain: Any) -> None:
    domain.set_quantities_to_be_stored(dict.fromkeys(STORABLE, 2) | {"friction": 1})


@way_to_store
def everything_at_vertices(domain: Any) -> None:
    domain.set_store_vertices_uniquely(True)
    domain.set_quantities_to_be_stored(dict.fromkeys(STORABLE, 2) | {"friction": 1})


@way_to_store
def momenta_alone_at_vertices(domain: Any) -> None:
    domain.set_store_vertices_uniquely(True)
    domain.set_quantities_to_be_stored({"xmomentum": 2, "ymomentum": 2, "elevation": 1})


@way_to_store
def bounded_edges_at_vertices(domain: Any) -> None:
    import anuga

    tide = anuga.Time_boundary(domain, lambda t: [1.1 + 0.1 * np.sin(t), 0.0, 0.0])
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), tide))
    domain.set_store_vertices_uniquely(True)


@way_to_store
def dry_limiter_at_vertices(domain: Any) -> None:
    domain.set_betas(1.0, 0.3, 1.0, 0.3, 1.0, 0.3)
    domain.set_store_vertices_uniquely(True)


@way_to_store
def in_double_precision(domain: Any) -> None:
    domain.precision_of_file = np.float64


@way_to_store
def in_double_precision_at_vertices(domain: Any) -> None:
    domain.precision_of_file = np.float64
    domain.set_store_vertices_uniquely(True)
    domain.set_minimum_storable_height(0.2)


@way_to_store
def not_a_number(domain: Any) -> None:
    domain.quantities["friction"].centroid_values[5] = np.nan
    domain.set_quantities_to_be_stored({"elevation": 1, "friction": 2, "xmomentum": 2})


def stored(anuga: Any, way: str, folder: Path, threads: int = 1,
           restart: bool = False) -> dict[str, Any]:
    """Evolve a domain that stores its way; return the variables, sizes and bytes of its files."""
    from netCDF4 import Dataset

    domain = lone_nodes(anuga) if way in ("averaged_vertices", "lone_nodes_averaged") else \
        anuga.rectangular_cross_domain(12, 9, 600.0, 300.0)
    flooded(anuga, domain)
    domain.set_name(way)
    domain.set_datadir(str(folder))
    domain.set_omp_num_threads(threads)
    STORED[way](domain)
    with precision(anuga, domain.__dict__.pop("precision_of_file", np.float32)):
        evolve(domain)
        if restart:
            domain = pickle.loads(pickle.dumps(domain))
        evolve(domain)
        domain.store_timestep()
    domain.set_omp_num_threads(1)       # of the process, for all tests after this one
    found: dict[str, Any] = {}
    for path in sorted(folder.glob(f"{way}*.sww")):
        with Dataset(path) as file:
            file.set_auto_mask(False)
            found[path.name] = {name: len(size) for name, size in file.dimensions.items()}
            for name, variable in file.variables.items():
                found[f"{path.name}/{name}"] = np.array(variable[:])
        found[f"{path.name}: bytes"] = np.frombuffer(path.read_bytes(), np.uint8)
    return found


@contextlib.contextmanager
def precision(anuga: Any, dtype: Any) -> Iterator[None]:
    """Have SWW files made with numbers of a type; ANUGA's own code names it in one place."""
    import anuga.file.sww as sww

    before, sww.netcdf_float32 = sww.netcdf_float32, dtype
    try:
        yield
    finally:
        sww.netcdf_float32 = before


# -- answers ------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def evolved(anuga: Any, model: str, folder: Path) -> Any:
    """Return an evolved domain, the same at every call for the last model."""
    domain = build(anuga, model, folder)
    evolve(domain)
    return domain


def answer(anuga: Any, model: str, name: str, folder: Path) -> Any:
    """Return what a call returns on a model; models keep their caches between calls."""
    return CALLS[name](evolved(anuga, model, folder))


def main(target: str) -> None:
    """Write what plain ANUGA answers to every call and stores in every way."""
    import anuga

    found: dict[tuple[str, str], Any] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for model in MODELS:
            for name in CALLS:
                found[model, name] = answer(anuga, model, name, folder)
        for way in STORED:
            found["stored", way] = stored(anuga, way, folder)
    Path(target).write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
