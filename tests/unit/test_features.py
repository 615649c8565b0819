"""The table of features: what README shows is what the code decides by."""

from __future__ import annotations

from pathlib import Path

from anuga_lean.features import FEATURES

README = Path(__file__).parents[2] / "README.md"


def test_readme_shows_the_table() -> None:
    rows = [line for line in README.read_text().splitlines() if line.startswith("| ")]
    for feature in FEATURES:
        assert f"| {feature.name} | {feature.runs_on} | {feature.note} |" in rows


def test_every_feature_runs_on_one_of_two_kernels() -> None:
    assert {"lean", "stock"} == {feature.runs_on for feature in FEATURES}
    assert len(FEATURES) == len({feature.name for feature in FEATURES})
