"""Draws memory over time of the runs of a comparison, with their stages below, for two widths.

Owns the geometry; compared.html draws it, page.css paints it and shows the one that fits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from anuga_lean.measure.page.charts import round_ticks, spaced
from anuga_lean.measure.page.model import Tick
from anuga_lean.measure.page.wording import number

MIB, GIB = 2**20, 2**30
CHARACTER = 7.2  # of the widest digits and letters at 12 px
BOLD = 8.0       # the same of bold ones
LABEL = 17.0     # from one label at the end of a line to the next
ROW = 44.0       # of a run's stages below the axis, with their heading
BAR = 20.0       # height of a stage
TOP, UNDER = 14.0, 30.0


@dataclass
class Run:
    """Memory of one run before it is drawn.

    Attributes
    ----------
    name, look : str
    points : list of (float, float)
        Seconds since its start and bytes.
    stages : list of (str, float, float)
        Name, begin and end, s.
    peak : float
        Bytes, of the process itself; samples may miss it.
    """

    name: str
    look: str
    points: list[tuple[float, float]]
    stages: list[tuple[str, float, float]]
    peak: float


@dataclass
class Stretch:
    """A stage below the chart; `text` is what it has room for."""

    x: float
    width: float
    text: str
    title: str
    odd: bool


@dataclass
class Row:
    """The stages of a run below the chart."""

    heading: str
    y: float
    look: str
    stretches: list[Stretch]


@dataclass
class Curve:
    """A run's line, the area below it, and the label at its end."""

    look: str
    path: str
    area: str
    end: tuple[float, float]
    label: str
    label_y: float


@dataclass
class Drawing:
    """The chart at one width."""

    kind: str
    width: float
    height: float
    left: float
    right: float
    bottom: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    curves: list[Curve]
    rows: list[Row]


@dataclass
class Timeline:
    """The chart in words, and as drawings of which one is shown."""

    alt: str
    drawings: list[Drawing]


def timeline(runs: Sequence[Run]) -> Timeline:
    """Return memory over time of some runs, on one pair of axes that begin at zero."""
    said = " ".join(
        f"{run.name}: {_nbytes(run.peak)} at most within {_seconds(run.points[-1][0])}; stages "
        + ", ".join(f"{name} from {_seconds(begin)} to {_seconds(end)}"
                    for name, begin, end in run.stages) + "." for run in runs)
    return Timeline(said, [_drawing(runs, "wide", 860.0, 260.0),
                           _drawing(runs, "narrow", 330.0, 220.0)])


def _drawing(runs: Sequence[Run], kind: str, width: float, plot: float) -> Drawing:
    labels = [f"{run.name}, {_nbytes(run.peak)}" if kind == "wide" else _nbytes(run.peak)
              for run in runs]
    right = width - 16.0 - BOLD * max(len(label) for label in labels)
    bottom = TOP + plot
    last = max(run.points[-1][0] for run in runs)
    most = max(max(value for _, value in run.points) for run in runs)
    unit = GIB if most >= 4 * GIB else MIB
    y_ticks = round_ticks(0.0, most / unit, 4)
    unit_text = "GiB" if unit == GIB else "MiB"
    y_texts = [f"{_plain(tick)} {unit_text}" for tick in y_ticks]
    left = 12.0 + CHARACTER * max(len(text) for text in y_texts)
    top = y_ticks[-1] * unit
    minutes = 60.0 if last > 300.0 else 1.0
    x_ticks = [tick for tick in round_ticks(0.0, last / minutes, 6 if kind == "wide" else 3)
               if tick * minutes <= last * 1.0001]

    def x_of(seconds: float) -> float:
        return round(left + seconds / last * (right - left), 1)

    def y_of(nbytes: float) -> float:
        return round(bottom - nbytes / top * plot, 1)

    curves = []
    for run, label in zip(runs, labels, strict=True):
        places = [(x_of(seconds), y_of(nbytes)) for seconds, nbytes in run.points]
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
        area = f"{path}L{places[-1][0]:g} {bottom:g}L{places[0][0]:g} {bottom:g}Z"
        curves.append(Curve(run.look, path, area, places[-1], label, places[-1][1]))
    for curve, y in zip(curves, spaced([curve.label_y for curve in curves], LABEL, TOP, bottom),
                        strict=True):
        curve.label_y = y
    rows = []
    for k, run in enumerate(runs):
        y = bottom + UNDER + k * ROW + 14.0
        stretches = []
        for position, (name, begin, end) in enumerate(run.stages):
            x, wide = x_of(begin), round(max(1.0, x_of(end) - x_of(begin)), 1)
            brief = str(position + 1)
            fitting = [text for text in (f"{brief} {name}", brief)
                       if len(text) * CHARACTER + 8.0 <= wide]
            stretches.append(Stretch(x, wide, fitting[0] if fitting else "",
                                     f"{name}: {_seconds(end - begin)}", bool(position % 2)))
        rows.append(Row(f"stages of {run.name}", y, run.look, stretches))
    return Drawing(kind, width, bottom + UNDER + len(runs) * ROW, left, right, bottom,
                   [Tick(x_of(tick * minutes),
                         f"{_plain(tick)} {'min' if minutes > 1 else 's'}") for tick in x_ticks],
                   [Tick(y_of(tick * unit), text)
                    for tick, text in zip(y_ticks, y_texts, strict=True)],
                   curves, rows)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if math.isclose(value, round(value)) else f"{value:,.4g}"


def _nbytes(value: float) -> str:
    return f"{number(value / GIB)} GiB" if value >= 4 * GIB else f"{number(value / MIB)} MiB"


def _seconds(value: float) -> str:
    return f"{value / 60:.1f} min" if value >= 300.0 else f"{value:.1f} s"
