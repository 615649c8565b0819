"""Runs ANUGA's own test suites on stock and on lean, test by test.

Owns the commands of the suites, the outcomes and what counts as a regression.
Writing outcomes down is upstream_children/upstream_outcomes.py's.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import upstream_sdist as sdist

from anuga_lean.measure.report import table

LISTED = Path(__file__).resolve().parent / "storage_assertions.txt"
MOST_LISTED = 15
MOST_RESTARTS = 20

SUITES = {
    "fast": ["anuga", "--run-fast"],
    "parallel": ["anuga.parallel"],
    "parallel-quick": [
        "anuga.parallel", "-k",
        "not sediment_mass and not kv_operator and not inlet_tracers and not riverwall "
        "and not parallel_tracers and not kv_unit",
    ],
}
GOOD = ("passed", "xfailed", "skipped")


class Difference(NamedTuple):
    """A test that ended differently."""

    test: str
    stock: str
    lean: str
    reason: str  # the last error line on lean

    @property
    def regressed(self) -> bool:
        """Whether it passed on stock and fails, or is not run, on lean."""
        return self.stock in GOOD and self.lean not in GOOD or (
            self.stock == "passed" != self.lean)


def read_listed(path: Path = LISTED) -> dict[str, str]:
    """Return the tests that assert how stock stores things, with the reason of each."""
    listed = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            test, _, reason = line.partition(" # ")
            if not reason.strip():
                raise SystemExit(f"{path.name}: {test} is listed without a reason")
            listed[test.strip()] = reason.strip()
    if len(listed) > MOST_LISTED:
        raise SystemExit(f"{path.name} lists {len(listed)} tests; at most {MOST_LISTED} may be")
    return listed


def run_suite(name: str, variant: str, tree: Path, folder: Path,
              variables: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Run a suite in an empty folder; return outcome and error text by test.

    The folder holds the sdist's root conftest and pytest settings; the tests
    are those of the installed package.
    """
    return run_tests(f"the {name} suite on {variant}", sdist.python(variant), SUITES[name],
                     variant, tree, folder, variables)


def run_tests(label: str, python: list[str], arguments: list[str], variant: str, tree: Path,
              folder: Path, variables: dict[str, str], timeout: float | None = None
              ) -> dict[str, dict[str, Any]]:
    """Run the tests that the arguments choose, on any interpreter; return the same as run_suite."""
    shutil.rmtree(folder, ignore_errors=True)
    place = folder / "sandpit"
    place.mkdir(parents=True)
    for file in ("conftest.py", "pyproject.toml"):
        shutil.copy(tree / file, folder)
    lines = folder / "outcomes.jsonl"
    variables = variables | {"UPSTREAM_OUTCOMES": str(lines)}
    command = [*python, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               "-p", "upstream_outcomes", "--pyargs", *arguments]
    log = folder / "output.log"
    for _ in range(1 + MOST_RESTARTS):
        status = sdist.run(command, place, log, variables, timeout)
        if status in (0, 1, 5):  # all run, some failed, none left after a crash
            return read_outcomes(lines, variant)
        if not lines.exists() or status in (2, 3, 4):
            break
        sdist.show(f"{label} died with status {status}: going on behind")
    raise SystemExit(f"{label} ended with status {status}: see {log}")


def read_outcomes(lines: Path, variant: str) -> dict[str, dict[str, Any]]:
    """Return outcome and error text by test; a test that began and did not end has crashed."""
    found: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, lines.read_text().splitlines()):
        if "variant" in line:
            if line["variant"] != variant:
                raise SystemExit(f"tests meant for {variant} domains ran on {line['variant']}")
        elif "start" in line:
            found[line["start"]] = {"outcome": "crashed", "text": None}
        else:
            outcome = _outcome(line)
            if outcome is not None:
                found[line["test"]] = {"outcome": outcome, "text": line["text"]}
    return found


def _outcome(line: dict[str, Any]) -> str | None:
    """Return the outcome that one phase of a test has; None if it has none."""
    if line["when"] == "call":
        return {"skipped": "xfailed", "passed": "xpassed"}[line["outcome"]] \
            if line["xfail"] else line["outcome"]
    if line["outcome"] == "skipped":
        return "skipped"
    return "error" if line["outcome"] == "failed" else None


def compare(stock: dict[str, dict[str, Any]], lean: dict[str, dict[str, Any]]) -> list[Difference]:
    """Return the tests that did not end the same, by name."""
    found = []
    for test in sorted({*stock, *lean}):
        ends = [side.get(test, {"outcome": "not run"})["outcome"] for side in (stock, lean)]
        if ends[0] != ends[1]:
            text = (lean.get(test) or {}).get("text") or ""
            errors = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
            found.append(Difference(test, ends[0], ends[1], errors[0] if errors else ""))
    return found


def report(name: str, stock: dict[str, dict[str, Any]], lean: dict[str, dict[str, Any]]
           ) -> tuple[str, dict[str, Any], list[str]]:
    """Return the table of a suite, the content of the result file, and every reason to fail."""
    listed = read_listed()
    differences = compare(stock, lean)
    regressed = [each for each in differences if each.regressed]
    fixed = [each for each in differences if each.lean == "passed"]
    rows = [["outcome", "stock", "lean"]]
    for outcome in sorted({each["outcome"] for side in (stock, lean) for each in side.values()}):
        rows.append([outcome, *(
            str(sum(each["outcome"] == outcome for each in side.values()))
            for side in (stock, lean))])
    kinds = {"same": len({*stock, *lean}) - len(differences), "regressed": len(regressed),
             "of these listed": sum(each.test in listed for each in regressed),
             "fixed": len(fixed),
             "otherwise different": len(differences) - len(regressed) - len(fixed)}
    lines = [f"{name} suite", table(rows), "",
             table([["against stock", "tests"], *([k, str(n)] for k, n in kinds.items())])]
    for each in differences:
        mark = f"listed: {listed[each.test]}" if each.test in listed else each.reason
        lines.append(f"  {each.stock} -> {each.lean}  {each.test}  {mark}")
    wrong = [f"{each.test} {each.stock} on stock, {each.lean} on lean" for each in regressed
             if each.test not in listed]
    wrong += [f"{test} is listed in {LISTED.name} but passes on lean" for test in listed
              if lean.get(test, {}).get("outcome") == "passed"]
    tests = {test: {"stock": (stock.get(test) or {}).get("outcome", "not run"),
                    "lean": (lean.get(test) or {}).get("outcome", "not run")}
             for test in sorted({*stock, *lean})}
    result = {"counts": kinds, "tests": tests,
              "differences": [each._asdict() for each in differences]}
    return "\n".join(lines), result, wrong


def as_argument(test: str) -> str:
    """Return what selects a test after --pyargs."""
    file, _, rest = test.partition("::")
    module = file.removesuffix(".py").replace("/", ".")
    return f"{module}::{rest}" if rest else module
