"""Defines what it means that an object runs on ANUGA's own arrays ("stock arrays").

A domain, a mesh and a quantity each say `on_stock_arrays` of themselves: a quantity that no
domain lists stays as it is when its domain changes, and a mesh may have no domain.  When
they change, and which of them, is `stepping.conversion`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from anuga_lean._errors import MemoryLimitError
from anuga_lean.memory_limits import count_of, part_error


def on_stock_arrays(thing: Any) -> bool:
    """Whether a domain, a mesh or a quantity runs on stock arrays; ANUGA's own ones do."""
    return bool(getattr(thing, "on_stock_arrays", True))


def unless_on_stock_arrays(
    method: Callable[..., Any] | None = None, *, ask: Callable[[Any], None] | None = None
) -> Any:
    """Decorate a method: on stock arrays the method that it overrides runs in its place.

    Parameters
    ----------
    method : function
        Of a class whose instances have `on_stock_arrays`, bool.
    ask : callable, optional
        Called with the instance before, which it may turn to stock arrays.
    """
    if method is None:
        return functools.partial(unless_on_stock_arrays, ask=ask)
    return _Overriding(method, ask)


class _Overriding:
    """A decorated method until its class is made."""

    def __init__(self, method: Callable[..., Any], ask: Callable[[Any], None] | None) -> None:
        self.method = method
        self.ask = ask

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, name, _choosing(owner, name, self.method, self.ask))


def _choosing(owner: type, name: str, method: Callable[..., Any],
              ask: Callable[[Any], None] | None) -> Callable[..., Any]:
    @functools.wraps(method)
    def choose(self: Any, *args: Any, **kwargs: Any) -> Any:
        if ask is not None:
            ask(self)
        if self.on_stock_arrays:
            return getattr(super(owner, self), name)(*args, **kwargs)
        try:
            return method(self, *args, **kwargs)
        except MemoryLimitError:
            raise
        except MemoryError as error:
            raise part_error(error, f"{owner.__name__}.{name}", count_of(self)) from error
    return choose
