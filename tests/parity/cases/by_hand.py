"""Scripts and tests that call by themselves what a step calls, as ANUGA's own tests do."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import case
from parity.models import channel, wall


@case(min_steps=10)
def update_before_the_first_step(anuga: ModuleType) -> Any:
    """A state below the bed is lifted; there are no fluxes yet."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    stage = domain.quantities["stage"].centroid_values
    bed = domain.quantities["elevation"].centroid_values
    stage[:30] = bed[:30] - 0.25
    domain.timestep = 0.5
    domain.update_conserved_quantities()
    lifted = stage.copy()
    yield domain, 1.0, 3.0
    return {"lifted": lifted, "volumes": domain.volume_history}


@case(min_steps=20)
def update_twice(anuga: ModuleType) -> Any:
    """The second update finds a state that was not distributed, and the fluxes of before."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    yield domain, 1.0, 3.0
    found = {}
    for number in range(3):
        domain.timestep = 0.3 / (1 + number)
        domain.update_conserved_quantities()
        for name in ("stage", "xmomentum", "ymomentum"):
            found[f"{name}_{number}"] = domain.quantities[name].centroid_values.copy()
    yield domain, 1.0, 6.0
    return found


COMPILED = (
    "compute_gradients",
    "extrapolate_from_gradient",
    "limit_old",
    "limit_vertices_by_all_neighbours",
    "interpolate_from_vertices_to_edges",
    "extrapolate_second_order_and_limit_by_edge",
    "limit_edges_by_all_neighbours",
    "limit_edges_by_neighbour",
    "interpolate_from_edges_to_vertices",
    "extrapolate_second_order_and_limit_by_vertex",
    "interpolate",
    "backup_centroid_values",
)


@case(min_steps=10)
def compiled_functions_of_quantities(anuga: ModuleType) -> Any:
    """Each of them called on a quantity of a domain, one after the other."""
    functions = import_module("anuga.abstract_2d_finite_volumes.quantity_openmp_ext")
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    stage, height = domain.quantities["stage"], domain.quantities["height"]
    found = {}
    for name in COMPILED:
        getattr(functions, name)(stage)
        for place in ("centroid_values", "edge_values", "vertex_values", "x_gradient"):
            found[f"{name}.{place}"] = np.array(getattr(stage, place))
    found["backup"] = np.array(stage.centroid_backup_values)
    functions.bound_vertices_below_by_constant(stage, -0.2)
    functions.bound_vertices_below_by_quantity(stage, height)
    found["bounded"] = np.array(stage.vertex_values)
    functions.saxpy_centroid_values(stage, 0.75, 0.25)
    functions.update(stage, 0.1)
    yield domain, 1.0, 3.0
    return found


@case(min_steps=10)
def searched_by_a_quadtree(anuga: ModuleType) -> Any:
    """ANUGA's tree over the mesh of a domain."""
    trees = import_module("anuga.pmesh.mesh_quadtree")
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    tree = trees.MeshQuadtree(domain.mesh)
    points = np.asarray(domain.centroid_coordinates)[::13] + 0.01
    found = [tree.search_fast(point)[-1] for point in points]
    yield domain, 1.0, 3.0
    return {"found": found, "extent": tree.mesh.get_extent()}


@case(min_steps=10)
def wave_speeds_in_an_array_of_the_script(anuga: ModuleType) -> Any:
    """The script gives max_speed an array before the first step and reads it at the end."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    domain.max_speed = np.zeros(domain.number_of_triangles)
    domain.max_speed[3] = 7.0
    before = np.array(domain.max_speed)
    yield domain, 1.0, 3.0
    return {"before": before, "after": np.array(domain.max_speed)}


@case(min_steps=10)
def forcing_terms_before_a_run(anuga: ModuleType) -> Any:
    """Friction is computed twice by hand, read, and acts in the first step."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    domain.set_quantity("xmomentum", lambda x, y: 0.1 + 0.001 * x)
    domain.compute_forcing_terms()
    rate = domain.quantities["xmomentum"].semi_implicit_update
    once = np.array(rate)
    domain.compute_forcing_terms()
    found = {"once": once, "twice": np.array(rate)}
    yield domain, 1.0, 3.0
    domain.compute_forcing_terms()
    found["later"] = np.array(domain.quantities["ymomentum"].semi_implicit_update)
    yield domain, 1.0, 6.0
    return found


def _friction_case(algorithm: str) -> None:
    @case(name=f"friction_between_steps_{algorithm}")
    def build(anuga: ModuleType) -> Any:
        """An operator has friction computed once more, so that it acts in the next step too."""

        class Drag(anuga.Operator):
            def __call__(self) -> None:
                self.domain.compute_forcing_terms()

            def parallel_safe(self) -> bool:
                return True

        domain = channel(anuga, algorithm, nx=21, ny=7)
        wall(anuga, domain)
        Drag(domain)
        return domain, 1.5, 9.0


for _algorithm in ("DE0", "DE1", "DE2"):
    _friction_case(_algorithm)
