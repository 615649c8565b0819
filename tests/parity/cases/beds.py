"""Beds that change: erosion, and elevation set by operators and by scripts."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from parity.cases import Leg, case
from parity.models import channel, tide, wall

YARD = [[30.0, 4.0], [50.0, 4.0], [50.0, 14.0], [30.0, 14.0]]
SLOPE = [[4.0, 16.0], [20.0, 16.0], [20.0, 24.0], [4.0, 24.0]]


def tidal(anuga: ModuleType, algorithm: str = "DE0") -> Any:
    """The channel with a tide at its right end: triangles fall dry and get wet again."""
    domain = channel(anuga, algorithm, nx=21, ny=7)
    wall(anuga, domain, right=anuga.Time_boundary(domain, lambda t: [3 * tide(3 * t), 0.0, 0.0]))
    return domain


def _bed_shear_case(algorithm: str) -> None:
    @case(name=f"bed_shear_{algorithm}", convert=algorithm == "DE1")
    def build(anuga: ModuleType) -> Any:
        domain = tidal(anuga, algorithm)
        anuga.Bed_shear_erosion_operator(
            domain, threshold=0.0, base=-3.0, shear_factor=2.0e3, polygon=YARD
        )
        everywhere = anuga.Bed_shear_erosion_operator(domain, threshold=0.3, base=-4.0)
        seen: list[np.ndarray] = []

        def look(t: float) -> None:
            if t > 0.0:
                seen.append(np.array([everywhere.elev_gx, everywhere.WLev_gy]))
            seen.append(np.array(domain.quantities["stage"].vertex_values).T)

        yield domain, 1.5, 9.0, look
        return {"seen": np.concatenate([each.ravel() for each in seen])}


for _algorithm in ("DE0", "DE1", "DE2", "DE_ader2"):
    _bed_shear_case(_algorithm)


@case()
def bed_shear_begins_between_yields(anuga: ModuleType) -> Any:
    """Made, and made idle, by the script while the model runs; a bed set in between."""
    domain = tidal(anuga)
    made: list[Any] = []

    def begin(t: float) -> None:
        if t == 3.0:
            made.append(anuga.Bed_shear_erosion_operator(domain, base=-3.0, shear_factor=2.0e3))
        if t == 6.0:
            domain.fractional_step_operators.remove(made[0])

    yield domain, 1.5, 7.5, begin
    domain.fractional_step_operators.append(made[0])
    domain.set_quantity("elevation", lambda x, y: -0.02 * x + 0.1 * np.sin(y))
    yield domain, 1.5, 10.5


@case()
def erosion_by_flow(anuga: ModuleType) -> Leg:
    """Erosion by momentum in a polygon, in a circle, from a region and everywhere."""
    from anuga.operators import erosion_operators as erosion

    domain = tidal(anuga)
    erosion.Polygonal_erosion_operator(domain, threshold=0.05, base=-1.5, polygon=YARD)
    erosion.Circular_erosion_operator(domain, base=-2.0, center=[60.0, 10.0], radius=4.0)
    erosion.Erosion_operator(domain, base=-1.0, region=anuga.Region(domain, polygon=SLOPE))
    erosion.Erosion_operator(domain, threshold=0.2, base=-2.5)
    return domain, 1.5, 9.0


@case()
def erosion_by_slices(anuga: ModuleType) -> Leg:
    """A slice that sinks, and one that fills."""
    domain = tidal(anuga, "DE1")
    anuga.Flat_slice_erosion_operator(
        domain, elevation=lambda t: -0.6 - 0.02 * t, center=[60.0, 10.0], radius=4.0
    )
    anuga.Flat_fill_slice_erosion_operator(
        domain, elevation=lambda t: -0.9 + 0.1 * t, polygon=YARD
    )
    return domain, 1.5, 9.0


@case()
def erosion_of_a_sand_dune(anuga: ModuleType) -> Leg:
    """Scour and collapse, in a polygon and everywhere."""
    domain = tidal(anuga)
    anuga.Sanddune_erosion_operator(domain, base=-3.0, polygon=YARD, Ra=5.0)
    anuga.Sanddune_erosion_operator(domain, base=-2.0)
    return domain, 1.5, 9.0


@case()
def erosion_of_a_users_own(anuga: ModuleType) -> Leg:
    """A subclass that reads the bed at the vertices."""
    from anuga.operators.erosion_operators import Erosion_operator

    class Steepest(Erosion_operator):
        def update_quantities(self) -> bool:
            bed = np.asarray(self.elev_v)
            self.elev_c[:] -= 0.05 * self.get_timestep() * (bed.max(axis=1) - bed.min(axis=1))
            return True

    domain = tidal(anuga)
    Steepest(domain)
    return domain, 1.5, 9.0


@case()
def elevation_set_by_operators(anuga: ModuleType) -> Leg:
    """By time and place, in a circle, in a polygon and on some triangles."""
    from anuga.operators import set_elevation_operator as setting

    domain = tidal(anuga, "DE1")
    setting.Polygonal_set_elevation_operator(
        domain, elevation=lambda t: -1.0 + 0.1 * t, polygon=YARD
    )
    setting.Circular_set_elevation_operator(
        domain, elevation=lambda x, y: -1.5 + 0.01 * x, center=[60.0, 10.0], radius=4.0
    )
    anuga.Set_elevation_operator(
        domain, elevation=lambda x, y, t: 0.02 * y - 0.01 * t, indices=list(range(0, 90, 4))
    )
    return domain, 1.5, 9.0


@case()
def elevation_set_everywhere(anuga: ModuleType) -> Leg:
    """A bed that rocks."""
    domain = tidal(anuga)
    anuga.Set_elevation_operator(domain, elevation=lambda x, y, t: -0.02 * x - 0.3 + 0.02 * t)
    return domain, 1.5, 9.0


@case(raises="AssertionError")
def elevation_continuous(anuga: ModuleType) -> Leg:
    """Continuous elevation, which no flow algorithm of 4.1 steps."""
    domain = tidal(anuga)
    domain.set_using_discontinuous_elevation(False)
    return domain, 1.5, 9.0
