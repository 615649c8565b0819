"""What a Slurm of the tests leaves behind: nothing, whatever its jobs do."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from slurm import cluster
from slurm.cluster import CGROUPS, Cluster

# Ignores what Slurm sends first, and has a child that outlives its parent.
STUBBORN = """#!/bin/bash
trap '' TERM CONT
(trap '' TERM CONT; exec sleep 271828) &
touch on
sleep 271828
"""


def commands() -> list[str]:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue    # it has ended
    return found


def test_nothing_stays_of_a_cluster_that_ends_with_a_job_running(can_run: None,
                                                                 tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="slurm_") as folder:
        found = Cluster(Path(folder) / "cluster")
        (tmp_path / "job.sh").write_text(STUBBORN)
        try:
            found.start()
            job = found.submit(tmp_path, tmp_path / "job.sh")
            until = time.monotonic() + 30.0
            while not (tmp_path / "on").exists() and time.monotonic() < until:
                time.sleep(0.1)
            assert 1 == sum("munged" in line and folder in line for line in commands())
            assert 2 == sum("sleep 271828" in line for line in commands())
            assert list(CGROUPS.glob(f"*/slurm_{found.node}/uid_*/job_{job}"))
        finally:
            found.stop()
        assert [] == list(Path(folder).iterdir())
    assert [] == list(CGROUPS.glob(f"*/slurm_{found.node}"))
    assert [] == [line for line in commands() if "sleep 271828" in line or folder in line]


def test_it_says_why_it_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_path", lambda: "/nowhere")
    assert "slurmctld" in str(cluster.why_not()) and "apt install" in str(cluster.why_not())
    monkeypatch.setattr(cluster, "PROGRAMS", ())
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "as root" in str(cluster.why_not())
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(cluster, "CGROUPS", Path("/nowhere"))
    assert cluster.why_not() == "no memory cgroup below /nowhere can be written"
