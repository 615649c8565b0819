"""Every boundary class of stock, user subclasses, and boundaries that read the flow."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import Leg, case
from parity.models import channel, tide, wall

Make = Callable[[ModuleType, Any], Any]

# name: how a script makes it for its domain.
STOCK: dict[str, Make] = {
    "reflective": lambda a, d: a.Reflective_boundary(d),
    "transmissive": lambda a, d: a.Transmissive_boundary(d),
    "dirichlet": lambda a, d: a.Dirichlet_boundary([-0.1, 0.2, -0.05]),
    "dirichlet_dry": lambda a, d: a.Dirichlet_boundary([-5.0, 0.0, 0.0]),
    "time": lambda a, d: a.Time_boundary(d, function=lambda t: [tide(t), 0.1, 0.02]),
    "time_space": lambda a, d: a.Time_space_boundary(
        d, function=lambda t, x, y: [tide(t) + 0.002 * y, 0.05, 0.0]
    ),
    "transmissive_momentum_set_stage": lambda a, d: a.Transmissive_momentum_set_stage_boundary(
        d, tide
    ),
    "transmissive_n_momentum_zero_t_momentum_set_stage": lambda a, d: (
        a.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(d, tide)
    ),
    "transmissive_stage_zero_momentum": lambda a, d: a.Transmissive_stage_zero_momentum_boundary(d),
    "characteristic_stage": lambda a, d: a.Characteristic_stage_boundary(d, tide),
    "flather": lambda a, d: a.Flather_external_stage_zero_velocity_boundary(d, tide),
    "absorbing_wave": lambda a, d: a.Absorbing_wave_boundary(d, tide),
    "characteristic_wave": lambda a, d: a.Characteristic_wave_boundary(
        d, lambda t: 0.2 * float(np.sin(t / 2.0)), background_stage=-0.4
    ),
}


def time_stage_zero_momentum(anuga: ModuleType, domain: Any) -> Any:
    """4.1.0 reads a name its constructor never sets, so scripts have to set it."""
    boundary = anuga.Time_stage_zero_momentum_boundary(domain, tide)
    boundary.function = tide
    return boundary


def dirichlet_discharge(anuga: ModuleType, domain: Any) -> Any:
    """Not exported from ANUGA's top level."""
    from anuga.shallow_water.boundaries import Dirichlet_discharge_boundary

    return Dirichlet_discharge_boundary(domain, stage0=-0.2, wh0=0.3)


STOCK |= {
    "time_stage_zero_momentum": time_stage_zero_momentum,
    "dirichlet_discharge": dirichlet_discharge,
    # Does nothing by itself, the boundary values stay what they were.
    "compute_fluxes": lambda a, d: a.Compute_fluxes_boundary(),
}


def _stock_case(name: str, algorithm: str) -> None:
    suffix = "" if algorithm == "DE0" else f"_{algorithm}"

    @case(name=f"boundary_{name}{suffix}", convert=name in ("time", "flather"))
    def build(anuga: ModuleType) -> Leg:
        domain = channel(anuga, algorithm, nx=21, ny=7)
        wall(anuga, domain, right=STOCK[name](anuga, domain))
        return domain, 1.5, 9.0


for _name in STOCK:
    _stock_case(_name, "DE0")
    _stock_case(_name, "DE1")


@case(raises="IndexError")
def boundary_inflow(anuga: ModuleType) -> Leg:
    """4.1.0 asks friction for edge values, which it does not have by default."""
    from anuga.shallow_water.boundaries import Inflow_boundary

    domain = channel(anuga)
    wall(anuga, domain, right=Inflow_boundary(domain, rate=4.0))
    return domain, 1.5, 3.0


@case()
def boundary_inflow_over_full_friction(anuga: ModuleType) -> Leg:
    """The same where the script gives friction all its arrays, as before 4.1."""
    from anuga.shallow_water.boundaries import Inflow_boundary

    domain = channel(anuga, nx=21, ny=7)
    domain.quantities.pop("friction")
    anuga.Quantity(domain, name="friction", register=True, qty_type="evolved").set_values(0.03)
    wall(anuga, domain, right=Inflow_boundary(domain, rate=4.0))
    return domain, 1.5, 9.0


@case(min_steps=100)
def boundary_on_every_side(anuga: ModuleType) -> Leg:
    """Four classes at once, corner triangles between them."""
    domain = channel(anuga, nx=28, ny=10)
    domain.set_boundary(
        {
            "right": STOCK["flather"](anuga, domain),
            "left": STOCK["transmissive"](anuga, domain),
            "top": STOCK["reflective"](anuga, domain),
            "bottom": STOCK["time_stage_zero_momentum"](anuga, domain),
        }
    )
    return domain, 2.0, 14.0


@case()
def boundary_centroid_transmissive(anuga: ModuleType) -> Leg:
    """Transmissive from centroids instead of edges."""
    domain = channel(anuga)
    domain.set_centroid_transmissive_bc(True)
    wall(anuga, domain, right=anuga.Transmissive_boundary(domain))
    return domain, 1.5, 12.0


@case()
def boundary_centroid_transmissive_in_thin_water(anuga: ModuleType) -> Leg:
    """Centroids that distribute changes before the boundary reads them."""
    domain = channel(anuga, "DE1")
    domain.set_centroid_transmissive_bc(True)
    open_ = anuga.Transmissive_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), open_))
    bed = np.asarray(domain.quantities["elevation"].centroid_values)
    rng = np.random.default_rng(0)
    depth = rng.choice([0.0, 1.0e-3, 0.3], len(bed), p=[0.5, 0.3, 0.2])
    domain.set_quantity("stage", bed + depth, location="centroids")
    for name in ("xmomentum", "ymomentum"):
        momentum = 0.2 * rng.normal(size=len(bed)) * (depth > 0.0)
        domain.set_quantity(name, momentum, location="centroids")
    return domain, 1.0, 12.0


@case()
def boundary_none(anuga: ModuleType) -> Leg:
    """A tag without a boundary keeps whatever its values are."""
    domain = channel(anuga)
    wall(anuga, domain, right=None)
    return domain, 1.5, 9.0


@case()
def boundary_replaced_between_evolves(anuga: ModuleType) -> Any:
    """A gate closes: set_boundary between two evolves, and inside the second."""
    domain = channel(anuga)
    wall(anuga, domain, right=anuga.Dirichlet_boundary([-0.1, -0.3, 0.0]))
    yield domain, 1.0, 5.0
    wall(anuga, domain)
    yield domain, 1.0, 10.0


def _source(anuga: ModuleType) -> str:
    """An SWW file of the channel's own, to drive File and Field boundaries."""
    domain = channel(anuga, nx=20, ny=7)
    domain.set_name("source")
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), -0.2, 0.0]))
    for _ in domain.evolve(yieldstep=1.0, finaltime=13.0):
        pass
    return "source.sww"


@case()
def boundary_file(anuga: ModuleType) -> Leg:
    """File_boundary on an SWW file this ANUGA wrote."""
    source = _source(anuga)
    domain = channel(anuga)
    wall(anuga, domain, right=anuga.File_boundary(source, domain))
    return domain, 1.5, 12.0


@case()
def boundary_field(anuga: ModuleType) -> Leg:
    """Field_boundary: the same with another mean stage."""
    source = _source(anuga)
    domain = channel(anuga)
    wall(anuga, domain, right=anuga.Field_boundary(source, domain, mean_stage=0.05))
    return domain, 1.5, 12.0


@case()
def boundary_file_runs_out(anuga: ModuleType) -> Leg:
    """A file shorter than the run hands over to the default boundary."""
    source = _source(anuga)
    domain = channel(anuga)
    after = anuga.Dirichlet_boundary([-0.3, 0.0, 0.0])
    wall(
        anuga,
        domain,
        right=anuga.File_boundary(source, domain, time_limit=6.0, default_boundary=after),
    )
    return domain, 1.5, 12.0


@case(raises="ValueError")
def boundary_awi(anuga: ModuleType) -> Leg:
    """AWI_boundary cannot be made in 4.1.0; it has to fail in the same way."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import AWI_boundary

    source = _source(anuga)
    domain = channel(anuga)
    wall(anuga, domain, right=AWI_boundary(source, domain))
    return domain, 1.5, 12.0


def user_boundary(anuga: ModuleType, domain: Any) -> Any:
    """A user's subclass that answers edge by edge through the generic loop."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    class Sponge(Boundary):
        def evaluate(self, vol_id: int | None = None, edge_id: int | None = None) -> np.ndarray:
            q = domain.get_conserved_quantities(vol_id, edge=edge_id)
            normal = domain.get_normal(vol_id, edge_id)
            x, y = domain.get_edge_midpoint_coordinate(vol_id, edge_id)
            outward = q[1] * normal[0] + q[2] * normal[1]
            q[0] = 0.9 * q[0] + 0.1 * tide(domain.get_time()) + 1e-4 * x * y
            q[1:] = 0.5 * outward * normal
            return q

    return Sponge()


def user_segment_boundary(anuga: ModuleType, domain: Any) -> Any:
    """A user's subclass that answers for a whole segment from the quantities' arrays."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    class Segment(Boundary):
        def evaluate(self, vol_id: int | None = None, edge_id: int | None = None) -> list[float]:
            return [0.0, 0.0, 0.0]

        def evaluate_segment(self, domain: Any = None, segment_edges: Any = None) -> None:
            ids = segment_edges
            cells, edges = domain.boundary_cells[ids], domain.boundary_edges[ids]
            for name, factor in (("stage", 1.0), ("xmomentum", -0.5), ("ymomentum", 0.25)):
                quantity = domain.quantities[name]
                at_edge = quantity.edge_values[cells, edges]
                at_centroid = quantity.centroid_values[cells]
                quantity.boundary_values[ids] = factor * (0.7 * at_edge + 0.3 * at_centroid)

    return Segment()


def _user_case(name: str, make: Make, algorithm: str) -> None:
    @case(name=f"boundary_{name}_{algorithm}")
    def build(anuga: ModuleType) -> Leg:
        domain = channel(anuga, algorithm)
        wall(anuga, domain, top=make(anuga, domain), right=make(anuga, domain))
        return domain, 1.5, 12.0


for _algorithm in ("DE0", "DE1"):
    _user_case("user", user_boundary, _algorithm)
    _user_case("user_segment", user_segment_boundary, _algorithm)


def _reading_case(algorithm: str) -> None:
    @case(name=f"boundary_function_reads_domain_{algorithm}")
    def build(anuga: ModuleType) -> Any:
        """A gauge and the whole edge arrays steer the inflow in the middle of a step."""
        domain = channel(anuga, algorithm)
        stage, xmomentum = domain.quantities["stage"], domain.quantities["xmomentum"]
        elevation, height = domain.quantities["elevation"], domain.quantities["height"]
        seen: list[tuple[float, ...]] = []

        def level(t: float) -> list[float]:
            edges = np.asarray(stage.edge_values)
            seen.append(
                (
                    t,
                    float(stage.centroid_values[17]),
                    float(edges.max()),
                    float(xmomentum.edge_values[5, 2]),
                    float(elevation.edge_values[8:12, 1].sum()),
                    float(height.get_values(location="edges", indices=[3])[0][1]),
                    float(domain.get_conserved_quantities(9, edge=0)[1]),
                )
            )
            return [tide(t) + 0.01 * float(edges.mean()), 0.1, 0.0]

        wall(anuga, domain, right=anuga.Time_boundary(domain, function=level))
        yield domain, 1.5, 9.0
        return {"seen": np.array(seen)}


for _algorithm in ("DE0", "DE1"):
    _reading_case(_algorithm)


@case(threads=(1, 2, 3))
def boundary_file_on_every_side(anuga: ModuleType) -> Leg:
    """One file on all sides, rain inside, two threads and three."""
    source = _source(anuga)
    domain = channel(anuga, "DE1", nx=28, ny=10)
    boundary = anuga.Field_boundary(source, domain, mean_stage=-0.02)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), boundary))
    anuga.Rate_operator(domain, rate=1.0e-4)
    return domain, 1.5, 12.0


@case()
def boundary_file_of_a_users_own(anuga: ModuleType) -> Any:
    """A subclass of File_boundary, and one whose `evaluate` a script has replaced."""
    source = _source(anuga)
    domain = channel(anuga)

    class Damped(anuga.File_boundary):
        def evaluate(self, vol_id: int | None = None, edge_id: int | None = None) -> np.ndarray:
            return 0.9 * super().evaluate(vol_id, edge_id)

    patched = anuga.File_boundary(source, domain)
    asked: list[tuple[int, int]] = []

    def evaluate(vol_id: int, edge_id: int) -> np.ndarray:
        asked.append((int(vol_id), int(edge_id)))
        return type(patched).evaluate(patched, vol_id, edge_id) + [0.01, 0.0, 0.0]

    patched.evaluate = evaluate
    wall(anuga, domain, right=Damped(source, domain), top=patched)
    yield domain, 1.5, 9.0
    return {"asked": np.array(asked)}


@case(threads=(1, 3))
def boundary_set_by_a_gauge(anuga: ModuleType) -> Any:
    """A time series of ANUGA's, one that begins again, and functions that count and look."""
    from anuga.fit_interpolate.interpolate import Interpolation_function

    domain = channel(anuga, nx=21, ny=7)
    time = np.linspace(0.0, 20.0, 40)
    long = Interpolation_function(time, {"stage": -0.4 + 0.2 * np.sin(time)})
    short = Interpolation_function(0.2 * time, {"stage": -0.4 + 0.1 * np.cos(time)})
    at_boundary = domain.quantities["stage"].boundary_values
    seen: list[float] = []

    def level(t: float, x: float = 0.0, y: float = 0.0) -> float:
        seen.append(float(np.sum(at_boundary)))
        return -0.4 + 0.01 * np.sin(len(seen))

    set_stage = anuga.Transmissive_momentum_set_stage_boundary
    domain.set_boundary({
        "right": set_stage(domain, long), "left": set_stage(domain, short),
        "top": set_stage(domain, level),
        "bottom": anuga.Time_space_boundary(domain, lambda t, x, y: [level(t, x, y), 0.0, 0.0])})
    yield domain, 1.5, 9.0
    return {"seen": np.array(seen)}


def _deferred_case(algorithm: str) -> None:
    @case(name=f"boundaries_of_time_{algorithm}", threads=(1, 3))
    def build(anuga: ModuleType) -> Leg:
        """Functions of time on all sides: nothing reads the state in the middle of a step."""
        domain = channel(anuga, algorithm, nx=21, ny=7)
        domain.set_boundary({
            side: STOCK[name](anuga, domain) for side, name in (
                ("right", "flather"), ("left", "transmissive_momentum_set_stage"),
                ("top", "time_space"), ("bottom", "absorbing_wave"))})
        return domain, 1.5, 9.0


for _algorithm in ("DE1", "DE2", "DE_ader2"):
    _deferred_case(_algorithm)
