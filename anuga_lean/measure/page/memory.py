"""Makes the panels on memory: held arrays, instruments, stages, ranks, call sites.

Owns what is summed and said; charts.py draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anuga_lean.arrays.census import SECTIONS
from anuga_lean.measure.page import charts
from anuga_lean.measure.page.charts import Value
from anuga_lean.measure.page.model import Bar, Bars, Group, Key, Panel, Section, Table
from anuga_lean.measure.page.shown import Entry, Shown, commands, labels, subtitle, title
from anuga_lean.measure.page.wording import (
    MIB,
    amount,
    figure_name,
    figure_text,
    mebibytes,
    number,
    plural,
    spread_text,
    unit_name,
)

LEAST_SHOWN = 0.05  # B/tri; smaller groups are left to the table
RANK_SUMS = (
    "RSS counts a page that several ranks share once for each of them, PSS divides it among "
    "those that use it, USS leaves it out: the sum of PSS is what the machine gives, and what "
    "the sum of RSS is above it is counted more than once."
)


def held(shown: Shown) -> Section:
    """Return the section on the B/tri of the census by group of arrays."""
    panels: list[Panel] = []
    for case in shown.cases("memory", "groups"):
        names = labels(case)
        totals = [by_section(entry.record.groups) for entry in case]
        sections = _in_order({name for total in totals for name in total})
        groups = {"all": _values(shown, case, names, [sum(total.values()) for total in totals])}
        for section in sections:
            values = [total.get(section, 0.0) for total in totals]
            told = [value for one, value in zip(values, _values(shown, case, names, values),
                                                strict=True) if one >= LEAST_SHOWN]
            if told:
                groups[section] = told
        tables = [columns(f"Bytes per triangle by {what}", what, names,
                           [getattr(entry.record, having) for entry in case])
                  for what, having in (("group", "groups"), ("array", "arrays"))
                  if any(getattr(entry.record, having) for entry in case)]
        panels.append(Panel(
            f"held-{len(panels)}", title(case), subtitle(case),
            [charts.bars("bytes per triangle", title(case), groups)],
            tables, commands(case), shown.absent(case)))
    return Section("held", "Which arrays hold memory",
                   "Census of the model after its last step: bytes per triangle, by group of "
                   "arrays.", panels)


def figures(shown: Shown, suite: str, ident: str, heading: str, intro: str) -> Section:
    """Return the section on a suite's figures by unit, builds side by side, without ratios."""
    panels: list[Panel] = []
    for case in shown.cases(suite, "figures"):
        names = labels(case)
        units = dict.fromkeys(figure.unit for entry in case
                              for figure in entry.record.figures.values() if figure.unit != "x")
        drawn = [_of_unit(shown, case, names, unit) for unit in units]
        rows = [[figure_name(name), name, label, figure_text(figure), spread_text(figure)]
                for name in _names(case) for label, entry in zip(names, case, strict=True)
                if (figure := entry.record.figures.get(name)) is not None]
        if drawn:
            head = ["figure", "name", "build", "value", "spread"]
            panels.append(Panel(f"{ident}-{len(panels)}", title(case), subtitle(case), drawn,
                                [Table("Every figure", head, rows, 3)], commands(case),
                                shown.absent(case)))
    return Section(ident, heading, intro, panels)


def stages(shown: Shown) -> Section:
    """Return the section on the peak RSS by stage, of every suite that has stages."""
    panels: list[Panel] = []
    cases = [case for suite in ("memory", "ranks", "speed", "checkpoint")
             for case in shown.cases(suite, "stages")]
    for case in cases:
        names = labels(case)
        found = dict.fromkeys(stage for entry in case for stage in entry.record.stages)
        groups: dict[str, list[Value]] = {stage: [] for stage in found}
        rows = []
        for stage in found:
            for label, entry in zip(names, case, strict=True):
                at = entry.record.stages.get(stage)
                if at is None:
                    continue
                peak = at.get("peak_rss")
                groups[stage].append(Value(label, shown.look(entry.record.build), peak or 0.0,
                                           mebibytes(peak)))
                seconds = at.get("seconds")
                rows.append([stage, label, "–" if seconds is None else amount(seconds, "s"),
                             *(mebibytes(at.get(kind))
                               for kind in ("rss", "pss", "uss", "peak_rss"))])
        head = ["stage", "build", "time", "RSS", "PSS", "USS", "peak RSS"]
        panels.append(Panel(
            f"stages-{len(panels)}", title(case), subtitle(case),
            [charts.bars("peak RSS", title(case), groups)],
            [Table("Each stage", head, rows, 2)], commands(case), shown.absent(case)))
    return Section("stages", "Peak of each stage",
                   "Largest resident memory of the process from the beginning of a stage to its "
                   "end, libraries and interpreter included.", panels)


def ranks(shown: Shown) -> Section:
    """Return the section on the memory of every rank, shared and private, and its sums."""
    panels: list[Panel] = []
    for case in (case for suite in ("ranks", "memory") for case in shown.cases(suite, "ranks")):
        for label, entry in zip(labels(case), case, strict=True):
            panels.append(_rank_panel(shown, f"ranks-{len(panels)}", label, entry, case))
    return Section("ranks", "Memory of each rank", RANK_SUMS if panels else "", panels)


def sites(shown: Shown) -> Section:
    """Return the section on the lines of code that allocate what is alive at the peak."""
    panels: list[Panel] = []
    for case in shown.cases("memory", "sites"):
        for label, entry in zip(labels(case), case, strict=True):
            look = shown.look(entry.record.build)
            values = {
                str(site.get("site")): [Value("", look, float(site.get("nbytes") or 0.0),
                                              f"{mebibytes(site.get('nbytes'))}, "
                                              f"{site.get('share') or 0.0:.0%}")]
                for site in entry.record.sites}
            rows = [[str(site.get("site")), f"{site.get('nbytes') or 0:,}",
                     f"{site.get('share') or 0.0:.1%}"] for site in entry.record.sites]
            name = f"{title([entry])}, {label}"
            panels.append(Panel(
                f"sites-{len(panels)}", name, subtitle([entry]),
                [charts.bars("alive at the peak", name, values)],
                [Table("Call sites of the peak", ["call site", "bytes", "share"], rows)],
                commands([entry])))
    return Section("sites", "Who makes the peak",
                   "Call sites whose memory was alive when it was highest, largest first.", panels)


def _of_unit(shown: Shown, case: list[Entry], names: list[str], unit: str) -> Bars:
    groups: dict[str, list[Value]] = {}
    for name in _names(case):
        for label, entry in zip(names, case, strict=True):
            figure = entry.record.figures.get(name)
            if figure is not None and figure.unit == unit:
                groups.setdefault(figure_name(name), []).append(
                    Value(label, shown.look(entry.record.build), figure.value,
                          amount(figure.value, "s") if unit == "s" else number(figure.value)))
    return charts.bars(unit_name(unit), title(case), groups)


def _names(case: list[Entry]) -> list[str]:
    return list(dict.fromkeys(name for entry in case for name in entry.record.figures))


def _values(shown: Shown, case: list[Entry], names: list[str],
            values: list[float]) -> list[Value]:
    return [Value(label, shown.look(entry.record.build), value, number(value))
            for label, entry, value in zip(names, case, values, strict=True)]


def by_section(groups: Mapping[str, float]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for name, value in groups.items():
        section = name.partition("/")[0]
        totals[section] = totals.get(section, 0.0) + value
    return totals


def _in_order(names: set[str]) -> list[str]:
    order = {section: position for position, section in enumerate(SECTIONS)}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def columns(caption: str, what: str, names: list[str],
             found: list[dict[str, float]]) -> Table:
    every = dict.fromkeys(name for one in found for name in one)
    rows = [[name, *(f"{one[name]:,.2f}" if name in one else "–" for one in found)]
            for name in every]
    rows.append(["all", *(f"{sum(one.values()):,.2f}" for one in found)])
    if len(found) == 2:
        stock, lean = found
        pairs = [(stock.get(name), lean.get(name)) for name in every]
        pairs.append((sum(stock.values()), sum(lean.values())))
        for row, (one, other) in zip(rows, pairs, strict=True):
            row.append(f"{one / other:,.2f}" if one and other else "")
        names = [*names, "times less"]
    return Table(caption, [what, *names], rows)


def _rank_panel(shown: Shown, ident: str, label: str, entry: Entry, case: list[Entry]) -> Panel:
    """Return the panel of one build; bars of all builds of the case have one scale."""
    found = entry.record.ranks
    name = f"{title([entry])}, {label}"
    longest = max(rank.get("rss") or 0.0 for each in case for rank in each.record.ranks)
    most = max(sum(rank.get("rss") or 0.0 for rank in each.record.ranks) for each in case)
    drawn = [_rank_bar(rank, longest) for rank in found]
    said = "; ".join(f"{bar.label}: {_rank_said(rank)}"
                     for bar, rank in zip(drawn, found, strict=True))
    legend = [Key("private (USS)", "private"), Key("shared (RSS less USS)", "shared"),
              Key("PSS", "mark")]
    look = shown.look(entry.record.build)
    sums = [(kind.upper(), sum(rank[kind] for rank in found)) for kind in ("rss", "pss", "uss")
            if all(rank.get(kind) is not None for rank in found)]
    together = charts.bars(
        f"sums over {plural(len(found), 'rank')}", name,
        {"": [Value(kind, look, total, mebibytes(total)) for kind, total in sums]}, longest=most)
    each = Bars(f"Resident memory of each rank, {name}. {said}.", [Group("", drawn)],
                "each rank", legend)
    head = ["rank", "triangles", "RSS", "PSS", "USS", "peak RSS"]
    rows = [[str(rank.get("rank")), f"{rank.get('number_of_triangles') or 0:,}",
             *(mebibytes(rank.get(kind)) for kind in ("rss", "pss", "uss", "peak_rss"))]
            for rank in found]
    known = dict(sums)
    rows.append(["sum", f"{sum(rank.get('number_of_triangles') or 0 for rank in found):,}",
                 *(mebibytes(known.get(kind)) for kind in ("RSS", "PSS", "USS")), "–"])
    return Panel(ident, name, subtitle([entry]), [each, together],
                 [Table("Each rank", head, rows)], commands([entry]))


def _rank_bar(rank: Mapping[str, Any], longest: float) -> Bar:
    rss, pss, uss = (rank.get(kind) for kind in ("rss", "pss", "uss"))
    resident = rss or 0.0
    private = resident if uss is None else min(uss, resident)
    parts = charts.parts(("private", private, longest), ("shared", resident - private, longest))
    mark = None if pss is None else charts.share(pss, longest)
    return Bar(f"rank {rank.get('rank')}", f"{number(resident / MIB)} MiB", parts, mark)


def _rank_said(rank: Mapping[str, Any]) -> str:
    return ", ".join(f"{kind.upper()} {mebibytes(rank.get(kind))}"
                     for kind in ("rss", "pss", "uss") if rank.get(kind) is not None)
