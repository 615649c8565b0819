"""Runs the command line as on macOS: no /proc, no /sys, no system calls that only Linux has.

``python as_macos.py VERB ...``.  Owns the pretence, for test_other_systems.  What is compiled stays
Linux's own; what is loaded before is what would look for files of macOS.
"""

from __future__ import annotations

import asyncio  # noqa: F401
import ctypes
import multiprocessing  # noqa: F401
import os
import pathlib
import resource
import sys
import sysconfig
import zoneinfo  # noqa: F401
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot  # noqa: F401
import netCDF4  # noqa: F401
import numpy  # noqa: F401
import pyproj  # noqa: F401
import scipy.interpolate
import scipy.sparse.linalg  # noqa: F401
import xarray  # noqa: F401

ONLY_LINUX = {os: ("sched_getaffinity", "sched_setaffinity", "memfd_create", "pidfd_open"),
              resource: ("prlimit",)}


def without_proc(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that finds nothing below /proc and /sys."""
    def called(path: Any = ".", *rest: Any, **named: Any) -> Any:
        if not isinstance(path, int) and os.fsdecode(path).startswith(("/proc", "/sys/")):
            raise FileNotFoundError(2, "No such file or directory", path)
        return function(path, *rest, **named)
    return called


def pretend() -> None:
    """Be macOS from here on."""
    import builtins
    import io
    sysconfig.get_config_vars()
    sys.platform = "darwin"
    sys.modules["mpi4py"] = None    # type: ignore[assignment]   # it would look for libmpi.dylib
    builtins.open = io.open = without_proc(open)
    for name in ("open", "stat", "lstat", "listdir", "scandir", "readlink", "access"):
        setattr(os, name, without_proc(getattr(os, name)))
    # Python 3.10's pathlib has them from when it was loaded.
    accessor = getattr(pathlib, "_NormalAccessor", None)
    for name in ("open", "stat", "listdir", "scandir", "readlink") if accessor else ():
        setattr(accessor, name, staticmethod(without_proc(getattr(accessor, name))))
    exists = os.path.exists
    os.path.exists = lambda path: not str(path).startswith(("/proc", "/sys/")) and exists(path)
    for module, names in ONLY_LINUX.items():
        for name in names:
            delattr(module, name)
    ctypes.CDLL(None).__class__.__getattr__ = _no_prctl(ctypes.CDLL.__getattr__)


def _no_prctl(found: Callable[..., Any]) -> Callable[..., Any]:
    def looked(self: Any, name: str) -> Any:
        if name == "prctl":
            raise AttributeError(name)
        return found(self, name)
    return looked


if __name__ == "__main__":
    pretend()
    from anuga_lean.__main__ import main
    sys.exit(main())
