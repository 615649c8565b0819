"""What several tests compare with: the models of `exchange.py` on stock ANUGA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mpirun import on_ranks

SCRIPT = Path(__file__).with_name("exchange.py")


@pytest.fixture(scope="session")
def on_stock(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Give the folder with what the models have left on some ranks, run once."""
    folders: dict[int, Path] = {}

    def run(ranks: int) -> Path:
        if ranks not in folders:
            folder = tmp_path_factory.mktemp(f"stock{ranks}")
            done = on_ranks(ranks, folder, str(SCRIPT), str(folder))
            assert 0 == done.returncode, done.stdout + done.stderr
            for path in folder.glob("*.npz"):   # else lean would be compared with itself
                with np.load(path) as left:
                    assert ("stock", "anuga.utilities.sww_merge") \
                        == (str(left["kernels"]), str(left["merged_by"]))
            folders[ranks] = folder
        return folders[ranks]

    return run
