"""Writes the result of a self-check: what it ran on, the table, the differences, the verdict."""

from __future__ import annotations

import platform
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from anuga_lean.measure.report import table
from anuga_lean.selfcheck.cases import MODEL_GROUP
from anuga_lean.selfcheck.check import Difference, Outcome, Row

SHOWN = 5   # differences in full
# Compilers contract products and sums there unless told not to, which x86-64's baseline cannot.
_FUSING = ("aarch64", "arm64", "ppc64le", "s390x", "riscv64")
_COMPILER = re.compile(rb"GCC: \(([^)]*)\) ([\d.]+)|(clang version [\d.]+)")


def compilers() -> dict[str, str]:
    """Return what compiled the kernels of both, as their files say; 'unknown' if they do not."""
    return {"anuga_lean": _compiler(_module_file("anuga_lean", "_kernels")),
            "anuga": _compiler(_module_file("anuga", "sw_domain_openmp_ext"))}


def _module_file(package: str, name: str) -> Path | None:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).rglob(f"{name}.*")):
            if path.suffix in (".so", ".pyd", ".dylib"):
                return path
    return None


def _compiler(path: Path | None) -> str:
    found = _COMPILER.search(path.read_bytes()) if path is not None else None
    if found is None:
        return "unknown"
    vendor, version, other = (each.decode(errors="replace") if each else ""
                              for each in found.groups())
    return other or f"gcc {version} ({vendor})"


def heading(environment: dict[str, Any], compiled: dict[str, str], outcome: Outcome) -> str:
    """Return what the self-check ran on."""
    versions = environment["versions"]
    return "\n".join([
        f"anuga_lean {versions['anuga_lean']}, ANUGA {versions['anuga']}, numpy "
        f"{versions['numpy']}, Python {versions['python']}, {environment['system']}",
        f"kernels compiled by {compiled['anuga_lean']}; ANUGA's by {compiled['anuga']}",
        f"{environment['processor']}, {environment['cores']} cores; instruction sets "
        f"{', '.join(outcome.isas)}; one thread each; seed {outcome.seed}",
    ])


def outcome_table(outcome: Outcome, by_row: bool) -> str:
    """Return one line per group; one per row of boundaries, or of all groups if `by_row`."""
    lines: list[list[str]] = []
    for group in dict.fromkeys(row.group for row in outcome.rows):
        rows = [row for row in outcome.rows if row.group == group]
        lines.append(_line(f"{group}{' (steps)' if group == MODEL_GROUP else ''}", rows))
        if by_row or group == "boundaries":
            lines += [_line(f"  {row.row}", [row]) for row in rows]
    heads = ["", "states", "compared", "on ANUGA's kernels", "refused by ANUGA", "different"]
    return table([heads, *lines])


def _line(name: str, rows: list[Row]) -> list[str]:
    counts = [f"{sum(getattr(row, what) for row in rows):,}"
              for what in ("states", "compared", "on_stock", "refused", "different")]
    return [name, *counts]


def notes(outcome: Outcome) -> list[str]:
    """Return what was compared, and by name what was not and why."""
    found = ["Compared after every step: centroid values of stage, momenta, height and elevation, "
             "the time step and the boundary flux; of models every time step, every yield and "
             "every variable of the SWW file.  Bits, signs of zero included."]
    for row in outcome.rows:
        if row.refused and not row.compared and not row.on_stock:
            found.append(f"Not exercised: {row.group}/{row.row}: {row.reason}")
    found += [f"Not exercised: {name}: anuga_lean does not know how to make one"
              for name in outcome.unknown_boundaries]
    found.append("Not exercised: ghost triangles, which need several ranks.")
    if any(row.on_stock for row in outcome.rows):
        found.append("On ANUGA's kernels: lean has no kernel for these on this release, so that "
                     "nothing is proved by their being equal; they are not counted as compared.")
    if fuses():
        found.append(
            f"On {platform.machine()} compilers fuse products and sums (FMA) unless told not to; "
            "anuga_lean is built without, so that it gives here the bits that it gives on x86-64.  "
            "It equals an ANUGA that was built with -ffp-contract=off; one that pip or conda has "
            "compiled without that option has other last bits in most steps.")
    return found


def fuses() -> bool:
    """Return whether compilers of this machine's kind fuse products and sums by themselves."""
    return platform.machine() in _FUSING


def describe(difference: Difference, seed: int) -> str:
    """Return one difference, and the command that repeats its case alone."""
    where = "" if difference.state is None else f", state {difference.state}"
    if difference.index:
        names = ("triangle",) if len(difference.index) == 1 else ("yield", "triangle")
        if difference.quantity in ("timesteps", "boundary_flux_integral"):
            names = ("step",) if difference.quantity == "timesteps" else ("yield",)
        if difference.quantity.startswith("sww/") or len(names) != len(difference.index):
            where += f", at {difference.index}"
        else:
            where += "".join(f", {name} {i}" for name, i in
                             zip(names, difference.index, strict=True))
    return (f"{difference.case} on {difference.isa}, seed {seed}{where}: {difference.quantity} is "
            f"{difference.stock} in ANUGA, {difference.lean} in anuga_lean ({difference.count:,} "
            f"differ)\n  again: anuga_lean selfcheck --seed {seed} --isa {difference.isa} "
            f"--only {difference.case}")


def verdict(outcome: Outcome, version: str | None) -> str:
    """Return the sentence at the end."""
    counted = _counted(outcome)
    on = ", ".join(outcome.isas)
    if outcome.verdict == "different":
        lines = [describe(each, outcome.seed) for each in outcome.differences[:SHOWN]]
        if len(outcome.differences) > SHOWN:
            lines.append(f"and {len(outcome.differences) - SHOWN:,} more cases; --json lists all")
        lines += outcome.failures
        number = len({each.case for each in outcome.differences})
        advice = ("it was not expected to unless this ANUGA was built with -ffp-contract=off: "
                  "CFLAGS=-ffp-contract=off pip install --force-reinstall --no-deps "
                  "--no-cache-dir --no-binary anuga anuga, then again"
                  if fuses() else "report it with the file of --json")
        return "\n".join([*lines, "DIFFERENT: anuga_lean does not give the bits of ANUGA "
                          f"{version} in {number:,} cases; {advice}."])
    if outcome.verdict == "incomplete":
        why = outcome.failures or ["nothing ran on lean kernels, so that nothing was compared"]
        return "\n".join([*why[:-1], f"NO VERDICT: {why[-1]}."])
    return f"SAME: {counted} on {on} equal ANUGA {version}'s, bit for bit."


def _counted(outcome: Outcome) -> str:
    states = sum(row.compared for row in outcome.rows if row.group != MODEL_GROUP)
    models = [row for row in outcome.rows if row.group == MODEL_GROUP and row.compared]
    parts = [f"{states:,} states"] if states else []
    if models:
        steps = sum(row.compared for row in models)
        parts.append(f"{len(models)} models of {steps:,} steps in all")
    return f"{' and '.join(parts)} ({outcome.values:,} values)"
