"""Riverwalls, the ADER-2 predictor, passive tracers and what forcing terms may do."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import ISAS, Leg, case
from parity.models import channel, tide, wall

BANK = [[25.0, 0.0], [25.0, 25.0]]
OUTLINE = [[0.0, 0.0], [50.0, 0.0], [50.0, 25.0], [0.0, 25.0]]


def walled_bed(anuga: ModuleType, algorithm: str = "DE0") -> Any:
    """A polygon mesh with a line of edges across it, high water on one side."""
    domain = anuga.create_domain_from_regions(
        OUTLINE,
        {"bottom": [0], "right": [1], "top": [2], "left": [3]},
        maximum_triangle_area=6.0,
        breaklines=[BANK],
        verbose=False,
    )
    domain.set_name("case")
    domain.set_flow_algorithm(algorithm)
    domain.set_quantity("elevation", lambda x, y: -0.01 * x)
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 25.0, 1.0, 0.3))
    wall(anuga, domain, left=anuga.Time_boundary(domain, lambda t: [1.4 + tide(t), 0.0, 0.0]))
    return domain


def _riverwall_case(algorithm: str, name: str, parameters: dict[str, float]) -> None:
    @case(
        name=f"riverwalls_{name}_{algorithm}",
        isas=ISAS if algorithm == "DE0" else (),
        threads=(1, 2),
        convert=True,
    )
    def build(anuga: ModuleType) -> Leg:
        domain = walled_bed(anuga, algorithm)
        domain.riverwallData.create_riverwalls(
            {"bank": [[x, y, 0.8] for x, y in BANK]}, {"bank": parameters}, verbose=False
        )
        return domain, 2.0, 16.0


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _riverwall_case(_algorithm, "seeping", {"Qfactor": 0.9, "Cd_through": 0.3})
    _riverwall_case(_algorithm, "drowned", {"s1": 0.2, "s2": 0.6, "h1": 0.1, "h2": 0.9})


@case()
def riverwalls_that_rise(anuga: ModuleType) -> Any:
    """The script raises the wall between two yields."""
    domain = walled_bed(anuga)
    domain.riverwallData.create_riverwalls({"bank": [[x, y, 0.5] for x, y in BANK]}, verbose=False)
    yield domain, 2.0, 8.0
    domain.riverwallData.riverwall_elevation[:] = 1.2
    domain.riverwallData.set_hydraulic_parameter("bank", "Cd_through", 0.2)
    yield domain, 2.0, 16.0


@case()
def riverwalls_that_breach_in_a_step(anuga: ModuleType) -> Leg:
    """An operator lowers still water's wall in the middle of a yield step."""
    domain = walled_bed(anuga)
    domain.riverwallData.create_riverwalls({"bank": [[x, y, 2.0] for x, y in BANK]}, verbose=False)
    wall(anuga, domain)

    class Breach(anuga.Operator):
        def __call__(self) -> None:
            if self.domain.get_time() > 3.3:
                self.domain.riverwallData.set_elevation("bank", 0.2)

    Breach(domain)
    return domain, 2.0, 10.0


@case(convert=True)
def riverwalls_at_the_boundary_and_crossing(anuga: ModuleType) -> Any:
    """Two walls that meet, one along the outer boundary; found, listed and read back."""
    domain = walled_bed(anuga)
    lines = {
        "bank": [[x, y, 0.7] for x, y in BANK],
        "dike": [[0.0, 0.0, 1.1], [25.0, 0.0, 1.3], [50.0, 0.0, 0.9]],
    }
    domain.riverwallData.create_riverwalls(lines, {"dike": {"Qfactor": 1.2}}, verbose=False)
    walls = domain.riverwallData
    found = {
        "edges": np.array(walls.riverwall_edges),
        "crest": np.array(walls.riverwall_elevation),
        "row": np.array(walls.hydraulic_properties_rowIndex),
        "kind": np.array(domain.edge_flux_type),
        "counter": np.array(domain.edge_river_wall_counter),
        "xy": walls.get_edge_coordinates("dike"),
        "count": domain.number_of_riverwall_edges,
    }
    yield domain, 2.0, 16.0
    return found


def _ader2_case(name: str, **settings: Any) -> None:
    @case(name=f"ader2_{name}", isas=ISAS, threads=(1, 2), convert=True)
    def build(anuga: ModuleType) -> Leg:
        domain = channel(anuga, "DE_ader2", nx=21, ny=7)
        for key, value in settings.items():
            getattr(domain, key)(value)
        wall(
            anuga,
            domain,
            right=anuga.Transmissive_boundary(domain),
            left=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]),
        )
        return domain, 1.5, 9.0


_ader2_case("flat")
_ader2_case("sloped", set_sloped_mannings_function=True)


@case(min_steps=25)
def ader2_with_a_boundary_that_looks(anuga: ModuleType) -> Any:
    """A boundary that writes down the edge values it sees, before and after the predictor."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    seen: list[float] = []

    class Watcher(Boundary):
        def __init__(self, domain: Any) -> None:
            Boundary.__init__(self)
            self.domain = domain

        def evaluate(self, vol_id: int, edge_id: int) -> np.ndarray:
            names = ("stage", "xmomentum", "ymomentum")
            quantities = [self.domain.quantities[name] for name in names]
            values = np.array([q.edge_values[vol_id, edge_id] for q in quantities])
            seen.extend(values.tolist())
            seen.append(float(self.domain.quantities["height"].edge_values[vol_id, edge_id]))
            return values

    domain = channel(anuga, "DE_ader2")
    wall(anuga, domain, right=Watcher(domain))
    yield domain, 1.0, 6.0
    return {"seen": seen, "edges": np.array(domain.quantities["stage"].edge_values)}


def _tracer_case(algorithm: str) -> None:
    @case(
        name=f"tracers_{algorithm}",
        isas=ISAS if algorithm == "DE0" else (),
        threads=(1, 2),
        convert=True,
    )
    def build(anuga: ModuleType) -> Any:
        domain = channel(anuga, algorithm, nx=21, ny=7)
        x = np.asarray(domain.centroid_coordinates)[:, 0]
        domain.add_tracer("salt", beta=1.2, initial_value=np.where(x > 40.0, 30.0, 0.0))
        domain.add_tracer("dye", initial_value=0.0)
        wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [tide(t), -0.3, 0.0]))
        domain.set_tracer_boundary("dye", "right", lambda t: 1.0 + 0.2 * t)
        masses: list[float] = []
        yield (
            domain,
            1.5,
            9.0,
            lambda t: masses.extend(
                [domain.get_tracer_mass(name) for name in ("salt", "dye")]
                + [domain.get_tracer_boundary_flux_integral(name) for name in ("salt", "dye")]
            ),
        )
        return {
            "salt": domain.get_tracer("salt"),
            "dye": domain.get_tracer("dye"),
            "conserved": domain.tracer_conserved_values,
            "explicit": domain.tracer_explicit_update,
            "edges": domain.tracer_edge_values,
            "masses": masses,
        }


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _tracer_case(_algorithm)


@case()
def tracers_of_first_order_past_a_riverwall(anuga: ModuleType) -> Any:
    """No limiter, mass fluxes that a weir has changed, a second tracer added between evolves."""
    domain = walled_bed(anuga)
    domain.add_tracer("dye", beta=0.0, initial_value=2.0)
    domain.riverwallData.create_riverwalls(
        {"bank": [[x, y, 0.6] for x, y in BANK]}, {"bank": {"Cd_through": 0.3}}, verbose=False
    )
    yield domain, 2.0, 8.0
    domain.add_tracer("salt", initial_value=np.arange(len(domain)) * 0.01)
    domain.set_tracer_boundary("salt", "left", 3.0)
    yield domain, 2.0, 16.0
    return {"dye": domain.get_tracer("dye"), "salt": domain.get_tracer("salt")}


def _vegetation_case(algorithm: str, sloped: bool) -> None:
    @case(name=f"vegetation_{algorithm}_{'sloped' if sloped else 'flat'}", threads=(1, 2))
    def build(anuga: ModuleType) -> Leg:
        domain = channel(anuga, algorithm, nx=21, ny=7)
        domain.set_sloped_mannings_function(sloped)
        domain.set_vegetation_drag(
            density=lambda x, y: np.where(x > 40.0, 20.0, 0.0), diameter=0.02, height=0.3
        )
        wall(anuga, domain, left=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
        return domain, 1.5, 9.0


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _vegetation_case(_algorithm, False)
_vegetation_case("DE0", True)


def drag(domain: Any) -> None:
    """Reads the fluxes and adds to both kinds of update."""
    for name in ("xmomentum", "ymomentum"):
        quantity = domain.quantities[name]
        height = domain.quantities["height"].centroid_values
        quantity.explicit_update[:] *= 0.99
        quantity.explicit_update[:] += 0.02 * np.maximum(height, 0.0)
        quantity.semi_implicit_update[:] += -0.05 * quantity.centroid_values


def rain(domain: Any) -> None:
    """Adds to the water alone, explicitly and semi-implicitly."""
    stage = domain.quantities["stage"]
    stage.explicit_update += 1.0e-3
    stage.semi_implicit_update[::3] -= 1.0e-4


class Captured:
    """Took hold of the updates before the run, as an object with a call."""

    def __init__(self, domain: Any) -> None:
        self.update = domain.quantities["xmomentum"].explicit_update
        self.xmomentum = domain.quantities["xmomentum"].centroid_values

    def __call__(self, domain: Any) -> None:
        for k in range(0, len(domain), 7):
            self.update[k] += 0.01
        self.xmomentum[::5] *= 0.999


def before_friction(domain: Any) -> None:
    """Comes first in the list, so that friction adds to what stands there."""
    domain.quantities["xmomentum"].semi_implicit_update[10:200] = -0.01


def _forcing_case(algorithm: str, name: str, *terms: Any, first: Any = None) -> None:
    @case(name=f"forcing_{name}_{algorithm}", threads=(1, 2), convert=algorithm == "DE0")
    def build(anuga: ModuleType) -> Leg:
        domain = channel(anuga, algorithm, nx=21, ny=7)
        domain.forcing_terms.extend(
            term(domain) if isinstance(term, type) else term for term in terms
        )
        if first is not None:
            domain.forcing_terms.insert(0, first)
        wall(anuga, domain, left=anuga.Time_boundary(domain, lambda t: [tide(t), 0.0, 0.0]))
        return domain, 1.5, 9.0


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _forcing_case(_algorithm, "drag", drag)
    _forcing_case(_algorithm, "captured", Captured, rain)
    _forcing_case(_algorithm, "before_friction", rain, first=before_friction)


@case()
def forcing_without_friction(anuga: ModuleType) -> Leg:
    """The user's term is the only one."""
    domain = channel(anuga, "DE1", nx=21, ny=7)
    domain.forcing_terms[:] = [drag]
    wall(anuga, domain)
    return domain, 1.5, 9.0


@case()
def forcing_of_still_water(anuga: ModuleType) -> Leg:
    """A term that acts for a while on a lake at rest, whose blocks nothing else moves."""
    domain = channel(anuga, nx=60, ny=20)
    domain.set_quantity("stage", 0.8)
    wall(anuga, domain)

    def push(domain: Any) -> None:
        if 1.0 < domain.get_time() < 1.3:
            domain.quantities["ymomentum"].explicit_update[200:400] += 0.2

    domain.forcing_terms.append(push)
    return domain, 0.5, 3.0


@case()
def forcing_that_comes_and_goes(anuga: ModuleType) -> Any:
    """A term added and taken away between evolves."""
    domain = channel(anuga, "DE1", nx=21, ny=7)
    wall(anuga, domain)
    yield domain, 1.0, 3.0
    domain.forcing_terms.append(drag)
    yield domain, 1.0, 6.0
    domain.forcing_terms.remove(drag)
    yield domain, 1.0, 9.0


@case()
def stepped_by_hand(anuga: ModuleType) -> Any:
    """A script that calls the parts of a step itself and changes what lies between them."""
    domain = channel(anuga, nx=21, ny=7)
    wall(anuga, domain)
    yield domain, 1.0, 4.0
    names = ("stage", "xmomentum", "ymomentum")
    fluxes, rates, after = [], [], []
    for k in range(8):
        domain.distribute_to_vertices_and_edges()
        domain.update_boundary()
        domain.compute_fluxes()
        fluxes.append([np.array(domain.quantities[name].explicit_update) for name in names])
        if k % 2:
            domain.quantities["xmomentum"].explicit_update[5::9] += 0.05
        domain.compute_forcing_terms()
        rates.append([np.array(domain.quantities[name].semi_implicit_update) for name in names])
        if k % 3 == 2:
            domain.quantities["ymomentum"].semi_implicit_update[:300] -= 0.02
        domain.timestep = 0.05
        domain.update_conserved_quantities()
        after.append([np.array(domain.quantities[name].semi_implicit_update) for name in names])
        fluxes.append([np.array(domain.quantities[name].explicit_update) for name in names])
    yield domain, 1.0, 8.0
    return {"fluxes": fluxes, "rates": rates, "after": after}


def _protection_case(algorithm: str) -> None:
    @case(name=f"degenerate_timesteps_{algorithm}", threads=(1, 2))
    def build(anuga: ModuleType) -> Leg:
        """Protection that acts: one triangle with an absurd speed, again and again."""
        domain = channel(anuga, algorithm, nx=21, ny=7)
        domain.protect_against_isolated_degenerate_timesteps = True
        stage, bed = (domain.quantities[name].centroid_values for name in ("stage", "elevation"))
        height = stage - bed
        xmomentum = np.zeros(len(domain))
        xmomentum[np.argmax(height)] = 60.0
        domain.set_quantity("xmomentum", xmomentum, location="centroids")
        wall(anuga, domain)
        kick = int(np.argmax(height))

        class Kick(anuga.Operator):
            def __call__(self) -> None:
                if 1.2 < self.domain.get_time() < 1.3:
                    self.domain.quantities["ymomentum"].centroid_values[kick] = 45.0

        Kick(domain)
        return domain, 0.5, 4.0


for _algorithm in ("DE0", "DE1", "DE_ader2"):
    _protection_case(_algorithm)
