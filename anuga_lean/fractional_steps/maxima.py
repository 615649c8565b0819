"""Runs ANUGA's Collect_max_quantities_operator by a kernel.

Owns what of the operator's call is the kernel's, which arrays it may write into, and that
the quantities which frames store are filled when they are read, not in every step; the
arithmetic is in kernels/maxima.c.  `overlay` puts it in place of the operator's `__call__`
and of its attributes.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from anuga_lean import _kernels
from anuga_lean._errors import ArrayError
from anuga_lean.arrays.stock_arrays import on_stock_arrays
from anuga_lean.quantity.filling import FilledWhenRead

Call = Callable[[Any], None]

_MAXIMA = ("max_stage", "max_depth", "max_speed", "max_uh")
_MODULE = "anuga.operators.collect_max_quantities_operator"
_COPYING = "_copy_to_domain_quantities"     # ANUGA 4.2's method
# Fewer triangles a thread than this take longer to share than to look at.
_PER_THREAD = 1 << 13
_LEAST_DEPTH = 1.0e-12      # m; numpy warns of divisions by depths near 0

# operator -> the quantities that are to be filled with its maxima once they are read
_waiting: WeakKeyDictionary[Any, list[ref[FilledWhenRead]]] = WeakKeyDictionary()


class Maximum:
    """One of the operator's arrays of maxima, (number_of_triangles,) float64.

    Who gets it may write into it, so the quantities that wait for it are filled before.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, operator: Any, owner: type | None = None) -> Any:
        if operator is None:
            return self
        _fill_waiting(operator)
        try:
            return operator.__dict__[self.name]
        except KeyError:
            raise AttributeError(f"{type(operator).__name__!r} object has no attribute "
                                 f"{self.name!r}") from None

    def __set__(self, operator: Any, value: Any) -> None:
        _fill_waiting(operator)
        operator.__dict__[self.name] = value

    def __delete__(self, operator: Any) -> None:
        self.__get__(operator)
        del operator.__dict__[self.name]


def _fill_waiting(operator: Any) -> None:
    for each in _waiting.pop(operator, ()):
        quantity = each()
        if quantity is not None:
            quantity.fill()


def by_kernels(stock_call: Call) -> Call:
    """Return what the operator is called with, `stock_call` where the kernel does not do it."""

    @functools.wraps(stock_call)
    def call(self: Any) -> None:
        if not _is_due(self) or not _raise(self):
            stock_call(self)
            return
        self.counter = 0
        if hasattr(self, "_collected"):     # ANUGA 4.2
            self._collected = True
        if self.store_to_sww and not _copies_as_anuga(self):
            getattr(self, _COPYING)()

    return call


def _is_due(operator: Any) -> bool:
    """Whether this call raises the maxima, which a kernel can."""
    return not on_stock_arrays(operator.domain) and not operator._tracer_names \
        and operator.domain.get_time() >= operator.collection_start_time \
        and operator.counter + 1 == operator.update_frequency and own_hypot() is not None


def _copies_as_anuga(operator: Any) -> bool:
    """Whether no code of a user's own copies the maxima into the domain's quantities."""
    method = getattr(type(operator), _COPYING, None)
    return _COPYING not in operator.__dict__ and (
        method is None or method.__module__ == _MODULE)


def _raise(operator: Any) -> bool:
    """Raise the maxima; return False if ANUGA's code still has to, or has to instead."""
    least_depth = operator.velocity_zero_height
    if not isinstance(least_depth, float) or not _LEAST_DEPTH <= least_depth < 1.0e300:
        return False
    domain = operator.domain
    values = operator.__dict__
    if not values.keys() >= set(_MAXIMA):
        return False        # a script has deleted one, which ANUGA says
    wanted = len(values["max_stage"]) // _PER_THREAD
    threads = 1 if wanted <= 1 else min(wanted, domain.lean.usable_threads())
    stored = []
    if operator.store_to_sww and _copies_as_anuga(operator):
        stored = [domain.quantities[name] for name in _MAXIMA]
    waiting = _waiting.get(operator, [])
    if [each() for each in waiting] != stored:
        _fill_waiting(operator)
        waiting = []
    later = all(isinstance(each, FilledWhenRead) and each.may_be_filled_later()
                for each in stored)
    copies = None if later else [each.centroid_values for each in stored]
    for name in _MAXIMA:
        if _is_shared(values, name):
            values[name] = np.array(values[name])
    try:
        raised = not _kernels.raise_maxima(
            threads, operator.stage.centroid_values, operator.elev.centroid_values,
            operator.xmom.centroid_values, operator.ymom.centroid_values, least_depth,
            values["max_stage"], values["max_depth"], values["max_speed"], values["max_uh"],
            bool(own_hypot()), copies, os.environ.get("ANUGA_LEAN_ISA") or None)
    except ArrayError:
        return False        # a script's own arrays, which numpy takes
    if raised and stored and later:
        for name, quantity in zip(_MAXIMA, stored, strict=True):
            quantity.fill_when_read(operator, name)
        if not waiting:
            _waiting[operator] = [ref(each) for each in stored]
    return raised


@functools.cache
def own_hypot() -> bool | None:
    """Whether kernels compute numpy's hypot by themselves; False: the C library does, None: none.

    Tried out on numbers for which other ways of computing it differ in one of eight.
    """
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(2, 1 << 13)) * np.exp2(rng.integers(-30, 30, (2, 1 << 13)))
    x[:8], y[4:12] = 0.0, 0.0
    x[16:24] *= 1.0e-200
    y[16:20] *= 1.0e-200
    x[24:32] *= 1.0e200
    expected = np.hypot(x, y)
    for own in (True, False):
        if np.array_equal(expected, _kernels.hypots(x, y, own)):
            return own
    return None


def _references(values: dict[str, Any], name: str) -> int:
    return sys.getrefcount(values[name])


_ALONE = _references({"name": np.empty(0)}, "name")


def _is_shared(values: dict[str, Any], name: str) -> bool:
    """Whether more than the dict refers to an array: a script that keeps it keeps what it was.

    ANUGA puts a new array in its place at each step.
    """
    return _references(values, name) > _ALONE
