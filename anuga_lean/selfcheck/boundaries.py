"""Makes each of ANUGA's boundary classes for a random case.

A class of ANUGA's that is not in MAKERS is reported by name as not exercised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

OWN = "a_users_own"
NO_BOUNDARY = "none"
WITH_FULL_FRICTION = "Inflow_boundary"  # asks friction for edge values


@dataclass(frozen=True)
class Values:
    """The values that a boundary prescribes.

    Attributes
    ----------
    stage : float
        m, above or below the bed.
    swing : float
        m, by which a function of time moves it.
    momentum : tuple of float
        m2/s.
    looks : bool
        Whether the function of time reads the domain in the middle of a step.
    source : callable
        Returns the path of an SWW file that covers every mesh.
    """

    stage: float
    swing: float
    momentum: tuple[float, float]
    looks: bool
    source: Callable[[], str]

    def function(self, domain: Any) -> Callable[[float], float]:
        """Return a stage in m as a function of time in s."""
        level, swing, sin = self.stage, self.swing, math.sin

        def of_time(t: float) -> float:
            return level + swing * sin(1.7 * t)

        def that_looks(t: float) -> float:
            first = float(domain.quantities["stage"].centroid_values[0])
            return level + swing * sin(1.7 * t) + 0.1 * min(max(first, -1.0), 1.0)

        return that_looks if self.looks else of_time


def values(rng: np.random.Generator, source: Callable[[], str]) -> Values:
    """Return random values: stages well above, near and well below a bed around 0 m."""
    return Values(float(rng.choice([1.0, 0.2, 0.0, -0.3, -2.0])) + float(rng.normal(0.0, 0.1)),
                  float(rng.choice([0.0, 0.3, 1.5])),
                  (float(rng.normal()), float(rng.normal())), bool(rng.random() < 0.4), source)


Make = Callable[[dict[str, Any], Any, Values], Any]


def classes() -> dict[str, type]:
    """Return ANUGA's own boundary classes by name, as far as `import anuga` loads them."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    found: dict[str, type] = {}
    left = [Boundary]
    while left:
        for cls in left.pop().__subclasses__():
            left.append(cls)
            if cls.__module__.startswith("anuga."):
                found[cls.__name__] = cls
    return dict(sorted(found.items()))


def _time(found: dict[str, Any], domain: Any, given: Values) -> Any:
    stage = given.function(domain)
    return found["Time_boundary"](domain, function=lambda t: [stage(t), *given.momentum])


def _time_space(found: dict[str, Any], domain: Any, given: Values) -> Any:
    stage = given.function(domain)
    return found["Time_space_boundary"](
        domain, function=lambda t, x, y: [stage(t) + 0.01 * x - 0.02 * y, *given.momentum])


def _file(found: dict[str, Any], domain: Any, given: Values) -> Any:
    after = found["Dirichlet_boundary"]([given.stage, *given.momentum])
    return found["File_boundary"](given.source(), domain, default_boundary=after)


def _field(found: dict[str, Any], domain: Any, given: Values) -> Any:
    after = found["Dirichlet_boundary"]([given.stage, *given.momentum])
    return found["Field_boundary"](given.source(), domain, mean_stage=given.swing,
                                   default_boundary=after)


def _users_own(found: dict[str, Any], domain: Any, given: Values) -> Any:
    """Return a boundary of a user's subclass that answers edge by edge."""
    from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

    class Sponge(Boundary):
        def __init__(self) -> None:
            super().__init__()
            self.domain = domain

        def evaluate(self, vol_id: int, edge_id: int) -> np.ndarray:
            q = self.domain.get_conserved_quantities(vol_id, edge=edge_id)
            return np.array([0.5 * (q[0] + given.stage), 0.3 * q[1], -q[2]])

    return Sponge()


def _plain(name: str, *options: str) -> Make:
    """Return a maker for a class that takes the domain and a function of time at most."""
    def make(found: dict[str, Any], domain: Any, given: Values) -> Any:
        arguments = {"function": given.function(domain)} if "function" in options else {}
        return found[name](domain, **arguments)
    return make


MAKERS: dict[str, Make] = {
    "Reflective_boundary": _plain("Reflective_boundary"),
    "Transmissive_boundary": _plain("Transmissive_boundary"),
    "Transmissive_momentum_set_stage_boundary":
        _plain("Transmissive_momentum_set_stage_boundary", "function"),
    "Transmissive_n_momentum_zero_t_momentum_set_stage_boundary":
        _plain("Transmissive_n_momentum_zero_t_momentum_set_stage_boundary", "function"),
    "Transmissive_stage_zero_momentum_boundary":
        _plain("Transmissive_stage_zero_momentum_boundary"),
    "Time_stage_zero_momentum_boundary": _plain("Time_stage_zero_momentum_boundary", "function"),
    "Characteristic_stage_boundary": _plain("Characteristic_stage_boundary", "function"),
    "Dirichlet_boundary": lambda found, domain, given:
        found["Dirichlet_boundary"]([given.stage, *given.momentum]),
    "Dirichlet_discharge_boundary": lambda found, domain, given:
        found["Dirichlet_discharge_boundary"](domain, stage0=given.stage, wh0=given.momentum[0]),
    "Inflow_boundary": lambda found, domain, given:
        found["Inflow_boundary"](domain, rate=given.momentum[0]),
    "Time_boundary": _time,
    "Time_space_boundary": _time_space,
    "File_boundary": _file,
    "Field_boundary": _field,
    "AWI_boundary": lambda found, domain, given: found["AWI_boundary"](given.source(), domain),
    "Flather_external_stage_zero_velocity_boundary":
        _plain("Flather_external_stage_zero_velocity_boundary", "function"),
    "Absorbing_wave_boundary": _plain("Absorbing_wave_boundary", "function"),
    "Characteristic_wave_boundary": _plain("Characteristic_wave_boundary", "function"),
    "Compute_fluxes_boundary": lambda found, domain, given: found["Compute_fluxes_boundary"](),
    NO_BOUNDARY: lambda found, domain, given: None,
    OWN: _users_own,
}
