"""What ANUGA's functions do when a script or ANUGA itself calls them on a lean domain.

Owns the wrappers that ask a domain, an operator or a quantity whether it is lean before
compiled code touches its arrays.  Which functions are wrapped, and by which, is `table`'s.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]

# -- functions that take a domain ------------------------------------------------


def is_lean(domain: Any) -> bool:
    """Whether lean kernels step this domain."""
    return getattr(domain, "lean", None) is not None


def handled(function: Function, own: str) -> Function:
    """Have a lean domain do `own`, a function here; NotImplemented leaves it to ANUGA's."""
    return asking_first(function, globals()[own])


def asking_first(function: Function, own: Function) -> Function:
    """Have a lean domain do `own`, unless that returns NotImplemented."""
    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        if is_lean(domain):
            result = own(domain, *args, **kwargs)
            if result is not NotImplemented:
                return result
        return function(domain, *args, **kwargs)
    return ask


def on_stock_arrays(function: Function, name: str) -> Function:
    """Move a lean domain to ANUGA's arrays before its kernel `name` is called on it."""
    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        if is_lean(domain):
            domain.use_stock_kernels(f"a direct call of ANUGA's {name}")
        return function(domain, *args, **kwargs)
    return ask


def on_real_mesh(function: Function) -> Function:
    """Give compiled code of an operator real mesh arrays for the time of a call."""
    from anuga_lean.quantity.views import RealArrays

    @functools.wraps(function)
    def ask(operator: Any) -> Any:
        if is_lean(operator.domain):
            return function(RealArrays(operator, mesh=operator.mesh.dense_copy()))
        return function(operator)
    return ask


def vegetation(domain: Any, *args: Any, **kwargs: Any) -> None:
    """vegetation_friction_semi_implicit: left to the update."""
    domain.lean.add_vegetation()


def predict(domain: Any, dt: float, *args: Any, **kwargs: Any) -> None:
    """ader_ck_predictor_edge: done within the sweep."""
    domain.lean.predict(dt)


def flat_friction(domain: Any, *args: Any, **kwargs: Any) -> Any:
    """manning_friction_flat_semi_implicit: left to the update."""
    return _friction(domain, domain.lean.friction_slope is None)


def sloped_friction(domain: Any, *args: Any, **kwargs: Any) -> Any:
    """manning_friction_sloped_semi_implicit_edge_based: left to the update."""
    return _friction(domain, domain.lean.friction_slope is not None)


def _friction(domain: Any, prepared: bool) -> Any:
    """Leave friction to the update, if the last sweep was made for this kind of it."""
    if prepared:
        domain.lean.add_friction()
        return None
    domain.use_stock_kernels("friction of another kind than the last fluxes were computed for")
    return NotImplemented


def reflect(domain: Any, ids: Any, vol: Any, edge: Any, *args: Any, **kwargs: Any) -> None:
    """evaluate_reflective_segment: on computed edge values."""
    from anuga_lean.stepping.boundary import reflect_velocities

    domain.lean.reflect(ids, vol, edge)
    reflect_velocities(domain, ids, vol, edge)


def update_struct(domain: Any, *args: Any, **kwargs: Any) -> Any:
    """update_Domain_C_struct: the parameters of the lean kernels."""
    return domain.update_domain_c_struct()


# -- functions that exchange ghost values ------------------------------------------


def exchanging(function: Function) -> Function:
    """Have lean domains, whatever steps them now, exchange through requests made once."""
    from anuga_lean.stepping.domain import LeanDomain

    own = _own_exchange(function)

    @functools.wraps(function)
    def ask(domain: Any, *args: Any, **kwargs: Any) -> Any:
        chosen = own if isinstance(domain, LeanDomain) else function
        return chosen(domain, *args, **kwargs)
    return ask


def exchanging_bed(function: Function) -> Function:
    """Have lean domains exchange the bed without edge values of their own."""
    return asking_first(function, _own_exchange(function))


def _own_exchange(function: Function) -> Function:
    return getattr(importlib.import_module("anuga_lean.mpi.halo"), function.__name__)


# -- functions that take a quantity ------------------------------------------------


def by_method(function: Function, name: str) -> Function:
    """Have a lean quantity do its own method of that name."""
    from anuga_lean.quantity.quantity import Quantity

    return _of_quantity(function, getattr(Quantity, name), Quantity)


def on_real_quantity(function: Function) -> Function:
    """Give compiled code real arrays of a lean quantity for the time of a call."""
    from anuga_lean.quantity.quantity import Quantity

    own = functools.partial(Quantity.run_compiled, function=function)
    return _of_quantity(function, own, Quantity)


def _of_quantity(function: Function, own: Function, lean_class: type) -> Function:
    @functools.wraps(function)
    def ask(quantity: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(quantity, lean_class) and not quantity.is_dense:
            return own(quantity, *args, **kwargs)
        return function(quantity, *args, **kwargs)
    return ask
