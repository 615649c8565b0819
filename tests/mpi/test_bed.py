"""A bed that moves after `distribute`, and prescribed boundaries: stock's bits on every rank.

Every centroid of full and ghost triangles, with a rank on ANUGA's kernels beside lean ones too,
and from a checkpoint.  ANUGA 4.1 does not send the bed on: its ghosts keep the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anuga_lean.overlay.capabilities import capabilities
from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("bed.py")
MODELS = ("owned", "some_ranks", "direct", "operator", "erosion", "tide")
LEAN = ("-m", "anuga_lean", "run")

pytestmark = needs_mpi
Results = dict[str, np.ndarray]
Runs = Callable[[int, str], Path]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The folder of a number of ranks, once all models have run in it in some way."""
    folders: dict[int, Path] = {}
    done: set[tuple[int, str]] = set()

    def run(ranks: int, how: str) -> Path:
        if ranks not in folders:
            folders[ranks] = tmp_path_factory.mktemp(f"bed{ranks}")
            (folders[ranks] / "stock").mkdir()
        if (ranks, how) not in done:
            done.add((ranks, how))
            is_stock = how == "stock"
            folder = folders[ranks] / "stock" if is_stock else folders[ranks]
            process = on_ranks(ranks, folder, *(() if is_stock else LEAN), str(SCRIPT),
                               str(folder), "whole" if is_stock else how, ",".join(MODELS))
            assert 0 == process.returncode, process.stdout + process.stderr
        return folders[ranks]

    return run


def left(folder: Path, how: str, model: str, ranks: int) -> list[Results]:
    """What each rank has left of a model."""
    return [dict(np.load(folder / f"{how}_{model}_{rank}.npz")) for rank in range(ranks)]


def of_stock(runs: Runs, model: str, ranks: int) -> list[Results]:
    """What stock's ranks have left; the bed of ghosts has moved where ANUGA sends it on."""
    found = left(runs(ranks, "stock") / "stock", "whole", model, ranks)
    assert ["stock"] * ranks == [str(each.pop("kernels")) for each in found]
    moved = []
    for each in found:
        ghost = each["full"] == 0
        assert ghost.any() and 15 < len(each["steps"])
        moved.append((each["elevation"][0][ghost] != each["elevation"][-1][ghost]).any())
        assert (each["xmomentum"][-1][ghost] != 0.0).any()
    if model != "tide" and capabilities().bed_ghosts:
        assert any(moved)
    return found


def different(expected: Results, actual: Results) -> list[str]:
    assert set(expected) == set(actual)
    return [name for name, value in expected.items() if value.tobytes() != actual[name].tobytes()]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ranks", [2, 3])
def test_every_rank_is_lean_and_equals_stock(runs: Runs, ranks: int, model: str) -> None:
    actual = left(runs(ranks, "whole"), "whole", model, ranks)
    assert ["lean"] * ranks == [str(each.pop("kernels")) for each in actual]
    for one, other in zip(of_stock(runs, model, ranks), actual, strict=True):
        assert [] == different(one, other)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("ranks", [2, 3])
def test_a_rank_on_stock_kernels_beside_lean_ones(runs: Runs, ranks: int, model: str) -> None:
    """They understand each other's messages."""
    actual = left(runs(ranks, "mixed"), "mixed", model, ranks)
    assert ["stock" if rank == 1 else "lean" for rank in range(ranks)] == [
        str(each.pop("kernels")) for each in actual]
    for one, other in zip(of_stock(runs, model, ranks), actual, strict=True):
        assert [] == different(one, other)


@pytest.mark.parametrize("model", MODELS)
def test_goes_on_from_a_checkpoint(runs: Runs, model: str) -> None:
    """Of the yield at 4 s; what the script did to the bed before it is in it."""
    ranks = 2
    runs(ranks, "broken")
    actual = left(runs(ranks, "resumed"), "resumed", model, ranks)
    assert ["lean"] * ranks == [str(each.pop("kernels")) for each in actual]
    for one, other in zip(of_stock(runs, model, ranks), actual, strict=True):
        count, steps = len(other["times"]), len(other["steps"])
        assert [5.0, 6.0, 7.0, 8.0] == other["times"].tolist() and 4 < steps < len(one["steps"])
        rest = {name: value if name in ("full", "numbers") else
                value[-steps:] if name == "steps" else value[-count:]
                for name, value in one.items()}
        assert [] == different(rest, other)
