"""The kernels give on aarch64, under qemu-user, the bits that they give here.

benchmarks/on_arm64.py does it; where it cannot, it says why, and so does the test that is skipped.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import on_arm64
import pytest

REASON = on_arm64.missing()


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.skipif(REASON is not None, reason=str(REASON))
def test_all_but_the_models_on_aarch64(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, on_arm64.__file__, "--quick", "--work", tmp_path],
                          capture_output=True, text=True)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert 7 == done.stdout.count("as it must be: ") and "WRONG" not in done.stdout


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(on_arm64.shutil, "which", lambda name: None)
    assert 2 == on_arm64.main([])
    assert "skipped: it needs Debian's " in capsys.readouterr().out


def test_a_bit_or_a_case_that_is_not_there_is_found() -> None:
    one = {"a": {"stage": np.array([0.0, 1.0]), "isa": np.array("v3")}, "b": {"stage": np.ones(2)}}
    other = {"a": {"stage": np.array([-0.0, 1.0]), "isa": np.array("baseline")}}
    assert ["a: stage", "b: no result"] == sorted(on_arm64.different(one, other))
    assert [] == list(on_arm64.different(one, one | {"a": one["a"] | {"isa": np.array("v4")}}))


@pytest.mark.parametrize("equal, found, failed", [
    (True, 1.0, False), (True, 2.0, True), (False, 1.0, True), (False, 2.0, False)])
def test_both_equal_and_different_can_be_wrong(equal: bool, found: float, failed: bool) -> None:
    table = on_arm64.Table()
    table.add("steps", {"a": {"stage": np.ones(1)}}, {"a": {"stage": np.full(1, found)}},
              equal=equal)
    assert failed == table.failed


def test_nothing_compared_is_wrong() -> None:
    table = on_arm64.Table()
    table.add("steps", {}, {})
    assert table.failed
