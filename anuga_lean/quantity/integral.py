"""Integrates centroid values over a domain, with the rounding of ANUGA's get_integral."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from anuga_lean.arrays import pairwise_sum
from anuga_lean.memory_limits import telling
from anuga_lean.quantity.forms import Array, chunks


@telling("an integral over the domain")
def integral(domain: Any, values: Array, minus: Array | None = None,
             full_only: bool = True) -> np.float64:
    """Integrate centroid values over the domain, with the rounding of ANUGA's get_integral.

    Parameters
    ----------
    values : (n,) float64
    minus : (n,) float64, optional
        Subtracted from `values` first.
    full_only : bool
        Leave out ghost triangles.

    Returns
    -------
    float64
        Unit of the values times m2.
    """
    full = domain.full_flags() if full_only else None
    areas = domain.mesh.areas

    def products() -> Iterator[Array]:
        for ks in chunks(domain):
            product = values[ks] if minus is None else values[ks] - minus[ks]
            product = product * areas[ks]
            yield product if full is None else product[full[ks] == 1]

    count = len(values) if full is None else int(np.count_nonzero(full))
    return pairwise_sum.total(products(), count)
