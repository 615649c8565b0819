"""Faults on the way of a study: no member is lost, run twice, or judged by an older try."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from anuga_lean.studies import launching, records
from anuga_lean.studies.definition import read
from anuga_lean.studies.engines import Ended
from anuga_lean.studies.launching import Order
from anuga_lean.studies.packing import Request, Worker
from anuga_lean.studies.processes import began_of
from anuga_lean.studies.records import End, Record, Try, read_record, write_record
from anuga_lean.studies.running import Run
from studies.test_runs import COMMAND, environment, record, results, run, runs_of, write


class Playing:
    """An engine that says at once that a member's worker went away, and runs it all the same."""

    def __init__(self, seconds: float, end: End | None = End.COMPLETED) -> None:
        self._seconds, self._end = seconds, end
        self._worker = Worker("w", 1 << 40, 1)
        self._said: list[Ended] = []
        self.submitted: list[str] = []

    def workers(self) -> list[Worker]:
        return [self._worker]

    def submit(self, worker: Worker, order: Order, threads: int) -> None:
        self.submitted.append(order.job.name)
        folder = Path(order.job.folder)
        folder.mkdir(parents=True, exist_ok=True)
        held = records.take(folder)
        assert held is not None

        def end() -> None:
            time.sleep(self._seconds)
            if self._end is not None:
                found = read_record(folder) or Record(order.job.name, [])
                found.tries.append(Try(self._end, 0, 1, 1, 0.1, 0.1, 0.0, "here"))
                write_record(folder, found)
            held.give_back()

        threading.Thread(target=end).start()
        self._said.append((order.job.name, RuntimeError("the way to it is cut")))

    def wait(self, seconds: float) -> list[Ended]:
        time.sleep(0.05)
        said, self._said = self._said, []
        return said

    def ask_for(self, waiting: int) -> None: ...

    def may_start(self, request: Request) -> bool:
        return False

    def most(self) -> int:
        return 1 << 40

    def used(self) -> dict[str, int]:
        return {}

    def close(self) -> None: ...


def played(tmp_path: Path, engine: Playing) -> tuple[Run, list[str]]:
    path = write(tmp_path, 'anuga = "stock"\nmemory = "10MiB"\n')
    running = Run(read(path), path.with_suffix(".study"), engine)
    running.run()
    found = read_record(running.folder.member("0-0"))
    assert found is not None
    return running, [each.end.value for each in found.tries]


def test_a_member_whose_worker_is_out_of_sight_is_waited_for(tmp_path: Path) -> None:
    engine = Playing(0.5)
    running, ends = played(tmp_path, engine)
    assert (["completed"], ["0-0"], 1) == (ends, engine.submitted, running.progress.completed)


def test_one_that_loses_its_worker_again_and_again_is_given_up(tmp_path: Path) -> None:
    engine = Playing(0.1, end=None)
    running, ends = played(tmp_path, engine)
    assert (["lost"] * 3, 3, 1) == (ends, len(engine.submitted), running.progress.failed)


def test_one_that_another_study_has_completed_meanwhile_is_not_run_again(tmp_path: Path) -> None:
    """Its worker goes away before it finds that out."""
    path = write(tmp_path, 'anuga = "stock"\nmemory = "10MiB"\n')
    engine = Playing(0.1)
    running = Run(read(path), path.with_suffix(".study"), engine)
    folder = running.folder.member("0-0")

    def complete() -> None:
        folder.mkdir()
        write_record(folder, Record("0-0", [Try(End.COMPLETED, 0, 1, 1, 0.1, 0.1, 0.0, "there")]))

    engine.ask_for = lambda waiting: folder.exists() or complete()
    assert 1 == running.run().completed
    found = read_record(folder)
    assert found is not None and ["there"] == [each.where for each in found.tries]
    assert [] == engine.submitted


def test_one_that_another_process_was_to_run_is_not_judged_by_an_older_try(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\nkeep = []\n[grid]\nvalue = [13.0]\n')
    folder = path.with_suffix(".study") / "members" / "0-0"
    folder.mkdir(parents=True)
    write_record(folder, Record("0-0", [Try(End.FAILED, 1, 1, 1, 0.1, 0.1, 0.0, "before")]))
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    records.write_whole(folder / records.LEASE, json.dumps({
        "token": "a", "where": records._here(), "pid": sleeper.pid,
        "began": began_of(sleeper.pid)}))
    study = subprocess.Popen([*COMMAND, "run", str(path)], stdout=subprocess.DEVNULL,
                             env=environment(path))
    time.sleep(3.0)
    assert study.poll() is None
    sleeper.kill()
    sleeper.wait()
    assert 1 == study.wait(timeout=60)
    assert ["failed", "failed"] == [each["end"] for each in record(path, "0-0")["tries"]]


CHILD = """
import os, signal, subprocess, sys
from pathlib import Path
mark = Path(os.environ["RUNS"] + ".pid")
if not mark.exists():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    mark.write_text(str(child.pid))
    os.kill(os.getppid(), signal.SIGKILL)
    child.wait()
Path("result.txt").write_text("1")
"""


def test_what_a_script_has_started_does_not_outlive_its_spawner(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\n')
    (tmp_path / "script.py").write_text(CHILD)
    done = run(path)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ["lost", "completed"] == [each["end"] for each in record(path, "0-0")["tries"]]
    assert 0 == began_of(int(Path(f"{runs_of(path)}.pid").read_text()))


def test_no_member_begins_once_a_study_ends() -> None:
    assert launching.spawner(False, 1, lambda: True) is None


OWN = """
import json, os, sys
value = float(sys.argv[sys.argv.index("--value") + 1])
for name in ("job.json", "result.json", "ended.json"):
    with open(name, "w") as file:
        json.dump({"value": value}, file)
if value == 2.0:
    os._exit(0)
"""
OWN_SUMMARY = r"""
import json, sys
def of_member(folder, parameters):
    if parameters["value"] == 3.0:
        sys.exit(0)
    value = json.loads((folder / "result.json").read_text())["value"]
    return {"peak m/s": value, "files": ["a", "b"][:int(value)], "count": 10**30,
            "name": b"\xff.sww".decode("utf-8", "surrogateescape")}
"""


def test_what_members_write_and_return_keeps_its_name(tmp_path: Path) -> None:
    """A script's own result.json; texts in lists, a slash in a name, what UTF-8 does not hold."""
    path = write(tmp_path, 'anuga = "stock"\n[grid]\nvalue = [1.0, 2.0, 3.0]\n')
    (tmp_path / "script.py").write_text(OWN)
    (tmp_path / "summary.py").write_text(OWN_SUMMARY)
    done = run(path)
    assert (1, "") == (done.returncode, done.stderr)
    assert "1-0: it exited with 0 and has not noted its end" in done.stdout
    assert "2-0: it exited with 1: its summary function failed: SystemExit: 0" in done.stdout
    first, *_ = results(path)
    assert ("1.0", "1e+30", "\\udcff.sww") == (first["peak m/s"], first["count"], first["name"])
    folder = path.with_suffix(".study") / "members" / "0-0"
    assert {"value": 1.0} == json.loads((folder / "result.json").read_text())
    assert ["ended.json", "job.json", "parameters.json", "record.json", "result.json",
            "stderr.txt", "stdout.txt"] == sorted(os.listdir(folder))
    xarray = pytest.importorskip("xarray")
    with xarray.open_dataset(path.with_suffix(".study") / "results.nc") as found:
        assert [["a"], [""], [""]] == found["files"].sel(replicate=0).values.tolist()
        assert 1.0 == found["peak m_s"].sel(value=1.0, replicate=0)


@pytest.mark.parametrize(("text", "says"), [
    ('arguments = ["--seed", "{sed}"]\n', "cannot be filled in ('sed')"),
    ('anuga = "{value}"\n', "runs on '1.0'"),
    ('triangles = "{n}"\n', "triangles"),
])
def test_what_is_wrong_with_members_is_said_before_there_is_a_folder(
        tmp_path: Path, text: str, says: str) -> None:
    """Once it is mended, the folder would be of another study."""
    path = write(tmp_path, f"{text}[grid]\nvalue = [1.0]\n")
    done = run(path)
    assert 2 == done.returncode and says in done.stderr
    assert 1 == len(done.stderr.splitlines()) and not path.with_suffix(".study").exists()


def test_cgroups_of_killed_workers_that_two_workers_remove(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finds them, and one comes second."""
    homes = [tmp_path / f"anuga_lean_{pid}" for pid in (999_999_991, 999_999_992)]
    for home in homes:
        (home / "0-0").mkdir(parents=True)

    def found_by_both(pid: int) -> int:
        if pid == 999_999_991:
            (homes[0] / "0-0").rmdir()
            homes[0].rmdir()
        return 0

    monkeypatch.setattr(launching, "began_of", found_by_both)
    launching._remove_left_over(tmp_path)
    assert [] == list(tmp_path.iterdir())
