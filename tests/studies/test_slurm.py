"""A study in jobs of a real Slurm, of two sizes: one member needs more than a job has."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from slurm.cluster import Cluster
from slurm.conftest import can_run, cluster  # noqa: F401  fixtures
from studies.test_runs import COMMAND, record, results, runs_of, write

pytest.importorskip("dask_jobqueue", reason="pip install 'anuga_lean[study]' brings it")


@pytest.mark.nightly
def test_a_member_that_needs_more_gets_a_larger_job(tmp_path: Path,
                                                    cluster: Cluster) -> None:  # noqa: F811
    path = write(tmp_path, 'anuga = "stock"\nmemory = "150MiB"\n'
                           '[grid]\nvalue = [1.0, 400.0, 2.0, 3.0]\n', 0.5)
    done = subprocess.run(
        [*COMMAND, "run", str(path), "--on", "slurm", "--jobs", "2", "--job-memory", "500MiB",
         "--job-cores", "1", "--job-time", "10min"], capture_output=True, text=True, timeout=280,
        env={**cluster.environment, "RUNS": str(runs_of(path))})
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 4 == sum(row["end"] == "completed" for row in results(path))
    first, second = record(path, "1-0")["tries"]
    assert ("memory", "completed") == (first["end"], second["end"])
    assert second["nbytes"] > 500 << 20
    assert ["0-0", "1-0", "2-0", "3-0"] == sorted(runs_of(path).read_text().split())
    left = cluster.ask("squeue", "-h", "-o", "%T").split()
    assert set(left) <= {"COMPLETING"}


def test_without_slurm(tmp_path: Path) -> None:
    path = write(tmp_path, "[grid]\nvalue = [1.0]\n")
    done = subprocess.run(
        [*COMMAND, "run", str(path), "--on", "slurm", "--jobs", "2", "--job-memory", "500MiB",
         "--job-time", "10min"], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PATH": str(tmp_path)})
    assert 2 == done.returncode and "there is no Slurm on this machine" in done.stderr
    assert 1 == len(done.stderr.strip().splitlines())
