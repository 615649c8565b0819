"""anuga_lean checkpoint: lists, verifies and inspects without running what files hold."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKE = """
import numpy as np
import anuga_lean as anuga
anuga.Domain
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary

class Lid(Boundary):
    print("class made")
    def __init__(self, domain):
        self.domain = domain
    def evaluate(self, vol_id, edge_id):
        return np.array([0.3, 0.0, 0.0])

domain = anuga.rectangular_cross_domain(12, 12)
domain.set_name("my_flood")
domain.set_store(False)
domain.set_quantity("stage", 0.3)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({"left": Lid(domain), "right": wall, "top": wall, "bottom": wall})
domain.set_checkpointing(checkpoint_dir="sets", checkpoint_step=1)
for t in domain.evolve(yieldstep=0.5, finaltime=1.5):
    pass
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "anuga_lean", "checkpoint", *arguments],
                          cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a model with code in it has left four sets."""
    folder = tmp_path_factory.mktemp("cli")
    subprocess.run([sys.executable, "-c", MAKE], cwd=folder, check=True)
    (folder / "sets" / "notes_1.5.txt").write_text("mine")
    (folder / "sets" / "more_2.0.npz").mkdir()
    return folder


def test_list(made: Path) -> None:
    done = run(made, "list", "sets")
    assert (0, "") == (done.returncode, done.stderr)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [["my_flood", time, "1", "all"] for time in ("1.5", "1", "0.5", "0")] == [
        line[:4] for line in lines[1:]]
    assert {"anuga_lean"} == {line[-1] for line in lines[1:]}


def test_verify(made: Path, tmp_path: Path) -> None:
    done = run(made, "verify", "sets")
    assert (0, 4) == (done.returncode, done.stdout.count(": whole, "))
    shutil.copytree(made / "sets", tmp_path / "sets")
    path = tmp_path / "sets" / "my_flood_1.5.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    done = run(tmp_path, "verify", "sets")
    assert (1, 3) == (done.returncode, done.stdout.count(": whole, "))
    assert "my_flood_1.5.npz: WRONG" in done.stdout and "is damaged" in done.stdout
    assert 0 == run(tmp_path, "verify", "sets/my_flood_1.0.npz").returncode


def test_inspect_runs_nothing(made: Path) -> None:
    done = run(made, "inspect", "sets/my_flood_1.5.npz")
    assert (0, "") == (done.returncode, done.stderr)
    assert "class made" not in done.stdout
    assert "domain.boundary_map['left']" in done.stdout and "__main__.Lid" in done.stdout
    for word in ("quantities/stage/centroid_values", "mesh/compact/triangles", "576 x 3", "DE0"):
        assert word in done.stdout


def test_json(made: Path, tmp_path: Path) -> None:
    """The same figures as the tables, as numbers, and nothing else on the output."""
    found = {action: json.loads(run(made, action, path, "--json", "-").stdout) for action, path in
             (("list", "sets"), ("verify", "sets"), ("inspect", "sets/my_flood_1.5.npz"))}
    assert [1.5, 1.0, 0.5, 0.0] == [each["time"] for each in found["list"]["sets"]]
    for each in found["list"]["sets"]:
        sizes = [(made / "sets" / name).stat().st_size for name in each["files"]]
        assert sum(sizes) == each["nbytes"]
    assert [False] * 4 == [each["wrong"] for each in found["verify"]["files"]]
    arrays = {each["name"]: each for each in found["inspect"]["arrays"]}
    assert [576, 3] == arrays["mesh/compact/triangles"]["shape"]
    assert "mesh file" == arrays["mesh/compact/triangles"]["in"]
    done = run(made, "list", "sets", "--json", str(tmp_path / "list.json"))
    assert found["list"] == json.loads((tmp_path / "list.json").read_text())
    assert done.stdout.startswith("domain")


@pytest.mark.parametrize("arguments, code, message", [
    (["list", "nowhere"], 2, "nowhere is no folder"),
    (["list", "."], 1, ". holds no checkpoints"),
    (["inspect", "nothing.npz"], 2, "checkpoint nothing.npz cannot be opened"),
    (["inspect", "mine.npz"], 2, "checkpoint mine.npz is torn (footer missing at byte 0)"),
    (["fly", "."], 2, "invalid choice: 'fly'"),
])
def test_bad_input_gets_one_sentence(
    arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.npz").write_text("mine")
    done = run(tmp_path, *arguments)
    assert code == done.returncode
    assert message in done.stderr
    assert 1 == len(done.stderr.splitlines()) and "" == done.stdout
