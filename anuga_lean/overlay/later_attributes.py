"""Adds the attributes that later releases of ANUGA set on a domain and earlier ones did not.

Owns what a domain gets that an older ANUGA has made and the installed one continues;
whether it may continue is `checkpoint.releases`'.
"""

from __future__ import annotations

import dis
import inspect
from types import FunctionType
from typing import Any


def complete(domain: Any) -> None:
    """Give a domain what the installed ANUGA's classes expect and an older one did not set.

    Parameters
    ----------
    domain : anuga.Domain
        With its boundaries and operators.  What its boundaries prescribe is known when it is
        asked for; see `anuga_lean.stepping.prescribed`.
    """
    from anuga.shallow_water.boundaries import Time_stage_zero_momentum_boundary

    for boundary in (domain.__dict__.get("boundary_map") or {}).values():
        if isinstance(boundary, Time_stage_zero_momentum_boundary) and "f" in boundary.__dict__:
            boundary.__dict__.setdefault("function", boundary.__dict__["f"])
    for operator in domain.__dict__.get("fractional_step_operators") or ():
        # where an operator was pickled with its domain in it, the operator has no state yet
        if isinstance(getattr(operator, "__dict__", None), dict) and operator.__dict__:
            _complete_operator(operator, operator.__dict__)


def _sets(thing: Any, name: str) -> bool:
    """Whether ANUGA's class of an object sets an attribute, so that its code expects it.

    Looks into ANUGA's own functions, not into ours that stand in front of them.
    """
    codes = [inspect.unwrap(each).__code__ for cls in type(thing).__mro__
             if cls.__module__.startswith("anuga.")
             for each in vars(cls).values() if isinstance(each, FunctionType)]
    return any(step.opname == "STORE_ATTR" and step.argval == name
               for code in codes for step in dis.get_instructions(code))


def _complete_operator(operator: Any, held: dict[str, Any]) -> None:
    """Give an operator the attributes that came with later releases, if the installed one is."""
    from anuga.config import max_float
    from anuga.operators.collect_max_quantities_operator import Collect_max_quantities_operator
    from anuga.operators.kinematic_viscosity_operator import Kinematic_viscosity_operator

    if isinstance(operator, Collect_max_quantities_operator) and "_collected" not in held \
            and _sets(operator, "_collected"):
        held["_collected"] = bool((operator.max_stage > -max_float).any())
        held["_gpu_dom"] = None
    elif isinstance(operator, Kinematic_viscosity_operator) and "form" not in held:
        held["form"], held["scheme"] = "velocity", "implicit"   # the only ones before 4.2
        if "geo_structure_values" in held:
            held["_geo_structure_base"] = operator.geo_structure_values.copy()
            held["_geo_boundary_objects"], held["_geo_walls_set"] = None, False
    elif "_rates_cache" in held and "time_step" not in held and _sets(operator, "time_step"):
        # rain from rasters and patterns
        held["time_step"] = operator._raster.time_step if "_raster" in held \
            else operator._pattern.Tstep * 60.0
