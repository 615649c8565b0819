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


def _meddling_case(algorithm: str) -> None:
    @case(name=f"fallback_within_a_step_{algorithm}", stock_kernels="writing edge values of stage")
    def build(anuga: ModuleType) -> Leg:
        """A boundary of the user's that from some time on writes edge values inside."""

        class Meddling(anuga.Transmissive_boundary):
            def evaluate_segment(self, domain: Any, segment_edges: Any) -> None:
                super().evaluate_segment(domain, segment_edges)
                if domain.get_time() > 3.3:
                    domain.quantities["stage"].edge_values[5:9, 1] += 1.0e-3

        domain = channel(anuga, algorithm, nx=21, ny=7)
        wall(anuga, domain, right=Meddling(domain))
        return domain, 1.0, 9.0


for _algorithm in ("DE0", "DE1", "DE2"):
    _meddling_case(_algorithm)


@case(stock_kernels="velocity extrapolation switched off")
def parameters_taken_before_a_fallback(anuga: ModuleType) -> Any:
    """What a script has changed since the first step does not count on stock's kernels either."""
    domain = channel(anuga, "DE1", nx=21, ny=7)
    wall(anuga, domain)
    yield domain, 1.0, 3.0
    domain.set_betas(0.2, 0.0, 0.3, 0.0, 0.3, 0.0)
    domain.set_minimum_allowed_height(5.0e-3)
    domain.set_extrapolate_velocity(False)
    yield domain, 1.0, 6.0
    domain.update_domain_c_struct()
    yield domain, 1.0, 9.0


@case()
def friction_asked_for_at_a_yield(anuga: ModuleType) -> Leg:
    """It counts in the next update, on top of that update's own."""
    domain = channel(anuga, "DE1", nx=21, ny=7)
    wall(anuga, domain)
    return domain, 1.0, 9.0, lambda t: domain.compute_forcing_terms()
