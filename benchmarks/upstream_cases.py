"""Runs ANUGA's validation cases, Cairns and a crash, on stock and on lean.

Owns the list of cases and how two runs of one are compared.  What each evolve()
leaves is written by upstream_children/sitecustomize.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import upstream_sdist as sdist

ALGORITHMS = ("DE0", "DE1", "DE_ader2")


class Case(NamedTuple):
    """A case to run: its folder in the sdist, and the arguments of python.

    Attributes
    ----------
    data : str
        File that the case reads below the folder `data` beside its own, which the sdist
        has not; nothing if it brings all it needs.
    """

    name: str
    algorithm: str
    folder: str
    arguments: tuple[str, ...]
    stock_dies: bool = False
    data: str = ""

    @property
    def label(self) -> str:
        """Return name and algorithm, as in the table."""
        return f"{self.name} {self.algorithm}".strip()


QUICK = (
    "analytical_exact/avalanche_dry", "analytical_exact/avalanche_wet",
    "analytical_exact/dam_break_dry", "analytical_exact/dam_break_wet",
    "analytical_exact/lake_at_rest_immersed_bump", "analytical_exact/lake_at_rest_steep_island",
    "analytical_exact/parabolic_basin", "analytical_exact/paraboloid_basin",
    "analytical_exact/rundown_mild_slope", "analytical_exact/rundown_mild_slope_coarse",
    "analytical_exact/runup_on_beach", "analytical_exact/subcritical_flat",
    "analytical_exact/subcritical_over_bump", "analytical_exact/supercritical_over_bump",
    "analytical_exact/transcritical_with_shock", "analytical_exact/transcritical_without_shock",
    "other_references/radial_dam_break_dry", "other_references/radial_dam_break_wet",
    "behaviour_only/lid_driven_cavity", "behaviour_only/tides_hecras",
    "sediment/sediment_erosion", "sediment/sediment_settling",
)
LONG = (
    "analytical_exact/river_at_rest_varying_topo_width", "behaviour_only/weir_1",
    "case_studies/merewether",
)
# The Environment Agency's benchmark, in the releases that have it: folder, and a file of the
# data that it fetches at its first use (51 MB from assets.publishing.service.gov.uk).
EA = {
    "test1_disconnected": "Test1/test1DEM.asc", "test2_depressions": "Test2/test2DEM.asc",
    "test3_obstruction": "Test3/test3DEM.asc", "test4_floodplain": "Test4/Test4BC.csv",
    "test5_valley": "Test5/Test5DEM.asc", "test6a_dambreak": "Test6/Test6output.csv",
    "test6b_dambreak": "Test6/Test6output.csv",
}
# Takes half an hour on stock.
ONLY = {"merewether": ("DE1",)}
# base_scale (m2) and final time (s): the fine one only for the memory between the two.
CAIRNS = {"cairns": ("100000", "240"), "cairns_fine": ("50000", "20")}


def all_cases(tree: Path) -> Iterator[Case]:
    """Yield every case, the short ones first."""
    for place in (*QUICK, *LONG):
        folder = tree / "validation_tests" / place
        script = next(folder.glob("validate_*.py")).name
        for algorithm in ONLY.get(folder.name, ALGORITHMS):
            yield Case(folder.name, algorithm, str(folder), (script, "-alg", algorithm, "-np", "1"))
    for name, file in EA.items():
        folder = tree / "validation_tests" / "ea_benchmark" / name
        for script in sorted(folder.glob("validate_*.py")):
            for algorithm in ALGORITHMS:
                yield Case(f"ea_{name}", algorithm, str(folder),
                           (script.name, "-alg", algorithm, "-np", "1"), data=file)
    cairns = str(tree / "examples" / "cairns")
    script = str(sdist.CHILDREN / "cairns.py")
    for name, (scale, finaltime) in CAIRNS.items():
        yield Case(f"{name}_fit", "", cairns, (script, "fit", "bed.npz", scale))
        yield Case(name, "DE0", cairns, (script, "evolve", "bed.npz", scale, finaltime))
    yield Case("viscosity", "", str(sdist.CHILDREN), (str(sdist.CHILDREN / "viscosity.py"),),
               stock_dies=True)


def rss_of_import(variant: str, folder: Path, variables: dict[str, str]) -> int:
    """Return the resident bytes of a process that has imported ANUGA and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "import.log"
    log.unlink(missing_ok=True)
    status = sdist.run(sdist.python(variant, str(sdist.CHILDREN / "import_only.py")), folder, log,
                       variables)
    if status:
        raise SystemExit(f"anuga cannot be imported on {variant}: see {log}")
    return int(log.read_text().split()[-1])


def fetch_ea_data(tree: Path, cache: Path) -> tuple[Path | None, str]:
    """Fetch the data of the Environment Agency's cases by the sdist's own script, once.

    Returns
    -------
    folder or None
        With a folder for each test; None if it could not be fetched.
    str
        Why not.
    """
    place = cache / "ea_benchmark"
    if (place / "complete").exists():
        return place / "data", ""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    script = "data_download.py"
    shutil.copy(tree / "validation_tests" / "ea_benchmark" / script, place)
    log = place / "download.log"
    if sdist.run([sys.executable, script], place, log, dict(os.environ)) == 0:
        (place / "complete").touch()
        return place / "data", ""
    said = log.read_text(errors="replace").strip().splitlines()
    return None, said[-1] if said else "its script said nothing"


def run_case(case: Case, variant: str, folder: Path, variables: dict[str, str],
             bed: Path | None, data: Path | None = None) -> dict[str, Any]:
    """Run a case in a fresh copy of its folder; return what it left, as digests and figures.

    Parameters
    ----------
    bed : path or None
        Of Cairns.
    data : path or None
        Folder of the data that a case reads beside its own folder.

    Returns
    -------
    dict
        ``status``, ``failed`` (tests of the validation script), ``digests`` (by
        file and array), ``evolves`` (figures of each evolve()), ``warned``
        (what ran on ANUGA's kernels, and why), ``place``.
    """
    shutil.rmtree(folder, ignore_errors=True)
    place, dump = folder / "case", folder / "dump"
    dump.mkdir(parents=True)
    shutil.copytree(case.folder, place, ignore=shutil.ignore_patterns("__pycache__", "*.sww"))
    if bed is not None:
        shutil.copy(bed, place / "bed.npz")
    if data is not None:
        for module in Path(case.folder).parent.glob("*.py"):
            shutil.copy(module, folder)
        (folder / "data").symlink_to(data.resolve(), target_is_directory=True)
    modules = f"{place}:{variables['PYTHONPATH']}"  # cairns.py lies elsewhere than project.py
    log = folder / "output.log"
    status = sdist.run(sdist.python(variant, *case.arguments), place, log,
                       variables | {"UPSTREAM_DUMP": str(dump), "PYTHONPATH": modules})
    said = log.read_text(errors="replace")
    evolves = {path.stem: json.loads(path.read_text()) for path in sorted(dump.glob("*.json"))}
    for figures in evolves.values():
        if figures["domain"] != "anuga.shallow_water.shallow_water_domain.Domain":
            print(f"  {case.label}: a domain of the class {figures['domain']}")
    return {
        "status": status,
        "failed": sorted(set(re.findall(r"^(?:FAIL|ERROR): (\S+)", said, re.MULTILINE))),
        "digests": {name: _digest(values) for name, values in _results(place, dump)},
        "evolves": evolves,
        "warned": sorted(set(re.findall(r"StockKernelWarning: (.*?) has no lean kernel", said))),
        "place": str(folder),
    }


def _results(place: Path, dump: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every array a case left: final centroid values, SWW variables, Cairns' bed."""
    from netCDF4 import Dataset

    for path in [*sorted(dump.glob("*.npz")), *sorted(place.glob("bed.npz"))]:
        with np.load(path) as arrays:
            for name in arrays.files:
                yield f"{path.stem}/{name}", arrays[name]
    for number, path in enumerate(sorted(place.rglob("*.sww"))):
        with Dataset(path) as file:
            file.set_auto_mask(False)
            for name, variable in file.variables.items():
                yield f"sww{number}/{name}", np.asarray(variable[...])


def _digest(values: np.ndarray) -> str:
    header = f"{values.dtype} {values.shape} "
    return hashlib.sha256(header.encode() + np.ascontiguousarray(values).tobytes()).hexdigest()


def differences(stock: dict[str, Any], lean: dict[str, Any]) -> dict[str, float | None]:
    """Return the largest difference by array that differs in a bit; None if not comparable.

    0.0 stands for a difference in the bits alone: the sign of a zero, a NaN.
    """
    names = sorted(name for name in {*stock["digests"], *lean["digests"]}
                   if stock["digests"].get(name) != lean["digests"].get(name))
    if not names or not Path(stock["place"]).exists():
        return dict.fromkeys(names)
    ours, theirs = (
        {name: values for name, values in _results(Path(side["place"]) / "case",
                                                   Path(side["place"]) / "dump")
         if name in names} for side in (stock, lean))
    return {name: _largest(ours.get(name), theirs.get(name)) for name in names}


def _largest(first: np.ndarray | None, second: np.ndarray | None) -> float | None:
    if first is None or second is None or first.shape != second.shape \
            or first.dtype.kind not in "fiu":
        return None
    return float(np.nanmax(np.abs(first.astype(float) - second.astype(float)), initial=0.0))


def judge(case: Case, stock: dict[str, Any] | None, lean: dict[str, Any]) -> list[str]:
    """Return every reason why this case does not hold on lean."""
    if stock is None or case.stock_dies:
        return [] if lean["status"] == 0 else [f"{case.label} {ending(lean)} on lean"]
    wrong = []
    if (stock["status"], stock["failed"]) != (lean["status"], lean["failed"]):
        wrong.append(f"{case.label} {ending(stock)} on stock, {ending(lean)} on lean")
    if not stock["digests"] or not (stock["evolves"] or case.name.endswith("_fit")):
        wrong.append(f"{case.label} left nothing to compare")
    if any(figures["kernels"] == "lean" for figures in stock["evolves"].values()):
        wrong.append(f"{case.label} was lean where stock was meant")
    found = differences(stock, lean)
    if found:
        name = next(iter(found))
        wrong.append(f"{case.label}: {len(found)} of {len(stock['digests'])} results differ, "
                     f"{name} by {found[name]}")
    return wrong


def ending(result: dict[str, Any]) -> str:
    """Say how a run ended."""
    if result["status"] < 0:
        return f"was killed by {signal.Signals(-result['status']).name}"
    if result["failed"]:
        return f"failed {', '.join(result['failed'])}"
    return "passed" if result["status"] == 0 else f"ended with {result['status']}"


def row(case: Case, stock: dict[str, Any] | None, lean: dict[str, Any]) -> list[str]:
    """Return one line of the table."""
    triangles = max((e["number_of_triangles"] for e in lean["evolves"].values()), default=0)
    cells = [case.label, f"{triangles:,}" if triangles else "-",
             "-" if stock is None else ending(stock), ending(lean)]
    if stock is None:
        return [*cells, "-", "-", "-", "-", "-", _kernels(lean)]
    found = differences(stock, lean)
    numbers = [value for value in found.values() if value is not None]
    same = "same bits" if not found else f"{max(numbers):.3g}" if numbers else "not comparable"
    if case.stock_dies:
        same = "-"
    ratios = [_ratio(_total(stock, "cpu_seconds"), _total(lean, "cpu_seconds")),
              _ratio(_largest_of(stock, "peak"), _largest_of(lean, "peak"))]
    return [*cells, same, *ratios, _per_triangle(stock), _per_triangle(lean), _kernels(lean)]


HEADER = ["case", "triangles", "stock", "lean", "results", "time x", "peak x",
          "stock B/tri", "lean B/tri", "kernels of lean"]


def _kernels(lean: dict[str, Any]) -> str:
    if lean["warned"]:
        return "stock: " + "; ".join(lean["warned"])
    return ", ".join(sorted({e["kernels"] for e in lean["evolves"].values()})) or "-"


def _ratio(stock: float, lean: float) -> str:
    return f"{stock / lean:.2f}" if stock and lean else "-"


def _total(result: dict[str, Any], key: str) -> float:
    return sum(figures[key] for figures in result["evolves"].values())


def _largest_of(result: dict[str, Any], key: str) -> float:
    return max((figures[key] for figures in result["evolves"].values()), default=0)


def _per_triangle(result: dict[str, Any]) -> str:
    """Return RSS at the end of evolve over that after importing ANUGA, by triangle."""
    found = [(e["rss"] - result["rss_of_import"]) / e["number_of_triangles"]
             for e in result["evolves"].values() if e["number_of_triangles"] >= 100_000]
    return f"{max(found):.0f}" if found else "-"


def rss_slope(coarse: dict[str, Any], fine: dict[str, Any]) -> float:
    """Return RSS by triangle between two meshes of a model, bytes: libraries cancel."""
    ends = [next(iter(result["evolves"].values())) for result in (coarse, fine)]
    return ((ends[1]["rss"] - ends[0]["rss"])
            / (ends[1]["number_of_triangles"] - ends[0]["number_of_triangles"]))
