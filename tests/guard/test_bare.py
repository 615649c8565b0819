"""Guarded runs without /proc, cgroups, Slurm, MPI or rights: a line each, and they go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guard.test_run import MODEL, put_aside, record_of, results, same

# What the script does before ANUGA is loaded, so that the guard finds no more than it would there.
NO_PROC = """
from functools import partial
from anuga_lean.guard import limits, record, stopping
stopping.Limits = partial(limits.Limits, root="/nowhere")
record.memory_of = lambda pid: {}
"""
NO_CGROUP = """
from anuga_lean.guard import limits
limits.cgroup_folders = lambda root, pid="self": []
"""
NO_MPI = """
import sys
class Blocks:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mpi4py":
            raise ModuleNotFoundError("No module named 'mpi4py'", name="mpi4py")
sys.meta_path.insert(0, Blocks())
"""
READ = "cannot be read: memory is not watched by it."
CASES = {
    "no /proc": (NO_PROC, {}, [f"/proc/meminfo {READ}", f"/proc/self/status {READ}"]),
    "no cgroup and no MPI": (NO_CGROUP + NO_MPI, {}, []),
    "no Slurm where there should be": (
        "", {"SLURM_JOB_ID": "8", "PATH": "/nowhere"},
        ["the end of job 8 is not known ([Errno 2] No such file or directory: 'squeue'): give "
         "--walltime"]),
}


def lines(stderr: str) -> list[str]:
    """What the run says of itself, without what every stop and resume says."""
    found = [line.removeprefix("anuga_lean run: ") for line in stderr.splitlines()
             if line.startswith("anuga_lean run: ")]
    return [line for line in found if not line.startswith(("stopped on request", "'model' goes"))]


def start(folder: Path, prefix: list[str], variables: dict[str, str],
          *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-m", "anuga_lean", "run", *options, "model.py"],
        cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300)


def check(folder: Path, prefix: list[str], prelude: str, variables: dict[str, str],
          said: list[str]) -> None:
    (folder / "model.py").write_text(prelude + MODEL)
    done = start(folder, prefix, variables)
    assert 0 == done.returncode, done.stderr
    expected = put_aside(folder)
    done = start(folder, prefix, {**variables, "STOP": "first 1"}, "--guard")
    assert (75, said) == (done.returncode, lines(done.stderr)), done.stderr
    done = start(folder, prefix, variables, "--guard", "--resume")
    assert (0, said) == (done.returncode, lines(done.stderr)), done.stderr
    assert [] == same(expected, results(folder))


@pytest.mark.parametrize("case", CASES)
def test_a_run_goes_on_without(tmp_path: Path, case: str) -> None:
    prelude, variables, said = CASES[case]
    check(tmp_path, [], prelude, variables, said)
    begin = record_of(tmp_path)[0]
    assert ([] == begin["limits"]) == (case == "no /proc")
    assert len(begin["missing"]) == 2 * (case == "no /proc")


def test_a_run_of_a_user_without_rights(tmp_path: Path) -> None:
    prefix = [str(shutil.which("setpriv")), "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() == 0 and shutil.which("setpriv") and 0 == subprocess.run(
            [*prefix, sys.executable, "-c", "import anuga_lean"], capture_output=True).returncode:
        folder = Path("/tmp") / f"anuga_lean_{os.getpid()}"     # others may pass through it
        folder.mkdir()
        os.chown(folder, 65534, 65534)
        try:
            check(folder, prefix, "", {"HOME": str(folder)}, [])
        finally:
            shutil.rmtree(folder)
    elif os.geteuid() == 0:
        pytest.skip("another user may not read this Python, or there is no setpriv")
    else:
        check(tmp_path, [], "", {}, [])
