"""Writes numbers, units, dates and names as a reader meets them on the page.

Owns the wording; knows nothing of charts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone

from anuga_lean.measure.records import Figure, Record

MIB = 2**20
VECTORS = {"v4": "AVX-512", "v3": "AVX2", "baseline": "SSE2"}  # instruction sets of kernels

FIGURES = {
    "held": "arrays held",
    "traced": "allocated and alive (tracemalloc)",
    "traced_peak": "peak allocated (tracemalloc)",
    "memray_peak": "peak allocated (memray)",
    "rss_slope": "resident while evolving",
    "peak_build": "peak while building",
    "peak_evolve": "peak while evolving",
    "import_rss": "resident after import",
    "base_rss": "resident besides the triangles",
    "import_pss": "largest PSS of a rank after import",
    "sww": "SWW file",
    "first": "first checkpoint, with the mesh",
    "later": "each later checkpoint",
    "peak_first": "peak while writing the first",
    "peak_later": "peak while writing the later ones",
    "seconds_first": "writing the first",
    "seconds_later": "writing a later one",
    "seconds_load": "loading",
    "seconds_per_step": "time per step",
    "run_seconds": "whole run, set-up included",
    "peak_rss": "peak RSS",
    "stock_over_lean": "stock over lean",
    "evolve_seconds": "evolve as a whole",
    "evolve_seconds_threads": "evolve on two threads or more",
    "evolve_stock_over_lean": "evolve as a whole, stock over lean",
    "threads_over_one": "several threads over one",
    "serial_fraction": "serial fraction of evolve",
    "serial_fraction_steps": "serial fraction of the steps, without start and frames",
    "instructions": "instructions of a step",
    "kernel_instructions": "instructions of the kernels",
    "stock_over_this": "stock over this build",
    "checkpoint": "each checkpoint",
    "checkpoint_peak": "what writing one adds to the peak",
    "peak_load": "peak while loading",
    "rank_0": "rank 0 after distribute, by triangle of all ranks",
    "rank_0_peak": "peak of rank 0 in distribute",
    "fit_peak": "peak of the fit of a points file",
    "fit_kept": "resident after the fit",
}
UNITS = {"B/tri": "bytes per triangle", "MiB": "MiB", "s": "seconds", "ns/tri":
         "ns per triangle", "1/s": "per second", "x": "times",
         "%": "per cent", "instr/tri": "instructions per triangle and step"}


def number(value: float) -> str:
    """Write a number with three digits or all before the point, in thousands."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def amount(value: float, unit: str) -> str:
    """Write a number with its unit; short times in ms or µs."""
    if unit == "s":
        for least, factor, name in ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "µs")):
            if abs(value) >= least:
                return f"{number(value * factor)} {name}"
    return f"{number(value)}×" if unit == "x" else f"{number(value)} {unit}".rstrip()


def figure_text(figure: Figure) -> str:
    """Write value and unit of a figure."""
    return amount(figure.value, figure.unit)


def spread_text(figure: Figure) -> str:
    """Write a spread in per cent; a dash where it was measured once."""
    return "–" if figure.spread is None else f"{figure.spread:.1%}"


def mebibytes(nbytes: float | None) -> str:
    """Write bytes as MiB; a dash where not known."""
    return "–" if nbytes is None else f"{number(nbytes / MIB)} MiB"


def build_name(build: str) -> str:
    """Return what a build is: `ANUGA` for stock, `anuga_lean, AVX2` for lean-v3, ..."""
    found = re.fullmatch(r"lean(?:-(\w+))?(?:@(\S+))?", build)
    if found is not None:
        kernels = VECTORS.get(found[1], found[1])
        return "anuga_lean" + (f" on ANUGA {found[2]}" if found[2] else "") + (
            f", {kernels}" if kernels else "")
    if build == "stock":
        return "ANUGA"
    return f"ANUGA {build}" if re.fullmatch(r"\d+(\.\w+)+", build) else build


def figure_name(name: str) -> str:
    """Return what a figure is, under its own name where it is not known here."""
    return FIGURES.get(name, name)


def unit_name(unit: str) -> str:
    """Return a unit in full."""
    return UNITS.get(unit, unit or "no unit")


def date(text: str) -> str:
    """Write an ISO 8601 date as day and minute, UTC; leave any other text as it is."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text or "date not known"
    if found.tzinfo is not None:
        found = found.astimezone(timezone.utc)
    return found.strftime("%Y-%m-%d %H:%M UTC")


def instant(text: str) -> tuple[float, str]:
    """Return what a date sorts by; no date comes first."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return float("-inf"), text
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp(), text


def count(triangles: float) -> str:
    """Write a number of triangles, short, for an axis."""
    for least, name in ((1e6, " M"), (1e3, " k")):
        if triangles >= least:
            return f"{triangles / least:.3g}{name}"
    return f"{triangles:.3g}"


def plural(how_many: int, what: str) -> str:
    """Write a count with its noun: `1 rank`, `2 ranks`."""
    return f"{how_many:,} {what}" + ("" if how_many == 1 else "s")


def joined(words: Iterable[str]) -> str:
    """Join words: `a, b and c`."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def meshes(sizes: list[int]) -> str:
    """Return the meshes of a record."""
    if not sizes:
        return "mesh not known"
    return " and ".join(f"{size:,}" for size in (sizes[0], sizes[-1])[len(sizes) < 2:]) \
        + " triangles"


def short_mesh(record: Record) -> str:
    """Return the largest mesh of a record, short."""
    return f"{count(record.triangles[-1])} triangles" if record.triangles else "mesh not known"


def conditions(record: Record) -> str:
    """Return what else a record depends on, the mesh left out."""
    if record.suite == "patches":
        return "ANUGA with that patch"
    words = [record.flow_algorithm, plural(record.threads, "thread")]
    if record.numprocs > 1:
        words.append(plural(record.numprocs, "rank"))
    return ", ".join(words)


def full_name(record: Record) -> str:
    """Return the name of a record among all others."""
    words = [f"{record.suite}: {record.scenario}, {record.build}"]
    if record.triangles:
        words.append(meshes(record.triangles))
    words.append(conditions(record))
    if record.isa:
        words.append(f"{record.isa} kernels")
    return ", ".join(words)
