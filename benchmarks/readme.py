"""Makes the tables of README and docs/ from stored figures; `readme_setup` those about setting up.

`python benchmarks/readme.py` writes them between their marks in the pages of `TABLES` from
benchmarks/readme.json and whole_runs.json, `--check` says whether they agree.  The JSON comes from
`pytest benchmarks --profile full --benchmark-json=benchmarks/readme.json`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from readme_setup import filled, huge_table, ranks_table, setup_table
from whole_runs import rows_of

from anuga_lean._errors import LeanError
from anuga_lean.measure.environment import isa
from anuga_lean.measure.records import Night, Record, read

HERE = Path(__file__).resolve().parent
STORED = HERE / "readme.json"
WHOLE = HERE / "whole_runs.json"  # of whole_runs.py
README, DOCS = HERE.parent / "README.md", HERE.parent / "docs"
VECTORS = {"v4": "AVX-512", "v3": "AVX2", "baseline": "SSE2"}


class Wanted(NamedTuple):
    """One row of the first table: a figure of one record."""

    label: str
    suite: str
    scenario: str
    figure: str
    form: str
    given: dict
    build: str = "lean"


ROWS = (
    Wanted("arrays held while evolving, bytes per triangle", "memory", "dam_break", "held", ",.0f",
           {}),
    Wanted("the same with SWW output, bytes per triangle", "memory", "dam_break", "held", ",.0f",
           {"store": True}),
    Wanted("resident memory while evolving, bytes per triangle", "memory", "dam_break",
           "rss_slope", ",.0f", {}),
    Wanted("time per step, rectangular_cross mesh, 1 thread, ns per triangle", "speed",
           "dam_break", "ns_per_triangle", ",.0f", {}),
    Wanted("the same with SSE2 kernels only", "speed", "dam_break", "ns_per_triangle", ",.0f", {},
           "lean-baseline"),
    Wanted("time per step, unstructured mesh, 1 thread, ns per triangle", "speed", "unstructured",
           "ns_per_triangle", ",.0f", {}),
    Wanted("time per step, rectangular_cross mesh, 2 threads, ns per triangle", "speed",
           "dam_break", "ns_per_triangle", ",.0f", {"threads": 2}),
    Wanted("4 ranks, resident memory of all, each shared page once, MiB", "ranks", "parallel",
           "sum_pss", ",.0f", {}),
)
EVOLVED = (
    ("a whole run with rain, structures, maxima and frames, {triangles} triangles, s",
     "evolve_seconds", ".1f", True),
    ("what its steps have on one thread of many, %", "serial_fraction_steps", ".1f", False),
    ("how many times faster it is on two threads", "threads_over_one", ".2f", False),
)
CHECKPOINTS = (
    ("first checkpoint, with the mesh, bytes per triangle", ("first",), ",.0f"),
    ("each one after it, bytes per triangle", ("later",), ",.0f"),
    ("peak while writing the first / the others, MiB over the run", ("peak_first", "peak_later"),
     ",.1f"),
    ("seconds to write the first / the others", ("seconds_first", "seconds_later"), ".2f"),
    ("seconds to load", ("seconds_load",), ".2f"),
    ("plain `pickle.dumps(domain)`, bytes per triangle", ("pickle",), ",.0f"),
)


def find(night: Night, suite: str, scenario: str, build: str, given: dict) -> Record:
    """Return the record of a suite; `given` holds threads, or parameters that others lack."""
    extra = {"store"}
    for record in night.records:
        threads = given.get("threads", 1)
        asked = {name: value for name, value in record.parameters.items() if name in extra}
        if (record.suite, record.scenario, record.build, record.threads) == \
                (suite, scenario, build, threads) and \
                asked == {name: value for name, value in given.items() if name in extra}:
            if record.error:
                raise LeanError(f"{night.path}: {record.key}: {record.error}")
            return record
    raise LeanError(f"{night.path} has no {suite} of {scenario} on {build} with "
                    f"{given or 'nothing'} set: measure with --profile full")


def main_table(night: Night, whole_runs: Path = WHOLE) -> str:
    """Return the tables of whole runs of several sizes, once measured, and of triangle and step."""
    tables = [headline_table(json.loads(whole_runs.read_text()))] if whole_runs.exists() else []
    return "\n\n".join([*tables, per_triangle_table(night)])


def headline_table(stored: dict[str, Any]) -> str:
    """Return the table of whole runs: arrays, peak RSS and wall time of each size.

    Raises
    ------
    LeanError
        Results of stock and lean differed, or no size was measured.
    """
    sizes, machine = stored["sizes"], stored["machine"]
    wrong = [size["triangles"] for size in sizes if size["equal"] is not True]
    if wrong or not sizes:
        raise LeanError(f"{WHOLE.name}: the results of {wrong or 'no size'} are equal: there is "
                        "nothing to show")
    versions = machine["versions"]
    lines = [f"| dam break, frames stored | | ANUGA {versions['anuga']} | anuga_lean | ratio |",
             "|---|---|---:|---:|---:|"]
    for size in sizes:
        for k, cells in enumerate(rows_of(size)):
            lines.append(f"| {'' if k else in_words(size['triangles'])} | {' | '.join(cells)} |")
    steps = ", ".join(dict.fromkeys(f"{size['steps']:,}" for size in sizes))
    runs = " and ".join(dict.fromkeys(
        "one run" if size["repeats"] == 1 else f"medians of {size['repeats']} runs"
        for size in sizes))
    text = (f"Wall time from the start of Python, set-up and {steps} steps on one thread included; "
            "peak RSS with Python and all libraries, without pages of arrays that are never "
            f"written, of which ANUGA has some; {runs} each, stock and lean in turn, all "
            f"results equal, bit for bit. Measured on {stored['date']} at {stored['commit']} with "
            f"`python benchmarks/whole_runs.py` on {machine['cores']} cores of "
            f"{machine['processor']}, Python {versions['python']}; `make demo` prints these rows "
            "for a lake of 172,560 triangles.")
    return "\n".join([*lines, "", *filled(text)])


def in_words(triangles: int) -> str:
    """Return a number of triangles: `100 thousand triangles`, `1 million triangles`."""
    for least, name in ((10**6, "million"), (10**3, "thousand")):
        if triangles >= 0.995 * least:
            return f"{triangles / least:.3g} {name} triangles"
    return f"{triangles} triangles"


def per_triangle_table(night: Night) -> str:
    """Return the table of stock against lean by triangle and by step."""
    first = find(night, "memory", "dam_break", "lean", {})
    version = find(night, "memory", "dam_break", "stock", {}).version.split()[-1]
    lines = [f"| {first.triangles[-1] / 1e6:.3g} M triangles, DE0 | ANUGA {version} | anuga_lean "
             "| ratio |", "|---|---:|---:|---:|"]
    for row in ROWS:
        stock, lean = (find(night, row.suite, row.scenario, build, row.given).figures[row.figure]
                       for build in ("stock", row.build))
        lines.append(f"| {row.label} | {stock.value:{row.form}} | {lean.value:{row.form}} | "
                     f"{stock.value / lean.value:.1f} |")
    lines += _evolved(night)
    lines.append("| stage, momenta, time steps, every SWW variable | | equal, bit for bit | |")
    kernels = VECTORS[isa(dict(night.machine))]
    lines += ["", _measured(night, f", lean kernels with {kernels} unless said otherwise")]
    return "\n".join(lines)


def _evolved(night: Night) -> list[str]:
    """Return the rows on `evolve` as a whole, where it was measured."""
    if not any(record.suite == "evolve" for record in night.records):
        return []
    stock, lean = (find(night, "evolve", "catchment_full", build, {"store": True})
                   for build in ("stock", "lean"))
    rows = []
    for label, name, form, compared in EVOLVED:
        if name in lean.figures:
            values = [record.figures[name].value for record in (stock, lean)]
            ratio = f"{values[0] / values[1]:.1f}" if compared else ""
            rows.append(f"| {label.format(triangles=f'{lean.triangles[-1]:,}')} | "
                        f"{values[0]:{form}} | {values[1]:{form}} | {ratio} |")
    return rows


def checkpoint_table(night: Night) -> str:
    """Return the table of checkpoints of stock, of lean, of lean with zstd."""
    records = [find(night, "checkpoint", "dam_break", build, {})
               for build in ("stock", "lean", "lean zstd")]
    lines = [f"| {records[0].triangles[-1] / 1e6:.3g} M triangles, DE0, one thread | ANUGA "
             f"{records[0].version.split()[-1]} | anuga_lean | with zstd |", "|---|---:|---:|---:|"]
    for label, names, form in CHECKPOINTS:
        cells = []
        for record in records:
            found = [record.figures.get(name) for name in names]
            cells.append("" if None in found else " / ".join(
                f"{figure.value:{form}}" for figure in found if figure is not None))
        lines.append(f"| {label} | {' | '.join(cells)} |")
    lines += ["", _measured(night, "; stock does not wait for the disk, lean does")]
    return "\n".join(lines)


def _measured(night: Night, more: str) -> str:
    machine = night.machine
    text = (f"Measured on {night.date[:10]} at {night.commit.rstrip('+') or 'an unknown commit'} "
            f"with `pytest benchmarks --profile full` on {machine.get('cores')} cores of "
            f"{machine.get('processor')}, Python "
            f"{machine.get('versions', {}).get('python')}{more}; stock and lean took turns, times "
            "are medians.")
    return "\n".join(filled(text))


TABLES: dict[str, tuple[Path, Callable[[Night], str]]] = {
    "figures": (README, main_table),
    "checkpoints": (DOCS / "checkpoints.md", checkpoint_table),
    "setup": (DOCS / "setting_up.md", lambda night: setup_table()),
    "ranks": (DOCS / "parallel.md", lambda night: ranks_table()),
    "huge": (DOCS / "setting_up.md", lambda night: huge_table()),
}


def made_anew(night: Night) -> dict[Path, str]:
    """Return the pages with their tables made anew.

    Raises
    ------
    LeanError
        A mark is missing, or a figure.
    """
    pages: dict[Path, str] = {}
    for name, (page, make) in TABLES.items():
        text = pages.get(page) or page.read_text()
        pages[page] = put(text, name, "benchmarks/readme.py", lambda make=make: make(night),
                          page.name)
    return pages


def put(text: str, name: str, maker: str, make: Callable[[], str], page: str = "README.md") -> str:
    """Return a page with a new text between the marks of one name.

    Raises
    ------
    LeanError
        A mark is missing.
    """
    begin, end = f"<!-- {name}: {maker} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise LeanError(f"{page} has not one pair of {begin} and {end}")
    found = f"{begin}\n{make()}\n{end}"
    return pattern.sub(lambda _: found, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if they disagree")
    parser.add_argument("--json", type=Path, default=STORED, metavar="FILE")
    args = parser.parse_args(arguments)
    try:
        made = made_anew(read(args.json))
    except LeanError as error:
        print(f"readme.py: {error}", file=sys.stderr)
        return 2
    others = {page: text for page, text in made.items() if page.read_text() != text}
    if args.check:
        for page in others:
            print(f"readme.py: the tables of {page.name} are not those of "
                  f"{args.json}: python benchmarks/readme.py writes them", file=sys.stderr)
        return int(bool(others))
    for page, text in others.items():
        page.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
