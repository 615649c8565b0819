"""Stores with dill what nothing else can: functions and classes of a user's, their instances.

Owns the pickle of a code section, in which objects of the graph around it stand
as places in its table, and what the register has by its name.  What counts as code
is `encoder`'s.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType, ModuleType
from typing import Any

import dill

import anuga_lean
from anuga_lean import _class_names
from anuga_lean.checkpoint import register

# Before the name of what this package itself shows, e.g. rectangular_cross: its modules may move.
_SHOWN = "shown."


def _save_method(pickler: Any, method: MethodType) -> None:
    """Store a method by its name, where dill has its function, by the module of that."""
    owner, name = method.__self__, method.__func__.__name__
    if getattr(type(owner), name, None) is method.__func__:
        pickler.save_reduce(getattr, (owner, name), obj=method)
    else:
        dill.Pickler.dispatch[MethodType](pickler, method)


class _Pickler(dill.Pickler):  # type: ignore[misc]  # dill carries no types
    dispatch = type(dill.Pickler.dispatch)({**dill.Pickler.dispatch, MethodType: _save_method})

    def __init__(self, file: io.BytesIO, place_of: Callable[[Any], int | None]) -> None:
        super().__init__(file, protocol=4)
        self._main = sys.modules["__main__"]    # dill's is that of its import
        self._place_of = place_of

    def persistent_id(self, value: Any) -> int | str | None:
        """Return the place of an object in the table, or the name of a class or function."""
        place = self._place_of(value)
        if place is not None or not isinstance(value, (type, FunctionType)):
            return place
        return register.name_of(value) or _method_named(value) or _shown_as(value)


def _method_named(value: Any) -> str | None:
    """Return CLASS.METHOD for a method of a class of ours, or None."""
    owner, _, name = value.__qualname__.rpartition(".")
    cls = getattr(sys.modules.get(value.__module__), owner, None)
    known = _class_names.name_of(cls)
    return f"{known}.{name}" if known is not None and vars(cls).get(name) is value else None


def _shown_as(value: Any) -> str | None:
    """Return the name under which this package shows something of its own, or None."""
    name, module = value.__name__, value.__module__
    is_ours = isinstance(module, str) and module.startswith("anuga_lean.")
    return _SHOWN + name if is_ours and getattr(anuga_lean, name, None) is value else None


class _Unpickler(dill.Unpickler):  # type: ignore[misc]
    def __init__(self, file: io.BytesIO, made: Sequence[Any],
                 old_names: ModuleType | None) -> None:
        super().__init__(file)
        self._main = sys.modules["__main__"]
        self._made = made
        self._old_names = old_names

    def persistent_load(self, key: int | str) -> Any:
        if isinstance(key, int):
            return self._made[key]
        if key.startswith(_SHOWN):
            return getattr(anuga_lean, key.removeprefix(_SHOWN))
        if key.startswith("lean.") and key.count(".") == 2:
            owner, _, name = key.rpartition(".")
            return vars(register.find(owner))[name]
        return register.find(key)

    def find_class(self, module: str, name: str) -> Any:
        found = None
        if self._old_names is not None:
            module, found = self._old_names.present_of(module, name)
        return super().find_class(module, name) if found is None else found


def pickled(value: Any, place_of: Callable[[Any], int | None]) -> bytes:
    """Return the pickle of a value; `place_of` gives the place of an object, or None."""
    file = io.BytesIO()
    _Pickler(file, place_of).dump(value)
    return file.getvalue()


def unpickled(data: bytes, made: Sequence[Any], old_names: ModuleType | None = None) -> Any:
    """Return the value of a pickle; runs whatever it contains.  `made` has the objects by place.

    `old_names` is `format_1` for a pickle that names our classes by where they were.
    """
    return _Unpickler(io.BytesIO(data), made, old_names).load()
