"""Models with everything that a checkpoint can hold as data: operators, structures, boundaries.

Small: what they compute does not matter, but which objects hang on their domains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import anuga_lean as anuga

OUTLINE = [[0.0, 0.0], [40.0, 0.0], [40.0, 20.0], [0.0, 20.0]]
CORNER = [[5.0, 5.0], [20.0, 5.0], [20.0, 15.0]]
ENDS = [[12.0, 10.0], [28.0, 10.0]]
ROUND = {"center": [30.0, 10.0], "radius": 6.0}


def _basin(algorithm: str = "DE1") -> Any:
    domain = anuga.rectangular_cross_domain(8, 4, len1=40.0, len2=20.0)
    domain.set_name("zoo")
    domain.set_store(False)
    domain.set_flow_algorithm(algorithm)
    domain.set_quantity("elevation", lambda x, y: -0.02 * x + 0.1 * np.sin(y))
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 20.0, 0.9, -0.6))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({tag: wall for tag in ("left", "right", "top", "bottom")})
    return domain


def rain() -> Any:
    """Rates by number, in polygons and circles, from a file's values, and of quantities."""
    domain = _basin()
    anuga.Rate_operator(domain, rate=1.0e-3, factor=0.5)
    anuga.Rate_operator(domain, rate=-1.0e-4, polygon=CORNER, default_rate=0.0)
    anuga.Rate_operator(domain, rate=domain.quantities["friction"])
    anuga.Rate_operator(domain, rate=np.full(len(domain), 1.0e-4))
    anuga.Polygonal_rate_operator(domain, rate=1.0e-3, polygon=CORNER)
    anuga.Circular_rate_operator(domain, rate=1.0e-3, **ROUND)
    return domain


def structures() -> Any:
    """Inlets, culverts, a weir and an internal boundary."""
    domain = _basin()
    anuga.Inlet_operator(domain, [[10.0, 3.0], [10.0, 12.0]], Q=2.0)
    anuga.Inlet_operator(domain, anuga.Region(domain, **ROUND), Q=-0.2)
    ends = {"apron": 0.5, "enquiry_gap": 2.0, "verbose": False, "losses": 1.5}
    anuga.Boyd_box_operator(domain, width=3.0, height=1.0, end_points=ENDS, **ends)
    anuga.Boyd_pipe_operator(domain, diameter=1.0, end_points=ENDS, **ends)
    anuga.Weir_orifice_trapezoid_operator(
        domain, width=3.0, height=1.0, z1=1.0, z2=1.0, end_points=ENDS, **ends)
    pump = anuga.pumping_station_function(
        domain, pump_capacity=0.2, hw_to_start_pumping=0.0, hw_to_stop_pumping=-1.0)
    anuga.Internal_boundary_operator(domain, pump, width=2.0, height=1.0, end_points=ENDS,
                                     apron=0.5, enquiry_gap=2.0, verbose=False)
    return domain


def changes() -> Any:
    """What sets stage, bed and friction while a model runs, and erosion."""
    domain = _basin()
    anuga.Set_stage_operator(domain, stage=0.5, **ROUND)
    anuga.Set_elevation_operator(domain, elevation=-0.6, polygon=CORNER)
    anuga.Set_quantity_operator(domain, "friction", value=0.02, **ROUND)
    anuga.Set_depth_friction_operator(domain, polygon=CORNER)
    anuga.Bed_shear_erosion_operator(domain, base=-3.0, shear_factor=10.0)
    anuga.Flat_slice_erosion_operator(domain, elevation=-1.0, polygon=CORNER)
    anuga.Mannings_operator(domain)
    anuga.Set_w_uh_vh_operator(domain, w_uh_vh=[0.5, 0.0, 0.0], **ROUND)
    return domain


def forces() -> Any:
    """Wind, pressure, viscosity and drag."""
    domain = _basin()
    anuga.Wind_stress_operator(domain, speed=5.0, phi=30.0)
    anuga.Barometric_pressure_operator(domain, pressure=lambda t, x, y: 101325.0 + 0.0 * x) \
        if False else None
    domain.set_use_kinematic_viscosity(True)
    domain.set_vegetation_drag(density=2.0, diameter=0.02, height=0.3)
    domain.set_quantity("friction", lambda x, y: 0.02 + 0.001 * x)
    return domain


def walls_and_tracers() -> Any:
    """Riverwalls, tracers with sources, and what is collected."""
    domain = _basin()
    bank = [[20.0, 0.0], [20.0, 20.0]]
    domain.riverwallData.create_riverwalls(
        {"bank": [[x, y, 0.3] for x, y in bank]}, {"bank": {"Cd_through": 0.3}}, verbose=False)
    domain.add_tracer("dye", initial_value=1.0)
    domain.add_tracer("salt", initial_value=0.0)
    domain.set_tracer_boundary("dye", "left", 2.0)
    domain.set_collect_max_quantities()
    domain.set_quantities_to_be_monitored(["stage", "stage-elevation"])
    return domain


def boundaries() -> Any:
    """Prescribed values on every side."""
    domain = _basin()
    domain.set_boundary({
        "left": anuga.Dirichlet_boundary([1.2, 0.1, 0.0]),
        "right": anuga.Transmissive_boundary(domain),
        "bottom": anuga.Transmissive_stage_zero_momentum_boundary(domain),
        "top": anuga.Flather_external_stage_zero_velocity_boundary(domain, np.cos)})
    return domain


def more_boundaries() -> Any:
    """Those that follow a function, here one of numpy's, which is no code."""
    domain = _basin("DE0")
    domain.set_boundary({
        "left": anuga.Time_stage_zero_momentum_boundary(domain, np.sin),
        "right": anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(domain, np.cos),
        "bottom": anuga.Transmissive_momentum_set_stage_boundary(domain, np.cos),
        "top": anuga.Inflow_boundary(domain, rate=0.1)})
    return domain


def stock_kernels() -> Any:
    """A domain that runs on ANUGA's own arrays."""
    domain = _basin()
    domain.use_stock_kernels("a test")
    return domain


def sww() -> Any:
    """A file that is being written, quantities of the user's, and expressions of quantities."""
    domain = _basin("DE2")
    domain.set_store(True)
    anuga.Quantity(domain, name="mine", register=True).set_values(2.0)
    domain.quantities["sum"] = domain.quantities["stage"] + domain.quantities["elevation"]
    domain.held = [domain.areas, domain.neighbours, domain.max_speed, domain.mesh.normals,
                   domain.tri_full_flag, domain.quantities["stage"].edge_values,
                   domain.quantities["stage"].x_gradient,
                   domain.quantities["stage"].explicit_update]
    return domain


MODELS: tuple[Callable[[], Any], ...] = (
    rain, structures, changes, forces, walls_and_tracers, boundaries, more_boundaries,
    stock_kernels, sww)


def moments(make: Callable[[], Any]) -> Iterator[Any]:
    """A domain before its run, at a yield of it and after it."""
    domain = make()
    yield domain
    for _ in domain.evolve(yieldstep=0.1, finaltime=0.2):
        yield domain
    yield domain
