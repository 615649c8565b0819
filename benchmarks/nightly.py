"""What runs every night: the suite, its place in the history, the report, the gate.

Writes history/DATE_COMMIT.json and report.html beside it, whatever the outcome;
exits with 1 if a run failed or a figure is worse than the baseline, or, for
ratios of time that it has not of such a machine, than the last night on such a one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import compare
import scenarios

from anuga_lean._errors import LeanError
from anuga_lean.measure import gate
from anuga_lean.measure.records import Night, read

HERE = Path(__file__).resolve().parent
HISTORY = HERE / "history"


def measure(folder: Path, profile: str, more: list[str]) -> tuple[Path, int]:
    """Run the suite into a new file of the history; the file and pytest's status."""
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
    """All other nights of a history that can be read, the newest last."""
    found = []
    for path in sorted(folder.glob("*.json")):
        if path != new:
            try:
                found.append(read(path))
            except LeanError as error:
                print(f"nightly.py: {error}", file=sys.stderr)
    return sorted(found, key=lambda night: night.date)


def against(new: Night, nights: list[Night], baseline: Path) -> list[tuple[Night, bool]]:
    """The nights to compare with; whether for ratios only."""
    chosen = []
    if baseline.exists():
        base = read(baseline)
        chosen.append((base, False))
        if gate.same_class(new, base) and any(each.suite == "speed" for each in base.records):
            return chosen
    alike = [night for night in nights if gate.same_class(new, night)]
    return chosen + [(night, bool(chosen)) for night in alike[-1:]]


def main(arguments: list[str] | None = None) -> int:
    """Measure, report, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=scenarios.PROFILES, default="nightly")
    parser.add_argument("--history", type=Path, default=HISTORY, metavar="FOLDER")
    parser.add_argument("--baseline", type=Path, default=compare.BASELINE, metavar="FILE",
                        help="default: benchmarks/baseline.json; the last night if there is none")
    parser.add_argument("more", nargs="*", help="for pytest, after --")
    args = parser.parse_args(arguments)
    args.history = args.history.resolve()
    path, status = measure(args.history, args.profile, args.more)
    new, nights = read(path), earlier(args.history, path)
    report = args.history / "report.html"
    files = [str(night.path) for night in nights]
    if args.baseline.exists():
        files.insert(0, str(args.baseline.resolve()))
    subprocess.run([sys.executable, "-m", "anuga_lean", "report", *files, str(path),
                    "-o", str(report)], cwd=HERE, check=True)
    worse = 0
    chosen = against(new, nights, args.baseline)
    if not chosen:
        print("there is no night to compare with: the next one is compared with this one")
    for base, ratios_only in chosen:
        findings = gate.compare_nights(new, base, ratios_only)
        worse |= compare.report(findings, path, base.path)
    print(f"report: {report}")
    return 1 if worse or status else 0


if __name__ == "__main__":
    sys.exit(main())
