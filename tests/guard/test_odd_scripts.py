"""Guarded runs of scripts that catch the stop, fork, use threads, or change their directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = """
import os, signal, sys, threading, time
import anuga

def model():
    domain = anuga.rectangular_cross_domain(4, 4)
    domain.set_name("model")
    domain.store = False
    domain.set_boundary(dict.fromkeys(domain.get_boundary_tags(),
                                      anuga.Reflective_boundary(domain)))
    return domain

def evolve(domain, stops=True):
    for t in domain.evolve(yieldstep=0.5, finaltime=1.5):
        if stops and t == 1.0:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.2)     # the handler runs in the main thread
"""
CAUGHT = "has caught the SystemExit of this stop"


def run(folder: Path, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "model.py").write_text(MODEL + script)
    return subprocess.run([sys.executable, "-m", "anuga_lean", "run", "--guard", *options,
                           "model.py"], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("end", ["", "sys.exit()\n"])
def test_a_stop_that_the_script_catches_is_no_end_of_the_run(tmp_path: Path, end: str) -> None:
    done = run(tmp_path, f"try:\n    evolve(model())\nexcept BaseException:\n    pass\n{end}")
    assert (75, 1) == (done.returncode, done.stderr.count(CAUGHT)), done.stderr


def test_a_script_that_catches_it_and_fails_has_its_own_code(tmp_path: Path) -> None:
    done = run(tmp_path, "try:\n    evolve(model())\nexcept BaseException:\n    sys.exit(3)\n")
    assert (3, 0) == (done.returncode, done.stderr.count(CAUGHT)), done.stderr


def test_a_stop_in_a_thread_has_no_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, "thread = threading.Thread(target=lambda: evolve(model()))\n"
                         "thread.start()\nthread.join()\n")
    assert (75, 1) == (done.returncode, done.stderr.count("stopped on request at t=1 s"))
    assert "Traceback" not in done.stderr


def test_what_the_script_forks_is_not_guarded(tmp_path: Path) -> None:
    """It ends at SIGTERM, as a pool's workers have to, and leaves its parent's record alone."""
    done = run(tmp_path, """
domain = model()
for t in domain.evolve(yieldstep=0.5, finaltime=1.5):
    child = os.fork()
    if not child:
        if t == 0.5:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30.0)
        evolve(model(), stops=False)
        sys.exit(4)
    print(t, os.waitpid(child, 0)[1], flush=True)
""")
    assert 0 == done.returncode, done.stderr
    assert ["0.0 1024", "0.5 15", "1.0 1024", "1.5 1024"] == done.stdout.splitlines()
    (record,) = (tmp_path / "anuga_lean_runs").iterdir()
    events = [json.loads(line) for line in record.read_text().splitlines()]
    assert ["completed"] == [each["outcome"] for each in events if each["event"] == "end"]
    assert 1 == sum(each["event"] == "begin" for each in events)


@pytest.mark.parametrize("options", [(), ("--record", "mine.jsonl", "--stop-file", "mine.flag")])
def test_a_script_that_changes_its_directory(tmp_path: Path, options: tuple[str, ...]) -> None:
    """What the user writes and reads beside the script is where the run was started."""
    flag = "mine.flag" if options else "stop.flag"
    done = run(tmp_path, f"""
os.mkdir("sub")
os.chdir("sub")
open("../{flag}", "w").close()
for t in model().evolve(yieldstep=0.5, finaltime=1e6):
    pass
""", *options)
    assert 75 == done.returncode, done.stderr
    assert f"because the file {flag} is there: a set of this moment is in " \
        f"{tmp_path / 'sub' / 'CHECKPOINTS'}." in done.stderr
    found = sorted(each for each in os.listdir(tmp_path) if each not in ("model.py", "sub"))
    assert (["mine.flag", "mine.jsonl"] if options else ["anuga_lean_runs", "stop.flag"]) == found
