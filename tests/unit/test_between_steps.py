"""Calls between steps: ANUGA's answers, from a few triangles at a time, and nothing kept."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit import between_cases as cases
from unit.between_models import MODELS

import anuga_lean as anuga
from anuga_lean.arrays import pairwise_sum
from anuga_lean.arrays.census import census
from anuga_lean.measure.calls import CALLS, Taken, build, measure

CHUNK_SIZES = {
    "quantity.forms.TRIANGLES_PER_CHUNK": 150,
    "arrays.pairwise_sum.LARGEST_PART": 128,
    "mesh.lookup._TRIANGLES_AT_ONCE": 110,
    "mesh.lookup._POINTS_AT_ONCE": 32,
    "arrays.view._ROWS_AT_ONCE": 90,
    "stepping.sww._ROWS_AT_ONCE": 110,
    "stepping.classic_file._VALUES_AT_ONCE": 150,
    "stepping.frames._BUFFER_NBYTES": 2000,
    "stepping.frames._TRIANGLES_AT_ONCE": 70,
    "stepping.frames._NODES_AT_ONCE": 33,
}

Reference = dict[tuple[str, str], Any]

TRIANGLES = 20_000
# What a call may take beside 16 bytes per triangle: chunks, modules, text.
CHUNKS = 700_000


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """What plain ANUGA answers, by model and call."""
    target = tmp_path_factory.mktemp("stock") / "reference.pickle"
    made = subprocess.run(
        [sys.executable, "-W", "ignore", cases.__file__, target],
        capture_output=True, text=True, cwd=target.parent,
        env={k: v for k, v in os.environ.items() if not k.startswith("ANUGA_LEAN")})
    assert made.returncode == 0, made.stderr
    return pickle.loads(target.read_bytes())


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a small mesh many chunks."""
    set_chunks(monkeypatch, 1)


def set_chunks(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    anuga.Domain  # noqa: B018  brings the hook in, which loads the modules in their order
    # Asked once, with the real sizes: numpy 2.2 adds another way above 8192 numbers alone.
    pairwise_sum.numpy_sums_in_runs()
    for name, value in CHUNK_SIZES.items():
        monkeypatch.setattr(f"anuga_lean.{name}", value * times)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lean")


def check_same(expected: Any, actual: Any, where: str) -> None:
    """Same types where a script could tell, same shapes, same bits."""
    if isinstance(expected, np.ndarray):
        assert isinstance(actual, np.ndarray), where
        assert (expected.dtype, expected.shape) == (actual.dtype, actual.shape), where
        assert expected.tobytes() == actual.tobytes(), where
    elif isinstance(expected, (list, tuple)):
        assert (type(expected), len(expected)) == (type(actual), len(actual)), where
        for i, (a, b) in enumerate(zip(expected, actual, strict=True)):
            check_same(a, b, f"{where}[{i}]")
    elif isinstance(expected, dict):
        assert list(expected) == list(actual), where
        for key in expected:
            check_same(expected[key], actual[key], f"{where}/{key}")
    elif isinstance(expected, (float, np.floating)):
        check_same(np.array(expected), np.array(actual), where)
    else:
        assert expected == actual, where


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", cases.CALLS)
@pytest.mark.parametrize("model", MODELS)
def test_answers_are_anugas(
    model: str, name: str, reference: Reference, folder: Path, small_chunks: None
) -> None:
    domain = cases.evolved(anuga, model, folder)
    assert domain.lean is not None
    actual = cases.answer(anuga, model, name, folder)
    check_same(reference[model, name], actual, name)
    assert domain.lean is not None


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("way", cases.STORED)
def test_files_are_anugas(
    way: str, threads: int, reference: Reference, tmp_path: Path, small_chunks: None
) -> None:
    """Byte by byte, from many small parts."""
    check_same(reference["stored", way], cases.stored(anuga, way, tmp_path, threads), way)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("way", cases.STORED)
def test_files_are_anugas_from_one_part(way: str, reference: Reference, tmp_path: Path) -> None:
    check_same(reference["stored", way], cases.stored(anuga, way, tmp_path), way)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("way", ["smooth", "unique_vertices"])
def test_a_pickled_domain_goes_on_writing_its_file(
    way: str, reference: Reference, tmp_path: Path, small_chunks: None
) -> None:
    check_same(reference["stored", way], cases.stored(anuga, way, tmp_path, restart=True), way)


@given(st.integers(0, 40_000), st.integers(1, 9_000), st.integers(0, 2**32 - 1))
def test_sum_in_parts_is_numpys(count: int, piece: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.random(count) * 10.0 ** random.integers(-12, 12, count)
    pieces = [values[start : start + piece] for start in range(0, count, piece)]
    assert np.sum(values) == pairwise_sum.total(iter(pieces), count)


def test_sums_are_numpys_where_numpy_adds_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairwise_sum, "numpy_sums_pairwise", lambda: False)
    monkeypatch.setattr(pairwise_sum, "numpy_sums_in_runs", lambda: False)
    values = np.random.default_rng(2).random(5000)
    assert np.sum(values) == pairwise_sum.total(iter([values[:7], values[7:]]), len(values))


# -- memory -------------------------------------------------------------------

GROUPS = sorted({tuple(call.options.items()) for call in CALLS.values()})
# The text about areas sorts a copy of them; matplotlib's triangles and the
# points it draws are the plotter's own.
BYTES_PER_TRIANGLE = {"mesh statistics": 17.0, "Domain_plotter": 40.0}


@pytest.fixture(scope="module", params=GROUPS, ids=str)
def evolved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An evolved domain with some options, and the calls that are made on such."""
    place = tmp_path_factory.mktemp("memory")
    domain = build(anuga, TRIANGLES, place, **dict(request.param))
    return domain, [name for name, each in CALLS.items()
                    if tuple(each.options.items()) == request.param]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_calls_take_and_keep_next_to_nothing(
    evolved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain, names = evolved
    set_chunks(monkeypatch, 10)
    n = int(domain.number_of_triangles)
    for name in names:
        measure(domain, CALLS[name], trace=False)  # makes what is made once: modules, weights
        held = census(domain)
        taken: Taken = measure(domain, CALLS[name], trace=True)
        most = BYTES_PER_TRIANGLE.get(name, 16.0) * n + CHUNKS
        assert taken.peak <= most, f"{name}: {taken.peak / n:.1f} bytes per triangle"
        assert taken.retained <= CHUNKS / 10, f"{name} keeps {taken.retained:,} bytes"
        assert held.entries == census(domain).entries, name


def test_points_looked_up_keep_their_weights_only(tmp_path: Path) -> None:
    domain = build(anuga, TRIANGLES, tmp_path)
    before = census(domain).nbytes
    points = np.random.default_rng(1).random((100, 2)) * 1000.0
    domain.get_quantity("stage").get_values(interpolation_points=points)
    kept = census(domain).nbytes - before
    assert 0 < kept <= 200 * len(points) + 20 * len(domain.boundary)
