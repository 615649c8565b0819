"""Decides what of an object counts as its state, and which of its attributes are code.

Owns the rules; the classes and functions that a file may name are in `register`.
"""

from __future__ import annotations

import copyreg
import re
import types
from typing import Any

from anuga_lean.checkpoint import register


def attribute_of(cls: type, name: str) -> Any:
    """Return what a class itself has under a name; None if it has nothing."""
    return next((vars(each)[name] for each in cls.__mro__ if name in vars(each)), None)


# Methods that a file may bind to an instance: those that answer a question, and one that ANUGA
# keeps on a domain. Others may write files, evaluate texts or change what runs.
_BINDABLE = re.compile(r"get_\w+|create_riverwalls")


def method_of(cls: type, name: Any) -> types.FunctionType | None:
    """Return a method that a file may bind to an instance, or None."""
    if not isinstance(name, str) or not _BINDABLE.fullmatch(name):
        return None
    found = attribute_of(cls, name)
    return found if register.is_bound(found) else None


def hides_code(cls: type, name: str) -> bool:
    """Whether an attribute of that name would be called instead of a method of the class."""
    found = attribute_of(cls, name)
    return isinstance(found, (staticmethod, classmethod)) or callable(found) \
        and not isinstance(found, type)


def inner_code(name: Any) -> tuple[types.CodeType, dict[str, Any]]:
    """Return the code of a function defined inside one of ANUGA's, and its globals.

    Parameters
    ----------
    name : str
        As the register has the outer one, with `.<locals>.` and its own behind it.
    """
    outer, _, inner = str(name).rpartition(".<locals>.")
    function = register.function_of(outer)
    if not isinstance(function, types.FunctionType):
        raise ValueError(f"{outer} is compiled and has no functions inside")
    codes = [each for each in function.__code__.co_consts
             if isinstance(each, types.CodeType) and each.co_name == inner]
    if len(codes) != 1:
        raise ValueError(f"{outer} has {len(codes)} functions {inner}")
    return codes[0], function.__globals__


# What objects are made with that say nothing of it themselves.
_NEWOBJ = copyreg.__newobj__  # type: ignore[attr-defined]  # typeshed leaves it out


def state_of(value: Any) -> Any:
    """Return what an object is restored from, or raise TypeError if that takes code."""
    own = getattr(value, "checkpoint_state", None)
    if own is not None:
        return own()
    reduced = value.__reduce_ex__(2)
    if isinstance(reduced, str) or reduced[0] is not _NEWOBJ \
            or reduced[1] != (type(value),) or any(each is not None for each in reduced[3:]):
        raise TypeError(f"{type(value).__name__} is made by code of its own")
    return reduced[2] if len(reduced) > 2 else None
