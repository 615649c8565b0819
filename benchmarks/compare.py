"""The gate: exits with 1 if memory grew by more than 2 % or a ratio of time fell by more than 10 %.

`python benchmarks/compare.py NEW.json` compares with benchmarks/baseline.json,
`--against OLD.json` with any other file; it says which figure, by how much, and
which arrays have grown.  `--accept` makes NEW the baseline.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from anuga_lean._errors import LeanError
from anuga_lean.measure.gate import Finding, compare_nights
from anuga_lean.measure.records import read

BASELINE = Path(__file__).resolve().parent / "baseline.json"


def report(findings: list[Finding], new: Path, base: Path) -> int:
    """Print findings; 1 if any is bad."""
    for finding in findings:
        print(f"{'WORSE' if finding.worse else 'note'}: {finding.text}")
    worse = sum(finding.worse for finding in findings)
    verdict = f"{worse} figures are worse" if worse else "nothing is worse"
    print(f"{new} against {base}: {verdict}")
    return 1 if worse else 0


def main(arguments: list[str] | None = None) -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0].replace("%", "%%"))
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--against", type=Path, default=BASELINE, metavar="OLD",
                        help="default: benchmarks/baseline.json")
    parser.add_argument("--accept", action="store_true",
                        help="make NEW benchmarks/baseline.json, whatever was found")
    args = parser.parse_args(arguments)
    try:
        new = read(args.new)
        if args.accept and not args.against.exists():
            findings = []
        else:
            findings = compare_nights(new, read(args.against))
    except LeanError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    status = report(findings, args.new, args.against)
    if args.accept:
        shutil.copyfile(args.new, BASELINE)
        print(f"{args.new} is the baseline now; commit {BASELINE}")
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
