"""The scenarios: their checks, the refinement of Merimbula, and that each one runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import anuga_lean.scenarios as scenarios
from anuga_lean._errors import ScenarioError
from anuga_lean.measure.child import StepClock
from anuga_lean.measure.comparison import Comparison, compare
from anuga_lean.measure.measurement import Request, measure
from anuga_lean.scenarios import merimbula
from anuga_lean.scenarios.merimbula import RawMesh


def areas(mesh: RawMesh) -> np.ndarray:
    (ax, ay), (bx, by), (cx, cy) = (mesh.nodes[mesh.triangles[:, i]].T for i in range(3))
    return 0.5 * ((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))


def edges(mesh: RawMesh) -> tuple[np.ndarray, np.ndarray]:
    """Every edge as a sorted pair of nodes, and how many triangles have it."""
    pairs = np.concatenate([np.roll(mesh.triangles, -i, axis=1)[:, 1:] for i in range(3)])
    return np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)


def tag_lengths(mesh: RawMesh) -> dict[str, float]:
    """Length of the shore under each tag, m."""
    rows, sides = np.nonzero(mesh.edge_tags)
    first = mesh.nodes[mesh.triangles[rows, (sides + 1) % 3]]
    second = mesh.nodes[mesh.triangles[rows, (sides + 2) % 3]]
    lengths = np.hypot(*(second - first).T)
    codes = mesh.edge_tags[rows, sides]
    return {tag: lengths[codes == i + 1].sum() for i, tag in enumerate(mesh.tags)}


@pytest.fixture(scope="module")
def lake() -> RawMesh:
    return merimbula.load_mesh()


def test_the_lake_is_read_whole(lake: RawMesh) -> None:
    assert (10_785, 5_719) == (len(lake.triangles), len(lake.nodes))
    assert ("exterior", "open") == lake.tags
    assert {"exterior": 613, "open": 38} == {
        tag: int((lake.edge_tags == i + 1).sum()) for i, tag in enumerate(lake.tags)
    }
    assert [756956.4, 5913709.0] == lake.nodes[0].tolist()
    assert -1.05857910142 == lake.elevation[0]


def test_every_tag_is_on_a_boundary_edge_and_the_other_way_round(lake: RawMesh) -> None:
    _, counts = edges(lake)
    assert int((counts == 1).sum()) == len(lake.boundary())
    assert set(counts.tolist()) == {1, 2}


@pytest.mark.parametrize("rounds, triangles", [(1, 43_140), (2, 172_560)])
def test_refinement_keeps_the_lake(lake: RawMesh, rounds: int, triangles: int) -> None:
    fine = merimbula.load_mesh(rounds)
    assert triangles == len(fine.triangles)
    assert np.all(areas(fine) > 0.0)
    # Rounding: coordinates are near 6e6 m, areas down to 1 m2.
    np.testing.assert_allclose(areas(fine).sum(), areas(lake).sum(), rtol=1e-9)
    assert tag_lengths(lake) == pytest.approx(tag_lengths(fine))
    assert len(lake.boundary()) * 2**rounds == len(fine.boundary())


def test_refinement_is_conforming(lake: RawMesh) -> None:
    fine = merimbula.refine(lake)
    _, counts = edges(fine)
    assert set(counts.tolist()) == {1, 2}
    assert int((counts == 1).sum()) == len(fine.boundary())
    pairs, _ = edges(lake)
    assert len(lake.nodes) + len(pairs) == len(fine.nodes) == len(np.unique(fine.nodes, axis=0))
    assert np.array_equal(lake.nodes, fine.nodes[: len(lake.nodes)])


def test_new_nodes_lie_on_the_planes_of_the_old_bed(lake: RawMesh) -> None:
    fine = merimbula.refine(lake)
    # The middle child has its parent's centroid, and on a plane the mean of the bed too.
    middle = fine.triangles[3::4]
    means = lake.elevation[lake.triangles].mean(axis=1)
    np.testing.assert_allclose(fine.elevation[middle].mean(axis=1), means, atol=1e-12)
    ours = fine.nodes[middle].mean(axis=1)
    np.testing.assert_allclose(ours, lake.nodes[lake.triangles].mean(axis=1), rtol=1e-14)


def test_a_single_triangle_is_split_as_documented() -> None:
    nodes = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    tags = np.array([[2, 1, 0]], np.int8)
    coarse = RawMesh(nodes, np.array([[0, 1, 2]]), tags, np.array([0.0, 2.0, 4.0]), ("a", "b"))
    fine = merimbula.refine(coarse)
    assert 4 == len(fine.triangles) and np.allclose(areas(fine), 0.5)
    expected = {(0, 1): "a", (1, 0): "b", (2, 0): "b", (2, 1): "a"}
    assert expected == fine.boundary()
    assert sorted([0.0, 2.0, 4.0, 1.0, 2.0, 3.0]) == sorted(fine.elevation.tolist())


@pytest.mark.parametrize(
    "name, given, message",
    [
        ("lake", {}, "there is no scenario 'lake'; there are merimbula, dam_break, open_sides"),
        ("merimbula", {"triangles": 5}, "takes no 'triangles'; it takes refine,"),
        ("dam_break", {"flow_algorithm": "DE9"}, "'DE9' is unknown .* there are DE0, DE1, DE2"),
        ("dam_break", {"timestepping_method": "rk4"}, "there are euler, rk2, rk3"),
        ("dam_break", {"low_froude": 3}, "there are 0, 1, 2"),
        ("merimbula", {"refine": -1}, "refine=-1 .* is not a whole number from 0 up"),
        ("dam_break", {"triangles": 3}, "triangles=3 .* is not a whole number from 4 up"),
    ],
)
def test_what_does_not_exist_is_named_in_one_sentence(
    name: str, given: dict, message: str
) -> None:
    with pytest.raises(ScenarioError, match=message) as caught:
        scenarios.complete(name, given)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_defaults_are_filled_in() -> None:
    values = scenarios.complete("merimbula", {"flow_algorithm": "DE1"})
    assert (2, "DE1", False) == (values["refine"], values["flow_algorithm"], values["store"])


def test_importing_scenarios_loads_no_anuga() -> None:
    code = (
        "import sys, anuga_lean.scenarios, anuga_lean.measure.child, anuga_lean.__main__; "
        "anuga_lean.scenarios.merimbula.load_mesh(); print('anuga' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "False" == done.stdout.strip()


SMALL = {
    "merimbula": {"refine": 0},
    "dam_break": {"triangles": 400},
    "open_sides": {"triangles": 400},
    "regions": {"triangles": 400},
    "unstructured": {"triangles": 400},
    "catchment": {"triangles": 400},
    "structures": {"triangles": 400},
    "catchment_full": {"triangles": 2000},
    "parallel": {"triangles": 400},
}
# Wet fraction from and to, and a momentum that is passed somewhere, m2/s, after 30 steps.
MOVES = {"catchment": (0.2, 0.5, 0.005)}


@pytest.fixture(scope="module", params=scenarios.SCENARIOS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A scenario on stock and on lean."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    return compare(Request("stock", name, {**SMALL[name], "store": True}, steps=30), 1, folder)


def test_every_scenario_runs_on_stock(both: Comparison) -> None:
    name, result = both.request.scenario, both.stock[0]
    wanted = SMALL[name].get("triangles", 10_785)
    assert wanted == pytest.approx(result["number_of_triangles"], rel=0.1)
    assert 30 == result["steps"] == len(result["timesteps"])
    assert "stock" == result["runs_on"]
    least_wet, most_wet, momentum = MOVES.get(name, (0.5, 1.0, 0.1))
    assert least_wet < result["wet_fraction"] <= most_wet
    folder = Path(result["arrays"]).parent
    assert (folder / f"{name}.sww").samefile(result["sww"])
    with np.load(result["arrays"]) as arrays:
        assert np.array_equal(arrays["timestep"], result["timesteps"])
        assert np.hypot(arrays["xmomentum"], arrays["ymomentum"]).max() > momentum
        assert all(np.isfinite(arrays[name]).all() for name in arrays.files)
    # Nothing of a model's evolution is printed at every step.
    assert len((folder / "output.log").read_text().splitlines()) < 10


def test_every_scenario_is_the_same_on_lean(both: Comparison) -> None:
    result = both.lean[0]
    assert "lean" == result["runs_on"]
    assert both.identical, [name for name, same in both.equal.items() if not same]
    # No StockKernelWarning, nor any other.
    assert "Warning" not in (Path(result["arrays"]).parent / "output.log").read_text()


def test_one_process_gives_the_parallel_dam_break_to_nobody(tmp_path: Path) -> None:
    requests = [Request("stock", name, {"triangles": 100}, steps=5)
                for name in ("dam_break", "parallel")]
    results = [measure(each, tmp_path / each.scenario) for each in requests]
    assert results[0]["sha256"] == results[1]["sha256"]


def test_every_structure_carries_water(tmp_path: Path) -> None:
    """Over the weir, along the levee, through box and pipe, out of the inlet."""
    done = subprocess.run(
        [sys.executable, "-c", STRUCTURES], capture_output=True, text=True, cwd=tmp_path,
        check=True,
    )
    box, pipe, inlet, walls, over = map(float, done.stdout.split())
    assert box > 1.0 and pipe > 1.0
    assert inlet == pytest.approx(12.0, rel=0.2)
    assert walls > 10 and over > 0.05


STRUCTURES = """
import anuga_lean as anuga, numpy as np
from anuga_lean import scenarios
domain = scenarios.build("structures", anuga, triangles=400)
for _ in domain.evolve(yieldstep=1.0, finaltime=2.0):
    pass
_, inlet, box, pipe = domain.fractional_step_operators
weir = np.abs(domain.get_centroid_coordinates()[:, 0] - 128.0) < 8.0
over = domain.quantities["xmomentum"].centroid_values[weir].max()
print(box.discharge, pipe.discharge, inlet.total_applied_volume, domain.number_of_riverwall_edges,
      over)
"""


@pytest.mark.parametrize("storm", ["grid", "function"])
def test_all_of_the_full_catchment_acts(storm: str, tmp_path: Path) -> None:
    """Rain on dry land, an inflow, a culvert, a levee that is overtopped, maxima, drying."""
    done = subprocess.run([sys.executable, "-c", CATCHMENT, storm], capture_output=True,
                          text=True, cwd=tmp_path, check=True)
    rain, burst, inlet, box, walls, over, wetted, dried, fastest = map(float, done.stdout.split())
    assert rain > 50.0 and burst > 10.0 and box > 1.0
    assert inlet == pytest.approx(300.0, rel=0.2)
    assert walls > 10 and over > 0.05
    assert wetted > 20 and dried > 1 and fastest > 1.0


CATCHMENT = """
import sys
import anuga_lean as anuga, numpy as np
from anuga_lean import scenarios
domain = scenarios.build("catchment_full", anuga, triangles=2000, storm=sys.argv[1])
q = domain.quantities
depth = lambda: q["stage"].centroid_values - q["elevation"].centroid_values
start = depth() > 0.001
for _ in domain.evolve(yieldstep=10.0, finaltime=20.0):
    pass
_, rain, burst, inlet, box, maxima = domain.fractional_step_operators
x, y = domain.get_centroid_coordinates().T
behind = (x > 850.0) & (x < 1100.0) & (y > 424.0) & (y < 445.0)
wet = depth() > 0.001
print(rain.cumulative_influx, burst.cumulative_influx, inlet.total_applied_volume, box.discharge,
      domain.number_of_riverwall_edges, q["ymomentum"].centroid_values[behind].max(),
      (wet & ~start).sum(), (start & ~wet).sum(), maxima.max_speed.max())
"""


def test_a_storm_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ScenarioError, match="storm='hail' is unknown .* there are grid, function"):
        scenarios.build("catchment_full", SimpleNamespace(), storm="hail")


@pytest.mark.parametrize("algorithm", scenarios.FLOW_ALGORITHMS)
def test_a_run_ends_after_exactly_so_many_steps(algorithm: str, tmp_path: Path) -> None:
    parameters = {"triangles": 100, "flow_algorithm": algorithm}
    result = measure(Request("stock", "dam_break", parameters, steps=7), tmp_path)
    assert 7 == result["steps"]
    assert sum(result["timesteps"]) == pytest.approx(result["time"])


@pytest.mark.parametrize("early", [False, True])
def test_the_clock_ends_whenever_a_domain_advances_its_time(early: bool) -> None:
    """ANUGA 3.3 has the step's end as its time at the fractional steps of rk2, 4.1 its begin."""
    domain = SimpleNamespace(relative_time=0.0, relative_finaltime=1e12, timestep=0.25)
    domain.apply_fractional_steps = lambda: None
    clock = StepClock(domain, 6, lambda line: None)
    for _ in advance(domain, early):
        clock.resume()
    assert (6, 1.5) == (len(clock.timesteps), domain.relative_time)


def advance(domain: SimpleNamespace, early: bool) -> Iterator[float]:
    """What evolve() does of time, a yield every two steps."""
    domain.relative_time = 0.0
    while domain.relative_time < domain.relative_finaltime:
        begin = domain.relative_time
        domain.timestep = min(0.25, domain.relative_finaltime - begin)
        if early:
            domain.relative_time += domain.timestep
        domain.apply_fractional_steps()
        domain.relative_time = begin + domain.timestep
        if domain.relative_time % 0.5 == 0.0:
            yield domain.relative_time


def test_a_run_ends_at_a_final_time(tmp_path: Path) -> None:
    request = Request("stock", "dam_break", {"triangles": 100}, finaltime=1.5, yieldstep=0.5)
    assert 1.5 == measure(request, tmp_path)["time"]
