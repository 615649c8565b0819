"""Gives the kernels the arrays of the quantities that a step works on.

Owns the names of the quantities by what a step does with them, and the binding of their
centroid and boundary values, which a script may replace by others at any time.  Arrays
that no quantity holds belong to `runge_kutta`, `wave_speeds` and `forcing`.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean.stepping import undo_record

CONSERVED = ("stage", "xmomentum", "ymomentum")
RECONSTRUCTED = ("stage", "xmomentum", "ymomentum", "elevation", "height")
_STATE = ("stage", "xmomentum", "ymomentum", "height", "elevation", "friction")
_quantities_of = itemgetter(*_STATE, *RECONSTRUCTED)
_centroids_of, _boundaries_of = attrgetter("centroid_values"), attrgetter("boundary_values")


class BoundState:
    """Keeps the kernels on the arrays that the quantities hold now.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain

    Notes
    -----
    The arrays belong to the quantities: centroid values, (number_of_triangles,) float64, and
    boundary values, (boundary_length,) float64; stages, depths and beds in m, momenta in m2/s.
    """

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self._bound: tuple[np.ndarray, ...] = ()
        self._owners: tuple[Any, ...] = ()      # the quantities of those

    def bind(self, run: _kernels.Run, reflective: np.ndarray) -> bool:
        """Give the kernels the present arrays; return whether one of them is new.

        Parameters
        ----------
        run : _kernels.Run
            The same at every call.
        reflective : (boundary_length,) uint8
            1 where the sweep writes the boundary values by itself.
        """
        if self.is_present():
            return False
        quantities = self._domain.quantities
        owners = _quantities_of(quantities)
        state = tuple([quantities[name].centroid_values for name in _STATE])
        edges = tuple([quantities[name].boundary_values for name in RECONSTRUCTED])
        bound = state + edges
        for j, name in enumerate(_STATE + RECONSTRUCTED if self._bound else ()):
            if owners[j] is not self._owners[j]:
                self._domain.lean.assigned.note(name, "quantity")
            elif bound[j] is not self._bound[j]:
                attribute = "centroid_values" if j < len(_STATE) else "boundary_values"
                self._domain.lean.assigned.note(name, attribute)
        run.bind_state(*state)
        run.bind_boundary(reflective, *edges)
        self._bound, self._owners = bound, owners
        return True

    def is_present(self) -> bool:
        """Whether the kernels have the arrays of the quantities that the domain has now."""
        owners = self._owners
        return _kernels.are_same(_quantities_of(self._domain.quantities), owners) \
            and _kernels.are_same((*map(_centroids_of, owners[:len(_STATE)]),
                                   *map(_boundaries_of, owners[len(_STATE):])), self._bound)

    def take_hidden(self) -> None:
        """Assign centroid values that a script has put into the dict of a quantity."""
        quantities = self._domain.quantities
        for quantity in self._owners[:len(_STATE)] or [quantities[name] for name in _STATE]:
            if "centroid_values" in quantity.__dict__:
                quantity.centroid_values = quantity.__dict__.pop("centroid_values")

    def protect(self, run: _kernels.Run) -> float:
        """Lift stages to the bed and stop water too shallow to flow, in place.

        Returns
        -------
        float
            Volume by which the stages were lifted, m3.
        """
        stage, bed = run.bound("stage"), run.bound("elevation")
        depth = stage - bed
        shallow = depth < self._domain.minimum_allowed_height
        run.bound("xmomentum")[shallow] = 0.0
        run.bound("ymomentum")[shallow] = 0.0
        below = np.flatnonzero(depth < 0.0)
        stage[below] = bed[below]
        run.clear_undo()
        return self._volume_lifted(below, depth[below])

    def lifted(self, run: _kernels.Run) -> float:
        """Return the volume by which the last distribute lifted stages to the bed, m3."""
        index, before = undo_record.values_before(run)
        depth = before[:, 0] - run.bound("elevation")[index]
        below = np.flatnonzero(depth < 0.0)
        return self._volume_lifted(index[below], depth[below])

    def _volume_lifted(self, triangles: np.ndarray, depth: np.ndarray) -> float:
        """Return the sum of -depth * area, m3, in the order of `triangles`, which ascends.

        That is ANUGA's order (core_protect) where it has one thread; the sum of several has none.
        """
        if not len(triangles):
            return 0.0
        return float(np.cumsum(-depth * self._domain.areas[triangles])[-1])
