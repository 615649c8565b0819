"""Fractional-step operators: rain, inlets, culverts, those that set things or keep maxima."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import Leg, case
from parity.models import channel, tide, wall

YARD = [[30.0, 4.0], [50.0, 4.0], [50.0, 14.0], [30.0, 14.0]]
SLOPE = [[4.0, 16.0], [20.0, 16.0], [20.0, 24.0], [4.0, 24.0]]


def walled(anuga: ModuleType, algorithm: str = "DE0", **options: Any) -> Any:
    """The channel between walls."""
    domain = channel(anuga, algorithm, nx=21, ny=7, **options)
    wall(anuga, domain)
    return domain


@case(convert=True)
def rain_constant(anuga: ModuleType) -> Leg:
    """Rain everywhere, on dry land too."""
    domain = walled(anuga)
    anuga.Rate_operator(domain, rate=3.0e-3, factor=1.0)
    return domain, 1.5, 9.0


@case()
def rain_function_of_time(anuga: ModuleType) -> Leg:
    """A rate that rises, falls and turns into a loss."""
    domain = walled(anuga, "DE1")
    anuga.Rate_operator(domain, rate=lambda t: 1.0e-2 * float(np.cos(t / 3.0)), factor=0.5)
    return domain, 1.5, 12.0


@case()
def rain_function_of_place(anuga: ModuleType) -> Leg:
    """Rates by time and place, in a polygon and in a circle."""
    domain = walled(anuga)
    anuga.Rate_operator(domain, rate=lambda x, y, t: 1.0e-4 * (x + y + t), polygon=SLOPE)
    anuga.Rate_operator(domain, rate=-2.0e-3, center=[60.0, 10.0], radius=6.0)
    return domain, 1.5, 9.0


@case()
def rain_from_quantity(anuga: ModuleType) -> Leg:
    """A Quantity as the rate."""
    domain = walled(anuga)
    rate = anuga.Quantity(domain, name="rainfall", register=True)
    rate.set_values(lambda x, y: 1.0e-5 * x * y)
    anuga.Rate_operator(domain, rate=rate)
    return domain, 1.5, 9.0


@case()
def rain_hits_dry_land_while_water_rests(anuga: ModuleType) -> Leg:
    """Nothing moves until the rain begins."""
    domain = walled(anuga)
    still = np.maximum(-0.4, domain.quantities["elevation"].centroid_values)
    domain.set_quantity("stage", still, location="centroids")
    anuga.Rate_operator(domain, rate=lambda t: 0.01 * (t > 4.0), polygon=SLOPE)
    return domain, 1.0, 12.0


@case(convert=True)
def inlet_line_and_region(anuga: ModuleType) -> Any:
    """Inflow over a line, outflow from a region, both vary in time."""
    domain = walled(anuga)
    line = [[35.0, 3.0], [35.0, 12.0]]
    first = anuga.Inlet_operator(domain, line, Q=lambda t: 3.0 + t, velocity=[0.4, 0.1])
    second = anuga.Inlet_operator(domain, anuga.Region(domain, polygon=YARD), Q=-1.5)
    yield domain, 1.5, 9.0
    return {"applied": [first.total_applied_volume, second.total_applied_volume]}


@case()
def inlet_zero_velocity(anuga: ModuleType) -> Leg:
    """An inlet that stops the water it meets, under DE1."""
    domain = walled(anuga, "DE1")
    anuga.Inlet_operator(domain, [[35.0, 3.0], [35.0, 12.0]], Q=5.0, zero_velocity=True)
    return domain, 1.5, 9.0


def embankment(anuga: ModuleType, algorithm: str = "DE0") -> Any:
    """Two basins behind a bank, water only in the left one."""
    domain = channel(anuga, algorithm, nx=28, ny=10)
    domain.set_quantity("elevation", lambda x, y: np.where(np.abs(x - 35.0) < 4.0, 2.0, -0.02 * x))
    domain.set_quantity("stage", lambda x, y: np.where(x < 33.0, 1.2, -0.3))
    bed = domain.quantities["elevation"].centroid_values
    stage = domain.quantities["stage"].centroid_values
    domain.set_quantity("stage", np.maximum(stage, bed), location="centroids")
    wall(anuga, domain)
    return domain


STRUCTURE = {
    "losses": 1.5,
    "end_points": [[29.0, 12.0], [41.0, 12.0]],
    "apron": 0.5,
    "enquiry_gap": 1.0,
    "verbose": False,
}


@case(min_steps=100)
def culvert_boyd_box(anuga: ModuleType) -> Any:
    """A box culvert through the bank."""
    domain = embankment(anuga)
    culvert = anuga.Boyd_box_operator(domain, width=3.0, height=1.0, **STRUCTURE)
    yield domain, 3.0, 30.0
    return {"flow": [culvert.accumulated_flow, culvert.discharge, culvert.velocity]}


@case(min_steps=100)
def culvert_boyd_pipe(anuga: ModuleType) -> Any:
    """A pipe culvert, smoothed in time, under DE1."""
    domain = embankment(anuga, "DE1")
    culvert = anuga.Boyd_pipe_operator(domain, diameter=1.2, smoothing_timescale=2.0, **STRUCTURE)
    yield domain, 3.0, 30.0
    return {"flow": [culvert.accumulated_flow, culvert.discharge]}


@case(min_steps=100)
def culvert_weir_orifice(anuga: ModuleType) -> Any:
    """A trapezoidal weir and orifice."""
    domain = embankment(anuga)
    culvert = anuga.Weir_orifice_trapezoid_operator(
        domain, width=3.0, height=1.0, z1=1.0, z2=1.0, **STRUCTURE
    )
    yield domain, 3.0, 30.0
    return {"flow": [culvert.accumulated_flow, culvert.discharge]}


@case(min_steps=100)
def pump(anuga: ModuleType) -> Any:
    """An internal boundary whose discharge the script computes from the two levels."""
    domain = embankment(anuga)
    operator = anuga.Internal_boundary_operator(
        domain,
        lambda head, tail: 2.0 * max(0.0, head - tail),
        width=3.0,
        height=1.0,
        end_points=STRUCTURE["end_points"],
        apron=0.5,
        enquiry_gap=1.0,
        verbose=False,
    )
    yield domain, 3.0, 30.0
    return {"flow": [operator.accumulated_flow, operator.discharge]}


@case()
def set_stage(anuga: ModuleType) -> Leg:
    """A reservoir held at a level that changes."""
    domain = walled(anuga)
    anuga.Set_stage_operator(domain, stage=lambda t: tide(t) + 0.2, polygon=YARD)
    return domain, 1.5, 9.0


@case()
def set_elevation(anuga: ModuleType) -> Leg:
    """A bank that rises out of the water, by an operator."""
    domain = walled(anuga)
    anuga.Set_elevation_operator(domain, elevation=lambda t: -1.0 + 0.1 * t, polygon=YARD)
    return domain, 1.5, 9.0


@case()
def set_elevation_by_hand(anuga: ModuleType) -> Any:
    """Set_elevation called by the script between yields."""
    domain = walled(anuga, "DE1")
    breach = anuga.Set_elevation(domain, elevation=lambda x, y: -1.0 + 0.01 * x, polygon=YARD)
    yield domain, 1.5, 4.5
    breach()
    yield domain, 1.5, 9.0


@case()
def set_quantity_operator(anuga: ModuleType) -> Leg:
    """Friction and momentum set every step."""
    domain = walled(anuga)
    anuga.Set_quantity_operator(domain, "friction", value=lambda t: 0.02 + 0.01 * t, polygon=YARD)
    anuga.Set_quantity_operator(domain, "xmomentum", value=0.1, center=[60.0, 10.0], radius=4.0)
    return domain, 1.5, 9.0


@case()
def set_depth_friction(anuga: ModuleType) -> Leg:
    """Friction that follows the depth."""
    domain = walled(anuga)
    anuga.Set_depth_friction_operator(
        domain, friction=lambda h: 0.02 + 0.05 * np.exp(-2.0 * h), polygon=YARD
    )
    return domain, 1.5, 9.0


@case(convert=True)
def collect_max_quantities(anuga: ModuleType) -> Any:
    """Maxima of stage, depth, speed and momentum, stored in the SWW file."""
    domain = walled(anuga)
    maxima = domain.set_collect_max_quantities(update_frequency=2, collection_start_time=2.0)
    yield domain, 1.5, 9.0
    names = ("max_stage", "max_depth", "max_speed", "max_uh")
    return {name: getattr(maxima, name) for name in names}


@case()
def collect_max_stage(anuga: ModuleType) -> Any:
    """The older operator, which registers a quantity of its own."""
    from anuga.operators.collect_max_stage_operator import Collect_max_stage_operator

    domain = walled(anuga, "DE1")
    operator = Collect_max_stage_operator(domain)
    yield domain, 1.5, 9.0
    return {
        "max_stage": operator.max_stage.centroid_values,
        "vertices": operator.max_stage.vertex_values,
    }


@case()
def wind_stress(anuga: ModuleType) -> Leg:
    """Wind by time and place."""
    domain = walled(anuga)
    anuga.Wind_stress_operator(domain, speed=lambda t, x, y: 20.0 + 0.1 * x, phi=lambda t, x, y: y)
    return domain, 1.5, 9.0


@case()
def barometric_pressure(anuga: ModuleType) -> Leg:
    """A low that passes."""
    domain = walled(anuga)
    anuga.Barometric_pressure_operator(
        domain, pressure=lambda t, x, y: 101325.0 - 500.0 * np.exp(-((x - 5.0 * t) ** 2) / 200.0)
    )
    return domain, 1.5, 9.0


@case(convert=True)
def several_at_once(anuga: ModuleType) -> Any:
    """Rain, an inlet, a culvert and maxima on one domain; their order matters."""
    domain = embankment(anuga)
    anuga.Rate_operator(domain, rate=1.0e-3)
    anuga.Inlet_operator(domain, [[10.0, 3.0], [10.0, 12.0]], Q=2.0)
    culvert = anuga.Boyd_box_operator(domain, width=3.0, height=1.0, **STRUCTURE)
    maxima = domain.set_collect_max_quantities()
    yield domain, 3.0, 24.0
    return {"flow": culvert.accumulated_flow, "max_stage": maxima.max_stage}


@case()
def user_operator(anuga: ModuleType) -> Any:
    """A user's operator on the arrays it took hold of in its constructor."""

    class Leak(anuga.Operator):
        def __init__(self, domain: Any) -> None:
            super().__init__(domain)
            self.before = [self.stage_c, self.elev_c, self.xmom_c]
            self.total = 0.0

        def __call__(self) -> None:
            depth = np.minimum(0.01 * self.get_timestep(), self.stage_c - self.elev_c)
            near = self.coord_c[:, 0] > 40.0
            self.stage_c[near] -= depth[near]
            self.xmom_c[::7] *= 0.95
            self.total += float((depth * self.areas)[near].sum())

        def statistics(self) -> str:
            return "leak"

        def timestepping_statistics(self) -> str:
            return "leak"

    domain = walled(anuga, "DE1")
    leak = Leak(domain)
    yield domain, 1.5, 9.0
    quantities = domain.quantities
    now = [quantities[name].centroid_values for name in ("stage", "elevation", "xmomentum")]
    return {"total": leak.total, "same": [a is b for a, b in zip(leak.before, now, strict=True)]}


@case(threads=(1, 2, 3), convert=True)
def operators_everywhere(anuga: ModuleType) -> Leg:
    """What sets, blows and erodes on all triangles, between an inlet and rain."""
    from anuga.operators.erosion_operators import Erosion_operator

    domain = walled(anuga, "DE1")
    anuga.Inlet_operator(domain, [[35.0, 3.0], [35.0, 12.0]], Q=4.0)
    anuga.Set_quantity_operator(domain, "friction", lambda t: 0.02 + 1.0e-4 * t)
    anuga.Wind_stress_operator(domain, speed=18.0, phi=lambda t, x, y: 3.0 * x + 5.0 * t)
    anuga.Wind_stress_operator(domain, speed=9.0, phi=160.0)
    Erosion_operator(domain, threshold=0.1, base=-3.0)
    anuga.Rate_operator(domain, rate=2.0e-4)
    anuga.Set_stage_operator(domain, stage=lambda t: -0.4 - 0.01 * t, polygon=SLOPE)
    return domain, 1.5, 9.0


@case()
def operators_of_a_users_own(anuga: ModuleType) -> Any:
    """Values, calls and areas that a script has replaced, in classes and on instances."""
    from anuga.structures.inlet import Inlet

    domain = walled(anuga)

    class Tide(anuga.Set_stage_operator):
        def get_value(self, x: Any = None, y: Any = None, t: Any = None) -> Any:
            return -0.45 + 0.001 * np.asarray(x) + 0.01 * np.sin(self.domain.get_time())

    Tide(domain, stage=0.0)
    patched = anuga.Set_quantity_operator(domain, "friction", 0.03)
    patched.get_value = lambda x, y: 0.02 + 1.0e-4 * np.asarray(y)
    called: list[float] = []

    class Counted(anuga.Wind_stress_operator):
        def __call__(self) -> None:
            called.append(float(self.xmom_c.sum()))
            super().__call__()

    Counted(domain, speed=12.0, phi=45.0)
    inlet = Inlet(domain, YARD)
    yield domain, 1.5, 6.0
    return {"called": np.array(called), "areas": inlet.get_areas()}
