"""Spoilt input files: lean ends by no signal, takes no more memory, and agrees with stock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fuzz.driver import TESTS, WEIGHTS, judged

FILES = 5000        # of a night
FEW = 120           # of every run of the tests


def drive(folder: Path, first: int, count: int) -> Counter[str]:
    """Read some files; return how many of each kind came to what, nothing of it wrong."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(
        each for each in (str(TESTS), os.environ.get("PYTHONPATH")) if each)}
    done = subprocess.run(
        [sys.executable, str(TESTS / "fuzz" / "driver.py"), str(first), str(count)],
        cwd=folder, env=environment, capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout[-2000:] + done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert [] == found["wrong"]
    counts = Counter(found["counts"])
    assert count == sum(counts.values())
    return counts


@pytest.mark.slow
def test_some(tmp_path: Path) -> None:
    counts = drive(tmp_path, 0, FEW)
    for word in ("read", "error"):
        assert 10 < sum(n for name, n in counts.items() if name.endswith(f": {word}"))


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.memory
def test_many(tmp_path: Path) -> None:
    """5,000 files; each kind is read by both as often as not at all, at least a few times."""
    counts = drive(tmp_path, FEW, FILES)
    here = {kind for kind in WEIGHTS if any(name.startswith(f"{kind}:") for name in counts)}
    assert set(WEIGHTS) - here <= {"tif"}
    for kind in here - {"figures"}:
        assert 3 < min(counts[f"{kind}: read"], counts[f"{kind}: error"]), kind


@pytest.mark.slow
@pytest.mark.nightly
def test_a_tenth(tmp_path: Path) -> None:
    """What `make sanitize` runs on kernels that check what they do."""
    drive(tmp_path, FEW + FILES, FILES // 10)


ERROR = {"peak": 0, "seconds": 1.0, "said": "x", "where": ""}


@pytest.mark.parametrize("stock, lean, wrong", [
    ({"value": ["a"]}, {"value": ["a"]}, ""),
    ({"value": ["a"]}, {"value": ["b"]}, "values [0] differ"),
    ({"value": ["a"]}, {"value": ["a", "b"]}, "values [] differ"),
    ({"value": ["a"]}, {"error": ["MeshError", "LeanError", "ValueError"]}, "only lean refuses"),
    ({"error": ["ValueError"]}, {"value": ["a"]}, "only stock refuses"),
    ({"error": ["ValueError"]}, {"error": ["UnicodeError", "ValueError"]}, ""),
    ({"error": ["OwnError", "KeyError"]}, {"error": ["KeyError"]}, ""),
    ({"error": ["ValueError"]}, {"error": ["TypeError"]}, "stock: ValueError"),
    ({"error": ["ValueError"]}, {"error": ["MeshError", "LeanError"]}, ""),
    ({"value": ["a"]}, {"value": ["a"], "peak": 17 << 20}, "17 MiB more than stock"),
    ({"value": ["a"], "peak": 2 << 20}, {"value": ["a"], "peak": 17 << 20}, ""),
    ({"value": ["a"]}, {"signal": "SIGSEGV"}, "lean ended by SIGSEGV"),
    ({"signal": "SIGSEGV"}, {"signal": "SIGSEGV"}, "lean ended by SIGSEGV"),
    ({"signal": "SIGSEGV"}, {"error": ["TypeError"]}, ""),
    ({"value": ["a"]}, {"signal": "SIGALRM", "seconds": 20.0}, "lean ended by SIGALRM"),
    ({"value": ["a"], "seconds": 15.0}, {"signal": "SIGALRM", "seconds": 20.0}, ""),
    (None, {"error": ["RecordError", "LeanError"]}, ""),
    (None, {"error": ["TypeError"]}, "lean: TypeError"),
])
def test_the_judge_can_say_no(stock: dict | None, lean: dict, wrong: str) -> None:
    said = judged(None if stock is None else ERROR | stock, ERROR | lean)[1]
    assert said.startswith(wrong) if wrong == "" else wrong in said
    assert bool(wrong) == bool(said)
