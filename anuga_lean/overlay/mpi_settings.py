"""Gives Open MPI the one setting that is known to help, before mpi4py starts it.

Owns which versions get it: 5.0.10 and 5.0.11, whose ranks grow by hundreds of MiB a second while
they wait with more than 512 large messages open (`benchmarks/mpi_memory.py` shows it).  What the
user has set stays.  docs/parallel.md has what else was measured and is not set.
"""

from __future__ import annotations

import importlib.machinery
import os
import re
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_MODULE = "mpi4py.MPI"
# The list of fragments in shared memory, and its name in Open MPI 4.
NAMES = ("btl_sm_free_list_max", "btl_vader_free_list_max")
VARIABLE = f"OMPI_MCA_{NAMES[0]}"
# No cap: with one of 4,096 they grow as soon as that many messages are open.
VALUE = "-1"
_GROWING = re.compile(r"Open MPI v?5\.0\.1[01]\b")
_LONGEST = 8192     # characters of a library's version, and more than MPI allows
# Variables that name other files of settings than the usual ones.
_OWN_FILES = ("OMPI_MCA_mca_base_param_files", "OMPI_MCA_mca_param_files")


def grows(version: str) -> bool:
    """Return whether a library is one that grows, by what it says of itself, or its name."""
    return _GROWING.match(version) is not None


def is_users(variables: Mapping[str, str], files: Iterable[Path]) -> bool:
    """Return whether the user has set it, in a variable or in a file of settings."""
    if any(f"OMPI_MCA_{name}" in variables for name in NAMES):
        return True
    for path in files:
        with suppress(OSError):     # there is none
            for line in path.read_text(errors="replace").splitlines():
                if line.partition("=")[0].strip() in NAMES:
                    return True
    return False


def files_of(variables: Mapping[str, str], library: Path | None) -> list[Path]:
    """Return the files of settings that Open MPI, and PRRTE, which starts its ranks, may read.

    Parameters
    ----------
    variables : mapping
        Environment variables.
    library : Path or None
        The file of the MPI library.
    """
    named = [each for name in _OWN_FILES for each in variables.get(name, "").split(":") if each]
    if named:
        return [Path(each) for each in named]
    home = Path(variables.get("HOME") or "/nowhere")
    prefix = variables.get("OPAL_PREFIX") or (library.parent.parent if library else "/usr/local")
    return [home / ".openmpi/mca-params.conf", home / ".prte/mca-params.conf",
            *(Path(prefix, "etc", f"{part}-mca-params.conf") for part in ("openmpi", "prte")),
            Path("/etc/openmpi/openmpi-mca-params.conf")]


class _Finder:
    """Sees the import of mpi4py.MPI, which starts MPI, and finds nothing."""

    def find_spec(self, fullname: str, path: Sequence[str] | None,
                  target: types.ModuleType | None = None) -> None:
        if fullname != _MODULE:
            return
        sys.meta_path[:] = [each for each in sys.meta_path if each is not self]
        for finder in list(sys.meta_path):
            spec: importlib.machinery.ModuleSpec | None = finder.find_spec(
                fullname, path, target) if hasattr(finder, "find_spec") else None
            if spec is not None:
                _set_for(spec.origin)
                return


def watch() -> None:
    """Set it as soon as mpi4py is about to start MPI, where its MPI is one that grows."""
    if _MODULE not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _set_for(module: str | None) -> None:
    """Set it if the library is one that grows which mpi4py's compiled module is linked to."""
    import ctypes  # every Python that this package reaches would load it

    try:
        # What Python does with the file next, without running anything of it.
        linked = ctypes.CDLL(module, mode=os.RTLD_LAZY | os.RTLD_LOCAL)
        version = linked.MPI_Get_library_version    # may be called before MPI_Init
    except (OSError, AttributeError, TypeError):
        return      # mpi4py says what is wrong with it
    text, length = ctypes.create_string_buffer(_LONGEST), ctypes.c_int()
    if version(text, ctypes.byref(length)) == 0 and grows(text.value.decode("ascii", "replace")) \
            and not is_users(os.environ, files_of(os.environ, _library())):
        os.environ[VARIABLE] = VALUE


def _library() -> Path | None:
    """Return the file of the MPI library that is loaded; None where that cannot be seen."""
    with suppress(OSError), open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        for line in file:
            name = line.rstrip("\n").rpartition(" ")[2]
            if "/libmpi.so" in name:
                return Path(name)
    return None
