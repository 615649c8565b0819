"""One measurement from the outside: what to run, and running it in fresh processes.

Owns the request, the environment of the processes, the watch over their peak
and the result files.  What happens inside a process lives in child.py;
comparing two results in comparison.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anuga_lean.scenarios as scenarios
from anuga_lean._errors import LeanError, ScenarioError
from anuga_lean.measure import probe

VARIANTS = ("stock", "lean")
ISAS = ("baseline", "v3", "v4")
WATCH_INTERVAL = 0.1  # s between two looks at the peak of what runs

Progress = Callable[[str], None]


class MeasurementError(LeanError, RuntimeError):
    """A measuring process ended without a result."""


@dataclass(frozen=True)
class Request:
    """What one process, or the ranks of one run, have to run and to measure.

    Attributes
    ----------
    variant : "stock" or "lean"
    scenario : str
        A name of `anuga_lean.scenarios`, or the path of a script (``.py``).
    parameters : mapping
        Parameters and options of the scenario; storage under ``store``.
    steps : int or None
        Stop after exactly so many steps; either this or `finaltime`, neither
        with a script.
    finaltime : float or None
        s.
    yieldstep : float or None
        s; the scenario's own if None.
    threads : int
        OpenMP threads, of each rank.
    isa : str or None
        ``baseline``, ``v3`` or ``v4`` for the lean kernels; the best if None.
    trace : bool
        Count allocations with tracemalloc; makes the run slower and its RSS
        larger, so times and RSS of such a run mean little.
    arrays : bool
        Write the centroid arrays beside the result.
    memray : bool
        Record every allocation with memray, from the import of ANUGA on, into
        ``memray.bin``; times and RSS of such a run mean nothing.
    at : str or None
        End memray's recording at this stage or mark instead of at the end.
    numprocs : int
        Ranks under mpiexec.
    python : str or None
        Interpreter of another environment that has a stock ANUGA; ours if None.
    arguments : sequence of str
        Of a script.
    """

    variant: str
    scenario: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None
    finaltime: float | None = None
    yieldstep: float | None = None
    threads: int = 1
    isa: str | None = None
    trace: bool = False
    arrays: bool = True
    memray: bool = False
    at: str | None = None
    numprocs: int = 1
    python: str | None = None
    arguments: Sequence[str] = ()

    @property
    def is_script(self) -> bool:
        """Whether a user's script is run and not a scenario."""
        return self.scenario.endswith(".py")

    def check(self) -> None:
        """Raise ScenarioError for anything a child could not run."""
        if self.variant not in VARIANTS:
            raise ScenarioError(f"there is no variant {self.variant!r}; there are stock, lean")
        if self.is_script:
            self._check_script()
        else:
            scenarios.complete(self.scenario, self.parameters)
            if (self.steps is None) == (self.finaltime is None):
                raise ScenarioError("a run ends after steps or at finaltime: give one of the two")
        if self.isa is not None and self.isa not in ISAS:
            raise ScenarioError(f"there is no ISA {self.isa!r}; there are {', '.join(ISAS)}")
        for name in ("steps", "finaltime", "yieldstep", "threads", "numprocs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ScenarioError(f"{name}={value} is not above zero")

        if self.arguments and not self.is_script:
            raise ScenarioError(f"the scenario {self.scenario} takes no arguments: "
                                f"{' '.join(self.arguments)}")

    def _check_script(self) -> None:
        if not Path(self.scenario).is_file():
            raise ScenarioError(f"there is no script {self.scenario}")
        given = [*self.parameters, *(name for name in ("steps", "finaltime", "yieldstep")
                                     if getattr(self, name) is not None)]
        if given:
            raise ScenarioError(f"a script decides itself about {', '.join(given)}: leave "
                                f"{'it' if len(given) == 1 else 'them'} out, or name a scenario")


def measure(request: Request, folder: str | Path, progress: Progress | None = None) -> dict:
    """Run one request in its own process, or ranks, and give back what was measured.

    Parameters
    ----------
    request : Request
    folder : path
        Working folder of the process, made if missing; the result
        (``result.json``), the arrays, the SWW file and ``output.log`` stay
        there.  A script works in the present folder instead.
    progress : callable, optional
        Called with a short line at each stage and about twice a second while
        the model evolves (not from ranks).

    Returns
    -------
    dict
        As benchmarks/README.md says; with ``ranks``, the result of each rank,
        if there are several: all else is then rank 0's.

    Raises
    ------
    ScenarioError
        The request cannot be run.
    MeasurementError
        The process failed; it says how, at which stage and with which peak.
    """
    request.check()
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(asdict(request)))
    results = [folder / result_name(rank) for rank in range(request.numprocs)]
    for result in results:
        result.unlink(missing_ok=True)
    child, reading = _start(request, folder)
    heard = _Heard(reading, progress)
    watched = _Watched(child)
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
    return found[0] if request.numprocs == 1 else {**found[0], "ranks": found}


def result_name(rank: int) -> str:
    """Name of the file that a rank writes."""
    return "result.json" if rank == 0 else f"result_{rank}.json"


def _start(request: Request, folder: Path) -> tuple[subprocess.Popen, int]:
    """Start the child; its progress lines come out of the file descriptor."""
    reading, writing = os.pipe()
    python = request.python or sys.executable
    # mpiexec does not hand file descriptors on: ranks tell no progress.
    alone = request.numprocs == 1
    command = [python, "-m", "anuga_lean.measure.child", str(folder), str(writing if alone else -1)]
    if not alone:
        command = [*mpiexec(python), "-n", str(request.numprocs), *command]
    try:
        with open(folder / "output.log", "w") as log:
            child = subprocess.Popen(
                command,
                cwd=Path.cwd() if request.is_script else folder,
                env=child_environment(request.python, request.threads, request.isa, folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
            )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return child, reading


def mpiexec(python: str) -> list[str]:
    """The mpiexec beside an interpreter, or else the one on the search path.

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


class _Heard:
    """Listens to the progress lines of a child and keeps the last one."""

    def __init__(self, reading: int, progress: Progress | None) -> None:
        self.last = ""
        self._progress = progress
        self._thread = threading.Thread(target=self._listen, args=(reading,), daemon=True)
        self._thread.start()

    def _listen(self, reading: int) -> None:
        with open(reading) as lines:
            for line in lines:
                self.last = line.rstrip("\n")
                if self._progress is not None:
                    self._progress(self.last)

    def join(self) -> None:
        # A process that the child left behind may hold the pipe open for ever.
        self._thread.join(timeout=5.0)


class _Watched:
    """Looks at the peak RSS of a child and of what it started, from outside.

    The child's own figures are lost with it if it is killed.
    """

    def __init__(self, child: subprocess.Popen) -> None:
        self.peak = 0
        self._pid = child.pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_INTERVAL):
            for pid in probe.family(self._pid):
                self.peak = max(self.peak, probe.read_peak_rss(pid) or 0)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def text(self) -> str:
        """The last that was seen, as the end of a sentence."""
        return f"; its last peak was {self.peak / 2**20:,.0f} MiB" if self.peak else ""


def child_environment(python: str | None, threads: int, isa: str | None,
                      folder: Path) -> dict[str, str]:
    """A child's environment: threads, ISA, and this very anuga_lean."""
    found = dict(os.environ) | MPI_ENVIRONMENT
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
    """The end of a process as the end of a sentence, with the last line it printed."""
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
