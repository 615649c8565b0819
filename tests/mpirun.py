"""Starting a script on some ranks of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from anuga_lean.measure.measurement import MPI_ENVIRONMENT

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or \
    shutil.which("mpiexec")

needs_mpi = pytest.mark.skipif(
    find_spec("mpi4py") is None or MPIEXEC is None, reason="needs mpi4py and mpiexec"
)


def on_ranks(count: int, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run python with arguments in a folder: under mpiexec, or alone for one rank."""
    command = [sys.executable, *arguments]
    if count > 1:
        command = [str(MPIEXEC), "-n", str(count), *command]
    variables = os.environ | MPI_ENVIRONMENT
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300
    )


def arrays_of_ranks(count: int, folder: Path, *arguments: str) -> list[dict[str, np.ndarray]]:
    """Run a script that leaves FOLDER/RANK.npz on some ranks; what each left."""
    done = on_ranks(count, folder, *arguments)
    assert 0 == done.returncode, done.stdout + done.stderr
    found = []
    for rank in range(count):
        with np.load(folder / f"{rank}.npz") as arrays:
            found.append({name: arrays[name] for name in arrays.files})
    return found
