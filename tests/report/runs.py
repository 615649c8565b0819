"""Records of runs for the tests of the page: usual ones, a killed one, many ranks, hostile ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from following import made
from following.made import a_set, at_yield, begin, end, stage
from report.nights import HOSTILE

STAGES = ("imports", "domain", "distribute", "quantities", "first yield")


def usual(path: Path, outcome: str = "stopped", limit: int = 700) -> Path:
    """Two ranks for three hours near a limit."""
    seconds = (2.1, 30.0, 95.0, 140.0, 160.0)
    held = ((55, 54), (420, 55), (310, 150), (250, 190), (270, 205))
    events: list[dict[str, Any]] = [begin(seconds=140.0, wall=made.BEGAN + 140.0,
                                          argv=["model.py", "a b"],
                                          memory=[made.memory(250), made.memory(190)],
                                          limits=[made.level(300, limit)])]
    events += [stage(at, name, *mib) for at, name, mib in zip(seconds, STAGES, held, strict=True)]
    events.append(a_set(161.0, 0.0))
    for k in range(1, 360):
        at = 160.0 + 30.0 * k
        grown = min(100, k // 3)
        events.append(at_yield(at, 10.0 * k, 270 + grown, 205, used=400 + grown))
        events[-1]["level"]["limit"] = limit * made.MIB
        if k % 30 == 0:
            events.append(a_set(at + 1.0, 10.0 * k))
        if k == 300:
            events.append({"event": "warning", "seconds": at, "text": (
                "memory is short: 570 of 700 MiB (81%) of cgroup /x are taken; the 2 ranks of this "
                "run hold 540 MiB")})
    if outcome:
        events += [stage(10961.0, "evolve", 372, 206),
                   end(10962.0, outcome, 75, time=3590.0, why="SIGUSR1 came")]
    return made.write(path, *events)


def serial(path: Path) -> Path:
    """A short run whose limit is far away, on a system that says no PSS."""
    few = [begin(pids=(101,), nodes=(made.HERE,), limits=[made.level(900, 24_000, "this machine")]),
           stage(1.2, "imports", 60), at_yield(1.5, 0.0, 70), a_set(1.6, 0.0),
           end(4.0, "completed", 0)]
    for event in few:
        for sample in (*event.get("memory", ()), *event.get("ranks", ())):
            sample.pop("pss", None)
    few[2]["level"] = None
    return made.write(path, *few)


def many(path: Path) -> Path:
    """Forty ranks on two nodes."""
    nodes = ("cn1",) * 20 + ("cn2",) * 20
    pids = tuple(range(500, 540))
    events = [begin(pids=pids, nodes=nodes, memory=[made.memory(60)] * 20)]
    events += [stage(5.0 * k, name, *range(60 + 10 * k, 100 + 10 * k))
               for k, name in enumerate(STAGES, 1)]
    events += [at_yield(30.0 * k, float(k), *range(120, 140)) for k in range(1, 6)]
    return made.write(path, *events)


def hostile(path: Path) -> Path:
    """Texts that must not reach the page as markup, and numbers that no run has."""
    events = [begin(name=HOSTILE, algorithm=HOSTILE, argv=[HOSTILE], nodes=(HOSTILE, HOSTILE),
                    limits=[made.level(1, 400, HOSTILE)], wall=1e17),
              stage(2.0, HOSTILE, 60, 70), stage(-5.0, "x" * 300, 60, 70),
              stage(1e15, "late", 30, 2),
              at_yield(3.0, 1e300, 80, 90), {"event": "warning", "seconds": 4.0, "text": HOSTILE},
              {"event": HOSTILE, "seconds": "soon"}, end(5.0, HOSTILE, 10**30, why=HOSTILE)]
    return made.write(path, *events)


def bare(path: Path) -> Path:
    """A record that says next to nothing."""
    return made.write(path, {"event": "begin"})
