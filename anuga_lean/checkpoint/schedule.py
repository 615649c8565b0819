"""Decides when a domain writes checkpoints, and where."""

from __future__ import annotations

import os
import time as clock
from pathlib import Path
from typing import Any

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint.file import check_compression, sha256
from anuga_lean.mpi.ranks import Ranks, tried

KEEP = 2


def set_checkpointing(domain: Any, checkpoint: bool, checkpoint_dir: str, checkpoint_step: int,
                      checkpoint_time: float | None, keep: int, compression: str | None) -> None:
    """See `anuga_lean.checkpoint.domain.CheckpointedDomain.set_checkpointing`."""
    if not checkpoint:
        domain.checkpoint = False
        return
    if keep < 1:
        raise CheckpointError(f"keep={keep} sets of checkpoints: give 1 or more.")
    if checkpoint_time is None and checkpoint_step < 1:
        raise CheckpointError(f"checkpoint_step={checkpoint_step} yieldsteps: give 1 or more.")
    check_compression(compression)
    ranks = Ranks.of_domain(domain)
    _, reason = tried(ranks, lambda: _use_folder(Path(checkpoint_dir)))
    if reason is not None:
        raise CheckpointError(reason + ".")
    sha256()  # loads OpenSSL: now, so that the first set written is no peak of 4 MiB
    domain.checkpoint_dir = checkpoint_dir
    domain.checkpoint_keep = keep
    domain.checkpoint_compression = compression
    if checkpoint_time is not None:
        domain.walltime_prev = clock.time()
        domain.checkpoint_time = checkpoint_time
        domain.checkpoint_step = 0
    else:
        domain.checkpoint_step = checkpoint_step
    domain.checkpoint = True


def _use_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"the checkpoint folder {folder} cannot be made: "
                              f"{error.strerror}") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise CheckpointError(f"the checkpoint folder {folder} cannot be read and written: "
                              "change its permissions or choose another checkpoint_dir")


def is_due(domain: Any) -> bool:
    """Whether a checkpoint is to be written at this yield; collective."""
    if domain.checkpoint_step != 0:
        return bool(domain.yieldstep_counter % domain.checkpoint_step == 0)
    ranks = Ranks.of_domain(domain)
    late: bool = ranks.from_first(
        clock.time() - domain.walltime_prev > domain.checkpoint_time)
    return late
