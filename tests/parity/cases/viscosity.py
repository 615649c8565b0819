"""Kinematic viscosity: what it makes of the flow, at walls and at open boundaries."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from parity.cases import Leg, case
from parity.models import channel, tide, wall

SEEN = ("xvelocity", "yvelocity", "elevation", "stage", "xmomentum")


def safe(anuga: ModuleType) -> None:
    """Keep 4.1.0 from writing into freed memory: reflective walls write to an array it drops."""
    if anuga.__name__ != "anuga":
        return

    def in_place(self: Any) -> None:
        place = 3 * self.domain.boundary_cells + self.domain.boundary_edges
        self.boundary_values[:] = self.edge_values.ravel()[place]

    quantity = import_module("anuga.abstract_2d_finite_volumes.quantity")
    quantity.Quantity.set_boundary_values_from_edges = in_place


def viscous(anuga: ModuleType, algorithm: str = "DE0", **mesh: int) -> Any:
    """The channel with viscosity, its boundary still to be set."""
    safe(anuga)
    domain = channel(anuga, algorithm, **mesh)
    domain.set_use_kinematic_viscosity(True)
    return domain


def seen(domain: Any) -> dict[str, Any]:
    """What viscosity leaves in the quantities besides the state."""
    found = {}
    for name in SEEN:
        quantity = domain.quantities[name]
        found[f"{name}.centroids"] = quantity.centroid_values
        found[f"{name}.edges"] = quantity.edge_values
        found[f"{name}.vertices"] = quantity.vertex_values
        found[f"{name}.boundary"] = quantity.boundary_values
    return found


@case(convert=True)
def kinematic_viscosity_open(anuga: ModuleType) -> Any:
    """Open ends and still sides."""
    domain = viscous(anuga)
    open_end = anuga.Transmissive_boundary(domain)
    still = anuga.Dirichlet_boundary([-0.4, 0.0, 0.0])
    domain.set_boundary({"left": still, "right": open_end, "top": still, "bottom": open_end})
    yield domain, 1.0, 9.0
    return seen(domain)


def _walled_case(algorithm: str) -> None:
    @case(name=f"kinematic_viscosity_walls_{algorithm}", min_steps=25)
    def build(anuga: ModuleType) -> Any:
        domain = viscous(anuga, algorithm)
        wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
        anuga.Rate_operator(domain, rate=1.0e-3)
        yield domain, 1.0, 6.0
        return seen(domain)


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _walled_case(_algorithm)


@case(min_steps=100)
def kinematic_viscosity_crash(anuga: ModuleType) -> Leg:
    """The 40 by 40 mesh between walls on which 4.1.0 as it is dies."""
    domain = viscous(anuga, nx=40, ny=40)
    wall(anuga, domain)
    return domain, 1.0, 2.5


@case(min_steps=25)
def kinematic_viscosity_for_a_while(anuga: ModuleType) -> Any:
    """Switched off, then replaced by an operator with a diffusivity of its own."""
    domain = viscous(anuga, "DE1")
    wall(anuga, domain)
    yield domain, 1.0, 3.0
    domain.set_use_kinematic_viscosity(False)
    yield domain, 1.0, 5.0
    anuga.Kinematic_viscosity_operator(domain, diffusivity=0.2, use_triangle_areas=False)
    yield domain, 1.0, 7.0
    return seen(domain)


@case(min_steps=25)
def kinematic_viscosity_matrices(anuga: ModuleType) -> Any:
    """The operator's own products and solver, which a script may call."""
    domain = viscous(anuga)
    wall(anuga, domain)
    kv = domain.kv_operator
    kv.update_elliptic_matrix(domain.quantities["friction"])
    product = kv.elliptic_multiply(domain.quantities["stage"].centroid_values)
    kv.dt = 0.5
    kv.set_parabolic_solve(True)
    inverse = kv.parabolic_solve(domain.quantities["stage"], domain.quantities["elevation"],
                                 domain.quantities["friction"])
    found = {
        "product": product,
        "quantity": (kv * domain.quantities["stage"]).centroid_values,
        "inverse": inverse.centroid_values,
        "indices": kv.geo_structure_indices,
        "values": kv.geo_structure_values,
        "data": kv.operator_data.copy(),
        "areas": kv.triangle_areas.data,
    }
    kv.dt = 0.0
    yield domain, 1.0, 6.0
    found["rows"] = kv.elliptic_matrix.row_ptr
    found["statistics"] = str(kv.timestepping_statistics())
    return found
