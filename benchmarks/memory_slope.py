"""Memory of a domain while it evolves: RSS slope between two sizes, and the census.

Every figure comes from a fresh process of its own (anuga_lean.measure); nothing
is measured in this one.  See README.md for what each column means.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import VARIANTS, Request, measure
from anuga_lean.measure.report import census_table, table


def slope(small: dict, large: dict, stage: str, figure: str) -> float:
    """Bytes per triangle between two runs, from one figure of one stage."""
    difference = large["stages"][stage][figure] - small["stages"][stage][figure]
    return difference / (large["number_of_triangles"] - small["number_of_triangles"])


def measure_variant(variant: str, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """RSS slopes, census with and without SWW, and tracemalloc's count of one variant."""

    def run(label: str, triangles: int, store: bool = False, trace: bool = False) -> dict:
        parameters = {
            "triangles": triangles,
            "tailwater": -2.0,
            "flow_algorithm": args.flow_algorithm,
            "store": store,
        }
        request = Request(
            variant,
            args.scenario,
            parameters,
            steps=args.steps,
            threads=args.threads,
            trace=trace,
            arrays=False,
        )
        print(f"{variant}: {label}", flush=True)
        return measure(request, folder / f"{variant}_{label.replace(' ', '_')}")

    small = run("small", args.small)
    large = run("large", args.large)
    small_stored = run("small with SWW", args.small, store=True)
    large_stored = run("large with SWW", args.large, store=True)
    traced = run("large traced", args.large, trace=True)
    counted = traced["allocated_arrays"] + traced["census"]["kernel_nbytes"]
    return {
        "rss_slope": slope(small, large, "evolve", "rss"),
        "peak_rss_slope": slope(small, large, "evolve", "peak_rss"),
        "build_peak_rss_slope": slope(small, large, "build", "peak_rss"),
        "rss_slope_sww": slope(small_stored, large_stored, "evolve", "rss"),
        "held": large["census"]["bytes_per_triangle"],
        "held_sww": large_stored["census"]["bytes_per_triangle"],
        "allocated": counted / traced["number_of_triangles"],
        "census_over_allocated": traced["census"]["nbytes"] / counted,
        "census": large["census"],
        "census_sww": large_stored["census"],
        "number_of_triangles": [small["number_of_triangles"], large["number_of_triangles"]],
    }


ROWS = (
    ("held, nothing stored (census)", "held", ".1f"),
    ("held, SWW stored (census)", "held_sww", ".1f"),
    ("allocated, nothing stored (tracemalloc + kernels)", "allocated", ".1f"),
    ("census over allocated", "census_over_allocated", ".3f"),
    ("RSS slope while evolving, nothing stored", "rss_slope", ".1f"),
    ("RSS slope while evolving, SWW stored", "rss_slope_sww", ".1f"),
    ("peak RSS slope while evolving", "peak_rss_slope", ".1f"),
    ("peak RSS slope while building", "build_peak_rss_slope", ".1f"),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=250_000, metavar="N")
    parser.add_argument("--large", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--scenario", default="dam_break", choices=("dam_break", "unstructured"))
    parser.add_argument("-alg", "--flow_algorithm", default="DE0")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("-nt", "--threads", type=int, default=1)
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="default: both")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        for variant in args.variant or VARIANTS:
            results[variant] = measure_variant(variant, args, Path(folder))
    print(f"\nbytes per triangle, {args.scenario}, {args.flow_algorithm}, {machine()['processor']}")
    rows = [["", *results]]
    for label, key, form in ROWS:
        rows.append([label, *(f"{result[key]:{form}}" for result in results.values())])
    print(table(rows))
    for variant, result in results.items():
        print(f"\n{variant}, SWW stored")
        print(census_table(result["census_sww"]))
    if args.json is not None:
        args.json.write_text(json.dumps({"machine": machine(), **results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
