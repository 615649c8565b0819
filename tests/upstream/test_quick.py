"""ANUGA's own tests on lean domains: those that take a minute, from the installed wheel.

A test that does not pass on lean is run again on stock: what fails there too is
no regression.  The whole of the suites is benchmarks/upstream.py's, and so is
the list of tests that assert stock's storage.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import upstream_suites as suites

ANUGA = Path(str(find_spec("anuga").submodule_search_locations[0]))  # type: ignore[union-attr]
CHILDREN = Path(suites.__file__).with_name("upstream_children")

# What a run takes after --pyargs, and how many of its tests pass at least.
RUNS = {
    "shallow_water": ([
        "anuga.shallow_water", "-k",
        "not sediment_gpu and not sediment_adaptation and not sediment_exner "
        "and not sediment_rdycore",
    ], 700),
    "others": ([
        "anuga.abstract_2d_finite_volumes", "anuga.operators", "anuga.structures",
        "anuga.fit_interpolate", "anuga.file", "anuga.file_conversion", "anuga.pmesh",
        "anuga.caching", "anuga.simulation", "anuga.advection", "anuga.damage_modelling",
        "anuga.tsunami_source", "anuga.rain", "-k", "not structure_tracers",
    ], 1400),
    "mpi": ([
        f"anuga.parallel.tests.test_parallel_{name}" for name in (
            "sw_flow_de0", "sw_flow_de1", "shallow_domain", "inlet_operator", "frac_op",
            "boyd_box_operator", "bed_change")
        if (ANUGA / "parallel" / "tests" / f"test_parallel_{name}.py").exists()
    ], 5),
}
SETTINGS = """\
[pytest]
markers = slow: not run here
filterwarnings =
    ignore:numpy.ndarray size changed:RuntimeWarning
    ignore:Setting the shape on a NumPy array has been deprecated:DeprecationWarning
    ignore:Enquiry point is in an inlet triangle:UserWarning
"""


def start(variant: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start tests of ANUGA on a variant in an empty folder."""
    folder.mkdir(parents=True)
    settings = folder / "pytest.ini"  # else ours, if the environment lies in this folder
    settings.write_text(SETTINGS)
    how = ("-m", "anuga_lean", "run") if variant == "lean" else ()
    path = [str(CHILDREN), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = os.environ | {
        "UPSTREAM_OUTCOMES": str(folder / "outcomes.jsonl"),
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONHASHSEED": "0",
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "OMPI_MCA_mpi_yield_when_idle": "1",
    }
    command = [sys.executable, *how, "-m", "pytest", "-q", "-c", str(settings), "--rootdir",
               str(folder), "-p", "no:cacheprovider", "-p", "upstream_outcomes", "--pyargs",
               *arguments]
    with open(folder / "output.log", "w") as log:
        return subprocess.Popen(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL,
                                stdout=log, stderr=subprocess.STDOUT, text=True)


def outcomes(process: subprocess.Popen[str], variant: str, folder: Path) -> dict[str, Any]:
    """How each test ended, once all have."""
    status = process.wait(timeout=600)
    assert status in (0, 1), (folder / "output.log").read_text()[-5000:]
    return suites.read_outcomes(folder / "outcomes.jsonl", variant)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Every run, started at once but for MPI, which waits for a core."""
    folder = tmp_path_factory.mktemp("upstream")
    started: dict[str, Any] = {"folder": folder}
    try:
        for name in ("shallow_water", "others"):
            started[name] = start("lean", folder / name, *RUNS[name][0], "-m", "not slow")
        yield started
    finally:
        for name in set(RUNS) & set(started):
            started[name].kill()
            started[name].wait()


@pytest.mark.parametrize("name", RUNS)
def test_nothing_regresses(name: str, processes: dict[str, Any]) -> None:
    if name == "mpi" and find_spec("mpi4py") is None:
        pytest.skip("needs mpi4py")
    folder = processes["folder"] / name
    if name not in processes:
        processes[name] = start("lean", folder, *RUNS[name][0])
    lean = outcomes(processes[name], "lean", folder)
    listed = suites.read_listed()
    passed = [test for test, found in lean.items() if found["outcome"] == "passed"]
    assert RUNS[name][1] <= len(passed)
    assert [] == [test for test in passed if test in listed], "listed, and passes"
    bad = {test: found for test, found in lean.items()
           if found["outcome"] not in suites.GOOD and test not in listed}
    if bad:
        again = processes["folder"] / f"{name}_stock"
        arguments = [suites.as_argument(test) for test in bad]
        stock = outcomes(start("stock", again, *arguments), "stock", again)
        regressed = [each for each in suites.compare(stock, bad) if each.regressed]
        assert not regressed, "\n".join(
            f"{each.test}: {each.stock} on stock, {each.lean} on lean: {bad[each.test]['text']}"
            for each in regressed)
