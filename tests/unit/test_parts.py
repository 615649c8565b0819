"""Functions and rasters asked for a mesh in parts: the bits of one call, or one call."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit import quantity_cases as cases

import anuga_lean as anuga
from anuga_lean._errors import MemoryWarning, PartsWarning
from anuga_lean.quantity import from_function, from_raster

Function = Callable[[np.ndarray, np.ndarray], Any]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a small mesh many parts."""
    monkeypatch.setenv(from_function.LARGEST_CALL, "64")
    monkeypatch.setattr(from_function, "_said", True)
    monkeypatch.setattr(from_function, "_ROWS_AT_ONCE", 10)
    monkeypatch.setattr(from_raster, "_TRIANGLES_PER_PART", 9)
    yield


def values(domain: Any) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in cases.shown(domain).items()}


@pytest.mark.parametrize("mesh", cases.MESHES)
@pytest.mark.parametrize("name", [
    "functions", "rasters", "grid_files", "tif_file", "fallible", "set_after_run", "tracer"])
@pytest.mark.filterwarnings("ignore:a function is called once")
def test_parts_give_the_bits_of_one_call(
    mesh: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    expected = cases.run_case(name, anuga, tmp_path, mesh)
    request.getfixturevalue("parts")
    found = cases.run_case(name, anuga, tmp_path, mesh)
    assert {k: v.tobytes() for k, v in expected.items()} == {
        k: v.tobytes() for k, v in found.items()}


def step(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Other values on the two sides of a line, which runs through triangles only."""
    return np.where(x + 0.37 * y > 6.3, 1.0, -2.0) + np.sin(y)


@pytest.mark.parametrize("location", ["vertices", "centroids"])
@pytest.mark.parametrize("f", [cases.slope, step, lambda x, y: (x > 3).tolist()])
def test_a_function_is_called_with_parts(f: Function, location: str, parts: None) -> None:
    domain = cases.make_domain(anuga, "cross")
    lengths: list[int] = []

    def counted(x: np.ndarray, y: np.ndarray) -> Any:
        lengths.append(len(x))
        assert x.strides == (16,)
        return f(x, y)

    domain.set_quantity("elevation", counted, location=location)
    corners = 3 if location == "vertices" else 1
    assert [corners * 16, corners * 16] == [lengths[0], lengths[2]]
    assert corners * len(domain) == sum(lengths) - lengths[1]   # the second sees others as well
    whole = cases.make_domain(anuga, "cross")
    points = np.asarray(whole.get_vertex_coordinates() if corners == 3
                        else whole.get_centroid_coordinates())
    all_at_once = np.asarray(f(points[:, 0], points[:, 1]), float)
    whole.set_quantity("elevation", all_at_once.reshape(-1, 3) if corners == 3 else all_at_once,
                       location=location)
    assert values(whole) == values(domain)


@pytest.mark.parametrize("f, why", [
    (lambda x, y: x - x.max(), "depend on the others"),
    (lambda x, y: y - y.mean(), "depend on the others"),
    (lambda x, y: 0.25, "of the shape"),
    (lambda x, y: np.arange(420.0) + x, "failed"),
    (lambda x, y: np.arange(420.0), "of the shape"),
])
def test_a_function_of_all_points_is_called_once_with_all(
    f: Function, why: str, parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain, whole = (cases.make_domain(anuga, "cross") for _ in range(2))
    with pytest.warns(MemoryWarning, match=f"all 140 triangles.*{why}"):
        domain.set_quantity("elevation", f)
    monkeypatch.delenv(from_function.LARGEST_CALL)
    whole.set_quantity("elevation", f)
    assert values(whole) == values(domain)


def test_corners_that_disagree_at_a_node_late_keep_their_values(parts: None) -> None:
    domain = cases.make_domain(anuga, "cross")
    asked = []

    def jump(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        asked.append(len(x))
        return x + 100.0 * (len(asked) > 5)

    domain.set_quantity("elevation", jump)
    x = np.asarray(domain.get_vertex_coordinates())[:, 0].reshape(-1, 3)
    found = np.asarray(domain.quantities["elevation"].vertex_values) - x
    assert (0.0, 100.0) == (abs(found[:60]).max(), abs(found[-20:]).min())


def test_an_error_of_the_function_is_raised(parts: None) -> None:
    domain = cases.make_domain(anuga, "cross")
    with pytest.warns(MemoryWarning, match="failed: no"), pytest.raises(ValueError, match="no"):
        domain.set_quantity("elevation", lambda x, y: [][0] if len(x) == 0 else refuse())


def refuse() -> Any:
    raise ValueError("no")


def test_it_is_said_once(parts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_function, "_said", False)
    domain = cases.make_domain(anuga, "cross")
    with pytest.warns(PartsWarning, match=r"140 triangles in parts of 16.*LARGEST_CALL=140"):
        domain.set_quantity("elevation", cases.slope)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        domain.set_quantity("stage", cases.slope)


@pytest.mark.parametrize("text", ["many", "0", "-3", "1.5"])
def test_a_setting_that_means_nothing_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(from_function.LARGEST_CALL, text)
    domain = cases.make_domain(anuga, "cross")
    with pytest.raises(from_function.SettingError, match=f"'{text}' must be a number"):
        domain.set_quantity("elevation", cases.slope)


def test_a_raster_whose_axis_turns_is_asked_at_once(parts: None) -> None:
    domain, whole = (cases.make_domain(anuga, "cross") for _ in range(2))
    x = np.array([-1.0, 4.0, 3.0, 8.0, 14.0])
    y, z = np.linspace(-1.0, 11.0, 4), np.random.default_rng(3).random((4, 5))
    assert from_raster.raster_values(x, y, z) is None
    for each in (domain, whole):
        each.set_quantity("elevation", raster=(x, y, z), location="vertices")
    assert values(whole) == values(domain)


def peak(call: Callable[[], Any]) -> int:
    tracemalloc.start()
    call()
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return traced


def test_the_peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = anuga.rectangular_cross_domain(100, 100, 100.0, 100.0)
    n = len(domain)
    axis = np.linspace(-1.0, 101.0, 50)
    raster = (axis, axis, np.random.default_rng(5).random((50, 50)))
    domain.set_quantity("elevation", raster=raster, location="vertices")    # loads modules
    monkeypatch.setattr(from_raster, "_TRIANGLES_PER_PART", 1000)
    for location, most in (("vertices", 36), ("centroids", 28)):
        assert peak(lambda at=location: domain.set_quantity(
            "elevation", raster=raster, location=at)) < most * n + 800_000
    monkeypatch.setenv(from_function.LARGEST_CALL, "8000")
    monkeypatch.setattr(from_function, "_said", True)
    assert peak(lambda: domain.set_quantity("elevation", cases.slope)) < 36 * n + 600_000
