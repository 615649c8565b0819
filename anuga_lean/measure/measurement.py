"""One measurement from the outside: running a request in a fresh process.

Owns the child's environment and the result file.  The request lives in
request.py, what happens inside the process in child.py, comparing two results
in comparison.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from anuga_lean.measure.request import ISAS, VARIANTS, MeasurementError, Request

__all__ = ["ISAS", "MeasurementError", "Progress", "Request", "VARIANTS", "measure"]

Progress = Callable[[str], None]


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
