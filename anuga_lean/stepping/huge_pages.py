"""Moves the arrays of a step into huge pages, where Linux gives them on request.

Owns which memory is moved and when that is left alone.  Each access to memory looks up the page
that it is on, and a processor knows a few thousand pages at a time: of 4 KiB, a step of more than
some 100,000 triangles waits for that.  What is moved is in use, so nothing is held on top.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

NUMPYS_SWITCH = "NUMPY_MADVISE_HUGEPAGE"    # 0: numpy asks for none, and neither is it done here
# bytes: less than this fits into the pages that a processor knows; and what may lie between two
# arrays, which is moved with them
LEAST, GAP = 8 << 20, 16 << 10
_COLLAPSE = 25      # MADV_COLLAPSE, of Linux 6.1
_SYSTEM = Path("/sys/kernel/mm/transparent_hugepage")


def move(arrays: Iterable[Any]) -> int:
    """Move what is whole huge pages of some arrays into such; what cannot be stays where it is.

    Parameters
    ----------
    arrays : iterable of ndarray
        Contiguous ones are looked at.

    Returns
    -------
    int
        Bytes that are in huge pages now, as far as Linux has said.

    Notes
    -----
    Some 0.3 ms for a MiB, once.  Needs Linux 6.1; `never` in
    ``/sys/kernel/mm/transparent_hugepage/enabled`` and NUMPY_MADVISE_HUGEPAGE=0 forbid it.
    """
    spans = _spans(arrays)
    if sum(end - begin for begin, end in spans) < LEAST:
        return 0
    page = _page_size()
    if page == 0 or os.environ.get(NUMPYS_SWITCH) == "0":
        return 0
    madvise = _madvise()
    moved = 0
    for begin, end in spans:
        first, last = -(-begin // page) * page, end // page * page
        # Each by itself: one that cannot be moved does not keep the others from it.
        moved += sum(page for at in range(first, last, page) if madvise(at, page, _COLLAPSE) == 0)
    return moved


def _spans(arrays: Iterable[Any]) -> list[tuple[int, int]]:
    """Return where arrays begin and end, bytes, those side by side together."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted((each.ctypes.data, each.ctypes.data + each.nbytes) for each in arrays
                             if type(each) is np.ndarray and each.flags.c_contiguous):
        if found and begin <= found[-1][1] + GAP:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


@functools.cache
def _page_size() -> int:
    """Return the size of a huge page, bytes; 0 where there are none or nobody may ask for one."""
    try:
        allowed = "[never]" not in (_SYSTEM / "enabled").read_text()
        size = int((_SYSTEM / "hpage_pmd_size").read_text())
    except (OSError, ValueError):
        return 0
    return size if allowed and sys.platform == "linux" else 0


@functools.cache
def _madvise() -> Any:
    function = ctypes.CDLL(None).madvise
    function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int), \
        ctypes.c_int
    return function
