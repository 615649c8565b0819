"""What has become worse: one file of figures against another.

Owns the two limits (memory, ratios of time) and the sentences.  Reading the
files is records.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from anuga_lean.measure.environment import isa
from anuga_lean.measure.records import GATES, Figure, Night, Record

MEMORY_GROWTH = 0.02
RATIO_FALL = 0.10
# A process's peak moves by some pages from run to run: of figures that are a few MiB
# less than this is no growth.
RESOLUTION = {"MiB": 1.0}
NAMED = 5  # arrays in one sentence


class Finding(NamedTuple):
    """One sentence of the gate; `worse` if it makes it fail."""

    worse: bool
    text: str


def same_class(new: Night, base: Night) -> bool:
    """Whether ratios of time of two nights can be compared: one instruction set, as many cores."""
    return _class(new.machine) == _class(base.machine)


def compare_nights(new: Night, base: Night, ratios_only: bool = False) -> list[Finding]:
    """Findings of a new file against an older one, the bad ones first.

    A suite that is not in the new file at all is not missed; a record or a
    figure of a suite that is there is.  Ratios of time are compared between
    machines of one class only.
    """
    if ratios_only:
        return [finding for finding in _ratios(new, base) if finding.worse]
    known = {record.key: record for record in base.records}
    measured = {record.key: record for record in new.records}
    suites = {record.suite for record in new.records}
    findings = [Finding(True, f"{record.key}: {record.error}")
                for record in new.records if record.error]
    same_machine = same_class(new, base)
    for key, old in known.items():
        record = measured.get(key)
        if old.suite not in suites or old.error or (record is not None and record.error):
            continue
        if record is None:
            findings.append(Finding(True, f"{key} was not measured"))
            continue
        findings += _compare_records(record, old, GATES if same_machine else ("memory",))
    if not same_machine and any(record.suite == "speed" for record in new.records):
        findings.append(Finding(False, "ratios of time are not compared: they come from "
                                f"{_words(new.machine)} now, from {_words(base.machine)} before"))
    findings += [Finding(False, f"{key} is new") for key in measured if key not in known]
    findings += [Finding(False, f"{suite} was not measured") for suite in
                 sorted({record.suite for record in base.records} - suites)]
    return sorted(findings, key=lambda finding: not finding.worse)


def _ratios(new: Night, base: Night) -> list[Finding]:
    known = {record.key: record for record in base.records}
    return [finding for record in new.records
            if record.key in known and not record.error and not known[record.key].error
            for finding in _compare_records(record, known[record.key], ("ratio",))]


def _compare_records(new: Record, old: Record, gates: Sequence[str]) -> list[Finding]:
    findings = []
    for name, before in old.figures.items():
        if before.gate not in gates:
            continue
        now = new.figures.get(name)
        if now is None:
            findings.append(Finding(True, f"{new.key}: {name} was not measured"))
            continue
        text = (f"{new.key}: {name} {before.value:,.4g} -> {now.value:,.4g} {now.unit} "
                f"({_change(before, now):+.1%})")
        if _is_worse(before, now):
            names = grown(new, old) if before.gate == "memory" else ""
            findings.append(Finding(True, text + names))
        elif _is_worse(now, before):
            findings.append(Finding(False, text + ", better"))
    return findings


def _is_worse(before: Figure, now: Figure) -> bool:
    if before.gate == "ratio":
        return _change(before, now) < -RATIO_FALL
    grown_by = now.value - before.value
    return (grown_by > MEMORY_GROWTH * abs(before.value)
            and grown_by > RESOLUTION.get(now.unit, 0.0))


def _change(before: Figure, now: Figure) -> float:
    return (now.value - before.value) / abs(before.value) if before.value else float("inf")


def grown(new: Record, old: Record) -> str:
    """The arrays, or else the groups and call sites, that have grown most, as an end of a text."""
    found = _grown(new.arrays, old.arrays) or _grown(new.groups, old.groups)
    if not found:
        return ""
    listed = [f"{name} {growth:+.2f} B/tri" for name, growth in found[:NAMED]]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f": {', '.join(listed)}{more}"


def _grown(new: Mapping[str, float], old: Mapping[str, float]) -> list[tuple[str, float]]:
    growth = {name: value - old.get(name, 0.0) for name, value in new.items()}
    worth = [(name, value) for name, value in growth.items() if value > 0.05]
    return sorted(worth, key=lambda pair: -pair[1])


def _class(machine: Mapping) -> tuple:
    return machine.get("architecture"), isa(dict(machine)), machine.get("cores")


def _words(machine: Mapping) -> str:
    return f"{machine.get('cores', '?')} cores with {isa(dict(machine))} kernels"
