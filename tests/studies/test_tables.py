"""The results of a study as a table and a dataset: kinds, units, grids, what is missing."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anuga_lean.studies.members import Member
from anuga_lean.studies.records import End, Record, Try
from anuga_lean.studies.summaries import dataset_of, grid_of, write_tables

xarray = pytest.importorskip("xarray")


def pairs(sets: list[dict[str, Any]], replicates: int, of: Any) -> list[Any]:
    found = []
    for place, parameters in enumerate(sets):
        for replicate in range(replicates):
            member = Member(f"{place}-{replicate}", len(found), place, replicate, 7, parameters)
            summary = of(member)
            record = None if summary is None else Record(member.name, [Try(
                End.COMPLETED, 0, 100, 90, 1.5, 1.0, 0.0, "here")], summary)
            found.append((member, record))
    return found


GRID = [{"rain": rain, "on": on} for rain in (10.0, 20.0) for on in ("lean", "stock")]


def results(member: Member) -> dict[str, Any]:
    return {"depth": member.number / 2.0, "count": member.number, "is_wet": member.number > 3,
            "name": member.name, "stage": [1.0] * (1 + member.replicate)}


def test_a_grid_has_its_parameters_as_dimensions(tmp_path: Path) -> None:
    write_tables(tmp_path, pairs(GRID, 3, results), {"rain": "mm/h", "depth": "m"})
    with xarray.open_dataset(tmp_path / "results.nc") as found:
        assert {"rain": 2, "on": 2, "replicate": 3, "stage_item": 3} == dict(found.sizes)
        assert 11 / 2.0 == found["depth"].sel(rain=20.0, on="stock", replicate=2)
        assert [0.0, 0.5, 1.0] == found["depth"].sel(rain=10.0, on="lean").values.tolist()
        kinds = {name: found[name].dtype.kind for name in ("depth", "count", "is_wet", "rain")}
        assert {"depth": "f", "count": "i", "is_wet": "b", "rain": "f"} == kinds
        assert "3-1" == found["name"].sel(rain=20.0, on="stock").values[1]
        units = {name: found[name].attrs.get("units")
                 for name in ("rain", "depth", "seconds", "peak_bytes", "count")}
        assert {"rain": "mm/h", "depth": "m", "seconds": "s", "peak_bytes": "bytes",
                "count": None} == units
        assert (90, 1.5) == (found["peak_bytes"].max(), found["seconds"].max())


def test_other_designs_have_their_parameters_along_sets() -> None:
    found = dataset_of(pairs([{"a": 1, "b": 0.5}, {"a": 2, "b": 0.25}], 2, results))
    assert {"set": 2, "replicate": 2, "stage_item": 2} == dict(found.sizes)
    assert {"set", "replicate", "a", "b"} == set(found.coords)
    assert "i" == found["a"].dtype.kind
    assert [1.0, 1.5] == found["depth"].where(found["b"] < 0.3, drop=True).values[0].tolist()


def test_what_is_missing_is_nan(tmp_path: Path) -> None:
    found = dataset_of(pairs(GRID, 1, lambda member: None if member.number else results(member)))
    for name in ("depth", "count", "is_wet", "seconds"):
        assert "f" == found[name].dtype.kind and 3 == int(found[name].isnull().sum())
    assert ["0-0", "", "", ""] == found["name"].values.ravel().tolist()
    nothing = dataset_of(pairs(GRID, 1, lambda member: None))
    assert 4 == int(np.isnan(nothing["seconds"]).sum())


@pytest.mark.parametrize(("sets", "axes"), [
    ([{"a": 1, "b": 1}, {"a": 1, "b": 2}], {"a": [1], "b": [1, 2]}),
    ([{"a": 1}, {"a": 1}], None), ([{"a": 1}, {"a": 1.0}], None), ([{"a": 1}, {"a": True}], None),
    ([{"a": 1, "b": 1}, {"a": 2, "b": 2}], None), ([{}], None),
    ([{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}], None),
])
def test_what_is_a_grid(sets: list[dict[str, Any]], axes: Any) -> None:
    assert axes == grid_of(sets)


def test_names_that_are_taken(tmp_path: Path) -> None:
    found = dataset_of(pairs([{"a": 1, "seconds": 3.0}], 1, lambda member: {
        "a": 5, "set": 6, "replicate": 7, "seconds": 8}))
    assert 5 == found["result_a"] and 8 == found["result_seconds"] and 7 == found[
        "result_replicate"]
    assert [3.0] == found["parameter_seconds"].values.tolist()


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    write_tables(tmp_path, pairs(GRID, 1, results))
    with open(tmp_path / "results.csv", newline="") as file:
        text = list(csv.DictReader(file))
    rows = parquet.read_table(tmp_path / "results.parquet").to_pylist()
    assert text == [{name: "" if value is None else str(value) for name, value in row.items()}
                    for row in rows]
    assert [float, int, bool, str] == [type(rows[0][name])
                                       for name in ("depth", "count", "is_wet", "on")]


def test_without_pyarrow_there_is_csv_and_netcdf(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec",
                        lambda name: None if name == "pyarrow" else find(name))
    assert ["results.csv", "results.nc"] == [
        each.name for each in write_tables(tmp_path, pairs(GRID, 1, results))]


def test_what_netcdf_has_no_name_or_number_for(tmp_path: Path) -> None:
    sets = [{"count": 1 << 70}, {"count": 2}]
    write_tables(tmp_path, pairs(sets, 1, lambda member: {
        "a/b": 1, "a_b": 2, " ": 3, "texts": [["x"], "y"] if member.number else None}))
    with xarray.open_dataset(tmp_path / "results.nc") as found:
        assert [str(1 << 70), "2"] == found["count"].values.tolist()
        assert (1, 2, 3) == tuple(found[name].values[0, 0] for name in (
            "a_b", "result_a_b", "_"))
        assert [["", ""], ["x", "y"]] == found["texts"].sel(replicate=0).values.tolist()
