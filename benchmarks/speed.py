"""Time per step, stock against lean: two meshes, threads, instruction sets, one tiny mesh.

Runs are interleaved (every kind once, then every kind again) and each is a
fresh process; a figure is the median over the runs of a run's median step.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from anuga_lean.measure.environment import machine
from anuga_lean.measure.measurement import ISAS, Request, measure
from anuga_lean.measure.report import table

MESHES = {"dam_break": "rectangular_cross", "unstructured": "unstructured"}
TINY = 100  # triangles


class Kind(NamedTuple):
    """What is timed: one row of the table."""

    scenario: str
    triangles: int
    threads: int
    variant: str
    isa: str | None

    def request(self, args: argparse.Namespace) -> Request:
        """The run that times it."""
        tiny = self.triangles == TINY
        return Request(
            self.variant,
            self.scenario,
            {
                "triangles": self.triangles,
                # 95 % wet and rippled: nothing is at rest, so nothing can be skipped.
                "tailwater": -2.0,
                "flow_algorithm": args.flow_algorithm,
            },
            steps=args.tiny_steps if tiny else args.steps,
            threads=self.threads,
            isa=self.isa,
            arrays=False,
        )


def usable_isas() -> list[str]:
    """Instruction sets that this machine has."""
    found = machine()
    has = {"baseline": True, "v3": found["avx2"], "v4": found["avx512"]}
    return [isa for isa in ISAS if has[isa]]


def kinds(args: argparse.Namespace) -> Iterator[Kind]:
    """All rows, in the order they are run."""
    isas = args.isa or usable_isas()
    for scenario, threads in itertools.product(args.scenario or MESHES, args.threads or (1, 2)):
        yield Kind(scenario, args.triangles, threads, "stock", None)
        for isa in isas:
            yield Kind(scenario, args.triangles, threads, "lean", isa)
    if not args.no_tiny:
        yield Kind("dam_break", TINY, 1, "stock", None)
        yield Kind("dam_break", TINY, 1, "lean", None)


def run_all(args: argparse.Namespace) -> tuple[dict[Kind, list[float]], dict[Kind, dict]]:
    """Median seconds per step of every run, by kind, and the last result of each."""
    every = list(kinds(args))
    seconds: dict[Kind, list[float]] = {kind: [] for kind in every}
    last: dict[Kind, dict] = {}
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as folder:
        for number in range(args.repeat):
            for kind in every:
                result = measure(kind.request(args), Path(folder) / "run")
                seconds[kind].append(result["seconds_per_step"])
                last[kind] = result
                print(
                    f"{number + 1}/{args.repeat} {kind.scenario} {kind.variant} {kind.isa or ''} "
                    f"{kind.threads} thread(s): {result['seconds_per_step'] * 1e3:.4g} ms a step",
                    flush=True,
                )
    return seconds, last


def speed_table(seconds: dict[Kind, list[float]], last: dict[Kind, dict]) -> str:
    """Medians, spread and the ratio to stock on the same mesh and threads."""
    rows = [["mesh", "triangles", "wet", "threads", "domain", "ms a step", "ns/tri", "spread", "x"]]
    for kind, found in seconds.items():
        median = statistics.median(found)
        stock = statistics.median(seconds[kind._replace(variant="stock", isa=None)])
        count = last[kind]["number_of_triangles"]
        rows.append(
            [
                MESHES[kind.scenario],
                f"{count:,}",
                f"{last[kind]['wet_fraction']:.0%}",
                str(kind.threads),
                " ".join(filter(None, [kind.variant, kind.isa])),
                f"{median * 1e3:.4g}",
                f"{median * 1e9 / count:.1f}",
                f"{(max(found) - min(found)) / median:.0%}",
                f"{stock / median:.2f}",
            ]
        )
    return table(rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", choices=MESHES, action="append", help="default: both")
    parser.add_argument("--triangles", type=int, default=1_000_000, metavar="N")
    parser.add_argument("-alg", "--flow_algorithm", default="DE0")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--tiny_steps", type=int, default=3000)
    parser.add_argument("-nt", "--threads", type=int, action="append", help="default: 1 and 2")
    parser.add_argument("--isa", choices=ISAS, action="append", help="default: all there are")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--no-tiny", action="store_true", help=f"leave the {TINY} triangles out")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    seconds, last = run_all(args)
    print(f"\n{args.flow_algorithm}, {machine()['processor']}, median of {args.repeat} runs")
    print("x: times faster than stock on the same mesh and threads\n")
    print(speed_table(seconds, last))
    if args.json is not None:
        rows = [
            {
                **kind._asdict(),
                "number_of_triangles": last[kind]["number_of_triangles"],
                "wet_fraction": last[kind]["wet_fraction"],
                "seconds_per_step": found,
            }
            for kind, found in seconds.items()
        ]
        figures = {"machine": machine(), "algorithm": args.flow_algorithm, "rows": rows}
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
