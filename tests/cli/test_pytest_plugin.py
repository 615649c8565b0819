"""The fixture `memory_of` in a suite of a user's, and no trace of it where it is not used."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

MODEL = """
import sys
import anuga
domain = anuga.rectangular_cross_domain(10, 10)
domain.set_store(False)
domain.set_flow_algorithm(sys.argv[1])
domain.set_quantity("stage", lambda x, y: 1.0 + 0.2 * (x < 0.4))
wall = anuga.Reflective_boundary(domain)
domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"), wall))
for _ in domain.evolve(yieldstep=0.05, finaltime=0.1):
    pass
"""
SUITE = """
import sys

def test_memory(memory_of):
    lean, stock = (memory_of("model.py", "DE1", anuga=each) for each in ("lean", "stock"))
    assert 400 == lean.triangles == stock.triangles and lean.steps == stock.steps > 0
    assert 0 < lean.arrays < stock.arrays
    assert abs(sum(lean.groups.values()) - lean.arrays) < 0.1
    assert 10 << 20 < lean.peak_rss < stock.peak_rss < 2 << 30
    assert 0 < lean.evolve_seconds < lean.seconds
    assert ["import", "set up", "evolve", "after"] == list(lean.stages)
    assert not {"anuga", "anuga_lean"} & set(sys.modules)

def test_a_script_that_fails(memory_of):
    memory_of("model.py", "DE9")
"""
PLAIN = """
import sys

def test_nothing_is_loaded():
    assert not {"anuga", "anuga_lean", "numpy"} & set(sys.modules)
"""


def pytest_in(folder: Path, suite: str) -> subprocess.CompletedProcess[str]:
    (folder / "model.py").write_text(MODEL)
    (folder / "test_mine.py").write_text(suite)
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider",
         "test_mine.py"] if sys.version_info >= (3, 11) else
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "test_mine.py"],
        cwd=folder, capture_output=True, text=True)


def test_it_is_registered() -> None:
    [found] = [each for each in metadata.entry_points(group="pytest11")
               if each.name == "anuga_lean"]
    assert "pytest_anuga_lean" == found.value


def test_a_suite_with_it(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, SUITE)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "anuga_lean compare: error: the lean run of model.py ended with" in done.stdout


def test_a_suite_without_it(tmp_path: Path) -> None:
    """Other plugins of this environment may load numpy; this one is the only one here."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, pytest_anuga_lean; print(sorted({'anuga', 'anuga_lean',"
         " 'numpy'} & set(sys.modules)))"], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout
    done = pytest_in(tmp_path, PLAIN)
    assert "1 passed" in done.stdout, done.stdout
