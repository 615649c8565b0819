"""Says how long a member will run, from how long those before it have."""

from __future__ import annotations

from collections.abc import Hashable

_LEAST = 1e-3       # s
_MOST = 1.5         # times the mean of all, where nothing but memory tells
# s per byte, and s per triangle and as many steps, while none has ended: only what is longer
# matters then.
_BYTE, _TRIANGLE = 1e-7, 1e-6
_POWER = 1.5        # of triangles: twice the edges on a side are twice the steps


class Durations:
    """Durations of completed members, by kind."""

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[int, float]] = {}
        self._count, self._seconds, self._nbytes, self._work = 0, 0.0, 0, 0.0   # of all

    def learn(self, kind: Hashable, seconds: float, nbytes: int,
              triangles: int | None = None) -> None:
        """Take note of how long a member has run, s, and the bytes that it was given."""
        count, total = self._found.get(kind, (0, 0.0))
        self._found[kind] = (count + 1, total + seconds)
        self._count += 1
        self._seconds += seconds
        self._nbytes += nbytes
        self._work += (triangles or 0) ** _POWER

    def of(self, kind: Hashable, nbytes: int, triangles: int | None = None) -> float:
        """Return how long a member will run, s.

        Parameters
        ----------
        kind : hashable
            The mean of its kind, if some of it have ended.
        nbytes : int
            What it is given.
        triangles : int, optional
        """
        count, total = self._found.get(kind, (0, 0.0))
        if count:
            found = total / count
        elif triangles:
            work = float(triangles) ** _POWER
            found = work * (self._seconds / self._work if self._work else _TRIANGLE)
        elif self._count:
            found = min(self._seconds / self._nbytes * nbytes, _MOST * self._seconds / self._count)
        else:
            found = _BYTE * nbytes
        return max(_LEAST, found)
