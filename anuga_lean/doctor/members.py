"""Reads the record of a member of a study (`studies.records`): how its tries ended, and why.

Every value is checked: the file may be torn, or another program's.
"""

from __future__ import annotations

import json
from typing import Any

from anuga_lean.doctor.evidence import HINT, LIKELY, MIB, PROOF, Cause, Facts
from anuga_lean.doctor.reading import Text
from anuga_lean.guard.recorded import as_dict, as_list, as_number

_NAME = "record.json"
# Of the word of a try's end; what memory refused and what it killed differ by the exit code.
_ENDS = {"completed": (Cause.COMPLETED, PROOF), "stopped": (Cause.STOPPED, PROOF),
         "memory": (Cause.OOM_CGROUP, PROOF), "timeout": (Cause.TIME_LIMIT, PROOF),
         "failed": (Cause.FAILED, LIKELY), "killed": (Cause.KILLED, HINT),
         "lost": (Cause.NODE_FAILURE, LIKELY)}
_KILLED = (-9, 137)


def tries_of(text: Text) -> list[dict[str, Any]]:
    """Return the tries of a member's record; none if a text is no such record."""
    if not text.name.endswith(_NAME) or text.cut:
        return []
    try:
        found = json.loads("\n".join(line for _, line in text.lines))
    except (ValueError, RecursionError):
        return []
    tries = [as_dict(each) for each in as_list(as_dict(found).get("tries"))]
    return [each for each in tries if each.get("end") in _ENDS]


def read_member(text: Text, tries: list[dict[str, Any]], facts: Facts) -> None:
    """Add what the tries of a member prove, the last of them above all."""
    last = tries[-1]
    facts.scheduler = "study"
    cause, strength = _ENDS[last["end"]]
    if cause is Cause.OOM_CGROUP:
        facts.limit = int(as_number(last.get("nbytes")))
        if last.get("exit_code") not in _KILLED:
            cause = Cause.MEMORY_LIMIT
    facts.peak = max(facts.peak, int(as_number(last.get("peak"))))
    if last["end"] in ("completed", "stopped") and not facts.outcome:
        facts.outcome = last["end"]
    says = last.get("says")
    facts.say(cause, strength, text.name, (
        f"try {len(tries)} ended with {last['end']}, exit code {last.get('exit_code')!r}"
        + (f": {says}" if isinstance(says, str) and says else "")))
    if len(tries) > 1:
        facts.note(f"the member was tried {len(tries)} times: " + ", then ".join(
            f"{each['end']} ({as_number(each.get('nbytes')) / MIB:,.0f} MiB given)"
            for each in tries[-6:]))
