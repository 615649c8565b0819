"""Says how much memory a member is given, from what members before it have taken.

Owns the rule: a high quantile of the peaks of its kind, a line on triangles where they differ,
the cheapest guess as long as its kind is new, and 1.5 times the peak for one that met its limit.
What a run of so many triangles takes before any has run, a table says that it is given.
Whether it fits beside others is `packing`'s.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any

MIB = 1 << 20
QUANTILE = 0.95
MARGIN = 1.1
AGAIN = 1.5             # of the peak, for a member that met its limit
STEP = 4 * MIB          # reservations are whole multiples
FEW = 3                 # records from which on a kind is known
_KEPT = 1000            # newest peaks of a kind
_AGAIN_AFTER = 50       # records after which its reservation is worked out again
_SPREAD = 1.3           # of triangles, from which on a line is fitted
_BESIDE = 30 * MIB      # what a script may hold beside what the table has


class Reservations:
    """Reservations by kind of member.

    Parameters
    ----------
    first : int
        Bytes for a member as long as nothing is known of any.
    table : callable, optional
        Given a family and a number of triangles, returns the bytes that such a run takes, or None.

    Notes
    -----
    A kind is of members whose memory is alike, a family of kinds that differ in their triangles.
    """

    def __init__(self, first: int,
                 table: Callable[[Any, int], int | None] = lambda family, triangles: None) -> None:
        self._first, self._table = first, table
        self._families: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
        self._lines: dict[Hashable, tuple[float, float, float] | None] = {}
        self._peaks: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
        self._all: list[tuple[int, int]] = []
        self._largest = 0
        self._at_least: dict[Hashable, int] = {}

    def learn(self, kind: Hashable, peak: int, triangles: int | None,
              family: Hashable = None) -> bool:
        """Take note of the peak of a member that was completed, bytes.

        Returns
        -------
        bool
            Whether others of its kind are now given something else.
        """
        self._lines.pop(family, None)
        for found in (self._peaks[kind], self._all, self._families[family]):
            found.append((peak, triangles or 0))
            del found[:-_KEPT]
        self._largest = max(self._largest, peak)
        self._at_least.pop(kind, None)
        count = len(self._peaks[kind])
        return count <= FEW or count % _AGAIN_AFTER == 0

    def of(self, kind: Hashable, triangles: int | None = None, family: Hashable = None) -> int:
        """Return the bytes that a member of a kind is given.

        Parameters
        ----------
        kind : hashable
            What members share whose memory is alike.
        triangles : int, optional
            Of this member, if they are known.
        family : hashable, optional
        """
        if kind in self._at_least:
            return self._at_least[kind]
        found = self._peaks[kind]
        if found and len(found) < FEW:
            return rounded(AGAIN * max(peak for peak, _ in found))
        if found:
            line = _line(found) if triangles else None
            return rounded(MARGIN * (quantile([peak for peak, _ in found]) if line is None
                                     else _on(line, triangles)))
        if triangles:
            predicted = self._by_line(family, triangles) or self._by_table(family, triangles)
            if predicted is not None:
                return rounded(predicted)
        # as others, once there are some
        if len(self._all) < FEW:
            return self._first
        return rounded(cheapest([peak for peak, _ in self._all]))

    def _by_line(self, family: Hashable, triangles: int | None) -> float | None:
        """Return what the members of a family say that one of so many triangles is given."""
        if not triangles:
            return None
        if family not in self._lines:
            self._lines[family] = _line(self._families[family])
        line = self._lines[family]
        return None if line is None else MARGIN * _on(line, triangles)

    def _by_table(self, family: Hashable, triangles: int) -> float | None:
        """Return what the table says, shifted by what members have taken more, or less."""
        predicted = self._table(family, triangles)
        if predicted is None:
            return None
        seen = [(peak, there) for peak, n in self._families[family]
                if n and (there := self._table(family, n))]
        if not seen:
            return MARGIN * predicted + _BESIDE
        more = max(peak - there for peak, there in seen)
        if more > 0:
            return MARGIN * (predicted + more)
        return MARGIN * predicted * max(peak / there for peak, there in seen)

    def after(self, kind: Hashable, given: int, peak: int | None, most: int,
              triangles: int | None = None, family: Hashable = None) -> int:
        """Return what a member is given that has met its limit, and others of its kind until then.

        There is one more try.  Where members of its kind have needed more than it was given, it
        gets what they say; so it does where members of other triangles tell of it.  If no member
        at all has needed much more, nothing says how much it needs: it gets a worker for itself,
        and those after it learn from that.

        Parameters
        ----------
        given : int
        peak : int or None
        most : int
            Bytes of the largest worker.
        triangles : int, optional
        family : hashable, optional
        """
        wanted = AGAIN * max(given, peak or 0)
        like_it = max((each for each, _ in self._peaks[kind]), default=0)
        if like_it > given:
            return rounded(max(wanted, AGAIN * like_it))
        predicted = self._by_line(family, triangles)
        if predicted is not None and predicted > given:
            self._at_least[kind] = rounded(max(wanted, predicted))
            return self._at_least[kind]
        found = max(wanted, AGAIN * self._largest)
        if self._largest < wanted:
            found = max(found, most)
        self._at_least[kind] = rounded(found) if found < most or wanted > most else most
        return self._at_least[kind]


def rounded(nbytes: float) -> int:
    """Return bytes as the next whole multiple of 4 MiB."""
    return STEP * math.ceil(nbytes / STEP)


def quantile(values: list[int], share: float = QUANTILE) -> int:
    """Return the least value that a share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def cheapest(peaks: list[int]) -> float:
    """Return what a member is given of whose kind no peak is known, bytes.

    Notes
    -----
    Of 1.5 times each peak that was seen, the one at which the memory that a member takes is least
    on average, when those that meet it are tried again with 1.5 times the largest: the first
    allocation of Tovar et al. (2018), IEEE Trans. Parallel Distrib. Syst. 29, 240-253.
    """
    ordered = sorted(peaks)
    n, again = len(ordered), AGAIN * ordered[-1]
    return min((AGAIN * peak + (n - count) / n * again, AGAIN * peak)
               for count, peak in enumerate(ordered, 1))[1]


def _on(line: tuple[float, float, float], triangles: int | None) -> float:
    """Return what a line says of so many triangles, at its upper edge."""
    base, slope, above = line
    return base + slope * (triangles or 0) + above


def _line(found: list[tuple[int, int]]) -> tuple[float, float, float] | None:
    """Fit peaks to triangles; return base, slope and the largest peak above the line.

    A base below 0 would promise small members nothing: the line then goes through 0.
    """
    known = [(triangles, peak) for peak, triangles in found if triangles]
    if len(known) < FEW or max(known)[0] < _SPREAD * min(known)[0]:
        return None
    n = len(known)
    x, y = (sum(column) / n for column in zip(*known, strict=True))
    spread = sum((each - x) ** 2 for each, _ in known)
    slope: Any = max(0.0, sum((a - x) * (b - y) for a, b in known) / spread)
    base = y - slope * x
    if base < 0.0:
        base, slope = 0.0, sum(a * b for a, b in known) / sum(a * a for a, _ in known)
    return base, slope, max(0.0, *(b - base - slope * a for a, b in known))
