"""What every name of ANUGA's means in a process: ``names.py VARIANT MODULES TARGET``.

MODULES is a file with names of modules to import first, one a line.  Written are, by
module, what each of its names means, and the same of each class defined there; of what
a name means only where it comes from, so that two processes can be compared.
"""

from __future__ import annotations

import builtins
import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any

importers: set[str] = set()


def code_of(function: Any) -> str:
    return f"{function.__globals__.get('__name__')}:{function.__code__.co_filename}" \
        f":{function.__code__.co_firstlineno}"


def is_ours(cls: type) -> bool:
    """Whether a class was defined by this package, whatever it is called."""
    if cls.__module__.startswith("anuga_lean"):
        return True
    # some are named as the classes of ANUGA's that they derive from
    return any(base.__module__.startswith("anuga_lean") or base.__name__ == cls.__name__
               for base in cls.__bases__) and any(
        vars(module).get(cls.__name__) is cls for name, module in sys.modules.copy().items()
        if name.startswith("anuga_lean.") and module is not None)


def meaning(value: Any, depth: int = 0) -> Any:
    """Where a value comes from."""
    if any(cls.__name__ == "Late" for cls in type(value).__mro__):
        return ["late", value._module, value._name]
    if isinstance(value, types.ModuleType):
        return ["module", value.__name__]
    if isinstance(value, type):
        return ["ours" if is_ours(value) else "class", value.__module__, value.__qualname__]
    if isinstance(value, types.FunctionType):
        defaults = [meaning(each, depth + 1) for each in value.__defaults__ or ()]
        return ["function", value.__qualname__, code_of(value), defaults]
    if isinstance(value, (staticmethod, classmethod)):
        return [type(value).__name__, meaning(value.__func__, depth)]
    if isinstance(value, property):
        return ["property", *(None if each is None else meaning(each, depth)
                              for each in (value.fget, value.fset, value.fdel))]
    if isinstance(value, (int, float, complex, str, bytes, type(None))):
        return [type(value).__name__, repr(value)[:200]]
    if isinstance(value, (list, tuple)) and depth < 3 and len(value) < 1000:
        return [type(value).__name__, *(meaning(each, depth + 1) for each in value)]
    if isinstance(value, dict) and depth < 3 and len(value) < 1000:
        return ["dict", *sorted([str(key), meaning(each, depth + 1)]
                                for key, each in value.items())]
    return ["instance", type(value).__module__, type(value).__qualname__,
            f"{getattr(value, '__module__', '')}.{getattr(value, '__name__', '')}"]


def is_anugas(name: str) -> bool:
    return name.partition(".")[0] == "anuga"


def classes_in(modules: dict[str, types.ModuleType]) -> dict[str, type]:
    """Every class of ANUGA's own that is held in one of its modules, or a base of one."""
    found: dict[str, type] = {}
    for module in modules.values():
        for value in vars(module).copy().values():
            for cls in value.__mro__ if isinstance(value, type) else ():
                if is_anugas(cls.__module__) and not is_ours(cls):
                    found[f"{cls.__module__}:{cls.__qualname__}"] = cls
    return found


# Python's own, or of the place and the moment.
LEFT_OUT = {"__builtins__", "__cached__", "__file__", "__path__", "__warningregistry__",
            "__pycache__", "__firstlineno__", "__static_attributes__", "__weakref__", "__dict__",
            "__subclasshook__", "__abstractmethods__",
            "__annotations__",     # made by Python when they are read
            "_proc_status"}


def names(holder: Any) -> dict[str, Any]:
    return {key: meaning(value) for key, value in vars(holder).copy().items()
            if key not in LEFT_OUT}


def main(variant: str, listed: str, target: str) -> None:
    def audit(event: str, arguments: tuple) -> None:
        if event == "import":
            importers.add(builtins.__import__.__module__)

    sys.addaudithook(audit)
    if variant == "lean":
        importlib.import_module("anuga_lean").Domain  # noqa: B018  brings the lean classes in
    else:
        importlib.import_module("anuga")
    for name in Path(listed).read_text().split():
        importlib.import_module(name)
    modules = {name: module for name, module in sys.modules.items()
               if is_anugas(name) and isinstance(module, types.ModuleType)}
    found = {
        "modules": {name: names(module) for name, module in modules.items()},
        "changed_class": [name for name, module in modules.items()
                          if type(module) is not types.ModuleType],
        "classes": {name: names(cls) for name, cls in classes_in(modules).items()},
        "bases": {name: [meaning(base) for base in cls.__bases__]
                  for name, cls in classes_in(modules).items()},
        "process": {
            "importers": sorted(importers),
            "builtins": names(builtins),
            "sys": {key: meaning(getattr(sys, key))
                    for key in ("exit", "excepthook", "displayhook")},
            "finders": [getattr(finder, "__module__", "") for finder in sys.meta_path
                        if not isinstance(finder, type)],
            "getattr": [name for name, module in sys.modules.items()
                        if isinstance(module, types.ModuleType) and "anuga_lean" in json.dumps(
                            meaning(vars(module).get("__getattr__")))
                        and not name.startswith("anuga_lean")],
        },
    }
    Path(target).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
