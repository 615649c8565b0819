"""What doctor makes of sacct's own answers: steps on two nodes, and jobs that ran twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from slurm.cluster import Cluster
from slurm.test_jobs import HOG, batch, doctor

pytestmark = pytest.mark.nightly


def by_sacct(found: dict[str, object]) -> list[str]:
    """The lines of the class that sacct has said."""
    return [each["line"] for each in found["evidence"]          # type: ignore[attr-defined]
            if each["class"] == found["class"] and each["source"].startswith("sacct")]


def test_a_step_that_the_kernel_kills_in_a_job_that_completes(
        cluster_with_accounts: Cluster, tmp_path: Path) -> None:
    cluster = cluster_with_accounts
    (tmp_path / "hog.py").write_text(HOG)
    job = cluster.submit(tmp_path, batch(tmp_path, f"srun {sys.executable} hog.py\nexit 0\n"),
                         "--mem=120M", "--output=/dev/null")
    assert "COMPLETED" == cluster.wait(job)["JobState"]
    found = doctor(cluster, tmp_path, job)
    assert ("oom-cgroup", "sure") == (found["class"], found["sure"])
    assert any(line.startswith(f"{job}.0|") for line in by_sacct(found)), found


def test_one_task_of_two_nodes_that_the_kernel_kills(cluster_with_accounts: Cluster,
                                                     tmp_path: Path) -> None:
    cluster = cluster_with_accounts
    (tmp_path / "hog.py").write_text(HOG)
    (tmp_path / "task.sh").write_text(
        f"#!/bin/sh\n[ $SLURM_PROCID -eq 0 ] && exec sleep 3\nexec {sys.executable} hog.py\n")
    job = cluster.submit(tmp_path, batch(tmp_path, "srun sh task.sh\n"), "--nodes=2", "--ntasks=2",
                         "--mem=120M")
    assert "FAILED" == cluster.wait(job)["JobState"]
    found = doctor(cluster, tmp_path, job)
    assert ("oom-cgroup", "sure") == (found["class"], found["sure"])
    assert any(line.startswith(f"{job}.0|") for line in by_sacct(found)), found
    assert "the process that died was rank 1" in found["notes"]


def test_a_job_that_stops_and_is_queued_again(cluster_with_accounts: Cluster,
                                              tmp_path: Path) -> None:
    cluster = cluster_with_accounts
    job = cluster.submit(tmp_path, batch(tmp_path, (
        "[ -n \"$SLURM_RESTART_COUNT\" ] && exit 0\nscontrol requeue $SLURM_JOB_ID\nexit 75\n")),
        "--requeue")
    cluster.begin_again(job)
    assert "COMPLETED" == cluster.wait(job)["JobState"]
    found = doctor(cluster, tmp_path, job)
    assert any(f"job {job} was started 2 times" in each and "the last time it ended well" in each
               for each in found["notes"]), found


def test_ends_that_only_sacct_knows(cluster_with_accounts: Cluster, tmp_path: Path) -> None:
    """scontrol forgets a job after some minutes; its number is all that a user has."""
    cluster = cluster_with_accounts
    job = cluster.submit(tmp_path, batch(tmp_path, "exit 75\n"))
    assert "FAILED" == cluster.wait(job)["JobState"]
    found = doctor(cluster, tmp_path, job)
    assert ("stopped", "likely") == (found["class"], found["sure"])
    assert any("FAILED|75:0" in line for line in by_sacct(found)), found
