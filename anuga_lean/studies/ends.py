"""Decides what is done about the end of a try: nothing, once more with more memory, or go on.

Owns that no member is tried for ever.
"""

from __future__ import annotations

from typing import NamedTuple

from anuga_lean.studies.records import End, Try

LOST_AT_MOST = 3        # times that a member's worker may go away, or somebody kill it
IN_VAIN = 3             # stops in turn at the same model time


class Next(NamedTuple):
    """Whether a member is tried once more.

    Attributes
    ----------
    again : bool
    more_memory : bool
        With more than it was given.
    why : str
        One sentence of why not.
    """

    again: bool
    more_memory: bool = False
    why: str = ""


def after(tries: list[Try]) -> Next:
    """Return what follows a member's last try."""
    end = tries[-1].end
    count = sum(each.end is end for each in tries)
    if end is End.COMPLETED:
        return Next(False)
    if end is End.MEMORY:
        if count > 1:
            return Next(False, why=f"it met its memory limit twice, the second time at "
                                   f"{tries[-1].nbytes >> 20:,} MiB")
        return Next(True, more_memory=True)
    if end is End.STOPPED:
        stops = [each for each in tries[-IN_VAIN:] if each.end is End.STOPPED]
        if len(stops) == IN_VAIN and len({each.time for each in stops}) == 1:
            return Next(False, why=f"it stopped {IN_VAIN} times and came no further: "
                                   f"{tries[-1].says}")
        return Next(True)
    if end in (End.LOST, End.KILLED):
        if count >= LOST_AT_MOST:
            return Next(False, why=f"it was killed {count} times, nobody says by whom")
        return Next(True)
    return Next(False, why=tries[-1].says)
