"""What the thread of a guard asks for, by a clock and limits of the test's own."""

from __future__ import annotations

import math
from typing import Any

import pytest

from anuga_lean.guard.limits import MIB, Level
from anuga_lean.guard.requests import Kind, Requests
from anuga_lean.guard.watch import INTERVAL, SAVES, SHORTEST, Watch

LIMIT = 1000 * MIB


class World:
    """A clock, and a limit of which so much is taken."""

    def __init__(self, mib: float = 100.0, **options: Any) -> None:
        self.now, self.mib = 1000.0, mib
        self.wait = 0.0     # that the last look has asked for, s
        self.requests, self.said = Requests(), list[str]()
        self.watch = Watch(self.requests, self, warn=self.said.append,     # type: ignore[arg-type]
                           clock=lambda: self.now, **options)

    def read(self) -> list[Level]:
        return [Level("cgroup /x", int(self.mib * MIB), LIMIT)]

    def goes_on(self, seconds: float, rate: float = 0.0) -> Kind:
        """Let so much time pass, MiB/s more being taken, until something is asked for."""
        until = self.now + seconds
        self.wait = self.watch.check()
        while self.requests.kind is Kind.NOTHING and self.now + self.wait <= until:
            self.now += self.wait
            self.mib += rate * self.wait
            self.wait = self.watch.check()
        return self.requests.kind


@pytest.mark.parametrize(("mib", "kind", "warnings"), [
    (100, Kind.NOTHING, 0), (799, Kind.NOTHING, 0), (800, Kind.NOTHING, 1), (899, Kind.NOTHING, 1),
    (900, Kind.SAVE, 1), (949, Kind.SAVE, 1), (950, Kind.STOP_MEMORY, 0),
    (1000, Kind.STOP_MEMORY, 0)])
def test_levels(mib: float, kind: Kind, warnings: int) -> None:
    world = World(mib)
    assert kind is world.goes_on(30.0)
    world.goes_on(30.0)
    assert warnings == len(world.said)


def test_one_set_in_a_while_where_memory_stays_short() -> None:
    world = World(920)
    assert Kind.SAVE is world.goes_on(5.0)
    world.requests.saved()
    assert Kind.NOTHING is world.goes_on(SAVES - 10.0)
    assert Kind.SAVE is world.goes_on(20.0)


@pytest.mark.parametrize("rate", [2.0, 10.0, 50.0])
def test_what_grows_is_stopped_before_it_is_there(rate: float) -> None:
    """From 80 % on, if 95 % are a minute off, and never before there."""
    world = World(700)
    assert Kind.STOP_MEMORY is world.goes_on(400.0, rate)
    assert 800 <= world.mib < 950
    assert "more each second" in world.requests.why
    assert (950 - world.mib) / rate < 60.0


def test_what_grows_slowly_or_once_is_not() -> None:
    assert Kind.NOTHING is World(700).goes_on(90.0, 1.0)       # 790 MiB: not short yet
    slow = World(801)
    assert Kind.NOTHING is slow.goes_on(60.0, 1.0)             # 89 s are left at 861 MiB
    once = World(500)
    once.goes_on(20.0)
    once.mib = 850.0
    assert Kind.NOTHING is once.goes_on(60.0)


def test_it_looks_more_often_the_nearer_the_limit_is_in_time() -> None:
    def look(mib: float, rate: float) -> float:
        world = World(mib)
        world.goes_on(4.0, rate)
        return world.wait

    assert INTERVAL == look(100, 0.0) == look(100, 1.0) == look(940, 0.0)
    waits = [look(400, rate) for rate in (15.0, 30.0, 60.0, 100.0)]
    assert sorted(waits, reverse=True) == waits and waits[0] < INTERVAL
    assert SHORTEST == look(400, 400.0)


@pytest.mark.parametrize("every", [0.3, 1.2, 900.0])
def test_sets_are_due_after_their_interval(every: float) -> None:
    world = World(every=every)
    for _ in range(3):
        due = world.now + every
        assert Kind.SAVE is world.goes_on(2.0 * every)
        assert due == pytest.approx(world.now, abs=SHORTEST)
        world.requests.saved()


def test_the_end_of_its_time() -> None:
    world = World(deadline=1100.0, needed=lambda: 40.0)
    assert Kind.STOP_TIME is world.goes_on(100.0)
    assert 1060.0 == pytest.approx(world.now, abs=INTERVAL)
    assert math.inf == World().watch.deadline
