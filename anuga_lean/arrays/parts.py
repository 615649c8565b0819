"""Yields an array a part at a time, so that it takes no memory as a whole.

Owns the parts and their bytes; a checkpoint file writes them (`checkpoint.file`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Parts = Callable[[], Iterable[NDArray[Any]]]

_BLOCK = 1 << 18    # bytes of one block


class ArrayParts:
    """An array that is made a part at a time and never as a whole.

    Parameters
    ----------
    dtype : dtype
    shape : tuple of int
    parts : callable
        Returns an iterator over C-contiguous arrays, which follow each other
        along the first axis; called as often as the array is read.
    """

    def __init__(self, dtype: Any, shape: tuple[int, ...], parts: Parts) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shape = tuple(int(n) for n in shape)
        self.parts = parts

    @property
    def nbytes(self) -> int:
        """Return the bytes of all parts."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @classmethod
    def of(cls, array: NDArray[Any]) -> ArrayParts:
        """Return the parts of a real array: the array itself where it has no gaps."""
        if array.flags.c_contiguous:
            return cls(array.dtype, array.shape, lambda: (array,))
        rows = max(1, _BLOCK // max(1, array[:1].nbytes))
        return cls(array.dtype, array.shape, lambda: (
            np.ascontiguousarray(array[i:i + rows]) for i in range(0, len(array), rows)))

    def blocks(self) -> Iterator[memoryview]:
        """Yield the bytes, in blocks; a block is a view of a part."""
        for part in self.parts():
            if part.nbytes:
                view = part.reshape(-1).view(np.uint8).data
                for start in range(0, len(view), _BLOCK):
                    yield view[start:start + _BLOCK]

    def digest(self) -> str:
        """Return the SHA-256 of dtype, shape and bytes, in hexadecimal digits."""
        import hashlib  # brings OpenSSL, 4 MiB that a run without checkpoints has no use for

        found = hashlib.sha256(f"{self.dtype.str} {self.shape} ".encode())
        for block in self.blocks():
            found.update(block)
        return found.hexdigest()
