"""Stops all ranks when one of them fails, and raises an error if ranks do not see each other.

Without it such a parallel run hangs, or every rank runs the whole model.  How a rank is
aborted is mpi4py's; a notebook, an interactive session and a serial run stay as they are.
"""

from __future__ import annotations

import atexit
import builtins
import functools
import os
import sys
from collections.abc import Callable, Mapping
from opcode import opmap
from pathlib import Path
from types import FrameType
from typing import Any

from anuga_lean._errors import LaunchError
from anuga_lean.overlay import late_mpi

# -- a rank that ends with an error ----------------------------------------------------

_RAISING = frozenset(opmap[name] for name in ("RAISE_VARARGS", "RERAISE"))
# Code of the last sys.exit or the like, the outermost frame, and the instruction it was at.
_left: list[tuple[Any, FrameType, int]] = []


def stop_all_together() -> None:
    """Make all ranks stop, from now on, when the script ends with an error on one.

    MPI_Finalize, which mpi4py calls when Python ends, waits for the other
    ranks, and those for an answer of the one that has failed.  As with
    `python -m mpi4py`, the rank aborts all of them instead, after its traceback
    has been shown and everything else that Python does at its end.
    """
    if _is_interactive() or not _has_other_ranks():
        return
    atexit.register(_at_exit)
    sys.exit = _noting(sys.exit)
    quitter = type(getattr(builtins, "exit", None))
    if quitter.__name__ == "Quitter":   # site's exit() and quit() raise by themselves
        quitter.__call__ = _noting(quitter.__call__)  # type: ignore[method-assign]


def stop_others(error: BaseException) -> None:
    """Make this rank abort the others when it ends, because of an error of the script."""
    if not _has_other_ranks():
        return
    from mpi4py.run import set_abort_status

    named = isinstance(error, (SystemExit, KeyboardInterrupt))
    set_abort_status(error if named else 1)


def _has_other_ranks() -> bool:
    mpi = sys.modules.get("mpi4py.MPI")
    return mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized() \
        and mpi.COMM_WORLD.size > 1


def _is_interactive() -> bool:
    return hasattr(sys, "ps1") or bool(sys.flags.inspect) or hasattr(builtins, "__IPYTHON__")


def _noting(leave: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function that raises SystemExit so that it leaves a note: Python keeps none."""
    @functools.wraps(leave)
    def noting(*args: Any, **kwargs: Any) -> Any:
        try:
            return leave(*args, **kwargs)
        except SystemExit as error:
            frame = sys._getframe()
            while frame.f_back is not None:
                frame = frame.f_back
            _left[:] = [(error.code, frame, frame.f_lasti)]
            raise
    return noting


def _at_exit() -> None:
    for code, frame, instruction in _left:
        if _ended_at(frame, instruction):
            stop_others(SystemExit(code))
    # The interpreter sets it before it shows a traceback, whatever sys.excepthook is; so do
    # debuggers and pytest, of errors that were caught.
    error: BaseException | None = getattr(sys, "last_value", None)
    trace = None if error is None else error.__traceback__
    if error is not None and trace is not None and trace.tb_frame.f_back is None \
            and _ended_at(trace.tb_frame, trace.tb_lasti):
        stop_others(error)


def _ended_at(frame: FrameType, instruction: int) -> bool:
    """Whether an exception that came to an instruction of the outermost frame has ended it."""
    # or raised anew, at the end of a `finally` or an `except`
    return frame.f_lasti == instruction or frame.f_code.co_code[frame.f_lasti] in _RAISING


# -- ranks that do not see each other ---------------------------------------------------

# Variables that launchers set to the number of processes they have started.  SLURM_NTASKS is
# not one: a batch script has it too, and what that runs without srun is alone.
_COUNTS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


def started_with(variables: Mapping[str, str]) -> tuple[int, str]:
    """Return as one of how many processes this one was started, and the variable that says so."""
    for name in _COUNTS:
        value = variables.get(name, "")
        if value.isdecimal() and int(value) > 1:
            return int(value), name
    return 1, ""


def check_launch() -> None:
    """Check that this process sees the ranks it was started with.

    Raises
    ------
    LaunchError
        It was started as one of several, but by the launcher of another MPI
        than mpi4py's, so that every rank would run the whole model; or its
        launcher sets none of the variables by which one is known.
    """
    count, variable = started_with(os.environ)
    if count == 1:
        late_mpi.check_alone()
        return
    from anuga import numprocs

    if numprocs == 1:
        raise LaunchError(
            f"this process was started as one of {count} ({variable}={count}) but {_why_alone()}; "
            f"to run it alone, unset {variable}.")


def _why_alone() -> str:
    """Say why a rank is alone, and what to type."""
    try:
        from mpi4py import MPI
    except ImportError:
        return (f"{sys.executable} has no mpi4py, so that it would run the whole model by itself: "
                f"{sys.executable} -m pip install 'anuga_lean[mpi]'")
    library = MPI.Get_library_version().split("\n")[0].split(",")[0].strip("\0 ")
    launcher = Path(sys.executable).with_name("mpiexec")
    todo = f"start it with {launcher}" if launcher.exists() else \
        f"start it with the mpiexec of {library}, or install an mpi4py made for the other MPI"
    if "SLURM_STEP_NUM_TASKS" in os.environ:
        todo += ", or with 'srun --mpi=pmix', if 'srun --mpi=list' has it"
    return (f"sees no other, so that it would run the whole model by itself: mpi4py uses {library} "
            f"and the launcher is another MPI's; {todo}")


def seen_together(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function that distributes a model: check first that the ranks see each other."""
    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check_launch()
        return function(*args, **kwargs)
    return checked
