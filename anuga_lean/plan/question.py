"""Holds what a prediction is asked for, checked: triangles, ranks, algorithm, features.

Owns the words for features and how they follow from a run's record; what each costs is in
`table`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from anuga_lean._errors import PlanError
from anuga_lean.guard.recorded import as_list
from anuga_lean.mesh.origin import FILL

ALGORITHMS = ("DE0", "DE1", "DE2", "DE0_7", "DE1_7", "DE_ader2")
SCHEMES = ("metis", "hilbert", "morton")
MESHES = ("rectangular", "regions", "file")
# Words of --features, and how the line of `anuga_lean features` begins that each stands for;
# the first three are of setting quantities, by functions at vertices otherwise.
FEATURES = {
    "centroids": "", "fit": "", "raster": "", "rain": "", "inlets": "", "culverts": "",
    "maxima": "set_collect_max_quantities", "tracers": "passive tracers",
    "viscosity": "kinematic viscosity", "erosion": "erosion operators",
    "vegetation": "vegetation drag", "monitors": "monitored quantities",
    "riverwalls": "riverwalls", "sloped": "Manning friction", "sediment": "sediment",
    "stock": "",        # anything that runs on ANUGA's kernels
}
# Lines of that table that have no word of their own.
_NO_WORD = ("timestepping", "fractional-step", "forcing terms", "protect_against", "SWW", "ghost")
# Parts of the names of operators' classes, of which the table of features has one line.
_OPERATORS = {"rate": "rain", "inlet": "inlets", "boyd": "culverts", "weir": "culverts",
              "culvert": "culverts"}
# A mesh of more has no number for each of its edges: `mesh.input_checks`, which takes numpy.
MOST_TRIANGLES = (2**31 - 1) // 3


class Question(NamedTuple):
    """A run whose memory is to be predicted.

    Attributes
    ----------
    triangles : int
        Of the whole mesh.
    ranks, nodes : int
    algorithm : str
    store : bool
        Whether frames are written.
    mesh : str
        How it is made, one of `MESHES`.
    features : mapping of str to int
        By word: how many; more than one of tracers only.
    scheme : str
        Of the partition.
    """

    triangles: int
    ranks: int = 1
    nodes: int = 1
    algorithm: str = "DE0"
    store: bool = True
    mesh: str = "regions"
    features: Mapping[str, int] = {}
    scheme: str = "metis"

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what two runs have to have in common for one to tell of the other."""
        return (self.algorithm, self.store, self.mesh, tuple(sorted(self.features.items())),
                self.scheme if self.ranks > 1 else "", self.ranks > 1)

    def check(self) -> None:
        """Raise PlanError, one sentence, if there can be no such run."""
        if self.triangles < 1:
            raise PlanError(f"{self.triangles} triangles are no mesh: give a number from 1 up")
        if self.triangles > MOST_TRIANGLES:
            raise PlanError(f"a mesh has at most {MOST_TRIANGLES:,} triangles, not "
                            f"{self.triangles:,}: its edges have int32 numbers")
        if self.ranks < 1:
            raise PlanError(f"{self.ranks} ranks run nothing: give a number from 1 up")
        if self.ranks > self.triangles:
            raise PlanError(f"{self.ranks:,} ranks cannot share {self.triangles:,} triangles: "
                            "give fewer ranks")
        if not 1 <= self.nodes <= self.ranks:
            raise PlanError(f"{self.nodes} nodes cannot share {self.ranks} ranks: give from 1 to "
                            f"{self.ranks}")
        for what, value, known in (("flow algorithm", self.algorithm, ALGORITHMS),
                                   ("partition scheme", self.scheme, SCHEMES),
                                   ("kind of mesh", self.mesh, MESHES)):
            if value not in known:
                raise PlanError(f"there is no {what} {value!r}: give one of {', '.join(known)}")


def parsed_count(text: str) -> int:
    """Return the number of triangles of a text: 8000000, 8e6, 8_000_000.

    Raises
    ------
    PlanError
        It is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e18:      # nan too
        raise PlanError(f"--triangles {text}: give a number of triangles, such as 2000000 or 2e6")
    return int(number)


def parsed_features(text: str) -> dict[str, int]:
    """Return how many there are of each feature of a text like ``rain,maxima,tracers=3``.

    Raises
    ------
    PlanError
        There is no such feature, or it has no number.
    """
    found: dict[str, int] = {}
    for word in (each.strip() for each in text.split(",") if each.strip()):
        name, _, count = word.partition("=")
        if name not in FEATURES:
            raise PlanError(f"there is no feature {name!r}: give some of {', '.join(FEATURES)}")
        if count and (not re.fullmatch(r"[1-9]\d{0,3}", count) or name != "tracers"):
            raise PlanError(f"{word!r}: only tracers have a number, from 1 to 9999")
        found[name] = int(count or 1)
    return found


def triangles_of_areas(regions: Sequence[str]) -> int:
    """Return how many triangles the generator makes of regions ``AREA:LARGEST``, both in m2.

    Raises
    ------
    PlanError
        One is not two numbers above 0.
    """
    total = 0.0
    for text in regions:
        try:
            area, largest = (float(each) for each in text.split(":"))
        except ValueError:
            area = largest = 0.0
        if not (0.0 < area < 1e18 and 0.0 < largest < 1e18):
            raise PlanError(f"--region {text}: give the area of the region and the largest area "
                            "of a triangle in it, m2, such as 1.2e6:25")
        total += max(2.0, area / (FILL * largest))
    return int(total)


def of_record(begin: Mapping[str, Any]) -> Question | None:
    """Return what a run was, by the first line of its record; None if that does not say."""
    ranks, features = begin.get("ranks"), begin.get("features")
    if not isinstance(ranks, list) or not isinstance(features, dict):
        return None
    triangles = [n for each in ranks if isinstance(each, dict)
                 and isinstance(n := each.get("triangles"), int) and 0 < n <= MOST_TRIANGLES]
    made = begin.get("made")
    if not triangles or len(triangles) != len(ranks) or not isinstance(made, list):
        return None
    words: dict[str, int] = {}
    for line, count in features.items():
        word = next((word for word, start in FEATURES.items()
                     if start and line.startswith(start)), "stock")
        if not line.startswith(_NO_WORD):
            words[word] = count if word == "tracers" and isinstance(count, int) else 1
    for name in as_list(begin.get("operators")):
        for part, word in _OPERATORS.items():
            if part in str(name).lower():
                words[word] = 1
    words.update({word: 1 for word in ("fit", "raster") if word in made})
    if "sediment" in words and words.get("tracers"):     # it is one itself
        words["tracers"] -= 1
    words = {word: count for word, count in words.items() if count}
    nodes = {str(each.get("node")) for each in ranks}
    # what ghosts add is in the table
    whole = begin.get("whole_mesh")
    found = Question(
        whole if isinstance(whole, int) and whole > 0 else sum(triangles), len(ranks), len(nodes),
        str(begin.get("algorithm")), bool(begin.get("store")),
        next((each for each in ("regions", "file") if each in made), "rectangular"), words,
        str(begin.get("partition_scheme") or "metis"))
    try:
        found.check()
    except PlanError:
        return None
    return found
