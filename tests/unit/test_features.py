"""The table of features: what docs/ shows is what the code decides by, and what it costs."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import anuga_lean as anuga
from anuga_lean.overlay.capabilities import capabilities
from anuga_lean.stepping.features import FEATURES, Feature

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "what_runs_lean.md"
# At the small sizes measured here an edge of the boundary still counts.
TOLERANCE = 2.0


def test_the_page_shows_the_table() -> None:
    lines = PAGE.read_text().splitlines()
    start = lines.index("| feature | kernels | adds B/tri | note |") + 2
    shown = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    expected = [f"| {name} | {kernels} | {nbytes} | {note} |"
                for name, kernels, nbytes, note in FEATURES]
    assert expected == list(shown)


def test_every_feature_runs_on_one_of_two_kernels() -> None:
    assert {"lean", "stock"} == {feature.runs_on for feature in FEATURES}
    assert len(FEATURES) == len({feature.name for feature in FEATURES})


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What benchmarks/fallbacks.py measures, by feature."""
    result = tmp_path_factory.mktemp("costs") / "costs.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "fallbacks.py"), "--cells", "30", "60",
               "--json", str(result)]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"},
                          capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    return {cost["name"]: cost for cost in json.loads(result.read_text())}


def test_every_feature_is_measured(costs: dict[str, dict]) -> None:
    assert {feature.name for feature in FEATURES} == set(costs)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_costs_what_the_table_says(costs: dict[str, dict], feature: Feature) -> None:
    cost = costs[feature.name]
    assert feature.runs_on == cost["kernels"]
    # The table is of the newest ANUGA, which holds a mask of eight bytes.
    mask = 0 if capabilities().prescribed_limiter or feature.runs_on == "lean" else 8
    assert pytest.approx(feature.nbytes_per_triangle - mask, abs=TOLERANCE) == \
        cost["bytes_per_triangle"]


@pytest.mark.parametrize("table", ["neighbours", "neighbour_edges", "surrogate_neighbours",
                                   "triangles", "vertex_value_indices"])
def test_no_index_out_of_range_reaches_anugas_kernels(table: str) -> None:
    """A table that a script has written is checked before the domain turns to stock arrays."""
    domain = anuga.rectangular_cross_domain(4, 3)
    getattr(domain.mesh, table)[3] = 10**6
    with pytest.raises(anuga.MeshError, match=f"{table} are not integers from"):
        domain.use_stock_kernels("a test")
    assert not domain.on_stock_arrays
