"""Jobs on a real Slurm: the job file of docs/slurm.md, and what doctor says of each end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from netCDF4 import Dataset

from anuga_lean.guard.limits import MIB
from mpirun import needs_mpi, on_ranks
from slurm.cluster import Cluster

PAGE = Path(__file__).parents[2] / "docs" / "slurm.md"
# Takes so many seconds by itself, and so many once it was restarted.
MODEL = """
import os, time
import anuga
import numpy as np

domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain(12, 10, len1=60.0, len2=50.0)
    domain.set_name("model")
    domain.set_flow_algorithm("DE1")
    domain.set_quantity("elevation", lambda x, y: -x / 30.0 + 0.2 * np.sin(y))
    domain.set_quantity("stage", lambda x, y: np.where(x < 20.0, 1.0, -1.5))
if anuga.numprocs > 1:
    domain = anuga.distribute(domain)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
anuga.Rate_operator(domain, rate=lambda t: 0.001 * t)
again = "_AGAIN" if "SLURM_RESTART_COUNT" in os.environ else ""
pace = float(os.environ.get("SECONDS" + again, "0")) / 100
for t in domain.evolve(yieldstep=0.05, finaltime=5.0):
    time.sleep(pace)
np.savez(f"{anuga.myid}.npz", **{name: np.array(quantity.centroid_values)
                                 for name, quantity in domain.quantities.items()})
"""
HOG = "blocks = [b'x' * (4 << 20) for _ in range(100)]"


def job_file(folder: Path) -> Path:
    """Write the job file of the page, and its model, into a folder."""
    (text,) = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", PAGE.read_text(), re.DOTALL)
    (folder / "model.py").write_text(MODEL)
    (folder / "job.sh").write_text(text)
    return folder / "job.sh"


def printed(folder: Path, job: str) -> str:
    (path,) = folder.glob(f"*-{job}.out")
    return path.read_text()


def results(folder: Path, ranks: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for rank in range(ranks):
        with np.load(folder / f"{rank}.npz") as arrays:
            found |= {f"{rank} {name}": arrays[name].tobytes() for name in arrays.files}
        with Dataset(folder / f"model_P{ranks}_{rank}.sww") as file:
            file.set_auto_mask(False)
            found |= {f"{rank} sww {name}": np.array(each[...]).tobytes()
                      for name, each in file.variables.items()}
    return found


def events(folder: Path) -> list[dict[str, Any]]:
    """All events of all records, the first try's first."""
    return [json.loads(line) for path in sorted((folder / "anuga_lean_runs").iterdir())
            for line in path.read_text().splitlines()]


def doctor(cluster: Cluster, folder: Path, target: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "anuga_lean", "doctor", "--json", "-", target],
                          cwd=folder, env=cluster.environment, capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    return dict(json.loads(done.stdout))


def batch(folder: Path, text: str) -> Path:
    (folder / "job.sh").write_text("#!/bin/bash\n" + text)
    return folder / "job.sh"


def until(what: str, folder: Path, seconds: float = 60.0) -> None:
    """Wait for a file of a name."""
    end = time.monotonic() + seconds
    while not list(folder.glob(what)):
        assert time.monotonic() < end, f"no {what} in {folder} after {seconds:g} s"
        time.sleep(0.1)


def same_as_one_run(folder: Path, whole: Path) -> bool:
    """Whether a job on two ranks has left what a run by itself leaves in another folder."""
    whole.mkdir()
    job_file(whole)
    done = on_ranks(2, whole, "-m", "anuga_lean", "run", "model.py")
    assert 0 == done.returncode, done.stderr
    return results(whole, 2) == results(folder, 2)


def srun_without_pmix(cluster: Cluster) -> str:
    """Why srun cannot start ranks of an MPI that speaks PMIx here; "" if it can."""
    plugins = cluster.ask("srun", "--mpi=list")
    if "pmix" not in plugins:
        return f"srun has no plugin for PMIx: {' '.join(plugins.split())}"
    done = subprocess.run(["srun", "--mpi=pmix", "--ntasks=1", "true"], env=cluster.environment,
                          capture_output=True, text=True, timeout=120)
    return "" if done.returncode == 0 else f"srun --mpi=pmix fails: {done.stderr.strip()}"


@pytest.mark.nightly
@needs_mpi
def test_ranks_that_srun_starts_stop_and_go_on(cluster: Cluster, tmp_path: Path) -> None:
    reason = srun_without_pmix(cluster)
    if reason:
        pytest.skip(reason)
    folder = tmp_path / "job"
    folder.mkdir()
    path = job_file(folder)
    text = path.read_text()
    path.write_text(text.replace('mpiexec -n "$SLURM_NTASKS"', "srun --mpi=pmix"))
    assert text != path.read_text()
    job = cluster.submit(folder, path, "--ntasks=2", "--mem=700M", "--time=10",
                         variables={"SECONDS": "20"})
    until("CHECKPOINTS/*", folder)
    cluster.ask("scancel", "--signal=USR1", "--batch", job)
    cluster.begin_again(job)
    found = cluster.wait(job)
    said = printed(folder, job)
    assert ("COMPLETED", "1") == (found["JobState"], found["Restarts"]), said
    assert "'model_P2_0' goes on from the set at t=" in said
    assert same_as_one_run(folder, tmp_path / "whole")


@pytest.mark.nightly
@needs_mpi
def test_ranks_that_srun_starts_without_pmix_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    """Each would be alone and run the whole model."""
    job_file(tmp_path)
    job = cluster.submit(tmp_path, batch(tmp_path, (
        f"srun --mpi=none --ntasks=2 {sys.executable} -m anuga_lean run --guard distributed.py\n")),
        "--ntasks=2", "--mem=700M")
    (tmp_path / "distributed.py").write_text("import anuga\nanuga.distribute(None)\n")
    assert "FAILED" == cluster.wait(job)["JobState"]
    said = printed(tmp_path, job)
    assert 2 == said.count("this process was started as one of 2 (SLURM_STEP_NUM_TASKS=2) but "
                           "sees no other"), said
    assert 2 == said.count("or with 'srun --mpi=pmix', if 'srun --mpi=list' has it"), said


@needs_mpi
def test_a_job_requeues_itself_and_ends_with_the_bits_of_one_run(cluster: Cluster,
                                                                 tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    job = cluster.submit(folder, job_file(folder), "--ntasks=2", "--mem=700M", "--time=10",
                         variables={"SECONDS": "20"})
    until("CHECKPOINTS/*", folder)
    assert "RUNNING" == cluster.facts(job)["JobState"]
    cluster.ask("scancel", "--signal=USR1", "--batch", job)
    cluster.begin_again(job)
    found = cluster.wait(job)
    said = printed(folder, job)
    assert ("COMPLETED", "1") == (found["JobState"], found["Restarts"]), said
    assert 1 == said.count("because the file stop.flag is there"), said
    assert "'model_P2_0' goes on from the set at t=" in said
    assert "Warning" not in said

    limits = {each["who"]: each["limit"] for each in events(folder)[0]["limits"]}
    assert 700 * MIB == limits[f"cgroup /slurm_{cluster.node}/uid_0/job_{job}"]
    assert ["stopped", "completed"] == [
        each["outcome"] for each in events(folder) if each["event"] == "end"]
    assert "completed" == doctor(cluster, tmp_path, job)["class"]
    assert same_as_one_run(folder, tmp_path / "whole")


@pytest.mark.nightly
@needs_mpi
def test_a_job_of_many_tries_never_meets_its_time_limit(cluster: Cluster, tmp_path: Path) -> None:
    """Slurm warns some moment in the first half of the minute, the guard stops in its middle."""
    folder = tmp_path / "job"
    folder.mkdir()
    job = cluster.submit(folder, job_file(folder), "--ntasks=2", "--mem=700M", "--time=1",
                         "--signal=B:USR1@45", variables={"SECONDS": "60", "SECONDS_AGAIN": "60"})
    tries = 1
    while cluster.wait(job, "COMPLETED", "FAILED", "TIMEOUT", "PENDING")["JobState"] == "PENDING":
        tries += 1
        cluster.begin_again(job)
        cluster.wait(job, "RUNNING", "FAILED")
    found, said = cluster.facts(job), printed(folder, job)
    assert ("COMPLETED", str(tries - 1)) == (found["JobState"], found["Restarts"]), said
    assert tries > 2
    assert tries - 1 == said.count("stopped on request"), said
    assert same_as_one_run(folder, tmp_path / "whole")


@pytest.mark.nightly
def test_a_job_over_its_time_limit(cluster: Cluster, tmp_path: Path) -> None:
    job = cluster.submit(tmp_path, batch(tmp_path, "sleep 300\n"), "--time=1")
    assert "TIMEOUT" == cluster.wait(job, seconds=180.0)["JobState"]
    assert ("time-limit", "sure") == tuple(
        doctor(cluster, tmp_path, job)[each] for each in ("class", "sure"))


def test_a_job_over_its_memory_limit(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "hog.py").write_text(HOG)
    job = cluster.submit(tmp_path, batch(tmp_path, f"{sys.executable} hog.py\n"), "--mem=120M")
    assert "OUT_OF_MEMORY" == cluster.wait(job)["JobState"]
    found = doctor(cluster, tmp_path, job)
    assert ("oom-cgroup", "sure", 120 * MIB, "slurm") == tuple(
        found[each] for each in ("class", "sure", "limit", "scheduler"))
    assert any("oom" in each["source"] or ".out" in each["source"] for each in found["evidence"])
    assert "ask for at least #SBATCH --mem=192M" in found["next"][0]


def test_jobs_that_are_cancelled_run_and_complete(cluster: Cluster, tmp_path: Path) -> None:
    job = cluster.submit(tmp_path, batch(tmp_path, "touch on\nsleep 60\n"))
    until("on", tmp_path)
    assert "running" == doctor(cluster, tmp_path, job)["class"]
    cluster.ask("scancel", job)
    assert "CANCELLED" == cluster.wait(job)["JobState"]
    assert ("cancelled", "sure") == tuple(
        doctor(cluster, tmp_path, job)[each] for each in ("class", "sure"))
    job = cluster.submit(tmp_path, batch(tmp_path, "true\n"))
    assert "COMPLETED" == cluster.wait(job)["JobState"]
    assert "completed" == doctor(cluster, tmp_path, job)["class"]
