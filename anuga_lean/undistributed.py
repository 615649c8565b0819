"""The update of a state that nobody has distributed.

Owns what a script gets that calls `domain.update_conserved_quantities()` by
itself: the fluxes of the last step, or none, over the raw centroid values.
Inside a step the update belongs to the kernels (`step`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anuga_lean.step import CONSERVED

if TYPE_CHECKING:
    from anuga_lean.step import Step


def can_update(step: Step) -> bool:
    """Whether the fluxes and friction that ANUGA would apply now are at hand."""
    if step.friction_due or step.run is None:
        return not step.friction_due
    # With more stages than one the last fluxes have gone into the state.
    return step.domain.timestep_fluxcalls == 1 and step.backup is None


def update(step: Step) -> tuple[int, float]:
    """Add the fluxes over `domain.timestep` and lift what falls below the bed.

    Returns
    -------
    tuple of int and float
        How many triangles were lifted, and the volume that added, m3.

    Notes
    -----
    ANUGA 4.1.0, core_update_conserved_quantities with semi-implicit updates of
    zero, then core_negative_cells_volume and core_fix_negative_cells.
    """
    domain = step.domain
    values = [domain.quantities[name].centroid_values for name in CONSERVED]
    fluxes = np.zeros(3) if step.work is None else step.work
    for old, flux in zip(values, fluxes, strict=True):
        new = old + domain.timestep * flux
        divisor = old - domain.timestep * 0.0
        divided = (old != 0.0) & (divisor * old > 0.0)
        new[divided] = new[divided] * old[divided] / divisor[divided]
        old[:] = new
    stage, bed = values[0], domain.quantities["elevation"].centroid_values
    negative = stage - bed < 0.0
    full = domain.full_flags()
    if full is not None:
        negative &= full > 0
    ks = np.flatnonzero(negative)
    added = (bed[ks] - stage[ks]) * domain.areas[ks]
    stage[ks] = bed[ks]
    for momentum in values[1:]:
        momentum[ks] = 0.0
    return ks.size, float(np.add.accumulate(added)[-1]) if ks.size else 0.0
