"""Holds the verdict on a patch, and writes it as a table and as JSON.

Owns the verdict and its stored form: the file is one that `anuga_lean report` reads,
with the verdicts beside its records.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from anuga_lean.measure.records import Figure, Record, night
from anuga_lean.measure.report import table
from verifying.suites import Outcome

UNITS = {"arrays": "B/tri", "rss": "B/tri", "peak": "B/tri", "checkpoint": "B/tri",
         "checkpoint_peak": "B/tri", "rank_0": "B/tri", "rank_0_peak": "B/tri", "fit_peak": "B/tri",
         "time": "x", "rain_rss": "MiB"}
LEAST = 0.05  # B/tri: a smaller change of an array is none
NAMES = {"arrays": "arrays", "rss": "resident memory", "peak": "peak of resident memory",
         "checkpoint": "checkpoint file", "checkpoint_peak": "peak of writing a checkpoint",
         "rank_0": "rank 0 after distribute", "rank_0_peak": "peak of rank 0 in distribute",
         "fit_peak": "peak of a points-file fit", "rain_rss": "resident with rain",
         "time": "time per step"}
# Shown below the table: most patches do not change them.
BELOW = ("checkpoint_peak", "rank_0", "rank_0_peak", "fit_peak", "rain_rss")


@dataclass
class Verdict:
    """The verdict on one patch, or on the whole series.

    Attributes
    ----------
    name, subject : str
    needs : list of str
        Earlier patches that were applied below it.
    files, added, removed : int
        What its own text changes; ``tests_lines`` of the added are tests.
    wrong : list of str
        Every reason to refuse it, a sentence each; none if it is good.
    tests : dict or None
        See suites.Outcome.
    equal : dict of str to bool
        By model whether all its results are those of stock.
    different : dict of str to dict
        By model, for results that are not equal: by name ``largest`` and ``first``,
        see differences.py.
    expected : str
        Why results were expected to differ; empty if they were not.
    figures : dict of str to dict
        By name (``arrays DE0``): ``stock``, ``patched``; of a time also
        ``ratio`` and ``uncertainty``.
    groups : dict of str to dict
        By flow algorithm, of the groups of arrays that changed: by name the
        bytes per triangle of ``stock`` and ``patched``.
    seconds : float
        What verifying it took.
    """

    name: str
    subject: str
    needs: list[str] = field(default_factory=list)
    files: int = 0
    added: int = 0
    removed: int = 0
    tests_lines: int = 0
    wrong: list[str] = field(default_factory=list)
    tests: dict[str, Any] | None = None
    equal: dict[str, bool] = field(default_factory=dict)
    different: dict[str, dict[str, Any]] = field(default_factory=dict)
    expected: str = ""
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    groups: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    seconds: float = 0.0

    def note(self, name: str, stock: Figure, patched: Figure) -> None:
        """Keep a figure of memory beside that of stock."""
        self.figures[name] = {"stock": stock.value, "patched": patched.value}

    def note_groups(self, algorithm: str, stock: Record, patched: Record) -> None:
        """Keep the groups of arrays that grew or shrank."""
        names = dict.fromkeys([*stock.groups, *patched.groups])
        both = {name: {"stock": stock.groups.get(name, 0.0),
                       "patched": patched.groups.get(name, 0.0)} for name in names}
        self.groups[algorithm] = {name: each for name, each in both.items()
                                  if abs(each["stock"] - each["patched"]) >= LEAST}

    def saved(self, name: str) -> float | None:
        """Return by how much a figure is smaller than on stock; None if it was not measured."""
        figure = self.figures.get(name)
        return None if figure is None else figure["stock"] - figure["patched"]

    def record(self, command: str) -> Record:
        """Return the record that the page of figures shows."""
        record = Record("patches", "ANUGA's own tests", self.name, command=command,
                        error="; ".join(self.wrong) or None)
        if self.tests is not None:
            record.figures = {name: Figure(float(self.tests[name]), "tests")
                              for name in ("passed", "failed", "skipped", "new")}
        return record


def of_outcome(outcome: Outcome) -> dict[str, Any]:
    """Return the stored form of the outcome of the tests."""
    return asdict(outcome)


def rows(verdicts: Iterable[Verdict]) -> list[list[str]]:
    """Return the table, its head first."""
    found = [["patch", "files", "lines", "arrays DE0", "DE1", "RSS DE0", "DE1", "checkpoint",
              "time DE0", "DE1", "tests", "bits", ""]]
    for each in verdicts:
        cells = [change(each, name) for name in
                 ("arrays DE0", "arrays DE1", "rss DE0", "rss DE1", "checkpoint")]
        found.append([each.name, str(each.files), f"+{each.added} -{each.removed}", *cells,
                      ratio(each, "time DE0"), ratio(each, "time DE1"), tests(each), bits(each),
                      "WRONG" if each.wrong else "good"])
    return found


def change(verdict: Verdict, name: str) -> str:
    """Write a figure of memory against stock's, B/tri."""
    saved = verdict.saved(name)
    if saved is None:
        return "-"
    return "0" if abs(saved) < LEAST else f"{-saved:+.1f}"


def ratio(verdict: Verdict, name: str) -> str:
    """Write time over stock's."""
    figure = verdict.figures.get(name)
    return "-" if figure is None else f"{figure['ratio']:.3f}"


def tests(verdict: Verdict) -> str:
    """Write how many tests passed, how many are new in the patch, and which failed."""
    found = verdict.tests
    if found is None:
        return "-"
    new = f" + {found['new']} new" if found["new"] else ""
    worse = f", {len(found['regressed'])} REGRESSED" if found["regressed"] else ""
    return f"{found['passed'] - found['new']} of {found['stock_passed']}{new}{worse}"


def bits(verdict: Verdict) -> str:
    """Write whether results are equal."""
    if not verdict.equal:
        return "-"
    if all(verdict.equal.values()):
        return "equal"
    return "as expected" if verdict.expected else "DIFFERENT"


def text(verdicts: Sequence[Verdict]) -> str:
    """Return the table and every reason."""
    lines = [table(rows(verdicts)), "", "memory: bytes per triangle against unpatched stock; "
             "time: patched over stock, medians of turns"]
    for each in verdicts:
        below = f" (with {', '.join(each.needs)})" if each.needs else ""
        more = [f"{name} {figure['stock']:,.1f} -> {figure['patched']:,.1f} {UNITS[name]}"
                for name, figure in each.figures.items()
                if name in BELOW]
        if below or more:
            lines.append(f"  {each.name}{below}: {', '.join(more)}".rstrip(": "))
    return "\n".join(lines)


def stored(verdicts: Sequence[Verdict], records: Sequence[Record], about: dict[str, Any],
           command: str) -> dict[str, Any]:
    """Return the content of the JSON file."""
    found = [*records, *(verdict.record(f"{command} {verdict.name}") for verdict in verdicts)]
    return {**night(found), "patches": {**about, "verdicts": [asdict(v) for v in verdicts]}}


def read_verdicts(path: Path) -> tuple[dict[str, Any], list[Verdict]]:
    """Return what a file says about the verdicts, and the verdicts.

    Raises
    ------
    ValueError
        No file of `verify.py --json`: one sentence.
    """
    try:
        return parse(json.loads(path.read_text()), path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:   # also no UTF-8, and an int of 5,000 digits
        raise ValueError(f"{path} is no JSON: {error}") from error


def parse(found: Any, path: Path) -> tuple[dict[str, Any], list[Verdict]]:
    """Return the same as read_verdicts from JSON; `path` is what errors call the file."""
    try:
        about = {**found["patches"], "date": found["datetime"],
                 "machine": found["machine_info"]["anuga_lean"]}
        return about, [Verdict(**each) for each in about.pop("verdicts")]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not what verify.py --json writes: {error!r}") from error
