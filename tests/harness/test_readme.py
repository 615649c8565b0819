"""The tables of README and docs/ are those of the stored figures."""

from __future__ import annotations

from pathlib import Path

import pytest
import readme

from anuga_lean.measure.records import Figure, Record, read


def test_the_readme_shows_what_is_stored() -> None:
    assert 0 == readme.main(["--check"]), "python benchmarks/readme.py writes the tables"


@pytest.mark.parametrize("name", readme.TABLES)
def test_a_figure_that_differs_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    page, make = readme.TABLES[name]
    text, figures = page.read_text(), make(read(readme.STORED))
    other = tmp_path / page.name
    other.write_text(text.replace(figures, figures.replace("1", "2")))
    assert other.read_text() != text
    monkeypatch.setattr(readme, "TABLES", {name: (other, make)})
    assert 1 == readme.main(["--check"])
    assert f"the tables of {page.name} are not those of" in capsys.readouterr().err
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
    monkeypatch.setitem(readme.TABLES, "figures", (other, readme.main_table))
    assert 2 == readme.main(["--check"])
    assert "has not one pair of <!-- figures:" in capsys.readouterr().err
