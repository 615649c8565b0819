"""The gate: exits with 1 if memory or instructions grew by 2 %, or a ratio of time fell by 10 %.

`python benchmarks/compare.py NEW.json` compares the records of each version of ANUGA
with the file of that version in benchmarks/baseline/, `--against OLD.json` all with any
other file; it says which figure, by how much, and which arrays have grown.
`--accept` makes NEW the baseline of the version it was measured in, `--accept SUITE` only its
records of one suite, which take the place of those that are there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from anuga_lean._errors import LeanError
from anuga_lean._escapes import escaped
from anuga_lean.measure import gate
from anuga_lean.measure.gate import Finding
from anuga_lean.measure.records import Night, night, read

ALL = "all"
BASELINES = Path(__file__).resolve().parent / "baseline"


def read_baselines(folder: Path) -> dict[str, Night]:
    """Return the accepted nights by version of ANUGA, each with the records of its version only.

    Raises
    ------
    LeanError
        A file cannot be read, or was measured in another version than its name says.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        night = read(path)
        if gate.own_release(night) != path.stem:
            raise LeanError(f"{path} was measured in ANUGA {gate.own_release(night) or '?'}: a "
                            "baseline has the name of its version")
        found[path.stem] = gate.of_release(night, path.stem)
    return found


def accept(new: Night, folder: Path) -> Path:
    """Make a night the baseline of the version of ANUGA that it ran in; return the file.

    Raises
    ------
    LeanError
        The night does not say its version, or has no record of it.
    """
    release = gate.own_release(new)
    if release not in gate.releases(new):
        raise LeanError(f"{new.path} has no record of the ANUGA of its environment"
                        f"{f', {release}' if release else ''}: there is nothing to accept")
    folder.mkdir(exist_ok=True)
    return Path(shutil.copyfile(new.path, folder / f"{release}.json"))


def accept_suite(new: Night, suite: str, folder: Path) -> Path:
    """Put a night's records of a suite into the baseline of its version; return the file.

    Raises
    ------
    LeanError
        The night has no such record that was measured.
    """
    release = gate.own_release(new)
    found = [record for record in gate.of_release(new, release).records
             if record.suite == suite and record.error is None]
    if not release or not found:
        raise LeanError(f"{new.path} has no record of the suite {suite} of the ANUGA of its "
                        f"environment, {release or 'unknown'}: there is nothing to accept")
    path = folder / f"{release}.json"
    stored = json.loads(path.read_text()) if path.exists() else {
        **json.loads(new.path.read_text()), "benchmarks": []}
    kept = [each for each in stored["benchmarks"]
            if (each.get("extra_info") or {}).get("suite") != suite]
    stored["benchmarks"] = [*kept, *night(found)["benchmarks"]]
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps(stored, indent=4) + "\n")    # as pytest-benchmark does
    return path


def report(findings: list[Finding], new: Path, base: Path) -> int:
    """Print findings; return 1 if any is bad."""
    for finding in findings:
        print(escaped(f"{'WORSE' if finding.worse else 'note'}: {finding.text}"))
    worse = sum(finding.worse for finding in findings)
    verdict = f"{worse} figures are worse" if worse else "nothing is worse"
    print(f"{new} against {base}: {verdict}")
    return 1 if worse else 0


def against_baselines(new: Night) -> int:
    """Print findings of each version that has a baseline; 1 if any is bad, 2 if none has one."""
    baselines = read_baselines(BASELINES)
    statuses = []
    for release, count in sorted(gate.releases(new).items()):
        if release in baselines:
            base = baselines[release]
            findings = gate.compare_nights(gate.of_release(new, release), base)
            statuses.append(report(findings, new.path, base.path))
        else:
            print(f"note: there is no baseline of ANUGA {escaped(release)}: its {count} records "
                  "are compared with nothing")
    return max(statuses, default=2)


def main(arguments: list[str] | None = None) -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0].replace("%", "%%"))
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--against", type=Path, metavar="OLD",
                        help="default: the files of benchmarks/baseline/")
    parser.add_argument("--accept", nargs="?", const=ALL, metavar="SUITE",
                        help="make NEW, or its records of a suite, the baseline of its version, "
                        "whatever was found")
    args = parser.parse_args(arguments)
    try:
        new = read(args.new)
        if args.against is not None:
            base = read(args.against)
            status = report(gate.compare_nights(new, base), args.new, args.against)
        else:
            status = against_baselines(new)
        if args.accept:
            path = accept(new, BASELINES) if args.accept == ALL \
                else accept_suite(new, args.accept, BASELINES)
            print(f"{args.new} is the baseline now; commit {path}")
            return 0
    except LeanError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
