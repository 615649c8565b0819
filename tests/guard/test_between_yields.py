"""A run that goes on from between two steps is the uninterrupted run, bit for bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from checkpoint.compared import Results, differences, read, work

# Parity cases by what of them goes on in the middle of an evolve.
MODELS = (
    "channel_DE0", "channel_DE1", "channel_DE2", "rk3_with_DE0", "ader2_sloped", "fixed_timestep",
    "rain_function_of_time", "rain_function_of_place", "inlet_line_and_region",
    "culvert_boyd_box", "boundary_time", "boundary_file", "boundary_user_DE0",
    "riverwalls_seeping_DE0", "tracers_DE0", "kinematic_viscosity_walls_DE1", "erosion_by_flow",
    "degenerate_timesteps_DE1", "collect_max_quantities", "collect_max_stage",
    "monitored_in_a_polygon_for_a_while", "evolve_twice", "start_time_and_output_step",
    "sww_unique_vertices_DE1", "override_raining_DE1", "patched_on_instance_DE0",
)
# Each of these at so many moments, in the night; the others, and these by day, at a few.
MANY, OFTEN = 50, ("channel_DE1", "rain_function_of_time", "collect_max_stage")
FEW = 4


def run(folder: Path, what: str, moments: int, names: list[str]) -> None:
    work(folder, names, what, str(moments), worker="guard.worker", timeout=3000.0,
         ANUGA_LEAN_KEEP_CHECKPOINTS="all")


def rest_of(whole: Results, number: int) -> Results:
    """What a run shows that goes on after so many steps of `whole`."""
    counts = whole["counts"]
    began = int((counts <= number).sum())       # yields that were before the set
    found = {}
    for name, value in whole.items():
        place, _, what = name.partition(" ")
        if not place.isdigit():
            found[name] = value
        elif int(place) >= began:
            found[f"{int(place) - began} {what}"] = value
    found["timesteps"] = whole["timesteps"][number:]
    found["counts"] = counts[began:] - number
    return found


def check(folder: Path, how: str) -> None:
    whole, saving = read(folder / "whole.npz"), read(folder / "saving.npz")
    assert [] == differences(whole, saving), "writing sets changes the run"
    found = sorted(folder.glob(f"{how}_*.npz"))
    assert found
    for path in found:
        number = int(path.stem.partition("_")[2])
        assert [] == differences(rest_of(whole, number), read(path)), path.stem


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what all selected models have computed, whole and resumed."""
    folder = tmp_path_factory.mktemp("between")
    names = [item.callspec.params["model"] for item in request.session.items
             if item.path == request.path
             and "model" in getattr(getattr(item, "callspec", None), "params", {})
             and item.get_closest_marker("nightly") is None]
    names = list(dict.fromkeys(names))

    def all_of(some: list[str]) -> None:
        if some:
            for what in ("write", "load", "resume"):
                run(folder, what, FEW, some)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(all_of, (names[::2], names[1::2])))
    return folder


@pytest.mark.parametrize("model", MODELS)
def test_loaded(runs: Path, model: str) -> None:
    check(runs / model, "from")


@pytest.mark.parametrize("model", MODELS)
def test_resumed_by_the_script(runs: Path, model: str) -> None:
    check(runs / model, "again")


@pytest.mark.nightly
@pytest.mark.parametrize("model", OFTEN)
def test_at_many_moments(model: str, tmp_path: Path) -> None:
    for what in ("write", "load", "resume"):
        run(tmp_path, what, MANY, [model])
    check(tmp_path / model, "from")
    check(tmp_path / model, "again")
