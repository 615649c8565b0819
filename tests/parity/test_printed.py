"""What ANUGA prints is a result: the same characters on stock and on lean."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from inspect import signature
from pathlib import Path

import pytest
from anuga import Kinematic_viscosity_operator

from parity.printed import normalised
from parity.printed_operators import CASES
from parity.runs import Setting

# Cases of what only some releases of ANUGA have, with the argument that tells.
_NEEDS = {"operator_viscosity_explicit": "scheme"}


def has(name: str) -> bool:
    """Whether this ANUGA has what a case is about."""
    return _NEEDS.get(name) in {None, *signature(Kinematic_viscosity_operator).parameters}


NAMES = [name for name in CASES if has(name)]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders with the texts of all cases, by variant."""
    folders = {variant: tmp_path_factory.mktemp(variant) for variant in ("stock", "lean")}

    def run(variant: str) -> None:
        subprocess.run([sys.executable, "-m", "parity.printed", variant, str(folders[variant]),
                        *NAMES], cwd=folders[variant], env=Setting(variant).environment(),
                       check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, folders))
    return folders


@pytest.mark.parametrize("name", NAMES)
def test_same_characters(printed: dict[str, Path], name: str) -> None:
    """Every line that reaches the terminal or a log, of a case that stock runs to its end."""
    for folder in printed.values():
        error = folder / f"{name}.err"
        assert not error.exists(), error.read_text()
    stock, lean = [(printed[variant] / f"{name}.txt").read_text() for variant in ("stock", "lean")]
    assert stock
    assert [] == list(unified_diff(stock.splitlines(), lean.splitlines(), "stock", "lean",
                                   lineterm="", n=0))
    assert stock == lean


def test_only_the_clock_the_memory_and_places_are_taken_out() -> None:
    """What no two runs share, and no number beside it."""
    line = ("Time = 1.5000 (sec), delta t = 0.20000001 (s), steps=5 (3s), elapsed (00:00:03), "
            "eta (00:00:06), mem=148MB")
    assert "Time = 1.5000 (sec), delta t = 0.20000001 (s), steps=5 (#), mem=#" \
        == normalised(line, "/there")
    for kept in ("Cumulative mass protection: 8121.881723235687 m^3", "Triangle #7 (0.5, 2.0) ",
                 "0.5 m, 2.0 s at (10, 12)"):
        assert kept == normalised(kept, "/there")
    assert "in FOLDER/a at 0x#" == normalised("in /there/a at 0x7f12", "/there")
