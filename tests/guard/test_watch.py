"""When the watch warns, saves and stops: by hand, with a clock of the test's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.guard.limits import MIB, Level
from anuga_lean.guard.requests import Kind, Requests
from anuga_lean.guard.watch import Watch

LIMIT = 1000 * MIB


class Machine:
    """A clock, a limit and what is taken of it."""

    def __init__(self, used: float = 0.0, **options: Any) -> None:
        self.now, self.used = 1e5, used
        self.warned: list[str] = []
        self.requests = Requests()
        self.watch = Watch(self.requests, self, clock=lambda: self.now,   # type: ignore[arg-type]
                           warn=self.warned.append, **options)

    def read(self) -> list[Level]:
        return [Level("cgroup /a", int(self.used * MIB), LIMIT)]

    def close(self) -> None:
        pass

    def run(self, seconds: float, rate: float = 0.0) -> list[float]:
        """Let time pass as the watch asks for it; return the intervals."""
        intervals, end = [], self.now + seconds
        while self.now < end and not self.requests.kind.stops:
            intervals.append(self.watch.check())
            self.now += intervals[-1]
            self.used += rate * intervals[-1]
        return intervals


@pytest.mark.parametrize(("used", "kind", "warnings"), [
    (799, Kind.NOTHING, 0), (801, Kind.NOTHING, 1), (901, Kind.SAVE, 1), (951, Kind.STOP_MEMORY, 0),
])
def test_levels_at_rest(used: float, kind: Kind, warnings: int) -> None:
    machine = Machine(used)
    machine.run(20.0)
    assert (kind, warnings) == (machine.requests.kind, len(machine.warned))


def test_one_set_in_ten_minutes() -> None:
    machine = Machine(910)
    asked = 0
    for _ in range(1250):
        machine.run(1.0)
        asked += machine.requests.kind is Kind.SAVE
        machine.requests.saved()
    assert 3 == asked       # at 0, 600 and 1,200 s
    assert 1 == len(machine.warned)


def test_growth_is_seen_before_the_limit() -> None:
    machine = Machine(300)
    machine.run(1e4, rate=5.0)
    assert Kind.STOP_MEMORY is machine.requests.kind
    # 95 % are less than a minute away as soon as the warning's 80 % are passed
    assert 800 <= machine.used < 806
    assert "95% are reached in 30 s" in machine.requests.why


@pytest.mark.parametrize("rate", [100.0, 200.0, 300.0])
def test_fast_growth_is_seen_before_three_seconds_are_over(rate: float) -> None:
    machine = Machine(400)
    machine.run(10.0)
    machine.run(6.0, rate)
    assert Kind.STOP_MEMORY is machine.requests.kind
    assert 800 <= machine.used - rate / 20 < 830


def test_the_time_that_a_stop_takes_counts() -> None:
    """A step and a set of 10 s: 21 s before the limit, where growth has lasted for 4 s."""
    for seconds, kind in ((0.0, Kind.NOTHING), (10.0, Kind.STOP_MEMORY)):
        machine = Machine(790, stopping=lambda seconds=seconds: seconds)    # type: ignore[misc]
        machine.watch._growth.FEWEST = 99       # what looks a minute ahead does not know yet
        machine.run(10.0)
        machine.run(5.0, rate=10.0)
        assert kind is machine.requests.kind


def test_slow_growth_saves_first() -> None:
    machine = Machine(895)
    machine.run(100.0, rate=0.1)
    assert Kind.SAVE is machine.requests.kind


def test_a_single_large_allocation_is_no_growth() -> None:
    machine = Machine(500)
    machine.run(10.0)
    machine.used = 940
    machine.run(30.0)
    machine.requests.saved()
    assert Kind.NOTHING is machine.requests.kind


def test_readings_come_faster_near_a_limit() -> None:
    machine = Machine(100)
    assert {1.0} == set(machine.run(10.0))
    assert 0.05 == min(machine.run(60.0, rate=200.0))


def test_the_deadline() -> None:
    machine = Machine(deadline=1e5 + 100.0, needed=lambda: 30.0)
    machine.run(69.0)
    assert Kind.NOTHING is machine.requests.kind
    machine.run(3.0)
    assert Kind.STOP_TIME is machine.requests.kind
    assert "its time ends in 30 s" == machine.requests.why


def test_the_file(tmp_path: Path) -> None:
    machine = Machine(stop_file=str(tmp_path / "stop"))
    machine.run(2.0)
    assert Kind.NOTHING is machine.requests.kind
    (tmp_path / "stop").touch()
    machine.run(2.0)
    assert (Kind.STOP_FILE, f"the file {tmp_path}/stop is there") == (
        machine.requests.kind, machine.requests.why)


def test_the_strongest_request_counts() -> None:
    requests = Requests()
    requests.ask(Kind.STOP_SIGNAL, "first")
    requests.ask(Kind.SAVE, "second")
    assert (Kind.STOP_SIGNAL, "first") == (requests.kind, requests.why)
    requests.saved()
    assert Kind.STOP_SIGNAL is requests.kind


def test_a_thread_ends() -> None:
    requests = Requests()
    machine = Machine(960)
    watch = Watch(requests, machine)    # type: ignore[arg-type]
    watch.start()
    until = time.monotonic() + 10.0
    while not requests.kind.stops and time.monotonic() < until:
        time.sleep(0.01)
    watch.end()
    assert Kind.STOP_MEMORY is requests.kind


def test_signals_are_requests_until_they_are_released() -> None:
    requests = Requests()
    before = signal.getsignal(signal.SIGUSR1), signal.getsignal(signal.SIGTERM)
    requests.catch_signals()
    os.kill(os.getpid(), signal.SIGTERM)
    requests.release_signals()
    assert (Kind.STOP_SIGNAL, "SIGTERM came") == (requests.kind, requests.why)
    assert before == (signal.getsignal(signal.SIGUSR1), signal.getsignal(signal.SIGTERM))


def test_requests_load_no_numpy() -> None:
    done = subprocess.run([sys.executable, "-c", (
        "import sys\nimport anuga_lean.guard.requests\n"
        "print(sorted({'numpy', 'anuga', 'mpi4py', 'netCDF4'} & set(sys.modules)))")],
        capture_output=True, text=True)
    assert "[]\n" == done.stdout
