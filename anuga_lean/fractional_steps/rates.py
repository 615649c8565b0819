"""Runs ANUGA's Rate_operator by kernels, where these give the bits of its numpy.

Owns what is asked of the operator before a call (its rate, its factor), what is left to
ANUGA's own code, and the operator's bookkeeping of water.  The arithmetic is in
kernels/rates.c, which arrays it runs on in rate_changes.  `overlay` puts it in place of
`Rate_operator.__call__`, so that a subclass that calls it, and one with a rate or a factor
of its own, runs here too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean._errors import ArrayError
from anuga_lean.arrays.view import ArrayView
from anuga_lean.fractional_steps.coordinates import Read, centroid_columns, reads
from anuga_lean.fractional_steps.methods import Methods
from anuga_lean.fractional_steps.rate_changes import (
    Bound,
    bound,
    forget,
    is_unsuited,
    second_of_zeros,
)

Call = Callable[[Any], None]

# Fewer triangles a thread than this take longer to share than to change.
_PER_THREAD = 1 << 13
# The coordinates of at most as many triangles are kept.
_FEW = 1 << 11
_NUMBERS = (float, np.float64)


def by_kernels(stock_call: Call) -> Call:
    """Return what a Rate_operator is called with, `stock_call` where no kernel does it."""

    @functools.wraps(stock_call)
    def call(self: Any) -> None:
        indices = self.indices
        if is_unsuited(self, indices):
            stock_call(self)
            return
        if indices is not None and len(indices) == 0 or not _may_run(self):
            forget(self)
            stock_call(self)
            return
        if self.rate_xarray:
            self._update_Q_xarray()
        rates = _own_rates(self)
        change = bound(self, indices, rates)
        if change.change is None and not self.rate_xarray:
            stock_call(self)
            return
        domain = self.domain
        t, timestep = domain.get_time(), domain.get_timestep()
        first = self.get_factor()
        rate = _rate(self, change, indices, t) if rates is None else None
        factor = self.get_factor(t)
        if not _change(self, change, rate, factor * timestep, timestep):
            if rates is not None:
                rate = rates if indices is None else rates[indices]
            stock_call(_Known(self, rate, [first, factor]))

    return call


def _may_run(operator: Any) -> bool:
    """Whether kernels are for such an operator."""
    return not (getattr(operator.domain, "on_stock_arrays", True) or operator.monitor
                or operator.tracers.needed()) and second_of_zeros() is not None


@functools.cache
def _as_in_anuga() -> Methods:
    from anuga.operators.rate_operators import Rate_operator

    return Methods(Rate_operator, "get_spatial_rate")


def _own_rates(operator: Any) -> Any:
    """Return the rates of all triangles that the operator holds; None if it is asked for them."""
    if operator.rate_spatial:
        return None
    kind = operator.rate_type
    if kind == "quantity":
        return operator.rate.centroid_values
    return operator.rate if kind == "centroid_array" else None


def _rate(operator: Any, change: Bound, indices: Any, t: float) -> Any:
    """Return the rate as the operator gives it."""
    if operator.rate_spatial:
        return operator.get_spatial_rate(*_coordinates(operator, change, indices), t)
    return operator.get_non_spatial_rate(t)


def _coordinates(operator: Any, change: Bound, indices: Any) -> tuple[Any, Any]:
    """Return x and y of the centroids of the operator's triangles, m."""
    points, domain = operator.coord_c, operator.domain
    computed = isinstance(points, ArrayView) and points._stored() is None
    of_mesh = points is domain.mesh.centroid_coordinates
    if indices is not None and (len(indices) > _FEW or not computed):
        if computed and of_mesh:
            return centroid_columns(domain, points, indices, _read(operator))
        rows = points[indices]
        return rows[:, 0].copy(), rows[:, 1].copy()
    if indices is not None:
        kept, key = change.coordinates, (domain.mesh.blocks, indices.tobytes())
        if kept is None or kept[0] is not key[0] or kept[1] != key[1] or kept[2] is not points:
            rows = points[indices]
            kept = change.coordinates = (*key, points, rows[:, 0].copy(), rows[:, 1].copy())
        return kept[3].copy(), kept[4].copy()
    if not computed or not of_mesh:
        return points[:, 0], points[:, 1]
    return centroid_columns(domain, points, None, _read(operator))


def _read(operator: Any) -> Read:
    """Return whether the function that is the rate reads x, and y."""
    return reads(operator.rate) if _as_in_anuga().are_of(operator) else (True, True)


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


def _change(operator: Any, change: Bound, rate: Any, scale: Any, timestep: float) -> bool:
    """Change the state and the operator's account of water; return False if nothing was done.

    Parameters
    ----------
    rate : number or (m,) array, m/s; None
        Everywhere, or of each triangle of the operator; None: the rates that it holds.
    scale : number
        Factor times timestep, s.
    """
    if change.change is None or rate is None and change.arrays[-1] is None:
        return False
    rates = None
    same = rate is not None
    if isinstance(rate, np.ndarray) and rate.size != 1:
        same, rates = False, rate
    if same:
        scale, number, limited = _times(scale, rate)
    else:
        number, limited = _number(scale), False
    if number is None or not math.isfinite(number):
        return False
    try:
        found = change.change.change(_threads(operator), number, limited, rates)
    except ArrayError:
        if rates is None:
            change.change = None    # a script's own list
        return False
    if found is None:
        return False            # numpy has warnings for it
    volume, most, least, limited, changes = found
    if same and not limited:
        operator.local_max = operator.local_min = _of_one(scale, change, timestep)
    elif change.count == 0 or timestep == 0.0:
        operator.local_max = operator.local_min = 0.0
    else:
        if changes is not None:     # numpy's choice of two zeros depends on where they stand
            most, least = changes.max(), changes.min()
        operator.local_max = np.float64(most) / timestep
        operator.local_min = np.float64(least) / timestep
    influx = operator.local_influx = np.float64(volume)
    operator.cumulative_influx += influx
    operator.domain.fractional_step_volume_integral += influx
    return True


def _times(scale: Any, rate: Any) -> tuple[Any, float | None, bool]:
    """Return scale times rate, the same as a number, and whether the rate may take water."""
    kinds = type(scale), type(rate)
    if kinds[0] in _NUMBERS and kinds[1] in _NUMBERS:
        number = float(scale) * float(rate)
        return number if kinds == (float, float) else np.float64(number), number, not rate >= 0.0
    with np.errstate(all="ignore"):     # what is not finite is ANUGA's to warn of
        product = scale * rate
    return product, _number(product), not bool(np.all(rate >= 0.0))


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


def _of_one(change: Any, bound_to: Bound, timestep: float) -> Any:
    """Return the rate, m/s, of a change that is the same everywhere, as ANUGA finds it.

    A change in an array of one element counts as that of the only triangle if there is no
    more than that.
    """
    if isinstance(change, np.ndarray) and change.ndim:
        full, count = bound_to.full, bound_to.count
        if count == 0:
            return 0.0
        if not np.any(np.arange(min(count, 2)) if full is None else full):
            change = change[0]
    return change / timestep if timestep != 0.0 else 0.0
