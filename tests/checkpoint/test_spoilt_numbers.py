"""Checkpoints with other arrays and numbers than a run writes: nothing of them crashes a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.compared import TESTS

MODELS = ("plain", "walls and tracers", "ghosts", "stock")


@pytest.mark.parametrize("model", MODELS)
def test_spoilt_numbers(tmp_path: Path, model: str) -> None:
    """Refused, stopped by an error or stepped, but never ended by a signal."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(
        each for each in (str(TESTS), os.environ.get("PYTHONPATH")) if each)}
    done = subprocess.run(
        [sys.executable, "-m", "checkpoint.spoilt_numbers", model, "150"], cwd=tmp_path,
        env=environment, capture_output=True, text=True, timeout=600)
    assert 0 == done.returncode, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [{"what": "nothing", "outcome": "went on"}] == cases[:1]
    assert 150 == len(cases)
    assert [] == [case for case in cases if "died" in case["outcome"] or
                  "while it is loaded" in case["outcome"]]
    assert {"refused", "went on"} <= {case["outcome"] for case in cases}
