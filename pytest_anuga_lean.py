"""Gives the tests of a user's own models the fixture `memory_of`: what a script takes on ANUGA.

Owns the pytest plugin, which pytest loads in every run of an environment that has this package.
So it stands outside anuga_lean, whose import puts the lean classes into ANUGA, and loads nothing
but what pytest has loaded already; the script is measured by ``anuga_lean compare --only``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Measured:
    """What one run of a script took.

    Attributes
    ----------
    peak_rss : int or None
        Largest resident memory of the process, bytes; None where the system does not say.
    arrays : float
        Bytes that the arrays of the domain hold for each triangle.
    seconds, evolve_seconds : float
        Wall time of the whole run and of all its evolves, s.
    seconds_per_step : float or None
        Wall time of a time step, s.
    triangles, steps : int
    groups : dict of str to float
        Bytes for each triangle by group of arrays.
    stages : dict of str to dict
        By stage and mark: ``seconds``, and ``rss``, ``pss``, ``uss``, ``peak_rss`` in bytes.
    """

    peak_rss: int | None
    arrays: float
    seconds: float
    evolve_seconds: float
    seconds_per_step: float | None
    triangles: int
    steps: int
    groups: dict[str, float]
    stages: dict[str, dict[str, Any]]


class MemoryOf:
    """Runs scripts in processes of their own and says what each took."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def __call__(self, script: str | os.PathLike[str], *arguments: str, anuga: str = "lean",
                 threads: int = 1) -> Measured:
        """Run a script once, in the present folder.

        Parameters
        ----------
        script : path
        *arguments : str
            Its own.
        anuga : "lean" or "stock"
        threads : int
            OpenMP threads.

        Raises
        ------
        pytest.fail.Exception
            The script did not come to its end; the sentence of ``anuga_lean compare`` says why.
        """
        self._count += 1
        figures = self._folder / f"{self._count}.json"
        command = [sys.executable, "-m", "anuga_lean", "compare", os.fspath(script), "--only",
                   anuga, "--repeat", "1", "--threads", str(threads), "--json", str(figures),
                   *(["--", *arguments] if arguments else [])]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            pytest.fail(said[-1] if said else f"{command} exited with {done.returncode}",
                        pytrace=False)
        run = json.loads(figures.read_text())[anuga][0]
        stages, count = run["stages"], max(1, run["number_of_triangles"])
        peaks = [stage["peak_rss"] for stage in stages.values()]
        return Measured(
            peak_rss=None if None in peaks else max(peaks),
            arrays=run["census"]["bytes_per_triangle"],
            seconds=sum(stage["seconds"] for stage in stages.values()),
            evolve_seconds=sum(stage["seconds"] for name, stage in stages.items()
                               if name.startswith("evolve")),
            seconds_per_step=run["seconds_per_step"],
            triangles=run["number_of_triangles"],
            steps=run["steps"],
            groups={name: nbytes / count for name, nbytes in run["census"]["groups"].items()},
            stages=stages,
        )


@pytest.fixture
def memory_of(tmp_path_factory: pytest.TempPathFactory) -> MemoryOf:
    """Run a script in a process of its own; return its peak_rss, arrays, seconds, ..."""
    return MemoryOf(tmp_path_factory.mktemp("memory_of"))
