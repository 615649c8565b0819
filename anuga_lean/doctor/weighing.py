"""Weighs the evidence: which class it makes, and how sure that is.

Owns the order.  What proves more goes first; of what proves the same, the class that explains the
others: a step that the kernel killed is cancelled, its job fails, and its launcher says signal 9.
"""

from __future__ import annotations

from typing import NamedTuple

from anuga_lean.doctor.evidence import (
    HINT,
    LIKELY,
    OUT_OF_MEMORY,
    PROOF,
    SURENESS,
    Cause,
    Evidence,
    Facts,
)

# Those in front explain those behind them, if both are proved alike.
LADDER = (Cause.OOM_NUMA, Cause.OOM_NODE, Cause.OOM_CGROUP, Cause.WORKER_MEMORY,
          Cause.MEMBER_MEMORY, Cause.NODE_FAILURE, Cause.WORKER_GONE, Cause.TIME_LIMIT,
          Cause.SHM_FULL, Cause.MPI_CAP,
          Cause.MEMORY_LIMIT, Cause.STOPPED, Cause.MPI_START, Cause.CANCELLED,
          Cause.OOM_PROBABLE, Cause.KILLED, Cause.FAILED, Cause.RUNNING, Cause.COMPLETED)


class Diagnosis(NamedTuple):
    """How a run ended, how sure that is, and what says so, strongest first."""

    cause: Cause
    strength: int
    because: list[Evidence]
    also: list[Evidence]

    @property
    def sureness(self) -> str:
        """Return ``sure``, ``likely`` or ``not sure``."""
        return SURENESS[self.strength]


def weigh(facts: Facts) -> Diagnosis:
    """Return the class that the evidence makes."""
    # A log may have the lines of earlier tries too: the record says how the last one ended.
    evidence = [each for each in facts.evidence if each.cause is not Cause.STOPPED
                or facts.outcome in ("", "stopped")]
    if not evidence:
        return Diagnosis(Cause.UNKNOWN, HINT, [], [])
    own = {"completed": Cause.COMPLETED, "stopped": Cause.STOPPED,
           "running": Cause.RUNNING}.get(facts.outcome)
    best = own or min((each for each in evidence),
                      key=lambda each: (-each.strength, LADDER.index(each.cause))).cause
    if own is Cause.COMPLETED and _proved(evidence, OUT_OF_MEMORY):
        facts.note("the kernel or Slurm speaks of memory all the same: another process of the job "
                   "was killed, not the model")
    because = sorted((each for each in evidence if each.cause is best),
                     key=lambda each: -each.strength)
    also = sorted((each for each in evidence if each.cause is not best),
                  key=lambda each: -each.strength)
    strength = because[0].strength
    if best is Cause.OOM_CGROUP and strength == HINT and any(
            each.cause is Cause.KILLED for each in evidence):
        strength = LIKELY       # killed by signal 9, and the limit was met
    if best is Cause.COMPLETED:
        strength = max(strength, LIKELY)
    return Diagnosis(best, strength, because, also)


def _proved(evidence: list[Evidence], causes: tuple[Cause, ...]) -> bool:
    return any(each.cause in causes and each.strength == PROOF for each in evidence)
