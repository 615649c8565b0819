"""anuga_lean compare --fail-if and --only: conditions on figures, one side alone, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.__main__ import main
from anuga_lean._errors import ConditionError
from anuga_lean.measure.comparison import Comparison
from anuga_lean.measure.conditions import NAMES, check, judge, parsed
from anuga_lean.measure.measurement import Request

MODEL = ["compare", "dam_break", "--triangles", "100", "--steps", "2", "--repeat", "1"]


@pytest.mark.parametrize("text, side, name, sign, limit", [
    ("peak_rss > 2 GiB", "lean", "peak_rss", ">", 2 * 2.0**30),
    ("lean.arrays>130", "lean", "arrays", ">", 130.0),
    (" stock.arrays  <=  9.5e2 B/tri ", "stock", "arrays", "<=", 950.0),
    ("ratio.arrays < 7", "ratio", "arrays", "<", 7.0),
    ("seconds >= 2 min", "lean", "seconds", ">=", 120.0),
    ("seconds_per_step > 3 ms", "lean", "seconds_per_step", ">", 0.003),
    ("triangles < 100", "lean", "triangles", "<", 100.0),
])
def test_conditions(text: str, side: str, name: str, sign: str, limit: float) -> None:
    assert (side, name, sign, limit) == parsed(text)[1:]


@pytest.mark.parametrize("text, message", [
    ("", "is no condition: write a name"),
    ("__import__('os') > 1", "is no condition"),
    ("peak_rss > lean.arrays", "is no condition"),
    ("peak_rss > -1 GiB", "is no condition"),
    ("peak_rss == 1 GiB", "is no condition"),
    ("peak_rss > nan B", "is no condition"),
    ("peak > 1 GiB", f"there is no figure 'peak'; there are {', '.join(NAMES)}"),
    ("fat.peak_rss > 1 GiB", "there is no side 'fat'; there are stock, lean, ratio"),
    ("peak_rss > 1", "peak_rss has B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, not a plain number"),
    ("peak_rss > 1 s", "not s"),
    ("seconds > 1 GiB", "seconds has ns, us, ms, s, min, h, not GiB"),
    ("triangles > 1 s", "triangles has no unit, not s"),
    ("ratio.peak_rss > 1 GiB", "a ratio has no unit"),
])
def test_what_is_no_condition(text: str, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parsed(text)
    assert message in str(caught.value)


def test_the_docs_name_every_figure_and_unit() -> None:
    """The names of the table in docs/continuous_integration.md, with what they are and units."""
    text = (Path(__file__).resolve().parent.parent.parent / "docs"
            / "continuous_integration.md").read_text()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("| `")]
    assert [[name, what] for name, (what, _) in NAMES.items()] == [row[:2] for row in rows]
    for name, _, units in rows:
        for unit in units.replace(", or none", "").replace("none", "").split(", "):
            assert name == parsed(f"{name} > 1 {unit}").name


def run_of(factor: float, peak: int | None = 2**30) -> dict[str, Any]:
    stage = {"seconds": 2.0 * factor, "peak_rss": peak}
    return {"census": {"bytes_per_triangle": 100.0 * factor}, "seconds_per_step": 0.5 * factor,
            "number_of_triangles": 8, "steps": 3,
            "stages": {"import": stage, "evolve": stage, "evolve 2": stage}}


@pytest.mark.parametrize("text, value, holds", [
    ("peak_rss > 1 GiB", 2.0**30, False), ("peak_rss >= 1 GiB", 2.0**30, True),
    ("arrays > 99", 100.0, True), ("stock.arrays > 901", 900.0, False),
    ("ratio.arrays < 9", 9.0, False), ("ratio.arrays <= 9", 9.0, True),
    ("seconds < 7 s", 6.0, True), ("evolve_seconds < 4 s", 4.0, False),
    ("stock.seconds_per_step > 4 s", 4.5, True), ("steps > 2", 3.0, True),
    ("triangles < 8", 8.0, False),
])
def test_which_hold(text: str, value: float, holds: bool) -> None:
    runs = [run_of(9.0)], [run_of(1.0)]
    [found] = judge([parsed(text)], Comparison(Request("lean", "x"), *runs, {}))
    assert (value, holds) == found[1:]
    assert (" holds: " in found.sentence()) == holds


def test_a_figure_that_is_not_there_is_an_error() -> None:
    comparison = Comparison(Request("lean", "x"), [], [run_of(1.0, None)], {})
    with pytest.raises(ConditionError, match="peak_rss of lean could not be measured"):
        judge([parsed("peak_rss > 1 B")], comparison)


def test_the_other_side_is_asked_for_in_vain() -> None:
    check([parsed("peak_rss > 1 B")], "lean")
    for text in ("stock.arrays > 1", "ratio.arrays > 1"):
        with pytest.raises(ConditionError, match="--only lean measures lean alone"):
            check([parsed(text)], "lean")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                     capsys: pytest.CaptureFixture[str]) -> None:
    """Lean alone: no stock run, exit code 3 where a condition holds, all of it stored."""
    monkeypatch.chdir(tmp_path)
    assert 3 == main([*MODEL, "--only", "lean", "--fail-if", "arrays > 10", "--fail-if",
                      "peak_rss > 9 GiB", "--json", "found.json"])
    said = capsys.readouterr()
    assert "arrays > 10 holds: " in said.out and "peak_rss > 9 GiB does not hold: " in said.out
    assert "stock" not in said.out + said.err
    found = json.loads(Path("found.json").read_text())
    assert [True, False] == [each["holds"] for each in found["conditions"]]
    assert [] == found["stock"] and 1 == len(found["lean"])
    [record] = [each["extra_info"] for each in found["benchmarks"]]
    assert "lean" == record["build"]
    assert record["figures"]["held"]["value"] == found["conditions"][0]["value"]
    assert 0 == main([*MODEL, "--only", "stock", "--fail-if", "stock.arrays < 10"])
    assert 0 == main([*MODEL, "--fail-if", "ratio.arrays < 1"])
    assert "ratio.arrays < 1 does not hold" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, message", [
    (["--fail-if", "peak > 1 GiB"], "argument --fail-if: 'peak > 1 GiB': there is no figure"),
    (["--only", "lean", "--split"], "leave --only out"),
    (["--only", "stock", "--fail-if", "arrays > 1"], "wants lean, and --only stock measures"),
    (["--only", "leen"], "did you mean lean?"),
])
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([*MODEL, *arguments])
    except SystemExit as ending:
        code = ending.code
    assert 2 == code
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("anuga_lean compare: error: ") and message in line
