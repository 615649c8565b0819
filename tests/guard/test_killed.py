"""Guarded runs that are killed at random moments, and go on from their last whole set."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
AT_MOST = 0.5       # s: a yield of 0.2 s, steps, a set, and who else computes here
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


@contextmanager
def with_a_set(folder: Path, ranks: int, *options: str,
               pace: float) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Start the model; the run and the processes of its ranks from its first set on, then none."""
    run = started(folder, ranks, *options, pace=pace)
    pids: list[int] = []
    try:
        assert wait_for(lambda: list(folder.glob("CHECKPOINTS/*.pickle")), 60.0), \
            (folder / "stderr").read_text()
        pids = [each["pid"] for each in record_of(folder)[0]["ranks"]]
        yield run, pids
        # a rank without its mpiexec, or a try without who restarts it, goes on, ends or waits
        wait_for(lambda: not any(map(is_alive, pids)), 20.0)
    finally:
        for pid in (run.pid, *pids):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        run.wait()
        wait_for(lambda: not any(map(is_alive, pids)), 20.0)


def killed(folder: Path, ranks: int, whom: str, after: float, chance: random.Random) -> int:
    """Run the model, kill a process of it some time after its first set; the code of the run."""
    options = ["--restarts", "2"] if whom == "restarter" else []
    with with_a_set(folder, ranks, "--checkpoint-every", "0.1s", *options, pace=0.03) as (
            run, pids):
        time.sleep(after)
        with suppress(ProcessLookupError):      # the run was faster
            os.kill(chance.choice(pids) if whom == "rank" else run.pid, signal.SIGKILL)
        return run.wait(60.0)


def lost(folder: Path, ranks: int, every: float, after: float) -> float:
    """Kill a run some time after its first set: the wall time that it has to do again, s."""
    with with_a_set(folder, ranks, "--checkpoint-every", f"{every:g}s", pace=0.2) as (run, pids):
        time.sleep(after)
        moment = time.time()
        os.kill(pids[-1], signal.SIGKILL)
        assert 0 != run.wait(60.0)
    # what goes on may write sets of its own, in the place of these
    written = sorted((path.stat().st_mtime, f"{float(path.stem.rpartition('_')[2]):g}")
                     for path in folder.glob("CHECKPOINTS/*.pickle"))
    # its time is over at once: it says which set that was
    again = started(folder, ranks, "--resume", "--walltime", "1s")
    assert 75 == again.wait(60.0), (folder / "stderr").read_text()
    (t,) = re.findall(r"goes on from the set at t=(\S+) s", (folder / "stderr").read_text())
    return moment - {time_of: when for when, time_of in written}[t]


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
        last = record_of(folder)[-1]
        # a rank whose mpiexec is gone may come to its end, or fail as it prints
        if "completed" != last.get("outcome"):
            said = subprocess.run(
                [sys.executable, "-m", "anuga_lean", "doctor", str(max(
                    (folder / "anuga_lean_runs").iterdir(), key=os.path.getmtime))],
                capture_output=True, text=True).stdout
            if "end" == last["event"]:
                assert "(failed, likely)" in said, said
            else:
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


@pytest.mark.nightly
@needs_mpi
@pytest.mark.parametrize(("ranks", "every"), [(1, 1.2), (1, 3.0), (2, 1.2)])
def test_what_a_killed_run_loses(tmp_path: Path, ranks: int, every: float) -> None:
    """At most an interval, and what a step and a set take."""
    (tmp_path / "model.py").write_text(PACED)
    chance = random.Random(f"{ranks} {every}")
    found = []
    for _ in range(MANY):
        for name in ("CHECKPOINTS", "anuga_lean_runs"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        found.append(lost(tmp_path, ranks, every, chance.uniform(0.0, 2.0 * every)))
    print(f"{ranks} ranks, a set each {every:g} s, lost", *(f"{each:.2f}" for each in found), "s")
    assert max(found) <= every + AT_MOST, found
    # at random moments: half of it in the mean
    assert 0.2 * every < sum(found) / len(found) < every
