"""Learns from the records of guarded runs on this machine what predictions are off by.

Owns which records tell of a run, and the correction that follows by least squares; the lines of
a record are `guard.record`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anuga_lean.guard.recorded import event_of
from anuga_lean.plan.prediction import OF_FIRST, Prediction, predict
from anuga_lean.plan.question import Question, of_record
from anuga_lean.plan.table import Memory

MIB = 2**20
_LARGEST_RECORD = 64 * MIB
# How far a run may be from the table before anything is known of it: what a script imports and
# holds, bytes; what its arrays take, bytes per triangle; and how well a peak is measured, bytes.
_OFFSET, _SLOPE, _NOISE = 30 * MIB, 30.0, 1.5 * MIB
_MOST_BYTES = 1 << 50


class Run(NamedTuple):
    """What the record of a run tells.

    Attributes
    ----------
    question : Question
        What it was.
    mesh : str
        Digest of the meshes of its ranks.
    stages : dict
        By stage: memory by rank, None where it is not known.
    peak : float
        The most that a process was seen to hold, a lower bound if the run was killed.
    is_whole : bool
        Whether it came to its end.
    """

    question: Question
    mesh: str
    stages: dict[str, list[Memory | None]]
    peak: float
    is_whole: bool


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Return the runs of all records in folders; what is no record, or torn, is passed over."""
    found = []
    for folder in folders:
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]:
            try:
                if path.is_file() and path.stat().st_size <= _LARGEST_RECORD:
                    found += _runs_of(path.read_text(encoding="utf-8", errors="replace"))
            except OSError:
                continue    # another user's
    return found


def _runs_of(text: str) -> list[Run]:
    runs: list[list[dict[str, Any]]] = []
    for line in text.splitlines():
        event = event_of(line)
        if event.get("event") == "begin":
            runs.append([])
        if event and runs:
            runs[-1].append(event)
    return [run for events in runs if (run := _run_of(events)) is not None]


def _run_of(events: Sequence[dict[str, Any]]) -> Run | None:
    question = of_record(events[0])
    if question is None:
        return None
    stages, peak = {}, 0.0
    for event in events:
        ranks = event.get("ranks") if event.get("event") == "stage" else event.get("memory")
        memories = [_memory(each) for each in ranks] if isinstance(ranks, list) else []
        peak = max([peak, *(each.peak for each in memories if each)])
        if event.get("event") == "stage" and event.get("stage") in OF_FIRST \
                and len(memories) == question.ranks:
            stages[event["stage"]] = memories
    last = events[-1]
    is_whole = last.get("event") == "end" and last.get("outcome") == "completed"
    return Run(question, str(events[0].get("mesh")), stages, peak, is_whole)


def _memory(found: Any) -> Memory | None:
    if not isinstance(found, dict):
        return None
    numbers = [found.get(name) for name in Memory._fields]
    if not all(isinstance(each, int) and 0 < each < _MOST_BYTES for each in numbers):
        return None
    return Memory(*map(float, numbers))     # type: ignore[arg-type]


class Learnt(NamedTuple):
    """What records tell of a question.

    Attributes
    ----------
    runs : int
        On how many records it stands.
    residual : float
        The largest difference between the peak of one and what is predicted of it now, as a part
        of the peak; 0.0 without records.
    floor : float
        A process of such a run was seen to hold so much, bytes: no less is predicted.
    lines : dict
        By role of a rank and stage: offset and slope of `rss` and of `peak`, to be added.
    """

    runs: int
    residual: float
    floor: float
    lines: dict[tuple[str, str], tuple[Memory, Memory]]

    def correct(self, role: str, stage: str, n: float, memory: Memory) -> Memory:
        """Return what the table says, corrected; see `prediction.Correct`."""
        offset, slope = self.lines.get((role, stage), (Memory(0.0, 0.0), Memory(0.0, 0.0)))
        return Memory(memory.rss + offset.rss + slope.rss * n,
                      memory.peak + offset.peak + slope.peak * n)


def learn(question: Question, runs: Sequence[Run], mesh: str = "") -> Learnt:
    """Return what records of runs of the same kind tell of a run.

    Parameters
    ----------
    question : Question
    runs : sequence of Run
    mesh : str
        Digest of the run's mesh, if that is known already.
    """
    alike = [run for run in runs if run.question.key == question.key]
    whole = [run for run in alike if run.is_whole and run.peak]     # without /proc there is none
    floor = max((run.peak for run in alike if run.mesh == mesh or (
        run.question.triangles <= question.triangles and run.question.ranks == question.ranks)),
        default=0.0)
    points: dict[tuple[str, str], list[tuple[float, Memory]]] = {}
    for run in whole:
        for role, stage, n, off in _differences(run):
            points.setdefault((role, stage), []).append((n, off))
    lines = {where: _lines(each) for where, each in points.items()}
    found = Learnt(len(whole), 0.0, floor, lines)
    residuals = [abs(predict(run.question, found.correct).largest / run.peak - 1.0)
                 for run in whole]
    return found._replace(residual=max(residuals, default=0.0))


def _differences(run: Run) -> list[tuple[str, str, float, Memory]]:
    """Return role, stage, triangles, and what was measured above the table, of each reading."""
    said: Prediction = predict(run.question)
    found = []
    for stage, ranks in run.stages.items():
        for rank, measured in enumerate(ranks):
            role = "serial" if run.question.ranks == 1 else "others" if rank else "first"
            table = (said.others if rank else said.first).get(stage)
            if measured is None or table is None:
                continue
            n = said.triangles if rank else float(run.question.triangles)
            found.append((role, stage, n, Memory(measured.rss - table.rss,
                                                 measured.peak - table.peak)))
    return found


def _lines(points: list[tuple[float, Memory]]) -> tuple[Memory, Memory]:
    """Return the offset and the slope of differences by least squares.

    Notes
    -----
    Minimizes sum((d - a - b n)**2) / noise**2 + (a / offset)**2 + (b / slope)**2: with many
    records of several meshes the ordinary line, and with one of a small mesh an offset and no
    slope.
    """
    n = np.array([each for each, _ in points])
    rows = np.vstack([np.column_stack([np.ones_like(n), n]) / _NOISE,
                      np.diag([1.0 / _OFFSET, 1.0 / _SLOPE])])
    solved = []
    for kind in range(2):
        values = np.array([memory[kind] for _, memory in points]) / _NOISE
        solved.append(np.linalg.lstsq(rows, np.append(values, [0.0, 0.0]),
                                      rcond=None)[0])
    (offset_rss, slope_rss), (offset_peak, slope_peak) = solved
    return (Memory(float(offset_rss), float(offset_peak)),
            Memory(float(slope_rss), float(slope_peak)))


def with_floor(prediction: Prediction, floor: float) -> Prediction:
    """Return a prediction whose largest stage is no less than what was seen."""
    largest = prediction.largest
    if floor <= largest:
        return prediction
    factor = floor / largest
    first, others = ({stage: Memory(memory.rss, min(floor, memory.peak * factor))
                      for stage, memory in stages.items()}
                     for stages in (prediction.first, prediction.others))
    return prediction._replace(first=first, others=others)
