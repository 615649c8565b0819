"""Lists triangles by region tag without a list of every triangle (40 bytes each in ANUGA)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def triangles_by_tag(
    tags: Sequence[str] | None, number_of_triangles: int
) -> dict[str, NDArray[np.int64]]:
    """Return the triangles of each region tag, ascending, tags as they first occur.

    Parameters
    ----------
    tags : (number_of_triangles,) sequence of str, or None
        Without them every triangle has the empty tag.
    """
    if tags is None:
        return {"": np.arange(number_of_triangles)}
    number: dict[str, int] = {}
    each = np.fromiter((number.setdefault(tag, len(number)) for tag in tags), np.int32, len(tags))
    return triangles_by_number(list(number), each)


def triangles_by_number(
    tags: Sequence[str], each: NDArray[np.int32]
) -> dict[str, NDArray[np.int64]]:
    """Return the triangles of each tag, given the number of every triangle's tag."""
    if len(tags) == 1:
        return {tags[0]: np.arange(len(each))}
    return {tag: np.flatnonzero(each == i) for i, tag in enumerate(tags)}
