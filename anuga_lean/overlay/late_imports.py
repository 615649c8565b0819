"""Delays the import of matplotlib, scipy, dill and others until ANUGA first uses them.

Owns the delay of ANUGA's import statements; what its modules hold meanwhile is
`stand_ins`', for MPI `late_mpi`'s.  The delay cannot be seen: a module of ANUGA's shows the
real object to code outside, and a script that imports matplotlib has it at once, because
`sys.modules` holds no stand-in.  Which statements are delayed is `table`'s, when ANUGA is
imported this way `import_hook`'s.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import importlib.machinery
import importlib.util
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from anuga_lean.overlay import late_mpi, table
from anuga_lean.overlay.finder import StandInLoader
from anuga_lean.overlay.stand_ins import Holder, Late, modules_of_anuga

# (module, names after `from ... import`) of the statements that wait.
_WAITING = frozenset(row.arguments for row in table.TABLE if row.kind == table.LATE)


# -- import statements -------------------------------------------------------------

_Answer = Callable[[str, Mapping[str, Any], Any, tuple], Any]

_lock = threading.Lock()
_answers: list[_Answer] = []
_import = builtins.__import__
_asking = False


def _importing(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (),
               level: int = 0) -> Any:
    """Import as `builtins.__import__`, except for the statements that an answer is for."""
    if level == 0 and globals is not None:
        for answer in tuple(_answers):
            found = answer(name, globals, locals, tuple(fromlist or ()))
            if found is not None:
                return found
    return _import(name, globals, locals, fromlist, level)


@contextmanager
def _answering(answer: _Answer) -> Iterator[None]:
    """Ask `answer` about every import statement; None leaves it to Python."""
    global _asking, _import
    with _lock:
        _answers.append(answer)
        if not _asking:
            _import, builtins.__import__, _asking = builtins.__import__, _importing, True
    try:
        yield
    finally:
        with _lock:
            _answers.remove(answer)
            # An __import__ that a script has put over ours calls it, and finds no answers.
            if not _answers and builtins.__import__ is _importing:
                builtins.__import__, _asking = _import, False


@contextmanager
def importing_anuga() -> Iterator[None]:
    """Delay what ANUGA imports at its top, within this thread's `import anuga`."""
    _complete_packages()
    with _answering(_late_or_none):
        yield
    for module in modules_of_anuga():
        if any(issubclass(type(value), Late) for value in vars(module).copy().values()):
            module.__class__ = Holder


def _late_or_none(name: str, importer: Mapping[str, Any], locals: Any, names: tuple) -> Any:
    """Return what a delayed statement of ANUGA's binds; None if it is not delayed."""
    if (name, names) not in _WAITING or locals is not importer \
            or not str(importer.get("__name__")).startswith("anuga."):
        return None
    if not _is_installed(name):
        return None  # ANUGA has to see that it is missing
    if name == "mpi4py":
        return types.SimpleNamespace(MPI=late_mpi.stand_in()) if late_mpi.waits() else None
    if name in sys.modules:
        return None
    if names:
        return types.SimpleNamespace(**{each: Late(name, each) for each in names})
    # `import a.b as c` asks a for b; ANUGA has no `import a.b` without `as`.
    found: Any = Late(name)
    for part in reversed(name.split(".")[1:]):
        found = types.SimpleNamespace(**{part: found})
    return found


def _is_installed(name: str) -> bool:
    package = name.partition(".")[0]
    if package in sys.modules:
        return sys.modules[package] is not None
    return importlib.util.find_spec(package) is not None


# -- import statements within functions ----------------------------------------------


def importing_less(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function of ANUGA's: it does not load a module that it imports and never uses."""
    @functools.wraps(function)
    def answered(*args: Any, **kwargs: Any) -> Any:
        with _answering(_within_functions):
            return function(*args, **kwargs)
    return answered


class _NoRate:
    """A class without instances, in the place of one that no rate has."""


# ANUGA's module, what a function of it imports, and what it finds where that is not loaded.
_WITHIN = {
    # xarray and pandas, 49 MiB, to see whether the rate of a Rate_operator is a DataArray.
    ("anuga.operators.rate_operators", "xarray"): types.SimpleNamespace(
        core=types.SimpleNamespace(dataarray=types.SimpleNamespace(DataArray=_NoRate))),
    # For the cache of `distribute`, which few scripts use.
    ("anuga.parallel.distribute_mesh", "hashlib"): Late("hashlib"),
}


def _within_functions(name: str, importer: Mapping[str, Any], locals: Any, names: tuple) -> Any:
    found = _WITHIN.get((str(importer.get("__name__")), name))
    return None if found is None or name in sys.modules or not _is_installed(name) else found


# -- modules to which something is done once they are loaded ---------------------------------

_then: dict[str, list[Callable[[types.ModuleType], None]]] = {}


class _Loader(StandInLoader):
    """A module's own loader, followed by what is to be done."""

    def exec_module(self, module: types.ModuleType) -> None:
        self.give_back(module)
        self.loader.exec_module(module)
        for act in _then[module.__name__]:
            act(module)


class _Finder:
    """Finds the modules of `_then` where Python's own finders do."""

    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: types.ModuleType | None = None) -> Any:
        if fullname not in _then or target is not None:
            return None
        for finder in list(sys.meta_path):
            if not isinstance(finder, _Finder) and hasattr(finder, "find_spec"):
                spec: Any = finder.find_spec(fullname, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        spec.loader = _Loader(spec.loader)
                    return spec
        return None


def once_loaded(name: str, act: Callable[[types.ModuleType], None]) -> None:
    """Do something to a module: now if it is loaded, else as soon as it is."""
    if isinstance(sys.modules.get(name), types.ModuleType):
        act(sys.modules[name])
    acts = _then.setdefault(name, [])
    if act not in acts:
        acts.append(act)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


# -- packages of which a user imports no more than the top ---------------------------------


def _complete_packages() -> None:
    for name in table.COMPLETED:
        once_loaded(name, _complete)


def _complete(package: types.ModuleType) -> None:
    """Make a package load a submodule when code reads it as an attribute."""
    own = vars(package).get("__getattr__")

    def __getattr__(name: str) -> Any:
        try:
            if own is not None:
                return own(name)
            raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}",
                                 name=name, obj=package)
        except AttributeError:
            full = f"{package.__name__}.{name}"
            if name.startswith("__") or importlib.util.find_spec(full) is None:
                raise
        return importlib.import_module(full)

    vars(package)["__getattr__"] = __getattr__
