"""The README of the patches shows the stored verdicts, and so does the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import write_readme
from verifying import markdown
from verifying.series import SERIES, read_series
from verifying.verdicts import Verdict, read_verdicts

from anuga_lean.measure.page import page_of, render
from anuga_lean.measure.records import read


def test_the_readme_shows_what_is_stored() -> None:
    assert 0 == write_readme.main(["--check"]), "python patches/write_readme.py writes the tables"


def test_a_figure_that_differs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    stored = json.loads(write_readme.stored("4.2.0").read_text())
    stored["patches"]["verdicts"][0]["added"] += 1
    path = tmp_path / "verified.json"
    path.write_text(json.dumps(stored))
    assert 1 == write_readme.main(["--check", "--json", str(path)])
    assert "are not those of" in capsys.readouterr().err
    other = tmp_path / "README.md"
    other.write_text(write_readme.README.read_text())
    monkeypatch.setattr(write_readme, "README", other)
    assert 0 == write_readme.main(["--json", str(path)])
    assert 0 == write_readme.main(["--check", "--json", str(path)])
    assert 1 == write_readme.main(["--check"])


@pytest.mark.parametrize("text, message", [
    (None, "cannot be read"), ("{", "is no JSON"), ("{}", "is not what verify.py --json writes"),
    ('{"datetime": "", "machine_info": {"anuga_lean": {}}, "patches": {"verdicts": [{}]}}',
     "is not what verify.py --json writes"),
])
def test_a_file_of_something_else(text: str | None, message: str, tmp_path: Path,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "verified.json"
    if text is not None:
        path.write_text(text)
    assert 2 == write_readme.main(["--check", "--json", str(path)])
    assert message in capsys.readouterr().err


def test_a_row_has_what_was_measured() -> None:
    verdict = Verdict(
        "0007-ranks", "Let go", ["0002-other"], files=3, added=40, removed=12, wrong=["slow"],
        tests={"passed": 12, "new": 2, "stock_passed": 10, "failed": 0, "skipped": 0,
               "regressed": [], "again": []},
        figures={"arrays DE0": {"stock": 964.6, "patched": 916.6},
                 "arrays DE1": {"stock": 1_012.4, "patched": 940.4},
                 "rank_0": {"stock": 712.0, "patched": 310.0},
                 "time DE0": {"ratio": 0.9984, "uncertainty": 0.002, "stock": 0.04,
                              "patched": 0.04}})
    text = markdown.table({"release": "4.1.0", "date": "2026-01-02T", "command": "verify",
                           "machine": {"cores": 2, "processor": "Some CPU"}}, [verdict])
    assert "| 0007-ranks (with 0002) **refused** | 3 | +40 −12 | −48.0 / −72.0 | − | − | " \
        "0.998 / - | 10 of 10 + 2 new |" in text
    assert "rank 0 after `distribute`, by triangle of all ranks, 712 → 310 bytes" in text
    assert "- **0007-ranks** is refused: slow" in text and "2 cores of Some CPU" in text
    assert "All results are those of stock" not in text


@pytest.mark.parametrize("release", write_readme.RELEASES)
def test_the_page_shows_the_stored_verdicts(release: str) -> None:
    stored = write_readme.stored(release)
    html = render(page_of([read(stored)]))
    about, found = read_verdicts(stored)
    assert release == about["release"]
    tested = [verdict.name for verdict in found if verdict.tests is not None]
    assert bool(tested) == ("Patches for ANUGA" in html)
    assert all(name in html for name in tested)
    names = {verdict.name for verdict in found}
    assert {*(patch.name for patch in read_series(stored.parent)), SERIES} == names
