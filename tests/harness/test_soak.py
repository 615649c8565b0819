"""What a process does again and again costs it nothing that lasts: short soaks, and the judge."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import soak

SOAK = Path(soak.__file__)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "turns"), [
    ("run", 300), ("domains", 20), ("checkpoints", 40), ("loads", 20), ("quantities", 50),
    ("conversions", 15),
])
def test_nothing_is_left_behind(case: str, turns: int) -> None:
    found = soak.measure("lean", case, turns)
    assert turns <= found["turns"] < 1.1 * turns
    assert (0.0, 0.0) == (found["files"], found["threads"])
    # A leak is of one object a turn at least; a list that doubles, or a cache that fills, is less.
    assert abs(found["objects"]) < 0.5


def test_a_leak_of_objects_and_files_is_seen(tmp_path: Path) -> None:
    kept = []
    with ExitStack() as files:
        def leak(turn: int) -> None:
            kept.append([turn])
            if turn % 5 == 0:
                files.enter_context(open(tmp_path / "file", "w"))

        figures = soak.turns(20, leak).figures()
    assert 0.9 < figures["objects"]
    assert 3 <= figures["files"]
    assert 0 == figures["threads"]


def test_figures_beyond_stocks_are_judged() -> None:
    stock = {"turns": 200.0, "bytes": 50.0, "objects": 1.0, "files": 0.0, "threads": 0.0}
    assert [] == soak.passed("domains", {"stock": stock, "lean": stock})
    lean = stock | {"bytes": 200.0, "objects": 2.0, "files": 3.0}
    assert ["domains: 200.0 bytes a turn on lean, at most 114.0 are allowed",
            "domains: 2.0 objects a turn on lean, at most 1.1 are allowed",
            "domains: 3 more files than at the start"] == soak.passed(
                "domains", {"stock": stock, "lean": lean})


def test_the_command_prints_and_stores(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SOAK), "--variant", "lean", "--case", "quantities", "--scale", "0.01",
         "--json", str(tmp_path / "soak.json")], capture_output=True, text=True)
    assert "quantities, lean" in done.stdout, done.stderr
    assert 20.0 == json.loads((tmp_path / "soak.json").read_text())["quantities"]["lean"]["turns"]
