"""Tells the kernels which boundaries the sweep reflects, and where riverwalls stand.

Owns which boundary edges the sweep reflects by itself and which blocks have riverwalls.
What a boundary object writes is in `boundary`; the tables of riverwalls are in `wall_edges`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anuga_lean import _kernels
from anuga_lean.stepping import wall_edges
from anuga_lean.stepping.quiet_blocks import QuietBlocks


class Walls:
    """Tells the kernels where walls stand.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain
    quiet : QuietBlocks
        Learns which blocks have boundary values or crests that others may change.

    Attributes
    ----------
    tags : tuple of str
        Of the boundaries that the sweep reflects by itself.
    reflective : (boundary_length,) uint8
        1 at their edges; empty before the first kernel.
    """

    def __init__(self, domain: Any, quiet: QuietBlocks) -> None:
        self._domain = domain
        self._quiet = quiet
        self.tags: tuple[str, ...] = ()
        self.reflective = np.zeros(0, np.uint8)
        self._crests: NDArray[np.int64] = np.zeros(0, np.int64)     # blocks with riverwalls

    def start(self) -> None:
        """Begin a run in which the sweep reflects no edge yet."""
        self.tags = ()
        self.reflective = np.zeros(self._domain.boundary_length, np.uint8)

    def reflect(self, tags: tuple[str, ...]) -> None:
        """Make the sweep compute the boundary values of these tags' edges."""
        self.reflective[:] = 0
        for tag in tags:
            self.reflective[self._domain.tag_boundary_cells[tag]] = 1
        self.tags = tags
        self._mark()

    def take_crests(self, run: _kernels.Run) -> None:
        """Give the kernels the present riverwalls."""
        walls = wall_edges.tables(self._domain)
        run.bind_walls(*(walls or [None] * 6))
        self._crests = np.zeros(0, np.int64) if walls is None else \
            np.flatnonzero(np.diff(walls[0]))
        self._mark()

    def write_boundary_values(self, run: _kernels.Run) -> None:
        """Write the boundary values of reflective walls, as the sweep computes them."""
        edges = np.flatnonzero(self.reflective)
        domain = self._domain
        run.reflect(edges, domain.boundary_cells[edges], domain.boundary_edges[edges])

    def _mark(self) -> None:
        open_triangles = np.asarray(self._domain.boundary_cells)[self.reflective == 0]
        self._quiet.compute_always(open_triangles, self._crests)
