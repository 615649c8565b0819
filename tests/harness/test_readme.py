"""The README's tables are those of the stored figures."""

from __future__ import annotations

from pathlib import Path

import pytest
import readme

from anuga_lean.measure.records import Figure, Record, read


def test_the_readme_shows_what_is_stored() -> None:
    assert 0 == readme.main(["--check"]), "python benchmarks/readme.py writes the tables"


def test_a_figure_that_differs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    text = readme.README.read_text()
    held = readme.find(read(readme.STORED), "memory", "dam_break", "lean", {}).figures["held"].value
    other = tmp_path / "README.md"
    other.write_text(text.replace(f"| {held:,.0f} |", "| 12 |", 1))
    assert other.read_text() != text
    monkeypatch.setattr(readme, "README", other)
    assert 1 == readme.main(["--check"])
    assert "the tables of README.md are not those of" in capsys.readouterr().err
    assert 0 == readme.main([]) and other.read_text() == text


def test_a_whole_run_gets_rows_where_it_was_measured() -> None:
    night = read(readme.STORED)
    night.records = [record for record in night.records if record.suite != "evolve"]
    assert "a whole run" not in readme.main_table(night)
    for build, seconds in (("stock", 90.0), ("lean", 18.0)):
        figures = {"evolve_seconds": Figure(seconds, "s"),
                   "serial_fraction_steps": Figure(seconds / 5.0, "%")}
        night.records.append(Record("evolve", "catchment_full", build, parameters={"store": True},
                                    triangles=[502_883], figures=figures))
    lines = readme.main_table(night).splitlines()
    assert ("| a whole run with rain, structures, maxima and frames, 502,883 triangles, s | 90.0 | "
            "18.0 | 5.0 |") in lines
    assert "| what its steps have on one thread of many, % | 18.0 | 3.6 |  |" in lines


def test_a_missing_mark_or_figure_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "README.md"
    other.write_text("no tables here\n")
    monkeypatch.setattr(readme, "README", other)
    assert 2 == readme.main(["--check"])
    assert "has not one pair of <!-- figures:" in capsys.readouterr().err
