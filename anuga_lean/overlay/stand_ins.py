"""Holds the place of objects in ANUGA's modules until they are loaded.

Owns the stand-ins and the modules that show the real objects instead.  What is delayed by
which statement is `late_imports`', the stand-ins for MPI are `late_mpi`'s.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any


class Late:
    """A stand-in in the globals of ANUGA's modules for what is not loaded yet."""

    __slots__ = ("_module", "_name")

    def __init__(self, module: str, name: str | None = None) -> None:
        self._module = module
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(load(self), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return load(self)(*args, **kwargs)

    def _find(self) -> Any:
        found = importlib.import_module(self._module)
        return found if self._name is None else getattr(found, self._name)


class Holder(types.ModuleType):
    """A module of ANUGA's that shows the real objects in place of its stand-ins."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return load(value) if issubclass(type(value), Late) else value

    def __reduce__(self) -> Any:
        # dill knows modules by their exact class.
        return importlib.import_module, (self.__name__,)


Holder.__name__ = Holder.__qualname__ = types.ModuleType.__name__
Holder.__module__ = types.ModuleType.__module__


def load(late: Late) -> Any:
    """Load and return what a stand-in is for, and put it into ANUGA's modules."""
    found = late._find()
    for module in modules_of_anuga():
        for key, value in vars(module).copy().items():
            if value is late:
                vars(module)[key] = found
    return found


def modules_of_anuga() -> list[types.ModuleType]:
    # copy() is one step for other threads; list() may collect garbage and let them in.
    return [module for name, module in sys.modules.copy().items()
            if name.partition(".")[0] == "anuga" and isinstance(module, types.ModuleType)]
