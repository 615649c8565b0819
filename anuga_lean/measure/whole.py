"""Finds how long `evolve` takes as a whole, and which part of it several threads do not shorten.

Owns the serial fraction and the figures that follow from the split of a run (split.py), of runs
with one and with several threads.  Running them is comparison.py's and cases.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anuga_lean.measure.records import Figure, figure
from anuga_lean.measure.split import START, STORING

Run = Mapping[str, Any]


def seconds(run: Run, apart: Sequence[str] = ()) -> float:
    """Return the wall time of a run's `evolve`, s, without some of its parts."""
    return float(sum(took for part, took in run["split"].items() if part not in apart))


def of_steps(run: Run) -> float:
    """Return the wall time of a run's steps, s: without the start and the frames."""
    return seconds(run, (START, STORING))


def middle(runs: Sequence[Run]) -> Run:
    """Return the run whose `evolve` takes the median time; its parts add up to that."""
    return sorted(runs, key=seconds)[(len(runs) - 1) // 2]


def serial(one: float, several: float, threads: int) -> float:
    """Return the seconds that do not shrink with threads.

    Parameters
    ----------
    one, several : float
        Wall time on one thread and on several, s.
    threads : int
        How many.

    Notes
    -----
    Amdahl: T(n) = S + P / n, so that S = (n T(n) - T(1)) / (n - 1); 2 T(2) - T(1) for two.
    """
    return (threads * several - one) / (threads - 1)


def stock_over(stock: Sequence[Run], lean: Sequence[Run]) -> Figure:
    """Return how many times faster `evolve` is than stock's, from runs in pairs."""
    ratios = [seconds(a) / seconds(b) for a, b in zip(stock, lean, strict=True)]
    return figure(ratios, "x", "ratio")


def figures(one: Sequence[Run], several: Sequence[Run], threads: int) -> dict[str, Figure]:
    """Return the figures of `evolve` from runs on one thread and on several, in pairs.

    Returns
    -------
    dict
        ``evolve_seconds``; with several threads ``evolve_seconds_threads``, ``threads_over_one``
        (how many times faster) and the serial fractions of all (``serial_fraction``) and of the
        steps (``serial_fraction_steps``), in % of the time on one thread.
    """
    found = {"evolve_seconds": figure([seconds(run) for run in one], "s")}
    if not several:
        return found
    pairs = list(zip(one, several, strict=True))
    found["evolve_seconds_threads"] = figure([seconds(run) for run in several], "s")
    found["threads_over_one"] = figure([seconds(a) / seconds(b) for a, b in pairs], "x", "ratio")
    for name, time in (("serial_fraction", seconds), ("serial_fraction_steps", of_steps)):
        shares = [serial(time(a), time(b), threads) / time(a) for a, b in pairs]
        found[name] = figure(shares, "%", factor=100.0)
    return found
