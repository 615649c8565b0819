"""Puts the state of a set into the domain that a script has built, and takes no code from it.

Owns which object of the script stands for which of the file's: those that are reached the same
way from the domain and are of the same class.  The script's objects, containers and arrays stay
and get the state of the file; its functions and classes stand where the file has code; its mesh
stays as it is.  That it is the same mesh is checked before, by its digest.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _class_names
from anuga_lean._errors import ModelsDiffer
from anuga_lean.checkpoint.allowed import state_of
from anuga_lean.checkpoint.decoder import Decoder, Json, Missing
from anuga_lean.checkpoint.encoder import kind_of
from anuga_lean.checkpoint.register import name_of

# Where a script's own objects hang: there every one must have its like in the file.
_OF_SCRIPT = ("domain.fractional_step_operators", "domain.boundary_map", "domain.forcing_terms",
              "domain.riverwallData", "domain.quantities_to_be_monitored")
# What operators have not as a script makes them, but once they have computed.
_MADE_BY_STEPS = ("anuga.Stats",)
# Classes of this package that scripts hold instances of; all others are made anew, as loading
# makes them, and what they know of kernels follows from their state.
_ON_THE_SURFACE = ("lean.Quantity", "lean.Negated", "lean.Divided", "lean.Power", "lean.RiverWall")


class Graft(Decoder):
    """Decodes a graph into a domain that is there.

    Parameters
    ----------
    objects, array, code
        As of `Decoder`.
    live : anuga.Domain

    Raises
    ------
    ModelsDiffer
        The script has made something else, or in another order.
    """

    def __init__(self, objects: list[Json], array: Callable[[int], NDArray[Any]],
                 code: list[tuple[str, str]], live: Any) -> None:
        if not isinstance(objects, list) or not objects:
            raise ValueError("no table of objects")
        self._pairs: dict[int, Any] = {}
        self._own_code: dict[int, Any] = {}
        self._kept: set[int] = set()
        self._known_code = code
        self._match(objects, live)
        self._needed = _reachable(objects, self._kept)
        super().__init__(objects, array, code, None)
        left = [each for each in self._code if isinstance(each, Missing)]
        if left:
            raise ModelsDiffer(f"the set has {left[0].path} ({left[0].kind}), the script has none "
                               "there")
        self.missing = []

    # -- which is which ------------------------------------------------------

    def _match(self, objects: list[Json], live: Any) -> None:
        todo: deque[tuple[Json, Any, str]] = deque([(["ref", 0], live, "domain")])
        while todo:
            value, own, path = todo.popleft()
            if not isinstance(value, list):
                continue
            kind, *rest = value
            if kind == "ref" and rest[0] not in self._pairs:
                self._match_entry(objects[rest[0]], rest[0], own, path, todo)
            elif kind == "code":
                self._match_code(rest[0], own, path)
            elif kind == "tuple":
                if type(own) is tuple and len(own) == len(rest):
                    todo.extend((each, its, f"{path}[{i}]")
                                for i, (each, its) in enumerate(zip(rest, own, strict=True)))
            elif kind == "method" and isinstance(own, types.MethodType):
                todo.append((rest[0], own.__self__, f"{path}.__self__"))
            elif kind == "inner" and isinstance(own, types.FunctionType):
                cells = [each.cell_contents for each in own.__closure__ or ()]
                todo.extend((each, its, path) for each, its in zip(rest[2:], cells, strict=False))

    def _match_entry(self, entry: Json, place: int, own: Any, path: str,
                     todo: deque[tuple[Json, Any, str]]) -> None:
        kind = next(iter(entry))
        if kind == "list" and type(own) is list:
            if len(own) != len(entry["list"]):
                if path.startswith(_OF_SCRIPT):
                    raise ModelsDiffer(f"{path} has {len(own)} items where the set has "
                                       f"{len(entry['list'])}")
                return
            self._pairs[place] = own
            todo.extend((each, its, f"{path}[{i}]")
                        for i, (each, its) in enumerate(zip(entry["list"], own, strict=True)))
        elif kind == "dict" and type(own) is dict:
            names = [self._plain_key(key) for key, _ in entry["dict"]]
            if path.startswith(_OF_SCRIPT) and set(names) != set(own):
                raise ModelsDiffer(f"{path} has {_listed(own)} where the set has "
                                   f"{_listed(names)}")
            self._pairs[place] = own
            todo.extend((each, own[name], f"{path}[{name!r}]")
                        for name, (_, each) in zip(names, entry["dict"], strict=True)
                        if name in own)
        elif kind == "array" or kind == "small":
            if type(own) is np.ndarray:
                self._pairs[place] = own
        elif kind == "code":
            self._match_code(entry["code"], own, path)
        elif kind == "new":
            self._match_instance(entry, place, own, path, todo)

    def _plain_key(self, key: Json) -> Any:
        return self._key(key) if isinstance(key, list) else key

    def _match_instance(self, entry: Json, place: int, own: Any, path: str,
                        todo: deque[tuple[Json, Any, str]]) -> None:
        where, name = entry["new"]
        stored = name if where == "class" else self._known_code[name][1]
        found = name_of(type(own)) if where == "class" else kind_of(type(own))
        if found != stored:
            is_made_later = own is None and stored in _MADE_BY_STEPS
            if not is_made_later and (path == "domain" or path.startswith(_OF_SCRIPT)):
                raise ModelsDiffer(f"{path} is {_article(found or type(own).__name__)} where the "
                                   f"set has {_article(stored)}")
            return
        if where == "code":
            self._own_code[name] = type(own)
        if path == "domain.mesh":
            self._pairs[place] = own
            self._kept.add(place)
            return
        ours = _class_names.name_of(type(own))
        if ours is None or ours in _ON_THE_SURFACE:
            self._pairs[place] = own
        try:
            state = state_of(own)
        except TypeError:
            return
        if type(state) is dict and "attributes" in entry:
            todo.extend((each, state[key], f"{path}.{key}")
                        for key, each in entry["attributes"].items() if key in state)

    def _match_code(self, number: int, own: Any, path: str) -> None:
        stored = str(self._known_code[number][1])
        found = kind_of(own)
        if found != stored:
            raise ModelsDiffer(f"{path} is {_article(found)} where the set has "
                               f"{_article(stored)}")
        self._own_code.setdefault(number, own)

    # -- decoding ------------------------------------------------------------

    def _code_of(self, number: int, path: str, kind: str) -> Any:
        return self._own_code.get(number, super()._code_of(number, path, kind))

    def _shell(self, place: int, entry: Json) -> Any:
        if place not in self._needed:
            return None
        own = self._pairs.get(place)
        if own is None:
            return super()._shell(place, entry)
        if place in self._kept:
            return own
        if type(own) is np.ndarray:
            stored = super()._shell(place, entry)
            if stored.shape == own.shape and stored.dtype == own.dtype and own.flags.writeable:
                own[...] = stored
                return own
            return stored
        if type(own) in (list, dict):
            own.clear()
        elif isinstance(getattr(own, "__dict__", None), dict):
            own.__dict__.clear()
        return own

    def _fill(self, place: int, made: Any, entry: Json) -> None:
        if place in self._needed and place not in self._kept:
            super()._fill(place, made, entry)

    def _restore(self, place: int, made: Any, entry: Json) -> None:
        if place in self._needed and place not in self._kept:
            super()._restore(place, made, entry)


def _reachable(objects: list[Json], kept: set[int]) -> set[int]:
    """Return the places that the root leads to, but not those that only kept ones lead to."""
    found, todo = {0}, [0]
    while todo:
        place = todo.pop()
        if place in kept:
            continue
        for each in _references(objects[place]):
            if each not in found and 0 <= each < len(objects):
                found.add(each)
                todo.append(each)
    return found


def _references(value: Json) -> list[int]:
    """Return the places that a part of the table refers to."""
    found, todo = [], [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            todo.extend(each.values())
        elif isinstance(each, list):
            if len(each) == 2 and each[0] == "ref":
                if type(each[1]) is int:
                    found.append(each[1])   # or a list of a script's that looks like one
            else:
                todo.extend(each)
    return found


def _article(kind: str) -> str:
    if kind.startswith(("a ", "class ", "function ")):
        return kind
    return f"{'an' if kind[:1] in 'aeiouAEIOU' else 'a'} {kind}"


def _listed(names: Any, most: int = 5) -> str:
    words = sorted(map(repr, names))
    return ", ".join(words[:most]) + (", ..." if len(words) > most else "") if words else "none"
