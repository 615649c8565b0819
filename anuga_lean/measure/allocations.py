"""Finds the lines of code that make the peak of memory, with memray.

Owns the rule for a site: the innermost frame of ANUGA's, of anuga_lean's or of
the user's, with what libraries allocate on its behalf.  memray is optional.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

from anuga_lean._errors import AllocationError

_OWN_PACKAGES = ("anuga", "anuga_lean")
# Stand between ANUGA's import statements and what they load.
_BETWEEN = ("anuga_lean/overlay/late_imports.py", "anuga_lean/overlay/stand_ins.py",
            "anuga_lean/overlay/late_mpi.py")
# What runs in the measured process beside the model: the harness, and its count of arrays.
_HARNESS = re.compile(r"anuga_lean/(measure/|arrays/census\.py)")
_MISSING = "memray is not installed: pip install 'anuga_lean[bench]'"


class Site(NamedTuple):
    """A line of code and the bytes that were allocated on its behalf and alive."""

    site: str
    nbytes: int
    share: float


class Allocations(NamedTuple):
    """The memory that was alive at one moment of a recording.

    Attributes
    ----------
    nbytes : int
        All that was alive, but for what the harness has allocated.
    sites : list of Site
        Largest first; their shares add up to one.
    left_out : int
        What the harness has allocated, bytes.
    """

    nbytes: int
    sites: list[Site]
    left_out: int = 0


class Recording:
    """Records every allocation of this process into a file until `end`."""

    def __init__(self, path: Path) -> None:
        check_installed()
        import memray

        self._tracker: Any = memray.Tracker(
            destination=memray.FileDestination(str(path), overwrite=True),
            native_traces=False, follow_fork=False)
        self._tracker.__enter__()

    def end(self) -> None:
        """Stop recording; a second call does nothing."""
        if self._tracker is not None:
            self._tracker.__exit__(None, None, None)
            self._tracker = None


def check_installed() -> None:
    """Raise AllocationError if there is no memray here."""
    try:
        import memray  # noqa: F401
    except ImportError as error:
        raise AllocationError(_MISSING) from error


def at_peak(path: str | Path) -> Allocations:
    """Return what was alive at the peak of a recording."""
    return _read(path, "get_high_watermark_allocation_records")


def at_end(path: str | Path) -> Allocations:
    """Return what was alive when a recording ended."""
    return _read(path, "get_leaked_allocation_records")


def write_flamegraph(path: str | Path, report: str | Path) -> None:
    """Write memray's own flamegraph of the peak, an HTML file.

    Raises
    ------
    AllocationError
        memray could not.
    """
    done = subprocess.run([sys.executable, "-m", "memray", "flamegraph", "--force",
                           "--output", str(report), str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it printed nothing"]
        raise AllocationError(f"memray wrote no flamegraph {report}: {last[0]}")


def _read(path: str | Path, method: str) -> Allocations:
    check_installed()
    import memray

    totals: dict[str, int] = {}
    left_out = 0
    try:
        with memray.FileReader(str(path)) as reader:
            for record in getattr(reader, method)(merge_threads=True):
                stack = record.stack_trace()
                if _is_harness(stack):
                    left_out += record.size
                    continue
                site = _site(stack)
                totals[site] = totals.get(site, 0) + record.size
    except (OSError, ValueError) as error:
        raise AllocationError(f"{path} is no whole recording of memray's: {error}") from error
    everything = sum(totals.values())
    sites = [Site(site, nbytes, nbytes / everything) for site, nbytes in totals.items() if nbytes]
    return Allocations(everything, sorted(sites, key=lambda site: -site.nbytes), left_out)


def _is_harness(stack: list[tuple[str, str, int]]) -> bool:
    """Whether memory was allocated by what measures, and not by what is measured.

    That is where the innermost frame that is not a library's is the harness's; but where it
    imports ANUGA that is what ANUGA's import takes.
    """
    for function, file, _ in stack:
        if not _is_library(file):
            return function != "import_anuga" and bool(_HARNESS.search(file))
    return False


def _site(stack: list[tuple[str, str, int]]) -> str:
    """Return the innermost frame (function, file, line) that is not a library's, as text."""
    for function, file, line in stack:
        if not _is_library(file):
            return f"{_short(file)}:{line} {function}"
    if stack:
        function, file, line = stack[0]
        return f"{_short(file)}:{line} {function}"
    return "outside of Python"


@functools.cache  # a recording has few files and a million frames
def _is_library(file: str) -> bool:
    package = _package(file)
    if package is not None:
        return package not in _OWN_PACKAGES or file.endswith(_BETWEEN)
    return file.startswith(("<frozen", sysconfig.get_path("stdlib"))) or "/lib/python3" in file


def _package(file: str) -> str | None:
    """Return the package of a file of site-packages, or of a source folder of ours."""
    parts = Path(file).parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts[:-1]:
            return parts[parts.index(folder) + 1].removesuffix(".py")
    return None


@functools.cache
def _short(file: str) -> str:
    """Return the path from the package on."""
    parts = Path(file).parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            return "/".join(parts[parts.index(folder) + 1:])
    return file if file.startswith("<") else "/".join(parts[-2:])
