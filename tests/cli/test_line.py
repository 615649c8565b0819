"""The command line as people know it: what was meant, the whole verb, JSON, colour."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from anuga_lean.__main__ import VERBS, main


def lean(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anuga_lean", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize("arguments, whole, meant", [
    (["comprae"], "anuga_lean", "compare"),
    (["study", "rnu", "x.toml"], "anuga_lean study", "run"),
    (["study", "run", "x.toml", "--memroy", "3GiB"], "anuga_lean study run", "--memory"),
    (["compare", "--tringles=9"], "anuga_lean compare", "--triangles"),
    (["run", "--gaurd", "x.py"], "anuga_lean run", "--guard"),
    (["checkpoint", "lst", "."], "anuga_lean checkpoint", "list"),
    (["completion", "bsh"], "anuga_lean completion", "bash"),
])
def test_what_was_meant(arguments: list[str], whole: str, meant: str,
                        capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{whole}: error: ")
    assert f"; did you mean {meant}" in line and line.endswith(f"see {whole} --help")


def test_nothing_alike_is_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--frobnicate"])
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [
    ["study", "show", "no.toml", "m"], ["checkpoint", "list", "nowhere"], ["compare", "lake"]])
def test_errors_name_the_whole_verb(arguments: list[str], tmp_path: Path,
                                    monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert 2 == main(arguments)
    verb = " ".join(arguments[:1 if arguments[0] == "compare" else 2])
    assert capsys.readouterr().err.startswith(f"anuga_lean {verb}: error: ")


def test_version_lists_what_runs_here(tmp_path: Path) -> None:
    done = lean("--version", cwd=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    first, *rest = done.stdout.splitlines()
    assert re.fullmatch(r"anuga_lean \S+, anuga 4\.\S+", first)
    found = dict(line.split(None, 1) for line in rest)
    assert ["Python", "MPI", "OpenMP", "kernels"] == list(found)
    assert "numpy" in found["Python"] and "baseline" in found["kernels"]


def test_version_does_not_start_mpi() -> None:
    pytest.importorskip("mpi4py")
    code = ("from anuga_lean.commands import _versions; print(*_versions.lines(), sep='\\n')\n"
            "from mpi4py import MPI; print(MPI.Is_initialized())")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *lines, started = done.stdout.splitlines()
    assert "False" == started
    assert any(re.match(r"MPI +mpi4py [\d.]+, \w", line) for line in lines)


@pytest.mark.parametrize("value, threads", [("3", "OMP_NUM_THREADS=3"), ("", "is not set")])
def test_version_says_how_many_threads(value: str, threads: str, capsys: pytest.CaptureFixture[str],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert 0 == main(["--version"])
    assert threads in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [
    ["plan", "--triangles", "1e6"], ["plan", "--fits", "8GiB"],
    ["study", "status", "STUDY"], ["study", "results", "STUDY"], ["study", "show", "STUDY", "NAME"],
], ids=lambda each: " ".join(each[:2]))
def test_all_of_the_output_is_json(arguments: list[str], tmp_path: Path,
                                   capsys: pytest.CaptureFixture[str],
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """The text goes to stderr then."""
    monkeypatch.chdir(tmp_path)
    if "STUDY" in arguments:
        path = study_in(tmp_path)
        [name] = [each.name for each in (tmp_path / "s.study" / "members").iterdir()
                  if each.is_dir()]
        arguments = [{"STUDY": str(path), "NAME": name}.get(each, each) for each in arguments]
    main([*arguments, "--json", "-"])
    said = capsys.readouterr()
    assert isinstance(json.loads(said.out), dict)
    assert said.err


@pytest.mark.parametrize("arguments", [["features", "--replaced"],
                                       ["plan", "--triangles", "1e6"]], ids=lambda each: each[0])
def test_a_closed_pipe_is_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    """What follows may read the first lines alone: anuga_lean features | head -3."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "anuga_lean", *arguments], stdout=writer,
                          stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(writer)
    assert (141, "") == (done.returncode, done.stderr)


def test_another_closed_pipe_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(args: object) -> int:
        raise BrokenPipeError(32, "of a rank")

    monkeypatch.setattr(VERBS["features"], "run", broken)
    with pytest.raises(BrokenPipeError, match="of a rank"):
        main(["features"])


def study_in(folder: Path) -> Path:
    """A study whose one member has run, without ANUGA."""
    (folder / "model.py").write_text("import sys\nprint(sys.argv)\n")
    path = folder / "s.toml"
    path.write_text('script = "model.py"\nanuga = "stock"\n[grid]\nrain = [1.0]\n')
    done = lean("study", "run", str(path), cwd=folder)
    assert 0 == done.returncode, done.stdout + done.stderr
    return path


def test_other_verbs_load_no_shtab(tmp_path: Path) -> None:
    code = "import anuga_lean.__main__, sys; print({'shtab', 'msgspec'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()\n" == done.stdout


@pytest.mark.parametrize("arguments", [
    ["--help"], ["features"], ["fly"], ["plan", "--fits", "1GB"]], ids=lambda each: each[0])
def test_no_color(arguments: list[str], tmp_path: Path) -> None:
    """On a terminal, with NO_COLOR, nothing is coloured: by Python 3.14's argparse either."""
    reader, writer = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    environment.pop("FORCE_COLOR", None)
    subprocess.run([sys.executable, "-m", "anuga_lean", *arguments], stdout=writer, stderr=writer,
                   cwd=tmp_path, env=environment)
    os.close(writer)
    said = b""
    try:
        while piece := os.read(reader, 65536):
            said += piece
    except OSError:     # EIO: the other end is closed
        pass
    os.close(reader)
    assert said and not re.search(rb"\x1b\[[\d;]*m", said)
