"""Checkpoints with other arrays and numbers than a run writes: nothing of them crashes a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.checkpoint import ranges, stock_state
from checkpoint import zoo
from checkpoint.damage import file_of, members_of
from sessions.compared import TESTS

MODELS = ("plain", "walls and tracers", "ghosts", "stock")


def small(folder: Path) -> Any:
    domain = anuga.rectangular_cross_domain(2, 2)
    domain.set_store(False)
    domain.set_name("run")
    wall = anuga.Reflective_boundary(domain)
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(), wall))
    domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_step=1)
    return domain


@pytest.mark.parametrize("model", MODELS)
def test_spoilt_numbers(tmp_path: Path, model: str) -> None:
    """Refused, stopped by an error or stepped, but never ended by a signal."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(
        each for each in (str(TESTS), os.environ.get("PYTHONPATH")) if each)}
    done = subprocess.run(
        [sys.executable, "-m", "checkpoint.spoilt_numbers", model, "150"], cwd=tmp_path,
        env=environment, capture_output=True, text=True, timeout=600)
    assert 0 == done.returncode, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [{"what": "nothing", "outcome": "went on"}] == cases[:1]
    assert 150 == len(cases)
    assert [] == [case for case in cases if "died" in case["outcome"] or
                  "while it is loaded" in case["outcome"]]
    assert {"refused", "went on"} <= {case["outcome"] for case in cases}


@pytest.mark.skipif(not hasattr(anuga.Domain, "add_sediment_fraction"), reason="ANUGA 4.2's")
def test_arrays_of_sediment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ANUGA's kernel of the sediment writes to all classes and triangles, whatever there is."""
    monkeypatch.chdir(tmp_path)
    domain = zoo.sediment()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        next(iter(domain.evolve(yieldstep=0.5, finaltime=0.5)))
    stock_state.check(domain)
    arrays = {name: array for name, array in vars(domain).items()
              if name.startswith("sediment_") and isinstance(array, np.ndarray)}
    assert len(arrays) > 10
    for name, array in arrays.items():
        for wrong in (array[:1], array.astype(np.float32), array.tolist()):
            monkeypatch.setitem(vars(domain), name, wrong)
            with pytest.raises(ValueError, match=name):
                stock_state.check(domain)
        monkeypatch.setitem(vars(domain), name, array)
    for name in ("sediment_source_limited", "sediment_slope_work", "sediment_diameter"):
        monkeypatch.setitem(vars(domain), name, None)
        with pytest.raises(ValueError, match=name):
            stock_state.check(domain)
        monkeypatch.setitem(vars(domain), name, arrays[name])
    for classes in (-1, 2.0, 99):
        monkeypatch.setattr(domain, "n_sediment_classes", classes)
        with pytest.raises(ValueError, match="classes of sediment"):
            stock_state.check(domain)


def test_every_node_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer ANUGA's mean at nodes writes beside its array, as it stores a frame."""
    domain = anuga.rectangular_cross_domain(2, 2)
    ranges.check(domain, None)
    for count in (0, 2, domain.number_of_nodes + 1, 12.5):
        monkeypatch.setattr(domain, "number_of_full_nodes", count)
        with pytest.raises(ValueError, match="number_of_full_nodes"):
            ranges.check(domain, None)


def test_a_time_of_writing_that_no_float_holds(tmp_path: Path) -> None:
    """The set is refused, and an older one stands in for it."""
    domain = small(tmp_path)
    for _ in domain.evolve(yieldstep=1.0, finaltime=1.0):
        pass
    newest = tmp_path / "run_1.0.npz"
    members = members_of(newest.read_bytes())
    header = json.loads(members["header.json"]) | {"written": 10**400}
    newest.write_bytes(file_of(members | {"header.json": json.dumps(header).encode()}))
    with pytest.raises(anuga.CheckpointError, match="written"):
        anuga.load_checkpoint_file("run", str(tmp_path), 1.0)
    with pytest.warns(anuga.CheckpointWarning, match="older set at t=0.0 s"):
        assert 0.0 == anuga.load_checkpoint_file("run", str(tmp_path)).get_time()


@pytest.mark.parametrize("name, value", [
    ("checkpoint_step", 1.0), ("checkpoint_step", np.int16(1)), ("CFL", np.array(0.9)),
    ("minimum_allowed_height", np.float32(1e-3)), ("default_order", 2.0),
    ("starttime", np.int32(3)),
    ("evolve_max_timestep", np.array(2)), ("max_smallsteps", 50.0), ("low_froude", np.uint8(1)),
])
def test_a_number_that_a_script_may_have_set_loads(tmp_path: Path, name: str, value: Any) -> None:
    """ANUGA computes with whatever is a number."""
    domain = small(tmp_path)
    setattr(domain, name, value)
    for _ in domain.evolve(yieldstep=1.0, duration=1.0):
        pass
    assert value == getattr(anuga.load_checkpoint_file("run", str(tmp_path)), name)


def test_what_would_not_load_is_said_before_a_run_computes(tmp_path: Path) -> None:
    domain = small(tmp_path)
    domain.minimum_allowed_height = -1.0
    with pytest.raises(anuga.CheckpointError, match="minimum_allowed_height = -1.0, which is not "):
        next(domain.evolve(yieldstep=1.0, duration=1.0))
    assert [] == list(tmp_path.glob("*.npz"))
    domain.minimum_allowed_height = 1e-3
    with pytest.warns(anuga.CheckpointWarning, match=r"no checkpoint at t=1.0 s: .* H0 = x|H0 = x"):
        for t in domain.evolve(yieldstep=1.0, duration=2.0):
            domain.H0 = "x" if t == 0.0 else 1e-5
    assert ["run_0.0.npz", "run_2.0.npz"] == sorted(
        path.name for path in tmp_path.glob("run_?.?.npz"))
