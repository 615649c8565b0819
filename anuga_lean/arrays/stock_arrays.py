"""Which objects run on ANUGA's own arrays ("stock arrays"), and what that changes.

A domain, a mesh and a quantity each say `on_stock_arrays` of themselves: a quantity that no
domain lists stays as it is when its domain changes, and a mesh may have no domain.  When
they change, and which of them, is `stepping.conversion`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def unless_on_stock_arrays(method: Callable[..., Any]) -> Any:
    """Decorate a method: on stock arrays the method that it overrides runs in its place.

    Parameters
    ----------
    method : function
        Of a class whose instances have `on_stock_arrays`, bool.
    """
    return _Overriding(method)


class _Overriding:
    """A decorated method until its class is made."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, name, _choosing(owner, name, self.method))


def _choosing(owner: type, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def choose(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.on_stock_arrays:
            return getattr(super(owner, self), name)(*args, **kwargs)
        return method(self, *args, **kwargs)
    return choose
