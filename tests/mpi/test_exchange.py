"""Ghost values, time steps and merged files are stock's on every rank, whatever their number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mpi.sww_contents import contents, differences
from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("exchange.py")
MODELS = ("DE0_2", "DE0_4", "DE1_2", "DE1_4")

pytestmark = needs_mpi
Results = dict[str, np.ndarray]


def left(folder: Path, ranks: int) -> dict[str, list[Results]]:
    """What each rank left of each model."""
    return {model: [dict(np.load(folder / f"{model}_{rank}.npz")) for rank in range(ranks)]
            for model in MODELS}


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_everything_equals_stock(ranks: int, on_stock: Callable[[int], Path],
                                 tmp_path: Path) -> None:
    done = on_ranks(ranks, tmp_path, "-m", "anuga_lean", "run", str(SCRIPT), str(tmp_path))
    assert 0 == done.returncode, done.stdout + done.stderr
    stock, lean = left(on_stock(ranks), ranks), left(tmp_path, ranks)
    ghosts = {}
    for model, expected_ranks in stock.items():
        actual_ranks = lean[model]
        assert ["stock"] * ranks == [str(rank.pop("kernels")) for rank in expected_ranks]
        assert ["lean"] * ranks == [str(rank.pop("kernels")) for rank in actual_ranks]
        for rank in expected_ranks:
            assert "anuga.utilities.sww_merge" == str(rank.pop("merged_by"))
        for rank in actual_ranks:
            assert "anuga_lean.mpi.merging" == str(rank.pop("merged_by"))
        for expected, actual in zip(expected_ranks, actual_ranks, strict=True):
            assert set(expected) == set(actual)
            assert 10 < len(expected["steps"])
            assert np.any(expected["stage"][0] != expected["stage"][-1])
            assert [] == [name for name, value in expected.items()
                          if value.tobytes() != actual[name].tobytes()]
        assert 1428 == sum(int(rank["full"].sum()) for rank in expected_ranks)
        assert 10 < expected_ranks[0]["counts"].min()
        ghosts[model] = sum(int((rank["full"] == 0).sum()) for rank in expected_ranks)
        # What a rank has in a ghost triangle is what its owner has there.
        owned = {}
        for rank in actual_ranks:
            full = rank["full"] == 1
            owned |= dict(zip(rank["numbers"][full], rank["last_friction"][full], strict=True))
        for rank in actual_ranks:
            ghost = rank["full"] == 0
            assert [owned[number] for number in rank["numbers"][ghost]] \
                == rank["last_friction"][ghost].tolist()
        assert [] == differences(on_stock(ranks) / f"{model}.sww",
                                 tmp_path / f"{model}.sww")
    assert ghosts["DE0_2"] == ghosts["DE1_2"] < ghosts["DE0_4"] == ghosts["DE1_4"]
    assert "stage_c" in contents(tmp_path / "DE0_4.sww")


@pytest.mark.parametrize(("ranks", "end"), [(2, "finalize"), (3, "exit")])
def test_what_scripts_do_with_a_parallel_domain(ranks: int, end: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("halo.py")
    done = on_ranks(ranks, tmp_path, "-X", "faulthandler", str(script), end)
    assert 0 == done.returncode, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert {f"rank {rank} is done" for rank in range(ranks)} <= set(lines)
    grown = [int(line.split()[-2]) for line in lines if "grew by" in line]
    assert ranks == len(grown)
    assert max(grown) < 1_000_000
