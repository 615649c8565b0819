"""Warns when a script puts another array in the place of one that ANUGA goes on with.

ANUGA's kernels keep the arrays they got at the first step, and its operators those they got
when they were made: it computes with these, and reports and stores the new one.  Here the
values of the new one count (`quantity/compact.py`, `bound_state`).  Owns the warning only.
"""

from __future__ import annotations

import warnings
from typing import Any

from anuga_lean._errors import AssignmentWarning

# What a script can write instead.
_INSTEAD = {
    "centroid_values": "q.centroid_values[:] = a, or q.set_values(a, location='centroids')",
    "boundary_values": "q.boundary_values[:] = a",
    "quantity": "q.set_values(other)",
}


class Assigned:
    """Warns once for each array of a domain that a script replaces.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    """

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self._told: set[str] = set()

    def note(self, name: str, attribute: str) -> None:
        """Warn if ANUGA would go on with an array of a quantity from before.

        Parameters
        ----------
        name : str
            Of the quantity.
        attribute : {"centroid_values", "boundary_values", "quantity"}
            What was replaced; "quantity" is the entry of `domain.quantities`.
        """
        holder = self._holder(name)
        if holder:
            what = f"quantities[{name!r}]"
            self._tell(what if attribute == "quantity" else f"{what}.{attribute}", holder,
                       _INSTEAD[attribute])

    def note_table(self, name: str) -> None:
        """Warn if ANUGA's kernels would go on with the table `name` of the mesh from before."""
        if self._domain.lean.run is not None:
            self._tell(name, "the first step", f"domain.{name}[:] = a")

    def _tell(self, what: str, holder: str, instead: str) -> None:
        if what in self._told:
            return
        self._told.add(what)
        warnings.warn(
            f"domain.{what} was assigned after {holder}: ANUGA would go on computing with the "
            "array from before while it shows and stores this one; anuga_lean computes with the "
            f"values of this one. With {instead}, both do the same.",
            AssignmentWarning, stacklevel=5)

    def _holder(self, name: str) -> str:
        """Say since when ANUGA holds the centroid values; empty if nothing holds them."""
        if self._domain.lean.run is not None:
            return "the first step"
        held = self._domain.quantities[name].centroid_values
        for operator in self._domain.fractional_step_operators:
            if operator is not self._domain.boundary_flux_integral \
                    and any([each is held for each in vars(operator).values()]):
                return f"{type(operator).__name__} was made"
        return ""
