"""Measures what `anuga_lean plan` predicts from, and checks what it predicts.

`python benchmarks/plan.py measure` runs `plan_model.py` in processes of its own, lean ones under
the guard, whose record has the memory of each stage, and writes benchmarks/plan.json; `table`
makes anuga_lean/plan/table.json of it; `check` predicts models that the table was not made from,
runs them without a guard and writes the table of docs/how_much_memory.md.  Memory does not
depend on what else runs on a machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from anuga_lean.guard.stages import DOMAIN
from anuga_lean.measure.measurement import MPI_ENVIRONMENT
from anuga_lean.plan.prediction import (
    IN_PARTS,
    OF_FIRST,
    OF_OTHERS,
    OF_SERIAL,
    predict,
    predict_stock,
)
from anuga_lean.plan.question import Question
from anuga_lean.plan.table import KINDS, LARGEST_MEASURED, Table, added

HERE = Path(__file__).resolve().parent
MODEL = HERE / "plan_model.py"
RUNS = HERE / "plan.json"
CHECKED_RUNS = HERE / "plan_checked.json"
TABLE = HERE.parent / "anuga_lean" / "plan" / "table.json"
PAGE = HERE.parent / "docs" / "how_much_memory.md"
SIZES = (10_000, 40_000, 160_000, 600_000, 2_400_000)
OF_FEATURES = (100_000, LARGEST_MEASURED)       # between which a feature's slope is measured
OF_STOCK = (60_000, 300_000)
FEATURES = ("centroids", "fit", "raster", "rain", "maxima", "tracers", "viscosity", "erosion",
            "vegetation", "monitors", "riverwalls", "culverts", "inlets", "sloped",
            "sediment", "stock")
ALGORITHMS = ("DE1", "DE2", "DE_ader2")
SCHEMES = ("metis", "hilbert")     # parts along the Morton curve are made as along Hilbert's


def wanted() -> list[dict[str, Any]]:
    """Return what is run for the table."""
    found: list[dict[str, Any]] = []

    def add(variant: str, sizes: tuple[int, ...], ranks: int = 1, **asked: Any) -> None:
        found.extend({"variant": variant, "ranks": ranks, **asked, "triangles": n} for n in sizes)

    for store in (True, False):
        for mesh in ("rectangular", "regions"):
            add("lean", SIZES, mesh=mesh, store=store)
            add("stock", OF_STOCK, mesh=mesh, store=store, distribute=True)
    for scheme in SCHEMES:
        for ranks in (2, 4):
            # at centroids: what rank 0 takes to set quantities does not hide the parting
            add("lean", (40_000, 300_000, 1_200_000), ranks, scheme=scheme,
                features=["centroids"])
    for ranks in (2, 4):
        add("stock", (60_000, 240_000), ranks)
    # What a feature adds is a difference: both load what they may need.
    add("lean", OF_FEATURES, distribute=True)
    for feature in FEATURES:
        add("lean", OF_FEATURES, features=[feature], distribute=True)
        add("stock", OF_STOCK, features=[feature], distribute=True)
    for algorithm in ALGORITHMS:
        add("lean", OF_FEATURES, algorithm=algorithm, distribute=True)
        add("stock", OF_STOCK, algorithm=algorithm, distribute=True)
    add("lean", OF_FEATURES, mesh="file", distribute=True)
    return found


def run(asked: dict[str, Any], guarded: bool, folder: Path) -> dict[str, Any]:
    """Run a model in a process, or one for each rank; return what it tells, and its record."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    model = {key: value for key, value in asked.items() if key not in ("variant", "ranks")}
    if model.get("mesh") == "file":
        model["file"] = str(_mesh_file(model["triangles"], folder))
    lean = ["-m", "anuga_lean", "run", *(["--guard", "--record", "r.jsonl"] if guarded else [])]
    command = [sys.executable, *(lean if asked["variant"] == "lean" else ["-P"]), str(MODEL),
               json.dumps(model), "."]
    if asked["ranks"] > 1:
        command = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(asked["ranks"]),
                   *command]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          env=os.environ | MPI_ENVIRONMENT
                          | {"OMP_NUM_THREADS": "1", "ANUGA_LEAN": "0"})
    if done.returncode:
        raise SystemExit(f"{asked}: {done.stderr}")
    told = [json.loads((folder / f"{rank}.json").read_text()) for rank in range(asked["ranks"])]
    found = {"asked": asked, "triangles": [each["triangles"] for each in told],
             "peak": [each["peak"] for each in told],
             "whole": told[0]["whole"], "shares": [(each["rss"], each["pss"]) for each in told]}
    if guarded and asked["variant"] == "lean":
        events = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
        stages = {each["stage"]: each["ranks"] for each in events if each["event"] == "stage"}
        # what the kernel tells at the end is of the last stage
        found["peak"] = [max(each[rank].get("peak", 0) for each in stages.values())
                         for rank in range(asked["ranks"])]
        found["stages"] = stages
    return found


def _mesh_file(triangles: int, folder: Path) -> Path:
    """Write a mesh file of a square, by stock, in a process of its own."""
    path = folder / "mesh.msh"
    script = (f"import anuga; anuga.create_mesh_from_regions([[0,0],[1e3,0],[1e3,1e3],[0,1e3]], "
              f"{{'all': [0,1,2,3]}}, {1e6 / 0.65 / triangles!r}, filename={str(path)!r})")
    subprocess.run([sys.executable, "-P", "-c", script], check=True, capture_output=True)
    return path


def measure(path: Path, least: bool) -> None:
    """Run all that is wanted, and what is not in the file yet if `least`."""
    from anuga_lean.measure.environment import machine

    known = json.loads(path.read_text())["runs"] if least and path.exists() else []
    runs = []
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as name:
        for asked in wanted():
            found = next((each for each in known if each["asked"] == asked), None)
            if found is None:
                found = run(asked, True, Path(name))
                print(asked, [round(each / 2**20, 1) for each in found["peak"]], flush=True)
            runs.append(found)
            path.write_text(json.dumps(
                {"date": date.today().isoformat(), "machine": machine(), "runs": runs}) + "\n")


# -- the table ---------------------------------------------------------------------------


class Runs:
    """Runs of a file, by what was asked."""

    def __init__(self, path: Path) -> None:
        self.figures = json.loads(path.read_text())

    def find(self, variant: str, ranks: int = 1, **asked: Any) -> list[dict[str, Any]]:
        """Return the runs of exactly that, by ascending triangles."""
        wanted = {"variant": variant, "ranks": ranks, **asked}
        found = [each for each in self.figures["runs"] if wanted == {
            key: value for key, value in each["asked"].items() if key != "triangles"}]
        if not found:
            raise SystemExit(f"there is no run of {wanted}: measure it")
        return sorted(found, key=lambda each: each["asked"]["triangles"])


def line(points: list[tuple[float, float]]) -> list[float]:
    """Return offset and slope of the line through two points or nearest to more."""
    n, values = (np.array(each, float) for each in zip(*points, strict=True))
    slope, offset = np.polyfit(n, values, 1)
    return [round(float(offset)), round(float(slope), 3)]


def make_table(runs: Runs) -> dict[str, Any]:
    """Return the figures that `anuga_lean.plan.table` reads."""
    series, stock_series = {}, {}
    for mesh in ("rectangular", "regions"):
        for store in (True, False):
            name = f"{mesh} {'' if store else 'not '}stored"
            found = runs.find("lean", mesh=mesh, store=store)
            series[name] = {"triangles": [each["triangles"][0] for each in found]} | {
                stage: {kind: [each["stages"][stage][0][kind] for each in found]
                        for kind in KINDS} for stage in OF_SERIAL}
            stock_series[name] = line([(each["triangles"][0], each["peak"][0]) for each in
                                       runs.find("stock", mesh=mesh, store=store, distribute=True)])
    plain = runs.find("lean", distribute=True)
    stock_plain = runs.find("stock", mesh="rectangular", store=True, distribute=True)
    adds, stock_adds = {}, {}
    for name, asked in {
            **{each: {"features": [each]} for each in FEATURES},
            **{each: {"algorithm": each} for each in ALGORITHMS}, "file": {"mesh": "file"}}.items():
        pairs = list(zip(runs.find("lean", **asked, distribute=True), plain, strict=True))
        adds[name] = {stage: {kind: line([
            (a["triangles"][0], a["stages"][stage][0][kind] - _at(b, a, stage, kind))
            for a, b in pairs]) for kind in KINDS} for stage in OF_SERIAL}
        if name != "file":
            stock_adds[name] = line([
                (a["triangles"][0], a["peak"][0] - b["peak"][0])
                for a, b in zip(runs.find("stock", **asked, distribute=True), stock_plain,
                                strict=True)])
    figures = {"lean": {"series": series, "adds": adds, "ranks": {}, "shared": {}},
               "stock": {"series": stock_series, "adds": stock_adds, "ranks": {}, "shared": 0}}
    table = Table(figures)
    for scheme in SCHEMES:
        figures["lean"]["ranks"][scheme] = _of_ranks(runs, scheme, table)
    figures["lean"]["shared"] = {
        stage: round(min(_shared(each["stages"][stage]) for scheme in SCHEMES
                         for each in _ranked(runs, scheme))) for stage in OF_OTHERS}
    _add_stock_ranks(runs, table)
    return {"date": runs.figures["date"], "machine": runs.figures["machine"], **figures}


def _at(plain: dict[str, Any], other: dict[str, Any], stage: str, kind: str) -> float:
    """Return what the plain model takes, for as many triangles as the other has."""
    known = plain["stages"][stage][0][kind]
    base = plain["stages"]["imports"][0][kind]
    return base + (known - base) * other["triangles"][0] / plain["triangles"][0]


def _shared(memories: list[dict[str, int]]) -> float:
    return sum(each["rss"] - each["pss"] for each in memories) / (len(memories) - 1)


def _ranked(runs: Runs, scheme: str) -> list[dict[str, Any]]:
    return [each for ranks in (2, 4) for each in runs.find(
        "lean", ranks, scheme=scheme, features=["centroids"])]


def _of_ranks(runs: Runs, scheme: str, table: Table) -> dict[str, Any]:
    """Return what ranks add, and how many ghosts they have."""
    found = _ranked(runs, scheme)
    first: dict[str, Any] = {}
    others: dict[str, Any] = {}
    ghosts = []
    for each in found:
        ranks, whole = len(each["triangles"]), 4 * round((each["asked"]["triangles"] / 4) ** 0.5)**2
        ghosts.append((max(each["triangles"]) - whole / ranks)
                      / ((1.0 - ranks**-0.5) * (whole / ranks)**0.5))
    for rank, role, stages in ((0, first, OF_FIRST), (1, others, OF_OTHERS)):
        for stage in stages:
            role[stage] = {}
            for kind in KINDS:
                rows, values = [], []
                for each in found:
                    whole = 4 * round((each["asked"]["triangles"] / 4) ** 0.5) ** 2
                    n = each["triangles"][rank]
                    base = 0.0
                    if stage not in IN_PARTS:
                        of = whole if stage == DOMAIN else n
                        base = getattr(added(table.serial(stage, of, "rectangular", True),
                                             table.adds("centroids", stage, of)), kind)
                    rows.append([1.0, whole if rank == 0 else 0.0, n])
                    values.append(each["stages"][stage][rank][kind] - base)
                if stage in ("imports", DOMAIN):
                    solved = [float(np.mean(values)), 0.0, 0.0]
                else:
                    # an error of a part of the peak counts the same on small and large meshes
                    weights = 1.0 / np.array([each["peak"][rank] for each in found], float)
                    solved = np.linalg.lstsq(np.array(rows) * weights[:, None],
                                             np.array(values) * weights, rcond=None)[0]
                role[stage][kind] = [round(float(solved[0])), *(round(float(each), 3)
                                                                for each in solved[1:])]
    return {"first": first, "others": others, "ghosts": round(float(np.max(ghosts)), 3)}


def _add_stock_ranks(runs: Runs, table: Table) -> None:
    """Add what ranks of stock take beyond a process of as many triangles."""
    found = [each for ranks in (2, 4) for each in runs.find("stock", ranks)]
    base, slope = table.figures["stock"]["series"]["rectangular stored"]
    for rank, role in ((0, "first"), (1, "others")):
        rows = [[1.0, sum(each["triangles"]) if rank == 0 else 0.0, each["triangles"][rank]]
                for each in found]
        values = [each["peak"][rank] - base - slope * each["triangles"][rank] for each in found]
        solved = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
        table.figures["stock"]["ranks"][role] = [
            round(float(solved[0])), *(round(float(each), 3) for each in solved[1:])]
    table.figures["stock"]["shared"] = round(min(
        sum(rss - pss for rss, pss in each["shares"]) / (len(each["shares"]) - 1)
        for each in found))


# -- what is predicted of other models ---------------------------------------------------

CHECKED: tuple[dict[str, Any], ...] = (
    {"triangles": 100_000},
    {"triangles": 1_000_000, "algorithm": "DE1"},
    {"triangles": 4_000_000, "features": ["centroids"]},
    {"triangles": 4_500_000, "store": False},
    {"triangles": 300_000, "mesh": "regions", "algorithm": "DE1",
     "features": ["fit", "rain", "maxima"]},
    {"triangles": 1_000_000, "mesh": "regions", "features": ["centroids", "rain", "maxima"]},
    {"triangles": 400_000, "features": ["tracers"]},
    {"triangles": 800_000, "algorithm": "DE1", "features": ["centroids", "tracers", "inlets"]},
    {"triangles": 1_000_000, "ranks": 2},
    {"triangles": 500_000, "ranks": 3, "algorithm": "DE1"},
    {"triangles": 800_000, "ranks": 3, "scheme": "hilbert", "features": ["centroids", "rain"]},
    {"triangles": 2_000_000, "ranks": 2, "scheme": "hilbert", "mesh": "regions"},
    {"triangles": 1_500_000, "algorithm": "DE2",
     "features": ["centroids", "maxima", "rain", "tracers"]},
    {"triangles": 700_000, "mesh": "regions", "features": ["raster", "vegetation", "monitors"]},
    {"triangles": 1_200_000, "ranks": 3, "mesh": "regions",
     "features": ["centroids", "maxima", "tracers"]},
)


def check(path: Path | None, models: Sequence[dict[str, Any]] = CHECKED,
          least: bool = False) -> float:
    """Predict models, run them without a guard; return the largest error, a part of the peak.

    With a page to write, measurements are kept in benchmarks/plan_checked.json; those that are
    there are not made again if `least`.
    """
    rows, errors = [], []
    known = json.loads(CHECKED_RUNS.read_text()) if least and CHECKED_RUNS.exists() else []
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as name:
        for asked in models:
            model = {"variant": "lean", "ranks": 1} | asked
            found = next((each for each in known if each["asked"] == model), None)
            if found is None:
                found = run(model, False, Path(name))
                known.append(found)
                if path is not None:
                    CHECKED_RUNS.write_text(json.dumps(known) + "\n")
            question = Question(
                sum_of(found), model["ranks"], algorithm=asked.get("algorithm", "DE0"),
                store=asked.get("store", True), mesh=asked.get("mesh", "rectangular"),
                features=dict.fromkeys(asked.get("features", ()), 1),
                scheme=asked.get("scheme", "metis"))
            said = predict(question)
            for rank, peak in enumerate(found["peak"][:2]):
                stages = said.others if rank else said.first
                predicted = max(each.peak for each in stages.values())
                errors.append(predicted / peak - 1.0)
                which = "" if model["ranks"] == 1 else f", rank {rank}"
                rows.append([_named(asked) + which, f"{question.triangles:,}",
                             f"{peak / 2**20:,.0f}", f"{predicted / 2**20:,.0f}",
                             f"{errors[-1]:+.1%}"])
                print("  ".join(rows[-1]), flush=True)
    if path is not None:
        heads = ["model", "triangles", "measured, MiB", "predicted, MiB", "error"]
        lines = ["| " + " | ".join(row) + " |" for row in (heads, ["---", *["---:"] * 4], *rows)]
        show(path, "check", lines)
    return max(map(abs, errors))


def show(path: Path, name: str, lines: Sequence[str]) -> None:
    """Write lines into a page, between the marks of that name."""
    before, begin, rest = path.read_text().partition(f"<!-- {name}: benchmarks/plan.py -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not end:
        raise SystemExit(f"{path} has no place for {name}")
    path.write_text(before + begin + "\n".join(lines) + "\n" + end + after)


def sizes_lines(table: Table) -> list[str]:
    """Return the table of GiB against triangles that the page shows."""
    heads = ["triangles", "lean", "stock ANUGA", "lean, 4 ranks, METIS", "lean, 4 ranks, Hilbert"]
    lines = [heads, ["---:"] * 5]
    for n in (100_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000, 100_000_000):
        alone, ranked = Question(n), Question(n, 4)
        gib = [predict(alone, table=table).of_node()[0], predict_stock(alone, table)[1],
               *(predict(ranked._replace(scheme=scheme), table=table).of_node()[0]
                 for scheme in SCHEMES)]
        lines.append([f"{n:,}", *(f"{each / 2**30:,.2f}" for each in gib)])
    return ["| " + " | ".join(line) + " |" for line in lines]


def sum_of(found: dict[str, Any]) -> int:
    """Return the triangles of the whole mesh: those of the parts have ghosts."""
    if len(found["triangles"]) == 1:
        return int(found["triangles"][0])
    return int(found["whole"])


def _named(asked: dict[str, Any]) -> str:
    return ", ".join([
        asked.get("mesh", "rectangular"), asked.get("algorithm", "DE0"),
        *([] if asked.get("store", True) else ["no frames"]), *asked.get("features", ()),
        *([f"{asked['ranks']} ranks, {asked.get('scheme', 'metis')}"] if "ranks" in asked else [])])


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("measure", "table", "check"))
    parser.add_argument("--more", action="store_true", help="measure only what is not there yet")
    parser.add_argument("--json", type=Path, default=RUNS, metavar="FILE")
    args = parser.parse_args()
    if args.what == "measure":
        measure(args.json, args.more)
    elif args.what == "check":
        print(f"largest error {check(PAGE, least=args.more):.1%}")
    else:
        figures = make_table(Runs(args.json))
        TABLE.write_text(json.dumps(figures, indent=1) + "\n")
        show(PAGE, "sizes", sizes_lines(Table(figures)))


if __name__ == "__main__":
    main()
