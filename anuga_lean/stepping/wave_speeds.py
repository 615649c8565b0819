"""Records the largest wave speed at the edges of each triangle: ANUGA's max_speed.

Owns whether it is recorded, which costs 8 bytes per triangle and is done from the moment
that a script reads it.  The sweep writes it in the first substep of a step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np


class WaveSpeeds:
    """Records the wave speeds of a domain once they are asked for.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    compute : callable
        Writes the speeds of the present state into an array like `max_speed`; returns
        whether these are the speeds of a step that is under way.

    Attributes
    ----------
    max_speed : (number_of_triangles,) float64 or None
        m/s, of the first substep of the last step; None until it is asked for.
    are_recorded : bool
        Sweeps write `max_speed` from now on.
    """

    def __init__(self, domain: Any, compute: Callable[[np.ndarray], bool]) -> None:
        self._domain = domain
        self._compute = compute
        self.max_speed: np.ndarray | None = None
        self.are_recorded = False
        self._are_zero = True       # no sweep since they were set to zero

    def read(self) -> np.ndarray:
        """Return the speeds, (number_of_triangles,) m/s, recorded from now on."""
        if self.max_speed is None:
            self.max_speed = np.zeros(self._domain.number_of_elements)
            if not self._are_zero and not self._compute(self.max_speed):
                warnings.warn(
                    "max_speed was not recorded in the last step: these are the speeds of "
                    "the present state; from the next step on they are those of the step, "
                    "as in ANUGA.", UserWarning, stacklevel=4)
        self.are_recorded = True
        return self.max_speed

    def record_into(self, speeds: np.ndarray) -> None:
        """Record the wave speeds in this array from now on: (number_of_triangles,) float64, m/s."""
        self.max_speed = speeds
        self.are_recorded = True

    def set_zero(self) -> None:
        """Set max_speed to zero, without allocating it."""
        self._are_zero = True
        if self.max_speed is not None:
            self.max_speed[:] = 0.0

    def of_substep(self, substep: int) -> np.ndarray | None:
        """Return the array that the sweep of this substep writes speeds to, or None."""
        if substep == 0:
            self._are_zero = False
        if self._domain.protect_against_isolated_degenerate_timesteps:
            self.are_recorded = True
        if not self.are_recorded:
            return None
        if self.max_speed is None:
            self.max_speed = np.zeros(self._domain.number_of_elements)
        return self.max_speed if substep == 0 else None
