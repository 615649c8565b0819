"""Sums a long array that never exists as a whole, with the bits of numpy's sum.

numpy adds a contiguous float64 array pairwise: it halves it, to multiples of
eight, until 128 elements are left.  `total` halves the same way, and leaves
the rest to numpy as soon as a part is short enough to hold.  Before 2.3 numpy
adds so many numbers as its buffer has, pairwise, and then the next ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LARGEST_PART = 1 << 13  # numbers held at once; at least numpy's 128
RUN = 1 << 13           # of numpy's buffer


def total(pieces: Iterable[Array], count: int) -> np.float64:
    """Return the sum of all pieces one after the other, with the bits of numpy's sum.

    Parameters
    ----------
    pieces : iterable of (m,) float64 arrays of any lengths
    count : int
        Numbers in all pieces together.

    Notes
    -----
    The order of numpy's summation is not documented: where it is another one than
    `numpy_sums_pairwise` and `numpy_sums_in_runs` know, the pieces are put together and summed.
    """
    if numpy_sums_pairwise():
        return _pairwise(_Stream(iter(pieces)), count)
    if numpy_sums_in_runs():
        return _in_runs(_Stream(iter(pieces)), count)
    whole: np.float64 = np.sum(np.concatenate([np.empty(0), *pieces]))
    return whole


@functools.cache
def numpy_sums_pairwise() -> bool:
    """Whether this numpy gives the sum that halving gives."""
    return _is_numpys(_pairwise)


@functools.cache
def numpy_sums_in_runs() -> bool:
    """Whether this numpy adds one run of numbers after the other, each in halves."""
    return not numpy_sums_pairwise() and _is_numpys(_in_runs)


def _is_numpys(summed: Callable[[_Stream, int], np.float64]) -> bool:
    # as good as random numbers, whose package would bring OpenSSL: 5 MiB
    values = np.sqrt(np.arange(1.0, 7 * LARGEST_PART + 1004) * (5**0.5 / 2 - 0.5) % 1.0)
    values *= 10.0 ** np.arange(-8, 8).repeat(len(values) // 16 + 1)[:len(values)]
    return all(summed(_Stream(iter([values[:count]])), count) == np.sum(values[:count])
               for count in (len(values), len(values) // 2, LARGEST_PART + 1, 1003))


def _pairwise(stream: _Stream, count: int) -> np.float64:
    if count <= LARGEST_PART:
        short: np.float64 = np.sum(stream.take(count))
        return short
    half = count // 2
    half -= half % 8
    first = _pairwise(stream, half)
    return first + _pairwise(stream, count - half)


def _in_runs(stream: _Stream, count: int) -> np.float64:
    found = np.float64(0.0)
    for start in range(0, count, RUN):
        found += np.sum(stream.take(min(RUN, count - start)))
    return found


class _Stream:
    """Numbers from pieces of any length, handed out in other lengths."""

    def __init__(self, pieces: Iterator[Array]) -> None:
        self.pieces = pieces
        self.left: Array = np.empty(0)

    def take(self, count: int) -> Array:
        """Return the next `count` numbers, contiguous."""
        parts = [self.left[:count]]
        self.left = self.left[count:]
        missing = count - len(parts[0])
        while missing > 0:
            piece = next(self.pieces)
            parts.append(piece[:missing])
            self.left = piece[missing:]
            missing -= len(parts[-1])
        return np.concatenate(parts)
