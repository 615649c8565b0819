"""Lowers the bed by ANUGA's Erosion_operator on all triangles without arrays of their length.

Owns what stands in the place of its `update_quantities` there; those on some triangles, and
the operators that derive from it, run ANUGA's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.fractional_steps.methods import is_whole, number


@functools.cache
def _second_of_two_zeros_is_taken() -> bool:
    """Whether numpy takes of zeros with different signs the second one, as the kernel does."""
    pairs = np.array([[0.0, -0.0], [-0.0, 0.0]])
    return all([bool(np.signbit(f(*pair)) == np.signbit(pair[1]))
                for f in (np.maximum, np.minimum) for pair in pairs])


def eroding(update: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Wrap Erosion_operator.update_quantities so that kernels lower the bed of all triangles."""

    @functools.wraps(update)
    def update_quantities(self: Any) -> bool:
        domain = self.domain
        arrays = self.elev_c, self.stage_c, self.xmom_c, self.ymom_c
        if on_stock_arrays(domain) or self.indices is not None \
                or number(self.threshold) is None or number(self.base) is None \
                or not domain.get_using_discontinuous_elevation() \
                or not all([is_whole(each, domain) for each in arrays]) \
                or not _second_of_two_zeros_is_taken():
            return update(self)
        self.max_change = np.float64(_kernels.erode(
            domain.lean.ready(), *arrays, self.threshold, self.get_timestep(), self.base))
        return True

    return update_quantities
