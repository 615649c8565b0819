"""Drives the water by ANUGA's Wind_stress_operator without arrays of the mesh's size.

Owns what is asked for: one number where speed and angle are numbers, a kernel else.  The
formulas are ANUGA's; sines are numpy's own, which depend on the machine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.fractional_steps.coordinates import centroid_columns, reads
from anuga_lean.fractional_steps.methods import run_for

_LARGEST = 1.0e100      # m/s, degrees: numpy has warnings where more overflows
_VECTOR = 64            # no processor computes more elements together


def _stresses(speed: Any, angle: Any, factor: Any, timestep: float) -> tuple[Any, Any]:
    """Return what the wind adds to the momenta in a step, m2/s."""
    radians = angle * (pi / 180.0)
    u, v = speed * np.cos(radians), speed * np.sin(radians)
    stress = factor * np.sqrt(u**2 + v**2)
    return timestep * stress * u, timestep * stress * v


def blowing(call: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap Wind_stress_operator.__call__ so that a kernel computes."""

    @functools.wraps(call)
    def __call__(self: Any) -> None:
        domain = self.domain
        if on_stock_arrays(domain) or domain.mesh.overridden \
                or not _kernels.are_whole((self.xmom_c, self.ymom_c),
                                          domain.number_of_triangles):
            call(self)
        elif self.use_coordinates and not callable(self.speed) and not callable(self.phi):
            if not _blow_evenly(self):
                call(self)
        else:
            _blow(self)

    return __call__


def _evenly(operator: Any, values: Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]
            ) -> tuple[float, float] | None:
    """Return two values of the one wind; None if numpy does not give each place the same."""
    few = _VECTOR + operator.domain.number_of_elements % _VECTOR    # an array's end as it is there
    speed = 0.0 if callable(operator.speed) else float(operator.speed)
    found = values(np.full(few, speed), np.full(few, float(operator.phi)))
    if not all([(each.view(np.int64) == each.view(np.int64)[0]).all() for each in found]):
        return None
    return float(found[0][0]), float(found[1][0])


def _blow_evenly(operator: Any) -> bool:
    """Add the stress of one wind; False where numpy does not give each place the same."""
    timestep = operator.domain.get_timestep()
    stress = _evenly(operator, lambda speed, angle: _stresses(speed, angle, operator.const,
                                                              timestep))
    if stress is None:
        return False
    run = run_for(operator.domain, None)
    _kernels.add_to_all(run, operator.xmom_c, stress[0])
    _kernels.add_to_all(run, operator.ymom_c, stress[1])
    return True


def _turned(speed: np.ndarray, angle: np.ndarray) -> tuple[Any, Any]:
    """Return cosine and sine of angles in degrees."""
    radians = angle * (pi / 180.0)
    return np.cos(radians), np.sin(radians)


def _blow(operator: Any) -> None:
    """Add the stress of a wind that differs from place to place."""
    domain = operator.domain
    timestep, n = domain.get_timestep(), domain.number_of_elements
    speed, angle = _wind(operator)
    turned = None
    if operator.use_coordinates and not callable(operator.phi):
        turned = _evenly(operator, _turned)
    if np.shape(speed) == np.shape(angle) == (n,) \
            and speed.dtype == angle.dtype == np.float64 \
            and (turned is None or abs(float(operator.phi)) < _LARGEST) \
            and _kernels.blow(run_for(domain, None), operator.xmom_c, operator.ymom_c,
                              _for_kernel(speed), np.ascontiguousarray(angle) if turned is None
                              else turned, operator.const, timestep, _LARGEST):
        return
    xstress, ystress = _stresses(np.array(speed), np.array(angle), operator.const, timestep)
    operator.xmom_c[:] += xstress
    operator.ymom_c[:] += ystress


def _wind(operator: Any) -> tuple[Any, Any]:
    """Return speed (m/s) and angle (degrees) as ANUGA asks for them."""
    from anuga.utilities.function_utils import evaluate_file_function_all_points

    domain = operator.domain
    t, n = domain.get_time(), domain.number_of_elements
    if operator.use_coordinates:
        both = operator.speed, operator.phi
        of_x, of_y = zip(*[reads(each, 1) for each in both if callable(each)], strict=True)
        x, y = centroid_columns(domain, domain.centroid_coordinates, None, (any(of_x), any(of_y)))
        speed, angle = (
            np.asarray(each(t, x, y), dtype=float).ravel() if callable(each)
            else np.broadcast_to(float(each), n) for each in both)
        return speed, angle
    field = evaluate_file_function_all_points(operator.speed, t)
    if field.ndim == 1:
        speed, angle = (np.broadcast_to(each, n) for each in field)
        return speed, angle
    return field[0], field[1]


def _for_kernel(values: np.ndarray) -> float | np.ndarray:
    """Return the one number that is everywhere, or an array of numbers side by side."""
    return float(values[0]) if values.strides == (0,) else np.ascontiguousarray(values)
