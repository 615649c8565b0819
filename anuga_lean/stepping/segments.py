"""Evaluates ANUGA's boundary classes for all edges of a tag at once.

Owns the classes that ANUGA asks edge by edge, in Python: their arithmetic over arrays of
edges, and which of them are as ANUGA has them.  A function of the user's is called as often
as ANUGA calls it.  Whether such a function can read the domain is found out in `boundary`;
edge values come from `edge_values`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import (
    Boundary,
    Dirichlet_boundary,
    File_boundary,
    Time_boundary,
    Time_space_boundary,
    Transmissive_boundary,
)
from anuga.fit_interpolate.interpolate import (
    Interpolation_function,
    Modeltime_too_early,
    Modeltime_too_late,
)
from anuga.shallow_water import boundaries as _boundaries
from anuga.shallow_water.boundaries import (
    Absorbing_wave_boundary,
    Characteristic_stage_boundary,
    Characteristic_wave_boundary,
    Dirichlet_discharge_boundary,
    Field_boundary,
    Flather_external_stage_zero_velocity_boundary,
    Time_stage_zero_momentum_boundary,
    Transmissive_momentum_set_stage_boundary,
    Transmissive_n_momentum_zero_t_momentum_set_stage_boundary,
    Transmissive_stage_zero_momentum_boundary,
)
from anuga.utilities.numerical_tools import NAN
from numpy.typing import NDArray

from anuga_lean._kernels import EDGE_QUANTITIES
from anuga_lean.stepping.shown_domain import ShownDomain
from anuga_lean.stepping.shown_edges import ShownEdges
from anuga_lean.stepping.user_methods import Functions

Array = NDArray[np.float64]
# Stage (m) and momenta (m2/s) of each edge: arrays (m,), or one value for all; empty if written.
State = tuple[Any, ...]

_CHANGES = 4    # of a stage on one segment, after which each edge is scaled by itself
_CONSERVED = ["stage", "xmomentum", "ymomentum"]
_MOMENTA_AND_DEPTH = ("xmomentum", "ymomentum", "height", "elevation")
# ANUGA 4.2 scales the momentum at a stage that is set; 4.1 does not.
_momentum_scale: Callable[[Any, Any], Any] | None = getattr(_boundaries, "_momentum_scale", None)


class Segment:
    """The edges of one tag, and what of them stays the same.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    edges : sequence of int
        In the boundary enumeration.
    """

    def __init__(self, domain: Any, edges: Any) -> None:
        self.domain = domain
        self.edges = edges
        self.ids = np.array(edges, np.int64)
        cells, columns = (each.take(self.ids)
                          for each in (domain.boundary_cells, domain.boundary_edges))
        self._taken = cells.tobytes(), columns.tobytes()
        self.cells, self.columns = np.array(cells, np.int64), np.array(columns, np.int64)
        self._elements = 3 * np.arange(len(self.cells)) + self.columns    # of (m, 3) rows
        self._places: tuple[Any, NDArray[np.int64]] | None = None
        self._normals: Array | None = None
        self.normals_in_a_row: Array | None = None      # (2 m,), those of x first, once asked for
        self._midpoints: Array | None = None
        self._edges_shown: ShownEdges | None = None
        self.shown = ShownDomain(self)

    def is_of(self, edges: Any) -> bool:
        """Whether these are the edges, and the mesh has them where it had them."""
        domain, ids = self.domain, self.ids
        return edges is self.edges and len(edges) == len(ids) \
            and self._taken == (domain.boundary_cells.take(ids).tobytes(),
                                domain.boundary_edges.take(ids).tobytes())

    def edge_values(self, name: str) -> Array:
        """Return the values of a quantity at the edges, (m,)."""
        edges = self.domain.lean.edges
        known = edges.at_edges(self.cells, self._elements)
        if known is None:
            return edges.rows(name, self.cells).take(self._elements)
        return known[EDGE_QUANTITIES[name]].copy()

    def edge_values_of(self, names: tuple[str, ...]) -> list[Array]:
        """Return the same of several quantities, not to be written."""
        known = self.domain.lean.edges.at_edges(self.cells, self._elements)
        if known is None:
            return [self.edge_values(name) for name in names]
        return [known[EDGE_QUANTITIES[name]] for name in names]

    def normals(self) -> tuple[Array, Array]:
        """Return the components of the outward normals, (m,) each."""
        if self._normals is None:
            rows = np.asarray(self.domain.normals[self.cells])
            place = np.arange(len(rows))
            self._normals = np.array([rows[place, 2 * self.columns],
                                      rows[place, 2 * self.columns + 1]])
            self.normals_in_a_row = self._normals.ravel()
        return self._normals[0], self._normals[1]

    def midpoints(self) -> Array:
        """Return the midpoints of the edges, (m, 2) m, relative to the mesh's origin."""
        if self._midpoints is None:
            self._midpoints = np.array(
                self.domain.mesh.edge_midpoint_coordinates[3 * self.cells + self.columns])
        return self._midpoints

    @property
    def edges_shown(self) -> ShownEdges:
        """Edge values at hand where one after the other is asked for."""
        if self._edges_shown is None:
            self._edges_shown = ShownEdges(self.domain, self.cells, self.columns)
        return self._edges_shown

    def places_in(self, numbers: dict[tuple[int, int], int]) -> NDArray[np.int64]:
        """Return the numbers that a File_boundary has given to the edges, (m,)."""
        if self._places is None or self._places[0] is not numbers:
            pairs = zip(self.cells.tolist(), self.columns.tolist(), strict=True)
            self._places = numbers, np.array([numbers[pair] for pair in pairs], np.int64)
        return self._places[1]


# -- what each class makes of its edges; None leaves it to ANUGA's own code -------------------


def _state_kept(boundary: Any, segment: Segment) -> State | None:
    if segment.domain.centroid_transmissive_bc:
        return None
    return tuple([segment.edge_values(name) for name in _CONSERVED])


def _stage_kept(boundary: Any, segment: Segment) -> State:
    return segment.edge_values("stage"), 0.0, 0.0


def _constant(boundary: Any, segment: Segment) -> State | None:
    values = boundary.dirichlet_values
    return tuple(values) if type(values) is np.ndarray and values.shape == (3,) else None


def _of_time(boundary: Any, segment: Segment) -> State:
    found = boundary.get_boundary_values()
    if len(found) == 3:
        return found[0], found[1], found[2]
    boundary.get_boundary_values = lambda: found    # it is not asked twice
    try:
        boundary.evaluate_segment(segment.domain, segment.edges)
    finally:
        del boundary.get_boundary_values
    return ()


def _stage_of_time(boundary: Any, segment: Segment) -> State:
    return boundary.get_boundary_values(), 0.0, 0.0


def _discharge(boundary: Any, segment: Segment) -> State | None:
    if type(boundary.stage0) not in _NUMBERS or type(boundary.wh0) not in _NUMBERS:
        return None
    n1, n2 = segment.normals()
    return boundary.stage0, -boundary.wh0 * n1, -boundary.wh0 * n2


def _stage_set(boundary: Any, segment: Segment) -> State | None:
    function, t = boundary.function, boundary.domain.get_time()
    if hasattr(function, "time") and t > function.time[-1]:     # it begins again, which is logged
        return None
    if not is_series(function):
        _ask_for_stages(boundary, segment, t)
        return ()
    stage = _as_float(function(t))
    return stage, *_momenta_at(segment, stage, slice(None))


def _ask_for_stages(boundary: Any, segment: Segment, t: float) -> None:
    """Write the values of one edge after the other, as the function may read those before."""
    written = [segment.domain.quantities[name].boundary_values for name in _CONSERVED]
    stage = 0.0
    momenta: Any = None
    beyond = changes = first = 0
    for k, i in enumerate(segment.ids.tolist()):
        found = _as_float(boundary.function(t))
        if k >= beyond or found != stage or found == 0.0:
            changes += 1
            beyond = len(segment.ids) if changes < _CHANGES and found != 0.0 else k + 1
            stage, first = found, k
            momenta = _momenta_at(segment, stage, slice(k, beyond))
        written[0][i] = found
        written[1][i], written[2][i] = momenta[0][k - first], momenta[1][k - first]


def _normal_momentum_kept(boundary: Any, segment: Segment) -> State | None:
    if segment.domain.centroid_transmissive_bc:
        return None
    n1, n2 = segment.normals()
    stage = _as_float(boundary.get_boundary_values())
    lean = segment.domain.lean
    if lean.edges.are_of_present(segment.cells) and lean.ready().keep_normal_momentum(
            segment.ids, segment.cells, segment.columns, segment.normals_in_a_row, stage,
            _momentum_scale is not None):
        return ()
    xmomentum, ymomentum, height, elevation = segment.edge_values_of(_MOMENTA_AND_DEPTH)
    across = n1 * xmomentum + n2 * ymomentum
    if _momentum_scale is not None:
        across = across * _momentum_scale(stage - elevation, height)
    return stage, across * n1, across * n2


def _momenta_at(segment: Segment, stage: float, part: slice) -> tuple[Array, Array]:
    """Return the momenta at edges where the stage (m) is set, as far as ANUGA scales them."""
    xmomentum, ymomentum = (segment.edge_values(name)[part] for name in _CONSERVED[1:])
    if _momentum_scale is None:
        return xmomentum, ymomentum
    scale = _momentum_scale(stage - segment.edge_values("elevation")[part],
                            segment.edge_values("height")[part])
    return xmomentum * scale, ymomentum * scale


def _as_float(value: Any) -> float:
    """Return a stage as a set-stage boundary takes it from its function."""
    try:
        return float(value)
    except (ValueError, TypeError):
        return float(value[0])


def _of_file(boundary: Any, segment: Segment) -> State | None:
    function = boundary.F
    if not is_series(function) or len(function.quantity_names) != 3:
        return None
    places = segment.places_in(boundary.boundary_indices)
    t = boundary.domain.get_time()
    try:
        first = function(t, point_id=places[0])     # finds the frame and checks the time
    except Modeltime_too_early:
        return None
    except Modeltime_too_late:
        if type(boundary.default_boundary) is not Dirichlet_boundary \
                or not _is_as_in_anuga(boundary.default_boundary):
            return None
        values = boundary.evaluate(segment.cells[0], segment.columns[0])    # says so once
        return tuple(values) if len(values) == 3 else None
    if not function.spatial:
        found: list[Array] = [np.full(len(places), value) for value in first]
    else:
        values = [function.precomputed_values[name] for name in function.quantity_names]
        if any([type(each) is not np.ndarray or each.dtype != np.float64 for each in values]):
            return None
        found = [_between(each, function.time, function.index, t, places) for each in values]
    if any([(each == NAN).any() for each in found]):
        return None     # ANUGA's own code says where
    return found[0], found[1], found[2]


def _between(values: Array, time: Array, index: int, t: float,
             places: NDArray[np.int64]) -> Array:
    """Return values at points, linear in time, as `Interpolation_function.__call__` has them."""
    before = values[index, places]
    ratio = 0 if t == time[index] else (t - time[index]) / (time[index + 1] - time[index])
    if not ratio > 0:
        return before
    after = values[index + 1, places]
    both_missing = (before == NAN) & (after == NAN)
    if both_missing.any():
        return before       # some of it is missing, which is all that is asked
    return before + ratio * (after - before)


def _of_field(boundary: Any, segment: Segment) -> State | None:
    file_boundary = boundary.file_boundary
    if type(file_boundary) is not File_boundary or not _is_as_in_anuga(file_boundary) \
            or type(boundary.mean_stage) not in _NUMBERS \
            or list(boundary.domain.conserved_quantities) != _CONSERVED:
        return None
    state = _of_file(file_boundary, segment)
    return None if state is None else (state[0] + boundary.mean_stage, state[1], state[2])


def _of_time_and_place(boundary: Any, segment: Segment) -> State:
    written = [segment.domain.quantities[name].boundary_values for name in _CONSERVED]
    for k, (x, y) in enumerate(segment.midpoints()):
        try:
            found = boundary.function(boundary.domain.get_time(), x, y)
        except Modeltime_too_early as error:
            raise Modeltime_too_early(error) from error
        except Modeltime_too_late as error:
            found = _too_late(boundary, error, segment.cells[k], segment.columns[k])
        if len(found) != len(_CONSERVED):
            raise Exception("Boundary must return array of either conserved or evolved quantities")
        for j, values in enumerate(written):
            values[segment.ids[k]] = found[j]
    return ()


def _too_late(boundary: Any, error: Exception, cell: int, column: int) -> Any:
    """Return the default of a boundary whose function has ended, as ANUGA does."""
    import anuga.utilities.log as log

    if boundary.default_boundary is None:
        raise Exception(error) from error
    found = boundary.default_boundary.evaluate(cell, column).copy()
    if boundary.default_boundary_invoked is False:
        if boundary.verbose:
            log.info(f"{error}Instead I will use the default boundary: "
                     f"{boundary.default_boundary}\n"
                     "Note: Further warnings will be supressed")
        boundary.default_boundary_invoked = True
    return found


_NUMBERS = (int, float, np.float64)
_EVALUATED: dict[type, Callable[[Any, Segment], State | None]] = {
    Dirichlet_boundary: _constant,
    Dirichlet_discharge_boundary: _discharge,
    Field_boundary: _of_field,
    File_boundary: _of_file,
    Time_boundary: _of_time,
    Time_space_boundary: _of_time_and_place,
    Time_stage_zero_momentum_boundary: _stage_of_time,
    Transmissive_boundary: _state_kept,
    Transmissive_momentum_set_stage_boundary: _stage_set,
    Transmissive_n_momentum_zero_t_momentum_set_stage_boundary: _normal_momentum_kept,
    Transmissive_stage_zero_momentum_boundary: _stage_kept,
}
# Those that ANUGA evaluates for all edges at once, from edge values and normals.
_BY_SEGMENT = frozenset([
    Absorbing_wave_boundary, Characteristic_stage_boundary, Characteristic_wave_boundary,
    Flather_external_stage_zero_velocity_boundary])
_loop_over_edges = Boundary.evaluate_segment
_METHODS = frozenset(["evaluate", "evaluate_segment", "get_boundary_values", "get_time"])
_ANUGAS = {cls: Functions(cls, (*_METHODS, "__call__")) for cls in (
    *_EVALUATED, *_BY_SEGMENT, Interpolation_function)}


def _is_as_in_anuga(found: Any) -> bool:
    """Whether an object of one of ANUGA's classes runs ANUGA's code, and no other."""
    functions = _ANUGAS.get(type(found))
    return functions is not None and functions.are_those_of(type(found)) \
        and _METHODS.isdisjoint(found.__dict__)


def _is_asked_edge_by_edge(boundary: Any) -> bool:
    """Whether ANUGA's loop over the edges evaluates a boundary."""
    return getattr(type(boundary), "evaluate_segment", None) is _loop_over_edges \
        and "evaluate_segment" not in getattr(boundary, "__dict__", ())


def _ask_each(boundary: Any, segment: Segment) -> None:
    """Write what a boundary returns, edge after edge, as `Boundary.evaluate_segment` does."""
    quantities, shown = segment.domain.quantities, segment.edges_shown
    stage, xmomentum, ymomentum = [quantities[name].boundary_values for name in _CONSERVED]
    triples = zip(segment.edges, segment.cells, segment.columns, strict=True)
    for shown.place, (i, shown.cell, shown.column) in enumerate(triples):
        found = boundary.evaluate(shown.cell, shown.column)
        if len(found) != 3:
            raise Exception("Boundary must return array of either conserved or evolved quantities")
        stage[i], xmomentum[i], ymomentum[i] = found[0], found[1], found[2]


def is_series(function: Any) -> bool:
    """Whether a function is a time series of ANUGA's, whose values follow from the time."""
    return type(function) is Interpolation_function and _is_as_in_anuga(function)


def reads_edges_only(boundary: Any) -> bool:
    """Whether a boundary, its `function` apart, reads only the time, the bed and edge values."""
    if not _is_as_in_anuga(boundary):
        return False
    if type(boundary) is Field_boundary:
        return reads_edges_only(boundary.file_boundary)
    return type(boundary) is not File_boundary or (
        is_series(boundary.F)
        and (boundary.default_boundary is None
             or type(boundary.default_boundary) is Dirichlet_boundary
             and _is_as_in_anuga(boundary.default_boundary)))


class Segments:
    """The segments of a domain, by tag.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    """

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self._of: dict[Any, Segment] = {}

    def of(self, tag: Any, edges: Any) -> Segment:
        """Return the segment of a tag with these edges."""
        found = self._of.get(tag)
        if found is None or not found.is_of(edges):
            found = self._of[tag] = Segment(self._domain, edges)
        return found

    def evaluate(self, boundary: Any, tag: Any, edges: Any) -> None:
        """Let a boundary write the boundary values of a tag."""
        domain = self._domain
        if len(edges) and _is_as_in_anuga(boundary) \
                and getattr(boundary, "domain", domain) is domain \
                and list(domain.evolved_quantities) == _CONSERVED \
                and list(domain.conserved_quantities) == _CONSERVED:
            segment = self.of(tag, edges)
            if type(boundary) in _BY_SEGMENT and not domain.centroid_transmissive_bc:
                boundary.evaluate_segment(segment.shown, segment.ids)
                return
            state = _EVALUATED[type(boundary)](boundary, segment) \
                if type(boundary) in _EVALUATED else None
            if state is not None:
                for name, values in zip(_CONSERVED, state, strict=False):
                    domain.quantities[name].boundary_values[segment.ids] = values
                return
        if not len(edges) or not _is_asked_edge_by_edge(boundary):
            boundary.evaluate_segment(domain, edges)
            return
        segment = self.of(tag, edges)
        segment.edges_shown.begin()
        try:
            if list(domain.evolved_quantities) == list(domain.conserved_quantities) == _CONSERVED:
                _ask_each(boundary, segment)
            else:
                boundary.evaluate_segment(domain, edges)
        finally:
            segment.edges_shown.end()
