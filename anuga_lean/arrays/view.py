"""Defines array-likes that compute the elements they are asked for instead of holding them.

Owns the behaviour of a numpy array over values that exist only as a recipe: indexing, ufuncs,
numpy functions, iteration, conversion.  Does not own any recipe: `mesh` and `quantity`
subclass `ArrayView` and supply the rows.  What gives access to an array's memory is in
`memory`, the elements that it hands out in `picked`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from operator import itemgetter, methodcaller
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from anuga_lean.arrays.memory import ArrayMemory, plain
from anuga_lean.arrays.picked import Picked, is_basic
from anuga_lean.arrays.written import written_arguments
from anuga_lean.memory_limits import telling

_Mode = Literal["raise", "wrap", "clip"]
_Order = Literal["K", "A", "C", "F"]

_ROWS_PER_CHUNK = 4096
_ROWS_AT_ONCE = 1 << 13

# Methods of an ndarray that may give access to its own memory.
_ALIASING = frozenset("diagonal getfield ravel reshape squeeze swapaxes transpose view".split())
_PRINTING = (np.array_repr, np.array_str, np.array2string)


class ArrayView(ArrayMemory, np.lib.mixins.NDArrayOperatorsMixin):
    """An array-like whose rows are computed when they are indexed.

    Notes
    -----
    Subclasses supply `_rows` and `_all`, `_change` if elements may be assigned, `_stored` if a
    real array can take the recipe's place, and `_materialise` if that can be had at any time.
    """

    __array_priority__ = 10.0
    _by_chunks = True  # whether rows can be had a few at a time at no extra cost

    # -- what a subclass supplies -------------------------------------------

    def _rows(self, ks: NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows `ks` ((m,) int64, in range) as a new (m, ...) array."""
        raise NotImplementedError

    def _all(self) -> NDArray[Any]:
        """Return every row as a new array."""
        return self._rows(np.arange(self._shape[0], dtype=np.int64))

    def __len__(self) -> int:
        return self._shape[0]

    # -- reading --------------------------------------------------------------

    @telling("an array that is computed when it is read")
    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if dtype is not None and dtype != self._dtype:
            if copy is False:
                raise ValueError(f"an array of {self._dtype} cannot be one of "
                                 f"{np.dtype(dtype)} without a copy")
            return self.astype(dtype)
        if copy:
            return self.elements(own=True)
        return self._snapshot() if copy is None else self.become_array()

    @telling("an array that is computed when it is read")
    def __getitem__(self, key: Any) -> Any:
        stored = self._stored()
        if stored is not None:
            if len(self._shape) > 1 and isinstance(key, (int, np.integer)) \
                    and not isinstance(key, bool):
                # a swap of rows, as in shuffling, must not see one of them written
                return Picked.of(stored[key].copy(), self, itemgetter(key))
            return stored[key]
        head, rest = _split(key)
        if isinstance(head, (int, np.integer)) and not isinstance(head, bool):
            k = self._in_range(np.array([head], dtype=np.int64))
            return self._picked(self._rows(k)[(0, *rest)], key)
        if isinstance(head, slice):
            return self._picked(self._slice(head, rest), key)
        if head is None or head is Ellipsis or isinstance(head, (bool, np.bool_, str)):
            return self._picked(self._all()[(head, *rest) if type(key) is tuple else head], key)
        return self._fancy(head, rest, key)

    def _picked(self, values: Any, key: Any) -> Any:
        """Return computed elements `key`: read-only where numpy gives the array's memory."""
        return Picked.of(values, self, itemgetter(key)) if is_basic(key) else values

    @telling("an array that is computed when it is read")
    def __setitem__(self, key: Any, value: Any) -> None:
        key, value = plain(key), plain(value)
        self.apply(lambda array: array.__setitem__(key, value))

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), _ROWS_PER_CHUNK):
            chunk = self[start : min(start + _ROWS_PER_CHUNK, len(self))]
            for k, row in enumerate(chunk, start):
                if isinstance(row, Picked):
                    row._source = (self, itemgetter(k))
                yield row

    def __copy__(self) -> NDArray[Any]:
        return self.copy()

    def __contains__(self, value: object) -> bool:
        return bool((self._snapshot() == value).any())

    def _slice(self, head: slice, rest: tuple[Any, ...]) -> Any:
        start, stop, step = head.indices(len(self))
        count = len(range(start, stop, step))
        if rest and count > _ROWS_AT_ONCE and self._by_chunks \
                and all(isinstance(part, (int, np.integer, slice)) for part in rest):
            return self._gather(range(start, stop, step), rest, self._dtype)
        if count == len(self) and step == 1:
            rows = self._all()
        else:
            rows = self._rows(np.arange(start, start + count * step, step, dtype=np.int64))
        picked = rows[(slice(None), *rest)]
        if isinstance(picked, np.ndarray) and picked.nbytes < rows.nbytes:
            picked = picked.copy()  # frees the other columns
        return picked

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
            others = [plain(x) for x in inputs[1:]]
            inputs[0].apply(lambda array: ufunc.at(array, *others, **kwargs))
            return None
        arrays = [plain(x) for x in inputs]
        kwargs = {name: plain(x) for name, x in kwargs.items()}
        if out is None:
            return getattr(ufunc, method)(*arrays, **kwargs)
        if method == "reduce":
            # mean, var and std of an ndarray write into what the sum gives them, if that is one
            return getattr(ufunc, method)(*arrays, out=tuple(map(array_of, out)), **kwargs)
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
        if func is np.take and args and args[0] is self and "out" not in kwargs and len(args) < 4:
            return self.take(*args[1:], **kwargs)
        if func in _PRINTING and args and args[0] is self \
                and not {"threshold", "edgeitems"} & kwargs.keys() and len(args) < 5:
            return func(self._printed(), *args[1:], **kwargs)
        if func in (np.may_share_memory, np.shares_memory) and len(args) > 1:
            return _shares(func, *args[:2])
        written, scratch = written_arguments(func, args, kwargs)
        copies = {id(each): (each, each.copy()) for each in written if isinstance(each, ArrayView)}

        def array_of(argument: Any) -> Any:
            if id(argument) in copies:
                return copies[id(argument)][1]
            if argument is scratch and isinstance(argument, ArrayView):
                return argument.copy()
            return plain(argument)

        result = func(*map(array_of, args), **{k: array_of(v) for k, v in kwargs.items()})
        for view, values in copies.values():
            view[...] = values
            if result is values:
                result = view
        return result

    # -- methods of an ndarray ------------------------------------------------

    def take(
        self, indices: Any, axis: int | None = None, out: NDArray[Any] | None = None,
        mode: _Mode = "raise",
    ) -> Any:
        """Return the elements `indices` along `axis`, as `ndarray.take` does."""
        along_rows = axis == 0 or (axis is None and self.ndim == 1) or axis == -self.ndim
        if not along_rows or mode != "raise":
            return self._snapshot().take(plain(indices), axis, out, mode)
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
        values = self.elements(own=True)
        return values if order == "C" else np.array(values, order=order)

    def astype(self, dtype: DTypeLike, *args: Any, **kwargs: Any) -> NDArray[Any]:
        """Return every element as a new array of another dtype; of the same as numpy does."""
        stored = self._stored()
        if stored is not None or not kwargs.get("copy", True) and dtype == self._dtype:
            return self._snapshot().astype(dtype, *args, **kwargs)
        if self._by_chunks and not args and kwargs.keys() <= {"copy"}:
            return self._gather(range(len(self)), (), dtype)
        kwargs["copy"] = False
        return self._all().astype(dtype, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name in _ALIASING:
            return lambda *args, **kwargs: self._part(methodcaller(name, *args, **kwargs))
        return getattr(self._snapshot(), name)

    # -- conversions ----------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self._snapshot())

    def __float__(self) -> float:
        return float(self._snapshot())

    def __int__(self) -> int:
        return int(self._snapshot())

    def __complex__(self) -> complex:
        return complex(self._snapshot())

    def __index__(self) -> int:
        return operator.index(self._snapshot())

    def _printed(self) -> NDArray[Any]:
        """Return an array that numpy prints as this one: of a long one the ends are computed."""
        options = np.get_printoptions()
        ends = options["edgeitems"]
        if self._stored() is not None or self.size <= options["threshold"] \
                or len(self) <= 2 * ends or not self._by_chunks:
            return self._snapshot()
        shown = np.zeros(self._shape, self._dtype)  # no other page is touched
        shown[:ends] = self[:ends]
        shown[len(self) - ends :] = self[len(self) - ends :]
        return shown

    def __repr__(self) -> str:
        return repr(self._printed())

    def __str__(self) -> str:
        return str(self._printed())


def _split(key: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the part of `key` for the first axis, and the rest as plain arrays."""
    if not isinstance(key, tuple):
        return (plain(key), ())
    if not key:
        return (Ellipsis, ())
    head, *rest = (plain(part) for part in key)
    return (head, tuple(rest))


def _shares(function: Callable[..., bool], a: Any, b: Any) -> bool:
    """Return whether two arrays share memory; an array-like does with what was read of it.

    Code that asks copies what it is about to write into, as `numpy.random.permutation` does.
    """
    if a is b:
        return True
    a, b = (x if isinstance(x, ArrayView) and x._stored() is None else plain(x) for x in (a, b))
    if isinstance(a, ArrayView) or isinstance(b, ArrayView):
        other = b if isinstance(a, ArrayView) else a
        return isinstance(other, np.ndarray) and not other.flags.writeable
    return function(a, b)


def elements_of(x: Any) -> Any:
    """Return `x` itself, or of an array-like its elements in an array that may be written.

    For code that takes no array-likes, and of which it is known that it does not write.
    """
    return x.elements() if isinstance(x, ArrayView) else x


def array_of(x: Any) -> Any:
    """Return `x` itself, or of an array-like the array that takes the recipe's place."""
    return x.become_array() if isinstance(x, ArrayView) else x
