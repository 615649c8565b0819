"""Sets that somebody else has changed, loaded and evolved: a few at each push, many in a night."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.compared import TESTS

FEW = 150
# Of `make fuzz`; what make test-all takes of them where that is not asked for.
MANY = int(os.environ.get("FORGED", "2000"))


def evolved(folder: Path, first: int, count: int) -> dict[str, int]:
    """How many cases had each outcome, if none had one that must not be."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(
        each for each in (str(TESTS), os.environ.get("PYTHONPATH")) if each)}
    done = subprocess.run(
        [sys.executable, "-m", "checkpoint.evolve_forged", str(first), str(count)], cwd=folder,
        env=environment, capture_output=True, text=True, timeout=7200)
    assert 0 == done.returncode, done.stderr
    *wrong, last = done.stdout.splitlines()
    assert [] == wrong
    counts: dict[str, int] = json.loads(last)["counts"]
    assert count == sum(counts.values())
    for trust in ("trusted", "untrusted"):
        assert {f"{trust} refused", f"{trust} went on"} <= set(counts)
    return counts


@pytest.mark.slow
def test_a_few(tmp_path: Path) -> None:
    """Refused, stopped by an error or evolved: no signal, no file elsewhere, no code, no hang."""
    evolved(tmp_path, 0, FEW)


@pytest.mark.nightly
@pytest.mark.slow
def test_many(tmp_path: Path) -> None:
    evolved(tmp_path, FEW, MANY)
