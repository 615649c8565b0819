"""Adds up the flux over the boundary after each step, as ANUGA's operator of every domain does.

Owns the average over the two substeps of rk2, for which ANUGA calls a sum of numpy's: of two
numbers it takes as long as a fifth of a step of 100 triangles.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[Any], None]


def adding_two(stock_call: Call) -> Call:
    """Return what the operator is called with, `stock_call` with other methods than rk2."""

    @functools.wraps(stock_call)
    def call(self: Any) -> None:
        domain = self.domain
        sums = domain.boundary_flux_sum
        if domain.timestepping_method != "rk2" or type(sums) is not np.ndarray \
                or sums.dtype != np.float64:
            stock_call(self)
            return
        self.boundary_flux_integral = self.boundary_flux_integral \
            + 0.5 * domain.timestep * (sums[0] + sums[1])
        sums[:] = 0.0

    return call
