"""Reads what sacct and scontrol say of a job: all its steps, and each time it was started."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anuga_lean.doctor.evidence import HINT, LIKELY, MIB, PROOF, Cause, Facts
from anuga_lean.doctor.reading import Text

STATES = {"OUT_OF_MEMORY": Cause.OOM_CGROUP, "TIMEOUT": Cause.TIME_LIMIT,
          "NODE_FAIL": Cause.NODE_FAILURE, "BOOT_FAIL": Cause.NODE_FAILURE,
          "DEADLINE": Cause.TIME_LIMIT, "PREEMPTED": Cause.CANCELLED,
          "CANCELLED": Cause.CANCELLED, "COMPLETED": Cause.COMPLETED, "FAILED": Cause.FAILED,
          "RUNNING": Cause.RUNNING, "PENDING": Cause.RUNNING}
_SIZE = re.compile(r"(\d{1,15})(?:\.\d{1,6})?([KMGT]?)([cn]?)")
_SCALE = {"": 1 << 20, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_FIELD = re.compile(r"\b(\w+)=(\S*)")


def read_tables(text: Text, facts: Facts) -> None:
    """Add what the tables of sacct and the blocks of scontrol in a text prove."""
    attempts: dict[tuple[int, str], list[str]] = {}
    for table, where, line, row in _rows(text):
        identifier = row.get("JobIDRaw") or row.get("JobID", "")
        facts.scheduler = "slurm"
        _row(row, facts, where, line)
        if "." not in identifier:
            attempts.setdefault((table, identifier), []).append(_state(row))
    for (_, identifier), states in attempts.items():
        if len(states) > 1:
            facts.note(f"job {identifier} was started {len(states)} times: "
                       + ", then ".join(states)
                       + ("; the last time it ended well" if states[-1] == "COMPLETED" else ""))
    _scontrol(text, facts)


def _rows(text: Text) -> Iterator[tuple[int, str, str, dict[str, str]]]:
    """Give the rows of the tables: which table, where, the line, values by column."""
    names: list[str] = []
    table, drawn = 0, False
    before = ""
    for number, line in text.lines:
        if "|" in line and "State" in line and "JobID" in line:
            names, drawn, table = line.strip().rstrip("|").split("|"), False, table + 1
        elif "JobID" in before and re.fullmatch(r"[- ]*-----[- ]*", line):
            names, drawn, table = [], True, table + 1
        elif drawn and re.match(r"\d+(?:_\d+)?(?:\.\S+)?\s", line):
            words = line.split()
            states = [each for each in words[1:] if _whole(each) in STATES]
            codes = [each for each in words if re.fullmatch(r"\d{1,3}:\d{1,3}", each)]
            yield table, text.where(number), line, {
                "JobID": words[0], "State": states[-1] if states else "",
                "ExitCode": codes[-1] if codes else ""}
        elif names and line.count("|") >= len(names) - 1 > 0:
            yield table, text.where(number), line, dict(
                zip(names, line.split("|"), strict=False))
        else:
            names, drawn = [], False
        before = line


def _state(row: dict[str, str]) -> str:
    """Return the state without who cancelled it."""
    return _whole((row.get("State") or "").split(" ")[0])


def _whole(state: str) -> str:
    """Return a state that sacct has cut to ten letters."""
    fits = [each for each in STATES if len(state) > 6 and each.startswith(state.rstrip("+"))]
    return fits[0] if state.endswith("+") and fits else state


def _row(row: dict[str, str], facts: Facts, where: str, line: str) -> None:
    state, code = _state(row), row.get("ExitCode", "")
    cause = STATES.get(state)
    strength = PROOF
    if cause is Cause.CANCELLED:
        # All steps of a job that ends at its limit, or fails, are cancelled too.
        strength = HINT if "." in (row.get("JobIDRaw") or row.get("JobID", "")) else PROOF
    elif cause is Cause.COMPLETED:
        strength = HINT
    elif cause is Cause.FAILED:
        strength = HINT
        if code == "75:0":
            cause, strength = Cause.STOPPED, LIKELY
        elif code in ("0:9", "137:0", "9:0"):
            cause = Cause.KILLED
        elif code == "0:7":
            cause, strength = Cause.SHM_FULL, LIKELY
    elif cause is Cause.RUNNING:
        strength = LIKELY
    if code == "0:125" and state != "OUT_OF_MEMORY" or row.get("DerivedExitCode") == "0:125":
        cause, strength = Cause.OOM_CGROUP, PROOF
    if cause is not None:
        facts.say(cause, strength, where, " ".join(line.split()))
    limit = nbytes_of(row.get("ReqMem", ""), _number(row.get("AllocCPUS")))
    facts.limit = facts.limit or limit
    # MaxRSS is of one task; a sum over tasks counts the pages that they share several times.
    tasks = max(1, _number(row.get("NTasks")) // max(1, _number(row.get("NNodes"))))
    peak = max(nbytes_of(row.get("MaxRSS", ""), 1), nbytes_of(row.get("AveRSS", ""), 1) * tasks)
    facts.peak = max(facts.peak, peak)
    if state != "CANCELLED" and peak > facts.limit > 0:
        facts.note(f"Slurm adds up RSS ({peak / MIB:,.0f} MiB), in which pages that processes "
                   "share count several times: the limit is on what they hold together")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def nbytes_of(text: str, cpus: int) -> int:
    """Return the bytes of ``150M``, ``10000Mn`` (a node) or ``4Gc`` (a CPU); 0 if it is none."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        return 0
    return int(found[1]) * _SCALE[found[2]] * (max(1, cpus) if found[3] == "c" else 1)


def _scontrol(text: Text, facts: Facts) -> None:
    """Add what a block of ``scontrol show job`` says."""
    for number, line in text.lines:
        if "JobState=" in line:
            values = dict(_FIELD.findall(line[:4096]))
            cause = STATES.get(values.get("JobState", ""))
            facts.scheduler = "slurm"
            if cause is not None:
                weak = cause in (Cause.COMPLETED, Cause.FAILED)
                facts.say(cause, HINT if weak else PROOF, text.where(number),
                          " ".join(line.split()))
        elif "MinMemoryNode=" in line:
            facts.limit = facts.limit or nbytes_of(
                dict(_FIELD.findall(line[:4096])).get("MinMemoryNode", ""), 1)
        elif re.match(r"\s+Requeue=\d", line) and " ExitCode=75:0" in line:
            facts.say(Cause.STOPPED, LIKELY, text.where(number), " ".join(line.split()))
