"""Wraps ANUGA's compiled functions so that they can be called on a lean domain.

Owns the wrappers that ask a domain whether it is lean before compiled code touches its
arrays.  Functions that take a quantity are wrapped in `quantity.kernel_calls`, those that
exchange ghosts in `mpi.halo`; which function is wrapped by which is `table`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]

def is_lean(domain: Any) -> bool:
    """Whether lean kernels step this domain."""
    return not getattr(domain, "on_stock_arrays", True)


def handled(function: Function, own: str) -> Function:
    """Wrap a function of ANUGA's: on a lean domain `own`, a function of this module, runs."""
    return asking_first(function, globals()[own])


def asking_first(function: Function, own: Function) -> Function:
    """Wrap a function of ANUGA's: a lean domain runs `own`, unless that returns NotImplemented."""
    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        if is_lean(domain):
            result = own(domain, *args, **kwargs)
            if result is not NotImplemented:
                return result
        return function(domain, *args, **kwargs)
    return ask


def on_stock_arrays(function: Function, name: str) -> Function:
    """Wrap ANUGA's kernel `name`: a lean domain moves to stock arrays before the call."""
    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        if is_lean(domain):
            domain.use_stock_kernels(f"a direct call of ANUGA's {name}")
        return function(domain, *args, **kwargs)
    return ask


def vegetation(domain: Any, *args: Any, **kwargs: Any) -> None:
    """Stand for vegetation_friction_semi_implicit: the update adds the drag."""
    domain.lean.forcing.add_vegetation()


def predict(domain: Any, dt: float, *args: Any, **kwargs: Any) -> None:
    """Stand for ader_ck_predictor_edge: the sweep advances the edge values."""
    domain.lean.predict(dt)


def flat_friction(domain: Any, *args: Any, **kwargs: Any) -> Any:
    """Stand for manning_friction_flat_semi_implicit: the update adds friction."""
    return _friction(domain, domain.lean.forcing.friction_rate is None)


def sloped_friction(domain: Any, *args: Any, **kwargs: Any) -> Any:
    """Stand for manning_friction_sloped_semi_implicit_edge_based: the update adds friction."""
    return _friction(domain, domain.lean.forcing.friction_rate is not None)


def _friction(domain: Any, prepared: bool) -> Any:
    """Leave friction to the update, if the last sweep was made for this kind of it."""
    if prepared:
        domain.lean.forcing.add_friction()
        return None
    domain.use_stock_kernels("friction of another kind than the last fluxes were computed for")
    return NotImplemented


def reflect(domain: Any, ids: Any, vol: Any, edge: Any, *args: Any, **kwargs: Any) -> Any:
    """Stand for evaluate_reflective_segment, on computed edge values."""
    return domain.reflect_edges(ids, vol, edge)


def update_struct(domain: Any, *args: Any, **kwargs: Any) -> Any:
    """Stand for update_Domain_C_struct: take the parameters of the lean kernels."""
    return domain.update_domain_c_struct()
