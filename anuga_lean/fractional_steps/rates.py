"""Runs ANUGA's Rate_operator by kernels, where these give the bits of its numpy.

Owns what is asked of the operator before a call (its rate, its factor), what is left to
ANUGA's own code, and the operator's bookkeeping of water.  The arithmetic is in
kernels/rates.c.  `overlay` puts it in place of `Rate_operator.__call__`, so that a
subclass that calls it, and one with a rate or a factor of its own, runs here too.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.arrays.pairwise_sum import numpy_sums_pairwise
from anuga_lean.arrays.picked import Picked
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.arrays.view import ArrayView
from anuga_lean.fractional_steps.full_triangles import full_places

Call = Callable[[Any], None]

# Lists of fewer triangles are left to ANUGA's code, which is as fast there.
_MANY = 1 << 11
# Fewer triangles a thread than this take longer to share than to change.
_PER_THREAD = 1 << 13


def by_kernels(stock_call: Call) -> Call:
    """Return what a Rate_operator is called with, `stock_call` where no kernel does it."""

    @functools.wraps(stock_call)
    def call(self: Any) -> None:
        indices = self.indices
        if indices is not None and len(indices) < _MANY or not _may_run(self):
            stock_call(self)
            return
        if self.rate_xarray:
            self._update_Q_xarray()
        domain = self.domain
        t, timestep = domain.get_time(), domain.get_timestep()
        factors = [self.get_factor()]
        rate = _rate(self, indices, t)
        factors.append(self.get_factor(t))
        if not _change(self, indices, rate, factors[1] * timestep, timestep):
            stock_call(_Known(self, _listed(rate, indices, domain), factors))

    return call


def _may_run(operator: Any) -> bool:
    """Whether kernels are for such an operator."""
    return not on_stock_arrays(operator.domain) and not operator.monitor \
        and not operator.tracers.needed() and second_of_zeros() is not None


def _rate(operator: Any, indices: Any, t: float) -> Any:
    """Return the rate as the operator gives it; one of a quantity or array for every triangle."""
    if operator.rate_spatial:
        return operator.get_spatial_rate(*_coordinates(operator, indices), t)
    if operator.rate_type == "quantity":
        return _OfTriangles(operator.rate.centroid_values)
    if operator.rate_type == "centroid_array":
        return _OfTriangles(operator.rate)
    return operator.get_non_spatial_rate(t)


def _coordinates(operator: Any, indices: Any) -> tuple[Any, Any]:
    """Return x and y of the centroids of the operator's triangles, m."""
    points, domain = operator.coord_c, operator.domain
    if indices is not None:
        rows = points[indices]
        return rows[:, 0].copy(), rows[:, 1].copy()
    if points is not domain.mesh.centroid_coordinates or not isinstance(points, ArrayView):
        return points[:, 0], points[:, 1]
    x, y = (Picked.of(each, points, itemgetter((slice(None), j)))
            for j, each in enumerate(_kernels.centroid_columns(domain.lean.ready())))
    return x, y


class _OfTriangles:
    """Rates of all triangles, of which an operator uses those of its list."""

    def __init__(self, values: Any) -> None:
        self.values = values


def _listed(rate: Any, indices: Any, domain: Any) -> Any:
    """Return a rate as ANUGA's code computes with it."""
    if not isinstance(rate, _OfTriangles):
        return rate
    return rate.values if indices is None else rate.values[indices]


class _Known:
    """Stands for an operator during ANUGA's call: its rate and factors have been asked for."""

    rate_xarray = rate_spatial = False
    rate_type = "t"

    def __init__(self, operator: Any, rate: Any, factors: list[Any]) -> None:
        self.__dict__.update(_operator=operator, _rate=rate, _factors=factors)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operator, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._operator, name, value)

    def get_factor(self, t: float | None = None) -> Any:
        """Return the factor that was found first, or the one found for t."""
        return self._factors[t is not None]

    def get_non_spatial_rate(self, t: float | None = None) -> Any:
        """Return the rate, whatever it depends on."""
        return self._rate


def _change(operator: Any, indices: Any, rate: Any, scale: Any, timestep: float) -> bool:
    """Change the state and the operator's account of water; return False if nothing was done.

    Parameters
    ----------
    scale : number
        Factor times timestep, s.
    """
    if isinstance(rate, _OfTriangles):
        rates = rate.values
    elif isinstance(rate, np.ndarray) and rate.size != 1:
        if rate.shape != (len(operator.areas),):
            return False
        rates = rate
    else:
        rates = None
        with np.errstate(all="ignore"):     # what is not finite is ANUGA's to warn of
            scale = scale * rate
    number = _number(scale)
    if number is None or not math.isfinite(number):
        return False
    full, count = full_places(operator)
    try:
        change = _kernels.RateChange(
            _threads(operator), operator.stage_c, operator.elev_c,
            operator.height_c if indices is None else None, operator.xmom_c, operator.ymom_c,
            _areas(operator), indices, full, count, rates, number, bool(second_of_zeros()),
            os.environ.get("ANUGA_LEAN_ISA") or None)
    except ArrayError:
        return False        # a script's own arrays, which numpy takes
    limited = change.takes if rates is not None else not bool(np.all(rate >= 0.0))
    volume, most, least = change.survey(limited)
    if not math.isfinite(volume):
        return False        # numpy has warnings for it
    if rates is None and not limited:
        largest = smallest = _of_one(scale, full, count, timestep)
    elif count == 0:
        largest = smallest = 0.0
    else:
        extremes = _signed((most, least), change, limited)
        if extremes is None:
            return False
        largest, smallest = (np.float64(value) / timestep if timestep != 0.0 else 0.0
                             for value in extremes)
    change.apply(limited)
    operator.local_influx = np.float64(volume)
    operator.local_max, operator.local_min = largest, smallest
    operator.cumulative_influx += operator.local_influx
    operator.domain.fractional_step_volume_integral += operator.local_influx
    return True


def _number(value: Any) -> float | None:
    """Return what is a number, or an array of one element, for float64; None for all else."""
    if isinstance(value, np.ndarray):
        one = value.dtype == np.float64 and value.ndim <= 1 and value.size == 1
        return float(value.item()) if one else None
    return float(value) if isinstance(value, (float, np.float32)) else None


def _threads(operator: Any) -> int:
    """Return how many threads the change is worth."""
    wanted = len(operator.areas) // _PER_THREAD
    return 1 if wanted <= 1 else min(wanted, operator.domain.lean.usable_threads())


def _areas(operator: Any) -> Any:
    """Return the areas of the operator's triangles as an array, m2."""
    areas = operator.areas
    if not isinstance(areas, ArrayView):
        return areas
    mesh = operator.domain.mesh
    return operator.domain.lean.areas() if areas is mesh.areas else np.asarray(areas)


def _of_one(change: Any, full: Any, count: int, timestep: float) -> Any:
    """Return the rate, m/s, of a change that is the same everywhere, as ANUGA finds it.

    A change in an array of one element counts as that of the only triangle if there is no
    more than that.
    """
    if isinstance(change, np.ndarray) and change.ndim:
        if count == 0:
            return 0.0
        if not np.any(np.arange(min(count, 2)) if full is None else full):
            change = change[0]
    return change / timestep if timestep != 0.0 else 0.0


def _signed(extremes: tuple[float, float], change: Any, limited: bool
            ) -> tuple[float, float] | None:
    """Return these values, zeros with the sign of numpy's; None if both signs are there."""
    if 0.0 not in extremes:
        return extremes
    positive, negative = change.zeros(limited)
    if positive and negative:
        return None     # numpy's depends on where they stand
    zero = -0.0 if negative else 0.0
    most, least = (value if value != 0.0 else zero for value in extremes)
    return most, least


@functools.cache
def second_of_zeros() -> bool | None:
    """Whether numpy's maximum of 0.0 and -0.0 is the second; None where the kernels do not fit.

    They do not where numpy decides by place, or sums in another order or from another zero.
    """
    zeros = np.zeros(1003)
    signs = np.signbit(np.maximum(zeros, -zeros)), ~np.signbit(np.maximum(-zeros, zeros))
    second = bool(signs[0][0])
    one_rule = all(np.all(each == second) for each in signs)
    from_zero = not any(np.signbit(np.sum(-zeros[:count])) for count in (1, 7, 8, 200, 1003))
    return second if one_rule and from_zero and numpy_sums_pairwise() else None
