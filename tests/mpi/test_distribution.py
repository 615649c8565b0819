"""Each of ANUGA's functions that part a mesh gives every rank what it does on stock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("parted.py")

pytestmark = needs_mpi


def run(folder: Path, ranks: int, *how: str) -> list[dict[str, np.ndarray]]:
    folder.mkdir()
    done = on_ranks(ranks, folder, *how, str(SCRIPT), str(folder))
    assert 0 == done.returncode, done.stdout + done.stderr
    found = []
    for rank in range(ranks):
        with np.load(folder / f"{rank}.npz") as arrays:
            found.append({name: arrays[name] for name in arrays.files})
    return found


@pytest.mark.parametrize("ranks", [2, 3])
def test_every_rank_gets_what_it_does_on_stock(ranks: int, tmp_path: Path) -> None:
    stock = run(tmp_path / "stock", ranks)
    lean = run(tmp_path / "lean", ranks, "-m", "anuga_lean", "run")
    for expected, actual in zip(stock, lean, strict=True):
        assert ("stock", "lean") == (str(expected.pop("kernels")), str(actual.pop("kernels")))
        assert set(expected) == set(actual)
        assert 250 < len(expected)
        different = [name for name in expected
                     if not np.array_equal(expected[name], actual[name])]
        assert [] == different
        assert np.any(expected["distribute: stage 1"] != expected["distribute: stage 4"])
    assert [] == list((tmp_path / "lean" / "parts").glob("*.unfinished"))
