"""Guarded runs from the command line: scripts that stop, go on, and are told what is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean.guard.requests import PATIENCE
from mpirun import needs_mpi, on_ranks

MODEL = """
import os, signal, sys
import anuga
import numpy as np

def stop_at(*places):
    'Ask this process to stop, at so many of the yields of each try.'
    if os.environ.get("STOP", "".join(sys.argv[1:])) in map(str, places):
        os.kill(os.getpid(), getattr(signal, os.environ.get("SIGNAL", "SIGUSR1")))

domain = None
if anuga.myid == 0:
    domain = anuga.rectangular_cross_domain(12, 10, len1=60.0, len2=50.0)
    domain.set_name("model")
    domain.set_flow_algorithm("DE1")
    domain.set_quantity("elevation", lambda x, y: -x / 30.0 + 0.2 * np.sin(y))
    domain.set_quantity("friction", 0.03)
    domain.set_quantity("stage", lambda x, y: np.where(x < 20.0, 1.0, -1.5))
if anuga.numprocs > 1:
    domain = anuga.distribute(domain)
wall = anuga.Reflective_boundary(domain)
tide = anuga.Time_boundary(domain, lambda t: [0.3 * np.sin(t), 0.0, 0.0])
domain.set_boundary({"left": tide, "right": wall, "top": wall, "bottom": wall})
anuga.Rate_operator(domain, rate=float(os.environ.get("RATE", "0.001")))

class Counting(anuga.Operator):
    def __init__(self, domain):
        super().__init__(domain)
        self.calls = 0
    def __call__(self):
        self.calls += 1
        self.domain.quantities["xmomentum"].centroid_values[self.calls % 9] *= 0.5
    def parallel_safe(self):
        return True

counting = Counting(domain)
stage = domain.quantities["stage"].centroid_values      # the script's own name for it
try:
    for t in domain.evolve(yieldstep=0.5, finaltime=2.0):
        stop_at("first %g" % t)
    domain.set_quantity("friction", 0.02)
    for t in domain.evolve(yieldstep=0.4, duration=2.0):
        stop_at("second %g" % round(t, 6))
finally:
    if anuga.myid == 0:
        print("finally")
found = {name: np.array(domain.quantities[name].centroid_values)
         for name in ("stage", "xmomentum", "ymomentum", "friction")}
np.savez(f"{anuga.myid}.npz", **found, calls=counting.calls, held=stage,
         steps=domain.number_of_steps, flux=domain.get_boundary_flux_integral())
if anuga.myid == 0:
    print("the end")
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "model.py").write_text(MODEL)

    def started(*options: str, **variables: str) -> Any:
        return subprocess.run(
            [sys.executable, "-m", "anuga_lean", "run", *options, "model.py"],
            cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, timeout=300)

    return started


def results(folder: Path, ranks: int = 1) -> dict[str, np.ndarray]:
    from netCDF4 import Dataset

    found: dict[str, np.ndarray] = {}
    for rank in range(ranks):
        with np.load(folder / f"{rank}.npz") as arrays:
            found |= {f"{rank} {name}": arrays[name] for name in arrays.files}
        name = "model.sww" if ranks == 1 else f"model_P{ranks}_{rank}.sww"
        with Dataset(folder / name) as file:
            file.set_auto_mask(False)
            found |= {f"{rank} sww {key}": np.array(each[...])
                      for key, each in file.variables.items()}
    return found


def put_aside(folder: Path, ranks: int = 1) -> dict[str, np.ndarray]:
    """The results of the unbroken run, which are gone from the folder then."""
    found = results(folder, ranks)
    for path in [*folder.glob("*.npz"), *folder.glob("*.sww")]:
        path.unlink()
    return found


def same(expected: dict[str, np.ndarray], actual: dict[str, np.ndarray]) -> list[str]:
    assert expected.keys() == actual.keys()
    return [name for name, values in expected.items()
            if values.tobytes() != actual[name].tobytes()]


def record_of(folder: Path) -> list[dict[str, Any]]:
    newest = max((folder / "anuga_lean_runs").iterdir(), key=os.path.getmtime)
    return [json.loads(line) for line in newest.read_text().splitlines()]


def test_what_the_record_says_of_a_run_that_is_on(run: Run, tmp_path: Path) -> None:
    """Steps since it began at every yield, and the warning that the user was given."""
    often = "import anuga_lean.guard.record as record\nrecord.INTERVAL = 0.0\n"
    (tmp_path / "model.py").write_text(often + MODEL)
    done = run("--guard", "--fractions", "0.001,1,1")
    assert 0 == done.returncode and 1 == done.stderr.count("memory is short"), done.stderr
    events = record_of(tmp_path)
    warned = [each["text"] for each in events if each["event"] == "warning"]
    assert 1 == len(warned) and f"anuga_lean run: {warned[0]} A set is written" in done.stderr
    steps = [each["steps"] for each in events if each["event"] == "yield"]
    assert 10 == len(steps) and 0 == steps[0] and sorted(set(steps)) == steps


@pytest.mark.parametrize("stops", [("first 0.5",), ("first 2",), ("second 2.4", "second 3.6"),
                                   ("first 0", "first 1", "second 2.8")])
def test_stopped_and_resumed_is_the_unbroken_run(run: Run, tmp_path: Path,
                                                 stops: tuple[str, ...]) -> None:
    assert 0 == run().returncode
    expected = put_aside(tmp_path)
    for number, stop in enumerate(stops):
        options = ("--guard", "--resume") if number else ("--guard",)
        done = run(*options, STOP=stop)
        assert (75, "finally\n") == (done.returncode, done.stdout), done.stderr
        assert "stopped on request" in done.stderr and "SIGUSR1 came" in done.stderr
        assert "anuga_lean run --guard --resume model.py" in done.stderr
        assert "Traceback" not in done.stderr
        begin, *_, last = record_of(tmp_path)
        assert "anuga_lean run --guard --resume model.py" == begin["command"]
        assert ("end", "stopped", 75) == (last["event"], last["outcome"], last["exit_code"])
    done = run("--guard", "--resume")
    assert (0, "finally\nthe end\n") == (done.returncode, done.stdout), done.stderr
    assert [] == same(expected, results(tmp_path))
    events = [each["event"] for each in record_of(tmp_path)]
    assert events[0] == "begin" and "resumed" in events
    assert ("completed", 0) == (record_of(tmp_path)[-1]["outcome"],
                                record_of(tmp_path)[-1]["exit_code"])


def test_what_the_script_does_at_the_yield_is_in_the_set(run: Run, tmp_path: Path) -> None:
    """It has changed the state after the set of the yield was written, and does so once."""
    text = MODEL.replace('stop_at("first %g" % t)', (
        'domain.quantities["xmomentum"].centroid_values[:] *= 0.25\n'
        '        stop_at("first %g" % t)'))
    text = text.replace("counting =", "domain.set_checkpointing(checkpoint_step=1)\ncounting =")
    (tmp_path / "model.py").write_text(text)
    assert 0 == run().returncode
    expected = put_aside(tmp_path)
    for path in (tmp_path / "CHECKPOINTS").iterdir():
        path.unlink()
    assert 75 == run("--guard", STOP="first 1").returncode
    assert 0 == run("--guard", "--resume").returncode
    assert [] == same(expected, results(tmp_path))


def test_the_second_signal_ends_a_run_at_once(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\nprint('on', flush=True)\ntime.sleep(60)\n")
    child = subprocess.Popen([sys.executable, "-m", "anuga_lean", "run", "--guard", "slow.py"],
                             cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and "on\n" == child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    time.sleep(PATIENCE + 0.5)
    assert child.poll() is None     # a script that sets up, or is past its last evolve
    child.send_signal(signal.SIGTERM)
    assert -signal.SIGTERM == child.wait(10)
    child.stdout.close()


def test_the_record_of_what_ends_otherwise(run: Run, tmp_path: Path) -> None:
    done = run("--guard", STOP="first 1", SIGNAL="SIGINT")
    assert -signal.SIGINT == done.returncode
    assert ("interrupted", 130) == (record_of(tmp_path)[-1]["outcome"],
                                    record_of(tmp_path)[-1]["exit_code"])
    text = MODEL.replace("import anuga\n", "import anuga_lean as anuga\n")
    (tmp_path / "model.py").write_text(text.replace('stop_at("first', '1 / stop_at("first'))
    done = subprocess.run([sys.executable, "model.py"], cwd=tmp_path, capture_output=True,
                          env=os.environ | {"ANUGA_LEAN_GUARD": "1"}, text=True, timeout=300)
    assert 1 == done.returncode and "TypeError" in done.stdout + done.stderr
    assert ("ended with an error", 1) == (record_of(tmp_path)[-1]["outcome"],
                                          record_of(tmp_path)[-1]["exit_code"])


def test_a_record_that_cannot_be_written_ends_no_run(run: Run, tmp_path: Path) -> None:
    done = run("--guard", "--record", "/proc/no/record.jsonl")
    assert (0, "finally\nthe end\n") == (done.returncode, done.stdout), done.stderr
    assert 1 == done.stderr.count("no record of this run is kept from here on")


def test_signals_are_caught_before_numpy_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", (
        "import sys, signal\nsys.argv = ['anuga_lean', 'run', '--guard', 'x.py']\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy':\n"
        "            print(signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL)\n"
        "sys.meta_path.insert(0, Watch())\nimport anuga_lean.__main__\nimport numpy\n")],
        capture_output=True, text=True)
    assert ("True\n", "") == (done.stdout, done.stderr)


def test_sigterm_the_file_and_the_time(run: Run, tmp_path: Path) -> None:
    done = run("--guard", STOP="first 1", SIGNAL="SIGTERM")
    assert 75 == done.returncode and "SIGTERM came" in done.stderr
    # 30 s and some steps before its end a run stops: at once.
    done = run("--guard", "--resume", "--walltime", "20s")
    assert 75 == done.returncode and "its time ends in" in done.stderr
    (tmp_path / "halt").touch()
    done = run("--guard", "--resume", "--stop-file", "halt")
    assert 2 == done.returncode
    assert done.stderr == ("anuga_lean run: error: halt is there and would stop the run at once: "
                           "remove it, or name another --stop-file\n")


def test_a_run_guarded_by_the_environment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL.replace("import anuga\n",
                                                     "import anuga_lean as anuga\n"))
    environment = os.environ | {"ANUGA_LEAN_GUARD": "1", "STOP": "first 1"}
    done = subprocess.run([sys.executable, "model.py"], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, timeout=300)
    assert (75, "finally\n") == (done.returncode, done.stdout), done.stderr
    done = subprocess.run([sys.executable, "model.py"], cwd=tmp_path, capture_output=True,
                          env=os.environ | {"ANUGA_LEAN_GUARD": "resume"}, text=True, timeout=300)
    assert (0, "finally\nthe end\n") == (done.returncode, done.stdout), done.stderr
    resumed = put_aside(tmp_path)
    assert 0 == run().returncode
    assert [] == same(results(tmp_path), resumed)


IN_PYTHON = """
import os, signal
import numpy as np
import anuga_lean as anuga

def build():
    domain = anuga.rectangular_cross_domain(12, 10, len1=60.0, len2=50.0)
    domain.set_name("model")
    domain.set_quantity("elevation", lambda x, y: -x / 30.0 + 0.2 * np.sin(y))
    domain.set_quantity("stage", lambda x, y: np.where(x < 20.0, 1.0, -1.5))
    domain.set_boundary(dict.fromkeys(("left", "right", "top", "bottom"),
                                      anuga.Reflective_boundary(domain)))
    anuga.Rate_operator(domain, rate=lambda t: 0.001 * t)
    return domain

domain = anuga.resume_or(build)
for t in domain.evolve(yieldstep=0.5, finaltime=2.0):
    if os.environ.get("STOP") == f"{t:g}":
        os.kill(os.getpid(), signal.SIGUSR1)
np.savez("0.npz", **{name: np.array(quantity.centroid_values)
                     for name, quantity in domain.quantities.items()})
"""


@pytest.mark.parametrize("guarded", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_resume_or(run: Run, tmp_path: Path, guarded: bool) -> None:
    """A script that says so itself goes on each time it is started, guarded from outside or not."""
    def started(**variables: str) -> Any:
        if guarded:
            return run("--guard", **variables)
        return subprocess.run([sys.executable, "model.py"], cwd=tmp_path, text=True, timeout=300,
                              env=os.environ | variables, capture_output=True)

    (tmp_path / "model.py").write_text(IN_PYTHON.replace("anuga.resume_or(build)", "build()"))
    assert 0 == run().returncode
    expected = put_aside(tmp_path)
    (tmp_path / "model.py").write_text(IN_PYTHON)
    done = started(STOP="0.5")
    assert 75 == done.returncode, done.stderr
    assert "To go on type: " in done.stderr and "model.py" in done.stderr
    done = started()
    assert 0 == done.returncode and "'model' goes on from the set at t=" in done.stderr
    assert [] == same(expected, results(tmp_path))
    assert "completed" == record_of(tmp_path)[-1]["outcome"]


def test_resume_or_of_something_else(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import anuga_lean\nanuga_lean.resume_or(dict)"],
                          cwd=tmp_path, capture_output=True, text=True)
    assert "TypeError: build() has returned dict, which is no lean domain" in done.stderr


def test_restarts(run: Run, tmp_path: Path) -> None:
    """A run that asks itself to stop at a yield is run again until that lies behind it."""
    assert 0 == run().returncode
    expected = put_aside(tmp_path)
    done = run("--guard", "--restarts", "3", STOP="first 1")
    assert (0, "finally\nfinally\nthe end\n") == (done.returncode, done.stdout), done.stderr
    assert [] == same(expected, results(tmp_path))


def test_restarts_that_come_no_further(run: Run, tmp_path: Path) -> None:
    done = run("--guard", "--restarts", "9", "--walltime", "1s")
    assert 75 == done.returncode
    assert "2 tries came no further" in done.stderr
    assert 4 >= done.stdout.count("finally")


def test_another_model_is_named(run: Run, tmp_path: Path) -> None:
    assert 75 == run("--guard", STOP="first 1").returncode
    kept = {path.name: path.read_bytes() for path in (tmp_path / "CHECKPOINTS").iterdir()}
    for change, said in (
            (("rate=float", "rate=2 * float"), "operator 2, rate is 0.002 in the script, and was "
             "0.001"),
            (("domain.set_flow_algorithm(\"DE1\")", "domain.set_flow_algorithm(\"DE0\")"),
             "domain.flow_algorithm is 'DE0' in the script, and was 'DE1'"),
            (("-x / 30.0", "-x / 31.0"), "quantity elevation is other values"),
            (("counting = Counting(domain)", "counting = Counting(domain); Counting(domain)"),
             "domain.fractional_step_operators has 4 items where the set has 3"),
            (("\"right\": wall", "\"right\": tide"),
             "domain.boundary_map['right'] is an anuga.Time_boundary where the set has an"),
            (("(12, 10,", "(12, 11,"), "is of another mesh than the script's (480 triangles")):
        (tmp_path / "model.py").write_text(MODEL.replace(*change))
        done = run("--guard", "--resume")
        assert 1 == done.returncode or 2 == done.returncode
        assert said in done.stderr
        assert "the end" not in done.stdout
    assert kept == {path.name: path.read_bytes()
                    for path in (tmp_path / "CHECKPOINTS").iterdir()}


def test_options_that_are_wrong(run: Run) -> None:
    for options, said in (
            (("--resume",), "--resume and --restarts are of guarded runs: add --guard"),
            (("--guard", "--walltime", "soon"), "'soon' is no duration above 0"),
            (("--guard", "--fractions", "0.9,0.8,1"), "are not three fractions")):
        done = run(*options)
        assert 2 == done.returncode and said in done.stderr, done.stderr
        assert 1 == len(done.stderr.splitlines())


def test_a_killed_run_loses_what_came_after_its_last_set(run: Run, tmp_path: Path) -> None:
    assert 0 == run().returncode
    expected = put_aside(tmp_path)
    done = run("--guard", "--checkpoint-every", "0.001s", STOP="second 2.8", SIGNAL="SIGKILL")
    assert -9 == done.returncode
    assert "end" != record_of(tmp_path)[-1]["event"]
    done = run("--guard", "--resume")
    assert 0 == done.returncode, done.stderr
    assert [] == same(expected, results(tmp_path))


# What the state is as evolve begins, and when it yields.
AT_FIRST = """
    kept = {}
    names = ("stage", "xmomentum", "ymomentum", "elevation", "friction")
    update_ghosts = domain.update_ghosts
    def first():
        update_ghosts()
        if not kept:
            kept.update({name: np.array(domain.quantities[name].centroid_values)
                         for name in names}, time=domain.get_time())
    domain.update_ghosts = first
    yields = [t for t in domain.evolve(yieldstep=0.5, finaltime=2.0)]
    numbers = np.asarray(domain.tri_l2g) if anuga.numprocs > 1 else np.arange(len(domain))
    np.savez(f"at_first_{anuga.myid}.npz", numbers=numbers, yields=yields, **kept)
"""


@needs_mpi
@pytest.mark.parametrize(("before", "after"), [(2, 3), (2, 1), (1, 2)])
def test_another_number_of_ranks_begins_with_the_state_of_the_set(
        tmp_path: Path, before: int, after: int) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    lean = ("-m", "anuga_lean", "run")
    done = on_ranks(before, tmp_path, *lean, "--guard", "model.py", "first 1")
    assert 75 == done.returncode, done.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of what would have to be set again here
        stored = anuga.load_checkpoint_file("model", str(tmp_path / "CHECKPOINTS"))
    (tmp_path / "first.py").write_text(MODEL.partition("try:\n")[0] + "if True:" + AT_FIRST)
    done = on_ranks(after, tmp_path, *lean, "--guard", "--resume", "first.py")
    assert 0 == done.returncode, done.stderr
    assert f"'model{'' if after == 1 else f'_P{after}_0'}' goes on from the set" in done.stderr
    for rank in range(after):
        with np.load(tmp_path / f"at_first_{rank}.npz") as found:
            assert stored.get_time() == found["time"]
            for name in ("stage", "xmomentum", "ymomentum", "elevation", "friction"):
                values = stored.quantities[name].centroid_values[found["numbers"]]
                assert values.tobytes() == found[name].tobytes(), name
            assert [1.5, 2.0] == found["yields"].tolist()


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_stop_together_and_go_on(tmp_path: Path, ranks: int) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    lean = ("-m", "anuga_lean", "run")
    whole = on_ranks(ranks, tmp_path, *lean, "model.py")
    assert 0 == whole.returncode, whole.stderr
    expected = put_aside(tmp_path, ranks)
    done = on_ranks(ranks, tmp_path, *lean, "--guard", "model.py", "first 1")
    assert 75 == done.returncode, done.stderr
    assert 1 == done.stderr.count("stopped on request")
    assert "CheckpointWarning" not in done.stderr
    done = on_ranks(ranks, tmp_path, *lean, "--guard", "--resume", "model.py")
    assert 0 == done.returncode, done.stderr
    assert [] == same(expected, results(tmp_path, ranks))
