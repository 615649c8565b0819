"""Boundaries evaluated for all edges at once: the bits of ANUGA's loop, and its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import (
    File_boundary,
    Time_space_boundary,
)
from anuga.fit_interpolate.interpolate import Interpolation_function, Modeltime_too_late
from anuga.shallow_water.boundaries import (
    Dirichlet_discharge_boundary,
    Transmissive_momentum_set_stage_boundary,
    Transmissive_stage_zero_momentum_boundary,
)

import anuga_lean as anuga

NAMES = ("stage", "xmomentum", "ymomentum", "elevation", "height")


def series(end: float = 9.0) -> Any:
    """A stage by time, as a file of one gauge gives it."""
    time = np.linspace(0.0, end, 8)
    return Interpolation_function(time, {"stage": np.cos(time)}, quantity_names=["stage"])


def alternating() -> Callable[[float], float]:
    """Another stage for each edge, of both signs and zero."""
    calls: list[float] = []

    def stage(t: float) -> float:
        calls.append(t)
        return (0.3, 0.3, -0.2, 0.0, -0.0, 0.0)[len(calls) % 6]

    return stage


def ending(t: float, x: float, y: float) -> list[float]:
    """Values until the first half second."""
    if t > 0.0:
        raise Modeltime_too_late("that was all")
    return [x, y, t]


def from_file(domain: Any, **options: Any) -> Any:
    """A File_boundary whose series was made here."""
    boundary = File_boundary.__new__(File_boundary)
    edges = sorted(domain.boundary)
    values = np.random.default_rng(5).normal(size=(3, 8, len(edges)))
    if options.get("missing"):
        values[0, :, 17] = np.inf
    made = Interpolation_function(
        np.linspace(0.0, options.get("end", 9.0), 8), {"stage": np.zeros(8)})
    made.spatial, made.quantity_names = True, ["stage", "xmomentum", "ymomentum"]
    made.interpolation_points = np.zeros((len(edges), 2))
    made.precomputed_values = dict(zip(made.quantity_names, values, strict=True))
    boundary.F, boundary.domain, boundary.verbose = made, domain, False
    boundary.midpoint_coordinates = np.zeros((len(edges), 2))
    boundary.boundary_indices = {edge: i for i, edge in enumerate(edges)}
    boundary.default_boundary = options.get("default_boundary")
    boundary.default_boundary_invoked = False
    return boundary


def field(domain: Any) -> Any:
    boundary = anuga.Field_boundary.__new__(anuga.Field_boundary)
    boundary.file_boundary = from_file(domain)
    boundary.F, boundary.domain, boundary.mean_stage = boundary.file_boundary.F, domain, 0.05
    return boundary


def normal_momentum(domain: Any, stage: Callable[[float], Any]) -> Any:
    return anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(domain, stage)


def stage_of_time(domain: Any) -> Any:
    boundary = anuga.Time_stage_zero_momentum_boundary(domain, lambda t: (0.2 < t) * 2)
    boundary.function = lambda t: (0.2 < t) * 2     # ANUGA 4.1 gives it another name
    return boundary


MADE: dict[str, Callable[[Any], Any]] = {
    "constant": lambda d: anuga.Dirichlet_boundary([0.1, -0.0, 0.3]),
    "constant, four values": lambda d: anuga.Dirichlet_boundary([0.1, 0.2, 0.3, 0.4]),
    "of time": lambda d: anuga.Time_boundary(d, lambda t: [t, -0.0, 2]),
    "of time, more values": lambda d: anuga.Time_boundary(
        d, lambda t: [t, 0.2, 0.3, 0.4] if t else [0.0, 0.0, 0.0]),
    "stage of time": stage_of_time,
    "stage kept": Transmissive_stage_zero_momentum_boundary,
    "discharge": lambda d: Dirichlet_discharge_boundary(d, stage0=-0.2, wh0=0.3),
    "discharge by a function": lambda d: Dirichlet_discharge_boundary(d, np.float32(0.1), 1),
    "stage set": lambda d: Transmissive_momentum_set_stage_boundary(d, np.cos),
    "stage set, an array": lambda d: Transmissive_momentum_set_stage_boundary(
        d, lambda t: [0.2, 0.0]),
    "stage set by a number": lambda d: Transmissive_momentum_set_stage_boundary(d, 0.2),
    "stage set by a series": lambda d: Transmissive_momentum_set_stage_boundary(d, series()),
    "stage set by a series that begins again": lambda d: Transmissive_momentum_set_stage_boundary(
        d, series(0.4)),
    "stage set edge by edge": lambda d: Transmissive_momentum_set_stage_boundary(d, alternating()),
    "by place": lambda d: Time_space_boundary(d, lambda t, x, y: [0.1 * x, t * y, 0.0]),
    "by place, ending": lambda d: Time_space_boundary(
        d, ending, default_boundary=anuga.Dirichlet_boundary([0.1, 0.2, 0.3])),
    "file": from_file,
    "file at its end": lambda d: from_file(
        d, end=0.4, default_boundary=anuga.Dirichlet_boundary([0.1, 0.2, 0.3])),
    "file at its end, flowing": lambda d: from_file(
        d, end=0.4, default_boundary=anuga.Transmissive_boundary(d)),
    "field": field,
    "transmissive": anuga.Transmissive_boundary,
    "normal momentum": lambda d: anuga.Transmissive_n_momentum_zero_t_momentum_set_stage_boundary(
        d, np.cos),
    "normal momentum below the bed": lambda d: normal_momentum(d, lambda t: -9.0),
    "normal momentum at a zero of the bed": lambda d: normal_momentum(d, lambda t: -0.0),
    "normal momentum, endless": lambda d: normal_momentum(d, lambda t: np.inf),
    "normal momentum, unknown": lambda d: normal_momentum(d, lambda t: [np.nan]),
    "normal momentum, high": lambda d: normal_momentum(d, lambda t: 1.0e308),
    "characteristic stage": lambda d: anuga.Characteristic_stage_boundary(d, np.cos),
    "flather": lambda d: anuga.Flather_external_stage_zero_velocity_boundary(d, np.cos),
    "absorbing": lambda d: anuga.Absorbing_wave_boundary(d, np.cos),
    "characteristic wave": lambda d: anuga.Characteristic_wave_boundary(d, np.cos),
}


@pytest.fixture
def domain() -> Iterator[Any]:
    """A domain in the middle of a step: wet, dry and thin along its boundary."""
    made = anuga.rectangular_cross_domain(12, 9, len1=24.0, len2=18.0)
    made.set_store(False)
    rng = np.random.default_rng(11)
    n = made.number_of_triangles
    bed = 0.2 * rng.normal(size=n)
    bed[::5] = 0.0
    depth = rng.choice([0.0, 1e-4, 0.4, 1.1], n)
    made.set_quantity("elevation", bed, location="centroids")
    made.set_quantity("stage", bed + depth, location="centroids")
    for name in ("xmomentum", "ymomentum"):
        made.set_quantity(name, np.where(depth > 0.1, rng.normal(size=n), 0.0),
                          location="centroids")
    wall = anuga.Reflective_boundary(made)
    made.set_boundary(dict.fromkeys(made.get_boundary_tags(), wall))
    next(iter(made.evolve(yieldstep=1.0, finaltime=1.0)))
    made.relative_time = 0.5
    made.distribute_to_vertices_and_edges(False)
    yield made


def written(domain: Any, evaluate: Callable[[Any, Any], None]) -> dict[str, np.ndarray]:
    """What an evaluation of every tag makes of boundary values that were all 7."""
    for name in NAMES:
        domain.quantities[name].boundary_values[:] = 7.0
    for tag, edges in domain.tag_boundary_cells.items():
        evaluate(tag, edges)
    return {name: domain.quantities[name].boundary_values.copy() for name in NAMES}


@pytest.mark.filterwarnings("ignore:invalid value encountered", "ignore:divide by zero",
                            "ignore:overflow encountered",
                            "ignore:Conversion of an array")     # before numpy 2.4
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_values_are_those_of_anugas_code(domain: Any, make: Callable) -> None:
    assert domain.get_time() == 0.5
    boundary, again = make(domain), make(domain)
    expected = written(domain, lambda tag, edges: boundary.evaluate_segment(domain, edges))
    for _ in range(2):      # the second time with what was kept
        found = written(domain, lambda tag, edges: domain.lean.segments.evaluate(
            again, tag, edges))
        for name in NAMES:
            if "alternating" not in str(getattr(again, "function", "")) or not _:
                np.testing.assert_array_equal(
                    expected[name].view(np.int64), found[name].view(np.int64), name)
    assert (expected["stage"] != 7.0).all()
    assert getattr(boundary, "default_boundary_invoked", 0) \
        == getattr(again, "default_boundary_invoked", 0)
    assert not domain.on_stock_arrays


@pytest.mark.parametrize("make", [
    lambda d, f: Transmissive_momentum_set_stage_boundary(d, f),
    lambda d, f: Time_space_boundary(d, lambda t, x, y: [f(t), x, y]),
], ids=["stage set", "by place"])
def test_a_function_is_called_for_every_edge(domain: Any, make: Callable) -> None:
    calls: list[tuple[float, float]] = []
    stage = domain.quantities["stage"].boundary_values

    def function(t: float) -> float:
        calls.append((t, float(np.sum(stage))))     # it sees the values of the edges before
        return 0.25

    boundary = make(domain, function)
    calls.clear()
    written(domain, lambda tag, edges: boundary.evaluate_segment(domain, edges))
    expected, calls[:] = calls.copy(), []
    written(domain, lambda tag, edges: domain.lean.segments.evaluate(boundary, tag, edges))
    assert expected == calls
    assert domain.boundary_length == len(calls)


class _Mine(File_boundary):
    def evaluate(self, vol_id: Any = None, edge_id: Any = None) -> np.ndarray:
        return np.array([1.0, 2.0, 3.0])


def _subclass(domain: Any, monkeypatch: Any) -> Any:
    boundary = from_file(domain)
    boundary.__class__ = _Mine
    return boundary


def _patched_instance(domain: Any, monkeypatch: Any) -> Any:
    boundary = from_file(domain)
    boundary.evaluate = lambda vol_id, edge_id: np.array([1.0, 2.0, 3.0])
    return boundary


def _patched_class(domain: Any, monkeypatch: Any) -> Any:
    monkeypatch.setattr(File_boundary, "evaluate", _Mine.evaluate)
    return from_file(domain)


def _patched_series(domain: Any, monkeypatch: Any) -> Any:
    monkeypatch.setattr(Interpolation_function, "__call__",
                        lambda self, t, point_id=None: np.array([1.0, 2.0, 3.0]))
    return from_file(domain)


@pytest.mark.parametrize("make", [_subclass, _patched_instance, _patched_class, _patched_series])
def test_code_of_a_users_own_is_called(domain: Any, make: Callable, monkeypatch: Any) -> None:
    from anuga_lean.stepping.boundary import may_look

    boundary = make(domain, monkeypatch)
    found = written(domain, lambda tag, edges: domain.lean.segments.evaluate(boundary, tag, edges))
    for name, value in (("stage", 1.0), ("xmomentum", 2.0), ("ymomentum", 3.0)):
        np.testing.assert_array_equal(np.full(domain.boundary_length, value), found[name])
    assert may_look(boundary, domain.number_of_triangles)


def test_a_missing_value_is_named(domain: Any) -> None:
    boundary = from_file(domain, missing=True)
    boundary.F.indices_outside_mesh = []
    for evaluate in (lambda tag, edges: boundary.evaluate_segment(domain, edges),
                     lambda tag, edges: domain.lean.segments.evaluate(boundary, tag, edges)):
        with pytest.raises(Exception, match="NAN value found in file_boundary at point id #17"):
            written(domain, evaluate)


def test_a_file_that_ends_without_default_says_so(domain: Any) -> None:
    boundary = from_file(domain, end=0.4)
    with pytest.raises(Exception, match="not contained in function domain"):
        written(domain, lambda tag, edges: domain.lean.segments.evaluate(boundary, tag, edges))


def test_renumbered_edges_are_found_again(domain: Any) -> None:
    boundary = from_file(domain)
    tag, edges = next(iter(domain.tag_boundary_cells.items()))
    first = domain.lean.segments.of(tag, edges)
    assert first is domain.lean.segments.of(tag, edges)
    assert first is not domain.lean.segments.of(tag, list(edges)[::-1])
    assert boundary.boundary_indices[int(first.cells[0]), int(first.columns[0])] \
        == first.places_in(boundary.boundary_indices)[0]


def test_a_file_does_not_look_at_the_domain(domain: Any) -> None:
    from anuga_lean.stepping.boundary import may_look

    n = domain.number_of_triangles
    assert not may_look(from_file(domain), n)
    assert not may_look(field(domain), n)
    assert not may_look(Transmissive_momentum_set_stage_boundary(domain, series()), n)
    flowing = anuga.Transmissive_boundary(domain)
    assert may_look(from_file(domain, default_boundary=flowing), n)


@pytest.mark.parametrize("stage, by_kernel", [(0.3, True), (-9.0, True), (np.inf, False)])
def test_normal_momentum_is_written_by_a_kernel(domain: Any, stage: float, by_kernel: bool) -> None:
    """Where all is finite; numpy warns of all else."""
    segment = domain.lean.segments.of(*next(iter(domain.tag_boundary_cells.items())))
    segment.normals()
    written(domain, lambda tag, edges: None)
    assert by_kernel == domain.lean.ready().keep_normal_momentum(
        segment.ids, segment.cells, segment.columns, segment.normals_in_a_row, stage, True)
    touched = [(domain.quantities[name].boundary_values[segment.ids] != 7.0).all()
               for name in NAMES[:3]]
    assert touched == 3 * [by_kernel]


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_share_the_edges(domain: Any, threads: int) -> None:
    """Many triangles, and few of them, have the same edge values on any number of threads."""
    n = domain.number_of_triangles
    rows = np.random.default_rng(2).permutation(n)
    few = rows[:50]
    run = domain.lean.ready()
    expected = run.all_edge_rows(rows), run.all_edge_rows(few), run.edge_rows("height", rows)
    domain.set_omp_num_threads(threads, verbose=False)
    run = domain.lean.ready()
    found = run.all_edge_rows(rows), run.all_edge_rows(few), run.edge_rows("height", rows)
    domain.set_omp_num_threads(1, verbose=False)
    for one, several in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one.view(np.int64), several.view(np.int64))
    assert np.isfinite(expected[0]).all()
