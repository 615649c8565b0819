"""A rank that fails stops all others, and ranks that do not see each other say so."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("faulty.py")
RUN = ("-m", "anuga_lean", "run")

pytestmark = needs_mpi


@pytest.mark.parametrize(("how", "start", "status", "said"), [
    ("error", (), 1, "own hook rank 1 is unwell"),
    ("error", RUN, 1, "own hook rank 1 is unwell"),
    ("exit", (), 9, ""),
    ("quit", (), 1, "rank 1 has no input file"),
    ("SystemExit", RUN, 4, ""),
    ("memory", (), 1, "MemoryLimitError: not enough memory for "),
    ("memory, of a part", (), 1, "MemoryLimitError: not enough memory for the part of a rank: "),
])
def test_all_ranks_stop(how: str, start: tuple[str, ...], status: int, said: str,
                        tmp_path: Path) -> None:
    began = time.monotonic()
    done = on_ranks(2, tmp_path, *start, str(SCRIPT), how)
    assert time.monotonic() - began < 60     # stock waits for ever
    assert status == done.returncode, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert "is done" not in done.stdout


def test_an_error_that_was_caught_stops_nobody(tmp_path: Path) -> None:
    done = on_ranks(2, tmp_path, str(SCRIPT), "caught")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["rank 0 is done", "rank 1 goes on", "rank 1 is done"] \
        == sorted(done.stdout.splitlines())


ALONE = """
import os, sys
import anuga_lean as anuga
from anuga.parallel import parallel_rectangular_cross_domain
assert 1 == anuga.numprocs
for variables in ({}, *eval(sys.argv[1])):
    os.environ.update(variables)
    domain = anuga.rectangular_cross_domain(3, 3)
    anuga.barrier()
    for part in (anuga.distribute, lambda domain: parallel_rectangular_cross_domain(4, 4)):
        try:
            part(domain)
            print("shared")
        except anuga.LaunchError as error:
            print(error)
    for name in variables:
        del os.environ[name]
"""


def test_a_rank_that_sees_no_other(tmp_path: Path) -> None:
    several = [{"OMPI_COMM_WORLD_SIZE": "4"}, {"PMI_SIZE": "3", "PMI_RANK": "1"},
               {"SLURM_STEP_NUM_TASKS": "8"}]
    # A batch script of an allocation with eight tasks may run a serial model.
    alone = [{"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"},
             {"OMPI_COMM_WORLD_SIZE": "1", "PMI_SIZE": "1", "SLURM_STEP_NUM_TASKS": "1"},
             {"PMI_SIZE": "unknown"}]
    done = subprocess.run([sys.executable, "-c", ALONE, repr(several + alone)], cwd=tmp_path,
                          capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    first, second, *said = done.stdout.splitlines()
    assert ["shared"] * 8 == [first, second, *said[6:]]
    for variables, lines in zip(several, (said[:2], said[2:4], said[4:6]), strict=True):
        name, count = next(iter(variables.items()))
        for line in lines:
            assert line.startswith(f"this process was started as one of {count} ({name}={count})")
            assert "mpi4py uses " in line and line.endswith(f"unset {name}.")


SHARING = """
import anuga_lean as anuga
anuga.distribute(anuga.rectangular_cross_domain(3, 3))
"""


def test_ranks_that_a_launcher_has_started_and_do_not_see_each_other(tmp_path: Path) -> None:
    """What the ranks of another MPI's launcher see: its variables, and no other rank."""
    (tmp_path / "script.py").write_text(SHARING)
    (tmp_path / "start.py").write_text(
        "import os, sys\n"
        "for name in list(os.environ):\n"
        "    if name.startswith(('PMIX', 'PRTE')):\n"
        "        del os.environ[name]\n"
        "os.execv(sys.executable, [sys.executable, 'script.py'])\n")
    done = on_ranks(2, tmp_path, "start.py")
    assert 0 != done.returncode
    assert "started as one of 2 (OMPI_COMM_WORLD_SIZE=2)" in done.stderr


def test_without_mpi4py(tmp_path: Path) -> None:
    script = "import sys; sys.modules['mpi4py'] = None" + SHARING
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True,
                          env=os.environ | {"PMI_SIZE": "2"}, text=True)
    assert 1 == done.returncode
    assert "has no mpi4py" in done.stderr and "pip install 'anuga_lean[mpi]'" in done.stderr
