"""Knows the lines that Slurm, the kernel, MPI launchers, Python, Kubernetes and Dask write.

Owns the patterns, each with the class that its line speaks for and how much it proves.  Tables
of sacct and scontrol are in `slurm`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from anuga_lean.doctor.evidence import HINT, LIKELY, MIB, PROOF, Cause, Facts
from anuga_lean.doctor.reading import Text

_SHOWN = 240        # characters of a line that are shown
_ENOUGH = 200       # lines of a pattern: a million alike prove no more


class _Pattern(NamedTuple):
    cause: Cause
    strength: int
    regex: re.Pattern[str]


def _pattern(cause: Cause, strength: int, *texts: str) -> list[_Pattern]:
    return [_Pattern(cause, strength, re.compile(text)) for text in texts]


PATTERNS = [
    # -- Slurm
    *_pattern(Cause.OOM_CGROUP, PROOF,
              r"Detected \d+ oom[-_]kill event", r"some of your processes may have been killed "
              r"by the cgroup out-of-memory", r"(?:srun|slurmstepd\S*): .*: Out Of Memory\b",
              r"exceeded memory limit \(\d+ > \d+\), being killed",
              r"Exceeded job memory limit(?! at some point)", r"have been OOM Killed"),
    *_pattern(Cause.OOM_CGROUP, HINT, r"Exceeded (?:step|job) memory limit at some point"),
    *_pattern(Cause.TIME_LIMIT, PROOF, r"CANCELLED AT \S+ DUE TO TIME LIMIT",
              r"PBS: job killed: walltime \S+ exceeded", r"TERM_RUNLIMIT:",
              r"active (?:on the node )?longer than (?:the )?specified deadline",
              r"reason\"?: *\"?DeadlineExceeded\b"),
    *_pattern(Cause.NODE_FAILURE, PROOF, r"CANCELLED AT \S+ DUE TO NODE FAILURE",
              r"Node failure on \S+", r"DUE TO NODE FAIL",
              r"terminated in response to imminent node shutdown"),
    *_pattern(Cause.CANCELLED, PROOF, r"\*\*\* JOB \S+ ON \S+ CANCELLED AT \S+ \*\*\*",
              r"CANCELLED AT \S+ DUE TO PREEMPTION \*\*\*", r"TERM_(?:OWNER|ADMIN|FORCE_\w+):"),
    *_pattern(Cause.CANCELLED, LIKELY, r"\*\*\* STEP \S+ ON \S+ CANCELLED AT \S+ \*\*\*"),
    # -- the kernel
    *_pattern(Cause.OOM_NUMA, PROOF, r"constraint=CONSTRAINT_(?:CPUSET|MEMORY_POLICY)"),
    *_pattern(Cause.OOM_CGROUP, PROOF, r"constraint=CONSTRAINT_MEMCG",
              r"Memory cgroup out of memory: Kill", r"Task in \S+ killed as a result of limit of"),
    *_pattern(Cause.OOM_NODE, PROOF, r"constraint=CONSTRAINT_NONE", r"Out of memory: Kill",
              r"node was low on resource: memory", r"systemd-oomd.*Killed"),
    # -- containers
    *_pattern(Cause.OOM_CGROUP, PROOF, r"\bOOMKilled\b(?!\W{1,4}false)",
              r"TERM_MEMLIMIT:", r"job killed: (?:v?mem) \S+ exceeded",
              r"Cgroup (?:mem|memsw) limit exceeded"),
    # -- Dask
    *_pattern(Cause.WORKER_MEMORY, PROOF, r"[Ww]orker (?:\S+ \(pid=\d+\) )?exceeded \d+% memory "
              r"budget"),
    *_pattern(Cause.KILLED, HINT, r"KilledWorker", r"marked as failed because \d+ workers died"),
    # -- shared memory; MPI
    *_pattern(Cause.SHM_FULL, PROOF, r"/dev/shm\S*.*No space left on device",
              r"No space left on device.*/dev/shm", r"not enough space (?:on|in) /dev/shm"),
    *_pattern(Cause.SHM_FULL, LIKELY, r"\bBus error\b", r"exited on signal 7\b",
              r"\bsignal 7 \(Bus error\)"),
    *_pattern(Cause.MPI_CAP, LIKELY, r"MPI_ERR_INTERN\b"),
    *_pattern(Cause.MPI_START, LIKELY, r"error occurred in MPI_Init", r"It looks like MPI_INIT fai",
              r"Local abort before MPI_INIT", r"There are not enough slots available"),
    # -- limits on the process
    *_pattern(Cause.MEMORY_LIMIT, PROOF, r"failed to map segment from shared object",
              r"\bMemoryLimitError\b", r"\bstd::bad_alloc\b"),
    *_pattern(Cause.MEMORY_LIMIT, LIKELY, r"\bMemoryError\b", r"Unable to allocate \S+ \S+ for an",
              r"Cannot allocate memory", r"fork: retry: Resource temporarily"),
    # -- ours, and exit codes
    *_pattern(Cause.STOPPED, PROOF, r"anuga_lean run: stopped on request"),
    *_pattern(Cause.STOPPED, LIKELY, r"(?i)\bexit ?(?:code|status)\b[^\d\n]{0,24}\b75\b"),
    *_pattern(Cause.KILLED, HINT, r"exited on signal 9\b", r"^signal 9 \(Killed\)",
              r"Killed \(signal 9\)", r"^Killed$", r": line \d+: +\d+ Killed\b",
              r"tasks? [\d,-]+: Killed", r"(?i)\bexit ?(?:code|status)\b[^\d\n]{0,24}\b137\b",
              r"\bSIGKILL\b", r"(?i)\breturncode(?:=|: ?)-9\b",
              r"KILLED BY SIGNAL: 9\b", r"Exited with signal termination: 9\b",
              r"\bexited with code 137\b"),
    *_pattern(Cause.FAILED, HINT, r"^Traceback \(most recent call last\)", r"signal 11\b",
              r"Segmentation fault"),
]
# One pass over a line tells whether any pattern can be in it: most lines of a log end here.
_ANY = re.compile(r"(?i)oom|memory|kill|exceed|cancel|node fail|constraint=|signal|bus err|shm"
                  r"|mpi_|alloc|map segment|exit|traceback|fault|slots|term_|fork|returncode"
                  r"|limit|died|low on|stopped|shutdown|deadline")
_BYTES = re.compile(r"(StepId=\S+|Job \S+|Step \S+) exceeded memory limit \((\d{1,18}) > "
                    r"(\d{1,18})\)")
_EVENTS = re.compile(r"Detected (\d{1,9}) oom[-_]kill event")
_VICTIM = re.compile(r"Kill(?:ed)? process (\d{1,9}) \(([^)]{1,64})\).*?anon-rss:(\d{1,15})kB")
_PID = re.compile(r"pid=(\d{1,9})\b|Kill(?:ed)? process (\d{1,9})\b")
_RANK = re.compile(r"process rank (\d{1,6}) with PID|source = \[slurm\.pmix\.\S+:(\d{1,6})\]"
                   r"|: tasks? ([\d,-]{1,40}): Out Of Memory")
_LIMIT = re.compile(r"memory: usage \d+kB, limit (\d{1,15})kB")
_DASK = re.compile(r"Worker memory limit: ([\d.]{1,12}) ([KMG])iB")
_POD = re.compile(r"\"?limits\"?:\s*\{?[^{}]{0,200}?\"?memory\"?:\s*\"?(\d{1,12})([KMG]i?)?")
_TASK = re.compile(r"\[\s*(\d{1,9})\]\s+\d+\s+\d+\s+\d+\s+(\d{1,12})\s.*\s(\S{1,32})$")
_SCALE = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def read_text(text: Text, facts: Facts) -> None:
    """Add what the lines of a text prove."""
    tasks: dict[int, tuple[int, str]] = {}      # of the kernel's newest table
    said = Counter[int]()
    for number, line in text.lines:
        task = _TASK.search(line) if "[" in line[:60] else None
        if task:
            tasks[int(task[1])] = (int(task[2]) * 4096, task[3])
        if not _ANY.search(line):
            continue
        _details(line, facts)
        for index, pattern in enumerate(PATTERNS):
            match = pattern.regex.search(line) if said[index] < _ENOUGH else None
            if match:
                said[index] += 1
                facts.say(pattern.cause, _strength(pattern, line, facts), text.where(number),
                          _around(line, match.start()))
        victim = _VICTIM.search(line)
        if victim and tasks and "Memory cgroup" not in line:
            _victim(victim, tasks, facts)
        if victim:
            tasks.clear()
    if text.cut:
        facts.missing.append(f"{text.name} is large: its middle was not read")


def _strength(pattern: _Pattern, line: str, facts: Facts) -> int:
    """Return what a line proves: the kernel's of another process is no proof for this run."""
    if pattern.cause in (Cause.OOM_CGROUP, Cause.OOM_NODE, Cause.OOM_NUMA) and facts.pids:
        pid = _PID.search(line)
        if pid and int(pid[1] or pid[2]) not in facts.pids:
            return HINT
    return pattern.strength


def _around(line: str, place: int) -> str:
    """Return a line, or what of a long one is around a place."""
    begin = 0 if len(line) <= _SHOWN or place < _SHOWN - 80 else place - 80
    return ("..." if begin else "") + line[begin:begin + _SHOWN].strip() + (
        "..." if begin + _SHOWN < len(line) else "")


def _details(line: str, facts: Facts) -> None:
    """Take limit, peak, rank and number of kills from a line."""
    if "slurm" in line or "srun" in line:
        facts.scheduler = facts.scheduler or "slurm"
    elif "distributed." in line:
        facts.scheduler = facts.scheduler or "dask"
    elif "OOMKilled" in line or "containerStatuses" in line:
        facts.scheduler = facts.scheduler or "kubernetes"
    found = _BYTES.search(line)
    if found:
        # Slurm before 20.11 writes KiB, with "Job" and "Step"; later ones bytes, with "StepId=".
        unit = 1 if found[1].startswith("StepId=") else 1024
        facts.peak = max(facts.peak, int(found[2]) * unit)
        facts.limit = facts.limit or int(found[3]) * unit
    found = _LIMIT.search(line)
    if found and int(found[1]) < 1 << 50:
        facts.limit = facts.limit or int(found[1]) * 1024
    found = _DASK.search(line)
    if found:
        facts.limit = facts.limit or int(float("0" + found[1].replace(".", "", found[1].count(
            ".") - 1)) * _SCALE[found[2]])
    found = _POD.search(line)
    if found:
        facts.limit = facts.limit or int(found[1]) * _SCALE[(found[2] or "")[:1]]
    found = _VICTIM.search(line)
    if found and (not facts.pids or int(found[1]) in facts.pids):
        facts.peak = max(facts.peak, int(found[3]) * 1024)
        facts.note(f"process {found[1]} ({found[2]}) held {int(found[3]) * 1024 / MIB:,.0f} MiB "
                   "of its own when it was killed")
    found = _EVENTS.search(line)
    if found and int(found[1]) > 1:
        facts.note(f"the kernel killed {found[1]} processes of the step: those it started may "
                   "have died while it went on")
    found = _RANK.search(line)
    if found:
        facts.note(f"the process that died was rank {found[1] or found[2] or found[3]}")


def _victim(killed: re.Match[str], tasks: dict[int, tuple[int, str]], facts: Facts) -> None:
    """Say whether the process that was killed was not the one that held most."""
    pid = int(killed[1])
    largest = max(tasks, key=lambda each: tasks[each][0])
    held, name = tasks[largest]
    if largest != pid and held > 2 * tasks.get(pid, (int(killed[3]) * 1024, ""))[0]:
        facts.note(f"process {pid} was the victim of another: {name} (pid {largest}) held "
                   f"{held / MIB:,.0f} MiB")
