"""Every way to make a domain, and meshes with corners, holes and odd shapes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from anuga_lean.overlay.capabilities import capabilities
from parity.cases import Leg, case
from parity.models import channel, data, fill, wall

OUTLINE = [[0.0, 0.0], [70.0, 0.0], [70.0, 25.0], [0.0, 25.0]]
TAGS = {"bottom": [0], "right": [1], "top": [2], "left": [3]}


def ready(anuga: ModuleType, domain: Any) -> Leg:
    """Water, walls and a name on any mesh within the channel."""
    domain.set_name("case")
    fill(domain)
    wall(anuga, domain)
    return domain, 1.5, 9.0


@case(convert=True)
def rectangular(anuga: ModuleType) -> Leg:
    """Half squares."""
    points, triangles, boundary = anuga.rectangular(28, 10, len1=70.0, len2=25.0)
    return ready(anuga, anuga.Domain(points, triangles, boundary))


@case()
def rectangular_cross_lists(anuga: ModuleType) -> Leg:
    """Plain Python lists instead of arrays, and no boundary tags."""
    points, triangles, _ = anuga.rectangular_cross(14, 5, len1=70.0, len2=25.0)
    points, triangles = np.asarray(points).tolist(), np.asarray(triangles).tolist()
    return ready(anuga, anuga.Domain(points, triangles))


@case()
def from_mesh(anuga: ModuleType) -> Leg:
    """A Mesh made first."""
    points, triangles, boundary = anuga.rectangular_cross(14, 5, len1=70.0, len2=25.0)
    return ready(anuga, anuga.Domain(anuga.Mesh(points, triangles, boundary)))


@case()
def from_pmesh(anuga: ModuleType) -> Leg:
    """The mesh generator's own mesh."""
    pmesh = anuga.create_pmesh_from_regions(OUTLINE, TAGS, maximum_triangle_area=5.0)
    return ready(anuga, anuga.Domain(pmesh))


@case(convert=True)
def from_regions_with_hole(anuga: ModuleType) -> Leg:
    """An island cut out, a finer region, breaklines."""
    domain = anuga.create_domain_from_regions(
        OUTLINE,
        TAGS,
        maximum_triangle_area=8.0,
        interior_regions=[([[40.0, 3.0], [60.0, 3.0], [60.0, 12.0], [40.0, 12.0]], 2.0)],
        interior_holes=[[[10.0, 5.0], [18.0, 5.0], [14.0, 11.0]]],
        breaklines=[[[30.0, 2.0], [30.0, 20.0]]],
        verbose=False,
    )
    return ready(anuga, domain)


def _file_case(label: str, name: str) -> None:
    @case(name=f"from_file_{label}", min_steps=20)
    def build(anuga: ModuleType) -> Leg:
        domain = anuga.create_domain_from_file(data(name))
        domain.set_name("case")
        x, y = np.asarray(domain.get_centroid_coordinates()).T
        low = x < 0.5 * (x.min() + x.max())
        domain.set_quantity("elevation", 0.01 * (y - y.min()), location="centroids")
        domain.set_quantity("friction", 0.03)
        domain.set_quantity("stage", np.where(low, 3.0, 1.5), location="centroids")
        wall(anuga, domain)
        span = float(x.max() - x.min())
        return domain, span / 60.0, span / 5.0


_file_case("tsh", "test-100.tsh")
_file_case("msh", "test-100.msh")


@case()
def from_pmesh_to_domain_instance(anuga: ModuleType) -> Leg:
    """A user's subclass asked of a factory, its methods called by stock's loop."""

    class Logged(anuga.Domain):
        calls = 0

        def update_boundary(self) -> None:
            type(self).calls += 1
            super().update_boundary()

        def compute_fluxes(self) -> None:
            type(self).calls += 1
            super().compute_fluxes()

    pmesh = anuga.create_pmesh_from_regions(
        OUTLINE, TAGS, maximum_triangle_area=5.0, filename="area.msh", verbose=False
    )
    del pmesh
    domain = anuga.pmesh_to_domain_instance("area.msh", Logged)
    assert isinstance(domain, anuga.Domain)
    yield ready(anuga, domain)
    return {"calls": Logged.calls}


@case()
def basic_mesh(anuga: ModuleType) -> Leg:
    """A Basic_mesh distributed on one process."""
    mesh = anuga.rectangular_cross_basic_mesh(14, 5, len1=70.0, len2=25.0)
    return ready(anuga, anuga.distribute_basic_mesh(mesh))


@case()
def distributed_on_one_process(anuga: ModuleType) -> Leg:
    """distribute() on one rank."""
    domain = channel(anuga)
    domain = anuga.distribute(domain)
    wall(anuga, domain)
    return domain, 1.5, 9.0


@case(min_steps=20)
def circular(anuga: ModuleType) -> Leg:
    """Fans of triangles around one node."""
    from anuga.abstract_2d_finite_volumes.mesh_factory import circular as factory

    points, triangles = factory(8, 16, radius=12.0)
    return ready(anuga, anuga.Domain(np.asarray(points) + [52.0, 9.0], triangles))


@case(min_steps=20)
def periodic(anuga: ModuleType) -> Leg:
    """Ghost triangles on one process: the channel's ends are one place."""
    from anuga.abstract_2d_finite_volumes.mesh_factory import rectangular_periodic

    points, triangles, boundary, full, ghost = rectangular_periodic(
        28, 10, len1_g=70.0, len2_g=25.0
    )
    domain = anuga.Domain(points, triangles, boundary, full_send_dict=full, ghost_recv_dict=ghost)
    domain.set_name("case")
    domain.set_quantity("elevation", -1.0)
    domain.set_quantity("friction", 0.02)
    domain.set_quantity(
        "stage", lambda x, y: 0.3 * np.exp(-((x - 60.0) ** 2 + (y - 4.0) ** 2) / 40.0)
    )
    domain.set_quantity("xmomentum", 0.5)
    wall(anuga, domain, ghost=None)
    return domain, 1.5, 9.0


@case(min_steps=10)
def single_triangle(anuga: ModuleType) -> Leg:
    """Three boundary edges and no neighbour."""
    domain = anuga.Domain([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]], [[0, 1, 2]])
    domain.set_name("case")
    domain.set_quantity("friction", 0.05)
    domain.set_quantity("stage", 0.5)
    domain.set_quantity("xmomentum", 0.7)
    wall(anuga, domain, exterior=anuga.Time_boundary(domain, lambda t: [0.5 + 0.1 * t, 0.1, 0.0]))
    return domain, 0.5, 4.0


@case(min_steps=20)
def strip(anuga: ModuleType) -> Leg:
    """One square wide: every triangle at a wall, corners with two boundary edges."""
    points, triangles, boundary = anuga.rectangular(1, 30, len1=2.0, len2=60.0)
    domain = anuga.Domain(points, triangles, boundary)
    domain.set_name("case")
    domain.set_flow_algorithm("DE1")
    domain.set_quantity("elevation", lambda x, y: 0.05 * y)
    domain.set_quantity("friction", 0.02)
    domain.set_quantity("stage", lambda x, y: np.maximum(0.05 * y, 1.5 * (y < 25.0)))
    wall(anuga, domain)
    return domain, 1.0, 8.0


@case()
def islands_and_lone_nodes(anuga: ModuleType) -> Leg:
    """Two meshes that do not touch, and nodes no triangle uses."""
    points, triangles, _ = anuga.rectangular_cross(10, 5, len1=30.0, len2=25.0)
    points, triangles = np.asarray(points), np.asarray(triangles)
    lone = np.array([[33.0, 1.0], [34.0, 2.0]])
    nodes = np.concatenate([points, lone, points + [40.0, 0.0]])
    both = np.concatenate([triangles, triangles + len(points) + len(lone)])
    return ready(anuga, anuga.Domain(nodes, both))


@case()
def shuffled_triangles(anuga: ModuleType) -> Leg:
    """A numbering without any order, nodes rotated within each triangle."""
    points, triangles, _ = anuga.rectangular_cross(14, 10, len1=70.0, len2=25.0)
    rng = np.random.default_rng(4)
    triangles = np.asarray(triangles)[rng.permutation(len(triangles))]
    turn = (np.arange(3) + rng.integers(0, 3, len(triangles))[:, None]) % 3
    triangles = np.take_along_axis(triangles, turn, axis=1)
    return ready(anuga, anuga.Domain(points, triangles))


@case()
def georeferenced(anuga: ModuleType) -> Leg:
    """Coordinates relative to a corner far away, in a named zone."""
    reference = anuga.Geo_reference(zone=55, xllcorner=308500.0, yllcorner=6189000.0)
    points, triangles, boundary = anuga.rectangular_cross(14, 5, len1=70.0, len2=25.0)
    domain = anuga.Domain(points, triangles, boundary, geo_reference=reference)
    domain, yieldstep, finaltime = ready(anuga, domain)
    anuga.Rate_operator(
        domain,
        rate=1.0e-3,
        polygon=[[308520.0, 6189005.0], [308550.0, 6189005.0], [308550.0, 6189020.0]],
    )
    return domain, yieldstep, finaltime


@case()
def georeferenced_regions(anuga: ModuleType) -> Leg:
    """Absolute polygons, the mesh relative to its own corner."""
    reference = anuga.Geo_reference(zone=55, xllcorner=308500.0, yllcorner=6189000.0)
    outline = [[308500.0 + x, 6189000.0 + y] for x, y in OUTLINE]
    domain = anuga.create_domain_from_regions(
        outline, TAGS, maximum_triangle_area=6.0, mesh_geo_reference=reference, verbose=False
    )
    return ready(anuga, domain)


def tagged_segment(anuga: ModuleType, algorithm: str) -> Any:
    """Interior edges in the boundary dictionary, some from one side only: walls in the water."""
    points, triangles, boundary = anuga.rectangular_cross(14, 6, len1=70.0, len2=24.0)
    mesh = anuga.Mesh(points, triangles, dict(boundary))
    x, y = np.asarray(mesh.get_edge_midpoint_coordinates()).T
    inside = np.flatnonzero((np.abs(x - 50.0) < 1e-6) & (y < 16.0))
    inside = inside[np.arange(len(inside)) % 3 != 0]
    boundary = dict(boundary) | {(int(ki // 3), int(ki % 3)): "weir" for ki in inside}
    domain = anuga.Domain(points, triangles, boundary)
    domain.set_flow_algorithm(algorithm)
    return domain


def _tagged_case(algorithm: str) -> None:
    @case(name=f"interior_segments_{algorithm}", convert=algorithm == "DE0")
    def build(anuga: ModuleType) -> Leg:
        return ready(anuga, tagged_segment(anuga, algorithm))


for _algorithm in ("DE0", "DE1"):
    _tagged_case(_algorithm)


@case()
def tagged_elements(anuga: ModuleType) -> Any:
    """Regions of triangles by tag, friction set by region."""
    points, triangles, boundary = anuga.rectangular_cross(14, 5, len1=70.0, len2=25.0)
    domain = anuga.Domain(
        points, triangles, boundary, tagged_elements={"reeds": range(100), "sand": [150, 151]}
    )
    leg = ready(anuga, domain)
    domain.set_tag_region("reeds", "friction", 0.2)
    yield leg
    return {tag: np.asarray(ks) for tag, ks in domain.get_tagged_elements().items()}


def _grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A valley falling to the right, with pits, on a grid of 1 m: x, y and the bed [x, y]."""
    x, y = np.arange(71.0), np.arange(26.0)
    X, Y = np.meshgrid(x, y, indexing="ij")
    pits = 0.6 * np.exp(-((X - 30.0) ** 2 + (Y - 12.0) ** 2) / 12.0) \
        + 0.4 * np.exp(-((X - 50.0) ** 2 + (Y - 9.0) ** 2) / 8.0)
    return x, y, -0.02 * X + 0.05 * np.abs(Y - 12.5) - pits


def _dem_case(pits: str | None) -> None:
    @case(name=f"from_dem_{pits}", min_steps=20)
    def build(anuga: ModuleType) -> Any:
        """Meshed along the stream of a DEM, its pits left, filled or breached."""
        domain = anuga.create_domain_from_dem(
            _grid(), 12.0, streams=[(300.0, 3.0)], relax_passes=3, pits=pits,
            pit_outlets=["right"])
        bed = np.array(domain.quantities["elevation"].centroid_values)
        domain.set_name("case")
        domain.set_quantity("friction", 0.03)
        domain.set_quantity("stage", np.maximum(bed, 0.4 - 0.02 * np.asarray(
            domain.centroid_coordinates)[:, 0]), location="centroids")
        wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
        anuga.Rate_operator(domain, rate=1.0e-3)
        yield domain, 1.0, 4.0
        return {"bed": bed, "nodes": domain.nodes, "triangles": domain.triangles}


if capabilities().mesh_filename:
    for _pits in (None, "fill", "breach"):
        _dem_case(_pits)

    @case()
    def from_regions_into_a_mesh_file(anuga: ModuleType) -> Any:
        """The file that the mesh is written to, byte by byte."""
        domain = anuga.create_domain_from_regions(
            OUTLINE, TAGS, maximum_triangle_area=8.0, mesh_filename="regions.msh",
            interior_holes=[[[10.0, 5.0], [18.0, 5.0], [14.0, 11.0]]])
        written = np.frombuffer(Path("regions.msh").read_bytes(), np.uint8)
        yield ready(anuga, domain)
        return {"written": written}
