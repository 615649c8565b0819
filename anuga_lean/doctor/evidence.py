"""Defines what a run can have died of, and what a line of a file says about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

MIB = 1024 * 1024


class Cause(Enum):
    """How a run ended: the word of ``--json`` and a sentence."""

    OOM_CGROUP = "the kernel killed it: a memory limit (job, container or cgroup) was reached"
    OOM_NODE = "the kernel killed it: the memory of the whole machine was used up"
    OOM_NUMA = "the kernel killed it: the memory of the NUMA nodes it is bound to was used up"
    WORKER_MEMORY = "Dask's nanny ended the worker: it went over its memory budget"
    TIME_LIMIT = "its time limit was reached"
    MEMBER_MEMORY = "its study killed it: it went far beyond the memory that it was given"
    NODE_FAILURE = "its node failed"
    WORKER_GONE = "what ran it went away: the worker of a study, or the process that starts members"
    CANCELLED = "it was cancelled (scancel, a user or an administrator)"
    MEMORY_LIMIT = "memory was refused: a limit on the process (ulimit) or overcommit"
    SHM_FULL = "shared memory (/dev/shm) was full"
    MPI_CAP = "MPI ran out of fragments that a setting of its own caps (free_list_max)"
    MPI_START = "MPI did not start"
    STOPPED = "it stopped itself on request and can go on"
    OOM_PROBABLE = "it was killed while its memory was near its limit: out of memory, probably"
    KILLED = "it was killed by signal 9; by whom is not said"
    FAILED = "it ended with an error of its own"
    RUNNING = "it is still running"
    COMPLETED = "it ended well"
    UNKNOWN = "nothing here says how it ended"

    @property
    def word(self) -> str:
        """Return the class as ``--json`` and docs name it."""
        return self.name.lower().replace("_", "-")


OUT_OF_MEMORY = (Cause.OOM_CGROUP, Cause.OOM_NODE, Cause.OOM_NUMA, Cause.WORKER_MEMORY,
                 Cause.MEMBER_MEMORY, Cause.OOM_PROBABLE)
HINT, LIKELY, PROOF = 1, 2, 3
_MOST = 50          # pieces of evidence of a kind, and notes
SURENESS = {HINT: "not sure", LIKELY: "likely", PROOF: "sure"}


@dataclass(frozen=True)
class Evidence:
    """What a line says.

    Attributes
    ----------
    cause : Cause
    strength : int
        HINT, LIKELY or PROOF.
    source : str
        File and line, or the command.
    line : str
        The line, cut to what matters.
    """

    cause: Cause
    strength: int
    source: str
    line: str


@dataclass
class Facts:
    """All that has been found about a run.

    Attributes
    ----------
    evidence : list of Evidence
    notes : list of str
        What is worth knowing besides: which rank, how many processes, RSS against PSS.
    missing : list of str
        What could not be asked or read, a line each.
    limit, peak : int
        Bytes; 0 if not known.  The peak is of the whole node, and a lower bound.
    pids : set of int
        The run's own processes, from its record.
    scheduler : str
        ``slurm``, ``kubernetes``, ``dask``, or "" where there is none.
    outcome : str
        Of the run's own record: ``completed``, ``stopped``, ...; "" without one.
    ranks : int
        0 if not known.
    machine_is_limit : bool
        Whether the nearest limit that the record names is the machine's memory.
    short : bool
        Whether the run stopped itself because of memory.
    guarded : bool
        Whether there is a record, so that a set may be there to go on from.
    command : str
        What goes on from it, as the record has it; "" if it is not known.
    """

    evidence: list[Evidence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    limit: int = 0
    peak: int = 0
    pids: set[int] = field(default_factory=set)
    scheduler: str = ""
    outcome: str = ""
    ranks: int = 0
    machine_is_limit: bool = False
    short: bool = False
    guarded: bool = False
    command: str = ""

    def say(self, cause: Cause, strength: int, source: str, line: str) -> None:
        """Add a piece of evidence; the same line only once, and `_MOST` of a kind."""
        alike = [each.line for each in self.evidence
                 if (each.cause, each.strength) == (cause, strength)]
        if line not in alike and len(alike) < _MOST:
            self.evidence.append(Evidence(cause, strength, source, line))

    def note(self, text: str) -> None:
        """Add a note once; a log of a million kills has as many."""
        if len(self.notes) < _MOST and text not in self.notes:
            self.notes.append(text)
