"""Frees the domains that were distributed, once the script no longer holds them.

Owns weak references to them, and when the garbage collector runs for them.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

from anuga_lean._kernels import release_free_memory

_left_behind: list[weakref.ref[Any]] = []


def leave_behind(domain: Any) -> None:
    """Note a domain whose parts are on all ranks now."""
    _left_behind.append(weakref.ref(domain))


def release_left_behind() -> None:
    """Free the domains that were distributed, if the script no longer holds them.

    A domain and its quantities hold each other, so that one which a script has
    let go of stays until the collector runs: 112 bytes per triangle of the
    whole mesh on rank 0.
    """
    if not _left_behind:
        return
    alive = any(each() is not None for each in _left_behind)
    _left_behind.clear()
    if alive:
        gc.collect()
        release_free_memory()
