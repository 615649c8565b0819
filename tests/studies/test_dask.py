"""A study on a Dask scheduler that is there, with two workers of which one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.test_runs import results, run, runs_of, write

pytest.importorskip("distributed", reason="pip install 'anuga_lean[study]' brings Dask")
_START = "import sys; from dask.__main__ import main; sys.argv[0] = 'dask'; main()"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its two workers of 400 MB and one core each."""
    place = tmp_path / "scheduler.json"
    started = [dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                    "--scheduler-file", str(place))]
    try:
        until = time.monotonic() + 60.0
        while not place.exists() and time.monotonic() < until:
            time.sleep(0.1)
        workers = [dask("worker", "--scheduler-file", str(place), "--host", "127.0.0.1",
                        "--nthreads", "1", "--no-nanny", "--no-dashboard",
                        "--local-directory", str(tmp_path / f"local{k}"),
                        "--resources", "MEMORY=400e6") for k in range(2)]
        started += workers
        import json

        address = json.loads(place.read_text())["address"]
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, workers
    finally:
        for each in started:
            each.kill()
            each.wait()


def dask(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _START, *arguments],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env={**os.environ, "RUNS": os.environ.get("RUNS", "")})


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
