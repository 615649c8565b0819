"""Builds that take turns: each lean is compared with the stock of its own release."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anuga_lean.measure import cases
from anuga_lean.measure.builds import Build

SECONDS = {"stock": 8.0, "lean": 2.0, "4.1.0": 6.0, "lean@4.1.0": 3.0, "patched": 4.0}
BUILDS = [Build("stock", "stock", "python"), Build("lean", "lean", "python"),
          Build("4.1.0", "stock", "other", None, "4.1.0"),
          Build("lean@4.1.0", "lean", "other", None, "4.1.0"),
          Build("patched", "stock", "another")]


def runs(case: cases.Case, build: Build, *arguments: Any, **more: Any) -> SimpleNamespace:
    result = {"number_of_triangles": 10, "isa": None, "seconds_per_step": SECONDS[build.label],
              "versions": {"anuga": build.release or "4.2.0", "domain": "anuga.Domain"}}
    return SimpleNamespace(one=lambda size, label: result)


def test_ratios(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cases, "_Runs", runs)
    case = cases.Case("dam_break", {}, [{"triangles": 10}], repeats=3)
    found = {label: record.figures for label, (record, _) in
             cases.speed_records(case, BUILDS, tmp_path).items()}
    ratios = {label: [(name, figure.value, figure.gate) for name, figure in figures.items()
                      if name.startswith("stock_over")] for label, figures in found.items()}
    assert {"stock": [], "lean": [("stock_over_lean", 4.0, "ratio")],
            "4.1.0": [("stock_over_this", 8.0 / 6.0, None)],
            "lean@4.1.0": [("stock_over_lean", 2.0, "ratio")],
            "patched": [("stock_over_this", 2.0, "ratio")]} == ratios
