"""Which set is the newest, when one is due, and how many stay: no clock of the wall decides it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anuga_lean as anuga
from anuga_lean import CheckpointError
from anuga_lean.__main__ import main
from anuga_lean.checkpoint.file import Reader
from anuga_lean.checkpoint.names import files_of, sets_in
from anuga_lean.checkpoint.schedule import KEEP_VARIABLE, kept
from checkpoint.damage import file_of, members_of
from checkpoint.models import NAME, YIELDSTEP, digests, made

HOUR = 3600.0


def times(folder: Path, name: str = NAME) -> list[float]:
    """The times of the sets, the newest first."""
    return [each.time for each in sets_in(files_of(folder, name))]


def numbers(folder: Path, until: float = 10.0) -> dict[float, object]:
    """The number in each set's header, by time."""
    found = {}
    for name in files_of(folder, NAME):
        if name.time > until:
            continue
        with Reader(name.path) as reader:
            found[name.time] = reader.header.get("number")
    return found


def as_before(data: bytes, written: float) -> bytes:
    """A file of a set as it was before sets had numbers."""
    members = members_of(data)
    header = json.loads(members["header.json"]) | {"written": written}
    del header["number"]
    members["header.json"] = json.dumps(header).encode()
    return file_of(members)


@pytest.mark.parametrize("jump", [-HOUR, -1e9, HOUR])
def test_clock_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """Set back, to before every file, or forwards, between two sets: the last one is loaded."""
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    off = [0.0]
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + off[0])
    written = []
    for each in (0.0, 0.0, jump, 0.0):
        off[0] = each
        written.append(next(steps))
    for path in tmp_path.glob("*.npz"):     # nor does the clock of the file system
        os.utime(path, (1e9, 1e9 - written.index(float(path.stem.rpartition("_")[2])))
                 if "_mesh_" not in path.name else None)
    assert written[::-1] == times(tmp_path)
    assert written[-1] == anuga.load_checkpoint_file(NAME, str(tmp_path)).get_time()
    assert [1, 2, 3, 4] == [numbers(tmp_path)[t] for t in written]


def test_going_on_from_an_older_time_gives_the_newest_set(tmp_path: Path) -> None:
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    digests(domain, 1.0, at_most=5)
    older = anuga.load_checkpoint_file(NAME, str(tmp_path), time=YIELDSTEP)
    digests(older, 1.0, at_most=1, yieldstep=0.5 * YIELDSTEP)
    assert 1.5 * YIELDSTEP == pytest.approx(
        anuga.load_checkpoint_file(NAME, str(tmp_path)).get_time())
    assert 6 == numbers(tmp_path)[times(tmp_path)[0]]


def test_sets_without_a_number_are_older(tmp_path: Path) -> None:
    """Those of before by when they were written, ANUGA's own by their files; then counted ones."""
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    digests(domain, 1.0, at_most=3)
    for path in tmp_path.glob("*.pickle"):
        path.unlink()
    files = sorted(path for path in tmp_path.glob("*.npz") if "_mesh_" not in path.name)
    for path, written in zip(files, (7e9, 6e9), strict=False):
        path.write_bytes(as_before(path.read_bytes(), written))
    stock = tmp_path / f"{NAME}_9.0.pickle"
    stock.write_bytes(b"ANUGA's")
    os.utime(stock, (6.5e9, 6.5e9))
    assert [0.04, 0.0, 9.0, 0.02] == times(tmp_path)
    assert [None, None, 3] == list(numbers(tmp_path, 1.0).values())
    files[2].unlink()
    assert 0.0 == anuga.load_checkpoint_file(NAME, str(tmp_path)).get_time()


def test_torn_sets_are_tried_at_their_place(tmp_path: Path) -> None:
    """A newest set that is torn is named; an older one that is torn is not asked for."""
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1)
    digests(domain, 1.0, at_most=4)
    older, newest = (tmp_path / f"{NAME}_{t}.npz" for t in (0.02, 0.06))
    older.write_bytes(older.read_bytes()[:-9])
    assert 0.06 == anuga.load_checkpoint_file(NAME, str(tmp_path)).get_time()
    newest.write_bytes(newest.read_bytes()[:-9])
    os.utime(newest, (1.0, 1.0))
    with pytest.warns(anuga.CheckpointWarning, match=f"{newest.name} is torn"):
        assert 0.04 == anuga.load_checkpoint_file(NAME, str(tmp_path)).get_time()


class Clocks:
    """A clock of the wall and one that only goes on, both set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.since = 5e8, 100.0
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic", lambda: self.since)

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.since += seconds


def test_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every 60 s of wall time, whatever the clock of the wall is set to; after loading anew."""
    clocks = Clocks(monkeypatch)
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_time=60.0)
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    for jump, seconds, is_due in ((0.0, 30.0, False), (HOUR, 25.0, False), (-HOUR, 10.0, True),
                                  (-HOUR, 50.0, False), (0.0, 11.0, True), (9e9, 0.0, False)):
        clocks.wall += jump
        clocks.pass_by(seconds)
        count = len(times(tmp_path))
        next(steps)
        assert is_due == (len(times(tmp_path)) > count), (jump, seconds)
    clocks.since = 3.0      # the machine was started anew
    domain = anuga.load_checkpoint_file(NAME, str(tmp_path))
    for seconds, count in ((59.0, 2), (2.0, 3)):
        clocks.pass_by(seconds)
        digests(domain, 1.0, at_most=1)
        assert count == len(times(tmp_path))


def test_a_script_may_set_when_the_interval_began(tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """ANUGA's attribute walltime_prev is read and written as there."""
    clocks = Clocks(monkeypatch)
    domain = made(6, 4)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_time=60.0)
    assert clocks.wall == domain.walltime_prev
    steps = domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0)
    next(steps)
    assert [] == times(tmp_path)
    domain.walltime_prev = 0.0
    next(steps)
    assert 1 == len(times(tmp_path)) and clocks.wall == domain.walltime_prev


# -- how many stay -----------------------------------------------------------------


@pytest.mark.parametrize("keep, environment, expected", [
    (None, None, "all"), (None, "3", 3), (None, " all ", "all"), (2, "3", 2), ("all", "1", "all"),
    (np.int64(4), None, 4), (None, "", "all")])
def test_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: Any, environment: str | None,
              expected: object) -> None:
    """The script before the environment, before the default."""
    if environment is not None:
        monkeypatch.setenv(KEEP_VARIABLE, environment)
    domain = made(4, 3)
    domain.set_checkpointing(checkpoint_dir=str(tmp_path), checkpoint_step=1, keep=keep)
    assert expected == kept(domain)
    digests(domain, 1.0, at_most=6)
    assert (6 if expected == "all" else expected) == len(times(tmp_path))


@pytest.mark.parametrize("keep", [0, -1, True, 2.0, "some", "2", [2], float("nan")])
def test_keep_that_means_nothing(tmp_path: Path, keep: Any) -> None:
    domain = made(4, 3)
    with pytest.raises(CheckpointError, match="keep=.* sets of checkpoints: give 1 or more, or"):
        domain.set_checkpointing(checkpoint_dir=str(tmp_path), keep=keep)
    assert not domain.checkpoint
    domain.set_checkpointing(checkpoint_dir=str(tmp_path))
    domain.checkpoint_keep = keep       # as a file may bring it
    with pytest.raises(CheckpointError, match="checkpoint_keep="):
        next(domain.evolve(yieldstep=YIELDSTEP, finaltime=1.0))


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", "9" * 5000])
def test_environment_that_means_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                        text: str, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(KEEP_VARIABLE, text)
    with pytest.raises(CheckpointError, match=f"{KEEP_VARIABLE}="):
        made(4, 3).set_checkpointing(checkpoint_dir=str(tmp_path))
    made(4, 3).set_checkpointing(checkpoint_dir=str(tmp_path), keep=1)
    (tmp_path / "script.py").write_text("print('ran')")
    assert 2 == main(["run", f"--keep-checkpoints={text}", str(tmp_path / "script.py")])
    out, err = capsys.readouterr()
    assert "" == out and "--keep-checkpoints=" in err and 1 == len(err.splitlines())


def test_keep_of_the_command_line(tmp_path: Path) -> None:
    """The option before the environment; what follows the script is the script's."""
    (tmp_path / "script.py").write_text(
        "import os, sys; print(os.environ['ANUGA_LEAN_KEEP_CHECKPOINTS'], *sys.argv[1:])")
    for options, expected in ((["--keep-checkpoints", "2", "script.py", "-m"], "2 -m"),
                              (["--keep-checkpoints=all", "script.py", "--keep-checkpoints", "5"],
                               "all --keep-checkpoints 5"), (["script.py"], "7")):
        done = subprocess.run(
            [sys.executable, "-m", "anuga_lean", "run", *options], cwd=tmp_path, text=True,
            env=os.environ | {KEEP_VARIABLE: "7"}, capture_output=True)
        assert (expected + "\n", "") == (done.stdout, done.stderr)
