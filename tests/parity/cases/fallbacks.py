"""What has no lean kernel: it runs on stock's, says so once, and gives the same results."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from parity.cases import Leg, case
from parity.models import channel, wall


@case(stock_kernels="sediment")
def sediment(anuga: ModuleType) -> Any:
    """One suspended fraction over a bed it can take from."""
    domain = channel(anuga, nx=21, ny=7)
    domain.add_sediment_fraction("sand", diameter=2.0e-4)
    anuga.Sediment_transport_operator(domain)
    wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
    yield domain, 1.5, 9.0
    return {"sand": domain.get_tracer("sand")}


@case(stock_kernels="velocity extrapolation")
def momentum_extrapolated(anuga: ModuleType) -> Leg:
    """Momenta reconstructed instead of velocities."""
    domain = channel(anuga, nx=21, ny=7)
    domain.set_extrapolate_velocity(False)
    wall(anuga, domain)
    return domain, 1.5, 9.0


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
