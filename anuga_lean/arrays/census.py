"""Lists every numpy array that a domain holds, by owner.

Owns the walk over a domain's object graph and the rule for counting: a buffer
counts once, whole, under the first owner met (quantities, mesh, kernels,
domain, sww, boundaries, operators), however many views point at it.  Memory
that C code allocates is counted where an object offers
``census_nbytes() -> dict[str, int]``.  Works on stock domains too; reads no
property, so it never makes an array.
"""

from __future__ import annotations

import array
import functools
import gc
import mmap
import sys
import types
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SECTIONS = ("quantities", "mesh", "kernels", "domain", "sww", "boundaries", "operators")
SMALLEST_CONTAINER = 1024  # items; shorter lists and dictionaries are not counted

_ATOMS = (str, bytes, int, float, complex, bool, type(None), type(Ellipsis), np.generic, np.dtype)
_OUTSIDE = (
    type,
    types.ModuleType,
    types.CodeType,
    types.FrameType,
    types.GeneratorType,
    types.BuiltinFunctionType,
    weakref.ReferenceType,
)
_BUFFERS = (bytearray, array.array, mmap.mmap, memoryview)
_SEQUENCES = (list, tuple, set, frozenset, deque)


class Entry(NamedTuple):
    """One buffer and its owner.

    Attributes
    ----------
    group : str
        For example ``quantities/stage``, ``mesh/blocks/member`` or
        ``operators/rate_0``.
    name : str
        Where in the group, ``centroid_values`` for example.
    kind : str
        ``array``, ``kernel`` (allocated by C code) or ``python`` (a long list,
        dictionary, ... and its items; never part of `Census.nbytes`).
    dtype : str
    shape : tuple of int
    nbytes : int
    """

    group: str
    name: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int


class Census(NamedTuple):
    """The arrays that a domain holds at one moment."""

    number_of_triangles: int
    entries: tuple[Entry, ...]

    @property
    def nbytes(self) -> int:
        """Return the bytes of arrays and of kernel memory."""
        return sum(entry.nbytes for entry in self.entries if entry.kind != "python")

    @property
    def kernel_nbytes(self) -> int:
        """Return the bytes that C code reports to have allocated."""
        return sum(entry.nbytes for entry in self.entries if entry.kind == "kernel")

    @property
    def python_nbytes(self) -> int:
        """Return the bytes of long Python containers, which `nbytes` leaves out."""
        return sum(entry.nbytes for entry in self.entries if entry.kind == "python")

    @property
    def bytes_per_triangle(self) -> float:
        """Return `nbytes` over the number of triangles."""
        return self.nbytes / max(1, self.number_of_triangles)

    def groups(self) -> dict[str, int]:
        """Return bytes by group, Python containers left out, in the order of the walk."""
        totals: dict[str, int] = {}
        for entry in self.entries:
            if entry.kind != "python":
                totals[entry.group] = totals.get(entry.group, 0) + entry.nbytes
        return totals

    def as_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            "number_of_triangles": self.number_of_triangles,
            "nbytes": self.nbytes,
            "kernel_nbytes": self.kernel_nbytes,
            "python_nbytes": self.python_nbytes,
            "bytes_per_triangle": self.bytes_per_triangle,
            "groups": self.groups(),
            "entries": [entry._asdict() for entry in self.entries],
        }


def census(domain: Any) -> Census:
    """Count the arrays that a domain holds.

    Parameters
    ----------
    domain : anuga.Domain
        Stock or lean.

    Returns
    -------
    Census
        Its entries come section by section, in the order they were met.
    """
    walk = _Walk()
    roots = list(_sections(domain))
    # A section must not wander into another one through a back reference.
    for _, root in roots:
        walk.seen.add(id(root))
    for path, root in roots:
        walk.start(path, root)
    return Census(int(domain.number_of_triangles), tuple(walk.entries))


def _held(owner: Any, name: str) -> Any:
    """Return an attribute as stored on the instance, never through a property."""
    stored = getattr(owner, "__dict__", {})
    return stored.get(name, stored.get(f"_{name}"))


def _sections(domain: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the roots of the walk with their paths, in the order of ownership."""
    for name, quantity in (_held(domain, "quantities") or {}).items():
        yield ("quantities", str(name)), quantity
    mesh = _held(domain, "mesh")
    if mesh is not None:
        blocks = _held(mesh, "blocks")
        if blocks is not None:
            yield ("mesh", "blocks"), blocks
        yield ("mesh",), mesh
    step = _held(domain, "lean")
    if step is not None:
        yield ("kernels",), step
    yield ("domain",), domain
    writer = _held(domain, "writer")
    if writer is not None:
        yield ("sww",), writer
    for tag, boundary in (_held(domain, "boundary_map") or {}).items():
        if boundary is not None:
            yield ("boundaries", str(tag)), boundary
    numbers: dict[str, int] = {}
    for operator in _held(domain, "fractional_step_operators") or ():
        kind = type(operator).__name__.lower().removesuffix("_operator")
        number = numbers[kind] = numbers.get(kind, -1) + 1
        yield ("operators", f"{kind}_{number}"), operator


class _Walk:
    """Walks breadth-first over the objects of one section after another."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.entries: list[Entry] = []
        # Walked objects stay referenced, or an id could come back as another object.
        self._alive: list[Any] = []

    def start(self, path: tuple[str, ...], root: Any) -> None:
        """Walk all that `root` reaches and that was not reached before."""
        self._report(path, root)
        queue = deque((path + (label,), child) for label, child in _children(root))
        while queue:
            path, found = queue.popleft()
            if isinstance(found, _ATOMS) or isinstance(found, _OUTSIDE) or id(found) in self.seen:
                continue
            self.seen.add(id(found))
            self._alive.append(found)
            if isinstance(found, np.ndarray):
                self._add_array(path, found)
            elif isinstance(found, _BUFFERS):
                self._add_buffer(path, found)
                continue
            else:
                self._report(path, found)
                self._add_container(path, found)
            for label, child in _children(found):
                queue.append((path + (label,), child))

    def _add(self, path: tuple[str, ...], kind: str, dtype: str, shape: tuple[int, ...],
             nbytes: int) -> None:
        if path[0] == "kernels":  # pools of the kernels are groups, whatever holds them
            path = (path[0], path[-1], *path[1:-1])
        depth = 3 if path[:2] == ("mesh", "blocks") else 2
        group, name = "/".join(path[:depth]), "/".join(path[depth:])
        self.entries.append(Entry(group, name, kind, dtype, shape, int(nbytes)))

    def _add_array(self, path: tuple[str, ...], view: NDArray[Any]) -> None:
        owner: Any = view
        while True:
            if isinstance(owner, np.ndarray) and owner.base is not None:
                owner = owner.base
            elif isinstance(owner, memoryview) and owner.obj is not None:
                owner = owner.obj
            else:
                break
        if owner is not view:
            if id(owner) in self.seen:
                return
            self.seen.add(id(owner))
            self._alive.append(owner)
        nbytes = owner.nbytes if isinstance(owner, np.ndarray) else _buffer_nbytes(owner)
        self._add(path, "array", str(view.dtype), view.shape, nbytes or view.nbytes)

    def _add_buffer(self, path: tuple[str, ...], found: Any) -> None:
        owner = found.obj if isinstance(found, memoryview) else found
        if owner is not found and id(owner) in self.seen:
            return
        self.seen.add(id(owner))
        self._alive.append(owner)
        nbytes = _buffer_nbytes(owner) or _buffer_nbytes(found)
        self._add(path, "array", type(found).__name__, (nbytes,), nbytes)

    def _add_container(self, path: tuple[str, ...], found: Any) -> None:
        if not isinstance(found, (dict, *_SEQUENCES)) or len(found) < SMALLEST_CONTAINER:
            return
        nbytes = sys.getsizeof(found) + _items_nbytes(found)
        self._add(path, "python", type(found).__name__, (len(found),), nbytes)

    def _report(self, path: tuple[str, ...], found: Any) -> None:
        if callable(getattr(type(found), "census_nbytes", None)):
            for name, nbytes in found.census_nbytes().items():
                self._add(path + (name,), "kernel", "bytes", (nbytes,), nbytes)


def _children(found: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object refers to, labelled; only what can lead to arrays."""
    if isinstance(found, dict):
        for key, child in found.items():
            yield str(key), child
    elif isinstance(found, _SEQUENCES):
        for position, child in enumerate(found):
            if not isinstance(child, _ATOMS):
                yield f"[{position}]", child
    elif isinstance(found, types.FunctionType):
        yield from _captured(found)
    elif isinstance(found, types.MethodType):
        yield "self", found.__self__
        yield "function", found.__func__
    elif isinstance(found, functools.partial):
        yield "partial", (found.func, found.args, found.keywords)
    elif isinstance(found, np.ndarray):
        if found.dtype == object:
            yield "items", found.tolist()
        yield from getattr(found, "__dict__", {}).items()
    else:
        yield from _attributes(found)


def _captured(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function keeps alive, its module's globals left out."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a name that is not bound yet
            continue
    yield "defaults", function.__defaults__
    yield "defaults", function.__kwdefaults__
    yield from function.__dict__.items()


def _attributes(found: Any) -> Iterator[tuple[str, Any]]:
    """Yield attributes and slots of an instance; of an extension type what the collector sees."""
    stored = getattr(found, "__dict__", None)
    if isinstance(stored, dict):
        yield from list(stored.items())
    slotted = False
    for owner in type(found).__mro__:
        for name, member in vars(owner).items():
            if isinstance(member, types.MemberDescriptorType):
                slotted = True
                try:
                    yield name, member.__get__(found)
                except AttributeError:  # a slot that is not set
                    continue
    if stored is None and not slotted:
        for child in gc.get_referents(found):
            yield type(child).__name__, child


def _buffer_nbytes(found: Any) -> int:
    """Return the bytes behind an object with a buffer, 0 if it has none."""
    try:
        return memoryview(found).nbytes
    except (TypeError, ValueError):
        return 0


def _items_nbytes(found: Any) -> int:
    """Return the bytes of a container's plain items and of tuples of plain items."""
    items = list(found)
    if isinstance(found, dict):
        items += found.values()
    total, strings = 0, set()
    while items:
        item = items.pop()
        if isinstance(item, tuple):
            total += sys.getsizeof(item)
            items.extend(item)
        elif isinstance(item, (str, bytes)):
            if item not in strings:
                strings.add(item)
                total += sys.getsizeof(item)
        elif isinstance(item, (int, float)) and not (isinstance(item, int) and -6 < item < 257):
            total += sys.getsizeof(item)
    return total
