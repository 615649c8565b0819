"""A domain and all that hangs on it as data: JSON, arrays, and code kept apart.

Owns what of a graph of objects can be restored without running anything (plain
values, arrays, instances of ANUGA's classes by their attributes, references to
ANUGA's own functions) and how that is written down.  Everything else is code: a user's
functions, classes and their instances, which dill stores in a section of its
own.  Files are `checkpoint_file`'s.
"""

from __future__ import annotations

import copyreg
import importlib
import math
import re
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint_file import ArrayParts

# Arrays of fewer bytes stand in the JSON.
_SMALL = 2048
_NUMBERS = "biufcSUMm"      # kinds of dtypes whose bytes are their values
_DTYPE = re.compile(r"[<>|=][biufcSUMm]\d{1,9}(\[\w{1,20}\])?")

# A file may name what a model is made of and nothing else: importing a module runs it, and
# ANUGA has modules that are scripts (fit_interpolate.run_long_benchmark starts a shell).
_OF_A_MODEL = (
    r"anuga\.((abstract_2d_finite_volumes|operators|structures)\.(?!tests?\b|setup\b|conftest\b)\w+"
    r"|parallel\.parallel_\w+|rain\.(calibrated_radar_rain|raster_time_slice)"
    r"|shallow_water\.(boundaries|forcing|friction|shallow_water_domain)")
_LEAN = (r"anuga_lean\.(boundary|domain|mesh|mesh_tables|past|pressure|quantity|quantity_state"
         r"|quantity_values|quantity_views|riverwalls|step|tracers|viscosity|wall_edges)")
# Functions and methods may be called when a domain evolves: none of these is a writer of files.
_FUNCTION_MODULES = re.compile(rf"{_OF_A_MODEL}|utilities\.numerical_tools)|numpy")
_METHOD_MODULES = re.compile(rf"{_OF_A_MODEL})|{_LEAN}")
# Instances of classes from these modules are restored from their attributes.
_MODULES = re.compile(
    rf"{_OF_A_MODEL}|coordinate_transforms\.(geo_reference|lat_long_UTM_conversion)|file\.sww"
    r"|fit_interpolate\.(general_fit_interpolate|interpolate2?d?)|geometry\.(aabb|polygon_function|quad)"
    r"|utilities\.(cg_solve|quad_tree|sparse))"
    rf"|{_LEAN}")
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

Json = Any


class CodeItem(NamedTuple):
    """Something that only dill can store: where it was met first, and what it is."""

    path: str
    kind: str
    value: Any


class Missing:
    """What stands where code was not loaded; complains when it is used.

    Parameters
    ----------
    path, kind : str
        Where it stood and what it was.
    why : str
        Why it was not loaded, behind a comma.
    """

    def __init__(self, path: str, kind: str, why: str = "as trusted=False asks") -> None:
        self.path = path
        self.kind = kind
        self.why = why

    def _complain(self) -> CheckpointError:
        return CheckpointError(
            f"{self.path} ({self.kind}) was not loaded from the checkpoint, {self.why}: "
            "set it again before going on.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise self._complain()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._complain()

    def __repr__(self) -> str:
        return f"<{self.path}: {self.kind}, not loaded>"


def _class_of(module: Any, name: Any) -> type:
    """Return a class that may be restored from its attributes."""
    found = _look_up(module, name, _MODULES)
    if not isinstance(found, type) or issubclass(found, BaseException):
        raise ValueError(f"{module}.{name} is no class to restore")
    return found


def _look_up(module: Any, name: Any, allowed: re.Pattern[str]) -> Any:
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


def _attribute_of(cls: type, name: str) -> Any:
    """Return what a class has under a name, itself; None if nothing."""
    return next((vars(each)[name] for each in cls.__mro__ if name in vars(each)), None)


def _method_of(cls: type, name: Any) -> types.FunctionType | None:
    """Return a method that a file may bind to an instance, or None."""
    found = _attribute_of(cls, name) if isinstance(name, str) else None
    is_known = isinstance(found, types.FunctionType) and not name.startswith("__") \
        and _METHOD_MODULES.fullmatch(found.__module__)
    return found if is_known else None


def _hides_code(cls: type, name: str) -> bool:
    """Whether an attribute of that name would be called in place of a method of the class."""
    found = _attribute_of(cls, name)
    return isinstance(found, (staticmethod, classmethod)) or callable(found) \
        and not isinstance(found, type)


def _is_named(value: Any, allowed: re.Pattern[str]) -> bool:
    """Whether `value` is what its module and qualified name say."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    try:
        return _look_up(module, name, allowed) is value
    except (ValueError, AttributeError, ImportError):
        return False


def _inner_code(module: Any, name: Any) -> tuple[types.CodeType, dict[str, Any]]:
    """Return the code of a function defined inside one of ANUGA's, and its globals."""
    outer, _, inner = str(name).rpartition(".<locals>.")
    function = _look_up(module, outer, _FUNCTION_MODULES)
    if not isinstance(function, types.FunctionType) or function.__module__ != module:
        raise ValueError(f"{module}.{outer} is no function")
    codes = [each for each in function.__code__.co_consts
             if isinstance(each, types.CodeType) and each.co_name == inner]
    if len(codes) != 1:
        raise ValueError(f"{module}.{outer} has {len(codes)} functions {inner}")
    return codes[0], function.__globals__


def state_of(value: Any) -> Any:
    """Return what an object is restored from, or raise TypeError if that takes code."""
    own = getattr(value, "checkpoint_state", None)
    if own is not None:
        return own()
    reduced = value.__reduce_ex__(2)
    if isinstance(reduced, str) or reduced[0] is not copyreg.__newobj__ \
            or reduced[1] != (type(value),) or any(each is not None for each in reduced[3:]):
        raise TypeError(f"{type(value).__name__} is made by code of its own")
    return reduced[2] if len(reduced) > 2 else None


class Encoder:
    """Writes down a graph.

    Parameters
    ----------
    root : object
        Its place in the table is 0.
    name : str
        How paths call it.
    first : dict, optional
        Objects by their paths, which are met before all others: arrays in them
        have those paths, not the ones of objects that refer to them too.

    Attributes
    ----------
    objects : list
        The table, JSON: containers, arrays and instances, each once, however
        many others refer to it.
    arrays : list of (str, ArrayParts)
        What 'array' entries of the table refer to, with the path of each.
    code : list of CodeItem
    """

    def __init__(self, root: Any, name: str = "domain",
                 first: dict[str, Any] | None = None) -> None:
        self.objects: list[Json] = []
        self.arrays: list[tuple[str, ArrayParts]] = []
        self.code: list[CodeItem] = []
        self._place: dict[int, int] = {}
        self._code_place: dict[int, int] = {}
        self._alive: list[Any] = []     # so that no id is used twice
        self._todo: deque[tuple[int, Any, str]] = deque()
        self._refer(root, name)
        last = self._todo.pop()
        for path, value in (first or {}).items():
            self._refer(value, path)
            self._work()
        self._todo.append(last)
        self._work()

    def _work(self) -> None:
        while self._todo:
            place, value, path = self._todo.popleft()
            self.objects[place] = self._describe(value, path)

    def _refer(self, value: Any, path: str) -> Json:
        place = self._place.get(id(value))
        if place is None:
            place = self._place[id(value)] = len(self.objects)
            self.objects.append(None)
            self._alive.append(value)
            self._todo.append((place, value, path))
        return ["ref", place]

    def _value(self, value: Any, path: str) -> Json:
        """Return the JSON of a value: itself, or a list that begins with its kind."""
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else ["float", repr(value)]
        if kind is tuple:
            return ["tuple", *[self._value(each, f"{path}[{i}]") for i, each in enumerate(value)]]
        if kind in (list, dict, set, np.ndarray, ArrayParts):
            return self._refer(value, path) if self._fits(value) else self._as_code(value, path)
        plain = self._plain(value, kind)
        if plain is not None:
            return plain
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
            found = self._function(value, path)
            return self._as_code(value, path) if found is None else found
        if kind is types.MethodType:
            owner = self._value(value.__self__, f"{path}.__self__")
            name = value.__func__.__name__
            if owner[:1] == ["ref"] and _method_of(type(value.__self__), name) is value.__func__:
                return ["method", owner, name]
            return self._as_code(value, path)
        if isinstance(value, type):
            known = _is_named(value, _MODULES)
            return ["class", value.__module__, value.__qualname__] if known \
                else self._as_code(value, path)
        if id(value) in self._place or _is_named(kind, _MODULES) or self._is_root(value):
            return self._refer(value, path)
        return self._as_code(value, path)

    def _is_root(self, value: Any) -> bool:
        return bool(self._alive) and value is self._alive[0]

    @staticmethod
    def _fits(value: Any) -> bool:
        """Whether a container or an array can be written without code."""
        if type(value) is np.ndarray:
            return value.dtype.kind in _NUMBERS
        if type(value) is dict:
            return all(_is_key(key) for key in value)
        return type(value) is not set or all(_is_key(each) for each in value)

    @staticmethod
    def _plain(value: Any, kind: type) -> Json:
        """Return the JSON of a constant, or None."""
        if isinstance(value, np.generic):
            return ["scalar", value.dtype.str, value.tobytes().hex()] \
                if value.dtype.kind in _NUMBERS else None
        if kind is bytes:
            return ["bytes", value.hex()]
        if kind is complex:
            return ["complex", repr(value.real), repr(value.imag)]
        if kind is frozenset and all(_is_key(each) for each in value):
            return ["frozenset", *[_key(each) for each in sorted(value, key=repr)]]
        if kind is slice and all(each is None or type(each) is int
                                 for each in (value.start, value.stop, value.step)):
            return ["slice", value.start, value.stop, value.step]
        if isinstance(value, np.dtype) and value.kind in _NUMBERS:
            return ["dtype", value.str]
        if isinstance(value, np.ufunc) and getattr(np, value.__name__, None) is value:
            return ["function", "numpy", value.__name__]
        if kind is ZoneInfo and value.key is not None:
            return ["zone", value.key]
        return None

    def _function(self, value: Any, path: str) -> Json:
        """Return the JSON of one of ANUGA's functions, or None."""
        if value.__module__ != "numpy" and _is_named(value, _FUNCTION_MODULES):
            return ["function", value.__module__, value.__qualname__]
        if not isinstance(value, types.FunctionType) or value.__dict__:
            return None
        try:
            code, namespace = _inner_code(value.__module__, value.__qualname__)
        except (ValueError, AttributeError, ImportError):
            return None
        # a pickle of dill's has a copy of the code
        if code != value.__code__ or namespace is not value.__globals__ \
                or value.__kwdefaults__ is not None:
            return None
        try:
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
        except ValueError:      # a name that is not bound yet
            return None
        return ["inner", value.__module__, value.__qualname__,
                self._value(value.__defaults__, f"{path}.__defaults__"),
                *[self._value(cell, f"{path}.{name}")
                  for name, cell in zip(code.co_freevars, cells, strict=True)]]

    def _as_code(self, value: Any, path: str) -> Json:
        place = self._code_place.get(id(value))
        if place is None:
            place = self._code_place[id(value)] = len(self.code)
            self._alive.append(value)
            self.code.append(CodeItem(path, _kind(value), value))
        return ["code", place]

    def _describe(self, value: Any, path: str) -> Json:
        """Return the entry of the table for a container, an array or an instance."""
        kind = type(value)
        if kind is list:
            return {"list": [self._value(each, f"{path}[{i}]") for i, each in enumerate(value)]}
        if kind is set:
            return {"set": [_key(each) for each in sorted(value, key=repr)]}
        if kind is dict:
            return {"dict": [[_key(key), self._value(each, f"{path}[{key!r}]")]
                             for key, each in value.items()]}
        if kind is ArrayParts:
            return self._array(value, path)
        if kind is np.ndarray:
            if value.nbytes < _SMALL:
                return {"small": [value.dtype.str, list(value.shape), value.tobytes().hex()]}
            return self._array(ArrayParts.of(value), path)
        return self._instance(value, path)

    def _array(self, parts: ArrayParts, path: str) -> Json:
        self.arrays.append((path, parts))
        return {"array": len(self.arrays) - 1}

    def _instance(self, value: Any, path: str) -> Json:
        """Return the entry for an instance: its class and its attributes."""
        kind = type(value)
        try:
            state = state_of(value)
        except TypeError:
            if self._is_root(value):
                raise
            return {"code": self._as_code(value, path)[1]}
        entry: dict[str, Json] = {"new": self._value(kind, f"type({path})")}
        if not _is_named(kind, _MODULES):   # the root alone: a user's own Domain
            entry["base"] = next(["class", base.__module__, base.__qualname__]
                                 for base in kind.__mro__ if _is_named(base, _MODULES))
        if type(state) is dict and all(type(key) is str for key in state):
            self._alive.append(state)
            entry["attributes"] = {
                key: self._as_code(each, f"{path}.{key}") if _hides_code(kind, key)
                else self._value(each, f"{path}.{key}") for key, each in state.items()}
        elif state is not None:
            entry["state"] = self._value(state, path)
        return entry

    # -- code ------------------------------------------------------------------

    def pickled_code(self) -> bytes:
        """Return the code section, b'' if there is no code.

        Raises
        ------
        CheckpointError
            Something can be stored by nothing, e.g. an open file.
        """
        if not self.code:
            return b""
        items = [item.value for item in self.code]
        try:
            data = self._pickled(items)
        except Exception as error:
            raise CheckpointError(self._culprit(error)) from error
        self._work()    # what only code refers to
        return data

    def _pickled(self, value: Any) -> bytes:
        from anuga_lean.code_section import pickled     # dill: only where there is code
        return pickled(value, self.place_of)

    def _culprit(self, error: Exception) -> str:
        for item in self.code:
            try:
                self._pickled([item.value])
            except Exception as own:
                return (f"{item.path} ({item.kind}) cannot be stored in a checkpoint ({own}): "
                        "remove it from the domain, or keep a function that makes it.")
        return f"the code of {len(self.code)} objects cannot be stored in a checkpoint ({error})."

    def place_of(self, value: Any) -> int | None:
        """Return the place of an object in the table; arrays get one now."""
        place = self._place.get(id(value))
        if place is None and type(value) is np.ndarray and value.nbytes >= _SMALL \
                and self._fits(value):
            place = self._refer(value, "code.array")[1]
        if place is not None and set(self.objects[place] or ()) == {"code"}:
            return None
        return place


def _kind(value: Any) -> str:
    """Say what a piece of code is."""
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
        what = "class" if isinstance(value, type) else "function"
        return f"{what} {value.__module__}.{value.__qualname__}"
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def _is_key(value: Any) -> bool:
    kind = type(value)
    return value is None or kind in (bool, int, str, float) or isinstance(value, np.generic) \
        and value.dtype.kind in _NUMBERS or kind is tuple and all(_is_key(each) for each in value)


def _key(value: Any) -> Json:
    """Return the JSON of a key."""
    if type(value) is tuple:
        return ["tuple", *[_key(each) for each in value]]
    if isinstance(value, np.generic):
        return ["scalar", value.dtype.str, value.tobytes().hex()]
    if type(value) is float and not math.isfinite(value):
        return ["float", repr(value)]
    return value


# -- back ----------------------------------------------------------------------


class Decoder:
    """Makes a graph again.

    Parameters
    ----------
    objects : list
        The table of an `Encoder`.
    array : callable
        Returns the array of a number.
    code : list of (path, kind)
        What the code section holds.
    pickled : bytes or None
        The code section; None leaves the code out.

    Raises
    ------
    CheckpointError
        The code section cannot be loaded.
    Exception
        The table is not what an Encoder writes; of any kind.
    """

    def __init__(self, objects: list[Json], array: Callable[[int], np.ndarray],
                 code: list[tuple[str, str]], pickled: bytes | None) -> None:
        self._objects = objects
        self._array = array
        self._taken: set[int] = set()
        self.missing: list[Missing] = []
        if not isinstance(objects, list) or not objects:
            raise ValueError("no table of objects")
        self._code: list[Any] = [Missing(str(path), str(kind)) for path, kind in code]
        self._made: list[Any] = [None] * len(objects)
        classes = [entry for entry in objects if isinstance(entry, dict) and "base" in entry]
        if classes and pickled:     # a user's class must be there to be made
            self._load(pickled)
        for place, entry in enumerate(objects):
            self._made[place] = self._shell(entry)
        if pickled is None:
            self.missing = list(self._code)
        elif self._code:
            self._load(pickled)
        for place, entry in enumerate(objects):
            if set(entry) == {"code"}:
                self._made[place] = self._code[entry["code"]]
        for place, entry in enumerate(objects):
            self._fill(self._made[place], entry)
        for place in reversed(range(len(objects))):
            self._restore(self._made[place], objects[place])

    @property
    def root(self) -> Any:
        """The object that was given to the Encoder."""
        return self._made[0]

    def _shell(self, entry: Json) -> Any:
        kind = next(iter(entry))
        if kind in ("list", "dict", "set"):
            return {"list": list, "dict": dict, "set": set}[kind]()
        if kind == "array":
            if entry["array"] in self._taken:   # or a small file takes much memory
                raise ValueError(f"the array {entry['array']} twice")
            self._taken.add(entry["array"])
            return self._array(entry["array"])
        if kind == "small":
            dtype, shape, digits = entry["small"]
            return np.frombuffer(bytes.fromhex(digits), _dtype(dtype)).reshape(shape).copy()
        if kind == "code":
            return None
        if kind != "new":
            raise ValueError(f"an entry {kind!r} in the table of objects")
        return object.__new__(self._class(entry))   # a class's own may do anything

    def _class(self, entry: Json) -> type:
        kind = entry["new"]
        if kind[0] == "class":
            return _class_of(*kind[1:])
        found = self._code[kind[1]]
        return found if isinstance(found, type) else _class_of(*entry["base"][1:])

    def _load(self, pickled: bytes) -> None:
        from anuga_lean.code_section import unpickled

        try:
            found = unpickled(pickled, self._made)
        except Exception as error:
            raise CheckpointError(
                f"its code cannot be loaded ({type(error).__name__}: {error}): make what it "
                "imports importable, or pass trusted=False and set again what it lists") from error
        if len(found) != len(self._code):
            raise ValueError(f"{len(found)} pieces of code where {len(self._code)} are listed")
        self._code = found

    def _value(self, value: Json) -> Any:
        if not isinstance(value, list):
            if isinstance(value, dict):
                raise ValueError("an object where a value should be")
            return value
        kind, *rest = value
        return getattr(self, f"_{kind}_value")(*rest)

    def _ref_value(self, place: int) -> Any:
        if type(place) is not int or place < 0:
            raise ValueError(f"a reference to {place!r}")
        return self._made[place]

    def _code_value(self, place: int) -> Any:
        return self._code[place]

    def _tuple_value(self, *values: Json) -> tuple:
        return tuple([self._value(each) for each in values])

    def _frozenset_value(self, *values: Json) -> frozenset:
        return frozenset([self._key(each) for each in values])

    def _float_value(self, text: str) -> float:
        return float(text)

    def _complex_value(self, real: str, imaginary: str) -> complex:
        return complex(float(real), float(imaginary))

    def _scalar_value(self, dtype: str, digits: str) -> np.generic:
        return np.frombuffer(bytes.fromhex(digits), _dtype(dtype))[0]

    def _bytes_value(self, digits: str) -> bytes:
        return bytes.fromhex(digits)

    def _slice_value(self, *ends: int | None) -> slice:
        return slice(*ends)

    def _dtype_value(self, name: str) -> np.dtype:
        return _dtype(name)

    def _zone_value(self, key: str) -> ZoneInfo:
        return ZoneInfo(key)

    def _class_value(self, module: str, name: str) -> type:
        return _class_of(module, name)

    def _function_value(self, module: str, name: str) -> Any:
        found = _look_up(module, name, _FUNCTION_MODULES)
        if not isinstance(found, np.ufunc if module == "numpy" else (
                types.FunctionType, types.BuiltinFunctionType)):
            raise ValueError(f"{module}.{name} is no function")
        return found

    def _method_value(self, owner: Json, name: str) -> types.MethodType:
        instance = self._value(owner)
        function = _method_of(type(instance), name)
        if function is None:
            raise ValueError(f"{name} is no method that a checkpoint may name")
        return types.MethodType(function, instance)

    def _inner_value(self, module: str, name: str, defaults: Json, *cells: Json) -> Any:
        code, namespace = _inner_code(module, name)
        closure = tuple([types.CellType(self._value(cell)) for cell in cells])
        found = types.FunctionType(code, namespace, code.co_name, self._value(defaults), closure)
        found.__qualname__ = name
        return found

    def _fill(self, made: Any, entry: Json) -> None:
        """Put into a container what it holds."""
        kind = next(iter(entry))
        if kind == "list":
            made.extend([self._value(each) for each in entry["list"]])
        elif kind == "set":
            made.update([self._key(each) for each in entry["set"]])
        elif kind == "dict":
            made.update([(self._key(key), self._value(each)) for key, each in entry["dict"]])

    def _key(self, value: Json) -> Any:
        """Return a key, whose hash is no code of ANUGA's."""
        found = self._value(value)
        if not _is_key(found):
            raise ValueError(f"a {type(found).__name__} as a key")
        return found

    def _restore(self, made: Any, entry: Json) -> None:
        """Give an instance its attributes, after those of all that it refers to first."""
        if "new" not in entry:
            return
        if "attributes" in entry:
            state: Any = {sys.intern(key): self._value(each)
                          for key, each in entry["attributes"].items()}
        elif "state" in entry:
            state = self._value(entry["state"])
        else:
            return
        cls = type(made)
        for key in entry.get("attributes", ()):
            if _hides_code(cls, key) and entry["attributes"][key][:1] != ["code"]:
                raise ValueError(f"an attribute {key!r} in place of a method")
        own = getattr(cls, "take_checkpoint_state", None) or getattr(cls, "__setstate__", None)
        if own is not None:
            own(made, state)
        elif isinstance(state, tuple):
            for part in state:
                for key, each in (part or {}).items():
                    _set_slot(made, key, each)
        else:
            made.__dict__.update(state)


def _set_slot(made: Any, name: str, value: Any) -> None:
    """Give an instance one of its slots, or an attribute that is not computed."""
    slot = _attribute_of(type(made), name)
    if isinstance(slot, types.MemberDescriptorType):
        slot.__set__(made, value)
    elif _hides_code(type(made), name):
        raise ValueError(f"an attribute {name!r} in place of a method")
    else:
        made.__dict__[name] = value


def _dtype(name: str) -> np.dtype:
    if not isinstance(name, str) or not _DTYPE.fullmatch(name):
        raise ValueError(f"the dtype {name!r}")
    return np.dtype(name)


def flat_paths(paths: Iterator[str] | list[str]) -> list[str]:
    """Return a distinct name for a file from each path, e.g. quantities/stage/centroid_values."""
    seen: dict[str, int] = {}
    names = []
    for path in paths:
        words = [word.strip("_") or "_" for word in re.findall(r"\w+", path)]
        name = "/".join(words[1:] or words)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return names
