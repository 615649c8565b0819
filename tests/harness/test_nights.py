"""Nights: the second on the same code passes the gate, a fatter domain does not."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from anuga_lean.measure.builds import find
from anuga_lean.measure.cases import Case, memory_record
from anuga_lean.measure.records import read
from anuga_lean.overlay.fingerprint import known_releases

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

# One more float64 per triangle, as a change may store it by mistake.
FORGETFUL = """
import importlib.abc, importlib.machinery, sys

class Loader(importlib.abc.Loader):
    def __init__(self, loader): self.loader = loader
    def create_module(self, spec): return self.loader.create_module(spec)
    def exec_module(self, module):
        self.loader.exec_module(module)
        original = module.Domain.__init__
        def __init__(self, *args, **kwargs):
            import numpy
            original(self, *args, **kwargs)
            self.forgotten = numpy.ones(self.number_of_triangles)
        module.Domain.__init__ = __init__

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "anuga_lean.checkpoint.domain":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        spec.loader = Loader(spec.loader)
        return spec

sys.meta_path.insert(0, Finder())
"""


def night(history: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    nothing = history.parent / "nothing"
    nothing.mkdir(exist_ok=True)
    command = [sys.executable, str(BENCHMARKS / "nightly.py"), "--profile", "quick",
               "--history", str(history), "--baselines", str(nothing), *more]
    offline = {"PIP_NO_INDEX": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=history.parent,
                          env={**os.environ, **offline, **variables})


@pytest.mark.slow
def test_a_second_night_passes_and_one_more_array_fails_by_name(tmp_path: Path) -> None:
    history = tmp_path / "history"
    (tmp_path / "sitecustomize.py").write_text(FORGETFUL)
    only = ("--", "-k", "test_memory and lean")
    first = night(history, *only)
    assert 0 == first.returncode, first.stdout + first.stderr
    assert f"there is no night of ANUGA {version('anuga')} to compare with" in first.stdout
    assert "whether there is a newer ANUGA than" in first.stdout
    second = night(history, *only)
    assert 0 == second.returncode, second.stdout + second.stderr
    assert "nothing is worse" in second.stdout
    assert 2 == len(list(history.glob("*.json")))
    page = (history / "report.html").read_text().replace("<wbr>", "")
    assert all(path.name in page for path in history.glob("*.json"))
    third = night(history, *only, PYTHONPATH=str(tmp_path))
    assert 1 == third.returncode
    worse = [line for line in third.stdout.splitlines() if line.startswith("WORSE: ")]
    named = [line for line in worse if "domain/forgotten +8.00 B/tri" in line]
    assert any(": held " in line for line in named), worse


@pytest.mark.slow
def test_a_version_that_cannot_be_had_gives_a_row_and_the_others_run(tmp_path: Path) -> None:
    history = tmp_path / "history"
    done = night(history, "--", "-k", "test_ranks", "--build", "0.0.99", "--build", "lean")
    assert 1 == done.returncode
    (stored,) = history.glob("*.json")
    rows = {record.build: record for record in read(stored).records}
    assert "there is no environment with anuga 0.0.99" in str(rows["0.0.99"].error)
    assert rows["lean"].error is None and 2 == len(rows["lean"].ranks)
    page = (history / "report.html").read_text().replace("<wbr>", "")
    assert "there is no environment with anuga 0.0.99" in page


def test_other_releases_are_measured_beside_the_installed_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--collect-only",
         str(BENCHMARKS), "--release", "94.0.1"], cwd=tmp_path, capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout
    for release in {*known_releases(), "94.0.1"} - {version("anuga")}:
        assert f"240000 DE0 1t 1p {release}]" in done.stdout
        for suite in ("test_memory[structures", "test_ranks[parallel", "test_speed[dam_break",
                      "test_checkpoint[dam_break"):
            assert any(suite in line and f" lean@{release}" in line
                       for line in done.stdout.splitlines()), (suite, release)


@pytest.mark.slow
@pytest.mark.nightly  # about the harness and the machine, not about a change
@pytest.mark.parametrize("build", ["stock", "lean"])
def test_memory_repeats_within_a_percent(build: str, tmp_path: Path) -> None:
    case = Case("dam_break", {"tailwater": -2.0}, [{"triangles": 60_000}, {"triangles": 240_000}],
                steps=5, allocations=False)
    found = [memory_record(case, find(build), tmp_path) for _ in range(2)]
    for name, figure in found[0].figures.items():
        if figure.gate == "memory":
            assert found[1].figures[name].value == pytest.approx(figure.value, rel=0.01), name


def test_a_night_that_cannot_start_says_so(tmp_path: Path) -> None:
    done = night(tmp_path / "history", "--", "--no-such-option")
    assert 0 != done.returncode and "nothing was measured" in done.stderr
    assert [] == list((tmp_path / "history").glob("*.json"))


def test_a_night_without_valgrind_says_so(tmp_path: Path) -> None:
    said = "there is no valgrind, which counts instructions: apt install valgrind"
    done = night(tmp_path / "history", "--", "--no-such-option", PATH=str(tmp_path))
    assert 1 == done.stdout.count(said), done.stdout + done.stderr
