"""Says which memory limit a run meets, what to ask a scheduler for, and what to change.

Owns the margins.  How much of each limit is taken is `guard.limits`'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from anuga_lean.guard.limits import MIB, Level
from anuga_lean.guard.watch import FRACTIONS
from anuga_lean.plan.prediction import Prediction, predict, predict_stock
from anuga_lean.plan.question import MOST_TRIANGLES, Question

GIB = 1024 * MIB
# What is asked for is so many times the sum of a node's ranks, and so much for pages of files.
TIMES, MORE, UNIT = 1.2, GIB // 4, 64 * MIB
# A rank of fewer triangles is mostly what every process takes; threads need none of that.
FEWEST_ON_A_RANK = 400_000
MOST_THREADS = 8

Predict = Callable[[Question], Prediction]


def asked_for(of_node: float) -> int:
    """Return the bytes to ask for on a node whose ranks take `of_node` together."""
    return math.ceil((TIMES * of_node + MORE) / UNIT) * UNIT


class Met(NamedTuple):
    """How a limit stands with a run in it.

    Attributes
    ----------
    level : Level
        As it is now.
    share : float
        Of the limit that is taken with the run, 1.0 for all of it.
    """

    level: Level
    share: float

    @property
    def fits(self) -> bool:
        """Return whether a guarded run would not be stopped by it."""
        return self.share < FRACTIONS.stop

    def __str__(self) -> str:
        if self.share < FRACTIONS.warn:
            said = "fits"
        elif self.fits:
            said = f"fits narrowly: a guarded run warns from {FRACTIONS.warn:.0%} on"
        else:
            said = f"does not fit: a guarded run stops at {FRACTIONS.stop:.0%}"
        return (f"{self.share:.0%} of {self.level.limit / GIB:,.2f} GiB of {self.level.who}, "
                f"{self.level.used / GIB:,.2f} GiB are taken now: {said}")


def met(prediction: Prediction, levels: Sequence[Level]) -> list[Met]:
    """Return how each limit stands with a run in it, the one that it fills most first."""
    node, _ = prediction.of_node()
    found = []
    for level in levels:
        takes = prediction.largest if level.who.startswith("RLIMIT") else node
        found.append(Met(level, (level.used + takes) / level.limit))
    return sorted(found, key=lambda each: each.share, reverse=True)


def most_triangles(question: Question, nbytes: float,
                   of_node: Callable[[Question], float]) -> int:
    """Return for how many triangles a node asks for at most `nbytes`; 0 if for none.

    Parameters
    ----------
    of_node : callable
        Returns what the ranks of a node take.
    """
    low, high = question.ranks - 1, MOST_TRIANGLES
    while low < high:
        middle = (low + high + 1) // 2
        if asked_for(of_node(question._replace(triangles=middle))) <= nbytes:
            low = middle
        else:
            high = middle - 1
    return 0 if low < question.ranks else low


def of_node_lean(predicted: Predict = predict) -> Callable[[Question], float]:
    """Return the function of what a node of a lean run takes."""
    return lambda question: predicted(question).of_node()[0]


def of_node_stock(question: Question) -> float:
    """Return what a node of a run of stock ANUGA's takes."""
    return predict_stock(question)[1]


class Shape(NamedTuple):
    """Ranks and threads of a run, and why."""

    ranks: int
    threads: int
    why: str


def shape(question: Question, cores: int, chosen: bool) -> Shape:
    """Return how to use the cores of a node.

    Parameters
    ----------
    question : Question
    cores : int
        Of a node.
    chosen : bool
        Whether the ranks of the question are to stay.
    """
    if chosen:
        on_node = -(-question.ranks // question.nodes)
        threads = max(1, cores // on_node)
        parts = question.triangles / question.ranks
        why = (f"{on_node} ranks share {cores} cores" if on_node > 1 else
               f"one process has {cores} cores")
        if question.ranks > 1 and parts < FEWEST_ON_A_RANK:
            why += (f"; a rank of {parts:,.0f} triangles is mostly what every process takes: "
                    "fewer ranks with more threads take less memory")
        return Shape(question.ranks, threads, why)
    most = max(1, question.triangles // FEWEST_ON_A_RANK)
    on_node = min(max(1, cores // MOST_THREADS), max(1, most // question.nodes))
    ranks = max(on_node * question.nodes, question.ranks if question.nodes > 1 else 1)
    if on_node == 1 and question.nodes == 1:
        why = ("threads of one process share everything, and have no ghosts" if cores > 1 else
               "there is one core")
    else:
        why = (f"beyond {MOST_THREADS} threads of a process the parts of a step that they do not "
               f"shorten are most of it; a rank has {question.triangles // ranks:,} triangles")
    return Shape(ranks, max(1, min(cores // on_node, MOST_THREADS if on_node > 1 else cores)), why)


def batch_lines(shape: Shape, nodes: int, prediction: Prediction) -> list[str]:
    """Return the lines of a Slurm job for a run."""
    node, _ = prediction.of_node()
    return [f"#SBATCH --nodes={nodes}", f"#SBATCH --ntasks={shape.ranks}",
            f"#SBATCH --cpus-per-task={shape.threads}",
            f"#SBATCH --mem={asked_for(node) // MIB}M"]


def changes(question: Question, room: float, predicted: Predict = predict) -> list[str]:
    """Return what to change so that a node's ranks take at most `room` bytes, and what it brings.

    The first that are enough by themselves come first.
    """
    now = predicted(question).of_node()[0]
    tried: list[tuple[str, Question]] = []
    if question.ranks > 1 and question.scheme == "metis":
        tried.append(("parameters={'partition_scheme': 'hilbert'} in distribute",
                      question._replace(scheme="hilbert")))
    if question.ranks > 1 and question.nodes < question.ranks:
        more = min(question.ranks, 2 * question.nodes)
        tried.append((f"{more} nodes instead of {question.nodes}",
                      question._replace(nodes=more)))
    if question.ranks > 2:
        fewer = question.ranks // 2
        tried.append((f"{fewer} ranks instead of {question.ranks}, with twice the threads",
                      question._replace(ranks=fewer, nodes=min(fewer, question.nodes))))
    if question.ranks > 1 and question.nodes == 1:
        tried.append(("one process with threads instead of ranks", question._replace(ranks=1)))
    if question.ranks == 1:
        tried.append(("2 nodes with a rank each, parted in Hilbert order", question._replace(
            ranks=2, nodes=2, scheme="hilbert")))
    if question.store:
        tried.append(("no frames (domain.set_store(False))", question._replace(store=False)))
    if "centroids" not in question.features:
        tried.append(("quantities set with location='centroids'", question._replace(
            features={**question.features, "centroids": 1})))
    if "fit" in question.features:
        others = {name: count for name, count in question.features.items() if name != "fit"}
        tried.append(("a raster instead of a fit to points", question._replace(
            features=others | {"raster": 1})))
    found = []
    for text, other in tried:
        takes = predicted(other).of_node()[0]
        if takes < 0.98 * now:
            enough = "enough" if takes <= room else "not enough"
            found.append((takes > room, takes, f"{text}: {takes / GIB:,.2f} GiB, {enough}"))
    lines = [text for _, _, text in sorted(found)]
    few = _most_within(question, room, of_node_lean(predicted))
    if few:
        lines.append(f"a mesh of {few:,} triangles: largest areas "
                     f"{question.triangles / few:,.2f} times those, or only in the coarsest region")
    return lines


def _most_within(question: Question, room: float, of_node: Callable[[Question], float]) -> int:
    low, high = question.ranks - 1, question.triangles
    while low < high:
        middle = (low + high + 1) // 2
        if of_node(question._replace(triangles=middle)) <= room:
            low = middle
        else:
            high = middle - 1
    return 0 if low < question.ranks else low
