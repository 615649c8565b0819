"""Under MPI every rank computes stock's bits: plain `distribute`, each algorithm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anuga_lean.measure.comparison import same_bits
from mpirun import arrays_of_ranks, needs_mpi, on_ranks

RANKS = 3
SCRIPT = Path(__file__).with_name("ranks.py")
SCENARIO = Path(__file__).with_name("scenario.py")

pytestmark = needs_mpi


def run(folder: Path, algorithm: str, *how: str) -> list[dict[str, np.ndarray]]:
    """Run the script on three ranks started with `how`; what each rank left."""
    folder.mkdir()
    return arrays_of_ranks(RANKS, folder, *how, str(SCRIPT), str(folder), algorithm)


@pytest.mark.parametrize("algorithm", ["DE0", "DE1"])
def test_every_rank_equals_stock(algorithm: str, tmp_path: Path) -> None:
    stock = run(tmp_path / "stock", algorithm)
    lean = run(tmp_path / "lean", algorithm, "-m", "anuga_lean", "run")
    assert ["stock"] * RANKS == [str(rank.pop("kernels")) for rank in stock]
    assert ["lean"] * RANKS == [str(rank.pop("kernels")) for rank in lean]
    for expected, actual in zip(stock, lean, strict=True):
        assert set(expected) == set(actual)
        assert 20 < len(expected["timesteps"])
        assert 0 < np.count_nonzero(expected["full"] == 0)  # ghosts: the halo was exchanged
        assert np.any(expected["stage"][0] != expected["stage"][-1])
        different = [
            name for name in expected if not np.array_equal(expected[name], actual[name])
        ]
        assert [] == different


def test_the_parallel_scenario_equals_stock_on_every_rank(tmp_path: Path) -> None:
    found: dict[str, list[dict[str, np.ndarray]]] = {}
    for variant in ("stock", "lean"):
        folder = tmp_path / variant
        folder.mkdir()
        done = on_ranks(2, folder, str(SCENARIO), str(folder), variant)
        assert 0 == done.returncode, done.stdout + done.stderr
        found[variant] = [dict(np.load(folder / f"{rank}.npz")) for rank in range(2)]
        assert [variant] * 2 == [str(rank.pop("kernels")) for rank in found[variant]]
    # Full triangles are of one rank, and all of them together the whole mesh.
    assert 1024 == sum(int(rank["full"].sum()) for rank in found["stock"])
    for expected, actual in zip(found["stock"], found["lean"], strict=True):
        assert np.any(expected["xmomentum"])
        names = set(expected) & set(actual)
        assert {"full", "stage", "xmomentum", "ymomentum", "elevation", "friction"} <= names
        assert [] == [name for name in names if not same_bits(expected[name], actual[name])]
