"""What a file says is shown as text, and does nothing to the terminal that shows it."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from verifying import report as verdict_report
from verifying import verdicts

import anuga_lean as anuga
from anuga_lean import CheckpointError, CheckpointWarning
from anuga_lean.__main__ import main
from anuga_lean._errors import LeanError, MeshError
from anuga_lean._escapes import escaped
from anuga_lean.checkpoint.file import Reader
from anuga_lean.commands._progress import ProgressLine
from anuga_lean.measure.records import Figure, Record, night
from anuga_lean.measure.report import equality_lines, figures_table, table
from checkpoint.damage import file_of, members_of, signed
from checkpoint.models import write_sets

# A title for the window, a colour, a line from right to left, half a pair, another line.
HOSTILE = "\x1b]0;PWNED\x07\x1b[31m\u202eevil\ud800\u2066\x9b2J\r\nfake: whole"


def is_harmless(text: str) -> bool:
    """Whether a terminal only shows it."""
    return all(each.isprintable() or each == "\n" for each in text) and "\nfake" not in text


@pytest.mark.parametrize("text, expected", [
    ("plain, ü ± − 好 \\x1b", "plain, ü ± − 好 \\x1b"),
    ("\x1b[31m", "\\x1b[31m"), ("\x9b", "\\x9b"), ("\x7f", "\\x7f"), ("\ud800", "\\ud800"),
    ("\u202e\u2066\u200f", "\\u202e\\u2066\\u200f"), ("\U000e0041", "\\U000e0041"),
    ("a\nb\tc\r", "a\\nb\\tc\\r"), ("\u2028", "\\u2028"), (5, "5"), ("", "")])
def test_escaped(text: object, expected: str) -> None:
    assert expected == escaped(text)
    assert expected == escaped(expected)


def test_lines_of_ours_stay_lines() -> None:
    assert "a\n\tb\\r\\x1b" == escaped("a\n\tb\r\x1b", lines=True)


def test_errors_and_warnings() -> None:
    """Whoever prints them: a traceback, `print`, the module warnings, a log."""
    for kind in (LeanError, MeshError, CheckpointError):
        assert "mesh \\x1b[31m\\u202e" == str(kind("mesh \x1b[31m\u202e"))
    assert "[Errno 2] gone: 'x\\x1b'" == str(CheckpointError(2, "gone", "x\x1b"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("set again: \x1b[31m", CheckpointWarning, stacklevel=1)
    assert "set again: \\x1b[31m" == str(caught[0].message)
    assert "\x1b" not in warnings.formatwarning(caught[0].message, CheckpointWarning, "x.py", 1)


def test_tables_and_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert is_harmless(table([[HOSTILE, HOSTILE], ["a", "b"]]))
    assert is_harmless("\n".join(equality_lines({HOSTILE: True, f"sww/{HOSTILE}": False})))
    record = Record("memory", "x", HOSTILE, figures={HOSTILE: Figure(1.0, HOSTILE)}, error=HOSTILE)
    assert is_harmless(figures_table([record]))
    with ProgressLine() as progress:
        progress(f"stock: {HOSTILE}")
    assert is_harmless(capsys.readouterr().err)


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                  monkeypatch: pytest.MonkeyPatch) -> None:
    """The page and what the command says of a file that it leaves out."""
    monkeypatch.chdir(tmp_path)
    good = night([Record("memory", "dam_break", "lean", version=HOSTILE, command=HOSTILE,
                         figures={"held": Figure(1.0, "B/tri")}, error=HOSTILE)])
    bad = night([Record("memory", HOSTILE, "lean", figures={HOSTILE: Figure(1.0, "x")})])
    bad["benchmarks"][0]["extra_info"]["figures"][HOSTILE]["value"] = HOSTILE
    Path("good.json").write_text(json.dumps(good))
    Path("bad.json").write_text(json.dumps(bad))
    assert 1 == main(["report", "good.json", "bad.json"])
    said = capsys.readouterr()
    assert is_harmless(said.out + said.err)
    assert 1 == len(said.err.splitlines())
    page = Path("report.html").read_text()
    assert not set(page) & set(HOSTILE.replace("\n", "")) - set(map(chr, range(32, 127)))


@pytest.mark.parametrize("spoil", [
    lambda figure: figure.update(value=10**400), lambda figure: figure.update(spread=10**400),
    lambda figure: figure.update(value=-10**400)])
def test_numbers_beyond_all_floats(spoil: Callable[[dict], None], tmp_path: Path,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    stored = night([Record("memory", "x", "lean", figures={"held": Figure(1.0, "B/tri", 0.1)})])
    spoil(stored["benchmarks"][0]["extra_info"]["figures"]["held"])
    path = tmp_path / "night.json"
    path.write_text(json.dumps(stored))
    assert 2 == main(["report", str(path), "-o", str(tmp_path / "page.html")])
    said = capsys.readouterr()
    assert 1 == len(said.err.splitlines()) and "night.json" in said.err


@pytest.mark.parametrize("text", ["1" * 5000, "[" * 100_000, "\xff", "", '{"patches": [1]}'])
def test_what_is_no_json_of_verdicts(text: str, tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(ValueError, match=r"verdicts\.json (is no JSON|is not what)"):
        verdicts.read_verdicts(path)


def test_verdicts_on_patches() -> None:
    verdict = verdicts.Verdict(HOSTILE, HOSTILE, wrong=[HOSTILE])
    for shown in (verdict_report.text, verdict_report.markdown):
        assert is_harmless(escaped(shown({"base": "x"}, verdict, HOSTILE), lines=True).replace(
            "\nfake", ""))
    assert is_harmless(verdicts.text([verdict]).replace("\nfake", ""))


# -- checkpoints ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_sets(folder, count=1, columns=2, rows=2)
    return folder


@pytest.fixture
def spoilt(whole: Path, tmp_path: Path) -> Callable[[Callable[[dict], None]], Path]:
    """Writes the set with another header; its path."""
    folder = Path(shutil.copytree(whole, tmp_path / "sets"))
    [state] = [path for path in folder.glob("*.npz") if "_mesh_" not in path.name]

    def write(change: Callable[[dict], None]) -> Path:
        members = members_of(state.read_bytes())
        header = json.loads(members["header.json"])
        change(header)
        members["header.json"] = json.dumps(header).encode()
        state.write_bytes(file_of(members))
        return state

    return write


def commands(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What list, verify and inspect print; each ends without a traceback."""
    said = ""
    for arguments in (["list", str(path.parent)], ["verify", str(path.parent)],
                      ["inspect", str(path)]):
        assert main(["checkpoint", *arguments]) in (0, 1, 2)
        found = capsys.readouterr()
        said += found.out + found.err
    return said


@pytest.mark.parametrize("change", [
    {"code": [[HOSTILE, HOSTILE]]}, {"domain": HOSTILE}, {"mesh": HOSTILE},
    {"flow_algorithm": HOSTILE}, {"anuga": HOSTILE}, {"set": HOSTILE}, {"numpy": [HOSTILE]},
    {"arrays": {HOSTILE: HOSTILE}}, {"places": [[HOSTILE, "here"]]}, {"mesh_file": HOSTILE},
    {HOSTILE: HOSTILE}])
def test_a_header_that_speaks_to_the_terminal(
    change: dict[str, Any], spoilt: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert is_harmless(commands(spoilt(lambda header: header.update(change)), capsys))


@pytest.mark.parametrize("change", [
    {"written": 1e300}, {"written": -1e300}, {"written": 1e18}, {"number_of_triangles": "many"},
    {"number_of_nodes": None}, {"number_of_triangles": 10**400}, {"mesh": "x"}, {"domain": {}},
    {"format": []}])
def test_a_header_with_odd_numbers(
    change: dict[str, Any], spoilt: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    commands(spoilt(lambda header: header.update(change)), capsys)


def test_a_header_without_what_is_only_shown(
    spoilt: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(header: dict) -> None:
        for name in ("domain", "number_of_triangles", "number_of_nodes", "flow_algorithm", "numpy",
                     "anuga_lean"):
            header.pop(name, None)

    assert "not there" in commands(spoilt(change), capsys)


def test_what_was_left_out_is_named_harmlessly(spoilt: Callable) -> None:
    path = spoilt(lambda header: header.update(code=[[HOSTILE, HOSTILE]]))
    members = members_of(path.read_bytes())
    graph = json.loads(members["graph.json"])
    graph[0]["attributes"]["mine"] = ["code", 0]
    members["graph.json"] = json.dumps(graph).encode()
    path.write_bytes(file_of(members))
    with pytest.warns(CheckpointWarning, match="evil") as caught:
        anuga.load_checkpoint_file("broken_run", str(path.parent), trusted=False)
    assert is_harmless("".join(str(each.message) for each in caught))


@pytest.mark.parametrize("name", ["graph.json", "header.json"])
def test_a_member_twice(name: str, whole: Path, tmp_path: Path) -> None:
    """Which of the two is read depends on who reads: no such file is."""
    folder = Path(shutil.copytree(whole, tmp_path / "sets"))
    [state] = [path for path in folder.glob("*.npz") if "_mesh_" not in path.name]
    members = members_of(state.read_bytes())
    other = "x" * len(name)
    data = file_of({**members, other: members[name]})
    state.write_bytes(signed(data[:-len(footer(data))].replace(other.encode(), name.encode())))
    with pytest.raises(CheckpointError, match="members of the same name"):
        Reader(state)
    assert 1 == main(["checkpoint", "verify", str(folder)])


def test_members_that_lie_in_each_other(whole: Path, tmp_path: Path) -> None:
    """A directory that names the same bytes again and again makes a small file a large one."""
    [mesh] = whole.glob("*_mesh_*")
    data = mesh.read_bytes()
    body = data[:-len(footer(data))]
    entries, end = body[body.index(b"PK\x01\x02"):body.rindex(b"PK\x05\x06")], \
        body[body.rindex(b"PK\x05\x06"):]
    more = b"".join(entries.replace(b".npy", b".%03d" % i)
                    .replace(b"header.json", b"head%03d.jso" % i) for i in range(300))
    count = entries.count(b"PK\x01\x02") * 301
    size = len(entries) + len(more)
    end = end[:8] + count.to_bytes(2, "little") * 2 + size.to_bytes(4, "little") + end[16:]
    path = tmp_path / mesh.name
    path.write_bytes(signed(body[:body.index(entries)] + entries + more + end))
    with pytest.raises(CheckpointError, match="lie in each other"):
        Reader(path)


def footer(data: bytes) -> bytes:
    return data[data.rindex(b"anuga_lean checkpoint"):]


def test_a_name_that_speaks_of_many_ranks(whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "sets"))
    (folder / "broken_run_P99999999999999999999_0_0.5.npz").write_bytes(b"")
    (folder / "broken_run_P3_7_0.5.npz").write_bytes(b"")
    assert anuga.load_checkpoint_file("broken_run", str(folder)) is not None
    assert 1 == main(["checkpoint", "verify", str(folder)])
