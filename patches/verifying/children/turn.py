"""Evolves a model a few steps whenever it is told to: ``turn.py run FOLDER``.

Prints ``ready``, and for each line that it reads the seconds of its next steps as a
JSON list: of the processor, for one thread's are the same whatever else it runs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import process_time
from typing import Any

del sys.path[0]

import anuga_lean.scenarios as scenarios  # noqa: E402
from anuga_lean.measure.child import ENDLESS, StepClock, import_anuga  # noqa: E402


class Turns(StepClock):
    """Ends a turn after so many steps and waits for the next one.

    Parameters
    ----------
    domain : anuga.Domain
    steps : int
        Of one turn.
    channel : text stream
        What the process printed on before ANUGA could.
    """

    def __init__(self, domain: Any, steps: int, channel: Any) -> None:
        self.steps, self.channel = steps, channel
        self._cpu = 0.0
        super().__init__(domain, None, lambda line: None)

    def end_step(self) -> None:
        """Run the fractional steps, note the step's time, and wait where it is a turn's last."""
        super().end_step()
        now = process_time()
        self.seconds[-1], self._cpu = now - self._cpu, now
        if len(self.seconds) >= self.steps:
            print(json.dumps(self.seconds), file=self.channel, flush=True)
            self.seconds.clear()
            self.wait()

    def wait(self) -> None:
        """Wait for the next turn; end the process when there is none."""
        if not sys.stdin.readline():
            os._exit(0)
        self._cpu = process_time()


def main(_: str, folder: str) -> None:
    """Build the model, then evolve in turns."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever ANUGA prints goes to the log
    request = json.loads((Path(folder) / "request.json").read_text())
    anuga = import_anuga("stock")
    steps = request.pop("steps")
    domain = scenarios.build("dam_break", anuga, datadir=folder, **request)
    print("ready", file=channel, flush=True)
    clock = Turns(domain, steps, channel)
    clock.wait()
    for _ in domain.evolve(yieldstep=ENDLESS / 10.0, finaltime=ENDLESS):
        clock.resume()


if __name__ == "__main__":
    main(*sys.argv[1:])
