"""Measures time per step of a patched ANUGA against the release, step by step in turns.

Both models are built and wait; then one of them evolves a few steps while the
other one stands still, and so on.  Seconds are those of the processor, on one
thread.  Neighbouring turns share what else the machine does, so their ratio is
certain to a per cent where that of whole runs is not.
"""

from __future__ import annotations

import json
import select
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean.measure.measurement import child_environment, fixed_addresses, how_it_ended
from verifying.tree import Failure

CHILD = Path(__file__).resolve().parent / "children" / "turn.py"
LONGEST_TURN = 1800.0   # s, and the longest time that a model is built in


class Timing(NamedTuple):
    """Seconds per step of each turn, of the release and of the patched one, in pairs."""

    triangles: int
    stock: list[float]
    ours: list[float]

    @property
    def ratios(self) -> list[float]:
        """Return the seconds of the patched over those of the release, by pair of turns."""
        return [ours / stock for stock, ours in zip(self.stock, self.ours, strict=True)]

    @property
    def uncertainty(self) -> float:
        """Return how far the median ratio may be off: half the middle spread over root n."""
        ratios = self.ratios
        if len(ratios) < 2:
            return float("inf")
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return (high - low) / 2.0 / len(ratios) ** 0.5


def in_turns(stock: Path, ours: Path, model: Mapping[str, Any], steps: int, turns: int,
             processes: int, folder: Path) -> Timing:
    """Time the dam break on two interpreters.

    Parameters
    ----------
    stock, ours : Path
    model : mapping
        Options of the scenario, ``triangles`` and ``flow_algorithm``.
    steps, turns : int
        Steps of a turn, and turns of each model in one process.
    processes : int
        Pairs of processes, one after the other: where memory lies differs.

    Raises
    ------
    Failure
        One of the two fails.
    """
    timing = Timing(int(model["triangles"]), [], [])
    for number in range(processes):
        players = [_Player(python, {**model, "steps": steps}, folder / f"{name}_{number}")
                   for name, python in (("stock", stock), ("ours", ours))]
        try:
            for player in players:
                player.read()
            for turn in range(turns + 1):
                # Who comes first changes each time.
                order: Sequence[int] = (0, 1) if turn % 2 else (1, 0)
                seconds = {which: players[which].turn() for which in order}
                if turn:  # the first one meets cold caches and lazy arrays
                    timing.stock.append(seconds[0])
                    timing.ours.append(seconds[1])
        finally:
            for player in players:
                player.end()
    return timing


class _Player:
    """One of the two processes."""

    def __init__(self, python: Path, request: Mapping[str, Any], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "request.json").write_text(json.dumps(dict(request)))
        self.log = folder / "turn.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*fixed_addresses(), str(python), str(CHILD), "run", str(folder)], cwd=folder,
                env=child_environment(str(python), 1, None, folder), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def read(self) -> str:
        assert self.process.stdout is not None
        # It prints one line and waits: none is left in the buffer of this end.
        if not select.select([self.process.stdout], [], [], LONGEST_TURN)[0]:
            raise Failure(f"the model that is timed has not ended its steps within "
                          f"{LONGEST_TURN:g} s")
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"the model that is timed "
                          f"{how_it_ended(self.process.wait(), self.log)}")
        return line

    def turn(self) -> float:
        """Return seconds per step, the median of a turn."""
        assert self.process.stdin is not None
        try:
            print("go", file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # read() says how it ended
        return statistics.median(json.loads(self.read()))

    def end(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
        self.process.kill()
        self.process.wait()
