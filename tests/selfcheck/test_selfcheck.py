"""`anuga_lean selfcheck`: that it proves what it says, and that it can fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anuga_lean.__main__ import main
from anuga_lean._errors import UnsupportedVersion
from anuga_lean.overlay import install
from anuga_lean.selfcheck import check, meshes
from anuga_lean.selfcheck.cases import GROUPS, STATES_PER_CASE, Case, plan
from anuga_lean.selfcheck.check import Worker, differences, unequal_bits
from isas import available_isas

ONE = ["selfcheck", "--only", "algorithms/DE0/0", "--isa", "baseline", "--seed", "3"]
NAME = Case("algorithms", "DE0", 0, 2)


@pytest.mark.slow
def test_quick_run_is_the_same_and_names_every_boundary(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "anuga_lean", "selfcheck", "--states", "60",
               "--json", "found.json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("SAME: ")
    assert f"ANUGA {metadata.version('anuga')}, numpy {np.__version__}" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert ("same", [], [], [], 20260101, 1) == tuple(found[name] for name in (
        "verdict", "differences", "failures", "unknown_boundaries", "seed", "threads"))
    assert list(available_isas()) == found["isas"]
    rows = {(row["group"], row["row"]): row for row in found["rows"]}
    assert {(group, row) for group, names in GROUPS.items() for row in names} == rows.keys()
    assert all(row["states"] == row["compared"] + row["on_stock"] + row["refused"]
               for row in rows.values())
    assert 60 <= sum(row["states"] for key, row in rows.items() if key[0] != "models")
    refused = {row for (group, row), each in rows.items()
               if group == "boundaries" and not each["compared"] and not each["on_stock"]}
    assert refused <= {"AWI_boundary", "Time_stage_zero_momentum_boundary"}
    # By the installed ANUGA, not by what the package knows of it.
    classes = subprocess.run([sys.executable, "-c", """\
import anuga
from anuga.abstract_2d_finite_volumes.generic_boundary_conditions import Boundary
print(*(cls.__name__ for cls in Boundary.__subclasses__()))"""],
                             capture_output=True, text=True, cwd=tmp_path, check=True)
    assert set(classes.stdout.splitlines()[-1].split()) <= set(GROUPS["boundaries"])


@pytest.mark.parametrize("arguments, message", [
    (["--states", "0"], "--states 0 is not between 1 and 10000000"),
    (["--seed", "-1"], "--seed -1 is below zero"),
    (["--isa", "v9"], "there is no ISA 'v9'; there are baseline, v3, v4"),
    (["--only", "lakes"], "there is no group 'lakes'; there are algorithms, boundaries"),
    (["--only", "rain/snow"], "there is no 'snow' in rain; there are constant, time"),
    (["--only", "rain/time/x"], "'x' is not the number of a case; give rain/time/0"),
    (["--json", "no/such/x.json"], "no/such/x.json cannot be written"),
])
def test_bad_input_gets_one_sentence(arguments: list[str], message: str,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["selfcheck", *arguments])
    shown = capsys.readouterr()
    assert message in shown.err and 1 == len(shown.err.splitlines()) and "" == shown.out


def test_no_anuga_and_an_unsupported_one_get_one_sentence(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise UnsupportedVersion("anuga 9.9 is installed but anuga_lean knows 4.1 only.")

    monkeypatch.setattr(install, "require_lean", refuse)
    assert 2 == main(["selfcheck"])
    assert "anuga 9.9 is installed" in capsys.readouterr().err

    def none(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("anuga_lean.commands.selfcheck.metadata.version", none)
    assert 2 == main(["selfcheck"])
    assert "there is no ANUGA to compare with" in capsys.readouterr().err


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What true workers answered to ONE: folders `stock` and `lean_baseline`."""
    folder = tmp_path_factory.mktemp("answered")
    workers = [Worker("stock", "", folder / "stock"),
               Worker("lean", "baseline", folder / "lean_baseline")]
    check.run_workers(workers, plan(1, "algorithms/DE0/0"), 3, lambda line: None)
    assert ["", ""] == [worker.failure for worker in workers]
    return folder


def doctored(answered: Path, change: Callable[[dict[str, np.ndarray]], None]) -> Any:
    """A `run_worker` that gives those answers, after `change` has been at the lean one."""
    def give(worker: Worker, *arguments: Any) -> None:
        shutil.copytree(answered / worker.folder.name, worker.folder)
        if worker.variant == "lean":
            path = worker.folder / "0.npz"
            with np.load(path) as arrays:
                found = {name: arrays[name] for name in arrays.files}
            change(found)
            np.savez(path, **found)

    return give


def test_true_answers_are_the_same(answered: Path, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check, "run_worker", doctored(answered, lambda found: None))
    assert 0 == main(ONE)
    assert "\nSAME: 10 states (" in capsys.readouterr().out


def test_a_machine_that_fuses_products_and_sums_is_told_what_equal_means(
        answered: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    def flip(found: dict[str, np.ndarray]) -> None:
        found["value.ymomentum"][4, 1] += 1.0

    monkeypatch.setattr(check, "run_worker", doctored(answered, flip))
    monkeypatch.setattr("anuga_lean.selfcheck.verdict.platform.machine", lambda: "aarch64")
    assert 1 == main(ONE)
    shown = capsys.readouterr().out
    assert "It equals an ANUGA that was built with -ffp-contract=off" in shown
    assert "1 cases; it was not expected to unless this ANUGA was built with" in shown
    monkeypatch.setattr("anuga_lean.selfcheck.verdict.platform.machine", lambda: "x86_64")
    assert 1 == main(ONE)
    assert "-ffp-contract" not in capsys.readouterr().out


def test_one_wrong_bit_is_found_and_named(
        answered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    kept: list[float] = []

    def flip(found: dict[str, np.ndarray]) -> None:
        values = found["value.ymomentum"]
        kept.append(float(values[4, 1]))
        values[4, 1] = np.nextafter(values[4, 1], np.inf)
        kept.append(float(values[4, 1]))

    monkeypatch.setattr(check, "run_worker", doctored(answered, flip))
    assert 1 == main([*ONE, "--json", str(tmp_path / "found.json")])
    shown = capsys.readouterr().out
    assert (f"algorithms/DE0/0 on baseline, seed 3, state 4, triangle 1: ymomentum is "
            f"{kept[0].hex()} in ANUGA, {kept[1].hex()} in anuga_lean (1 differ)") in shown
    assert ("again: anuga_lean selfcheck --seed 3 --isa baseline --only algorithms/DE0/0\n"
            in shown)
    assert "\nDIFFERENT: " in shown and "SAME" not in shown
    found = json.loads((tmp_path / "found.json").read_text())
    assert "different" == found["verdict"] and 1 == found["rows"][0]["different"]
    assert found["differences"] == [{
        "case": "algorithms/DE0/0", "isa": "baseline", "state": 4, "quantity": "ymomentum",
        "index": [1], "stock": kept[0].hex(), "lean": kept[1].hex(), "count": 1}]


@pytest.mark.parametrize("field, value, words", [
    ("isa", "v9", "the lean worker on baseline ran algorithms/DE0/0 on v9"),
    ("inputs", 0, "what was drawn is"),
])
def test_an_answer_to_another_question_is_no_proof(
        field: str, value: Any, words: str, answered: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check, "run_worker", doctored(
        answered, lambda found: found.update({field: np.array(value)})))
    assert 1 == main(ONE)
    shown = capsys.readouterr().out
    assert words in shown and "SAME" not in shown


def test_what_ran_on_stock_kernels_proves_nothing(
        answered: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
        ) -> None:
    change = doctored(answered,
                      lambda found: found.update(lean=np.zeros(STATES_PER_CASE, bool)))
    monkeypatch.setattr(check, "run_worker", change)
    assert 1 == main(ONE)
    shown = capsys.readouterr().out
    assert ["algorithms", "10", "0", "10", "0", "0"] == next(
        line.split() for line in shown.splitlines() if line.startswith("algorithms"))
    assert "NO VERDICT: nothing ran on lean kernels" in shown


def test_a_class_that_anuga_cannot_make_proves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == main(["selfcheck", "--only", "boundaries/AWI_boundary/0", "--isa", "baseline"])
    shown = capsys.readouterr().out
    assert "Not exercised: boundaries/AWI_boundary: " in shown and "NO VERDICT" in shown


@pytest.mark.parametrize("code, words", [
    ("import os, signal; print('so far', flush=True); os.kill(os.getpid(), signal.SIGSEGV)",
     "the lean worker on baseline was killed by SIGSEGV"),
    ("raise ValueError('no')", "the lean worker on baseline ended with status 1: ValueError: no"),
    ("print('so far', flush=True); import time; time.sleep(60)",
     "the lean worker on baseline said nothing for 3 s in "),
    ("pass", "the lean worker on baseline ended with status 0"),
])
def test_a_worker_that_dies_is_named(
        code: str, words: str, answered: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    give, run = doctored(answered, lambda found: None), check.run_worker

    def run_worker(worker: Worker, *arguments: Any) -> None:
        (give if worker.variant == "stock" else run)(worker, *arguments)

    monkeypatch.setattr(check, "run_worker", run_worker)
    monkeypatch.setattr(check, "command", lambda folder, pipe: [sys.executable, "-c", code])
    monkeypatch.setattr(check, "SILENCE", 3.0)
    assert 1 == main(ONE)
    shown = capsys.readouterr().out
    assert f"NO VERDICT: {words}" in shown.splitlines()[-1]
    if "so far" in code:
        assert shown.rstrip().endswith("its last words: so far.")


def answer_of(**changes: Any) -> dict[str, np.ndarray]:
    """Two states on three triangles."""
    return {"value.stage": np.zeros((2, 3)), "value.timestep": np.ones(2),
            "error": np.array(["", ""]), "lean": np.ones(2, bool), "isa": np.array("v3"),
            "inputs": np.array(1)} | changes


@pytest.mark.parametrize("changes, quantity, state", [
    ({"value.stage": np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -0.0]])}, "stage", 1),
    ({"value.stage": np.array([[0.0, np.nan, 0.0], [0.0, 0.0, 0.0]])}, "stage", 0),
    ({"value.stage": np.zeros((2, 4))}, "stage", 0),
    ({"value.timestep": np.ones(2, np.float32)}, "timestep", 0),
    ({"value.extra": np.ones(2)}, "extra", 0),
    ({"error": np.array(["", "ValueError: x"])}, "error", 1),
    ({"inputs": np.array(2)}, "what was drawn", None),
])
def test_every_kind_of_difference_counts(changes: dict[str, Any], quantity: str,
                                         state: int | None) -> None:
    different, first = differences(answer_of(), answer_of(**changes), NAME, "v3")
    assert different.any() and first is not None
    assert (quantity, state, "v3") == (first.quantity, first.state, first.isa)


def test_equal_answers_have_no_difference() -> None:
    stage = np.array([[np.nan, -0.0, 1.0], [0.0, np.inf, 2.0]])
    pair = [answer_of(**{"value.stage": stage.copy()}) for _ in range(2)]
    different, first = differences(pair[0], pair[1], NAME, "v3")
    assert not different.any() and first is None
    assert [True, False, False] == unequal_bits(np.array([0.0, np.nan, 1.0]),
                                                np.array([-0.0, np.nan, 1.0])).tolist()


def test_a_plan_has_every_row_and_enough_states() -> None:
    for states in (1, 60, 1500):
        cases = plan(states)
        assert states <= sum(case.states for case in cases)
        assert {(group, row) for group, rows in GROUPS.items() for row in rows} == {
            case[:2] for case in cases}
    assert [Case("rain", "time", 7, STATES_PER_CASE)] == plan(1, "rain/time/7")
    assert [STATES_PER_CASE, 3] == [case.states for case in plan(13, "rain/time")]
    assert [("models", "tide", 0, 0)] == plan(1, "models/tide")


def test_a_case_does_not_depend_on_the_plan() -> None:
    case = Case("rain", "time", 7, 3)
    longer = case._replace(states=10)
    first, second = (each.generator(5, 2).random(4).tolist() for each in (case, longer))
    assert first == second != case.generator(6, 2).random(4).tolist()
    assert first != case._replace(number=8).generator(5, 2).random(4).tolist()


@pytest.mark.parametrize("kind", [*meshes.KINDS, "single"])
def test_meshes_are_demanding_and_right(kind: str) -> None:
    counts: set[int] = set()
    inside = 0
    for seed in range(30):
        made = meshes.mesh(np.random.default_rng(seed), kind, interior=True)
        a, b, c = made.points[made.triangles].transpose(1, 0, 2)
        side, other = b - a, c - a
        assert (side[:, 0] * other[:, 1] > side[:, 1] * other[:, 0]).all()
        assert made.points.min() >= 0.0 and made.points.max() <= meshes.EXTENT
        assert "a" in made.boundary.values() and set(made.boundary.values()) <= {*meshes.TAGS}
        nodes = [frozenset(np.delete(made.triangles[k], i)) for k in range(len(made.triangles))
                 for i in range(3)]
        times = Counter(nodes)
        outer = [times[edge] == 1 for edge in nodes]
        inside += sum(not outer[3 * k + i] for k, i in made.boundary)
        assert sum(outer) <= len(made.boundary)
        counts |= set(np.reshape(outer, (-1, 3)).sum(axis=1).tolist())
    expected = {"single": {3}, "cross": {0, 1}, "islands": {0, 1, 2, 3}, "cut": {0, 1, 2, 3}}
    assert expected.get(kind, {1, 2}) <= counts
    assert (inside > 0) == (kind != "single")


def test_states_are_demanding() -> None:
    points = np.random.default_rng(0).uniform(0.0, 60.0, (50, 2))
    found = [meshes.state(np.random.default_rng(seed), points, 1.0e-3) for seed in range(50)]
    depth = np.concatenate([each["stage"] - each["elevation"] for each in found])
    momentum = np.concatenate([np.hypot(each["xmomentum"], each["ymomentum"]) for each in found])
    for shallow, deep in ((-1.0, -0.1), (-1e-2, -1e-6), (-1e-15, 1e-15), (1e-5, 9e-4),
                          (1e-3, 1e-2), (0.1, 1.0)):
        assert ((shallow <= depth) & (depth <= deep)).any(), (shallow, deep)
    assert (momentum[depth <= 0.0] > 0.1).any()
    steep = [np.ptp(each["elevation"]) for each in found]
    assert min(steep) == 0.0 and max(steep) > 30.0


def test_a_difference_counts_although_another_worker_died(tmp_path: Path) -> None:
    workers = [Worker("stock", "", tmp_path / "stock"), Worker("lean", "v3", tmp_path / "v3"),
               Worker("lean", "v4", tmp_path / "v4", "the lean worker on v4 died")]
    for worker in workers:
        worker.folder.mkdir()
    np.savez(workers[0].folder / "0.npz", **answer_of())
    np.savez(workers[1].folder / "0.npz", **answer_of(**{"value.timestep": np.zeros(2)}))
    outcome = check.Outcome(1, ["v3", "v4"])
    check.compare_case(outcome, NAME, 0, workers)
    assert "different" == outcome.verdict and [0] == [row.compared for row in outcome.rows]
    assert [("v3", "timestep")] == [(each.isa, each.quantity) for each in outcome.differences]
