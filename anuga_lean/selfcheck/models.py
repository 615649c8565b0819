"""Lists small models that run some dozens of steps with yields and an SWW file.

They show what one step cannot: the order of things from substep to substep and over
yields, such as boundary values that the next reconstruction reads.
"""

from __future__ import annotations

from typing import NamedTuple


class Model(NamedTuple):
    """A channel of 80 m by 40 m with steep, dry banks and a hump of water.

    Attributes
    ----------
    algorithm, timestepping : str
        Of the flow, and the method instead of its own or ''.
    kind : str
        Boundary class at the tag a.
    low_froude : int
    tangential, sloped : bool
    rain, wall : str
        Rows of those groups, or ''.
    interior : bool
        Whether edges inside the mesh are tagged.
    again : bool
        Whether a second evolve follows, with stages set at a yield and other boundaries.
    """

    algorithm: str
    kind: str = "Reflective_boundary"
    timestepping: str = ""
    low_froude: int = 0
    tangential: bool = False
    sloped: bool = False
    rain: str = ""
    wall: str = ""
    interior: bool = False
    again: bool = False


MODELS: dict[str, Model] = {
    "dam_break": Model("DE0", again=True),
    "tide": Model("DE1", "Time_boundary"),
    "set_stage": Model("DE0", "Transmissive_n_momentum_zero_t_momentum_set_stage_boundary",
                       again=True),
    "discharge": Model("DE2", "Dirichlet_boundary", sloped=True),
    "rk3": Model("DE0", "Time_space_boundary", timestepping="rk3"),
    "rain": Model("DE1", "Transmissive_boundary", rain="time", sloped=True),
    "walls": Model("DE_ader2", "Flather_external_stage_zero_velocity_boundary", wall="through"),
    "ader2": Model("DE_ader2", "Time_boundary", interior=True),
    "low_froude": Model("DE0_7", "Characteristic_stage_boundary", low_froude=1, again=True),
    "interior": Model("DE1_7", "Absorbing_wave_boundary", low_froude=2, interior=True),
    "tangential": Model("DE1", "Dirichlet_boundary", low_froude=1, tangential=True),
    "file": Model("DE0", "File_boundary"),
}

YIELDSTEP = 2.0     # s
FINALTIME = 12.0    # s
