"""Lets ANUGA's compiled functions work on a lean quantity, or an operator on a lean domain.

Owns the wrappers that give such a function real arrays for the time of the call, or have
the quantity's own method do it; which functions those are is the table's in overlay/.
"""

from __future__ import annotations

import functools
from typing import Any

from anuga_lean.overlay.kernel_calls import Function, is_lean
from anuga_lean.quantity.quantity import Quantity
from anuga_lean.quantity.views import RealArrays


def on_real_mesh(function: Function) -> Function:
    """Wrap compiled code of an operator: it gets real mesh arrays for the time of a call."""
    @functools.wraps(function)
    def ask(operator: Any) -> Any:
        if is_lean(operator.domain):
            return function(RealArrays(operator, mesh=operator.mesh.stock_copy()))
        return function(operator)
    return ask


def by_method(function: Function, name: str) -> Function:
    """Wrap compiled code: a lean quantity runs its own method of that name."""
    return _of_quantity(function, getattr(Quantity, name))


def on_real_quantity(function: Function) -> Function:
    """Wrap compiled code: it gets real arrays of a lean quantity for the time of a call."""
    own = functools.partial(Quantity.run_compiled, function=function)
    return _of_quantity(function, own)


def _of_quantity(function: Function, own: Function) -> Function:
    @functools.wraps(function)
    def ask(quantity: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(quantity, Quantity) and not quantity.on_stock_arrays:
            return own(quantity, *args, **kwargs)
        return function(quantity, *args, **kwargs)
    return ask
