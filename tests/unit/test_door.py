"""The door to the kernels cannot be used so that the process crashes.

Every public function, class and method is found by introspection: one that `door_cases` does
not know fails here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit import door_cases

from anuga_lean import _kernels

CASES = Path(door_cases.__file__)
# What takes no array, no index and no length.
HARMLESS = {"are_same", "are_whole", "available_isas", "release_free_memory", "Run.bound",
            "Run.held", "Run.forget_stopped", "LendsBuffer", "guard_raw_allocations", "Cut.count",
            "MeshHandle.triangles_per_node", "MeshHandle.extent", "RateChange.change",
            "centroid_columns", "end_openmp_threads"}


@cache
def outcomes(kind: str) -> dict[str, str]:
    """What became of each case of a kind, in a process of its own."""
    done = subprocess.run([sys.executable, str(CASES), kind], capture_output=True, text=True,
                          timeout=600, cwd=CASES.parent.parent)
    assert 0 == done.returncode, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
    assert len(lines) == len({line["case"] for line in lines})
    return {line["case"]: line["outcome"] for line in lines}


def public() -> set[str]:
    """Functions, classes and methods of the door, found in it."""
    found = set()
    for name, value in vars(_kernels).items():
        if name.startswith("_") or getattr(value, "__module__", None) != "anuga_lean._kernels":
            continue
        if isinstance(value, type) and not issubclass(value, Exception):
            found.add(name)
            found |= {f"{name}.{each}" for each in vars(value) if not each.startswith("_")
                      and callable(getattr(value, each))}
        elif callable(value) and not isinstance(value, type):
            found.add(name)
    return found


def test_every_name_is_tried() -> None:
    """No function or method of the door is forgotten here."""
    runs = {f"Run.{name}" for name in (*door_cases.calls(), *door_cases.SETTERS)}
    properties = {"Run.ordered", "Run.in_ranges"}
    assert public() | properties == set(door_cases.subjects()) | HARMLESS | runs
    assert set(door_cases.SETTERS) == set(door_cases.groups())
    assert set(door_cases.methods()) == set(door_cases.calls()) | set(door_cases.ASK_NOTHING)


def test_an_empty_run() -> None:
    """Every method of a run without arrays says in one sentence what to bind."""
    found = outcomes("empty")
    assert set(door_cases.methods()) == set(found)
    for name, outcome in found.items():
        if name in door_cases.ASK_NOTHING:
            assert "returned" == outcome, name
        else:
            assert outcome.startswith(f"NotBound: {name} needs "), (name, outcome)
            assert outcome.endswith(" first"), (name, outcome)


def test_all_methods_of_a_whole_run() -> None:
    """Once everything is bound nothing is missing: the other tests could fail."""
    assert dict.fromkeys(door_cases.calls(), "returned") == outcomes("whole")


@pytest.mark.parametrize("kind", ["partial", "unbound"])
def test_a_run_that_lacks_one_group(kind: str) -> None:
    """A method runs without a group or names it; each group is needed by some method."""
    empty, needed = outcomes("empty"), set()
    for case, outcome in outcomes(kind).items():
        name, *_, group = case.split()
        if group in empty[name] or outcome != "returned":
            assert outcome.startswith(f"NotBound: {name} needs "), (case, outcome)
            assert group in outcome, (case, outcome)
            needed.add(group)
    assert {group for group in door_cases.GROUPS
            if kind == "partial" or group.startswith("bind_")} == needed


def test_spoilt_arguments() -> None:
    """Arrays and numbers that are none: an error where they are read, never a crash."""
    found = outcomes("spoilt")
    wrong = {case: outcome for case, outcome in found.items() if outcome.startswith("died")
             or case.endswith("| right |") and outcome != "returned"
             or case.endswith("| refused") and outcome == "returned"}
    assert {} == wrong
    assert 2000 < len(found)


def test_pools_are_read_only() -> None:
    """No code can write into blocks that the kernels have."""
    blocks = door_cases.blocks()
    blocks.handle()
    with pytest.raises(ValueError, match="read-only"):
        blocks.member[0] = np.iinfo(np.int32).max


def test_a_class_without_its_arguments() -> None:
    """No object of the door comes to be without what it points to."""
    for name in ("Run", "MeshHandle", "Cut", "FitRows", "FitGrid", "RateChange"):
        kind: Any = getattr(_kernels, name)
        with pytest.raises(TypeError):
            kind.__new__(kind)
