"""Says of each end of a member what `anuga_lean doctor` says of its folder.

Owns how a finding is kept; evidence and its weighing are in doctor/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from anuga_lean.doctor.evidence import Facts
from anuga_lean.doctor.members import read_member
from anuga_lean.doctor.weighing import weigh
from anuga_lean.studies.records import End, Finding, Record, Try

_LINES = 6      # of evidence that are kept


def finding(folder: Path, last: Try) -> Finding | None:
    """Return what the doctor says of a try that has just ended; None if it was completed."""
    if last.end is End.COMPLETED:
        return None
    facts = Facts()
    read_member(folder, msgspec.to_builtins(last), facts)
    found = weigh(facts)
    return Finding(found.cause.word, found.sureness, found.cause.value,
                   [f"{each.source.removeprefix(f'{folder}/')}: {each.line}"
                    for each in found.because[:_LINES]])


def how_again(tries: Iterable[Try], nbytes: int) -> str:
    """Return what a further try is for, from those before it; "" for a first one."""
    last = next(reversed(list(tries)), None)
    if last is None:
        return ""
    if last.end is End.MEMORY:
        return (f"again with {nbytes >> 20:,} MiB, after it met its limit of "
                f"{last.nbytes >> 20:,} MiB") if nbytes else "again, with more memory"
    if last.end is End.STOPPED:
        at = "" if last.time is None else f" at t={last.time:g} s"
        return f"goes on where it stopped{at}"
    return {End.LOST: "again, after its worker went away",
            End.KILLED: "again, after it was killed"}.get(
        last.end, f"again in a later run of the study, after it ended as {last.end.value}")


def by_cause(records: Iterable[tuple[str, Record]]) -> list[tuple[Finding, list[str]]]:
    """Return the members that are not completed by doctor's class, most first.

    Parameters
    ----------
    records : iterable of tuple
        Names of members, and their records.

    Returns
    -------
    list of tuple
        What is said of the first member of a class, and the names of all.
    """
    groups: dict[str, tuple[Finding, list[str]]] = {}
    for name, record in records:
        last = record.tries[-1]
        if last.end is End.COMPLETED:
            continue
        found = last.finding or Finding(last.end.value, "sure", last.says or last.end.value, [])
        groups.setdefault(found.cause, (found, []))[1].append(name)
    order = Counter({cause: len(names) for cause, (_, names) in groups.items()})
    return [groups[cause] for cause, _ in order.most_common()]
