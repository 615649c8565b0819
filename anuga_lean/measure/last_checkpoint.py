"""Has a measured run write a checkpoint after its last step.

Sets whose bytes and seconds are measured one by one are in checkpoints.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from anuga_lean.measure.stages import Stages


def write_last(domain: Any, folder: Path, clock: Any, stages: Stages) -> None:
    """Have the yield after the last step write a set, as the stage ``checkpoint``.

    Parameters
    ----------
    domain : Domain
        A lean one, before its first step.
    folder : path
        Of the set, made if missing.
    clock : child.StepClock
        It knows when the last step is over.
    stages : Stages
    """
    domain.set_checkpointing(checkpoint_dir=str(folder), checkpoint_time=math.inf)
    write = domain.checkpoint_sets.write

    def measured(domain: Any) -> None:
        stages.end("evolve")
        write(domain)
        stages.end("checkpoint")

    def ended() -> None:
        clock.detach()      # no set holds a clock
        domain.checkpoint_time = 0.0

    domain.checkpoint_sets.write = measured
    clock.last = ended
