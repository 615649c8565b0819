"""Holds what was measured once, by `benchmarks/plan.py`, and is built in.

Owns how figures between and beyond the measured meshes follow; what they add up to is
`prediction`'s.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean.guard.stages import EVOLVE, FIRST_YIELD, QUANTITIES

FILE = Path(__file__).with_name("table.json")
KINDS = ("rss", "peak")
# Triangles up to which functions of x and y are called once, and of a part beyond: as in
# `quantity.from_function`.
LARGEST_CALL, PART = 4_000_000, 1_000_000
# Triangles of the largest mesh on which `benchmarks/plan.py` measures what features add.
LARGEST_MEASURED = 600_000


class Memory(NamedTuple):
    """Bytes at the end of a stage, and the most within it."""

    rss: float
    peak: float


class Table:
    """The figures of a table.

    Parameters
    ----------
    figures : dict
        As `benchmarks/plan.py` writes them: bytes, and bytes per triangle.
    """

    def __init__(self, figures: dict[str, Any]) -> None:
        self.figures = figures

    # -- lean ------------------------------------------------------------------

    def serial(self, stage: str, n: float, mesh: str, store: bool) -> Memory:
        """Return the memory of one process at a stage of DE0 without features."""
        lean = self.figures["lean"]
        name = f"{'regions' if mesh == 'regions' else 'rectangular'} {'' if store else 'not '}"
        series = lean["series"][name + "stored"]
        sizes = series["triangles"]

        def at(n: float) -> Memory:
            return Memory(*(_between(n, sizes, series[stage][kind]) for kind in KINDS))

        found = _in_parts(at, n) if stage == QUANTITIES else at(n)
        if mesh == "file":
            found = added(found, self.adds("file", stage, n))
        return found

    def adds(self, name: str, stage: str, n: float) -> Memory:
        """Return what a feature, an algorithm or a kind of mesh adds at a stage.

        Notes
        -----
        At the first yield some of it is what the heap could not give back.  That grows no more
        once single arrays are so large that the system has them back: what is held between later
        steps counts for every mesh, the rest as for the largest mesh measured.
        """
        stages = self.figures["lean"]["adds"].get(name)
        if stages is None:
            return Memory(0.0, 0.0)

        def at(n: float, stage: str = stage) -> Memory:
            lines = stages[stage]
            return Memory(*(lines[kind][0] + lines[kind][1] * n for kind in KINDS))

        if stage == QUANTITIES:
            return _in_parts(at, n)
        if stage != FIRST_YIELD or n <= LARGEST_MEASURED:
            return at(n)
        seen, later = at(LARGEST_MEASURED), at(LARGEST_MEASURED, EVOLVE)
        more = min(at(n).rss - seen.rss, at(n, EVOLVE).rss - later.rss)
        return Memory(seen.rss + more, seen.peak + more)

    def of_rank(self, scheme: str, first: bool, stage: str, whole: float, n: float) -> Memory:
        """Return what a rank adds to a process of `n` triangles, or takes to be given its part."""
        lines = self._of_scheme(scheme)["first" if first else "others"].get(stage)
        if lines is None:
            return Memory(0.0, 0.0)
        return Memory(*(lines[kind][0] + lines[kind][1] * whole + lines[kind][2] * n
                        for kind in KINDS))

    def triangles_of_rank(self, scheme: str, whole: int, ranks: int) -> float:
        """Return how many triangles the largest part has, ghosts too.

        Notes
        -----
        Parts in a square of sqrt(ranks) by sqrt(ranks) share 4 (1 - 1/sqrt(ranks)) of their
        sides on average, each as long as the square root of their triangles.
        """
        if ranks == 1:
            return float(whole)
        full = whole / ranks
        ghosts = self._of_scheme(scheme)["ghosts"]
        return full + ghosts * (1.0 - ranks**-0.5) * math.sqrt(full)

    def _of_scheme(self, scheme: str) -> dict[str, Any]:
        ranks: dict[str, Any] = self.figures["lean"]["ranks"]
        return ranks.get(scheme, ranks["hilbert"])      # morton: parts are made as along that

    @property
    def shared(self) -> dict[str, float]:
        """Return by stage the bytes of libraries that the ranks of a node hold together."""
        return {stage: float(each) for stage, each in self.figures["lean"]["shared"].items()}

    # -- stock -----------------------------------------------------------------

    def stock(self, first: bool, whole: int, ranks: int, mesh: str, store: bool,
              names: dict[str, int]) -> float:
        """Return the peak of a rank of stock ANUGA's."""
        stock = self.figures["stock"]
        n = self.triangles_of_rank("metis", whole, ranks)
        name = f"{'regions' if mesh == 'regions' else 'rectangular'} {'' if store else 'not '}"
        base, slope = stock["series"][name + "stored"]
        peak = base + slope * n
        if ranks > 1:
            constant, of_whole, of_part = stock["ranks"]["first" if first else "others"]
            peak += constant + of_whole * whole + of_part * n
        for each, count in names.items():
            constant, slope = stock["adds"].get(each, (0.0, 0.0))
            peak += constant + slope * n * count
        return float(peak)

    @property
    def stock_shared(self) -> float:
        """Return the bytes of libraries that the ranks of stock on a node hold together."""
        return float(self.figures["stock"]["shared"])


def _in_parts(at: Callable[[float], Memory], n: float) -> Memory:
    """Return the memory of setting quantities, whose functions a large mesh asks in parts."""
    found = at(n)
    if n <= LARGEST_CALL:
        return found
    part = at(PART)
    return Memory(found.rss, found.rss + part.peak - part.rss)


def with_adds(memory: Memory, adds: list[tuple[int, Memory]]) -> Memory:
    """Return figures with what several things add, and how often each.

    Notes
    -----
    What is held adds up.  What is needed for a while is not needed by all at the same time: the
    largest of these counts, and all that make it smaller.
    """
    held = sum(count * each.rss for count, each in adds)
    for_a_while = [each.peak - each.rss for _, each in adds]
    most = max([0.0, *for_a_while]) + sum(min(0.0, each) for each in for_a_while)
    found = memory.rss + held
    return Memory(found, max(found, memory.peak + held + most))


def added(*memories: Memory) -> Memory:
    """Return the sum of figures."""
    return Memory(sum(each.rss for each in memories), sum(each.peak for each in memories))


def _between(n: float, sizes: list[int], values: list[float]) -> float:
    """Return a value by the line between the two sizes next to `n`, or the last two."""
    i = next((i for i, size in enumerate(sizes[1:-1], 1) if n <= size), len(sizes) - 1)
    slope = (values[i] - values[i - 1]) / (sizes[i] - sizes[i - 1])
    return values[i - 1] + slope * (n - sizes[i - 1])


@functools.cache
def built_in() -> Table:
    """Return the table of this package."""
    return Table(json.loads(FILE.read_text(encoding="ascii")))
