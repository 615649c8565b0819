"""Decides when a domain writes checkpoints, where, and how many of them stay."""

from __future__ import annotations

import math
import operator
import os
import time as clock
from pathlib import Path
from typing import Any, Literal

from anuga_lean._errors import CheckpointError
from anuga_lean.checkpoint.file import check_compression, sha256
from anuga_lean.checkpoint.names import check_name
from anuga_lean.mpi.ranks import Ranks, tried

Keep = int | Literal["all"]

KEEP: Keep = "all"
KEEP_VARIABLE = "ANUGA_LEAN_KEEP_CHECKPOINTS"


def set_checkpointing(domain: Any, checkpoint: bool, checkpoint_dir: str, checkpoint_step: int,
                      checkpoint_time: float | None, keep: Keep | None,
                      compression: str | None) -> None:
    """See `anuga_lean.checkpoint.domain.CheckpointedDomain.set_checkpointing`."""
    if not checkpoint:
        domain.checkpoint = False
        return
    if keep is not None:
        keep = _checked("keep", keep)
    else:
        kept_by_environment()
    if checkpoint_time is None and checkpoint_step < 1:
        raise CheckpointError(f"checkpoint_step={checkpoint_step} yieldsteps: give 1 or more.")
    check_compression(compression)
    ranks = Ranks.of_domain(domain)
    _, reason = tried(ranks, lambda: _use_folder(Path(checkpoint_dir), domain.get_name()))
    if reason is not None:
        raise CheckpointError(reason + ".")
    sha256()  # loads OpenSSL: now, so that the first set written is no peak of 4 MiB
    domain.checkpoint_dir = checkpoint_dir
    domain.checkpoint_keep = keep
    domain.checkpoint_compression = compression
    if checkpoint_time is not None:
        domain.checkpoint_time = checkpoint_time
        domain.checkpoint_step = 0
        begin_interval(domain)
    else:
        domain.checkpoint_step = checkpoint_step
    domain.checkpoint = True


def _use_folder(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"the checkpoint folder {folder} cannot be made: "
                              f"{error.strerror}") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise CheckpointError(f"the checkpoint folder {folder} cannot be read and written: "
                              "change its permissions or choose another checkpoint_dir")
    check_name(name, folder)


# -- how many stay ---------------------------------------------------------------


def kept(domain: Any) -> Keep:
    """Return how many sets of a domain stay: what the script says, or the environment.

    Raises
    ------
    CheckpointError
        One of them has a value that means nothing.
    """
    keep = domain.checkpoint_keep
    return kept_by_environment() if keep is None else _checked("checkpoint_keep", keep)


def kept_by_environment() -> Keep:
    """Return how many sets stay where the script does not say.

    Raises
    ------
    CheckpointError
        The variable has a value that means nothing.
    """
    text = os.environ.get(KEEP_VARIABLE, "").strip()
    return parsed_keep(KEEP_VARIABLE, text) if text else KEEP


def parsed_keep(what: str, text: str) -> Keep:
    """Return the number that a text says, or "all".

    Raises
    ------
    CheckpointError
        It says neither.
    """
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    return _checked(what, int(text) if is_number else text)


def _checked(what: str, keep: Any) -> Keep:
    if isinstance(keep, str) and keep == "all":
        return "all"
    try:
        count = 0 if isinstance(keep, (bool, str)) else operator.index(keep)
    except TypeError:
        count = 0
    if count < 1:
        raise CheckpointError(
            f"{what}={keep!r} sets of checkpoints: give 1 or more, or 'all'.")
    return count


# -- when ------------------------------------------------------------------------


def begin_interval(domain: Any) -> None:
    """Count the wall time to the next set from now on."""
    # ANUGA's own attribute, for scripts that read it or set it; clocks of the wall jump
    domain.walltime_prev = clock.time()
    domain.checkpoint_sets.interval = domain.walltime_prev, clock.monotonic()


def is_due(domain: Any) -> bool:
    """Whether a checkpoint is to be written at this yield; collective."""
    if domain.checkpoint_step != 0:
        return bool(domain.yieldstep_counter % domain.checkpoint_step == 0)
    late: bool = Ranks.of_domain(domain).from_first(
        _seconds_since(domain) > domain.checkpoint_time)
    return late


def _seconds_since(domain: Any) -> float:
    """Return the wall time since the last set, s; if the script says since when, from then."""
    wall, monotonic = domain.checkpoint_sets.interval
    if math.isnan(wall):        # a domain that was unpickled: it has another process's clock
        begin_interval(domain)
        return 0.0
    since = float(domain.walltime_prev)
    return clock.monotonic() - monotonic if since == wall else clock.time() - since
