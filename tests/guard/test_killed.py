"""Guarded runs that are killed at random moments, and go on from their last whole set."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.measure.measurement import MPI_ENVIRONMENT
from guard.test_run import MODEL, put_aside, results, same
from mpirun import MPIEXEC, needs_mpi

# Some three seconds of yields where PACE says so, a set as often as it can be written.
PACED = MODEL.replace("=0.5, final", "=0.05, final").replace("=0.4, dur", "=0.04, dur")
for _name in ("first %g\" % t", "second %g\" % round(t, 6)"):
    PACED = PACED.replace(f"stop_at(\"{_name})",
                          "time.sleep(float(os.environ.get('PACE', '0')))")
PACED = PACED.replace("import os, signal, sys", "import os, signal, sys, time")
FEW, MANY = 2, 20
WHOM = [(1, "rank"), (3, "rank"), (2, "mpiexec"), (1, "restarter"), (2, "rank"), (3, "mpiexec")]


def started(folder: Path, ranks: int, *options: str, pace: float = 0.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "anuga_lean", "run", "--guard", *options, "model.py"]
    if ranks > 1:
        command = [str(MPIEXEC), "-n", str(ranks), *command]
    with open(folder / "stderr", "w") as said:
        return subprocess.Popen(command, cwd=folder, text=True, stdout=said, stderr=said,
                                env=os.environ | MPI_ENVIRONMENT | {"PACE": str(pace)})


def record_of(folder: Path) -> list[dict[str, Any]]:
    newest = max((folder / "anuga_lean_runs").iterdir(), key=os.path.getmtime)
    return [json.loads(line) for line in newest.read_text().splitlines()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what: Any, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not (is_so := what()) and time.monotonic() < until:
        time.sleep(0.02)
    return bool(is_so)


def killed(folder: Path, ranks: int, whom: str, after: float, chance: random.Random) -> int:
    """Run the model, kill a process of it some time after its first set; the code of the run."""
    options = ["--restarts", "2"] if whom == "restarter" else []
    run = started(folder, ranks, "--checkpoint-every", "0.1s", *options, pace=0.03)
    pids: list[int] = []
    try:
        assert wait_for(lambda: list(folder.glob("CHECKPOINTS/*.pickle")), 60.0), \
            (folder / "stderr").read_text()
        pids = [each["pid"] for each in record_of(folder)[0]["ranks"]]
        time.sleep(after)
        try:
            os.kill(chance.choice(pids) if whom == "rank" else run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass        # the run was faster
        code = run.wait(60.0)
        # a rank without its mpiexec, or a try without who restarts it, goes on, ends or waits
        wait_for(lambda: not any(map(is_alive, pids)), 20.0)
    finally:
        for pid in (run.pid, *pids):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        run.wait()
        wait_for(lambda: not any(map(is_alive, pids)), 20.0)
    return code


def check(folder: Path, ranks: int, whom: str, moments: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(PACED)
    assert 0 == started(folder, ranks).wait(300), (folder / "stderr").read_text()
    expected = put_aside(folder, ranks)
    chance = random.Random(f"{ranks} {whom}")
    codes = []
    for _ in range(moments):
        for name in ("CHECKPOINTS", "anuga_lean_runs"):
            shutil.rmtree(folder / name, ignore_errors=True)
        after = chance.uniform(0.0, 2.5)
        codes.append(killed(folder, ranks, whom, after, chance))
        if "end" != record_of(folder)[-1]["event"]:
            said = subprocess.run(
                [sys.executable, "-m", "anuga_lean", "doctor", str(max(
                    (folder / "anuga_lean_runs").iterdir(), key=os.path.getmtime))],
                capture_output=True, text=True).stdout
            assert "(killed, " in said or "(oom-" in said, said
            assert "its last whole set is of t=" in said, said
            assert 0 == started(folder, ranks, "--resume").wait(300), \
                (folder / "stderr").read_text()
            assert "goes on from the set at t=" in (folder / "stderr").read_text()
        assert [] == same(expected, results(folder, ranks)), (ranks, whom, after)
        put_aside(folder, ranks)
    assert any(codes), "no run was killed"


@needs_mpi
@pytest.mark.parametrize(("ranks", "whom"), WHOM[:3])
def test_a_killed_run_goes_on(tmp_path: Path, ranks: int, whom: str) -> None:
    check(tmp_path, ranks, whom, FEW)


@pytest.mark.nightly
@needs_mpi
@pytest.mark.parametrize(("ranks", "whom"), WHOM)
def test_a_run_killed_at_many_moments_goes_on(tmp_path: Path, ranks: int, whom: str) -> None:
    check(tmp_path, ranks, whom, MANY)
