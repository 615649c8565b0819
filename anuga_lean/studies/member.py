"""Is the process of a member: runs its script, then its summary function, and says how it went.

`python -m anuga_lean.studies.member JOB` runs one in a process of its own; a preloaded parent calls
`run` in a fork.  What is missing of its result once it was killed is judged in `outcomes`.  Imports
no msgspec, 0.5 MiB in each of two members.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import functools
import json
import math
import os
import runpy
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from anuga_lean._errors import CommandError, LeanError
from anuga_lean.guard.requests import REQUESTS

# Not of names that a script may write in this folder, which is its current one.
JOB, RESULT = ".member_job.json", ".member_result.json"
ENDED = ".member_ended.json"    # once the script has ended with success, before the summary
_LARGEST = 1 << 16      # bytes of a summary: of thousands one table is made
_RANK = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")


@dataclass
class Job:
    """What a member's process is told.

    Attributes
    ----------
    name, folder, script : str
        The folder is where the script runs.
    arguments : list of str
        Of the script.
    options : list of str
        Of ``anuga_lean run``.
    environment : dict of str to str
    lean : bool
    ranks : int
    parameters : dict
    summary : tuple of str, or None
        File and name of a function.
    cgroup : str or None
        Folder of the cgroup that it joins.
    data_limit : int or None
        RLIMIT_DATA, bytes.
    preloaded : bool
        Whether it is forked from a process that has loaded ANUGA.
    nbytes : int
        What it is given.
    is_ended : bool
        Whether its script has ended before, so that only the summary is missing.
    """

    name: str
    folder: str
    script: str
    arguments: list[str]
    options: list[str]
    environment: dict[str, str]
    lean: bool
    ranks: int
    parameters: dict[str, Any]
    summary: tuple[str, str] | None
    cgroup: str | None = None
    data_limit: int | None = None
    preloaded: bool = False
    nbytes: int = 0
    is_ended: bool = False


@dataclass
class Result:
    """What a member's process says at its end, or that of its script.

    Attributes
    ----------
    exit_code : int
    peak : int or None
        Largest resident memory, bytes.
    summary : dict or None
    triangles : int or None
        Of the largest domain.
    says : str
    began, seconds : float
        Seconds since 1970, and wall time.
    where : str
        Machine.
    nbytes : int
        What it was given.
    """

    exit_code: int
    peak: int | None
    summary: dict[str, Any] | None
    triangles: int | None
    says: str = ""
    began: float = 0.0
    seconds: float = 0.0
    where: str = ""
    nbytes: int = 0


def main(arguments: Sequence[str]) -> int:
    """Run the member of a job file."""
    return run(*read_job(Path(arguments[0])))


def read_job(path: Path) -> tuple[Job, argparse.Namespace]:
    """Return the job of a file, and its options of `anuga_lean run`."""
    job = Job(**json.loads(path.read_bytes()))
    return job, argparse.Namespace(**vars(_parsed(*job.options, job.script)), rest=job.arguments)


@functools.lru_cache(maxsize=8)     # members of a study have the same
def _parsed(*words: str) -> argparse.Namespace:
    return parser_of_run().parse_args(words)


def run(job: Job, args: argparse.Namespace) -> int:
    """Run a member's script and summary function in this process; return its exit code.

    Parameters
    ----------
    job : Job
    args : Namespace
        Its options of `anuga_lean run`.
    """
    folder, began, clock = Path(job.folder), time.time(), time.monotonic()

    def write(name: str, code: int, summary: dict[str, Any] | None, says: str = "") -> None:
        peak = _peak() if job.ranks == 1 else None
        result = Result(code, peak, summary, _triangles(), says, began,
                        round(time.monotonic() - clock, 3), os.uname().nodename, job.nbytes)
        part = folder / f"{name}.part"
        try:
            part.write_bytes(json.dumps(asdict(result)).encode())
            part.replace(folder / name)
        finally:
            part.unlink(missing_ok=True)

    _reset_peak()
    code = 0
    if not job.is_ended:
        code = _run_script(job, args)
        if job.ranks == 1:      # files that the script writes at its exit are there from here on
            atexit._run_exitfuncs()
    if _rank():
        return code
    summary, says = None, ""
    if code == 0 and job.summary is not None:
        # Of several ranks others may still write.
        if job.ranks == 1 and not job.is_ended:
            write(ENDED, 0, None)
        try:
            summary = plain_summary(_function(*job.summary)(folder, dict(job.parameters)))
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            code, says = 1, f"its summary function failed: {type(error).__name__}: {error}"
    write(RESULT, code, summary, says)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _run_script(job: Job, args: argparse.Namespace) -> int:
    """Run the script as python would, lean or on stock ANUGA; return its exit code."""
    try:
        if job.lean:
            return _run_lean(job, args)
        from anuga_lean.overlay.install import keep_stock

        keep_stock()
        sys.argv = [job.script, *job.arguments]
        sys.path[0] = str(Path(job.script).parent)
        runpy.run_path(job.script, run_name="__main__")
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        if job.ranks > 1:
            os._exit(1)     # the launcher ends the other ranks
        return 1
    return 0


@functools.cache
def parser_of_run() -> argparse.ArgumentParser:
    """Return the parser of `anuga_lean run`."""
    from anuga_lean.commands import run as verb

    parser = argparse.ArgumentParser(prog="anuga_lean run", allow_abbrev=False)
    verb.prepare_parser(parser)
    return parser


def _run_lean(job: Job, args: argparse.Namespace) -> int:
    """Run the script as `anuga_lean run` does, without what its other verbs would load."""
    from anuga_lean.commands import run as verb

    sys.argv = ["anuga_lean", "run", *job.options, job.script, *job.arguments]
    if args.guard:
        REQUESTS.catch_signals()
    try:
        return verb.run(args)
    except LeanError as error:
        print(f"anuga_lean run: error: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, CommandError) else 2


def _function(path: str, name: str) -> Any:
    found = runpy.run_path(path, run_name="anuga_lean_study").get(name)
    if not callable(found):
        raise TypeError(f"{path} has no function {name}")
    return found


def plain_summary(found: Any) -> dict[str, Any]:
    """Return a summary as JSON holds it.

    Raises
    ------
    TypeError, ValueError
        It is no dictionary of numbers, texts and short lists of them.
    """
    if not isinstance(found, dict):
        raise TypeError(f"it returns {type(found).__name__}, no dictionary of names and values")
    plain = {_text(str(key)): _plain(value) for key, value in found.items()}
    count = len(json.dumps(plain))
    if count > _LARGEST:
        raise ValueError(f"it returns {count:,} bytes of text: {_LARGEST:,} are the most; write "
                         "the rest into a file of the member's folder")
    return plain


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None     # JSON has no word for it; a missing value in the table
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return float(value)     # more than a column of whole numbers holds
    if value is None or isinstance(value, int | float):
        return value
    raise TypeError(f"it returns {value!r}, which is no number, text or list of them")


def _text(value: str) -> str:
    """Return a text as UTF-8 holds it: names of files may be none."""
    return value.encode("utf-8", "backslashreplace").decode()


def _rank() -> int:
    return next((int(os.environ[name]) for name in _RANK if os.environ.get(name, "").isdigit()), 0)


def _reset_peak() -> None:
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "wb") as file:
        file.write(b"5")


def _peak() -> int | None:
    """Return the largest resident memory of this process, bytes."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in text.splitlines()
                 if line.startswith("VmHWM")), None)


def _triangles() -> int | None:
    """Return the triangles of the largest domain that is still there."""
    import gc

    module = sys.modules.get("anuga.shallow_water.shallow_water_domain")
    if module is None:
        return None
    # by type: an object may do anything when it is asked for its class
    return max((each.number_of_triangles for each in gc.get_objects()
                if issubclass(type(each), module.Domain)), default=None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
