"""The page of a study: what is on it, at any size, and how it looks in a browser."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anuga_lean.__main__ import main
from anuga_lean.measure.page.model import Bars, Lines
from anuga_lean.measure.page.render import render
from anuga_lean.overview import against, known
from anuga_lean.overview.against import Point
from anuga_lean.overview.known import Clock, given
from anuga_lean.overview.picture import page_of
from anuga_lean.studies.records import End, Try
from report import look
from report.nights import HOSTILE
from report.test_browser import browser, picture, pixels, shown  # noqa: F401  fixtures
from report.test_page import Text
from studies import made

MAKERS = {"usual": made.usual, "sampled": made.sampled, "hostile": made.hostile,
          "bare": made.bare}


def page(path: Path) -> Any:
    return page_of(known.read(path))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("studies")
    for name, make in MAKERS.items():
        assert 0 == main(["study", "report", str(make(top / name)), "-o",
                          str(top / f"{name}.html")])
    assert 0 == main(["study", "report", str(made.usual(top / "begun", unfinished=True)), "-o",
                      str(top / "begun.html")])
    return {name: top / f"{name}.html" for name in (*MAKERS, "begun")}


@pytest.mark.slow
@pytest.mark.parametrize("name, width, scheme", [
    *(("usual", width, scheme) for width in (390, 1280) for scheme in ("light", "dark")),
    ("begun", 390, "light"), ("sampled", 390, "dark"), ("hostile", 390, "light"),
    ("hostile", 1280, "dark"), ("bare", 390, "light"),
])
def test_all_text_can_be_read(name: str, width: int, scheme: str, shown: Any,  # noqa: F811
                              pages: dict[str, Path]) -> None:
    found = shown(pages[name], width, scheme)
    drawn = pixels(picture(found, type="jpeg"))
    assert width == drawn.shape[1]
    assert (float(np.median(drawn[::4, ::4].astype(np.int64) @ [65536, 256, 1])) < 2**23) == (
        scheme == "dark")
    for unfolded in (False, True):
        if unfolded:
            look.unfold(found)
        assert [] == look.overlaps(found)
        assert [] == look.cut_off(found)
        assert [] == look.contrasts(found)["found"]
    for one in look.figures(found):
        assert re.search(r"\d", one["text"]) and one["drawn"] and one["inside"], one


def test_what_is_on_it(tmp_path: Path) -> None:
    found = page(made.usual(tmp_path / "s"))
    assert ["results", "memory", "learned", "packing"] == [each.id for each in found.sections]
    results = found.sections[0]
    assert ["depth", "volume", "tide"] == [each.title for each in results.panels]
    assert "results that are no numbers" in results.intro
    rain, sea, pattern = results.panels[0].charts
    assert isinstance(rain, Lines) and isinstance(sea, Lines) and isinstance(pattern, Bars)
    assert ["95 %", "median", "5 %"] == [line.label for line in rain.lines]
    assert 58 == len(rain.cloud)
    assert ["front", "middle", "a pattern with a rath…"] == [
        bar.label for bar in pattern.groups[0].bars]
    assert "in units of 1e6" in results.panels[1].charts[0].title
    (failure,) = found.failures
    assert ("It ended with an error of its own", "2 members; class failed, sure",
            "00-3, 06-2") == (failure.title, failure.subtitle, failure.names)
    assert ["00-3, stderr.txt:3: it said so"] == failure.evidence
    assert [["oom-cgroup", "3", "3"]] == found.retried.rows
    (packed,) = found.sections[3].panels
    assert ["reserved", "used", "limit"] == [line.label for line in packed.charts[0].lines]
    for section in found.sections:
        for panel in section.panels:
            for table in panel.tables:
                assert {len(table.head)} == {len(row) for row in table.rows}


def test_an_unfinished_study_says_so(tmp_path: Path) -> None:
    found = page(made.usual(tmp_path / "s", unfinished=True))
    told = [each.what for each in found.problems]
    assert "29 members of 60 not run yet" in told
    assert "29 not run" in found.summary
    assert not page(made.sampled(tmp_path / "whole")).problems
    bare = page(made.bare(tmp_path / "bare"))
    assert [] == bare.sections and "0 of 2 members completed (2 not run)" in bare.summary


def test_markup_stays_text(tmp_path: Path) -> None:
    text = render(page(made.hostile(tmp_path / "s")))
    found = Text(text)
    assert not {"script", "img"} & set(found.tags) and [] == found.open
    assert HOSTILE in found.text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.slow
def test_twelve_thousand_members(tmp_path: Path) -> None:
    path = made.usual(tmp_path / "s", 400, 30)
    began = time.process_time()
    text = render(page(path))
    assert time.process_time() - began < 10.0
    assert len(text) < 2_000_000
    assert "of 12,000 members completed" in text and "more, which" in text


@pytest.mark.parametrize(("say", "text"), [
    (lambda path: path / "no", "is no folder of a study"),
    (lambda path: path, "is no folder of a study"),
])
def test_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], say: Any,
                      text: str) -> None:
    before = sorted(tmp_path.iterdir())
    assert 2 == main(["study", "report", str(say(tmp_path)), "-o", str(tmp_path / "x.html")])
    said = capsys.readouterr().err
    assert 1 == len(said.splitlines()) and text in said
    assert before == sorted(tmp_path.iterdir())


@pytest.mark.parametrize("text", ['{"names": ["a"], "rows": []}', '{"names": [], "rows": [[1]]}',
                                  "{", '{"names": ["a"], "rows": [[null]]}'])
def test_a_damaged_description_is_one_sentence(
        tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    path = made.bare(tmp_path / "s")
    (path / "sets.json").write_text(text)
    assert 2 == main(["study", "report", str(path)])
    said = capsys.readouterr().err
    assert 1 == len(said.splitlines()) and "describes no study" in said
    assert not (path / "report.html").exists()


def points(*pairs: tuple[Any, float]) -> list[Point]:
    return [Point(str(k), x, y) for k, (x, y) in enumerate(pairs)]


def test_many_values_are_put_together_as_many_each() -> None:
    found = against.table("n", points(*((k / 7.0, float(k)) for k in range(240))))
    assert ["20"] * 12 == [row[1] for row in found.rows]


def test_one_member_at_each_value_is_one_line() -> None:
    drawn = against.chart("n", points((1, 2.0), (2, 3.0), (3, 5.0)))
    assert ["each member"] == [line.key.label for line in drawn.lines] and [] == drawn.cloud


def test_negative_results_of_categories() -> None:
    drawn = against.chart("n", points(("a", -4.0), ("a", -2.0), ("b", 4.0)))
    first, second = drawn.groups[0].bars
    assert [0.0, 25.0] == [part.percent for part in first.parts] and 12.5 == first.mark
    assert 100.0 == second.mark and "-3.00 (-4.00 to -2.00)" == first.text


def test_rare_categories_are_others() -> None:
    drawn = against.chart("n", points(*((f"c{k}", 1.0) for k in range(40))))
    assert "29 others" == drawn.groups[0].bars[-1].label


def a_try(began: float, seconds: float, nbytes: int) -> Try:
    return Try(End.COMPLETED, 0, nbytes, nbytes, seconds, 1.0, began, "here")


def test_nights_between_two_runs_are_left_out() -> None:
    clock = Clock([(100.0, 110.0), (105.0, 130.0), (90_000.0, 90_010.0)])
    assert (40.0, 2) == (clock.seconds, clock.runs)
    assert [0.0, 5.0, 30.0, 32.0, 40.0] == [clock.at(each) for each in (
        0.0, 105.0, 5000.0, 90_002.0, 1e9)]


def test_what_follows_another_is_not_reserved_beside_it() -> None:
    tries = [a_try(0.0, 10.0, 3), a_try(10.0, 10.0, 5), a_try(12.0, 2.0, 1)]
    clock = Clock((each.began, each.began + each.seconds) for each in tries)
    assert [3, 3, 6, 5] == [nbytes for _, nbytes in given(tries, clock, 4)]
