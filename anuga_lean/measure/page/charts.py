"""Turns numbers into charts: lengths of bars, ticks, paths of lines, and texts in their place.

Owns the geometry; figures.html draws it, page.css paints it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from anuga_lean.measure.page.model import (
    Bar,
    Bars,
    Dot,
    Group,
    Key,
    Line,
    Lines,
    Part,
    Piece,
    Strip,
    Tick,
)
from anuga_lean.measure.page.shown import DASHES, MARKERS

WIDTH, HEIGHT = 320.0, 232.0  # a phone's column, so that text is drawn at its size
LEFT, TOP, BOTTOM = 50.0, 12.0, 28.0
SECOND_ROW = 14.0  # of the labels of x, where they are staggered
CHARACTER = 7.4  # of the widest digits and letters at 12 px
LONGEST_LABEL = 12  # characters; the legend has all of a longer one
LABEL_HEIGHT = 15.0
STRIP = 18.0  # height of a row below a chart
BESIDE = 4.0  # marks of a strip that are nearer to each other show as one


@dataclass
class Value:
    """A bar before it is drawn: its label, its look, its value and the value as text."""

    label: str
    look: str
    value: float
    text: str


def bars(title: str, about: str, groups: Mapping[str, Iterable[Value]], mark: float | None = None,
         legend: Iterable[Key] = (), longest: float | None = None) -> Bars:
    """Return a bar chart, the longest bar as wide as there is room.

    Parameters
    ----------
    title, about : str
        Begin the text alternative; the title stands above the chart, too.
    groups : mapping of str to iterable of Value
        Bars by heading, in order.
    mark : float, optional
        Value of a tick on every bar.
    longest : float, optional
        Value of a bar as wide as there is room; the largest if left out.
    """
    found = {label: list(values) for label, values in groups.items()}
    if longest is None:
        longest = max((value.value for values in found.values() for value in values), default=0.0)
    tick = None if mark is None or not 0 < mark <= longest else share(mark, longest)
    drawn = [Group(label, [Bar(value.label, value.text, parts((value.look, value.value, longest)),
                               tick) for value in values])
             for label, values in found.items()]
    said = "; ".join(f"{label}: {_said(values)}" if label else _said(values)
                     for label, values in found.items())
    return Bars(f"{', '.join(filter(None, (title, about)))}. {said}.", drawn, title, list(legend))


def parts(*given: tuple[str, float, float]) -> list[Part]:
    """Return the stretches of a bar from looks, values and longest value; none of length 0."""
    found = [Part(look, share(value, longest)) for look, value, longest in given]
    return [part for part in found if part.percent]


def _said(values: Iterable[Value]) -> str:
    return ", ".join(f"{value.label} {value.text}".strip() for value in values)


def share(value: float, longest: float) -> float:
    """Return a length in per cent; 0 for a value that is not above zero."""
    return round(100.0 * value / longest, 2) if longest > 0 and value > 0 else 0.0


@dataclass
class Series:
    """A line before it is drawn.

    Attributes
    ----------
    name, short : str
        In the legend and at the line's end.
    look : str
    position : int
        Gives dash and marker.
    points : list of (float, float)
    texts : list of str
        Each point in words, for the text alternative.
    legend : str
        Behind the name in the legend.
    most_dots : int
        Points that are marked and said, the highest and the last among them; 0: all.
    """

    name: str
    short: str
    look: str
    position: int
    points: list[tuple[float, float]]
    texts: list[str]
    legend: str = ""
    most_dots: int = 0

    def chosen(self) -> list[int]:
        """Return which points are marked."""
        count = len(self.points)
        if not self.most_dots or count <= self.most_dots:
            return list(range(count))
        highest = max(range(count), key=lambda k: self.points[k][1])
        apart = (count - 1) / max(1, self.most_dots - 2)
        return sorted({highest, *(round(k * apart) for k in range(self.most_dots - 1))})


@dataclass
class Below:
    """A strip before it is drawn: stretches as (from, to, look, text), marks as (at, text)."""

    label: str
    look: str = ""
    marker: str = ""
    stretches: Sequence[tuple[float, float, str, str]] = ()
    marks: Sequence[tuple[float, str]] = ()


@dataclass
class Axes:
    """The range of both axes and their ticks; `log` makes x logarithmic."""

    x_ticks: list[tuple[float, str]]
    y_ticks: list[float]
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False
    staggered: bool = False  # labels of x in two rows
    right: float = 0.0  # where the labels at the ends of the lines begin

    def place_x(self, value: float) -> float:
        """Return the place of a value, in the units of the chart."""
        low, high, value = (
            (math.log10(one) for one in (*self.x, value)) if self.log else (*self.x, value))
        along = 0.5 if high == low else (value - low) / (high - low)
        return round(LEFT + 8 + along * (self.right - LEFT - 16), 1)

    def place_y(self, value: float) -> float:
        """Return the place of a value, in the units of the chart."""
        low, high = self.y
        along = 0.5 if high == low else (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - along * (HEIGHT - BOTTOM - TOP), 1)


def lines(title: str, series: Sequence[Series], axes: Axes,
          tick_text: Callable[[float], str], below: Sequence[Below] = ()) -> Lines:
    """Return a line chart with the name of every line at its end, and strips below it."""
    label_width = max(len(shortened(one.short)) for one in series) * CHARACTER + 16
    axes.right = WIDTH - label_width
    drawn = []
    for one in series:
        places = [(axes.place_x(x), axes.place_y(y)) for x, y in one.points]
        dots = [Dot(*places[k], one.texts[k]) for k in one.chosen()]
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
        key = Key(f"{one.name}{one.legend}", one.look, DASHES[one.position % len(DASHES)],
                  MARKERS[one.position % len(MARKERS)])
        drawn.append(Line(key, path, dots, shortened(one.short), dots[-1].y))
    rows = spaced([line.label_y for line in drawn], LABEL_HEIGHT, TOP, HEIGHT - BOTTOM)
    for line, row in zip(drawn, rows, strict=True):
        line.label_y = row
    said = " ".join(f"{one.name}: {', '.join(one.texts[k] for k in one.chosen())}."
                    for one in series)
    height = HEIGHT + SECOND_ROW * axes.staggered
    strips = [_strip(one, axes, height + STRIP * (k + 0.5)) for k, one in enumerate(below)]
    height += STRIP * len(strips)
    return Lines(title, said, WIDTH, height, LEFT, axes.right, TOP, HEIGHT - BOTTOM,
                 [Tick(axes.place_x(value), text, k % 2 if axes.staggered else 0)
                  for k, (value, text) in enumerate(axes.x_ticks)],
                 [Tick(axes.place_y(value), tick_text(value)) for value in axes.y_ticks], drawn,
                 strips)


def _strip(given: Below, axes: Axes, y: float) -> Strip:
    pieces = []
    for begin, end, look, text in given.stretches:
        left, right = axes.place_x(begin), axes.place_x(end)
        pieces.append(Piece(left, round(max(1.0, right - left), 1), look, text))
    marks: list[Dot] = []
    for at, text in given.marks:
        x = axes.place_x(at)
        if not marks or x - marks[-1].x >= BESIDE:
            marks.append(Dot(x, y, text))
        else:   # the newest of those that are too near to be told apart
            marks[-1].text = text
    return Strip(given.label, y, pieces, marks, given.marker, given.look)


def spaced(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return places for labels near where they are wanted, none on another."""
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    apart = min(apart, (high - low) / max(1, len(wanted) - 1))
    places = [0.0] * len(wanted)
    floor = low
    for k in order:
        places[k] = max(wanted[k], floor)
        floor = places[k] + apart
    ceiling = high
    for k in reversed(order):
        places[k] = round(min(places[k], ceiling), 1)
        ceiling = places[k] - apart
    return places


def round_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return about so many round numbers that enclose a range."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * factor for factor in (1, 2, 2.5, 5) if power * factor >= rough),
                power * 10)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, max(last, first + 1) + 1)]


def log_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return numbers such as 10, 20, 50 within a range of a logarithmic axis."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [factor * 10.0**power for power in powers for factor in factors
                 if low <= factor * 10.0**power <= high]
        if len(found) <= most:
            return found if len(found) > 1 else sorted({low, high})
    return found[:: math.ceil(len(found) / most)]


def shortened(text: str, most: int = LONGEST_LABEL) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= most else text[: max(1, most - 1)] + "…"
