"""Says what to do when memory runs out, in setting a model up and in its steps.

Owns the sentence: which stage, how many triangles, how many bytes were asked
for, and whose limit stood in the way; and the room that is asked for before
code that could not tell.  What a step leaves behind is in `stepping.cut_off`.
Linux kills a process that takes more than the machine has without asking; this
is about limits that are set.
"""

from __future__ import annotations

import errno
import functools
import math
import mmap
import resource
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from anuga_lean._errors import LeanError, MemoryLimitError
from anuga_lean._netcdf4 import load_netcdf4

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MIB = 2**20

# Address space set aside until a stage fails: what a stage has made in small objects is held by
# the error's traceback, and the sentence needs memory too.  More than an arena of Python's, which
# is 1 MiB; no page of it is touched, so it adds nothing to what the process holds.
_RESERVE_NBYTES = 2 * _MIB
_reserve: mmap.mmap | None = None
_before_first: list[Callable[[], None]] = []

# What the netCDF library takes to open a file of the classic format, 4.9 MiB of it at once, and
# what loading it takes, 26 MiB of which are not written.  Measured with netCDF4 1.7.4.  Without
# that much it ends the process ("NCbytes failure"), or takes the file for one of no known format.
_NETCDF_NBYTES = 8 * _MIB
_NETCDF_LOADED_NBYTES = 36 * _MIB

# Limit, what sets it, and the line of /proc/self/status that it bounds.
_LIMITS = ((resource.RLIMIT_AS, "RLIMIT_AS (ulimit -v)", "VmSize"),
           (resource.RLIMIT_DATA, "RLIMIT_DATA (ulimit -d)", "VmData"))


def stage(name: str | Callable[..., str],
          triangles: Callable[..., int | None]) -> Callable[[_Function], _Function]:
    """Decorate a function of a stage: it names the stage when memory runs out.

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
            with naming(name, triangles, args, kwargs):
                return function(*args, **kwargs)
        return staged  # type: ignore[return-value]
    return decorate


class naming:  # noqa: N801  # a context, as contextlib's are
    """Name a stage when memory runs out in a `with` block, as `stage` does for a function.

    Parameters
    ----------
    name, triangles : as of `stage`
    args, kwargs : tuple, dict
        What they are called with.
    """

    def __init__(self, name: str | Callable[..., str], triangles: Callable[..., int | None],
                 args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> None:
        self._name, self._triangles, self._args = name, triangles, args
        self._kwargs = kwargs or {}

    def __enter__(self) -> None:
        try:
            prepare()
        except MemoryError as error:
            raise self._said(error) from error

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        # Nothing may be allocated before the reserve is given up.
        short = _shortage(error)
        if short is not None and not isinstance(short, MemoryLimitError):
            raise self._said(short) from short

    def _said(self, error: Exception) -> MemoryLimitError:
        given_up = _give_reserve_up()
        name = self._name
        said = name if isinstance(name, str) else name(*self._args, **self._kwargs)
        count = self._triangles(*self._args, **self._kwargs)
        return MemoryLimitError(describe(error, said, count, given_up))


def telling(name: str) -> Callable[[_Function], _Function]:
    """Decorate a method that is a part of stages, each of which speaks in its place.

    It names itself where none does, and prepares nothing: a step makes many such calls.
    """
    def decorate(method: _Function) -> _Function:
        @functools.wraps(method)
        def told(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return method(self, *args, **kwargs)
            except MemoryLimitError:
                raise
            except MemoryError as error:
                raise part_error(error, name, count_of(self)) from error
        return told  # type: ignore[return-value]
    return decorate


def named(function: _Function, name: str) -> _Function:
    """Wrap a function that a script calls: it names itself where memory runs out.

    A stage around it speaks in its place, and so does another such function.
    """
    @functools.wraps(function)
    def speaking(*args: Any, **kwargs: Any) -> Any:
        try:
            prepare()
            return function(*args, **kwargs)
        except Exception as error:
            short = _shortage(error)
            if short is None or isinstance(short, MemoryLimitError):
                raise
            raise part_error(short, name, count_among(*args, **kwargs)) from short
    return speaking  # type: ignore[return-value]


def _shortage(error: BaseException | None) -> Exception | None:
    """Return the error by which memory ran out, also where code says something else of it."""
    if isinstance(error, MemoryError):
        return in_no_part(error)
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return error
    if isinstance(error, Exception) and not isinstance(error, LeanError) \
            and isinstance(error.__context__, MemoryError):
        return in_no_part(error.__context__)
    return None


def part_error(error: Exception, name: str, triangles: int | None) -> MemoryLimitError:
    """Return the MemoryLimitError of a part, in whose place a stage around it speaks."""
    found = limit_error(error, name, triangles)
    found.in_part = error       # type: ignore[attr-defined]
    return found


def in_no_part(error: MemoryError) -> MemoryError:
    """Return the error that a part has named, or `error` itself if a stage has."""
    return getattr(error, "in_part", error)


def limit_error(error: Exception, name: str, triangles: int | None,
                after: str = "") -> MemoryLimitError:
    """Return the MemoryLimitError for a MemoryError in a stage; `after`: a sentence at its end."""
    return MemoryLimitError(describe(error, name, triangles, _give_reserve_up()) + after)


def prepare() -> None:
    """Prepare for what may run out of memory: the reserve, and buffers for code that cannot say so.

    Raises
    ------
    MemoryError
        There is no room for the reserve.
    """
    global _reserve
    if is_limited():
        from anuga_lean import _kernels  # commands import this module and need no kernels

        _kernels.guard_raw_allocations()
    if _reserve is None:
        while _before_first:
            _before_first.pop()()
        _reserve = _reserved(_RESERVE_NBYTES)


def before_first_stage(call: Callable[[], None]) -> None:
    """Call a function once, when the first of what a script does with a model begins, or now."""
    if _reserve is None:
        _before_first.append(call)
    else:
        call()


def is_limited() -> bool:
    """Whether a limit of this process's memory is set."""
    return any([resource.getrlimit(number)[0] != resource.RLIM_INFINITY
                for number, _, _ in _LIMITS])


def _reserved(nbytes: int, written: bool = True) -> mmap.mmap:
    """Return address space that nothing else gets, of which no page is touched."""
    access = mmap.PROT_READ | (mmap.PROT_WRITE if written else 0)
    try:
        return mmap.mmap(-1, nbytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, access)
    except OSError as error:
        refused = MemoryError(f"there is no room for {nbytes} bytes")
        refused.nbytes = nbytes     # type: ignore[attr-defined]  # as our kernels' have
        raise refused from error


def check_room(nbytes: int, read_only_nbytes: int = 0) -> None:
    """Raise MemoryError if there is no room for what is allocated next, and told by nobody.

    Parameters
    ----------
    nbytes : int
        That are written, which RLIMIT_DATA bounds too.
    read_only_nbytes : int
        More, that are only read.
    """
    with _reserved(nbytes):
        if read_only_nbytes:
            _reserved(read_only_nbytes, written=False).close()


def asking_for_room(function: _Function) -> _Function:
    """Wrap ANUGA's NetCDFFile, the function: it opens a file only with the room for it."""
    @functools.wraps(function)
    def asking(file_name: Any, *args: Any, **kwargs: Any) -> Any:
        is_loaded = "netCDF4" in sys.modules
        check_room(_NETCDF_NBYTES, 0 if is_loaded else _NETCDF_LOADED_NBYTES)
        load_netcdf4()
        return function(file_name, *args, **kwargs)
    return stage(lambda file_name, *args, **kwargs: f"opening the netCDF file {file_name}",
                 count_unknown)(asking)  # type: ignore[return-value]


def _give_reserve_up() -> int:
    """Free the reserve for what is allocated next, and return its bytes."""
    global _reserve
    if _reserve is None:
        return 0
    _reserve.close()
    _reserve = None
    return _RESERVE_NBYTES


def describe(error: Exception, name: str, triangles: int | None, given_up: int = 0) -> str:
    """Return the sentence for an error in a stage, after which some address space was freed."""
    asked = bytes_asked(error)
    more = "more" if asked is None else f"{asked:,} bytes ({asked / _MIB:.1f} MiB) more"
    of = "" if triangles is None else f" of {triangles:,} triangles"
    return (f"not enough memory for {name}{of}: {more} was asked for "
            f"{_limit(given_up)}; take a mesh of fewer triangles, more ranks, or raise that limit.")


def raise_if_no_memory(error: OSError) -> None:
    """Raise MemoryError for an error of the system that says there is no memory."""
    if error.errno == errno.ENOMEM:
        raise MemoryError(str(error)) from error


def bytes_asked(error: Exception) -> int | None:
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
            # Some of what was given up may have been taken again since.
            held = min(int(fields[field].split()[0]) * 1024 + given_up, limit)
            return f"while {held / _MIB:.0f} of the {limit / _MIB:.0f} MiB of {who} are taken"
    held = int(fields["VmRSS"].split()[0]) * 1024
    return (f"while this process holds {held / _MIB:.0f} MiB, more than the kernel promises "
            "(vm.overcommit_memory)")


def count_given(owner: Any, coordinates: Any = None, triangles: Any = None, *args: Any,
                **kwargs: Any) -> int | None:
    """Return the number of triangles among the arguments of a mesh."""
    return len(triangles) if hasattr(triangles, "__len__") else None


def count_of(owner: Any, *args: Any, **kwargs: Any) -> int | None:
    """Return the number of triangles of a mesh or domain that knows it, or of what is on one."""
    found = getattr(owner, "number_of_triangles", None)
    return found if found is not None else getattr(
        getattr(owner, "domain", None) or getattr(owner, "owner", None),
        "number_of_triangles", None)


def count_among(*args: Any, **kwargs: Any) -> int | None:
    """Return the number of triangles of the first argument that is on a mesh."""
    found = [count for each in (*args, *kwargs.values()) if (count := count_of(each)) is not None]
    return found[0] if found else None


def count_unknown(*args: Any, **kwargs: Any) -> None:
    """Return no number of triangles, for what is about none in particular."""
