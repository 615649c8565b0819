"""Runs ANUGA's Barometric_pressure_operator over chunks of triangles.

Owns the gradient of the pressure, which ANUGA computes triangle by triangle in Python: on a
lean mesh that would compute one element at a time.  The pressure at the nodes is ANUGA's.
"""

from __future__ import annotations

import numpy as np
from anuga.config import rho_w
from anuga.operators.barometric_pressure import Barometric_pressure_operator as _StockOperator
from anuga.utilities.function_utils import evaluate_file_function_all_points

from anuga_lean.overlay.capabilities import pressure_sign
from anuga_lean.quantity.forms import Array, chunks, plane_gradient


class Barometric_pressure_operator(_StockOperator):
    """An operator that drives the water by the gradient of a pressure in Pa; see ANUGA's class."""

    def __call__(self) -> None:
        """Add a step's worth of the pressure gradient to the momenta."""
        domain = self.domain
        if domain.on_stock_arrays:
            super().__call__()
            return
        timestep = pressure_sign() * domain.get_timestep()  # a sign changes no other bit
        pressure = self._at_nodes()
        for ks in chunks(domain):
            place = slice(3 * ks.start, 3 * ks.stop)
            corner = domain.mesh.vertex_coordinates[place].reshape(-1, 3, 2)
            px, py = plane_gradient(corner, pressure[domain.mesh.triangles[ks]])
            weight = timestep * (self.stage_c[ks] - self.elev_c[ks])
            self.xmom_c[ks] += weight * px / rho_w
            self.ymom_c[ks] += weight * py / rho_w

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
