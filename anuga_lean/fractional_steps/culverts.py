"""Moves water through culverts without asking their inlets twice for the same.

Owns what a step of a culvert asks of its two inlets, where these run ANUGA's code, and which
type of culvert ANUGA's compiled function takes an operator for.  How much water flows that
function says; to which level an inlet is filled is in inlets.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean.fractional_steps.methods import Methods

_MODULE = "anuga.structures.structure_operator"
# What ANUGA calls of an inlet, and what these call in turn.
_ASKED = ("get_area", "get_areas", "get_stages", "get_elevations", "get_enquiry_stage",
          "get_enquiry_xmom", "get_enquiry_ymom", "get_enquiry_elevation", "set_stages",
          "set_xmoms", "set_ymoms", "set_average_depth", "set_average_momenta")
# And of one that may lie on several ranks, as anuga.Boyd_box_operator makes it on one, too.
_ASKED_ON_RANKS = ("get_average_depth", "get_total_water_volume", "get_depths")


def remembering_types(type_of: Callable[[Any], int | None]) -> Callable[[Any], int | None]:
    """Wrap _c_culvert_type_of: each class of operators is looked at once."""
    known: dict[type, int | None] = {}

    @functools.wraps(type_of)
    def _c_culvert_type_of(op: Any) -> int | None:
        kind = type(op)
        try:
            return known[kind]
        except KeyError:
            found = known[kind] = type_of(op)
            return found

    return _c_culvert_type_of


def asking_once(call: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap _call_c_culvert: what ANUGA's function asks its inlets for is asked for once."""
    from anuga.parallel.parallel_inlet_enquiry import Parallel_Inlet_enquiry
    from anuga.structures.inlet_enquiry import Inlet_enquiry

    anugas = Methods(Inlet_enquiry, *_ASKED)
    on_ranks = Methods(Parallel_Inlet_enquiry, *_ASKED, *_ASKED_ON_RANKS)

    @functools.wraps(call)
    def _call_c_culvert(op: Any) -> None:
        first, second = op.inlets[0], op.inlets[1]
        if op.domain is first.domain is second.domain:
            if on_ranks.are_of(first) and on_ranks.are_of(second):
                if first.enquiry_index >= 0 and second.enquiry_index >= 0:
                    _move_water(op, first, second, True)
                    return
            elif anugas.are_of(first) and anugas.are_of(second):
                _move_water(op, first, second, False)
                return
        call(op)

    return _call_c_culvert


class _State:
    """The centroid values that a culvert reads and writes, (n,) float64 each."""

    __slots__ = ("bed", "stage", "xmom", "ymom")

    def __init__(self, quantities: Any) -> None:
        self.stage = quantities["stage"].centroid_values
        self.xmom = quantities["xmomentum"].centroid_values
        self.ymom = quantities["ymomentum"].centroid_values
        self.bed = quantities["elevation"].centroid_values


def _move_water(op: Any, first: Any, second: Any, on_ranks: bool) -> None:
    """Take a culvert's step as ANUGA does; `on_ranks`: its inlets may lie on several.

    Notes
    -----
    ANUGA 4.1.0, structures/structure_operator.py, _call_c_culvert.
    """
    module = sys.modules[_MODULE]
    apply, gather = module._get_c_culvert_funcs()
    domain = op.domain
    state = _State(domain.quantities)
    areas = first.get_areas(), second.get_areas()
    inverts = first.invert_elevation, second.invert_elevation
    found = [_asked(inlet, state, its_areas, gather)
             for inlet, its_areas in zip((first, second), areas, strict=True)]
    (smooth_delta, smooth_flow, inflow_place, in_depth, in_xmom, in_ymom, out_depth, out_xmom,
     out_ymom, gain, discharge, velocity, driving, delta, depth_in_outlet) = apply(
        module._c_culvert_type_of(op), domain.g,
        float(getattr(op, "culvert_width", 0.0)),
        float(getattr(op, "culvert_height", 0.0)),
        float(getattr(op, "culvert_diameter", 0.0)),
        float(getattr(op, "culvert_z1", 0.0)),
        float(getattr(op, "culvert_z2", 0.0)),
        op.culvert_length, op.manning, op.sum_loss,
        float(getattr(op, "culvert_blockage", getattr(op, "blockage", 0.0))),
        float(getattr(op, "culvert_barrels", getattr(op, "barrels", 1.0))),
        1 if op.use_velocity_head else 0,
        1 if op.use_momentum_jet else 0,
        1 if getattr(op, "use_old_momentum_method", True) else 0,
        1 if getattr(op, "always_use_Q_wetdry_adjustment", True) else 0,
        op.max_velocity, op.smoothing_timescale,
        first.outward_culvert_vector[0], first.outward_culvert_vector[1],
        second.outward_culvert_vector[0], second.outward_culvert_vector[1],
        *[0.0 if each is None else float(each) for each in inverts],
        *[int(each is not None) for each in inverts],
        op.smooth_delta_total_energy, op.smooth_Q, domain.get_timestep(), *found[0], *found[1])
    op.smooth_delta_total_energy = smooth_delta
    op.smooth_Q = smooth_flow
    inflow, outflow = op.inlets[inflow_place], op.inlets[1 - inflow_place]
    op.inflow, op.outflow = inflow, outflow
    for place, inlet, depth, xmom, ymom in (
            (inflow_place, inflow, in_depth, in_xmom, in_ymom),
            (1 - inflow_place, outflow, out_depth, out_xmom, out_ymom)):
        _fill(inlet, state, areas[place], (found[place][5], depth), on_ranks, (xmom, ymom))
    op.accumulated_flow += gain
    if domain.yieldstep:
        op.discharge_abs_timemean += gain / domain.yieldstep
    op.discharge = discharge
    op.velocity = velocity
    op.driving_energy = driving
    op.delta_total_energy = delta
    op.outlet_depth = depth_in_outlet


def _asked(inlet: Any, state: _State, areas: Any, gather: Callable[..., Any]) -> tuple[Any, ...]:
    """Return what the compiled function takes of an inlet; its average depth is the sixth."""
    place, area = inlet.enquiry_index, inlet.area
    return (state.stage[place], state.xmom[place], state.ymom[place], state.bed[place],
            *gather(np.ascontiguousarray(inlet.triangle_indices, np.intc), areas, state.stage,
                    state.xmom, state.ymom, state.bed, area), area)


def _fill(inlet: Any, state: _State, areas: Any, depths_of_all: tuple[float, float],
          on_ranks: bool, momenta: tuple[float, float]) -> None:
    """Bring an inlet from one average depth, m, to another, and to average momenta, m2/s.

    Notes
    -----
    ANUGA 4.1.0, set_average_depth and set_average_momenta of structures/inlet.py and
    parallel/parallel_inlet.py, which goes by the average on its rank.
    """
    triangles = inlet.triangle_indices
    elevations, stages = state.bed.take(triangles), state.stage.take(triangles)
    old, new = depths_of_all
    if on_ranks:
        local = np.add.reduce((stages - elevations) * areas) / inlet.area \
            if inlet.area > 0.0 else 0.0
        old, new = local, local + (new - old)
    state.stage.put(triangles, sys.modules["anuga.structures.inlet"].level_stages_to_average(
        stages, elevations, areas, old, new))
    if inlet.area <= 0.0:
        return
    depths = np.maximum(state.stage.take(triangles) - elevations, 0.0)
    average = float(np.dot(depths, areas)) / inlet.area
    weights = 0.0 * depths if average <= 0.0 else depths / average
    state.xmom.put(triangles, momenta[0] * weights)
    state.ymom.put(triangles, momenta[1] * weights)
