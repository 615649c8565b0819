"""What has no lean kernel: it runs on stock's, says so once, and gives the same results."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import Leg, case
from parity.models import channel, tide, wall

BANK = [[25.0, 0.0], [25.0, 25.0]]


def walled_bed(anuga: ModuleType) -> Any:
    """A polygon mesh with a line of edges across it, high water on one side."""
    outline = [[0.0, 0.0], [50.0, 0.0], [50.0, 25.0], [0.0, 25.0]]
    domain = anuga.create_domain_from_regions(
        outline,
        {"bottom": [0], "right": [1], "top": [2], "left": [3]},
        maximum_triangle_area=6.0,
        breaklines=[BANK],
        verbose=False,
    )
    domain.set_name("case")
    domain.set_quantity("elevation", lambda x, y: -0.01 * x)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 25.0, 1.0, 0.3))
    wall(anuga, domain, left=anuga.Time_boundary(domain, lambda t: [1.4 + tide(t), 0.0, 0.0]))
    return domain


def _riverwall_case(algorithm: str) -> None:
    @case(name=f"riverwalls_{algorithm}", stock_kernels="riverwalls")
    def build(anuga: ModuleType) -> Leg:
        domain = walled_bed(anuga)
        domain.set_flow_algorithm(algorithm)
        domain.riverwallData.create_riverwalls(
            {"bank": [[x, y, 0.8] for x, y in BANK]},
            {"bank": {"Qfactor": 0.9, "Cd_through": 0.3}},
            verbose=False,
        )
        return domain, 2.0, 16.0


for _algorithm in ("DE0", "DE1"):
    _riverwall_case(_algorithm)


@case(stock_kernels="riverwalls")
def riverwalls_that_rise(anuga: ModuleType) -> Any:
    """The script raises the wall between two yields."""
    domain = walled_bed(anuga)
    domain.riverwallData.create_riverwalls({"bank": [[x, y, 0.5] for x, y in BANK]}, verbose=False)
    yield domain, 2.0, 8.0
    domain.riverwallData.riverwall_elevation[:] = 1.2
    yield domain, 2.0, 16.0


@case(stock_kernels="DE_ader2")
def flow_algorithm_ader2(anuga: ModuleType) -> Leg:
    """The one-stage second-order scheme."""
    domain = channel(anuga, "DE_ader2", nx=21, ny=7)
    wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
    return domain, 1.5, 9.0


@case(stock_kernels="tracers")
def tracers(anuga: ModuleType) -> Any:
    """Two tracers, one of them entering at a boundary."""
    domain = channel(anuga, nx=21, ny=7)
    x = domain.centroid_coordinates[:, 0]
    domain.add_tracer("salt", initial_value=np.where(np.asarray(x) > 40.0, 30.0, 0.0))
    domain.add_tracer("dye", initial_value=0.0)
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), -0.3, 0.0]))
    domain.set_tracer_boundary("dye", "right", 1.0)
    yield domain, 1.5, 9.0
    return {name: domain.get_tracer(name) for name in ("salt", "dye")}


@case(stock_kernels="sediment")
def sediment(anuga: ModuleType) -> Any:
    """One suspended fraction over a bed it can take from."""
    domain = channel(anuga, nx=21, ny=7)
    domain.add_sediment_fraction("sand", diameter=2.0e-4)
    anuga.Sediment_transport_operator(domain)
    wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
    yield domain, 1.5, 9.0
    return {"sand": domain.get_tracer("sand")}


@case(stock_kernels="vegetation")
def vegetation(anuga: ModuleType) -> Leg:
    """Stems in half of the channel."""
    domain = channel(anuga, nx=21, ny=7)
    domain.set_vegetation_drag(
        density=lambda x, y: np.where(x > 40.0, 20.0, 0.0), diameter=0.02, height=0.5
    )
    wall(anuga, domain)
    return domain, 1.5, 9.0


@case(stock_kernels="velocity extrapolation")
def momentum_extrapolated(anuga: ModuleType) -> Leg:
    """Momenta reconstructed instead of velocities."""
    domain = channel(anuga, nx=21, ny=7)
    domain.set_extrapolate_velocity(False)
    wall(anuga, domain)
    return domain, 1.5, 9.0


def drag(domain: Any) -> None:
    """A forcing term that reads the fluxes and adds to both kinds of update."""
    for name in ("xmomentum", "ymomentum"):
        quantity = domain.quantities[name]
        height = domain.quantities["height"].centroid_values
        quantity.explicit_update[:] *= 0.99
        quantity.explicit_update[:] += 0.02 * np.maximum(height, 0.0)
        quantity.semi_implicit_update[:] += -0.05 * quantity.centroid_values


def _forcing_case(algorithm: str) -> None:
    @case(name=f"extra_forcing_term_{algorithm}", stock_kernels="forcing")
    def build(anuga: ModuleType) -> Leg:
        domain = channel(anuga, algorithm, nx=21, ny=7)
        domain.forcing_terms.append(drag)
        wall(anuga, domain)
        return domain, 1.5, 9.0


for _algorithm in ("DE0", "DE1"):
    _forcing_case(_algorithm)


@case(stock_kernels="protect_against_isolated_degenerate_timesteps")
def degenerate_timesteps(anuga: ModuleType) -> Leg:
    """Protection that acts: one triangle with an absurd speed."""
    domain = channel(anuga, nx=21, ny=7)
    domain.protect_against_isolated_degenerate_timesteps = True
    height = (
        domain.quantities["stage"].centroid_values - domain.quantities["elevation"].centroid_values
    )
    xmomentum = np.zeros(len(domain))
    xmomentum[np.argmax(height)] = 60.0
    domain.set_quantity("xmomentum", xmomentum, location="centroids")
    wall(anuga, domain)
    return domain, 0.5, 4.0


@case(stock_kernels="kinematic viscosity")
def kinematic_viscosity(anuga: ModuleType) -> Leg:
    """Without reflective walls, which 4.1.0 crashes on together with viscosity."""
    domain = channel(anuga)
    domain.set_use_kinematic_viscosity(True)
    open_end = anuga.Transmissive_boundary(domain)
    still = anuga.Dirichlet_boundary([-0.4, 0.0, 0.0])
    domain.set_boundary({"left": still, "right": open_end, "top": still, "bottom": open_end})
    return domain, 1.0, 9.0


@case(stock_kernels="edge values")
def edge_values_written_by_a_boundary(anuga: ModuleType) -> Leg:
    """White-box code that writes into edge_values before the fluxes are computed."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    class Meddler(Boundary):
        def evaluate(self, vol_id: int | None = None, edge_id: int | None = None) -> list[float]:
            return [0.0, 0.0, 0.0]

        def evaluate_segment(self, domain: Any = None, segment_edges: Any = None) -> None:
            cells, edges = (
                domain.boundary_cells[segment_edges],
                domain.boundary_edges[segment_edges],
            )
            stage = domain.quantities["stage"]
            stage.edge_values[cells, edges] += 0.001
            stage.boundary_values[segment_edges] = stage.edge_values[cells, edges]

    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain, right=Meddler())
    return domain, 1.5, 9.0


@case(stock_kernels="radii")
def radii_written_by_the_script(anuga: ModuleType) -> Leg:
    """A script that tightens the time step where it fears trouble."""
    domain = channel(anuga, nx=21, ny=7)
    domain.radii[:200] *= 0.4
    wall(anuga, domain)
    return domain, 1.5, 9.0


@case(stock_kernels="unified")
def compute_mode_unified(anuga: ModuleType) -> Leg:
    """The mode that hands everything to one C loop."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    domain.set_compute_mode("unified")
    return domain, 1.5, 9.0
