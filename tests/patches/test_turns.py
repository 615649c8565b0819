"""Two models that take turns: each evolves the steps of a turn and no more, or is given up."""

import sys
from pathlib import Path

import pytest
from verifying import turns
from verifying.tree import Failure

MODEL = {"triangles": 100, "flow_algorithm": "DE0"}


def test_each_evolves_the_steps_of_a_turn(tmp_path: Path) -> None:
    python = Path(sys.executable)
    timing = turns.in_turns(python, python, MODEL, 3, 2, 1, tmp_path)
    assert (2, 2) == (len(timing.stock), len(timing.ours))
    assert all(0.0 < each < 10.0 for each in timing.stock + timing.ours)


def test_a_model_that_never_ends_its_steps_is_given_up(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = tmp_path / "python"
    endless.write_text("#!/bin/sh\necho ready\nexec sleep 600\n")
    endless.chmod(0o755)
    monkeypatch.setattr(turns, "LONGEST_TURN", 0.5)
    with pytest.raises(Failure, match=r"not ended its steps within 0\.5 s"):
        turns.in_turns(endless, endless, MODEL, 3, 2, 1, tmp_path)
