"""Reads what is known of a member of a study: its last try, and what it printed in it.

Owns what the end of a try proves; the record is written in `studies.records`.  Each value is
checked.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anuga_lean._errors import CommandError
from anuga_lean.doctor.evidence import HINT, LIKELY, MIB, PROOF, Cause, Facts
from anuga_lean.doctor.reading import read
from anuga_lean.doctor.records import began, is_record, read_record
from anuga_lean.doctor.texts import read_text
from anuga_lean.guard.recorded import as_dict, as_list, as_number

RECORD, RUN, PRINTED = "record.json", "run.jsonl", ("stdout.txt", "stderr.txt")
_LARGEST = 1 << 22      # bytes of a record that are looked at
_SHOWN = 6              # of its tries


def last_try(folder: Path) -> dict[str, Any] | None:
    """Return the last try of the member that a folder is of; None if it is of none."""
    tries = _tries(folder)
    last = tries[-1] if tries else None
    return last if isinstance(last, dict) and isinstance(last.get("end"), str) else None


def _tries(folder: Path) -> list[Any]:
    try:
        with open(folder / RECORD, "rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return []
    return as_list(found.get("tries")) if isinstance(found, dict) else []


def read_member(folder: Path, last: Mapping[str, Any], facts: Facts,
                root: Path = Path("/")) -> None:
    """Add what a member's last try proves, and what it has printed.

    Parameters
    ----------
    folder : Path
        Of the member.
    last : mapping
        The try, as a member's record holds it.
    facts : Facts
    root : Path
        Folder under which ``proc`` lies.
    """
    printed = [int(as_number(each)) for each in as_list(last.get("printed"))] or [0, 0]
    for name, begin in zip(PRINTED, printed, strict=False):
        try:
            read_text(read(folder / name, max(0, begin)), facts)
        except CommandError as error:
            facts.missing.append(str(error))
    run = folder / RUN
    if run.is_file():
        text = read(run)
        # of a try that was killed before its guard began, the record is of the one before
        if is_record(text) and began(text) >= as_number(last.get("began")) - 1.0:
            read_record(text, facts, root)
    tries = [as_dict(each) for each in _tries(folder)]
    if len(tries) > 1:
        facts.note(f"the member was tried {len(tries)} times: " + ", then ".join(
            f"{each.get('end')} ({as_number(each.get('nbytes')) / MIB:,.0f} MiB given)"
            for each in tries[-_SHOWN:]))
    facts.scheduler = "study"
    end = str(last.get("end"))
    # How the try ended counts before what its guard says: that of the script alone.
    if end != "completed":
        facts.evidence = [each for each in facts.evidence
                          if each.cause not in (Cause.COMPLETED, Cause.RUNNING)]
    if facts.outcome != "stopped":
        facts.outcome = end
    facts.limit = int(as_number(last.get("nbytes")))
    facts.peak = max(facts.peak, int(as_number(last.get("peak"))))
    _ended(str(folder / RECORD), end, last, facts)


def _ended(where: str, end: str, last: Mapping[str, Any], facts: Facts) -> None:
    says = str(last.get("says"))
    kills, code = int(as_number(last.get("kills"))), last.get("exit_code")
    if kills:
        facts.say(Cause.OOM_CGROUP, PROOF, where, f"oom_kill {kills} in its cgroup of "
                                                  f"{facts.limit / MIB:,.0f} MiB")
    if end == "completed":
        facts.say(Cause.COMPLETED, PROOF, where, f"it was completed, exit code {code}")
    elif end == "timeout":
        facts.say(Cause.TIME_LIMIT, PROOF, where, says)
    elif end == "lost":
        facts.say(Cause.WORKER_GONE, PROOF, where, says)
    elif end == "memory" and not kills and code == -signal.SIGKILL:
        facts.say(Cause.MEMBER_MEMORY, PROOF, where, says)
    elif end == "memory" and not kills:
        facts.say(Cause.MEMORY_LIMIT, PROOF, where, says)
    elif end == "stopped":
        facts.say(Cause.STOPPED, PROOF, where, f"it was stopped, exit code {code}: {says}")
    elif code == -signal.SIGBUS:
        facts.say(Cause.SHM_FULL, LIKELY, where, says)
    elif code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        facts.say(Cause.KILLED, HINT, where, says)
    elif end in ("failed", "killed"):
        facts.say(Cause.FAILED, LIKELY, where, says)
