"""Shows elements computed for an array-like so that what is written into them reaches it.

Owns the rows, slices and flat elements that an array-like hands out where numpy hands out
memory of the array.  The array-like itself is in `view`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from anuga_lean.arrays.memory import ArrayMemory

Path = Callable[[NDArray[Any]], Any]    # from the whole array to a part of its memory

_IN_ONE_ROW: Path = methodcaller("reshape", -1)
_BASIC = (int, np.integer, slice, type(None), type(Ellipsis))


def is_basic(key: Any) -> bool:
    """Whether numpy gives a part of the array's memory for an index, not a copy."""
    parts = key if type(key) is tuple else (key,)
    return all(isinstance(part, _BASIC) and not isinstance(part, bool) for part in parts)


class Picked(np.ndarray[Any, Any]):
    """Elements as they were when they were read, read-only for all that does not write through.

    What is assigned to them, by an index, an operator such as ``+=`` or a method, goes to the
    array-like too, as if they were its memory.  A part of them is read-only.
    """

    _source: tuple[ArrayMemory, Path] | None = None

    @classmethod
    def of(cls, values: Any, view: ArrayMemory, path: Path) -> Any:
        """Return computed `values`, which are nobody else's, as the part `path` of `view`."""
        if type(values) is not np.ndarray:
            return values
        if isinstance(values.base, np.ndarray):
            values.base.flags.writeable = False
        values.flags.writeable = False
        picked = values.view(cls)
        picked._source = (view, path)
        return picked

    def _change(self, change: Callable[[NDArray[Any]], Any]) -> None:
        """Apply `change`, which writes into an array, to the memory that these stand for."""
        assert self._source is not None
        view, path = self._source

        def change_part(array: NDArray[Any]) -> None:
            part = path(array)
            if part.size and not np.may_share_memory(part, array):
                raise ValueError(
                    "numpy copies these elements of an array that is not contiguous: assign to "
                    "the array itself, as in a[...] = values")
            change(part)
            self._show(part)

        view.apply(change_part)

    def _show(self, values: NDArray[Any]) -> None:
        """Take new values into the memory of these elements."""
        owner: Any = self.base
        chain: list[NDArray[Any]] = [self]
        while isinstance(owner, np.ndarray):
            chain.insert(0, owner)
            owner = owner.base
        try:
            for each in chain:
                np.ndarray.setflags(each, write=True)
            np.copyto(self, values)
        finally:
            for each in reversed(chain):
                np.ndarray.setflags(each, write=False)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._source is None:
            super().__setitem__(key, value)
        else:
            self._change(lambda part: part.__setitem__(key, value))

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Refuse to make computed elements writeable: what is written would be lost."""
        if write and not self.flags.writeable:
            raise ValueError(
                "these elements were computed when they were read, and are no part of the "
                "array's memory: assign to the array itself, as in a[...] = values, or take "
                "a copy with numpy.array(...)")
        super().setflags(write, align, uic)

    def copy(self, order: Any = "C") -> Any:
        """Return them as an array of their own."""
        return np.array(self, order=order)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any] | None) -> Any:
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.copy().__reduce_ex__(protocol)

    def __array_wrap__(
        self, array: NDArray[Any], context: Any = None, return_scalar: bool = False
    ) -> Any:
        return array[()] if return_scalar else np.asarray(array)

    def __repr__(self) -> str:
        return repr(np.asarray(self))


def _writing_method(name: str) -> Callable[..., None]:
    plain = getattr(np.ndarray, name)

    def method(self: Picked, *args: Any, **kwargs: Any) -> None:
        if self._source is None:
            plain(self, *args, **kwargs)
        else:
            self._change(lambda part: plain(part, *args, **kwargs))

    return method


def _in_place(name: str) -> Callable[[Picked, Any], Any]:
    plain = getattr(np.ndarray, name)

    def operate(self: Picked, other: Any) -> Any:
        if self._source is None:
            return plain(self, other)
        self._change(lambda part: plain(part, other))
        return self

    return operate


WRITING_METHODS = ("fill", "partition", "put", "setfield", "sort")

for _name in WRITING_METHODS:
    setattr(Picked, _name, _writing_method(_name))
for _name in ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "or",
              "xor", "lshift", "rshift"):
    setattr(Picked, f"__i{_name}__", _in_place(f"__i{_name}__"))


class Flat:
    """The attribute flat of an array-like: numpy's iterator, and assignment to the array-like."""

    def __init__(self, view: ArrayMemory) -> None:
        self._view = view
        self._iterator = Picked.of(view.elements(own=True).reshape(-1), view, _IN_ONE_ROW).flat

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)

    def __len__(self) -> int:
        return self._view.size

    def __getitem__(self, key: Any) -> Any:
        return self._iterator[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        def change(part: NDArray[Any]) -> None:
            part.flat[key] = value
        shown: Any = self._iterator.base
        shown._change(change)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self._iterator.base, dtype)

    def __eq__(self, other: object) -> Any:
        return self._iterator == other

    def __ne__(self, other: object) -> Any:
        return self._iterator != other

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._iterator, name)
