"""Turns a domain and all that it refers to into data: JSON, arrays, and code kept apart.

Owns how a graph of objects is written down: plain values, arrays, instances of
ANUGA's classes by their attributes, references to ANUGA's own functions.  The
rest is code: a user's functions, classes and their instances, which `code` pickles.
"""

from __future__ import annotations

import math
import re
import types
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from anuga_lean._errors import CheckpointError
from anuga_lean.arrays.parts import ArrayParts
from anuga_lean.checkpoint.allowed import hides_code, inner_code, method_of, state_of
from anuga_lean.checkpoint.register import is_function, name_of

# Arrays of fewer bytes stand in the JSON.
_SMALL = 2048
NUMBERS = "biufcSUMm"      # kinds of dtypes whose bytes are their values

Json = Any


class CodeItem(NamedTuple):
    """An object that only dill can store: where it was met first, and what it is."""

    path: str
    kind: str
    value: Any


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
            if owner[:1] == ["ref"] and method_of(type(value.__self__), name) is value.__func__:
                return ["method", owner, name]
            return self._as_code(value, path)
        if isinstance(value, type):
            return self._as_code(value, path)   # a call of it may do anything
        if id(value) in self._place or name_of(kind) is not None or self._is_root(value):
            return self._refer(value, path)
        return self._as_code(value, path)

    def _is_root(self, value: Any) -> bool:
        return bool(self._alive) and value is self._alive[0]

    @staticmethod
    def _fits(value: Any) -> bool:
        """Whether a container or an array can be written without code."""
        if type(value) is np.ndarray:
            return value.dtype.kind in NUMBERS
        if type(value) is dict:
            return all(is_key(key) for key in value)
        return type(value) is not set or all(is_key(each) for each in value)

    @staticmethod
    def _plain(value: Any, kind: type) -> Json:
        """Return the JSON of a constant, or None."""
        if isinstance(value, np.generic):
            return ["scalar", value.dtype.str, value.tobytes().hex()] \
                if value.dtype.kind in NUMBERS else None
        if kind is bytes:
            return ["bytes", value.hex()]
        if kind is complex:
            return ["complex", repr(value.real), repr(value.imag)]
        if kind is frozenset and all(is_key(each) for each in value):
            return ["frozenset", *[_key(each) for each in sorted(value, key=repr)]]
        if kind is slice and all(each is None or type(each) is int
                                 for each in (value.start, value.stop, value.step)):
            return ["slice", value.start, value.stop, value.step]
        if isinstance(value, np.dtype) and value.kind in NUMBERS:
            return ["dtype", value.str]
        if isinstance(value, np.ufunc) and name_of(value) is not None:
            return ["function", name_of(value)]
        if kind is ZoneInfo and value.key is not None:
            return ["zone", value.key]
        return None

    def _function(self, value: Any, path: str) -> Json:
        """Return the JSON of one of ANUGA's functions, or None."""
        name = name_of(value)
        if name is not None:
            return ["function", name] if is_function(value) else None
        if not isinstance(value, types.FunctionType) or value.__dict__:
            return None
        name = f"anuga.{value.__qualname__}"
        try:
            code, namespace = inner_code(name)
        except ValueError:
            return None
        # a pickle of dill's has a copy of the code
        if code != value.__code__ or namespace is not value.__globals__ \
                or value.__kwdefaults__ is not None:
            return None
        try:
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
        except ValueError:      # a name that is not bound yet
            return None
        return ["inner", name,
                self._value(value.__defaults__, f"{path}.__defaults__"),
                *[self._value(cell, f"{path}.{free}")
                  for free, cell in zip(code.co_freevars, cells, strict=True)]]

    def _as_code(self, value: Any, path: str) -> Json:
        place = self._code_place.get(id(value))
        if place is None:
            place = self._code_place[id(value)] = len(self.code)
            self._alive.append(value)
            self.code.append(CodeItem(path, kind_of(value), value))
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
        known = name_of(kind)
        entry: dict[str, Json] = {
            "new": self._as_code(kind, f"type({path})") if known is None else ["class", known]}
        if known is None:       # the root alone: a user's own Domain
            entry["base"] = next(["class", name_of(base)]
                                 for base in kind.__mro__ if name_of(base) is not None)
        if type(state) is dict and all(type(key) is str for key in state):
            self._alive.append(state)
            entry["attributes"] = {
                key: self._as_code(each, f"{path}.{key}") if hides_code(kind, key)
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
        except MemoryError:
            raise
        except Exception as error:
            raise CheckpointError(self._culprit(error)) from error
        self._work()    # what only code refers to
        return data

    def _pickled(self, value: Any) -> bytes:
        from anuga_lean.checkpoint.code import pickled  # dill: only where there is code
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
        """Return the place of an object in the table; add an array that is not there yet."""
        place = self._place.get(id(value))
        if place is None and type(value) is np.ndarray and value.nbytes >= _SMALL \
                and self._fits(value):
            place = self._refer(value, "code.array")[1]
        if place is not None and set(self.objects[place] or ()) == {"code"}:
            return None
        return place


def kind_of(value: Any) -> str:
    """Say what a piece of code is."""
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
        what = "class" if isinstance(value, type) else "function"
        return f"{what} {value.__module__}.{value.__qualname__}"
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def is_key(value: Any) -> bool:
    kind = type(value)
    return value is None or kind in (bool, int, str, float) or isinstance(value, np.generic) \
        and value.dtype.kind in NUMBERS or kind is tuple and all(is_key(each) for each in value)


def _key(value: Any) -> Json:
    """Return the JSON of a key."""
    if type(value) is tuple:
        return ["tuple", *[_key(each) for each in value]]
    if isinstance(value, np.generic):
        return ["scalar", value.dtype.str, value.tobytes().hex()]
    if type(value) is float and not math.isfinite(value):
        return ["float", repr(value)]
    return value


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
