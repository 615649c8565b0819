"""What a look at a run says: made-up records, and processes of a made-up /proc."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anuga_lean._errors import CommandError
from anuga_lean.following import processes, wording
from anuga_lean.following.looking import Follower, Look
from anuga_lean.following.processes import Reader, grouped
from following import made
from following.made import BEGAN, MIB, a_set, at_yield, begin, end


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made.machine(tmp_path / "system", ("job", 300, 400))
    return tmp_path / "system"


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("time.time", lambda: BEGAN + 60.0)
    return tmp_path / "run.jsonl"


def look(path: Path, root: Path, seconds: float = 60.0) -> Look:
    follower = Follower(str(path), root, wall=lambda: BEGAN + seconds)
    try:
        return follower.look()
    finally:
        follower.close()


def test_a_run_that_is_on(record: Path, root: Path) -> None:
    made.write(record, begin(), at_yield(10.0, 0.0, 70, 70), a_set(20.0, 5.0),
               at_yield(50.0, 20.0, 70, 70))
    made.process(root, 101, 90)
    made.process(root, 102, 80)
    found = look(record, root)
    assert [("rank 0", "here", 90), ("rank 1", "here", 80)] == [
        (row.name, row.where, row.memory.rss // MIB) for row in found.rows if row.memory]
    assert (170, 150, 130) == tuple(found.total(kind) // MIB for kind in ("rss", "pss", "uss"))
    # 20 s of the model in 40 s, 80 s are left, and 10 s have passed since
    assert (20.0, 100.0, 7, 10.0, 150.0) == found.progress
    assert (5.0, 40.0) == found.last_set
    # of the ranks' cgroup, not of this process
    assert ("cgroup /job", 300 * MIB, 400 * MIB) == found.level
    assert [] == found.holders and found.ending is None
    text = "\n".join(wording.lines(found))
    assert "t=20 of 100 s (20%), 7 steps, 10 s ago, about 2 min left" in text
    assert "rank 0   90   80   70       110" in text and "last set at t=5 s, 40 s ago" in text
    assert "300 of 400 MiB (75%) of cgroup /job" in text
    assert "PSS 150 MiB, RSS 170 MiB, largest rank 0 80 MiB" in wording.line(found)


def test_a_limit_that_is_near_says_who_holds_what(record: Path, root: Path) -> None:
    made.write(record, begin(), at_yield(10.0, 0.0, 70, 70))
    made.process(root, 101, 90)
    made.process(root, 102, 80)
    made.process(root, 7, 200, name="neighbour")
    (root / "sys/fs/cgroup/job/memory.current").write_text(f"{350 * MIB}")
    assert ["the 2 ranks of this run hold 170 MiB", "of others neighbour (pid 7) 200 MiB"] \
        == look(record, root).holders


@pytest.mark.parametrize("last, text, code", [
    (end(59.0, "completed", 0), "completed, exit code 0", 0),
    (end(59.0, "completed", None), "completed", 0),
    (end(59.0, "stopped", 75, time=33.0, why="SIGUSR1 came"),
     "stopped at t=33 s because SIGUSR1 came, exit code 75", 75),
    (end(59.0, "ended with an error", 1), "ended with an error, exit code 1", 1),
    (end(59.0, "interrupted", 130), "interrupted, exit code 130", 130),
])
def test_how_a_run_has_ended(last: dict[str, Any], text: str, code: int, record: Path,
                             root: Path) -> None:
    made.write(record, begin(), last)
    found = look(record, root)
    assert found.ending is not None
    assert (text, code) == (found.ending.text, found.ending.code)
    assert text == wording.lines(found)[-1]
    assert ["gone", "gone"] == [row.where for row in found.rows]


def test_a_run_that_was_killed(record: Path, root: Path) -> None:
    """One rank that has gone is shown; when who writes the record has gone, the run has."""
    made.write(record, begin(), at_yield(30.0, 1.0, 70, 70))
    made.add(record, '{"event": "end", "outcome": "comp')
    made.process(root, 101, 90)
    made.process(root, 102, 80)
    follower = Follower(str(record), root, wall=lambda: BEGAN + 60.0)
    assert follower.look().ending is None
    shutil.rmtree(root / "proc" / "102")
    found = follower.look()
    assert found.ending is None and ["here", "gone"] == [row.where for row in found.rows]
    assert 90 * MIB == found.total("rss") and "gone: rank 1" in wording.line(found)
    made.process(root, 101, 90, began=BEGAN + 40.0)     # its number was given again
    found = follower.look()
    assert found.ending is not None and 137 == found.ending.code
    assert f"anuga_lean doctor {record}" in found.ending.text
    made.add(record, 'leted", "exit_code": 0}\n')
    found = follower.look()
    assert found.ending is not None and 0 == found.ending.code
    follower.close()


def test_ranks_elsewhere_are_seen_through_the_record(record: Path, root: Path) -> None:
    made.write(record, begin(nodes=(made.HERE, "cn2")), at_yield(30.0, 1.0, 70))
    made.process(root, 101, 90)
    found = look(record, root)
    assert ["here", "cn2"] == [row.where for row in found.rows]
    assert ["ranks on cn2 are seen through the record only, as far as it has them"] == found.notes
    assert found.total("pss") is None and "on cn2, not known" in "\n".join(wording.lines(found))
    # nothing of it runs here: who writes the record cannot be seen, and may be on
    made.write(record, begin(nodes=("cn1", "cn2")), at_yield(30.0, 1.0, 70))
    found = look(record, root)
    assert found.ending is None and 30.0 == found.level_ago
    assert "on cn1, 30 s ago" in "\n".join(wording.lines(found))


def test_a_system_without_proc(record: Path, tmp_path: Path) -> None:
    made.write(record, begin(), at_yield(30.0, 1.0, 70, 60))
    found = look(record, tmp_path / "nothing")
    assert ["this system has no /proc: all that is known is the record's"] == found.notes
    assert found.ending is None and (130 * MIB) == found.total("rss")
    with pytest.raises(CommandError, match="which this system does not have: name the record"):
        Follower("101", tmp_path / "nothing")


def test_the_last_run_of_a_record_counts(record: Path, root: Path) -> None:
    made.write(record, begin(), a_set(5.0, 1.0), end(9.0, "stopped", 75),
               begin(pids=(103, 104), wall=BEGAN + 50.0))
    made.process(root, 103, 90)
    made.process(root, 104, 90)
    found = look(record, root)
    assert found.ending is None and found.last_set is None and 180 * MIB == found.total("rss")
    # a serial model, then the one that the ranks of the same process share
    made.write(record, begin(pids=(103,), nodes=(made.HERE,)), a_set(5.0, 1.0),
               begin(pids=(103, 104), seconds=6.0, wall=BEGAN + 6.0))
    found = look(record, root)
    assert (1.0, 55.0) == found.last_set and 2 == len(found.rows)
    # one that was killed, then another try
    made.write(record, begin(), a_set(5.0, 1.0), begin(pids=(103, 104), wall=BEGAN + 40.0))
    assert look(record, root).last_set is None


def test_stages_before_the_record_began(record: Path, root: Path) -> None:
    """They are written when the ranks are known; a peak of a stage is one of the run."""
    made.write(record, begin(seconds=9.0, wall=BEGAN + 9.0), made.stage(1.0, "imports", 60, 60),
               made.stage(7.0, "domain", 300, 70))
    made.process(root, 101, 90)
    made.process(root, 102, 80)
    assert [320, 100] == [row.memory.peak // MIB for row in look(record, root).rows if row.memory]
    shutil.rmtree(root / "proc" / "101")
    found = look(record, root)
    # what it held last was told when the record began
    assert found.ending is not None and "9 s after its start" in found.ending.text
    assert found.rows[0].memory is not None and (60 * MIB, 51.0) == (
        found.rows[0].memory.rss, found.rows[0].ago)


def test_a_record_that_is_written_anew(record: Path, root: Path) -> None:
    made.write(record, begin(), a_set(5.0, 1.0), a_set(6.0, 2.0))
    made.process(root, 101, 90)
    follower = Follower(str(record), root, wall=lambda: BEGAN + 60.0)
    assert (2.0, 54.0) == follower.look().last_set
    made.write(record, begin())
    assert follower.look().last_set is None
    follower.close()


HOSTILE = [
    begin(ranks=[1, None, {"node": 5, "pid": "x", "triangles": []}], limits={"a": 1}, wall="now",
          memory="much", name="\x1b[2Jname", versions=[1]),
    {"event": ["x"], "seconds": {}},
    {"event": "yield", "seconds": 1e400, "time": "soon", "steps": True, "memory": {"0": 1},
     "level": {"who": "\x1b]0;x\x07", "used": -5, "limit": 10**40}},
    {"event": "stage", "stage": {"\x1b": 1}, "ranks": [{"rank": 10**30, "rss": "9"}]},
    {"event": "warning", "text": "\x1b[31mred"},
    {"event": "set", "time": None},
]


def test_hostile_records(record: Path, root: Path) -> None:
    made.write(record, *HOSTILE)
    made.add(record, '[1]\nnull\n"x"\n{"event": "yield", "event": [[[[[\n\0\xff\n' + "[" * 9999)
    found = look(record, root)
    json.dumps(found.as_json(), allow_nan=False)
    assert ["\x1b[31mred"] == found.warnings    # what shows it escapes it


@pytest.mark.parametrize("text", ["", "x\n", "[]\n", '{"a": 1}\n', '{"event": "end"}\n', "\0" * 99])
def test_what_is_no_record(text: str, record: Path, root: Path) -> None:
    record.write_text(text)
    if not text:
        assert look(record, root).rows == []    # it begins in a moment
        return
    with pytest.raises(CommandError, match="is no record of a run"):
        look(record, root)


# -- processes ---------------------------------------------------------------------


def test_a_process_of_any_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher's number: ranks by what it has told them, each with what it has started."""
    monkeypatch.setattr("time.time", lambda: BEGAN)
    made.process(root, 50, 30, name="mpiexec", children=(101, 102))
    made.process(root, 101, 90, children=(103,), OMPI_COMM_WORLD_RANK="1")
    made.process(root, 102, 80, OMPI_COMM_WORLD_RANK="0")
    made.process(root, 103, 40, OMPI_COMM_WORLD_RANK="1")
    assert {"rank 0": [102], "rank 1": [101, 103], "mpiexec": [50]} == grouped(50, root)
    follower = Follower("50", root, wall=lambda: BEGAN)
    found = follower.look()
    assert [80, 130, 30] == [row.memory.rss // MIB for row in found.rows if row.memory]
    assert 240 * MIB == found.total("rss") and "cgroup /job" == (found.level or [""])[0]
    assert found.progress is None and found.ending is None
    for pid in (50, 101, 102, 103):
        shutil.rmtree(root / "proc" / str(pid))
    found = follower.look()
    assert found.ending is not None and 3 == found.ending.code
    assert found.ending.text.startswith("process 50 has ended; how, only a record says")
    follower.close()


def test_a_process_finds_its_record(record: Path, root: Path) -> None:
    made.process(root, 50, 30, name="mpiexec", children=(101,))
    made.process(root, 101, 90, OMPI_COMM_WORLD_RANK="0")
    clock = iter(range(0, 1000, 20))
    follower = Follower("50", root, wall=lambda: BEGAN + 60.0, clock=lambda: next(clock))
    assert follower.look().last_set is None
    # not before its first evolve
    made.write(record, begin(pids=(101,), nodes=(made.HERE,)), a_set(5.0, 1.0))
    (root / "proc/101/fd/4").symlink_to(record)
    (root / "proc/101/fd/5").symlink_to("/dev/null")
    found = follower.look()
    assert (1.0, 55.0) == found.last_set and ["rank 0", "mpiexec"] == [r.name for r in found.rows]
    made.add(record, json.dumps(end(9.0, "stopped", 75)) + "\n")
    assert follower.look().ending is None       # it may try again
    for pid in (50, 101):
        shutil.rmtree(root / "proc" / str(pid))
    found = follower.look()
    assert found.ending is not None and 75 == found.ending.code
    follower.close()


def test_a_number_that_is_given_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: BEGAN)
    made.process(root, 50, 30)
    follower = Follower("50", root, wall=lambda: BEGAN)
    assert follower.look().ending is None
    made.process(root, 50, 30, began=BEGAN + 100.0)
    assert follower.look().ending is not None
    follower.close()


def test_pss_costs_a_process_little(root: Path) -> None:
    """Walks through page tables of 10 ms: one in 10 s; RSS is of each reading."""
    made.process(root, 101, 90)
    now = [0.0]
    walks = []

    def clock() -> float:
        now[0] += 0.005
        return now[0]

    class Counting(Path(root).__class__):  # type: ignore[misc]
        def read_text(self, *args: Any, **kwargs: Any) -> str:
            if self.name == "smaps_rollup":
                walks.append(now[0])
                now[0] += 0.005
            return super().read_text(*args, **kwargs)

    reader = Reader(Counting(root), clock)
    for second in range(60):
        now[0] = max(now[0], float(second))
        made.process(root, 101, 90 + second)
        found = reader.read(101)
        assert found is not None and (90 + second) * MIB == found.rss
    assert len(walks) in (6, 7) and 0.001 == processes.SHARE
    assert found.pss is not None and found.pss < found.rss - 10 * MIB + 1


def test_a_process_of_another_user(root: Path) -> None:
    """Without the right to read it: no PSS, no USS, and a dash."""
    made.process(root, 101, 90)
    (root / "proc/101/smaps_rollup").unlink()
    assert (90 * MIB, 110 * MIB, None, None) == Reader(root).read(101)


def test_own_process() -> None:
    follower = Follower(str(os.getpid()))
    found = follower.look()
    follower.close()
    assert found.rows[0].memory is not None and found.rows[0].memory.pss is not None
    assert found.ending is None and found.level is not None


@pytest.fixture(autouse=True)
def ranks_of_nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """These tests may themselves be run under a launcher."""
    for name in processes._RANK:
        monkeypatch.delenv(name, raising=False)
    yield
