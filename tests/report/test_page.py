"""What the page of stored figures holds: numbers, commands, errors, nothing unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from anuga_lean.measure.page import Unreadable, charts, page_of, render, wording
from anuga_lean.measure.page.model import Bars, Page
from anuga_lean.measure.page.shown import DASHES, LOOKS, MARKERS, Shown, labels
from anuga_lean.measure.records import Figure, Record, read
from report import nights


class Text(HTMLParser):
    """The text, the text alternatives and the tags of a page."""

    VOID = {"meta", "link", "wbr", "br", "img", "input"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.alternatives, self.tags, self.open = "", [], [], []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        given = dict(attrs)
        if given.get("role") == "img":
            self.alternatives.append(given.get("aria-label") or given.get("aria-labelledby") or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def page(folder: Path, records: list[Record]) -> Page:
    return page_of([read(nights.write(folder / "night.json", records))])


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Text:
    folder = tmp_path_factory.mktemp("nights")
    found = [read(path) for path in nights.three_nights(folder)]
    return Text(render(page_of(reversed(found), [Unreadable(Path("torn.json"), "torn: no JSON")])))


@pytest.mark.parametrize("words", [
    "2026-11-25 02:30 UTC", "commit ccccccccc", "AMD EPYC 9R45", "glibc 2.36", "madvise",
    "964", "111", "8.66×", "849 B/tri", "1,630 B/tri", "5.90×", "30.1×", "1.88 s", "270 ms",
    "212 MiB", "1,766 MiB", "neighbour_mesh.py:212 in __init__", "391 MiB, 41%", "3.4%",
    "1,662 MiB", "1,434 MiB", "1,326 MiB", "torn: no JSON", "mesh/geometry", "208.00",
    "ANUGA 3.3.10 has no flow algorithm DE0_7", "aaaaaaa", "largest_rank", "must not fall",
    "Rate_operator 1", "11.7 ms", "16.9 s", "7.31 %", "175", "404 instr/tri",
])
def test_numbers_and_words_are_there(usual: Text, words: str) -> None:
    assert words in usual.text


def test_every_command_is_there(usual: Text) -> None:
    for record in nights.usual():
        assert record.command in usual.text


def test_every_picture_is_a_panel_with_table_and_command(tmp_path: Path) -> None:
    found = page(tmp_path, nights.usual())
    panels = [panel for section in found.sections for panel in section.panels]
    assert panels
    for panel in panels:
        assert panel.charts and panel.commands
        assert all(table.rows for table in panel.tables) and panel.tables
        for chart in panel.charts:
            assert re.search(r"\d", chart.alt)
    for section in found.sections:
        assert section.intro


def test_table_rows_are_as_long_as_their_heads(tmp_path: Path) -> None:
    found = page(tmp_path, nights.usual())
    tables = [table for section in found.sections for panel in section.panels
              for table in panel.tables]
    for table in [*tables, found.files]:
        assert {len(table.head)} == {len(row) for row in table.rows}, table.caption


def test_alternatives_hold_the_bars(tmp_path: Path) -> None:
    held = page(tmp_path, nights.usual()).sections[0].panels[0].charts[0]
    assert isinstance(held, Bars)
    assert "all: ANUGA 964, anuga_lean 111, ANUGA 3.3.10 1,008" in held.alt
    assert "kernels: anuga_lean 21.4" in held.alt


def test_markup_from_a_file_stays_text(tmp_path: Path) -> None:
    records = nights.hostile()
    records.append(replace(records[0], build=nights.HOSTILE))
    machine = {**nights.MACHINE, nights.HOSTILE: {nights.HOSTILE: nights.HOSTILE}}
    first = nights.write(tmp_path / "a.json", records, nights.HOSTILE, nights.HOSTILE,
                         machine=machine)
    second = nights.write(tmp_path / "b.json", records)
    unreadable = Unreadable(Path(nights.HOSTILE), nights.HOSTILE)
    found = Text(render(page_of([read(first), read(second)], [unreadable])))
    assert not {"script", "img"} & set(found.tags)
    assert "onerror" not in found.attributes
    assert nights.HOSTILE in found.text
    assert [] == found.open


def test_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    text = render(page(tmp_path, nights.usual()))
    assert not re.search(r"(src|href)=\"(?!#|data:)|url\(|@import|http:|https:", text)
    assert "<!DOCTYPE html>" == text.strip().splitlines()[0]
    for needed in ('<html lang="en">', 'name="viewport"', "default-src 'none'"):
        assert needed in text


def test_headings_are_in_order(usual: Text) -> None:
    levels = [int(tag[1]) for tag in usual.tags if re.fullmatch("h[1-6]", tag)]
    assert 1 == levels[0] and 1 == levels.count(1)
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_ids_are_unique(tmp_path: Path) -> None:
    text = render(page(tmp_path, nights.usual()))
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert sorted(set(ids)) == sorted(ids)
    for target in re.findall(r'href="#([^"]+)"', text):
        assert target in ids


def test_an_error_is_named_first_and_beside_its_case(tmp_path: Path) -> None:
    found = page(tmp_path, nights.usual())
    assert ["memory: merimbula, 3.3.10, 250,000 and 1,000,000 triangles, DE0, 1 thread"] == \
        [problem.what for problem in found.problems]
    notes = [note for section in found.sections for panel in section.panels
             for note in panel.notes]
    assert any(note.startswith("3.3.10 was not measured: ANUGA 3.3.10 has no") for note in notes)
    assert any(card.error for card in found.cards["memory"])


@pytest.mark.parametrize("records", [
    [],
    [nights.memory(build="lean")],
    [nights.memory(build="3.3.10"), nights.speed(build="3.3.10")],
    [nights.memory(error="no memory", figures={}, groups={}, stages={}, sites=[])],
    [Record("memory", "dam_break", "lean")],
    [Record("speed", "dam_break", "lean", figures={"seconds_per_step": Figure(1.0, "s")})],
    [Record("unheard", "of", "any", figures={"strange": Figure(-3.0, "")})],
    [nights.speed(triangles=1), nights.speed(triangles=1, threads=3)],
    [replace(nights.memory(), stages={"evolve": {"seconds": None, "peak_rss": None}},
             ranks=[{"rank": 0, "rss": None}], groups={"mesh": 0.0})],
    [nights.memory(), nights.memory()],
], ids=lambda records: f"{len(records)}")
def test_thin_nights_give_a_page(tmp_path: Path, records: list[Record]) -> None:
    found = Text(render(page(tmp_path, records)))
    assert "Machines and files" in found.text and [] == found.open


def test_unknown_figures_are_shown_under_their_own_name(tmp_path: Path) -> None:
    record = nights.memory(figures={"moonlight": Figure(12.5, "lux", 0.25)})
    text = Text(render(page(tmp_path, [record]))).text
    assert "moonlight" in text and "12.5 lux" in text and "25.0%" in text


def test_the_newest_night_counts_and_older_ones_fill_in(tmp_path: Path) -> None:
    old = nights.write(tmp_path / "old.json", [nights.memory(grown=2.0), nights.checkpoint()],
                       "2026-11-20T00:00:00+00:00")
    new = nights.write(tmp_path / "new.json", [nights.memory(grown=1.0)])
    shown = Shown([read(new), read(old)])
    assert {"memory": 111.32, "checkpoint": 60.0} == {
        entry.record.suite: round(next(iter(entry.record.figures.values())).value, 2)
        for entry in shown.entries}


def test_an_error_of_the_newest_night_hides_the_older_figures(tmp_path: Path) -> None:
    old = nights.write(tmp_path / "old.json", [nights.memory()], "2026-11-20T00:00:00+00:00")
    new = nights.write(tmp_path / "new.json", [nights.memory(figures={}, error="killed")])
    shown = Shown([read(old), read(new)])
    assert [] == shown.entries and "killed" == shown.failed[0].record.error


def test_history_has_each_night_with_its_commit_and_only_gated_figures(tmp_path: Path) -> None:
    found = page_of([read(path) for path in nights.three_nights(tmp_path)])
    history = {section.id: section for section in found.sections}["history"]
    held = next(panel for panel in history.panels if panel.title == "dam_break, arrays held")
    assert [["lean", "2026-11-21 02:30 UTC", "aaaaaaaaa", "120 B/tri", "–"],
            ["lean", "2026-11-23 02:30 UTC", "bbbbbbbbb", "115 B/tri", "–"],
            ["lean", "2026-11-25 02:30 UTC", "ccccccccc", "111 B/tri", "–"]] == held.tables[0].rows
    assert "111 B/tri at ccccccccc" in held.charts[0].alt
    assert not any("peak while building" in panel.title for panel in history.panels)


def test_history_names_different_machines(tmp_path: Path) -> None:
    other = {**nights.MACHINE, "processor": "Intel Xeon"}
    one = nights.write(tmp_path / "1.json", [nights.memory()], "2026-11-20T00:00:00Z",
                       machine=other)
    two = nights.write(tmp_path / "2.json", [nights.memory()])
    found = page_of([read(one), read(two)])
    assert "Intel Xeon and AMD EPYC 9R45" in found.sections[-1].intro
    assert 2 == len(found.machines)


def test_lines_of_a_chart_differ_without_colour(tmp_path: Path) -> None:
    found = page_of([read(path) for path in nights.three_nights(tmp_path)])
    plots = [chart for section in found.sections for panel in section.panels
             for chart in panel.charts if not isinstance(chart, Bars)]
    assert any(len(chart.lines) > 3 for chart in plots)
    for chart in plots:
        looks = [(line.key.dash, line.key.marker) for line in chart.lines]
        names = [line.key.label for line in chart.lines]
        ends = [line.label for line in chart.lines]
        for each in (looks, names, ends):
            assert len(set(each)) == len(each)
    assert len(set(DASHES)) == len(DASHES) and len(set(MARKERS)) == len(MARKERS)


def test_builds_keep_their_looks(tmp_path: Path) -> None:
    alone = Shown([read(nights.write(tmp_path / "a.json", [nights.memory(build="lean")]))])
    assert "b1" == alone.look("lean")
    builds = [replace(nights.memory(), build=name) for name in ("x", "lean", "y", "stock")]
    both = Shown([read(nights.write(tmp_path / "b.json", builds))])
    assert ["b0", "b1", "b2", "b3"] == [both.look(name) for name in ("stock", "lean", "x", "y")]
    assert LOOKS > 3


def test_records_of_one_build_in_a_case_are_told_apart(tmp_path: Path) -> None:
    twice = [nights.memory(isa="v3"), nights.memory(isa="v4")]
    shown = Shown([read(nights.write(tmp_path / "a.json", twice))])
    assert ["anuga_lean, AVX2", "anuga_lean, AVX-512"] == labels(shown.cases("memory", "groups")[0])


@pytest.mark.parametrize("value, unit, text", [
    (964.4, "B/tri", "964 B/tri"), (32.0, "B/tri", "32.0 B/tri"), (1234567.0, "", "1,234,567"),
    (8.678, "x", "8.68×"), (0.27, "s", "270 ms"), (3.4e-5, "s", "34.0 µs"), (1.88, "s", "1.88 s"),
    (-3.5, "MiB", "-3.50 MiB"), (0.0, "s", "0 s"), (0.02, "B/tri", "0.02 B/tri"),
])
def test_amounts(value: float, unit: str, text: str) -> None:
    assert text == wording.amount(value, unit)


@pytest.mark.parametrize("given, text", [
    ("2026-11-25T02:30:11.520000+00:00", "2026-11-25 02:30 UTC"),
    ("2026-11-25T02:30:11Z", "2026-11-25 02:30 UTC"),
    ("2026-11-25T02:30:11+02:00", "2026-11-25 00:30 UTC"),
    ("last night", "last night"), ("", "date not known"),
])
def test_dates(given: str, text: str) -> None:
    assert text == wording.date(given)


@pytest.mark.parametrize("wanted", [[50.0] * 6, [10.0, 200.0, 201.0, 202.0], [5.0], [203.0, 12.0]])
def test_labels_are_set_apart_within_the_chart(wanted: list[float]) -> None:
    places = charts.spaced(wanted, 15.0, 12.0, 204.0)
    ordered = sorted(places)
    assert all(after - before > 14.9 for before, after in zip(ordered, ordered[1:], strict=False))
    assert 12.0 <= ordered[0] and ordered[-1] <= 204.0


@pytest.mark.parametrize("low, high", [(0.0, 296.0), (-3.0, 5.0), (111.0, 111.0), (0.0, 0.0),
                                       (4.9, 5.4), (1e-7, 3e-7), (0.0, 2.5e9)])
def test_ticks_enclose_the_values(low: float, high: float) -> None:
    ticks = charts.round_ticks(low, high)
    assert ticks[0] <= low and high <= ticks[-1] and 2 <= len(ticks) <= 7


@pytest.mark.parametrize("low, high", [(10_000.0, 1_000_000.0), (5.0, 5.0), (3.0, 4.0),
                                       (1.0, 1e12), (40_000.0, 160_000.0)])
def test_logarithmic_ticks_are_few_and_within(low: float, high: float) -> None:
    ticks = charts.log_ticks(low, high)
    assert 1 <= len(ticks) <= 5 and low <= ticks[0] and ticks[-1] <= high


def test_records_that_only_their_order_tells_apart_are_numbered_in_words(tmp_path: Path) -> None:
    shown = Shown([read(nights.write(tmp_path / "a.json", [nights.memory(), nights.memory()]))])
    assert ["anuga_lean, record 1", "anuga_lean, record 2"] == labels(
        shown.cases("memory", "groups")[0])
    stored = [nights.memory(parameters={"store": store}) for store in (True, False)]
    shown = Shown([read(nights.write(tmp_path / "b.json", stored))])
    assert ["anuga_lean, store True", "anuga_lean, store False"] == labels(
        shown.cases("memory", "groups")[0])
