"""How many OpenMP threads this process may use.

Owns one fact of libgomp: a process forked from one that has run on several
threads hangs in its first region of several.  Such a process goes on with one;
results do not depend on the number.
"""

from __future__ import annotations

import os
import warnings

_most_used = 1          # threads of any lean domain of this process so far
_forked_from = 1        # what _most_used was in the process this one was forked from


def usable(wanted: int) -> int:
    """Return how many of the `wanted` threads a kernel may use, and remember it."""
    global _most_used
    if wanted > 1 and _forked_from > 1:
        if _most_used > 1:
            _most_used = 1
            warnings.warn(
                f"this process was forked from one that had run on {_forked_from} OpenMP threads, "
                "which would hang: its domains run on 1 thread each; start it with "
                "multiprocessing's 'spawn' for more.", UserWarning, stacklevel=4)
        return 1
    if wanted > _most_used:
        _most_used = wanted
    return wanted


def _note_fork() -> None:
    global _forked_from
    _forked_from = max(_forked_from, _most_used)


os.register_at_fork(after_in_child=_note_fork)
