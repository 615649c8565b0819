"""Runs one measurement from outside: starts its process or ranks and reads their results.

Owns the environment of the processes and the result files.  The request lives in
request.py, what happens inside a process in child.py, what is seen of it while it
runs in outside.py, comparing two results in comparison.py.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from anuga_lean._errors import MeasurementError
from anuga_lean.measure.outside import Heard, Watched
from anuga_lean.measure.outside import Progress as Progress
from anuga_lean.measure.request import ISAS as ISAS
from anuga_lean.measure.request import PROGRESS_PIPE, result_name
from anuga_lean.measure.request import VARIANTS as VARIANTS
from anuga_lean.measure.request import Request as Request


def measure(request: Request, folder: str | Path,
            progress: Progress | None = None, under: Sequence[str] = ()) -> dict[str, Any]:
    """Run one request in its own process, or ranks, and return what was measured.

    Parameters
    ----------
    request : Request
    folder : path
        Working folder of the process, made if missing; the result
        (``result.json``), the arrays, the SWW file and ``output.log`` stay
        there.  A script works in the present folder instead.
    progress : callable, optional
        Called with a short line at each stage, about twice a second while the
        model evolves, and after 30 s without any; of ranks with what all of
        them do.
    under : sequence of str
        A command that runs the process, valgrind say.

    Returns
    -------
    dict
        As benchmarks/README.md says; with ``ranks``, the result of each rank,
        if there are several: all else is then rank 0's.  ``run_seconds`` is the
        wall time from the start of the process to the end of its last stage,
        readings of memory left out; ``over_time`` holds ``seconds`` since the
        start and ``rss`` of one process, bytes (None of ranks, which share pages).

    Raises
    ------
    ScenarioError
        The request cannot be run.
    MeasurementError
        The process failed; it says how, at which stage and with which peak.
    """
    request.check()
    if request.is_script and request.cwd is None:
        request = replace(request, cwd=os.getcwd())
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(asdict(request)))
    results = [folder / result_name(rank) for rank in range(request.numprocs)]
    for result in results:
        result.unlink(missing_ok=True)
    started = time.perf_counter()
    child, reading = _start(request, folder, under)
    watched = Watched(child.pid)
    heard = Heard(reading, progress, request.numprocs, watched)
    try:
        status = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        watched.end()
    heard.join()
    if status != 0 or not all(result.exists() for result in results):
        raise MeasurementError(
            f"the {request.variant} run of {request.scenario} "
            f"{how_it_ended(status, folder / 'output.log')}"
            f"{f' (at: {heard.last})' if heard.last else ''}{watched.text()}"
        )
    found = [json.loads(result.read_text()) for result in results]
    first = found[0]
    # perf_counter is one clock for all processes of a machine
    first["run_seconds"] = first["began"] - started + sum(
        stage["seconds"] for stage in first["stages"].values())
    if request.numprocs > 1:
        return {**first, "over_time": None, "ranks": found}
    return {**first, "over_time": {
        "seconds": [round(at - started, 3) for at, _ in watched.samples],
        "rss": [rss for _, rss in watched.samples]}}


def _start(request: Request, folder: Path,
           under: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start the child; return it and the file descriptor that its progress lines come from."""
    python = request.python or sys.executable
    alone = request.numprocs == 1
    if alone:
        reading, writing = os.pipe()
    else:  # mpiexec does not hand file descriptors on: ranks open a pipe by its name
        pipe = folder / PROGRESS_PIPE
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        # For writing, too: so it does not end while no rank has it open.
        reading, writing = os.open(pipe, os.O_RDWR | os.O_NONBLOCK), -1
    command = [python, "-m", "anuga_lean.measure.child", str(folder), str(writing if alone else -1)]
    if not alone:
        command = [*mpiexec(python), "-n", str(request.numprocs), *command]
    command = [*fixed_addresses(), *under, *command]
    try:
        with open(folder / "output.log", "w") as log:
            child = subprocess.Popen(
                command,
                cwd=folder,  # -m looks for modules there first: nothing of a user's may be found
                env=child_environment(request.python, request.threads, request.isa, folder,
                                      request.small_pages),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,) if alone else (),
            )
    except BaseException:
        os.close(reading)
        raise
    finally:
        if alone:
            os.close(writing)
    return child, reading


@functools.cache
def fixed_addresses() -> tuple[str, ...]:
    """Return what makes a command run at the same addresses each time; nothing where forbidden.

    How many pages of a library one fault brings in depends on where it lies: RSS
    differs by 100 KiB from run to run without, by 16 with it.
    """
    setarch = shutil.which("setarch")
    if setarch is None:
        return ()
    command = (setarch, platform.machine(), "-R")
    allowed = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if allowed else ()


def mpiexec(python: str) -> list[str]:
    """Return the mpiexec beside an interpreter, or else the one on the search path.

    Raises
    ------
    MeasurementError
        There is none.
    """
    found = shutil.which("mpiexec", path=str(Path(python).parent)) or shutil.which("mpiexec")
    if found is None:
        raise MeasurementError("there is no mpiexec to start ranks with: pip install "
                               "'anuga_lean[mpi]'")
    return [found]


def child_environment(python: str | None, threads: int, isa: str | None, folder: Path,
                      small_pages: bool = False) -> dict[str, str]:
    """Return a child's environment: threads, ISA, and this very anuga_lean."""
    found = dict(os.environ) | MPI_ENVIRONMENT
    if small_pages:
        found["NUMPY_MADVISE_HUGEPAGE"] = "0"
    found["OMP_NUM_THREADS"] = str(threads)
    found["PYTHONHASHSEED"] = "0"  # sets and dictionaries take the same room every time
    found.pop("ANUGA_LEAN", None)
    found.pop("ANUGA_LEAN_ISA", None)
    if isa is not None:
        found["ANUGA_LEAN_ISA"] = isa
    home = Path(__file__).resolve().parents[2]
    if python is not None and python != sys.executable:
        # Of all that lies beside it there the other interpreter must see nothing.
        modules = folder / "modules"
        modules.mkdir(exist_ok=True)
        link = modules / "anuga_lean"
        link.unlink(missing_ok=True)
        link.symlink_to(home / "anuga_lean")
        found["PYTHONPATH"] = str(modules)
    elif not str(home).startswith(sys.prefix):
        paths = [str(home), *filter(None, [found.get("PYTHONPATH")])]
        found["PYTHONPATH"] = os.pathsep.join(paths)
    return found


# Ranks on fewer cores than there are ranks, in containers whose user is root too.
MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}


def how_it_ended(status: int, log: Path) -> str:
    """Say how a process ended, as the end of a sentence, with the last line it printed."""
    # mpiexec ends as a shell does: 128 and the signal that ended a rank.
    number = -status if status < 0 else status - 128
    if number in set(signal.Signals):
        found = signal.Signals(number)
        hint = ", as by the kernel when memory runs out" if found == signal.SIGKILL else ""
        return f"was killed by {found.name}{hint}"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    # mpiexec has much to say after the error of a rank.
    errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Exit)\b", line)]
    last = [*lines, *errors][-1].strip() if lines else "it printed nothing"
    return f"ended with status {status}: {last}"
