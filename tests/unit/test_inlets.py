"""Regions and inlets found part by part: the triangles that ANUGA finds on all at once."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
from typing import Any

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes.region import Region
from anuga.parallel import parallel_operator_factory as factory
from anuga.parallel.parallel_inlet import Parallel_Inlet
from anuga.structures.inlet import Inlet

import anuga_lean as anuga
from anuga_lean.fractional_steps import regions

LINES = [[[120.0, 40.0], [480.0, 130.0]], [[0.0, 0.0], [0.0, 300.0]], [[300.0, 0.0], [300.0, 77.0]]]
POLYGONS = [[[100.0, 20.0], [300.0, 50.0], [200.0, 250.0]],
            [[401.0, 31.0], [402.0, 31.0], [402.0, 32.0]],
            [[300.0, 0.0], [600.0, 0.0], [600.0, 300.0], [300.0, 300.0]]]
ORIGIN = np.array([308500.0, 6189000.0])


@pytest.fixture(params=["at zero", "referenced"])
def domain(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    nodes, triangles, boundary = anuga.rectangular_cross(23, 12, 600.0, 300.0)
    geo = anuga.Geo_reference(56, *ORIGIN) if request.param == "referenced" else None
    made = anuga.Domain(nodes, triangles, boundary, geo_reference=geo)
    made.set_store(False)
    made.set_quantity("elevation", -1.0)
    made.set_quantity("stage", 0.5)
    made.origin = ORIGIN if request.param == "referenced" else np.zeros(2)
    monkeypatch.setattr(regions, "_ROWS_AT_ONCE", 3 * 17)
    return made


def placed(domain: Any, where: Any) -> list[list[float]]:
    return (np.array(where) + domain.origin).tolist()


def found(domain: Any, method: str, **where: Any) -> tuple[Any, Any]:
    """Return what ANUGA's method finds, and what is found in parts."""
    lean = Region(domain, **where)
    whole = Region(domain, **where)
    getattr(Region, method).__wrapped__(whole)
    return whole.indices, lean.indices


@pytest.mark.parametrize("line", LINES)
def test_triangles_on_a_line(domain: Any, line: list) -> None:
    whole, parts = found(domain, "_setup_indices_line", line=placed(domain, line))
    assert len(whole) > 2
    assert (whole.dtype, whole.tolist()) == (parts.dtype, parts.tolist())


@pytest.mark.filterwarnings("ignore:No centroids")
@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("polygon", POLYGONS)
def test_triangles_in_a_polygon(domain: Any, polygon: list, expand: bool) -> None:
    whole, parts = found(domain, "_setup_indices_polygon", polygon=placed(domain, polygon),
                         expand_polygon=expand)
    assert expand <= (len(whole) > 0)
    assert np.asarray(whole).tolist() == np.asarray(parts).tolist()


@pytest.mark.parametrize("where", LINES + POLYGONS)
@pytest.mark.parametrize("verbose", [False, True])
def test_ranks_of_an_inlet(domain: Any, where: list, verbose: bool) -> None:
    answers = []
    for allocate in (factory.allocate_inlet_procs.__wrapped__, factory.allocate_inlet_procs):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            answer = allocate(domain, placed(domain, where), procs=[0], verbose=verbose,
                              enquiry_point=placed(domain, [[55.0, 66.0]])[0])
        told = [line for line in said.getvalue().splitlines() if "triangles in" in line]
        answers.append((answer, told))
    assert answers[0] == answers[1]
    assert verbose == bool(answers[0][1])


def test_an_inlet_where_there_is_no_mesh_is_refused_as_by_anuga(domain: Any) -> None:
    for allocate in (factory.allocate_inlet_procs.__wrapped__, factory.allocate_inlet_procs):
        with pytest.raises(AssertionError, match="Line does not intersect any domain"):
            allocate(domain, [[-9.0, -9.0], [-8.0, -8.0]], procs=[0])


def test_ghosts_have_no_inlet() -> None:
    domain = anuga.rectangular_cross_domain(10, 10, 100.0, 100.0)
    flags = np.asarray(domain.tri_full_flag).copy()
    domain.number_of_full_triangles = 300
    flags[300:] = 0
    domain.tri_full_flag = flags
    for where in ([[5.0, 5.0], [95.0, 95.0]], [[10.0, 10.0], [95.0, 10.0], [95.0, 95.0]]):
        expected = stock_triangles(domain, where)
        assert expected.tolist() == regions._triangles_of(domain, where).tolist()
        assert 0 < len(expected) < len(stock_triangles(whole(domain), where))


def whole(domain: Any) -> Any:
    return anuga.rectangular_cross_domain(10, 10, 100.0, 100.0)


def stock_triangles(domain: Any, where: list) -> np.ndarray:
    """Return what ANUGA's allocate_inlet_procs counts, step by step."""
    from anuga.geometry.polygon import inside_polygon, line_intersect

    corners = np.asarray(domain.get_full_vertex_coordinates(absolute=True))
    if len(where) == 2:
        return line_intersect(corners, where)
    inside = inside_polygon(np.asarray(domain.get_centroid_coordinates(absolute=True)), where)
    found = np.intersect1d(inside, np.flatnonzero(np.asarray(domain.tri_full_flag) == 1))
    for j in range(len(where)):
        found = np.union1d(line_intersect(corners, [where[j], where[(j + 1) % len(where)]]), found)
    return found


def test_structures_take_little(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, triangles, boundary = anuga.rectangular_cross(100, 100, 1000.0, 1000.0)
    domain = anuga.Domain(nodes, triangles, boundary,
                          geo_reference=anuga.Geo_reference(56, *ORIGIN))
    domain.origin = ORIGIN
    domain.set_quantity("elevation", -1.0)
    domain.set_quantity("stage", 1.0)

    def build() -> None:
        anuga.Inlet_operator(domain, placed(domain, [[100.0, 100.0], [200.0, 150.0]]), Q=3.0)
        anuga.Boyd_box_operator(
            domain, losses=1.5, width=20.0, apron=10.0, enquiry_gap=20.0, verbose=False,
            end_points=placed(domain, [[400.0, 500.0], [600.0, 500.0]]))

    build()
    tracemalloc.start()
    build()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25 * len(domain) + 3_500_000      # 200 in one piece


@pytest.mark.parametrize("kind", [Inlet, Parallel_Inlet])
@pytest.mark.parametrize("some", [1, 6, 300])
def test_inlets_are_filled_as_by_anuga(kind: Any, some: int) -> None:
    """From any stages, equal ones too, and by any volume."""
    domain = anuga.rectangular_cross_domain(10, 10, 100.0, 100.0)
    rng = np.random.default_rng(3)
    inlet = kind(domain, Region(domain, indices=np.sort(rng.permutation(400)[:some])))
    stage = domain.quantities["stage"].centroid_values
    for turn in range(60):
        before = rng.choice([rng.normal(size=400), np.full(400, -0.5), np.arange(400) % 3 * 0.25])
        if turn == 59 and kind is Parallel_Inlet:
            before[inlet.triangle_indices[0]] = 1.0e39      # above what ANUGA looks for
        volume = rng.choice([0.0, 1.0e-12, 0.3, 40.0, 1.0e5])
        after = []
        for fill in (kind.set_stages_evenly.__wrapped__, kind.set_stages_evenly):
            stage[:] = before
            try:
                fill(inlet, volume)
            except (AssertionError, KeyError) as error:
                after.append(str(error))
            after.append(stage.tobytes())
        assert after[:len(after) // 2] == after[len(after) // 2:]


@pytest.mark.parametrize("name", ["get_areas", "get_stages", "get_depths", "get_elevations"])
def test_an_inlet_of_a_users_own_is_asked(name: str) -> None:
    """As often as in ANUGA, where a script has put something in the place of a method."""
    domain = anuga.rectangular_cross_domain(10, 10, 100.0, 100.0)
    inlet = Inlet(domain, Region(domain, indices=np.arange(5)))
    asked: list[int] = []
    method = getattr(inlet, name)
    setattr(inlet, name, lambda: asked.append(1) or method())
    times = []
    for fill in (Inlet.set_stages_evenly.__wrapped__, Inlet.set_stages_evenly):
        asked.clear()
        fill(inlet, 0.5)
        times.append(len(asked))
    assert times[0] == times[1] > 0
