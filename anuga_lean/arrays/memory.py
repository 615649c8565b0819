"""Decides who gets an array-like's computed values and who gets a real array.

Owns what an ndarray gives access to its memory by: buffers, addresses, flags, views of it and
methods that write in place.  Reading elements is in `view`, what rows and slices do when they
are written in `picked`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from anuga_lean._kernels import LendsBuffer
from anuga_lean.arrays.picked import WRITING_METHODS, Flat, Path, Picked
from anuga_lean.memory_limits import telling

_Change = Callable[[NDArray[Any]], Any]


class ArrayMemory(LendsBuffer):
    """What stands for the memory of an array that exists only as a recipe.

    Parameters
    ----------
    owner : object
        What the values belong to; kept alive.
    shape : tuple of int
    dtype : dtype

    Notes
    -----
    Whatever reads gets computed values: a copy of its own where it asks for one, read-only
    ones where numpy gives the array itself (``numpy.asarray``, a buffer to read from), or
    elements whose assignment writes through (`Picked`).  Whatever asks for memory to write to
    gets the real array (`become_array`).
    """

    def __init__(self, owner: Any, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.owner = owner
        self._shape = tuple(int(s) for s in shape)
        self._dtype: np.dtype[Any] = np.dtype(dtype)

    # -- what a subclass supplies -------------------------------------------

    def _all(self) -> NDArray[Any]:
        """Return every row as a new array."""
        raise NotImplementedError

    def _stored(self) -> NDArray[Any] | None:
        """Return the real array that has replaced the recipe, if there is one."""
        return None

    def _change(self, change: _Change) -> None:
        """Call `change` with an array of all elements, and keep what it writes into it."""
        raise ValueError("assignment destination is read-only")

    def _materialise(self) -> None:
        """Make a real array take the recipe's place for good, so that `_stored` returns it."""

    # -- the real array -------------------------------------------------------

    def elements(self, own: bool = False) -> NDArray[Any]:
        """Return every element: the real array if there is one (or its copy), else a new array.

        A write into it may be lost.
        """
        stored = self._stored()
        if stored is None:
            return self._all()
        return stored.copy() if own else stored

    def become_array(self) -> NDArray[Any]:
        """Return the real array, which takes the recipe's place now if it has not yet.

        Raises
        ------
        ValueError
            If there is no object any more that would use the array.
        """
        stored = self._stored()
        if stored is None:
            self._materialise()
            stored = self._stored()
            if stored is None:
                raise ValueError(
                    f"the memory of this {type(self).__name__} cannot be had, as nothing "
                    "would read what is written there: take a copy with numpy.array(...)")
        return stored

    def apply(self, change: _Change) -> None:
        """Call `change`, which writes into an array of all elements, and keep what it writes."""
        stored = self._stored()
        if stored is None:
            self._change(change)
        else:
            change(stored)

    def _snapshot(self) -> NDArray[Any]:
        """Return the real array, or computed elements that cannot be made writeable."""
        stored = self._stored()
        if stored is not None:
            return stored
        values = self._all()
        if isinstance(values.base, np.ndarray):
            values.base.flags.writeable = False
        values.flags.writeable = False
        return values.view()

    def _part(self, path: Path) -> Any:
        """Return what numpy takes for a part of the array's memory."""
        stored = self._stored()
        if stored is not None:
            return path(stored)
        elements = self._all()
        part = path(elements)
        if not np.may_share_memory(part, elements):
            return part
        if type(part) is not np.ndarray:
            part.flags.writeable = False
        return Picked.of(part, self, path)

    def _memory(self, written: bool) -> NDArray[Any]:
        """Return the array whose buffer stands for this one's, for reading or for writing."""
        self.__dict__.pop("_failure", None)
        try:
            return self._lent(written)
        except BaseException as error:  # numpy drops it, and asks for __array_struct__ next
            self._failure = error
            raise

    @telling("an array that is computed when it is read")
    def _lent(self, written: bool) -> NDArray[Any]:
        return self.become_array() if written else np.ascontiguousarray(self._snapshot())

    def _shared(self) -> NDArray[Any]:
        """Return the real array, for those who ask for its address."""
        failure = self.__dict__.pop("_failure", None)
        if isinstance(failure, AttributeError):     # which numpy would take for "not there"
            raise RuntimeError(f"the elements cannot be computed: {failure}") from failure
        if failure is not None:
            raise failure
        return self.become_array()

    @property
    def __array_struct__(self) -> Any:
        return self._shared().__array_struct__

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._shared().__array_interface__

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.become_array().__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.empty(0).__dlpack_device__()

    @property
    def ctypes(self) -> Any:
        return self.become_array().ctypes

    @property
    def data(self) -> memoryview:
        return memoryview(self)

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
        """Return the bytes of the array that it stands for."""
        return self.size * self.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self._layout().strides

    @property
    def flags(self) -> Any:
        return self._layout().flags

    def _layout(self) -> NDArray[Any]:
        stored = self._stored()
        if stored is not None:
            return stored
        layout = _Layout(self._shape, self._dtype)  # no page of it is touched
        layout.view_of = self
        return layout

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Become the array, and set its flags, unless nothing changes."""
        if self._stored() is not None or (write, align, uic) not in _FLAGS_AS_THEY_ARE:
            self.become_array().setflags(write, align, uic)

    def resize(self, *shape: Any, refcheck: bool = True) -> None:
        """Refuse another shape than the present one."""
        wanted = shape[0] if len(shape) == 1 and not np.isscalar(shape[0]) else shape
        if wanted is not None and tuple(wanted) not in ((), self._shape):
            raise ValueError(
                f"an array of shape {self._shape} of a mesh cannot be resized to "
                f"{tuple(wanted)}: numpy.resize(...) returns a new one")

    def byteswap(self, inplace: bool = False) -> Any:
        """Swap the bytes of every element, in place or in a new array."""
        if not inplace:
            return self._snapshot().byteswap()
        self.apply(methodcaller("byteswap", True))
        return self

    @property
    def T(self) -> Any:
        return self._part(attrgetter("T"))

    @property
    def mT(self) -> Any:
        return self._part(attrgetter("mT"))

    @property
    def real(self) -> Any:
        return self._part(attrgetter("real"))

    @real.setter
    def real(self, values: Any) -> None:
        self.apply(lambda array: array.__setitem__(..., plain(values)))

    @property
    def imag(self) -> Any:
        return self._snapshot().imag

    @property
    def base(self) -> None:
        """Return None: it shows no memory of another array."""

    @property
    def flat(self) -> Any:
        return Flat(self) if self._stored() is None else self.elements().flat

    @flat.setter
    def flat(self, values: Any) -> None:
        self.flat[:] = plain(values)


class _Layout(np.ndarray[Any, Any]):
    """An array of the shape and the flags of an array-like, whose elements nobody reads."""

    view_of: ArrayMemory

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Set the flags of the array-like."""
        self.view_of.setflags(write, align, uic)


_FLAGS_AS_THEY_ARE = [(write, align, uic) for write in (None, True) for align in (None, True)
                      for uic in (None, False)]


def _writing_method(name: str) -> Callable[..., None]:
    plain_method = getattr(np.ndarray, name)

    def method(self: ArrayMemory, *args: Any, **kwargs: Any) -> None:
        args, kwargs = plain(args), plain(kwargs)
        self.apply(lambda array: plain_method(array, *args, **kwargs))

    method.__name__, method.__doc__ = name, f"Do as `numpy.ndarray.{name}`, in place."
    return method


for _name in WRITING_METHODS:
    setattr(ArrayMemory, _name, _writing_method(_name))


def plain(x: Any) -> Any:
    """Return `x` with every array-like in it turned into an array, read-only if computed."""
    if isinstance(x, ArrayMemory):
        return x._snapshot()
    if type(x) in (list, tuple):
        return type(x)(plain(item) for item in x)
    if type(x) is dict:
        return {name: plain(item) for name, item in x.items()}
    return x
