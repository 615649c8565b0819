"""Leases of members: two machines, clocks that jump, holders that are stopped, what is left.

Another machine is played by another name of the place where numbers of processes mean the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anuga_lean.studies import records
from anuga_lean.studies.member import RESULT
from anuga_lean.studies.processes import began_of
from anuga_lean.studies.records import LEASE, Held, Watch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "members" / "0-0"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that this process has seen pass, to be moved by the test."""
    now = [1000.0]
    monkeypatch.setattr(records.time, "monotonic", lambda: now[0])
    return now


def be(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a process of a machine."""
    monkeypatch.setattr(records, "_here", lambda: name)


def taken(folder: Path) -> Held:
    held = records.take(folder)
    assert held is not None
    return held


def test_one_of_another_machine_counts_while_it_changes(
        folder: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    be("one", monkeypatch)
    held = taken(folder)
    be("two", monkeypatch)
    watch = Watch()
    for step in range(20):      # it beats every 10 s, in files of a machine whose clock is wrong
        os.utime(folder / LEASE, (step, step))
        clock[0] += 10.0
        assert not watch.is_free(folder) and records.take(folder) is None
    clock[0] += records.STALE - 1.0
    assert not watch.is_free(folder)
    clock[0] += 2.0
    assert watch.is_free(folder)
    assert taken(folder).lease.token != held.lease.token


@pytest.mark.parametrize("jump", [-1e6, 3600.0, 1e9])
def test_a_clock_that_jumps_ends_no_lease(
        folder: Path, jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    be("one", monkeypatch)
    taken(folder)
    be("two", monkeypatch)
    watch, now = Watch(), time.time
    assert not watch.is_free(folder)
    monkeypatch.setattr(records.time, "time", lambda: now() + jump)
    assert not watch.is_free(folder) and records.take(folder) is None


def test_who_was_stopped_for_too_long_finds_it_taken(
        folder: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    be("one", monkeypatch)
    first = taken(folder)
    assert first.beat()
    be("two", monkeypatch)
    watch = Watch()
    watch.is_free(folder)
    clock[0] += 2.0 * records.STALE
    assert watch.is_free(folder)
    second = taken(folder)
    be("one", monkeypatch)
    text = (folder / LEASE).read_bytes()
    first.session(1)
    assert not first.beat()
    first.give_back()
    assert text == (folder / LEASE).read_bytes() and second.beat()


def test_a_holder_here_is_asked_for_by_its_number(folder: Path, clock: list[float]) -> None:
    held, watch = taken(folder), Watch()
    clock[0] += 1e6
    assert not watch.is_free(folder) and records.is_running(folder)
    held.lease.began -= 1       # the number has been another process's since
    (folder / LEASE).write_bytes(records.msgspec.json.encode(held.lease))
    assert watch.is_free(folder) and not records.is_running(folder)
    taken(folder).give_back()
    assert watch.is_free(folder) and not (folder / LEASE).exists()


def test_what_a_killed_process_has_half_written_goes(folder: Path) -> None:
    own = folder / ".mine.part"
    for path in (own, folder / f".{LEASE}.1.part", folder / ".record.json.2.part",
                 folder / f"{RESULT}.part"):
        path.write_text("{")
    taken(folder).give_back()
    assert [own] == list(folder.iterdir())


def test_containers_of_one_name_are_two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    here = records._here()
    assert os.uname().nodename in here
    monkeypatch.setattr(records.os, "readlink", lambda path: "pid:[1]")
    assert here != records._here()


def test_what_a_session_has_left_is_killed(folder: Path) -> None:
    held = taken(folder)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                               start_new_session=True)
    try:
        held.session(process.pid)
        held.kill_sessions()
        assert -9 == process.wait(timeout=10) and not began_of(process.pid)
    finally:
        process.kill()
