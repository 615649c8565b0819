"""Delays MPI in a process that no launcher has started, until it asks for other ranks.

Owns the stand-ins for what ANUGA takes from mpi4py.MPI, which hold meanwhile that this
process is alone, and the variables by which a launcher is known.  mpi4py initialises MPI
when it is loaded; with libmpi and its plugins that is 12 MiB of RSS.  Other delayed
imports are `late_imports`'; ranks that do not see each other are `stopping_ranks`'.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from anuga_lean._errors import LaunchError
from anuga_lean.overlay.stand_ins import Late, modules_of_anuga

_PACKAGE, _MODULE = "mpi4py", "mpi4py.MPI"
_ABSTRACTION = "anuga.utilities.parallel_abstraction"

# Variables of processes that were started by a launcher begin with one of these: Open MPI, PRRTE
# and PMIx; MPICH, Intel MPI and all others with Hydra or PMI; MVAPICH; srun; Cray's; IBM's jsrun;
# Flux; Fujitsu's; HPE's.  Too many of them here cost memory, one too few an error of `start`.
_LAUNCHERS = ("OMPI_COMM_WORLD_", "OMPI_UNIVERSE_", "PRTE_", "PMIX_", "PMI_", "PMI2_", "HYDI_",
              "HYDRA_", "MPI_LOCAL", "MPIRUN_", "MPIEXEC_", "MV2_COMM_WORLD_", "MVP_COMM_WORLD_",
              "SLURM_STEP", "SLURM_SRUN_", "PALS_", "ALPS_APP_", "JSM_", "FLUX_TASK_", "PLE_",
              "MPT_")
_SETTINGS = "_MCA_"     # of Open MPI, PRRTE and PMIx: a user may have set them for good

_ended_unstarted = False    # `finalize` was called, and MPI is not loaded


def is_launched(variables: Iterable[str]) -> bool:
    """Whether one of these environment variables is a launcher's."""
    return any(name.startswith(_LAUNCHERS) and _SETTINGS not in name for name in variables)


def waits() -> bool:
    """Whether MPI is not loaded yet, and need not be for this process to know that it is alone."""
    return not _is_loaded() and not is_launched(os.environ)


def _is_loaded() -> bool:
    return _MODULE in sys.modules


# -- stand-ins ---------------------------------------------------------------------


class _OfMPI(Late):
    """A stand-in for something of mpi4py.MPI."""

    __slots__ = ()

    def _find(self) -> Any:
        return getattr(start(), self._name or "")


class _Module(_OfMPI):
    """In the place of mpi4py.MPI itself."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return _OF_ONE[name] if name in _OF_ONE else _OfMPI(_MODULE, name)

    def _find(self) -> Any:
        return start()


class _World(_OfMPI):
    """In the place of COMM_WORLD: one process, number 0."""

    __slots__ = ()

    @property
    def rank(self) -> int:
        return start().COMM_WORLD.rank if _is_loaded() else 0

    @property
    def size(self) -> int:
        return start().COMM_WORLD.size if _is_loaded() else 1

    def Barrier(self) -> None:
        if _is_loaded():
            start().COMM_WORLD.Barrier()


class _ProcessorName(_OfMPI):
    """In the place of what Get_processor_name returned when ANUGA was imported."""

    __slots__ = ()

    def _find(self) -> Any:
        return start().Get_processor_name()


def is_finalized() -> bool:
    """Stand for MPI.Is_finalized."""
    return start().Is_finalized() if _is_loaded() else _ended_unstarted


def finalize() -> None:
    """Stand for MPI.Finalize: where MPI has not begun, it will have ended."""
    global _ended_unstarted
    if _is_loaded() or _ended_unstarted:
        start().Finalize()
    else:
        _ended_unstarted = True


def get_processor_name() -> Any:
    """Stand for MPI.Get_processor_name."""
    if sys.modules["anuga"].__spec__._initializing:     # type: ignore[union-attr]
        return _ProcessorName(_MODULE, "Get_processor_name")
    try:
        return start().Get_processor_name()
    except ImportError:
        return sys.modules[_ABSTRACTION].get_processor_name()


# as a script sees them
finalize.__name__, get_processor_name.__name__ = "Finalize", "Get_processor_name"
_OF_ONE = {"COMM_WORLD": _World(_MODULE, "COMM_WORLD"), "Is_finalized": is_finalized,
           "Finalize": finalize, "Get_processor_name": get_processor_name}


def stand_in() -> Any:
    """Return what holds the name MPI in ANUGA's module until MPI is loaded."""
    return _Module(_PACKAGE, "MPI")


# -- the real one ------------------------------------------------------------------


def start() -> Any:
    """Load mpi4py.MPI, put it into ANUGA's modules, and return it.

    Raises
    ------
    LaunchError
        This process is one of several, and nothing had said so.
    ImportError
        MPI cannot be loaded; ANUGA's modules then have its interface for going without.
    """
    global _ended_unstarted
    is_first, has_ended = not _is_loaded(), _ended_unstarted
    try:
        MPI = importlib.import_module(_MODULE)
    except ImportError:
        _go_without()
        raise
    _ended_unstarted = False
    if MPI.Is_initialized() and not MPI.Is_finalized():
        if MPI.COMM_WORLD.size > 1:
            raise LaunchError(
                f"this process is one of {MPI.COMM_WORLD.size} of MPI, but ANUGA was imported as "
                "if it were alone, since its launcher sets no variable that anuga_lean knows: put "
                "'from mpi4py import MPI' above the first import of ANUGA.")
        _put_in_place(MPI)
        if is_first and has_ended:
            MPI.Finalize()
    return MPI


def check_alone() -> None:
    """Start MPI, if it waits, to see whether it knows of other ranks; see `start` for errors."""
    if type(vars(sys.modules[_ABSTRACTION]).get("MPI")) is _Module:
        with suppress(ImportError):     # ANUGA goes without
            start()


def _put_in_place(MPI: Any) -> None:
    functions = {finalize: MPI.Finalize, get_processor_name: MPI.Get_processor_name}
    for module in modules_of_anuga():
        for key, value in vars(module).copy().items():
            if type(value) is _Module:
                vars(module)[key] = MPI
            elif type(value) is _ProcessorName:
                vars(module)[key] = MPI.Get_processor_name()
            elif issubclass(type(value), _OfMPI):
                vars(module)[key] = getattr(MPI, value._name)
            elif value is finalize or value is get_processor_name:
                vars(module)[key] = functions[value]


def _go_without() -> None:
    """Give ANUGA's modules what they have where mpi4py cannot be imported."""
    abstraction = sys.modules[_ABSTRACTION]
    before = vars(abstraction).copy()
    importlib.reload(abstraction)
    after = vars(abstraction)
    for name, value in before.items():
        if issubclass(type(value), _OfMPI) and after[name] is value:
            del after[name]
        elif after[name] is not value:
            for module in modules_of_anuga():
                if vars(module).get(name) is value:
                    vars(module)[name] = after[name]
