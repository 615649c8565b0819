"""What is told of a run while it is on: lines of its ranks as one, silence, memory over time."""

from __future__ import annotations

import os
import time

import pytest

from anuga_lean.measure import outside
from anuga_lean.measure.outside import Heard, Watched, named, of_ranks
from anuga_lean.measure.report import equality_lines
from anuga_lean.measure.verdict import not_distributed, triangles_of, verdict


@pytest.mark.parametrize("told, numprocs, line", [
    ({}, 2, "start on 2 ranks"),
    ({0: "evolve"}, 3, "evolve on rank 0; start on ranks 1-2"),
    ({0: "step 40/200", 1: "step 38/200"}, 2, "step 38/200 on 2 ranks"),
    ({0: "step 40/200", 1: "evolve"}, 2, "step 40/200 on rank 0; evolve on rank 1"),
    (dict.fromkeys(range(16), "build the model"), 16, "build the model on 16 ranks"),
])
def test_ranks_in_one_line(told: dict[int, str], numprocs: int, line: str) -> None:
    assert line == of_ranks(told, numprocs)


def test_ranks_are_named_in_runs() -> None:
    assert ["rank 3", "ranks 0-2, 5", "ranks 1, 3"] == [
        named(ranks) for ranks in ([3], [5, 1, 0, 2], [1, 3])]


def test_silence_is_said_with_stage_ranks_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "SILENCE", 0.2)
    reading, writing = os.pipe()
    lines: list[str] = []
    watched = Watched(os.getpid())
    heard = Heard(reading, lines.append, 2, watched)
    os.write(writing, b"1 evolve\n0 evol")
    os.write(writing, b"ve\n")
    time.sleep(0.7)
    os.close(writing)
    heard.join()
    watched.end()
    assert "evolve on 2 ranks" == heard.last and heard.last in lines[:2]
    silent = [line for line in lines if "nothing new for" in line]
    assert silent and "at: evolve on 2 ranks, " in silent[0] and silent[0].endswith(" MiB")


def test_samples_stay_few_and_keep_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "MOST_SAMPLES", 50)
    watched = Watched(os.getpid())
    watched.end()
    watched.samples = []
    for k in range(5000):
        watched._keep(k * 0.1, 900 if k == 3333 else 100)
    assert 20 < len(watched.samples) <= 50
    assert 900 == max(rss for _, rss in watched.samples)
    assert sorted(watched.samples) == watched.samples


def ranks(parts: int, number: int = 2) -> dict[str, object]:
    each = {"parts": parts, "number_of_triangles": 100, "number_of_full_triangles": 90}
    return {**each, "ranks": [each] * number}


def test_a_script_that_does_not_distribute_is_named() -> None:
    assert ("model.py does not distribute its domain: each of 2 ranks computes the whole model of "
            "100 triangles.") == not_distributed("model.py", ranks(1))
    assert "" == not_distributed("model.py", ranks(2))
    assert [100, 180, 100] == [triangles_of(run) for run in (
        ranks(1), ranks(2), {"number_of_triangles": 100, "parts": 1})]


def test_one_line_for_all_ranks() -> None:
    names = ["stage", "height", "timestep", "sww/a.sww/time", "evolve 2: stage"]
    equal = {f"rank {rank}: {name}": True for rank in range(3) for name in names}
    assert ("Equal, bit for bit: 2 quantities, 7 time steps, 3 SWW variables of 3 files on all 3 "
            "ranks") == str(verdict(equal, 7))
    equal["rank 2: sww/a.sww/time"] = equal["rank 1: stage"] = False
    assert ("Different: rank 1: stage, SWW variable time of a.sww on rank 2; 13 of 15 compared are "
            "equal") == str(verdict(equal, 7))
    assert not verdict({}, 7).equal
    assert 15 == len(equality_lines(dict(equal)))
