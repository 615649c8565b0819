"""The tables of README and docs/ are those of the stored figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import readme
import whole_runs

from anuga_lean._errors import LeanError
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


SIZE = {"triangles": 99_856, "steps": 100, "repeats": 3, "equal": True,
        "stock": {"arrays": 93 * 2**20, "peak_rss": 234 * 2**20, "run_seconds": 9.0,
                  "evolve_seconds": 6.0},
        "lean": {"arrays": 12 * 2**20, "peak_rss": 78 * 2**20, "run_seconds": 3.0,
                 "evolve_seconds": 1.5}}


def test_the_first_table_has_arrays_peak_and_both_times_of_each_size(tmp_path: Path) -> None:
    machine = {"versions": {"anuga": "4.2.0", "python": "3.11.2"}, "cores": 2, "processor": "A"}
    stored = {"date": "2026-11-30", "commit": "abc", "machine": machine,
              "sizes": [SIZE, {**SIZE, "triangles": 10_004_569, "repeats": 1}]}
    path = tmp_path / "whole_runs.json"
    path.write_text(json.dumps(stored))
    lines = readme.main_table(read(readme.STORED), path).splitlines()
    assert ["| 99.9 thousand triangles | arrays, MiB | 93 | 12 | 7.8 |",
            "|  | peak RSS, MiB | 234 | 78 | 3.0 |", "|  | whole run, s | 9.0 | 3.0 | 3.0 |",
            "|  | evolve, s | 6.0 | 1.5 | 4.0 |",
            "| 10 million triangles | arrays, MiB | 93 | 12 | 7.8 |"] == lines[2:7]
    assert any(line.startswith("| 1 M triangles, DE0 |") for line in lines)
    with pytest.raises(LeanError, match="nothing to show"):
        readme.headline_table({**stored, "sizes": [{**SIZE, "equal": False}]})


def test_sizes_that_stock_has_no_memory_for_are_not_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(whole_runs.probe, "read_available", lambda: 2**30)
    monkeypatch.setattr(whole_runs, "measure", lambda *_: pytest.fail("began a run"))
    assert 2 == whole_runs.main(["--sizes", "1e7"])
    assert "10,000,000 triangles on stock take some 10.2 GiB, 1.0 are free" in \
        capsys.readouterr().err


def test_a_whole_run_is_measured(tmp_path: Path) -> None:
    where = tmp_path / "whole.json"
    assert 0 == whole_runs.main(["--sizes", "400", "--steps", "2", "--repeats", "1", "-o",
                                 str(where)])
    (size,) = json.loads(where.read_text())["sizes"]
    assert size["equal"] is True and size["triangles"] == 400
    for build in ("stock", "lean"):
        assert 0 < size[build]["evolve_seconds"] < size[build]["run_seconds"]
    assert size["lean"]["peak_rss"] < size["stock"]["peak_rss"]
