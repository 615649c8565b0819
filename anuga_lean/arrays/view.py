"""Defines array-likes that compute the elements they are asked for instead of holding them.

Owns the behaviour of a numpy array over values that exist only as a recipe:
indexing, ufuncs, numpy functions, iteration, conversion.  Does not own any
recipe: `mesh` and `quantity` subclass `ArrayView` and supply the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from anuga_lean.memory_limits import telling

_Mode = Literal["raise", "wrap", "clip"]
_Order = Literal["K", "A", "C", "F"]

_ROWS_PER_CHUNK = 4096
_ROWS_AT_ONCE = 1 << 13

# Attributes of an ndarray that give access to its own memory: on a temporary
# a write through them would be lost, so the temporary is read-only there.
_ALIASING = frozenset(
    "T mT flat reshape ravel view squeeze swapaxes transpose diagonal real base".split()
)
_POINTERS = frozenset("ctypes data getfield setfield setflags resize".split())


class ArrayView(np.lib.mixins.NDArrayOperatorsMixin):
    """An array-like whose rows are computed when they are indexed.

    Parameters
    ----------
    owner : object
        What the values belong to; kept alive by the view.
    shape : tuple of int
    dtype : dtype

    Notes
    -----
    Subclasses supply `_rows` and `_all`, `_write` if elements may be assigned,
    and `_stored` if a real array can take the recipe's place later.  What a
    slice or an integer returns is read-only: it is a computed copy, and a
    write into it would not reach the view.  Assign to the view instead.
    """

    __array_priority__ = 10.0
    _by_chunks = True  # whether rows can be had a few at a time at no extra cost

    def __init__(self, owner: Any, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.owner = owner
        self._shape = tuple(int(s) for s in shape)
        self._dtype: np.dtype[Any] = np.dtype(dtype)

    # -- what a subclass supplies -------------------------------------------

    def _rows(self, ks: NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows `ks` ((m,) int64, in range) as a new (m, ...) array."""
        raise NotImplementedError

    def _all(self) -> NDArray[Any]:
        """Return every row as a new array."""
        return self._rows(np.arange(self._shape[0], dtype=np.int64))

    def _stored(self) -> NDArray[Any] | None:
        """Return the real array that has replaced the recipe, if there is one."""
        return None

    def _write(self, key: Any, value: Any) -> None:
        """Assign `value` to the elements `key`."""
        raise ValueError("assignment destination is read-only")

    # -- shape and size -------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> int:
        return int(np.prod(self._shape, dtype=np.int64))

    @property
    def itemsize(self) -> int:
        return self._dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Return the bytes held by the view: 0, unless a real array has replaced the recipe."""
        stored = self._stored()
        return 0 if stored is None else stored.nbytes

    def __len__(self) -> int:
        return self._shape[0]

    # -- reading --------------------------------------------------------------

    @telling("an array that is computed when it is read")
    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        stored = self._stored()
        if stored is not None:
            if copy:
                return np.array(stored, dtype=dtype)
            return stored if dtype is None else stored.astype(dtype, copy=False)
        if copy is False:
            raise ValueError("the elements of a computed view cannot be had without a copy")
        if dtype is not None and dtype != self._dtype and self._by_chunks:
            return self._gather(range(len(self)), (), dtype)
        values = self._all()
        return values if dtype is None else values.astype(dtype, copy=False)

    @telling("an array that is computed when it is read")
    def __getitem__(self, key: Any) -> Any:
        stored = self._stored()
        if stored is not None:
            return stored[key]
        head, rest = _split(key)
        if isinstance(head, (int, np.integer)) and not isinstance(head, bool):
            k = self._in_range(np.array([head], dtype=np.int64))
            return _read_only(self._rows(k)[(0, *rest)])
        if isinstance(head, slice):
            return self._slice(head, rest)
        if head is None or head is Ellipsis or isinstance(head, (bool, np.bool_, str)):
            return self._elements()[key]
        return self._fancy(head, rest, key)

    @telling("an array that is computed when it is read")
    def __setitem__(self, key: Any, value: Any) -> None:
        stored = self._stored()
        if stored is not None:
            stored[key] = value
        else:
            self._write(key, np.asarray(value) if isinstance(value, ArrayView) else value)

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), _ROWS_PER_CHUNK):
            stop = min(start + _ROWS_PER_CHUNK, len(self))
            yield from self[start:stop]

    def __copy__(self) -> NDArray[Any]:
        return self.copy()

    def __contains__(self, value: object) -> bool:
        return bool((self._elements() == value).any())

    def _elements(self) -> NDArray[Any]:
        """Return every element, in the real array if there is one."""
        return np.asarray(self)

    def _slice(self, head: slice, rest: tuple[Any, ...]) -> Any:
        start, stop, step = head.indices(len(self))
        count = len(range(start, stop, step))
        if rest and count > _ROWS_AT_ONCE and self._by_chunks \
                and all(isinstance(part, (int, np.integer, slice)) for part in rest):
            return _read_only(self._gather(range(start, stop, step), rest, self._dtype))
        if count == len(self) and step == 1:
            rows = self._all()
        else:
            rows = self._rows(np.arange(start, start + count * step, step, dtype=np.int64))
        picked = rows[(slice(None), *rest)]
        if isinstance(picked, np.ndarray) and picked.nbytes < rows.nbytes:
            picked = picked.copy()  # frees the other columns
        return _read_only(picked)

    def _gather(self, ks: range, rest: tuple[Any, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return columns `rest` of rows `ks` in another dtype, from some rows at a time."""
        none = np.empty((0, *self._shape[1:]), self._dtype)[(slice(None), *rest)]
        values = np.empty((len(ks), *none.shape[1:]), dtype)
        for start in range(0, len(ks), _ROWS_AT_ONCE):
            part = ks[start : start + _ROWS_AT_ONCE]
            rows = self._rows(np.arange(part.start, part.stop, part.step, dtype=np.int64))
            values[start : start + len(part)] = rows[(slice(None), *rest)]
        return values

    def _fancy(self, head: Any, rest: tuple[Any, ...], key: Any) -> Any:
        index = np.asarray(head)
        if index.size == 0 and not isinstance(head, (np.ndarray, ArrayView)):
            index = index.astype(np.int64)
        if index.dtype == bool and index.ndim > 0:
            if index.shape != self._shape[: index.ndim]:
                return self._refuse(key)
            index, *others = np.nonzero(index)
            rest = (*others, *rest)
        elif index.dtype.kind not in "iu":
            return self._refuse(key)
        ks = self._in_range(index.ravel().astype(np.int64))
        return self._rows(ks)[(np.arange(ks.size).reshape(index.shape), *rest)]

    def _in_range(self, ks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return `ks` with negative indices counted from the end, checked."""
        n = len(self)
        bad = (ks < -n) | (ks >= n)
        if bad.any():
            raise IndexError(
                f"index {ks[bad][0]} is out of bounds for axis 0 with size {n}"
            )
        return np.where(ks < 0, ks + n, ks) if ks.size and ks.min() < 0 else ks

    def _refuse(self, key: Any) -> Any:
        """Raise what numpy raises for `key`, on an array without memory."""
        return np.broadcast_to(np.zeros((), self._dtype), self._shape)[key]

    # -- numpy's protocols ----------------------------------------------------

    @telling("an array that is computed when it is read")
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if method == "at" and isinstance(inputs[0], ArrayView):
            values = inputs[0].copy()
            ufunc.at(values, *(_plain(x) for x in inputs[1:]), **kwargs)
            inputs[0][...] = values
            return None
        arrays = [_plain(x) for x in inputs]
        kwargs = {name: _plain(x) for name, x in kwargs.items()}
        if out is None:
            return getattr(ufunc, method)(*arrays, **kwargs)
        real = tuple(o.copy() if isinstance(o, ArrayView) else o for o in out)
        results = getattr(ufunc, method)(*arrays, out=real, **kwargs)
        for target, values in zip(out, real, strict=True):
            if isinstance(target, ArrayView):
                target[...] = values
        return out[0] if len(out) == 1 else tuple(
            r if o is None else o
            for o, r in zip(out, results, strict=True)
        )

    @telling("an array that is computed when it is read")
    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if func in (np.shape, np.ndim, np.size) and len(args) == 1 and not kwargs:
            return getattr(self, func.__name__)
        if func is np.zeros_like and len(args) == 1 and not kwargs:
            return np.zeros(self._shape, self._dtype)   # no page is touched; zeros_like does
        if func is np.take and args and args[0] is self:
            return self.take(*args[1:], **kwargs)
        if func is np.copyto and args and isinstance(args[0], ArrayView):
            values = args[0].copy()
            np.copyto(values, *(_plain(x) for x in args[1:]), **_plain(kwargs))
            args[0][...] = values
            return None
        return func(*(_plain(x) for x in args), **_plain(kwargs))

    # -- methods of an ndarray ------------------------------------------------

    def take(
        self, indices: Any, axis: int | None = None, out: NDArray[Any] | None = None,
        mode: _Mode = "raise",
    ) -> Any:
        """Return the elements `indices` along `axis`, as `ndarray.take` does."""
        along_rows = axis == 0 or (axis is None and self.ndim == 1) or axis == -self.ndim
        if not along_rows or mode != "raise":
            return self._elements().take(_plain(indices), axis, out, mode)
        index = np.asarray(indices)
        if index.dtype == bool or index.size == 0:
            index = index.astype(np.int64)
        values = self._fancy(index, (), index)
        if out is None:
            return values
        out[...] = values
        return out

    def copy(self, order: _Order = "C") -> NDArray[Any]:
        """Return every element as a new array."""
        return np.array(self, order=order)

    def astype(self, dtype: DTypeLike, *args: Any, **kwargs: Any) -> NDArray[Any]:
        """Return every element as a new array of another dtype."""
        if self._stored() is None and self._by_chunks and not args and not kwargs:
            return self._gather(range(len(self)), (), dtype)
        kwargs["copy"] = kwargs.get("copy", True) and self._stored() is not None
        return self._elements().astype(dtype, *args, **kwargs)

    def fill(self, value: Any) -> None:
        """Assign `value` to every element."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: _Mode = "raise") -> None:
        """Assign `values` to the elements `indices` of the flattened view."""
        elements = self.copy()
        elements.put(_plain(indices), _plain(values), mode)
        self[...] = elements

    def sort(self, *args: Any, **kwargs: Any) -> None:
        """Sort the elements in place."""
        elements = self.copy()
        elements.sort(*args, **kwargs)
        self[...] = elements

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in _POINTERS or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        elements = self._elements()
        if name in _ALIASING and self._stored() is None:
            elements.flags.writeable = False
        return getattr(elements, name)

    # -- conversions ----------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self._elements())

    def __float__(self) -> float:
        return float(self._elements())

    def __int__(self) -> int:
        return int(self._elements())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self._shape}, {self._dtype}>"

    def __str__(self) -> str:
        return str(self._elements())


def _split(key: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the part of `key` for the first axis, and the rest as plain arrays."""
    if not isinstance(key, tuple):
        return (_plain(key), ())
    if not key:
        return (Ellipsis, ())
    head, *rest = (_plain(part) for part in key)
    return (head, tuple(rest))


def _plain(x: Any) -> Any:
    """Return `x` with every view in it turned into an array."""
    if isinstance(x, ArrayView):
        return np.asarray(x)
    if type(x) in (list, tuple):
        return type(x)(_plain(item) for item in x)
    if type(x) is dict:
        return {name: _plain(item) for name, item in x.items()}
    return x


class Picked(np.ndarray[Any, Any]):
    """Elements computed for a view: read-only, but `view[key] += x` writes to the view."""

    def __array_wrap__(
        self, array: NDArray[Any], context: Any = None, return_scalar: bool = False
    ) -> Any:
        return array[()] if return_scalar else np.asarray(array)


for _operator in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Picked, f"__i{_operator}__", getattr(np.ndarray, f"__{_operator}__"))


def _read_only(values: Any) -> Any:
    """Return computed elements read-only, so that a write into them raises."""
    if not isinstance(values, np.ndarray):
        return values
    values.flags.writeable = False
    return values.view(Picked)
