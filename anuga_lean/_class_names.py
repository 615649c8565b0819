"""Names our classes in checkpoints and pickles, by names that stay when a class moves.

Owns which module has a class today. A name is for ever: it stands in files of users. So do the
attributes of these classes: one that is renamed needs a `__setstate__` that takes the old name.
What a checkpoint may hold of ANUGA's is `checkpoint.register`'s.
"""

from __future__ import annotations

import copyreg
import importlib
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

# What can hang on a domain. A class that moves changes its module here and keeps its name.
NAMES_BY_MODULE = {
    "anuga_lean.mesh.mesh": ("Mesh",),
    "anuga_lean.mesh.tables": ("MeshTable",),
    "anuga_lean.quantity.quantity": ("Quantity", "Negated", "Divided", "Power"),
    "anuga_lean.quantity.forms": (
        "Combined", "Constant", "CornerCoordinates", "Corners", "Midpoints", "PerNode",
        "PerTriangle", "Reconstructed", "Stored"),
    "anuga_lean.quantity.views": ("GradientView", "PlaceView", "UpdateView"),
    "anuga_lean.stepping.domain_attributes": ("FullFlagView", "SpeedView"),
    "anuga_lean.stepping.prescribed": ("LimitMasks", "MaskView", "Prescribed"),
    "anuga_lean.stepping.riverwalls": ("NearWalls", "RiverWall"),
    "anuga_lean.stepping.step": ("Step",),
    "anuga_lean.stepping.wall_edges": ("SparseEdges",),
    "anuga_lean.stepping.yield_state": ("PastEdges", "PastState"),
}
_MODULES = {f"lean.{name}": module for module, names in NAMES_BY_MODULE.items() for name in names}
_classes: dict[str, type] = {}
_names: dict[type, str] = {}


def lasting(name: str) -> Callable[[type[T]], type[T]]:
    """Return a decorator: checkpoints and pickles call the class lean.NAME."""
    def give(cls: type[T]) -> type[T]:
        _classes[f"lean.{name}"] = cls
        _names[cls] = f"lean.{name}"
        copyreg.pickle(cls, _reduced)
        return cls
    return give


def name_of(value: Any) -> str | None:
    """Return the name of a class of ours, or None."""
    return _names.get(value) if isinstance(value, type) else None


def class_of(name: str) -> type:
    """Return the class of a name; import its module if it is not loaded yet.

    Raises
    ------
    ValueError
        There is no such class.
    """
    if name not in _MODULES:
        raise ValueError(f"{name!r} is no class of anuga_lean's")
    importlib.import_module(_MODULES[name])
    return _classes[name]


def restored(name: str, *arguments: Any) -> Any:
    """Return an object without its state, as pickle makes it; pickles name this function."""
    cls = class_of(name)
    return cls.__new__(cls, *arguments)


# Where pickles look for it: the package itself, which cannot move.
restored.__module__, restored.__name__, restored.__qualname__ = "anuga_lean", *["_restored"] * 2


def _reduced(value: Any) -> tuple[Any, ...]:
    """Return what pickle and copies make an object of: its class by name, the rest as it is."""
    _, arguments, *rest = value.__reduce_ex__(4)
    return restored, (_names[type(value)], *arguments[1:]), *rest
