"""The command line as a user meets it: exit codes, sentences, tables, scripts."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from anuga_lean._errors import MeasurementError
from anuga_lean.commands import run as run_verb
from anuga_lean.commands._progress import ProgressLine
from anuga_lean.measure import comparison as comparison_module
from anuga_lean.measure.comparison import compare, equalities
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import Request, measure
from anuga_lean.measure.report import comparison_table, table
from anuga_lean.stepping.features import FEATURES


def lean(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anuga_lean", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["compare", "lake"], 2, "there is no scenario 'lake'; there are merimbula, dam_break"),
        (["compare", "--triangles", "9"], 2, "the scenario merimbula takes no 'triangles'"),
        (["compare", "--frobnicate"], 2, "unrecognized arguments: --frobnicate"),
        (["compare", "-alg", "DE9"], 2, "flow_algorithm='DE9' is unknown"),
        (["compare", "--steps", "0"], 2, "steps=0 is not above zero"),
        (["compare", "--steps", "5", "-ft", "5"], 2, "give one of the two"),
        (["compare", "--isa", "v9"], 2, "there is no ISA 'v9'; there are baseline, v3, v4"),
        (["compare", "--repeat", "0"], 2, "--repeat 0 leaves nothing to compare"),
        (["compare", "--json", "no/such/x.json"], 2, "no/such/x.json cannot be written"),
        (["census", "--refine", "x"], 2, "invalid int value: 'x'"),
        (["fly"], 2, "invalid choice: 'fly'"),
        (["run"], 2, "nothing to run"),
        (["run", "nothing.py"], 2, "there is no script nothing.py"),
        (["run", "."], 1, "there is no __main__.py in the folder ."),
        (["run", "-m", "no.such.module"], 1, "there is no module no.such.module"),
    ],
)
def test_bad_input_gets_one_sentence(
    arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    done = lean(*arguments, cwd=tmp_path)
    assert code == done.returncode
    assert message in done.stderr
    assert 1 == len(done.stderr.splitlines()) and "" == done.stdout


def test_without_a_verb_help_is_shown(tmp_path: Path) -> None:
    done = lean(cwd=tmp_path)
    assert 2 == done.returncode
    assert all(verb in done.stdout for verb in ("run", "compare", "census", "features"))


def test_features_prints_the_table(tmp_path: Path) -> None:
    done = lean("features", cwd=tmp_path)
    assert 0 == done.returncode
    lines = done.stdout.splitlines()
    assert 1 + len(FEATURES) == len(lines)
    for line, feature in zip(lines[1:], FEATURES, strict=True):
        assert line.startswith(feature.name) and feature.runs_on in line


@pytest.mark.parametrize("arguments", [
    ["features"], ["census", "dam_break", "--triangles", "100", "--steps", "1"],
    ["compare", "dam_break", "--triangles", "100", "--steps", "1"],
    ["selfcheck", "--only", "algorithms/DE0/0", "--isa", "baseline"], ["doctor", "a.log"],
], ids=lambda arguments: arguments[0])
def test_json_for_a_pipe(arguments: list[str], tmp_path: Path) -> None:
    """All of the output is JSON then, and the text is beside it."""
    (tmp_path / "a.log").write_text("Killed\n")
    done = lean(*arguments, "--json", "-", cwd=tmp_path)
    assert isinstance(json.loads(done.stdout), dict), done.stderr
    assert 1 < len(done.stderr.splitlines())


SCRIPT = """\
import sys
print(sys.argv, sys.path[0], __name__, __file__, __doc__)

def fail():
    raise ValueError("deep in the script")

todo = sys.argv[1]
if todo == "exit":
    sys.exit(7)
if todo == "message":
    sys.exit("so long")
if todo == "hook":
    sys.excepthook = lambda *error: print("hook saw", error[0])
if todo == "annotations":
    def f(x: no_such_name): pass
if todo == "interrupt":
    raise KeyboardInterrupt
if todo != "end":
    fail()
"""


@pytest.mark.parametrize(
    "todo", ["end", "exit", "message", "error", "hook", "annotations", "interrupt"]
)
def test_a_script_cannot_tell_run_from_python(todo: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "script.py").write_text(SCRIPT)
    arguments = ("folder/script.py", todo, "-m", "--repeat", "-h")
    expected, actual = python(*arguments, cwd=tmp_path), lean("run", *arguments, cwd=tmp_path)
    assert expected.stdout == actual.stdout
    assert expected.stderr == actual.stderr
    assert expected.returncode == actual.returncode


def test_a_syntax_error_is_shown_as_python_shows_it(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("x = = 1\n")
    expected, actual = python("script.py", cwd=tmp_path), lean("run", "script.py", cwd=tmp_path)
    assert expected.stderr == actual.stderr
    assert expected.returncode == actual.returncode == 1


def test_modules_and_folders_run_too(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "__main__.py").write_text(
        "import sys; print(sys.argv[1:], sys.path[0], __package__)\n"
    )
    for arguments in (("-m", "package", "-m", "x"), ("package", "--json")):
        expected, actual = python(*arguments, cwd=tmp_path), lean("run", *arguments, cwd=tmp_path)
        assert expected.stdout == actual.stdout != ""
        assert 0 == actual.returncode


@pytest.mark.parametrize(
    "given, ours",
    [
        (["script.py", "-m", "x"], 1),
        (["-m", "module", "--json", "x"], 2),
        (["-mmodule", "-h"], 1),
        (["-h"], 1),
        ([], 0),
    ],
)
def test_what_follows_the_script_is_its_own(given: list[str], ours: int) -> None:
    assert (given[:ours], given[ours:]) == run_verb.split(given)


def test_a_script_that_nobody_edited_gets_lean_domains(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import anuga\n"
        "domain = anuga.rectangular_cross_domain(3, 3)\n"
        "print(domain.lean is not None, isinstance(domain, anuga.Domain))\n"
    )
    done = lean("run", "script.py", cwd=tmp_path)
    assert 0 == done.returncode
    # before it: ANUGA's word on a missing mpi4py, where there is none
    assert "True True" == done.stdout.splitlines()[-1]


def test_compare_finds_both_equal(tmp_path: Path) -> None:
    done = lean(
        *("compare", "dam_break", "--triangles", "2000", "--steps", "40", "--repeat", "2"),
        *("-alg", "DE1", "-nt", "2", "--json", "figures.json", "--keep", "runs"),
        cwd=tmp_path,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "stage: equal" in done.stdout and "SWW file, 19 variables: equal" in done.stdout
    assert "stock 2/2: evolve" in done.stderr and "\r" not in done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["identical"] and all(figures["equal"].values())
    assert 2 == len(figures["stock"]) == len(figures["lean"])
    assert 2 == figures["request"]["threads"] and "DE1" == figures["request"]["parameters"][
        "flow_algorithm"
    ]
    held = {name: figures["summary"][name]["bytes_per_triangle"] for name in ("stock", "lean")}
    # Scratch, half a megabyte for each thread, is most of what so small a model holds.
    assert held["lean"] < 0.75 * held["stock"]
    assert (tmp_path / "runs" / "lean_2" / "dam_break.sww").is_file()


def test_compare_exits_with_1_if_results_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tampered(request: Request, folder: Path, progress: object) -> dict:
        if request.variant == "lean":  # a lean that forgets a step
            request = Request("stock", "dam_break", request.parameters, steps=9)
        return measure(request, folder)

    monkeypatch.setattr(comparison_module, "measure", tampered)
    request = Request("stock", "dam_break", {"triangles": 100, "store": True}, steps=10)
    found = compare(request, 1, tmp_path)
    assert not found.identical
    assert not found.equal["stage"] and not found.equal["timestep"]
    assert found.equal["sww/x"] and not found.equal["sww/stage"]
    text = comparison_table(found)
    assert "stage: DIFFERENT" in text and "SWW file, 19 variables: DIFFERENT in" in text


def test_nothing_compared_is_not_identical() -> None:
    request = Request("stock", "dam_break", steps=1)
    assert not comparison_module.Comparison(request, [], [], {}).identical
    assert {} == equalities({}, {})
    assert {"sww/file": False} == equalities({"sww": "x.sww"}, {"sww": None})


@pytest.mark.parametrize("options", [[], ["--stock"], ["--arrays"]])
def test_census_lists_what_a_domain_holds(options: list[str], tmp_path: Path) -> None:
    done = lean(
        "census", "regions", "--triangles", "1000", "--json", "c.json", *options, cwd=tmp_path
    )
    assert 0 == done.returncode, done.stderr
    figures = json.loads((tmp_path / "c.json").read_text())
    assert f"{figures['nbytes']:,}" in done.stdout.splitlines()[-2] + done.stdout.splitlines()[-1]
    assert "quantities/stage" in done.stdout and "operators/rate_1" in done.stdout
    assert ("--stock" in options) == (figures["bytes_per_triangle"] > 900)


def test_a_failed_run_is_one_sentence(tmp_path: Path) -> None:
    request = Request("stock", "dam_break", {"tailwater": "deep"}, steps=1)
    with pytest.raises(MeasurementError) as caught:
        measure(request, tmp_path)
    assert "the stock run of dam_break ended with status 1: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_progress_in_a_log_is_plain_and_sparse() -> None:
    log = io.StringIO()
    with ProgressLine(log) as progress:
        for line in ("stock 1/1: build", "stock 1/1: step 3/9", "stock 1/1: step 4/9"):
            progress(line)
    assert ["0 s  stock 1/1: build"] == log.getvalue().splitlines()


def test_progress_on_a_terminal_is_one_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    with ProgressLine(terminal) as progress:
        progress("stock 1/1: step 3/9")
        progress("stock 1/1: step 4/9")
    assert "\n" not in terminal.getvalue() and terminal.getvalue().endswith("\r\x1b[K")
    assert "step 4/9" in terminal.getvalue()


def test_columns_line_up() -> None:
    assert "a       b\nlong  100" == table([["a", "b"], ["long", "100"]])


def test_the_machine_is_read_from_cpuinfo(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512f\n"
    )
    found = machine(tmp_path)
    assert ("Some CPU", True, False) == (found["processor"], found["avx2"], found["avx512"])
