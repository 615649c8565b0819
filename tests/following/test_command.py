"""`anuga_lean watch` as a user meets it: a terminal, a log, JSON, exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from following import made
from following.made import at_yield, begin, end
from mpirun import MPI_ENVIRONMENT, MPIEXEC, needs_mpi

WATCH = [sys.executable, "-m", "anuga_lean", "watch"]
MODEL = """
import sys
import anuga
domain = anuga.rectangular_cross_domain(20, 20) if anuga.myid == 0 else None
if anuga.numprocs > 1:
    domain = anuga.distribute(domain)
domain.set_name("model")
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
for t in domain.evolve(yieldstep=0.01, finaltime=1e6):
    print(t, flush=True)
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits."""
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield started
    started.kill()
    started.wait()


def watch(*arguments: str, folder: Path, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*WATCH, *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=timeout)


@contextlib.contextmanager
def watching(*arguments: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """The verb while it runs, and what it says."""
    with subprocess.Popen([*WATCH, *arguments], cwd=folder, stdout=subprocess.PIPE,
                          text=True) as started:
        assert started.stdout is not None
        yield started, started.stdout


def record_of(pid: int, path: Path) -> Path:
    return made.write(path, begin(pids=(pid,), nodes=(made.HERE,), wall=time.time()),
                      at_yield(0.0, 1.0, 70))


@pytest.mark.parametrize("arguments, sentence", [
    (["nothing"], "there is no file nothing, and it is no number of a process"),
    (["999999999"], "there is no process 999999999 on this machine"),
    (["."], "there is no record of a run in ."),
    (["text"], "text is no record of a run"),
    (["--every", "0"], "is no duration above 0"),
    (["text", "--json", "no/such.json"], "no/such.json cannot be written"),
    (["a" * 5000], "cannot be read: [Errno 36]"),
    (["pipe"], "pipe is no file"), ([""], "the name is empty"),
])
def test_what_cannot_be_watched(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("a log\n")
    os.mkfifo(tmp_path / "pipe")
    done = watch(*arguments, folder=tmp_path)
    assert 2 == done.returncode and 1 == len(done.stderr.splitlines())
    assert sentence in done.stderr and "" == done.stdout


def test_a_folder_means_its_newest_record(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (tmp_path / "anuga_lean_runs").mkdir()
    record_of(child.pid, tmp_path / "anuga_lean_runs" / "b.jsonl")
    old = made.write(tmp_path / "a.jsonl", begin(), end(1.0, "completed", 0))
    os.utime(old, (1e9, 1e9))
    (tmp_path / "other.jsonl").write_text('{"of": "another program"}\n')
    done = watch("--once", "--json", "look.json", folder=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    assert "t=1 of 100 s (1%), 7 steps" in done.stdout and "rank 0" in done.stdout
    found = json.loads((tmp_path / "look.json").read_text())
    assert found["ranks"][0]["where"] == "here" and found["sum"]["pss"] > 1 << 20
    assert 1 == watch(str(old), "--json", "-", folder=tmp_path).stdout.count("\n")


def test_a_run_that_is_killed_in_a_log(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    path = record_of(child.pid, tmp_path / "run.jsonl")
    with watching("run.jsonl", "--every", "1s", folder=tmp_path) as (started, stdout):
        first = [stdout.readline() for _ in range(4)]
        assert first[1].startswith("MiB") and first[2].startswith("rank 0")
        made.add(path, '{"event": "warning", "seconds": 1, "text": "memory is short\\u001b[2J"}\n')
        said = stdout.readline() + stdout.readline()
        assert re.match(r"\d\d:\d\d:\d\d t=1 of 100 s .*PSS \d+ MiB, RSS \d+ MiB", said)
        assert "warning: memory is short\\x1b[2J\n" in said
        child.kill()
        child.wait()
        rest = stdout.read()
    assert 137 == started.returncode and "killed: its processes are gone" in rest
    assert "\x1b" not in said + rest and 1 == (said + rest).count("warning:")


@pytest.mark.parametrize("outcome, code", [("completed", 0), ("stopped", 75)])
def test_a_run_that_ends_on_a_terminal(outcome: str, code: int, child: subprocess.Popen[bytes],
                                       tmp_path: Path) -> None:
    path = record_of(child.pid, tmp_path / "run.jsonl")
    leader, terminal = pty.openpty()
    started = subprocess.Popen([*WATCH, "run.jsonl", "--every", "1s"], cwd=tmp_path,
                               stdout=terminal, env=os.environ | {"COLUMNS": "50", "LINES": "24"})
    os.close(terminal)
    text, looks = "", 0
    while True:
        try:
            text += os.read(leader, 4096).decode()
        except OSError:
            break       # its last writer has closed it
        if looks == 0 and text.count("rank 0") == 2:
            looks = 2
            made.add(path, json.dumps(end(1.0, outcome, code)) + "\n")
    os.close(leader)
    assert code == started.wait() and 2 == looks
    # over itself: as many lines up as were written, the cursor comes back, the end is whole
    first, second, *_ = text.split("\x1b[4A")
    assert 4 == first.count("\r\n") == second.count("\r\n")
    assert text.startswith("\x1b[?25l") and text.endswith(f"exit code {code}\r\n\x1b[?25h")
    assert all(len(re.sub(r"\x1b\[\??\w+", "", each)) < 52 for each in first.split("\r\n"))


def test_a_process_without_a_record(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    done = watch(str(child.pid), "--once", "--json", "-", folder=tmp_path)
    found = json.loads(done.stdout)
    assert 0 == done.returncode and 1 == len(found["ranks"]) and found["ending"] is None
    assert found["sum"]["rss"] >= found["sum"]["pss"] >= found["sum"]["uss"] > 1 << 20
    assert found["limit"]["limit"] > 1 << 20 and "nearest limit:" in done.stderr
    with watching(str(child.pid), "--every", "1s", folder=tmp_path) as (started, stdout):
        assert f"process {child.pid}" in stdout.readline()
        child.kill()
        child.wait()
        rest = stdout.read()
    assert 3 == started.returncode
    assert f"process {child.pid} has ended; how, only a record" in rest


def wait_for(path: Path, text: str) -> None:
    end = time.monotonic() + 120.0
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < end, path.read_text() if path.exists() else path
        time.sleep(0.1)


@pytest.mark.slow
def test_a_guarded_run(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    with open(tmp_path / "out", "w") as out:
        run = subprocess.Popen([sys.executable, "-m", "anuga_lean", "run", "--guard", "model.py"],
                               cwd=tmp_path, stdout=out, stderr=out)
    try:
        wait_for(tmp_path / "out", "0.02")
        with watching("--every", "1s", folder=tmp_path) as (started, stdout):
            assert "model" in stdout.readline()
            by_pid = json.loads(watch(str(run.pid), "--once", "--json", "-",
                                      folder=tmp_path).stdout)
            assert "model" == by_pid["name"] and by_pid["progress"]["finaltime"] == 1e6
            run.send_signal(signal.SIGUSR1)
            said = stdout.read()
        assert (75, 75) == (run.wait(60), started.returncode), said
        assert re.search(r"stopped at t=\S+ s because SIGUSR1 came, exit code 75\n$", said)
    finally:
        run.kill()
        run.wait()


@needs_mpi
@pytest.mark.slow
def test_stock_on_ranks(tmp_path: Path) -> None:
    """Without a record, by the number of mpiexec."""
    (tmp_path / "model.py").write_text(MODEL)
    with open(tmp_path / "out", "w") as out:
        run = subprocess.Popen([str(MPIEXEC), "-n", "2", sys.executable, "model.py"],
                               cwd=tmp_path, stdout=out, stderr=out, start_new_session=True,
                               env=os.environ | MPI_ENVIRONMENT)
    try:
        wait_for(tmp_path / "out", "0.02")
        found = json.loads(watch(str(run.pid), "--once", "--json", "-", folder=tmp_path).stdout)
        assert ["rank 0", "rank 1"] == [each["name"] for each in found["ranks"]][:2]
        assert 3 == len(found["ranks"]) and found["progress"] is None
        assert all(each["pss"] < each["rss"] for each in found["ranks"])
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
