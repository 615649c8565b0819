"""Binds the kernels of a Rate_operator to its arrays, once for as long as they are the same.

Owns which arrays those are, and that an operator whose arrays do not suit a kernel is not
tried again before they are others.  What is asked of the operator is in rates.
"""

from __future__ import annotations

import functools
import os
from typing import Any
from weakref import ref

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.arrays.pairwise_sum import numpy_sums_in_runs, numpy_sums_pairwise
from anuga_lean.arrays.view import ArrayView
from anuga_lean.fractional_steps.zeros import larger_of_zeros

_FULL, _COUNT = "full_indices", "_lean_full_count"      # of full_triangles


class Bound:
    """The kernels of an operator, bound to its arrays.

    Parameters
    ----------
    arrays : tuple
        Those of the state, areas, indices, full places and their number, rates.

    Attributes
    ----------
    change : _kernels.RateChange or None
        None where an array is no kernel's.
    full : (count,) int64 or None
        Places of full triangles; None: the first ones.
    count : int
        Full triangles.
    operator : weakref of the Rate_operator
    coordinates : tuple or None
        Of a few triangles; of rates.
    """

    __slots__ = ("arrays", "change", "coordinates", "count", "full", "operator")

    def __init__(self, arrays: tuple) -> None:
        self.operator: Any = None   # set by `bound`
        self.coordinates: Any = None
        self.arrays = arrays
        stage, bed, height, xmom, ymom, areas, index, self.full, self.count, rates = arrays
        if self.full is not None:
            self.count = len(self.full)
        self.change: Any = None
        try:
            self.change = _kernels.RateChange(
                stage, bed, height, xmom, ymom, areas, index, self.full, self.count, rates,
                bool(second_of_zeros()), numpy_sums_in_runs(),
                os.environ.get("ANUGA_LEAN_ISA") or None)
        except ArrayError:
            pass            # a script's own arrays, which numpy takes: `change` stays None


_bound: dict[int, Bound] = {}       # by the id of the operator


def bound(operator: Any, indices: Any, rates: Any) -> Bound:
    """Return the kernels of an operator.

    Parameters
    ----------
    operator : Rate_operator
        Of a domain on lean kernels.
    indices : (m,) int64 or None
        Its triangles; None: all.
    rates : (n,) float64, m/s, or None
        Those that it holds, one per triangle of the mesh.
    """
    held = operator.__dict__
    arrays = (operator.stage_c, operator.elev_c, operator.height_c if indices is None else None,
              operator.xmom_c, operator.ymom_c, _areas(operator), indices,
              held.get(_FULL), held.get(_COUNT), rates)
    key = id(operator)
    known = _bound.get(key)
    if known is None or known.operator() is not operator:
        made = _bound[key] = Bound(arrays)
        made.operator = ref(operator, functools.partial(_drop, key))
        return made
    if not _kernels.are_same(arrays, known.arrays):
        made = _bound[key] = Bound(arrays)
        made.operator = known.operator
        return made
    return known


def is_unsuited(operator: Any, indices: Any) -> bool:
    """Whether kernels were refused this list of an operator's that holds no rates."""
    known = _bound.get(id(operator))
    return known is not None and known.change is None and known.arrays[6] is indices \
        and known.arrays[-1] is None and known.operator() is operator


def forget(operator: Any) -> None:
    """Let go of the arrays of an operator."""
    if _bound:
        _bound.pop(id(operator), None)


def _drop(key: int, operator: Any) -> None:
    """Forget an operator that is gone, if none has taken its id since."""
    known = _bound.get(key)
    if known is not None and known.operator is operator:
        del _bound[key]


def _areas(operator: Any) -> Any:
    """Return the areas of the operator's triangles as an array, m2."""
    areas = operator.areas
    if not isinstance(areas, ArrayView):
        return areas
    mesh = operator.domain.mesh
    return operator.domain.lean.areas() if areas is mesh.areas else np.asarray(areas)


@functools.cache
def second_of_zeros() -> bool | None:
    """Return `larger_of_zeros`; None, too, if numpy sums in another order or from another zero."""
    zeros = np.zeros(1003)
    from_zero = not any(np.signbit(np.sum(-zeros[:count])) for count in (1, 7, 8, 200, 1003))
    known = numpy_sums_pairwise() or numpy_sums_in_runs()
    return larger_of_zeros() if from_zero and known else None
