"""Reads a run's own record (`guard.record`): how it ended, and whose memory grew.

Every value of a record is checked: the file may be torn, or another program's.
"""

from __future__ import annotations

import platform
import shlex
import statistics
from pathlib import Path
from typing import Any

from anuga_lean.doctor.evidence import HINT, LIKELY, MIB, PROOF, Cause, Facts
from anuga_lean.doctor.reading import Text
from anuga_lean.guard.recorded import FORMAT, as_dict, as_list, as_number, began_by, event_of
from anuga_lean.guard.stages import DISTRIBUTE, EVOLVE, FIRST_YIELD, QUANTITIES

# What goes on is typed: no record may name another program.
_BEGINS = (["anuga_lean", "run"], ["env", "ANUGA_LEAN_GUARD=resume"])
_LONGEST_COMMAND = 1000
_SHARE_NEAR = 0.9       # of a limit: what is above may be killed between two samples
_SHARE_FAR = 0.7
_FAT = 1.5      # times what the evolve takes
_LESS = {
    QUANTITIES: "functions of x and y take a third at location='centroids' of what they take at "
                "vertices",
    DISTRIBUTE: "a mesh in Hilbert order is parted with less than with METIS"}


def is_record(text: Text) -> bool:
    """Return whether a text is a run's record, by its first line."""
    return bool(text.lines) and event_of(text.lines[0][1]).get("event") == "begin"


def began(text: Text) -> float:
    """Return when the last run of this record began, s since 1970; 0 if it does not say."""
    return as_number(_of_last_run(text)[0][1].get("wall"))


def job_of(text: Text) -> str:
    """Return the number of the Slurm job that the last run of this record was in; "" of none."""
    job = as_dict(_of_last_run(text)[0][1].get("slurm")).get("SLURM_JOB_ID")
    return job if isinstance(job, str) else ""


def _command(value: Any) -> str:
    """Return what goes on with a run, in words that a shell takes as they are; "" if unknown."""
    try:
        words = shlex.split(value) if isinstance(value, str) else []
    except ValueError:
        return ""
    command = shlex.join(words)
    known = words[:2] in _BEGINS and len(command) <= _LONGEST_COMMAND and command.isprintable()
    return command if known else ""


def _of_last_run(text: Text) -> list[tuple[int, dict[str, Any]]]:
    """Return the events of the run that began last, with the numbers of their lines.

    A file may have several: of tries that were given one record, or of a serial model and the
    one that its ranks share.
    """
    events = [(number, event) for number, line in text.lines if (event := event_of(line))]
    last = max(i for i, (_, event) in enumerate(events) if event.get("event") == "begin")
    return events[last:]


def read_record(text: Text, facts: Facts, root: Path = Path("/")) -> None:
    """Add what a record proves."""
    events = _of_last_run(text)
    begin = events[0][1]
    facts.guarded = True
    facts.command = _command(begin.get("command"))
    if begin.get("format", FORMAT) != FORMAT:
        facts.missing.append(f"{text.name} is of format {begin['format']!s:.20}, and this "
                             f"version knows {FORMAT}: what it says may be misread")
    ranks = [each for each in as_list(begin.get("ranks")) if isinstance(each, dict)]
    facts.ranks = len(ranks)
    nodes = {str(each.get("node")) for each in ranks}
    facts.pids |= {int(as_number(each.get("pid"))) for each in ranks} - {0}
    if as_dict(begin.get("slurm")).get("SLURM_JOB_ID"):
        facts.scheduler = facts.scheduler or "slurm"
    samples = [as_list(event.get("ranks" if event.get("event") == "stage" else "memory"))
               for _, event in events]
    samples = [each for each in samples if each]
    yields = [event for _, event in events if event.get("event") == "yield"]
    level = _last_level(begin, yields)
    facts.machine_is_limit = bool(level and level[2])
    if level and not facts.machine_is_limit:
        facts.limit = facts.limit or level[1]
    facts.peak = max([facts.peak, *(_sum(each, "pss") for each in samples)])
    _whose(samples, facts)
    _fat_stage([event for _, event in events if event.get("event") == "stage"], facts)
    _growth(yields, level[1] if level else 0, facts)
    number, last = events[-1]
    where = text.where(number)
    if last.get("event") == "end":
        _ended(last, facts, where)
    elif _alive(ranks, nodes, as_number(begin.get("wall")), root):
        facts.outcome = "running"
        facts.say(Cause.RUNNING, PROOF, where, f"its processes are there: {_words(last)}")
    else:
        facts.outcome = "killed"
        share = level[0] / level[1] if level else 0.0
        said = f"the record has no end, so that the run was killed; its last line: {_words(last)}"
        facts.say(Cause.OOM_PROBABLE if share >= _SHARE_NEAR else Cause.KILLED,
                  LIKELY if share >= _SHARE_NEAR else HINT, where, said)
        if level and share < _SHARE_FAR:
            facts.note(f"when it was last looked at, {share:.0%} of the nearest limit were taken: "
                       "look at the time limit and at who may have cancelled it first")
        if not yields:
            facts.note("it was killed before the first yield: what takes most in setting up is "
                       "rank 0 while it distributes, and fits of quantities")
        sets = [event for _, event in events if event.get("event") == "set"]
        if sets:
            facts.note(f"its last whole set is of t={as_number(sets[-1].get('time')):g} s")


def _ended(last: dict[str, Any], facts: Facts, where: str) -> None:
    facts.outcome = str(last.get("outcome"))
    code = last.get("exit_code")
    line = f"the record ends with outcome {facts.outcome!r}, exit code {code!r}"
    if facts.outcome == "completed":
        facts.say(Cause.COMPLETED, PROOF, where, line)
    elif facts.outcome == "stopped":
        why = str(last.get("why"))
        facts.short = " MiB (" in why       # as a level of a limit is written
        facts.say(Cause.STOPPED, PROOF, where, f"{line}, because {why}")
    else:
        facts.say(Cause.FAILED, LIKELY, where, line)


def _words(event: dict[str, Any]) -> str:
    time = f" at t={as_number(event.get('time')):g} s" if "time" in event else ""
    seconds = as_number(event.get("seconds"))
    return f"{event.get('event')!s:.40}{time}, {seconds:,.0f} s after its start"


def _alive(ranks: list[dict[str, Any]], nodes: set[str], wall: float, root: Path) -> bool:
    """Return whether all ranks still run on this node: their pids, begun before the record."""
    return nodes == {platform.node()} and bool(ranks) and all(
        began_by(int(as_number(rank.get("pid"))), wall, root) for rank in ranks)


def _last_level(begin: dict[str, Any],
                yields: list[dict[str, Any]]) -> tuple[float, int, bool] | None:
    """Return used and limit, bytes, of the nearest limit; whether that is the machine's."""
    levels = [as_dict(each.get("level")) for each in yields if each.get("level")]
    at_begin = [as_dict(each) for each in as_list(begin.get("limits"))]
    for each in levels[-1:] + at_begin[:1]:
        limit = int(as_number(each.get("limit")))
        if limit > 0:
            return as_number(each.get("used")), limit, each.get("who") == "this machine"
    return None


def _whose(samples: list[list[Any]], facts: Facts) -> None:
    """Note a rank 0 that holds more than the others, and RSS that counts pages twice."""
    if not samples or len(samples[0]) < 2:
        return
    peaks = [max(as_number(as_dict(sample[rank]).get("peak")) for sample in samples
                 if rank < len(sample)) for rank in range(len(samples[0]))]
    others = statistics.median(peaks[1:])
    if others and peaks[0] > 1.5 * others:
        facts.note(f"rank 0 was the fat one: its peak is {peaks[0] / MIB:,.0f} MiB, the others' "
                   f"{others / MIB:,.0f} MiB; a mesh in Hilbert order is parted with less than "
                   "with METIS")
    rss = max(_sum(sample, "rss") for sample in samples)
    pss = max(_sum(sample, "pss") for sample in samples)
    if pss and rss > 1.05 * pss:
        text = (f"RSS of the {len(peaks)} ranks adds up to {rss / MIB:,.0f} MiB, but they share "
                f"pages (libraries): together they held {pss / MIB:,.0f} MiB (PSS)")
        if facts.limit and rss > facts.limit and pss < 0.9 * facts.limit:
            text += (f"; the limit of {facts.limit / MIB:,.0f} MiB was not reached, though the "
                     "sum of RSS looks so")
        facts.note(text)


def _fat_stage(stages: list[dict[str, Any]], facts: Facts) -> None:
    """Note a stage of setting up whose peak is far above what the run needs to evolve."""
    peaks = {str(each.get("stage")): _sum(as_list(each.get("ranks")), "peak") for each in stages}
    evolving = max(peaks.get(FIRST_YIELD, 0), peaks.pop(EVOLVE, 0))
    if not evolving:
        return
    name = max(peaks, key=lambda each: peaks[each])
    if peaks[name] > _FAT * evolving:
        facts.note(f"one stage was the fat one: {name!r} took {peaks[name] / MIB:,.0f} MiB at its "
                   f"peak, what came after {evolving / MIB:,.0f} MiB"
                   + (f"; {_LESS[name]}" if name in _LESS else ""))


def _growth(yields: list[dict[str, Any]], limit: int, facts: Facts) -> None:
    """Note memory that grew steadily in the last half of the yields (Theil and Sen's slope)."""
    points = [(as_number(each.get("seconds")), _sum(as_list(each.get("memory")), "pss"))
              for each in yields[len(yields) // 2:]]
    points = [each for each in points if each[1]][-200:]
    if len(points) < 5 or not limit:
        return
    slopes = [(b - a) / (t - s) for i, (s, a) in enumerate(points) for t, b in points[i + 1:]
              if t > s]
    if not slopes:
        return
    a_minute = statistics.median(slopes) * 60.0
    up = sum(b >= a for (_, a), (_, b) in zip(points, points[1:], strict=False))
    if a_minute > 0.005 * limit and up >= 0.9 * (len(points) - 1):
        facts.note(f"its memory grew by {a_minute / MIB:,.1f} MiB a minute to the end: more memory "
                   "only delays that; Open MPI 5.0.10 and 5.0.11 grow so ('anuga_lean doctor' "
                   "looks), and scripts that keep what they read at each yield")


def _sum(sample: list[Any], name: str) -> int:
    return int(sum(as_number(as_dict(each).get(name)) for each in sample))
