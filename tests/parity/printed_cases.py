"""Cases of `parity.printed`: everything that ANUGA prints where this package has its classes.

A case takes the module that a script calls `anuga`, and prints; CASES has them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from parity.models import channel, data, tide, wall

CASES: dict[str, Callable[[ModuleType], None]] = {}
POLYGON = [[20.0, 4.0], [40.0, 4.0], [40.0, 20.0], [20.0, 20.0]]
OUTLINE = [[0.0, 0.0], [70.0, 0.0], [70.0, 25.0], [0.0, 25.0]]
SIDES = {"bottom": [0], "right": [1], "top": [2], "left": [3]}


def case(build: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    """Register a case under its function's name."""
    CASES[build.__name__] = build
    return build


def walled(anuga: ModuleType, algorithm: str = "DE0", **options: Any) -> Any:
    """The channel between walls, without a file."""
    domain = channel(anuga, algorithm, **options)
    domain.set_store(False)
    wall(anuga, domain)
    return domain


def dry_hills(anuga: ModuleType, algorithm: str = "DE0") -> Any:
    """A beach with stages far below its bed, which protecting the state lifts."""
    domain = anuga.rectangular_cross_domain(20, 20, len1=100.0, len2=100.0)
    domain.set_flow_algorithm(algorithm)
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: 0.02 * x + 0.3 * np.sin(x))
    domain.set_quantity("stage", lambda x, y: np.where(x < 44, 1.0, 0.0))
    wall(anuga, domain)
    return domain


def evolve(domain: Any, yieldstep: float = 1.0, finaltime: float = 3.0) -> Iterator[float]:
    """Evolve and print the line of every yield."""
    for t in domain.evolve(yieldstep=yieldstep, finaltime=finaltime):
        domain.print_timestepping_statistics()
        yield t


def run(domain: Any, yieldstep: float = 1.0, finaltime: float = 3.0) -> None:
    """Evolve, with the line of every yield."""
    for _ in evolve(domain, yieldstep, finaltime):
        pass


def each(*calls: Callable[[], Any]) -> None:
    """Print what each call returns, or the error that it ends with in ANUGA too."""
    for call in calls:
        try:
            found = call()
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        if found is not None:
            print(found)


def say(domain: Any) -> None:
    """Print what a domain says of itself."""
    domain.print_statistics()
    print(domain, repr(domain.mesh))
    domain.print_algorithm_parameters()
    domain.print_timestepping_statistics(track_speeds=True)
    for options in ({"relative_time": True, "time_unit": "min"}, {"time_unit": "day"},
                    {"datetime": True}, {"track_speeds": True, "triangle_id": 7}):
        print(domain.timestepping_statistics(**options))
    domain.print_boundary_statistics()
    domain.write_boundary_statistics(quantities=["stage", "xmomentum"], tags=["left", "top"])
    print(domain.boundary_statistics(quantities="stage", tags="right"))
    domain.print_volumetric_balance_statistics()
    domain.report_water_volume_statistics()
    domain.report_cells_with_small_local_timestep()
    domain.print_load_balance_statistics()
    domain.diagnose_timestep()
    domain.print_operator_statistics()
    domain.print_operator_timestepping_statistics()
    print(domain.compute_boundary_flows(), domain.get_water_volume())
    for boundary in domain.boundary_map.values():
        print(boundary)


# -- the lifted volume -------------------------------------------------------


def protection(anuga: ModuleType, algorithm: str) -> None:
    """The volume by which stages are lifted, at yields and in steps."""
    domain = dry_hills(anuga, algorithm)
    domain.verbose = True
    for t in evolve(domain):
        if t == 1.0:
            domain.set_quantity("stage", lambda x, y: 0.9 - 0.02 * x)


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    CASES[f"protection_{_algorithm}"] = lambda anuga, of=_algorithm: protection(anuga, of)


@case
def protection_after_a_bed_was_raised(anuga: ModuleType) -> None:
    """An operator raises the bed above the water in the middle of a run."""
    domain = dry_hills(anuga)
    domain.verbose = True
    anuga.Set_elevation_operator(domain, elevation=lambda x, y, t: 1.4 + 0.01 * x + 0.1 * t,
                                 polygon=POLYGON, verbose=True)
    run(domain)


@case
def protection_by_hand(anuga: ModuleType) -> None:
    """Each of the methods that protects, called by a script."""
    domain = dry_hills(anuga)
    domain.verbose = True
    for method in ("protect_against_infinitesimal_and_negative_heights", "distribute_to_edges",
                   "distribute_to_vertices_and_edges"):
        domain.set_quantity("stage", 0.4)
        getattr(domain, method)()
        domain.quantities["stage"].centroid_values[::3] -= 1.0
        getattr(domain, method)()


@case
def protection_asked_for_during_a_run(anuga: ModuleType) -> None:
    """verbose set and unset between yields, with a boundary that reads the state."""
    domain = dry_hills(anuga)
    function = anuga.Transmissive_momentum_set_stage_boundary(domain, lambda t: 1.0 + 0.1 * t)
    wall(anuga, domain, left=function)
    for t in evolve(domain, 0.5, 3.0):
        domain.verbose = t % 1.0 == 0.5
        domain.quantities["stage"].centroid_values[5::7] -= 0.3


# -- domains, meshes ---------------------------------------------------------


@case
def of_a_domain(anuga: ModuleType) -> None:
    """All that a domain says of itself, before, in and after a run."""
    domain = walled(anuga)
    for t in evolve(domain):
        if t != 1.0:
            say(domain)


@case
def of_a_domain_rk2(anuga: ModuleType) -> None:
    """The same under DE1, with a tide."""
    domain = walled(anuga, "DE1")
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
    for _ in evolve(domain):
        say(domain)


@case
def verbose_algorithms(anuga: ModuleType) -> None:
    """The banners of all algorithms and the notes of other settings."""
    domain = channel(anuga, verbose=True)
    for algorithm in ("DE0", "DE1", "DE2", "DE0_7", "DE1_7", "DE_ader2"):
        domain.set_flow_algorithm(algorithm)
        domain.print_algorithm_parameters()
    domain.set_CFL(0.7)
    domain.set_omp_num_threads(verbose=True)
    domain.set_name("talk")
    domain.set_store(False)
    wall(anuga, domain)
    run(domain)


@case
def factories(anuga: ModuleType) -> None:
    """Constructors of rectangles."""
    made = [lambda: anuga.rectangular_cross_domain(5, 4, verbose=True),
            lambda: anuga.Domain(*anuga.rectangular_cross(5, 4), verbose=True),
            lambda: anuga.Mesh(*anuga.rectangular_cross(3, 4), verbose=True),
            lambda: anuga.Mesh(*anuga.rectangular_cross(3, 4), use_inscribed_circle=True,
                               tagged_elements={"some": [1, 2]}, verbose=True),
            lambda: anuga.rectangular_cross(2, 2, verbose=True)]
    for make in made:
        each(make, lambda make=make: make().statistics(), lambda make=make: repr(make()))


@case
def regions(anuga: ModuleType) -> None:
    """A mesh from regions, with a file."""
    domain = anuga.create_domain_from_regions(
        OUTLINE, SIDES, maximum_triangle_area=9.0, interior_regions=[(POLYGON, 4.0)],
        verbose=True)
    domain.print_statistics()
    print(domain.mesh.statistics(nbins=4))
    domain.set_store(False)
    wall(anuga, domain)
    run(domain)


@case
def pmesh(anuga: ModuleType) -> None:
    """Each way from a pmesh or a file to a domain, and what is read from it."""
    anuga.create_pmesh_from_regions(OUTLINE, SIDES, maximum_triangle_area=12.0,
                                    filename="talk.msh", verbose=True)
    made = anuga.create_pmesh_from_regions(OUTLINE, SIDES, maximum_triangle_area=12.0)
    made.generate_mesh(verbose=True)
    from anuga.abstract_2d_finite_volumes.pmesh2domain import (
        pmesh_to_basic_mesh,
        pmesh_to_domain,
        pmesh_to_domain_instance,
    )

    each(lambda: anuga.create_domain_from_file("talk.msh").statistics(),
         lambda: anuga.Domain("talk.msh", verbose=True).statistics(),
         lambda: anuga.basic_mesh_from_mesh_file("talk.msh", verbose=True),
         lambda: anuga.pmesh_to_mesh(made, verbose=True),
         lambda: pmesh_to_basic_mesh(made, verbose=True),
         lambda: pmesh_to_domain(file_name="talk.msh", verbose=True)[1].shape,
         lambda: pmesh_to_domain_instance("talk.msh", anuga.Domain, verbose=True).statistics())


@case
def merimbula(anuga: ModuleType) -> None:
    """A coast that ships with ANUGA, distributed to one rank."""
    domain = anuga.create_domain_from_file(data("merimbula_10785_1.tsh"))
    domain.print_statistics()
    domain = anuga.distribute(domain, verbose=True)
    domain.print_statistics()
    print(len(domain.get_boundary_polygon(verbose=True)))


@case
def reordered(anuga: ModuleType) -> None:
    """Triangles in another order."""
    domain = walled(anuga)
    anuga.reorder_domain(domain, verbose=True)
    domain.mesh.reorder(np.arange(len(domain))[::-1], verbose=True)
    domain.print_statistics()


# -- quantities --------------------------------------------------------------


@case
def quantities(anuga: ModuleType) -> None:
    """set_quantity and get_values with all that is said on the way."""
    domain = walled(anuga)
    for value, options in (
            (0.3, {}), (lambda x, y: 0.01 * x, {}), (lambda x, y: x, {"location": "centroids"}),
            (domain.quantities["elevation"], {}), (1.0, {"polygon": POLYGON}),
            (np.arange(len(domain)) * 0.1, {"location": "centroids"})):
        domain.set_quantity("stage", value, verbose=True, **options)
    domain.set_quantity("stage", expression="elevation + 0.1", verbose=True)
    q = domain.quantities["stage"]
    points = [[10.2, 3.3], [44.0, 20.1]]
    for options in ({"location": "centroids"}, {"location": "edges", "indices": [3]},
                    {"location": "unique vertices"}, {"interpolation_points": points}):
        print(q.get_values(verbose=True, **options))
    print(q, repr(q), q.get_integral())
    print(q.get_maximum_index(), q.get_maximum_value(), q.get_maximum_location())


@case
def rasters(anuga: ModuleType) -> None:
    """Grids and points files."""
    x, y = np.meshgrid(np.arange(0.0, 71.0, 5.0), np.arange(0.0, 26.0, 5.0))
    heights = 0.01 * x - 0.02 * y
    Path("bed.asc").write_text(
        "ncols 15\nnrows 6\nxllcorner 0\nyllcorner 0\ncellsize 5\nNODATA_value -9999\n"
        + "\n".join(" ".join(f"{h:.4f}" for h in row) for row in heights[::-1]))
    Path("bed.prj").write_text("Projection UTM\nZone 56\nDatum WGS84\nZunits NO\nUnits METERS\n"
                               "Spheroid WGS84\nXshift 0\nYshift 10000000\nParameters\n")
    rows = "\n".join(f"{a},{b},{h}" for a, b, h in
                     zip(x.flat, y.flat, heights.flat, strict=True))
    Path("points.csv").write_text("x,y,elevation\n" + rows + "\n")
    domain = walled(anuga)
    domain.set_quantity("elevation", filename="bed.asc", verbose=True)
    domain.set_quantity("elevation", filename="bed.asc", location="centroids", verbose=True)
    anuga.asc2dem("bed.asc", verbose=True)
    anuga.dem2pts("bed.dem", verbose=True)
    domain.set_quantity("elevation", filename="bed.dem", verbose=True, location="centroids")
    for name in ("points.csv", "bed.pts"):
        domain.set_quantity("elevation", filename=name, alpha=0.01, verbose=True)
    print(domain.quantities["elevation"].get_integral())


@case
def fits(anuga: ModuleType) -> None:
    """Fits to a mesh, to one that is made, to a file."""
    rng = np.random.default_rng(3)
    points = rng.uniform([0.0, 0.0], [70.0, 25.0], (300, 2))
    values = np.sin(points[:, 0] / 9.0)
    domain = walled(anuga)
    anuga.fit_to_mesh(points, mesh=domain.mesh, point_attributes=values, verbose=True)
    anuga.fit_to_mesh(points, vertex_coordinates=domain.get_nodes(),
                      triangles=domain.get_triangles(), point_attributes=values, verbose=True)
    anuga.fit_to_mesh(points, mesh=domain.mesh, point_attributes=values, alpha=0, verbose=True)
    geo = anuga.Geospatial_data(points, attributes=values)
    domain.set_quantity("elevation", geospatial_data=geo, verbose=True, use_cache=False)
    print(domain.quantities["elevation"].get_integral())


@case
def lookups(anuga: ModuleType) -> None:
    """Interpolation, cross sections and polygons of a mesh."""
    from anuga.fit_interpolate.interpolate import Interpolate, interpolate

    domain = walled(anuga)
    line = [[10.0, 2.0], [60.0, 21.0]]
    run(domain)
    print(domain.get_flow_through_cross_section(line))
    print(domain.get_energy_through_cross_section(line, kind="total"))
    for mesh in (domain, domain.mesh):
        print(mesh.get_intersecting_segments(line, use_cache=False, verbose=True)[:3])
    nodes, triangles = domain.get_nodes(), domain.get_triangles()
    inside_and_out = [[5.0, 5.0], [33.1, 7.7], [90.0, 3.0]]
    found = Interpolate(nodes, triangles, verbose=True)
    print(found.interpolate(nodes[:, 0], inside_and_out, verbose=True))
    print(interpolate(nodes, triangles, nodes[:, 1], inside_and_out, verbose=True))
    print(domain.get_maximum_inundation_elevation(), domain.get_maximum_inundation_location())
    region = anuga.Region(domain, polygon=POLYGON, verbose=True)
    print(region, len(region.get_indices()))


# -- boundaries --------------------------------------------------------------


@case
def boundaries(anuga: ModuleType) -> None:
    """Every boundary's own words, with its numbers in a run."""
    domain = walled(anuga)
    domain.set_starttime(0.0)

    def level(t: float) -> float:
        return tide(t)

    made = [
        anuga.Reflective_boundary(domain), anuga.Transmissive_boundary(domain),
        anuga.Dirichlet_boundary([0.1, 0.0, 0.0]),
        anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]),
        anuga.Time_space_boundary(domain, lambda t, x, y: [tide(t) + 0.0 * x, 0.0, 0.0]),
        anuga.Transmissive_momentum_set_stage_boundary(domain, level),
        anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(domain, level),
        anuga.Transmissive_stage_zero_momentum_boundary(domain),
        anuga.Characteristic_stage_boundary(domain, level),
        anuga.Flather_external_stage_zero_velocity_boundary(domain, level)
        if hasattr(anuga, "Flather_external_stage_zero_velocity_boundary") else
        anuga.Dirichlet_boundary([0.0, 0.0, 0.0]),
    ]
    for boundary in made:
        print(boundary, repr(boundary))
        wall(anuga, domain, right=boundary)
        domain.print_boundary_statistics()
        run(domain, 0.5, domain.get_time() + 1.0)
        domain.print_boundary_statistics()
        print(domain.boundary_statistics(["stage", "xmomentum", "ymomentum"], ["right", "left"]))
        domain.print_volumetric_balance_statistics()


@case
def boundary_from_a_file(anuga: ModuleType) -> None:
    """A File_boundary and a Field_boundary on the file of a run."""
    first = channel(anuga)
    first.set_name("first")
    wall(anuga, first)
    run(first)
    anuga.plot_utils.get_output("first.sww")
    for cls in (anuga.File_boundary, anuga.Field_boundary):
        domain = walled(anuga)
        boundary = cls("first.sww", domain, verbose=True)
        print(repr(boundary))
        wall(anuga, domain, left=boundary)
        run(domain)
    print(anuga.file_function("first.sww", domain, interpolation_points=[[12.0, 7.0]],
                              quantities=["stage"], verbose=True).statistics())


# -- monitors ----------------------------------------------------------------


@case
def extrema(anuga: ModuleType) -> None:
    """Monitored quantities and expressions, in a polygon and from a time on."""
    domain = walled(anuga)
    domain.set_quantities_to_be_monitored(["stage", "stage-elevation", "xmomentum"],
                                          polygon=POLYGON, time_interval=[0.5, 2.5])
    for _ in evolve(domain, 0.5):
        print(domain.quantity_statistics(), domain.quantity_statistics("%.17g"))


@case
def extrema_everywhere(anuga: ModuleType) -> None:
    """Monitored everywhere, and asked with a file."""
    domain = walled(anuga, "DE1")
    domain.set_quantities_to_be_monitored(["stage", "height", "(xmomentum**2+ymomentum**2)**0.5"])
    for _ in evolve(domain):
        print(domain.quantity_statistics("%.17g"))


@case
def verbose_file(anuga: ModuleType) -> None:
    """A run with a file, verbose all along."""
    domain = channel(anuga, verbose=True)
    wall(anuga, domain)
    domain.set_quantities_to_be_stored({"elevation": 1, "stage": 2, "xmomentum": 2})
    for _ in evolve(domain):
        domain.write_time(track_speeds=True)
        domain.write_boundary_statistics()
        domain.log_operator_timestepping_statistics()
    domain.sww_merge(verbose=True)


@case
def log_file(anuga: ModuleType) -> None:
    """What a log of all holds: printed lines, logged ones and those of the case above, in order."""
    anuga.set_logfile("all.log")
    verbose_file(anuga)
    anuga.utilities.log.close_logfile()     # until then a thread of ANUGA's has lines in hand


@case
def reading_files(anuga: ModuleType) -> None:
    """What is read from and made of a file."""
    domain = channel(anuga)
    wall(anuga, domain)
    run(domain)
    anuga.sww2dem("case.sww", "out.asc", quantity="stage", cellsize=5.0, reduction=1,
                  verbose=True)
    print(anuga.get_flow_through_cross_section("case.sww", [[10.0, 2.0], [60.0, 21.0]],
                                               verbose=True))
    from anuga.file.sww import extent_sww, get_mesh_and_quantities_from_file

    each(lambda: extent_sww("case.sww"),
         lambda: get_mesh_and_quantities_from_file("case.sww", verbose=True)[2])


@case
def negative_cells(anuga: ModuleType) -> None:
    """Warnings of depths below zero, from too long steps."""
    from anuga.shallow_water import shallow_water_domain

    shallow_water_domain._negative_volume_noise_floor = -1.0
    for algorithm in ("DE0", "DE1"):
        domain = anuga.rectangular_cross_domain(20, 20, len1=100.0, len2=100.0)
        domain.set_flow_algorithm(algorithm)
        domain.set_store(False)
        domain.set_quantity("elevation", lambda x, y: 0.2 * x + 3.0 * np.sin(x))
        domain.set_quantity("stage", lambda x, y: np.where(x < 44.0, 8.0, 0.0))
        domain.set_quantity("xmomentum", lambda x, y: 3.0 * np.sin(y))
        wall(anuga, domain)
        domain.CFL = 3.0
        domain.negative_volume_warning_fraction = 0.0
        run(domain, 0.5, 1.0)
