"""Writes the verdict on a user's patch, figure by figure, for a terminal and in Markdown.

The tables of whole series are verdicts.py's and markdown.py's.
"""

from __future__ import annotations

import textwrap
from typing import Any

from anuga_lean.measure.report import table
from verifying import verdicts
from verifying.differences import words
from verifying.verdicts import NAMES, UNITS, Verdict

MOST_LINES = 12  # of groups, and of results that differ


def figures(verdict: Verdict) -> list[list[str]]:
    """Return name, before, after and change of each figure; groups of arrays below their sum."""
    rows = []
    for name, figure in verdict.figures.items():
        kind, _, algorithm = name.partition(" ")
        label = f"{NAMES[kind]}{f', {algorithm}' if algorithm else ''}"
        if kind == "time":
            rows.append([label, f"{figure['stock'] * 1e3:.2f} ms", f"{figure['patched'] * 1e3:.2f}",
                         f"x {figure['ratio']:.3f} ± {figure['uncertainty']:.3f}"])
            continue
        rows.append([label, f"{figure['stock']:.1f} {UNITS[kind]}", f"{figure['patched']:.1f}",
                     signed(figure["patched"] - figure["stock"])])
        if kind == "arrays":
            changed = sorted(verdict.groups.get(algorithm, {}).items(),
                             key=lambda item: -abs(item[1]["patched"] - item[1]["stock"]))
            rows += [[f"  {group}", f"{both['stock']:.1f} B/tri", f"{both['patched']:.1f}",
                      signed(both["patched"] - both["stock"])]
                     for group, both in changed[:MOST_LINES]]
            if len(changed) > MOST_LINES:
                rows.append([f"  and {len(changed) - MOST_LINES} more groups", "", "", ""])
    return rows


def signed(change: float) -> str:
    """Write a change of bytes; 0 if there is none."""
    return "0" if abs(change) < verdicts.LEAST else f"{change:+.1f}"


def facts(verdict: Verdict) -> list[tuple[str, str]]:
    """Return tests and bits, and what of them differs."""
    found = [("ANUGA's tests", "not run" if verdict.tests is None else verdicts.tests(verdict))]
    if not verdict.equal:
        return [*found, ("bits", "not compared")]
    same = [name for name, equal in verdict.equal.items() if equal]
    if same:
        found.append(("equal bits", ", ".join(same)))
    for model, different in verdict.different.items():
        some = [words(name, much) for name, much in list(different.items())[:MOST_LINES]]
        more = [f"{len(different) - MOST_LINES} more"] if len(different) > MOST_LINES else []
        found.append((f"other bits in {model}", ", ".join([*some, *more])))
    if verdict.expected:
        told = verdict.expected if verdict.different else (
            f"{verdict.expected}, but all bits are equal")
        found.append(("expected to differ", told))
    return found


def ends(verdict: Verdict) -> str:
    """Return the verdict in a word; what was left out does not count for a patch."""
    if verdict.wrong:
        return "REFUSED"
    left = [what for what, done in (("tests", verdict.tests), ("bits", verdict.equal)) if not done]
    return f"accepted, without {' and '.join(left)}" if left else "accepted"


def text(about: dict[str, Any], verdict: Verdict, rule: str) -> str:
    """Return the text for a terminal."""
    head = (f"{verdict.name} on {about['base']}: {ends(verdict)}\n{verdict.subject}\n"
            f"{verdict.files} files, +{verdict.added} -{verdict.removed} lines, of the added "
            f"{verdict.tests_lines} in tests")
    rows = figures(verdict)
    lines = [head]
    if rows:
        lines += ["", table([["", "before", "after", "change"], *rows])]
    lines += ["", *(f"{what}: {said}" for what, said in facts(verdict)), "",
              textwrap.fill(f"rule: {rule}.", 99)]
    return "\n".join(lines)


def markdown(about: dict[str, Any], verdict: Verdict, rule: str) -> str:
    """Return the text for the summary of a job: words of the patch cannot become markup."""
    lines = [f"### {verdict.name} on {about['base']}: {ends(verdict)}", "",
             escaped(verdict.subject), "",
             f"{verdict.files} files, +{verdict.added} −{verdict.removed} lines", ""]
    rows = figures(verdict)
    if rows:
        lines += ["| | before | after | change |", "|---|---:|---:|---:|",
                  *("| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows), ""]
    lines += [f"- {what}: {escaped(said)}" for what, said in facts(verdict)]
    lines += [f"- **refused**: {escaped(reason)}" for reason in verdict.wrong]
    return "\n".join([*lines, "", f"Rule: {escaped(rule)}."])


def escaped(words_: str) -> str:
    """Return a text so that Markdown and HTML show it as it is."""
    marked = "".join(f"\\{c}" if c in "\\`*_[]#|!~@" else c for c in words_)
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
