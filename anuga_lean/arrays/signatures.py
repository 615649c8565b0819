"""Gives overriding methods the signature and the documentation of ANUGA's.

Owns what help(), inspect.signature and an editor show of a method that is
overridden here; what the methods do is in the classes.
"""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any


def documented_as(stock: type) -> Any:
    """Return a class decorator: overridden methods show the signature and text of `stock`'s.

    Parameters
    ----------
    stock : type
        A base of the decorated class; classes before it in the method
        resolution order are the ones whose methods are documented.
    """
    def document(cls: type) -> type:
        own = cls.__mro__[:cls.__mro__.index(stock)]
        for each in own:
            for name, function in vars(each).items():
                original = getattr(stock, name, None)
                if isinstance(function, FunctionType) and isinstance(original, FunctionType) \
                        and not hasattr(function, "__signature__"):
                    function.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
                    function.__doc__ = original.__doc__ or function.__doc__
        cls.__doc__ = f"{inspect.getdoc(cls)}\n\n{inspect.getdoc(stock) or ''}".rstrip()
        return cls
    return document
