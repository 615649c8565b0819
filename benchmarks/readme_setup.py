"""Makes the README's tables about setting up, many ranks and a huge mesh from stored figures.

Owns what `readme` puts between those marks; the JSON files come from the
commands that the tables name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from anuga_lean._errors import LeanError

HERE = Path(__file__).resolve().parent
SETUP, RANKS, HUGE = (HERE / f"{name}.json" for name in (
    "setup_peaks", "parallel_example", "huge"))
# Case of setup_peaks.py, and what the table calls it.
CASES = {
    "rectangular_cross_domain": "`rectangular_cross_domain`",
    "create_domain_from_regions": "`create_domain_from_regions`",
    "Domain(.tsh)": "`Domain(\"mesh.tsh\")`",
    "Domain(.msh)": "`Domain(\"mesh.msh\")`",
    "f(x, y)": "`set_quantity(\"elevation\", f)`",
    "raster (x, y, Z), centroids":
        "`set_quantity(\"elevation\", raster=..., location=\"centroids\")`",
    "points file (.pts)": "`set_quantity(\"elevation\", filename=\"points.pts\")`, 20,000 points",
    "Boyd_box_operator": "`Boyd_box_operator`",
}
GIB = 2.0**30


def stored(path: Path) -> dict[str, Any]:
    """Return what a file of figures holds.

    Raises
    ------
    LeanError
        It is not there.
    """
    if not path.exists():
        raise LeanError(f"{path} is missing: python benchmarks/{path.stem}.py --json {path}")
    return json.loads(path.read_text())


def setup_table(path: Path = SETUP) -> str:
    """Return the table of peak and rest of what a script does before its first step."""
    found = stored(path)
    lines = ["| bytes per triangle, RSS: peak / what stays | ANUGA | anuga_lean |",
             "|---|---:|---:|"]
    for case, label in CASES.items():
        cells = [f"{each['peak']:.0f} / {max(0.0, each['kept']):.0f}" for each in (
            found["cases"][case][variant] for variant in ("stock", "lean"))]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    sizes = f"between {found['small']:,} and {found['large']:,} triangles"
    return "\n".join([*lines, "", _measured(found, path, sizes)])


def ranks_table(path: Path = RANKS) -> str:
    """Return the table of ANUGA's own parallel example."""
    found = stored(path)
    runs = found["runs"]
    lines = [f"| {runs[0]['ranks']} ranks, {EXAMPLE} | ANUGA | anuga_lean | stock / lean |",
             "|---|---:|---:|---:|"]
    for run in runs:
        if run["equal"] is not True:
            raise LeanError(f"{path}: the results of {run['triangles']:,} triangles differ, or "
                            "were not compared")
        stock, lean = (run[variant]["rank_0"] / 1e6 for variant in ("stock", "lean"))
        label = f"{run['triangles']:,} triangles, {run['scheme']}"
        lines.append(f"| {label}: largest RSS of rank 0, MB | {stock:,.0f} | {lean:,.0f} | "
                     f"{stock / lean:.1f} |")
    last = [run for run in runs if run["scheme"] == "metis"][-1]
    lines.append(f"| {last['triangles']:,} triangles, metis: create, distribute and evolve, s | "
                 f"{last['stock']['job']:.0f} | {last['lean']['job']:.0f} | "
                 f"{last['stock_over_lean']:.1f} |")
    return "\n".join([*lines, "", _measured(found, path, "stock and lean in turn, same bits")])


EXAMPLE = "`examples/parallel/run_parallel_rectangular.py` of ANUGA's"


def huge_table(path: Path = HUGE) -> str:
    """Return one line about the largest mesh."""
    found = stored(path)
    stages = found["stages"]
    seconds = sum(each["seconds"] for each in stages.values())
    slope = max(found["stock"]["peak_build"], found["stock"]["peak_evolve"])
    text = (f"A dam break of {found['triangles']:,} triangles is built, filled by functions of x "
            f"and y, closed by walls, stepped three times by Euler's method and written to a "
            f"checkpoint of {found['checkpoint'] / GIB:.1f} GiB in "
            f"{found['peak'] / GIB:.1f} GiB at the peak and {seconds / 60:.0f} minutes on one "
            f"thread; stock would need {found['stock']['nbytes'] / GIB:.0f} GiB, by its measured "
            f"slope of {slope:.0f} bytes per triangle.")
    command = f"make huge TRIANGLES={found['asked']}"
    return "\n".join([*filled(text), "", _measured(found, path, "", command)])


def _measured(found: dict[str, Any], path: Path, more: str, command: str = "") -> str:
    machine = found["machine"]
    command = command or f"python benchmarks/{path.stem}.py"
    return "\n".join(filled(
        f"Measured on {found['date']} with `{command}` on {machine['cores']} cores of "
        f"{machine['processor']}{', ' if more else ''}{more}."))


def filled(text: str) -> list[str]:
    """Break a text into lines of a README."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > 99:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
