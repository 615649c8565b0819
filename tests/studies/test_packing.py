"""Which member starts next, and what it is given: studies played through without a process."""

from __future__ import annotations

import heapq
import random

import pytest

from anuga_lean.studies.durations import Durations
from anuga_lean.studies.ends import after
from anuga_lean.studies.packing import Packing, Request, Worker
from anuga_lean.studies.records import End, Try
from anuga_lean.studies.reservations import MIB, Reservations, cheapest, margin, quantile


def play(members: list[tuple[str, int, float]], worker: Worker) -> dict[str, float]:
    """Run members whose durations are known; return when each has ended, s."""
    packing = Packing()
    packing.workers = {worker.name: worker}
    seconds = {name: duration for name, _, duration in members}
    for name, nbytes, duration in members:
        packing.waiting.add(Request(name, nbytes, 1, duration))
    now, running, ended = 0.0, [], {}
    while packing.waiting or running:
        while (found := packing.start_next()) is not None:
            heapq.heappush(running, (now + seconds[found[1].name], found[1].name))
        assert worker.free_nbytes >= 0 and worker.free_cores >= 0
        now, name = heapq.heappop(running)
        worker.end(name)
        ended[name] = now
    return ended


def test_a_mixed_study_is_packed_to_the_bound() -> None:
    draw = random.Random(1)
    members = [(str(k), (400 if draw.random() < 0.05 else 50) * MIB, draw.uniform(0.5, 1.5))
               for k in range(2000)]
    worker = Worker("w", 1024 * MIB, 8)
    work = max(sum(seconds for _, _, seconds in members) / 8,
               sum(nbytes * seconds for _, nbytes, seconds in members) / (1024 * MIB))
    assert max(play(members, worker).values()) < 1.02 * work


def test_large_members_are_not_left_to_the_end() -> None:
    """Twelve that hold most of the memory, among small ones that fit into any gap."""
    draw = random.Random(2)
    members = [(f"s{k}", 24, draw.uniform(0.5, 1.5)) for k in range(96)] \
        + [(f"l{k}", 60, draw.uniform(0.5, 1.5)) for k in range(12)]
    ended = play(members, Worker("w", 136, 4))
    assert max(ended.values()) < 1.12 * sum(seconds for *_, seconds in members) / 4


def test_the_largest_start_first_where_memory_is_left_for_all_cores() -> None:
    """They may be the longest too, and small ones fill the gaps at the end."""
    packing = Packing()
    worker = Worker("w", 1000, 4)
    packing.workers = {"w": worker}
    for k in range(12):
        packing.waiting.add(Request(f"m{k}", 20 * k, 1))
    while packing.start_next() is not None:
        pass
    assert ["m11", "m10", "m9", "m8"] == list(worker.running)


def test_one_that_needs_a_whole_worker_gets_what_becomes_free() -> None:
    """As soon as its work is a share of one core of what is left; until then small ones pass."""
    packing = Packing()
    worker = Worker("w", 100, 4)
    packing.workers = {"w": worker}
    for k in range(20):
        packing.waiting.add(Request(f"s{k}", 25, 1))
    while packing.start_next() is not None:
        pass
    packing.waiting.add(Request("large", 100, 1, 20.0))
    for _ in range(4):      # nothing starts beside it
        assert packing.start_next() is None
        worker.end(next(iter(worker.running)))
    assert packing.start_next() is not None
    assert ["large"] == list(worker.running)


def test_one_that_should_wait_does_not_keep_a_core_idle() -> None:
    packing = Packing()
    worker = Worker("w", 100, 2)
    packing.workers = {"w": worker}
    packing.waiting.add(Request("later", 90, 1, is_later=True))
    packing.waiting.add(Request("first", 10, 1))
    names = [packing.start_next(), packing.start_next()]
    assert ["first", "later"] == [each[1].name for each in names if each is not None]


@pytest.mark.parametrize("seed", range(5))
def test_no_worker_is_overcommitted_and_none_waits_for_ever(seed: int) -> None:
    draw = random.Random(seed)
    workers = [Worker(str(k), draw.choice([100, 300, 1000]), draw.choice([2, 4])) for k in range(4)]
    most = max(each.nbytes for each in workers)
    packing = Packing()
    packing.workers = {each.name: each for each in workers}
    for k in range(300):
        packing.waiting.add(Request(str(k), draw.randint(1, most), 2, draw.uniform(0.1, 9.0),
                                    draw.random() < 0.2))
    running: list[tuple[Worker, str]] = []
    for _ in range(1200):
        while (found := packing.start_next()) is not None:
            running.append((found[0], found[1].name))
        for each in workers:
            held = each.running.values()
            assert each.nbytes - sum(one.nbytes for one in held) == each.free_nbytes >= 0
            assert each.cores - sum(one.cores for one in held) == each.free_cores >= 0
        if not running:
            break
        worker, name = running.pop(draw.randrange(len(running)))
        worker.end(name)
    assert (0, 0) == (len(packing.waiting), len(running))


def test_too_large() -> None:
    packing = Packing()
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
    assert 1000 * MIB == found.after("d", 200 * MIB, 150 * MIB, 1000 * MIB) == found.of("d")
    # Of a kind that is known it is an exception.
    assert 1000 * MIB == found.after("a", 132 * MIB, None, 1000 * MIB)
    assert 132 * MIB == found.of("a")
    found.learn("d", 800 * MIB, None)
    # As much as the only one like it, and half of that more; all there is where that is enough.
    assert 1200 * MIB == found.after("e", 200 * MIB, None, 2000 * MIB)
    assert 1000 * MIB == found.after("d", 200 * MIB, None, 1000 * MIB)
    # More than there is: refused where it is asked for, not tried again with less.
    assert 1500 * MIB == found.after("f", 1000 * MIB, None, 1200 * MIB)
    assert 19 == quantile(list(range(1, 21)))
    # One of three needs eight times as much: it is tried again, the others are not given as much.
    assert 60.0 == cheapest([40] * 2 + [320])
    assert pytest.approx((48.8, 390.4)) == (cheapest([40] * 9 + [320]), cheapest([40] + [320] * 9))


def test_a_first_member_that_shows_more_moves_the_guess() -> None:
    found = Reservations(64 * MIB)
    found.learn("a", 100 * MIB, None)
    assert 152 * MIB == found.of("a")


def test_what_is_given_is_worked_out_ever_more_rarely() -> None:
    """All members of a kind that wait ask anew then: for each of thousands this would be for ever.
    """
    found = Reservations(64 * MIB)
    counts = [k for k in range(1, 3000) if found.learn("a", 100 * MIB, None)]
    assert [1, 2, 3, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048] == counts


def test_the_margin_shrinks_with_what_is_known() -> None:
    """One peak of a kind is worth more once those of other kinds have shown not to grow."""
    found = Reservations(64 * MIB)
    found.learn("new", 100 * MIB, None)
    assert 152 * MIB == found.of("new")
    for k in range(10):
        for _ in range(4):
            found.learn(k, 100 * MIB, None)
    assert 116 * MIB == found.of("new") and (1.5, 1.5, 1.3) == (margin(1), margin(3), margin(6))
    assert 116 * MIB == found.of("unknown")
    for k in range(10):
        found.learn(k, 200 * MIB, None)     # they do grow
    assert 152 * MIB == found.of("new")


def test_durations() -> None:
    found = Durations()
    assert found.of("a", 200 * MIB) == 2 * found.of("a", 100 * MIB)
    assert found.of("a", 1, 4000) == pytest.approx(8 * found.of("a", 1, 1000))
    found.learn("a", 1.0, 100)
    found.learn("a", 3.0, 300)
    assert (2.0, 1.0, 3.0) == (found.of("a", 5), found.of("b", 100), found.of("b", 4000))
    found.learn("c", 8.0, 100, 100)
    assert found.of("d", 1, 200) == pytest.approx(12.0 * 8 ** 0.5)


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
