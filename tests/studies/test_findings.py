"""What is said of a member that was not completed: doctor's class, sentence and lines."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from anuga_lean.doctor.asking import collect
from anuga_lean.doctor.weighing import weigh
from anuga_lean.studies.definition import read
from anuga_lean.studies.findings import by_cause, finding, how_again
from anuga_lean.studies.launching import Order
from anuga_lean.studies.packing import Worker
from anuga_lean.studies.records import End, Record, Try, write_record
from anuga_lean.studies.running import Run
from studies.test_runs import COMMAND, record, run, write

SCRIPT = """
import os, sys, time, signal
kind = sys.argv[sys.argv.index("--kind") + 1]
if kind == "error":
    raise RuntimeError("thirteen")
if kind == "oom":
    block = bytearray(os.urandom(1)) * (400 << 20)
if kind == "refused":
    raise MemoryError("Unable to allocate 3 GiB")
if kind == "late":
    time.sleep(60)
if kind == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
open("result.txt", "w").write("1")
"""


def ask(verb: str, *arguments: str) -> str:
    done = subprocess.run([*COMMAND, verb, *arguments], capture_output=True, text=True)
    assert "" == done.stderr and done.returncode < 2
    return done.stdout


@pytest.mark.slow
def test_every_end_has_the_doctors_class(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\ntimeout = 8.0\nmemory = "200MiB"\n[grid]\n'
                           'kind = ["fine", "error", "oom", "late", "kill", "refused"]\n')
    (tmp_path / "script.py").write_text(SCRIPT)
    assert 1 == run(path, "--memory", "600MiB").returncode
    folder = path.with_suffix(".study")
    said = {}
    for number, kind in enumerate(("fine", "error", "oom", "late", "kill", "refused")):
        tries = record(path, f"{number}-0")["tries"]
        said[kind] = [each["finding"] and each["finding"]["cause"] for each in tries]
        found = weigh(collect(str(folder / "members" / f"{number}-0")))
        last = tries[-1]["finding"]
        assert (found.cause.word, found.cause.value, found.sureness) == (
            ("completed", "it ended well", "sure") if last is None
            else (last["cause"], last["says"], last["sure"]))
    assert said.pop("oom")[0] in ("oom-cgroup", "member-memory", "memory-limit")
    assert {"fine": [None], "error": ["failed"], "late": ["time-limit"], "kill": ["killed"] * 3,
            "refused": ["memory-limit"] * 2} == said
    shown = ask("show", str(folder), "5-0")
    assert "then        again with 600 MiB, after it met its limit of 200 MiB\n" in shown
    assert "doctor      memory was refused: a limit on the process" in shown
    assert ": MemoryError: Unable to allocate 3 GiB\n" in shown
    status = ask("status", str(path))
    assert "1 time-limit: its time limit was reached (sure)\n  3-0  it ran long" in status
    (tmp_path / "script.py").write_text("edited = True")        # the folder knows by itself
    assert status.partition(": ")[2] == ask("status", str(folder)).partition(": ")[2]


def a_try(end: End, **more: object) -> Try:
    return Try(end, 1, 100 << 20, 90 << 20, 1.0, 1.0, 0.0, "here", "it said so", **more)


def test_only_what_the_last_try_printed_counts(tmp_path: Path) -> None:
    before = "MemoryError: of the try before\n"
    (tmp_path / "stderr.txt").write_text(f"{before}ValueError: of this one\n")
    (tmp_path / "stdout.txt").write_text("")
    last = a_try(End.FAILED, printed=[0, len(before)])
    assert "failed" == finding(tmp_path, last).cause
    assert "memory-limit" == finding(tmp_path, a_try(End.FAILED)).cause


def test_a_guards_record_of_the_try_before_is_left_out(tmp_path: Path) -> None:
    begin = {"event": "begin", "wall": 1000.0, "ranks": []}
    end = {"event": "end", "outcome": "stopped", "exit_code": 75, "why": "SIGUSR1 came"}
    (tmp_path / "run.jsonl").write_text(f"{json.dumps(begin)}\n{json.dumps(end)}\n")
    for began, cause in ((999.5, "stopped"), (2000.0, "failed")):
        last = Try(End.FAILED, 1, 1, 1, 1.0, 1.0, began, "here", "it exited with 1")
        assert cause == finding(tmp_path, last).cause


def test_a_script_that_ended_well_and_a_summary_that_did_not(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"event": "begin", "wall": 1.0, "ranks": []}\n'
                                        '{"event": "end", "outcome": "completed"}\n')
    write_record(tmp_path, Record("0-0", [a_try(End.FAILED)]))
    assert "failed" == weigh(collect(str(tmp_path))).cause.word


def test_a_lost_worker_is_no_fault_of_the_model(tmp_path: Path) -> None:
    found = finding(tmp_path, a_try(End.LOST))
    assert ("worker-gone", "sure") == (found.cause, found.sure)
    assert finding(tmp_path, a_try(End.COMPLETED)) is None


@pytest.mark.parametrize(("tries", "says"), [
    ([], ""),
    ([a_try(End.MEMORY)], "again with 300 MiB, after it met its limit of 100 MiB"),
    ([a_try(End.STOPPED, time=7.5)], "goes on where it stopped at t=7.5 s"),
    ([a_try(End.LOST)], "again, after its worker went away"),
    ([a_try(End.FAILED)], "again in a later run of the study, after it ended as failed"),
])
def test_how_it_was_retried(tries: list[Try], says: str) -> None:
    assert says == how_again(tries, 300 << 20)


def test_groups_have_the_most_first(tmp_path: Path) -> None:
    ends = (End.FAILED, End.LOST, End.LOST, End.COMPLETED)
    records = []
    for number, end in enumerate(ends):
        last = a_try(end)
        last.finding = finding(tmp_path, last)
        records.append((str(number), Record(str(number), [last])))
    assert [("worker-gone", ["1", "2"]), ("failed", ["0"])] == [
        (found.cause, names) for found, names in by_cause(records)]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"tries": []}', '{"tries": [3]}',
                                  '{"tries": [{"end": 3}]}', "[" * 100_000])
def test_a_damaged_record_is_no_member(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.json").write_text(text)
    assert weigh(collect(str(tmp_path))).cause.word in ("unknown", "failed")


@pytest.mark.parametrize("name", ["printed", "began", "nbytes", "peak", "kills", "exit_code"])
def test_a_record_of_other_kinds_is_read_all_the_same(tmp_path: Path, name: str) -> None:
    found = {"end": "failed", "says": "x", name: {"a": [None]}}
    (tmp_path / "record.json").write_text(json.dumps({"tries": [found]}))
    assert "failed" == weigh(collect(str(tmp_path))).cause.word


class Gone:
    """An engine whose worker goes away before it has made the folder of any member."""

    def __init__(self) -> None:
        self._worker = Worker("w", 1 << 30, 1)
        self._names: list[str] = []

    def workers(self) -> list[Worker]:
        return [self._worker]

    def submit(self, worker: Worker, order: Order, threads: int) -> None:
        self._names.append(order.job.name)

    def wait(self, seconds: float) -> list[tuple[str, Exception]]:
        return [(self._names.pop(), RuntimeError("w is gone"))] if self._names else []

    def ask_for(self, waiting: int) -> None:
        """Have no other worker."""

    def may_start(self, request: object) -> bool:
        return False

    def most(self) -> int:
        return 1 << 30

    def used(self) -> dict[str, int]:
        return {"w": 5}

    def close(self) -> None:
        """Have nothing to close."""


def test_a_worker_that_never_came_to_its_member(tmp_path: Path) -> None:
    path = write(tmp_path, "[grid]\nvalue = [1.0]\n")
    found = Run(read(path), tmp_path / "s.study", Gone()).run()
    assert [("0-0", "it was killed 3 times, nobody says by whom")] == found.failures
    tries = record(path, "0-0")["tries"]
    assert ["worker-gone"] * 3 == [each["finding"]["cause"] for each in tries]
    assert "again, after its worker went away" == tries[1]["again"]
    last = json.loads((tmp_path / "s.study" / "progress.jsonl").read_text().splitlines()[-1])
    assert (1 << 30, 0, 1) == (last["limit"], last["used"], last["failed"])
