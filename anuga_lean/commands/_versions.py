"""Describes what runs here, for ``anuga_lean --version``: versions, MPI, threads, kernels.

Owns how MPI's library is asked without starting MPI.
"""

from __future__ import annotations

import os
import platform

from anuga_lean.measure.environment import machine, versions


def lines() -> list[str]:
    """Return one line for each of anuga_lean, ANUGA, Python and numpy, MPI, OpenMP, kernels."""
    found = versions(("anuga_lean", "anuga", "numpy", "mpi4py"))
    said = {name: version or "(not installed)" for name, version in found.items()}
    return [
        f"anuga_lean {said['anuga_lean']}, anuga {said['anuga']}",
        f"Python {platform.python_version()}, numpy {said['numpy']}",
        f"MPI      {_mpi(found['mpi4py'])}",
        f"OpenMP   {_threads()}",
        f"kernels  {_kernels()}",
    ]


def _mpi(version: str | None) -> str:
    if version is None:
        return "none: mpi4py is not installed"
    try:
        import mpi4py

        # Its library answers before MPI_Init; a rank that asks must not start MPI.
        mpi4py.rc.initialize = mpi4py.rc.finalize = False
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:    # RuntimeError: there is no library of MPI's
        said = " ".join(str(error).split())
        return f"mpi4py {version}, which does not load: {said}"
    library = " ".join(MPI.Get_library_version().replace("\0", "").split())
    return f"mpi4py {version}, {library.partition(', package')[0]}"


def _threads() -> str:
    asked, cores = os.environ.get("OMP_NUM_THREADS"), machine()["cores"]
    if asked:
        return f"OMP_NUM_THREADS={asked}, of {cores} cores of this process"
    return f"OMP_NUM_THREADS is not set: {cores} threads, one for each core of this process"


def _kernels() -> str:
    try:
        from anuga_lean._kernels import available_isas
    except ImportError as error:
        return f"do not load: {error}"
    here = available_isas()
    chosen = os.environ.get("ANUGA_LEAN_ISA") or here[-1]
    return f"{chosen}, of {', '.join(here)} on this {platform.machine()} processor"
