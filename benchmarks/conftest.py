"""Puts the suite together: cases and builds as parameters, records into the JSON.

The figures are measured in processes of their own (`anuga_lean.measure`).  The
plugin's clock is replaced by one that replays the seconds which those processes
measured, so that its statistics are about them; all else is in `extra_info`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import scenarios

from anuga_lean._errors import LeanError
from anuga_lean.measure import builds as builds_module
from anuga_lean.measure import records
from anuga_lean.measure.builds import Build
from anuga_lean.measure.cases import Case
from anuga_lean.measure.environment import environment, machine, versions
from anuga_lean.measure.instructions import usable_builds
from anuga_lean.measure.measurement import fixed_addresses
from anuga_lean.measure.records import Record
from anuga_lean.overlay.fingerprint import known_releases

_CASES = {"memory": scenarios.MEMORY, "speed": scenarios.SPEED, "evolve": scenarios.EVOLVE,
          "instructions": scenarios.INSTRUCTIONS, "checkpoint": scenarios.CHECKPOINT,
          "ranks": scenarios.RANKS}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("anuga_lean")
    group.addoption("--profile", choices=scenarios.PROFILES, default="nightly",
                    help="sizes of the meshes (default nightly)")
    group.addoption("--build", action="append", metavar="NAME",
                    help="stock, lean, a version of ANUGA such as 3.3.10, or LABEL=PATH of an "
                    "interpreter; several times (default: stock, lean and what the profile adds)")
    group.addoption("--release", action="append", default=[], metavar="VERSION",
                    help="a release of ANUGA to measure like the other supported ones, where the "
                    "profile has those; several times")


def pytest_configure(config: pytest.Config) -> None:
    if find_spec("anuga_lean._kernels") is None:
        raise pytest.UsageError(
            f"anuga_lean is imported from {Path(records.__file__).parents[1]}, which has no "
            "compiled kernels: install it and type pytest benchmarks, not python -m pytest")


def _names(config: pytest.Config, suite: str, case: Case) -> list[str]:
    """Return the builds that a case is measured on."""
    given = config.getoption("--build")
    if suite == "instructions":     # of lean kernels of one instruction set
        return [name for name in usable_builds() if not given or name in given]
    if given:
        return list(dict.fromkeys(given))
    profile = config.getoption("--profile")
    names = ["stock", "lean"]
    if suite == "memory" and case is _CASES["memory"][profile][0]:
        names += scenarios.OTHER_VERSIONS[profile]
    names += _on_other_releases(config, suite, case)
    if suite == "speed":
        usable = {"lean-baseline": True, "lean-v3": machine()["avx2"],
                  "lean-v4": machine()["avx512"]}
        names += [name for name in scenarios.OTHER_ISAS[profile] if usable[name]]
    return names


def _on_other_releases(config: pytest.Config, suite: str, case: Case) -> list[str]:
    """Return stock and lean of every other release that is measured beside the installed one."""
    profile = config.getoption("--profile")
    if not scenarios.OTHER_RELEASES[profile]:
        return []
    with_stock = case in (_CASES["memory"][profile][0], scenarios.SPEED_OF_RELEASES[profile])
    if suite in ("speed", "evolve") and not with_stock:
        return []
    here = versions(["anuga"])["anuga"]
    others = [each for each in dict.fromkeys([*known_releases(), *config.getoption("--release")])
              if each != here]
    return [name for each in others for name in [*([each] if with_stock else []), f"lean@{each}"]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    suite = metafunc.module.SUITE
    config = metafunc.config
    rows, names = [], []
    for case in _CASES[suite][config.getoption("--profile")]:
        for name in _names(config, suite, case):
            rows.append((case, name))
            sizes = "-".join(str(value) for size in case.sizes for value in size.values())
            words = [case.scenario, sizes, case.flow_algorithm, f"{case.threads}t",
                     f"{case.numprocs}p", name.partition("=")[0]]
            names.append(" ".join(words))
    metafunc.parametrize(("case", "build_name"), rows, ids=names)


class Harness:
    """What a benchmark needs besides its case."""

    def __init__(self, folder: Path, config: pytest.Config) -> None:
        self.folder = folder
        self.config = config
        self.seconds: dict[Any, Any] = {}  # speed_records of a case, measured once
        self.evolving: dict[Any, Any] = {}  # evolve_records of a case
        self._builds: dict[str, Build] = {}

    def build(self, name: str) -> Build:
        """Return the build of a name; raise LeanError if there is none."""
        if name not in self._builds:
            self._builds[name] = builds_module.find(name, progress=self.progress)
        return self._builds[name]

    def found(self, names: Sequence[str]) -> Iterator[Build]:
        """Yield the builds of these names that there are."""
        for name in names:
            try:
                yield self.build(name)
            except LeanError:
                pass  # its own row says so

    def names(self, suite: str, case: Case) -> list[str]:
        return _names(self.config, suite, case)

    def progress(self, line: str) -> None:
        """Show what is being measured, past pytest's capturing."""
        capturing = self.config.pluginmanager.getplugin("capturemanager")
        with capturing.global_and_fixture_disabled():
            print(line, file=sys.stderr, flush=True)


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Harness:
    return Harness(tmp_path_factory.mktemp("anuga_lean"), request.config)


class _Clock:
    """A clock that only moves by the seconds it is told to replay."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def put(benchmark: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Store a record, and fail if it holds an error."""
    clock = _Clock()
    benchmark._timer = clock

    def put(record: Record, seconds: Sequence[float] = ()) -> None:
        replayed = iter(seconds or (0.0,))
        benchmark.group = record.suite
        benchmark.extra_info.update(record.as_dict())

        def replay() -> None:
            clock.now += next(replayed)

        benchmark.pedantic(replay, rounds=max(1, len(seconds)), iterations=1)
        if record.error is not None:
            pytest.fail(record.error, pytrace=False)

    yield put


@pytest.fixture
def build_or_error(harness: Harness, build_name: str) -> Build | LeanError:
    """Return the build to measure, or why there is none."""
    try:
        return harness.build(build_name)
    except LeanError as error:
        return error


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict) -> None:
    machine_info["anuga_lean"] = {**environment(), "fixed_addresses": bool(fixed_addresses())}
