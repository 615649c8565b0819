"""Runs on ranks that go on from between two steps are the uninterrupted ones, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from guard.ranks import CASES
from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("ranks.py")
TESTS = SCRIPT.parents[1]
# By day what has something of its own to say on ranks.
FEW = ("DE0", "rk3", "fixed", "viscous")


def loaded(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def different(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> list[str]:
    assert first.keys() == second.keys()
    return [name for name, values in first.items() if values.tobytes() != second[name].tobytes()]


def check(folder: Path, ranks: int, cases: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    if "file" in cases:
        done = on_ranks(1, folder, str(SCRIPT), "source", str(folder))
        assert 0 == done.returncode, done.stdout + done.stderr
    for what in ("whole", "saving", "resumed"):
        done = on_ranks(ranks, folder, str(SCRIPT), what, str(folder), *cases)
        assert 0 == done.returncode, done.stdout + done.stderr
    assert len(cases) == done.stderr.count("goes on from the set at t="), done.stderr
    for case in cases:
        for rank in range(ranks):
            whole, saving, resumed = (loaded(folder / case / f"{name}_{rank}.npz")
                                      for name in ("whole", "saving", "resumed"))
            assert [] == different(whole, saving), (case, rank, "writing a set changes the run")
            assert [] == different(whole, resumed), (case, rank)


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_what_ranks_go_on_with(tmp_path: Path, ranks: int,
                               monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path, ranks, list(FEW), monkeypatch)


@pytest.mark.nightly
@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("case", [case for case in CASES
                                  if case not in FEW])
def test_all_that_ranks_go_on_with(tmp_path: Path, ranks: int, case: str,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path, ranks, [case], monkeypatch)
