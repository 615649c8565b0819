"""What is read back from SWW files is stock's to the last bit, errors and words too."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
# The calls of a group that raise an error, on stock; more would mean that less is compared.
LEAST = {"plots": 480, "functions": 390, "rasters": 280, "plotters": 12}
RAISE = {"plots": 110, "functions": 90, "rasters": 75, "plotters": 6}


def run(script: str, *arguments: Any) -> None:
    done = subprocess.run([sys.executable, str(HERE / script), *map(str, arguments)],
                          capture_output=True, text=True, timeout=300)
    assert 0 == done.returncode, done.stderr


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that are read."""
    folder = tmp_path_factory.mktemp("results")
    run("files.py", folder)
    return folder


def found(variant: str, folder: Path, group: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the calls of a group give, and the files that they write."""
    run("worker.py", variant, folder, group)
    return pickle.loads((folder / f"{variant}_{group}" / "found.pickle").read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("group", LEAST)
def test_results_are_stocks(group: str, files: Path) -> None:
    stock, written = found("stock", files, group)
    lean, lean_written = found("lean", files, group)
    assert LEAST[group] <= len(stock)
    assert RAISE[group] >= sum(each["value"][0] == "raised" for each in stock.values())
    assert list(stock) == list(lean)
    assert [] == [label for label, value in stock.items() if value != lean[label]]
    assert set(written) == set(lean_written)
    assert [] == [name for name, value in written.items() if value != lean_written[name]]
