"""How long whole studies take, with members whose ends are computed: no process, no waiting."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from anuga_lean.studies.definition import from_arguments
from anuga_lean.studies.launching import Order
from anuga_lean.studies.packing import Worker
from anuga_lean.studies.records import End, Record, Try, read_record, write_record
from anuga_lean.studies.running import Run
from anuga_lean.studies.sizes import by_table

MIB = 1 << 20


class Need(NamedTuple):
    """What a member takes."""

    nbytes: int
    seconds: float


class Played:
    """An engine whose clock goes from end to end; a member that meets its limit does so early."""

    def __init__(self, worker: Worker, needs: dict[str, Need], killed: float) -> None:
        self.worker, self.needs, self.killed = worker, needs, killed
        self.now = 0.0
        self.ends: list[tuple[float, str, Order]] = []
        self.tries = 0

    def workers(self) -> list[Worker]:
        return [self.worker]

    def submit(self, worker: Worker, order: Order, threads: int) -> None:
        nbytes, seconds = self.needs[order.job.name]
        if nbytes > order.nbytes:
            seconds *= self.killed
        heapq.heappush(self.ends, (self.now + seconds, order.job.name, order))
        self.tries += 1
        assert sum(each[2].nbytes for each in self.ends) <= worker.nbytes
        assert len(self.ends) <= worker.cores

    def wait(self, seconds: float) -> list[tuple[str, BaseException | None]]:
        began = self.now
        self.now, name, order = heapq.heappop(self.ends)
        nbytes, _ = self.needs[name]
        end = End.COMPLETED if nbytes <= order.nbytes else End.MEMORY
        folder = Path(order.job.folder)
        folder.mkdir(parents=True, exist_ok=True)
        record = read_record(folder) or Record(name, [])
        record.tries.append(Try(end, 0, order.nbytes, min(nbytes, order.nbytes),
                                self.needs[name].seconds, 0.0, began, "w"))
        write_record(folder, record)
        return [(name, None)]

    def ask_for(self, waiting: int) -> None:
        """Have no other worker."""

    def may_start(self, request: object) -> bool:
        return False

    def most(self) -> int:
        return self.worker.nbytes

    def used(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        """Have nothing to close."""


def play(folder: Path, needs: dict[str, Need], worker: Worker, killed: float = 0.1,
         **keys: Any) -> tuple[float, Played]:
    """Run a study; return how much longer than the bound it takes, a share, and what ran it."""
    (folder / "model.py").write_text("")
    engine = Played(worker, needs, killed)
    study = from_arguments(folder, "s", script=str(folder / "model.py"), guard=False, **keys)
    assert len(needs) == Run(study, folder / "s.study", engine).run().completed
    assert (worker.nbytes, worker.cores) == (worker.free_nbytes, worker.free_cores)
    bound = max(sum(each.nbytes * each.seconds for each in needs.values()) / worker.nbytes,
                sum(each.seconds for each in needs.values()) / worker.cores,
                max(each.seconds for each in needs.values()))
    return engine.now / bound - 1.0, engine


def named(sets: int, replicates: int, of: Callable[[int, int], Need]) -> dict[str, Need]:
    wide, deep = len(str(sets - 1)), len(str(replicates - 1))
    return {f"{k:0{wide}}-{each:0{deep}}": of(k, each)
            for k in range(sets) for each in range(replicates)}


def mixed(sets: int, replicates: int, seed: int) -> dict[str, Need]:
    """One set of ten large, one of which a single member is: as benchmarks/packing.py has them."""
    draw = random.Random(seed)

    def of(number: int, replicate: int) -> Need:
        mib = 314 if number % 10 == 4 else 40 + number % 5 * 4
        if number == sets // 2 + 1 and replicate == replicates // 2:
            mib = 214
        return Need(int(mib * MIB * draw.uniform(0.98, 1.02)), draw.uniform(1.0, 3.0))

    return named(sets, replicates, of)


# What is above 0 is for finding out what sets need, and for the last members of all.  The means of
# some draws are in docs/studies.md.
@pytest.mark.parametrize(("sets", "replicates", "most"), [
    (50, 6, 0.15), (25, 6, 0.25), (75, 2, 0.20), (150, 1, 0.45), (10, 6, 0.28)])
@pytest.mark.parametrize("killed", [0.1, 0.7])
def test_a_mixed_study_takes_hardly_longer_than_it_must(
        tmp_path: Path, sets: int, replicates: int, most: float, killed: float) -> None:
    over, engine = play(tmp_path, mixed(sets, replicates, 19), Worker("w", 880 * MIB, 8), killed,
                        grid={"n": list(range(sets))}, replicates=replicates)
    assert over < most
    assert engine.tries < sets * replicates * 1.2


def test_triangles_tell_of_large_and_long_ones(tmp_path: Path) -> None:
    """Meshes of 3 thousand to a million triangles, each a single member."""
    draw = random.Random(1)
    meshes = [int(10 ** draw.uniform(3.5, 6.0)) for _ in range(100)]
    needs = named(100, 1, lambda k, _: Need(
        int(draw.uniform(0.95, 1.05) * (by_table("lean", 1, meshes[k]) or 0)),
        0.5 + 2.0 * (meshes[k] / 1e5) ** 1.5))
    over, engine = play(tmp_path, needs, Worker("w", 4096 * MIB, 8), grid={"n": meshes},
                        triangles="{n}")
    assert over < 0.05 and engine.tries < 105


def test_first_members_share_a_worker(tmp_path: Path) -> None:
    """Nothing is known of any: all cores have one, with a share of the memory."""
    worker = Worker("w", 800 * MIB, 8)
    needs = named(8, 1, lambda k, _: Need(50 * MIB, 1.0))
    over, _ = play(tmp_path, needs, worker, grid={"n": list(range(8))})
    assert 0.0 == over


def test_one_whose_guess_was_too_small_has_all_once(tmp_path: Path) -> None:
    """What it needs is found, and its set runs."""
    worker = Worker("w", 1000 * MIB, 10)
    needs = named(10, 3, lambda k, _: Need((600 if k == 3 else 50) * MIB, 1.0))
    _, engine = play(tmp_path, needs, worker, grid={"n": list(range(10))}, replicates=3)
    tries = [[each.nbytes // MIB for each in (read_record(
        tmp_path / "s.study" / "members" / f"3-{k}") or Record("", [])).tries] for k in range(3)]
    assert [100, 1000] == tries[0]
    assert max(each[-1] for each in tries[1:]) < 1000 and engine.tries <= 34
