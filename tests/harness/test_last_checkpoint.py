"""A measured run that writes a checkpoint after its last step."""

from __future__ import annotations

from pathlib import Path

import pytest

import anuga_lean as anuga
from anuga_lean._errors import ScenarioError
from anuga_lean.measure.measurement import Request, measure


def test_the_set_is_a_stage_and_holds_the_last_step(tmp_path: Path) -> None:
    request = Request("lean", "dam_break", {"triangles": 400}, steps=3, stages=True,
                      checkpoint=True)
    result = measure(request, tmp_path)
    assert ["first step", "evolve", "checkpoint"] == list(result["stages"])[-3:]
    assert 3 == result["steps"]
    loaded = anuga.load_checkpoint_file("dam_break", str(tmp_path / "CHECKPOINTS"))
    assert sum(result["timesteps"]) == pytest.approx(loaded.get_time(), rel=1e-12)
    assert 1 == len(list((tmp_path / "CHECKPOINTS").glob("dam_break_[0-9]*.npz")))


@pytest.mark.parametrize(("variant", "scenario", "steps"), [
    ("stock", "dam_break", 1), ("lean", "model.py", None)])
def test_only_of_a_scenario_on_lean(variant: str, scenario: str, steps: int | None,
                                    tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.py").touch()
    with pytest.raises(ScenarioError, match="of a scenario on lean: "):
        Request(variant, scenario, steps=steps, checkpoint=True).check()
