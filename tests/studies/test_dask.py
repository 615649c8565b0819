"""A study on a Dask scheduler that is there, with two workers of which one is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

from anuga_lean._errors import StudyError
from anuga_lean.studies import engines
from anuga_lean.studies.definition import read
from anuga_lean.studies.engines import Dask, _offer
from anuga_lean.studies.launching import Order, _tell_the_end
from anuga_lean.studies.member import Job
from anuga_lean.studies.packing import Worker
from anuga_lean.studies.processes import age_of
from anuga_lean.studies.records import End, Record, Try, write_record
from anuga_lean.studies.running import Run
from studies.test_runs import (
    COMMAND,
    children,
    environment,
    record,
    results,
    run,
    runs_of,
    write,
)

pytest.importorskip("distributed", reason="pip install 'anuga_lean[study]' brings Dask")
_START = "import sys; from dask.__main__ import main; sys.argv[0] = 'dask'; main()"


Processes = list[subprocess.Popen[bytes]]


@contextlib.contextmanager
def started_cluster(folder: Path, runs: str, count: int = 2,
                    *more: str, port: int = 0) -> Iterator[tuple[str, Processes]]:
    """The address of a scheduler; it, and its workers of 400 MB and one core each."""
    folder.mkdir(exist_ok=True)
    place = folder / "scheduler.json"
    started = [scheduler(folder, runs, port)]
    try:
        until = time.monotonic() + 60.0
        # it is not written at once
        while not (place.exists() and place.read_text().endswith("}")) \
                and time.monotonic() < until:
            time.sleep(0.1)
        started += [worker(folder, k, runs, *more) for k in range(count)]
        address = json.loads(place.read_text())["address"]
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(count, timeout=60)
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


def scheduler(folder: Path, runs: str, port: int) -> subprocess.Popen[bytes]:
    return dask(runs, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard",
                "--scheduler-file", str(folder / "scheduler.json"))


def worker(folder: Path, number: int, runs: str, *more: str) -> subprocess.Popen[bytes]:
    return dask(runs, "worker", "--scheduler-file", str(folder / "scheduler.json"),
                "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                "--local-directory", str(folder / f"local{number}"),
                "--resources", "MEMORY=400e6", *more)


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
    timer = Timer(6.0, workers[0].send_signal, [signal.SIGKILL])
    timer.start()
    done = run(path, "--on", address)
    timer.join()
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 12 == sum(row["end"] == "completed" for row in results(path))
    lines = runs_of(path).read_text().split()
    assert 12 == len(set(lines)) and len(lines) <= 13


@pytest.mark.slow
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_scheduler_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                    comes_back: bool) -> None:
    """Its workers go with it; where both come back the study goes on, else it says so and ends."""
    monkeypatch.setattr(engines, "_SCHEDULER_AWAY", 60.0 if comes_back else 2.0)
    path = write(tmp_path, 'anuga = "stock"\nmemory = "100MiB"\nreplicates = 8\n'
                           '[grid]\nvalue = [1.0]\n', 0.3)
    folder, runs, place = path.with_suffix(".study"), str(runs_of(path)), tmp_path / "d"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with started_cluster(place, runs, port=port) as (address, processes):

        def kill() -> None:
            while not list(folder.glob("members/*/record.json")):
                time.sleep(0.05)
            processes[0].kill()
            processes[0].wait()
            if comes_back:
                processes.append(scheduler(place, runs, port))
                processes.extend(worker(place, k, runs) for k in (2, 3))

        killer = Thread(target=kill, daemon=True)
        killer.start()
        running = Run(read(path), folder, Dask(address, tmp_path))
        if comes_back:
            assert 8 == running.run().completed
        else:
            with pytest.raises(StudyError, match="went away and did not come back in 2 s"):
                running.run()
        killer.join()
    lines = runs_of(path).read_text().split()
    assert len(lines) == len(set(lines)) and (8 == len(lines) or not comes_back)


def test_a_client_that_connects_for_ever_is_not_waited_for(
        monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        status = "connecting"

    engine = Dask.__new__(Dask)
    engine._client, engine._away_since, engine._address = Client(), None, "tcp://cn1:8786"
    assert {} == engine._there() == engine._there()
    now = time.monotonic()
    monkeypatch.setattr(engines.time, "monotonic", lambda: now + 61.0)
    with pytest.raises(StudyError, match="scheduler at tcp://cn1:8786 went away"):
        engine._there()


def test_workers_that_an_answer_leaves_out_are_not_gone() -> None:
    """A client's own question, for none of the workers, may come between ours and its answer."""
    class Client:
        status = "running"

        def scheduler_info(self, n_workers: int) -> dict[str, object]:
            return {"n_workers": 2, "workers": {}}

    engine = Dask.__new__(Dask)
    engine._client, engine._away_since = Client(), None
    engine._known = {name: Worker(name, 1, 1) for name in ("a", "b")}
    assert {"a", "b"} == set(engine._there())


def test_a_worker_that_goes_away_while_it_is_asked_is_no_error() -> None:
    from distributed.comm import CommClosedError

    offer = (1 << 30, "cn1", None)
    said = {"a": offer, "b": CommClosedError("cut"), "c": "there is no folder", "d": ImportError()}

    class Client:
        def run(self, *arguments: object, **more: object) -> dict[str, object]:
            return said

    engine = Dask.__new__(Dask)
    engine._client, engine._folder = Client(), ""
    assert {"a", "c", "d"} == set(engine._asked(list(said)))


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


# Slow until it goes on from a set.
SLOW = """
import anuga
import time
from pathlib import Path
goes_on = any(each.is_dir() for each in Path().iterdir())
domain = anuga.rectangular_cross_domain(4, 4)
domain.set_name("model")
domain.set_quantity("stage", 1.0)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
for t in domain.evolve(yieldstep=0.1, finaltime=40.0):
    time.sleep(0.0 if goes_on else 0.1)
with open("result.txt", "w") as file:
    file.write("1.0")
"""


@pytest.mark.slow
def test_a_member_stops_before_its_worker_ends_and_goes_on_with_another(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard stops half a minute before the end that it is told."""
    path = write(tmp_path, 'memory = "100MiB"\n')
    (tmp_path / "script.py").write_text(SLOW)
    monkeypatch.setattr(engines, "SOONEST", 32.0)
    folder = path.with_suffix(".study")
    with started_cluster(tmp_path / "d", "", 1, "--lifetime", "60s") as (address, processes):

        def come() -> None:
            while not (folder / "members" / "0-0" / "record.json").exists():
                time.sleep(0.1)
            processes.append(worker(tmp_path / "d", 1, ""))

        second = Thread(target=come, daemon=True)
        second.start()
        running = Run(read(path), folder, Dask(address, tmp_path))
        assert 1 == running.run().completed
        second.join()
        assert processes[1].poll() is None
    first, last = record(path, "0-0")["tries"]
    assert ("stopped", "completed") == (first["end"], last["end"])
    assert 75 == first["exit_code"] and 0.0 < first["time"] < 40.0
    assert f"goes on where it stopped at t={first['time']:g} s" == last["again"]


def test_an_order_has_the_end_of_its_worker(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    now = time.time()
    guarded, stock = (Job("0-0", "", "", [], options, {}, True, 1, {}, None)
                      for options in (["--guard"], []))
    for job in (guarded, stock):
        _tell_the_end(job, now + 600.0, now)
    assert (["--guard", "--walltime", "600s"], []) == (guarded.options, stock.options)
    assert {"SLURM_JOB_END_TIME": str(int(now + 600.0))} == guarded.environment
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(now + 50.0)))

    class Worker:
        lifetime = 3600.0

    assert _offer(str(tmp_path), Worker())[2] == int(now + 50.0)
    monkeypatch.delenv("SLURM_JOB_END_TIME")
    monkeypatch.delenv("SLURM_JOB_ID")
    end = _offer(str(tmp_path), Worker())[2]
    age = age_of(os.getpid())
    assert age > 0.5 and abs(end - (time.time() - age + 3600.0)) < 1.0
    assert _offer(str(tmp_path))[2] is None


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


def quick(order: Order, threads: int) -> None:
    """Be a member that is completed soon."""
    time.sleep(0.02)
    Path(order.job.folder).mkdir(parents=True)
    write_record(Path(order.job.folder), Record(order.job.name, [
        Try(End.COMPLETED, 0, order.nbytes, 1 << 20, 0.01, 0.01, 0.0, "here")]))


def test_the_scheduler_knows_a_window_of_members(tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 as many as there are slots, not all at once; those that have ended are forgotten."""
    from distributed import LocalCluster

    monkeypatch.setattr(engines, "run_member", quick)
    path = write(tmp_path, 'memory = "10MiB"\nreplicates = 200\n')
    counts, submitted = [], []

    class Counting(Dask):
        def submit(self, worker: Any, order: Order, threads: int) -> None:
            super().submit(worker, order, threads)
            submitted.append(order.job.name)
            counts.append(len(cluster.scheduler.tasks))

    with LocalCluster(n_workers=2, threads_per_worker=2, processes=False,
                      dashboard_address=":0") as cluster:
        running = Run(read(path), path.with_suffix(".study"), Counting(cluster, tmp_path))
        assert 200 == running.run().completed
    assert 200 == len(set(submitted)) == len(submitted)
    assert 0 < max(counts) <= 3 * 4, max(counts)
