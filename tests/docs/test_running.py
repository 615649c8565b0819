"""The commands of the pages do what the pages say, in a folder with what a reader has there.

What takes longer than a second or two is run at night.  What is not run names its reason; that
its options exist, `test_commands` says.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from anuga_lean.measure.measurement import MPI_ENVIRONMENT
from docs.pages import commands
from mpirun import MPIEXEC, needs_mpi

SCRIPT = """
import anuga_lean as anuga

domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain(16, 16, len1=1600.0, len2=1600.0)
    domain.set_name("model")
    domain.set_quantity("elevation", lambda x, y: -x / 400.0)
    domain.set_quantity("stage", lambda x, y: 1.0 + (x < 800.0))
domain = anuga.distribute(domain)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({tag: wall for tag in ("left", "right", "top", "bottom")})
anuga.Rate_operator(domain, rate=1.0e-5)
anuga.mark("rain is set")
for t in domain.evolve(yieldstep=10.0, finaltime=60.0):
    pass
anuga.finalize()
"""
STUDY = """
script = "member.py"
replicates = 11
arguments = ["--seed", "{seed}"]
summary = "summary.py:of_member"

[grid]
rain = [1.0, 2.0]
sea_level = [0.0, 0.5]
"""
FILES = {
    "script.py": SCRIPT, "model.py": SCRIPT, "rain.toml": STUDY, "member.py": "",
    "summary.py": "def of_member(folder, parameters):\n    return {'depth': 1.0}\n",
    "slurm-4711.out": "slurmstepd-cn14: error: Detected 1 oom-kill event(s) in "
                      "StepId=4711.batch. Some of your processes may have been killed by the "
                      "cgroup out-of-memory handler.\n",
}
# By what a command begins with, in this order.
NOT_RUN = {
    "pip ": "changes the environment of the tests",
    "make ": "is what runs these tests, or half an hour",
    "pytest ": "is one of these tests",
    "python benchmarks/": "has tests of its own, and takes minutes",
    "anuga_lean patches verify": "builds ANUGA, half an hour: tests/patches",
    "anuga_lean study run rain.toml --on": "wants Slurm or a scheduler: tests/slurm, tests/studies",
    "anuga_lean doctor 4711": "wants Slurm: tests/slurm",
    "anuga_lean watch 8123": "wants a run that is on: tests/following",
    "dask ": "goes on until it is stopped: tests/studies",
    "mpiexec -n '$": "is a part of the job file: tests/slurm",
    "docker ": "wants Docker and a registry: tests/unit/test_containers.py",
    "apptainer ": "wants Apptainer and a registry: tests/unit/test_containers.py",
    "rm ": "is a part of the job file: tests/slurm",
    "scontrol ": "is a part of the job file: tests/slurm",
}
NIGHTLY = ("anuga_lean compare", "anuga_lean census", "anuga_lean selfcheck", "mpiexec",
           "anuga_lean study r", "anuga_lean study s", "anuga_lean doctor rain.study",
           "anuga_lean run --guard --resume",
           "anuga_lean plan script.py", "anuga_lean plan --limit", "anuga_lean plan --ranks")
# What their exit code says of the machine, not of the command.
SAYS_NO = ("anuga_lean plan", "anuga_lean doctor", "anuga_lean compare model.py --only")
# Commands that go before, where a page has them in this order.
FIRST = {"anuga_lean study report": "anuga_lean study run rain.toml",
         "anuga_lean study s": "anuga_lean study run rain.toml",
         "anuga_lean doctor rain.study": "anuga_lean study run rain.toml"}


def begins(command: str, beginnings: Iterable[str]) -> str:
    """Return with which of some beginnings a command begins, or nothing."""
    return next((each for each in beginnings if command.startswith(each)), "")


ALL = sorted({shlex.join(command.words).removeprefix(".venv/bin/") for command in commands()})
RUN = [pytest.param(command, marks=[
    *([pytest.mark.nightly] if begins(command, NIGHTLY) else []),
    *([needs_mpi] if "mpiexec" in command or "--np" in command else [])])
    for command in ALL if not begins(command, NOT_RUN)]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of a page as from a shell in a folder."""
    words = shlex.split(command)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    if words[0] == "mpiexec":
        words[0] = str(MPIEXEC)
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=900,
                          env={**os.environ, **MPI_ENVIRONMENT, "PATH": path})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, and the record of a guarded run of it."""
    folder = tmp_path_factory.mktemp("reader")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    done = run("anuga_lean run --guard model.py", folder)
    assert 0 == done.returncode, done.stderr
    record, = (folder / "anuga_lean_runs").glob("*.jsonl")
    for name in ("DATE_PID", "20260302-041119_8123"):
        shutil.copy(record, record.with_name(f"{name}.jsonl"))
    return folder


@pytest.mark.parametrize("command", RUN)
def test_a_command_of_the_pages_runs(command: str, prepared: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(prepared, tmp_path / "folder")
    if command.startswith("anuga_lean study init"):
        (folder / "rain.toml").unlink()
    if before := begins(command, FIRST):
        assert 0 == run(FIRST[before], folder).returncode
    done = run(command, folder)
    allowed = {0, 1} if begins(command, SAYS_NO) else {0}
    assert done.returncode in allowed, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout or "model.py" in command or "script.py" in command


def test_what_is_not_run_is_in_the_pages() -> None:
    """A reason that no page needs any more goes."""
    assert set(NOT_RUN) == {begins(command, NOT_RUN) for command in ALL} - {""}


def test_a_command_that_fails_is_found(prepared: Path) -> None:
    assert 0 != run("anuga_lean run nothing.py", prepared).returncode
