"""Which member starts next, and what it is given: studies played through without a process."""

from __future__ import annotations

import heapq
import random

import pytest

from anuga_lean.studies.ends import after
from anuga_lean.studies.packing import Packing, Request, Worker
from anuga_lean.studies.records import End, Try
from anuga_lean.studies.reservations import MIB, Reservations, cheapest, quantile


def play(members: list[tuple[str, int, float]], worker: Worker, patience: float = 60.0,
         order: str = "packed") -> float:
    """Return when the last member ends, s."""
    packing = Packing(patience)
    packing.workers = {worker.name: worker}
    seconds = {name: duration for name, _, duration in members}
    for name, nbytes, _ in members:
        packing.waiting.add(Request(name, nbytes, 1))
    now, running = 0.0, []
    while packing.waiting or running:
        while (found := packing.start_next(now)) is not None:
            heapq.heappush(running, (now + seconds[found[1].name], found[1].name))
        assert worker.free_nbytes >= 0 and worker.free_cores >= 0
        now, name = heapq.heappop(running)
        worker.end(name)
    return now


def test_a_mixed_study_is_packed_to_the_bound() -> None:
    draw = random.Random(1)
    members = [(str(k), (400 if draw.random() < 0.05 else 50) * MIB, draw.uniform(0.5, 1.5))
               for k in range(2000)]
    worker = Worker("w", 1024 * MIB, 8)
    work = max(sum(seconds for _, _, seconds in members) / 8,
               sum(nbytes * seconds for _, nbytes, seconds in members) / (1024 * MIB))
    assert play(members, worker) < 1.15 * work


def test_a_large_member_is_not_passed_for_ever() -> None:
    packing = Packing(patience=10.0)
    worker = Worker("w", 100, 4)
    packing.workers = {"w": worker}
    for k in range(100):
        packing.waiting.add(Request(f"s{k}", 25, 1))
    while packing.start_next(0.0):
        pass
    packing.waiting.add(Request("large", 100, 1))
    now, ended = 0.0, 0
    while "large" not in worker.running:
        now += 1.0
        worker.end(next(iter(worker.running)))
        ended += 1
        while packing.start_next(now):
            pass
        assert ended < 20
    assert ["large"] == list(worker.running)


def test_one_in_line_behind_another_is_not_waited_for() -> None:
    """A worker is kept for what is asked, whoever of those that ask for it is first then."""
    packing = Packing(patience=10.0)
    worker = Worker("w", 100, 4)
    packing.workers = {"w": worker}
    packing.waiting.add(Request("small", 25, 1))
    assert packing.start_next(0.0) is not None
    for name in ("a", "b"):
        packing.waiting.add(Request(name, 100, 1))
    assert packing.start_next(0.0) is packing.start_next(20.0) is None
    packing.waiting.add(Request("a", 100, 1))       # asks anew, and is the last in line
    worker.end("small")
    assert packing.start_next(21.0) is not None and ["b"] == list(worker.running)


def test_too_large() -> None:
    packing = Packing(1.0)
    packing.workers = {"w": Worker("w", 100, 2)}
    assert not packing.too_large(Request("a", 100, 2))
    assert packing.too_large(Request("a", 101, 1)) and packing.too_large(Request("a", 1, 3))


def test_reservations_learn() -> None:
    found = Reservations(256 * MIB)
    assert 256 * MIB == found.of("a")
    for peak in (100, 110, 120):
        found.learn("a", peak * MIB, None)
    assert 132 * MIB == found.of("a")
    assert 180 * MIB == found.of("b")       # its kind is new: more, to be sure
    for n in (1000, 2000, 4000):
        found.learn("c", (50 + n // 100) * MIB, n)
    # 1.1 times 50 MiB and 10 KiB or so a triangle
    assert 1.1 * 130 * MIB <= found.of("c", 8000) <= 1.1 * 130 * MIB + 4 * MIB
    # Others of its kind have needed more than it was given.
    assert 180 * MIB == found.after("a", 100 * MIB, 100 * MIB, 1000 * MIB)
    # Nothing has needed so much: a worker for itself.
    assert 1000 * MIB == found.after("d", 200 * MIB, 150 * MIB, 1000 * MIB)
    assert 1000 * MIB == found.of("d")
    found.learn("d", 800 * MIB, None)
    assert 1200 * MIB == found.of("d") == found.after("e", 200 * MIB, None, 2000 * MIB)
    # More than there is: refused where it is asked for, not tried again with less.
    assert 1500 * MIB == found.after("f", 1000 * MIB, None, 1200 * MIB)
    assert 19 == quantile(list(range(1, 21)))
    # One in ten needs eight times as much: it is tried again, the others are not given as much.
    assert (60, 480) == (cheapest([40] * 9 + [320]), cheapest([40] + [320] * 9))


def test_a_first_member_that_shows_more_moves_the_guess() -> None:
    found = Reservations(64 * MIB)
    found.learn("a", 100 * MIB, None)
    assert 152 * MIB == found.of("a")


def test_triangles_tell_of_members_that_have_not_run() -> None:
    """First by the table, then by the table and what was taken, then by a line."""
    found = Reservations(256 * MIB, lambda family, n: 50 * MIB + n * (1 << 10))
    assert 256 * MIB == found.of("a")
    n = 100 << 10
    # 1.1 times 150 MiB, and 30 for what a script holds beside
    assert 196 * MIB == found.of("a", n, "lean") == found.of("a", n, "stock")
    found.learn("b", 100 * MIB, 10 << 10, "lean")       # 40 MiB above the table
    assert 212 * MIB == found.of("a", n, "lean") and 196 * MIB == found.of("a", n, "stock")
    found.learn("c", 110 * MIB, 20 << 10, "lean")
    found.learn("d", 120 * MIB, 30 << 10, "lean")
    assert 212 * MIB == found.of("a", n, "lean")        # 90 MiB and 1 KiB a triangle
    assert 168 * MIB == found.of("a", 60 << 10, "lean") and 196 * MIB == found.of("a", n, "stock")
    # Met at 100 MiB: what the line says, not a worker for itself.
    assert 212 * MIB == found.after("e", 100 * MIB, 100 * MIB, 9000 * MIB, n, "lean")
    assert 9000 * MIB == found.after("f", 200 * MIB, None, 9000 * MIB)


def test_a_line_promises_small_members_something() -> None:
    found = Reservations(256 * MIB)
    for n in (100, 200, 300):
        found.learn(n, (n - 60) * MIB, n)
    assert 0 < found.of("a", 10) <= 100 * MIB


def tries(*ends: End) -> list[Try]:
    return [Try(each, 1, 100, 90, 1.0, 1.0, 0.0, "here", "it said so") for each in ends]


@pytest.mark.parametrize(("ends", "again", "more"), [
    ((End.COMPLETED,), False, False),
    ((End.MEMORY,), True, True),
    ((End.MEMORY, End.MEMORY), False, False),
    ((End.FAILED,), False, False),
    ((End.TIMEOUT,), False, False),
    ((End.STOPPED,), True, False),
    ((End.KILLED,), True, False),
    ((End.LOST, End.LOST, End.LOST), False, False),
])
def test_what_follows(ends: tuple[End, ...], again: bool, more: bool) -> None:
    following = after(tries(*ends))
    assert (again, more) == (following.again, following.more_memory)


def test_stops_that_come_no_further_end() -> None:
    stops = tries(*[End.STOPPED] * 3)
    assert not after(stops).again       # none says how far it came
    for k, each in enumerate(stops):
        each.time = float(k)
    assert after(stops).again
    assert after([*stops, *tries(End.LOST), *stops[-1:]]).again
    for each in stops:
        each.time = 3.0
    assert not after(stops).again
