"""Finds out what a lean step has to know of ANUGA's boundary objects.

Owns two questions: does the sweep reflect this wall by itself, and can the
boundary run code of the user's that reads the domain in the middle of a
step.  If it cannot, nothing need be written before the update.
"""

from __future__ import annotations

import dis
import types
from typing import Any

import numpy as np
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import (
    Compute_fluxes_boundary,
    Dirichlet_boundary,
    Transmissive_boundary,
)
from anuga.shallow_water.boundaries import (
    Reflective_boundary,
    Transmissive_stage_zero_momentum_boundary,
)

from anuga_lean.stepping.segments import is_series, reads_edges_only

_evaluate_reflective = Reflective_boundary.evaluate_segment

# Boundaries that run no code but ANUGA's.
_CLOSED = (Dirichlet_boundary, Transmissive_boundary, Compute_fluxes_boundary,
           Transmissive_stage_zero_momentum_boundary, type(None))
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.ufunc,
          types.BuiltinFunctionType)
_HARMLESS_MODULES = ("math", "numpy", "scipy", "datetime", "time")


def is_wall(boundary: Any) -> bool:
    """Whether this is ANUGA's reflective wall, without changes of the user's."""
    return (type(boundary) is Reflective_boundary and walls_are_anugas()
            and "evaluate_segment" not in boundary.__dict__)


def walls_are_anugas() -> bool:
    """Whether no script has changed the class of reflective walls."""
    return Reflective_boundary.evaluate_segment is _evaluate_reflective


def reflect_velocities(domain: Any, ids: Any, vol: Any, edge: Any) -> None:
    """Write the boundary values of set velocities at reflective walls.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    ids, vol, edge : (m,) int64
        Boundary edges by number, and by triangle and edge.

    Notes
    -----
    sw_domain_openmp.c, _openmp_evaluate_reflective_segment.  No fluxes read
    them; only kinematic viscosity and scripts give the velocities edge values.
    """
    u, v = (domain.quantities[name] for name in ("xvelocity", "yvelocity"))
    p, q = u.edge_values[vol, edge], v.edge_values[vol, edge]
    normals = domain.normals[vol]
    n1, n2 = normals[np.arange(len(vol)), 2 * edge], normals[np.arange(len(vol)), 2 * edge + 1]
    r1, r2 = p * n1 + q * n2, p * n2 - q * n1
    u.boundary_values[ids] = n1 * r1 - n2 * r2
    v.boundary_values[ids] = n2 * r1 + n1 * r2


def may_look(boundary: Any, number_of_triangles: int) -> bool:
    """Whether evaluating this boundary may run code that reads the domain.

    Parameters
    ----------
    boundary : anuga Boundary or None
    number_of_triangles : int
        Arrays of that length may be the domain's own.

    Notes
    -----
    A function of time is followed through everything it can reach by name;
    whatever is not plainly harmless counts as looking.
    """
    if type(boundary) is Transmissive_boundary and boundary.domain.centroid_transmissive_bc:
        return True     # it reads centroid values, which distribute protects
    if type(boundary) in _CLOSED or is_wall(boundary):
        return False
    if reads_edges_only(boundary):
        return not _is_harmless(
            getattr(boundary, "function", None), number_of_triangles, set())
    return True


def _is_harmless(value: Any, n: int, seen: set[int]) -> bool:
    """Whether the domain, or a part of it, cannot be reached from `value`."""
    if id(value) in seen or isinstance(value, _PLAIN):
        return True
    seen.add(id(value))
    if isinstance(value, types.ModuleType):
        return value.__name__.split(".")[0] in _HARMLESS_MODULES
    if isinstance(value, np.ndarray):
        return value.dtype != object and value.base is None and value.shape[:1] != (n,)
    if isinstance(value, (tuple, list, set, frozenset)):
        return len(value) < 1000 and all(_is_harmless(item, n, seen) for item in value)
    if isinstance(value, dict):
        return len(value) < 1000 and all(_is_harmless(item, n, seen) for item in value.values())
    if isinstance(value, types.FunctionType):
        return _is_harmless_function(value, n, seen)
    if is_series(value):
        return True
    module = type(value).__module__
    if module.split(".")[0] == "scipy":
        return True
    return isinstance(value, type) and value.__module__ in ("builtins", "datetime")


def _is_harmless_function(function: types.FunctionType, n: int, seen: set[int]) -> bool:
    reached: list[Any] = [function.__defaults__ or (), function.__kwdefaults__ or {},
                          function.__dict__]
    try:
        reached += [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a name that is not bound yet
        return False
    for name in _names(function.__code__):
        if name in function.__globals__:
            reached.append(function.__globals__[name])
        elif name in ("eval", "exec", "globals", "locals", "__import__", "getattr", "vars"):
            return False
    if not all(name.split(".")[0] in _HARMLESS_MODULES for name in _imports(function.__code__)):
        return False
    return all(_is_harmless(value, n, seen) for value in reached)


def _imports(code: types.CodeType) -> set[str]:
    """Return every module that the code and the functions inside it import."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "IMPORT_NAME"}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _imports(constant)
    return names


def _names(code: types.CodeType) -> set[str]:
    """Return every name that the code and the functions inside it use."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names
