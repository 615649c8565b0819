"""Runs a module with functions of numpy's that have one result on every processor.

`python -m arm64.same_numbers MODULE ARGUMENT...`.  ANUGA's numpy code calls two that have not:
`dot`, as a BLAS sums in an order and fuses products as it is made for the processor, for the mean
depth of an inlet; `hypot`, which is the C library's, for the largest speed.  A kernel computes this
by a formula of its own where that gives the bits of the library, or calls the library.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

import numpy as np

of_blas, of_library = np.dot, np.hypot


def dot(a: Any, b: Any, *out: Any) -> Any:
    """Return the product of two arrays, of vectors by numpy's own sum."""
    return of_blas(a, b, *out) if out or np.ndim(a) != 1 or np.ndim(b) != 1 else np.sum(a * b)


def hypot(x: Any, y: Any, *out: Any) -> Any:
    """Return the length of (x, y), of vectors by the kernels' own formula."""
    from anuga_lean import _kernels

    if out or np.ndim(x) != 1 or np.ndim(y) != 1:
        return of_library(x, y, *out)
    return _kernels.hypots(*map(np.ascontiguousarray, (x, y)), True)


if __name__ == "__main__":
    np.dot, np.hypot = dot, hypot   # type: ignore[assignment]
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
