"""Writes the verdicts as a table in Markdown, for README.md and for the summary of a job."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from verifying import verdicts
from verifying.verdicts import Verdict

HEAD = ("patch", "files", "lines", "arrays", "resident", "checkpoint", "time", "ANUGA's tests")
WORTH = 0.02  # of a figure: a smaller change is not worth a line
MORE = {"checkpoint_peak": "peak of writing a checkpoint",
        "rank_0": "rank 0 after `distribute`, by triangle of all ranks",
        "rank_0_peak": "peak of rank 0 in `distribute`", "fit_peak": "peak of a points-file fit",
        "rain_rss": "resident after a small model with rain"}


def table(about: dict[str, Any], found: Sequence[Verdict]) -> str:
    """Return what each patch saves and costs, DE0 / DE1."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---|{'---:|' * (len(HEAD) - 1)}"]
    stock = _stock(found)
    if stock:
        lines.append(f"| ANUGA {about['release']} | | | {stock} | | |")
    for each in found:
        needs = f" (with {', '.join(need[:4] for need in each.needs)})" if each.needs else ""
        wrong = " **refused**" if each.wrong else ""
        cells = [f"{each.name}{needs}{wrong}", str(each.files), f"+{each.added} −{each.removed}",
                 *(_pair(each, name) for name in ("arrays", "rss")),
                 verdicts.change(each, "checkpoint").replace("-", "−"), _times(each),
                 verdicts.tests(each)]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_also(found), *_refused(found), _measured(about, found)]
    return "\n".join(lines)


def _stock(found: Sequence[Verdict]) -> str:
    """Return the cells of the release itself: arrays, RSS, checkpoint."""
    every: dict[str, float] = {}
    for each in found:
        every.update({name: figure["stock"] for name, figure in each.figures.items()})
    columns = (("arrays DE0", "arrays DE1"), ("rss DE0", "rss DE1"), ("checkpoint",))
    cells = [" / ".join(f"{every[name]:.1f}" for name in names if name in every)
             for names in columns]
    return " | ".join(cell or "−" for cell in cells) if any(cells) else ""


def _pair(verdict: Verdict, name: str) -> str:
    both = [verdicts.change(verdict, f"{name} {algorithm}").replace("-", "−")
            for algorithm in ("DE0", "DE1")]
    return both[0] if both[0] == both[1] else " / ".join(both)


def _times(verdict: Verdict) -> str:
    both = [verdicts.ratio(verdict, f"time {algorithm}") for algorithm in ("DE0", "DE1")]
    return "−" if both == ["-", "-"] else " / ".join(both)


def _also(found: Sequence[Verdict]) -> list[str]:
    """Return figures that only some patches have."""
    lines = []
    for name, what in MORE.items():
        unit = "MiB" if verdicts.UNITS[name] == "MiB" else "bytes per triangle"
        for each in found:
            figure = each.figures.get(name)
            if figure and abs(
                    figure["stock"] - figure["patched"]) > WORTH * figure["stock"]:
                lines.append(f"- {each.name}: {what}, {figure['stock']:.0f} → "
                             f"{figure['patched']:.0f} {unit}")
    return [*lines, ""] if lines else []


def _refused(found: Sequence[Verdict]) -> list[str]:
    lines = [f"- **{each.name}** is refused: {reason}" for each in found for reason in each.wrong]
    return [*lines, ""] if lines else []


def _measured(about: dict[str, Any], found: Sequence[Verdict]) -> str:
    machine = about["machine"]
    time = [each for each in found if "time DE0" in each.figures]
    triangles = " Times are patched over stock, models of 160,000 triangles in turns." \
        if time else ""
    equal = all(all(each.equal.values()) for each in found if each.equal)
    results = " All results are those of stock, bit for bit." if equal and any(
        each.equal for each in found) else ""
    return textwrap.fill(
        f"Bytes per triangle against unpatched stock, DE0 / DE1.{triangles}{results} Measured on "
        f"{about['date'][:10]} with `{about['command']}` on {machine.get('cores')} cores of "
        f"{machine.get('processor')}, Python {machine.get('versions', {}).get('python')}.",
        99, break_long_words=False, break_on_hyphens=False)
