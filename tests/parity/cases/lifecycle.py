"""What scripts do around evolve: several evolves, changes in between, output, statistics."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import dill
import numpy as np

from parity.cases import Leg, case
from parity.models import bed, channel, tide, wall


def basin(anuga: ModuleType, algorithm: str = "DE0", **options: Any) -> Any:
    """The channel between walls and one open end."""
    domain = channel(anuga, algorithm, nx=21, ny=7, **options)
    wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
    return domain


@case()
def evolve_twice(anuga: ModuleType) -> Any:
    """Once to a time, once for a duration, once more without the first yield."""
    domain = basin(anuga)
    yield domain, 1.0, 4.0
    yield domain, 1.0, None, {"duration": 3.0}
    yield domain, 0.7, 10.0, {"skip_initial_step": True}


@case()
def set_quantity_between_evolves(anuga: ModuleType) -> Any:
    """Every quantity changed in another form, DE1."""
    domain = basin(anuga, "DE1")
    yield domain, 1.0, 3.0
    domain.set_quantity("friction", 0.08, location="centroids")
    domain.set_quantity("stage", lambda x, y: np.maximum(bed(x, y), -0.2 + 0.002 * x))
    yield domain, 1.0, 6.0
    domain.set_quantity("elevation", expression="elevation - 0.05")
    domain.set_quantity("xmomentum", 0.2, indices=[3, 50, 120], location="centroids")
    domain.add_quantity("stage", 0.02)
    yield domain, 1.0, 9.0


@case()
def quantities_written_at_yields(anuga: ModuleType) -> Leg:
    """A script that writes into centroid values inside the evolve loop."""
    domain = basin(anuga)
    stage, elevation = domain.quantities["stage"], domain.quantities["elevation"]

    def dig(t: float) -> None:
        elevation.centroid_values[40:60] -= 0.05
        stage.centroid_values[200:220] += 0.1 * np.sin(t)
        domain.quantities["ymomentum"].centroid_values[::5] *= 0.5

    return domain, 1.0, 9.0, dig


@case()
def flow_algorithm_between_evolves(anuga: ModuleType) -> Any:
    """DE0, then DE1, then DE2: 4.1.0 keeps part of the first one's parameters."""
    domain = basin(anuga)
    yield domain, 1.0, 4.0
    domain.set_flow_algorithm("DE1")
    yield domain, 1.0, 8.0
    domain.set_flow_algorithm("DE2")
    yield domain, 1.0, 12.0


@case()
def limits_between_evolves(anuga: ModuleType) -> Any:
    """Parameters 4.1.0 reads once and parameters it reads every step."""
    domain = basin(anuga)
    yield domain, 1.0, 4.0
    domain.set_betas(0.2, 0.0, 0.3, 0.0, 0.3, 0.0)
    domain.set_minimum_allowed_height(5.0e-3)
    domain.set_low_froude(1)
    domain.set_cfl(0.5)
    yield domain, 1.0, 8.0
    domain.update_domain_c_struct()
    yield domain, 1.0, 12.0


@case()
def friction_law_between_evolves(anuga: ModuleType) -> Any:
    """Flat, then sloped, then none at all."""
    domain = basin(anuga)
    yield domain, 1.0, 4.0
    domain.set_sloped_mannings_function(True)
    yield domain, 1.0, 8.0
    domain.forcing_terms.clear()
    yield domain, 1.0, 12.0


@case()
def start_time_and_output_step(anuga: ModuleType) -> Any:
    """A clock that starts elsewhere, fewer frames than yields."""
    domain = basin(anuga)
    domain.set_starttime(3600.0)
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
    yield domain, 0.5, 3606.0, {"outputstep": 2.0}


def stored(domain: Any, **how: Any) -> Leg:
    """Store what 4.1.0 can store of every quantity, the chosen way."""
    domain.set_quantities_to_be_stored(
        {"elevation": 2, "friction": 1, "stage": 2, "xmomentum": 2, "ymomentum": 2, "height": 2}
    )
    for method, argument in how.items():
        getattr(domain, method)(argument)
    return domain, 1.5, 9.0


@case(convert=True)
def sww_smooth(anuga: ModuleType) -> Leg:
    """One value per node, averaged from centroids."""
    return stored(basin(anuga))


@case()
def sww_unique_vertices(anuga: ModuleType) -> Leg:
    """Three values per triangle, as reconstructed."""
    return stored(basin(anuga), set_store_vertices_uniquely=True)


@case()
def sww_unique_vertices_DE1(anuga: ModuleType) -> Leg:
    """The same under DE1 and without centroids."""
    return stored(basin(anuga, "DE1"), set_store_vertices_uniquely=True, set_store_centroids=False)


@case()
def sww_vertex_averages(anuga: ModuleType) -> Leg:
    """One value per node, averaged from the vertices of its triangles."""
    return stored(basin(anuga), set_using_centroid_averaging=False)


@case()
def sww_thin_layers(anuga: ModuleType) -> Leg:
    """Depths below a threshold are not stored."""
    return stored(basin(anuga), set_minimum_storable_height=0.05)


@case()
def nothing_stored(anuga: ModuleType) -> Leg:
    """No SWW file at all."""
    domain = basin(anuga)
    domain.set_store(False)
    return domain, 1.5, 9.0


LOCATIONS = ("vertices", "edges", "centroids", "unique vertices")


def readable(domain: Any) -> dict[str, np.ndarray]:
    """Every quantity at every location stock answers for, whole and in part."""
    seen: dict[str, np.ndarray] = {}
    for name, quantity in sorted(domain.quantities.items()):
        for location in LOCATIONS:
            try:
                seen[f"{name}.{location}"] = quantity.get_values(location=location)
                seen[f"{name}.{location}.some"] = quantity.get_values(
                    location=location, indices=[7, 3, 11]
                )
            except Exception as error:
                seen[f"{name}.{location}"] = np.array(type(error).__name__)
        seen[f"{name}.integral"] = np.array(quantity.get_integral())
        seen[f"{name}.boundary"] = np.array(quantity.boundary_values)
        seen[f"{name}.extrema"] = np.array(
            [
                quantity.get_maximum_value(),
                quantity.get_minimum_value(),
                *quantity.get_maximum_location(),
                *quantity.get_minimum_location(),
            ]
        )
        smooth, triangles = quantity.get_vertex_values(xy=False, smooth=True)
        seen[f"{name}.smooth"], seen[f"{name}.smooth.triangles"] = smooth, triangles
    return {key: np.asarray(value) for key, value in seen.items() if value is not None}


def _reading_case(algorithm: str) -> None:
    @case(name=f"quantities_read_{algorithm}")
    def build(anuga: ModuleType) -> Any:
        """Everything a script can read, before, between and after evolves."""
        domain = basin(anuga, algorithm)
        before = readable(domain)
        yield domain, 1.0, 4.0
        between = readable(domain)
        yield domain, 1.0, 9.0
        after = readable(domain)
        seen = {"before": before, "between": between, "after": after}
        return {
            f"{when}.{key}": value for when, all_ in seen.items() for key, value in all_.items()
        }


for _algorithm in ("DE0", "DE1", "DE0_7"):
    _reading_case(_algorithm)

MESH_ARRAYS = (
    "triangles",
    "nodes",
    "neighbours",
    "neighbour_edges",
    "surrogate_neighbours",
    "number_of_boundaries",
    "normals",
    "edgelengths",
    "areas",
    "radii",
    "centroid_coordinates",
    "vertex_coordinates",
    "edge_midpoint_coordinates",
    "number_of_triangles_per_node",
    "node_index",
    "vertex_value_indices",
    "boundary_cells",
    "boundary_edges",
    "xy_extent",
)


@case(min_steps=10)
def mesh_read(anuga: ModuleType) -> Any:
    """Every array of the mesh, from the mesh and from the domain, with interior segments."""
    from parity.cases.factories import ready, tagged_segment

    domain = tagged_segment(anuga, "DE0")
    leg = ready(anuga, domain)
    yield leg[0], 1.0, 2.0
    seen = {f"mesh.{name}": np.asarray(getattr(domain.mesh, name)) for name in MESH_ARRAYS}
    seen |= {
        f"domain.{name}": np.asarray(getattr(domain, name))
        for name in MESH_ARRAYS
        if hasattr(domain, name)
    }
    seen["boundary"] = np.array(sorted((k, i, tag) for (k, i), tag in domain.boundary.items()))
    seen["polygon"] = np.array(domain.get_boundary_polygon())
    seen["at"] = np.array(
        [domain.get_triangle_containing_point([x, 9.3]) for x in np.linspace(1.0, 69.0, 12)]
    )
    return seen


@case()
def statistics_at_yields(anuga: ModuleType) -> Any:
    """What scripts print at yields, times and memory left out."""
    domain = basin(anuga)
    domain.set_quantities_to_be_monitored(["stage", "stage-elevation"])
    said: list[str] = []
    numbers: list[list[float]] = []

    def note(t: float) -> None:
        text = domain.timestepping_statistics(track_speeds=True, triangle_id=30)
        said.append("\n".join(line for line in text.splitlines() if "elapsed" not in line))
        said.append(domain.boundary_statistics())
        said.append(domain.quantity_statistics())
        _, inflow, outflow = domain.compute_boundary_flows()
        line = [[40.13, 0.9], [40.41, 23.7]]
        numbers.append(
            [
                domain.get_water_volume(),
                inflow,
                outflow,
                domain.get_flow_through_cross_section(line),
                domain.get_energy_through_cross_section([[40.13, 6.1], [40.41, 12.3]]),
                domain.get_maximum_inundation_elevation(),
                len(domain.get_wet_elements()),
            ]
        )

    yield domain, 1.5, 9.0, note
    return {"said": np.array(said), "numbers": np.array(numbers)}


@case()
def points_interpolated(anuga: ModuleType) -> Any:
    """Gauges read by interpolation at points."""
    domain = basin(anuga)
    points = [[12.3, 4.5], [40.0, 10.0], [66.6, 20.1]]
    seen: list[np.ndarray] = []

    def gauge(t: float) -> None:
        seen.append(np.array(domain.quantities["stage"].get_values(interpolation_points=points)))

    yield domain, 1.5, 9.0, gauge
    return {"gauges": np.array(seen)}


@case()
def reordered(anuga: ModuleType) -> Leg:
    """The user asks for another numbering before he goes on."""
    domain = basin(anuga)
    anuga.reorder_domain(domain, method="hilbert")
    wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
    return domain, 1.5, 9.0


@case()
def pickled_between_evolves(anuga: ModuleType) -> Any:
    """A domain that went through pickle goes on as if nothing had happened."""
    domain = basin(anuga, "DE1")
    anuga.Rate_operator(domain, rate=1.0e-3)
    yield domain, 1.0, 4.0
    domain.writer = None
    domain.fractional_step_operators[:] = [
        each for each in domain.fractional_step_operators if each.label != "parity recorder"
    ]
    domain = dill.loads(dill.dumps(domain))
    domain.set_store(False)
    yield domain, 1.0, 9.0


@case()
def copied_domain(anuga: ModuleType) -> Any:
    """A deep copy evolves by itself, the original is not touched."""
    domain = basin(anuga)
    other = copy.deepcopy(domain)
    other.set_store(False)
    yield other, 1.0, 6.0
    stages = [each.quantities["stage"].centroid_values for each in (domain, other)]
    return {"original": stages[0].copy(), "apart": stages[0] is not stages[1]}


@case()
def checkpoint_resumed(anuga: ModuleType) -> Any:
    """Written by set_checkpointing, read back by load_checkpoint_file."""
    domain = basin(anuga)
    domain.set_checkpointing(checkpoint_step=2, checkpoint_dir="CHECKPOINTS")
    yield domain, 1.0, 4.0
    domain = anuga.load_checkpoint_file(domain_name="case", checkpoint_dir="CHECKPOINTS")
    yield domain, 1.0, 9.0


def _nan_case(label: str, name: str, values: Any) -> None:
    @case(name=f"nan_in_{label}", nan=True, min_steps=10, stock_kernels="NaN")
    def build(anuga: ModuleType) -> Leg:
        domain = basin(anuga)
        if callable(values):
            domain.set_quantity(name, values)
        else:
            at = np.array(domain.quantities[name].centroid_values)
            at[values] = np.nan
            domain.set_quantity(name, at, location="centroids")
        return domain, 0.5, 3.0


_nan_case("stage", "stage", [77])
_nan_case("stage_function", "stage", lambda x, y: np.where(x < 5.0, np.nan, 0.0))
_nan_case("momentum", "xmomentum", [77, 300])
_nan_case("elevation", "elevation", [77])
