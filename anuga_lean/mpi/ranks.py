"""Lets the ranks of a parallel run exchange Python objects outside of time steps.

Owns collective calls on Python objects, which do nothing in a serial run.
The exchange of ghost values is ANUGA's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anuga_lean._errors import CheckpointError, NewerCheckpoint


class Ranks:
    """The process that runs, among `count` ranks.

    Attributes
    ----------
    count, rank : int
        1 and 0 in a serial run; nothing of MPI is loaded then.
    """

    def __init__(self, count: int, rank: int) -> None:
        self.count = count
        self.rank = rank

    @classmethod
    def of_domain(cls, domain: Any) -> Ranks:
        """Return the ranks that share a domain."""
        return cls(domain.numproc, domain.processor) if domain.parallel else cls(1, 0)

    @classmethod
    def of_process(cls) -> Ranks:
        """Return the ranks that ANUGA was started on."""
        from anuga import myid, numprocs
        return cls(numprocs, myid)

    def allgather(self, value: Any) -> list[Any]:
        """Return the values of every rank, by rank."""
        if self.count == 1:
            return [value]
        from mpi4py import MPI
        return MPI.COMM_WORLD.allgather(value)

    def from_first(self, value: Any) -> Any:
        """Return the value of rank 0."""
        if self.count == 1:
            return value
        from mpi4py import MPI
        return MPI.COMM_WORLD.bcast(value)

    def selected(self, values: Any, rows: Any) -> Any:
        """Return `rows` of an array that rank 0 has: each rank asks for its own.

        Parameters
        ----------
        values : (n,) array on rank 0, else ignored
        rows : (m,) array of int
        """
        if self.count == 1:
            return values[rows]
        from mpi4py import MPI
        asked = MPI.COMM_WORLD.gather(rows)
        return MPI.COMM_WORLD.scatter(
            None if asked is None else [values[each] for each in asked])


def tried(ranks: Ranks, action: Callable[[], Any]) -> tuple[Any, str | None]:
    """Return the result of an action, and why it failed on some rank: the same reason on all.

    Raises
    ------
    NewerCheckpoint
        On all ranks, if one of them raised it.
    """
    result, reason, is_newer = None, None, False
    try:
        result = action()
    except CheckpointError as error:
        is_newer = isinstance(error, NewerCheckpoint)
        reason = str(error).rstrip(".")
    except Exception as error:      # the other ranks wait for this one's result
        if ranks.count == 1:
            raise
        reason = f"{type(error).__name__}: {error}"
    said = [each for each in ranks.allgather((reason, is_newer)) if each[0] is not None]
    newer = next((text for text, is_newer in said if is_newer), None)
    if newer is not None:
        raise NewerCheckpoint(newer + ".")
    return (None, said[0][0]) if said else (result, None)
