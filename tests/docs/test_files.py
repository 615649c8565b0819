"""What the pages tell to write into files is understood: study files, and the action in a workflow.

Commands are read in `test_commands` and run in `test_running`, Python in `test_python`, the job
file of Slurm in tests/slurm.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from anuga_lean._errors import StudyError
from anuga_lean.measure import conditions
from anuga_lean.studies import definition
from docs.pages import ROOT, SHELL, Block, blocks

# Languages of blocks, and what becomes of each.
READ = {"toml", "yaml"}
ELSEWHERE = {"python": "is run: test_python", "text": "is output or a drawing"}


def wrong_with_study(text: str, folder: Path) -> str:
    """Return what is wrong with a study file beside the files that it names, or nothing."""
    (folder / "case").mkdir()
    for name in ("model.py", "summary.py", "case/dam_break.toml"):
        (folder / name).touch()
    (folder / "rain.toml").write_text(text)
    try:
        definition.read(folder / "rain.toml")
    except StudyError as error:
        return str(error)
    return ""


def wrong_with_action(text: str) -> str:
    """Return what is wrong with a step that uses our action, or nothing."""
    [job] = yaml.safe_load(text)["jobs"].values()
    [step] = [each for each in job["steps"] if "anuga_lean/action@" in each.get("uses", "")]
    inputs = yaml.safe_load((ROOT / "action" / "action.yml").read_text())["inputs"]
    needed = {name for name, given in inputs.items() if given.get("required")}
    if wrong := (step["with"].keys() - inputs) | (needed - step["with"].keys()):
        return f"inputs: {sorted(wrong)}"
    for line in step["with"]["fail-if"].splitlines():
        conditions.parsed(line)
    return ""


def of(language: str) -> list[Block]:
    return [block for block in blocks() if block.language == language]


def test_each_kind_of_block_is_looked_at() -> None:
    assert {*SHELL, *READ, *ELSEWHERE} == {block.language for block in blocks()}


@pytest.mark.parametrize("block", of("toml"), ids=lambda block: f"{block.page}:{block.line}")
def test_a_study_file_is_understood(block: Block, tmp_path: Path) -> None:
    assert "" == wrong_with_study(block.text, tmp_path)


def test_a_wrong_key_of_a_study_is_found(tmp_path: Path) -> None:
    text = of("toml")[0].text.replace("replicates", "replicate", 1)
    assert "replicate" in wrong_with_study(text, tmp_path)


def test_the_action_is_understood() -> None:
    [block] = of("yaml")
    assert "" == wrong_with_action(block.text)
    assert "inputs: ['fail']" == wrong_with_action(
        block.text.replace("args: --short", "fail: --short"))
