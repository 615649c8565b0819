"""Records of runs, counters of cgroups, and what Slurm's commands answer."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.doctor.advice import advise
from anuga_lean.doctor.asking import collect
from anuga_lean.doctor.evidence import Cause, Facts
from anuga_lean.doctor.weighing import Diagnosis, weigh

MIB = 1 << 20
COUNTED = "Detected 1 oom-kill event(s) in StepId=8.batch."


@pytest.fixture(autouse=True)
def no_log_of_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's own kernel says nothing of these runs."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def memory(*mib: int, shared: int = 0) -> list[dict[str, int]]:
    return [{"rss": (each + shared) * MIB, "peak": (each + shared) * MIB, "pss": each * MIB,
             "uss": each * MIB} for each in mib]


def record(path: Path, *events: dict[str, Any], who: str = "cgroup /x", node: str = "cn1",
           pids: tuple[int, ...] = (101, 102, 103), command: Any = None) -> Path:
    begin = {"event": "begin", "seconds": 0.0, "wall": time.time() - 60.0, "command": command,
             "ranks": [{"node": node, "pid": pid, "triangles": 9} for pid in pids],
             "limits": [{"who": who, "used": 100 * MIB, "limit": 1000 * MIB}]}
    path.write_text("".join(json.dumps(each) + "\n" for each in (begin, *events)))
    return path


def at_yield(seconds: float, sample: list[dict[str, int]], used: int = 100) -> dict[str, Any]:
    return {"event": "yield", "seconds": seconds, "time": seconds / 2, "memory": sample,
            "level": {"who": "cgroup /x", "used": used * MIB, "limit": 1000 * MIB}}


def end(outcome: str, code: int) -> dict[str, Any]:
    return {"event": "end", "seconds": 9.0, "outcome": outcome, "exit_code": code, "why": "x"}


def found(path: Path, root: Path = Path("/nowhere")) -> tuple[Facts, Diagnosis]:
    facts = collect(str(path), root)
    return facts, weigh(facts)


@pytest.mark.parametrize(("outcome", "cause"), [
    (None, Cause.CANCELLED), ("completed", Cause.COMPLETED), ("stopped", Cause.STOPPED)])
def test_the_log_of_a_job_that_was_stopped_and_went_on(tmp_path: Path, outcome: str | None,
                                                       cause: Cause) -> None:
    """The lines of an earlier try are in the same file."""
    record(tmp_path / "run.jsonl", *([] if outcome is None else [end(outcome, 0)]))
    (tmp_path / "model-8.out").write_text(
        "anuga_lean run: stopped on request at t=1 s because SIGUSR1 came: ...\n"
        + "slurmstepd-cn1: error: *** JOB 8 ON cn1 CANCELLED AT 2026-03-02T04:11:19 ***\n"
        * (outcome is None))
    assert cause is found(tmp_path)[1].cause


def test_a_job_is_asked_for_with_its_record(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest one of that job in its folder, of which scontrol says where it is."""
    (tmp_path / "anuga_lean_runs").mkdir()
    for name, job, outcome, wall in (("a", "8", "stopped", 1.0), ("b", "8", "completed", 2.0),
                                     ("c", "9", "stopped", 3.0)):
        path = record(tmp_path / "anuga_lean_runs" / f"{name}.jsonl", end(outcome, 0))
        begin, rest = path.read_text().split("\n", 1)
        path.write_text(json.dumps({**json.loads(begin), "wall": wall,
                                    "slurm": {"SLURM_JOB_ID": job}}) + "\n" + rest)
    program = tmp_path / "bin" / "scontrol"
    program.write_text(f"#!/bin/sh\necho 'JobId=8 JobName=x'\necho '   WorkDir={tmp_path}'\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    facts = collect("8")
    assert ("completed", Cause.COMPLETED) == (facts.outcome, weigh(facts).cause)


@pytest.mark.parametrize("event, cause, sureness", [
    (end("completed", 0), Cause.COMPLETED, "sure"), (end("stopped", 75), Cause.STOPPED, "sure"),
    (end("ended with an error", 1), Cause.FAILED, "likely"),
    (at_yield(60.0, memory(50), used=950), Cause.OOM_PROBABLE, "likely"),
    (at_yield(60.0, memory(50), used=300), Cause.KILLED, "not sure"),
])
def test_ends(event: dict[str, Any], cause: Cause, sureness: str, tmp_path: Path) -> None:
    _, diagnosis = found(record(tmp_path / "a.jsonl", event))
    assert (cause, sureness) == (diagnosis.cause, diagnosis.sureness)


def test_a_torn_last_line_is_no_end(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", {"event": "set", "seconds": 5.0, "time": 12.5})
    path.write_text(path.read_text() + '{"event": "end", "outcome": "comp')
    facts, diagnosis = found(path)
    assert Cause.KILLED is diagnosis.cause
    assert "its last whole set is of t=12.5 s" in facts.notes


def test_a_record_of_another_version_is_said_to_be_one(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", end("completed", 0))
    for of, count in ((1, 0), (2, 1), ("x" * 99, 1)):
        begin, last = path.read_text().splitlines()
        path.write_text(json.dumps(json.loads(begin) | {"format": of}) + f"\n{last}\n")
        assert count == sum("is of format" in each for each in collect(str(path)).missing)


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    path = record(tmp_path / "a.jsonl", node=platform.node(), pids=(os.getpid(),))
    # this process began before the record; a pid that is given again did not
    begun = json.loads(path.read_text())
    begun["wall"] = time.time()
    path.write_text(json.dumps(begun) + "\n")
    assert Cause.RUNNING is found(path, Path("/"))[1].cause
    begun["wall"] = time.time() - 1e6
    path.write_text(json.dumps(begun) + "\n")
    assert Cause.KILLED is found(path, Path("/"))[1].cause


def test_the_last_run_of_a_file_counts(tmp_path: Path) -> None:
    """Two tries with one --record: what the first has ended with says nothing of the second."""
    first = record(tmp_path / "first", end("stopped", 75)).read_text()
    both = record(tmp_path / "both.jsonl", at_yield(1.0, memory(10)), end("completed", 0),
                  pids=(104,))
    both.write_text(first + both.read_text())
    facts, diagnosis = found(both)
    assert (Cause.COMPLETED, {104}) == (diagnosis.cause, facts.pids)


def test_the_record_counts_first(tmp_path: Path) -> None:
    """Slurm says OUT_OF_MEMORY of a job whose model has ended well."""
    (tmp_path / "slurm-8.out").write_text(COUNTED + "\n")
    assert Cause.OOM_CGROUP is found(tmp_path)[1].cause
    record(tmp_path / "a.jsonl", end("completed", 0))
    facts, diagnosis = found(tmp_path)
    assert Cause.COMPLETED is diagnosis.cause
    assert any("not the model" in each for each in facts.notes)


def test_a_record_without_end_leaves_it_to_the_others(tmp_path: Path) -> None:
    (tmp_path / "slurm-8.out").write_text(COUNTED + "\n")
    record(tmp_path / "a.jsonl")
    assert (Cause.OOM_CGROUP, "sure") == (found(tmp_path)[1].cause, found(tmp_path)[1].sureness)


def test_logs_of_earlier_runs_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "slurm-8.out").write_text(COUNTED + "\n")
    os.utime(tmp_path / "slurm-8.out", (1e9, 1e9))
    record(tmp_path / "a.jsonl")
    facts, diagnosis = found(tmp_path)
    assert Cause.KILLED is diagnosis.cause
    assert "1 files that are older than the run's record were left out" in facts.missing


@pytest.mark.parametrize("pid, cause", [(102, Cause.OOM_CGROUP), (999, Cause.OOM_PROBABLE)])
def test_the_kernel_names_a_process(pid: int, cause: Cause, tmp_path: Path) -> None:
    """A kill of a process that is none of this run's proves nothing for it."""
    record(tmp_path / "a.jsonl", at_yield(60.0, memory(50), used=950))
    (tmp_path / "dmesg").write_text(
        f"Memory cgroup out of memory: Killed process {pid} (python) anon-rss:4096kB\n")
    assert cause is found(tmp_path)[1].cause


def test_whose_memory(tmp_path: Path) -> None:
    sample = memory(400, 200, 200, shared=100)
    facts, _ = found(record(tmp_path / "a.jsonl", at_yield(9.0, sample), end("exited", 1)))
    said = " ".join(facts.notes)
    assert "its peak is 500 MiB, the others' 300 MiB" in said
    assert "adds up to 1,100 MiB" in said and "together they held 800 MiB (PSS)" in said
    assert "the limit of 1,000 MiB was not reached" in said
    assert 800 * MIB == facts.peak


@pytest.mark.parametrize("who, words", [
    ("cgroup /x", "ask for at least a limit of 1216 MiB"),
    ("this machine", "start fewer runs on the machine at a time, this one needs at least 600 MiB"),
])
def test_a_stop_because_of_memory_asks_for_more(who: str, words: str, tmp_path: Path) -> None:
    last = {**end("stopped", 75), "memory": memory(500),
            "why": f"950 of 1,000 MiB (95%) of {who} are taken"}
    facts, diagnosis = found(record(tmp_path / "a.jsonl", last, who=who))
    assert Cause.STOPPED is diagnosis.cause
    assert any(words in each for each in advise(diagnosis.cause, facts))
    facts, _ = found(record(tmp_path / "a.jsonl", {**last, "why": "SIGUSR1 came"}, who=who))
    assert 1 == len(advise(Cause.STOPPED, facts))


@pytest.mark.parametrize("command, typed", [
    ("anuga_lean run --guard --resume 'my flood.py' --rain 3",
     "anuga_lean run --guard --resume 'my flood.py' --rain 3"),
    ("env ANUGA_LEAN_GUARD=resume /usr/bin/python3 flood.py",
     "env ANUGA_LEAN_GUARD=resume /usr/bin/python3 flood.py"),
    ("anuga_lean run flood.py; rm -rf /", "anuga_lean run 'flood.py;' rm -rf /"),
    *((each, "anuga_lean run --guard --resume script.py") for each in (
        "rm -rf /", "anuga_lean run 'flood.py", "anuga_lean run 'a\x1b[2J.py'",
        ["anuga_lean", "run"], "anuga_lean run " + 1000 * "x", None))])
def test_what_goes_on_with_a_run(command: Any, typed: str, tmp_path: Path) -> None:
    facts, diagnosis = found(record(tmp_path / "a.jsonl", end("stopped", 75), command=command))
    assert ["it was meant, as exit code 75 says; to go on from the last set type: " + typed] == \
        advise(diagnosis.cause, facts)


@pytest.mark.parametrize("mib, words", [
    (700, "one stage was the fat one: 'quantities' took 1,400 MiB at its peak, what came after "
          "600 MiB; functions of x and y take a third"), (400, None)])
def test_one_fat_stage(mib: int, words: str | None, tmp_path: Path) -> None:
    stages = [{"event": "stage", "stage": name, "seconds": 1.0, "ranks": memory(each, each)}
              for name, each in (("imports", 50), ("domain", 350), ("quantities", mib),
                                 ("first yield", 300), ("evolve", 290))]
    facts, _ = found(record(tmp_path / "a.jsonl", *stages, end("exited", 1)))
    said = [each for each in facts.notes if "fat one" in each and "rank 0" not in each]
    assert (words is None) == (said == [])
    assert words is None or words in said[0]


@pytest.mark.parametrize("grows", [True, False])
def test_growth(grows: bool, tmp_path: Path) -> None:
    events = [at_yield(60.0 * i, memory(200 + 10 * i * grows)) for i in range(20)]
    facts, _ = found(record(tmp_path / "a.jsonl", *events))
    assert grows == any("grew by 10.0 MiB a minute" in each for each in facts.notes)


@pytest.mark.parametrize("name, text, limit, peak", [
    ("memory.events", "low 0\noom 3\noom_kill 2\n", "memory.max", "memory.peak"),
    ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
     "memory.limit_in_bytes", "memory.max_usage_in_bytes"),
])
def test_counters(name: str, text: str, limit: str, peak: str, tmp_path: Path) -> None:
    (tmp_path / limit).write_text(f"{600 * MIB}\n")
    (tmp_path / peak).write_text(f"{599 * MIB}\n")
    (tmp_path / name).write_text(text.replace("oom_kill 2", "oom_kill 0"))
    assert Cause.UNKNOWN is found(tmp_path)[1].cause
    (tmp_path / name).write_text(text)
    facts, diagnosis = found(tmp_path)
    assert (Cause.OOM_CGROUP, "sure") == (diagnosis.cause, diagnosis.sureness)
    assert (600 * MIB, 599 * MIB) == (facts.limit, facts.peak)


V1_MOUNT = "30 23 0:35 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def copied_system(root: Path, version: int, levels: dict[str, dict[str, str]]) -> Path:
    """Write the files of cgroups, the innermost last, and a process in that one."""
    *_, own = levels
    top = root / ("sys/fs/cgroup" if version == 2 else "sys/fs/cgroup/memory")
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"{'0:' if version == 2 else '4:memory'}:{own}\n")
    (root / "proc/self/mountinfo").write_text(V2_MOUNT if version == 2 else V1_MOUNT)
    for name, files in levels.items():
        group = top / name.strip("/")
        group.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (group / file).write_text(text + "\n")
    return root


def of_version_2(limit: str, peak: int, oom: int, kills: int) -> dict[str, str]:
    return {"memory.max": limit, "memory.high": "max", "memory.peak": str(peak * MIB),
            "memory.events": f"low 0\nhigh 0\nmax 9\noom {oom}\noom_kill {kills}\n"
                             "oom_group_kill 0"}


def of_version_1(limit: int, peak: int, kills: int) -> dict[str, str]:
    return {"memory.limit_in_bytes": str(limit), "memory.max_usage_in_bytes": str(peak * MIB),
            "memory.oom_control": f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}"}


@pytest.mark.parametrize("version, levels, limit, peak", [
    # the cgroup of the process is not the one that has the limit: its parent is
    (2, {"/": {}, "/slurm": of_version_2("max", 9000, 3, 3),
         "/slurm/job_3": of_version_2(str(600 * MIB), 600, 1, 1),
         "/slurm/job_3/task_0": of_version_2("max", 590, 0, 1)}, 600, 600),
    # its own limit was not met: that of its parent was, which is larger
    (2, {"/pods": of_version_2(str(4000 * MIB), 4000, 2, 2),
         "/pods/one": of_version_2(str(900 * MIB), 400, 0, 1)}, 4000, 4000),
    # the limit of all was met by others, and this one's by it
    (2, {"/all": of_version_2(str(4000 * MIB), 4000, 7, 7),
         "/all/own": of_version_2(str(500 * MIB), 500, 1, 1)}, 500, 500),
    # version 1 counts where the process was
    (1, {"/job_3": of_version_1(600 * MIB, 600, 0),
         "/job_3/task_0": of_version_1(2**63 - 4096, 590, 1)}, 600, 600),
])
def test_counters_of_a_copied_system(version: int, levels: dict[str, dict[str, str]], limit: int,
                                     peak: int, tmp_path: Path) -> None:
    facts, diagnosis = found(copied_system(tmp_path / "system", version, levels))
    assert (Cause.OOM_CGROUP, "likely") == (diagnosis.cause, diagnosis.sureness)
    assert (limit * MIB, peak * MIB) == (facts.limit, facts.peak)


def test_counters_of_a_system_without_kills(tmp_path: Path) -> None:
    """The limits were met, and all that was needed could be taken back."""
    facts, diagnosis = found(copied_system(tmp_path / "system", 2, {
        "/a": of_version_2(str(600 * MIB), 600, 0, 0), "/a/b": of_version_2("max", 600, 0, 0)}))
    assert (Cause.UNKNOWN, 0, 0) == (diagnosis.cause, facts.limit, facts.peak)


def program(tmp_path: Path, name: str, text: str, code: int = 0) -> None:
    path = tmp_path / "bin" / name
    path.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{text}\nEND\nexit {code}\n")
    path.chmod(0o755)


def test_a_job_is_asked_of_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    facts, diagnosis = found(Path("90"))
    assert Cause.UNKNOWN is diagnosis.cause
    assert "sacct is not on this machine: it was not asked" in facts.missing
    assert "what job 90 printed is not here: give that file too" in facts.missing
    program(tmp_path, "sacct", "JobIDRaw|State|ExitCode|ReqMem\n90|COMPLETED|0:0|700M\n"
                               "90.0|OUT_OF_MEMORY|0:125|")
    program(tmp_path, "scontrol", "slurm_load_jobs error: Invalid job id", 1)
    program(tmp_path, "dmesg", "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/s/job_90,"
            "task_memcg=/s/job_90/step_0,task=python,pid=5,uid=0\n"
            "Memory cgroup out of memory: Killed process 5 (python) anon-rss:614400kB\n"
            "Memory cgroup out of memory: Killed process 6 (other) anon-rss:914400kB")
    (tmp_path / "slurm-90.out").write_text("srun: error: cn1: task 2: Out Of Memory\n")
    facts, diagnosis = found(Path("90"))
    assert (Cause.OOM_CGROUP, "sure", 700 * MIB, 600 * MIB) == (
        diagnosis.cause, diagnosis.sureness, facts.limit, facts.peak)
    assert "the process that died was rank 2" in facts.notes
    assert any(each.startswith("scontrol show job failed with 1") for each in facts.missing)


def member(folder: Path, *tries: tuple[str, int | None, int, str]) -> Path:
    """Write the folder of a member of a study, as `studies.records` does."""
    folder.mkdir()
    (folder / "stdout.txt").write_text("it began\n")
    (folder / "stderr.txt").write_text("")
    (folder / "record.json").write_text(json.dumps({"name": "3-1", "format": 1, "tries": [
        {"end": end, "exit_code": code, "nbytes": mib * MIB, "peak": (mib - 1) * MIB,
         "seconds": 2.0, "cpu_seconds": 1.0, "began": 1.0, "where": "cn1", "says": says}
        for end, code, mib, says in tries]}, indent=1))
    return folder


@pytest.mark.parametrize("end, code, cause, sureness, words", [
    ("completed", 0, Cause.COMPLETED, "sure", ""),
    ("stopped", 75, Cause.STOPPED, "sure", "study run FILE"),
    ("memory", -9, Cause.MEMBER_MEMORY, "sure", "a worker of 384 MiB (study run --memory"),
    ("memory", 1, Cause.MEMORY_LIMIT, "sure", "'memory' of the study file"),
    ("timeout", -9, Cause.TIME_LIMIT, "sure", "'timeout' of the study file"),
    ("failed", 1, Cause.FAILED, "likely", "read the error"),
    ("killed", -9, Cause.KILLED, "not sure", "signal 9"),
    ("lost", None, Cause.WORKER_GONE, "sure", "study run"),
])
def test_a_member_of_a_study(end: str, code: int | None, cause: Cause, sureness: str, words: str,
                             tmp_path: Path) -> None:
    folder = member(tmp_path / "3-1", ("memory", -9, 150, "too much"), (end, code, 300, "so it is"))
    for path in (folder, folder / "record.json"):
        facts, diagnosis = found(path)
        assert (cause, sureness) == (diagnosis.cause, diagnosis.sureness)
        assert words in " ".join(advise(diagnosis.cause, facts))
        assert (f"the member was tried 2 times: memory (150 MiB given), then {end} (300 MiB given)"
                in facts.notes)


@pytest.mark.parametrize("text", [
    '{"tries": []}', '{"tries": [{"end": "eaten"}]}', '{"tries": 7}', "[[" * 9000, "{",
    '{"tries": [{"end": "memory", "nbytes": "x", "peak": 1e999, "says": 3}]}'])
def test_a_strange_record_of_a_member(text: str, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(text)
    assert found(tmp_path)[1].cause in (Cause.UNKNOWN, Cause.MEMORY_LIMIT)
