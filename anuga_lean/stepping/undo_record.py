"""Records the triangles that a distribution changes in place.

Owns its room, which grows as needed.  The sweep starts from the values of before, as ANUGA's
does; kernels/run.h says how they are laid out.  The arrays are the run's: `undo_index`,
(capacity,) int32, `undo_value`, (3 * capacity,) float64, m and m2/s, and `undo_bits`, one bit
per triangle.
"""

from __future__ import annotations

import numpy as np

from anuga_lean import _kernels


def make_room(run: _kernels.Run, number_of_triangles: int, least: int = 0) -> None:
    """Make room for `least` triangles or more; what is recorded stays."""
    n = number_of_triangles
    capacity = min(n, max(least, 1024, n // 256))
    index = np.zeros(capacity, np.int32)
    value = np.zeros(3 * capacity)
    old = run.bound("undo_index")
    bits = run.bound("undo_bits")
    if old is None:
        bits = np.zeros((n + 63) // 64, np.uint64)
    else:
        index[:len(old)] = old
        value[:3 * len(old)] = run.bound("undo_value")
    run.bind_undo(index, value, bits)


def distribute(run: _kernels.Run, number_of_triangles: int) -> None:
    """Distribute in place and record what that changes."""
    while run.distribute(True):     # the record is full
        make_room(run, number_of_triangles, 4 * len(run.bound("undo_index")))
    run.sort_undo()


def values_before(run: _kernels.Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the triangles in the record and the values they had before.

    Returns
    -------
    index : (m,) int32
    value : (m, 3) float64
        Stage (m) and momenta (m2/s).
    """
    count = run.n_undo
    return (run.bound("undo_index")[:count],
            run.bound("undo_value")[:3 * count].reshape(-1, 3))
