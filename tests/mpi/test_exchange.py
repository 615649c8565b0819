"""Ghost values, time steps and merged files are stock's on every rank, whatever their number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mpi.sww_contents import contents, differences
from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("exchange.py")
MODELS = {"DE0_2": 2, "DE0_4": 4, "DE1_2": 2, "DE1_4": 4}

pytestmark = needs_mpi
Results = dict[str, np.ndarray]


def run(folder: Path, ranks: int, *how: str) -> dict[str, list[Results]]:
    """Run all models on some ranks; what each rank left of each."""
    folder.mkdir()
    done = on_ranks(ranks, folder, *how, str(SCRIPT), str(folder))
    assert 0 == done.returncode, done.stdout + done.stderr
    return {model: [dict(np.load(folder / f"{model}_{rank}.npz")) for rank in range(ranks)]
            for model in MODELS}


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_everything_equals_stock(ranks: int, tmp_path: Path) -> None:
    stock = run(tmp_path / "stock", ranks)
    lean = run(tmp_path / "lean", ranks, "-m", "anuga_lean", "run")
    ghosts = {}
    for model, on_stock in stock.items():
        on_lean = lean[model]
        assert ["stock"] * ranks == [str(rank.pop("kernels")) for rank in on_stock]
        assert ["lean"] * ranks == [str(rank.pop("kernels")) for rank in on_lean]
        for expected, actual in zip(on_stock, on_lean, strict=True):
            assert set(expected) == set(actual)
            assert 10 < len(expected["steps"])
            assert np.any(expected["stage"][0] != expected["stage"][-1])
            assert [] == [name for name, value in expected.items()
                          if value.tobytes() != actual[name].tobytes()]
        assert 1428 == sum(int(rank["full"].sum()) for rank in on_stock)
        assert 10 < on_stock[0]["counts"].min()
        ghosts[model] = sum(int((rank["full"] == 0).sum()) for rank in on_stock)
        # What a rank has in a ghost triangle is what its owner has there.
        owned = {}
        for rank in on_lean:
            full = rank["full"] == 1
            owned |= dict(zip(rank["numbers"][full], rank["last_friction"][full], strict=True))
        for rank in on_lean:
            ghost = rank["full"] == 0
            assert [owned[number] for number in rank["numbers"][ghost]] \
                == rank["last_friction"][ghost].tolist()
        assert [] == differences(tmp_path / "stock" / f"{model}.sww",
                                 tmp_path / "lean" / f"{model}.sww")
    assert ghosts["DE0_2"] == ghosts["DE1_2"] < ghosts["DE0_4"] == ghosts["DE1_4"]
    assert "stage_c" in contents(tmp_path / "lean" / "DE0_4.sww")
