"""Runs the suite every night, adds it to the history, writes the report and judges it.

Writes history/DATE_COMMIT.json and report.html beside it, whatever the outcome;
exits with 1 if a run failed or a figure is worse than the baseline of the same version
of ANUGA or, where there is none, or none with ratios of time of such a machine, than the
last night on such a one.  A release of ANUGA that is newer than those known is measured
too, and one line says what it changes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import compare
import scenarios
from newest import newest_release

from anuga_lean._errors import LeanError
from anuga_lean._escapes import escaped
from anuga_lean.measure import gate
from anuga_lean.measure.instructions import NO_VALGRIND, has_valgrind
from anuga_lean.measure.records import Night, read

HERE = Path(__file__).resolve().parent
HISTORY = HERE / "history"


def measure(folder: Path, profile: str, more: list[str]) -> tuple[Path, int]:
    """Run the suite into a new file of the history; return the file and pytest's status."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "unfinished.json"
    unfinished.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE),
               "--profile", profile, f"--benchmark-json={unfinished}", *more]
    # From the root, -m would find the package's source, which has no compiled kernels.
    status = subprocess.run(command, cwd=HERE).returncode
    if not unfinished.exists():
        raise SystemExit(f"nightly.py: nothing was measured, pytest ended with {status}: what it "
                         "printed above says why")
    night = read(unfinished)
    name = night.date[:19].replace(":", "").replace("-", "")
    path = folder / f"{name}_{night.commit.rstrip('+') or 'nocommit'}.json"
    unfinished.replace(path)
    return path, status


def earlier(folder: Path, new: Path) -> list[Night]:
    """Return all other nights of a history that can be read, the newest last."""
    found = []
    for path in sorted(folder.glob("*.json")):
        if path != new:
            try:
                found.append(read(path))
            except LeanError as error:
                print(f"nightly.py: {error}", file=sys.stderr)
    return sorted(found, key=lambda night: night.date)


class Pair(NamedTuple):
    """Two nights to compare, both with records of one version of ANUGA only."""

    new: Night
    base: Night
    ratios_only: bool


def pairs(new: Night, nights: list[Night], baselines: Mapping[str, Night]) -> Iterator[Pair]:
    """Yield what to compare a new night with, version by version."""
    for release in sorted(gate.releases(new)):
        part, base = gate.of_release(new, release), baselines.get(release)
        alike = [gate.of_release(night, release) for night in nights
                 if gate.same_class(new, night) and release in gate.releases(night)][-1:]
        if base is None:
            yield from (Pair(part, night, False) for night in alike)
            continue
        # A baseline may have some suites only, as the one of instructions alone.
        held = gate.suites(base)
        others = gate.of_suites(part, gate.suites(part) - held)
        yield Pair(gate.of_suites(part, held), base, False)
        for night in alike:
            if others.records:
                yield Pair(others, gate.of_suites(night, gate.suites(others)), False)
            if "speed" in held and not gate.same_class(new, base):
                yield Pair(gate.of_suites(part, held), gate.of_suites(night, held), True)


def main(arguments: list[str] | None = None) -> int:
    """Measure, report, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=scenarios.PROFILES, default="nightly")
    parser.add_argument("--history", type=Path, default=HISTORY, metavar="FOLDER")
    parser.add_argument("--baselines", type=Path, default=compare.BASELINES, metavar="FOLDER",
                        help="default: benchmarks/baseline/")
    parser.add_argument("more", nargs="*", help="for pytest, after --")
    args = parser.parse_args(arguments)
    args.history = args.history.resolve()
    try:
        baselines = compare.read_baselines(args.baselines)
    except LeanError as error:
        raise SystemExit(f"nightly.py: {error}") from error
    newest = newest_release()
    print(newest.line, flush=True)
    if not has_valgrind():
        print(NO_VALGRIND, flush=True)
    also = [] if newest.known or newest.version is None else ["--release", newest.version]
    path, status = measure(args.history, args.profile, [*also, *args.more])
    new, nights = read(path), earlier(args.history, path)
    report = args.history / "report.html"
    files = [str(night.path.resolve()) for night in [*baselines.values(), *nights]]
    subprocess.run([sys.executable, "-m", "anuga_lean", "report", *files, str(path),
                    "-o", str(report)], cwd=HERE, check=True)
    worse, compared = 0, set()
    for pair in pairs(new, nights, baselines):
        findings = gate.compare_nights(*pair)
        worse |= compare.report(findings, path, pair.base.path)
        compared |= set(gate.releases(pair.new))
    for release in sorted(gate.releases(new).keys() - compared):
        print(f"there is no night of ANUGA {escaped(release)} to compare with: the next one is "
              "compared with this one")
    print(newest.line)
    print(f"report: {report}")
    return 1 if worse or status else 0


if __name__ == "__main__":
    sys.exit(main())
