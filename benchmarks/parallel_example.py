"""Runs ANUGA's own parallel example on stock and on lean: memory of its ranks and its times.

Takes examples/parallel/run_parallel_rectangular.py as it is from ANUGA's source
distribution.  Memory is the largest VmHWM of a rank between its start and its
end, times are those that the example prints; stock and lean run in turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import upstream_sdist as sdist

from anuga_lean._errors import LeanError
from anuga_lean.measure.comparison import equalities
from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import VARIANTS, Request, measure
from anuga_lean.measure.report import table

EXAMPLE = "examples/parallel/run_parallel_rectangular.py"
TIMES = ("create", "distribute", "evolve")
MB = 1e6


def run(variant: str, size: int, scheme: str, args: argparse.Namespace, folder: Path) -> dict:
    """Run the example once.

    Returns
    -------
    dict
        ``peaks`` of the ranks (bytes), seconds by name in `TIMES`, and the
        whole result under ``result``.
    """
    script = sdist.fetch(args.cache, args.release) / EXAMPLE
    folder.mkdir(parents=True, exist_ok=True)
    found = measure(Request(
        variant, str(script), arguments=["--sqrtN", str(size), "--partition_scheme", scheme],
        numprocs=args.np, small_pages=True, cwd=str(folder)), folder)
    last = (folder / "output.log").read_text().splitlines()
    told = next(line for line in reversed(last) if line.startswith(f"{args.np},"))
    peaks = [max(stage["peak_rss"] for stage in rank["stages"].values())
             for rank in found["ranks"]]
    return {"peaks": peaks, "result": found,
            **dict(zip(TIMES, map(float, told.split(",")[2:]), strict=True))}


def pair(size: int, scheme: str, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the example on both, in turn, as often as asked for."""
    runs: dict[str, list[dict]] = {variant: [] for variant in args.variants}
    equal: dict[str, bool] = {}
    for number in range(args.repeats):
        for variant in args.variants[:: -1 if number % 2 else 1]:
            place = folder / f"{variant}_{size}_{scheme}_{number}"
            print(f"{variant}, sqrtN {size}, {scheme} ...", flush=True)
            runs[variant].append(run(variant, size, scheme, args, place))
        if len(args.variants) == 2:
            both = [runs[variant][-1]["result"] for variant in VARIANTS]
            for name, same in equalities(*both).items():
                equal[name] = equal.get(name, True) and same
    found: dict[str, Any] = {
        "sqrtN": size, "triangles": 4 * size**2, "scheme": scheme, "ranks": args.np,
        "equal": all(equal.values()) if equal else None,
    }
    for variant, each in runs.items():
        found[variant] = {
            "rank_0": statistics.median(one["peaks"][0] for one in each),
            "other_ranks": statistics.median(max(one["peaks"][1:]) for one in each),
            **{name: statistics.median(one[name] for one in each) for name in TIMES},
            "job": statistics.median(sum(one[name] for name in TIMES) for one in each),
        }
    if len(args.variants) == 2:
        ratios = [sum(s[name] for name in TIMES) / sum(n[name] for name in TIMES)
                  for s, n in zip(runs["stock"], runs["lean"], strict=True)]
        found["stock_over_lean"] = statistics.median(ratios)
    return found


def rows(found: dict[str, Any], variants: list[str]) -> list[list[str]]:
    """Return the lines of the table about one size and scheme."""
    label = f"{found['triangles']:,} {found['scheme']}"
    lines = []
    for variant in variants:
        each = found[variant]
        ratio = found.get("stock_over_lean") if variant == "lean" else None
        lines.append([
            f"{label} {variant}", f"{each['rank_0'] / MB:,.0f}", f"{each['other_ranks'] / MB:,.0f}",
            *(f"{each[name]:.1f}" for name in (*TIMES, "job")),
            "" if ratio is None else f"{ratio:.1f}",
            {True: "yes", False: "NO", None: ""}[found["equal"]] if variant == "lean" else ""])
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[250, 500, 750], metavar="SQRTN",
                        help="4*SQRTN**2 triangles (%(default)s)")
    parser.add_argument("--schemes", nargs="+", default=["metis"],
                        choices=["metis", "morton", "hilbert"])
    parser.add_argument("--np", type=int, default=2, help="ranks (%(default)s)")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "anuga_lean",
                        help="for the source distribution (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    sdist.add_release_option(parser)
    args = parser.parse_args()
    args.release = sdist.release_of(args)
    found = []
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        try:
            found = [pair(size, scheme, args, Path(folder))
                     for size in args.sizes for scheme in args.schemes]
        except LeanError as error:
            raise SystemExit(str(error)) from error
    head = ["triangles", "rank 0, MB", "others, MB", "create, s", "distribute, s", "evolve, s",
            "job, s", "stock / lean", "equal"]
    print(table([head, *(line for each in found for line in rows(each, args.variants))]))
    if args.json is not None:
        stored = {"date": date.today().isoformat(), "machine": machine(), "runs": found}
        args.json.write_text(json.dumps(stored, indent=1) + "\n")
    if any(each["equal"] is False for each in found):
        raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
