"""Checkpoints of a script that defines things of its own, however it is started."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.runner import stored

SCRIPT = Path(__file__).with_name("script.py")
WAYS = {"python": [sys.executable], "run": [sys.executable, "-m", "anuga_lean", "run"]}


class Runs:
    """Runs of the script in one folder, started one way."""

    def __init__(self, folder: Path, way: str = "python") -> None:
        self.folder, self.way = folder, way
        text = SCRIPT.read_text()
        if way == "run":
            text = text.replace("import anuga_lean as anuga", "import anuga")
        (folder / "script.py").write_text(text)

    def run(self, name: str, how: str, **options: Any) -> dict[str, np.ndarray]:
        """Start the script; what it has seen and stored, nothing if it is broken off."""
        options = {"checkpoint_dir": "SETS"} | options
        done = subprocess.run(
            [*WAYS[self.way], "script.py", name, how, json.dumps(options)],
            cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert 0 == done.returncode, done.stdout + done.stderr
        assert "Warning" not in done.stderr
        if how == "broken":
            return {}
        with np.load(self.folder / f"{name}.npz") as arrays:
            found = {key: arrays[key] for key in arrays.files}
        return found | stored(self.folder / "basin.sww")

    def sets(self) -> list[float]:
        """The times of the sets in the folder."""
        return sorted(float(path.stem.rpartition("_")[2]) for path in
                      (self.folder / "SETS").glob("basin_*.npz") if "_mesh_" not in path.name)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The run without checkpoints."""
    return Runs(tmp_path_factory.mktemp("whole")).run("whole", "whole")


def assert_goes_on(whole: dict[str, np.ndarray], resumed: dict[str, np.ndarray],
                   yields: int) -> None:
    """Whether a resumed run shows what the last so many yields of the whole one do."""
    assert 0 < int(resumed["first"]) < len(whole["steps"]) or 20 == yields
    times = {key.split()[0] for key in resumed if key[0].isdigit()}
    assert yields == len(times)
    assert sorted(times, key=float) == sorted(
        {key.split()[0] for key in whole if key[0].isdigit()}, key=float)[-yields:]
    assert [] == [key for key in resumed if key != "first"
                  and not np.array_equal(whole[key], resumed[key])]
    assert {key for key in whole if not key[0].isdigit()} == {
        key for key in resumed if not key[0].isdigit()}
    assert np.allclose(np.arange(0.0, 2.1, 0.2), resumed["sww.time"])


def test_goes_on_where_its_globals_are(whole: dict[str, np.ndarray], tmp_path: Path) -> None:
    """Lambda, boundary, operator and domain of __main__; sets fall on the same yields after."""
    runs = Runs(tmp_path)
    runs.run("broken", "broken", checkpoint_step=3)
    assert np.allclose(np.arange(0.0, 1.6, 0.3), runs.sets())
    assert_goes_on(whole, runs.run("resumed", "resumed"), 5)
    assert np.allclose(np.arange(0.0, 1.9, 0.3), runs.sets())


def test_goes_on_from_any_set(whole: dict[str, np.ndarray], tmp_path: Path) -> None:
    """Under `anuga_lean run`, compressed, all sets kept: one before stored frames, and t=0."""
    runs = Runs(tmp_path, "run")
    runs.run("broken", "broken", checkpoint_step=2, compression="zstd")
    assert np.allclose(np.arange(0.0, 1.5, 0.2), runs.sets())
    names = [path.name for path in (tmp_path / "SETS").glob("*_1.2.npz")]
    assert 1 == len(names)
    for path in (tmp_path / "SETS").glob("basin_1.4*.npz"):
        path.unlink()
    assert_goes_on(whole, runs.run("resumed", "resumed", time=1.2), 8)
    shutil.rmtree(tmp_path / "SETS")
    runs.run("broken", "broken", checkpoint_step=100)
    assert [0.0] == runs.sets()
    assert_goes_on(whole, runs.run("resumed", "resumed", time=0), 20)


def test_wall_time_and_strays(whole: dict[str, np.ndarray], tmp_path: Path) -> None:
    """Sets by wall time, among files and folders that are none; after resuming too."""
    runs = Runs(tmp_path)
    strays = tmp_path / "SETS"
    (strays / "empty").mkdir(parents=True)
    (strays / "deep" / "basin_9.0.npz").mkdir(parents=True)
    (strays / "basin_1.7.npz").mkdir()
    for name in ("x_notes.txt", "basin_notes.txt", "basin_1.9.npz.part", "basin_tides_1.9.npz.gz",
                 ".basin.partial", "other_1.9.npz", "basin2_1.9.npz", "basin_1.9.txt"):
        (strays / name).write_text("not a checkpoint\n")
    kept = sorted(strays.iterdir())
    runs.run("broken", "broken", checkpoint_time=1e-6, keep=3)
    assert np.allclose([1.3, 1.4, 1.5, 1.7], runs.sets())
    assert_goes_on(whole, runs.run("resumed", "resumed"), 5)
    assert np.allclose([1.7, 1.8, 1.9, 2.0], runs.sets())
    assert set(kept) - set(strays.iterdir()) <= {strays / ".basin.partial"}
