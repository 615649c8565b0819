"""Chooses the records that a page shows, and how each build looks.

Of every record the newest night that has it counts.  Owns the choice, the
grouping into cases (the same thing on several builds) and the looks; the
sections read from it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from anuga_lean.measure.page.model import Command
from anuga_lean.measure.page.wording import (
    VECTORS,
    build_name,
    conditions,
    date,
    instant,
    plural,
)
from anuga_lean.measure.records import Night, Record

FIRST = ("stock", "lean")
LOOKS = 6  # b0 ... b5 in page.css, each with a colour and a hatch of its own
DASHES = ("", "7 3", "2 3", "11 3 2 3", "4 2", "1 4")
MARKERS = (
    "M-4 -4H4V4H-4Z",  # square
    "M0 -4.2A4.2 4.2 0 1 1 0 4.2A4.2 4.2 0 1 1 0 -4.2Z",  # circle
    "M0 -5L5 4H-5Z",  # triangle
    "M0 -5.5L5.5 0L0 5.5L-5.5 0Z",  # diamond
    "M0 5L5 -4H-5Z",  # triangle on its tip
    "M-1.5 -5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5V-1.5H-1.5Z",  # plus
    "M-5 -1.5H5V1.5H-5Z",  # dash
)


@dataclass(frozen=True)
class Entry:
    """A record and the night it was measured."""

    record: Record
    night: Night


class Shown:
    """The records of a page.

    Parameters
    ----------
    nights : iterable of Night
        In any order; one night may be stored in several files.
    """

    def __init__(self, nights: Iterable[Night]) -> None:
        self.nights = sorted(nights, key=lambda night: instant(night.date))
        newest: dict[str, list[Entry]] = {}
        for night in self.nights:
            keys: dict[str, list[Entry]] = {record.key: [] for record in night.records}
            for record in night.records:
                keys[record.key].append(Entry(record, night))
            newest.update(keys)
        everything = [entry for entries in newest.values() for entry in entries]
        self.entries = [entry for entry in everything if entry.record.error is None]
        self.failed = [entry for entry in everything if entry.record.error is not None]
        self.builds = ordered({entry.record.build: None for entry in everything})

    def look(self, build: str) -> str:
        """Return the class of page.css of a build."""
        if build in FIRST:
            return f"b{FIRST.index(build)}"
        others = [other for other in self.builds if other not in FIRST]
        return f"b{len(FIRST) + others.index(build) % (LOOKS - len(FIRST))}"

    def of(self, suite: str) -> list[Entry]:
        """Return the records of a suite that have figures."""
        return [entry for entry in self.entries if entry.record.suite == suite]

    def cases(self, suite: str, having: str) -> list[list[Entry]]:
        """Return the records of a suite that have something, the builds of a case together."""
        mesh = suite != "memory"  # where sizes may differ between builds
        found = self.grouped(
            (entry for entry in self.of(suite) if getattr(entry.record, having)),
            lambda record: (record.scenario, record.flow_algorithm, record.threads,
                            record.numprocs, tuple(record.triangles) if mesh else ()))
        return [sorted(case, key=lambda entry: self.builds.index(entry.record.build))
                for case in found]

    @staticmethod
    def grouped(
        entries: Iterable[Entry], by: Callable[[Record], Hashable]
    ) -> list[list[Entry]]:
        """Return records in groups of the same key, in their order."""
        groups: dict[Hashable, list[Entry]] = {}
        for entry in entries:
            groups.setdefault(by(entry.record), []).append(entry)
        return list(groups.values())

    def absent(self, case: list[Entry]) -> list[str]:
        """Return sentences on the builds of a case that could not be measured."""
        one = case[0].record
        return [f"{entry.record.build} was not measured: {entry.record.error}"
                for entry in self.failed
                if (entry.record.suite, entry.record.scenario, entry.record.flow_algorithm) ==
                (one.suite, one.scenario, one.flow_algorithm)]


def ordered(builds: Iterable[str]) -> list[str]:
    """Return stock first, lean second, the others as they come."""
    return sorted(builds, key=lambda build: FIRST.index(build) if build in FIRST else len(FIRST))


def labels(case: list[Entry]) -> list[str]:
    """Return a label for each record of a case: what its build is, and what tells two apart."""
    names = [build_name(entry.record.build) for entry in case]
    ways: tuple[Callable[[Entry], str], ...] = (
        lambda one: VECTORS.get(one.record.isa or "", one.record.isa or ""),
        lambda one: ", ".join(f"{name} {value}" for name, value in one.record.parameters.items()),
        lambda one: one.record.version,
        lambda one: date(one.night.date))
    for told in ways:
        more = [told(entry) for entry in case]
        for name in {name for name in names if names.count(name) > 1}:
            which = [k for k, one in enumerate(names) if one == name]
            if len({more[k] for k in which}) > 1:
                for k in which:
                    names[k] = ", ".join(filter(None, (name, more[k])))
    return [name if names.count(name) == 1 else f"{name}, record {names[:k].count(name) + 1}"
            for k, name in enumerate(names)]


def title(case: list[Entry]) -> str:
    """Return the name of a case."""
    record = case[0].record
    words = [record.scenario]
    if record.flow_algorithm != "DE0":
        words.append(record.flow_algorithm)
    if record.threads > 1:
        words.append(plural(record.threads, "thread"))
    if record.numprocs > 1:
        words.append(plural(record.numprocs, "rank"))
    return ", ".join(words)


def subtitle(case: list[Entry], largest: bool = True) -> str:
    """Return mesh and conditions of a case."""
    if case[0].record.suite == "patches":  # of no mesh
        return conditions(case[0].record)
    sizes = {entry.record.build: tuple(entry.record.triangles[-1:] if largest
                                       else entry.record.triangles) for entry in case}
    if len(set(sizes.values())) == 1:
        mesh = _sizes(next(iter(sizes.values())))
    else:
        mesh = "; ".join(f"{build} {_sizes(found)}" for build, found in sizes.items())
    return f"{mesh}, {conditions(case[0].record)}"


def _sizes(sizes: tuple[int, ...]) -> str:
    return " and ".join(f"{size:,}" for size in sizes) + " triangles" if sizes \
        else "mesh not known"


def commands(case: Iterable[Entry]) -> list[Command]:
    """Return how each record was measured, each command once."""
    found: dict[str, list[str]] = {}
    for entry in case:
        if entry.record.command:
            found.setdefault(entry.record.command, []).append(entry.record.build)
    return [Command(", ".join(dict.fromkeys(builds)), text) for text, builds in found.items()]
