"""The three scenarios of the README at test size, and every algorithm and friction law."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

import anuga_lean.scenarios as scenarios
from parity.cases import ISAS, Leg, case
from parity.models import channel, fill, wall

ALGORITHMS = ("DE0", "DE1", "DE2", "DE0_7", "DE1_7")


# Parameters and number of yields that give DE0 and DE1 each over 200 steps.
SCENARIOS: dict[str, tuple[dict[str, int], int]] = {
    "merimbula": ({"refine": 0}, 14),
    "dam_break": ({"triangles": 4000}, 32),
    "regions": ({"triangles": 3500}, 15),
}


def _scenario(name: str, algorithm: str) -> None:
    @case(
        name=f"{name}_{algorithm}",
        min_steps=200,
        threads=(1, 2),
        isas=ISAS,
        convert=algorithm == "DE0",
    )
    def build(anuga: ModuleType) -> Leg:
        given, yields = SCENARIOS[name]
        yieldstep = scenarios.find(name).yieldstep(scenarios.complete(name, given))
        domain = scenarios.build(name, anuga, flow_algorithm=algorithm, store=True, **given)
        domain.set_name("case")
        return domain, yieldstep, yields * yieldstep


for _name in SCENARIOS:
    for _algorithm in ("DE0", "DE1"):
        _scenario(_name, _algorithm)


def _catchment(storm: str, algorithm: str) -> None:
    @case(name=f"catchment_full_{storm}_{algorithm}", min_steps=40, threads=(1, 2, 3))
    def build(anuga: ModuleType) -> Any:
        """All operators together, on enough triangles for threads to share."""
        domain = scenarios.build("catchment_full", anuga, triangles=10_000, storm=storm,
                                 flow_algorithm=algorithm, store=True)
        domain.set_name("case")
        _, rain, burst, inlet, culvert, maxima = domain.fractional_step_operators
        yield domain, 4.0, 12.0
        return {
            "water": [rain.cumulative_influx, burst.cumulative_influx, inlet.total_applied_volume],
            "culvert": [culvert.accumulated_flow, culvert.discharge, culvert.velocity],
            "maxima": [maxima.max_stage, maxima.max_depth, maxima.max_speed, maxima.max_uh],
        }


for _storm, _algorithm in (("grid", "DE0"), ("function", "DE1")):
    _catchment(_storm, _algorithm)


def varied(anuga: ModuleType, algorithm: str = "DE0") -> Any:
    """The channel with an inflow and an open end."""
    domain = channel(anuga, algorithm, nx=28, ny=10)
    wall(
        anuga,
        domain,
        left=anuga.Dirichlet_boundary([0.3, 0.5, 0.1]),
        right=anuga.Transmissive_boundary(domain),
    )
    return domain


def _algorithm_case(algorithm: str) -> None:
    @case(name=f"channel_{algorithm}", min_steps=100, isas=ISAS)
    def build(anuga: ModuleType) -> Leg:
        return varied(anuga, algorithm), 2.0, 12.0


for _algorithm in ALGORITHMS:
    _algorithm_case(_algorithm)


def _scheme_case(scheme: str, algorithm: str) -> None:
    @case(name=f"{scheme}_with_{algorithm}", min_steps=100, isas=ISAS)
    def build(anuga: ModuleType) -> Leg:
        domain = varied(anuga, algorithm)
        domain.set_timestepping_method(scheme)
        return domain, 2.0, 10.0


for _scheme, _algorithm in (("euler", "DE1"), ("rk2", "DE0"), ("rk3", "DE0"), ("rk3", "DE1_7")):
    _scheme_case(_scheme, _algorithm)


def _low_froude_case(low_froude: int, algorithm: str) -> None:
    @case(name=f"low_froude_{low_froude}_{algorithm}", min_steps=100, isas=ISAS)
    def build(anuga: ModuleType) -> Leg:
        domain = varied(anuga, algorithm)
        domain.set_low_froude(low_froude)
        return domain, 2.0, 10.0


for _low_froude in (1, 2):
    for _algorithm in ("DE0", "DE1"):
        _low_froude_case(_low_froude, _algorithm)


def _sloped_case(algorithm: str) -> None:
    @case(name=f"sloped_manning_{algorithm}", min_steps=100, isas=ISAS)
    def build(anuga: ModuleType) -> Leg:
        domain = varied(anuga, algorithm)
        domain.set_sloped_mannings_function(True)
        return domain, 2.0, 10.0


for _algorithm in ("DE0", "DE1", "DE0_7"):
    _sloped_case(_algorithm)


@case(min_steps=100, isas=ISAS)
def no_friction(anuga: ModuleType) -> Leg:
    """Zero friction everywhere and no friction term at all differ in the code, not in water."""
    domain = varied(anuga)
    domain.set_quantity("friction", 0.0)
    return domain, 2.0, 10.0


@case(min_steps=100)
def other_limits(anuga: ModuleType) -> Leg:
    """Betas, CFL and heights away from every algorithm's defaults."""
    domain = varied(anuga, "DE1")
    domain.set_betas(0.9, 0.3, 0.8, 0.2, 0.7, 0.1)
    domain.set_cfl(0.7)
    domain.set_minimum_allowed_height(1.0e-3)
    domain.set_maximum_allowed_speed(3.0)
    return domain, 2.0, 10.0


@case(min_steps=100)
def fixed_timestep(anuga: ModuleType) -> Leg:
    """The flux timestep set by hand."""
    domain = varied(anuga)
    domain.set_fixed_flux_timestep(0.05)
    return domain, 2.0, 10.0


@case(min_steps=60)
def capped_timestep(anuga: ModuleType) -> Leg:
    """A cap below what the flow allows."""
    domain = varied(anuga)
    domain.set_evolve_max_timestep(0.1)
    return domain, 2.0, 10.0


@case(min_steps=100)
def inscribed_circle(anuga: ModuleType) -> Leg:
    """Radii of the inscribed circle instead of the distance to the midpoints."""
    points, triangles, boundary = anuga.rectangular_cross(42, 15, len1=70.0, len2=25.0)
    domain = anuga.Domain(points, triangles, boundary, use_inscribed_circle=True)
    domain.set_name("case")
    fill(domain)
    wall(anuga, domain)
    return domain, 2.0, 10.0


@case(min_steps=200, isas=ISAS)
def mostly_still(anuga: ModuleType) -> Leg:
    """Lake at rest and dry land in many blocks, a wave in one corner, water poured in later."""
    domain = anuga.rectangular_cross_domain(50, 40, len1=500.0, len2=400.0)
    domain.set_name("case")
    domain.set_quantity("elevation", lambda x, y: np.where(x > 300.0, 2.0, -1.0))
    domain.set_quantity("friction", 0.04)
    domain.set_quantity(
        "stage", lambda x, y: np.where(x > 300.0, 2.0, np.where(np.hypot(x, y) < 60.0, 1.0, 0.0))
    )
    wall(anuga, domain)
    pond = [[400.0, 300.0], [460.0, 300.0], [460.0, 360.0], [400.0, 360.0]]
    anuga.Rate_operator(domain, rate=lambda t: 0.02 if t > 40.0 else 0.0, polygon=pond)
    return domain, 20.0, 100.0


def _disturbed_case(algorithm: str) -> None:
    @case(name=f"still_until_disturbed_{algorithm}", min_steps=200, threads=(1, 2), isas=ISAS)
    def build(anuga: ModuleType) -> Any:
        """Everything rests; then, one after the other, a script touches all that could move it."""
        domain = anuga.rectangular_cross_domain(40, 40, len1=400.0, len2=400.0)
        domain.set_name("case")
        domain.set_flow_algorithm(algorithm)
        domain.set_quantity("elevation", lambda x, y: np.where(x > 300.0, 2.0, -1.0))
        domain.set_quantity("friction", 0.04)
        domain.set_quantity("stage", lambda x, y: np.where(x > 300.0, 2.0, 0.0))
        sea = anuga.Time_boundary(domain, lambda t: [0.3 * (t > 45.0), 0.0, 0.0])
        wall(anuga, domain, left=sea)
        values = {name: q.centroid_values for name, q in domain.quantities.items()}

        def touch(t: float) -> None:
            if t == 10.0:
                values["elevation"][3210] -= 0.25
            elif t == 15.0:
                values["stage"][3000] += 1.0e-9
            elif t == 20.0:
                values["stage"][6100] = 2.5  # on dry land
            elif t == 25.0:
                values["friction"][:3000] = 0.2
            elif t == 30.0:
                values["xmomentum"][2200:2210] = 0.01
            elif t == 35.0:
                domain.set_quantity("ymomentum", 0.02, indices=[1500], location="centroids")

        yield domain, 5.0, 40.0, touch
        yield domain, 5.0, 60.0
        wall(anuga, domain, left=anuga.Dirichlet_boundary([0.5, 0.0, 0.0]))
        yield domain, 5.0, 80.0


for _algorithm in ("DE0", "DE0_7"):
    _disturbed_case(_algorithm)


def _mostly_dry_case(algorithm: str) -> None:
    @case(name=f"mostly_dry_{algorithm}", min_steps=40, isas=ISAS, threads=(1, 2))
    def build(anuga: ModuleType) -> Any:
        """A puddle in a corner, rain on a far field, and a script that pours water at a yield."""
        domain = anuga.rectangular_cross_domain(64, 64, len1=640.0, len2=640.0)
        domain.set_name("case")
        domain.set_flow_algorithm(algorithm)
        domain.set_quantity("elevation", lambda x, y: 0.02 * x + 0.01 * y)
        domain.set_quantity("friction", 0.03)
        domain.set_quantity(
            "stage", lambda x, y: np.where((x < 60.0) & (y < 60.0), 2.0, -1.0),
            location="centroids")
        stage = domain.quantities["stage"].centroid_values
        stage[:] = np.maximum(stage, domain.quantities["elevation"].centroid_values)
        field = [[500.0, 500.0], [560.0, 500.0], [560.0, 560.0], [500.0, 560.0]]
        anuga.Rate_operator(domain, rate=lambda t: 0.002 * (t > 6.0), polygon=field)
        wall(anuga, domain)
        yield domain, 4.0, 12.0
        stage[9000:9020] += 0.5
        yield domain, 4.0, 24.0


for _algorithm in ("DE0", "DE0_7"):
    _mostly_dry_case(_algorithm)


@case(name="below_the_bed", min_steps=20)
def _(anuga: ModuleType) -> Leg:
    """Stages below the bed on more triangles than the record of changes first has room for."""
    domain = anuga.rectangular_cross_domain(64, 64, len1=640.0, len2=640.0)
    domain.set_name("case")
    domain.set_quantity("elevation", lambda x, y: 0.02 * x)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 100.0, 3.0, -1.0))
    domain.set_quantity("xmomentum", 0.1)
    stage = domain.quantities["stage"].centroid_values
    wall(anuga, domain, left=anuga.Time_boundary(
        domain, lambda t: [2.0 + 0.1 * float(stage[0]), 0.0, 0.0]))
    return domain, 2.0, 20.0


@case(min_steps=50, isas=ISAS)
def dry_fan(anuga: ModuleType) -> Any:
    """Dry triangles whose neighbours' centroids lie in one line, which have no gradient."""
    points, triangles, _ = anuga.rectangular_cross(14, 5, len1=70.0, len2=25.0)
    points, triangles = np.asarray(points, float), np.asarray(triangles)
    left, foot, right = (np.flatnonzero((points == (x, 25.0)).all(axis=1))[0] for x in (15, 20, 25))
    tips = len(points) + np.arange(5)
    points = np.concatenate([points, [[x, 33.0] for x in (12.0, 16.0, 20.0, 24.0, 28.0)]])
    fan = [(foot, b, a) for a, b in zip(tips[:-1], tips[1:], strict=True)]
    beside = [(left, foot, tips[0]), (foot, right, tips[-1])]
    domain = anuga.Domain(points, np.concatenate([triangles, beside, fan]))
    domain.set_name("case")
    fill(domain)
    domain.add_tracer("dye", initial_value=0.2)
    wall(anuga, domain)
    yield domain, 1.0, 10.0
    return {name: np.array(domain.quantities[name].edge_values)
            for name in ("stage", "xmomentum", "height", "elevation")}
