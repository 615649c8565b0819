"""Runs a script up to its first evolve, in a process of its own, and says what that took.

Owns when it is ended early because it is clear that the run cannot fit; what the guard of that
process writes is `guard.stopping`'s.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean._errors import PlanError
from anuga_lean.guard.limits import Limits
from anuga_lean.guard.stages import IMPORTS, QUANTITIES
from anuga_lean.guard.watch import FRACTIONS
from anuga_lean.plan.learning import Run, read_runs
from anuga_lean.plan.prediction import OF_SERIAL, Prediction, Stages
from anuga_lean.plan.table import Memory

_BETWEEN_LOOKS = 0.05   # s
# Prediction is within 10 %: what is beyond a limit by more cannot fit.
SURELY = 1.1


class Trial(NamedTuple):
    """What came of a script.

    Attributes
    ----------
    run : Run or None
        Up to its first evolve; None if it was ended before.
    triangles : float
        Of the mesh that it was about to make, or has made, when it was ended; 0.0 if unknown.
    why : str
        Why it was ended before.
    """

    run: Run | None
    triangles: float = 0.0
    why: str = ""


def set_up(script: str, arguments: Sequence[str], exceeds: Callable[[float], str]) -> Trial:
    """Run a script up to its first evolve.

    Parameters
    ----------
    script : str
    arguments : sequence of str
        The script's own.
    exceeds : callable
        Takes a number of triangles; returns which limit such a run surely exceeds, or "".

    Raises
    ------
    PlanError
        There is no such script, it fails, or it ends without an evolve.
    """
    if not os.path.exists(script):
        raise PlanError(f"there is no script {script}")
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as name:
        folder = Path(name)
        record, said = folder / "record.jsonl", folder / "said"
        with open(said, "wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "anuga_lean", "run", "--guard", "--set-up-only",
                 "--record", str(record), "--checkpoint-dir", str(folder / "sets"),
                 "--stop-file", str(folder / "stop"), script, *arguments],
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            limits = Limits(os.environ, [child.pid])
            try:
                ended = _follow(child, record, limits, exceeds)
            finally:
                limits.close()
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
        if ended is not None:
            return ended
        lines = said.read_text(errors="replace").strip().splitlines()
        if child.returncode:
            raise PlanError(
                f"{script} failed with exit code {child.returncode} before its first evolve: "
                f"{lines[-1] if lines else 'it said nothing'}; run it by itself first")
        runs = read_runs([record]) if record.exists() else []
        if not runs:
            raise PlanError(f"{script} ended without an evolve, so that there is nothing to "
                            "predict: name the script that runs the model, and its arguments")
        return Trial(runs[-1])


def _follow(child: subprocess.Popen[bytes], record: Path, limits: Limits,
            exceeds: Callable[[float], str]) -> Trial | None:
    """Wait for the end of a script, or for a sign that it cannot fit."""
    seen, known = 0, 0.0
    while child.poll() is None:
        time.sleep(_BETWEEN_LOOKS)
        events = _events(record)
        for event in events[seen:]:
            count = event.get("triangles")
            if event.get("event") in ("expects", "made") and isinstance(count, (int, float)):
                known = float(count)
                why = exceeds(known)
                if why:
                    return Trial(None, known, why)
        seen = len(events)
        for level in limits.read()[:1]:
            if level.fraction >= FRACTIONS.stop:
                return Trial(None, known, f"while it was set up {level} were taken")
    return None


def _events(record: Path) -> list[Mapping[str, Any]]:
    """Return the lines that are there whole."""
    try:
        text = record.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def with_trial(prediction: Prediction, serial: Prediction, run: Run) -> Prediction:
    """Return a prediction with what was measured up to the first evolve in it.

    Parameters
    ----------
    prediction : Prediction
    serial : Prediction
        Of the same model on one rank, as the trial ran it.
    run : Run
    """
    measured: Stages = {stage: ranks[0] for stage, ranks in run.stages.items()
                        if ranks and ranks[0] is not None}
    imported = _above(measured, serial.first, IMPORTS)
    held = _above(measured, serial.first, QUANTITIES)
    first = {stage: _more(memory, imported if stage == IMPORTS else held)
             for stage, memory in prediction.first.items()}
    others = {stage: _more(memory, imported) for stage, memory in prediction.others.items()}
    if not prediction.others:
        first.update({stage: measured[stage] for stage in OF_SERIAL if stage in measured})
    return prediction._replace(first=first, others=others)


def _above(measured: Stages, predicted: Stages, stage: str) -> float:
    """Return the bytes that a script holds at the end of a stage beyond what was predicted."""
    return measured[stage].rss - predicted[stage].rss if stage in measured else 0.0


def _more(memory: Memory, nbytes: float) -> Memory:
    return Memory(memory.rss + nbytes, memory.peak + nbytes)
