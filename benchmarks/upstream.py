"""Runs ANUGA's own tests and validation cases on stock and on lean.

Fetches the sdist with pip, runs the parts that are named on both and compares
test by test and bit by bit.  Exits with 1 if a test regressed that is not in
storage_assertions.txt, if a listed one passes, or if a case differs.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import upstream_cases as cases
import upstream_sdist as sdist
import upstream_suites as suites

from anuga_lean.measure.environment import machine
from anuga_lean.measure.report import table

PARTS = (*suites.SUITES, "cases")
FORMAT = 2  # of stock's results in the cache; raise it when what a run leaves changes


def prepare_parser() -> argparse.ArgumentParser:
    """Add the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", metavar="PART",
                        help=f"{', '.join(PARTS)}; default: fast, parallel and cases")
    parser.add_argument("--case", action="append", metavar="PATTERN",
                        help="only cases of this name, e.g. 'dam_break*'; may be repeated")
    parser.add_argument("-alg", "--algorithm", action="append", choices=cases.ALGORITHMS,
                        help="only these, where a case leaves the choice; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the cases and exit")
    parser.add_argument("--lean-only", action="store_true",
                        help="take stock's results from the last run that the cache holds")
    parser.add_argument("--ea-data", type=Path, metavar="FOLDER",
                        help="unpacked data of the Environment Agency's cases, Test1 and so on; "
                        "default: fetched once, and the cases are left out where that fails")
    sdist.add_release_option(parser)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all results there")
    parser.add_argument("--cache", type=Path, metavar="FOLDER",
                        default=Path.home() / ".cache" / "anuga_lean",
                        help="for the sdist and stock's results (%(default)s)")
    parser.add_argument("--work", type=Path, metavar="FOLDER",
                        help="keep what the runs leave there; default: a temporary folder")
    return parser


class Runner:
    """Runs parts on both variants; keeps stock's results in the cache."""

    def __init__(self, args: argparse.Namespace, tree: Path, work: Path) -> None:
        self.args = args
        self.tree = tree
        self.work = work
        self.wrong: list[str] = []
        self.results: dict[str, Any] = {}
        self.rss_of_import: dict[str, int] = {}
        self.ea_data: Path | None = None

    def both(self, key: str, run: Any) -> tuple[Any, Any]:
        """Return the results of stock, from the cache with --lean-only, and of lean."""
        kept = self.args.cache / f"stock-{self.args.release}-{FORMAT}" / \
            f"{key.replace(' ', '_')}.json"
        if self.args.lean_only:
            stock = json.loads(kept.read_text()) if kept.exists() else None
        else:
            stock = run("stock")
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(stock))
        return stock, run("lean")

    def folder(self, *names: str) -> Path:
        """Return a folder for one run."""
        return self.work.joinpath(*(name.replace(" ", "_") for name in names))

    def suite(self, name: str) -> str:
        """Run a suite; return its table."""
        def run(variant: str) -> Any:
            folder = self.folder(name, variant)
            variables = sdist.environment(self.folder("homes", name, variant), self.args.cache)
            return suites.run_suite(name, variant, self.tree, folder, variables)

        stock, lean = self.both(name, run)
        if stock is None:
            raise SystemExit(f"--lean-only: {self.args.cache} has no results of the {name} suite "
                             f"on stock; run it once without --lean-only")
        text, result, wrong = suites.report(name, stock, lean)
        self.results[name] = result
        self.wrong += wrong
        return text

    def selected(self) -> list[cases.Case]:
        """Return the cases that the options leave."""
        patterns, algorithms = self.args.case or ["*"], self.args.algorithm
        return [case for case in cases.all_cases(self.tree)
                if any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)
                and (not algorithms or not case.algorithm or case.algorithm in algorithms)]

    def runnable(self) -> list[cases.Case]:
        """Return those whose data are here or can be fetched; say which are left out."""
        chosen = self.selected()
        if not any(case.data for case in chosen):
            return chosen
        data, why = self.args.ea_data, "it is not in that folder"
        if data is None:
            data, why = cases.fetch_ea_data(self.tree, self.args.cache)
            why = f"its data cannot be fetched ({why}): give their folder with --ea-data"
        self.ea_data = data
        left = [case for case in chosen
                if case.data and (data is None or not (data / case.data).exists())]
        for case in left:
            print(f"{case.label} is not run: {case.data}: {why}")
        self.results["not_run"] = [case.label for case in left]
        return [case for case in chosen if case not in left]

    def cases(self) -> str:
        """Run the cases; return their table."""
        rows = [cases.HEADER]
        for case in self.runnable():
            stock, lean = self.both(f"case {case.label}", lambda v, c=case: self.one_case(c, v))
            rows.append(cases.row(case, stock, lean))
            print(table([cases.HEADER, rows[-1]]), flush=True)
            self.wrong += cases.judge(case, stock, lean)
            self.results.setdefault("cases", {})[case.label] = {
                "stock": stock, "lean": lean,
                "differences": {} if stock is None else cases.differences(stock, lean)}
        return table(rows) + self.slopes()

    def one_case(self, case: cases.Case, variant: str) -> dict[str, Any]:
        """Run a case on one variant."""
        folder = self.folder("cases", case.label, variant)
        variables = sdist.environment(self.folder("homes", case.label, variant), self.args.cache)
        if variant not in self.rss_of_import:
            self.rss_of_import[variant] = cases.rss_of_import(
                variant, self.folder("import", variant), variables)
        bed = None
        if case.name in cases.CAIRNS:
            bed = self.bed(case.name)
            if not bed.exists():
                fit = f"{case.name}_fit"
                self.one_case(next(c for c in cases.all_cases(self.tree) if c.name == fit), "stock")
        data = self.ea_data if case.data else None
        result = cases.run_case(case, variant, folder, variables, bed, data)
        if case.name.endswith("_fit") and variant == "stock" and result["status"] == 0:
            kept = self.bed(case.name.removesuffix("_fit"))
            kept.write_bytes((folder / "case" / "bed.npz").read_bytes())
        return result | {"rss_of_import": self.rss_of_import[variant]}

    def bed(self, name: str) -> Path:
        """Return the file in which stock's fit of Cairns' bed is kept."""
        return self.args.cache / f"{name}-bed-{self.args.release}.npz"

    def slopes(self) -> str:
        """Return memory by triangle between the two meshes of Cairns, if both have been run."""
        found = self.results.get("cases", {})
        both = [found.get(f"{name} DE0") for name in cases.CAIRNS]
        if not all(both) or not all(each["stock"] for each in both):
            return ""
        slope = {variant: cases.rss_slope(*(each[variant] for each in both))
                 for variant in sdist.VARIANTS}
        self.results["cairns_rss_slope"] = slope
        return (f"\nCairns, RSS between the two meshes: stock {slope['stock']:.0f} B/tri, "
                f"lean {slope['lean']:.0f} B/tri")


def main() -> int:
    """Run the parts and print the tables; return the exit code."""
    parser = prepare_parser()
    args = parser.parse_args()
    unknown = [part for part in args.part if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    args.cache = args.cache.resolve()
    suites.read_listed()
    args.release = sdist.release_of(args)
    tree = sdist.fetch(args.cache, args.release)
    with tempfile.TemporaryDirectory(prefix="anuga_lean_") as temporary:
        runner = Runner(args, tree, (args.work or Path(temporary)).resolve())
        if args.list:
            print("\n".join(case.label for case in runner.selected()))
            return 0
        tables = [runner.cases() if part == "cases" else runner.suite(part)
                  for part in args.part or ("fast", "parallel", "cases")]
    print("\n" + "\n\n".join(tables))
    if args.json is not None:
        versions = {name: metadata.version(name) for name in ("anuga", "anuga_lean", "numpy")}
        args.json.write_text(json.dumps(
            {"machine": machine(), "versions": versions, "commands": sdist.commands,
             "wrong": runner.wrong, **runner.results}, indent=1) + "\n")
    for each in runner.wrong:
        print(f"WRONG: {each}", file=sys.stderr)
    return 1 if runner.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
