"""Predicts the memory of a run: of each stage, each rank, each node.

Owns how the table's figures and what earlier runs have told add up; which runs those are is
`learning`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from anuga_lean.guard.stages import (
    DISTRIBUTE,
    DOMAIN,
    EVOLVE,
    FIRST_YIELD,
    IMPORTS,
    QUANTITIES,
)
from anuga_lean.plan.question import Question
from anuga_lean.plan.table import Memory, Table, added, built_in, with_adds

OF_SERIAL = (IMPORTS, DOMAIN, QUANTITIES, FIRST_YIELD, EVOLVE)
OF_FIRST = (IMPORTS, DOMAIN, DISTRIBUTE, QUANTITIES, FIRST_YIELD, EVOLVE)
# Stages of ranks that the table has whole, and not as what they add to a process.
IN_PARTS = (DISTRIBUTE, QUANTITIES)
OF_OTHERS = (IMPORTS, DISTRIBUTE, QUANTITIES, FIRST_YIELD, EVOLVE)
_ALGORITHM_LIKE = {"DE0_7": "DE0", "DE1_7": "DE1"}
# How quantities are set, on rank 0, before there are parts.
_OF_QUANTITIES = ("centroids", "fit", "raster")

Stages = dict[str, Memory]
# Takes the role of a rank, a stage, its triangles (of rank 0: the whole mesh's, too) and what the
# table says; returns what to predict.
Correct = Callable[[str, str, float, Memory], Memory]


class Prediction(NamedTuple):
    """What a run takes, bytes.

    Attributes
    ----------
    first, others : dict
        Memory by stage of rank 0, and of each of the other ranks; empty if there are none.
    triangles : float
        Of a rank's part, ghosts too.
    ranks, nodes : int
    shared : dict
        What the ranks of a node have in common, by stage: counted once in a node's sum.
    """

    first: Stages
    others: Stages
    triangles: float
    ranks: int
    nodes: int
    shared: dict[str, float]

    @property
    def on_first_node(self) -> int:
        """Return how many ranks the node of rank 0 has."""
        return -(-self.ranks // self.nodes)

    @property
    def largest(self) -> float:
        """Return the peak of the largest process."""
        return max(each.peak for stages in (self.first, self.others) for each in stages.values())

    def of_node(self) -> tuple[float, str]:
        """Return the most that the ranks of the node of rank 0 take together, and in which stage.

        As PSS: pages that several processes share count once.
        """
        found = {}
        for stage, memory in self.first.items():
            found[stage] = memory.peak
            if self.others:     # which have no domain before their part: they wait
                of = stage if stage in self.others else IMPORTS
                found[stage] += (self.on_first_node - 1) * (
                    self.others[of].peak - self.shared[of])
        stage = max(found, key=lambda each: found[each])
        return found[stage], stage


def uncorrected(role: str, stage: str, n: float, memory: Memory) -> Memory:
    """Return what the table says."""
    return memory


def predict(question: Question, correct: Correct = uncorrected,
            table: Table | None = None) -> Prediction:
    """Return what a run takes."""
    table = table or built_in()
    whole, ranks, scheme = question.triangles, question.ranks, question.scheme
    if ranks == 1:
        stages = {stage: correct("serial", stage, whole, _process(table, question, stage, whole))
                  for stage in OF_SERIAL}
        return Prediction(stages, {}, float(whole), 1, 1, table.shared)
    n = table.triangles_of_rank(scheme, whole, ranks)
    first, others = {}, {}
    for stage in OF_FIRST:
        adds = table.of_rank(scheme, True, stage, whole, n)
        if stage in (IMPORTS, DOMAIN):
            found = added(_process(table, question, stage, whole), adds)
        elif stage == DISTRIBUTE:
            set_before = added(_process(table, question, QUANTITIES, whole),
                               table.of_rank(scheme, True, DOMAIN, whole, n))
            left = (table.serial(DOMAIN, whole, question.mesh, True).rss
                    - table.serial(DOMAIN, whole, "rectangular", True).rss)
            found = Memory(adds.rss, max(adds.peak + left, set_before.peak))
        else:
            found = added(_part(table, question, stage, n), adds)
        first[stage] = correct("first", stage, whole, found)
    for stage in OF_OTHERS:
        adds = table.of_rank(scheme, False, stage, whole, n)
        found = added(_part(table, question, stage, n), adds)
        others[stage] = correct("others", stage, n, found)
    return Prediction(first, others, n, ranks, question.nodes, table.shared)


def _part(table: Table, question: Question, stage: str, n: float) -> Memory:
    """Return what a rank's part takes at a stage beside what the table has of ranks."""
    if stage == DISTRIBUTE:
        return Memory(0.0, 0.0)
    if stage != QUANTITIES:
        return _process(table, question, stage, n)
    return with_adds(Memory(0.0, 0.0), [
        (count, table.adds(name, stage, n)) for name, count in question.features.items()
        if name not in _OF_QUANTITIES])


def _process(table: Table, question: Question, stage: str, n: float) -> Memory:
    """Return what one process takes at a stage for `n` triangles of a run."""
    algorithm = _ALGORITHM_LIKE.get(question.algorithm, question.algorithm)
    return with_adds(table.serial(stage, n, question.mesh, question.store), [
        (count, table.adds(name, stage, n))
        for name, count in {algorithm: 1, **question.features}.items()])


def predict_stock(question: Question, table: Table | None = None) -> tuple[float, float]:
    """Return the largest peak of a process of stock ANUGA's, and that of the node of rank 0."""
    table = table or built_in()
    algorithm = _ALGORITHM_LIKE.get(question.algorithm, question.algorithm)
    names: Mapping[str, int] = {algorithm: 1, **question.features}
    first, other = (
        table.stock(each, question.triangles, question.ranks, question.mesh, question.store,
                    dict(names)) for each in (True, False))
    count = -(-question.ranks // question.nodes)
    if count == 1:
        return first, first
    return max(first, other), first + (count - 1) * (other - table.stock_shared)
