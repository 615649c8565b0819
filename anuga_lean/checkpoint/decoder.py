"""Makes a graph of objects from its data, with its code or without.

Owns the order in which objects come back: empty, then filled, then given their
state; and `Missing`, which stands where code was not loaded.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint.allowed import attribute_of, hides_code, inner_code, method_of
from anuga_lean.checkpoint.encoder import is_key
from anuga_lean.checkpoint.register import class_of, function_of

_DTYPE = re.compile(r"[<>|=][biufcSUMm]\d{1,9}(\[\w{1,20}\])?")

Json = Any


class Missing:
    """Stands where code was not loaded, and raises an error when it is used.

    Parameters
    ----------
    path, kind : str
        Where it stood and what it was.
    why : str
        Why it was not loaded, behind a comma.
    """

    limiter_prescribes = (False, False)     # read of a boundary before it is used
    is_missing = True

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
    old_names : module, optional
        `format_1`: what the table names its classes and functions by.

    Raises
    ------
    CheckpointError
        The code section cannot be loaded.
    Exception
        The table is not what an Encoder writes; of any kind.
    """

    def __init__(self, objects: list[Json], array: Callable[[int], NDArray[Any]],
                 code: list[tuple[str, str]], pickled: bytes | None,
                 old_names: types.ModuleType | None = None) -> None:
        self._objects = objects
        self._old_names = old_names
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
        """Return the object that was given to the Encoder."""
        return self._made[0]

    @property
    def made(self) -> list[Any]:
        """Return all objects of the table, by place."""
        return self._made

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
        from anuga_lean._kernels import LendsBuffer  # commands do without the kernels

        cls = self._class(entry)
        # a class's own may do anything
        return (LendsBuffer if issubclass(cls, LendsBuffer) else object).__new__(cls)

    def _class(self, entry: Json) -> type:
        kind = entry["new"]
        if kind[0] == "class":
            [name] = self._named(*kind[1:])
            return class_of(name)
        found = self._code[kind[1]]
        return found if isinstance(found, type) else self._class({"new": entry["base"]})

    def _load(self, pickled: bytes) -> None:
        from anuga_lean.checkpoint.code import unpickled

        try:
            found = unpickled(pickled, self._made, self._old_names)
        except MemoryError:
            raise
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

    def _tuple_value(self, *values: Json) -> tuple[Any, ...]:
        return tuple([self._value(each) for each in values])

    def _frozenset_value(self, *values: Json) -> frozenset[Any]:
        return frozenset([self._key(each) for each in values])

    def _float_value(self, text: str) -> float:
        return float(text)

    def _complex_value(self, real: str, imaginary: str) -> complex:
        return complex(float(real), float(imaginary))

    def _scalar_value(self, dtype: str, digits: str) -> np.generic:
        value: np.generic = np.frombuffer(bytes.fromhex(digits), _dtype(dtype))[0]
        return value

    def _bytes_value(self, digits: str) -> bytes:
        return bytes.fromhex(digits)

    def _slice_value(self, *ends: int | None) -> slice:
        return slice(*ends)

    def _dtype_value(self, name: str) -> np.dtype[Any]:
        return _dtype(name)

    def _zone_value(self, key: str) -> ZoneInfo:
        return ZoneInfo(key)

    def _function_value(self, *words: Json) -> Any:
        [name] = self._named(*words)
        return function_of(name)

    def _named(self, *words: Json) -> tuple[Json, ...]:
        """Return the words with the register's name of a class or function in front."""
        return words if self._old_names is None else (
            self._old_names.name_of(*words[:2]), *words[2:])

    def _method_value(self, owner: Json, name: str) -> types.MethodType:
        instance = self._value(owner)
        function = method_of(type(instance), name)
        if function is None:
            raise ValueError(f"{name} is no method that a checkpoint may name")
        return types.MethodType(function, instance)

    def _inner_value(self, *words: Json) -> Any:
        name, defaults, *cells = self._named(*words)
        code, namespace = inner_code(name)
        closure = tuple([types.CellType(self._value(cell)) for cell in cells])
        found = types.FunctionType(code, namespace, code.co_name, self._value(defaults), closure)
        found.__qualname__ = name.partition(".")[2]
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
        """Return a key of a dictionary; hashing it runs no code of ANUGA's."""
        found = self._value(value)
        if not is_key(found):
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
            if hides_code(cls, key) and entry["attributes"][key][:1] != ["code"]:
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
    slot = attribute_of(type(made), name)
    if isinstance(slot, types.MemberDescriptorType):
        slot.__set__(made, value)
    elif hides_code(type(made), name):
        raise ValueError(f"an attribute {name!r} in place of a method")
    else:
        made.__dict__[name] = value


def _dtype(name: str) -> np.dtype[Any]:
    if not isinstance(name, str) or not _DTYPE.fullmatch(name):
        raise ValueError(f"the dtype {name!r}")
    return np.dtype(name)
