"""The documentation site: made without a warning, answers in two clicks, asks no other host."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import anuga_lean
from docs.pages import DOCS

# What a stranger asks, as words of the question on the first page; where the answer is, and the
# words that have to stand there.
QUESTIONS = {
    "How much memory do I need": ("how_much_memory.html", "anuga_lean plan --triangles 2e6"),
    "job file for Slurm": ("slurm.html", "#SBATCH --mem=4G"),
    "My run was killed": ("killed.html", "anuga_lean doctor 4711"),
    "does not start as root": ("parallel.html", "OMPI_ALLOW_RUN_AS_ROOT=1"),
    "go on after a stop": ("stopping.html", "run --guard --resume"),
    "in my own CI": ("measuring.html", "it will not fit into 4 GiB"),
    "on Windows": ("platforms.html", "Windows"),
    "in a notebook": ("quickstart.html", "import anuga_lean as anuga in the first cell"),
    "different from ANUGA": ("differences.html", "array-likes"),
    "report a bug": ("bugs.html", "anuga_lean selfcheck --json selfcheck.json"),
}
# Methods of Domain that users call and stock has not, or not with these arguments.
METHODS = {"add_step_observer", "remove_step_observer", "complete_step", "use_stock_kernels",
           "set_checkpointing"}


class Page(HTMLParser):
    """What a page holds: links in its article, all that it loads, its ids and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self.in_article = self.in_code = 0
        self.feed(path.read_text())
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        named = {name: value or "" for name, value in attrs}
        self.in_article += tag == "article"
        self.ids |= {named["id"]} if "id" in named else set()
        if tag == "a" and self.in_article:
            self.links.append(named.get("href", ""))
        if tag in ("img", "script", "iframe") and "src" in named:
            self.loaded.append(named["src"])
        if tag == "link" and named.get("rel") not in ("index", "search", "next", "prev"):
            self.loaded.append(named.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        """Note the end of the article."""
        self.in_article -= tag == "article"

    def handle_data(self, data: str) -> None:
        """Note text of the article."""
        if self.in_article:
            self.words.append(data)


def build(source: Path, target: Path, builder: str = "html") -> subprocess.CompletedProcess[str]:
    """Make a site as `make docs` does, or check its links as `make linkcheck`."""
    command = [sys.executable, "-P", "-m", "sphinx"] if sys.version_info >= (3, 11) else \
        [sys.executable, "-m", "sphinx"]
    return subprocess.run([*command, "-W", "--keep-going", "-q", "-E", "-b", builder, str(source),
                           str(target)],
                          cwd=target.parent, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    """All pages, by name of their file."""
    target = tmp_path_factory.mktemp("site") / "docs"
    done = build(DOCS, target)
    assert (0, "") == (done.returncode, done.stderr)
    yield {path.name: Page(path) for path in target.glob("*.html")}
    shutil.rmtree(target)


def goal(link: str) -> str:
    return link.partition("#")[0]


def clicks(site: dict[str, Page]) -> dict[str, int]:
    """Return how many links in the text lead from the first page to each."""
    found, todo = {"index.html": 0}, ["index.html"]
    for name in todo:
        for other in map(goal, site[name].links):
            if other in site and other not in found:
                found[other] = found[name] + 1
                todo.append(other)
    return found


def test_every_page_has_its_place(site: dict[str, Page]) -> None:
    assert {path.stem for path in DOCS.glob("*.md")} <= {Path(name).stem for name in site}


@pytest.mark.parametrize("question", QUESTIONS)
def test_ten_questions_are_answered_in_two_clicks(question: str, site: dict[str, Page]) -> None:
    page, words = QUESTIONS[question]
    assert question in site["index.html"].text
    assert 2 >= clicks(site)[page]
    assert words in site[page].text


def test_links_lead_somewhere(site: dict[str, Page]) -> None:
    wrong = []
    for name, page in site.items():
        for link in page.links:
            other, _, anchor = link.partition("#")
            if "://" in link or link.startswith(("_", "mailto:")):
                continue
            known = site.get(other or name)
            if known is None or anchor and anchor not in known.ids:
                wrong.append(f"{name}: {link}")
    assert [] == wrong


def test_nothing_is_loaded_from_another_host(site: dict[str, Page]) -> None:
    assert all(page.loaded for page in site.values())
    assert [] == [f"{name}: {address}" for name, page in site.items() for address in page.loaded
                  if re.match(r"\w+:|//", address) and not address.startswith("data:")]


def test_every_public_name_is_in_the_reference(site: dict[str, Page]) -> None:
    wanted = {f"anuga_lean.{name}" for name in anuga_lean._OWN}
    wanted |= {f"anuga_lean.Domain.{name}" for name in METHODS}
    assert set() == wanted - site["api.html"].ids


def test_every_file_is_shown(site: dict[str, Page]) -> None:
    loaded = {Path(address.partition("?")[0]).name for page in site.values()
              for address in page.loaded}
    assert set() == {path.name for path in (DOCS / "_static").iterdir()} - loaded


def made_of(folder: Path) -> Path:
    """Return a folder of sources that has what ours has beside its pages."""
    source = folder / "source"
    source.mkdir()
    (source / "_static").mkdir()
    (source / "_static" / "site.css").touch()
    shutil.copy(DOCS / "conf.py", source)
    return source


def test_a_host_that_is_not_reached_is_named(tmp_path: Path) -> None:
    source = made_of(tmp_path)
    (source / "index.md").write_text("# Title\n\n[a](https://nowhere.invalid/a)\n")
    done = build(source, tmp_path / "made", "linkcheck")
    assert 1 == done.returncode
    assert "nowhere.invalid cannot be reached from this machine" in done.stderr


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    source = made_of(tmp_path)
    text = "# Title\n\n[a](none.md) [b](other.md#none)\n\n```{toctree}\nother\n```\n"
    (source / "index.md").write_text(text)
    (source / "other.md").write_text("# Other\n")
    done = build(source, tmp_path / "made")
    assert 1 == done.returncode
    assert "none.md" in done.stderr and "'none'" in done.stderr


def test_the_pictures_are_of_the_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    pictures = importlib.import_module("pictures")
    assert 0 == pictures.main(["--check"])
    other = tmp_path / "memory.svg"
    other.write_text(pictures.BARS.read_text().replace("width=", "height=", 1))
    monkeypatch.setattr(pictures, "BARS", other)
    assert 1 == pictures.main(["--check"])
    assert "is not of the figures of" in capsys.readouterr().err


def test_the_flood_moves_and_is_small(tmp_path: Path) -> None:
    from PIL import Image
    pictures = importlib.import_module("pictures")
    with Image.open(pictures.FLOOD) as picture:
        assert pictures.FRAMES == picture.n_frames
    assert pictures.LARGEST > pictures.FLOOD.stat().st_size
    other = tmp_path / "flood.webp"
    pictures.draw_flood(other, refine=0, frames=3)
    with Image.open(other) as picture:
        assert (3, pictures.WIDTH) == (picture.n_frames, picture.width)
