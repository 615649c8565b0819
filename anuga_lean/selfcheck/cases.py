"""Lists what is checked: groups of rows, rows of cases, and the plan of a run.

A case is named GROUP/ROW/NUMBER.  What it holds follows from its name and the seed, not
from how many others there are.
"""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import numpy as np

from anuga_lean._errors import CommandError
from anuga_lean.selfcheck.boundaries import MAKERS
from anuga_lean.selfcheck.models import MODELS

STATES_PER_CASE = 10
ALGORITHMS = ("DE0", "DE1", "DE2", "DE0_7", "DE1_7", "DE_ader2")
MODEL_GROUP = "models"

GROUPS: dict[str, tuple[str, ...]] = {
    "algorithms": (*ALGORITHMS, "rk3"),
    "boundaries": tuple(MAKERS),
    "low_froude": ("1", "2", "0_tangential", "1_tangential", "2_tangential"),
    "friction": ("flat", "sloped"),
    "rain": ("constant", "time", "place", "region", "evaporation"),
    "walls": ("weir", "drowned", "through", "tangential"),
    "meshes": ("single", "strip", "cut", "islands", "interior"),
    MODEL_GROUP: tuple(MODELS),
}


class Case(NamedTuple):
    """A domain and the states that it takes one step from, or a model that runs many.

    Attributes
    ----------
    group, row : str
    number : int
    states : int
        The first so many of those that the name stands for; 0 for a model.
    """

    group: str
    row: str
    number: int
    states: int

    @property
    def name(self) -> str:
        """Return the name that `--only` takes."""
        return f"{self.group}/{self.row}/{self.number}"

    def generator(self, seed: int, state: int | None = None) -> np.random.Generator:
        """Return the random numbers of this case, or of one of its states."""
        words = [seed, zlib.crc32(f"{self.group}/{self.row}".encode()), self.number]
        return np.random.default_rng(words if state is None else [*words, 1 + state])


def plan(states: int, only: str | None = None) -> list[Case]:
    """Return the cases of a run, with at least so many states over all rows.

    Parameters
    ----------
    states : int
    only : str, optional
        GROUP, GROUP/ROW or GROUP/ROW/NUMBER; all groups if left out.

    Raises
    ------
    CommandError
        If there is no such group, row or number.
    """
    rows, number = _chosen(only)
    if number is not None:
        group, row = rows[0]
        return [Case(group, row, number, 0 if group == MODEL_GROUP else STATES_PER_CASE)]
    random = [pair for pair in rows if pair[0] != MODEL_GROUP]
    each = math.ceil(states / max(1, len(random)))
    cases = []
    for group, row in rows:
        if group == MODEL_GROUP:
            cases.append(Case(group, row, 0, 0))
            continue
        for i, begin in enumerate(range(0, each, STATES_PER_CASE)):
            cases.append(Case(group, row, i, min(STATES_PER_CASE, each - begin)))
    return cases


def _chosen(only: str | None) -> tuple[list[tuple[str, str]], int | None]:
    if only is None:
        return [(group, row) for group, rows in GROUPS.items() for row in rows], None
    group, *rest = only.split("/")
    if group not in GROUPS:
        raise CommandError(f"--only {only}: there is no group {group!r}; there are "
                           f"{', '.join(GROUPS)}")
    if not rest:
        return [(group, row) for row in GROUPS[group]], None
    row, *numbers = rest
    if row not in GROUPS[group]:
        raise CommandError(f"--only {only}: there is no {row!r} in {group}; there are "
                           f"{', '.join(GROUPS[group])}")
    if not numbers:
        return [(group, row)], None
    if len(numbers) > 1 or not (numbers[0].isascii() and numbers[0].isdigit()):
        raise CommandError(f"--only {only}: {'/'.join(numbers)!r} is not the number of a case; "
                           f"give {group}/{row}/0 or the like")
    return [(group, row)], int(numbers[0])
