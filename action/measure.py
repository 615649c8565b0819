"""Measures a script in a job of GitHub's, and on the base of its pull request, as one table.

Owns what action.yml decides: which commits are measured, the table in the job's summary and the
exit code.  Measuring and conditions are those of ``anuga_lean compare --only lean``.  Reads its
settings from the environment: SCRIPT, ARGUMENTS, FAIL_IF, BASE and GITHUB_STEP_SUMMARY.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONDITION_HOLDS = 3     # exit code of anuga_lean compare
# Name, unit, what a value is divided by, digits.
ROWS = (("peak_rss", "MiB", 2.0**20, 1), ("arrays", "B/tri", 1.0, 2), ("seconds", "s", 1.0, 2),
        ("seconds_per_step", "ms", 1e-3, 3), ("triangles", "", 1.0, 0), ("steps", "", 1.0, 0))


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Measure, write the table and return the exit code."""
    script, base = environment.get("SCRIPT", ""), environment.get("BASE", "")
    arguments = shlex.split(environment.get("ARGUMENTS", ""))
    conditions = [line for line in environment.get("FAIL_IF", "").splitlines() if line.strip()]
    with tempfile.TemporaryDirectory(prefix="anuga_lean_action_") as folder:
        code, now, said = measure(Path.cwd(), script, arguments, conditions, Path(folder, "now"))
        before, why = None, "no pull request: there is nothing to compare with"
        if base and now is not None:
            before, why = of_base(base, script, arguments, Path(folder))
    if now is None:
        text = f"`{script}` could not be measured: {said}"
    else:
        text = table(script, now, before, why)
    print(text)
    summary = environment.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as file:
            file.write(text + "\n")
    return code


def measure(tree: Path, script: str, arguments: list[str], conditions: list[str],
            folder: Path) -> tuple[int, dict[str, Any] | None, str]:
    """Return exit code, figures and what was said last of one run in a checkout."""
    folder.mkdir()
    figures = folder / "figures.json"
    command = [sys.executable, "-m", "anuga_lean", "compare", script, "--only", "lean",
               *(f"--fail-if={each}" for each in conditions), "--json", str(figures),
               *(["--", *arguments] if arguments else [])]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    if done.returncode not in (0, CONDITION_HOLDS):
        lines = done.stderr.strip().splitlines()
        return done.returncode, None, lines[-1] if lines else f"exit code {done.returncode}"
    return done.returncode, json.loads(figures.read_text()), ""


def of_base(base: str, script: str, arguments: list[str],
            folder: Path) -> tuple[dict[str, Any] | None, str]:
    """Return the figures of the script at another commit, or why there are none."""
    tree = folder / "base"
    if git("cat-file", "-e", f"{base}^{{commit}}").returncode != 0:
        git("fetch", "--quiet", "--depth=1", "origin", base)
    added = git("worktree", "add", "--quiet", "--detach", str(tree), base)
    if added.returncode != 0:
        return None, f"the base {base[:9]} cannot be checked out: {added.stderr.strip()}"
    try:
        if not (tree / script).is_file():
            return None, f"the base {base[:9]} has no {script}"
        _, found, said = measure(tree, script, arguments, [], folder / "before")
        return found, f"on the base {base[:9]} it could not be measured: {said}"
    finally:
        git("worktree", "remove", "--force", str(tree))


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in the present folder."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True)


def figures_of(found: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the figures of the rows from what anuga_lean compare has stored."""
    summary, runs = found["summary"]["lean"], found["lean"]
    seconds = sorted(sum(stage["seconds"] for stage in run["stages"].values()) for run in runs)
    return {"peak_rss": summary["peak_rss"], "arrays": summary["bytes_per_triangle"],
            "seconds": seconds[len(seconds) // 2], "seconds_per_step": summary["seconds_per_step"],
            "triangles": runs[0]["number_of_triangles"], "steps": runs[0]["steps"]}


def table(script: str, now: Mapping[str, Any], before: Mapping[str, Any] | None, why: str) -> str:
    """Return the Markdown of a measurement beside the one of the base."""
    new, old = figures_of(now), figures_of(before) if before is not None else {}
    lines = [f"### `{script}` on anuga_lean", "", "| | base | now | change |",
             "|---|---:|---:|---:|"]
    for name, unit, factor, digits in ROWS:
        cells = ["-" if value is None else f"{value / factor:,.{digits}f}"
                 for value in (old.get(name), new[name])]
        both = old.get(name) and new[name] is not None
        change = f"{new[name] / old[name] - 1.0:+.1%}" if both else ""
        title = f"{name}, {unit}" if unit else name
        lines.append(f"| {title} | {cells[0]} | {cells[1]} | {change} |")
    if before is None:
        lines += ["", f"{why[:1].upper()}{why[1:]}."]
    for each in now["conditions"]:
        mark = "**fails**" if each["holds"] else "passes"
        lines += ["", f"`--fail-if \"{each['text']}\"` {mark}"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
