"""Runs ANUGA's own tests on a patched ANUGA, test by test against the release as it is.

Owns which tests concern a patch and what is kept of stock's outcomes.  Running
them and telling a regression is benchmarks/upstream_suites.py's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import upstream_sdist as sdist
import upstream_suites as upstream

from verifying.builds import Progress, site_packages
from verifying.tree import Change

# What a change of storage breaks first, by the experience of the series: a minute.
SUBSET = (
    "anuga.abstract_2d_finite_volumes", "anuga.operators", "anuga.simulation",
    "anuga.caching.tests.test_caching", "anuga.file.tests.test_sww_lock",
    *(f"anuga.shallow_water.tests.test_{name}" for name in (
        "shallow_water_domain", "data_manager", "regression_snapshots", "forcing",
        "DE_gpu_omp", "loadsave", "flow_algorithms")),
)
# What concerns the distribution of a domain, of the parallel tests.
PARALLEL = tuple(f"anuga.parallel.tests.test_{name}" for name in (
    "parallel_distribute_domain", "parallel_dist_settings", "distribute_mesh", "reorder_domain",
    "parallel_meshes", "sequential_dist_sw_flow", "parallel_shallow_domain",
    "parallel_sw_flow_de0", "parallel_sw_flow_de1", "parallel_inlet_operator"))
TIMEOUT = 5400.0  # s of a run of pytest: a patch may make ranks wait for ever
STAND_IN = Path(__file__).resolve().parent / "children" / "installed_conftest.py"
COVERED = ("abstract_2d_finite_volumes", "operators", "simulation", "shallow_water", "parallel")


@dataclass
class Outcome:
    """The outcome of ANUGA's tests on a patched ANUGA.

    Attributes
    ----------
    passed, failed, skipped : int
        ``failed`` counts errors and crashes too.
    stock_passed : int
        Of the same tests on stock.
    new : int
        Passed tests that stock has not.
    regressed : list of str
        Tests that are worse than on stock or that the patch brings and that
        fail, each with its reason.
    again : list of str
        Tests that passed only when they were run alone, once more.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    stock_passed: int = 0
    new: int = 0
    regressed: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)


def runs(changes: Sequence[Change], full: bool) -> dict[str, list[str]]:
    """Return what follows --pyargs by name of a run of pytest."""
    if full:
        return {"fast": upstream.SUITES["fast"], "parallel": upstream.SUITES["parallel-quick"]}
    found = {"subset": [*SUBSET, "--run-fast"]}
    parallel: dict[str, None] = {}
    more: dict[str, None] = {}
    for change in changes:
        path = Path(change.path)
        if path.parts[0] != "anuga" or len(path.parts) < 3:
            continue
        ranks = path.parts[1] == "parallel"
        if ranks:
            parallel.update(dict.fromkeys(PARALLEL))
        elif path.parts[1] not in COVERED:
            more[f"anuga.{path.parts[1]}"] = None
        module = ".".join(path.with_suffix("").parts)
        if path.suffix == ".py" and path.name.startswith("test_") and not any(
                f"{module}.".startswith(f"{each}.") for each in (*SUBSET, *more)):
            (parallel if ranks else more)[module] = None
    if more:
        found["more"] = [*more, "--run-fast"]
    if parallel:
        found["parallel"] = list(parallel)
    return found


class Suites:
    """Runs tests and keeps their outcome on stock.

    Parameters
    ----------
    tree : Path
        The source, whose conftest and settings the tests run with.
    cache, kept : Path
        For ANUGA's own caches, and for stock's outcomes.
    stock : Path
        Interpreter of the release as it is.
    progress : callable
    """

    def __init__(self, tree: Path, cache: Path, kept: Path, stock: Path,
                 progress: Progress) -> None:
        self.cache, self.kept, self.stock = cache, kept, stock
        self.progress = progress
        # A copy: the tree changes with the next patch.
        self.settings = kept / "settings"
        self.settings.mkdir(parents=True, exist_ok=True)
        if (tree / "conftest.py").exists():
            for name in ("conftest.py", "pyproject.toml"):
                shutil.copy(tree / name, self.settings / name)
        else:  # of an installed ANUGA
            shutil.copy(STAND_IN, self.settings / "conftest.py")
            (self.settings / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")

    def compare(self, name: str, python: Path, changes: Sequence[Change], full: bool,
                folder: Path, only: dict[str, list[str]] | None = None) -> Outcome:
        """Run the tests that concern some changes and compare with stock."""
        outcome = Outcome()
        for label, arguments in (only or runs(changes, full)).items():
            stock = self._of_stock(label, arguments, folder)
            self.progress(f"{name}: ANUGA's tests, {label}")
            ours = self._run(f"{name}, {label}", python, arguments, folder / label)
            regressed = self._regressed(stock, ours)
            if regressed:
                self.progress(f"{name}: {len(regressed)} tests once more")
                again = [upstream.as_argument(test) for test in regressed if test in ours]
                second = self._run(f"{name}, {label} again", python, again, folder / "again") \
                    if again else {}
                for test, found in second.items():
                    if found["outcome"] == "passed":
                        outcome.again.append(test)
                        ours[test] = found
                regressed = self._regressed(stock, ours)
            outcome.regressed += [f"{test} {why}" for test, why in regressed.items()]
            _count(outcome, stock, ours)
        return outcome

    @staticmethod
    def _regressed(stock: dict[str, Any], ours: dict[str, Any]) -> dict[str, str]:
        return {each.test: f"{each.stock} on stock, {each.lean} here"
                           f"{f': {each.reason}' if each.reason else ''}"
                for each in upstream.compare(stock, ours)
                if each.regressed or (each.stock == "not run" and each.lean not in upstream.GOOD)}

    def _of_stock(self, label: str, arguments: list[str], folder: Path) -> dict[str, Any]:
        there = [each for each in arguments if not each.startswith("anuga") or self._has(each)]
        key = hashlib.sha256(json.dumps(there).encode()).hexdigest()[:16]
        kept = self.kept / f"tests-{key}.json"
        if kept.exists():
            return json.loads(kept.read_text())
        if not any(each.startswith("anuga") for each in there):
            return {}
        self.progress(f"stock: ANUGA's tests, {label}, once")
        found = self._run(f"stock, {label}", self.stock, there, folder / f"stock_{label}")
        kept.write_text(json.dumps(found))
        return found

    def _has(self, module: str) -> bool:
        """Whether stock has a module or package; a patch may bring new ones."""
        path = site_packages(self.stock).joinpath(*module.split("."))
        return path.is_dir() or path.with_suffix(".py").exists()

    def _run(self, label: str, python: Path, arguments: list[str], folder: Path
             ) -> dict[str, Any]:
        variables = sdist.environment(folder.with_name(f"{folder.name}_home"), self.cache,
                                      str(python))
        return upstream.run_tests(f"the tests of {label}", [str(python)], arguments, "stock",
                                  self.settings, folder, variables, TIMEOUT)


def _count(outcome: Outcome, stock: dict[str, Any], ours: dict[str, Any]) -> None:
    ends = Counter(found["outcome"] for found in ours.values())
    outcome.passed += ends["passed"]
    outcome.skipped += ends["skipped"] + ends["xfailed"]
    outcome.failed += sum(ends.values()) - ends["passed"] - ends["skipped"] - ends["xfailed"]
    outcome.stock_passed += sum(found["outcome"] == "passed" for found in stock.values())
    outcome.new += sum(found["outcome"] == "passed" and test not in stock
                       for test, found in ours.items())
