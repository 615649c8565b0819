"""What one sees while a study runs: a table in place on a terminal, lines in a log."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from anuga_lean.commands import _live
from anuga_lean.commands._live import Teller, duration
from anuga_lean.studies.packing import Request, Worker

MIB = 1 << 20


def a_run(completed: int = 0, failed: int = 0, workers: int = 1) -> SimpleNamespace:
    found = {}
    for k in range(workers):
        found[f"w{k}"] = Worker(f"w{k}", 1000 * MIB, 4)
        found[f"w{k}"].start(Request(f"m{k}", 500 * MIB, 1))
    return SimpleNamespace(
        progress=SimpleNamespace(members=100, completed=completed, failed=failed, retried=2),
        packing=SimpleNamespace(waiting=range(100 - completed - failed - workers), workers=found),
        used={"w0": 250 * MIB})


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(_live.os, "isatty", lambda descriptor: True)
    monkeypatch.setattr(_live, "_TERMINAL", 0.0)
    for name, value in (("TERM", "xterm"), ("COLUMNS", "90"), ("LINES", "24")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def screen(text: str) -> list[str]:
    """What stands on a terminal in the end."""
    rows, row = [""], 0
    for piece in re.findall(r"\x1b\[\d*[A-Za-z]|\x1b\[1;31m|\n|[^\x1b\n]+", text):
        if piece == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif piece.endswith("F") and piece.startswith("\x1b"):
            row -= int(piece[2:-1])
        elif piece == "\x1b[K":
            rows[row] = ""
        elif piece == "\x1b[J":
            del rows[row:]
            rows.append("")
        elif not piece.startswith("\x1b"):
            rows[row] += piece
    return rows


def test_a_table_is_drawn_in_place(terminal: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    tell = Teller("rain.study")
    for workers in (30, 3, 1):
        tell(a_run(40, 3, workers))
    text = capsys.readouterr().out
    assert [
        "rain.study  40 of 100 completed  [#########...........]  43%",
        "running 1   waiting 56   failed 3   tried again 2", "0 s", "",
        "memory, MiB              members  reserved      used        of",
        "w0                             1       500       250     1,000  [#####=====..........]",
        ""] == screen(text)
    assert "\x1b[1;31mfailed 3\x1b[m" in text


def test_a_small_terminal_is_not_overrun(terminal: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    terminal.setenv("COLUMNS", "40")
    terminal.setenv("LINES", "10")
    Teller("a study with a name that is rather long")(a_run(workers=30))
    shown = screen(capsys.readouterr().out)
    assert 39 >= max(map(len, shown)) and len(shown) <= 10
    assert "and 27 more workers" == shown[-2]


def test_no_colour(terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.setenv("NO_COLOR", "1")
    Teller("s")(a_run(1, 1))
    assert {"K", "J"} == set(re.findall(r"\x1b\[[\d;]*([A-Za-z])", capsys.readouterr().out))


@pytest.mark.parametrize("is_dumb", [True, False])
def test_plain_lines_in_a_log(terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                              is_dumb: bool) -> None:
    if is_dumb:
        terminal.setenv("TERM", "dumb")
    else:
        terminal.setattr(_live.os, "isatty", lambda descriptor: False)
    tell = Teller("s")
    for done in (1, 2):
        tell(a_run(done))
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert ["1 of 100 completed, 0 failed, 1 running, 98 waiting, 2 tried again; 500 of 1,000 MiB "
            "reserved, 250 used, on 1 worker; 0 s"] == text.splitlines()


def test_the_time_that_is_left(terminal: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter((0.0, 0.0, 100.0))
    terminal.setattr(_live.time, "monotonic", lambda: next(seconds))
    tell = Teller("s")
    tell(a_run(20))
    tell(a_run(40))
    assert "1 min 40 s, about 5 min 0 s left" in screen(capsys.readouterr().out)


@pytest.mark.parametrize(("seconds", "text"), [(59.9, "59 s"), (61, "1 min 1 s"),
                                               (7300, "2 h 1 min")])
def test_duration(seconds: float, text: str) -> None:
    assert text == duration(seconds)
