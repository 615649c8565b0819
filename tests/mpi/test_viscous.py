"""Viscosity in parallel is ANUGA's on every rank, in every form and scheme."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anuga_lean.overlay.capabilities import capabilities
from mpirun import needs_mpi, on_ranks

SCRIPT = str(Path(__file__).with_name("viscous.py"))
MODELS = ("plain", "momentum", "explicit", "stiff") if capabilities().viscosity_forms \
    else ("plain",)

pytestmark = needs_mpi


@pytest.mark.parametrize("ranks", [2, 3])
def test_everything_equals_stock(ranks: int, tmp_path: Path) -> None:
    for variant, how in (("stock", ()), ("lean", ("-m", "anuga_lean", "run"))):
        folder = tmp_path / variant
        folder.mkdir()
        done = on_ranks(ranks, folder, *how, SCRIPT, str(folder))
        assert 0 == done.returncode, done.stdout + done.stderr
    for model in MODELS:
        for rank in range(ranks):
            stock, lean = (dict(np.load(tmp_path / variant / f"{model}_{rank}.npz"))
                           for variant in ("stock", "lean"))
            assert ("stock", "lean") == (str(stock.pop("kernels")), str(lean.pop("kernels")))
            assert np.any(stock["xmomentum"] != 0.0)
            assert (1.0 < stock["numbers"][0]) == (model == "stiff")
            assert [] == [name for name, value in stock.items()
                          if value.tobytes() != lean[name].tobytes()]
