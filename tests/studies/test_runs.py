"""Whole studies by their command: results, ends, limits, and kills at any moment."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from anuga_lean.measure.measurement import MPI_ENVIRONMENT
from anuga_lean.studies.processes import began_of
from mpirun import needs_mpi

COMMAND = [sys.executable, "-m", "anuga_lean", "study"]
SCRIPT = """
import os, sys, time
value = float(sys.argv[sys.argv.index("--value") + 1])
if value == 13.0:
    raise RuntimeError("thirteen")
if value == 400.0:
    block = bytearray(os.urandom(1)) * (400 << 20)
time.sleep({seconds})
with open("result.txt", "w") as file:
    file.write(str(2.0 * value))
with open(os.environ["RUNS"], "a") as file:     # one line for each member that came to its end
    file.write(os.environ["ANUGA_LEAN_MEMBER"] + chr(10))
"""
SUMMARY = """
def of_member(folder, parameters):
    return {"double": float((folder / "result.txt").read_text())}
"""
MODEL = """
import argparse
import anuga
parser = argparse.ArgumentParser()
parser.add_argument("--rain", type=float)
rain = parser.parse_args().rain
domain = anuga.rectangular_cross_domain(8, 8)
domain.set_name("model")
domain.set_quantity("elevation", lambda x, y: 0.1 * x)
domain.set_quantity("stage", 0.05)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
anuga.Rate_operator(domain, rate=rain)
for t in domain.evolve(yieldstep=0.1, finaltime=0.3):
    pass
"""
MODEL_SUMMARY = """
from netCDF4 import Dataset
def last(folder, parameters):
    with Dataset(folder / "model.sww") as file:
        return {"stage": file["stage"][-1]}
"""


def write(folder: Path, text: str, seconds: float = 0.0) -> Path:
    (folder / "script.py").write_text(SCRIPT.format(seconds=seconds))
    (folder / "summary.py").write_text(SUMMARY)
    path = folder / "s.toml"
    path.write_text('script = "script.py"\nsummary = "summary.py:of_member"\n' + text)
    return path


def environment(path: Path) -> dict[str, str]:
    return {**os.environ, **MPI_ENVIRONMENT, "RUNS": str(runs_of(path))}


def run(path: Path, *arguments: str, verb: str = "run") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, verb, str(path), *arguments], capture_output=True, text=True,
                          env=environment(path), timeout=120)


def runs_of(path: Path) -> Path:
    """Where members of the script write a line at their end: outside of its folder."""
    return path.parent.parent / f"{path.parent.name}.runs"


def results(path: Path) -> list[dict[str, str]]:
    with open(path.with_suffix(".study") / "results.csv", newline="") as file:
        return list(csv.DictReader(file))


def record(path: Path, member: str) -> dict[str, object]:
    return json.loads((path.with_suffix(".study") / "members" / member / "record.json").read_text())


def test_ends_and_results(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\nkeep = []\n[grid]\nvalue = [1.0, 13.0, 2.0]\n')
    done = run(path)
    assert (1, "") == (done.returncode, done.stderr)
    assert "failed   1-0: it exited with 1: RuntimeError: thirteen" in done.stdout
    assert ["completed", "failed", "completed"] == [row["end"] for row in results(path)]
    assert ["2.0", "", "4.0"] == [row["double"] for row in results(path)]
    folder = path.with_suffix(".study") / "members" / "0-0"
    assert not (folder / "result.txt").exists() and (folder / "record.json").exists()
    assert 1 == run(path).returncode
    # Only what is missing has been tried again.
    assert ["0-0", "2-0"] == sorted(runs_of(path).read_text().split())
    assert 1 == len(record(path, "0-0")["tries"]) and 2 == len(record(path, "1-0")["tries"])


def test_a_member_that_meets_its_limit_gets_more_once(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\nmemory = "300MiB"\n[grid]\nvalue = [400.0, 1.0]\n')
    done = run(path, "--memory", "1000MiB")
    assert 0 == done.returncode, done.stdout + done.stderr
    first, second = record(path, "0-0")["tries"]
    assert ("memory", "completed") == (first["end"], second["end"])
    assert second["nbytes"] >= 1.5 * first["nbytes"] and second["peak"] > 400 << 20
    assert 1 == len(record(path, "1-0")["tries"])


def test_a_member_larger_than_any_worker_is_refused_before_it_starts(tmp_path: Path) -> None:
    path = write(tmp_path, 'memory = "300MiB"\n[grid]\nvalue = [1.0]\n')
    done = run(path, "--memory", "200MiB")
    assert 2 == done.returncode
    assert "asks for 300 MiB" in done.stderr and "200 MiB" in done.stderr
    assert not runs_of(path).exists()


SIZED = """
import os, sys
block = bytearray(os.urandom(1)) * (int(sys.argv[sys.argv.index("--n") + 1]) << 10)
with open("result.txt", "w") as file:
    file.write("1")
with open(os.environ["RUNS"], "a") as file:
    file.write(os.environ["ANUGA_LEAN_MEMBER"] + chr(10))
"""


def test_triangles_tell_which_members_are_large(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\ntriangles = "{n}"\n'
                           '[grid]\nn = [10_000, 100_000, 300_000, 200_000]\n')
    (tmp_path / "script.py").write_text(SIZED)
    done = run(path, "--memory", "3000MiB", "--cores", "1")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["2-0", "3-0", "1-0", "0-0"] == runs_of(path).read_text().split()
    given, peaks = ([record(path, f"{k}-0")["tries"][0][name] / (1 << 20) for k in range(4)]
                    for name in ("nbytes", "peak"))
    assert all(have > took for have, took in zip(given, peaks, strict=True))
    assert given[2] > given[3] > given[1] > given[0]
    assert given[0] < 1.3 * peaks[0] + 8.0      # by three others, of ten times its triangles on


def test_triangles_that_no_worker_has_room_for_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, 'triangles = 50_000_000\n[grid]\nvalue = [1.0]\n')
    done = run(path, "--memory", "1000MiB")
    assert 2 == done.returncode and "asks for" in done.stderr and not runs_of(path).exists()


def test_many_failures_end_a_study(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\nmax_failures = 2\nreplicates = 9\n'
                           '[grid]\nvalue = [13.0]\n')
    done = run(path, "--cores", "1")
    assert "2 members failed: no further one was started" in done.stdout
    assert 2 == sum(row["end"] == "failed" for row in results(path))


def test_an_anuga_that_does_not_load_is_one_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, "replicates = 9\n[grid]\nvalue = [1.0]\n")
    broken = tmp_path / "broken" / "netCDF4"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('not today')")
    done = subprocess.run([*COMMAND, "run", str(path)], capture_output=True, text=True,
                          env=environment(path) | {"PYTHONPATH": str(broken.parent)}, timeout=120)
    assert 2 == done.returncode, done.stdout
    assert ["anuga_lean study run: error: no member can be started: the process that loads "
            "ANUGA for them ended with RuntimeError: not today."] == done.stderr.splitlines()


def test_a_late_member_is_killed(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\ntimeout = 1.0\n[grid]\nvalue = [1.0]\n', 60.0)
    assert "it ran longer than 1 s" in run(path).stdout


def test_members_are_equal_to_plain_runs(tmp_path: Path) -> None:
    """On lean, from a process that has loaded ANUGA, and on stock."""
    import xarray

    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "summary.py").write_text(MODEL_SUMMARY)
    path = tmp_path / "s.toml"
    path.write_text('script = "model.py"\nsummary = "summary.py:last"\nanuga = "{on}"\n'
                    'pass_by = "arguments"\narguments = ["--rain", "{mm}"]\n'
                    '[grid]\nmm = [0.0, 0.01]\non = ["lean", "stock"]\n')
    text = MODEL.replace('parser.add_argument("--rain", type=float)',
                         'parser.add_argument("--rain", type=float)\n'
                         'parser.add_argument("--mm"), parser.add_argument("--on")')
    (tmp_path / "model.py").write_text(text)
    done = run(path)
    assert 0 == done.returncode, done.stdout + done.stderr
    with xarray.open_dataset(path.with_suffix(".study") / "results.nc") as found:
        assert ("mm", "on", "replicate", "stage_item") == found["stage"].dims
        assert ["lean", "stock"] == list(found["on"].to_numpy())
        stage = found["stage"].to_numpy()
    assert np.array_equal(stage[:, 0], stage[:, 1])
    assert not np.array_equal(stage[0], stage[1])
    folder = tmp_path / "plain"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "anuga_lean", "run", str(tmp_path / "model.py"),
                    "--rain", "0.01"], cwd=folder, check=True, capture_output=True)
    from netCDF4 import Dataset

    with Dataset(folder / "model.sww") as file:
        assert np.array_equal(np.asarray(file["stage"][-1], dtype=float), stage[1, 0, 0])


@pytest.mark.parametrize("moment", [
    0, *(pytest.param(k, marks=pytest.mark.nightly) for k in range(1, 20))])
def test_killed_at_any_moment_it_goes_on(tmp_path: Path, moment: int) -> None:
    """SIGKILL of client, spawner, a member or all at once: nothing is lost, nothing runs twice."""
    path = write(tmp_path, 'anuga = "stock"\nreplicates = 4\n'
                           '[grid]\nvalue = [1.0, 2.0, 3.0]\n', 0.3)
    draw = random.Random(moment)
    runs = runs_of(path)
    process = subprocess.Popen([*COMMAND, "run", str(path)], stdout=subprocess.DEVNULL,
                               start_new_session=True, env={**os.environ, "RUNS": str(runs)})
    time.sleep(draw.uniform(1.0, 4.0))
    whom = draw.choice(["client", "spawner", "member", "all"]) if moment else "all"
    spawners = children(process.pid)
    members = [each for spawner in spawners for each in children(spawner)]
    for pid in {"client": [process.pid], "spawner": spawners, "member": members[:1],
                "all": [process.pid, *spawners, *members]}[whom]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if whom in ("client", "all"):
        process.wait()
    else:
        assert 0 == process.wait(timeout=120)
    done = run(path)
    assert 0 == done.returncode, done.stdout + done.stderr
    found = {row["member"]: row["double"] for row in results(path)}
    assert 12 == len(found) and {"2.0", "4.0", "6.0"} == set(found.values())
    # One of those killed between the script's line and the note of its end runs again.
    lines = runs.read_text().split()
    assert set(found) == set(lines) and len(lines) <= 12 + 2


def children(pid: int) -> list[int]:
    try:
        return [int(each) for each in
                Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
            int(each) for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)
            for each in (task / "children").read_text().split()]
    except OSError:
        return []


def test_two_at_once_run_nothing_twice(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\nreplicates = 8\n[grid]\nvalue = [1.0]\n', 0.3)
    environment = {**os.environ, "RUNS": str(runs_of(path))}
    both = [subprocess.Popen([*COMMAND, "run", str(path)], stdout=subprocess.DEVNULL,
                             env=environment) for _ in range(2)]
    assert [0, 0] == [each.wait(timeout=120) for each in both]
    assert sorted(f"0-{k}" for k in range(8)) == sorted(
        runs_of(path).read_text().split())


def test_a_member_that_writes_beside_the_script_ends_the_study(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\n[grid]\nvalue = [1.0, 2.0, 3.0]\n')
    (tmp_path / "script.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('model.sww').write_text('')\n"
        "open('result.txt', 'w').write('1')")
    done = run(path, "--cores", "1")
    assert 2 == done.returncode and "has written model.sww into" in done.stderr
    assert 1 == len(done.stderr.strip().splitlines())
    with open(path, "r+") as file:
        text = file.read()
        file.seek(0)
        file.write('shared = ["*.sww"]\n' + text)
    assert 0 == run(path).returncode


def test_a_full_disk_is_one_sentence_and_leaves_no_half_record(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)],
                             capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        path = write(tmp_path, 'anuga = "stock"\nreplicates = 100\n[grid]\nvalue = [1.0]\n')
        done = run(path, "--folder", str(disk / "s"))
        assert 2 == done.returncode
        assert "cannot be written: No space left on device" in done.stderr
        for each in (disk / "s" / "members").glob("*/record.json"):
            json.loads(each.read_text())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


# Grows by 4 MB a second, up to 40 MB.
GROWING = """
import anuga
import time
domain = anuga.rectangular_cross_domain(4, 4)
domain.set_name("model")
domain.set_quantity("stage", 1.0)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
held = []
for t in domain.evolve(yieldstep=0.1, finaltime=20.0):
    held.append(b"x" * 200_000)
    time.sleep(0.05)
with open("result.txt", "w") as file:
    file.write("1.0")
"""


def test_a_guarded_member_at_its_limit_goes_on_with_more(tmp_path: Path) -> None:
    path = write(tmp_path, 'memory = "40MiB"\n')
    (tmp_path / "script.py").write_text(GROWING)
    done = run(path, "--memory", "1000MiB")
    assert 0 == done.returncode, done.stdout + done.stderr
    first, second = record(path, "0-0")["tries"]
    assert ("memory", "completed") == (first["end"], second["end"])
    assert 75 == first["exit_code"]
    assert "it stopped by itself, with a set, at its limit of 40 MiB" in first["says"]
    assert second["nbytes"] > first["nbytes"]


def test_the_peak_is_that_of_the_set_up_too(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    (tmp_path / "script.py").write_text(
        GROWING.replace("import time", "import time\nblock = b'x' * 150_000_000\ndel block")
        .replace("finaltime=20.0", "finaltime=0.2"))
    assert 0 == run(path).returncode
    (only,) = record(path, "0-0")["tries"]
    assert 150_000_000 < only["peak"] < 300_000_000


@needs_mpi
def test_members_of_two_ranks(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL.replace(
        'domain.set_quantity("elevation"', 'domain = anuga.distribute(domain)\n'
        'domain.set_quantity("elevation"'))
    (tmp_path / "summary.py").write_text(
        "def ranks(folder, parameters):\n"
        "    return {'files': len(list(folder.glob('model_P2_*.sww')))}\n")
    path = tmp_path / "s.toml"
    path.write_text('script = "model.py"\nsummary = "summary.py:ranks"\nranks = 2\n'
                    '[grid]\nrain = [0.0, 0.01]\n')
    done = run(path)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["2", "2"] == [row["files"] for row in results(path)]


@needs_mpi
def test_a_killed_mpiexec_leaves_nothing_that_stops_the_next(tmp_path: Path) -> None:
    """Open MPI's folder of sockets is named by the process, whose number comes again."""
    (tmp_path / "model.py").write_text(
        "import os, signal, time\n"
        "if os.environ['OMPI_COMM_WORLD_RANK'] == '0':\n"
        f"    with open({str(tmp_path / 'sockets')!r}, 'w') as file:\n"
        "        file.write(os.environ['PMIX_SERVER_TMPDIR'])\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "time.sleep(60)\n")
    path = tmp_path / "s.toml"
    path.write_text('script = "model.py"\nranks = 2\nanuga = "stock"\n[grid]\nrain = [0.0]\n')
    done = run(path)
    assert 1 == done.returncode, done.stdout + done.stderr
    sockets = Path((tmp_path / "sockets").read_text())
    assert sockets.parent.exists() and not sockets.exists()



def test_ctrl_c_ends_members_and_records_nothing_of_them(tmp_path: Path) -> None:
    path = write(tmp_path, "[grid]\nvalue = [1.0]\n", 60.0)
    process = subprocess.Popen([*COMMAND, "run", str(path)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env=environment(path),
                               preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                                signal.default_int_handler))
    until = time.monotonic() + 60.0
    while not (member := [each for spawner in children(process.pid)
                          for each in children(spawner)]):
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert 130 == process.wait(timeout=30)
    assert "interrupted" in str(process.communicate()[1])
    assert [0] == [began_of(pid) for pid in member]
    assert not (path.with_suffix(".study") / "members" / "0-0" / "record.json").exists()


# Kills at the first call only, a process by the number of generations above.
KILLING = """
import atexit, os, signal, time
from pathlib import Path

def _above(count):
    pid = os.getpid()
    for _ in range(count):
        pid = int(Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[1])
    return pid

def kill(count):
    mark = Path(os.environ["RUNS"] + ".killed")
    if not mark.exists():
        mark.write_text("")
        os.kill(_above(count), signal.SIGKILL)
        time.sleep(60.0)

def of_member(folder, parameters):
    double = float((folder / "result.txt").read_text())
    {when}
    return {{"double": double}}
"""


@pytest.mark.parametrize(("anuga", "when", "ends"), [
    ("lean", "atexit.register(kill, 0)", ["completed"]),            # its result is written
    ("stock", "atexit.register(kill, 0)", ["completed"]),
    ("lean", "atexit.register(kill, 1)", ["completed"]),            # with its spawner
    ("lean", "kill(0)", ["killed", "completed"]),                   # before its summary
])
def test_killed_after_its_script_it_does_not_run_again(
        tmp_path: Path, anuga: str, when: str, ends: list[str]) -> None:
    path = write(tmp_path, f'anuga = "{anuga}"\nkeep = []\n[grid]\nvalue = [3.0]\n')
    (tmp_path / "summary.py").write_text(KILLING.format(when=when))
    done = run(path)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert Path(f"{runs_of(path)}.killed").exists()
    assert ["0-0"] == runs_of(path).read_text().split()
    assert ends == [each["end"] for each in record(path, "0-0")["tries"]]
    assert ["6.0"] == [row["double"] for row in results(path)]
    assert {"record.json", "parameters.json", "stdout.txt", "stderr.txt"} >= {
        each.name for each in (path.with_suffix(".study") / "members" / "0-0").iterdir()
        if each.name != "run.jsonl"}


@pytest.mark.parametrize("when", ["atexit.register(kill, 2)", "kill(2)"])
def test_killed_with_the_study_after_its_script_it_does_not_run_again(
        tmp_path: Path, when: str) -> None:
    path = write(tmp_path, 'anuga = "stock"\n[grid]\nvalue = [3.0]\n')
    (tmp_path / "summary.py").write_text(KILLING.format(when=when))
    assert -9 == run(path).returncode
    done = run(path, verb="resume")
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["0-0"] == runs_of(path).read_text().split()
    (only,) = record(path, "0-0")["tries"]
    assert "completed" == only["end"] and only["peak"] > 1 << 20 and only["nbytes"] > 1 << 20
    assert ["6.0"] == [row["double"] for row in results(path)]


def test_what_a_script_writes_at_its_exit_is_there_for_the_summary(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\n')
    (tmp_path / "script.py").write_text(
        "import atexit, pathlib\natexit.register(pathlib.Path('result.txt').write_text, '1')\n")
    done = run(path)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["2.0"] == [str(2 * float(row["double"])) for row in results(path)]
