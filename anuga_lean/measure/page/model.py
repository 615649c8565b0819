"""Holds what a page shows, in the words of the templates: sections, panels, charts, tables.

Owns the containers and nothing that fills them.  All text is plain: the
templates escape it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Part:
    """A stretch of a bar: its look (a class of page.css) and its length in per cent."""

    look: str
    percent: float


@dataclass
class Bar:
    """A labelled bar; `mark` is a tick on it, in per cent."""

    label: str
    text: str
    parts: list[Part]
    mark: float | None = None


@dataclass
class Group:
    """Bars under one heading."""

    label: str
    bars: list[Bar]


@dataclass
class Key:
    """An entry of a legend: a look of page.css, or dash and marker of a line."""

    label: str
    look: str
    dash: str = ""
    marker: str = ""


@dataclass
class Bars:
    """A bar chart."""

    alt: str
    groups: list[Group]
    title: str = ""
    legend: list[Key] = field(default_factory=list)


@dataclass
class Tick:
    """A line of the grid: its place, its label, and in which row the label stands."""

    place: float
    text: str
    row: int = 0


@dataclass
class Dot:
    """A point of a line, and what it says when pointed at."""

    x: float
    y: float
    text: str


@dataclass
class Line:
    """A series: `path` and `dots` in the chart's units, and its label beside the last dot."""

    key: Key
    path: str
    dots: list[Dot]
    label: str
    label_y: float


@dataclass
class Piece:
    """A stretch of a strip: where it begins, its width, its look, and what it says."""

    x: float
    width: float
    look: str
    text: str


@dataclass
class Strip:
    """A row below a line chart, on its x axis: stretches, and marks of one shape."""

    label: str
    y: float
    pieces: list[Piece]
    marks: list[Dot]
    marker: str
    look: str


@dataclass
class Lines:
    """A line chart in the units of its viewBox; `keys` are of what its strips show.

    `cloud` are points of no line, in the colour of the others' edges.
    """

    title: str
    alt: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    strips: list[Strip] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    cloud: list[Dot] = field(default_factory=list)

    @property
    def legend(self) -> list[Key]:
        """Return what each line, and each look of a strip, stands for."""
        return [*(line.key for line in self.lines), *self.keys]


@dataclass
class Table:
    """Text in cells, the first `texts` columns left, the others right aligned."""

    caption: str
    head: list[str]
    rows: list[list[str]]
    texts: int = 1


@dataclass
class Command:
    """The command that measures something again."""

    label: str
    text: str


@dataclass
class Panel:
    """A picture or two of one case, the tables behind it and how it was measured."""

    id: str
    title: str
    subtitle: str
    charts: Sequence[Bars | Lines]
    tables: list[Table]
    commands: list[Command]
    notes: list[str] = field(default_factory=list)


@dataclass
class Section:
    """Panels on one question."""

    id: str
    title: str
    intro: str
    panels: list[Panel]


@dataclass
class Headline:
    """A figure of stock and of lean, and how many times the second fits into the first."""

    title: str
    ratio: str
    where: str
    bars: Bars


@dataclass
class Problem:
    """Something that is not on the page, and why."""

    what: str
    why: str
    command: str = ""


@dataclass
class Card:
    """All figures of one record."""

    title: str
    subtitle: str
    table: Table
    command: str
    error: str = ""


@dataclass
class Page:
    """All that a page shows."""

    title: str
    summary: str
    measured: list[str]
    headlines: list[Headline]
    problems: list[Problem]
    sections: list[Section]
    cards: dict[str, list[Card]]
    machines: list[Table]
    files: Table


@dataclass
class Failure:
    """Members that ended alike: what is said of them, their names, and the lines that say so."""

    title: str
    subtitle: str
    names: str
    evidence: list[str]
    command: str


@dataclass
class StudyPage(Page):
    """All that the page of a study shows."""

    failures: list[Failure] = field(default_factory=list)
    retried: Table | None = None
