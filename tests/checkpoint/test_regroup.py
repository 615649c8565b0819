"""A set written by so many ranks is loaded on another number of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mpirun import needs_mpi, on_ranks

SCRIPT = Path(__file__).with_name("regrouped.py")

pytestmark = needs_mpi


def run(ranks: int, action: str, folder: Path, label: str) -> str:
    """Run the script; what it said on stderr."""
    done = on_ranks(ranks, folder, "-m", "anuga_lean", "run", str(SCRIPT), action, str(folder),
                    label)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stderr


def gathered(folder: Path, label: str) -> dict[str, np.ndarray]:
    """The state of the whole mesh that the ranks have left, by global number."""
    parts = [np.load(path) for path in sorted(folder.glob(f"{label}_[0-9].npz"))]
    number = np.concatenate([part["number"] for part in parts])
    assert np.array_equal(np.arange(13 * 11 * 4), np.sort(number))
    found = {name: parts[0][name] for name in ("time", "flux", "rain", "CFL")}
    for name in set(parts[0].files) - {*found, "number"}:
        values = np.concatenate([part[name] for part in parts])
        found[name] = np.empty_like(values)
        found[name][number] = values
    return found


@pytest.mark.parametrize("before, after", [(3, 1), (3, 2), (1, 2)])
def test_another_number_of_ranks(before: int, after: int, tmp_path: Path) -> None:
    """The run goes on as one that is distributed anew at that time."""
    run(before, "write", tmp_path, "written")
    said = run(after, "load", tmp_path, "again")
    assert f"were written by {before} ranks and are loaded on {after}" in said
    assert "boundary 'left' (Time_boundary)" in said and "Rate_operator" in said
    run(after, "anew", tmp_path, "expected")
    written, loaded = gathered(tmp_path, "written"), gathered(tmp_path, "again_loaded")
    assert [] == [name for name in written if not np.array_equal(written[name], loaded[name])]
    expected, actual = gathered(tmp_path, "expected"), gathered(tmp_path, "again")
    assert (10.0, 0.8) == (actual["time"], actual["CFL"])
    state = ("stage", "xmomentum", "ymomentum", "elevation", "friction", "level", "place")
    assert [] == [name for name in state if not np.array_equal(expected[name], actual[name])]
    assert not np.array_equal(written["stage"], actual["stage"])
    # the integrals go on from those of the run before
    for name in ("flux", "rain"):
        assert actual[name] == pytest.approx(written[name] + expected[name], rel=1e-12)
    if after == 1:      # the file of the first run is not replaced
        assert (tmp_path / "flood_P3_0.sww").exists()


def test_what_was_not_set_again_complains(tmp_path: Path) -> None:
    """No boundary of the ranks before stands in silently."""
    run(2, "write", tmp_path, "written")
    script = """
import anuga_lean as anuga
domain = anuga.load_checkpoint_file("flood", "sets")
for t in domain.evolve(yieldstep=2.0, finaltime=8.0):
    pass
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True,
                          text=True, timeout=120)
    assert 1 == done.returncode
    last = done.stderr.splitlines()[-1]
    assert "domain.boundary_map['" in last and "set it again before going on" in last


def test_a_branch_on_other_ranks(tmp_path: Path) -> None:
    """Sets of two ranks stay whole beside those of one, of which the newest is taken then."""
    run(2, "write", tmp_path, "written")
    sets = tmp_path / "sets"
    before = {path.name: path.read_bytes() for path in sets.iterdir()}
    assert 2 * (4 + 4 + 1) == len(before)       # sets, stubs and a mesh file of each rank
    run(1, "branch", tmp_path, "first")
    after = {path.name: path.read_bytes() for path in sets.iterdir()}
    assert before == {name: data for name, data in after.items() if name in before}
    assert ["flood_10.0.npz", "flood_10.0.pickle"] == sorted(
        name for name in after.keys() - before.keys() if "_mesh_" not in name)
    # the set at 10 s is the newest, on any number of ranks: nothing is left to evolve
    run(2, "branch", tmp_path, "second")
    first, second = gathered(tmp_path, "first"), gathered(tmp_path, "second")
    assert (10.0, 10.0) == (first["time"], second["time"])
    assert [] == [name for name in first if not np.array_equal(first[name], second[name])]
    assert after == {path.name: path.read_bytes() for path in sets.iterdir()}
