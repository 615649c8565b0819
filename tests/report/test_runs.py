"""The record of a run as a picture: what is drawn, said and left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anuga_lean.__main__ import main
from anuga_lean.following.picture import beside
from anuga_lean.guard.recorded import RecordFile
from anuga_lean.measure.page import page_of, render
from anuga_lean.measure.page.charts import Axes, Series, lines
from anuga_lean.measure.page.model import Bars, Lines, Page, Panel
from report import nights, runs
from report.test_page import Text


def page(*paths: Path) -> Page:
    return page_of([], (), beside([(path, RecordFile(path).read()) for path in paths]))


def panel(path: Path) -> Panel:
    return page(path).sections[0].panels[0]


def test_memory_over_time(tmp_path: Path) -> None:
    found = panel(runs.usual(tmp_path / "a.jsonl"))
    whole, setting_up, ranks, stages = found.charts
    assert isinstance(whole, Lines) and isinstance(ranks, Lines) and isinstance(stages, Bars)
    assert ["PSS of the 2 ranks: at most 558 MiB", "taken of cgroup /x: at most 500 MiB",
            "limit of cgroup /x: 700 MiB"] == [line.key.label for line in whole.lines]
    strips = {strip.label: strip for strip in whole.strips}
    assert ["stages", "yields", "sets", "warned"] == list(strips)
    assert (6, 12, 1) == (len(strips["stages"].pieces), len(strips["sets"].marks),
                          len(strips["warned"].marks))
    # 359 of them are nearer to each other than can be seen
    assert 30 < len(strips["yields"].marks) < 60
    ends = [piece.x + piece.width for piece in strips["stages"].pieces]
    assert ends == sorted(ends) and ends[-1] == pytest.approx(whole.lines[0].dots[-1].x, abs=1.0)
    assert ["1 imports", "2 domain", "3 distribute", "4 quantities", "5 first yield", "6 evolve",
            "yields that were recorded: 359", "sets of checkpoints: 12", "warnings: 1"] == [
                key.label for key in whole.keys]
    assert "Stage domain: 2 s to 30 s." in whole.alt and "570 of 700 MiB" in whole.alt
    assert setting_up.title == "MiB while setting up"
    assert ["rank 0: at most 410 MiB", "rank 1: at most 196 MiB"] == [
        line.key.label for line in ranks.lines]
    assert "domain: rank 0 440 MiB, rank 1 75.0 MiB" in stages.alt


def test_lines_have_the_highest_point_and_the_last(tmp_path: Path) -> None:
    """A peak of one moment among 10,000 is drawn and marked."""
    points = [(float(k), 50.0 + (k == 7_777) * 30.0) for k in range(10_000)]
    series = Series("a", "a", "b1", 0, points, [f"{y:g}" for _, y in points], "", 10)
    drawn = lines("", [series], Axes([(0.0, "0")], [0.0, 100.0], (0.0, 1e4), (0.0, 100.0)), str)
    assert 9 < len(drawn.lines[0].dots) < 13
    assert "80" in drawn.alt and "50" == drawn.lines[0].dots[-1].text
    path = runs.usual(tmp_path / "a.jsonl")
    text = path.read_text().replace('"rss": 327155712', '"rss": 1e9').replace(
        '"pss": 316669952', '"pss": 990000000', 1)
    assert path.read_text() != text
    path.write_text(text)
    assert "at most 1,1" in panel(path).charts[0].legend[0].label  # type: ignore[union-attr]


def test_a_limit_far_above_is_said_only(tmp_path: Path) -> None:
    chart, stages = panel(runs.serial(tmp_path / "a.jsonl")).charts
    assert isinstance(chart, Lines) and isinstance(stages, Bars)
    assert ["RSS of the run: at most 70 MiB", "limit, far above: 24,000 MiB of this machine",
            "1 imports", "yields that were recorded: 1", "sets of checkpoints: 1"] == [
                key.label for key in chart.legend]


def test_many_ranks_have_few_lines(tmp_path: Path) -> None:
    whole, ranks, stages = panel(runs.many(tmp_path / "a.jsonl")).charts
    assert isinstance(whole, Lines) and isinstance(ranks, Lines) and isinstance(stages, Bars)
    assert whole.lines[0].key.label.startswith("PSS of the 20 ranks on cn1")
    assert ["rank 0", "largest", "median", "least"] == [line.label for line in ranks.lines]
    assert "imports: rank 0 90.0 MiB, largest other 129 MiB" in stages.alt


def test_tables_and_commands(tmp_path: Path) -> None:
    found = panel(runs.usual(tmp_path / "a.jsonl"))
    for table in found.tables:
        assert {len(table.head)} == {len(row) for row in table.rows}, table.caption
    stages, moments, warnings = found.tables
    assert ["domain", "30 s", "rank 0", "420 MiB", "410 MiB", "400 MiB", "440 MiB"] \
        == stages.rows[2]
    assert 81 == len(moments.rows) and any("more" in row[0] for row in moments.rows)
    assert ["2 h 32 min"] == [row[0] for row in warnings.rows]
    assert ["anuga_lean run --guard model.py 'a b'", f"anuga_lean doctor {tmp_path}/a.jsonl"] == [
        each.text for each in found.commands]


def test_markup_from_a_record_stays_text(tmp_path: Path) -> None:
    text = render(page(runs.hostile(tmp_path / "a.jsonl"), runs.bare(tmp_path / "b.jsonl")))
    found = Text(text)
    assert not {"script", "img"} & set(found.tags) and [] == found.open
    assert nights.HOSTILE in found.text and "no memory is recorded" in found.text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert sorted(set(ids)) == sorted(ids)


def test_with_stored_figures_and_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs.usual(Path("a.jsonl"), outcome="")
    nights.write(Path("night.json"), nights.usual())
    Path("bad.jsonl").write_text("{}\n")
    assert 0 == main(["report", "a.jsonl"])
    assert "report.html: 1 run\n" == capsys.readouterr().out
    text = Path("report.html").read_text()
    assert "<h1>Memory of runs over time</h1>" in text and "no end is recorded" in text
    assert "Every record" not in text
    assert 1 == main(["report", "a.jsonl", "night.json", "bad.jsonl"])
    said = capsys.readouterr()
    assert re.fullmatch(r"report.html: \d+ records of 1 file, 1 run\n", said.out)
    assert "bad.jsonl is no record of a run" in said.err
    text = Path("report.html").read_text()
    assert "<h1>Stock ANUGA against anuga_lean</h1>" in text
    assert text.index("Memory of runs over time") < text.index("Which arrays hold memory")
