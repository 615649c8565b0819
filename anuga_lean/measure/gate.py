"""Finds what has become worse between two files of figures.

Owns the limits (memory, instructions, ratios of time) and the sentences.  Reading the
files is records.py's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, NamedTuple

from anuga_lean.measure.environment import isa
from anuga_lean.measure.records import GATES, Figure, Night, Record

MEMORY_GROWTH = 0.02
RATIO_FALL = 0.10
INSTRUCTIONS_GROWTH = 0.02
# What must be the same for instructions to be, by gate.
_SAME_TOOLCHAIN = {"kernel instructions": ("compiler", "architecture"),
                   "instructions": ("compiler", "architecture", "python", "numpy")}
# A process's peak moves by some pages from run to run: of figures that are a few MiB
# less than this is no growth.
RESOLUTION = {"MiB": 1.0}
WANTS = {"instructions": ": it wants valgrind"}
NAMED = 5  # arrays in one sentence


class Finding(NamedTuple):
    """One sentence of the gate; `worse` if it makes it fail."""

    worse: bool
    text: str


def same_class(new: Night, base: Night) -> bool:
    """Whether ratios of time of two nights can be compared: one instruction set, as many cores."""
    return _class(new.machine) == _class(base.machine)


def own_release(night: Night) -> str:
    """Return the version of ANUGA in the environment of a night; empty if not known."""
    return str((night.machine.get("versions") or {}).get("anuga") or "")


def releases(night: Night) -> dict[str, int]:
    """Count the records of each version of ANUGA."""
    return dict(Counter(_release(night, record) for record in night.records))


def of_release(night: Night, release: str) -> Night:
    """Return a night with its records of one version of ANUGA only."""
    return replace(night, records=[record for record in night.records
                                   if _release(night, record) == release])


def suites(night: Night) -> set[str]:
    """Return the suites that a night has records of."""
    return {record.suite for record in night.records}


def of_suites(night: Night, names: Set[str]) -> Night:
    """Return a night with its records of some suites only."""
    return replace(night, records=[record for record in night.records if record.suite in names])


def compare_nights(new: Night, base: Night, ratios_only: bool = False) -> list[Finding]:
    """Return the findings of a new file against an older one, the bad ones first.

    Records are compared with those of the same version of ANUGA, whichever build
    they were then: ``lean@4.1.0`` with ``lean`` of a night on 4.1.0.  A suite that is not
    in the new file at all is not missed; a record or a figure of a suite that is there is,
    if it is of the version that the new night ran in.  Ratios of time are compared between
    machines of one class only.
    """
    known, measured = _by_identity(base), _by_identity(new)
    if ratios_only:
        return [finding for key, record in measured.items()
                if key in known and not record.error and not known[key].error
                for finding in _compare_records(record, known[key], ("ratio",)) if finding.worse]
    shared = releases(new).keys() & releases(base).keys()
    if not shared and new.records and base.records:
        return [Finding(True, f"nothing can be compared: {_names(new)} was measured now, "
                        f"{_names(base)} before")]
    measured_suites = suites(new)
    findings = [Finding(True, f"{record.key}: {record.error}")
                for record in new.records if record.error]
    same_machine = same_class(new, base)
    not_here: Counter[str] = Counter()
    for key, old in known.items():
        record = measured.get(key)
        if old.suite not in measured_suites or old.error or (record is not None and record.error):
            continue
        if record is not None:
            gates = [gate for gate in GATES if gate != "ratio" or same_machine]
            findings += _compare_records(record, old, gates)
        elif key.release == own_release(new):
            findings.append(Finding(True, f"{old.key} was not measured"))
        else:
            not_here[key.release] += 1
    findings += [Finding(False, f"{count} records of ANUGA {release} were not measured in this "
                         f"environment, which has {own_release(new)}")
                 for release, count in not_here.items()]
    if not same_machine and any(record.suite == "speed" for record in new.records):
        findings.append(Finding(False, "ratios of time are not compared: they come from "
                                f"{_words(new.machine)} now, from {_words(base.machine)} before"))
    findings += [Finding(False, f"{record.key} is new") for key, record in measured.items()
                 if key not in known and key.release in shared]
    findings += [Finding(False, f"{count} records of ANUGA {release} are compared with nothing: "
                         "there are none in the older file")
                 for release, count in releases(new).items() if release not in shared]
    findings += [Finding(False, f"{suite} was not measured{WANTS.get(suite, '')}") for suite in
                 sorted(suites(base) - measured_suites)]
    return sorted(findings, key=lambda finding: not finding.worse)


class _Identity(NamedTuple):
    """The facts that two records of one thing share, in whatever environment they were made."""

    subject: str
    variant: str
    release: str


def _by_identity(night: Night) -> dict[_Identity, Record]:
    return {_Identity(record.subject, record.variant, _release(night, record)): record
            for record in night.records}


def _release(night: Night, record: Record) -> str:
    return record.release or own_release(night)


def _names(night: Night) -> str:
    return " and ".join(f"ANUGA {release or 'of unknown version'}" for release in releases(night))


def _compare_records(new: Record, old: Record, gates: Sequence[str]) -> list[Finding]:
    findings = []
    for name, before in old.figures.items():
        if before.gate not in gates:
            continue
        now = new.figures.get(name)
        if now is None:
            findings.append(Finding(True, f"{new.key}: {name} was not measured"))
            continue
        differs = [f"{fact} {old.toolchain.get(fact)} -> {new.toolchain.get(fact)}"
                   for fact in _SAME_TOOLCHAIN.get(str(before.gate), ())
                   if old.toolchain.get(fact) != new.toolchain.get(fact)]
        if differs:
            findings.append(Finding(False, f"{new.key}: {name} is not compared: "
                                    f"{', '.join(differs)}"))
            continue
        text = (f"{new.key}: {name} {before.value:,.4g} -> {now.value:,.4g} {now.unit} "
                f"({_change(before, now):+.1%})")
        if _is_worse(before, now):
            names = "" if before.gate == "ratio" else grown(new, old)
            findings.append(Finding(True, text + names))
        elif _is_worse(now, before):
            findings.append(Finding(False, text + ", better"))
    return findings


def _is_worse(before: Figure, now: Figure) -> bool:
    if before.gate == "ratio":
        return _change(before, now) < -RATIO_FALL
    if before.gate in _SAME_TOOLCHAIN:
        return _change(before, now) > INSTRUCTIONS_GROWTH
    grown_by = now.value - before.value
    return (grown_by > MEMORY_GROWTH * abs(before.value)
            and grown_by > RESOLUTION.get(now.unit, 0.0))


def _change(before: Figure, now: Figure) -> float:
    return (now.value - before.value) / abs(before.value) if before.value else float("inf")


def grown(new: Record, old: Record) -> str:
    """Name the arrays, or else the groups or functions, that grew most: an end of a text."""
    found = _grown(new.arrays, old.arrays) or _grown(new.groups, old.groups)
    unit = "B/tri" if found else "instr/tri"
    found = found or _grown(new.functions, old.functions)
    if not found:
        return ""
    listed = [f"{name} {growth:+.2f} {unit}" for name, growth in found[:NAMED]]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f": {', '.join(listed)}{more}"


def _grown(new: Mapping[str, float], old: Mapping[str, float]) -> list[tuple[str, float]]:
    growth = {name: value - old.get(name, 0.0) for name, value in new.items()}
    worth = [(name, value) for name, value in growth.items() if value > 0.05]
    return sorted(worth, key=lambda pair: -pair[1])


def _class(machine: Mapping[str, Any]) -> tuple[Any, ...]:
    return machine.get("architecture"), isa(dict(machine)), machine.get("cores")


def _words(machine: Mapping[str, Any]) -> str:
    return f"{machine.get('cores', '?')} cores with {isa(dict(machine))} kernels"
