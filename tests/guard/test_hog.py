"""A guarded run beside a process that takes all memory: it stops before the kernel kills it."""

from __future__ import annotations

from pathlib import Path

import hog
import pytest

needs_cgroup = pytest.mark.skipif(hog.why_not() is not None, reason=str(hog.why_not()))


def check(folder: Path, rate: float) -> None:
    """The set was verified by `once`: all that is left is how the run ended."""
    found = hog.once(rate, 200 * hog.MIB, folder)
    assert (75, True) == (found.code, "are taken" in found.said), found
    assert found.highest < hog.LIMIT


@pytest.mark.memory
@needs_cgroup
def test_a_run_stops_before_a_hog_has_taken_its_memory(tmp_path: Path) -> None:
    check(tmp_path, 20e6)


@pytest.mark.memory
@pytest.mark.nightly
@needs_cgroup
@pytest.mark.parametrize("rate", [5e6, 10e6, 20e6, 35e6, 50e6])
def test_a_run_stops_in_each_of_twenty_tries(tmp_path: Path, rate: float) -> None:
    for number in range(4):
        check(tmp_path / str(number), rate)


@pytest.mark.memory
@needs_cgroup
def test_a_run_that_is_killed_all_the_same(tmp_path: Path) -> None:
    """It is told not to stop: doctor says what it was, and the set of before is whole."""
    found = hog.once(100e6, 400 * hog.MIB, tmp_path, options=(
        "--fractions", "1,1,1", "--checkpoint-every", "1s"))
    assert (-9, hog.LIMIT) == (found.code, found.highest // hog.MIB * hog.MIB)
    assert found.said in ("doctor: oom-cgroup, sure", "doctor: oom-probable, likely")
    assert found.lost < 5.0     # s: an interval, and what a busy machine takes
