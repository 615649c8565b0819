"""Kernels against another commit's, and cycles by phase: what is compared, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kernels_against
import numpy as np
import phases
import pytest

import anuga_lean

HERE = str(Path(anuga_lean.__file__).parent.parent)
SMALL = ["--algorithms", "DE1", "--isas", "baseline", "--side", "6", "--steps", "2", "--turns", "1"]


def test_the_same_kernels_give_the_same_bits(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == kernels_against.main([HERE, *SMALL])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("DE1"))
    assert ["DE1", "baseline", "equal"] == [*line.split()[:2], line.split()[-1]]


def test_a_bit_that_differs_fails(monkeypatch: pytest.MonkeyPatch,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    step = kernels_against.Side.step

    def other(self: kernels_against.Side, steps: int) -> tuple[dict[str, float], str]:
        seconds, digest = step(self, steps)
        return seconds, f"{digest}{id(self)}"

    monkeypatch.setattr(kernels_against.Side, "step", other)
    assert 1 == kernels_against.main([HERE, *SMALL])
    assert " DIFFER" in capsys.readouterr().out


def test_a_ratio_below_the_least_fails() -> None:
    assert 1 == kernels_against.main([HERE, *SMALL, "--least", "1000"])


def test_what_is_no_commit_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert 2 == kernels_against.main([str(tmp_path), *SMALL])
    assert "neither a commit" in capsys.readouterr().err


def test_a_model_that_does_not_run_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == kernels_against.main([HERE, *SMALL[:3], "none", *SMALL[4:]])
    assert "says why" in capsys.readouterr().err


def test_kernels_without_counters_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == phases.main(["--from", HERE, "--algorithms", "DE0", "--isas", "baseline", "--side",
                             "6", "--steps", "1"])
    assert "-Dphases=true" in capsys.readouterr().err


def write(path: Path, rows: list[list[int]]) -> Path:
    path.write_bytes(b"triangles state fluxes update\n" + np.array(rows, np.uint32).tobytes())
    return path


def test_cycles_are_per_triangle_of_whole_blocks(tmp_path: Path) -> None:
    found = phases.read(write(tmp_path / "cycles", [
        [1000, 2000, 5000, 0], [500, 2000, 1500, 0], [512, 0, 0, 1024], [10, 900, 900, 900]]))
    assert {"state": [2.0, 4.0], "fluxes": [5.0, 3.0], "update": [2.0]} \
        == {name: list(cycles) for name, cycles in found.items()}


def test_the_table_sums_each_case() -> None:
    columns: dict[str, Any] = {"DE0 v3": {"state": 2.0, "update": 30.0, "walls": 0.0},
                               "DE1 v3": {"state": 2.0, "second_stage": 5.5}}
    lines = [line.split() for line in phases.table(columns).splitlines()]
    assert [["DE0", "v3", "DE1", "v3"], ["state", "2.0", "2.0"], ["update", "30.0", "0.0"],
            ["second", "stage", "0.0", "5.5"], ["sum", "32.0", "7.5"]] == lines
