"""Runs ANUGA models in a fraction of the memory, with the same results to the last bit.

`import anuga_lean as anuga` is a drop-in: the first name read from this module
that is ANUGA's loads ANUGA with the lean classes in.  Before that nothing of
ANUGA is loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from typing import Any

from anuga_lean._class_names import restored as _restored  # noqa: F401  (pickles name it)
from anuga_lean._errors import (
    AssignmentWarning as AssignmentWarning,
)
from anuga_lean._errors import (
    BrokenInstallation as BrokenInstallation,
)
from anuga_lean._errors import (
    CheckpointError as CheckpointError,
)
from anuga_lean._errors import (
    CheckpointWarning as CheckpointWarning,
)
from anuga_lean._errors import (
    CommandError as CommandError,
)
from anuga_lean._errors import (
    HookError as HookError,
)
from anuga_lean._errors import (
    HookWarning as HookWarning,
)
from anuga_lean._errors import (
    LaunchError as LaunchError,
)
from anuga_lean._errors import (
    LeanError as LeanError,
)
from anuga_lean._errors import (
    MemoryLimitError as MemoryLimitError,
)
from anuga_lean._errors import (
    MemoryWarning as MemoryWarning,
)
from anuga_lean._errors import (
    MergeError as MergeError,
)
from anuga_lean._errors import (
    MeshError as MeshError,
)
from anuga_lean._errors import (
    MeshGeneratorError as MeshGeneratorError,
)
from anuga_lean._errors import (
    PartitionError as PartitionError,
)
from anuga_lean._errors import (
    PartsWarning as PartsWarning,
)
from anuga_lean._errors import (
    ScenarioError as ScenarioError,
)
from anuga_lean._errors import (
    StockAnugaWarning as StockAnugaWarning,
)
from anuga_lean._errors import (
    StockKernelWarning as StockKernelWarning,
)
from anuga_lean._errors import (
    StudyError as StudyError,
)
from anuga_lean._errors import (
    ThreadError as ThreadError,
)
from anuga_lean._errors import (
    UnsupportedFeature as UnsupportedFeature,
)
from anuga_lean._errors import (
    UnsupportedVersion as UnsupportedVersion,
)
from anuga_lean._package_version import __version__ as __version__
from anuga_lean.measure.marks import mark as mark
from anuga_lean.overlay import import_hook as _import_hook
from anuga_lean.overlay import install as _install
from anuga_lean.overlay import mpi_settings as _mpi_settings

_OWN = ("AssignmentWarning", "BrokenInstallation", "CheckpointError", "CheckpointWarning",
        "CommandError", "HookError", "HookWarning", "LaunchError", "LeanError", "MemoryLimitError",
        "MemoryWarning", "MergeError", "MeshError", "MeshGeneratorError", "PartitionError",
        "PartsWarning", "ScenarioError", "StockAnugaWarning", "StockKernelWarning", "ThreadError",
        "StudyError", "UnsupportedFeature", "UnsupportedVersion", "from_domain", "mark",
        "resume_or", "study")

_mpi_settings.watch()
_import_hook.watch()
_import_hook.join_loaded()


def from_domain(domain: Any) -> Any:
    """Turn a domain made by ANUGA's own classes into a lean one, in place.

    Parameters
    ----------
    domain : anuga.Domain
        Its quantities, boundaries and operators stay as they are; its centroid
        arrays keep their identity; every other array is released.

    Returns
    -------
    anuga.Domain
        The same object, now lean; as it was, with a StockAnugaWarning, if the inside of the
        installed ANUGA is not known.

    Raises
    ------
    TypeError
        If `domain` is not a shallow water domain of ANUGA's.
    UnsupportedVersion
        The inside of the installed ANUGA is not known and ANUGA_LEAN_STRICT asks for an error.
    BrokenInstallation
        ANUGA is not whole.
    """
    if not _install.load():
        return domain
    from anuga_lean.checkpoint.domain import Domain
    from anuga_lean.stepping import conversion
    return conversion.from_domain(domain, Domain)


def resume_or(build: Callable[[], Any]) -> Any:
    """Return the domain that a function builds; it goes on where its last run was stopped.

    Parameters
    ----------
    build : callable
        Returns the domain as a run begins with it: mesh, quantities, boundaries, operators.

    Returns
    -------
    anuga.Domain
        Its first evolve takes the state of the newest whole set of its name and mesh, if there
        is one, as under ``anuga_lean run --guard --resume``; this process is guarded so from now
        on.  ANUGA's own, with a StockAnugaWarning, if the inside of the installed ANUGA is not
        known.

    Raises
    ------
    CommandError
        The file ``stop.flag`` is there, which would stop the run at once.
    TypeError
        What `build` returns is no lean domain.
    """
    _anuga()
    if not _install.is_installed():
        return build()
    from anuga_lean.guard.starting import begin_resuming
    begin_resuming()
    domain = build()
    from anuga_lean.checkpoint.domain import Domain
    if not isinstance(domain, Domain):
        raise TypeError(f"build() has returned {type(domain).__name__}, which is no lean domain: "
                        "let it return the domain that is to evolve")
    return domain


def study(folder: str | os.PathLike[str], *, on: str = "local", memory: str | None = None,
          cores: int | None = None, jobs: dict[str, Any] | None = None, **keys: Any) -> Any:
    """Run a study, or what is missing of one: members of a script, bounded by memory.

    Parameters
    ----------
    folder : path
        Of the members; made if it is not there.
    on : str
        ``local``, ``slurm``, or the address of a Dask scheduler.
    memory : str, optional
        Of all members together on this machine, e.g. ``48GiB``.
    cores : int, optional
    jobs : dict, optional
        On Slurm: ``count``, ``memory``, ``cores``, ``time`` (and ``largest``, ``partition``,
        ``directives``) of its jobs.
    **keys
        As in a study file: ``script``, ``grid``, ``replicates``, ``summary``, ...; files are
        relative to the current folder.

    Returns
    -------
    anuga_lean.studies.interface.Results
        Counts, failures, and the results as a table or an xarray Dataset.

    Raises
    ------
    StudyError
        A key or a value means nothing, the folder is another study's, or a member asks for more
        memory than there is.
    """
    from anuga_lean.studies.interface import run_study
    return run_study(folder, on, memory, cores, jobs, keys)


def _checkpoint(absolute: str, given: str, identity: str) -> Any:
    """Return the domain of a checkpoint; files under ANUGA's names for them hold this call."""
    from anuga_lean.checkpoint.loading import set_of_stub
    return set_of_stub(absolute, given, identity)


def _anuga() -> Any:
    """Load ANUGA with the lean classes in, and the guard that the environment asks for."""
    anuga = _install.install()
    if os.environ.get("ANUGA_LEAN_GUARD", "0") not in ("", "0") and _install.is_installed():
        from anuga_lean.guard.starting import begin_by_environment
        begin_by_environment()
    return anuga


def _is_own_module(name: str) -> bool:
    """Whether `name` is a module of this package that is not loaded yet."""
    return PathFinder.find_spec(f"{__name__}.{name}", __path__) is not None


def __getattr__(name: str) -> Any:
    if name.startswith("__") and name != "__all__" or _is_own_module(name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__all__":
        anuga = _anuga()
        names = getattr(anuga, "__all__", [n for n in vars(anuga) if not n.startswith("_")])
        return [*_OWN, *names]
    anuga = _anuga()
    if name == "load_checkpoint_file" and not _install.is_installed():
        from anuga_lean.checkpoint.on_stock import load_checkpoint_file
        return load_checkpoint_file
    try:
        return getattr(anuga, name)
    except AttributeError:
        raise AttributeError(
            f"neither anuga_lean nor anuga has an attribute {name!r}") from None


def __dir__() -> list[str]:
    names = set(globals()) | set(_OWN)
    if "anuga" in sys.modules:
        names |= set(vars(sys.modules["anuga"]))
    return sorted(names)
