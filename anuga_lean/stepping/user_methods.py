"""Finds methods of a time step that are a user's own, and lets those act that lean kernels allow.

Lean kernels leave out what is not read in the middle of a step.  Code of a user's that
runs there, in a subclass, on an instance or patched into a class, may read and write
anything.  Where a step can show and take all that (`SEEN_THROUGH`) it runs on lean kernels as
long as it calls ANUGA's method; ANUGA's kernels step every other domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from types import FunctionType
from typing import Any

import numpy as np

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
# Of these, what may be a user's own on lean kernels.  Around a whole step the state is that of
# ANUGA; between fluxes and update it acts as forcing terms do; before the fluxes it may read
# all and write boundary values.
OF_A_WHOLE_STEP = frozenset(name for name in STEPPING if name.startswith("evolve_one_"))
BEFORE_FLUXES = frozenset({"update_boundary", "compute_fluxes"})
BETWEEN = BEFORE_FLUXES | {"compute_forcing_terms", "update_timestep"}
SEEN_THROUGH = OF_A_WHOLE_STEP | BETWEEN
_NAMES = frozenset(STEPPING)
_functions_of = attrgetter(*STEPPING)
_DISTRIBUTED = ("stage", "xmomentum", "ymomentum", "height", "elevation")
_seen: dict[Any, frozenset[str]] = {}   # functions of a class -> those that are a user's own


def is_anugas(function: Any) -> bool:
    """Whether this is a function of ANUGA's or of this package, not wrapped by others."""
    if not isinstance(function, FunctionType):
        return False
    module = str(function.__globals__.get("__name__", ""))  # functools.wraps leaves it alone
    return module.split(".")[0] in ("anuga", "anuga_lean") and ".tests." not in module


def users_own(domain: Any) -> frozenset[str]:
    """Return the names of the methods of the step that are not ANUGA's.

    Called every substep: attribute reads and one look-up.
    """
    functions = _functions_of(type(domain))
    try:
        own = _seen[functions]
    except KeyError:
        if len(_seen) > 100:
            _seen.clear()
        own = _seen[functions] = frozenset(
            [name for name, function in zip(STEPPING, functions, strict=True)
             if not is_anugas(function)])
    if domain.__dict__.keys().isdisjoint(_NAMES):    # asks for each of the few names
        return own
    return own.union(_NAMES.intersection(domain.__dict__))


def described(names: frozenset[str], domain: Any) -> str:
    """Return how a warning names the first of a user's own methods."""
    first = next(name for name in STEPPING if name in names)
    return f"the {first} that {type(domain).__name__} has instead of ANUGA's"


def advice(feature: str, domain: Any) -> str:
    """Return what a user can do about a feature that a domain turned to stock arrays for."""
    own = users_own(domain)
    if feature in [described(frozenset([name]), domain) for name in own]:
        return ("domain.add_step_observer(f) calls f after every step on lean kernels, see "
                "'anuga_lean features'")
    return "see 'anuga_lean features'"


class Distributed:
    """The centroid values that the edge values of a step follow from, until its fluxes.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
        Distributed and written; what it holds is copied, 40 bytes per triangle.
    """

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self._values = {name: domain.quantities[name].centroid_values.copy()
                        for name in _DISTRIBUTED}

    def is_unchanged(self) -> bool:
        """Whether nothing was written to them since."""
        return all([np.array_equal(     # bits, so that -0.0 is not 0.0
            self._domain.quantities[name].centroid_values.view(np.int64), values.view(np.int64))
            for name, values in self._values.items()])

    def exchange(self) -> None:
        """Put them into the domain and take what it has now, and the other way round."""
        for name, values in self._values.items():
            now = self._domain.quantities[name].centroid_values
            now[:], values[:] = values.copy(), now.copy()


def leave_if_written(domain: Any) -> None:
    """Turn to stock arrays if the state was written to after its edge values were due."""
    distributed = domain._lean_distributed
    if distributed is not None and not distributed.is_unchanged():
        domain.use_stock_kernels(described(domain._lean_own & BEFORE_FLUXES, domain))


def leave_if_no_fluxes(domain: Any) -> None:
    """Turn to stock arrays if a user's own method has left ANUGA's fluxes out."""
    if domain._lean_distributed is not None:
        domain.use_stock_kernels(described(domain._lean_own & BEFORE_FLUXES, domain))


@contextmanager
def as_distributed(domain: Any) -> Iterator[None]:
    """Show the state that edge values follow from, if it was written to since."""
    distributed, domain._lean_distributed = domain._lean_distributed, None
    if distributed is None:
        yield
        return
    distributed.exchange()
    try:
        yield
    finally:
        distributed.exchange()


class Functions:
    """Functions of one of ANUGA's classes as they are when this is made, and which it has not.

    Parameters
    ----------
    cls : type
    names : tuple of str
    """

    def __init__(self, cls: type, names: tuple[str, ...]) -> None:
        of = [name for name in names if hasattr(cls, name)]
        self._of = attrgetter(*of)
        self._found = self._of(cls)
        self._missing = set(names).difference(of)

    def are_those_of(self, cls: type) -> bool:
        """Whether none is another one, which a script has put in its place."""
        return bool(self._of(cls) == self._found) \
            and not any([hasattr(cls, name) for name in self._missing])
