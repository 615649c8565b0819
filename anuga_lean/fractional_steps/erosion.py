"""Lowers the bed by ANUGA's Erosion_operator without arrays of its triangles' length.

Owns what stands in the place of its `update_quantities`, and of Bed_shear_erosion_operator's;
others that derive from it run ANUGA's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.fractional_steps.methods import listed, number, run_for
from anuga_lean.fractional_steps.zeros import zeros_are_as_in_kernels


def eroding(update: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Wrap Erosion_operator.update_quantities so that a kernel lowers the bed."""

    @functools.wraps(update)
    def update_quantities(self: Any) -> bool:
        domain = self.domain
        arrays = self.elev_c, self.stage_c, self.xmom_c, self.ymom_c
        at = None if self.indices is None else listed(self.indices)
        if on_stock_arrays(domain) or (at is None) != (self.indices is None) \
                or number(self.threshold) is None or number(self.base) is None \
                or not domain.get_using_discontinuous_elevation() \
                or not _kernels.are_whole(arrays, domain.number_of_triangles) \
                or not zeros_are_as_in_kernels():
            return update(self)
        run = run_for(domain, None if at is None else len(at))
        try:
            most = _kernels.erode(run, *arrays, self.threshold, self.get_timestep(), self.base, at)
        except ArrayError:
            return update(self)     # a list that has a triangle twice
        self.max_change = np.float64(most)
        return True

    return update_quantities


def shearing(update: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Wrap Bed_shear_erosion_operator.update_quantities so that a kernel lowers the bed.

    Notes
    -----
    The vertex values of the stage are those of the last yield, and known from its state.
    """

    @functools.wraps(update)
    def update_quantities(self: Any) -> bool:
        domain = self.domain
        run = None if on_stock_arrays(domain) else domain.lean.yields.past_run()
        arrays = self.elev_c, self.stage_c, self.xmom_c, self.ymom_c
        threshold, shear_factor, base = (
            number(each) for each in (self.threshold, self.shear_factor, self.base))
        if run is None or threshold is None or not shear_factor or base is None \
                or not domain.get_using_discontinuous_elevation() \
                or not _kernels.are_whole(arrays, domain.number_of_triangles) \
                or not zeros_are_as_in_kernels():
            return update(self)
        chosen = None
        if self.indices is not None:
            chosen = np.zeros(domain.number_of_triangles, np.uint8)
            chosen[self.indices] = 1
        for name, prefix in (("elevation", "elev"), ("stage", "WLev")):
            quantity = domain.quantities[name]
            quantity.compute_local_gradients()      # for who reads them: the kernel does not
            setattr(self, f"{prefix}_gx", quantity.x_gradient)
            setattr(self, f"{prefix}_gy", quantity.y_gradient)
        _kernels.scour(run, *arrays, threshold, shear_factor, self.get_timestep(), base, chosen)
        return True

    return update_quantities
