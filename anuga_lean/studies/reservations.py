"""Says how much memory a member is given, from what members before it have taken.

Owns the rule: a high quantile of the peaks of its kind, a line on triangles where they differ,
and 1.5 times the peak for one that met its limit.  Whether it fits beside others is `packing`'s.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable
from typing import Any

MIB = 1 << 20
QUANTILE = 0.95
MARGIN = 1.1
AGAIN = 1.5             # of the peak, for a member that met its limit
STEP = 4 * MIB          # reservations are whole multiples
FEW = 3                 # records from which on a kind is known
_KEPT = 1000            # newest peaks of a kind
_SPREAD = 1.3           # of triangles, from which on a line is fitted


class Reservations:
    """Reservations by kind of member.

    Parameters
    ----------
    first : int
        Bytes for a member of a kind that nothing is known of.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._peaks: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)

    def learn(self, kind: Hashable, peak: int, triangles: int | None) -> None:
        """Take note of the peak of a member that was completed, bytes."""
        found = self._peaks[kind]
        found.append((peak, triangles or 0))
        del found[:-_KEPT]

    def is_known(self, kind: Hashable) -> bool:
        """Whether there are records enough of a kind."""
        return len(self._peaks[kind]) >= FEW

    def of(self, kind: Hashable, triangles: int | None = None) -> int:
        """Return the bytes that a member of a kind is given.

        Parameters
        ----------
        kind : hashable
            What members share whose memory is alike.
        triangles : int, optional
            Of this member, if they are known.
        """
        found = self._peaks[kind]
        if len(found) < FEW:
            return rounded(max([self._first, *(peak * AGAIN for peak, _ in found)]))
        if triangles:
            line = _line(found)
            if line is not None:
                base, slope, above = line
                return rounded(MARGIN * (base + slope * triangles + above))
        return rounded(MARGIN * quantile([peak for peak, _ in found]))

    def after(self, given: int, peak: int | None) -> int:
        """Return what a member is given that met its limit with so much."""
        return rounded(AGAIN * max(given, peak or 0))


def rounded(nbytes: float) -> int:
    """Return bytes as the next whole multiple of 4 MiB."""
    return STEP * math.ceil(nbytes / STEP)


def quantile(values: list[int], share: float = QUANTILE) -> int:
    """Return the least value that a share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def _line(found: list[tuple[int, int]]) -> tuple[float, float, float] | None:
    """Fit peaks to triangles; return base, slope and the largest peak above the line."""
    known = [(triangles, peak) for peak, triangles in found if triangles]
    if len(known) < FEW or max(known)[0] < _SPREAD * min(known)[0]:
        return None
    n = len(known)
    x, y = (sum(column) / n for column in zip(*known, strict=True))
    spread = sum((each - x) ** 2 for each, _ in known)
    slope: Any = max(0.0, sum((a - x) * (b - y) for a, b in known) / spread)
    base = y - slope * x
    return base, slope, max(0.0, *(b - base - slope * a for a, b in known))
