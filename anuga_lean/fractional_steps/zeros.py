"""Finds out what numpy makes of two zeros of different signs, which is the processor's affair.

The kernels that have to do the same are those of kernels/zeros.h: erosion and rates.
"""

from __future__ import annotations

import functools

import numpy as np

from anuga_lean._kernels import ZEROS_BY_SIGN


@functools.cache
def zeros_are_as_in_kernels() -> bool:
    """Whether numpy's maximum and minimum of two zeros are those of the kernels of erosion."""
    taken = [[bool(np.signbit(f(*pair))) for pair in ((0.0, -0.0), (-0.0, 0.0))]
             for f in (np.maximum, np.minimum)]
    second = [True, False]
    return taken == ([[False, False], [True, True]] if ZEROS_BY_SIGN else [second, second])


def larger_of_zeros() -> bool | None:
    """Return which of 0.0 and -0.0 numpy's maximum of arrays takes.

    Returns
    -------
    bool or None
        Whether it is the second; True, too, where the kernels go by the signs, as numpy does.
        None if numpy has another rule than the kernels, or several, by place.
    """
    zeros = np.zeros(1003)
    minus = np.signbit(np.maximum(zeros, -zeros)), np.signbit(np.maximum(-zeros, zeros))
    if ZEROS_BY_SIGN:
        return None if minus[0].any() or minus[1].any() else True
    second = bool(minus[0][0])
    return second if np.all(minus[0] == second) and np.all(minus[1] != second) else None
