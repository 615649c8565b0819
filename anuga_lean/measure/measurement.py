"""One measurement from the outside: what to run, and running it in a fresh process.

Owns the request, the child's environment and the result file.  What happens
inside the process lives in child.py; comparing two results in comparison.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import anuga_lean.scenarios as scenarios
from anuga_lean._errors import LeanError, ScenarioError

VARIANTS = ("stock", "lean")
ISAS = ("baseline", "v3", "v4")

Progress = Callable[[str], None]


class MeasurementError(LeanError, RuntimeError):
    """A measuring process ended without a result."""


@dataclass(frozen=True)
class Request:
    """What one process has to run and to measure.

    Attributes
    ----------
    variant : "stock" or "lean"
    scenario : str
        A name of `anuga_lean.scenarios`.
    parameters : mapping
        Parameters and options of the scenario; storage under ``store``.
    steps : int or None
        Stop after exactly so many steps; either this or `finaltime`.
    finaltime : float or None
        s.
    yieldstep : float or None
        s; the scenario's own if None.
    threads : int
        OpenMP threads.
    isa : str or None
        ``baseline``, ``v3`` or ``v4`` for the lean kernels; the best if None.
    trace : bool
        Count allocations with tracemalloc; makes the run slower and its RSS
        larger, so times and RSS of such a run mean little.
    arrays : bool
        Write the centroid arrays beside the result.
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

    def check(self) -> None:
        """Raise ScenarioError for anything a child could not run."""
        scenarios.complete(self.scenario, self.parameters)
        if self.variant not in VARIANTS:
            raise ScenarioError(f"there is no variant {self.variant!r}; there are stock, lean")
        if (self.steps is None) == (self.finaltime is None):
            raise ScenarioError("a run ends after steps or at finaltime: give one of the two")
        if self.isa is not None and self.isa not in ISAS:
            raise ScenarioError(f"there is no ISA {self.isa!r}; there are {', '.join(ISAS)}")
        for name in ("steps", "finaltime", "yieldstep", "threads"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ScenarioError(f"{name}={value} is not above zero")


def measure(request: Request, folder: str | Path, progress: Progress | None = None) -> dict:
    """Run one request in its own process and give back what it measured.

    Parameters
    ----------
    request : Request
    folder : path
        Working folder of the process, made if missing; the result
        (``result.json``), the arrays, the SWW file and ``output.log`` stay there.
    progress : callable, optional
        Called with a short line at each stage and about twice a second while
        the model evolves.

    Raises
    ------
    ScenarioError
        The request cannot be run.
    MeasurementError
        The process failed.
    """
    request.check()
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(asdict(request)))
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    child, reading = _start(request, folder)
    listener = threading.Thread(target=_listen, args=(reading, progress), daemon=True)
    listener.start()
    try:
        status = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    listener.join()
    if status != 0 or not result.exists():
        raise MeasurementError(
            f"the {request.variant} run of {request.scenario} "
            f"{_how_it_ended(status, folder / 'output.log')}"
        )
    return json.loads(result.read_text())


def _start(request: Request, folder: Path) -> tuple[subprocess.Popen, int]:
    """Start the child; its progress lines come out of the file descriptor."""
    reading, writing = os.pipe()
    try:
        with open(folder / "output.log", "w") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "anuga_lean.measure.child", str(folder), str(writing)],
                cwd=folder,
                env=_environment(request),
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


def _listen(reading: int, progress: Progress | None) -> None:
    with open(reading) as lines:
        for line in lines:
            if progress is not None:
                progress(line.rstrip("\n"))


def _environment(request: Request) -> dict[str, str]:
    """The child's environment: threads, ISA, and this very anuga_lean."""
    environment = dict(os.environ)
    environment["OMP_NUM_THREADS"] = str(request.threads)
    environment.pop("ANUGA_LEAN", None)
    environment.pop("ANUGA_LEAN_ISA", None)
    if request.isa is not None:
        environment["ANUGA_LEAN_ISA"] = request.isa
    home = str(Path(__file__).resolve().parents[2])
    if not home.startswith(sys.prefix):
        paths = [home, *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def _how_it_ended(status: int, log: Path) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "it printed nothing"
    return f"ended with status {status}: {last}"
