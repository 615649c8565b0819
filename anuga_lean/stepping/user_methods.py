"""Finds methods of a time step that are a user's own.

Lean kernels leave out what is not read in the middle of a step.  Code of a user's that
runs there, in a subclass, on an instance or patched into a class, may read and write
anything: ANUGA's kernels step such a domain.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

# What runs between the first distribute of a step and its last update.  Other
# methods of an evolve (update_ghosts, apply_fractional_steps, evolve itself, ...)
# find the state that ANUGA has there.
STEPPING = (
    "distribute_to_vertices_and_edges", "distribute_to_edges", "distribute_edges_to_vertices",
    "protect_against_infinitesimal_and_negative_heights", "update_boundary", "compute_fluxes",
    "compute_forcing_terms", "update_timestep",
    "apply_protection_against_isolated_degenerate_timesteps", "update_conserved_quantities",
    "backup_conserved_quantities", "saxpy_conserved_quantities", "evolve_one_euler_step",
    "evolve_one_rk2_step", "evolve_one_rk3_step", "evolve_one_ader2_step",
    "update_tracer_boundary_values", "get_conserved_quantities", "get_evolved_quantities",
    "conserved_values_to_evolved_values",
)
_NAMES = frozenset(STEPPING)
_seen: dict[Any, str | None] = {}   # functions of a class -> the first that is a user's own


def _is_anugas(function: Any) -> bool:
    """Whether this is a function of ANUGA's or of this package, not wrapped by others."""
    if not isinstance(function, FunctionType):
        return False
    module = str(function.__globals__.get("__name__", ""))  # functools.wraps leaves it alone
    return module.split(".")[0] in ("anuga", "anuga_lean") and ".tests." not in module


def users_own(domain: Any) -> str | None:
    """Return the name of a method of the step that is not ANUGA's, or None.

    Called every substep: attribute reads and one look-up.
    """
    if not _NAMES.isdisjoint(domain.__dict__):
        return next(name for name in STEPPING if name in domain.__dict__)
    cls = type(domain)
    functions = tuple([getattr(cls, name) for name in STEPPING])
    try:
        return _seen[functions]
    except KeyError:
        pass
    own = [name for name, function in zip(STEPPING, functions, strict=True)
           if not _is_anugas(function)]
    if len(_seen) > 100:
        _seen.clear()
    return _seen.setdefault(functions, own[0] if own else None)
