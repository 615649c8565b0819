"""Says what to do when memory runs out while a model is set up.

Owns the sentence: which stage, how many triangles, how many bytes were asked
for, and whose limit stood in the way.  Linux kills a process that takes more
than the machine has without asking; this is about limits that are set.
"""

from __future__ import annotations

import functools
import math
import mmap
import resource
from collections.abc import Callable
from typing import Any, TypeVar

from anuga_lean._errors import MemoryLimitError

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MIB = 2**20

# Address space set aside until a stage fails: what a stage has made in small objects is held by
# the error's traceback, and the sentence needs memory too.  More than an arena of Python's, which
# is 1 MiB; no page of it is touched, so it adds nothing to what the process holds.
_RESERVE_NBYTES = 2 * _MIB
_reserve: mmap.mmap | None = None

# Limit, what sets it, and the line of /proc/self/status that it bounds.
_LIMITS = ((resource.RLIMIT_AS, "RLIMIT_AS (ulimit -v)", "VmSize"),
           (resource.RLIMIT_DATA, "RLIMIT_DATA (ulimit -d)", "VmData"))


def stage(name: str | Callable[..., str],
          triangles: Callable[..., int | None]) -> Callable[[_Function], _Function]:
    """Decorate a function of a stage of the setup: it names the stage when memory runs out.

    Parameters
    ----------
    name : str or function of the same arguments
        The stage, after "for".
    triangles : function of the same arguments
        How many triangles it is about; None if that is not known yet.

    Raises
    ------
    MemoryLimitError
        From the function, in place of any other MemoryError.  Of stages within
        each other the innermost speaks.
    """
    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def staged(*args: Any, **kwargs: Any) -> Any:
            try:
                _set_reserve_aside()
                return function(*args, **kwargs)
            except MemoryLimitError:
                raise
            except MemoryError as error:
                given_up = _give_reserve_up()
                said = name if isinstance(name, str) else name(*args, **kwargs)
                raise MemoryLimitError(
                    describe(error, said, triangles(*args, **kwargs), given_up)) from error
        return staged  # type: ignore[return-value]
    return decorate


def _set_reserve_aside() -> None:
    """Reserve the address space again that the last error took."""
    global _reserve
    if _reserve is None:
        try:
            _reserve = mmap.mmap(-1, _RESERVE_NBYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:
            raise MemoryError from error


def _give_reserve_up() -> int:
    """Free the reserve for what is allocated next, and return its bytes."""
    global _reserve
    if _reserve is None:
        return 0
    _reserve.close()
    _reserve = None
    return _RESERVE_NBYTES


def describe(error: MemoryError, name: str, triangles: int | None, given_up: int = 0) -> str:
    """Return the sentence for an error in a stage, after which some address space was freed."""
    asked = bytes_asked(error)
    more = "more" if asked is None else f"{asked:,} bytes ({asked / _MIB:.1f} MiB) more"
    of = "" if triangles is None else f" of {triangles:,} triangles"
    return (f"not enough memory for {name}{of}: {more} was asked for "
            f"{_limit(given_up)}; take a mesh of fewer triangles, more ranks, or raise that limit.")


def bytes_asked(error: MemoryError) -> int | None:
    """Return how many bytes an allocation asked for; None where the error does not tell."""
    nbytes = getattr(error, "nbytes", None)     # of our kernels
    if nbytes is None and hasattr(error, "shape") and hasattr(error, "dtype"):  # of numpy
        nbytes = math.prod(error.shape) * error.dtype.itemsize
    return nbytes


def _limit(given_up: int) -> str:
    """Say how much was held of the limit that was reached."""
    with open("/proc/self/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    for number, who, field in _LIMITS:
        limit = resource.getrlimit(number)[0]
        if limit != resource.RLIM_INFINITY:
            held = int(fields[field].split()[0]) * 1024 + given_up
            return f"while {held / _MIB:.0f} of the {limit / _MIB:.0f} MiB of {who} are taken"
    held = int(fields["VmRSS"].split()[0]) * 1024
    return (f"while this process holds {held / _MIB:.0f} MiB, more than the kernel promises "
            "(vm.overcommit_memory)")


def count_given(owner: Any, coordinates: Any = None, triangles: Any = None, *args: Any,
                **kwargs: Any) -> int | None:
    """Return the number of triangles among the arguments of a mesh."""
    return len(triangles) if hasattr(triangles, "__len__") else None


def count_of(owner: Any, *args: Any, **kwargs: Any) -> int | None:
    """Return the number of triangles of a mesh or a domain that knows it already."""
    return getattr(owner, "number_of_triangles", None)
