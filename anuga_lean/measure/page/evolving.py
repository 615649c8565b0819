"""Makes the panels on `evolve` as a whole by part, and on the instructions of a step by function.

Owns which parts and functions are drawn; charts.py draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anuga_lean.measure.page import charts
from anuga_lean.measure.page.charts import Value
from anuga_lean.measure.page.model import Panel, Section, Table
from anuga_lean.measure.page.shown import Entry, Shown, commands, labels, subtitle, title
from anuga_lean.measure.page.wording import (
    amount,
    figure_name,
    figure_text,
    number,
    spread_text,
    unit_name,
)
from anuga_lean.measure.report import in_order
from anuga_lean.measure.split import OPERATORS

LEAST_DRAWN = 0.002  # of the whole of stock, or of the largest; all are in the table
INSTRUCTIONS = "instr/tri"


def split(shown: Shown) -> Section:
    """Return the section on the wall time of `evolve` by part."""
    cases = [case for suite in ("evolve", "memory") for case in shown.cases(suite, "split")]
    panels = [_panel(shown, f"split-{position}", case, "seconds in evolve", "part",
                     [entry.record.split for entry in case], in_order,
                     lambda seconds: amount(seconds, "s"))
              for position, case in enumerate(cases)]
    return Section("split", "Where the time of a run goes",
                   "Wall time of evolve on one thread, frames included, by what it is spent on; "
                   "the parts of a run add up to its whole. The serial fraction is what several "
                   "threads do not shorten.", panels)


def instructions(shown: Shown) -> Section:
    """Return the section on instructions by function of the kernels."""
    panels = [_panel(shown, f"instructions-{position}", case, unit_name(INSTRUCTIONS), "function",
                     [entry.record.functions for entry in case], list, number)
              for position, case in enumerate(shown.cases("instructions", "functions"))]
    return Section("instructions", "Instructions of a step",
                   "Instructions per triangle and step, by function of the kernels and by library "
                   "(in brackets), counted by valgrind: the same in every run.", panels)


def _panel(shown: Shown, ident: str, case: list[Entry], heading: str, what: str,
           found: list[Mapping[str, float]], order: Callable[[list[str]], list[str]],
           text: Callable[[float], str]) -> Panel:
    """Return the panel of one case: a bar for each of what has a name, and the figures."""
    names = labels(case)
    every = order(list(dict.fromkeys(name for one in found for name in one)))
    wholes = [sum(one.values()) for one in found]
    groups = {}
    for name in every:
        values = [one.get(name, 0.0) for one in found]
        if max(values) >= LEAST_DRAWN * max(wholes):
            groups[name.removeprefix(f"{OPERATORS}/")] = [
                Value(label, shown.look(entry.record.build), value, text(value))
                for label, entry, value in zip(names, case, values, strict=True)]
    rows = [[name.removeprefix(f"{OPERATORS}/"),
             *(text(one[name]) if name in one else "–" for one in found)] for name in every]
    rows.append(["all", *(text(whole) for whole in wholes)])
    figures = [[figure_name(name), name, label, figure_text(figure), spread_text(figure)]
               for label, entry in zip(names, case, strict=True)
               for name, figure in entry.record.figures.items()]
    return Panel(ident, title(case), subtitle(case), [charts.bars(heading, title(case), groups)],
                 [Table(f"By {what}", [what, *names], rows),
                  Table("Every figure", ["figure", "name", "build", "value", "spread"], figures,
                        3)],
                 commands(case), shown.absent(case))
