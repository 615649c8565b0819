"""Says in one line whether two runs gave the same results: what was compared, and what differs.

Owns the counting of compared things and the line.  What is compared is comparison.py's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from anuga_lean._escapes import escaped

_NAME = re.compile(r"(?:rank (?P<rank>\d+): )?(?:evolve (?P<evolve>\d+): )?(?P<what>.*)", re.DOTALL)
_STORED = "sww/"
_MOST_NAMED = 6


class Verdict(NamedTuple):
    """Whether all that was compared is equal, bit for bit.

    Attributes
    ----------
    equal : bool
        False if nothing was compared, too.
    head : str
        ``Equal, bit for bit``, ``Different`` or ``Not compared``.
    what : str
        What is equal, or what differs: the rest of the line.
    """

    equal: bool
    head: str
    what: str

    def __str__(self) -> str:
        return f"{self.head}: {self.what}"


def verdict(equal: Mapping[str, bool], steps: int) -> Verdict:
    """Return the verdict on what was compared.

    Parameters
    ----------
    equal : mapping of str to bool
        As `Comparison.equal`.
    steps : int
        Time steps of the run.
    """
    if not equal:
        return Verdict(False, "Not compared", "the runs left nothing that could be")
    wrong = [escaped(name) for name, same in equal.items() if not same]
    if wrong:
        more = len(wrong) - _MOST_NAMED
        named = ", ".join(_in_words(name) for name in wrong[:_MOST_NAMED])
        rest = len(equal) - len(wrong)
        what = f"{named}{f' and {more} more' if more > 0 else ''}"
        return Verdict(False, "Different", f"{what}; {rest} of {len(equal)} compared are equal")
    found = [_NAME.fullmatch(name) for name in equal]
    parts = [match for match in found if match is not None]
    ranks = {match["rank"] for match in parts if match["rank"] is not None}
    names = [match["what"] for match in parts]
    values = dict.fromkeys(what for what in names
                           if not what.startswith(_STORED) and what != "timestep")
    words = [_plural(len(values), "quantity", "quantities")] if values else []
    if "timestep" in names:
        words.append(_plural(steps, "time step"))
    stored = [what for what in names if what.startswith(_STORED)]
    if stored:
        # A file of each rank, or of each domain of a script: SWW/FILE/NAME.
        files = {(match["rank"], match["what"].rpartition("/")[0]) for match in parts
                 if match["what"].startswith(_STORED)}
        of = f" of {len(files)} files" if len(files) > 1 else ""
        words.append(_plural(len(stored), "SWW variable") + of)
    on = f" on {'both' if len(ranks) == 2 else f'all {len(ranks)}'} ranks" if len(ranks) > 1 else ""
    return Verdict(True, "Equal, bit for bit", ", ".join(words) + on)


def only_one(name: str) -> Verdict:
    """Return the verdict on a run of one build: there is nothing to compare it with."""
    return Verdict(False, "Not compared", f"only {escaped(name)} was measured")


def whole_on_each_rank(result: Mapping[str, Any]) -> bool:
    """Whether each rank of a run has computed all of the model."""
    ranks = result.get("ranks") or ()
    return len(ranks) > 1 and all(rank["parts"] == 1 for rank in ranks)


def not_distributed(scenario: str, result: Mapping[str, Any]) -> str:
    """Return the sentence on a run whose ranks compute all of the model each; empty if not."""
    if not whole_on_each_rank(result):
        return ""
    return (f"{escaped(scenario)} does not distribute its domain: each of {len(result['ranks'])} "
            f"ranks computes the whole model of {result['number_of_triangles']:,} triangles.")


def triangles_of(result: Mapping[str, Any]) -> int:
    """Return the triangles of the whole model of a run, however it came to its ranks."""
    ranks = result.get("ranks") or ()
    if not ranks or whole_on_each_rank(result):
        return int(result["number_of_triangles"])
    return sum(int(rank["number_of_full_triangles"]) for rank in ranks)


def _in_words(name: str) -> str:
    found = _NAME.fullmatch(name)
    if found is None or not found["what"].startswith(_STORED):
        return name
    file, _, variable = found["what"].removeprefix(_STORED).rpartition("/")
    on = f" on rank {found['rank']}" if found["rank"] else ""
    return f"SWW variable {variable}{f' of {file}' if file else ''}{on}"


def _plural(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"
