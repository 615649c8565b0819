"""Puts the page together: headlines, what is missing, sections, every record, machines.

Owns the order and the choice of headlines; the sections are memory.py's and
speed.py's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean.measure.page import charts, evolving, memory, speed
from anuga_lean.measure.page.charts import Value
from anuga_lean.measure.page.model import Card, Headline, Page, Problem, Section, Table
from anuga_lean.measure.page.shown import Entry, Shown, subtitle
from anuga_lean.measure.page.wording import (
    amount,
    build_name,
    date,
    figure_name,
    figure_text,
    full_name,
    mebibytes,
    number,
    plural,
    spread_text,
)
from anuga_lean.measure.records import SUITES, Night

HEADLINES = (("memory", "held"), ("memory", "rss_slope"), ("memory", "peak_evolve"),
             ("memory", "peak_build"), ("speed", speed.SPEED), ("evolve", "evolve_seconds"),
             ("checkpoint", "later"))
CHECKPOINTS = ("Bytes of the files, memory above what the run holds already, and time, of the "
               "first checkpoint, of those after it and of loading.")
PATCHES = ("ANUGA's own tests with each patch of patches/; one that was refused is named at the "
           "top, with the reason, its memory and time are with those of the builds.")


class Unreadable(NamedTuple):
    """A file that is not on the page, and why in one sentence."""

    path: Path
    reason: str


class Beside(NamedTuple):
    """A section of something else than nights, which comes first.

    Attributes
    ----------
    section : Section
    summary : str
        A sentence at the top.
    files : list of list of str
        File, date, commit and what it holds, a row each.
    """

    section: Section
    summary: str
    files: list[list[str]]


def page_of(nights: Sequence[Night], unreadable: Iterable[Unreadable] = (),
            beside: Beside | None = None) -> Page:
    """Return the page of some nights.

    Parameters
    ----------
    nights : sequence of Night
        In any order.
    unreadable : iterable of Unreadable
        Named on the page as missing.
    beside : Beside, optional
        Without nights the page is of this alone.
    """
    shown = Shown(nights)
    unreadable = list(unreadable)
    sections = [
        memory.held(shown),
        memory.figures(shown, "memory", "instruments", "Memory by instrument",
                       "The same runs as several instruments see them; bytes per triangle are "
                       "slopes between two meshes, so that libraries cancel, or a census."),
        memory.stages(shown),
        memory.ranks(shown),
        memory.sites(shown),
        speed.against_size(shown),
        evolving.split(shown),
        evolving.instructions(shown),
        speed.ratios(shown),
        memory.figures(shown, "checkpoint", "checkpoints", "Checkpoints", CHECKPOINTS),
        memory.figures(shown, "ranks", "parallel", "Parallel runs",
                       "Figures of runs on several ranks."),
        memory.figures(shown, "patches", "patches", "Patches for ANUGA", PATCHES),
        speed.history(shown),
    ]
    title, summary = "Stock ANUGA against anuga_lean", _summary(shown)
    files = _files(shown, unreadable)
    if beside is not None:
        sections.insert(0, beside.section)
        files.rows[len(shown.nights):len(shown.nights)] = beside.files
        title = title if nights else beside.section.title
        summary = f"{summary} {beside.summary}" if nights else beside.summary
    return Page(title, summary, _measured(shown), _headlines(shown), _problems(shown, unreadable),
                [section for section in sections if section.panels], _cards(shown),
                _machines(shown), files)


def _summary(shown: Shown) -> str:
    entries = shown.entries
    if not entries:
        return "No figures: none of the stored records holds any."
    scenarios = len({entry.record.scenario for entry in entries})
    figures = sum(len(entry.record.figures) for entry in entries)
    return (f"{plural(figures, 'figure')} of {plural(scenarios, 'scenario')} on "
            f"{plural(len(shown.builds), 'build')} ({', '.join(shown.builds)}), from "
            f"{plural(len(shown.nights), 'file')}.")


def _measured(shown: Shown) -> list[str]:
    """Return date, commit and machine class of the newest night."""
    if not shown.nights:
        return []
    night = shown.nights[-1]
    machine = night.machine
    words = [date(night.date), f"commit {night.commit or 'not known'}"]
    if machine.get("processor"):
        words.append(str(machine["processor"]))
    if machine.get("cores"):
        words.append(f"{machine['cores']} cores")
    return words


def _headlines(shown: Shown) -> list[Headline]:
    """Return each headline figure of the case with the largest mesh that stock and lean have."""
    found = []
    for suite, name in HEADLINES:
        pairs = []
        for case in shown.cases(suite, "figures"):
            having = {entry.record.build: entry for entry in case
                      if name in entry.record.figures}
            if "stock" in having and "lean" in having:
                pairs.append((having["stock"], having["lean"]))
        if pairs:
            best = max(pairs, key=lambda pair: (pair[1].record.triangles or [0])[-1])
            found.append(_headline(shown, name, *best))
    return found


def _headline(shown: Shown, name: str, stock: Entry, lean: Entry) -> Headline:
    values = []
    for entry in (stock, lean):
        figure = entry.record.figures[name]
        value, text = figure.value, figure_text(figure)
        point = speed.per_triangle(entry.record) if name == speed.SPEED else None
        if point is not None:
            value, text = point[1], amount(point[1], "ns/tri")
        build = entry.record.build
        values.append(Value(build_name(build), shown.look(build), value, text))
    least, most = values[1].value, values[0].value
    ratio = f"{number(most / least)}×" if least > 0 else "–"
    title = figure_name(name)
    bars = charts.bars("", f"{title}, {stock.record.scenario}", {"": values})
    return Headline(title, ratio, f"{stock.record.scenario}, {subtitle([stock, lean])}", bars)


def _problems(shown: Shown, unreadable: list[Unreadable]) -> list[Problem]:
    files = [Problem(f"File {path}", reason) for path, reason in unreadable]
    return files + [Problem(full_name(entry.record), str(entry.record.error),
                            entry.record.command) for entry in shown.failed]


def _cards(shown: Shown) -> dict[str, list[Card]]:
    """Return all figures of every record, by suite."""
    entries = shown.entries + shown.failed
    suites = dict.fromkeys([*SUITES, *(entry.record.suite for entry in entries)])
    found = {suite: [_card(entry, shown) for entry in entries if entry.record.suite == suite]
             for suite in suites}
    return {suite: cards for suite, cards in found.items() if cards}


def _card(entry: Entry, shown: Shown) -> Card:
    record, night = entry.record, entry.night
    words = [full_name(record).partition(", ")[2].partition(", ")[2], record.version,
             plural(record.repeats, "run")]
    if len(shown.nights) > 1:
        words.append(f"{date(night.date)}, commit {night.commit or 'not known'}")
    rows = [[name, figure_text(figure), spread_text(figure),
             "" if figure.gate is None else
             "must not fall" if figure.gate == "ratio" else "must not grow"]
            for name, figure in record.figures.items()]
    table = Table("", ["figure", "value", "spread", "gate"], rows)
    return Card(f"{record.scenario}, {record.build}", ", ".join(filter(None, words)), table,
                record.command, record.error or "")


def _machines(shown: Shown) -> list[Table]:
    """Return every machine the nights ran on, with what is known of it."""
    found: dict[str, tuple[Mapping[str, Any], list[str]]] = {}
    for night in shown.nights:
        key = json.dumps(night.machine, sort_keys=True, default=str)
        found.setdefault(key, (night.machine, []))[1].append(date(night.date))
    return [Table(f"Nights of {', '.join(dict.fromkeys(dates))}", ["", ""],
                  _facts(machine), 2)
            for machine, dates in reversed(found.values()) if machine]


def _facts(machine: Mapping[str, Any], before: str = "") -> list[list[str]]:
    rows = []
    for name, value in machine.items():
        label = f"{before}{name}".replace("_", " ") if not before else f"{before}{name}"
        if isinstance(value, Mapping):
            rows += _facts(value, f"{name}: ")
        elif (name == "memory_total" or before == "limits: ") and isinstance(value, int):
            rows.append([label, mebibytes(value)])
        elif name == "page_size":
            rows.append([label, f"{value} bytes"])
        else:
            rows.append([label, _fact(value, bool(before))])
    return rows


def _fact(value: Any, inner: bool) -> str:
    if value is None:
        return "none" if inner else "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _files(shown: Shown, unreadable: list[Unreadable]) -> Table:
    rows = [[str(night.path), date(night.date), night.commit or "not known",
             plural(len(night.records), "record")] for night in shown.nights]
    rows += [[str(path), "–", "–", f"not read: {reason}"] for path, reason in unreadable]
    return Table("Files", ["file", "measured", "commit", "holds"], rows, 4)
