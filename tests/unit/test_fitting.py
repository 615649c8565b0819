"""Fitting a mesh to points: ANUGA's bits, in a small part of its memory."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from anuga.fit_interpolate import fit as anugas
from hypothesis import given
from hypothesis import strategies as st
from unit import fit_cases as cases

import anuga_lean as anuga
from anuga_lean._errors import MemoryWarning
from anuga_lean.mesh import fitting

Reference = dict[tuple[str, str], Any]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """What plain ANUGA fits, by model and case."""
    folder = tmp_path_factory.mktemp("stock")
    target = folder / "reference.pickle"
    made = subprocess.run(
        [sys.executable, "-W", "ignore", cases.__file__, target, folder],
        capture_output=True, text=True, cwd=folder,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("ANUGA_LEAN")},
             "OMP_NUM_THREADS": "1"})
    assert made.returncode == 0, made.stderr
    return pickle.loads(target.read_bytes())


def assert_same(expected: Any, actual: Any) -> None:
    if isinstance(expected, np.ndarray):
        assert (expected.dtype, expected.shape) == (actual.dtype, actual.shape)
        assert expected.tobytes() == np.ascontiguousarray(actual).tobytes()
    elif isinstance(expected, (list, dict)):
        assert len(expected) == len(actual)
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            assert_same(expected[key], actual[key])
    else:
        assert expected == actual


@pytest.mark.parametrize("model", cases.MODELS)
@pytest.mark.parametrize("name", cases.CASES)
def test_same_bits_as_anuga(
    model: str, name: str, reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_same(reference[model, name], cases.run_case(anuga, model, name, tmp_path))


@pytest.mark.parametrize("model", cases.MODELS)
@pytest.mark.parametrize("name", ["alphas", "file_in_blocks"])
def test_same_bits_in_many_chunks(
    model: str, name: str, reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_TRIANGLES_AT_ONCE", 19)
    monkeypatch.setattr(fitting, "_POINTS_AT_ONCE", 7)
    test_same_bits_as_anuga(model, name, reference, tmp_path, monkeypatch)


def test_reference_holds_fits_and_errors(reference: Reference) -> None:
    assert "TooFewPointsError" == reference["squares", "too_few_points"]["returned"]
    assert "ConvergenceError" in [
        reference[model, "nodes_without_a_point"]["returned"] for model in cases.MODELS
        if isinstance(reference[model, "nodes_without_a_point"]["returned"], str)] or all(
            isinstance(reference[model, "nodes_without_a_point"]["returned"], np.ndarray)
            for model in cases.MODELS)
    for model in cases.MODELS:
        assert np.ptp(reference[model, "alphas"]["returned"][1]) > 0.1


@given(count=st.integers(1, 40), seed=st.integers(0, 2**31), steps=st.integers(1, 16))
def test_points_are_in_the_triangles_anuga_finds(count: int, seed: int, steps: int) -> None:
    """On a grid that many points share with nodes, edges and the axes of the tree."""
    from anuga.pmesh.mesh_quadtree import MeshQuadtree

    domain = anuga.rectangular_cross_domain(4, 3, 4.0, 3.0)
    rng = np.random.default_rng(seed)
    points = rng.integers(-steps, 6 * steps, (count, 2)) / steps
    tree = MeshQuadtree(domain.mesh)
    searched = [tree.search_fast(point) for point in points]
    expected = [k if found else -1 for found, *_, k in searched]
    assert expected == fitting.find_triangles(domain.mesh, points).tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_point_nowhere_is_in_no_triangle(bad: float) -> None:
    domain = anuga.rectangular_cross_domain(4, 3)
    points = np.array([[bad, 0.5], [0.5, bad], [0.3, 0.4]])
    found = fitting.find_triangles(domain.mesh, points)
    assert [True, True, False] == (found < 0).tolist()


def test_a_node_of_no_triangle_changes_nothing() -> None:
    domain = anuga.rectangular_cross_domain(6, 5, 30.0, 20.0)
    nodes = np.insert(np.asarray(domain.get_nodes()), 17, (3.0, 4.0), axis=0)
    triangles = np.asarray(domain.triangles)
    lone = anuga.Domain(np.append(nodes, [[1.0, 1.0]], axis=0), triangles + (triangles >= 17))
    xy = cases.sample(domain)
    for each in (domain, lone):
        each.set_quantity("elevation", anuga.Geospatial_data(xy, cases.heights(xy)))
    elevation = [each.quantities["elevation"].centroid_values for each in (domain, lone)]
    assert np.ptp(elevation[0]) > 0.1
    np.testing.assert_allclose(elevation[0], elevation[1], rtol=1e-5)


@pytest.mark.parametrize(("arguments", "why"), [
    ({"alpha": "auto"}, "give a number"), ({"attributes": 2}, "2 attributes")])
def test_what_needs_anugas_tables_says_so(arguments: dict[str, Any], why: str) -> None:
    domain = anuga.rectangular_cross_domain(5, 4)
    xy = cases.sample(domain)
    z = np.column_stack([cases.heights(xy)] * arguments.pop("attributes", 1))
    z = z[:, 0] if z.shape[1] == 1 else z
    with pytest.warns(MemoryWarning, match=why):
        found = anugas.fit_to_mesh(xy, mesh=domain.mesh, point_attributes=z, **arguments)
    assert (len(found), np.ptp(found) > 0) == (domain.number_of_nodes, True)


def test_points_that_do_not_match_their_values_are_refused() -> None:
    domain = anuga.rectangular_cross_domain(5, 4)
    with pytest.raises(fitting.PointsError, match=r"each of 5 values.*\(3, 2\)"):
        anugas.fit_to_mesh(np.zeros((3, 2)), mesh=domain.mesh, point_attributes=np.zeros(5))


def test_outline_is_there_when_asked_for() -> None:
    domain = anuga.rectangular_cross_domain(2, 2)
    assert 8 == len(fitting.LeanFit(domain.mesh).mesh_boundary_polygon)


def test_the_peak_of_a_fit_and_what_it_keeps() -> None:
    """Of numpy and Python: the six vectors of the solver, 24 bytes per triangle, are C's."""
    domain = anuga.rectangular_cross_domain(100, 100, 100.0, 100.0)
    xy = cases.sample(domain, 5000)
    data = anuga.Geospatial_data(xy, cases.heights(xy))
    for _ in range(2):      # the second finds all loaded, and a value per node there
        gc.collect()
        tracemalloc.start()
        domain.set_quantity("elevation", data, alpha=0.1)
        gc.collect()
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 85 * len(domain) + 4_000_000
    assert held < 9 * domain.number_of_nodes + 60_000      # its elevation
