"""Checks the plain numbers of a restored domain: their kinds, their ranges, and what they count.

Owns the table of what evolve's loop, the kernels and the schedule of sets take from a domain.
Arrays are checked by `reading`, `stock_state` and the door to C; texts and paths by
`confinement`.  A script that sets such a number is checked in `stepping.progress`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from anuga_lean.checkpoint.file import COMPRESSIONS

_LONGEST = 1e15         # s, thirty million years: no time of a run is further away
_MOST = 1 << 53         # of anything that is counted: floats hold all whole numbers up to it
_MOST_THREADS = 1024    # libgomp ends the process where it cannot start one


class _Rule(NamedTuple):
    what: str
    holds: Callable[[Any], bool]

    def or_none(self) -> _Rule:
        return _Rule(f"{self.what} or None", lambda value: value is None or self.holds(value))


def _number(value: Any) -> float:
    """Return a number of any kind that a script may have set as a float; NaN if it is none."""
    is_one = isinstance(value, (int, float, np.number)) \
        or isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf"
    try:
        return float(value) if is_one and not isinstance(value, np.complexfloating) else math.nan
    except OverflowError:
        return math.nan


def _real(what: str, low: float, high: float, open_low: bool = False) -> _Rule:
    def holds(value: Any) -> bool:
        number = _number(value)
        return low <= number <= high and not (open_low and number == low)
    return _Rule(what, holds)


def _whole(low: int, high: int) -> _Rule:
    def holds(value: Any) -> bool:
        number = _number(value)
        return low <= number <= high and number == int(number)
    return _Rule(f"a whole number from {low} to {high}", holds)


def _one_of(*values: Any) -> _Rule:
    def holds(value: Any) -> bool:
        return value is None or isinstance(value, str) or not math.isnan(_number(value))
    return _Rule(f"one of {', '.join(map(repr, values))}",
                 lambda value: holds(value) and bool(value in values))


_POSITIVE = _real("a number above 0", 0.0, 1e308, open_low=True)
_POSITIVE_OR_INF = _real("a number above 0", 0.0, math.inf, open_low=True)
_NOT_NEGATIVE = _real("a number of at least 0", 0.0, 1e308)
_NOT_NEGATIVE_OR_INF = _real("a number of at least 0", 0.0, math.inf)
_TIME = _real("a time", -_LONGEST, _LONGEST)
_END = _real("a time", -_LONGEST, math.inf)
_COUNT = _whole(0, _MOST)
_FROM_1 = _whole(1, _MOST)
_SUBSTEPS = _whole(1, 3)
_KEEP = _Rule("a whole number above 0, 'all' or None", lambda value: value in (None, "all")
              or _FROM_1.holds(value))

_OF_DOMAIN: dict[str, _Rule] = {
    "starttime": _TIME, "relative_time": _TIME, "evolve_starttime": _TIME,
    "finaltime": _END.or_none(), "relative_finaltime": _END.or_none(),
    "yieldtime": _END.or_none(), "relative_yieldtime": _END.or_none(),
    "yieldstep": _POSITIVE_OR_INF.or_none(),
    "_timestep": _NOT_NEGATIVE_OR_INF, "_flux_timestep": _NOT_NEGATIVE_OR_INF,
    "timestep": _NOT_NEGATIVE_OR_INF, "flux_timestep": _NOT_NEGATIVE_OR_INF,
    "evolve_max_timestep": _POSITIVE_OR_INF, "evolve_min_timestep": _NOT_NEGATIVE,
    "fixed_flux_timestep": _POSITIVE.or_none(),
    "recorded_max_timestep": _NOT_NEGATIVE_OR_INF, "recorded_min_timestep": _NOT_NEGATIVE_OR_INF,
    "CFL": _POSITIVE, "_g": _NOT_NEGATIVE, "g": _NOT_NEGATIVE, "epsilon": _NOT_NEGATIVE,
    "H0": _NOT_NEGATIVE, "minimum_allowed_height": _NOT_NEGATIVE,
    "minimum_storable_height": _real("a number", -1e308, 1e308),
    "maximum_allowed_speed": _NOT_NEGATIVE,
    **dict.fromkeys(("beta_w", "beta_w_dry", "beta_uh", "beta_uh_dry", "beta_vh", "beta_vh_dry",
                     "beta_tracer", "vegetation_Cd", "vegetation_bed_chezy"), _NOT_NEGATIVE),
    "max_smallsteps": _FROM_1, "smallsteps": _COUNT, "number_of_steps": _COUNT,
    "number_of_first_order_steps": _COUNT, "yieldstep_counter": _COUNT,
    "output_frequency": _FROM_1, "checkpoint_step": _COUNT, "checkpoint_keep": _KEEP,
    "checkpoint_compression": _one_of(*COMPRESSIONS),
    "checkpoint_time": _NOT_NEGATIVE_OR_INF.or_none(),
    "low_froude": _one_of(0, 1, 2, 4, 5, 6), "default_order": _one_of(1, 2),
    "_order_": _one_of(1, 2), "timestep_fluxcalls": _whole(1, 3),
    "flow_algorithm": _one_of("DE0", "DE1", "DE2", "DE0_7", "DE1_7", "DE_ader2"),
    "timestepping_method": _one_of("euler", "rk2", "rk3", "ader2"),
    "compute_mode": _one_of("legacy", "unified"), "multiprocessor_mode": _one_of(1, 2),
    "omp_num_threads": _whole(1, _MOST_THREADS), "ghost_layer_width": _whole(0, 1000),
    "nsys": _whole(1, 100), "numproc": _whole(1, 1 << 24), "processor": _whole(0, 1 << 24),
    "number_of_global_triangles": _COUNT, "number_of_global_nodes": _COUNT,
    "vegetation_mode": _whole(0, 9), "n_sediment_classes": _COUNT, "number_of_tracers": _COUNT,
    "sediment_nearbed_base": _whole(-1, _MOST), "sediment_repose_max_sweeps": _whole(0, 10**6),
    **dict.fromkeys([f"sediment_{name}" for name in (
        "adaptation_mode", "bedload_mode", "d_star_mode", "deposition_mode", "erosion_mode",
        "friction_mode", "rouse_beta_mode", "shear_closure", "velocity_profile")], _whole(0, 99)),
}
_OF_STEP: dict[str, _Rule] = {
    "_fluxcalls": _SUBSTEPS, "_fluxcalls_seen": _SUBSTEPS, "_calls": _COUNT, "_base_call": _COUNT,
    "recording_speeds": _one_of(False, True),
}
_OF_KERNELS = (_NOT_NEGATIVE, _NOT_NEGATIVE, _NOT_NEGATIVE, None, _one_of(0, 1, 2),
               _one_of(False, True), _one_of(False, True))
_BETAS = 6      # at their place in those
_ALL_OF_MESH = ("number_of_elements", "number_of_nodes", "number_of_full_nodes")


def check(domain: Any, step_state: dict[str, Any] | None) -> None:
    """Raise ValueError unless the numbers of a restored domain are ones that a run can have.

    Parameters
    ----------
    domain : anuga_lean.checkpoint.domain.CheckpointedDomain
    step_state : dict or None
        What the file holds of its step; None on stock arrays.
    """
    held = domain.__dict__
    _check_all(held, _OF_DOMAIN, "")
    n = domain.number_of_triangles
    for name, most in (("number_of_elements", n), ("number_of_full_triangles", n),
                       ("number_of_nodes", domain.mesh.number_of_nodes),
                       ("number_of_full_nodes", domain.mesh.number_of_nodes),
                       ("number_of_riverwall_edges", 3 * n)):
        # ANUGA counts every node as full; with fewer its mean at nodes writes beside the array
        low = most if name in _ALL_OF_MESH else 0
        if name in held:
            _check_one(name, held[name], _whole(low, most))
    names = held.get("_tracer_names") or []
    if held.get("number_of_tracers", 0) != len(names) \
            or held.get("n_sediment_classes", 0) > len(names) \
            or held.get("sediment_nearbed_base", -1) > len(names):
        raise ValueError(f"{held.get('number_of_tracers')} tracers of {len(names)} names")
    if held.get("checkpoint") and not held.get("checkpoint_step", 1) \
            and held.get("checkpoint_time") is None:
        raise ValueError("checkpoints after neither yieldsteps nor seconds")
    if step_state is not None:
        _check_step(step_state)


_OF_EVOLVE: dict[str, _Rule] = {
    "yieldstep": _POSITIVE_OR_INF.or_none(), "outputstep": _POSITIVE_OR_INF.or_none(),
    "finaltime": _END.or_none(), "duration": _END.or_none(), "skip_initial_step": _one_of(0, 1)}


def check_call(call: Any) -> None:
    """Raise ValueError unless a file holds arguments of `evolve`."""
    if type(call) is not dict or set(call) != set(_OF_EVOLVE):
        raise ValueError("arguments of evolve that are not all there")
    _check_all(call, _OF_EVOLVE, "evolve's ")


# Attributes that say with which rank ANUGA exchanges messages: it would wait for others for ever.
_RANKS = ("myid", "master_proc", "procs", "enquiry_proc", "inlet_procs", "inlet_master_proc")


def check_ranks(made: list[Any], domain: Any, header: dict[str, Any]) -> None:
    """Raise ValueError unless a domain exchanges messages with the ranks of its set alone."""
    count, rank = header["ranks"], header["rank"]
    shares = bool(domain.parallel)
    if shares and (domain.numproc, domain.processor) != (count, rank):
        raise ValueError(f"rank {domain.processor} of {domain.numproc} in a file of rank {rank} "
                         f"of {count}")
    for name in ("full_send_dict", "ghost_recv_dict"):
        partners = domain.__dict__.get(name) or {}
        if type(partners) is not dict or not all(
                [_is_rank(each, count) for each in partners]):
            raise ValueError(f"{name} with ranks that are none of {count}")
    for each in made:
        held = getattr(each, "__dict__", None)
        for name in _RANKS:
            if type(held) is dict and name in held and (
                    not _are_ranks(held[name], count) or name == "myid" and held[name] != rank):
                raise ValueError(f"{type(each).__name__}.{name} is no rank of {count}")


def _is_rank(value: Any, count: int) -> bool:
    return isinstance(value, (int, np.integer)) and bool(0 <= value < count)


def _are_ranks(value: Any, count: int) -> bool:
    if isinstance(value, (list, tuple)):
        return all([_are_ranks(each, count) for each in value])
    return value is None or _is_rank(value, count)


def _check_step(state: dict[str, Any]) -> None:
    """Raise ValueError unless the constants that kernels are given again are ones they took."""
    _check_all(state, _OF_STEP, "of the step: ")
    parameters, of_kernels = state.get("parameters"), state.get("kernel_parameters", ())
    if parameters is not None:
        if type(parameters) is not dict:
            raise ValueError(f"parameters that are a {type(parameters).__name__}")
        _check_all(parameters, _OF_DOMAIN, "of the kernels: ")
    if type(of_kernels) is not tuple or len(of_kernels) not in (0, len(_OF_KERNELS)) \
            or bool(of_kernels) != (parameters is not None):
        raise ValueError("parameters of the kernels that are not all there")
    for place, (value, rule) in enumerate(zip(of_kernels, _OF_KERNELS, strict=False)):
        name = f"parameter {place} of the kernels"
        if rule is not None:
            _check_one(name, value, rule)
        elif type(value) is not tuple or len(value) != _BETAS:
            raise ValueError(f"{name} that is not {_BETAS} betas")
        else:
            for beta in value:
                _check_one(name, beta, _NOT_NEGATIVE)


def _check_all(held: dict[str, Any], rules: dict[str, _Rule], of: str) -> None:
    for name, rule in rules.items():
        if name in held:
            _check_one(of + name, held[name], rule)


def _check_one(name: str, value: Any, rule: _Rule) -> None:
    if not rule.holds(value):
        raise ValueError(f"{name} = {str(value):.40}, which is not {rule.what}")
