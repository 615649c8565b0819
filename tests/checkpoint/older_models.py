"""Tiny models whose checkpoints are stored in `data`, and what a run of them shows.

Their functions are in a module so that a pickle holds their names and no code, which
differs between versions of Python.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

YIELDSTEP, WRITTEN_AT, FINALTIME = 0.5, 1.0, 3.0
MODELS = ("walls", "tide", "operators", "viscosity")
PARTED = "parted"       # on two ranks
FORMAT_1 = ("rivers", "users")      # in files of format 1 that only an earlier commit can write


def tide(t: float) -> list[float]:
    """Stage and momenta at the left end."""
    return [0.7 + 0.2 * np.sin(3.0 * t), 0.1, 0.0]


def level(t: float) -> float:
    """Stage at the right end."""
    return 0.4 - 0.1 * np.cos(2.0 * t)


def rain(t: float) -> float:
    """Metres per second."""
    return 1.0e-3 * t


class Leak:
    """An operator of a user's: holds views of lean arrays, and classes."""

    def __init__(self, domain: Any) -> None:
        domain.set_fractional_step_operator(self)
        self.domain = domain
        self.areas = domain.areas
        self.x = domain.quantities["x"].edge_values
        self.full = domain.tri_full_flag
        self.kinds = [type(domain.mesh), type(domain.quantities["stage"])]

    def __call__(self) -> None:
        """Lower the stage, more on small triangles and at the right."""
        assert isinstance(self.domain.mesh, self.kinds[0])
        assert isinstance(self.domain.quantities["stage"], self.kinds[1])
        stage = self.domain.quantities["stage"].centroid_values
        bed = self.domain.quantities["elevation"].centroid_values
        right = np.max(self.x, axis=1)
        loss = self.full * right * self.domain.timestep / np.asarray(self.areas)
        stage[:] = np.maximum(bed, stage - 0.001 * loss)

    def log_timestepping_statistics(self) -> None:
        """Nothing."""

    def parallel_safe(self) -> bool:
        """On any rank."""
        return True


def built(anuga: ModuleType, model: str) -> Any:
    """30 m by 12 m in 48 triangles."""
    domain = anuga.rectangular_cross_domain(4, 3, len1=30.0, len2=12.0)
    domain.set_name(model)
    domain.set_flow_algorithm("DE0" if model == "walls" else "DE1")
    domain.set_store(False)
    domain.set_quantity("elevation", lambda x, y: -0.02 * x + 0.1 * np.sin(y))
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 15.0, 0.9, 0.3))
    if model == PARTED:
        domain = anuga.distribute(domain)
        domain.set_store(False)
    wall = anuga.Reflective_boundary(domain)
    if model in ("walls", "viscosity", *FORMAT_1):
        others = {"left": wall, "right": anuga.Transmissive_boundary(domain), "bottom": wall}
    else:
        others = {
            "left": anuga.Time_boundary(domain, tide),
            "bottom": anuga.Dirichlet_boundary([0.5, 0.0, -0.1]),
            "right": anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
                domain, level)}
    domain.set_boundary({"top": wall} | others)
    if model == "operators":
        anuga.Set_elevation_operator(domain, elevation=-0.5, center=[20.0, 6.0], radius=4.0)
        domain.set_collect_max_quantities(update_frequency=2)
        anuga.Bed_shear_erosion_operator(domain, base=-3.0, shear_factor=10.0)
        domain.add_tracer("dye", initial_value=1.0)
    if model == "rivers":
        domain.set_quantity("stage", lambda x, y: np.where(x < 9.0, 1.2, -2.0))
        domain.riverwallData.create_riverwalls(
            {"bank": [[15.0, 0.0, 0.2], [15.0, 12.0, 0.2]]}, {"bank": {"Cd_through": 0.1}},
            verbose=False)
        anuga.Rate_operator(domain, rate=1.0e-3, factor=0.5)
        anuga.Inlet_operator(domain, [[4.0, 3.0], [4.0, 9.0]], Q=2.0)
        anuga.Boyd_box_operator(
            domain, losses=1.5, width=2.0, height=1.0, end_points=[[10.0, 6.0], [20.0, 6.0]],
            apron=0.5, enquiry_gap=2.0, verbose=False)
        domain.add_tracer("dye", initial_value=1.0)
    if model == "users":
        Leak(domain)
        anuga.Rate_operator(domain, rate=rain)
    if model == "viscosity":
        domain.set_use_kinematic_viscosity(True)
    return domain


def evolved(domain: Any) -> dict[str, np.ndarray]:
    """Evolve to the end; what each yield shows, by its time."""
    found = {}
    for t in domain.evolve(yieldstep=YIELDSTEP, finaltime=FINALTIME):
        for name, quantity in domain.quantities.items():
            found[f"{t} {name}"] = np.array(quantity.centroid_values)
        for name in ("stage", "xmomentum", "ymomentum"):
            found[f"{t} {name} at edges"] = np.array(domain.quantities[name].edge_values)
            found[f"{t} {name} at the boundary"] = np.array(
                domain.quantities[name].boundary_values)
        found[f"{t} numbers"] = np.array([
            domain.get_boundary_flux_integral(), domain.timestep, domain.number_of_steps])
        if domain.number_of_tracers:
            found[f"{t} tracers"] = np.array(domain.tracer_centroid_values)
    return found
