"""The page of one comparison: the verdict before all else, units, what fits, nothing of nights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from anuga_lean.__main__ import main
from anuga_lean._errors import RecordError
from anuga_lean.commands.report import triangles_that_fit
from anuga_lean.measure.page import ComparedPage, compared_page, render
from anuga_lean.measure.page.timeline import Run, timeline
from report import comparisons, nights
from report.test_page import Text

GIB = 2**30


def page(**given: Any) -> ComparedPage:
    return compared_page(comparisons.stored(**given), "a.json", triangles_that_fit)


def test_title_date_and_verdict_come_first() -> None:
    found = Text(render(page(scenario="models/lake.py")))
    words = found.text.split("Peak RSS")[0]
    assert "Equal, bit for bit: 4 quantities, 212 time steps, 2 SWW variables." in \
        " ".join(words.split())
    assert words.index("lake.py") < words.index("Equal") < words.index("1,000,000 triangles")
    assert "2026-11-25 02:30 UTC" in words and [] == found.open


def test_what_differs_is_named_first() -> None:
    found = page(wrong=("stage", "sww/time"))
    assert "Different" == found.verdict.head and not found.verdict.equal
    assert "stage, SWW variable time; 5 of 7 compared are equal" == found.verdict.what
    assert ["different", "different", "equal"] == [row[1] for row in found.compared.rows[:3]]


def test_cards_have_both_builds_by_name_with_units() -> None:
    cards = {card.title: card for card in page().cards}
    assert ["Peak RSS", "Arrays", "Time"] == list(cards)
    assert ["6.19× less", "7.77× less", "4.64× faster"] == [
        f"{card.ratio} {card.less}" for card in cards.values()]
    assert "Peak RSS. ANUGA 4.2.0 1,660 MiB, anuga_lean 0.1.0 268 MiB." == \
        cards["Peak RSS"].charts[0].alt
    assert "evolve alone: 7.00 s and 1.40 s, 5.00× faster." in cards["Time"].note


def test_nothing_of_nights_and_gates() -> None:
    text = Text(render(page())).text.lower()
    for word in ("night", "gate", "must not", "commit", "spread", "(1)", "stock"):
        assert word not in text, word


def test_no_bar_of_nothing() -> None:
    bars = page().groups
    assert all(part.percent for group in bars.groups for bar in group.bars for part in bar.parts)
    assert all(bar.parts and bar.text.endswith(" B/triangle")
               for group in bars.groups for bar in group.bars)
    (kernels,) = [group for group in bars.groups if group.label.startswith("kernels")]
    assert ["anuga_lean 0.1.0"] == [bar.label for bar in kernels.bars]


def test_what_fits_is_from_the_run_if_it_is_large() -> None:
    found = page().capacity
    assert found is not None and found.basis.startswith("From this run: 1,678 and 218 bytes")
    room = (64 * GIB - GIB / 4) / 1.2 - 60 * 2**20
    assert f"At 64 GiB: {room / 1677.7216 / 1e6:.3g} M triangles on ANUGA, " in found.sentence
    assert ["8.00 GiB (this machine)", "16 GiB", "64 GiB", "256 GiB"] == [
        row[0] for row in found.table.rows]
    assert "716 M" == found.table.rows[-1][2]       # int32 numbers of edges


def test_what_fits_is_from_the_plan_if_the_run_is_small() -> None:
    found = page(triangles=20_000).capacity
    assert found is not None and found.basis.startswith("From the table of anuga_lean plan")
    stock, lean = triangles_that_fit(64 * GIB, "DE0", False)
    assert 5 * stock < lean
    assert f"At 64 GiB: {stock / 1e6:.3g} M triangles on ANUGA, {lean / 1e6:.3g} M lean." == \
        found.sentence


@pytest.mark.parametrize("only, name, figures, fits", [
    ("stock", "ANUGA 4.2.0", ["1,660 MiB", "974 B/triangle", "10.2 s"], "triangles on ANUGA."),
    ("lean", "anuga_lean 0.1.0", ["268 MiB", "125 B/triangle", "2.20 s"],
     "triangles on anuga_lean."),
])
def test_one_build_alone_has_the_same_page(only: str, name: str, figures: list[str],
                                           fits: str) -> None:
    found = page(only=only)
    assert f"Not compared: only {name} was measured" == str(found.verdict)
    assert figures == [card.ratio for card in found.cards]
    assert [] == [chart for card in found.cards for chart in card.charts]   # of one bar each
    assert "One run" not in found.cards[2].note and "one run." in found.cards[2].note
    assert found.timeline is not None and found.timeline.drawings[0].rows[0].heading.endswith(name)
    assert 1 == len(found.timeline.drawings[0].curves)
    assert found.capacity is not None and found.capacity.sentence.endswith(fits)
    assert {2} == {len(row) for row in [found.capacity.table.head, *found.capacity.table.rows]}
    both = page()
    assert both.capacity is not None
    column = both.capacity.table.head.index({"stock": "ANUGA", "lean": "anuga_lean"}[only])
    assert [row[column] for row in both.capacity.table.rows] == [
        row[1] for row in found.capacity.table.rows]
    text = Text(render(found)).text
    assert "×" not in text and "Everything that was compared" not in text
    assert {"stock": "anuga_lean 0", "lean": "ANUGA 4"}[only] not in text


@pytest.mark.parametrize("only", ["stock", "lean"])
def test_what_fits_is_planned_for_the_one_build(only: str) -> None:
    found = page(only=only, triangles=20_000).capacity
    fits = dict(zip(("stock", "lean"), triangles_that_fit(64 * GIB, "DE0", False), strict=True))
    assert found is not None
    assert found.sentence.startswith(f"At 64 GiB: {fits[only] / 1e6:.3g} M triangles on ")


def test_ranks_that_share_nothing_are_named() -> None:
    found = page(ranks=2)
    assert found.verdict.what.endswith("4 SWW variables of 2 files on both ranks")
    assert ["model.py does not distribute its domain: each of 2 ranks computes the whole model of "
            "1,000,000 triangles."] == found.notes
    assert found.capacity is None and ["ranks"] == [section.id for section in found.sections]
    parted = page(ranks=2, parts=2)
    assert [] == parted.notes and "2,000,000 triangles" in parted.facts[0]


def test_the_curve_keeps_what_was_read_and_the_stages_their_order() -> None:
    drawn = timeline([Run("a", "b0", [(0.0, 0.0), (5.0, 3 * GIB), (10.0, 1 * GIB)],
                          [("import", 0.0, 4.0), ("evolve", 4.0, 10.0)], 3 * GIB)])
    assert ["wide", "narrow"] == [one.kind for one in drawn.drawings]
    wide, narrow = drawn.drawings
    assert "a: 3,072 MiB at most within 10.0 s" in drawn.alt
    assert ["1 import", "2 evolve"] == [one.text for one in wide.rows[0].stretches]
    assert wide.rows[0].stretches[1].x == pytest.approx(
        wide.rows[0].stretches[0].x + wide.rows[0].stretches[0].width, abs=0.2)
    assert narrow.width < 390


def test_report_of_one_stored_comparison_is_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    comparisons.write(Path("a.json"))
    assert 0 == main(["report", "a.json", "-o", "a.html"])
    text = Path("a.html").read_text()
    assert "<h1>model.py</h1>" in text
    assert "<title>model.py, 2026-11-25 02:30 UTC: Equal, bit for bit</title>" in text
    nights.write(Path("night.json"), nights.usual())
    assert 0 == main(["report", "a.json", "night.json", "-o", "both.html"])
    assert "<h1>Stock ANUGA" in Path("both.html").read_text()
    comparisons.write(Path("lean.json"), only="lean")
    assert 0 == main(["report", "lean.json", "-o", "lean.html"])
    assert "<title>model.py, 2026-11-25 02:30 UTC: Not compared</title>" in \
        Path("lean.html").read_text()


def test_markup_from_a_comparison_stays_text() -> None:
    given = comparisons.stored(scenario=nights.HOSTILE)
    given["equal"][nights.HOSTILE] = False
    given["lean"][0]["stages"][nights.HOSTILE] = given["lean"][0]["stages"]["evolve"]
    found = Text(render(compared_page(given, "a.json", triangles_that_fit)))
    assert not {"script", "img"} & set(found.tags) and "onerror" not in found.attributes
    assert nights.HOSTILE in found.text


@pytest.mark.parametrize("spoil", [
    lambda found: found["lean"].clear(), lambda found: found["request"].clear(),
    lambda found: found["stock"][0].pop("run_seconds"),
    lambda found: found.update(equal=[1]), lambda found: found.update(benchmarks=[]),
    lambda found: found["stock"][0]["over_time"].update(rss=["much"]),
])
def test_a_damaged_comparison_is_refused(spoil: Any) -> None:
    given = comparisons.stored()
    spoil(given)
    with pytest.raises(RecordError, match=r"a\.json is no whole comparison"):
        compared_page(json.loads(json.dumps(given)), "a.json", triangles_that_fit)


def test_headings_and_ids() -> None:
    text = render(page(ranks=2))
    found = Text(text)
    levels = [int(tag[1]) for tag in found.tags if re.fullmatch("h[1-6]", tag)]
    assert 1 == levels[0] and 1 == levels.count(1)
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert sorted(set(ids)) == sorted(ids)
    assert not re.search(r"(src|href)=\"(?!#|data:)|url\(|@import|http:|https:", text)
