"""Says how a try of a member ended, from what its processes have left in its folder.

A script that has ended with success has done so, whatever kills its process afterwards: its result
says so, or that only the summary is missing.  Of a member on several ranks rank 0 alone has one,
and the exit code of mpiexec has to say that the others have ended.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec

from anuga_lean.guard.recorded import as_dict, as_list, as_number, event_of
from anuga_lean.guard.requests import EXIT_CODE
from anuga_lean.plan.question import of_record
from anuga_lean.studies.findings import how_again
from anuga_lean.studies.member import ENDED, RESULT, Job, Result
from anuga_lean.studies.records import End, Record, Try

MIB = 1 << 20
RUN = "run.jsonl"       # the record of a guarded member
_MOST = 1 << 22         # bytes of it in which the run's beginning is looked for


def result_of(folder: Path, name: str = RESULT) -> Result | None:
    """Return what a member's process has said, None if it did not come to that."""
    try:
        return msgspec.json.decode((folder / name).read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError):
        return None


def has_ended(result: Result | None, job: Job, code: int | None) -> bool:
    """Whether a member's script and summary were there when its process ended, by itself or not.

    Parameters
    ----------
    result : Result or None
    job : Job
    code : int or None
        Exit code; None if the process was lost.
    """
    if result is None or result.exit_code != 0:
        return False
    return code == 0 or job.ranks == 1 and (code is None or _is_kill(code))


def _is_kill(code: int) -> bool:
    return code < 0 or code == 137


def left_over(folder: Path, ranks: int, record: Record) -> Try | None:
    """Return the try of a member whose result is whole, and whose worker died before its record.

    A result of a try that has been recorded is deleted with it.
    """
    result = result_of(folder)
    if result is None or ranks > 1 or result.exit_code != 0:
        return None
    return Try(End.COMPLETED, None, result.nbytes, peak_of(folder, result), result.seconds, None,
               result.began, result.where, triangles=triangles_of(folder, result),
               again=how_again(record.tries, result.nbytes))


def peak_of(folder: Path, result: Result | None) -> int | None:
    """Return the largest resident memory of a member, as it has said itself, bytes."""
    if result is None or not result.peak:
        return None
    before = result_of(folder, ENDED)
    # The guard has the peak of a process begin anew with each stage of the run.
    return max(result.peak, before.peak or 0 if before else 0, _peak_of_stages(folder))


def end_of(fact: dict[str, Any], result: Result | None, killed: int, job: Job,
           why: tuple[End, str] | None) -> tuple[End, str]:
    """Return how a try ended, and why.

    Parameters
    ----------
    fact : dict
        What the spawner has told: ``exit_code``, or why the member was ``lost``.
    result : Result or None
    killed : int
        Processes that the kernel killed in its cgroup.
    job : Job
    why : tuple, or None
        Where the worker has killed it.
    """
    folder, code = Path(job.folder), fact.get("exit_code")
    limit = f"its limit of {job.nbytes / MIB:,.0f} MiB"
    if has_ended(result, job, code):
        return End.COMPLETED, ""
    if "lost" in fact:
        return End.LOST, fact["lost"]
    if code == EXIT_CODE:
        return _stopped(job, limit, folder)
    if killed:
        return End.MEMORY, f"the kernel killed it at {limit}"
    if why is not None:
        return why
    last = last_line(folder / "stderr.txt")
    if "MemoryError" in last or "MemoryLimitError" in last:
        return End.MEMORY, f"it was refused memory at {limit}: {last}"
    if code is not None and _is_kill(code):
        return End.KILLED, f"signal {-code if code < 0 else 9} ended it, nobody says from whom"
    if code == 0:
        return End.FAILED, ("it exited with 0 and has not noted its end: its script has called "
                            "os._exit, or nothing could be written")
    says = result.says if result and result.says else last
    return End.FAILED, f"it exited with {code}" + (f": {says}" if says else "")


def _stopped(job: Job, limit: str, folder: Path) -> tuple[End, str]:
    """Return why a try stopped by itself: at its own memory limit more memory helps."""
    stop = stop_of(folder)
    why = str(stop.get("why", "it exited with 75 and kept no record"))
    own = "RLIMIT_DATA" if job.cgroup is None else f"/{Path(job.cgroup).name} "
    if stop.get("asked") == "stop_memory" and own in why:
        return End.MEMORY, f"it stopped by itself, with a set, at {limit}: {why}"
    return End.STOPPED, f"it stopped on request: {why}"


def triangles_of(folder: Path, result: Result | None) -> int | None:
    """Return the triangles of a member's largest domain, its whole mesh; a killed one's too."""
    found = [] if result is None or result.triangles is None else [result.triangles]
    with contextlib.suppress(OSError), open(folder / RUN, "rb") as file:
        for line in file.read(_MOST).decode("utf-8", "replace").splitlines():
            event = event_of(line)
            run = of_record(event) if event.get("event") == "begin" else None
            if run is not None:
                found.append(run.triangles)
    return max(found, default=None)


def stop_of(folder: Path) -> dict[str, Any]:
    """Return the last line of a guarded member's record; {} if that is no stop."""
    found = event_of(last_line(folder / RUN, 1 << 16))
    return found if found.get("outcome") == "stopped" else {}


def _peak_of_stages(folder: Path) -> int:
    """Return the largest peak that a guarded member's record has of a stage, bytes."""
    try:
        lines = (folder / RUN).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return max((int(as_number(as_dict(rank).get("peak"))) for line in lines
                for rank in as_list(event_of(line).get("ranks"))), default=0)


def last_line(path: Path, most: int = 300) -> str:
    """Return the last line of a text that says something."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - (1 << 16)))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((each.strip()[:most] for each in reversed(lines) if each.strip()), "")
