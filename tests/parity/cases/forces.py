"""Operators that push the water, set its state, or rain from files and patterns."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from parity.cases import Leg, case
from parity.models import channel, wall

YARD = [[30.0, 4.0], [50.0, 4.0], [50.0, 14.0], [30.0, 14.0]]


def walled(anuga: ModuleType, algorithm: str = "DE0") -> Any:
    """The channel between walls."""
    domain = channel(anuga, algorithm, nx=21, ny=7)
    wall(anuga, domain)
    return domain


@case()
def wind_constant(anuga: ModuleType) -> Leg:
    """The same wind everywhere, under DE1."""
    domain = walled(anuga, "DE1")
    anuga.Wind_stress_operator(domain, speed=25.0, phi=30.0)
    return domain, 1.5, 9.0


@case(convert=True)
def pressure_constant_and_falling(anuga: ModuleType) -> Leg:
    """A pressure without gradient, and one with."""
    domain = walled(anuga, "DE1")
    anuga.Barometric_pressure_operator(domain, pressure=99000.0)
    anuga.Barometric_pressure_operator(
        domain, pressure=lambda t, x, y: (101325.0 - 20.0 * x + np.sin(y + t)).reshape(1, -1)
    )
    return domain, 1.5, 9.0


@case()
def friction_operator(anuga: ModuleType) -> Leg:
    """Friction as an operator, which writes its own depths."""
    from anuga.operators.mannings_operator import Mannings_operator

    domain = walled(anuga)
    Mannings_operator(domain)
    return domain, 1.5, 9.0


@case()
def state_set_by_operators(anuga: ModuleType) -> Leg:
    """Stage, momenta and friction in circles and polygons."""
    from anuga.operators.set_quantity_operator import (
        Circular_set_quantity_operator,
        Polygonal_set_quantity_operator,
    )
    from anuga.operators.set_stage_operator import (
        Circular_set_stage_operator,
        Polygonal_set_stage_operator,
    )
    from anuga.operators.set_w_uh_vh_operator import Set_w_uh_vh_operator

    domain = walled(anuga)
    Set_w_uh_vh_operator(domain, lambda t: [0.1 * t - 0.3, 0.2, -0.1], center=[8, 8], radius=3.0)
    Circular_set_stage_operator(domain, stage=lambda t: 0.05 * t, center=[20.0, 10.0], radius=3.0)
    Polygonal_set_stage_operator(domain, stage=-0.2, polygon=YARD)
    Circular_set_quantity_operator(
        domain, "friction", value=lambda x, y, t: 0.01 * (x + t), center=[55.0, 10.0], radius=5.0
    )
    Polygonal_set_quantity_operator(domain, "ymomentum", value=0.05, polygon=YARD)
    return domain, 1.5, 9.0


@case()
def rain_polygonal_and_circular(anuga: ModuleType) -> Any:
    """The older names of rain in a region, and what they say they applied."""
    from anuga.operators.rate_operators import Circular_rate_operator, Polygonal_rate_operator

    domain = walled(anuga, "DE1")
    first = Polygonal_rate_operator(domain, rate=2.0e-3, polygon=YARD)
    second = Circular_rate_operator(
        domain, rate=lambda t: -1.0e-3 * t, center=[60.0, 10.0], radius=5.0
    )
    yield domain, 1.5, 9.0
    return {"flow": [first.get_Q(), second.get_Q(), domain.fractional_step_volume_integral]}


@case()
def rain_from_a_raster_and_a_pattern(anuga: ModuleType) -> Any:
    """Rates interpolated from grids in time, and a design storm."""
    from anuga.rain.raster_time_slice_data import Raster_time_slice_data

    domain = walled(anuga)
    grids = Raster_time_slice_data.__new__(Raster_time_slice_data)
    grids.verbose = grids.debug = False
    grids.x, grids.y = np.linspace(-5.0, 75.0, 17), np.linspace(-5.0, 30.0, 8)
    grids.times, grids.time_step = np.arange(4) * 3.0, 3.0
    grids.data_slices = 1.0e-2 * np.random.default_rng(3).random((4, 8, 17))
    anuga.Raster_rate_operator(domain, grids)
    pattern = SimpleNamespace(
        Tplot=np.arange(5) * 0.05,
        Rplot=np.array([0.0, 4.0, 9.0, 2.0, 1.0]),
        Ev_dep=16.0,
        Tstep=0.05,
    )
    depth = 20.0 + np.asarray(domain.centroid_coordinates)[:, 0]
    anuga.ARR_rate_operator(domain, depth, pattern, polygon=YARD)
    return domain, 1.5, 9.0
