"""Extrema of monitored quantities and expressions."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import case
from parity.models import channel, tide, wall

YARD = [[30.0, 4.0], [66.0, 4.0], [66.0, 14.0], [30.0, 14.0]]
SPEED = "(xmomentum**2 + ymomentum**2)**0.5 / (stage - elevation)"


def shaken(anuga: ModuleType, algorithm: str = "DE0") -> Any:
    """The channel with a tide and rain."""
    domain = channel(anuga, algorithm, nx=21, ny=7)
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [3 * tide(3 * t), 0.0, 0.0]))
    anuga.Rate_operator(domain, rate=1.0e-3)
    domain.set_store(False)  # a quotient's slash is no name for an SWW variable
    return domain


def extrema(domain: Any) -> dict[str, np.ndarray]:
    """Everything known of the monitored quantities, as numbers."""
    found = {}
    for name, block in domain.quantities_to_be_monitored.items():
        found[name] = np.concatenate([np.ravel(block[key]) for key in sorted(block)]).astype(float)
    return found


@case()
def monitored_everywhere(anuga: ModuleType) -> Any:
    """Sums, products, powers and quotients, under DE1."""
    domain = shaken(anuga, "DE1")
    domain.set_quantities_to_be_monitored(
        ["stage", "stage-elevation", "xmomentum*ymomentum", "2*height + friction", SPEED]
    )
    seen: list[np.ndarray] = []
    yield domain, 1.5, 9.0, lambda t: seen.append(np.concatenate(list(extrema(domain).values())))
    return extrema(domain) | {"seen": np.array(seen[1:])}


@case()
def monitored_in_a_polygon_for_a_while(anuga: ModuleType) -> Any:
    """Restricted in place and time."""
    domain = shaken(anuga)
    domain.set_quantities_to_be_monitored(
        ["stage-elevation", "elevation"], polygon=YARD, time_interval=[2.0, 6.5]
    )
    yield domain, 1.5, 9.0
    return extrema(domain) | {"said": domain.quantity_statistics()}


@case()
def monitored_from_a_yield_on(anuga: ModuleType) -> Any:
    """Switched on by the script in the loop, then changed, then off."""
    domain = shaken(anuga, "DE_ader2")
    found: dict[str, np.ndarray] = {}

    def switch(t: float) -> None:
        if t == 3.0:
            domain.set_quantities_to_be_monitored("stage - 2*elevation")
        if t == 6.0:
            found.update(extrema(domain))
            domain.set_quantities_to_be_monitored(["xmomentum + stage", "height*stage"])
        if t == 9.0:
            found.update(extrema(domain))
            domain.set_quantities_to_be_monitored(None)

    yield domain, 1.5, 10.5, switch
    return found


@case()
def monitored_beside_erosion_and_viscosity(anuga: ModuleType) -> Any:
    """All that reads the vertices of the last yield, with viscosity made safe by an offset."""
    from parity.cases.viscosity import safe

    safe(anuga)
    domain = shaken(anuga)
    domain.set_quantities_to_be_monitored(["stage - elevation", "ymomentum - height"])
    anuga.Bed_shear_erosion_operator(domain, base=-3.0, shear_factor=2.0e3, polygon=YARD)
    anuga.Kinematic_viscosity_operator(domain, add_safety=True)
    yield domain, 1.5, 6.0
    return extrema(domain)


@case(stock_kernels="radii")
def monitored_when_the_kernels_change(anuga: ModuleType) -> Any:
    """On stock's kernels from a yield on: what the last yield left goes with it."""
    domain = shaken(anuga, "DE1")
    domain.set_quantities_to_be_monitored(["stage - elevation", "ymomentum - height"])
    anuga.Bed_shear_erosion_operator(domain, base=-3.0, shear_factor=2.0e3, polygon=YARD)

    def tighten(t: float) -> None:
        if t == 4.5:
            domain.radii[:50] *= 0.9

    yield domain, 1.5, 9.0, tighten
    return extrema(domain)
