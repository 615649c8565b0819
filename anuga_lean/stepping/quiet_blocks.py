"""Chooses the blocks that a sweep computes: where nothing changed the last fluxes stay.

Owns which blocks the next sweep has to compute and how often an update marks those that it
changes.  Code that writes to what a sweep reads wakes all of them.  Finding the blocks
beside those that changed is in kernels/quiet.c.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from anuga_lean import _kernels

# Where more than nine blocks in ten change, only one update in so many says
# which: to say so it reads every triangle's place in the blocks.
_MARK_EVERY = 16


class QuietBlocks:
    """Says which blocks of triangles the next sweep computes.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain

    Attributes
    ----------
    changed : (number_of_blocks,) uint8 or None
        1 where a block has changed since the last sweep; None before the first kernel.
    """

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self.changed: Any = None
        self._always: Any = None        # (number_of_blocks,) uint8
        self._run: _kernels.Run | None = None
        self._updates = 0       # counted while nearly all blocks are moving

    def start(self, run: _kernels.Run) -> None:
        """Give the kernels of a new run the arrays of the blocks' states."""
        blocks = len(self._domain.mesh.blocks.block)
        self.changed, self._always, near, known = np.zeros((4, blocks), np.uint8)
        run.bind_quiet(self.changed, self._always, near, np.zeros(blocks, np.uint64), known)
        self._run = run

    def wake_all(self) -> None:
        """Make the next sweep compute every block."""
        if self._run is not None:
            self._run.wake_all()

    def compute_always(self, triangles: np.ndarray, numbers: np.ndarray) -> None:
        """Make every sweep compute the blocks of these triangles, and those of these numbers.

        Parameters
        ----------
        triangles, numbers : (m,) int64
        """
        blocks = self._domain.mesh.blocks
        self._always[:] = 0
        self._always[blocks.position[triangles] // blocks.block_size] = 1
        self._always[numbers] = 1
        self.wake_all()

    def begin_update(self, may_mark: bool) -> bool:
        """Return whether the update has to mark the blocks it changes; if not, all are marked."""
        marking = may_mark and self._updates % _MARK_EVERY == 0
        if marking:
            self.changed[:] = 0
        else:
            self.wake_all()
        return marking

    def end_update(self, run: _kernels.Run, marking: bool) -> None:
        """Take fingerprints of the blocks that did not change, if the update has marked them."""
        if marking:
            run.take_fingerprints()
        if self._updates % _MARK_EVERY or \
                np.count_nonzero(self.changed) / len(self.changed) > 0.9:
            self._updates += 1          # nearly all is moving: mark again later
