"""Drives the water by ANUGA's Wind_stress_operator without arrays of the mesh's size.

Owns the sums: one number where speed and angle are numbers, some triangles at a time else.
The formulas are ANUGA's and numpy's, whose sines depend on the machine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import pi
from operator import itemgetter
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.arrays.picked import Picked
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.fractional_steps.methods import is_whole

_AT_ONCE = 1 << 14      # triangles; whole vectors, so that each is with the others it is with
_VECTOR = 64            # no processor computes more elements together


def _stresses(speed: Any, angle: Any, factor: Any, timestep: float) -> tuple[Any, Any]:
    """Return what the wind adds to the momenta in a step, m2/s."""
    radians = angle * (pi / 180.0)
    u, v = speed * np.cos(radians), speed * np.sin(radians)
    stress = factor * np.sqrt(u**2 + v**2)
    return timestep * stress * u, timestep * stress * v


def blowing(call: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap Wind_stress_operator.__call__ so that it computes some triangles at a time."""

    @functools.wraps(call)
    def __call__(self: Any) -> None:
        domain = self.domain
        if on_stock_arrays(domain) or domain.mesh.overridden \
                or not all([is_whole(each, domain) for each in (self.xmom_c, self.ymom_c)]):
            call(self)
        elif self.use_coordinates and not callable(self.speed) and not callable(self.phi):
            if not _blow_evenly(self):
                call(self)
        else:
            _blow(self)

    return __call__


def _blow_evenly(operator: Any) -> bool:
    """Add the stress of one wind; False where numpy does not give each place the same."""
    domain = operator.domain
    few = _VECTOR + domain.number_of_elements % _VECTOR     # the end of an array as it is there
    x, y = _stresses(np.full(few, float(operator.speed)), np.full(few, float(operator.phi)),
                     operator.const, domain.get_timestep())
    if not all([(each.view(np.int64) == each.view(np.int64)[0]).all() for each in (x, y)]):
        return False
    run = domain.lean.ready()
    _kernels.add_to_all(run, operator.xmom_c, float(x[0]))
    _kernels.add_to_all(run, operator.ymom_c, float(y[0]))
    return True


def _blow(operator: Any) -> None:
    """Add the stress of a wind that differs from place to place."""
    from anuga.utilities.function_utils import evaluate_file_function_all_points

    domain = operator.domain
    t, timestep, n = domain.get_time(), domain.get_timestep(), domain.number_of_elements
    if operator.use_coordinates:
        view = domain.centroid_coordinates
        x, y = (Picked.of(each, view, itemgetter((slice(None), j)))
                for j, each in enumerate(_kernels.centroid_columns(domain.lean.ready())))
        speed, angle = (
            np.asarray(each(t, x, y), dtype=float).ravel() if callable(each)
            else np.broadcast_to(float(each), n) for each in (operator.speed, operator.phi))
    else:
        field = evaluate_file_function_all_points(operator.speed, t)
        speed, angle = (np.broadcast_to(each, n) for each in field) if field.ndim == 1 \
            else (field[0], field[1])
    parts = [slice(start, start + _AT_ONCE) for start in range(0, n, _AT_ONCE)] \
        if np.shape(speed) == np.shape(angle) == (n,) else [slice(None)]
    for part in parts:
        xstress, ystress = _stresses(np.ascontiguousarray(speed[part]),
                                     np.ascontiguousarray(angle[part]), operator.const, timestep)
        operator.xmom_c[part] += xstress
        operator.ymom_c[part] += ystress
