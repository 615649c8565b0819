"""The page in a browser without network: nothing overlaps, is cut off, hard to read or missing."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anuga_lean.__main__ import main
from report import comparisons, look, nights, runs

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests, with a profile of its own."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser",
                                                 "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no chromium, chromium-browser or google-chrome")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


def picture(page: Any, **options: Any) -> bytes:
    """The whole page; Chromium at times cannot draw a tall one while the machine is busy."""
    from playwright.sync_api import Error

    for _ in range(4):
        try:
            return page.screenshot(full_page=True, **options)
        except Error as error:
            failed = error
            page.wait_for_timeout(1000)
    raise failed


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of usual nights, hostile texts, many builds, many nights and nothing."""
    folder = tmp_path_factory.mktemp("pages")
    torn = folder / "torn.json"
    torn.write_text("{")
    week = nights.three_nights(folder)
    hostile = nights.hostile()
    hostile.append(replace(hostile[0], build=nights.HOSTILE))
    builds = ("stock", "lean", "3.3.10", "patched", "a branch with a long name", "another")
    many = [replace(make(), build=build, command=f"measure {build}", threads=threads)
            for build in builds for make in (nights.memory, nights.speed) for threads in (1, 16)]
    given = {"usual": [*week, torn],
             "hostile": [nights.write(folder / "hostile.json", hostile)],
             "weeks": [nights.write(folder / f"{day}.json", [
                 *(nights.speed(triangles=size, threads=threads, grown=1 + day % 3 / 50)
                   for size in (10_000, 100_000, 1_000_000) for threads in (1, 16)),
                 nights.memory()], f"2026-11-{day}T02:00:00+00:00", f"{day}wmwmwmwm")
                 for day in range(10, 21)],
             "many": [nights.write(folder / "many.json", many)],
             "empty": [nights.write(folder / "empty.json", [])],
             "runs": [make(folder / f"{make.__name__}.jsonl")
                      for make in (runs.usual, runs.serial, runs.many)],
             "no run": [make(folder / f"{make.__name__}.jsonl")
                        for make in (runs.hostile, runs.bare)],
             "compared": [comparisons.write(folder / "compared.json")],
             "differs": [comparisons.write(
                 folder / "differs.json", scenario="a_script_with_a_long_name_indeed.py",
                 wrong=("stage", "xmomentum", "sww/time"), triangles=20_000)],
             "compared ranks": [comparisons.write(folder / "ranks.json", ranks=4)],
             "only lean": [comparisons.write(folder / "lean.json", only="lean")],
             "only stock": [comparisons.write(folder / "stock.json", only="stock", ranks=2)]}
    for name, files in given.items():
        main(["report", *map(str, files), "-o", str(folder / f"{name}.html")])
    return {name: folder / f"{name}.html" for name in given}


@pytest.fixture
def shown(browser: Any) -> Iterator[Any]:
    """Opens a page offline in a fresh context and sees to it that nothing went wrong there."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def show(path: Path, width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 800}, offline=True,
                                      color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert [] == said
    assert 1 == len([url for url in asked if url != "data:,"]) and asked[0].startswith("file://")


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


@pytest.mark.parametrize("name, width, scheme", [
    *(("usual", width, scheme) for width in (360, 1280) for scheme in SCHEMES),
    ("hostile", 360, "dark"), ("hostile", 1280, "light"), ("many", 360, "light"),
    ("many", 1280, "dark"), ("weeks", 360, "light"), ("empty", 360, "light"),
    *(("runs", width, scheme) for width in (390, 1280) for scheme in SCHEMES),
    ("no run", 390, "light"),
    *(("compared", width, scheme) for width in (390, 820, 1280) for scheme in SCHEMES),
    ("differs", 390, "dark"), ("differs", 1280, "light"),
    ("compared ranks", 390, "dark"), ("compared ranks", 820, "light"),
    ("only lean", 390, "light"), ("only lean", 820, "dark"), ("only lean", 1280, "light"),
    ("only stock", 390, "dark"),
])
def test_all_text_can_be_read(
    name: str, width: int, scheme: str, shown: Any, pages: dict[str, Path]
) -> None:
    page = shown(pages[name], width, scheme)
    drawn = pixels(picture(page, type="jpeg"))
    assert drawn.shape[1] == width
    some = drawn[::4, ::4].astype(np.int64)
    colours = len(np.unique(some @ [65536, 256, 1]))
    assert (20 if name == "empty" else 50) < colours
    assert (float(np.median(some)) < 128) == (scheme == "dark")
    for unfolded in (False, True):
        if unfolded:
            look.unfold(page)
        assert [] == look.overlaps(page)
        assert [] == look.cut_off(page)
        contrast = look.contrasts(page)
        assert [] == contrast["found"]
        assert 10 < contrast["count"]


@pytest.mark.parametrize("name", ["usual", "hostile", "many", "runs", "compared", "only lean"])
def test_every_picture_has_its_numbers_in_words(
    name: str, shown: Any, pages: dict[str, Path]
) -> None:
    found = look.figures(shown(pages[name]))
    assert {"FIGURE", "DIV", "svg"} == {one["tag"] for one in found}
    for one in found:
        assert re.search(r"\d", one["text"]) and one["drawn"] and one["inside"], one


@pytest.mark.parametrize("name", ["many", "usual", "compared", "compared ranks",
                                  "only lean", "only stock"])
def test_every_bar_says_in_words_what_it_is(
    name: str, shown: Any, pages: dict[str, Path]
) -> None:
    """Without colours a bar has its label, or stands alone below its heading."""
    bare = shown(pages[name]).evaluate("""() => [...document.querySelectorAll('.track')].filter(
        track => !(track.previousElementSibling?.matches('.who, .what')
                   && track.previousElementSibling.textContent.trim()
                   && track.nextElementSibling?.matches('.value'))).length""")
    assert 0 == bare


@pytest.mark.parametrize("scheme", SCHEMES)
def test_private_and_shared_differ_without_colours(
    scheme: str, shown: Any, pages: dict[str, Path]
) -> None:
    page = shown(pages["compared ranks"], 1280, scheme)
    page.add_style_tag(content="html { filter: grayscale(1); }")
    clips = look.fills(page)
    whole = pixels(picture(page))[:, :, 0].astype(float)
    grey = {name: whole[int(clip["y"]) : int(clip["y"] + clip["height"]),
                        int(clip["x"]) : int(clip["x"] + clip["width"])].mean()
            for name, clip in clips.items()}
    for one, other in (("private", "shared"), ("b0", "b1")):
        assert 25.0 < abs(grey[one] - grey[other]), f"{one} looks as {other} does"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name, words", [("compared", "Equal, bit for bit:"),
                                         ("differs", "Different:"),
                                         ("only lean", "Not compared:")])
def test_the_verdict_is_seen_first(
    name: str, words: str, width: int, shown: Any, pages: dict[str, Path]
) -> None:
    """It stands above every figure, in the first window, larger than what is around it."""
    page = shown(pages[name], width)
    box = page.locator(".verdict").bounding_box()
    assert page.locator(".verdict strong").inner_text() == words
    assert box["y"] + box["height"] < 400
    first = page.locator(".ratio, .plot, table, .bars").first.bounding_box()
    assert box["y"] + box["height"] < first["y"]
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    assert page.locator(".facts").evaluate(size) < page.locator(".verdict").evaluate(size)


@pytest.mark.parametrize("width, kind", [(390, "narrow"), (820, "wide"), (1280, "wide")])
def test_one_drawing_of_memory_over_time_is_shown(
    width: int, kind: str, shown: Any, pages: dict[str, Path]
) -> None:
    drawn = shown(pages["compared"], width).locator(".timeline .plot:visible")
    assert 1 == drawn.count() and kind in drawn.get_attribute("class")
    least = drawn.locator("text").evaluate_all(
        "all => Math.min(...all.map(one => one.getBoundingClientRect().height))")
    assert 11.0 < least, "letters are too small"


def test_lines_of_a_plot_differ_without_colours(shown: Any, pages: dict[str, Path]) -> None:
    plots = shown(pages["many"]).evaluate("""() => [...document.querySelectorAll('.plot')].map(
        plot => [...plot.querySelectorAll('.line')].map(line => ({
            look: getComputedStyle(line.querySelector('.stroke')).strokeDasharray + ' '
                  + line.querySelector('.dot').getAttribute('d'),
            label: line.querySelector('text').textContent})))""")
    assert 12 == max(len(plot) for plot in plots)
    for plot in plots:
        assert len({line["look"] for line in plot}) == len(plot)
        assert all(line["label"] for line in plot)


def test_print_shows_what_is_folded(shown: Any, pages: dict[str, Path]) -> None:
    page = shown(pages["usual"])
    seen = "document.querySelector('.panel table').checkVisibility({contentVisibilityAuto: true})"
    assert not page.evaluate(seen)
    page.emulate_media(media="print")
    page.wait_for_function(seen, timeout=10_000)  # the next frame
    assert [] == look.overlaps(page)


def test_keyboard_reaches_the_figures_first(shown: Any, pages: dict[str, Path]) -> None:
    page = shown(pages["usual"])
    page.keyboard.press("Tab")
    assert "To the figures" == page.evaluate("document.activeElement.textContent")
    assert 0 <= page.evaluate("document.activeElement.getBoundingClientRect().left")


# The checks themselves find what they are for.


def spoil(page: Any, style: str, text: str = "spoiled 7") -> None:
    page.evaluate("""([style, text]) => {
        const added = document.createElement('div');
        added.style.cssText = style;
        added.textContent = text;
        document.querySelector('.panel').append(added);
    }""", [style, text])


def test_overlapping_text_is_found(shown: Any, pages: dict[str, Path]) -> None:
    page = shown(pages["usual"])
    assert [] == look.overlaps(page)
    spoil(page, "position: absolute; left: 48px; top: 70px")
    assert any('"spoiled 7"' in one and "overlaps" in one for one in look.overlaps(page))


def test_overlapping_labels_of_a_plot_are_found(shown: Any, pages: dict[str, Path]) -> None:
    page = shown(pages["usual"])
    page.evaluate("""() => {
        const [one, other] = document.querySelectorAll('.plot .line text');
        other.setAttribute('y', +one.getAttribute('y') + 6);
        other.setAttribute('x', one.getAttribute('x'));
    }""")
    assert 1 == len(look.overlaps(page))


@pytest.mark.parametrize("style, reason", [
    ("overflow: hidden; width: 20px; white-space: nowrap; overflow-wrap: normal", "is cut off by"),
    ("overflow: hidden; height: 8px", "is cut off by"),
    ("overflow: clip; height: 0", "is cut off by"),
    ("position: relative; left: 900px", "leaves its FIGURE"),
    ("position: relative; left: -900px", "leaves the window"),
    ("width: 3000px; height: 1px", "the page is"),
])
def test_cut_off_text_is_found(
    style: str, reason: str, shown: Any, pages: dict[str, Path]
) -> None:
    page = shown(pages["usual"])
    spoil(page, style)
    assert any(reason in one for one in look.cut_off(page))


@pytest.mark.parametrize("style", [
    "color: #8a8a8a; background: #fff", "color: rgb(0 0 0 / 40%); background: #fff",
    "color: #555; background: rgb(0 0 0 / 60%)",
])
def test_faint_text_is_found(style: str, shown: Any, pages: dict[str, Path]) -> None:
    page = shown(pages["usual"])
    spoil(page, style)
    assert 1 == len(look.contrasts(page)["found"])
