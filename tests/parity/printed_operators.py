"""Cases of `parity.printed`: operators and structures, their statistics and their logs."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from parity.cases.operators import embankment
from parity.models import tide, wall
from parity.printed_cases import CASES, POLYGON, case, each, evolve, run, walled


def report(domain: Any, operators: list[Any], finaltime: float = 3.0) -> None:
    """Evolve and print all that the operators say at every yield."""
    for operator in operators:
        if operator.logging and not hasattr(operator, "log_filename"):
            each(operator.activate_logging)
            operator.logging = hasattr(operator, "log_filename")
    each(domain.print_operator_statistics)
    for _ in evolve(domain, 1.0, finaltime):
        each(domain.print_operator_timestepping_statistics,
             domain.log_operator_timestepping_statistics)
        for operator in operators:
            each(operator.statistics, operator.timestepping_statistics,
                 operator.print_statistics, operator.print_timestepping_statistics)
    each(domain.print_operator_statistics)
    domain.report_water_volume_statistics()
    domain.print_volumetric_balance_statistics()


OPERATORS = {
    "rate": "anuga.Rate_operator(d, rate=0.01, factor=0.5, **said)",
    "rate_polygon": "anuga.Rate_operator(d, rate=lambda t: 0.01 * t, polygon=P, **said)",
    "rate_space": "anuga.Rate_operator(d, rate=lambda x, y, t: 1e-4 * x * t, "
                  "center=[30.0, 10.0], radius=8.0, **said)",
    "rate_negative": "anuga.Rate_operator(d, rate=-0.02, monitor=True, **said)",
    "rate_array": "anuga.Rate_operator(d, rate=np.linspace(0.0, 0.01, len(d)), **said)",
    "rate_quantity": "anuga.Rate_operator(d, rate=d.quantities['friction'], **said)",
    "elevation": "anuga.Set_elevation_operator(d, elevation=lambda x, y, t: 0.01 * t * x, "
                 "polygon=P, **said)",
    "stage": "anuga.Set_stage_operator(d, stage=lambda t: 0.1 * t, center=[30.0, 10.0], "
             "radius=8.0, verbose=True)",
    "quantity": "anuga.Set_quantity_operator(d, 'friction', value=0.05, polygon=P, **said)",
    "friction": "anuga.Set_depth_friction_operator(d, friction=lambda h: 0.03, "
                "verbose=True)",
    "max_stage": "Collect_max_stage_operator(d, **said)",
    "max_quantities": "Collect_max_quantities_operator(d, **said)",
    "fluxes": "boundary_flux_integral_operator(d, **said)",
    "bed_shear": "anuga.Bed_shear_erosion_operator(d, polygon=P, **said)",
    "flat_slice": "anuga.Flat_slice_erosion_operator(d, elevation=-0.3, polygon=P, **said)",
    "flat_fill": "anuga.Flat_fill_slice_erosion_operator(d, elevation=-0.3, polygon=P, **said)",
    "dune": "anuga.Sanddune_erosion_operator(d, base=0.0, polygon=P, **said)",
    "mannings": "Mannings_operator(d, verbose=True)",
    "wuhvh": "Set_w_uh_vh_operator(d, w_uh_vh=lambda t: [0.1 * t, 0.0, 0.1], "
             "center=[30.0, 10.0], radius=5.0)",
    "viscosity": "anuga.Kinematic_viscosity_operator(d, diffusivity=0.1, verbose=True, **form)",
    "viscosity_explicit": "anuga.Kinematic_viscosity_operator(d, 0.1, scheme='explicit', "
                          "form='momentum', verbose=True)",
    "wind": "anuga.Wind_stress_operator(d, speed=9.0, phi=45.0, **said)",
    "pressure": "anuga.Barometric_pressure_operator(d, pressure=lambda t, x, y: 1.0e5 + 3.0 * x, "
                "use_coordinates=True, **said)",
    "inlet": "anuga.Inlet_operator(d, [[35.0, 3.0], [35.0, 12.0]], Q=lambda t: 3.0 + t, **said)",
    "inlet_region": "anuga.Inlet_operator(d, anuga.Region(d, polygon=P), Q=-1.5, "
                    "zero_velocity=True, **said)",
}


def one_operator(anuga: ModuleType, made: str) -> None:
    """An operator with its log and all that it prints."""
    from inspect import signature

    from anuga.operators.boundary_flux_integral_operator import boundary_flux_integral_operator
    from anuga.operators.collect_max_quantities_operator import Collect_max_quantities_operator
    from anuga.operators.collect_max_stage_operator import Collect_max_stage_operator
    from anuga.operators.mannings_operator import Mannings_operator
    from anuga.operators.set_w_uh_vh_operator import Set_w_uh_vh_operator

    domain = walled(anuga)
    form = "form" in signature(anuga.Kinematic_viscosity_operator).parameters
    names = {
        "anuga": anuga, "np": np, "d": domain, "P": POLYGON,
        "form": {"form": "velocity"} if form else {},
        "said": {"description": "of a test", "label": "talk", "logging": True, "verbose": True},
        "boundary_flux_integral_operator": boundary_flux_integral_operator,
        "Collect_max_quantities_operator": Collect_max_quantities_operator,
        "Collect_max_stage_operator": Collect_max_stage_operator,
        "Mannings_operator": Mannings_operator, "Set_w_uh_vh_operator": Set_w_uh_vh_operator,
    }
    report(domain, [eval(made, names)])


for _name, _made in OPERATORS.items():
    CASES[f"operator_{_name}"] = lambda anuga, made=_made: one_operator(anuga, made)


STRUCTURE = {"losses": 1.5, "apron": 0.5, "enquiry_gap": 1.0, "manning": 0.013,
             "description": "of a test", "label": "talk", "logging": True, "verbose": True}
STRUCTURES: dict[str, dict[str, Any]] = {
    "Boyd_box_operator": {"width": 3.0, "height": 1.0},
    "Boyd_pipe_operator": {"diameter": 1.2},
    "Weir_orifice_trapezoid_operator": {"width": 3.0, "height": 1.0, "z1": 0.5, "z2": 0.5},
}


def structure(anuga: ModuleType, kind: str, options: dict[str, Any]) -> None:
    """A structure through a bank."""
    domain = embankment(anuga)
    domain.set_store(False)
    made = getattr(anuga, kind)(domain, end_points=[[29.0, 12.0], [41.0, 12.0]], **options,
                                **STRUCTURE)
    report(domain, [made], 4.0)


for _name, _options in STRUCTURES.items():
    CASES[_name] = lambda anuga, kind=_name, options=_options: structure(anuga, kind, options)
    CASES[f"{_name}_blocked"] = lambda anuga, kind=_name, options=_options: structure(
        anuga, kind, options | {"blockage": 0.3, "barrels": 2, "use_velocity_head": False,
                                "use_momentum_jet": False})


@case
def internal_boundary(anuga: ModuleType) -> None:
    """A pump."""
    domain = embankment(anuga)
    domain.set_store(False)
    pump = anuga.pumping_station_function(
        domain=domain, pump_capacity=1.0, hw_to_start_pumping=0.3, hw_to_stop_pumping=-0.5,
        initial_pump_rate=0.5, pump_rate_of_increase=0.1, pump_rate_of_decrease=0.1,
        verbose=True)
    made = anuga.Internal_boundary_operator(
        domain, pump, width=4.0, exchange_lines=[[[29.0, 8.0], [29.0, 16.0]],
                                                 [[41.0, 8.0], [41.0, 16.0]]],
        enquiry_gap=1.0, **{name: STRUCTURE[name] for name in (
            "apron", "description", "label", "logging", "verbose")})
    report(domain, [made], 4.0)


@case
def riverwalls(anuga: ModuleType) -> None:
    """Walls along edges, made, listed and written."""
    domain = anuga.create_domain_from_regions(
        [[0.0, 0.0], [70.0, 0.0], [70.0, 25.0], [0.0, 25.0]],
        {"bottom": [0], "right": [1], "top": [2], "left": [3]}, maximum_triangle_area=9.0,
        breaklines=[[[30.0, 2.0], [30.0, 23.0]]])
    domain.set_store(False)
    domain.set_quantity("elevation", 0.0)
    domain.set_quantity("stage", lambda x, y: np.where(x < 30.0, 0.6, 0.1))
    wall(anuga, domain)
    walls = {"levee": [[30.0, 2.0, 0.5], [30.0, 23.0, 0.4]]}
    domain.riverwallData.create_riverwalls(walls, {"levee": {"Qfactor": 0.9}}, verbose=True)
    domain.riverwallData.export_riverwalls_to_text("walls.txt")
    run(domain)
    domain.report_water_volume_statistics()


@case
def several_operators(anuga: ModuleType) -> None:
    """Operators whose automatic labels count, verbose domain, a tide."""
    domain = walled(anuga, "DE1")
    domain.verbose = True
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
    made = [anuga.Rate_operator(domain, rate=0.001), anuga.Rate_operator(domain, rate=0.002),
            anuga.Inlet_operator(domain, [[35.0, 3.0], [35.0, 12.0]], Q=3.0)]
    print([(each.label, each.description) for each in made])
    report(domain, made)
    domain.set_fixed_flux_timestep(0.01)
    run(domain, 0.5, 4.0)
