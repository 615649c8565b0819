"""`anuga_lean report` as a user meets it: exit codes, sentences, the file it leaves."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.__main__ import main
from anuga_lean._errors import RecordError
from anuga_lean.commands import report as report_verb
from anuga_lean.measure.records import read
from report import nights


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_page_is_written_whole(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nights.three_nights(here)
    assert 0 == main(["report", *files_in(here), "-o", "page.html"])
    said = capsys.readouterr()
    assert "page.html: 111 records of 3 files\n" == said.out and "" == said.err
    text = Path("page.html").read_text(encoding="utf-8")
    assert text.rstrip().endswith("</html>")
    assert ["night-21.json", "night-23.json", "night-25.json", "page.html"] == files_in(here)


def test_the_page_is_readable_for_whom_the_umask_lets(here: Path) -> None:
    nights.write(here / "night.json", nights.usual())
    before = os.umask(0o022)
    try:
        main(["report", "night.json"])
    finally:
        os.umask(before)
    assert 0o644 == stat.S_IMODE(Path("report.html").stat().st_mode)


def test_a_link_stays_a_link(here: Path) -> None:
    nights.write(here / "night.json", nights.usual())
    Path("there.html").write_text("old")
    Path("link.html").symlink_to("there.html")
    assert 0 == main(["report", "night.json", "-o", "link.html"])
    assert Path("link.html").is_symlink() and "old" != Path("there.html").read_text()


def other_schema(path: Path) -> None:
    found = json.loads(nights.write(path, [nights.memory()]).read_text())
    found["benchmarks"][0]["extra_info"]["schema"] = "anuga_lean.figures/9"
    path.write_text(json.dumps(found))


@pytest.mark.parametrize("spoil, reason", [
    (lambda path: path.write_text("{"), "is no JSON"),
    (lambda path: path.write_bytes(b"\xff\xfe"), "is no JSON"),
    (lambda path: path.write_text("[" * 100_000), "is no JSON"),
    (lambda path: path.write_text("[]"), "has no list of benchmarks"),
    (lambda path: path.mkdir(), "cannot be read: Is a directory"),
    (lambda path: None, "cannot be read: No such file or directory"),
    (other_schema, "has the schema 'anuga_lean.figures/9'"),
], ids=["torn", "binary", "deep", "list", "folder", "none", "schema"])
def test_a_bad_file_is_named_and_the_others_are_shown(
    spoil: Any, reason: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nights.write(here / "good.json", nights.usual())
    spoil(here / "bad.json")
    assert 1 == main(["report", "good.json", "bad.json"])
    said = capsys.readouterr().err
    assert 1 == len(said.splitlines()) and "bad.json" in said and reason in said
    text = Path("report.html").read_text(encoding="utf-8")
    assert "File bad.json" in text and "8.66×" in text


@pytest.mark.parametrize("names", [["bad.json"], ["bad.json", "worse.json", "worst.json"]])
def test_nothing_to_show_writes_nothing(
    names: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in names:
        Path(name).write_text("{")
    assert 2 == main(["report", *names])
    said = capsys.readouterr()
    assert 1 == len(said.err.splitlines()) and "nothing to show: bad.json is no JSON" in said.err
    assert "" == said.out and sorted(names) == files_in(here)


@pytest.mark.parametrize("output, reason", [
    ("no/such/page.html", "give a file in a folder that exists"),
    (".", "give a file in a folder that exists"),
    ("/dev/null", "is no ordinary file"),
    ("night.json", "would be overwritten"),
])
def test_a_page_that_cannot_be_is_refused_before_any_work(
    output: str, reason: str, here: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.write(here / "night.json", nights.usual())
    before = Path("night.json").read_text()
    monkeypatch.setattr(report_verb, "load", lambda path: pytest.fail("read a file"))
    assert 2 == main(["report", "night.json", "-o", output])
    said = capsys.readouterr().err
    assert 1 == len(said.splitlines()) and reason in said
    assert ["night.json"] == files_in(here) and before == Path("night.json").read_text()


def test_a_page_is_replaced_whole_or_not_at_all(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        with open(self, "wb") as stream:
            stream.write(content[:100])
        raise OSError(28, "No space left on device")

    nights.write(here / "night.json", nights.usual())
    Path("report.html").write_text("yesterday's")
    monkeypatch.setattr(Path, "write_bytes", full)
    assert 2 == main(["report", "night.json"])
    assert "report.html cannot be written: No space left" in capsys.readouterr().err
    assert "yesterday's" == Path("report.html").read_text()
    assert ["night.json", "report.html"] == files_in(here)


def test_half_a_surrogate_pair_in_a_file_is_no_obstacle(here: Path) -> None:
    nights.write(here / "night.json", [nights.memory(command="\ud800 python")])
    assert 0 == main(["report", "night.json"])
    assert "\\ud800 python" in Path("report.html").read_text(encoding="utf-8")


def test_without_jinja2_one_sentence_says_what_to_install(here: Path) -> None:
    nights.write(here / "night.json", nights.usual())
    script = ("import sys; sys.modules['jinja2'] = None\n"
              "from anuga_lean.__main__ import main\n"
              "sys.exit(main(['report', 'night.json']))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert 2 == done.returncode and 1 == len(done.stderr.splitlines())
    assert "pip install 'anuga_lean[report]'" in done.stderr
    assert ["night.json"] == files_in(here)


@pytest.mark.parametrize("place, value", [
    ("groups", [1]), ("groups", {"mesh": "many"}), ("arrays", {"a": float("nan")}),
    ("stages", {"build": 3}), ("stages", {"build": {"rss": "much"}}), ("ranks", {"0": {}}),
    ("ranks", [{"rss": float("inf")}]), ("sites", [None]), ("triangles", ["many"]),
    ("threads", "two"), ("scenario", None), ("figures", [1]), ("figures", {"held": 3}),
    ("figures", {"held": {"value": 10.0, "unit": None}}), ("error", 5), ("unheard", 1),
    ("figures", {"held": {"value": 10.0, "unit": "s", "spread": "wide"}}),
    ("figures", {"held": {"value": float("nan"), "unit": "s"}}),
])
def test_a_damaged_record_is_refused_with_its_name(tmp_path: Path, place: str, value: Any) -> None:
    path = nights.write(tmp_path / "night.json", [nights.memory()])
    found = json.loads(path.read_text())
    found["benchmarks"][0]["extra_info"][place] = value
    path.write_text(json.dumps(found))
    with pytest.raises(RecordError, match=r"night\.json: test\[memory dam_break"):
        read(path)


@pytest.mark.parametrize("place, value", [
    ("machine_info", {"anuga_lean": {"memory_total": 10**400}}),
    ("machine_info", {"anuga_lean": {"limits": {"stack": 10**400}}}),
    ("machine_info", {"anuga_lean": {"versions": "4.2.0"}}),
    ("machine_info", {"anuga_lean": {"cores": [[2]]}}),
    ("machine_info", [1]), ("machine_info", {"anuga_lean": "fast"}), ("commit_info", "abc"),
    ("benchmarks", [3]), ("benchmarks", [{"name": "x", "extra_info": [1]}]),
])
def test_a_damaged_file_is_refused(tmp_path: Path, place: str, value: Any) -> None:
    path = nights.write(tmp_path / "night.json", [nights.memory()])
    path.write_text(json.dumps({**json.loads(path.read_text()), place: value}))
    with pytest.raises(RecordError, match="is damaged"):
        read(path)
