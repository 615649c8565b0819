"""Says how much memory a member is given, from what members before it have taken.

Owns the rule: a high quantile of the peaks of its kind, a line on triangles where they differ,
the cheapest guess as long as its kind is new, and at least 1.5 times the peak for one that met its
limit.  The margin shrinks from 1.5 to 1.1 as peaks come in.
What a run of so many triangles takes before any has run, a table says that it is given.
Whether it fits beside others is `packing`'s.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

MIB = 1 << 20
Number = TypeVar("Number", int, float)
QUANTILE = 0.95
MARGIN = 1.1
AGAIN = 1.5             # of the peak, for a member that met its limit, or of which little is known
STEP = 4 * MIB          # reservations are whole multiples
FEW = 3                 # records from which on a kind is known
_KEPT = 1000            # newest peaks of a kind
_SPREAD = 1.3           # of triangles, from which on a line is fitted
_BESIDE = 30 * MIB      # what a script may hold beside what the table has


class Reservations:
    """Reservations by kind of member.

    Parameters
    ----------
    first : int
        Bytes for a member as long as nothing is known of any, at least.
    table : callable, optional
        Given a family and a number of triangles, returns the bytes that such a run takes, or None.

    Attributes
    ----------
    share : int
        Bytes that the first members may have without leaving a core idle.

    Notes
    -----
    A kind is of members whose memory is alike, a family of kinds that differ in their triangles.
    """

    def __init__(self, first: int,
                 table: Callable[[Any, int], int | None] = lambda family, triangles: None) -> None:
        self._first, self._table = first, table
        self.share = 0
        self._families: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
        self._lines: dict[Hashable, tuple[float, float, float] | None] = {}
        self._peaks: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
        self._counts: dict[Hashable, int] = defaultdict(int)    # of all peaks of a kind
        self._all: list[tuple[int, int]] = []
        self._largest = 0
        self._growth: list[float] = []      # of peaks, over the largest of their kind before
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
        if self.knows(kind):
            self._growth.append(peak / max(each for each, _ in self._peaks[kind]))
            del self._growth[:-_KEPT]
        for found in (self._peaks[kind], self._all, self._families[family]):
            found.append((peak, triangles or 0))
            del found[:-_KEPT]
        self._largest = max(self._largest, peak)
        self._at_least.pop(kind, None)
        self._counts[kind] += 1
        count = self._counts[kind]
        return count <= FEW or count & (count - 1) == 0     # 4, 8, 16

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
            return rounded(self._margin_of_few() * max(peak for peak, _ in found))
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
            return max(self._first, self.share // STEP * STEP)
        return rounded(cheapest([peak for peak, _ in self._all]))

    def knows(self, kind: Hashable) -> bool:
        """Whether a member of a kind has been completed."""
        return bool(self._peaks.get(kind))

    def _margin_of_few(self) -> float:
        """Return what members get of the largest of few peaks: as those of all kinds have grown."""
        if not self._growth:
            return AGAIN
        return min(AGAIN, margin(len(self._growth)) * max(1.0, quantile(self._growth)))

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
        """Return what a member is given that has met its limit, and others of a new kind with it.

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
        least = wanted = AGAIN * max(given, peak or 0)
        peaks = [each for each, _ in self._peaks[kind]]
        predicted = self._by_line(family, triangles)
        if max(peaks, default=0) > given:
            least = max(wanted, *peaks)
            found = max(wanted, AGAIN * max(peaks))
        elif predicted is not None and predicted > given:
            least = found = max(wanted, predicted)
        else:
            found = max(wanted, AGAIN * self._largest)
            if self._largest < wanted:
                found = max(found, most)
        nbytes = rounded(found)
        if least <= most < nbytes:
            nbytes = most
        if len(peaks) < FEW:        # else it is an exception
            self._at_least[kind] = nbytes
        return nbytes


def margin(count: int) -> float:
    """Return what is given of the largest of so many peaks: the next may be larger, ever less so.
    """
    return MARGIN + (AGAIN - MARGIN) * min(1.0, FEW / max(1, count))


def rounded(nbytes: float) -> int:
    """Return bytes as the next whole multiple of 4 MiB."""
    return STEP * math.ceil(nbytes / STEP)


def quantile(values: Sequence[Number], share: float = QUANTILE) -> Number:
    """Return the least value that a share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def cheapest(peaks: list[int]) -> float:
    """Return what a member is given of whose kind no peak is known, bytes.

    Notes
    -----
    Of each peak that was seen, with its margin, the one at which the memory that a member takes is
    least on average, when those that meet it are tried again with the largest: the first
    allocation of Tovar et al. (2018), IEEE Trans. Parallel Distrib. Syst. 29, 240-253.
    """
    ordered = sorted(peaks)
    n = len(ordered)
    factor = margin(n)
    return min((factor * (peak + (n - count) / n * ordered[-1]), factor * peak)
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
