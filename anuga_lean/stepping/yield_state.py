"""Keeps the state of the last yield, from which vertex values follow until the next one.

Owns which operators and monitors read them in the middle of a run, the state
kept for those, and the vertex values computed from it.  Where nothing reads
them nothing is kept.  When the state may be taken is `step`'s.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean._class_names import lasting
from anuga_lean.quantity.forms import Array, Corners, Rows, Values
from anuga_lean.stepping import undo_record
from anuga_lean.stepping.bound_state import CONSERVED
from anuga_lean.stepping.kernel_run import bare_run
from anuga_lean.stepping.parameters import Parameters, set_parameters
from anuga_lean.stepping.prescribed import Prescribed

_LEVELS = frozenset(["stage", "elevation", "height"])
_ALL = _LEVELS | {"xmomentum", "ymomentum"}

# ANUGA's operators that read vertex values, by module and class.
_EROSION = ("anuga.operators.erosion_operators", "Erosion_operator")
_MAX_STAGE = ("anuga.operators.collect_max_stage_operator", "Collect_max_stage_operator")
_VISCOSITY = ("anuga.operators.kinematic_viscosity_operator", "Kinematic_viscosity_operator")
# Erosion that reads centroid values only, under any name it is inherited by.
_AT_CENTROIDS = frozenset(
    (_EROSION[0], f"{kind}.update_quantities")
    for kind in ("Erosion_operator", "Flat_slice_erosion_operator",
                 "Flat_fill_slice_erosion_operator"))


def wanted(domain: Any) -> frozenset[str]:
    """Return the quantities whose vertex values are read between yields."""
    names: frozenset[str] = frozenset()
    for operator in domain.fractional_step_operators:
        if _is(operator, _EROSION):
            update = type(operator).update_quantities
            if (update.__module__, getattr(update, "__qualname__", "")) not in _AT_CENTROIDS:
                names |= _LEVELS
        elif _is(operator, _MAX_STAGE) or (
                _is(operator, _VISCOSITY) and getattr(operator, "add_safety", False)):
            names |= _LEVELS
    if domain.protect_against_isolated_degenerate_timesteps:
        names |= _ALL       # it sets momenta at vertices, of one triangle at a time
    for name in domain.quantities_to_be_monitored or ():
        if name not in domain.quantities:
            names |= _ALL if "momentum" in name else _LEVELS
    return names


def _is(operator: Any, kind: tuple[str, str]) -> bool:
    """Whether `operator` is of a class of ANUGA's, which only scripts load."""
    module = sys.modules.get(kind[0])
    return module is not None and isinstance(operator, getattr(module, kind[1]))


class YieldState:
    """Takes the state of a yield if vertex values are read before the next one.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    parameters : Parameters

    Attributes
    ----------
    past : PastState or None
        What vertex values follow from until the next yield; None if nothing reads them.
    """

    def __init__(self, domain: Any, parameters: Parameters) -> None:
        self._domain = domain
        self._parameters = parameters
        self.past: PastState | None = None

    def take(self, run: _kernels.Run, names: frozenset[str],
             prescribed: Prescribed | None) -> None:
        """Take the state of a yield for the quantities whose vertex values are read later."""
        self.past = None
        if names:
            self.past = PastState(run, names, self._parameters.of_kernels, prescribed)

    def past_run(self) -> _kernels.Run | None:
        """Return a run with the state of the last yield; None where levels at vertices differ.

        They do where a script has set them since, or kernels cannot give them in ranges.
        """
        for name in ("elevation", "stage"):
            edges = getattr(self._domain.quantities[name].form("vertex"), "edges", None)
            if not isinstance(edges, PastEdges) or edges.past is not self.past:
                return None
        assert self.past is not None
        run = self.past.run(self._domain)
        return run if run.in_ranges else None

    def keep(self, run: _kernels.Run, names: frozenset[str],
             prescribed: Prescribed | None) -> None:
        """Take it before a step, if something has begun to need it since the yield."""
        if names and self.past is not None and names <= self.past.names:
            return
        self.take(run, names, prescribed)
        for name in names:
            self._domain.quantities[name].on_past(self.past)


@lasting("PastState")
class PastState:
    """The centroid values that the vertex values of the last yield follow from.

    Parameters
    ----------
    run : _kernels.Run
        Distributed; what is needed of its state is copied.
    names : frozenset of str
        Quantities to know the vertex values of.
    parameters : tuple
        The kernels' of this step, as `set_parameters` takes them.
    prescribed : Prescribed or None
        What bounds the reconstruction at boundary edges; copied.

    Attributes
    ----------
    names, parameters, prescribed
        As above, until the next yield or as long as a quantity shows these vertex values.
    arrays : dict of str to (number_of_triangles,) float64
        Elevation and stage (m), and the momenta (m2/s) among `names`: the raw state at
        centroids.
    remembering : bool
        Edge values of the chunk computed last are kept.

    Notes
    -----
    Holds 16 bytes per triangle, 32 where the momenta are among `names`.
    """

    def __init__(self, run: _kernels.Run, names: frozenset[str], parameters: tuple,
                 prescribed: Prescribed | None) -> None:
        self.names = names
        self.parameters = parameters
        bound = run.held()
        undone, before = undo_record.values_before(run)
        self.arrays: dict[str, Array] = {"elevation": bound["elevation"].copy()}
        for place, name in enumerate(CONSERVED):
            if name in names:
                self.arrays[name] = bound[name].copy()
                self.arrays[name][undone] = before[:, place]
        self.prescribed = None if prescribed is None else prescribed.copy()
        self._recent: tuple[slice, Array] | None = None
        self.remembering = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_recent": None}

    def vertex(self, name: str) -> Values:
        """Return the vertex values of a quantity as they were at the yield."""
        return Corners(PastEdges(self, name))

    def edges(self, domain: Any, name: str, ks: Rows) -> Array:
        """Return the edge values of triangles `ks` as they were: (m, 3) float64."""
        place = _kernels.EDGE_QUANTITIES[name]
        if not isinstance(ks, slice):
            return self.run(domain).edge_rows(name, np.ascontiguousarray(ks, np.int64))
        if self._recent is None or self._recent[0] != ks:
            run = self.run(domain)
            rows: NDArray[np.int64] = np.arange(ks.start, ks.stop, dtype=np.int64)
            if not self.remembering:
                return _kernels.edge_range(run, name, ks.start, len(rows)) if run.in_ranges \
                    else run.edge_rows(name, rows)
            self._recent = ks, run.all_edge_rows(rows)
        return self._recent[1][place]

    def remember(self, recent: bool) -> None:
        """Keep the rows of the chunk computed last, or drop them."""
        self.remembering = recent
        self._recent = None

    def run(self, domain: Any) -> _kernels.Run:
        """Return a run with the state as it was."""
        stage, bed = self.arrays["stage"], self.arrays["elevation"]
        uh, vh = (self.arrays.get(name, stage) for name in ("xmomentum", "ymomentum"))
        run = bare_run(domain)
        set_parameters(run, self.parameters)
        run.set_threads(domain.omp_num_threads)
        run.bind_state(stage, uh, vh, stage, bed, bed)
        if self.prescribed is not None:
            self.prescribed.bind(run, domain)
        return run


@lasting("PastEdges")
class PastEdges(Values):
    """A form of the edge values as they were at the last yield."""

    def __init__(self, past: PastState, name: str) -> None:
        self.past = past
        self.name = name

    def rows(self, domain: Any, ks: Rows) -> Array:
        return self.past.edges(domain, self.name, ks)

    def all(self, domain: Any) -> Array:
        run = self.past.run(domain)
        if not run.in_ranges:
            return super().all(domain)
        return _kernels.edge_range(run, self.name, 0, int(domain.number_of_triangles))
