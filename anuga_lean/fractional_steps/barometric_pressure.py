"""Runs ANUGA's Barometric_pressure_operator by a kernel.

Owns the pressure at the nodes, asked for as ANUGA does; its gradient is in
kernels/everywhere.c.
"""

from __future__ import annotations

import numpy as np
from anuga.config import rho_w
from anuga.operators.barometric_pressure import Barometric_pressure_operator as _StockOperator
from anuga.utilities.function_utils import evaluate_file_function_all_points

from anuga_lean import _kernels
from anuga_lean.fractional_steps.methods import run_for
from anuga_lean.overlay.capabilities import pressure_sign
from anuga_lean.quantity.forms import Array


class Barometric_pressure_operator(_StockOperator):
    """An operator that drives the water by the gradient of a pressure in Pa; see ANUGA's class."""

    def __call__(self) -> None:
        """Add a step's worth of the pressure gradient to the momenta."""
        domain = self.domain
        arrays = self.stage_c, self.elev_c, self.xmom_c, self.ymom_c
        if domain.on_stock_arrays or not _kernels.are_whole(arrays, domain.number_of_triangles):
            super().__call__()
            return
        timestep = pressure_sign() * domain.get_timestep()  # a sign changes no other bit
        pressure = np.ascontiguousarray(self._at_nodes())
        _kernels.press(run_for(domain, None), pressure, timestep, rho_w, *arrays)

    def _at_nodes(self) -> Array:
        """Return the pressure at the nodes now, (number_of_nodes,) Pa."""
        t, number_of_nodes = self.domain.get_time(), self.domain.get_number_of_nodes()
        if not self.use_coordinates:
            field = evaluate_file_function_all_points(self.pressure, t)
            values = field[0]
        elif callable(self.pressure):
            xy = np.asarray(self.domain.get_nodes())
            values = np.asarray(self.pressure(t, xy[:, 0], xy[:, 1]), float).ravel()
        else:
            values = float(self.pressure)
        return np.broadcast_to(values, number_of_nodes)


Barometric_pressure_operator.__module__ = _StockOperator.__module__
