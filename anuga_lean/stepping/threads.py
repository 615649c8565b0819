"""Decides how many OpenMP threads this process may use, and which Python thread may step.

Owns one fact of libgomp: a process forked from one that has run on several
threads hangs in its first region of several.  Threads that wait are ended before a fork, and a
process whose parent ran lean domains on several goes on with one; results do not depend on the
number.
"""

from __future__ import annotations

import os
import resource
import threading
import warnings
from threading import get_ident
from typing import Any

from anuga_lean import _kernels
from anuga_lean._errors import ThreadError
from anuga_lean.memory_limits import limit_error

_most_used = 1          # threads of any lean domain of this process so far
_forked_from = 1        # what _most_used was in the process this one was forked from
_made = 1               # threads that OpenMP has made, or could make
_UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


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


def give(run: Any, domain: Any) -> None:
    """Give a run the domain's threads, each with an arena.

    Raises
    ------
    MemoryLimitError
        There is no room for the arenas or the stacks: libgomp itself would end the process.
    """
    count = made(domain)
    try:
        run.set_threads(count)
    except MemoryError as error:
        raise _no_room(error, count, domain) from error


def made(domain: Any) -> int:
    """Return how many threads the domain's kernels may use; OpenMP has made them.

    Raises
    ------
    MemoryLimitError
        There is no room for their stacks.
    """
    global _made
    count = usable(domain.omp_num_threads)
    if count > _made:
        try:
            _kernels.make_threads(count, _stack_nbytes())
        except MemoryError as error:
            raise _no_room(error, count, domain) from error
        _made = count
    return count


def _no_room(error: MemoryError, count: int, domain: Any) -> MemoryError:
    threads = "an OpenMP thread" if count == 1 else f"{count} OpenMP threads"
    return limit_error(error, threads, domain.number_of_triangles)


def _stack_nbytes() -> int:
    """Return the bytes of the stack that libgomp gives a thread."""
    for name in ("OMP_STACKSIZE", "GOMP_STACKSIZE"):
        text = os.environ.get(name, "").strip().upper()
        number, unit = text.rstrip("BKMG").strip(), text[-1:] if text[-1:] in _UNITS else "K"
        if number.isdecimal():
            return min(int(number) * _UNITS[unit], 1 << 62)
    limit = resource.getrlimit(resource.RLIMIT_STACK)[0]
    return 2 << 20 if limit == resource.RLIM_INFINITY else limit     # as glibc takes it


class SteppingThread:
    """Keeps other threads away from a domain that is in the middle of a step.

    Parameters
    ----------
    domain : anuga_lean.stepping.domain.Domain

    Attributes
    ----------
    ident : int
        Of the thread that distributes or is in a step, as `threading.get_ident` has it; 0 for
        none.
    """

    def __init__(self, domain: Any) -> None:
        self._domain = domain
        self.ident = 0

    def enter(self) -> None:
        """Begin a step in this thread."""
        self.ident = get_ident()

    def leave(self) -> None:
        """End the step: any thread may begin the next one."""
        self.ident = 0

    def check(self) -> None:
        """Raise ThreadError unless the thread that began the step has ended."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        if self.ident in names:
            raise ThreadError(
                f"the domain {self._domain.get_name()!r} is in the middle of a step in the thread "
                f"{names[self.ident]!r}: {threading.current_thread().name!r} may use it at a "
                "yield, or a copy.deepcopy of it.")
        self.ident = 0


def _note_fork() -> None:
    global _forked_from, _made
    _made = 1
    _forked_from = max(_forked_from, _most_used)


# ANUGA's kernels, whose threads are those of the same runtime, may have run before.
os.register_at_fork(before=_kernels.end_openmp_threads, after_in_child=_note_fork)
