"""Models with everything that a checkpoint can hold as data: operators, structures, boundaries.

Small: what they compute does not matter, but which objects hang on their domains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import anuga_lean as anuga

YIELDSTEP, FINALTIME = 0.1, 0.3
CORNER = [[5.0, 5.0], [20.0, 5.0], [20.0, 15.0]]
ENDS = [[12.0, 10.0], [28.0, 10.0]]
ROUND = {"center": [30.0, 10.0], "radius": 6.0}


def basin(algorithm: str = "DE1") -> Any:
    """40 m by 20 m in 128 triangles, wet at the left."""
    domain = anuga.rectangular_cross_domain(8, 4, len1=40.0, len2=20.0)
    domain.set_name("zoo")
    domain.set_store(False)
    domain.set_flow_algorithm(algorithm)
    domain.set_quantity("elevation", lambda x, y: -0.02 * x + 0.1 * np.sin(y))
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 20.0, 0.9, -0.6))
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
    return domain


def rain() -> Any:
    """Rates by number, in polygons and circles, from arrays, quantities, rasters and radar."""
    from anuga.operators.rate_operators import Circular_rate_operator, Polygonal_rate_operator
    from anuga.rain import Raster_rate_operator, Raster_time_slice_data

    domain = basin()
    anuga.Rate_operator(domain, rate=1.0e-3, factor=0.5)
    anuga.Rate_operator(domain, rate=-1.0e-4, polygon=CORNER, default_rate=0.0)
    anuga.Rate_operator(domain, rate=domain.quantities["friction"])
    anuga.Rate_operator(domain, rate=np.full(len(domain), 1.0e-4))
    Polygonal_rate_operator(domain, rate=1.0e-3, polygon=CORNER)
    Circular_rate_operator(domain, rate=1.0e-3, **ROUND)
    raster = Raster_time_slice_data(0.0, 1.0)
    raster.x, raster.y = np.linspace(-1.0, 41.0, 5), np.linspace(-1.0, 21.0, 4)
    raster.times, raster.time_step = np.array([0.0, 0.1]), 0.1
    raster.data_slices = np.full((2, 4, 5), 1.0e-4)
    Raster_rate_operator(domain, raster)
    return domain


def structures() -> Any:
    """Inlets, culverts, a weir and a pump."""
    domain = basin()
    anuga.Inlet_operator(domain, [[10.0, 3.0], [10.0, 12.0]], Q=2.0)
    anuga.Inlet_operator(domain, anuga.Region(domain, **ROUND), Q=-0.2)
    ends = {"apron": 0.5, "enquiry_gap": 2.0, "verbose": False}
    losses = {"losses": 1.5, "end_points": ENDS} | ends
    anuga.Boyd_box_operator(domain, width=3.0, height=1.0, **losses)
    anuga.Boyd_pipe_operator(domain, diameter=1.0, **losses)
    anuga.Weir_orifice_trapezoid_operator(domain, width=3.0, height=1.0, z1=1.0, z2=1.0, **losses)
    pump = anuga.pumping_station_function(
        domain, pump_capacity=0.2, hw_to_start_pumping=0.0, hw_to_stop_pumping=-1.0,
        verbose=False)
    anuga.Internal_boundary_operator(domain, pump, width=2.0, height=1.0, end_points=ENDS, **ends)
    return domain


def changes() -> Any:
    """What sets stage, bed and friction; of depth: Set_depth_friction_operator holds code."""
    from anuga.operators.mannings_operator import Mannings_operator
    from anuga.operators.set_quantity_operator import Set_quantity_operator
    from anuga.operators.set_w_uh_vh_operator import Set_w_uh_vh_operator

    domain = basin()
    anuga.Set_stage_operator(domain, stage=0.5, **ROUND)
    anuga.Set_elevation_operator(domain, elevation=-0.6, polygon=CORNER)
    Set_quantity_operator(domain, "friction", value=0.02, **ROUND)
    Set_w_uh_vh_operator(domain, w_uh_vh=[0.5, 0.0, 0.0], **ROUND)
    Mannings_operator(domain)
    return domain


def erosion() -> Any:
    """Beds that the flow takes along."""
    from anuga.operators import erosion_operators as each
    from anuga.operators.collect_max_stage_operator import Collect_max_stage_operator
    from anuga.operators.sanddune_erosion_operator import Sanddune_erosion_operator

    domain = basin()
    each.Bed_shear_erosion_operator(domain, base=-3.0, shear_factor=10.0)
    each.Flat_slice_erosion_operator(domain, elevation=-1.0, polygon=CORNER)
    each.Flat_fill_slice_erosion_operator(domain, elevation=-1.0, polygon=CORNER)
    each.Circular_erosion_operator(domain, base=-3.0, **ROUND)
    each.Polygonal_erosion_operator(domain, base=-3.0, polygon=CORNER)
    Sanddune_erosion_operator(domain, base=-3.0, polygon=CORNER)
    Collect_max_stage_operator(domain)
    return domain


def sediment() -> Any:
    """Sand and mud."""
    domain = basin()
    domain.add_sediment_fraction("sand", diameter=2.0e-4)
    domain.add_sediment_fraction("mud", diameter=2.0e-5)
    domain.set_sediment_parameters(bed_evolution=True)
    domain.set_bed_composition()
    return domain


def forces() -> Any:
    """Wind, air pressure, viscosity and drag."""
    domain = basin()
    anuga.Wind_stress_operator(domain, speed=5.0, phi=30.0)
    anuga.Barometric_pressure_operator(domain, pressure=101325.0)
    domain.set_use_kinematic_viscosity(True)
    domain.set_vegetation_drag(density=2.0, diameter=0.02, height=0.3)
    domain.set_quantity("friction", lambda x, y: 0.02 + 0.001 * x)
    return domain


def walls_and_tracers() -> Any:
    """Riverwalls, tracers, and what is collected and monitored."""
    domain = basin()
    domain.riverwallData.create_riverwalls(
        {"bank": [[20.0, 0.0, 0.3], [20.0, 20.0, 0.3]]}, {"bank": {"Cd_through": 0.3}},
        verbose=False)
    domain.add_tracer("dye", initial_value=1.0)
    domain.add_tracer("salt", initial_value=0.0)
    domain.set_tracer_boundary("dye", "left", 2.0)
    anuga.Inlet_operator(domain, [[10.0, 3.0], [10.0, 12.0]], Q=0.2)
    domain.set_collect_max_quantities()
    domain.set_quantities_to_be_monitored(["stage", "stage-elevation"])
    return domain


def boundaries() -> Any:
    """Those that need no function."""
    from anuga.shallow_water.boundaries import Dirichlet_discharge_boundary

    domain = basin()
    domain.set_boundary({
        "left": anuga.Dirichlet_boundary([1.2, 0.1, 0.0]),
        "right": anuga.Transmissive_boundary(domain),
        "bottom": anuga.Transmissive_stage_zero_momentum_boundary(domain),
        "top": Dirichlet_discharge_boundary(domain, 0.9, 0.1)})
    return domain


def followed() -> Any:
    """Boundaries that follow a function, here one of numpy's, which is no code."""
    from anuga.shallow_water import boundaries as each

    domain = basin("DE0")
    domain.set_boundary({
        "left": each.Characteristic_stage_boundary(domain, np.sin),
        "right": each.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(domain, np.cos),
        "bottom": each.Transmissive_momentum_set_stage_boundary(domain, np.cos),
        "top": each.Flather_external_stage_zero_velocity_boundary(domain, np.cos)})
    return domain


def waves() -> Any:
    """More of them."""
    from anuga.shallow_water import boundaries as each

    domain = basin("DE0")
    domain.set_boundary({
        "left": anuga.Dirichlet_boundary([0.8, 0.0, 0.0]),
        "right": each.Characteristic_wave_boundary(domain, np.sin),
        "bottom": each.Absorbing_wave_boundary(domain, np.sin),
        "top": anuga.Transmissive_boundary(domain)})
    return domain


def nested() -> Any:
    """Boundaries that read what another model has stored."""
    outer = basin()
    outer.set_name("outer")
    outer.set_store(True)
    for _ in outer.evolve(yieldstep=0.1, finaltime=0.4):
        pass
    domain = basin()
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary({
        "left": anuga.Field_boundary("outer.sww", domain), "top": wall, "bottom": wall,
        "right": anuga.File_boundary("outer.sww", domain)})
    return domain


def stock_arrays() -> Any:
    """A domain that runs on ANUGA's own arrays."""
    domain = basin()
    domain.use_stock_kernels("a test")
    return domain


def held() -> Any:
    """An SWW file that is being written, a user's quantities, expressions and views."""
    domain = basin("DE2")
    domain.set_store(True)
    anuga.Quantity(domain, name="mine", register=True).set_values(2.0)
    stage, bed = domain.quantities["stage"], domain.quantities["elevation"]
    domain.sums = [stage + bed, -bed, stage / bed, stage ** 3, stage * 2.0, bed - stage]
    bed.compute_local_gradients()
    domain.seen = [domain.areas, domain.neighbours, domain.max_speed, domain.mesh.normals,
                   domain.tri_full_flag, stage.edge_values, stage.vertex_values,
                   stage.explicit_update, bed.x_gradient]
    return domain


MODELS: tuple[Callable[[], Any], ...] = (
    rain, structures, changes, erosion, sediment, forces, walls_and_tracers, boundaries, followed,
    waves, nested, stock_arrays, held)


def moments(make: Callable[[], Any]) -> Iterator[Any]:
    """A domain before its run, at each yield of it and after it."""
    domain = make()
    yield domain
    for _ in domain.evolve(yieldstep=YIELDSTEP, finaltime=FINALTIME):
        yield domain
    yield domain
