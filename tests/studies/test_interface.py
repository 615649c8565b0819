"""A study from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import anuga_lean
from studies.test_runs import runs_of, write


def test_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNS", str(runs_of(path)))
    found = anuga_lean.study("out", script="script.py", summary="summary.py:of_member",
                             anuga="stock", grid={"value": [1.0, 13.0]}, replicates=2)
    assert (4, 2, 2) == (found.members, found.completed, found.failed)
    assert ["1-0", "1-1"] == sorted(found.failures)
    assert [2.0, 2.0] == [row["double"] for row in found.table() if row["end"] == "completed"]
    dataset = found.dataset()
    assert [[2.0, 2.0]] == dataset["double"][:1].to_numpy().tolist()
    assert dataset["double"][1].isnull().all() and [1.0, 13.0] == dataset["value"].values.tolist()


@pytest.mark.parametrize(("keys", "says"), [
    ({"script": "no.py"}, "there is no file"),
    ({"script": "script.py", "grids": {}}, "unknown key `grids`"),
    ({"script": "script.py", "on": "mars"}, "does not run on 'mars'"),
    ({"script": "script.py", "cores": 0}, "0 cores are too few"),
])
def test_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, object],
                      says: str) -> None:
    write(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(anuga_lean.StudyError, match=says):
        anuga_lean.study("out", **keys)
