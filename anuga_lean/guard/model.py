"""Describes what a script has built, so that a run goes on with the same model only.

Owns which settings, values, boundaries and operators are compared, and how a difference is named.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from anuga_lean.quantity.filling import FilledWhenRead

# Settings of a domain that a run does not change by itself.
_SETTINGS = (
    "flow_algorithm", "CFL", "g", "starttime", "minimum_allowed_height",
    "minimum_storable_height", "maximum_allowed_speed", "beta_w", "beta_w_dry", "beta_uh",
    "beta_uh_dry", "beta_vh", "beta_vh_dry", "fixed_flux_timestep", "evolve_max_timestep",
    "evolve_min_timestep", "low_froude", "compute_fluxes_method", "timestepping_method",
    "store", "smooth", "vegetation_mode")
# Attributes that tell the time, the process or where something is written.
_NOT_OF_A_MODEL = frozenset((
    "walltime", "communication", "log", "logfile", "logging", "verbose", "file", "filename",
    "outfile", "datadir", "myid", "procs"))
_DEPTH = 3      # of objects within an operator: the inlets of a culvert, their regions


def describe(domain: Any, with_values: bool) -> dict[str, str]:
    """Return what a model is made of, a text for each part.

    Parameters
    ----------
    domain : anuga.Domain
    with_values : bool
        Whether values at centroids and numbers of operators are looked at: an earlier evolve of
        the script has changed them.
    """
    found = {f"domain.{name}": _plain(getattr(domain, name, None)) for name in _SETTINGS}
    found["domain.tracers"] = ", ".join(domain.__dict__.get("_tracer_names") or ())
    if with_values:
        for name, quantity in domain.quantities.items():
            if isinstance(quantity, FilledWhenRead):
                quantity.fill()
            values = quantity.__dict__.get("_centroid_values")
            if values is not None:
                found[f"quantity {name}"] = _digest(values)
    for tag, boundary in sorted((domain.boundary_map or {}).items()):
        _describe(found, f"boundary {tag!r}", boundary, domain, _DEPTH if with_values else 0)
    for place, operator in enumerate(domain.fractional_step_operators):
        if operator is getattr(domain, "boundary_flux_integral", None):
            continue    # ANUGA's own, on every domain
        _describe(found, f"operator {place + 1}", operator, domain,
                  _DEPTH if with_values else 0)
    for place, term in enumerate(domain.forcing_terms):
        _describe(found, f"forcing term {place + 1}", term, domain, 0)
    for name in sorted(domain.quantities_to_be_monitored or ()):
        found[f"monitored {name}"] = "yes"
    walls = getattr(domain, "riverwallData", None)
    for name in sorted(getattr(walls, "names", None) or ()):
        found[f"riverwall {name}"] = "yes"
    return found


def difference(built: Mapping[str, str], stored: Mapping[str, str]) -> str | None:
    """Return how a model differs from the one that a set was written for; None if it does not."""
    for name in [*stored, *(each for each in built if each not in stored)]:
        ours, theirs = built.get(name), stored.get(name)
        if ours != theirs:
            return (f"{name} is {_shown(ours)} in the script, and was {_shown(theirs)} in the run "
                    "that is to go on")
    return None


def _shown(text: str | None) -> str:
    if text is None:
        return "not there"
    return "other values" if text.startswith("sha256 ") else text


def _describe(found: dict[str, str], name: str, value: Any, domain: Any, depth: int) -> None:
    """Add the class of an object and, down to a depth, what it is made with."""
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        found[name] = f"function {value.__module__}.{value.__qualname__}"
        return
    found[name] = f"{type(value).__module__}.{type(value).__qualname__}"
    for label in ("label", "description"):
        text = getattr(value, "__dict__", {}).get(label)
        if isinstance(text, str):
            found[f"{name}, {label}"] = text
    if depth <= 0:
        return
    own = {id(each) for quantity in domain.quantities.values()
           for each in vars(quantity).values()}
    for key, each in sorted(getattr(value, "__dict__", {}).items()):
        if id(each) in own or each is domain or not _NOT_OF_A_MODEL.isdisjoint(key.split("_")):
            continue
        text = _plain(each)
        if text:
            found[f"{name}, {key}"] = text
        elif isinstance(each, (list, tuple)) and key in ("inlets", "enquiry"):
            for place, one in enumerate(each):
                _describe(found, f"{name}, {key} {place + 1}", one, domain, depth - 1)
        elif type(each).__module__.startswith("anuga.") and key == "region":
            _describe(found, f"{name}, {key}", each, domain, depth - 1)


def _plain(value: Any) -> str:
    """Return the text of a number, a text, an array or a container of them; '' of another."""
    if value is None or isinstance(value, (bool, int, str, np.bool_)):
        return repr(value)
    if isinstance(value, (float, np.number)):
        return repr(float(value)) if not isinstance(value, np.complexfloating) else repr(value)
    if type(value) is np.ndarray and value.dtype.kind in "biufUS":
        return repr(value.tolist()) if value.size <= 8 else _digest(value)
    if isinstance(value, (list, tuple)):
        parts = [_plain(each) for each in value]
        return f"[{', '.join(parts)}]" if all(parts) and len(parts) <= 64 else ""
    if isinstance(value, dict):
        return _plain([[key, each] for key, each in value.items()])
    return ""


def _digest(values: np.ndarray) -> str:
    return "sha256 " + hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:32]
