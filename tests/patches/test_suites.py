"""Which of ANUGA's tests a patch meets, its sdist, and tests that never end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
import upstream_sdist as sdist
from verifying.suites import PARALLEL, SUBSET, Outcome, _count, runs
from verifying.tree import Change
from verifying.turns import Timing
from verifying.verifier import PLAN, QUICK


def changed(*paths: str) -> list[Change]:
    return [Change(path, 1, 0) for path in paths]


def test_the_subset_is_for_all() -> None:
    assert {"subset": [*SUBSET, "--run-fast"]} == runs(
        changed("anuga/operators/rate_operators.py", "meson.build", "examples/runcairns.py"), False)


def test_what_a_patch_touches_and_brings_is_run_too() -> None:
    found = runs(changed("anuga/parallel/distribute.py", "anuga/fit_interpolate/fit.py",
                         "anuga/fit_interpolate/tests/test_fit.py",
                         "anuga/shallow_water/tests/test_lazy.py",
                         "anuga/shallow_water/tests/test_forcing.py",
                         "anuga/parallel/tests/test_new.py"), False)
    assert list(PARALLEL) == found["parallel"][:len(PARALLEL)]
    assert ["anuga.fit_interpolate", "anuga.shallow_water.tests.test_lazy", "--run-fast"] == \
        found["more"]
    assert "anuga.parallel.tests.test_new" in found["parallel"]


def test_full_is_full() -> None:
    assert {"fast", "parallel"} == set(runs(changed("anuga/config.py"), True))


def test_parts_that_concern_a_patch() -> None:
    fit, other = changed("anuga/fit_interpolate/fit.py"), changed("anuga/config.py")
    assert [True, False] == [PLAN.concerns("fit", each) for each in (fit, other)]
    assert PLAN.concerns("time", other) and not QUICK.concerns("time", other)
    assert not QUICK.concerns("fit", fit)


def test_outcomes_are_counted() -> None:
    stock = {"a": {"outcome": "passed"}, "b": {"outcome": "skipped"}}
    ours = {**stock, "c": {"outcome": "passed"}, "d": {"outcome": "crashed"}}
    outcome = Outcome()
    _count(outcome, stock, ours)
    assert (2, 1, 1, 1, 1) == (outcome.passed, outcome.failed, outcome.skipped,
                               outcome.stock_passed, outcome.new)


@pytest.mark.parametrize("release", sdist.RELEASES)
def test_an_archive_that_is_not_the_release(release: str, tmp_path: Path) -> None:
    archive = tmp_path / f"anuga-{release}.tar.gz"
    archive.write_bytes(b"something else")
    with pytest.raises(SystemExit, match=f"had the SHA-256 .*, that of ANUGA {release} is "
                       f"{sdist.RELEASES[release]}: deleted it"):
        sdist.fetch(tmp_path, release)
    assert [] == list(tmp_path.iterdir())


def test_what_never_ends_is_ended(tmp_path: Path) -> None:
    code = ("import os, subprocess, time; child = subprocess.Popen(['sleep', '600']); "
            "open('pids', 'w').write(f'{os.getpid()} {child.pid}'); time.sleep(600)")
    log = tmp_path / "log"
    with pytest.raises(SystemExit, match="had not ended after 8 s: see "):
        sdist.run([sys.executable, "-c", code], tmp_path, log, dict(os.environ), 8.0)
    pids = (tmp_path / "pids").read_text().split()
    until = monotonic() + 10.0      # the kernel takes a moment
    while any(map(is_alive, pids)) and monotonic() < until:
        sleep(0.05)
    assert [] == [pid for pid in pids if is_alive(pid)]


def is_alive(pid: str) -> bool:
    try:
        return "State:\tZ" not in Path("/proc", pid, "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_ratios_are_those_of_neighbours() -> None:
    timing = Timing(100, [1.0, 2.0, 4.0], [1.1, 2.0, 3.6])
    assert [1.1, 1.0, 0.9] == pytest.approx(timing.ratios)
    assert 0.05 / 3**0.5 == pytest.approx(timing.uncertainty)
    assert float("inf") == Timing(100, [1.0], [1.0]).uncertainty
