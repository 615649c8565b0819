"""Takes a step of an inlet that lies on one rank without asking for anything twice.

Owns what ANUGA's Parallel_Inlet_operator, which anuga.Inlet_operator makes on one rank, too,
reads and writes in a step where it and its inlet run ANUGA's code; ANUGA's own code takes all
others.  How an inlet is filled to one level is in inlets.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.fractional_steps.inlets import _NO_STAGE, stages_filled_alone
from anuga_lean.fractional_steps.methods import Methods
from anuga_lean.fractional_steps.rate_changes import second_of_zeros

Call = Callable[[Any], None]

_MODULE, _OF_INLETS = "anuga.parallel.parallel_inlet_operator", "anuga.parallel.parallel_inlet"
_STATE = ("stage", "elevation", "xmomentum", "ymomentum")
# What ANUGA calls of an inlet, and what these call in turn.
_ASKED = ("get_global_total_water_volume", "get_global_area", "get_velocities", "get_areas",
          "get_stages", "get_depths", "get_elevations", "get_xmoms", "get_ymoms", "set_stages",
          "set_stages_evenly", "set_depths", "set_xmoms", "set_ymoms")
_NUMBERS = (float, np.float64)
_sum = np.add.reduce


def asking_once(stock_call: Call) -> Call:
    """Wrap Parallel_Inlet_operator.__call__: an inlet on one rank is asked for everything once."""
    from anuga.parallel.parallel_inlet import Parallel_Inlet
    from anuga.parallel.parallel_inlet_operator import Parallel_Inlet_operator

    anugas = Methods(Parallel_Inlet, *_ASKED)
    adds_as_anuga = Methods(Parallel_Inlet_operator, "_add_fractional_step_volume")

    @functools.wraps(stock_call)
    def call(self: Any) -> None:
        inlet, domain = self.inlet, self.domain
        if not (inlet.domain is domain and anugas.are_of(inlet) and adds_as_anuga.are_of(self)
                and self.procs == inlet.procs == [self.myid]
                and self.master_proc == self.myid == inlet.master_proc == inlet.myid
                and not self.tracers.active() and _take_step(self, inlet, domain)):
            stock_call(self)

    return call


def _water_by_kernel(stage: Any, bed: Any, triangles: Any, areas: Any) -> Any:
    """Return the water in an inlet, m3; None where numpy has to sum it."""
    if not 0 < len(triangles) <= _kernels.IN_INLET or second_of_zeros() is None:
        return None
    try:
        held = _kernels.water_in(stage, bed, triangles, areas)
    except ArrayError:
        return None         # a script's own arrays, which numpy takes
    return None if held is None else np.float64(held)


def _pour_by_kernel(operator: Any, arrays: tuple[Any, ...], volume: Any, protection: Any) -> bool:
    """Fill an inlet, and set its momenta; return False, with nothing done, where numpy has to."""
    velocity = operator.velocity
    if type(volume) not in _NUMBERS or not volume >= 0.0:
        return False
    if velocity is not None:
        if type(velocity[0]) not in _NUMBERS or type(velocity[1]) not in _NUMBERS:
            return False
        velocity = np.array([velocity[0], velocity[1]])
    try:
        stage, bed, xmom, ymom, triangles, areas, order = arrays
        return _kernels.pour(stage, bed, xmom, ymom, triangles, areas, order, volume,
                             float(_NO_STAGE), protection, velocity,
                             bool(operator.zero_velocity))
    except ArrayError:
        return False


def _take_step(operator: Any, inlet: Any, domain: Any) -> bool:
    """Take a step as ANUGA does; return False, with nothing asked of the user, where it has to.

    Notes
    -----
    ANUGA 4.2.0, parallel/parallel_inlet_operator.py, Parallel_Inlet_operator.__call__.
    """
    quantities, triangles = domain.quantities, inlet.triangle_indices
    stage, bed = [quantities[name].centroid_values for name in _STATE[:2]]
    areas, area = inlet.get_areas(), inlet.area
    held = _water_by_kernel(stage, bed, triangles, areas)
    is_small = held is not None
    if held is None:
        held = _sum((stage.take(triangles) - bed.take(triangles)) * areas)
    if not held >= 0.0 or len(areas) == 0:
        return False    # ANUGA says what is amiss, or that it is next to nothing
    timestep, t = domain.get_timestep(), domain.get_time()
    volume = 0.5 * (operator.update_Q(t) + operator.update_Q(t + timestep)) * timestep
    check = getattr(sys.modules[_MODULE], "checked_inlet_volume", None)     # of ANUGA 4.2
    if check is not None:
        held = check(held, area)
    operator.applied_Q = volume / timestep
    # once more: the user's function may have written
    stage, bed, xmom, ymom = [quantities[name].centroid_values for name in _STATE]
    stages, protection = stage.take(triangles), sys.modules[_OF_INLETS].velocity_protection
    if is_small and _pour_by_kernel(operator, (stage, bed, xmom, ymom, triangles, areas,
                                               stages.argsort()), volume, protection):
        operator._add_fractional_step_volume(volume)
        operator.total_requested_volume += volume
        operator.total_applied_volume += volume
        return True
    elevations = bed.take(triangles)
    depths = stages - elevations
    over = depths**2 + protection
    u, v = depths * xmom.take(triangles) / over, depths * ymom.take(triangles) / over
    stops = operator.zero_velocity
    if volume >= 0.0:
        filled = stages_filled_alone(stages, areas, volume)
        if filled is None:
            inlet.set_stages_evenly(volume)
        else:
            stage.put(triangles, filled)
        operator._add_fractional_step_volume(volume)
        operator.total_requested_volume += volume
    elif held + volume >= 0.0:
        stage.put(triangles, elevations + (held + volume) / area)
        operator._add_fractional_step_volume(volume)
        operator.total_requested_volume += volume
    else:
        stage.put(triangles, elevations + 0.0)
        operator.total_requested_volume += volume
        volume = -held
        operator.applied_Q = -held / timestep
        operator._add_fractional_step_volume(-held)
        stops = True
    if stops:
        xmom.put(triangles, 0.0)
        ymom.put(triangles, 0.0)
    else:
        if operator.velocity is not None:
            u, v = operator.velocity[0], operator.velocity[1]
        depths = stage.take(triangles) - elevations
        xmom.put(triangles, depths * u)
        ymom.put(triangles, depths * v)
    operator.total_applied_volume += volume
    return True
