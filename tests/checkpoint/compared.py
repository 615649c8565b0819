"""What a resumed run has to show, from what the uninterrupted one has shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

Results = dict[str, np.ndarray]
TESTS = Path(__file__).resolve().parent.parent
NOT_COMPARED = {"warnings", "legs", "began"}


def work(folder: Path, models: list[str], *what: str, worker: str = "checkpoint.worker",
         timeout: float = 600.0, **variables: str) -> None:
    """Write or resume some models in a new process; see the docstring of the worker."""
    path = [str(TESTS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    done = subprocess.run(
        [sys.executable, "-m", worker, *what, str(folder), ",".join(models)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in path if each)} | variables,
        cwd=folder, capture_output=True, text=True, timeout=timeout)
    assert 0 == done.returncode, done.stdout + done.stderr


def read(path: Path) -> Results:
    """What a run has left; AssertionError with its traceback if it failed."""
    errors = sorted(path.parent.glob("*.err"))
    assert not errors, "\n".join(f"{each}:\n{each.read_text()}" for each in errors)
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def rest_of(whole: Results, began: int) -> Results:
    """What a run shows that goes on after the yield number `began` of `whole`."""
    found = {}
    for name, value in whole.items():
        number, _, what = name.partition(" ")
        if not number.isdigit():
            found[name] = value
        elif int(number) >= began:
            found[f"{int(number) - began} {what}"] = value
    steps = whole["counts"][began - 1]
    found["timesteps"] = whole["timesteps"][steps:]
    found["counts"] = whole["counts"][began:] - steps
    return found


def differences(expected: Results, actual: Results) -> list[str]:
    """What is not the same, one line each."""
    lines = []
    for name in sorted((expected.keys() | actual.keys()) - NOT_COMPARED):
        if name not in expected or name not in actual:
            lines.append(f"{name}: only in {'expected' if name in expected else 'actual'}")
            continue
        a, b = expected[name], actual[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            lines.append(f"{name}: expected {a.dtype}{a.shape}, is {b.dtype}{b.shape}")
        elif not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            count = np.count_nonzero((a != b) & ~((a != a) & (b != b)))
            lines.append(f"{name}: {count} of {a.size} differ: {a.ravel()[:3]} and {b.ravel()[:3]}")
    return lines
