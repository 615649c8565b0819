"""Parallel runs go on from their checkpoints as if nothing had happened, on every rank."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("ranks.py")
LAST_SETS = {"DE0": 12.0, "DE1": 14.0}
LEAN = ("-m", "anuga_lean", "run")
KILLED = 137

pytestmark = needs_mpi
Results = dict[str, np.ndarray]


def start(folder: Path, ranks: int, how: tuple[str, ...], *what: str) -> int:
    """Start the script on some ranks; the exit status, which 'broken' makes that of a kill."""
    done = on_ranks(ranks, folder, *how, str(SCRIPT), str(folder), *what)
    assert done.returncode in ((0, KILLED) if what[-1] == "broken" else (0,)), \
        done.stdout + done.stderr
    return done.returncode


def read(folder: Path, what: str, algorithm: str, rank: int) -> Results:
    """What a rank has left of a run."""
    with np.load(folder / what / f"{algorithm}_{rank}.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def rest_of(whole: Results, resumed: Results) -> Results:
    """What a resumed run has to show, as many yields and steps as it does."""
    last = len(resumed["times"])
    found = {}
    for name, value in whole.items():
        if name == "steps":
            found[name] = value[-len(resumed[name]):]
        elif name.startswith("sww.") or value.ndim == 0:
            found[name] = value
        else:
            found[name] = value[-last:]
    return found


def assert_same(whole: Results, resumed: Results, began: float) -> None:
    """Whether a rank of a resumed run shows what the uninterrupted one does."""
    assert began == float(resumed.pop("begin"))
    resumed.pop("warnings")
    expected = rest_of(whole, resumed)
    assert set(expected) - {"begin", "warnings"} == set(resumed)
    assert 18 - began == len(resumed["times"])
    assert 10 < len(resumed["steps"]) < len(whole["steps"])
    assert "lean" == str(resumed["kernels"])
    assert [] == [name for name, value in resumed.items()
                  if not np.array_equal(expected[name], value)]


def wait_for_writers(folder: Path) -> None:
    """Wait until the ranks that wrote SWW files are gone: mpiexec may end before them."""
    pids = {int(pid) for lock in folder.glob("*.lock")
            for pid in re.findall(r"pid\W+(\d+)", lock.read_text())}
    until = monotonic() + 20.0
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and monotonic() < until:
        sleep(0.05)


@pytest.mark.parametrize("ranks", [2, 3])
def test_every_rank_goes_on(ranks: int, tmp_path: Path) -> None:
    """After a kill; where a file of one rank is missing or damaged all take the older set."""
    assert KILLED == start(tmp_path, ranks, LEAN, "whole", "broken")
    last = f"CHECKPOINTS/flood_DE0_P{ranks}_1_12.0.npz"
    wait_for_writers(tmp_path / "broken")
    for what in ("loaded_missing", "loaded_damaged"):
        shutil.copytree(tmp_path / "broken", tmp_path / what)
        assert (tmp_path / what / last).exists()
    (tmp_path / "loaded_missing" / last).unlink()
    damaged = tmp_path / "loaded_damaged" / last
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 4
    damaged.write_bytes(data)
    start(tmp_path, ranks, LEAN, "resumed", "loaded_missing", "loaded_damaged")
    for rank in range(ranks):
        for algorithm, time in LAST_SETS.items():
            whole = read(tmp_path, "whole", algorithm, rank)
            resumed = read(tmp_path, "resumed", algorithm, rank)
            assert [] == resumed["warnings"].tolist()
            assert_same(whole, resumed, time)
        whole = read(tmp_path, "whole", "DE0", rank)
        resumed = read(tmp_path, "loaded_missing", "DE0", rank)
        said = resumed["warnings"].tolist()
        assert_same(whole, resumed, 9.0)
        assert (1 if rank == 0 else 0) == len(said)
        assert all("ranks [1] have no file" in text and "t=9.0 s instead" in text for text in said)
        resumed = read(tmp_path, "loaded_damaged", "DE0", rank)
        said = resumed["warnings"].tolist()
        assert (1 if rank == 0 else 0) == len(said)
        for text in said:
            assert damaged.name in text and "damaged" in text
            assert "loaded the older set at t=9.0 s" in text
        assert_same(whole, resumed, 9.0)
