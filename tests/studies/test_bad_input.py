"""What is wrong with a study is one sentence, and leaves nothing half written."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from anuga_lean.studies.member import Job
from studies.test_runs import COMMAND, environment, run, write


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert 2 == done.returncode, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(("text", "says"), [
    ("replicats = 2\n", "unknown key `replicats`; 'anuga_lean study init OTHER.toml' writes"),
    ("[grid]\na = []\n", "has no value for a in its grid"),
    ("[grid]\n", "has a grid of no parameters"),
    ("replicates = 999999999999\n", "1 sets of parameters and 999,999,999,999 replicates"),
    ('[environment]\n"A=B" = "x"\n', "has 'A=B' among its arguments and environment"),
    ('table = "a\\u0000"\n', "has table = 'a\\x00', which names no file"),
    ('function = "summary.py:wrong"\n', "summary.py:5 raises KeyError: 'a'"),
    ('function = "summary.py:ends"\n', "summary.py:8 raises SystemExit: 3"),
    ("[grid]\na = [[1]]\n", "Expected `bool | int | float | str`, got `array` - at `grid[...][0]`"),
])
def test_a_study_file_that_says_nothing(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with open(tmp_path / "summary.py", "a") as file:
        file.write("def wrong():\n    yield {}['a']\n\n"
                   "def ends():\n    raise SystemExit(3)\n")
    before = sorted(tmp_path.rglob("*"))
    assert says in sentence(run(path))
    assert before == sorted(tmp_path.rglob("*"))


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, "[grid]\na = [1]\n")
    (tmp_path / "script.py").unlink()
    assert "there is no file" in sentence(run(path))
    assert not path.with_suffix(".study").exists()


@pytest.mark.slow
def test_a_folder_of_another_study(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\n[grid]\nvalue = [1.0]\n')
    assert 0 == run(path).returncode
    folder = path.with_suffix(".study")
    before = {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
    path.write_text(path.read_text().replace("1.0", "2.0"))
    assert "is of another study" in sentence(run(path))
    assert before == {each: each.stat().st_mtime_ns for each in folder.rglob("*")}
    for verb in ("status", "results"):      # the folder is shown as what it is
        assert 0 == run(folder, verb=verb).returncode


def test_a_study_is_mended_as_long_as_no_member_has_begun(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\nthreads = 1000\n[grid]\nvalue = [1.0]\n')
    assert "and 1000 cores" in sentence(run(path))
    path.write_text(path.read_text().replace("1000", "1").replace("[1.0]", "[1.0, 2.0]"))
    done = run(path)
    assert 0 == done.returncode, done.stderr
    assert {"0-0", "1-0"} <= {each.name for each in
                              (path.with_suffix(".study") / "members").iterdir()}


def small(path: Path, nbytes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A verb whose files may have so many bytes."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=environment(path), timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, nbytes)))


@pytest.mark.slow
def test_no_room_for_tables_page_or_study(tmp_path: Path) -> None:
    path = write(tmp_path, 'anuga = "stock"\nkeep = []\n[grid]\nvalue = [1.0, 2.0]\n')
    folder = path.with_suffix(".study")
    assert "cannot be written" in sentence(small(path, 20, "run", str(path)))
    assert ["members"] == [each.name for each in folder.iterdir()]
    assert "the tables of" in sentence(small(path, 1024, "run", str(path)))
    assert "cannot be written: File too large" in sentence(
        small(path, 1024, "report", str(folder)))
    for each in folder.glob("members/*/record.json"):
        assert "completed" == json.loads(each.read_text())["tries"][-1]["end"]
    assert not [each for each in folder.rglob("*") if ".part" in each.name or each.name in (
        "report.html", "results.nc", "results.parquet")]
    assert 0 == run(path).returncode        # with room it is done, and no member ran again
    assert all(1 == len(json.loads(each.read_text())["tries"])
               for each in folder.glob("members/*/record.json"))


def test_a_member_says_what_is_wrong_as_the_command_does(tmp_path: Path) -> None:
    script = tmp_path / "no.py"
    (tmp_path / "job.json").write_text(json.dumps(asdict(
        Job("0-0", str(tmp_path), str(script), [], [], {}, True, 1, {}, None))))
    ours, plain = (
        subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True,
                       cwd=tmp_path, timeout=120)
        for words in (("anuga_lean.studies.member", "job.json"),
                      ("anuga_lean", "run", str(script))))
    assert (2, f"anuga_lean run: error: there is no script {script}\n") == (
        ours.returncode, ours.stderr)
    assert (ours.returncode, ours.stderr) == (plain.returncode, plain.stderr)
