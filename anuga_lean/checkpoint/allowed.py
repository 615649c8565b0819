"""What a checkpoint may name: the classes, functions and methods that a model is made of.

Owns the modules that are looked in and what of an object counts as its state.
All else is code, which `encoder` leaves to dill and `decoder` loads only from
trusted files.
"""

from __future__ import annotations

import copyreg
import importlib
import re
import sys
import types
from typing import Any

# A file may name what a model is made of and nothing else: importing a module runs it, and
# ANUGA has modules that are scripts (fit_interpolate.run_long_benchmark starts a shell).
_OF_A_MODEL = (
    r"anuga\.((abstract_2d_finite_volumes|operators|structures)\.(?!tests?\b|setup\b|conftest\b)\w+"
    r"|parallel\.parallel_\w+|rain\.(calibrated_radar_rain|raster_time_slice)"
    r"|shallow_water\.(boundaries|forcing|friction|shallow_water_domain)")
_LEAN = (r"anuga_lean\.(fractional_steps\.(barometric_pressure|kinematic_viscosity)"
         r"|mesh\.(mesh|tables)|quantity\.(compact|forms|quantity|views)"
         r"|stepping\.(boundary|domain|prescribed|riverwalls|step|tracers|wall_edges|yield_state))")
# Functions and methods may be called when a domain evolves: none of these is a writer of files.
FUNCTION_MODULES = re.compile(rf"{_OF_A_MODEL}|utilities\.numerical_tools)|numpy")
METHOD_MODULES = re.compile(rf"{_OF_A_MODEL})|{_LEAN}")
# Instances of classes from these modules are restored from their attributes.
MODULES = re.compile(
    rf"{_OF_A_MODEL}|coordinate_transforms\.(geo_reference|lat_long_UTM_conversion)|file\.sww"
    r"|fit_interpolate\.(general_fit_interpolate|interpolate2?d?)|geometry\.(aabb|polygon_function|quad)"
    r"|utilities\.(cg_solve|quad_tree|sparse))"
    rf"|{_LEAN}")
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def class_of(module: Any, name: Any) -> type:
    """Return a class that may be restored from its attributes."""
    found = look_up(module, name, MODULES)
    if not isinstance(found, type) or issubclass(found, BaseException):
        raise ValueError(f"{module}.{name} is no class to restore")
    return found


def look_up(module: Any, name: Any, allowed: re.Pattern[str]) -> Any:
    """Return what a module has defined itself: not what it has imported, such as os.system."""
    if not (isinstance(module, str) and isinstance(name, str)
            and allowed.fullmatch(module) and _NAME.fullmatch(name)):
        raise ValueError(f"{module}.{name} is not among what a checkpoint may name")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        if not isinstance(found, type) and found is not sys.modules[module] \
                or part not in vars(found):
            raise ValueError(f"{module}.{name} is not there")
        found = vars(found)[part]
        if isinstance(found, (staticmethod, classmethod)):
            found = found.__func__
    if module == "numpy":
        return found
    if (getattr(found, "__module__", None), getattr(found, "__qualname__", None)) != (module, name):
        raise ValueError(f"{module}.{name} is defined elsewhere")
    return found


def attribute_of(cls: type, name: str) -> Any:
    """Return what a class has under a name, itself; None if nothing."""
    return next((vars(each)[name] for each in cls.__mro__ if name in vars(each)), None)


def method_of(cls: type, name: Any) -> types.FunctionType | None:
    """Return a method that a file may bind to an instance, or None."""
    found = attribute_of(cls, name) if isinstance(name, str) else None
    is_known = isinstance(found, types.FunctionType) and not name.startswith("__") \
        and METHOD_MODULES.fullmatch(found.__module__)
    return found if is_known else None


def hides_code(cls: type, name: str) -> bool:
    """Whether an attribute of that name would be called in place of a method of the class."""
    found = attribute_of(cls, name)
    return isinstance(found, (staticmethod, classmethod)) or callable(found) \
        and not isinstance(found, type)


def is_named(value: Any, allowed: re.Pattern[str]) -> bool:
    """Whether `value` is what its module and qualified name say."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    try:
        return look_up(module, name, allowed) is value
    except (ValueError, AttributeError, ImportError):
        return False


def inner_code(module: Any, name: Any) -> tuple[types.CodeType, dict[str, Any]]:
    """Return the code of a function defined inside one of ANUGA's, and its globals."""
    outer, _, inner = str(name).rpartition(".<locals>.")
    function = look_up(module, outer, FUNCTION_MODULES)
    if not isinstance(function, types.FunctionType) or function.__module__ != module:
        raise ValueError(f"{module}.{outer} is no function")
    codes = [each for each in function.__code__.co_consts
             if isinstance(each, types.CodeType) and each.co_name == inner]
    if len(codes) != 1:
        raise ValueError(f"{module}.{outer} has {len(codes)} functions {inner}")
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
