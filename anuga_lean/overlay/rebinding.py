"""Replaces a name of ANUGA's in every module that holds it.

Owns the search through loaded modules, the new bases of subclasses, the constructors of
classes that a script still holds, and the domains that exist already.  Which names are
replaced is `table`'s, and when is `install`'s.
"""

from __future__ import annotations

import gc
import inspect
import sys
import types
from collections.abc import Sequence
from typing import Any

from anuga_lean._errors import HookError

# Compiled code there reads a mesh's arrays directly: it makes ANUGA's own meshes
# and is given a stand-in with real arrays for a lean one.
_KEEP_STOCK_MESH = "anuga.fit_interpolate"


def modules() -> list[types.ModuleType]:
    """Return every module that may hold a name of ANUGA's: its own and the user's."""
    # copy() is one step for other threads; list() may collect garbage and let them in.
    return [module for name, module in sys.modules.copy().items()
            if isinstance(module, types.ModuleType) and not name.startswith("anuga_lean")]


def rebind(function: Any, own: Any) -> None:
    """Bind `own` wherever a module holds `function`."""
    for module in modules():
        for key, value in vars(module).copy().items():
            if value is function:
                setattr(module, key, own)


def replace_class(old: type, new: type) -> None:
    """Bind `new` wherever a module, or a default of its functions, holds the class `old`."""
    for module in modules():
        if old.__name__ == "Mesh" and module.__name__.startswith(_KEEP_STOCK_MESH):
            continue
        for key, value in vars(module).copy().items():
            if value is old:
                setattr(module, key, new)
            elif isinstance(value, types.FunctionType) and value.__defaults__ \
                    and old in value.__defaults__:
                value.__defaults__ = tuple(new if d is old else d for d in value.__defaults__)


def reparent_all(pairs: Sequence[tuple[type, type]]) -> None:
    """Make subclasses of all the old classes derive from the new ones, or none of them.

    Raises
    ------
    HookError
        A class of the user's cannot.
    """
    done: list[tuple[type, tuple]] = []
    try:
        for old, new in pairs:
            _reparent(old, new, done)
    except HookError:
        for subclass, bases in reversed(done):
            subclass.__bases__ = bases
        raise


def _reparent(old: type, new: type, done: list[tuple[type, tuple]]) -> None:
    """Make subclasses of ANUGA's and of the user's derive from the lean class."""
    subclass: type
    for subclass in old.__subclasses__():
        if issubclass(new, subclass) or subclass.__module__.startswith("anuga_lean"):
            continue
        bases = subclass.__bases__
        try:
            subclass.__bases__ = tuple(new if b is old else b for b in bases)
        except TypeError as error:
            raise HookError(
                f"{subclass.__module__}.{subclass.__qualname__}, defined before anuga_lean came "
                f"in, cannot become lean ({error}): move 'import anuga_lean as anuga' above the "
                "class.") from error
        done.append((subclass, bases))


def construct_lean(old: type, new: type) -> None:
    """Make ANUGA's class, and classes that derive from it, construct lean objects."""
    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:
        if cls is old:
            cls = new
        elif not issubclass(cls, new):
            _reparent(old, new, [])
        following = super(old, cls).__new__  # type: ignore[arg-type]
        return following(cls) if following is object.__new__ else following(cls, *args, **kwargs)

    # what inspect.signature(class) shows up to Python 3.11.2
    __new__.__signature__ = inspect.signature(old.__init__)  # type: ignore[attr-defined, misc]
    old.__new__ = __new__  # type: ignore[method-assign, assignment]


def refuse_living_domains() -> None:
    """Raise HookError if a domain of ANUGA's own classes is alive."""
    domains = _living_domains()
    if domains:
        raise HookError(
            f"{len(domains)} Domain was created before anuga_lean came in "
            f"({domains[0].get_name()!r}, {len(domains[0])} triangles): move "
            "'import anuga_lean as anuga' above the line that creates it, or turn it "
            "with anuga_lean.from_domain(domain).")


def _living_domains() -> list[Any]:
    generic = sys.modules["anuga.abstract_2d_finite_volumes.generic_domain"].Generic_Domain
    # type(), not isinstance: a proxy among the objects would run code for its __class__.
    if not any(issubclass(type(each), generic) for each in gc.get_objects()):
        return []
    gc.collect()
    return [each for each in gc.get_objects() if issubclass(type(each), generic)]
