"""A study on a Dask scheduler that is there, with two workers of which one is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.test_runs import COMMAND, children, environment, results, run, runs_of, write

pytest.importorskip("distributed", reason="pip install 'anuga_lean[study]' brings Dask")
_START = "import sys; from dask.__main__ import main; sys.argv[0] = 'dask'; main()"


Processes = list[subprocess.Popen[bytes]]


@contextlib.contextmanager
def started_cluster(folder: Path, runs: str) -> Iterator[tuple[str, Processes]]:
    """The address of a scheduler; it, and its two workers of 400 MB and one core each."""
    folder.mkdir(exist_ok=True)
    place = folder / "scheduler.json"
    started = [dask(runs, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                    "--scheduler-file", str(place))]
    try:
        until = time.monotonic() + 60.0
        while not place.exists() and time.monotonic() < until:
            time.sleep(0.1)
        started += [dask(runs, "worker", "--scheduler-file", str(place), "--host", "127.0.0.1",
                         "--nthreads", "1", "--no-nanny", "--no-dashboard",
                         "--local-directory", str(folder / f"local{k}"),
                         "--resources", "MEMORY=400e6") for k in range(2)]
        address = json.loads(place.read_text())["address"]
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, started
    finally:
        for each in started:
            each.kill()
            each.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, Processes]]:
    """The address of a scheduler, and its two workers."""
    with started_cluster(tmp_path, os.environ.get("RUNS", "")) as (address, started):
        yield address, started[1:]


def dask(runs: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _START, *arguments],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env={**os.environ, "RUNS": runs})


def test_a_worker_that_is_killed_loses_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest) -> None:
    path = write(tmp_path, 'anuga = "stock"\nmemory = "100MiB"\nreplicates = 6\n'
                           '[grid]\nvalue = [1.0, 2.0]\n', 0.5)
    monkeypatch.setenv("RUNS", str(runs_of(path)))
    address, workers = request.getfixturevalue("cluster")
    from threading import Timer

    timer = Timer(6.0, workers[0].send_signal, [signal.SIGKILL])
    timer.start()
    done = run(path, "--on", address)
    timer.join()
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 12 == sum(row["end"] == "completed" for row in results(path))
    lines = runs_of(path).read_text().split()
    assert 12 == len(set(lines)) and len(lines) <= 13


def test_a_member_larger_than_any_worker_is_refused(tmp_path: Path,
                                                    cluster: tuple[str, object]) -> None:
    path = write(tmp_path, 'memory = "600MiB"\n[grid]\nvalue = [1.0]\n')
    done = run(path, "--on", cluster[0])
    assert 2 == done.returncode and "asks for 600 MiB" in done.stderr


def test_no_scheduler(tmp_path: Path) -> None:
    path = write(tmp_path, '[grid]\nvalue = [1.0]\n')
    done = run(path, "--on", "tcp://127.0.0.1:9")
    assert 2 == done.returncode and "no Dask scheduler answers" in done.stderr
    assert 1 == len(done.stderr.strip().splitlines())


@pytest.mark.nightly
@pytest.mark.parametrize("moment", range(20))
def test_killed_at_any_moment_it_goes_on(tmp_path: Path, moment: int) -> None:
    """SIGKILL of client, scheduler, a worker, a member, or all: `resume` runs what is missing."""
    path = write(tmp_path, 'anuga = "stock"\nmemory = "100MiB"\nreplicates = 4\n'
                           '[grid]\nvalue = [1.0, 2.0, 3.0]\n', 0.3)
    draw = random.Random(moment)
    with started_cluster(tmp_path / "first", str(runs_of(path))) as (address, processes):
        client = subprocess.Popen([*COMMAND, "run", str(path), "--on", address],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=environment(path))
        time.sleep(draw.uniform(2.0, 8.0))
        scheduler, *workers = [each.pid for each in processes]
        spawners = [each for worker in workers for each in children(worker)]
        members = [each for spawner in spawners for each in children(spawner)]
        whom = draw.choice(["client", "scheduler", "worker", "member", "all"]) if moment else "all"
        for pid in {"client": [client.pid], "scheduler": [scheduler], "worker": workers[:1],
                    "member": members[:1],
                    "all": [client.pid, scheduler, *workers, *spawners, *members]}[whom]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if whom == "scheduler":     # a client without one has nothing to wait for
            client.kill()
        client.wait(timeout=120)
    with started_cluster(tmp_path / "second", str(runs_of(path))) as (address, _):
        done = run(path, "--on", address, verb="resume")
    assert 0 == done.returncode, done.stdout + done.stderr
    found = {row["member"]: row["double"] for row in results(path)}
    assert 12 == len(found) and {"2.0", "4.0", "6.0"} == set(found.values())
    # One that was killed between the script's line and the note of its end runs again.
    lines = runs_of(path).read_text().split()
    assert set(found) == set(lines) and len(lines) <= 12 + 2
